"""For operators: does the process answer, can it work."""

from functools import cache
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


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
    """The process can work: the database answers and has every migration of this release."""
    checks = {"database": False, "migrations": False}
    try:
        applied = MigrationRecorder(connection).applied_migrations()
        checks = {"database": True, "migrations": _known_migrations() <= applied.keys()}
    except DatabaseError:
        pass
    good = all(checks.values())
    return JsonResponse(
        {"status": "ok" if good else "unavailable", "checks": checks},
        status=HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE,
    )
