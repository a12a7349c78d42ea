"""From the filed application to the substantive check: what reviewer and applicant bring about."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from applications import services
from applications.models import Application, ApplicationMember
from applications.rules import Step
from applications.services import drafts, log, snapshots
from applications.services.review import DueDateTooEarly, NothingRequested
from applications.workflow import Status
from kiv_portal.models import Job, OutboxMail
from tests import world
from tests.factories import NOW, MembershipFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)
DUE = date(2026, 12, 15)
DUE_LAST_MOMENT = datetime(2026, 12, 15, 22, 59, 59, tzinfo=UTC)


@pytest.fixture
def w() -> world.World:
    return world.build()


def last_entry(application: Application) -> tuple[str, int | None, dict[str, Any]]:
    entry = application.log.order_by("sequence").last()
    return entry.action, entry.actor_id, entry.content.values


def mails() -> list[str]:
    """Subjects in the outbox after the receipt, one for each event."""
    subjects = OutboxMail.objects.order_by("pk").values_list("subject", flat=True)
    return list(dict.fromkeys(s for s in subjects if not s.endswith("ist eingegangen")))


def request(application: Application, by: Any, at: datetime = NOW, **values: Any) -> Any:
    given = {"items": [(Step.KONZEPTION, "Bitte ergänzen.")], "due_on": DUE}
    return services.request_information(application=application, by=by, at=at, **given | values)


# --- Taking a case on -----------------------------------------------------------------------------


def test_whoever_begins_the_check_is_the_reviewer(w):
    application = services.begin_check(application=world.submitted(w), by=w.reviewer, at=LATER)
    application.refresh_from_db()
    assert (application.status, application.reviewer) == (Status.FORMAL_CHECK, w.reviewer)
    assert last_entry(application) == (
        "begin_check",
        w.reviewer.pk,
        {"from": "submitted", "to": "formal_check"},
    )
    assert mails() == []


def test_whoever_knows_the_file_number_enters_it_with_the_first_step(w):
    application = services.begin_check(
        application=world.submitted(w), file_number=" II  25 ", by=w.reviewer, at=LATER
    )
    assert (application.status, application.file_number) == (Status.FORMAL_CHECK, "II 25")
    actions = application.log.order_by("-sequence").values_list("action", flat=True)
    assert list(actions[:2]) == ["set_file_number", "begin_check"]


def test_a_check_begins_once(w):
    application = world.in_check(w)
    with pytest.raises(services.WrongState) as refused:
        services.begin_check(application=application, by=w.reviewer, at=NOW)
    assert str(refused.value) == (
        "„Formale Prüfung beginnen“ ist im Stand „formale Prüfung“ nicht möglich."
    )
    assert refused.value.application == application
    assert refused.value.move.action == "begin_check"


@pytest.mark.parametrize(
    "who", ["clerk", "signatory", "stranger", "reader", "signer", "administrator"]
)
def test_only_reviewers_review(w, who):
    person = getattr(w, who)
    application = world.submitted(w)
    refused = [
        lambda: services.begin_check(application=application, by=person, at=NOW),
        lambda: services.set_file_number(
            application=application, file_number="1", by=person, at=NOW
        ),
        lambda: services.close(application=application, reason="x", by=person, at=NOW),
        lambda: request(application, person),
        lambda: services.accept_formally(application=application, by=person, at=NOW),
    ]
    for act in refused:
        with pytest.raises(services.NotAllowed):
            act()
    application.refresh_from_db()
    assert (application.status, application.file_number) == (Status.SUBMITTED, "")


def test_a_draft_is_no_case_for_a_reviewer(w):
    draft = world.filled(w)
    for act in (
        lambda: services.begin_check(application=draft, by=w.reviewer, at=NOW),
        lambda: services.set_file_number(application=draft, file_number="1", by=w.reviewer, at=NOW),
        lambda: services.close(application=draft, reason="x", by=w.reviewer, at=NOW),
    ):
        with pytest.raises(services.NotAllowed):
            act()


# --- Geschäftszeichen -----------------------------------------------------------------------------


def test_the_file_number_is_cleaned_logged_and_found(w):
    application = world.submitted(w)
    application = services.set_file_number(
        application=application, file_number="  II 25 –  58a ", by=w.reviewer, at=LATER
    )
    application.refresh_from_db()
    assert application.file_number == "II 25 – 58a"
    assert "ii 25 58a" in application.search_key
    assert "kiv 2026 0001" in application.search_key
    assert last_entry(application) == (
        "set_file_number",
        w.reviewer.pk,
        {"before": "", "after": "II 25 – 58a"},
    )


def test_the_same_file_number_again_is_not_logged(w):
    application = world.in_check(w)
    before = application.log.count()
    services.set_file_number(
        application=application, file_number="II 25 – 1 ", by=w.reviewer, at=LATER
    )
    assert application.log.count() == before


def test_a_corrected_file_number_names_the_one_before(w):
    application = world.in_check(w)
    services.set_file_number(application=application, file_number="neu", by=w.reviewer, at=LATER)
    assert last_entry(application)[2] == {"before": "II 25 – 1", "after": "neu"}


def test_the_search_key_holds_every_member(w):
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    application = world.file(application, w.signatory)
    application.refresh_from_db()
    assert application.search_key == (
        "kiv 2026 0001 vielfalt in musterstadt musterstadt stadt 06431901 bergstrasse "
        "kleinheim stadt 06431903"
    )


# --- Asking for something -------------------------------------------------------------------------


def test_a_request_holds_its_items_in_order_and_tells_the_applicant_one_date(w):
    application = world.in_check(w)
    asked = request(
        application,
        w.reviewer,
        items=[(Step.ZEITPLAN, " Beginn? "), (Step.KONZEPTION, "Ziele?"), (Step.ZEITPLAN, "Ende?")],
        message="  Bitte auch anrufen.\n",
    )
    application.refresh_from_db()
    assert application.status == Status.INFORMATION_REQUESTED
    assert (asked.number, asked.due_on, asked.message, asked.sent_by, asked.sent_at) == (
        1,
        DUE,
        "Bitte auch anrufen.",
        w.reviewer,
        NOW,
    )
    assert (asked.closed_at, asked.answered) == (None, False)
    assert list(asked.items.values_list("step", "sentence", "position")) == [
        ("zeitplan", "Beginn?", 0),
        ("konzeption", "Ziele?", 1),
        ("zeitplan", "Ende?", 2),
    ]
    assert last_entry(application)[2] == {
        "from": "formal_check",
        "to": "information_requested",
        "request": 1,
        "due_on": "2026-12-15",
        "items": [
            {"step": "zeitplan", "target": "", "label": "", "sentence": "Beginn?"},
            {"step": "konzeption", "target": "", "label": "", "sentence": "Ziele?"},
            {"step": "zeitplan", "target": "", "label": "", "sentence": "Ende?"},
        ],
    }
    assert mails() == ["Antrag KIV-2026-0001: Bitte Unterlagen nachreichen"]
    mail = OutboxMail.objects.last()
    assert "bis zum 15.12.2026 nach" in mail.body
    # What exactly is missing is for signed-in people only.
    assert "Beginn?" not in mail.body


def test_something_can_be_asked_for_in_the_substantive_check_too(w):
    application = world.in_substance(w)
    request(application, w.reviewer)
    application.refresh_from_db()
    assert application.status == Status.INFORMATION_REQUESTED


@pytest.mark.parametrize(
    "items", [[], [(Step.KONZEPTION, "  ")], [(Step.KONZEPTION, "Gut."), (Step.ZEITPLAN, "")]]
)
def test_a_request_asks_for_something_in_a_sentence(w, items):
    application = world.in_check(w)
    with pytest.raises(NothingRequested):
        request(application, w.reviewer, items=items)
    application.refresh_from_db()
    assert application.status == Status.FORMAL_CHECK


def test_the_date_lies_ahead_by_the_german_day(w):
    application = world.in_check(w)
    late_evening = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)  # the 17th in Germany
    for due_on in (date(2026, 11, 16), date(2026, 11, 17)):
        with pytest.raises(DueDateTooEarly):
            request(application, w.reviewer, late_evening, due_on=due_on)
    asked = request(application, w.reviewer, late_evening, due_on=date(2026, 11, 18))
    assert asked.due_on == date(2026, 11, 18)


def test_there_is_one_open_request_at_a_time(w):
    application = world.requested(w)
    with pytest.raises(services.WrongState):
        request(application, w.reviewer)
    assert application.information_requests.count() == 1


# --- Answering ------------------------------------------------------------------------------------


def answer(application: Application, by: Any, at: datetime = LATER) -> Application:
    application = services.answer(application=application, by=by, at=at)
    application.refresh_from_db()
    return application


def test_an_answer_freezes_a_new_version_closes_the_request_and_tells(w):
    application = world.requested(w)
    world.save(application, Step.KONZEPTION, {"title": "Neuer Titel"}, w.clerk)
    application = answer(application, w.signatory)
    asked = application.information_requests.get()
    second = application.snapshots.get(number=2)
    assert application.status == Status.FORMAL_CHECK
    assert (asked.closed_at, asked.answered) == (LATER, True)
    assert (second.taken_at, second.taken_by) == (LATER, w.signatory)
    assert snapshots.read(second)["steps"]["konzeption"]["title"] == "Neuer Titel"
    assert "neuer titel" in application.search_key
    assert last_entry(application) == (
        "answer",
        w.signatory.pk,
        {
            "from": "information_requested",
            "to": "formal_check",
            "request": 1,
            "late": False,
            "snapshot": second.sha256,
        },
    )
    assert mails()[-1] == "Antrag KIV-2026-0001: Unterlagen sind eingegangen"
    assert second.sha256 in OutboxMail.objects.last().body
    assert set(Job.objects.values_list("key", flat=True)) == {
        f"application_pdf:{snapshot.pk}" for snapshot in application.snapshots.all()
    }


def test_number_instant_and_confirmation_of_the_filing_stay_in_every_version(w):
    application = world.save(world.filled(w), Step.ZEITPLAN, {"months": 30}, w.clerk)
    key = services.confirmation_key(services.findings_of(application, NOW))
    application = services.submit(
        application=application,
        confirmed=key,
        declares_authority=True,
        reason="Weil.",
        by=w.signatory,
        at=NOW,
    )
    services.begin_check(application=application, by=w.reviewer, at=NOW)
    request(application, w.reviewer)
    application = answer(application, w.signatory)
    first, second = map(snapshots.read, application.snapshots.all())
    for name in ("reference", "submitted_at", "late", "confirmation_reason", "call"):
        assert second[name] == first[name]
    assert second["confirmation_reason"] == "Weil."
    assert application.submitted_at == NOW
    assert application.first_snapshot.number == 1


@pytest.mark.parametrize(
    ("at", "late"),
    [(DUE_LAST_MOMENT, False), (DUE_LAST_MOMENT + timedelta(seconds=1), True)],
)
def test_an_answer_after_the_date_is_taken_and_told_as_late(w, at, late):
    application = answer(world.requested(w), w.signatory, at)
    assert application.status == Status.FORMAL_CHECK
    assert last_entry(application)[2]["late"] is late


def test_whoever_may_not_sign_cannot_answer(w):
    application = world.requested(w)
    for person in (w.clerk, w.stranger, w.reviewer, w.signer):
        with pytest.raises(services.NotAllowed):
            services.answer(application=application, by=person, at=LATER)


def test_there_is_nothing_to_answer_unless_something_was_asked(w):
    with pytest.raises(services.WrongState):
        services.answer(application=world.in_check(w), by=w.signatory, at=LATER)


def test_an_answer_that_takes_the_title_away_is_no_answer(w):
    application = world.requested(w)
    world.save(application, Step.KONZEPTION, {"title": " "}, w.clerk)
    with pytest.raises(services.NotSubmittable) as refused:
        services.answer(application=application, by=w.signatory, at=LATER)
    assert [finding.code for finding in refused.value.findings] == ["title_missing"]
    application.refresh_from_db()
    assert application.status == Status.INFORMATION_REQUESTED
    assert application.snapshots.count() == 1


def test_figures_frozen_at_the_filing_stay_and_a_new_partner_gets_its_own(w):
    application = world.requested(w, (Step.KOMMUNE,))
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    w.town.populations.update(value=1)
    answer(application, w.signatory)
    assert list(
        ApplicationMember.objects.values_list(
            "municipality", "role", "live", "population", "population_basis"
        )
    ) == [
        (w.town.pk, "lead", True, 20_000, "Zensus 2011"),
        (w.small.pk, "partner", True, 5_000, "Zensus 2011"),
    ]


# --- No answer ------------------------------------------------------------------------------------


def proceed(application: Application, by: Any, reason: str = "Termin verstrichen") -> Application:
    application = services.proceed_without_answer(
        application=application, reason=reason, by=by, at=LATER
    )
    application.refresh_from_db()
    return application


def test_without_an_answer_the_filed_version_counts(w):
    application = world.requested(w, (Step.KONZEPTION, Step.FINANZIERUNG))
    world.save(application, Step.KONZEPTION, {"goals": "Nie abgesendet"}, w.clerk)
    world.save(application, Step.FINANZIERUNG, {"cover": []}, w.clerk)
    application = proceed(application, w.reviewer, "  Termin verstrichen ")
    asked = application.information_requests.get()
    assert (application.status, application.goals) == (Status.FORMAL_CHECK, "Ziele")
    assert application.cover.count() == 4
    assert (asked.closed_at, asked.answered) == (LATER, False)
    assert application.snapshots.count() == 1
    assert last_entry(application)[2] == {
        "from": "information_requested",
        "to": "formal_check",
        "reason": "Termin verstrichen",
    }
    assert mails()[-1] == "Antrag KIV-2026-0001: Entscheidung nach Aktenlage"
    assert services.editable_steps(application) == frozenset()
    assert log.verify(application) == []


def test_the_version_handed_in_last_counts_not_the_first(w):
    application = world.requested(w)
    world.save(application, Step.KONZEPTION, {"goals": "Zweite Fassung"}, w.clerk)
    application = answer(application, w.signatory)
    request(application, w.reviewer, LATER)
    world.save(application, Step.KONZEPTION, {"goals": "Nie abgesendet"}, w.clerk, LATER)
    assert proceed(application, w.reviewer).goals == "Zweite Fassung"


def test_proceeding_needs_a_reason_and_an_open_request(w):
    application = world.requested(w)
    with pytest.raises(services.ReasonMissing):
        proceed(application, w.reviewer, " \n")
    with pytest.raises(services.NotAllowed):
        proceed(application, w.signatory)
    proceed(application, w.reviewer)
    with pytest.raises(services.WrongState):
        proceed(application, w.reviewer)


# --- Onwards --------------------------------------------------------------------------------------


def test_the_formal_check_ends(w):
    application = services.accept_formally(application=world.in_check(w), by=w.reviewer, at=LATER)
    application.refresh_from_db()
    assert application.status == Status.SUBSTANTIVE_CHECK
    assert last_entry(application)[2] == {"from": "formal_check", "to": "substantive_check"}


def test_what_was_not_taken_on_cannot_be_accepted(w):
    with pytest.raises(services.WrongState):
        services.accept_formally(application=world.submitted(w), by=w.reviewer, at=LATER)


# --- Ending a case --------------------------------------------------------------------------------


def close(application: Application, by: Any, reason: str = " Doppelt ") -> Application:
    application = services.close(application=application, reason=reason, by=by, at=LATER)
    application.refresh_from_db()
    return application


def withdraw(application: Application, by: Any, reason: str = " Verschoben ") -> Application:
    application = services.withdraw(application=application, reason=reason, by=by, at=LATER)
    application.refresh_from_db()
    return application


def test_a_closed_case_no_longer_stands_in_the_way(w):
    application = close(world.submitted(w), w.reviewer)
    assert application.status == Status.CLOSED
    assert application.members.get().live is False
    assert last_entry(application)[2] == {
        "from": "submitted",
        "to": "closed",
        "reason": "Doppelt",
    }
    assert mails() == ["Antrag KIV-2026-0001: Das Verfahren ist beendet"]
    assert world.submitted(w).reference == "KIV-2026-0002"


def test_closing_and_withdrawing_need_a_reason(w):
    application = world.submitted(w)
    with pytest.raises(services.ReasonMissing):
        close(application, w.reviewer, "")
    with pytest.raises(services.ReasonMissing):
        withdraw(application, w.signatory, "\t")
    application.refresh_from_db()
    assert application.status == Status.SUBMITTED


def test_a_case_that_waits_for_the_signature_cannot_be_closed(w):
    with pytest.raises(services.WrongState):
        close(world.proposed(w), w.reviewer)


def test_closing_ends_an_open_request_and_puts_the_filed_version_back(w):
    application = world.requested(w)
    world.save(application, Step.KONZEPTION, {"goals": "Nie abgesendet"}, w.clerk)
    application = close(application, w.reviewer)
    asked = application.information_requests.get()
    assert (asked.closed_at, asked.answered, application.goals) == (LATER, False, "Ziele")


def test_a_withdrawal_is_the_applicants_move(w):
    application = world.submitted(w)
    for person in (w.clerk, w.stranger, w.reviewer, w.administrator):
        with pytest.raises(services.NotAllowed):
            withdraw(application, person)
    application = withdraw(application, w.signatory)
    assert application.status == Status.WITHDRAWN
    assert (application.reference, application.submitted_at) == ("KIV-2026-0001", NOW)
    assert application.members.get().live is False
    assert last_entry(application) == (
        "withdraw",
        w.signatory.pk,
        {"from": "submitted", "to": "withdrawn", "reason": "Verschoben"},
    )
    assert mails() == ["Antrag KIV-2026-0001 ist zurückgezogen"]
    with pytest.raises(services.WrongState):
        withdraw(application, w.signatory)


def test_a_draft_is_not_withdrawn(w):
    with pytest.raises(services.WrongState):
        withdraw(world.filled(w), w.signatory)


def test_a_withdrawal_ends_an_open_request_and_puts_the_filed_version_back(w):
    application = world.requested(w)
    world.save(application, Step.KONZEPTION, {"goals": "Nie abgesendet"}, w.clerk)
    application = withdraw(application, w.signatory)
    asked = application.information_requests.get()
    assert (asked.closed_at, asked.answered, application.goals) == (LATER, False, "Ziele")
    assert {step.value: drafts.read_step(application, step) for step in Step} == snapshots.read(
        application.first_snapshot
    )["steps"]


def test_a_withdrawal_drops_an_open_proposal(w):
    application = withdraw(world.proposed(w), w.signatory)
    decision = application.decisions.get()
    assert (application.status, decision.state, decision.settled_at) == (
        Status.WITHDRAWN,
        "dropped",
        LATER,
    )


def test_a_returned_proposal_stays_returned_after_a_withdrawal(w):
    application = world.proposed(w)
    services.return_proposal(application=application, reason="Unklar", by=w.signer, at=NOW)
    application = withdraw(application, w.signatory)
    assert application.decisions.get().state == "returned"


@pytest.mark.parametrize("end", ["withdraw", "close"])
def test_a_case_ends_although_a_partner_taken_out_has_filed_elsewhere_since(w, end):
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    application = world.file(application, w.signatory)
    services.begin_check(application=application, by=w.reviewer, at=NOW)
    request(application, w.reviewer, items=[(Step.KOMMUNE, "Bitte prüfen.")])
    world.save(application, Step.KOMMUNE, {"partners": []}, w.clerk)
    MembershipFactory(
        user=w.stranger,
        municipality=w.small,
        may_sign=True,
        confirmed_at=NOW,
        confirmed_by=w.administrator,
    )
    other = services.start(call=w.call, lead=w.small, by=w.stranger, at=NOW)
    for step, data in world.content(w.small).items():
        other = world.save(other, step, data, w.stranger)
    world.file(other, w.stranger)
    ended = (
        withdraw(application, w.signatory) if end == "withdraw" else close(application, w.reviewer)
    )
    assert [(m.municipality, m.live) for m in ended.members.all()] == [
        (w.town, False),
        (w.small, False),
    ]
    assert list(ApplicationMember.objects.filter(live=True).values_list("municipality")) == [
        (w.small.pk,)
    ]
