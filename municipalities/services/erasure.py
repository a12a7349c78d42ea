"""Accounts that end: closed by their person, never used, never confirmed; and old log lines.

An erased account leaves its number, which the case logs name, and nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from kiv_portal.models import Erasure, OutboxMail
from municipalities.mails import tell
from municipalities.models import (
    AccountEvent,
    EventKind,
    FactorReset,
    Invitation,
    Membership,
    RoleGrant,
    User,
)
from municipalities.services.people import NotPossible, end_membership
from municipalities.services.records import record
from municipalities.services.succession import managed_alone_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet

ERASED_DOMAIN: Final = "@geloescht.invalid"
"""What the address of an erased account ends in: no mail is ever sent there (RFC 2606)."""

SIGN_INS: Final = (
    EventKind.SIGNED_IN,
    EventKind.SIGN_IN_FAILED,
    EventKind.SIGNED_OUT,
    EventKind.SESSION_LAPSED,
    EventKind.SESSIONS_ENDED,
    EventKind.FACTOR_USED,
    EventKind.FACTOR_FAILED,
    EventKind.DATA_EXPORTED,
)
"""What the sign-in log keeps for the shorter period; all else is about accounts and rights."""


TOLD: Final = timedelta(days=30)
"""So long before an unused account is erased its person is told, and not less."""

TOLD_AGAIN: Final = timedelta(days=7)
"""And once more so long before."""


class UsedSince(Exception):
    """Somebody signed in, or the account was closed, after it was found due."""


WITH_REASON: Final = (EventKind.FACTOR_RESET_ASKED, EventKind.FACTOR_RESET)
"""Lines of the log that say why, in somebody's own words."""


def close_account(*, user: User, at: datetime) -> None:
    """The person closes the own account: out of every municipality, no sign-in from now on.

    It is erased after the period for closed accounts. Raises NotPossible for staff, and
    LastManager where nobody would be left to look after a municipality's people.
    """
    if user.is_staff:
        raise NotPossible(
            "Konten der Behörde schließt die Rolle „Personen“: An ihnen hängen Entscheidungen."
        )
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        for membership in Membership.objects.filter(user=person).select_related("municipality"):
            end_membership(membership=membership, by=person, at=at)
        person.is_active, person.closed_at = False, at
        person.save(update_fields=["is_active", "closed_at"])
        _end_sessions(person)
        record(EventKind.ACCOUNT_CLOSED, user=person, by=person, at=at)
        tell(
            person.email,
            "mails/accounts/closed.txt",
            at=at,
            event=f"{person.pk}:{at.isoformat()}",
            days=settings.RETENTION_DAYS["closed_accounts"],
        )


