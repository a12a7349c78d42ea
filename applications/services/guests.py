"""Outside helpers as guests of one application: invited, admitted, changed, ended."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from applications import mails, permissions
from applications.models import Application, ApplicationGuest, GuestRole
from applications.services import log
from applications.services.drafts import NotAllowed
from municipalities import services as people
from municipalities.models import Membership

if TYPE_CHECKING:
    from datetime import date

    from municipalities.models import User

INVITATION_LASTS: Final = timedelta(days=14)
"""How long the link of an invitation can be used; once."""

LONGEST_ACCESS: Final = timedelta(days=366)
"""No access is given for longer; it can be renewed."""

MOST_GUESTS: Final = 20
"""So many guests an application may have at a time."""


class AlreadyInvited(Exception):
    """The address has a standing invitation to this application."""


class OnTheTeam(Exception):
    """The address belongs to somebody who works on the application anyway."""


class TooManyGuests(Exception):
    """The application has as many guests as it may."""


class EndOutOfRange(Exception):
    """An access ends tomorrow at the earliest and within a year."""


class InvitationGone(Exception):
    """There is no such invitation, or it was used, ended, or its time is over."""


class WrongAddress(Exception):
    """The invitation is for another e-mail address than the one of this account."""


def invite_guest(
    *,
    application: Application,
    email: str,
    role: GuestRole,
    until: date,
    by: User,
    at: datetime,
) -> ApplicationGuest:
    """Invite an address to look at one application until the end of a day; mails the link.

    Raises NotAllowed, OnTheTeam, AlreadyInvited, TooManyGuests, EndOutOfRange.
    """
    address = email.strip().lower()
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        row = _locked(application, by)
        if _works_on(row, address):
            raise OnTheTeam
        if row.guests.standing().count() >= MOST_GUESTS:
            raise TooManyGuests
        # Whoever's time is over may be invited anew.
        row.guests.standing().filter(email=address, expires_at__lte=at).update(ended_at=at)
        try:
            with transaction.atomic():
                guest = ApplicationGuest.objects.create(
                    application=row,
                    email=address,
                    role=role,
                    invited_at=at,
                    invited_by=by,
                    expires_at=_end_of(until, at),
                    token_hash=_hash(token),
                )
        except IntegrityError as error:
            raise AlreadyInvited from error
        log.record(row, "invite_guest", by=by, at=at, guest=str(guest.pk), role=role.value)
        mails.tell(
            address,
            "mails/guest_invitation.txt",
            key=f"guest_invitation:{guest.pk}",
            at=at,
            application=row,
            private=True,
            guest=guest,
            link=f"{settings.PORTAL_ADDRESS}/antraege/gast/{token}/",
            usable_until=min(at + INVITATION_LASTS, guest.expires_at),
        )
    return guest


def change_guest(
    *, guest: ApplicationGuest, role: GuestRole, until: date, by: User, at: datetime
) -> ApplicationGuest:
    """Give a guest another role or another end.

    Raises NotAllowed, InvitationGone, EndOutOfRange.
    """
    with transaction.atomic():
        application = _locked(guest.application, by)
        row = application.guests.standing().filter(pk=guest.pk).first()
        if row is None:
            raise InvitationGone
        row.role, row.expires_at = role, _end_of(until, at)
        row.save(update_fields=["role", "expires_at"])
        log.record(application, "change_guest", by=by, at=at, guest=str(row.pk), role=role.value)
    return row


def end_guest(*, guest: ApplicationGuest, by: User, at: datetime) -> None:
    """Take a guest's access away at once; twice changes nothing more. Raises NotAllowed."""
    with transaction.atomic():
        application = _locked(guest.application, by)
        if application.guests.standing().filter(pk=guest.pk).update(ended_at=at, token_hash=""):
            log.record(application, "end_guest", by=by, at=at, guest=str(guest.pk))


def invitation(token: str, *, at: datetime) -> ApplicationGuest:
    """The open invitation this link belongs to; none counts of whoever may invite no more.

    Raises InvitationGone.
    """
    found = (
        ApplicationGuest.objects.standing()
        .select_related("application__call", "invited_by")
        .filter(
            token_hash=_hash(token),
            accepted_at__isnull=True,
            expires_at__gt=at,
            invited_at__gt=at - INVITATION_LASTS,
        )
        .first()
    )
    if found is None or not permissions.may_manage_team(found.invited_by, found.application):
        raise InvitationGone
    return found


def accept_invitation(*, token: str, by: User, at: datetime) -> Application:
    """Admit a person whose own verified address was invited; the link is used up.

    Raises InvitationGone, WrongAddress; staff cannot be guests of a draft: NotAllowed.
    """
    with transaction.atomic():
        application, guest = _locked_invitation(token, at)
        if by.is_staff or not by.is_active:
            raise NotAllowed
        if not permissions.owns_address(by, guest.email):
            raise WrongAddress
        guest.user, guest.accepted_at, guest.token_hash = by, at, ""
        guest.save(update_fields=["user", "accepted_at", "token_hash"])
        log.record(application, "accept_invitation", by=by, at=at, guest=str(guest.pk))
    return application


def register_guest(*, token: str, name: str, password: str, at: datetime) -> Application:
    """Make the account of an invited helper, who need not belong to any municipality, and admit.

    Raises InvitationGone, and `municipalities.services.NotPossible` where the address has an
    account already.
    """
    with transaction.atomic():
        _, guest = _locked_invitation(token, at)
        user = people.open_account(email=guest.email, name=name, password=password, at=at)
        return accept_invitation(token=token, by=user, at=at)


def _locked(application: Application, by: User) -> Application:
    row = Application.objects.select_for_update().get(pk=application.pk)
    if not permissions.may_manage_team(by, row):
        raise NotAllowed
    return row


def _locked_invitation(token: str, at: datetime) -> tuple[Application, ApplicationGuest]:
    """The application under its lock, and the invitation unless it was used or ended meanwhile."""
    found = invitation(token, at=at)
    application = Application.objects.select_for_update().get(pk=found.application_id)
    return application, invitation(token, at=at)


def _works_on(application: Application, address: str) -> bool:
    members = Membership.objects.filter(
        municipality__application_members__application=application,
        municipality__application_members__role="lead",
    )
    return members.filter(user__email=address).exists()


def _end_of(day: date, at: datetime) -> datetime:
    """The end of a day in Germany as an instant; refused unless it lies ahead within a year."""
    end = timezone.make_aware(datetime.combine(day + timedelta(days=1), time(0)))
    if not at < end <= at + LONGEST_ACCESS:
        raise EndOutOfRange
    return end


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
