"""What every test can rely on: no network, no chance, own files, strict templates."""

import gc
import ipaddress
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import factory.random
import hypothesis
import pytest
from pytest_django import Settings

from tests import remembered, strict_templates

# --- No network -----------------------------------------------------------------------------------


def _is_outside(address: Any) -> bool:
    """Whether a socket address or host name leads away from this machine."""
    if isinstance(address, tuple):
        address = address[0]
    if isinstance(address, bytes):
        address = address.decode(errors="replace")
    if not isinstance(address, str) or address in {"", "localhost"} or address.startswith("/"):
        return False  # unix sockets, „any address", this machine
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return True


def _stay_at_home(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"} and _is_outside(arguments[1]):
        pytest.fail(f"A test tried to reach {arguments[1]!r}: tests stay on this machine.")
    if event == "socket.getaddrinfo" and _is_outside(arguments[0]):
        pytest.fail(f"A test tried to look up {arguments[0]!r}: tests stay on this machine.")


sys.addaudithook(_stay_at_home)  # sees every socket of this process, whichever library opens it

# --- No chance ------------------------------------------------------------------------------------

hypothesis.settings.register_profile(
    "portal", derandomize=True, deadline=None, database=None, print_blob=True
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "portal"))


@pytest.fixture(autouse=True)
def _same_names_every_time() -> None:
    factory.random.reseed_random("kiv-portal")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    remembered.begin_test()


# --- No search for garbage among what stays -------------------------------------------------------

_OBJECTS_BEFORE_A_SEARCH = 50_000


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What lives to the end is no garbage: looking for it took a tenth of the whole run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_A_SEARCH, 20, 20)


# --- Own files ------------------------------------------------------------------------------------


_directories = itertools.count()


@pytest.fixture(autouse=True)
def media_root(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Path:
    """Where this test's uploads and letters go, and nobody else's."""
    # `mktemp` reads all the thousands there are, for the next free number.
    own = tmp_path_factory.getbasetemp() / f"own-{next(_directories)}"
    root = own / "media"
    root.mkdir(parents=True)
    settings.MEDIA_ROOT = root
    settings.ERASURE_LEDGER = own / "erasures.jsonl"
    return root


# --- Strict templates -----------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _strict_for_loops() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        strict_templates.make_for_loops_strict(monkeypatch)
        yield


# --- What could not be set up is counted ----------------------------------------------------------


class _NotSetUp(pytest.Item):
    """Stands in the results for what `./portal test` could not set up on this machine."""

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def runtest(self) -> None:
        pytest.skip(self.reason)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"set up: {self.name}"


def _uses_the_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db", "live_server"}
    return item.get_closest_marker("django_db") is not None or not fixtures.isdisjoint(
        getattr(item, "fixturenames", ())
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """`PORTAL_NOT_SET_UP` holds one line for each thing missing: what, tab, why."""
    for line in os.environ.get("PORTAL_NOT_SET_UP", "").splitlines():
        what, _, reason = line.partition("\t")
        if what:
            items.append(_NotSetUp.from_parent(session, name=what, reason=f"{what}: {reason}"))
    for item in items:
        if not _uses_the_database(item):
            item.add_marker("no_database")
    # The sweeps over all addresses take a minute: begun last, they would leave one worker alone.
    items.sort(key=lambda item: item.path.name != "test_access.py")


# --- What was measured is told at the end ---------------------------------------------------------


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells a figure that a test holds to its bar: at once, and with all others at the end."""

    def tell(text: str) -> None:
        print(f"\n{text}")
        record_property("measured", text)

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = [
        text
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, text in report.user_properties
        if name == "measured"
    ]
    if told:
        terminalreporter.section("measured")
        for text in told:
            terminalreporter.write_line(text)
