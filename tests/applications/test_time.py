"""Time: the second at which something ends, the days on which clocks change, clocks set back.

`at` is an argument everywhere, so no clock is turned here; the process's own time zone is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone

from applications import services
from applications.models import FundingCall, Presence
from applications.rules import DocumentKind, ReminderKind, Step
from applications.services import guests, kept, log, presence, reminders, uploads
from kiv_portal import outbox, sessions
from kiv_portal.calendar import deadline
from kiv_portal.models import Job
from tests import world
from tests.applications.test_documents import pdf, upload
from tests.factories import NOW, UserFactory

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
ZONES = ("Europe/Berlin", "UTC", "Pacific/Auckland", "America/Los_Angeles")


@pytest.fixture
def zones() -> Iterator[Any]:
    """Puts the process, its C library included, into one time zone after the other."""
    before = os.environ.get("TZ")

    def each() -> Iterator[str]:
        for zone in ZONES:
            os.environ["TZ"] = zone
            time.tzset()
            yield zone

    yield each
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def berlin(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, fold=fold, tzinfo=timezone.get_default_timezone())  # type: ignore[arg-type, misc]


ENDS = [  # an end as people in Germany read it, and the instant it is
    (berlin(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC)),
    (berlin(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    (berlin(2026, 10, 25, 2, 30, fold=1), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    (berlin(2026, 10, 26), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    (berlin(2027, 3, 28), datetime(2027, 3, 27, 23, tzinfo=UTC)),
    (berlin(2027, 3, 28, 3), datetime(2027, 3, 28, 1, tzinfo=UTC)),
    (berlin(2027, 3, 29), datetime(2027, 3, 28, 22, tzinfo=UTC)),
]


def test_a_call_ends_at_its_instant_also_where_clocks_change_and_wherever_the_process_is(
    zones: Any,
) -> None:
    opened = datetime(2026, 1, 1, tzinfo=UTC)
    for zone in zones():
        for end, instant in ENDS:
            call = FundingCall(opens_at=opened, opened_at=opened, closes_at=end)
            said = [call.is_open(instant + offset) for offset in (-SECOND, 0 * SECOND, SECOND)]
            assert said == [True, False, False], (zone, end)


def test_a_day_ends_at_midnight_in_germany_also_where_clocks_change(zones: Any) -> None:
    for zone in zones():
        for day, last in (
            (date(2026, 10, 24), datetime(2026, 10, 24, 22, tzinfo=UTC)),
            (date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
            (date(2027, 3, 27), datetime(2027, 3, 27, 23, tzinfo=UTC)),
            (date(2027, 3, 28), datetime(2027, 3, 28, 22, tzinfo=UTC)),
        ):
            around = (-SECOND, 0 * SECOND, SECOND)
            days = [timezone.localdate(last + offset) for offset in around]
            assert days == [day, day + timedelta(days=1), day + timedelta(days=1)], zone
            assert guests._end_of(day, last - HOUR) == last, zone
            # A letter notified a second before midnight is notified that day (§ 187 Abs. 1 BGB).
            due = [deadline(each, days=14) for each in days]
            next_due = deadline(day + timedelta(days=1), days=14)
            assert due == [deadline(day, days=14), next_due, next_due]


@pytest.mark.django_db
class TestClocksSetBack:
    """Each step happens an hour before the one it follows."""

    def test_a_case_goes_on_and_its_log_keeps_its_order(self) -> None:
        w = world.build()
        case = world.requested(w)
        early = NOW - HOUR
        services.save_step(
            application=case,
            step=Step.KONZEPTION,
            data={"situation": "Ergänzt"},
            base_revision=case.revision,
            by=w.clerk,
            at=early,
        )
        case = services.answer(application=case, by=w.signatory, at=early)
        assert log.verify(case) == []
        entries = list(case.log.order_by("sequence").values_list("action", "at"))
        assert (entries[-1][0], entries[-1][1] < entries[-2][1]) == ("answer", True)
        request = case.information_requests.get()
        assert (request.answered, request.closed_at) == (True, request.sent_at)

    def test_an_open_request_is_withdrawn_and_a_document_removed(self) -> None:
        w = world.build()
        case, draft = world.requested(w), world.draft(w)
        services.withdraw(application=case, reason="Anders", by=w.signatory, at=NOW - HOUR)
        assert case.information_requests.filter(closed_at__isnull=True).count() == 0
        who = {"by": w.clerk, "kind": DocumentKind.OTHER, "application": draft}
        for remove in (True, False):
            kept_one = uploads.add_document(upload=upload(pdf(), "A.pdf"), at=NOW, **who)
            gone = {"application": draft, "document": kept_one, "by": w.clerk, "at": NOW - HOUR}
            if remove:
                uploads.remove_document(**gone)
            else:
                uploads.replace_document(upload=upload(pdf(pages=2), "B.pdf"), **gone)
            kept_one.refresh_from_db()
            assert kept_one.removed_at == kept_one.uploaded_at

    def test_what_was_handed_out_before_is_still_good(self) -> None:
        w = world.build()
        draft = world.draft(w)
        seal = kept.seal(user=w.clerk, application=draft.uuid, step=Step.KONZEPTION, at=NOW)
        form = {"application": draft.uuid, "step": Step.KONZEPTION}
        assert kept.owner_of(seal, at=NOW - HOUR, **form) == w.clerk.pk
        assert kept.owner_of(seal, at=NOW + kept.SEAL_LASTS, **form) == w.clerk.pk
        assert kept.owner_of(seal, at=NOW + kept.SEAL_LASTS + SECOND, **form) is None
        token = reminders.token_of(w.clerk, ReminderKind.CLOSING)
        assert reminders.read_token(token)[0] == w.clerk
        assert signing.loads(signing.dumps("x"), max_age=60) == "x"

    def test_nobody_is_signed_out_or_signed_in_for_ever(self, settings: Any) -> None:
        settings.SESSION_LIMITS = {"municipality": (60, 120), "staff": (60, 120)}
        user, session = UserFactory(), sessions.SessionStore()
        for at in (NOW, NOW - HOUR, NOW + 30 * timedelta(minutes=1)):
            found = sessions.check(session, user, at, activity=True)
            assert isinstance(found, sessions.SessionEnds), at
        found = sessions.check(session, user, NOW + 2 * HOUR, activity=True)
        assert isinstance(found, sessions.Lapsed)

    def test_presence_and_the_worker_go_on(self) -> None:
        w = world.build()
        draft = world.draft(w)
        place = {"application": draft, "step": Step.KONZEPTION}
        presence.note(by=w.clerk, at=NOW, **place)
        assert [row.user for row in presence.note(by=w.signatory, at=NOW - HOUR, **place)] == [
            w.clerk
        ]
        presence.note(by=w.clerk, at=NOW + HOUR, **place)
        assert Presence.objects.count() == 1

        done: list[str] = []
        outbox.enqueue_job(kind="x", argument="a", key="a", at=NOW)
        jobs = {"x": lambda argument, at: done.append(argument)}
        Job.objects.exclude(kind="x").delete()
        assert outbox.work_once(jobs, NOW - HOUR) is False  # its time comes again
        assert outbox.work_once(jobs, NOW) is True
        assert (done, Job.objects.get().done_at) == (["a"], NOW)
