"""Journeys: use cases in a real Chromium, with axe on the pages they pass.

    def test_a_visitor_finds_a_project(page, axe):
        page.goto("/projekte/")
        axe(page)

`page` speaks to the portal as it is, on a database of its own. A second person needs a second
browser: `new_context().new_page()`. Whatever the browser complains about in its console, and
every request to another host, fails the journey at its end; what a journey provokes on purpose
it announces with `watch.expects("404")`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError
from pytest_django.live_server_helper import LiveServer

HERE = Path(__file__).resolve().parent
AXE = HERE.parent.parent / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("journey")


# --- The browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _playwright_is_no_async_view() -> Iterator[None]:
    """Playwright leaves an event loop in this thread, which Django takes for asynchronous code."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, which does not look up or call anybody by itself."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is missing (apt-get install chromium)")
    return {
        **browser_type_launch_args,
        "executable_path": chromium,
        "args": [
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            "--no-first-run",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses it to root
        ],
    }


@pytest.fixture(scope="session")
def base_url(live_server: LiveServer) -> str:
    return live_server.url


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_context_args,
        "viewport": {"width": 1280, "height": 900},
        "locale": "de-DE",
        "timezone_id": "Europe/Berlin",
        "reduced_motion": "reduce",
    }


@pytest.fixture(autouse=True)
def _rows_of_migrations(django_db_serialized_rollback: None) -> None:
    """A journey empties the database afterwards; what migrations wrote is there again."""


# --- What the browser has to say ------------------------------------------------------------------

BUSY = "preloaded using link preload but not used within a few seconds"
"""A clock's complaint, not the page's: on a busy machine the text is painted later than that."""


class Watch:
    """Collects what a browser complains about and where it tried to go."""

    def __init__(self, home: str) -> None:
        self.home = urlsplit(home).netloc
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def expects(self, text: str) -> None:
        """This journey provokes a complaint with these words in it."""
        self.expected.append(text)

    def add(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)

    def unexpected(self) -> list[str]:
        return [c for c in self.complaints if not any(text in c for text in self.expected)]

    def missed(self) -> list[str]:
        return [text for text in self.expected if not any(text in c for c in self.complaints)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and BUSY not in message.text:
            where = message.location["url"]
            self.complaints.append(f"{message.type}: {message.text} ({where})")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"script: {error.error}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != self.home:
            self.complaints.append(f"request to another host: {request.url}")


@pytest.fixture
def watch(live_server: LiveServer) -> Iterator[Watch]:
    watch = Watch(live_server.url)
    yield watch
    assert watch.unexpected() == [], "\n".join(watch.unexpected())
    assert watch.missed() == [], "announced, but the browser did not complain"


@pytest.fixture
def new_context(
    new_context: Callable[..., BrowserContext], watch: Watch
) -> Callable[..., BrowserContext]:
    """Another person's browser, watched like the first."""

    def create(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(10_000)
        watch.add(context)
        return context

    return create


# --- Accessibility --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def axe() -> Callable[..., None]:
    """`axe(page)` fails with every violation that axe-core finds on the page.

    `axe(page, *rules)` asks only these: what another light changes of a page looked at before.
    """
    if not AXE.is_file():
        pytest.skip("axe-core is missing (npm ci --ignore-scripts)")
    source = AXE.read_text(encoding="utf-8")

    def check(page: Page, *rules: str) -> None:
        # Evaluated by the debugger and therefore not stopped by the content security policy,
        # which must stay as it is for everything else.
        page.wait_for_load_state()
        if not page.evaluate("'axe' in window"):
            page.evaluate(source)
        only = {"type": "rule", "values": rules} if rules else STANDARDS
        result = page.evaluate(
            "options => axe.run(document, options)",
            {"runOnly": only, "resultTypes": ["violations"]},
        )
        found = [
            f"{violation['id']} ({violation['impact']}): {violation['help']}\n    "
            + "\n    ".join(f"{' '.join(n['target'])}: {n['html'][:150]}" for n in nodes)
            for violation in result["violations"]
            if (nodes := violation["nodes"])
        ]
        assert found == [], f"{page.url}\n" + "\n".join(found)

    return check
