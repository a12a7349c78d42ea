"""The last day of a call: complete drafts filed by many people at once, over HTTP."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from applications.models import Application
from kiv_portal.management.bench import Result, databases, percentile, processes
from kiv_portal.management.bench.cast import Draft, drafts
from kiv_portal.management.bench.forms import forms_of
from kiv_portal.models import OutboxMail

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from kiv_portal.management.bench import Bench

APPLICATIONS: Final = 300
CLIENTS: Final = 20
SECONDS: Final = 60.0
P95: Final = 1.5
FOUND: Final = 302


@dataclass
class Tally:
    """What the clients saw."""

    step: list[float] = field(default_factory=list)
    save: list[float] = field(default_factory=list)
    check: list[float] = field(default_factory=list)
    submit: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def measure(bench: Bench) -> list[Result]:
    """Each client opens a step, saves it, checks the draft, files it, and takes the next."""
    number = bench.number(APPLICATIONS, 2 * CLIENTS)
    bench.say(f"preparing {number} complete drafts")
    size = databases.size()
    prepared = drafts(number, timezone.now())
    environment = {
        "DATABASE_URL": databases.url(databases.name()),
        "MEDIA_ROOT": str(bench.room / "media"),
    }
    before = set(
        Application.objects.filter(submitted_at__isnull=False).values_list("pk", flat=True)
    )
    mails = OutboxMail.objects.count()
    tally = Tally()
    waiting: Queue[Draft] = Queue()
    for draft in prepared:
        waiting.put(draft)
    with processes.web("kiv_portal.wsgi", **environment) as port, processes.worker(**environment):
        clients = [
            threading.Thread(target=_client, args=(port, waiting, tally)) for _ in range(CLIENTS)
        ]
        start = time.perf_counter()
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            time.sleep(0.5)
        took = time.perf_counter() - start
        bench.say(f"{len(tally.submit)} filed in {took:.1f} s")
    grown = databases.size() - size
    filed = _filed().exclude(pk__in=before)
    twice = filed.values("reference").annotate(n=Count("pk")).filter(n__gt=1).count()
    lost = number - filed.filter(uuid__in=[draft.uuid for draft in prepared]).count()
    most = SECONDS * number / APPLICATIONS
    for error, times in Counter(tally.errors).most_common(5):
        bench.say(f"{times} × {error}")
    return [
        Result(f"{number} applications by {CLIENTS} clients", took, "s", most),
        Result("submission, 95th percentile", percentile(tally.submit or [9.9], 0.95), "s", P95),
        Result("step page, 95th percentile", percentile(tally.step or [9.9], 0.95), "s", P95),
        Result("step saved, 95th percentile", percentile(tally.save or [9.9], 0.95), "s", P95),
        Result("check page, 95th percentile", percentile(tally.check or [9.9], 0.95), "s", P95),
        Result("errors", float(len(tally.errors)), "", 0.0),
        Result("acknowledged but not filed, or not acknowledged", float(lost), "", 0.0),
        Result("Antragsnummern given twice", float(twice), "", 0.0),
        Result(
            "mails written for them",
            float(OutboxMail.objects.count() - mails),
            "mails",
            float(number),
            at_least=True,
        ),
        Result("database of one application, without its files", grown / number / 1000, "KB"),
    ]


def _filed() -> QuerySet[Application]:
    return Application.objects.filter(submitted_at__isnull=False)


def _client(port: int, waiting: Queue[Draft], tally: Tally) -> None:
    talk = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while True:
        try:
            draft = waiting.get_nowait()
        except Empty:
            return
        try:
            _file(talk, draft, tally)
        except (OSError, http.client.HTTPException, ValueError) as error:
            tally.errors.append(f"{type(error).__name__}: {error}")
            talk.close()


def _file(talk: http.client.HTTPConnection, draft: Draft, tally: Tally) -> None:
    base = f"/antraege/{draft.uuid}/"
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={draft.session}"}
    step = f"{base}finanzierung/"
    page, cookies = _ask(talk, "GET", step, headers, tally.step)
    sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    sent["Cookie"] += f"; {cookies}"
    _ask(talk, "POST", step, sent, tally.save, _filled(page, step, {"aktion": "bleiben"}))
    page, _ = _ask(talk, "GET", f"{base}pruefen/", sent, tally.check)
    values = {"befugt": "on"}
    if 'name="trotzdem"' in page:
        values |= {"trotzdem": "on", "grund": "Die Messung reicht trotz der Hinweise ein."}
    address = f"{base}einreichen/"
    _ask(talk, "POST", address, sent, tally.submit, _filled(page, address, values))


def _filled(page: str, action: str, values: dict[str, str]) -> str:
    """The form that goes to this address as it stands, and these values."""
    form = next(form for form in forms_of(page) if form.action == action)
    return urlencode([*form.fields, *values.items()])


def _ask(
    talk: http.client.HTTPConnection,
    method: str,
    address: str,
    headers: dict[str, str],
    times: list[float],
    body: str | None = None,
) -> tuple[str, str]:
    """The page and the cookies it set; the wrong answer is a ValueError."""
    start = time.perf_counter()
    talk.request(method, address, body, headers)
    answer = talk.getresponse()
    page = answer.read().decode()
    times.append(time.perf_counter() - start)
    if answer.status != (FOUND if method == "POST" else http.HTTPStatus.OK):
        raise ValueError(f"{method} …/{address.split('/')[-2]}/ answers {answer.status}")
    cookies = [value.partition(";")[0] for value in answer.headers.get_all("Set-Cookie") or []]
    return page, "; ".join(cookies)
