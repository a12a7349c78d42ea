"""Processes of the portal as `./portal start` runs them, on loopback, and what they cost."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings

START_SECONDS: Final = 90
LOG: Final = "bench.log"
"""Below var/: what these processes say."""


@contextmanager
def web(application: str, **environment: str) -> Iterator[int]:
    """gunicorn with this application, set up as `./portal start` has it; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"),
        *("--config", "python:kiv_portal.serving", "--no-control-socket", "--log-level", "error"),
    ]
    with _process(command, environment):
        _wait_until_it_answers(port)
        yield port


@contextmanager
def worker(**environment: str) -> Iterator[None]:
    """The process that sends mails and renders PDFs; it gives way to the web server."""
    with _process(["nice", sys.executable, "manage.py", "worker"], environment):
        yield


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with (settings.VAR_DIR / LOG).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=settings.BASE_DIR,
            env={**os.environ, **environment},
            # A group to end, but no session of its own: Linux shares the processors out among
            # sessions first, and the worker would not give way to the web server any more.
            process_group=0,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_it_answers(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            talk = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            talk.request("GET", "/health/live")
            talk.getresponse().read()
            talk.close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def web_workers(port: int) -> list[int]:
    """Process ids of the workers of the gunicorn on this port."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if f"127.0.0.1:{port}".encode() in words:
            found.append((int(entry.name), parent))
    masters = {pid for pid, _ in found}
    return sorted(pid for pid, parent in found if parent in masters)


def resident_bytes(pid: int) -> int:
    """The memory a process takes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
