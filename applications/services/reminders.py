"""Reminders of drafts: before a call closes, and of those left alone; each is sent once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from applications import mails
from applications.models import Application, InformationRequest, ReminderOff, ReminderSent
from applications.rules import ReminderKind, due_reminders
from applications.services import log
from kiv_portal.calendar import is_working_day
from municipalities.models import Membership, User

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from applications.models import FundingCall
    from applications.rules import Reminder

REQUEST_REMINDER: Final = "mails/request_reminder.txt"
REQUEST_AHEAD: Final = timedelta(days=7)
"""So long before its date people are reminded of a request for information."""
REQUEST_QUIET: Final = timedelta(days=3)
"""So long after it was made, or prolonged, nobody is reminded."""

SALT: Final = "applications.reminder_off"

TEMPLATES: Final = {
    ReminderKind.CLOSING: "mails/reminder_closing.txt",
    ReminderKind.IDLE: "mails/reminder_idle.txt",
}


class LinkInvalid(Exception):
    """The link to switch a reminder off is not one of ours."""


def remind(argument: str, at: datetime) -> None:
    """Remind the people of all drafts that are due; on working days only.

    What was sent stands in a row with a unique key, so the job may run again at any time.
    """
    today = timezone.localdate(at)
    if not is_working_day(today):
        return
    drafts = (
        Application.objects.drafts()
        .filter(call__opened_at__isnull=False, call__display_only=False)
        .filter(Q(call__closes_at__isnull=True) | Q(call__closes_at__gt=at))
        .select_related("call")
    )
    for application in drafts.iterator(chunk_size=200):
        reminders = due_reminders(
            today=today,
            closes_on=_closes_on(application.call),
            changed_on=timezone.localdate(application.changed_at),
            revision=application.revision,
        )
        for reminder in reminders:
            for person in _wanting(people_of(application), reminder):
                _remind(application, person, reminder, at)


def remind_of_requests(argument: str, at: datetime) -> None:
    """Remind applicants once of what they are asked to hand in, some days before the date."""
    today = timezone.localdate(at)
    if not is_working_day(today):
        return
    due = InformationRequest.objects.filter(
        closed_at__isnull=True,
        reminded_at__isnull=True,
        due_on__gte=today,
        due_on__lte=today + REQUEST_AHEAD,
        sent_at__lte=at - REQUEST_QUIET,
    )
    for pk in list(due.values_list("application", flat=True)):
        with transaction.atomic():
            row = Application.objects.select_for_update().get(pk=pk)
            request = row.information_requests.filter(
                closed_at__isnull=True, reminded_at__isnull=True
            ).first()
            if request is None:  # answered or reminded of since
                continue
            request.reminded_at = at
            request.save(update_fields=["reminded_at"])
            entry = log.record(row, "remind_of_request", by=None, at=at, request=request.number)
            for recipient in mails.recipients(row):
                mails.tell(
                    recipient,
                    REQUEST_REMINDER,
                    key=f"request_reminder:{entry.pk}:{recipient}",
                    at=at,
                    application=row,
                    due_on=request.due_on,
                )


def _closes_on(call: FundingCall) -> date | None:
    """The last day of the call: midnight belongs to the day that ends."""
    if call.closes_at is None:
        return None
    return timezone.localdate(call.closes_at - timedelta(microseconds=1))


def people_of(application: Application) -> list[User]:
    """Who is reminded: who is in charge, who has written in it, and who may file it.

    Only people who still work for the municipality and, confirmed or in charge, see the draft.
    """
    if application.is_being_recorded:  # nobody but staff knows of it
        return []
    wrote = application.revisions.values("by")
    members = Membership.objects.filter(
        municipality__application_members__application=application,
        municipality__application_members__role="lead",
        user__is_active=True,
    )
    confirmed = Q(confirmed_at__isnull=False, may_read=True)
    in_charge = Q(user=application.created_by_id)
    users = members.filter(
        in_charge | (confirmed & Q(user__in=wrote, may_edit=True)) | (confirmed & Q(may_sign=True))
    ).values("user")
    return list(User.objects.filter(pk__in=users).order_by("pk"))


def _wanting(people: Iterable[User], reminder: Reminder) -> list[User]:
    people = list(people)
    off = set(
        ReminderOff.objects.filter(user__in=people, kind=reminder.kind).values_list(
            "user", flat=True
        )
    )
    return [person for person in people if person.pk not in off]


def _remind(application: Application, person: User, reminder: Reminder, at: datetime) -> None:
    with transaction.atomic():
        _, is_new = ReminderSent.objects.get_or_create(
            application=application,
            user=person,
            occasion=reminder.occasion,
            defaults={"at": at},
        )
        if is_new:
            mails.tell(
                person.email,
                TEMPLATES[reminder.kind],
                key=f"reminder:{application.pk}:{person.pk}:{reminder.occasion}",
                at=at,
                application=application,
                private=True,
                until=application.call.until(),
                unsubscribe=f"{settings.PORTAL_ADDRESS}/erinnerung-abbestellen/"
                f"{token_of(person, reminder.kind)}/",
            )


def token_of(person: User, kind: ReminderKind) -> str:
    """What a mail's link to switch that reminder off carries: signed, without an address."""
    return signing.dumps([person.pk, kind.value], salt=SALT)


def read_token(token: str) -> tuple[User, ReminderKind]:
    """Whose reminder of which kind a link switches off. Raises LinkInvalid."""
    try:
        pk, kind = signing.loads(token, salt=SALT)
        return User.objects.get(pk=pk, is_active=True), ReminderKind(kind)
    except (signing.BadSignature, ValueError, User.DoesNotExist) as error:
        raise LinkInvalid from error


def switch_reminder(*, kind: ReminderKind, on: bool, by: User, at: datetime) -> None:
    """Switch a kind of reminder off or on for a person; twice changes nothing more."""
    if on:
        ReminderOff.objects.filter(user=by, kind=kind).delete()
    else:
        ReminderOff.objects.get_or_create(user=by, kind=kind, defaults={"since": at})


def choose_reminders(*, wanted: Iterable[ReminderKind], by: User, at: datetime) -> None:
    """Let a person get exactly these kinds of reminder."""
    chosen = set(wanted)
    with transaction.atomic():
        for kind in ReminderKind:
            switch_reminder(kind=kind, on=kind in chosen, by=by, at=at)


def reminders_off(person: User) -> set[str]:
    """The kinds of reminder this person has switched off."""
    return set(ReminderOff.objects.filter(user=person).values_list("kind", flat=True))
