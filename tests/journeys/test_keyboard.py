"""A complete application, from the sign-in to the PDF, with the Tab key alone.

The same walk twice: with scripts, and with scripts switched off. Nothing is clicked, nothing
is focused but by Tab; every page on the way is looked at with axe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.utils import timezone
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from applications.models import Application
from applications.views import wording
from tests import world
from tests.factories import PASSWORD
from tests.journeys.conftest import Watch

pytestmark = pytest.mark.django_db(transaction=True)

YEAR = timezone.localdate().year + 1
MOST_TABS = 400

TYPED = {
    r".*_email": "integration@musterstadt.example",
    r".*_phone": "06151 1234",
    r"iban": "DE89 3704 0044 0532 0130 00",
    r"postal_code": "64283",
    r"starts_on": f"01.06.{YEAR}",
    r"months": "11",  # too short for the call: found, and confirmed when filing
    r"milestones-.*-due_on": f"01.09.{YEAR}",
    r"adoptions-.*-planned_on": f"20.08.{YEAR + 1}",
    r"title": "Mit der Tastatur",
}
"""What is typed into fields of that name; every other text says its own name."""

AMOUNTS = {"expenses": "6.000", "own": "1.000", "grant": "5.000"}
"""Expenses, Eigenmittel and grant of each Haushaltsjahr: even in each."""

CHOSEN = {
    "vat_deductible": "nein",
    "budget_situation": "approved",
    "other_funding": "nein",
    "consents_publication": "ja",
}

FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const sibling = name => {
    const other = document.getElementsByName((e.name || "").replace(/[^-]+$/, name))[0];
    return other ? other.value : "";
  };
  return {
    tag: e.tagName, type: e.type || "", name: e.name || "", value: e.value || "",
    text: (e.innerText || "").trim().replace(/\\s+/g, " "), checked: !!e.checked,
    inMain: !!e.closest("main"), kind: sibling("kind"), year: sibling("year"),
  };
}"""


