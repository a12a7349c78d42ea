"""Public pages read from a PostgreSQL that follows the first (REPLICA_URL), never something old.

A replica may be behind. What a page is made from is therefore read there only while it holds the
very version of what the public sees that the first database has; the version itself is always
asked of the first. Whatever writes, and everything behind the sign-in, knows the first one alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Model

ALIAS: Final = "replica"

_log = structlog.get_logger(__name__)
_reads: ContextVar[bool] = ContextVar("reads_from_the_replica", default=False)


class PublicReads:
    """Django's router: to the replica inside `reading` only, and nothing is ever written there."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return ALIAS if _reads.get() else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None


@contextmanager
def reading(version: str) -> Iterator[None]:
    """Read from the replica in here, if there is one and it holds this `PublicVersion`."""
    token = _reads.set(ALIAS in connections.settings and _holds(version))
    try:
        yield
    finally:
        _reads.reset(token)


def _holds(version: str) -> bool:
    try:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT token FROM portal_publicversion")
            return bool(cursor.fetchone() == (version,))
    except (DatabaseError, InterfaceError) as fault:  # away: the first one answers alone
        _log.warning("replica_away", fault=type(fault).__name__)
        return False
