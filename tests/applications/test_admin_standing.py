"""„Nächster Schritt": whatever the state, who must act, until when, and the button for it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from applications import services
from applications.admin import case_page, next_steps, standing, tasks, waiting
from applications.admin.hindrances import proposed_in
from applications.models import Application
from applications.models.delivery import EntryKind
from applications.rules import Step
from applications.services import worklist
from applications.workflow import Actor, Status
from kiv_portal.models import Authority
from municipalities.models import User
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate(NOW)
Seen = tuple[str, str, date | None, list[str]]


def panel(application: Application, user: User, day: date = TODAY) -> Seen:
    """Which line of the table, whose turn, the day in the sentence, the buttons that stand out."""
    rows = Application.objects.filter(pk=application.pk).select_related("project", "public_entry")
    (facts,) = standing.facts_of(worklist.with_dates(rows))
    shown = next_steps.build(
        facts, user, NOW + timedelta(days=(day - TODAY).days), proposed_in(application)
    )
    found, until = standing.read(facts, day)
    assert shown["turn"] == found.turn
    assert shown["next"][0] == found.sentence(until)
    assert "–" not in shown["next"][0], found.name  # a day that was not found
    unread = [letter for letter in [*facts.unsigned(), *dict(facts.lying())] if not letter.file]
    assert any("Das PDF wird gerade erzeugt" in one for one in shown["next"]) is bool(unread)
    (same,) = [row.name for row in standing.STANDINGS if rows.filter(row.filter(day))][:1]
    assert same == found.name
    for actor in (*Actor, None):
        assert standing.whose_turn(rows, actor, day).exists() is (found.actor is actor)
    return found.name, found.turn, until, [b.label for b in shown["buttons"] if b.primary]


def in_days(days: int) -> date:
    return TODAY + timedelta(days=days)


def to_deliver(application: Application, user: User) -> list[str]:
    """Of which letters the case page says that they are to be made known."""
    case = Application.objects.get(pk=application.pk)
    rows = case_page.build(case, user, NOW)["letters"]
    return [row["row"].kind for row in rows if row["to_deliver"]]


def told(application: Application, kind: str, way: str, by: User) -> Any:
    letter = application.letters.get(kind=kind)
    if not letter.file:
        letter = world.with_pdf(letter)
    return services.deliver(letter=letter, way=way, by=by, at=NOW)


OFFICE, TOWN, SIGNER = (actor.label for actor in (Actor.REVIEWER, Actor.APPLICANT, Actor.SIGNER))
LETTER = f"vom {TODAY:%d.%m.%Y}"
GRANT = f"Zuwendungsbescheid {LETTER}"
EARLY = f"Zustimmung zum vorzeitigen Maßnahmenbeginn {LETTER}"


def test_no_state_is_a_dead_end(django_assert_num_queries: Any) -> None:
    w = world.build()
    Authority.objects.update(post_days=4)
    case = world.submitted(w)
    common: dict[str, Any] = {"application": case, "by": w.reviewer, "at": NOW}
    seen: list[Seen] = []

    def look(user: User = w.reviewer, day: date = TODAY) -> None:
        seen.append(panel(case, user, day))

    look()
    services.begin_check(**common)
    services.set_file_number(file_number="II 25 – 1", **common)
    look()
    # Nobody waits for an Eingangsbestätigung: it lies there through all that follows.
    services.issue_letter(kind="receipt", **common)
    look()
    early = world.with_pdf(services.issue_letter(kind="early_start", **common))
    look(w.signer)
    look()
    services.sign_letter(letter=early, seen=early.sha256, by=w.signer, at=NOW)
    told(case, "early_start", "receipt", w.reviewer)
    services.acknowledge(letter=early, received_on=TODAY, by=w.reviewer, at=NOW)
    look()
    services.request_information(
        items=[(Step.KONZEPTION, "Bitte ergänzen.")], due_on=in_days(10), **common
    )
    look()
    look(day=in_days(11))
    case.refresh_from_db()
    services.answer(application=case, by=w.signatory, at=NOW)
    services.accept_formally(**common)
    look()
    services.begin_hearing(text="Ablehnung.", due_on=in_days(29), **common)
    look()
    told(case, "hearing", "receipt", w.reviewer)
    look()
    look(day=in_days(30))
    letter = case.letters.get(kind="hearing")
    services.acknowledge(letter=letter, received_on=TODAY, by=w.reviewer, at=NOW)
    services.end_hearing(answer="Nein.", answered_on=TODAY, **common)
    services.propose(proposal=world.grant_proposal(), **common)
    look(w.signer)
    draft = case.decisions.get().draft_sha256
    services.correct_letter(
        application=case, edits={"reasons": "Besser."}, seen=draft, by=w.signer, at=NOW
    )
    look(w.reviewer)
    draft = case.decisions.get().draft_sha256
    services.agree(seen=draft, **common)
    services.grant(application=case, by=world.staff("Schlusszeichnung"), at=NOW)
    case.refresh_from_db()
    look()
    world.with_pdf(case.letters.get(kind="grant"))
    look()
    told(case, "grant", "post", w.reviewer)
    look()
    for days in (3, 4, 5):
        look(day=in_days(days))
    grant = case.letters.get(kind="grant")
    services.fail_delivery(letter=grant, reason="Rückläufer", by=w.reviewer, at=NOW)
    look()
    told(case, "grant", "receipt", w.reviewer)
    look()
    services.fail_delivery(letter=grant, reason="Kam nicht zurück", by=w.reviewer, at=NOW)
    world.consented(w, case)
    told(case, "grant", "retrieval", w.reviewer)
    look()
    services.open_letter(letter=grant, by=w.clerk, at=NOW)
    look()
    look(day=in_days(1))
    services.publish_project(**common)
    look()
    services.confirm_entry(application=case, words=world.words(), by=w.signatory, at=NOW)
    look()
    look(day=in_days(60))
    action = services.add_entry(kind="action", on=TODAY, court="VG Darmstadt", **common)
    look()
    Application.objects.filter(pk=case.pk).update(status=Status.REVOKED)
    look()
    Application.objects.filter(pk=case.pk).update(status=Status.GRANTED)
    final = services.add_entry(kind="final", on=TODAY, **common)
    look()
    for entry in (action, final):
        services.strike_entry(entry=entry, reason="Irrtum", by=w.reviewer, at=NOW)
    services.add_entry(kind="waiver", on=TODAY, **common)
    look()
    services.add_entry(kind="report_due", on=in_days(90), **common)
    look()
    look(day=in_days(91))
    services.add_entry(kind="report_received", on=TODAY, **common)
    look()
    services.add_entry(kind="report_checked", on=TODAY, **common)
    look()
    due_to_sue = grant.deliveries.get(failed_at__isnull=True).sue_until
    entry_due = case.public_entry.due_on
    assert seen == [
        ("new", OFFICE, TODAY, ["Formale Prüfung beginnen"]),
        ("formal", OFFICE, None, ["Formale Prüfung abschließen"]),
        ("formal", OFFICE, None, ["Formale Prüfung abschließen"]),
        ("letter_to_sign", SIGNER, TODAY, [f"{EARLY} zeichnen"]),
        ("letter_to_sign", SIGNER, TODAY, []),
        ("formal", OFFICE, None, ["Formale Prüfung abschließen"]),
        ("answer_awaited", TOWN, in_days(10), []),
        ("answer_overdue", OFFICE, in_days(10), []),
        ("substance", OFFICE, None, ["Entscheidung vorschlagen"]),
        ("to_send", OFFICE, TODAY, []),  # nobody sends what cannot be read yet
        ("hearing", TOWN, in_days(29), []),
        ("hearing_over", OFFICE, in_days(29), ["Anhörung beenden"]),
        ("to_sign", SIGNER, TODAY, ["Bewilligung schlusszeichnen"]),
        ("correction", OFFICE, TODAY, ["Mit der Korrektur einverstanden"]),
        ("to_send", OFFICE, TODAY, []),
        ("to_send", OFFICE, TODAY, [f"{GRANT} bekannt geben"]),
        ("on_its_way", "niemand", in_days(4), []),
        ("on_its_way", "niemand", in_days(4), []),
        ("to_publish", OFFICE, None, ["Projekt veröffentlichen"]),
        ("to_publish", OFFICE, None, ["Projekt veröffentlichen"]),
        ("not_effected", OFFICE, TODAY, [f"{GRANT} auf anderem Weg bekannt geben"]),
        ("receipt_awaited", TOWN, TODAY, [f"{GRANT}: Empfangsbekenntnis eintragen"]),
        ("retrieval_awaited", TOWN, in_days(10), []),
        # On the day of the retrieval it is not notified yet, and may be published already.
        ("to_publish", OFFICE, None, ["Projekt veröffentlichen"]),
        ("to_publish", OFFICE, None, ["Projekt veröffentlichen"]),
        ("entry_asked", TOWN, entry_due, []),
        ("period_to_sue", "niemand", due_to_sue, []),
        ("period_over", OFFICE, due_to_sue, ["Eintrag nach dem Bescheid"]),
        ("action_pending", OFFICE, TODAY, ["Eintrag nach dem Bescheid"]),
        ("action_pending", OFFICE, TODAY, ["Eintrag nach dem Bescheid"]),
        ("granted", "niemand", None, []),
        ("granted", "niemand", None, []),
        ("report_awaited", TOWN, in_days(90), []),
        ("report_overdue", OFFICE, in_days(90), ["Eintrag nach dem Bescheid"]),
        ("report_to_check", OFFICE, TODAY, ["Eintrag nach dem Bescheid"]),
        ("granted", "niemand", None, []),
    ]
    ends = []
    for status in (Status.REVOKED, Status.REJECTED, Status.WITHDRAWN, Status.CLOSED):
        kept: dict[str, Any] = {} if status is Status.REVOKED else {"project": None}
        if status in (Status.WITHDRAWN, Status.CLOSED):
            kept["decided_at"] = None
        Application.objects.filter(pk=case.pk).update(status=status, **kept)
        ends.append(panel(case, w.reviewer)[:3])
    assert ends == [
        ("revoked", "beendet", None),
        ("rejected", "beendet", None),
        ("withdrawn", "beendet", None),
        ("closed", "beendet", None),
    ]
    assert {row.name for row in standing.STANDINGS} == {name for name, *_ in [*seen, *ends]}
    with django_assert_num_queries(4):
        standing.of(case, TODAY)


def test_letters_of_what_has_ended_hide_no_step_of_a_decided_case() -> None:
    w = world.build()
    case = world.in_check(w)
    common: dict[str, Any] = {"application": case, "by": w.reviewer, "at": NOW}
    items = [(Step.KONZEPTION, "Bitte ergänzen.")]
    services.request_information(items=items, due_on=in_days(10), **common)
    services.issue_letter(kind="request", **common)
    told(case, "request", "receipt", w.reviewer)
    assert panel(case, w.reviewer)[0] == "answer_awaited"
    services.answer(application=case, by=w.signatory, at=NOW)
    services.accept_formally(**common)
    services.begin_hearing(text="Ablehnung.", due_on=in_days(29), **common)
    told(case, "hearing", "receipt", w.reviewer)
    hearing = case.letters.get(kind="hearing")
    services.fail_delivery(letter=hearing, reason="Rückläufer", by=w.reviewer, at=NOW)
    assert panel(case, w.reviewer)[0] == "not_effected"
    assert to_deliver(case, w.reviewer) == ["hearing"]
    services.end_hearing(answer="Nein.", answered_on=TODAY, **common)
    services.propose(proposal=world.grant_proposal(), **common)
    services.grant(application=case, by=w.signer, at=NOW)
    case.refresh_from_db()
    world.with_pdf(case.letters.get(kind="grant"))
    assert panel(case, w.reviewer)[0::3] == ("to_send", [f"{GRANT} bekannt geben"])
    assert to_deliver(case, w.reviewer) == ["grant"]
    world.consented(w, case)
    told(case, "grant", "retrieval", w.reviewer)
    services.open_letter(letter=case.letters.get(kind="grant"), by=w.clerk, at=NOW)
    assert panel(case, w.reviewer)[0::3] == ("to_publish", ["Projekt veröffentlichen"])
    services.publish_project(**common)
    services.add_entry(kind="waiver", on=TODAY, **common)
    due_on = case.public_entry.due_on
    assert panel(case, w.reviewer) == ("entry_asked", TOWN, due_on, [])
    for name in ("bekanntgabe", "nicht-bewirkt", "empfang"):
        assert not tasks.BY_NAME[name].cases(Application.objects.all(), w.reviewer, TODAY)


def test_a_second_report_is_due_although_the_first_came() -> None:
    w = world.build()
    case = world.notified(w)

    def enter(kind: str, day: int) -> None:
        services.add_entry(application=case, kind=kind, on=in_days(day), by=w.reviewer, at=NOW)

    def found(name: str, day: int) -> list[Any]:
        rows = tasks.BY_NAME[name].cases(Application.objects.all(), w.reviewer, in_days(day))
        return list(rows.annotate(day=tasks.BY_NAME[name].on()).values_list("day", flat=True))

    enter("report_due", 30)
    enter("report_due", 400)
    assert (found("nachweis", 22), found("nachweis", 23)) == ([], [in_days(30)])
    enter("report_received", 0)
    assert (found("nachweis", 31), found("nachweis", 393)) == ([], [in_days(400)])
    assert found("nachweis-pruefen", 0) == [TODAY]
    enter("report_checked", 0)
    assert found("nachweis-pruefen", 0) == []
    assert len(found("klagefrist", 60)) == 1
    enter("final", 0)
    assert found("klagefrist", 60) == []


def test_a_report_settles_the_earliest_that_was_due_when_it_came() -> None:
    w = world.build()
    case = world.notified(w)
    services.publish_project(application=case, by=w.reviewer, at=NOW)
    services.confirm_entry(application=case, words=world.words(), by=w.signatory, at=NOW)
    found = []
    for kind, days in (
        ("report_received", 0),
        ("report_checked", 0),
        ("report_due", 400),
        ("report_due", 30),
        ("report_received", 0),
        ("report_due", 20),
        ("report_received", 0),
        ("report_received", 0),
    ):
        services.add_entry(application=case, kind=kind, on=in_days(days), by=w.reviewer, at=NOW)
        (facts,) = standing.facts_of(worklist.with_dates(Application.objects.all()))
        due = sorted(facts.unsettled(EntryKind.REPORT_DUE, EntryKind.REPORT_RECEIVED))
        rows = Application.objects.annotate(day=waiting.first(waiting.reports_due(), "on"))
        assert rows.get().day == min(due, default=None)
        found.append([(day - TODAY).days for day in due])
    assert found == [[], [], [400], [30, 400], [400], [20, 400], [400], []]
