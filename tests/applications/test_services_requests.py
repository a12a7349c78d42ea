"""What was asked for is open and nothing else: fields, rows, documents; prolonged, ticked off."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from applications import services
from applications.admin import words
from applications.models import InformationRequest
from applications.rules import DocumentKind, Step
from applications.rules.unlocking import locked_changes, opens
from applications.services import handover, log, reminders, snapshots, unlocking
from applications.workflow import Status
from kiv_portal.models import OutboxMail
from tests import world
from tests.applications import pages
from tests.factories import NOW

pytestmark = pytest.mark.django_db

DUE = date(2026, 12, 15)
LATER = NOW + timedelta(days=1)
CANARY = "Kanarienvogel am Telefon"


@pytest.fixture
def w() -> world.World:
    return world.build()


def ask(application: Any, w: world.World, *items: tuple[Step, str]) -> InformationRequest:
    """Ask for these places, each with a sentence."""
    wanted = [services.Wanted(step, "Bitte ändern.", target) for step, target in items]
    request = services.request_information(
        application=application, items=wanted, due_on=DUE, by=w.reviewer, at=NOW
    )
    application.refresh_from_db()
    return request


def upload(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, world.pdf_bytes())


def filed_rows(application: Any, step: Step, part: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = services.read_step(application, step)[part]
    return rows


# --- The rule -------------------------------------------------------------------------------------


def test_a_target_opens_itself_its_rows_or_the_whole_section():
    keys = ("goals", "expenses", "expenses:1", "expenses:2", "document:1")
    assert {
        target: [key for key in keys if opens(frozenset({target}), key)]
        for target in ("", "goals", "expenses", "expenses:1")
    } == {
        "": list(keys),
        "goals": ["goals"],
        "expenses": ["expenses", "expenses:1", "expenses:2"],
        "expenses:1": ["expenses:1"],
    }
    before, after = {"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "d": 1}
    assert locked_changes(frozenset({"a"}), before, after) == ["b", "c", "d"]


def test_every_field_row_and_document_of_the_filed_version_can_be_asked_for(w):
    application = world.in_check(w)
    content = snapshots.read(application.snapshots.last())
    targets = unlocking.targets_in(content)
    assert len({(target.step, target.key) for target in targets}) == len(targets)
    found = {target.key for target in targets if target.step is Step.FINANZIERUNG}
    rows = content["steps"]["finanzierung"]
    assert found == {
        "",
        "vat_deductible",
        "budget_situation",
        "expenses",
        "cover",
        *(f"{part}:{row['id']}" for part in ("expenses", "cover") for row in rows[part]),
    }
    assert [t.key for t in targets if t.step is Step.KOMMUNE] == [""]
    assert {t.key for t in targets if t.step is Step.ANLAGEN} == {
        "",
        *(f"kind:{kind}" for kind in DocumentKind),
    }
    fields = set(content["steps"]["konzeption"])
    assert {t.key for t in targets if t.step is Step.KONZEPTION} == {"", *fields}


# --- Only what was asked for ----------------------------------------------------------------------


def test_only_the_field_that_was_asked_for_can_be_saved(w):
    application = world.in_check(w)
    ask(application, w, (Step.KONZEPTION, "goals"))
    before = services.read_step(application, Step.KONZEPTION)
    for save in (services.save_step, services.save_typed):
        with pytest.raises(services.NotUnlocked) as refused:
            save(
                application=application,
                step=Step.KONZEPTION,
                data={"goals": "Neue Ziele", "title": "Anderer Titel"},
                base_revision=application.revision,
                by=w.clerk,
                at=NOW,
            )
        assert refused.value.keys == ["title"]
    assert services.read_step(application, Step.KONZEPTION) == before
    application = world.save(application, Step.KONZEPTION, {"goals": "Neue Ziele"}, w.clerk)
    assert services.read_step(application, Step.KONZEPTION) == before | {"goals": "Neue Ziele"}
    with pytest.raises(services.NotEditable):
        world.save(application, Step.ZEITPLAN, {"months": 12}, w.clerk)


def test_only_the_row_that_was_asked_for_can_be_changed_and_none_be_added(w):
    application = world.in_check(w)
    rows = filed_rows(application, Step.FINANZIERUNG, "expenses")
    ask(application, w, (Step.FINANZIERUNG, f"expenses:{rows[0]['id']}"))
    changed = rows[0] | {"text": "Zwei Angebote"}
    for refused in (
        [changed, rows[1] | {"amount": "1.00"}],
        [changed],
        [changed, rows[1], world.row(**{k: v for k, v in rows[1].items() if k != "id"})],
    ):
        with pytest.raises(services.NotUnlocked):
            world.save(application, Step.FINANZIERUNG, {"expenses": refused}, w.clerk)
    application = world.save(
        application, Step.FINANZIERUNG, {"expenses": [changed, rows[1]]}, w.clerk
    )
    assert filed_rows(application, Step.FINANZIERUNG, "expenses") == [changed, rows[1]]


def test_only_documents_that_were_asked_for_come_or_are_replaced(w):
    application = world.filled(w)
    kept, asked = (
        services.add_document(
            application=application,
            upload=upload(f"{name}.pdf"),
            kind=DocumentKind.OTHER,
            by=w.clerk,
            at=NOW,
        )
        for name in ("bleibt", "unleserlich")
    )
    world.file(application, w.signatory)
    application = services.begin_check(application=application, by=w.reviewer, at=NOW)
    ask(
        application,
        w,
        (Step.ANLAGEN, f"document:{asked.pk}"),
        (Step.ANLAGEN, f"kind:{DocumentKind.COOPERATION}"),
    )

    def add(kind: DocumentKind, name: str) -> Any:
        return services.add_document(
            application=application, upload=upload(name), kind=kind, by=w.clerk, at=LATER
        )

    def replace(document: Any, name: str) -> Any:
        return services.replace_document(
            application=application,
            document=document,
            upload=upload(name),
            by=w.clerk,
            at=LATER,
        )

    def remove(document: Any) -> None:
        services.remove_document(application=application, document=document, by=w.clerk, at=LATER)

    for refused in (
        lambda: add(DocumentKind.OTHER, "neu.pdf"),
        lambda: replace(kept, "anders.pdf"),
        lambda: remove(kept),
        lambda: remove(asked),
    ):
        with pytest.raises(services.NotUnlocked):
            refused()
    once = replace(asked, "lesbar.pdf")
    twice = replace(once, "besser.pdf")
    with pytest.raises(services.NotUnlocked):
        remove(twice)
    added = add(DocumentKind.COOPERATION, "kooperation.pdf")
    better = replace(added, "kooperation2.pdf")
    remove(better)
    names = application.documents.current().values_list("name", flat=True)
    assert sorted(names) == ["besser.pdf", "bleibt.pdf"]


def test_the_page_shows_and_takes_exactly_what_was_asked_for(w):
    application = world.in_check(w)
    rows = filed_rows(application, Step.FINANZIERUNG, "expenses")
    ask(
        application,
        w,
        (Step.KONZEPTION, "goals"),
        (Step.FINANZIERUNG, f"expenses:{rows[1]['id']}"),
    )
    client = pages.signed_in(w.clerk)
    page = client.get(f"/antraege/{application.uuid}/konzeption/")
    form = page.context["form"]
    assert list(form.fields) == ["goals"]
    assert [part["section"].title for part in form.parts()] == ["Die Konzeption"]
    assert 'name="title"' not in page.content.decode()
    plan = client.get(f"/antraege/{application.uuid}/finanzierung/").context["form"]
    assert [row.row_id for row in plan.rows["expenses"].forms] == [rows[1]["id"]]
    assert [[*plan.fields], [part["section"].part for part in plan.parts()]] == [[], ["expenses"]]

    before = services.read_step(application, Step.FINANZIERUNG)
    prefix = f"expenses-{rows[1]['id']}"
    typed = {
        "basis": str(application.revision),
        "frei": f"expenses:{rows[1]['id']}",
        "expenses": [rows[1]["id"], rows[0]["id"]],
        f"{prefix}-year": "2028",
        f"{prefix}-category": "moderation",
        f"{prefix}-text": "Geteilt",
        f"{prefix}-amount": "8.000,00",
        f"{prefix}-eligible": "on",
        f"expenses-{rows[0]['id']}-amount": "1,00",
        "vat_deductible": "true",
        "aktion": "weiter",
    }
    sums = client.post(f"/antraege/{application.uuid}/finanzierung/summen/", typed)
    assert "18.000,00 €" in sums.content.decode()  # the closed row counts as it was filed
    answer = client.post(f"/antraege/{application.uuid}/finanzierung/", typed)
    assert answer.status_code == 302
    after = services.read_step(application, Step.FINANZIERUNG)
    changed = rows[1] | {"text": "Geteilt", "amount": "8000.00"}
    assert after == before | {"expenses": [rows[0], changed]}

    # A page that was drawn for something else is not taken for one with emptied fields.
    for frei in ("", "topics"):
        stale = {"basis": str(application.revision), "frei": frei, "title": "Anderer Titel"}
        for address in ("konzeption/", "konzeption/speichern/"):
            refused = client.post(f"/antraege/{application.uuid}/{address}", stale)
            assert refused.status_code == 409
    shown = client.post(f"/antraege/{application.uuid}/konzeption/", stale).content.decode()
    assert "Anderer Titel" in shown
    assert services.read_step(application, Step.KONZEPTION)["goals"] == "Ziele"

    listed = client.get(f"/antraege/{application.uuid}/nachreichen/").content.decode()
    assert listed.count("Bitte ändern.") == 2
    assert "<strong>Ziele:</strong> Bitte ändern." in listed


def test_handing_over_writes_no_contact_that_was_not_asked_for(w):
    mine = {"finance_email": w.clerk.email}
    application = world.save(world.filled(w), Step.ANSPRECHPARTNER, mine, w.clerk)
    world.file(application, w.signatory)
    application = services.begin_check(application=application, by=w.reviewer, at=NOW)
    ask(application, w, (Step.ANSPRECHPARTNER, "iban"))
    before = services.read_step(application, Step.ANSPRECHPARTNER)
    over: dict[str, Any] = {"application": application, "by": w.signatory, "at": LATER}
    assert handover.may_change_contacts(application, w.signatory) is False
    with pytest.raises(services.NotUnlocked):
        services.hand_over(**over, to=w.signatory, contacts=True)
    services.hand_over(**over, to=w.signatory)
    application.refresh_from_db()
    assert application.created_by == w.signatory
    assert services.read_step(application, Step.ANSPRECHPARTNER) == before


def test_what_the_filed_version_does_not_have_cannot_be_asked_for(w):
    application = world.in_check(w)
    for step, target in (
        (Step.KONZEPTION, "iban"),
        (Step.FINANZIERUNG, "expenses:0"),
        (Step.ANLAGEN, "document:0"),
    ):
        with pytest.raises(services.UnknownTarget):
            ask(application, w, (step, target))
    assert not InformationRequest.objects.exists()


# --- Rückfrage by telephone -----------------------------------------------------------------------


def test_a_call_opens_one_field_and_its_note_stays_with_the_authority(w):
    application = world.in_check(w)
    request = services.ask_by_phone(
        application=application,
        item=services.Wanted(Step.ANSPRECHPARTNER, "Bitte die IBAN prüfen.", "iban"),
        note=CANARY,
        due_on=DUE,
        by=w.reviewer,
        at=NOW,
    )
    application.refresh_from_db()
    assert (request.by_phone, str(request)) == (True, "Rückfrage 1")
    assert unlocking.opened(application) == {Step.ANSPRECHPARTNER: {"iban"}}
    client = pages.signed_in(w.clerk)
    seen = [
        client.get(f"/antraege/{application.uuid}/{page}").content.decode()
        for page in ("", "nachreichen/", "ansprechpartner/")
    ]
    assert [CANARY in page for page in seen] == [False, False, False]
    assert [CANARY in mail.read() for mail in OutboxMail.objects.all()].count(True) == 0
    for wrong in ({"note": " "}, {"item": services.Wanted(Step.KONZEPTION, "Alles.")}):
        given = {"item": services.Wanted(Step.KONZEPTION, "Satz", "goals"), "note": "x"} | wrong
        with pytest.raises(services.NothingRequested):
            services.ask_by_phone(
                application=application, due_on=DUE, by=w.reviewer, at=NOW, **given
            )


# --- The date -------------------------------------------------------------------------------------


def test_a_date_is_prolonged_with_a_reason_a_log_entry_and_a_mail(w):
    application = world.requested(w)
    for day in (DUE, date(2026, 12, 1), NOW.date()):
        with pytest.raises(services.DueDateTooEarly):
            services.extend_request(
                application=application, due_on=day, reason="Ferien", by=w.reviewer, at=NOW
            )
    services.extend_request(
        application=application,
        due_on=date(2027, 1, 15),
        reason=" Ferien ",
        by=w.reviewer,
        at=NOW,
    )
    entry = application.log.order_by("sequence").last()
    assert (entry.action, entry.content.values) == (
        "extend_request",
        {
            "from": "information_requested",
            "to": "information_requested",
            "request": 1,
            "before": "2026-12-15",
            "due_on": "2027-01-15",
            "reason": "Ferien",
        },
    )
    assert "bis zum 15.01.2027" in OutboxMail.objects.order_by("pk").last().body


def test_the_applicant_is_reminded_once_before_the_date_and_anew_when_it_was_prolonged(w):
    application = world.requested(w)

    def reminded(at: Any) -> int:
        reminders.remind_of_requests("", at)
        return OutboxMail.objects.filter(subject__contains="denken Sie an").count()

    two = len({application.contact_email, w.clerk.email})
    day = timedelta(days=1)
    due = NOW.replace(month=12, day=15)
    assert [reminded(at) for at in (NOW + day, due - 8 * day, due - 6 * day, due - 5 * day)] == [
        0,
        0,
        two,
        two,
    ]
    services.extend_request(
        application=application,
        due_on=date(2027, 1, 15),
        reason="Ferien",
        by=w.reviewer,
        at=due - 4 * day,
    )
    assert reminded(due - 3 * day) == two
    assert reminded(due.replace(year=2027, month=1, day=11)) == 2 * two
    assert log.verify(application) == []
    services.answer(application=application, by=w.signatory, at=due)
    assert reminded(due.replace(year=2027, month=1, day=12)) == 2 * two


# --- Ticked off, and asked again ------------------------------------------------------------------


def test_points_are_ticked_off_one_by_one_and_the_rest_is_asked_for_again(w, settings):
    settings.PORTAL_DEMO = True
    application = world.in_check(w)
    request = ask(application, w, (Step.KONZEPTION, "goals"), (Step.KONZEPTION, "topics"))
    first, _second = request.items.all()
    with pytest.raises(services.WrongState):
        services.settle_items(application=application, settled=[first.pk], by=w.reviewer, at=NOW)
    application = services.answer(application=application, by=w.signatory, at=LATER)
    client = pages.signed_in(w.reviewer)
    base = f"/admin/applications/application/{application.pk}"
    answer = client.post(f"{base}/settle_items/", {"settled": [str(first.pk)]})
    assert answer.status_code == 302
    entry = application.log.order_by("sequence").last()
    assert entry.content.values["settled"] == ["Konzeption: Ziele"]
    assert entry.content.values["open"] == ["Konzeption: Themen"]
    first.refresh_from_db()
    assert first.settled_by == w.reviewer
    compared = client.get(f"{base}/vergleich/").content.decode()
    assert f'href="{base}/settle_items/"' in compared
    form = client.get(f"{base}/request_information/").context["form"]
    chosen = {name for name, value in form.initial.items() if value and name != "due_on"}
    assert chosen == {"pick_konzeption_topics", "say_konzeption_topics"}
    services.settle_items(application=application, settled=[], by=w.reviewer, at=LATER)
    first.refresh_from_db()
    assert (first.settled_at, first.settled_by) == (None, None)


def test_only_points_of_the_request_that_was_answered_can_be_ticked_off(w):
    application = world.in_check(w)
    with pytest.raises(services.NothingToSettle):
        services.settle_items(application=application, settled=[], by=w.reviewer, at=NOW)
    request = ask(application, w, (Step.KONZEPTION, "goals"))
    services.proceed_without_answer(
        application=application, reason="Termin vorbei", by=w.reviewer, at=LATER
    )
    with pytest.raises(services.NothingToSettle):
        services.settle_items(
            application=application, settled=[request.items.get().pk], by=w.reviewer, at=LATER
        )


def test_an_answer_on_paper_is_taken_for_a_municipality_without_an_account(w):
    case = world.requested(w)
    world.save(case, Step.KONZEPTION, {"title": "Nie abgesendet"}, w.clerk)
    first, *rest = case.information_requests.get().items.all()
    arrived = timezone.localdate(NOW)
    said = {"received_as": "post", "arrived_on": arrived, "settled": {first.pk}}

    def take(**changes):
        upload = SimpleUploadedFile("Antwort.pdf", world.pdf_bytes(), "application/pdf")
        return services.record_answer(
            **{
                "application": case,
                "upload": upload,
                **said,
                "by": w.reviewer,
                "at": NOW,
                **changes,
            }
        )

    with pytest.raises(services.ArrivedAhead):
        take(arrived_on=arrived + timedelta(days=1))
    with pytest.raises(services.ArrivedBeforeAsked):
        take(arrived_on=arrived - timedelta(days=1))
    with pytest.raises(services.NothingToSettle):
        take(settled={uuid.uuid4()})
    with pytest.raises(services.NotAllowed):
        take(by=w.clerk)
    files = case.documents.count()
    mails = set(OutboxMail.objects.values_list("pk", flat=True))
    done = take()
    assert (done.status, done.title, done.documents.count()) == (
        Status.FORMAL_CHECK,
        "Vielfalt in Musterstadt",
        files + 1,
    )
    request = case.information_requests.get()
    assert (request.answered, request.closed_at) == (True, NOW)
    ticked = [(item.settled_by, item.settled_at) for item in request.items.all()]
    assert ticked == [(w.reviewer, NOW), *((None, None) for _ in rest)]
    last = snapshots.read(done.snapshots.order_by("number").last())
    assert "Antwort.pdf" in [row["name"] for row in last["documents"]]
    entry = done.log.last()
    assert (entry.action, entry.actor_id) == ("record_answer", w.reviewer.pk)
    assert words.log_details(entry.action, entry.content.values)[0] == (
        f"eingegangen per Post am {arrived:%d.%m.%Y}: Antwort.pdf"
    )
    told = OutboxMail.objects.exclude(pk__in=mails)
    assert {"Ihre Antwort ist eingegangen" in mail.subject for mail in told} == {True}
    with pytest.raises(services.WrongState):
        take()


def test_a_page_about_an_earlier_request_does_nothing_to_the_one_that_is_open() -> None:
    w = world.build(NOW)
    application = world.in_check(w, NOW)

    def ask(again: str) -> None:
        services.request_information(
            application=application,
            items=[(Step.KONZEPTION, again)],
            due_on=(NOW + timedelta(days=20)).date(),
            by=w.reviewer,
            at=NOW,
        )

    ask("Bitte ergänzen Sie die Ziele.")
    services.proceed_without_answer(
        application=application, reason="Nichts kam.", by=w.reviewer, at=NOW, seen=1
    )
    ask("Bitte ergänzen Sie den Zeitplan.")
    later = (NOW + timedelta(days=40)).date()
    stale: dict[str, Any] = {"application": application, "at": NOW, "seen": 1}
    with pytest.raises(services.RequestChanged):
        services.answer(by=w.signatory, **stale)
    with pytest.raises(services.RequestChanged):
        services.proceed_without_answer(reason="Nichts kam.", by=w.reviewer, **stale)
    with pytest.raises(services.RequestChanged):
        services.extend_request(due_on=later, reason="Der Ausschuss.", by=w.reviewer, **stale)
    application.refresh_from_db()
    assert application.status == Status.INFORMATION_REQUESTED
    assert application.information_requests.get(closed_at__isnull=True).number == 2
    services.answer(application=application, by=w.signatory, at=NOW, seen=2)


def test_a_proposal_holds_for_the_version_that_was_read() -> None:
    w = world.build(NOW)
    application = world.in_substance(w, NOW)
    with pytest.raises(services.VersionChanged):
        services.propose(
            application=application, proposal=world.grant_proposal(), by=w.reviewer, at=NOW, seen=2
        )
    application.refresh_from_db()
    assert application.status == Status.SUBSTANTIVE_CHECK
    services.propose(
        application=application, proposal=world.grant_proposal(), by=w.reviewer, at=NOW, seen=1
    )
