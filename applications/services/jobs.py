"""What the worker does besides sending mail: by kind of job, and what falls due with the clock."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from applications.models import FundingCall
from applications.services import (
    housekeeping,
    persons,
    publication,
    reminders,
    rendering,
    subscriptions,
)
from kiv_portal.models import Job, OutboxMail, WorkState
from kiv_portal.outbox import enqueue_job
from municipalities.services import reseal_factors
from projects.services import contacts

if TYPE_CHECKING:
    from collections.abc import Callable

DAILY: Final = (
    "reminders",
    "request_reminders",
    "contact_renewals",
    "entries_unanswered",
    "persons_over",
    "seals",
    "tidy",
)
"""The jobs of every day."""

MORNING: Final = time(7)
"""When the day's reminders go out, in Germany."""

FAILED_KEPT: Final = timedelta(days=30)
"""How long a mail to an address we promised to erase stays when it cannot be sent."""


def tidy(argument: str, at: datetime) -> None:
    """Erase what is kept for a while only, and what nobody needs any more."""
    subscriptions.erase_unconfirmed(at)
    # A mail that could not be sent keeps its address for so long, for staff to try it again.
    OutboxMail.objects.filter(
        forget=True, state=WorkState.FAILED, created_at__lte=at - FAILED_KEPT
    ).delete()
    housekeeping.thin_revisions(at)
    housekeeping.clear_sheets(at)


def seals(argument: str, at: datetime) -> None:
    """What lies sealed for long needs no secret of before."""
    reseal_factors()


JOBS: Final[dict[str, Callable[[str, datetime], None]]] = {
    **rendering.JOBS,
    "call_opened": subscriptions.tell_subscribers,
    "contact_renewals": contacts.ask_for_renewal,
    "entries_unanswered": publication.entries_unanswered,
    "persons_over": persons.persons_over,
    "reminders": reminders.remind,
    "request_reminders": reminders.remind_of_requests,
    "seals": seals,
    "tidy": tidy,
}
"""Kinds of jobs the worker knows, each with what carries it out: (argument, at)."""


def schedule(at: datetime) -> None:
    """Put what falls due with the clock into the queue: the day's jobs, and word of open calls.

    Each once by its key: a day's job once a day, a call that opened once for ever.

    Called as often as the worker likes: a row that is there already stays as it is.
    """
    today = timezone.localdate(at)
    morning = timezone.make_aware(datetime.combine(today, MORNING))
    wanted = {f"{kind}:{today}": (kind, f"{today}", morning) for kind in DAILY}
    for call in FundingCall.objects.open_at(at).values_list("pk", flat=True):
        wanted[f"call_opened:{call}"] = ("call_opened", f"{call}", at)
    there = set(Job.objects.filter(key__in=wanted).values_list("key", flat=True))
    for key, (kind, argument, due) in wanted.items():
        if key not in there:  # looking costs less than writing, and the key decides anyway
            enqueue_job(kind=kind, argument=argument, key=key, at=due)
