"""`worker`: sends mails, renders PDFs, reminds; one row after the other, until told to stop."""

import logging
import signal
import threading
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from applications.services import jobs
from kiv_portal import outbox, services
from kiv_portal.services import erasure

logger = logging.getLogger(__name__)

JOBS = {**jobs.JOBS, "erase_expired": erasure.run_job}

PAUSE_SECONDS = 1.0
PAUSE_AFTER_FAULT_SECONDS = 5.0
FORGET_EVERY = timedelta(minutes=15)
"""How often what the shared cache keeps beyond its time is deleted."""
BEAT_SECONDS = 20.0


class Command(BaseCommand):
    help = "Versendet E-Mails und erzeugt PDF-Dateien, bis es beendet wird."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--until-idle",
            action="store_true",
            help="beendet sich, sobald nichts mehr zu tun ist",
        )

    def handle(self, *args: Any, until_idle: bool, **options: Any) -> None:
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: stop.set())
        forget_at = timezone.now()
        heard = float("-inf")
        while not stop.is_set():
            try:
                if time.monotonic() - heard >= BEAT_SECONDS:
                    outbox.beat(timezone.now())
                    heard = time.monotonic()
                if (at := timezone.now()) >= forget_at:
                    services.forget_expired(at)
                    forget_at = at + FORGET_EVERY
                jobs.schedule(at)
                erasure.schedule(at)
                busy = outbox.work_once(JOBS, at)
            except DatabaseError:
                # The database is away: it comes back, and so does the worker.
                if until_idle:
                    raise
                logger.exception("Datenbank nicht erreichbar")
                close_old_connections()
                stop.wait(PAUSE_AFTER_FAULT_SECONDS)
                continue
            if not busy:
                if until_idle:
                    return
                close_old_connections()
                stop.wait(PAUSE_SECONDS)
