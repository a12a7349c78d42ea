"""Public pages read from a PostgreSQL that follows the first (REPLICA_URL), never something old.

A replica may be behind. What a page is made from is therefore read there only while it holds the
very version of what the public sees that the first database has; the version itself is always
asked of the first. Whatever writes, and everything behind the sign-in, knows the first one alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Model
from django.http.response import HttpResponseBase

ALIAS: Final = "replica"
REST: Final = 30
"""For how many seconds a process leaves a replica alone that did not answer."""


class _Rest:
    """Until when, by `time.monotonic`, this process leaves the replica alone."""

    until = 0.0


_rest = _Rest()

_log = structlog.get_logger(__name__)
_reads: ContextVar[bool] = ContextVar("reads_from_the_replica", default=False)


class PublicReads:
    """Django's router: to the replica inside `made` only, and nothing is ever written there."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return ALIAS if _reads.get() else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None


def made(version: str, make: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer of `make`, read from the replica if that holds this `PublicVersion`.

    Where the replica fails meanwhile, the first one is asked for all of it.
    """
    if not _holds(version):
        return make()
    token = _reads.set(True)
    try:
        response = make()
    finally:
        _reads.reset(token)
    if response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
        return response
    _leave_alone("a page")
    return make()


def _holds(version: str) -> bool:
    if ALIAS not in connections.settings or time.monotonic() < _rest.until:
        return False
    try:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT token FROM portal_publicversion")
            return bool(cursor.fetchone() == (version,))
    except (DatabaseError, InterfaceError) as fault:
        _leave_alone(type(fault).__name__)
        return False


def _leave_alone(fault: str) -> None:
    """Do not ask it again for a while: nobody is to wait for what is away."""
    _rest.until = time.monotonic() + REST
    _log.warning("replica_away", fault=fault)
