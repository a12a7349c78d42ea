"""Bekanntgabe by retrieval, post and Empfangsbekenntnis, consent, and entries after the notice."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string

from applications import services
from applications.admin import standing, tasks
from applications.models import Application, CaseEntry, Delivery, Letter
from applications.services import worklist
from applications.services.delivery import end_retrieval, last_day, offered, told_state
from applications.workflow import Status
from kiv_portal import outbox
from kiv_portal.models import Authority, Job, OutboxMail
from tests import world
from tests.factories import NOW, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def letter(w: world.World) -> Letter:
    """A signed Zuwendungsbescheid whose PDF is there."""
    return world.with_pdf(world.granted(w).letters.get())


def deliver(w: world.World, letter: Letter, way: str, at: datetime = NOW, **more: Any) -> Delivery:
    return services.deliver(letter=letter, way=way, by=w.reviewer, at=at, **more)


def send_mails(at: datetime) -> None:
    """The worker sends what waits in the outbox."""
    while row := outbox.claim(OutboxMail, at):
        outbox.succeed(row, at)


def last_entry(application: Application) -> tuple[str, dict[str, Any]]:
    entry = application.log.order_by("sequence").last()
    return entry.action, entry.content.values


# --- Sending --------------------------------------------------------------------------------------


def test_a_letter_without_its_pdf_is_not_sent(w):
    letter = world.granted(w).letters.get()
    with pytest.raises(services.LetterNotReady):
        deliver(w, letter, "receipt")


def test_only_reviewers_send(w, letter):
    for person in (w.clerk, w.signatory, w.reader, w.signer, w.administrator):
        with pytest.raises(services.NotAllowed):
            services.deliver(letter=letter, way="receipt", by=person, at=NOW)


def test_retrieval_needs_the_consent_on_file(w, letter):
    with pytest.raises(services.ConsentNotOnFile):
        deliver(w, letter, "retrieval")
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(
            letter=letter,
            number=1,
            way="retrieval",
            sent_on=NOW.date(),
            sent_at=NOW,
            sent_by=w.reviewer,
        )


def test_post_needs_the_number_of_days(w, letter):
    with pytest.raises(services.PostDaysUnknown):
        deliver(w, letter, "post")


def test_a_letter_is_on_one_way_at_a_time(w, letter):
    deliver(w, letter, "receipt")
    with pytest.raises(services.AlreadyDelivered):
        deliver(w, letter, "receipt")


@pytest.mark.parametrize("day", [date(2026, 11, 15), date(2026, 11, 17)])
def test_a_letter_is_posted_neither_before_it_was_written_nor_in_future(w, letter, day):
    with pytest.raises(services.DayOutOfPlace):
        deliver(w, letter, "receipt", sent_on=day)


@pytest.mark.parametrize(
    ("days", "moves", "notified", "until"),
    [
        (3, False, date(2026, 11, 19), date(2026, 12, 21)),  # the 19th is a Saturday
        (9, False, date(2026, 11, 25), date(2026, 12, 28)),  # the 25th to the 27th are holidays
        (5, False, date(2026, 11, 21), date(2026, 12, 21)),  # a Saturday stays as it is
        (5, True, date(2026, 11, 23), date(2026, 12, 23)),  # unless the record says so
    ],
)
def test_by_post_it_is_notified_on_the_nth_day(w, letter, days, moves, notified, until):
    Authority.objects.update(post_days=days, post_moves_off_weekends=moves)
    delivery = deliver(w, letter, "post")
    assert (delivery.sent_on, delivery.post_days) == (date(2026, 11, 16), days)
    assert (delivery.notified_on, delivery.sue_until) == (notified, until)
    assert not OutboxMail.objects.filter(key__startswith="letter_ready").exists()


def test_the_rule_of_the_day_stays_with_the_delivery(w, letter):
    Authority.objects.update(post_days=3)
    delivery = deliver(w, letter, "post")
    Authority.objects.update(post_days=4)
    delivery.refresh_from_db()
    assert delivery.post_days == 3


def test_the_log_says_how_and_what_was_sent(w, letter):
    Authority.objects.update(post_days=3)
    deliver(w, letter, "post")
    assert last_entry(letter.application) == (
        "deliver",
        {
            "letter": str(letter.pk),
            "kind": "grant",
            "way": "post",
            "sent_on": "2026-11-16",
            "notified_on": "2026-11-19",
            "sue_until": "2026-12-21",
            "sha256": letter.sha256,
        },
    )


def test_a_hearing_is_notified_and_opens_no_period_to_sue(w):
    letter = world.with_pdf(world.heard(w).letters.get())
    Authority.objects.update(post_days=3)
    delivery = deliver(w, letter, "post")
    assert (delivery.notified_on, delivery.sue_until) == (date(2026, 11, 19), None)


# --- Empfangsbekenntnis ---------------------------------------------------------------------------


def test_the_date_on_the_receipt_is_the_day_of_notification(w, letter):
    delivery = deliver(w, letter, "receipt")
    assert (delivery.notified_on, delivery.sue_until) == (None, None)
    later = NOW + timedelta(days=5)
    services.acknowledge(letter=letter, received_on=date(2026, 11, 18), by=w.reviewer, at=later)
    delivery.refresh_from_db()
    assert (delivery.received_on, delivery.notified_on, delivery.sue_until) == (
        date(2026, 11, 18),
        date(2026, 11, 18),
        date(2026, 12, 18),
    )
    with pytest.raises(services.NoSuchDelivery):
        services.acknowledge(letter=letter, received_on=date(2026, 11, 18), by=w.reviewer, at=later)


@pytest.mark.parametrize("day", [date(2026, 11, 15), date(2026, 11, 18)])
def test_a_receipt_is_dated_between_sending_and_today(w, letter, day):
    deliver(w, letter, "receipt")
    with pytest.raises(services.DayOutOfPlace):
        services.acknowledge(letter=letter, received_on=day, by=w.reviewer, at=LATER)


def test_a_letter_that_came_back_is_sent_another_way(w, letter):
    Authority.objects.update(post_days=3)
    deliver(w, letter, "post")
    failed = services.fail_delivery(letter=letter, reason=" Rückläufer ", by=w.reviewer, at=LATER)
    assert (failed.failed_at, failed.failed_reason, failed.notified_on, failed.sue_until) == (
        LATER,
        "Rückläufer",
        None,
        None,
    )
    again = deliver(w, letter, "receipt", at=LATER)
    assert again.number == 2


def test_what_has_arrived_cannot_be_said_to_have_failed(w, letter):
    deliver(w, letter, "receipt")
    services.acknowledge(letter=letter, received_on=NOW.date(), by=w.reviewer, at=NOW)
    with pytest.raises(services.NoSuchDelivery):
        services.fail_delivery(letter=letter, reason="x", by=w.reviewer, at=LATER)


def test_a_failure_has_its_reason(w, letter):
    deliver(w, letter, "receipt")
    with pytest.raises(services.DayOutOfPlace):
        services.fail_delivery(letter=letter, reason=" ", by=w.reviewer, at=LATER)


# --- Retrieval ------------------------------------------------------------------------------------


def test_the_applicant_is_told_that_there_is_a_letter_and_not_what_it_says(w):
    letter = world.offered(w)
    mails = OutboxMail.objects.filter(key__startswith="letter_ready").order_by("pk")
    assert [mail.recipient for mail in mails] == ["integration@musterstadt.example", w.clerk.email]
    body = mails[0].body
    assert f"/antraege/{letter.application.uuid}/schreiben/{letter.pk}/" in body
    for word in ("bewilligt", "abgelehnt", "Zuwendungsbescheid", "18.000"):
        assert word not in body + mails[0].subject


def test_it_is_notified_on_the_day_after_the_first_retrieval(w):
    letter = world.offered(w)
    for at, by in ((LATER, w.clerk), (LATER + timedelta(days=2), w.signatory)):
        services.open_letter(letter=letter, by=by, at=at)
    delivery = letter.deliveries.get()
    assert (delivery.opened_at, delivery.opened_by) == (LATER, w.clerk)
    assert (delivery.notified_on, delivery.sue_until) == (date(2026, 11, 18), date(2026, 12, 18))
    told = render_to_string("admin/applications/_deliveries.html", {"deliveries": [delivery]})
    assert (
        ", abgerufen am 17.11.2026, 10:30 Uhr, voraussichtlich bekannt gegeben am "
        "<strong>18.11.2026</strong>, Klagefrist voraussichtlich bis <strong>18.12.2026</strong>"
    ) in told
    letter.refresh_from_db()
    assert letter.first_opened_at == LATER
    actions = list(letter.application.log.values_list("action", flat=True))
    assert (actions.count("retrieved"), actions.count("letter_opened")) == (1, 1)


def test_the_day_of_the_retrieval_is_the_german_one(w):
    letter = world.offered(w)
    services.open_letter(letter=letter, by=w.clerk, at=datetime(2026, 11, 17, 23, 30, tzinfo=UTC))
    assert letter.deliveries.get().notified_on == date(2026, 11, 19)


@pytest.mark.parametrize("who", ["stranger", "reader", "reviewer", "signer", "administrator"])
def test_nobody_but_the_applicant_retrieves_the_letter(w, who):
    letter = world.offered(w)
    with pytest.raises(services.NotAllowed):
        services.open_letter(letter=letter, by=getattr(w, who), at=LATER)
    letter.refresh_from_db()
    assert (letter.first_opened_at, letter.deliveries.get().opened_at) == (None, None)


def test_who_is_not_confirmed_yet_and_staff_with_a_membership_retrieve_nothing(w):
    letter = world.offered(w)
    unknown, staff = UserFactory(), w.reviewer
    MembershipFactory(user=unknown, municipality=w.town)
    MembershipFactory(
        user=staff, municipality=w.town, confirmed_at=NOW, confirmed_by=w.administrator
    )
    for person in (unknown, staff):
        with pytest.raises(services.NotAllowed):
            services.open_letter(letter=letter, by=person, at=LATER)
    assert letter.deliveries.get().opened_at is None


def test_a_letter_that_was_not_sent_is_not_there(w, letter):
    assert offered(letter, NOW) is False
    with pytest.raises(services.NotRetrievable):
        services.open_letter(letter=letter, by=w.clerk, at=LATER)


def test_reading_what_came_by_post_notifies_nothing(w, letter):
    Authority.objects.update(post_days=3)
    deliver(w, letter, "post")
    services.open_letter(letter=letter, by=w.clerk, at=NOW)
    delivery = letter.deliveries.get()
    assert (delivery.opened_at, delivery.notified_on) == (None, date(2026, 11, 19))
    letter.refresh_from_db()
    assert letter.first_opened_at == NOW


LAST_DAY = datetime(2026, 11, 26, 22, 59, 59, tzinfo=UTC)  # the last second of the tenth day here
OVER = LAST_DAY + timedelta(seconds=1)


def test_on_the_tenth_day_it_can_still_be_retrieved(w):
    letter = world.offered(w)
    send_mails(NOW)
    services.open_letter(letter=letter, by=w.clerk, at=LAST_DAY)
    end_retrieval(str(letter.deliveries.get().pk), OVER)
    delivery = letter.deliveries.get()
    assert (delivery.failed_at, delivery.notified_on) == (None, date(2026, 11, 27))


def test_after_ten_days_it_is_not_effected_once_and_becomes_a_task(w):
    letter = world.offered(w)
    send_mails(NOW)
    with pytest.raises(services.NotRetrievable):
        services.open_letter(letter=letter, by=w.clerk, at=OVER)
    job = Job.objects.get(kind="retrieval_over")
    assert job.next_try_at == OVER
    for at in (OVER, OVER + timedelta(hours=1)):
        end_retrieval(job.argument, at)
    delivery = letter.deliveries.get()
    assert (delivery.failed_at, delivery.failed_reason) == (
        OVER,
        "nicht innerhalb von zehn Tagen abgerufen",
    )
    assert letter.application.log.filter(action="fail_delivery").count() == 1
    Authority.objects.update(post_days=3)
    assert deliver(w, letter, "post", at=OVER).number == 2


def test_the_ten_days_run_from_the_notice_that_really_went_out(w):
    letter = world.offered(w)
    send_mails(NOW + timedelta(days=2))
    delivery = letter.deliveries.get()
    end_retrieval(str(delivery.pk), OVER)
    delivery.refresh_from_db()
    assert delivery.failed_at is None
    assert offered(letter, OVER) is True
    later = Job.objects.filter(kind="retrieval_over").order_by("pk").last()
    assert later.next_try_at == OVER + timedelta(days=2)
    end_retrieval(later.argument, later.next_try_at)
    delivery.refresh_from_db()
    assert delivery.failed_at == OVER + timedelta(days=2)


def test_the_desk_names_the_last_day_on_which_the_letter_can_be_retrieved(w):
    letter = world.offered(w)

    def named(today: date) -> set[date]:
        found = standing.facts_of(worklist.with_dates(Application.objects.all()))[0]
        task = tasks.BY_NAME["abruf"]
        row = task.cases(Application.objects.all(), w.reviewer, today).annotate(day=task.on()).get()
        line, day = standing.read(found, today)
        assert line.name == "retrieval_awaited"
        return {day, row.day + task.plus, last_day(letter.deliveries.get())}

    assert named(NOW.date()) == {date(2026, 11, 26)}
    send_mails(datetime(2026, 11, 17, 23, 30, tzinfo=UTC))  # half past midnight in Germany
    assert named(NOW.date()) == {date(2026, 11, 28)}
    assert offered(letter, LAST_DAY + timedelta(days=2)) is True
    assert offered(letter, OVER + timedelta(days=2)) is False


def test_whoever_was_told_of_a_letter_is_told_that_it_was_put_away(w):
    application = world.requested(w)
    world.consented(w, application)
    told = []
    for sent in (False, True):
        letter = services.issue_letter(
            application=application, kind="request", by=w.reviewer, at=NOW
        )
        deliver(w, world.with_pdf(letter), "retrieval")
        if sent:
            send_mails(LATER)
        services.fail_delivery(letter=letter, reason="Falsch", by=w.reviewer, at=LATER)
        services.discard_letter(letter=letter, reason="Geheim.", by=w.reviewer, at=LATER)
        mails = OutboxMail.objects.filter(key__startswith="letter_")
        told.append([(mail.key.split(":")[0], mail.recipient) for mail in mails.order_by("pk")])
    both = ["integration@musterstadt.example", w.clerk.email]
    assert told == [
        [],
        [(name, to) for name in ("letter_ready", "letter_discarded") for to in both],
    ]
    mail = OutboxMail.objects.filter(key__startswith="letter_discarded").first()
    assert "am 17.11.2026 haben wir Ihnen mitgeteilt" in mail.body
    assert "es gilt nicht mehr. Seinetwegen müssen Sie nichts tun." in mail.body
    for word in ("Geheim", "Falsch", "nachreichen", letter.get_kind_display()):
        assert word not in mail.body + mail.subject


# --- What the applicant may know ------------------------------------------------------------------


def test_nobody_learns_of_a_decision_before_it_is_notified(w):
    letter = world.offered(w)
    application = letter.application
    application.refresh_from_db()
    assert (application.state, told_state(application, NOW)) == (Status.GRANTED, Status.PROPOSED)
    services.open_letter(letter=letter, by=w.clerk, at=LATER)
    assert told_state(Application.objects.get(pk=application.pk), LATER) is Status.GRANTED


def test_by_post_the_decision_shows_on_the_day_of_notification(w):
    application = services.reject(
        application=world.proposed(w, world.REJECTION), by=w.signer, at=NOW
    )
    assert told_state(application, NOW) is Status.PROPOSED
    Authority.objects.update(post_days=3)
    deliver(w, world.with_pdf(application.letters.get()), "post")
    application = Application.objects.get(pk=application.pk)
    assert told_state(application, NOW + timedelta(days=2)) is Status.PROPOSED
    assert told_state(application, NOW + timedelta(days=3)) is Status.REJECTED


def test_a_revocation_shows_once_it_is_notified(w):
    application = world.revoked(w)
    for letter in application.letters.all():
        assert told_state(Application.objects.get(pk=application.pk), NOW) in (
            Status.PROPOSED,
            Status.GRANTED,
        )
        deliver(w, world.with_pdf(letter), "receipt")
        services.acknowledge(letter=letter, received_on=NOW.date(), by=w.reviewer, at=NOW)
    assert told_state(Application.objects.get(pk=application.pk), NOW) is Status.REVOKED


# --- Consent --------------------------------------------------------------------------------------


def test_a_consent_is_on_file_until_it_is_withdrawn(w):
    application = world.in_check(w)
    world.consented(w, application)
    assert services.consent_of(w.town).note == "Blatt 12"
    with pytest.raises(services.AlreadyOnFile):
        world.consented(w, application)
    with pytest.raises(services.DayOutOfPlace):
        services.end_consent(
            application=application, ended_on=date(2026, 11, 15), by=w.reviewer, at=NOW
        )
    services.end_consent(application=application, ended_on=NOW.date(), by=w.reviewer, at=NOW)
    assert services.consent_of(w.town) is None
    with pytest.raises(services.ConsentNotOnFile):
        services.end_consent(application=application, ended_on=NOW.date(), by=w.reviewer, at=NOW)


@pytest.mark.parametrize(("day", "note"), [(date(2026, 11, 17), "x"), (date(2026, 11, 16), " ")])
def test_a_consent_has_its_day_and_its_place_on_file(w, day, note):
    with pytest.raises(services.DayOutOfPlace):
        services.record_consent(
            application=world.in_check(w), given_on=day, note=note, by=w.reviewer, at=NOW
        )


def test_only_reviewers_record_a_consent(w):
    with pytest.raises(services.NotAllowed):
        services.record_consent(
            application=world.in_check(w), given_on=NOW.date(), note="x", by=w.signer, at=NOW
        )


# --- After the notice -----------------------------------------------------------------------------


def add(application: Application, by: Any, kind: str, **values: Any) -> CaseEntry:
    return services.add_entry(
        application=application,
        kind=kind,
        on=values.pop("on", NOW.date()),
        by=by,
        at=NOW,
        **values,
    )


def test_entries_follow_a_notice_and_stand_in_the_log(w):
    application = world.granted(w)
    add(application, w.reviewer, "waiver")
    add(application, w.reviewer, "action", court="Verwaltungsgericht Darmstadt", court_file="3 K 1")
    add(application, w.reviewer, "payment", amount=Decimal("9000.00"), note="1. Abruf")
    add(application, w.reviewer, "report_due", on=date(2029, 6, 30))
    assert list(application.entries.values_list("kind", "amount", "court")) == [
        ("waiver", None, ""),
        ("action", None, "Verwaltungsgericht Darmstadt"),
        ("payment", Decimal("9000.00"), ""),
        ("report_due", None, ""),
    ]
    assert last_entry(application)[1] == {
        "entry": application.entries.last().pk,
        "kind": "report_due",
        "on": "2029-06-30",
        "amount": None,
        "court": "",
        "court_file": "",
        "note": "",
    }


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"kind": "payment"}, ["amount"]),
        ({"kind": "payment", "amount": Decimal(0)}, ["amount"]),
        ({"kind": "waiver", "amount": Decimal(1)}, ["amount"]),
        ({"kind": "action"}, ["court"]),
        ({"kind": "final", "on": None}, ["on"]),
        ({"kind": "final", "on": date(2026, 11, 17)}, ["on"]),
    ],
)
def test_an_entry_says_what_it_lacks(w, values, fields):
    with pytest.raises(services.EntryIncomplete) as refused:
        add(world.granted(w), w.reviewer, values.pop("kind"), **values)
    assert list(refused.value.faults) == fields


def test_there_is_no_entry_before_a_decision(w):
    with pytest.raises(services.NotDecided):
        add(world.in_check(w), w.reviewer, "waiver")


def test_a_wrong_entry_is_struck_and_stays(w):
    entry = add(world.granted(w), w.reviewer, "final")
    with pytest.raises(services.EntryIncomplete):
        services.strike_entry(entry=entry, reason=" ", by=w.reviewer, at=LATER)
    services.strike_entry(entry=entry, reason="Falscher Fall", by=w.reviewer, at=LATER)
    entry.refresh_from_db()
    assert (entry.struck_at, entry.struck_by, entry.struck_reason) == (
        LATER,
        w.reviewer,
        "Falscher Fall",
    )
    with pytest.raises(services.AlreadyStruck):
        services.strike_entry(entry=entry, reason="x", by=w.reviewer, at=LATER)