class Walker:
    """Somebody who has a keyboard and no mouse."""

    def __init__(self, page: Page, look: Callable[[Page], None], upload: Path) -> None:
        self.page = page
        self.look = look
        self.upload = upload

    def focused(self) -> Iterator[dict[str, Any]]:
        """What Tab reaches, one after the other, from the top of the page."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            found = self.page.evaluate(FOCUSED)
            if found:
                yield found

    def go(self, name: str, sees: str = "") -> None:
        """Tab through the page, fill in what is empty, and press what is called that.

        `sees` is what appears where the page may stay.
        """
        for found in self.focused():
            if found["tag"] in ("A", "BUTTON"):
                if found["inMain"] and re.fullmatch(name, found["text"]):
                    if sees:
                        self.page.keyboard.press("Enter")
                        expect(self.page.get_by_text(sees).first).to_be_visible(timeout=30_000)
                        self.look(self.page)
                        return
                    with self.page.expect_navigation():
                        self.page.keyboard.press("Enter")
                    self.page.wait_for_load_state()
                    self.look(self.page)
                    return
            elif found["inMain"] and found["tag"] != "SUMMARY":  # what is folded up stays so
                self.fill(found)
        pytest.fail(f"„{name}“ is not reached by Tab on {self.page.url}")

    def fill(self, found: dict[str, Any]) -> None:
        keyboard, name, kind = self.page.keyboard, found["name"], found["type"]
        if kind == "file":
            # Tab has reached it; the dialog a key opens is the system's, and not every browser
            # without a window opens one.
            self.page.locator(f'input[type="file"][name="{name}"]').set_input_files(self.upload)
        elif kind == "checkbox":
            if not found["checked"]:
                keyboard.press("Space")
        elif kind == "radio":
            self.choose(name, found)
        elif found["tag"] == "SELECT":
            if not found["value"]:
                keyboard.press("ArrowDown")
        elif not found["value"]:
            keyboard.type(self.answer(found))

    def choose(self, name: str, found: dict[str, Any]) -> None:
        """Space takes the first of several, the arrows the others."""
        if not found["checked"]:
            self.page.keyboard.press("Space")
        wanted = CHOSEN.get(name)
        for _ in range(10):
            if wanted in (None, self.page.evaluate(FOCUSED)["value"]):
                return
            self.page.keyboard.press("ArrowDown")
        pytest.fail(f"{wanted} is no choice of {name}")

    def answer(self, found: dict[str, Any]) -> str:
        name = found["name"]
        if name.endswith("-amount"):
            return AMOUNTS.get(found["kind"] or "expenses", "0")
        for pattern, text in TYPED.items():
            if re.fullmatch(pattern, name):
                return text
        return f"Angabe zu {name.rsplit('-', 1)[-1]}"


def _walk(page: Page, look: Callable[[Page], None], w: world.World, tmp_path: Path) -> Application:
    """From the sign-in to the receipt and its PDF."""
    EmailAddress.objects.create(
        user=w.signatory, email=w.signatory.email, verified=True, primary=True
    )
    upload = tmp_path / "Konzeption.png"
    Image.new("RGB", (4, 4)).save(upload)
    walker = Walker(page, look, upload)

    page.goto("/antraege/")
    look(page)
    typed = {"login": w.signatory.email, "password": PASSWORD}
    for found in walker.focused():
        page.keyboard.type(typed.get(found["name"], ""))
        if found["name"] == "password":
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
    look(page)

    walker.go("Antrag beginnen")
    walker.go("Entwurf anlegen")
    expect(page.get_by_text("Noch nicht eingereicht")).to_be_visible()
    walker.go("Antragstellende Kommune")
    walker.go("Weiter: .*")
    for _ in ("ansprechpartner", "konzeption"):
        walker.go("Speichern und weiter")
    for text in ("Stadtteilfest", "Doch nicht"):
        walker.go("Zeile hinzufügen Beteiligungsformat")
        expect(page.locator("input:focus")).to_have_value("")  # the cursor stands in the new row
        page.keyboard.type(text)
    walker.go("Entfernen Beteiligungsformat 3")
    expect(page.get_by_text("Die Zeile ist entfernt, sobald Sie speichern.")).to_be_visible()
    for _ in ("beteiligung", "zeitplan", "finanzierung"):
        walker.go("Speichern und weiter")
    walker.go("Hochladen", sees="Konzeption.png")
    page.wait_for_timeout(3_000)  # with scripts the page stays while the file goes up
    page.reload()
    link = page.get_by_role("link", name="Konzeption.png", exact=True)
    expect(link).to_be_visible()
    walker.go("Weiter: .*")
    walker.go("Speichern")
    expect(page.get_by_text("Angaben fehlen")).to_have_count(0)
    walker.go("Angaben prüfen")
    expect(page.get_by_text("Hinweise, die Sie beim Einreichen bestätigen")).to_be_visible()
    walker.go("Antrag einreichen")

    expect(page.get_by_text(re.compile(r"KIV-\d{4}-0001 ist eingegangen"))).to_be_visible()
    application = Application.objects.get()
    assert application.reference is not None
    receipt = page.locator("main")
    assert application.submitted_at is not None
    for words in (
        application.reference,
        wording.instant(application.submitted_at),
        application.snapshots.get().sha256,
        "keine Zusage und keine Zustimmung zum vorzeitigen Maßnahmenbeginn",
    ):
        expect(receipt.get_by_text(words).first).to_be_visible()
    call_command("worker", "--until-idle")
    page.set_default_timeout(60_000)
    with page.expect_download() as download:
        for found in walker.focused():
            if found["tag"] == "A" and "PDF" in found["text"]:
                page.keyboard.press("Enter")
                break
    assert download.value.suggested_filename == f"Antrag {application.reference}.pdf"
    return application


def _assert_whole(application: Application) -> None:
    """What was typed is what was filed; no Pflichtangabe is missing."""
    content = application.snapshots.get().content
    assert content["steps"]["konzeption"]["title"] == "Mit der Tastatur"
    assert [row["name"] for row in content["documents"]] == ["Konzeption.png"]
    formats = content["steps"]["beteiligung"]["formats"]
    assert [row["name"] for row in formats] == ["Angabe zu name", "Stadtteilfest"]
    assert all(row["barriers"] for row in formats)
    warned = [one["code"] for one in content["findings"] if one["severity"] == "warning"]
    assert warned == ["period_outside_limits"]
    assert content["confirmation_reason"] == "Angabe zu grund"


def test_a_complete_application_by_keyboard_alone(
    page: Page, axe: Callable[[Page], None], watch: Watch, tmp_path: Path
) -> None:
    w = world.build(at=timezone.now())
    _assert_whole(_walk(page, axe, w, tmp_path))


def test_a_complete_application_without_javascript(
    new_context: Callable[..., BrowserContext], axe: Callable[[Page], None], tmp_path: Path
) -> None:
    w = world.build(at=timezone.now())
    page = new_context(java_script_enabled=False).new_page()

    def look(seen: Page) -> None:
        """axe is a script: it looks at the same page in a second window that runs some."""
        second = new_context(storage_state=seen.context.storage_state()).new_page()
        second.goto(seen.url)
        axe(second)
        second.context.close()

    _assert_whole(_walk(page, look, w, tmp_path))
