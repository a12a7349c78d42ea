"""For operators: whether the portal lives, can work, and how it fares. Nothing about a person."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Min
from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kiv_portal import outbox
from kiv_portal.context_processors import release
from kiv_portal.desk import from_this_machine
from kiv_portal.models import Job, OutboxMail, WorkState
from kiv_portal.services import ledger
from municipalities.models import AccountEvent, EventKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.http import HttpRequest

LONGEST_SILENCE: Final = timedelta(minutes=3)
"""A worker that has not been heard of for so long is taken for dead."""

LEAST_FREE_BYTES: Final = 200 * 1024 * 1024
"""Below this much room for uploads the portal asks for no more work."""


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """The migrations in this release; they cannot change while the process runs."""
    return frozenset(MigrationLoader(None).disk_migrations)


@login_not_required
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """The portal can work: database, its migrations, the worker, room for uploads.

    A warning (the ledger of erasures) keeps nobody from working; somebody has to look.
    """
    warnings = []
    checks = {"database": False, "migrations": False, "worker": False, "disk": False}
    try:
        applied = MigrationRecorder(connection).applied_migrations()
        checks["database"] = True
        checks["migrations"] = _known_migrations() <= applied.keys()
        silence = worker_silence(request.arrived_at)
        checks["worker"] = silence is not None and silence <= LONGEST_SILENCE
        warnings = [said] if (said := ledger.fault()) else []
    except DatabaseError:
        pass
    checks["disk"] = free_bytes() >= LEAST_FREE_BYTES
    good = all(checks.values())
    return JsonResponse(
        {"status": "ok" if good else "unavailable", "checks": checks, "warnings": warnings},
        status=HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE,
    )


def worker_silence(at: datetime) -> timedelta | None:
    """How long the worker has not been heard of; None if never."""
    beat = outbox.last_beat()
    return None if beat is None else max(at - beat, timedelta())


def free_bytes() -> int:
    """Room on the disk of the uploads; 0 where it cannot be told.

    With an object store that is where an upload lies until it is passed on.
    """
    place = Path(tempfile.gettempdir() if settings.MEDIA_STORE else settings.MEDIA_ROOT)
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return 0


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures in Prometheus' text format, for whoever may ask; others find nothing here."""
    if not _may_read_metrics(request):
        raise Http404("Diese Seite gibt es nicht.")
    registry = CollectorRegistry()
    registry.register(PortalCollector(request.arrived_at))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    """With a token set, whoever has it; without one, this machine alone and past no proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return secrets.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    return from_this_machine(request)


class PortalCollector(Collector):
    """What the database says about the portal's work, at one instant."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def describe(self) -> Iterator[Any]:
        """Nothing in advance: asking would ask the database."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All families; without a database only what needs none."""
        info = GaugeMetricFamily("kiv_release_info", "Version of the portal", labels=["version"])
        info.add_metric([release()], 1)
        yield info
        yield GaugeMetricFamily(
            "kiv_disk_free_bytes", "Room on the disk of the uploads", value=free_bytes()
        )
        try:
            families = [*self._work(), *self._accounts()]
        except DatabaseError:
            yield GaugeMetricFamily("kiv_database_up", "Whether the database answers", value=0)
            return
        yield GaugeMetricFamily("kiv_database_up", "Whether the database answers", value=1)
        yield from families

    def _work(self) -> Iterator[GaugeMetricFamily]:
        rows = GaugeMetricFamily("kiv_work_rows", "Mails and jobs", labels=["kind", "state"])
        oldest = GaugeMetricFamily(
            "kiv_work_oldest_seconds", "Age of the oldest row that is due", labels=["kind"]
        )
        for kind, model in (("mail", OutboxMail), ("job", Job)):
            found = dict(
                model._default_manager.values_list("state").annotate(Count("pk")).order_by()
            )
            for state in WorkState:
                rows.add_metric([kind, state.value], found.get(state.value, 0))
            since = model.objects.due(self.at).order_by().aggregate(at=Min("next_try_at"))["at"]
            oldest.add_metric([kind], (self.at - since).total_seconds() if since else 0)
        yield rows
        yield oldest
        silence = worker_silence(self.at)
        yield GaugeMetricFamily(
            "kiv_worker_silence_seconds",
            "Since when the worker has not been heard of; -1: never",
            value=-1 if silence is None else silence.total_seconds(),
        )

    def _accounts(self) -> Iterator[GaugeMetricFamily]:
        recent = AccountEvent.objects.filter(at__gt=self.at - timedelta(minutes=15))
        counted = dict(recent.values_list("kind").annotate(Count("pk")).order_by())
        events = GaugeMetricFamily(
            "kiv_account_events_15m", "Sign-ins and failures of 15 minutes", labels=["kind"]
        )
        for kind in (EventKind.SIGNED_IN, EventKind.SIGN_IN_FAILED, EventKind.FACTOR_FAILED):
            events.add_metric([kind.value], counted.get(kind.value, 0))
        yield events
        yield GaugeMetricFamily(
            "kiv_sessions", "Sessions of people signed in", value=UserSession.objects.count()
        )
