"""The portal as processes of its own, and the nemesis that kills them."""

from __future__ import annotations

import errno
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
from collections.abc import Iterator
from contextlib import contextmanager
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
    """Web servers and worker on the tests' database; each comes back when it is killed."""

    def __init__(
        self,
        media: Path,
        log: Path,
        postbox: Any = None,
        *,
        webs: int = 1,
        small: str = "",
        **more: str,
    ) -> None:
        """With `webs` servers, the first at `port`, all at `ports`.

        `small` is the size of a disk of their own (as for `mount -o size=`), with a copy of the
        database where that is a file, and the uploads; see `SmallDisk`. `more` is added to the
        environment.
        """
        self.ports = [free_port() for _ in range(webs)]
        self.port = self.ports[0]
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
            **more,
        }
        self.disk = SmallDisk(media / "small", small) if small else None
        if self.disk is not None:
            self._environment["PORTAL_TEST_MEDIA"] = str(self.disk.directory / "media")
            if connection.vendor == "sqlite":
                self.disk.database = Path(database["NAME"])
                self._environment["DATABASE_URL"] = f"sqlite:///{self.disk.directory / 'db'}"

    def __enter__(self) -> Portal:
        self.mail.start()
        for name in self.names():
            self.start(name)
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._running):
            self.stop(name)
        self.mail.stop()

    def names(self) -> list[str]:
        """What runs: `web`, `web2` and so on, and `worker` unless the disk is theirs alone."""
        webs = ["web", *(f"web{number}" for number in range(2, len(self.ports) + 1))]
        return webs if self.disk else [*webs, "worker"]

    def start(self, name: str) -> None:
        if name == "worker":
            words = ["manage.py", "worker"]
        else:
            port = self.ports[int(name.removeprefix("web") or 1) - 1]
            words = [
                *("-m", "gunicorn", "--config", "python:kiv_portal.serving", "kiv_portal.wsgi"),
                *("--bind", f"127.0.0.1:{port}", "--no-control-socket", "--log-level", "error"),
            ]
        words = [sys.executable, *words]
        with self._log.open("ab") as log:
            self._running[name] = subprocess.Popen(
                self.disk.around(words) if self.disk else words,
                cwd=settings.BASE_DIR,
                env=self._environment,
                start_new_session=True,
                stdout=log,
                stderr=log,
            )
        if self.disk is not None:
            self.disk.pid = self._running[name].pid

    def manage(self, *words: str, **environment: str) -> None:
        """Run a command of the portal beside the servers, to its end."""
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=settings.BASE_DIR,
            env=self._environment | environment,
            check=True,
            capture_output=True,
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
        """Until every web server answers."""
        end = time.monotonic() + seconds
        waiting = list(self.ports)
        while waiting and time.monotonic() < end:
            try:
                if Browser(waiting[0], "", []).get("/health/live").status == 200:
                    waiting.pop(0)
            except Away:
                time.sleep(0.1)
        if waiting:
            raise TimeoutError(self._log.read_text(errors="replace")[-2000:])


class SmallDisk:
    """A disk of a web server's own, which can be full or read-only.

    It is mounted in a name space of that process and gone with it: nothing of it is seen, or
    left, outside.
    """

    def __init__(self, directory: Path, size: str) -> None:
        directory.mkdir()
        self.directory = directory
        self.size = size
        self.database: Path | None = None
        self.pid = 0

    @staticmethod
    def can_be_had() -> bool:
        """Whether this machine lets us mount something in a name space of our own."""
        probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
        try:
            return subprocess.run(probe, capture_output=True).returncode == 0
        except FileNotFoundError:
            return False

    def around(self, words: list[str]) -> list[str]:
        """The command that mounts the disk, fills it and starts `words` with it."""
        script = (
            'mount -t tmpfs -o "size=$SIZE,mode=777" none "$DISK" && mkdir "$DISK/media" && '
            '{ [ -z "$FILE" ] || cp "$FILE" "$DISK/db"; } && exec "$@"'
        )
        given = [f"SIZE={self.size}", f"DISK={self.directory}", f"FILE={self.database or ''}"]
        return ["unshare", "--mount", "env", *given, "sh", "-c", script, "sh", *words]

    @property
    def inside(self) -> Path:
        """The disk as its processes see it."""
        return Path(f"/proc/{self.pid}/root{self.directory}")

    @contextmanager
    def held(self) -> Iterator[SmallDisk]:
        """Mounted for no process of the portal's, until the end."""
        process = subprocess.Popen(self.around(["cat"]), stdin=subprocess.PIPE)
        self.pid = process.pid
        while not (self.inside / "media").exists():
            time.sleep(0.05)
        try:
            yield self
        finally:
            process.communicate()  # the end of its input is its own

    def fill(self) -> None:
        """Write until nothing more fits."""
        with (self.inside / "filler").open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self) -> None:
        (self.inside / "filler").unlink()

    def within(self, words: list[str]) -> list[str]:
        """The command that runs `words` where the disk is seen."""
        return ["nsenter", "--mount", f"--target={self.pid}", "--wd=/", *words]

    def remount(self, how: str) -> None:
        """`ro` or `rw`."""
        words = self.within(["mount", "-o", f"remount,{how}", str(self.directory)])
        subprocess.run(words, check=True)


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Cluster:
    """The PostgreSQL server of `./portal test --faults`, which may be killed."""

    def __init__(self, data: str = "data", disk: SmallDisk | None = None) -> None:
        """`data` is its directory beside the others; with a `disk` it lies on that."""
        self.place = Path(os.environ["PORTAL_CLUSTER"])
        self.data = (disk.directory if disk else self.place) / data
        self.programs = Path(os.environ["PORTAL_POSTGRES"])
        self.disk = disk

    def run(self, program: str, *words: str) -> None:
        """One of its programs, as the user it belongs to; raises RuntimeError with its log."""
        command = [str(self.programs / program), *words]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        if self.disk:
            command = self.disk.within(command)
        log = self.place / f"{self.data.name}.log"
        with log.open("a") as file:
            done = subprocess.run(command, cwd="/", stdout=file, stderr=file)
        if done.returncode:
            raise RuntimeError(log.read_text()[-2000:])

    def control(self, *words: str) -> None:
        """`pg_ctl`, and wait until it is done."""
        self.run("pg_ctl", f"--pgdata={self.data}", "--wait", *words)

    def copied(self, port: int, other: Cluster, *words: str) -> Cluster:
        """A second server from a copy of this one, at its own port in the same directory."""
        given = ["--host", str(self.place), "--username=portal", "--checkpoint=fast"]
        other.run("pg_basebackup", *given, *words, f"--pgdata={other.data}")
        other.begin(port)
        return other

    def follower(self, port: int) -> Cluster:
        """A second server that follows this one."""
        words = ["--wal-method=stream", "--write-recovery-conf"]
        return self.copied(port, Cluster("follower"), *words)

    def begin(self, port: int) -> None:
        self.control(
            f"--options=-p {port}", f"--log={self.place / f'{self.data.name}.own'}", "start"
        )

    def runs(self) -> bool:
        try:
            self.control("status")
        except RuntimeError:
            return False
        return True

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
        while _alive(master):
            time.sleep(0.1)
        # Where nobody has buried it yet, its number would still count as a running server.
        for lock in (self.data / "postmaster.pid", *self.place.glob(".s.PGSQL.*.lock")):
            if lock.exists() and lock.read_text().split()[0] == str(master):
                lock.unlink()
        self.control(f"--log={self.place / 'log'}", "start")


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
