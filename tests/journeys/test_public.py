"""A visitor on the public pages: in every light, on a telephone, by keyboard, over a thin line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import brotli
import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.sync_api import Page, Response, Route, expect

from kiv_portal.models import OutboxMail
from projects.models import Project
from tests import public_pages
from tests.journeys.conftest import Watch

pytestmark = pytest.mark.django_db(transaction=True)

TEMPLATES: Final = settings.BASE_DIR / "templates"
HTML: Final = "text/html; charset=utf-8"

FIRST_VISIT: Final = 150 * 1024
"""Bytes over the wire, fonts included."""


SPACED: Final = """() => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`)
  document.adoptedStyleSheets = [sheet]
}"""
"""As much as WCAG 1.4.12 lets a reader ask for."""


@pytest.fixture
def pages() -> dict[str, int]:
    return public_pages.build()


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def test_every_public_page_in_light_and_dark_large_and_small(
    page: Page, axe: Callable[..., None], watch: Watch, pages: dict[str, int]
) -> None:
    watch.expects("404")
    for address in pages:
        page.emulate_media(color_scheme="light")
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        axe(page)
        page.emulate_media(color_scheme="dark")
        axe(page, "color-contrast", "link-in-text-block")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert overflow(page) <= 0, f"{address} with letters of double size"
        page.evaluate("document.documentElement.style.fontSize = ''")
        page.set_viewport_size({"width": 320, "height": 640})
        assert overflow(page) <= 0, f"{address} at 320 pixels"
        page.evaluate(SPACED)
        assert overflow(page) <= 0, f"{address} at 320 pixels with wide spacing"
        page.set_viewport_size({"width": 1280, "height": 900})


def test_error_pages_and_refused_forms_are_for_everybody(
    page: Page, axe: Callable[[Page], None], watch: Watch
) -> None:
    """Each error page as it is written, wherever it comes from; a form with what was wrong.

    And first of all a portal in which nobody has entered anything.
    """
    for address in public_pages.EMPTY:
        page.goto(address)
        axe(page)
    public_pages.build()
    watch.expects("422")
    request = RequestFactory().get("/")
    texts = {
        f"/{path.name}": render_to_string(path.name, {"explanation": "Für die Behörde."}, request)
        for path in TEMPLATES.glob("[45]*.html")
    }

    def written(route: Route) -> None:
        route.fulfill(body=texts[urlsplit(route.request.url).path], content_type=HTML)

    page.route(re.compile(r"/[45]\w+\.html$"), written)
    for address in sorted(texts):
        page.goto(address)
        axe(page)
        page.set_viewport_size({"width": 320, "height": 640})
        assert overflow(page) <= 0, f"{address} at 320 pixels"
        page.set_viewport_size({"width": 1280, "height": 900})
    page.goto("/benachrichtigung/")
    page.get_by_role("main").get_by_role("button").first.click()
    expect(page.get_by_role("alert")).to_be_visible()
    axe(page)


FOCUS: Final = """() => {
  const here = document.activeElement
  window.reached = (window.reached || new Set()).add(here)
  const seen = [getComputedStyle(here), getComputedStyle(here, '::after')]
  return {
    tag: here.tagName, text: (here.innerText || here.getAttribute('aria-label') || here.id),
    inside: document.body !== here,
    visible: seen.some(s => (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2)
      || s.boxShadow !== 'none'),
  }
}"""


MISSED: Final = """() => [...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex="0"]'
  )].filter(e => e.checkVisibility() && !window.reached.has(e)).map(e => e.outerHTML.slice(0, 150))
"""
"""What can be used but was not reached."""

MOST_TABS: Final = 200


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/hilfe/",
        "/foerder-check/",
        "/projekte/",
        "/projekte/?q=muster&amif=1",
        "/projekte/?q=nirgends",
        "/projekte/zahlen/",
        "/projekte/aenderungen/",
        "/daten/",
        "a project",
    ],
)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    page: Page, pages: dict[str, int], address: str
) -> None:
    if address == "a project":
        address = f"/projekte/{Project.objects.published().by_municipality()[0].slug}/"
    page.goto(address)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Zum Inhalt springen")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    for _ in range(MOST_TABS):
        state = page.evaluate(FOCUS)
        if not state["inside"]:
            break
        assert state["visible"], f"{address}: no focus to be seen at {state}"
        page.keyboard.press("Tab")
    assert page.evaluate(MISSED) == []
    page.goto(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_barrier_is_reported_without_script_and_mouse(
    new_context: Callable[..., object], axe: Callable[[Page], None], watch: Watch, page: Page
) -> None:
    public_pages.build()
    watch.expects("422")
    page.goto("/barrierefreiheit/melden/")
    page.get_by_role("button", name="Meldung abschicken").click()
    expect(page.get_by_role("alert")).to_contain_text("Bitte beschreiben Sie")
    axe(page)
    plain: Page = new_context(java_script_enabled=False).new_page()  # type: ignore[attr-defined]
    plain.goto("/barrierefreiheit/")
    plain.get_by_role("link", name="Zum Formular „Barriere melden“").press("Enter")
    plain.get_by_label("Was hat nicht geklappt?").fill("Die Schrift ist zu klein.")
    plain.keyboard.press("Tab")
    plain.keyboard.type("Startseite")
    plain.keyboard.press("Enter")
    expect(plain.get_by_role("heading", name="Vielen Dank für Ihre Meldung")).to_be_visible()
    assert "Die Schrift ist zu klein." in OutboxMail.objects.get().read()


@pytest.mark.parametrize("address", ["/", "/projekte/"])
def test_a_first_visit_is_light_and_stays_at_home(
    page: Page, pages: dict[str, int], address: str
) -> None:
    """Compressed as WhiteNoise and the proxy do it; other hosts are `watch`'s business."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(address, wait_until="networkidle")
    sizes = {}
    for answer in answers:
        body = answer.body()
        packed = answer.request.resource_type in {"font", "image"} and ".svg" not in answer.url
        sizes[answer.url] = len(body if packed else brotli.compress(body, quality=5))
    assert sum(sizes.values()) <= FIRST_VISIT, sizes
    assert not page.context.cookies()
