"""Reminders of drafts, word of an opening call, and what the worker does by the clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from applications import services
from applications.models import CallSubscription, ReminderOff, ReminderSent
from applications.rules import ReminderKind, Step
from applications.services import jobs, reminders, subscriptions
from kiv_portal import outbox
from kiv_portal.models import Job, OutboxMail, WorkState
from municipalities.models import Membership
from tests import world
from tests.factories import NOW, FundingCallFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

ADDRESS = "amt@kommune.example"
CLOSING = datetime(2027, 1, 12, 8, tzinfo=UTC)
"""Three working days before the world's call closes, on a Tuesday morning."""


@pytest.fixture
def w() -> world.World:
    return world.build()


def told() -> list[tuple[str, str]]:
    """Who was reminded, and of what."""
    rows = OutboxMail.objects.filter(key__startswith="reminder:").order_by("pk")
    return [(row.recipient, row.key.split(":", 3)[3]) for row in rows]


class TestReminders:
    def test_who_works_on_a_draft_is_reminded_before_the_end_once(self, w):
        world.filled(w)
        for _ in range(2):
            reminders.remind("", CLOSING)
        assert told() == [
            (w.clerk.email, "closing:2027-01-15:3"),
            (w.signatory.email, "closing:2027-01-15:3"),
        ]
        assert ReminderSent.objects.count() == 2
        mail = OutboxMail.objects.filter(key__startswith="reminder:").first()
        assert mail.private is True  # staff must not read of a draft
        assert "bis 15. Januar 2027, 10:30 Uhr" in mail.read()
        assert "/erinnerung-abbestellen/" in mail.read()

    def test_an_extended_call_is_reminded_of_anew(self, w):
        world.filled(w)
        reminders.remind("", CLOSING)
        w.call.closes_at += timedelta(days=14)
        w.call.save()
        reminders.remind("", CLOSING + timedelta(days=14))
        assert [occasion for _, occasion in told()][2:] == ["closing:2027-01-29:3"] * 2

    def test_a_draft_left_alone_is_told_once_until_it_is_touched(self, w):
        application = world.filled(w)
        later = NOW + timedelta(days=21)
        for days in (0, 1, 2):
            reminders.remind("", later + timedelta(days=days))
        assert told() == [
            (w.clerk.email, f"idle:{application.revision}"),
            (w.signatory.email, f"idle:{application.revision}"),
        ]

    def test_nobody_is_reminded_at_weekends_and_on_holidays(self, w):
        world.filled(w)
        for day in (datetime(2027, 1, 9, 8, tzinfo=UTC), datetime(2027, 1, 1, 8, tzinfo=UTC)):
            reminders.remind("", day)
        assert told() == []

    def test_nobody_is_reminded_of_what_was_filed_or_is_over(self, w):
        application = world.submitted(w)
        world.draft(w)
        reminders.remind("", w.call.closes_at)
        assert told() == []
        assert application.is_draft is False

    def test_a_reminder_is_switched_off_by_its_link_and_on_again(self, w):
        world.filled(w)
        link = reminders.token_of(w.clerk, ReminderKind.CLOSING)
        person, kind = reminders.read_token(link)
        for _ in range(2):
            services.switch_reminder(kind=kind, on=False, by=person, at=NOW)
        assert reminders.reminders_off(w.clerk) == {"closing"}
        reminders.remind("", CLOSING)
        assert [recipient for recipient, _ in told()] == [w.signatory.email]
        services.choose_reminders(wanted=list(ReminderKind), by=w.clerk, at=NOW)
        assert ReminderOff.objects.count() == 0
        reminders.remind("", CLOSING)
        assert [recipient for recipient, _ in told()] == [w.signatory.email, w.clerk.email]

    @pytest.mark.parametrize("token", ["", "x", "WzEsImNsb3NpbmciXQ:1:x"])
    def test_a_link_of_somebody_elses_making_does_nothing(self, w, token):
        with pytest.raises(services.LinkInvalid):
            reminders.read_token(token)

    def test_a_link_of_a_closed_account_does_nothing(self, w):
        token = reminders.token_of(w.clerk, ReminderKind.IDLE)
        w.clerk.is_active = False
        w.clerk.save()
        with pytest.raises(services.LinkInvalid):
            reminders.read_token(token)

    def test_whoever_left_or_is_not_confirmed_is_not_reminded(self, w):
        application = world.filled(w)
        new, writer = UserFactory(), UserFactory()
        MembershipFactory(user=new, municipality=w.town, may_sign=True)
        MembershipFactory(
            user=writer, municipality=w.town, confirmed_at=NOW, confirmed_by=w.administrator
        )
        assert reminders.people_of(application) == [w.clerk, w.signatory]
        world.save(application, Step.KONZEPTION, {"title": "Neu"}, writer)
        Membership.objects.filter(user=w.clerk).delete()
        assert reminders.people_of(application) == [w.signatory, writer]


