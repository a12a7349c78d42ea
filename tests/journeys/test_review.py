"""Use case: an application is checked, decided by two persons and published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urljoin

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from applications.models import Application
from municipalities.models import User
from tests import world
from tests.factories import PASSWORD
from tests.journeys.conftest import Watch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings):
    """What a second factor protects is tested elsewhere."""
    settings.PORTAL_DEMO = True


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """On a busy machine a page may take longer than Playwright's five seconds."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


def sign_in(page: Page, user: User) -> None:
    page.set_default_timeout(30_000)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    page.goto("/konto/anmelden/?next=/admin/")
    page.get_by_label("E-Mail").fill(user.email)
    page.get_by_label("Passwort").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Anmelden").click()
    expect(page.get_by_role("heading", name="Was ich tun muss")).to_be_visible()


def press(page: Page, name: str) -> None:
    page.locator("main").get_by_role("link", name=name, exact=True).click()


def open_task(page: Page, name: str) -> None:
    """A task's link also says since or until when."""
    page.locator("main").get_by_role("link", name=re.compile(f"^{re.escape(name)} seit ")).click()


def confirm(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def test_a_case_goes_from_the_worklist_to_the_public_directory(
    page: Page,
    axe: Callable[[Page], None],
    new_context: Callable[..., BrowserContext],
    watch: Watch,
) -> None:
    watch.expects("422")  # twice a form is sent back with what is missing
    w = world.build(timezone.now() - timedelta(minutes=5))
    application = world.submitted(w, timezone.now() - timedelta(minutes=5))

    # The reviewer finds the new case among the tasks and takes it on.
    sign_in(page, w.reviewer)
    axe(page)
    open_task(page, "1 Neu eingegangen, noch von niemandem übernommen")
    axe(page)
    page.get_by_role("link", name=str(application.reference)).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Vielfalt in Musterstadt")
    axe(page)
    press(page, "Formale Prüfung beginnen")
    axe(page)
    confirm(page, "Formale Prüfung beginnen")
    expect(page.get_by_text("Sie haben den Fall übernommen.")).to_be_visible()

    # Asking for documents without saying which is told at the fields; then think better of it.
    press(page, "Unterlagen nachfordern")
    axe(page)
    confirm(page, "Unterlagen nachfordern")
    refusal = "Bitte kreuzen Sie mindestens eine Angabe oder einen Abschnitt an."
    expect(page.get_by_text(refusal)).to_be_visible()
    axe(page)
    press(page, "Abbrechen")

    # A Vermerk for the authority and a message for the municipality, each in its own place.
    press(page, "Telefonvermerk")
    expect(page.get_by_label("Telefonvermerk")).to_be_checked()
    axe(page)
    page.get_by_label("Vermerk (nur für die Behörde)").fill("Rückruf am Montag.")
    confirm(page, "Vermerk schreiben")
    press(page, "Nachricht an die Kommune schreiben")
    axe(page)
    page.get_by_label("Nachricht an die Kommune").fill("Danke für Ihren Antrag.")
    page.get_by_label("Die Kommune soll diesen Text lesen").check()
    confirm(page, "Nachricht an die Kommune senden")
    axe(page)
    case = page.url
    for place in ("zahlen/", "vertretung/", "ausgabe/", "uebernehmen/", "erfassen/"):
        page.goto(f"/admin/applications/application/{place}")
        axe(page)
    page.goto(case)

    press(page, "Geschäftszeichen eintragen")
    page.get_by_label("Geschäftszeichen").fill("II 25 – 12")
    confirm(page, "Geschäftszeichen eintragen")
    press(page, "Formale Prüfung abschließen")
    confirm(page, "Formale Prüfung abschließen")

    # Proposing less than asked for needs its own reason.
    press(page, "Entscheidung vorschlagen")
    axe(page)
    page.get_by_label("Bewilligung", exact=True).check()
    page.get_by_label("Begründung der Entscheidung").fill("Überzeugt.")
    page.get_by_label("Zuwendung insgesamt").fill("17.000")
    page.get_by_label("Haushaltsjahr 2028").fill("8.000,00")
    confirm(page, "Entscheidung vorschlagen")
    expect(
        page.get_by_role("link", name="Es wird weniger bewilligt als beantragt.")
    ).to_be_visible()
    axe(page)
    page.get_by_label("Begründung der Kürzung").fill("Die Mittel sind knapp.")
    page.get_by_label("Deckung: Eigenmittel, 2028").fill("2.000")
    confirm(page, "Entscheidung vorschlagen")
    expect(page.get_by_text("Ihr Vorschlag liegt einer zweiten Person")).to_be_visible()

    # A second person reads the proposal, its letter as a draft, and signs.
    second = new_context().new_page()
    sign_in(second, w.signer)
    open_task(second, "1 Wartet auf meine Schlusszeichnung")
    second.get_by_role("link", name=str(application.reference)).click()
    press(second, "Bewilligung schlusszeichnen")
    axe(second)
    draft = second.get_by_role("link", name="Das Schreiben als Entwurf lesen (PDF)")
    read = second.request.get(  # the first PDF takes its time
        urljoin(second.url, draft.get_attribute("href") or ""), timeout=90_000
    )
    assert (read.status, read.headers["content-disposition"]) == (
        200,
        f'inline; filename="Entwurf-{application.reference}.pdf"',
    )
    confirm(second, "Bewilligung schlusszeichnen")
    expect(second.get_by_text("Die Bewilligung ist schlussgezeichnet")).to_be_visible()
    axe(second)

    # Nothing is published before the municipality has been told of it.
    page.reload()
    expect(page.get_by_text("Veröffentlichen lässt es sich nach der Bekanntgabe.")).to_be_visible()
    world.with_pdf(Application.objects.get().letters.get(), timezone.now())
    page.reload()
    page.get_by_role("link", name=re.compile("^Zuwendungsbescheid vom .* bekannt geben$")).click()
    axe(page)
    page.get_by_label("Empfangsbekenntnis").check()
    confirm(page, "Schreiben bekannt geben")
    expect(page.get_by_text("Am Zug: Kommune")).to_be_visible()
    axe(page)
    page.get_by_role("link", name=re.compile("Empfangsbekenntnis eintragen$")).click()
    page.get_by_label("Datum auf dem Empfangsbekenntnis").fill(f"{timezone.localdate():%d.%m.%Y}")
    confirm(page, "Empfangsbekenntnis eintragen")

    # Then the reviewer publishes; anybody finds the project.
    press(page, "Projekt veröffentlichen")
    axe(page)
    confirm(page, "Projekt veröffentlichen")
    expect(page.get_by_text("Das Projekt steht jetzt im öffentlichen Verzeichnis.")).to_be_visible()
    project = Application.objects.get().project
    public = new_context().new_page()
    public.goto(f"/projekte/{project.slug}/")
    expect(public.get_by_role("heading", level=1)).to_contain_text("Vielfalt in Musterstadt")
