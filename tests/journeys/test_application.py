"""An application from the first word to the receipt, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from applications import services
from applications.models import Application, GuestRole
from applications.rules import Step
from municipalities.models import User
from tests import world
from tests.factories import PASSWORD
from tests.journeys.conftest import Watch

pytestmark = pytest.mark.django_db(transaction=True)

YEAR = timezone.localdate().year + 1


def sign_in(page: Page, user: User) -> None:
    """Through the door, as people do."""
    EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    page.goto("/antraege/")
    page.get_by_label("E-Mail").fill(user.email)
    page.get_by_label("Passwort").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ihre Anträge")).to_be_visible()


def press(page: Page, name: str) -> None:
    """Reach a button or link with the keyboard and press it."""
    page.locator("main").get_by_role("button", name=name, exact=True).or_(
        page.locator("main").get_by_role("link", name=name, exact=True)
    ).first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def narrow(page: Page) -> None:
    """On a telephone nothing scrolls sideways but what is meant to."""
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 320, page.url
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_draft_is_written_and_filed_without_script_and_mouse(
    new_context: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    w = world.build(at=timezone.now())
    page = new_context(java_script_enabled=False).new_page()
    sign_in(page, w.signatory)

    press(page, "Antrag beginnen")
    press(page, "Entwurf anlegen")
    expect(page.get_by_text("Noch nicht eingereicht")).to_be_visible()

    press(page, "Antragstellende Kommune")
    page.get_by_label("Name oder Gemeindeschlüssel").fill("kleinh")
    page.keyboard.press("Enter")
    press(page, "Hinzufügen Kleinheim")
    expect(page.get_by_role("heading", name="Kleinheim, Stadt")).to_be_visible()
    press(page, "Speichern und weiter")

    page.locator("[name=contact_unit]").fill("Fachstelle Integration")
    page.locator("[name=contact_email]").fill("integration@musterstadt.example")
    page.locator("[name=contact_phone]").fill("06151 1234")
    page.keyboard.press("Enter")  # Enter saves and goes on

    page.get_by_label("Projektname").fill("Zusammen in Musterstadt und Kleinheim")
    for label in ("Kurzbeschreibung", "Ausgangslage", "Ziele", "Vorgehen und Prozessmoderation"):
        page.get_by_label(label).fill(f"{label} in zwei\nZeilen.")
    press(page, "Speichern und weiter")

    page.get_by_label("Bezug zum Sozialraum").fill("Alle Ortsteile")
    page.get_by_label("Format", exact=True).fill("Werkstatt")
    press(page, "Zeile hinzufügen Beteiligungsformat")
    expect(page.get_by_label("Format", exact=True).nth(1)).to_be_focused()  # in the new row
    page.keyboard.type("Stadtteilfest")
    expect(page.get_by_label("Bezug zum Sozialraum")).to_have_value("Alle Ortsteile")
    page.get_by_label("Einbindung der politischen Gremien").fill("Ausschüsse")
    page.get_by_label("Einbindung des WIR-Vielfaltszentrums").fill("Begleitkreis")
    press(page, "Speichern und weiter")

    page.get_by_label("Beginn der Maßnahme").fill(f"31.02.{YEAR}")
    page.get_by_label("Dauer in Monaten").fill("15")
    press(page, "Speichern und weiter")
    expect(page.get_by_role("alert")).to_contain_text(f"Den 31.02.{YEAR} gibt es nicht.")
    expect(page.get_by_label("Dauer in Monaten")).to_have_value("15")
    page.get_by_label("Beginn der Maßnahme").fill(f"1.6.{YEAR}")
    page.get_by_label("Arbeitsschritt", exact=True).first.fill("Auftakt")
    page.get_by_label("fertig bis").first.fill(f"01.07.{YEAR}")
    for town in ("Musterstadt", "Kleinheim"):
        row = page.get_by_role("group", name=town)
        row.get_by_label("Geplanter Beschluss am").fill(f"15.06.{YEAR + 1}")
    press(page, "Speichern und weiter")

    for number, amount in enumerate(("8.000", "4.000,50 €")):
        page.get_by_label("Wofür").nth(number).fill("Prozessmoderation")
        page.get_by_role("group", name=f"Ausgabe {number + 1}").get_by_label("Betrag").fill(amount)
    amounts = ("500", "500", "7.000", "500", "500", "3.000")
    for number, amount in enumerate(amounts, start=1):
        row = page.get_by_role("group", name=f"Deckung {number}", exact=True)
        row.get_by_label("Betrag").fill(amount)
    page.get_by_label("Nein, alle Beträge sind einschließlich").check()
    page.get_by_label("Haushalt beschlossen und genehmigt").check()
    press(page, "Speichern und Summen berechnen")
    expect(page.get_by_text("0,50 € fehlen").first).to_be_visible()
    row = page.get_by_role("group", name="Deckung 6")
    row.get_by_label("Betrag").fill("3.000,50")
    press(page, "Speichern und weiter")

    Image.new("RGB", (4, 4)).save(tmp_path / "Kooperation Kleinheim.png")
    page.get_by_label("Art der Unterlage").select_option(label="Kooperationserklärung")
    page.get_by_label("Kommune").select_option(label="Kleinheim")
    page.get_by_label("Datei").set_input_files(tmp_path / "Kooperation Kleinheim.png")
    press(page, "Hochladen")
    expect(page.get_by_role("link", name="Kooperation Kleinheim.png", exact=True)).to_be_visible()
    press(page, "Weiter: Erklärungen")

    for words in (
        "Die antragstellende Kommune wird",
        "Die Angaben in diesem",
        "Mit der Maßnahme wurde noch",
    ):
        page.get_by_label(re.compile(words)).check()
    page.locator("[name=consents_publication][value=ja]").check()
    press(page, "Speichern")
    expect(page.get_by_text("Angaben fehlen")).to_have_count(4)

    press(page, "Angaben prüfen")
    press(page, "Antrag einreichen")
    expect(page.get_by_role("alert")).to_contain_text("Bitte bestätigen Sie")
    page.get_by_label("Ich reiche trotzdem ein.").check()
    page.get_by_label("Ich bin befugt, diesen Antrag").check()
    page.get_by_label("Begründung").fill("Der Haushalt wird im Januar genehmigt.")
    press(page, "Antrag einreichen")

    expect(page.get_by_text(re.compile(r"KIV-\d{4}-0001 ist eingegangen"))).to_be_visible()
    application = Application.objects.get()
    assert page.url.endswith(f"/antraege/{application.uuid}/")
    assert application.reference == f"KIV-{timezone.localdate().year}-0001"
    steps = application.first_snapshot.content["steps"]
    assert [row["name"] for row in steps["beteiligung"]["formats"]] == [
        "Werkstatt",
        "Stadtteilfest",
    ]
    assert [(row["year"], row["amount"]) for row in steps["finanzierung"]["expenses"]] == [
        (YEAR, "8000.00"),
        (YEAR + 1, "4000.50"),
    ]
    assert steps["kommune"]["partners"] == [w.small.ags]


def test_every_page_is_accessible_and_fits_a_telephone(
    page: Page, axe: Callable[[Page], None], watch: Watch
) -> None:
    w = world.build(at=timezone.now())
    empty = world.draft(w, timezone.now())
    full = world.filled(w, timezone.now())
    world.save(full, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk, timezone.now())
    filed = world.in_check(w, timezone.now())
    services.request_information(
        application=filed,
        items=[(Step.KONZEPTION, "Bitte ergänzen."), (Step.ANLAGEN, "Bitte beilegen.")],
        due_on=timezone.localdate() + timedelta(days=14),
        by=w.reviewer,
        at=timezone.now(),
    )
    guest = services.invite_guest(
        application=full,
        email="gast@vielfalt.example",
        role=GuestRole.COMMENT,
        until=timezone.localdate() + timedelta(days=30),
        by=w.clerk,
        at=timezone.now(),
    )
    sign_in(page, w.signatory)
    addresses = ["/antraege/", "/antraege/neu/", "/konto/erinnerungen/", "/benachrichtigung/"]
    addresses += [
        f"/antraege/{filed.uuid}/{rest}/"
        for rest in (
            "nachreichen",
            "zurueckziehen",
            "konzeption",
            "anlagen",
            "team",
            "neu-beginnen",
        )
    ]
    addresses += [
        f"/antraege/{full.uuid}/team/?gast={guest.pk}",
        f"/antraege/{full.uuid}/kommentare/",
    ]
    for application in (empty, full, filed):
        base = f"/antraege/{application.uuid}/"
        addresses += [base, f"{base}pruefen/"]
    for application in (empty, full):
        addresses += [f"/antraege/{application.uuid}/{step}/" for step in Step]
    addresses += [
        f"/antraege/{full.uuid}/kommune/?suche=stadt",
        f"/antraege/{filed.uuid}/antrag.pdf",
    ]
    for address in addresses:
        page.goto(address)
        axe(page)
        narrow(page)

    # Errors and conflicts are pages, too.
    page.goto(f"/antraege/{full.uuid}/konzeption/")
    world.save(full, Step.KONZEPTION, {"title": "Ihr Titel"}, w.clerk, timezone.now())
    page.get_by_label("Projektname").fill("Mein Titel")
    watch.expects("409")
    press(page, "Speichern und weiter")
    expect(page.get_by_role("heading", name="Zwei Fassungen: Konzeption")).to_be_visible()
    axe(page)
    narrow(page)
    page.goto(f"/antraege/{full.uuid}/finanzierung/")
    page.get_by_label("Betrag").first.fill("1234.56")
    press(page, "Speichern und weiter")
    axe(page)
    narrow(page)
    for address, button in (
        (f"/antraege/{full.uuid}/team/", "Einladung senden"),
        (f"/antraege/{full.uuid}/team/", "Antrag übergeben"),
        (f"/antraege/{full.uuid}/kommentare/", "Kommentar speichern"),
        (f"/antraege/{full.uuid}/kommune/", "Suchen"),
        (f"/antraege/{full.uuid}/anlagen/", "Hochladen"),
        (f"/antraege/{filed.uuid}/nachreichen/", "Ergänzungen absenden"),
        (f"/antraege/{filed.uuid}/zurueckziehen/", "Antrag zurückziehen"),
        ("/benachrichtigung/", "Benachrichtigung anfordern"),
        (f"/antraege/{full.uuid}/pruefen/", "Antrag einreichen"),
    ):
        if address == "/benachrichtigung/":
            watch.expects("422")
        if button == "Antrag einreichen":  # which is there once no earlier application lives
            filed.refresh_from_db()
            reason = "Wir reichen neu ein."
            services.withdraw(application=filed, reason=reason, by=w.signatory, at=timezone.now())
        page.goto(address)
        press(page, button)
        assert page.title().startswith("Fehler: "), address
        axe(page)
        narrow(page)


def test_two_people_settle_what_both_wrote(
    new_context: Callable[..., BrowserContext], watch: Watch
) -> None:
    w = world.build(at=timezone.now())
    application = world.filled(w, timezone.now())
    address = f"/antraege/{application.uuid}/konzeption/"
    pages: list[Any] = []
    for person in (w.clerk, w.signatory):
        page = new_context(java_script_enabled=False).new_page()
        sign_in(page, person)
        page.goto(address)
        pages.append(page)
    first, second = pages

    first.get_by_label("Projektname").fill("Titel der Ersten")
    first.get_by_label("Ziele").fill("Ziele der Ersten")
    press(first, "Speichern und weiter")
    watch.expects("409")
    second.get_by_label("Projektname").fill("Titel der Zweiten")
    second.get_by_label("Kurzbeschreibung").fill("Kurz, von der Zweiten")
    press(second, "Speichern und weiter")
    expect(second.get_by_text("Titel der Ersten")).to_be_visible()
    expect(second.get_by_text("Titel der Zweiten")).to_be_visible()
    second.get_by_label(f"Zwischenzeitlich gespeichert von {w.clerk}").check()
    press(second, "Auswahl speichern")

    application.refresh_from_db()
    assert (application.title, application.goals, application.summary) == (
        "Titel der Ersten",
        "Ziele der Ersten",
        "Kurz, von der Zweiten",
    )
