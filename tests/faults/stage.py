"""The portal as processes of its own, and the nemesis that kills them."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from django.conf import settings
from django.db import connection

from tests.faults.browser import Away, Browser


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postbox(Message):
    """A mail server that takes everything and counts each Message-ID."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: Counter[str] = Counter()

    def handle_message(self, message: Any) -> None:
        self.taken[message["Message-ID"]] += 1


class Portal:
    """Web server and worker on the tests' database; each comes back when it is killed."""

    def __init__(self, media: Path, log: Path, postbox: Any = None) -> None:
        self.port = free_port()
        self.postbox = postbox or Postbox()
        self.mail = Controller(self.postbox, hostname="127.0.0.1", port=free_port())
        self.kills: Counter[str] = Counter()
        self._log = log
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        database = connection.settings_dict
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": (
                f"sqlite:///{database['NAME']}"
                if connection.vendor == "sqlite"
                else re.sub(r"/[^/]*$", f"/{database['NAME']}", os.environ["DATABASE_URL"])
            ),
            "PORTAL_TEST_MEDIA": str(media),
            "PORTAL_TEST_SMTP": str(self.mail.port),
        }

    def __enter__(self) -> Portal:
        self.mail.start()
        self.start("web")
        self.start("worker")
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._running):
            self.stop(name)
        self.mail.stop()

    def start(self, name: str) -> None:
        words = {
            "web": [
                *("-m", "gunicorn", "--config", "python:kiv_portal.serving", "kiv_portal.wsgi"),
                *("--bind", f"127.0.0.1:{self.port}", "--no-control-socket"),
                *("--log-level", "error"),
            ],
            "worker": ["manage.py", "worker"],
        }[name]
        with self._log.open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *words],
                cwd=settings.BASE_DIR,
                env=self._environment,
                start_new_session=True,
                stdout=log,
                stderr=log,
            )

    def stop(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is not None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def kill(self, name: str) -> None:
        """As if the power went: the whole group at once, nothing may be tidied up."""
        with self._lock:
            process = self._running.pop(name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.kills[name] += 1
            self.start(name)

    def wait(self, seconds: float = 90) -> None:
        """Until the web server answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if Browser(self.port, "", []).get("/health/live").status == 200:
                    return
            except Away:
                time.sleep(0.1)
        raise TimeoutError(self._log.read_text(errors="replace")[-2000:])


class Cluster:
    """The PostgreSQL server of `./portal test --faults`, which may be killed."""

    def __init__(self) -> None:
        self.data = Path(os.environ["PORTAL_CLUSTER"]) / "data"
        self.programs = Path(os.environ["PORTAL_POSTGRES"])

    def kill(self) -> None:
        """Every process of the server at once, and up again from what is on disk."""
        master = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for pid in [master, *map(int, children)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(1.5)  # long enough for people to meet the page that says so
        words = [str(self.programs / "pg_ctl"), f"--pgdata={self.data}", "--wait", "start"]
        if os.getuid() == 0:
            words = ["runuser", "-u", "postgres", "--", *words]
        done = subprocess.run(
            [*words, f"--log={self.data.parent / 'log'}"],
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done.returncode:
            raise RuntimeError((self.data.parent / "log").read_text()[-2000:])


class Nemesis(threading.Thread):
    """Kills at random moments until it is told to stop. The same seed, the same order."""

    def __init__(self, portal: Portal, targets: list[str], pause: tuple[float, float]) -> None:
        super().__init__(daemon=True)
        self.portal = portal
        self.targets = targets
        self.pause = pause
        self.cluster = Cluster() if "postgres" in targets else None
        self.done = threading.Event()
        self.failed: BaseException | None = None
        self._chance = random.Random(20261126)  # noqa: S311

    def run(self) -> None:
        try:
            for target in self.targets:
                if self.done.wait(self._chance.uniform(*self.pause)):
                    return
                if target == "postgres":
                    assert self.cluster is not None
                    self.cluster.kill()
                    self.portal.kills["postgres"] += 1
                else:
                    self.portal.kill(target)
                    if target == "web":
                        self.portal.wait()
        except BaseException as error:  # told by the test
            self.failed = error
