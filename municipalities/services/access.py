"""How people get into their account: password, address, second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction

from municipalities.mails import tell
from municipalities.models import EventKind, FactorReset, GrantState, User
from municipalities.permissions import may_decide_reset, may_reset_factor
from municipalities.services.people import NotAllowed, NotPossible
from municipalities.services.records import record

if TYPE_CHECKING:
    from datetime import datetime

LINK_OVER: Final = "Dieser Link gilt nicht mehr."


def choose_password(*, user: User, password: str, at: datetime) -> None:
    """Whoever opened the link in the mail to an unconfirmed address sets the password.

    It replaces the one the account was made with, which somebody else may know.
    """
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        person.set_password(password)
        person.save(update_fields=["password"])
        record(
            EventKind.PASSWORD_CHANGED,
            user=person,
            by=person,
            at=at,
            detail="mit der Bestätigung der Adresse",
        )


# --- The address ----------------------------------------------------------------------------------


def ask_address(*, user: User, email: str, token: str, at: datetime) -> None:
    """Send the new address a link with this token; nothing changes before it is opened.

    An address that has an account gets a mail that says so: the answer is the same.
    """
    taken = User.objects.filter(email=email).exists()
    template = "mails/accounts/address_taken.txt" if taken else "mails/accounts/address_new.txt"
    tell(email, template, at=at, event=f"{user.pk}:{at.timestamp()}", token=token)


def change_address(*, user: User, old: str, new: str, at: datetime) -> None:
    """The account has the new address from now on; the old one is told.

    The link came by mail to the new address, so it is verified. Raises NotPossible when the
    account has another address than when the link was asked for, or somebody else has the new.
    """
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        if person.email != old:
            raise NotPossible(LINK_OVER)
        person.email = new
        try:
            with transaction.atomic():  # the database decides: two may come at the same moment
                person.save(update_fields=["email"])
        except IntegrityError as error:
            raise NotPossible(LINK_OVER) from error
        EmailAddress.objects.filter(user=person).delete()
        EmailAddress.objects.create(user=person, email=new, verified=True, primary=True)
        record(EventKind.ADDRESS_CHANGED, user=person, by=person, at=at)
        tell(old, "mails/accounts/address_changed.txt", at=at, event=f"{person.pk}:{new}", new=new)


# --- A lost second factor -------------------------------------------------------------------------


def reset_factor(*, user: User, reason: str, by: User, at: datetime) -> FactorReset | None:
    """Take somebody's lost second factor away, for a reason that is kept.

    For somebody of a municipality at once; for a colleague a second person has to agree, and the
    row that waits for it is returned. Raises NotAllowed for one's own account and without the
    role „Personen", NotPossible without a reason, without a factor, or when it is asked already.
    """
    if not may_reset_factor(by, user):
        raise NotAllowed(
            "Einen zweiten Faktor setzt zurück, wer die Rolle „Personen“ hat, und niemand den "
            "eigenen."
        )
    if not reason.strip():
        raise NotPossible("Bitte nennen Sie den Grund.")
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        if not Authenticator.objects.filter(user=person).exists():
            raise NotPossible("Dieses Konto hat keinen zweiten Faktor.")
        if not person.is_staff:
            _take_away(person, reason, by, at)
            return None
        if person.factor_resets.filter(state=GrantState.ASKED).exists():
            raise NotPossible("Das ist für dieses Konto schon vorgeschlagen.")
        row = FactorReset.objects.create(user=person, reason=reason, asked_by=by, asked_at=at)
        record(EventKind.FACTOR_RESET_ASKED, user=person, by=by, at=at, detail=reason)
    return row


def agree_to_reset(reset: FactorReset, *, by: User, at: datetime) -> None:
    """The second pair of eyes: the factor goes. Raises NotAllowed and NotPossible."""
    if not may_decide_reset(by, reset):
        raise NotAllowed(
            "Zustimmen kann eine zweite Person mit der Rolle „Personen“: weder wer es "
            "vorgeschlagen hat noch wer den zweiten Faktor verloren hat."
        )
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=reset.user_id)
        row = _decide(reset, GrantState.GRANTED, by, at)
        _take_away(person, row.reason, by, at)


def refuse_reset(reset: FactorReset, *, by: User, at: datetime) -> None:
    """The factor stays; whoever asked may so take it back. Raises NotAllowed and NotPossible."""
    if not may_reset_factor(by, reset.user):
        raise NotAllowed("Das ist der Rolle „Personen“ vorbehalten, und nie für sich selbst.")
    with transaction.atomic():
        row = _decide(reset, GrantState.REFUSED, by, at)
        record(EventKind.FACTOR_RESET_REFUSED, user=row.user, by=by, at=at)


def _decide(reset: FactorReset, state: GrantState, by: User, at: datetime) -> FactorReset:
    row = FactorReset.objects.select_for_update().get(pk=reset.pk)
    if row.state != GrantState.ASKED:
        raise NotPossible("Darüber ist schon entschieden.")
    row.state, row.decided_by, row.decided_at = state, by, at
    row.save(update_fields=["state", "decided_by", "decided_at"])
    return row


def _take_away(person: User, reason: str, by: User, at: datetime) -> None:
    """Without the factor the password alone would do, so it goes too, and every session with it.

    The way back in begins in the person's mailbox, with a new password.
    """
    Authenticator.objects.filter(user=person).delete()
    person.set_unusable_password()
    person.save(update_fields=["password"])
    record(EventKind.FACTOR_RESET, user=person, by=by, at=at, detail=reason)
    tell(
        person.email,
        "mails/accounts/factor_reset.txt",
        at=at,
        event=f"{person.pk}:{at.timestamp()}",
        staff=person.is_staff,
    )
