"""Whether the time of an answer tells who has an account: sign-in, new password, registration."""

from __future__ import annotations

import time
from functools import cache
from http import HTTPStatus
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.test.client import Client, ClientHandler

from kiv_portal.management.bench import Result, milliseconds
from municipalities.models import Municipality, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiv_portal.management.bench import Bench

TRIES: Final = 200
APART: Final = 5.0
"""Per cent by which the medians may differ."""
WARM_UP: Final = 3
ANSWERS: Final = (HTTPStatus.OK, HTTPStatus.FOUND)
"""What a try that was really made is answered with: the form again, or the next page."""
PASSWORD: Final = "ein langer Satz zum Messen"  # noqa: S105
RAISED: Final = {
    "login": "1000000/m/ip",
    "login_failed": "1000000/5m/ip,1000000/5m/key",
    "login_failed_account": "1000000/10m/key",
    "reset_password": "1000000/m/ip,1000000/5m/key",
    "signup": "1000000/m/ip",
}


def measure(bench: Bench) -> list[Result]:
    """Known and unknown addresses by turns, each from a fresh browser, with the real hashing.

    Every try has an address of its own. The limits of tries are raised, not taken away, so that
    the counting is part of what is measured.
    """
    number = bench.number(TRIES, 10)
    before = settings.ACCOUNT_RATE_LIMITS
    settings.ACCOUNT_RATE_LIMITS = before | RAISED
    try:
        _accounts(number + WARM_UP)
        town = Municipality.objects.able_to_apply().order_by("ags")[0].ags
        return [
            _apart("Anmelden", number, _sign_in),
            _apart("Passwort vergessen", number, _forgotten),
            _apart("Registrieren", number, lambda email: _register(email, town)),
        ]
    finally:
        settings.ACCOUNT_RATE_LIMITS = before


def _known(number: int) -> str:
    return f"bekannt{number}@kommune.example"


def _accounts(number: int) -> None:
    first = User(email=_known(0))
    first.set_password(PASSWORD)
    users = User.objects.bulk_create(
        User(email=_known(count), name="Messung", password=first.password)
        for count in range(number)
    )
    EmailAddress.objects.bulk_create(
        EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users
    )


def _sign_in(email: str) -> Any:
    return _fresh().post("/konto/anmelden/", {"login": email, "password": "ganz falsch"})


def _forgotten(email: str) -> Any:
    return _fresh().post("/konto/passwort/vergessen/", {"email": email})


def _register(email: str, town: str) -> Any:
    form = {"name": "Messung", "email": email, "password1": PASSWORD, "kommune": town}
    return _fresh().post("/konto/registrieren/", form)


def _fresh() -> Client:
    """A browser that was never here, before a server that has long been running.

    Left to itself, every test client starts a server of its own: most of the time then went
    into reading which static files there are, and its chance hid what is measured.
    """
    client = Client(headers={"host": "localhost"})
    client.handler = _server()
    return client


@cache
def _server() -> ClientHandler:
    handler = ClientHandler(enforce_csrf_checks=False)
    handler.load_middleware()
    return handler


def _apart(name: str, number: int, ask: Callable[[str], Any]) -> Result:
    """By how many per cent the medians differ. Raises RuntimeError when the answers do."""
    times: tuple[list[float], list[float]] = ([], [])
    work: tuple[list[float], list[float]] = ([], [])
    for count in range(-WARM_UP, number):
        emails = _known(count + WARM_UP), f"unbekannt{count + WARM_UP}@{len(name)}.example"
        seen = set()
        for side in (0, 1) if count % 2 else (1, 0):
            began, spent = time.perf_counter(), time.thread_time()
            answer = ask(emails[side])
            took, used = time.perf_counter() - began, time.thread_time() - spent
            seen.add((answer.status_code, answer.headers.get("Location")))
            if count >= 0:
                times[side].append(took)
                work[side].append(used)
        if any(status not in ANSWERS for status, _ in seen):
            raise RuntimeError(f"{name}: nothing was tried, the answer is {seen}")
        if len(seen) != 1:
            raise RuntimeError(f"{name}: known and unknown get different answers: {seen}")
    known, unknown = median(times[0]), median(times[1])
    used = median(work[0]) / median(work[1]) - 1
    # Neighbours in time meet the same machine: pair by pair its moods fall out.
    pairs = median(one / other for one, other in zip(*times, strict=True)) - 1
    return Result(
        f"{name}: known and unknown apart",
        abs(known / unknown - 1) * 100,
        "%",
        APART,
        detail=(
            f"{milliseconds(known)} and {milliseconds(unknown)}, {number} tries each; "
            f"pair by pair {pairs:+.1%}; this process's own time {used:+.1%}"
        ),
    )
