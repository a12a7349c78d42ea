"""Database triggers that make the case log append-only on SQLite and PostgreSQL.

Installed after every `migrate`, because SQLite drops a table's triggers when a migration
remakes it. `flush` (tests) takes them away for its own duration only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

REFUSED: Final = {
    "applications_caselogentry": ("UPDATE", "DELETE"),
    # Erasure may delete the content of an entry; nobody may change it.
    "applications_caselogpayload": ("UPDATE",),
    "applications_snapshot": ("DELETE",),
}
"""Which statements each table refuses."""

SNAPSHOT_FROZEN: Final = ("payload", "sha256", "version", "number", "taken_at", "application_id")
"""Columns of a snapshot that nobody may change; only its PDF is filled in later."""

MESSAGE: Final = "case log and snapshots are append-only"


def _name(table: str, verb: str) -> str:
    return f"{table}_no_{verb.lower()}"


def install(connection: BaseDatabaseWrapper) -> None:
    """Create all triggers anew. Tables that do not exist yet are left out."""
    remove(connection)
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION portal_refuse() RETURNS trigger AS $$ "
                f"BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$ LANGUAGE plpgsql"
            )
        for table, verbs in REFUSED.items():
            if table in tables:
                for verb in verbs:
                    cursor.execute(_create(connection.vendor, table, verb))
        if "applications_snapshot" in tables:
            columns = ", ".join(SNAPSHOT_FROZEN)
            cursor.execute(
                _create(connection.vendor, "applications_snapshot", "UPDATE", f"OF {columns}")
            )


def _create(vendor: str, table: str, verb: str, columns: str = "") -> str:
    head = f"CREATE TRIGGER {_name(table, verb)} BEFORE {verb} {columns} ON {table} FOR EACH ROW"
    if vendor == "postgresql":
        return f"{head} EXECUTE FUNCTION portal_refuse()"
    return f"{head} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take all triggers away, where they are."""
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in REFUSED:
            if table not in tables:
                continue
            for verb in ("UPDATE", "DELETE"):
                on = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {_name(table, verb)}{on}")


def installed(connection: BaseDatabaseWrapper) -> set[str]:
    """Names of the triggers that are in force."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {row[0] for row in cursor.fetchall()}


def expected() -> set[str]:
    """Names of the triggers that must be in force."""
    names = {_name(table, verb) for table, verbs in REFUSED.items() for verb in verbs}
    return names | {_name("applications_snapshot", "UPDATE")}
