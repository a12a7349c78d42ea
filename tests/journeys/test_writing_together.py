"""Writing with a script: saved by itself, sums that move, two people, a session that ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.utils import timezone
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from applications.models import Application, KeptInput
from tests import world
from tests.factories import PASSWORD
from tests.journeys.conftest import Watch
from tests.journeys.test_application import press, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

SAVED = re.compile(r"Gespeichert um \d\d:\d\d Uhr")


def leave(page: Page, label: str, text: str) -> None:
    """Type into a field and go on to the next."""
    page.get_by_label(label, exact=True).first.fill(text)
    page.keyboard.press("Tab")


def test_what_is_typed_is_saved_by_itself_and_errors_stand_beside_their_field(
    page: Page, axe: Callable[[Page], None]
) -> None:
    w = world.build(at=timezone.now())
    application = world.filled(w, timezone.now())
    sign_in(page, w.clerk)
    page.goto(f"/antraege/{application.uuid}/zeitplan/")
    state = page.locator("[data-save-state]")
    expect(state).to_be_hidden()
    page.get_by_label("Beginn der Maßnahme").press_sequentially("x")
    expect(state).to_contain_text("Noch nicht gespeichert")
    page.keyboard.press("Tab")
    expect(state).to_contain_text("bis auf eine Angabe mit Fehler")
    expect(page.locator("#id_starts_on_error")).to_contain_text("Bitte geben Sie das Datum als")
    axe(page)
    leave(page, "Beginn der Maßnahme", "01.08.2027")
    expect(state).to_contain_text(SAVED)
    expect(page.locator("#id_starts_on_error")).to_have_count(0)
    axe(page)
    # A link waits until all is saved; the browser's button finds what was typed.
    page.get_by_label("Dauer in Monaten").fill("17")
    page.get_by_role("link", name="Zur Übersicht").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_url(f"**/antraege/{application.uuid}/")
    application.refresh_from_db()
    assert (f"{application.starts_on}", application.months) == ("2027-08-01", 17)
    assert application.milestones.count() == 1


def test_sums_move_with_what_is_typed_and_a_changed_period_asks_for_its_rows(
    page: Page, axe: Callable[[Page], None]
) -> None:
    w = world.build(at=timezone.now())
    application = world.filled(w, timezone.now())
    sign_in(page, w.clerk)
    page.goto(f"/antraege/{application.uuid}/finanzierung/")
    bar = page.locator("[data-save-plan]")
    expect(bar).to_have_text("2027: ausgeglichen · 2028: ausgeglichen · Summe: ausgeglichen")
    amount = page.get_by_role("group", name="Ausgabe 1").get_by_label("Betrag")
    amount.press_sequentially("0")  # 10.000,000: nobody can read that
    expect(page.get_by_text("Eine Zeile mit unlesbarem Betrag ist nicht")).to_be_visible()
    amount.fill("11.250")
    expect(bar).to_have_text(
        "2027: 1.250,00 € fehlen · 2028: ausgeglichen · Summe: 1.250,00 € fehlen"
    )
    expect(
        page.get_by_text("Im Haushaltsjahr 2027 fehlen noch 1.250,00 € Deckung.")
    ).to_be_visible()
    axe(page)
    page.keyboard.press("Tab")
    expect(page.locator("[data-save-state]")).to_contain_text(SAVED)

    page.goto(f"/antraege/{application.uuid}/zeitplan/")
    leave(page, "Beginn der Maßnahme", "01.02.2028")
    page.get_by_label("Dauer in Monaten").fill("12")
    press(page, "Speichern und weiter")
    expect(page.get_by_role("heading", name="Haushaltsjahre neu zuordnen")).to_be_visible()
    axe(page)
    press(page, "Speichern")
    expect(page.get_by_role("alert")).to_contain_text("Bitte wählen Sie, was mit den Zeilen")
    axe(page)
    page.get_by_label("Alle Zeilen des Haushaltsjahres 2027").select_option(label="Entfernen")
    page.get_by_label(re.compile("Ausgabe: Prozessmoderation")).select_option(
        label="In das Haushaltsjahr 2029 verschieben"
    )
    press(page, "Speichern")
    expect(page.get_by_text("1 Zeile ist verschoben, 2 Zeilen sind entfernt.")).to_be_visible()
    years = [row.year for row in application.expenses.all()]
    assert (sorted(years), application.cover.filter(year=2027).count()) == ([2028, 2029], 0)


def test_two_people_in_one_section_see_each_other_and_settle_what_both_wrote(
    new_context: Callable[..., BrowserContext], axe: Callable[[Page], None], watch: Watch
) -> None:
    w = world.build(at=timezone.now())
    application = world.filled(w, timezone.now())
    address = f"/antraege/{application.uuid}/konzeption/"
    first, second = new_context().new_page(), new_context().new_page()
    for page, person in ((first, w.clerk), (second, w.signatory)):
        sign_in(page, person)
        page.goto(address)
    expect(second.locator(".presence")).to_contain_text(f"{w.clerk} (seit ")
    first.reload()
    expect(first.locator(".presence")).to_contain_text(f"{w.signatory} (seit ")
    axe(first)

    leave(first, "Projektname", "Titel der Ersten")
    expect(first.locator("[data-save-state]")).to_contain_text(SAVED)
    leave(second, "Ziele", "Ziele der Zweiten")
    state = second.locator("[data-save-state]")
    expect(state).to_contain_text(f"{w.clerk} hat in diesem Abschnitt inzwischen etwas geändert")
    leave(second, "Projektname", "Titel der Zweiten")
    expect(state).to_contain_text("Noch nicht ganz gespeichert")
    axe(second)
    application.refresh_from_db()
    assert (application.title, application.goals) == ("Titel der Ersten", "Ziele der Zweiten")
    watch.expects("409")
    second.get_by_role("button", name="Beide Fassungen ansehen").click()
    expect(second.get_by_text("Titel der Ersten")).to_be_visible()
    expect(second.get_by_text("Titel der Zweiten")).to_be_visible()
    axe(second)
    second.get_by_label("Ihre Fassung").check()
    press(second, "Auswahl speichern")
    application.refresh_from_db()
    assert (application.title, application.goals) == ("Titel der Zweiten", "Ziele der Zweiten")


@pytest.mark.parametrize("script", [True, False])
def test_a_session_that_ends_keeps_what_was_typed_for_the_same_person_only(
    script: bool, new_context: Callable[..., BrowserContext], axe: Callable[[Page], None]
) -> None:
    w = world.build(at=timezone.now())
    application = world.filled(w, timezone.now())
    page = new_context(java_script_enabled=script).new_page()
    sign_in(page, w.clerk)
    page.goto(f"/antraege/{application.uuid}/konzeption/")
    Session.objects.all().delete()
    page.get_by_label("Ziele").fill("Lange überlegt\nund aufgeschrieben")
    if script:
        page.keyboard.press("Tab")
        expect(page.locator("[data-save-state]")).to_contain_text("Ihre Anmeldung ist beendet")
        page.get_by_role("button", name="Neu anmelden, Eingaben mitnehmen").click()
    else:
        press(page, "Speichern und weiter")
    expect(page.get_by_text("ist sicher verwahrt")).to_be_visible()
    if script:
        axe(page)

    # Somebody else signs in at this computer first.
    page.get_by_label("E-Mail").fill(w.signatory.email)
    page.get_by_label("Passwort").fill(PASSWORD)
    EmailAddress.objects.create(
        user=w.signatory, email=w.signatory.email, verified=True, primary=True
    )
    page.keyboard.press("Enter")
    expect(page.get_by_label("Ziele")).to_have_value("Ziele")
    page.get_by_role("button", name="Abmelden").click()

    page.goto(f"/antraege/{application.uuid}/konzeption/")
    page.get_by_label("E-Mail").fill(w.clerk.email)
    page.get_by_label("Passwort").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Wieder da, noch nicht gespeichert")).to_be_visible()
    expect(page.get_by_label("Ziele")).to_have_value("Lange überlegt\nund aufgeschrieben")
    if script:
        axe(page)
    press(page, "Speichern und weiter")
    application.refresh_from_db()
    assert application.goals.splitlines() == ["Lange überlegt", "und aufgeschrieben"]
    assert KeptInput.objects.count() == 0


def test_several_files_are_uploaded_with_progress_and_the_bad_one_is_told(
    page: Page, axe: Callable[[Page], None], tmp_path: Path
) -> None:
    w = world.build(at=timezone.now())
    application = world.draft(w, timezone.now())
    Image.new("RGB", (4, 4)).save(tmp_path / "Übersicht „neu“.png")
    Image.new("RGB", (5, 5)).save(tmp_path / "Plan.png")
    (tmp_path / "leer.pdf").write_bytes(b"")
    sign_in(page, w.clerk)
    page.goto(f"/antraege/{application.uuid}/anlagen/")
    page.get_by_label("Art der Unterlage").select_option(label="Sonstige Unterlage")
    chosen = [tmp_path / name for name in ("Übersicht „neu“.png", "leer.pdf", "Plan.png")]
    page.get_by_label("Dateien").set_input_files(chosen)
    page.get_by_role("button", name="Hochladen").click()
    rows = page.locator(".uploads > li")
    expect(rows.nth(0)).to_have_text(re.compile("Übersicht „neu“.png.*hochgeladen"))
    expect(rows.nth(1)).to_have_text(re.compile("leer.pdf.*Nicht angenommen: Die Datei ist leer"))
    expect(rows.nth(2)).to_have_text(re.compile("Plan.png.*hochgeladen"))
    expect(page.locator("[data-upload-said]")).to_have_text("2 von 3 Dateien hochgeladen.")
    expect(page.get_by_role("link", name="Übersicht „neu“.png", exact=True)).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Ersetzen Plan.png").click()
    expect(page.get_by_role("heading", name="„Plan.png“ ersetzen")).to_be_visible()
    axe(page)
    assert Application.objects.get().documents.current().count() == 2