def _end_sessions(user: User) -> None:
    keys = list(UserSession.objects.filter(user=user).values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(user=user).delete()


# --- What is due ----------------------------------------------------------------------------------


def _people() -> QuerySet[User]:
    """Accounts that may end by themselves, never staff's; `seen`: last sign-in, or beginning."""
    return (
        User.objects.filter(is_staff=False, is_superuser=False)
        .exclude(email__endswith=ERASED_DOMAIN)
        .alias(seen=Coalesce("last_login", "created_at"))
        .order_by("pk")
    )


def warn_of_unused(at: datetime) -> int:
    """Tell people that their unused account will be erased, and how to keep it; how many mails.

    Twice, 30 and 7 days before, each once: a sign-in ends it, and after another long pause it
    begins anew. Where the worker stood still the end is later, never the time to answer shorter.
    """
    days = settings.RETENTION_DAYS["unused_accounts"]
    if days is None:
        return 0
    told = 0
    unused = _people().filter(closed_at=None)
    period = timedelta(days=days)
    first = unused.filter(
        Q(end_told_at=None) | Q(end_told_at__lt=F("seen")), seen__lte=at - period + TOLD
    )
    again = unused.filter(
        Q(end_told_again_at=None) | Q(end_told_again_at__lt=F("end_told_at")),
        seen__lte=at - period + TOLD_AGAIN,
        end_told_at__gte=F("seen"),
        end_told_at__lte=at - TOLD + TOLD_AGAIN,
    )
    for due, name, ahead in (
        (again, "end_told_again_at", TOLD_AGAIN),
        (first, "end_told_at", TOLD),
    ):
        for pk in list(due.values_list("pk", flat=True)):
            with transaction.atomic():
                # Looked at again under its lock: the person may have signed in since.
                person = due.select_for_update(of=("self",)).filter(pk=pk).first()
                if person is None:
                    continue
                seen = person.last_login or person.created_at
                setattr(person, name, at)
                person.save(update_fields=[name])
                tell(
                    person.email,
                    "mails/accounts/unused.txt",
                    at=at,
                    event=f"{person.pk}:{name}:{at.isoformat()}",
                    person=person,
                    seen_on=timezone.localdate(seen),
                    ends_on=timezone.localdate(max(seen + period, at + ahead)),
                    alone=managed_alone_by(person),
                )
                told += 1
    return told


def accounts_to_erase(at: datetime) -> dict[str, list[User]]:
    """Accounts whose time is over, by rule. Staff's are never among them by themselves.

    An unused one only when its person was told of it twice (`warn_of_unused`), and the last
    manager of a municipality not before there is a successor (`succession.check_successor`).
    """
    verified = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    waiting = EmailAddress.objects.filter(user=OuterRef("pk"), verified=False)
    people = _people()
    rules: dict[str, Callable[[datetime], QuerySet[User]]] = {
        "closed_accounts": lambda before: people.filter(is_active=False, closed_at__lte=before),
        "unused_accounts": lambda before: people.filter(
            closed_at=None,
            seen__lte=before,
            end_told_at__gte=F("seen"),
            end_told_at__lte=at - TOLD,
            end_told_again_at__gte=F("end_told_at"),
            end_told_again_at__lte=at - TOLD_AGAIN,
        ),
        "unverified_accounts": lambda before: people.filter(
            Exists(waiting), ~Exists(verified), last_login=None, created_at__lte=before
        ),
    }
    found: dict[str, list[User]] = {}
    taken: set[int] = set()
    for rule, due in rules.items():
        days = settings.RETENTION_DAYS[rule]
        rows = [] if days is None else due(at - timedelta(days=days))
        found[rule] = [user for user in rows if user.pk not in taken]
        taken |= {user.pk for user in found[rule]}
    return found


def check_unchanged(user: User) -> None:
    """Lock the account. Raises UsedSince where it is no longer as it was when it was found due."""
    person = User.objects.select_for_update().get(pk=user.pk)
    if (person.last_login, person.closed_at) != (user.last_login, user.closed_at):
        raise UsedSince


def proof_of(user: User) -> str:
    """What tells this account from another that gets its number after a restore."""
    return user.created_at.isoformat()


# --- Erasing --------------------------------------------------------------------------------------


def erase_account(*, user: User, rule: str, at: datetime) -> Erasure:
    """Replace the person's record by a number; all else that is about them goes.

    The caller holds the transaction in which what other rooms keep of the person goes as well.
    """
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        email, name = person.email, person.name
        _end_sessions(person)
        EmailAddress.objects.filter(user=person).delete()
        Authenticator.objects.filter(user=person).delete()
        Membership.objects.filter(user=person).delete()
        Membership.history.filter(user_id=person.pk).delete()
        Invitation.objects.filter(Q(email__iexact=email) | Q(accepted_by=person)).delete()
        OutboxMail.objects.filter(recipient__iexact=email).delete()
        named = Q(object_repr__icontains=email) | Q(change_message__icontains=email)
        if name:
            named |= Q(object_repr__contains=name) | Q(change_message__contains=name)
        LogEntry.objects.filter(named).delete()
        AccountEvent.objects.filter(Q(user=person) | Q(by=person)).update(address=None)
        # A reason is free text about the person.
        AccountEvent.objects.filter(user=person, kind__in=WITH_REASON).update(detail="")
        FactorReset.objects.filter(user=person).delete()
        RoleGrant.objects.filter(user=person).delete()
        person.email = f"konto-{person.pk}{ERASED_DOMAIN}"
        person.name = f"Gelöschtes Konto {person.pk}"
        person.phone, person.last_login, person.is_active = "", None, False
        person.set_unusable_password()
        person.save()
        person.groups.clear()
        person.user_permissions.clear()
        record(EventKind.ACCOUNT_ERASED, user=person, at=at)
        return Erasure.objects.note(person, proof=proof_of(person), rule=rule, at=at, files=[])


def prune_log(at: datetime) -> int:
    """Delete lines of the sign-in log whose period is over, and older internet addresses."""
    gone = 0
    for name, kinds in (
        ("sign_in_log", Q(kind__in=SIGN_INS)),
        ("rights_log", ~Q(kind__in=SIGN_INS)),
    ):
        days = settings.RETENTION_DAYS[name]
        if days is not None:
            rows = AccountEvent.objects.filter(kinds, at__lte=at - timedelta(days=days))
            gone += rows.delete()[0]
            if name == "rights_log":
                asked = FactorReset.objects.filter(asked_at__lte=at - timedelta(days=days))
                gone += asked.delete()[0]
                old = LogEntry.objects.filter(action_time__lte=at - timedelta(days=days))
                gone += old.delete()[0]
    days = settings.RETENTION_DAYS["sign_in_log"]
    if days is not None:
        lines = AccountEvent.objects.filter(address__isnull=False)
        lines.filter(at__lte=at - timedelta(days=days)).update(address=None)
    return gone


def forget_invitations(at: datetime) -> int:
    """Delete invitations whose end lies back the period."""
    days = settings.RETENTION_DAYS["invitations"]
    if days is None:
        return 0
    before = at - timedelta(days=days)
    ended = Q(withdrawn_at__lte=before) | Q(accepted_at__lte=before) | Q(expires_at__lte=before)
    return Invitation.objects.filter(ended).delete()[0]


def forget_sessions(at: datetime) -> int:
    """Delete sessions whose cookie is over, and the lists of where people are signed in."""
    gone = Session.objects.filter(expire_date__lte=at).delete()[0]
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    return gone + UserSession.objects.exclude(Exists(alive)).delete()[0]
