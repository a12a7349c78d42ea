"""Vermerke stay inside, messages reach the municipality, and whoever is befangen stays out."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from applications import permissions, services
from applications.admin import moves
from applications.admin.hindrances import RECUSED
from applications.models import (
    Application,
    CaseLogEntry,
    CaseLogPayload,
    CaseMessage,
    CaseNote,
    DecisionHand,
    Recusal,
)
from applications.models.notes import NoteKind
from applications.services import rendering
from kiv_portal.models import Job, OutboxMail
from kiv_portal.services import own_data
from tests import world
from tests.applications.test_admin_cases import (
    WORKLIST,
    case_address,
    now,
    of_other_town,
)

# Pages alone; that each opens on PostgreSQL too is tried in test_access.
pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

CANARY = "Kanarienvogel-Vermerk"


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings: Any) -> None:
    settings.PORTAL_DEMO = True


def page_of(case: Application, action: str) -> str:
    return f"{WORKLIST}{case.pk}/{action}/"


def note(
    case: Application, by: Any, text: str = CANARY, kind: NoteKind = NoteKind.NOTE
) -> CaseNote:
    return services.add_note(application=case, kind=kind, text=text, by=by, at=now())


# --- Two places -----------------------------------------------------------------------------------


def test_a_vermerk_and_a_message_are_written_in_places_that_say_what_they_are(
    client: Client,
) -> None:
    w = world.build(now())
    case = world.in_check(w, now())
    client.force_login(w.reviewer)
    form = client.get(f"{page_of(case, 'add_note')}?art=phone").context["form"]
    assert form["kind"].value() == "phone"
    inside = client.get(page_of(case, "add_note")).content.decode()
    outside = client.get(page_of(case, "send_message")).content.decode()
    assert ('class="desk-note"' in inside, 'class="desk-message"' in inside) == (True, False)
    assert ('class="desk-note"' in outside, 'class="desk-message"' in outside) == (False, True)
    for action, data, said in (
        ("add_note", {"kind": "phone", "text": " "}, "Bitte schreiben Sie den Vermerk."),
        ("add_note", {"text": "x"}, "Bitte wählen Sie die Art des Vermerks."),
        ("send_message", {"text": "x"}, "Bitte bestätigen Sie, dass der Text für die Kommune"),
        ("send_message", {"meant": "on"}, "Bitte schreiben Sie die Nachricht."),
    ):
        answer = client.post(page_of(case, action), data)
        assert (answer.status_code, said in answer.content.decode()) == (422, True), action
    client.post(page_of(case, "add_note"), {"kind": "phone", "text": "Rückruf am Montag."})
    client.post(page_of(case, "send_message"), {"text": "Bitte <b>anrufen</b>.", "meant": "on"})
    page = unescape(client.get(case_address(case)).content.decode())
    assert f'href="{page_of(case, "add_note")}?art=phone"' in page  # one click for a call
    # Nothing is typed here, by accident or otherwise: the forms sign out and stay signed in.
    typed = re.findall(r"<(?:input(?![^>]*type=.hidden)|select|textarea|form)\b[^>]*", page)
    assert sorted(typed) == [
        f'<form method="post" action="{place}"' for place in ("/admin/logout/", "/konto/sitzung/")
    ]
    notes, _, rest = page.partition('aria-labelledby="vermerke"')[2].partition(
        'aria-labelledby="nachrichten"'
    )
    messages = rest.partition('aria-labelledby="nachforderungen"')[0]
    assert ("Telefonvermerk vom" in notes, "Rückruf am Montag." in notes) == (True, True)
    assert ("anrufen" in notes, "Rückruf" in messages) == (False, False)
    assert "Bitte <b>anrufen</b>." in messages
    assert list(CaseLogEntry.objects.filter(application=case).values_list("action", flat=True))[
        -2:
    ] == ["add_note", "send_message"]


def test_the_municipality_reads_a_message_on_its_page_and_a_mail_says_only_that(
    client: Client,
) -> None:
    w = world.build(now())
    case = world.in_check(w, now())
    before = OutboxMail.objects.count()
    services.send_message(application=case, text="Geheimnis der Kommune", by=w.signer, at=now())
    mail = OutboxMail.objects.order_by("pk").last()
    assert mail is not None
    assert OutboxMail.objects.count() > before
    assert mail.subject == f"Antrag {case.reference}: Es gibt eine Nachricht für Sie"
    assert "Geheimnis" not in mail.body
    client.force_login(w.clerk)
    assert "Geheimnis der Kommune" in client.get(case.get_absolute_url()).content.decode()
    assert w.signer.email not in client.get(case.get_absolute_url()).content.decode()


def test_a_vermerk_reaches_no_applicant_no_mail_no_letter_no_log_and_no_public_page(
    client: Client,
) -> None:
    w = world.build(now())
    case = world.notified(w, at=now())
    note(case, w.reviewer)
    note(case, w.signer, kind=NoteKind.PHONE)
    services.publish_project(application=case, by=w.reviewer, at=now())
    services.send_message(application=case, text="Harmlos", by=w.reviewer, at=now())
    for job in Job.objects.filter(kind__in=rendering.JOBS):
        rendering.JOBS[job.kind](job.argument, now())
    client.force_login(w.clerk)
    for address in (
        case.get_absolute_url(),
        f"{case.get_absolute_url()}fassung/1/",
        "/antraege/",
        "/konto/",
        "/projekte/",
        "/projekte.json",
        "/projekte.csv",
        "/projekte.atom",
        "/projekte/aenderungen/",
    ):
        assert CANARY not in client.get(address).content.decode(), address
    for mail in OutboxMail.objects.all():
        assert CANARY not in mail.subject + mail.read()
    for text in CaseLogPayload.objects.values_list("data", flat=True):
        assert CANARY not in text
    case.refresh_from_db()
    for letter in case.letters.all():
        assert CANARY not in str(letter.values)
    for snapshot in case.snapshots.all():
        assert CANARY not in snapshot.payload
    for person in (w.clerk, w.signatory):
        held = str([holding.rows for holding in own_data.holdings(person)])
        assert CANARY not in held
    client.force_login(w.reader)
    assert client.get(case_address(case)).content.decode().count(CANARY) == 2


def test_neither_a_vermerk_nor_a_message_is_ever_changed() -> None:
    w = world.build(now())
    case = world.in_check(w, now())
    note(case, w.reviewer)
    services.send_message(application=case, text="So.", by=w.reviewer, at=now())
    for model in (CaseNote, CaseMessage):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(text="anders")


def test_only_who_checks_or_signs_writes(client: Client) -> None:
    w = world.build(now())
    case = world.in_check(w, now())
    for person in (w.reader, w.administrator, w.auditor, w.people, w.clerk):
        with pytest.raises(services.NotAllowed):
            note(case, person)
        with pytest.raises(services.NotAllowed):
            services.send_message(application=case, text="x", by=person, at=now())
    with pytest.raises(services.NotAllowed):
        note(world.draft(w, now()), w.reviewer)
    for call in (
        lambda: note(case, w.reviewer, " "),
        lambda: services.send_message(application=case, text="", by=w.reviewer, at=now()),
    ):
        with pytest.raises(services.TextMissing):
            call()
    client.force_login(w.reader)
    page = client.get(case_address(case))
    assert page.context["beside"] == {}
    assert client.get(page_of(case, "add_note")).status_code == 403


# --- Befangenheit ---------------------------------------------------------------------------------


def test_whoever_ticked_neither_writes_nor_signs_in_this_case(client: Client) -> None:
    w = world.build(now())
    case = world.in_check(w, now())
    other = of_other_town(w)
    w.reviewer.groups.add(*w.signer.groups.all())  # so that no role stands in the way of a move
    letter = services.issue_letter(application=case, kind="receipt", by=w.reviewer, at=now())
    client.force_login(w.reviewer)
    assert client.post(page_of(case, "recuse"), {}).status_code == 422
    assert client.post(page_of(case, "recuse"), {"recused": "on"}).status_code == 302
    case = Application.objects.get(pk=case.pk)
    assert case.reviewer is None
    page = client.get(case_address(case))
    assert "Sie sind in diesem Fall befangen" in page.content.decode()
    assert [page.context[name] for name in ("buttons", "out_of_reach", "beside")] == [[], [], {}]
    pages = [*moves.ACTIONS, "pruefung", "beteiligung", "schreiben/neu", "einwilligung"]
    for action in [*pages, "eintraege", f"schreiben/{letter.pk}/bekanntgabe"]:
        answer = client.post(page_of(case, action), {})
        assert (answer.status_code, RECUSED in answer.content.decode()) == (403, True), action
    with pytest.raises(services.NotAllowed):
        services.accept_formally(application=case, by=w.reviewer, at=now())
    with pytest.raises(services.NotAllowed):
        note(case, w.reviewer)
    with pytest.raises(services.NoReviewer):
        services.assign(application=case, reviewer=w.reviewer, by=w.other_reviewer, at=now())
    services.begin_check(application=other, by=w.reviewer, at=now())  # in another case, yes
    assert CaseLogEntry.objects.filter(application=case).last().action == "recuse"


def test_a_befangen_signer_does_not_sign_and_the_database_says_so_too(client: Client) -> None:
    w = world.build(now())
    case = world.proposed(w, at=now())
    decision = case.decisions.get()
    client.force_login(w.signer)

    def to_sign() -> tuple[list[Any], list[Any]]:
        """What waits for the person, on the first page and in the list behind it."""
        agenda = client.get("/admin/").context["agenda"]
        listed = client.get(WORKLIST, {"aufgabe": "zeichnen"}).context["cl"].result_list
        return [item["case"]["pk"] for item in agenda], [row.pk for row in listed]

    assert to_sign() == ([case.pk], [case.pk])
    services.recuse(application=case, by=w.signer, at=now())
    assert to_sign() == ([], [])
    case = Application.objects.get(pk=case.pk)
    assert permissions.may_sign_decision(w.signer, case) is False
    assert permissions.may_correct_letter(w.signer, case) is False
    assert permissions.may_allow_early_start(w.signer, case) is False
    with pytest.raises(services.NotAllowed):
        services.grant(
            application=case,
            by=w.signer,
            at=now(),
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        DecisionHand.objects.create(decision=decision, user=w.signer, role="signed", at=now())
    last = case.log.order_by("sequence").last()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO applications_caselogentry (application_id, sequence, at, action, "
            "actor_id, payload_hash, previous_hash, hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [case.pk, last.sequence + 1, now(), "grant", w.signer.pk, "x", last.hash, "y"],
        )


def test_somebody_else_lifts_a_befangenheit_with_a_reason(client: Client) -> None:
    w = world.build(now())
    case = world.in_check(w, now())
    services.recuse(application=case, by=w.reviewer, at=now())
    lift = {"person": w.reviewer, "reason": "Verwechslung.", "at": now()}
    with pytest.raises(services.NotAllowed):
        services.lift_recusal(application=case, by=w.reviewer, **lift)
    with pytest.raises(services.ReasonMissing):
        services.lift_recusal(application=case, by=w.signer, **{**lift, "reason": " "})
    with pytest.raises(services.NotRecused):
        services.lift_recusal(application=case, by=w.signer, **{**lift, "person": w.reader})
    with pytest.raises(DatabaseError), transaction.atomic():
        Recusal.objects.update(lifted_at=timezone.now(), lifted_by=w.reviewer)
    client.force_login(w.signer)
    assert f"{w.reviewer}</strong> ist befangen" in client.get(case_address(case)).content.decode()
    form = {"person": w.reviewer.pk, "reason": "Verwechslung."}
    assert client.post(page_of(case, "lift_recusal"), form).status_code == 302
    assert f"von {w.reviewer}" in client.get(case_address(case)).content.decode()
    services.accept_formally(application=case, by=w.reviewer, at=now())


# --- Who else is here -----------------------------------------------------------------------------


def test_a_warning_says_which_colleague_has_the_case_open(client: Client) -> None:
    w = world.build(now())
    case = world.in_check(w, now())
    client.force_login(w.reviewer)
    assert client.get(case_address(case)).context["present"] == []
    other = Client()
    other.force_login(w.other_reviewer)
    page = other.get(case_address(case))
    assert [row.user for row in page.context["present"]] == [w.reviewer]
    assert "Gerade auch geöffnet" in page.content.decode()
    other.force_login(w.reader)  # who only reads is told, and disturbs nobody
    assert len(other.get(case_address(case)).context["present"]) == 2
    assert [row.user for row in client.get(case_address(case)).context["present"]] == [
        w.other_reviewer
    ]
    other.force_login(w.clerk)
    text = other.get(case.get_absolute_url()).content.decode()
    assert (w.reviewer.email in text, w.other_reviewer.email in text) == (False, False)
