"""Web server, worker and database are killed while people work; then everything is compared.

The short form runs with every test run. `./portal test --faults` runs the whole, on SQLite and on
a PostgreSQL of its own: at least 2.000 acknowledgements and 20 kills of web server and worker on
each, and 6 of PostgreSQL.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connections
from django.utils import timezone

from applications import mails
from applications.models import Application, Decision, Letter
from applications.rules import Step
from applications.services import content, jobs, log, rendering, snapshots
from applications.workflow import TRANSITIONS, Status
from kiv_portal import outbox
from kiv_portal.models import Job, OutboxMail, WorkState
from kiv_portal.services import erasure
from tests.faults import people
from tests.faults.people import Case, History, Person
from tests.faults.stage import Nemesis, Portal

WHOLE = "PORTAL_FAULTS" in os.environ

# The short form runs on one database; the whole one on both.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    *([] if WHOLE else [pytest.mark.sweep]),
]

PROMISES = ("answers", "uploads", "Nachreichungen", "decisions", "submissions")
"""Kinds of what is acknowledged; that a receipt can be read is no promise."""

ENDS = {
    "filed": ("submit", Status.SUBMITTED),
    "answered": ("answer", Status.FORMAL_CHECK),
    "signed": ("grant", Status.GRANTED),
}
"""What each case was told in the end, and the move and the state that this means."""


@dataclass(frozen=True)
class Scale:
    """How much is done, and how often everything is killed."""

    saves: tuple[int, int]
    uploads: tuple[int, int]
    filed: int
    answered: int
    signed: int
    kills: dict[str, int]
    pause: tuple[float, float]
    people: int
    least: int


SHORT = Scale((3, 8), (2, 5), 6, 3, 3, {"web": 2, "worker": 2}, (0.5, 1.5), 4, 45)
LONG = Scale((12, 100), (20, 40), 60, 40, 40, {"web": 20, "worker": 20}, (0.5, 3.0), 8, 2000)


def test_what_was_acknowledged_is_kept_whatever_is_killed(
    tmp_path: Path, media_root: Path, settings: Any, measured: Callable[[str], None]
) -> None:
    scale = LONG if WHOLE else SHORT
    at = timezone.now()
    kills = dict(scale.kills)
    if WHOLE and "PORTAL_CLUSTER" in os.environ:
        kills["postgres"] = 6
    drafts = people.cases(scale.filed, at, "filled")
    requested = people.cases(scale.answered, at, "requested")
    proposed = people.cases(scale.signed, at, "proposed")
    saving = drafts[: scale.saves[0]]
    uploading = drafts[-scale.uploads[0] :]
    chance = random.Random(7)  # noqa: S311
    first = [
        *(people.saving(case, scale.saves[1]) for case in saving),
        *(people.uploading(case, scale.uploads[1]) for case in uploading),
    ]
    # Filing comes after the saving of the same draft, each by whoever is free.
    second = [
        *(people.answering(case) for case in requested),
        *(people.signing(case) for case in proposed),
        *(people.filing(case) for case in drafts),
    ]
    chance.shuffle(first)
    chance.shuffle(second)
    history = History()

    with Portal(media_root, tmp_path / "log") as portal:
        for part, targets in zip((first, second), _split(kills, chance), strict=True):
            nemesis = Nemesis(portal, targets, scale.pause)
            nemesis.start()
            crowd = [
                Person(portal.port, part[n :: scale.people], history) for n in range(scale.people)
            ]
            for person in crowd:
                person.start()
            for person in crowd:
                person.join(1800)
                assert not person.is_alive()
                if person.failed is not None:
                    raise person.failed
            nemesis.join(1800)
            if nemesis.failed is not None:
                raise nemesis.failed
        assert portal.kills == Counter(kills)
        portal.stop("worker")
        for connection in connections.all():
            connection.close()  # the server it knew may have been killed
            if hasattr(connection, "close_pool"):
                connection.close_pool()
        # Only for this test: whatever runs after it finds no server at that port.
        settings.DELIVERY_EMAIL = settings.DELIVERY_EMAIL | {
            "backend": "django.core.mail.backends.smtp.EmailBackend",
            "host": "127.0.0.1",
            "port": portal.mail.port,
        }
        _let_the_worker_finish()
    assert history.faults == []
    heard = sum(history.acknowledged[kind] for kind in PROMISES)
    measured(f"{heard} acknowledged {dict(history.acknowledged)}")
    measured(f"without an answer, and tried again: {dict(history.unanswered)}")
    measured(f"what came instead: {dict(history.met)}")
    measured(f"killed: {dict(portal.kills)}")
    assert heard >= scale.least
    if WHOLE:  # nothing is shown where nobody was at work while something was killed
        met = {kind: history.unanswered[kind] for kind in PROMISES if kind != "Nachreichungen"}
        assert min(met.values()) > 0, met  # of those there are so few that chance may spare all
        assert history.met["POST RemoteDisconnected"] + history.met["POST ConnectionResetError"] > 0
        if "postgres" in kills:
            assert min(history.met["GET 503"], history.met["POST 503"]) > 0
    _compare([*drafts, *requested, *proposed], portal)


def _split(kills: dict[str, int], chance: random.Random) -> tuple[list[str], list[str]]:
    """Who is killed while people write and, half of all, while they file, answer and sign."""
    second = {name: -(-times // 2) for name, times in kills.items()}
    first = {name: times - second[name] for name, times in kills.items()}
    orders = [[name for name, n in part.items() for _ in range(n)] for part in (first, second)]
    for order in orders:
        chance.shuffle(order)
    orders[1].remove("web")  # the second part may be over before all the kills are
    return orders[0], ["web", *orders[1]]


def _let_the_worker_finish() -> None:
    """What is due is done, also what a killed worker had begun."""
    work = {**jobs.JOBS, "erase_expired": erasure.run_job}
    later = timezone.now() + timezone.timedelta(hours=2)  # pauses after a fault are over then
    while outbox.work_once(work, later):
        pass


def _compare(cases: list[Case], portal: Portal) -> None:
    filed = Application.objects.filter(submitted_at__isnull=False)
    references = list(filed.values_list("reference", flat=True))
    assert len(references) == len(set(references)), "an Antragsnummer was given twice"

    for case in cases:
        row = Application.objects.get(pk=case.pk)
        _saved(case, row)
        _uploaded(case, row)
        copies = row.snapshots.count()
        assert copies == (row.submitted_at is not None) + ("answered" in case.told), case
        (told,) = case.told  # where each case ends: wholly there, and once
        assert row.status == ENDS[told][1], (case, row.status)
        assert row.log.filter(action=ENDS[told][0]).count() == 1, case
        assert (row.project_id is not None) == (told == "signed"), case
        if "filed" in case.told:
            assert row.reference in case.told["filed"]
            filed_copy = snapshots.read(row.first_snapshot)
            assert filed_copy["steps"]["konzeption"] == content.read_step(row, Step.KONZEPTION)
            names = {document["name"] for document in filed_copy["documents"]}
            assert {name for name, heard in case.uploads.items() if heard} <= names, case
        if "signed" in case.told:
            decisions = list(Decision.objects.filter(application=row, state="signed"))
            assert len(decisions) == 1
            assert Letter.objects.filter(decision=decisions[0]).count() == 1
        assert log.verify(row) == []
        assert [copy for copy in row.snapshots.all() if not snapshots.is_whole(copy)] == []

    # Every event was told to its people, once, and nothing else; every mail arrived, hardly twice.
    assert Counter(OutboxMail.objects.values_list("key", flat=True)) == _events(filed)
    assert OutboxMail.objects.exclude(state=WorkState.DONE).count() == 0
    sent = set(OutboxMail.objects.values_list("message_id", flat=True))
    assert set(portal.postbox.taken) == sent
    twice = sum(times - 1 for times in portal.postbox.taken.values())
    assert twice <= portal.kills["worker"] + portal.kills["postgres"]

    # Every rendering is done in the end, also that of the signed letters.
    assert Job.objects.filter(kind__in=rendering.JOBS).exclude(state="done").count() == 0
    assert Letter.objects.count() > 0
    for letter in Letter.objects.all():
        with letter.file.open() as file:
            assert hashlib.sha256(file.read()).hexdigest() == letter.sha256
    assert Job.objects.filter(next_try_at__lte=timezone.now()).exclude(state="done").count() == 0
    for row in filed:
        for copy in row.snapshots.all():
            assert copy.pdf.storage.exists(copy.pdf.name), (row, copy)


def _events(filed: Iterable[Application]) -> Counter[str]:
    """What the log says was to be told: a mail for each event and recipient."""
    told = {move.action: move.mail for move in TRANSITIONS if move.mail}
    return Counter(
        f"{told[entry.action]}:{entry.pk}:{recipient}"
        for row in filed
        for entry in row.log.filter(action__in=told)
        for recipient in mails.recipients(row)[: 1 if told[entry.action] == mails.RECEIPT else None]
    )


def _saved(case: Case, row: Application) -> None:
    """The title is the last that was acknowledged, or one sent after it without an answer."""
    if not case.saved:
        return
    last = max(number for number, (_, heard) in enumerate(case.saved) if heard)
    possible = {title for title, _ in case.saved[last:]}
    assert content.read_step(row, Step.KONZEPTION)["title"] in possible


def _uploaded(case: Case, row: Application) -> None:
    names = Counter(row.documents.current().values_list("name", flat=True))
    for name, heard in case.uploads.items():
        assert (names[name] == 1) if heard else (names[name] <= 1), (name, names[name])
    for document in row.documents.all():
        with default_storage.open(document.file.name) as file:
            assert hashlib.sha256(file.read()).hexdigest() == document.sha256