class TestHearingOfACall:
    def link(self) -> str:
        found = re.search(r"/benachrichtigung/([^/\s]+)/", OutboxMail.objects.latest("pk").read())
        assert found is not None
        return found[1]

    def confirmed(self, email: str = ADDRESS) -> CallSubscription:
        services.subscribe(email=email, at=NOW)
        return services.confirm_subscription(token=self.link(), at=NOW)

    def test_an_address_is_noted_only_once_it_is_confirmed(self, w):
        services.subscribe(email=" Amt@Kommune.example ", at=NOW)
        assert CallSubscription.objects.get().confirmed_at is None
        assert ADDRESS not in self.link()
        for later in (0, 1):
            services.confirm_subscription(token=self.link(), at=NOW + timedelta(hours=later))
        row = CallSubscription.objects.get()
        assert (row.email, row.confirmed_at) == (ADDRESS, NOW)

    def test_a_known_address_gets_one_mail_like_an_unknown_one(self, w):
        self.confirmed()
        services.subscribe(email=ADDRESS, at=NOW + timedelta(hours=1))
        assert CallSubscription.objects.count() == 1
        assert [row.subject for row in OutboxMail.objects.order_by("pk")] == [
            "Bitte bestätigen Sie: Nachricht zum nächsten Förderaufruf",
            "Sie sind schon angemeldet",
        ]

    def test_asking_twice_before_confirming_starts_the_time_anew(self, w):
        services.subscribe(email=ADDRESS, at=NOW)
        first = self.link()
        services.subscribe(email=ADDRESS, at=NOW + timedelta(days=1))
        assert self.link() == first
        subscriptions.erase_unconfirmed(NOW + timedelta(days=2))
        assert CallSubscription.objects.count() == 1

    def test_leaving_erases_the_address(self, w):
        self.confirmed()
        token = self.link()
        services.unsubscribe(token=token)
        assert CallSubscription.objects.count() == 0
        with pytest.raises(services.SubscriptionGone):
            services.unsubscribe(token=token)

    @pytest.mark.parametrize("token", ["", "x", "WzEsMl0:x"])
    def test_a_link_of_somebody_elses_making_does_nothing(self, w, token):
        with pytest.raises(services.SubscriptionGone):
            subscriptions.subscription(token)

    def test_an_open_call_is_told_once_and_the_addresses_are_gone(self, w, monkeypatch):
        monkeypatch.setattr(subscriptions, "BATCH", 2)
        for number in range(3):
            self.confirmed(f"amt{number}@kommune.example")
        services.subscribe(email="offen@kommune.example", at=NOW)
        for _ in range(2):
            subscriptions.tell_subscribers(str(w.call.pk), NOW)
        mails = OutboxMail.objects.filter(key__startswith="call_opened")
        assert sorted(row.recipient for row in mails) == [
            f"amt{number}@kommune.example" for number in range(3)
        ]
        assert mails[0].subject == "Ein Förderaufruf ist geöffnet: Testaufruf"
        assert [row.email for row in CallSubscription.objects.all()] == ["offen@kommune.example"]

    def test_once_sent_the_outbox_forgets_address_and_text(self, w):
        self.confirmed()
        subscriptions.tell_subscribers(str(w.call.pk), NOW)
        while outbox.work_once({}, NOW):
            pass
        assert set(OutboxMail.objects.values_list("state", "recipient", "sealed")) == {
            ("done", "", "")
        }
        assert str(OutboxMail.objects.first()) == "An eine Adresse, die gelöscht ist"
        assert not OutboxMail.objects.filter(key__contains=ADDRESS).exists()

    def test_a_call_that_is_not_open_is_told_to_nobody(self, w):
        self.confirmed()
        subscriptions.tell_subscribers(str(w.call.pk), w.call.closes_at)
        assert CallSubscription.objects.count() == 1


class TestByTheClock:
    def queued(self) -> list[tuple[str, Any]]:
        return [(row.key, row.next_try_at) for row in Job.objects.order_by("pk")]

    def test_each_day_and_each_open_call_has_its_jobs_once(self, w):
        for _ in range(2):
            jobs.schedule(NOW)
        morning = datetime(2026, 11, 16, 6, tzinfo=UTC)
        assert self.queued() == [
            ("reminders:2026-11-16", morning),
            ("request_reminders:2026-11-16", morning),
            ("contact_renewals:2026-11-16", morning),
            ("entries_unanswered:2026-11-16", morning),
            ("persons_over:2026-11-16", morning),
            ("seals:2026-11-16", morning),
            ("tidy:2026-11-16", morning),
            (f"call_opened:{w.call.pk}", NOW),
        ]
        jobs.schedule(NOW + timedelta(days=1))
        assert Job.objects.count() == 15

    def test_a_call_is_told_of_when_its_time_has_come(self, w):
        later = FundingCallFactory(opens_at=NOW + timedelta(hours=1))
        jobs.schedule(NOW)
        assert not Job.objects.filter(key=f"call_opened:{later.pk}").exists()
        jobs.schedule(NOW + timedelta(hours=1))
        assert Job.objects.filter(key=f"call_opened:{later.pk}").exists()

    def test_the_worker_knows_every_kind(self, w):
        jobs.schedule(NOW)
        assert set(Job.objects.values_list("kind", flat=True)) <= set(jobs.JOBS)

    def test_tidying_erases_what_is_kept_for_a_while(self, w):
        services.subscribe(email=ADDRESS, at=NOW)
        OutboxMail.objects.update(state=WorkState.FAILED)
        jobs.tidy("", NOW + timedelta(days=1))
        assert (CallSubscription.objects.count(), OutboxMail.objects.count()) == (1, 1)
        jobs.tidy("", NOW + timedelta(days=30))
        assert (CallSubscription.objects.count(), OutboxMail.objects.count()) == (0, 0)
