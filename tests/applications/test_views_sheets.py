"""Downloading sheets to sign, and the blank form without an account."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from applications import services
from applications.models import Application, FormSheet, FundingCall
from applications.rules import Step
from applications.services import cooperation, rendering
from tests import world
from tests.applications.pages import place, sent, signed_in, words
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def test_a_sheet_is_made_and_then_saved_under_its_name():
    w = world.build()
    application = world.filled(w)
    world.shared(application, w, w.small)
    clerk = signed_in(w.clerk)
    for rest, name in (
        (f"kooperation/{w.small.ags}.pdf", "Kooperationserkl%C3%A4rung%20Kleinheim.pdf"),
        ("unterschriftsblatt.pdf", "Unterschriftsblatt.pdf"),
    ):
        waiting = clerk.get(place(application, rest))
        assert (waiting.status_code, waiting["Refresh"]) == (202, "10")
        assert "Das PDF wird gerade erzeugt" in words(waiting)
        rendering.render_sheet_pdf(str(FormSheet.objects.latest("created_at", "pk").pk), NOW)
        for sheet in FormSheet.objects.filter(file=""):
            rendering.render_sheet_pdf(str(sheet.pk), NOW)
        saved = clerk.get(place(application, rest))
        assert saved.status_code == 200
        assert name in saved["Content-Disposition"]
        assert saved["Content-Disposition"].startswith("attachment")
        assert saved["X-Content-Type-Options"] == "nosniff"
        assert saved.getvalue()[:5] == b"%PDF-"


def test_whoever_is_no_partner_has_no_sheet():
    w = world.build()
    application = world.filled(w)
    clerk = signed_in(w.clerk)
    for ags in (w.small.ags, w.town.ags, "x"):
        assert clerk.get(place(application, f"kooperation/{ags}.pdf")).status_code == 404


def test_an_empty_kooperationserklaerung_is_not_printed_and_the_page_leads_to_what_is_lacking():
    w = world.build()
    application = world.draft(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    refused = signed_in(w.clerk).get(place(application, f"kooperation/{w.small.ags}.pdf"))
    assert refused.status_code == 409
    assert "Die Kooperationserklärung von Kleinheim ist noch nicht fertig" in words(refused)
    for step, said in (
        ("konzeption", "der Projektname (Abschnitt Konzeption)"),
        ("finanzierung", "der Anteil von Kleinheim"),
    ):
        assert said in words(refused)
        assert f'href="{place(application, f"{step}/")}"' in refused.content.decode()
    assert FormSheet.objects.count() == 0


def test_the_steps_lead_to_the_sheets():
    w = world.build()
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    clerk = signed_in(w.clerk)
    address = place(application, f"kooperation/{w.small.ags}.pdf")
    # As long as the sheet would be refused there is no link to it, but one to what is missing.
    for step in ("kommune", "anlagen"):
        early = clerk.get(place(application, f"{step}/"))
        assert address not in early.content.decode()
        lacks = f'<a href="{place(application, "finanzierung/")}">der Anteil von Kleinheim'
        assert lacks in early.content.decode()
        assert "Das PDF gibt es, sobald im Antrag steht: der Anteil von Kleinheim" in words(early)
    world.shared(application, w, w.small)
    for step in ("kommune", "anlagen"):
        page = clerk.get(place(application, f"{step}/")).content.decode()
        assert f'href="{address}">Kooperationserklärung Kleinheim (PDF, vorausgefüllt)</a>' in page
    page = clerk.get(place(application, "anlagen/")).content.decode()
    assert f'href="{place(application, "unterschriftsblatt.pdf")}"' in page
    due = "<li>Unterschriftsblatt, von der zeichnungsberechtigten Person unterschrieben</li>"
    assert due not in page
    FundingCall.objects.update(signature_form="sheet")
    assert due in clerk.get(place(application, "anlagen/")).content.decode()


def test_the_blank_form_is_there_for_everybody_and_made_once():
    world.build()
    browser = Client()
    assert '"/hilfe/antragsformular.pdf"' in browser.get("/hilfe/").content.decode()
    waiting = browser.get("/hilfe/antragsformular.pdf")
    assert (waiting.status_code, waiting["Cache-Control"]) == (202, "no-store")
    assert waiting.cookies == {}
    sheet = FormSheet.objects.get()
    rendering.render_sheet_pdf(str(sheet.pk), NOW)
    shown = browser.get("/hilfe/antragsformular.pdf")
    assert (shown.status_code, shown["Content-Type"]) == (200, "application/pdf")
    assert shown.getvalue()[:5] == b"%PDF-"
    assert shown.cookies == {}
    assert FormSheet.objects.get() == sheet


def test_a_partners_contribution_is_written_beside_its_name_and_too_long_a_text_is_kept(settings):
    w = world.build()
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    application.refresh_from_db()
    clerk = signed_in(w.clerk)
    row_id = str(cooperation.key_of(application, w.small))
    data = {"basis": str(application.revision), "aktion": "weiter"}
    name = f"cooperations-{row_id}-contribution"
    page = clerk.post(place(application, "kommune/"), data | {name: "ä" * 1_001})
    assert page.status_code == 200
    assert (
        "Bitte kürzen Sie den Text auf höchstens 1000 Zeichen. Im Augenblick sind es 1001."
        in words(page)
    )
    assert "ä" * 1_001 in page.content.decode()
    assert "Partnerkommune hinzufügen" in words(page)
    saved = clerk.post(place(application, "kommune/"), data | {name: "Stellt Räume"})
    assert saved["Location"] == place(application, "ansprechpartner/")
    assert services.read_step(application, Step.KOMMUNE) == {
        "partners": [w.small.ags],
        "cooperations": [
            {"id": row_id, "municipality": w.small.ags, "contribution": "Stellt Räume"}
        ],
    }
    # It is read on the check page, where the section can only be read, and as it was filed.
    said = "<dt>Beitrag Kleinheim{}</dt><dd>Stellt Räume</dd>"
    assert said.format("") in clerk.get(place(application, "pruefen/")).content.decode()
    w.clerk.memberships.update(may_edit=False)
    Application.objects.update(created_by=w.signatory)
    closed = clerk.get(place(application, "kommune/"))
    assert said.format("") in closed.content.decode()
    assert "Musterstadt im Verbund mit Kleinheim" in words(closed)
    filed = world.file(application, w.signatory)
    settings.PORTAL_DEMO = True
    desk = signed_in(w.reviewer).get(f"/admin/applications/application/{filed.pk}/change/")
    for page in (clerk.get(place(filed, "pruefen/")), desk):
        html = page.content.decode()
        assert said.format(", Stadt") in html
        lacks = r"<dt>Kooperationserklärung Kleinheim, Stadt</dt>\s*<dd>\s*liegt nicht bei\s*</dd>"
        assert re.search(lacks, html)


def test_a_wrong_iban_stands_beside_its_field_and_all_that_was_typed_is_kept():
    w = world.build()
    application = world.filled(w)
    clerk = signed_in(w.clerk)
    page = clerk.post(
        place(application, "ansprechpartner/"),
        sent(
            application,
            Step.ANSPRECHPARTNER,
            iban="DE88 3704 0044 0532 0130 00",
            account_holder="Neue Kasse",
            postal_code="6428",
        ),
    )
    html = page.content.decode()
    assert page.status_code == 200
    assert 'value="DE88 3704 0044 0532 0130 00"' in html
    assert 'value="Neue Kasse"' in html
    assert "Die Prüfziffern dieser IBAN passen nicht" in words(page)
    assert "Bitte geben Sie die Postleitzahl mit fünf Ziffern ein" in words(page)
    application.refresh_from_db()
    assert application.iban == "DE89370400440532013000"


def test_a_saved_iban_shows_its_bank():
    w = world.build()
    page = words(signed_in(w.clerk).get(place(world.filled(w), "ansprechpartner/")))
    assert "Gespeichert, Bank: Commerzbank, BIC COBADEFFXXX." in page


def test_what_the_register_knows_is_filled_in_before_anybody_wrote():
    w = world.build()
    w.town.postal_code = "64999"
    w.town.save()
    html = signed_in(w.clerk).get(place(world.draft(w), "ansprechpartner/")).content.decode()
    for value in ("Magistrat der Stadt Musterstadt", "64999", "Musterstadt"):
        assert f'value="{value}"' in html
