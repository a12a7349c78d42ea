"""A mail server that is away, refuses, hangs, or takes a mail just before the worker dies."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.utils import timezone

from kiv_portal import outbox
from kiv_portal.models import OutboxMail, WorkState
from tests.factories import NOW
from tests.faults.stage import Portal, free_port

MAILS = 4
WHOLE = "PORTAL_FAULTS" in os.environ
HANGS = 60 if WHOLE else 3
"""For how many seconds a server that hangs says nothing; the whole form waits for the portal's own
patience to end, the short one shortens it."""

pytestmark = pytest.mark.sweep


class Moody:
    """Answers the end of a mail with what it was told to; counts what it took."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.taken: Counter[str] = Counter()
        self.before_the_answer: Any = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        said = self.answers.pop(0) if self.answers else "250 OK"
        if said == "hang":
            await asyncio.sleep(HANGS)
            return "451 too late"
        if said.startswith("250"):
            text = envelope.content.decode("utf-8", "replace")
            (line,) = [one for one in text.splitlines() if one.lower().startswith("message-id:")]
            self.taken[line.partition(":")[2].strip()] += 1
            if self.before_the_answer is not None:
                self.before_the_answer()
        return said


@pytest.fixture
def server(settings: Any) -> Iterator[Moody]:
    moody = Moody()
    running = Controller(moody, hostname="127.0.0.1", port=free_port())
    running.start()
    settings.DELIVERY_EMAIL = (
        settings.DELIVERY_EMAIL
        | {
            "backend": "django.core.mail.backends.smtp.EmailBackend",
            "host": "127.0.0.1",
            "port": running.port,
        }
        | ({} if WHOLE else {"timeout": 1})
    )
    yield moody
    running.stop()


def write(at: datetime = NOW) -> set[str]:
    """Some mails; their Message-IDs."""
    for number in range(MAILS):
        outbox.enqueue_mail(
            key=f"mail:{number}",
            recipient=f"person{number}@kommune.example",
            subject=f"Nachricht {number}",
            body="Text",
            at=at,
        )
    return set(OutboxMail.objects.values_list("message_id", flat=True))


def work(at: datetime) -> None:
    while outbox.work_once({}, at):
        pass


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answers", "noted"),
    [
        (["421 4.3.2 Service not available"], "421"),
        (["451 4.7.1 Greylisted"] * 2, "451"),
        (["554 5.7.1 Refused"], "554"),
        (["hang"], "timed out"),
    ],
)
def test_a_mail_that_is_refused_or_left_hanging_is_sent_later(
    answers: list[str], noted: str, server: Moody
) -> None:
    sent = write()
    server.answers = list(answers)
    work(NOW)
    left = OutboxMail.objects.filter(state=WorkState.WAITING)
    assert left.count() == len(answers), "the others go their way"
    assert all(noted in row.last_error for row in left)
    work(NOW + timedelta(hours=1))
    assert server.taken == Counter(sent)
    assert set(OutboxMail.objects.values_list("state", flat=True)) == {WorkState.DONE}


@pytest.mark.django_db
def test_while_the_mail_server_is_down_everything_waits_and_nothing_is_lost(
    server: Moody, settings: Any
) -> None:
    sent = write()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # a port at which nobody listens
        here = settings.DELIVERY_EMAIL["port"]
        settings.DELIVERY_EMAIL["port"] = nobody.getsockname()[1]
        work(NOW)
    assert set(OutboxMail.objects.values_list("state", flat=True)) == {WorkState.WAITING}
    settings.DELIVERY_EMAIL["port"] = here
    work(NOW + timedelta(hours=1))
    assert server.taken == Counter(sent)


@pytest.mark.django_db(transaction=True)
def test_killed_between_acceptance_and_mark_it_sends_again_under_the_same_message_id(
    tmp_path: Path, media_root: Path, measured: Callable[[str], None]
) -> None:
    """The worst moment: the server has the mail, the worker has not heard so."""
    moody = Moody()
    portal = Portal(media_root, tmp_path / "log", moody)
    kills = []

    def kill() -> None:
        if len(kills) < 2:
            process = portal._running["worker"]
            os.killpg(process.pid, signal.SIGKILL)
            kills.append(process.pid)

    moody.before_the_answer = kill
    sent = write(timezone.now())
    portal.mail.start()
    try:
        end = time.monotonic() + 120
        while OutboxMail.objects.exclude(state=WorkState.DONE).exists():
            assert time.monotonic() < end, (tmp_path / "log").read_text()[-1000:]
            if "worker" not in portal._running or portal._running["worker"].poll() is not None:
                portal.start("worker")
                # What a dead worker had claimed is due again after its lease: no need to wait here.
                OutboxMail.objects.exclude(state=WorkState.DONE).update(next_try_at=timezone.now())
            time.sleep(0.2)
    finally:
        portal.stop("worker")
        portal.mail.stop()
    twice = sum(moody.taken.values()) - len(sent)
    measured(f"{len(sent)} mails, {len(kills)} kills before the mark: {twice} sent a second time")
    assert len(kills) == 2
    assert set(moody.taken) == sent
    assert twice <= len(kills)
