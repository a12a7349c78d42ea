"""Invitations: by mail, with an end, for one address and one time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction

from municipalities.mails import tell
from municipalities.models import RIGHTS, EventKind, Invitation, Membership, User
from municipalities.permissions import may_look_after
from municipalities.services.people import (
    NotAllowed,
    NotPossible,
    check_no_staff,
    lock,
    managers,
)
from municipalities.services.records import record

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import Municipality

MOST_OPEN: Final = 50
"""So many invitations of one municipality may be open at once."""


def hash_of(token: str) -> str:
    """What is stored of a token: whoever reads the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def invite(
    *, municipality: Municipality, email: str, rights: dict[str, bool], by: User, at: datetime
) -> Invitation:
    """Ask somebody by mail to act for the municipality; an earlier open invitation is replaced.

    Only the mail holds the token. It ends after `INVITATION_DAYS` days. Raises NotAllowed for
    others than its managers and staff with that role, NotPossible when the address belongs to
    it already or too many invitations are open.
    """
    address = email.strip().lower()
    with transaction.atomic():
        town = lock(municipality)
        if not may_look_after(by, town):
            raise NotAllowed("Einladen kann nur, wer die Personen dieser Kommune verwaltet.")
        if town.memberships.filter(user__email=address, confirmed_at__isnull=False).exists():
            raise NotPossible("Diese Person gehört schon zu Ihrer Kommune.")
        _withdraw(town.invitations.filter(email=address), at)
        if town.invitations.open_at(at).count() >= MOST_OPEN:
            raise NotPossible(
                "Es sind schon sehr viele Einladungen offen. Ziehen Sie zuerst einige zurück."
            )
        token = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            municipality=town,
            email=address,
            token_hash=hash_of(token),
            created_by=by,
            created_at=at,
            expires_at=at + timedelta(days=settings.INVITATION_DAYS),
            **{name: bool(rights.get(name, False)) for name in RIGHTS},
        )
        record(
            EventKind.INVITED,
            by=by,
            municipality=town,
            at=at,
            detail=f"Rechte: {invitation.rights}",
        )
        tell(
            address,
            "mails/accounts/invited.txt",
            at=at,
            event=f"{invitation.pk}",
            invitation=invitation,
            token=token,
        )
    return invitation


def withdraw_invitation(*, invitation: Invitation, by: User, at: datetime) -> None:
    """The link in the mail serves no more.

    Raises NotAllowed as `invite`, NotPossible when it was accepted or withdrawn already.
    """
    with transaction.atomic():
        town = lock(invitation.municipality)
        if not may_look_after(by, town):
            raise NotAllowed("Das kann nur, wer die Personen dieser Kommune verwaltet.")
        if not _withdraw(Invitation.objects.filter(pk=invitation.pk), at):
            raise NotPossible("Diese Einladung ist nicht mehr offen.")
        record(EventKind.INVITATION_WITHDRAWN, by=by, municipality=town, at=at)


def _withdraw(invitations: object, at: datetime) -> int:
    changed: int = invitations.filter(  # type: ignore[attr-defined]
        accepted_at=None, withdrawn_at=None
    ).update(withdrawn_at=at)
    return changed


def find_invitation(token: str, at: datetime) -> Invitation | None:
    """The open invitation of this token, or None; none counts of an account that is blocked."""
    return (
        Invitation.objects.open_at(at)
        .filter(token_hash=hash_of(token), created_by__is_active=True)
        .select_related("municipality", "created_by")
        .first()
    )


def accept_invitation(*, token: str, by: User, at: datetime) -> Membership:
    """Take the invitation: the person belongs to the municipality, confirmed by whoever invited.

    Raises NotPossible when the link serves no more or for staff, NotAllowed for another address.
    """
    check_no_staff(by)
    with transaction.atomic():
        invitation = _locked(token, at)
        if by.email != invitation.email:
            raise NotAllowed("Diese Einladung gilt für eine andere E-Mail-Adresse.")
        return _accept(invitation, by, at)


def register_invited(*, token: str, name: str, password: str, at: datetime) -> User:
    """Make the account of an invited person and take the invitation with it.

    The token came by mail, so the address is verified. Raises NotPossible when the link serves
    no more or the address has an account already.
    """
    with transaction.atomic():
        invitation = _locked(token, at)
        user = open_account(email=invitation.email, name=name, password=password, at=at)
        _accept(invitation, user, at)
    return user


@transaction.atomic
def open_account(*, email: str, name: str, password: str, at: datetime) -> User:
    """An account for an address to which the link of an invitation was mailed: it is verified.

    Raises NotPossible where the address has an account already.
    """
    try:
        with transaction.atomic():  # the database decides: two may come at the same moment
            user = User.objects.create_user(email, password, name=name, created_at=at)
    except IntegrityError as error:
        raise NotPossible(
            "Zu dieser Adresse gibt es schon ein Konto. Bitte melden Sie sich an."
        ) from error
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    record(EventKind.REGISTERED, user=user, by=user, at=at, detail="über eine Einladung")
    return user


def _locked(token: str, at: datetime) -> Invitation:
    found = find_invitation(token, at)
    if found is None:
        raise NotPossible("Diese Einladung gilt nicht mehr.")
    lock(found.municipality)
    # Whoever came first has taken or withdrawn it meanwhile.
    found = find_invitation(token, at)
    if found is None:
        raise NotPossible("Diese Einladung gilt nicht mehr.")
    return found


def _accept(invitation: Invitation, by: User, at: datetime) -> Membership:
    rights = {name: getattr(invitation, name) for name in RIGHTS}
    row = Membership.objects.filter(user=by, municipality=invitation.municipality).first()
    if row is None:
        row = Membership(user=by, municipality=invitation.municipality, created_at=at)
    if not row.is_confirmed:
        row.confirmed_at, row.confirmed_by = at, invitation.created_by
        for name, value in rights.items():
            setattr(row, name, value)
        row.save()
    invitation.accepted_at, invitation.accepted_by = at, by
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    record(
        EventKind.INVITATION_ACCEPTED,
        user=by,
        by=by,
        municipality=invitation.municipality,
        at=at,
        detail=f"Rechte: {row.rights}",
    )
    for manager in managers(invitation.municipality):
        if manager.pk != by.pk:
            tell(
                manager.email,
                "mails/accounts/accepted.txt",
                at=at,
                event=f"{invitation.pk}",
                membership=row,
            )
    return row
