"""Whether a web process grows: its memory after many requests against that before them."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from kiv_portal.management.bench import Result, databases, processes
from kiv_portal.management.bench.cast import drafts

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

REQUESTS: Final = 1000
GOAL: Final = 1.05


def measure(bench: Bench) -> list[Result]:
    """Pages of every kind, some kept and some not, first to warm up and then to count."""
    number = bench.number(REQUESTS, 100)
    [draft] = drafts(1, timezone.now())
    base = f"/antraege/{draft.uuid}/"
    addresses = (
        *("/", "/projekte/", "/projekte/?q=vielfalt", "/projekte.json", "/foerder-check/"),
        *("/foerder-check/?kommune=06431002", "/hilfe/", base, f"{base}finanzierung/"),
        *(f"{base}pruefen/", "/gibt-es-nicht/"),
    )
    with processes.web("kiv_portal.wsgi", DATABASE_URL=databases.url(databases.name())) as port:
        workers = processes.web_workers(port)
        _walk(port, addresses, number // 2, draft.session)
        before = {pid: processes.resident_bytes(pid) for pid in workers}
        _walk(port, addresses, number, draft.session)
        after = {pid: processes.resident_bytes(pid) for pid in workers}
    growth = max(after[pid] / before[pid] for pid in workers)
    most = max(after.values()) / 1024**2
    return [
        Result(
            f"memory of a web process after {number} requests",
            growth,
            "×",
            GOAL,
            detail=f"{most:.0f} MB",
        )
    ]


def _walk(port: int, addresses: tuple[str, ...], number: int, session: str) -> None:
    """Requests one after the other; a new connection now and then reaches every worker."""
    headers = {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}",
        "Accept-Encoding": "br",
    }
    for index in range(number):
        if index % 5 == 0:
            talk = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        talk.request("GET", addresses[index % len(addresses)], headers=headers)
        answer = talk.getresponse()
        answer.read()
        if answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RuntimeError(f"{addresses[index % len(addresses)]} answers {answer.status}")
        if index % 5 == 4:
            talk.close()
