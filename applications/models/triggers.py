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
    "applications_casenote": ("UPDATE",),
    "applications_casemessage": ("UPDATE",),
}
"""Which statements each table refuses."""

SNAPSHOT_FROZEN: Final = ("payload", "sha256", "version", "number", "taken_at", "application_id")
"""Columns of a snapshot that nobody may change; only its PDF is filled in later."""

RECUSED: Final = {
    "applications_caselogentry": ("NEW.application_id", "NEW.actor_id"),
    "applications_decisionhand": (
        "(SELECT application_id FROM applications_decision WHERE id = NEW.decision_id)",
        "NEW.user_id",
    ),
}
"""Tables that take no row of a person who is befangen: its application and its person."""

ERASED: Final = "NEW.payload = '' AND " + " AND ".join(
    f"NEW.{column} = OLD.{column}" for column in SNAPSHOT_FROZEN if column != "payload"
)
"""The one change they allow: an erasure takes the content and leaves number, instant and hash."""

MESSAGE: Final = "case log, snapshots, notes and messages are append-only"
RECUSED_MESSAGE: Final = "this person takes no part in this case"


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
        if "applications_recusal" in tables:
            for table in RECUSED:
                for statement in _refuse_recused(connection.vendor, table):
                    cursor.execute(statement)
        if "applications_snapshot" in tables:
            columns = ", ".join(SNAPSHOT_FROZEN)
            cursor.execute(
                _create(
                    connection.vendor,
                    "applications_snapshot",
                    "UPDATE",
                    f"OF {columns}",
                    f"WHEN (NOT ({ERASED}))",
                )
            )


def _create(vendor: str, table: str, verb: str, columns: str = "", when: str = "") -> str:
    name = _name(table, verb)
    head = f"CREATE TRIGGER {name} BEFORE {verb} {columns} ON {table} FOR EACH ROW {when}"
    if vendor == "postgresql":
        return f"{head} EXECUTE FUNCTION portal_refuse()"
    return f"{head} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"


def _refuse_recused(vendor: str, table: str) -> list[str]:
    """The statements that refuse rows of somebody who is befangen in the case."""
    application, person = RECUSED[table]
    name = f"{table}_not_recused"
    recused = (
        "EXISTS (SELECT 1 FROM applications_recusal "  # noqa: S608  # nosec B608 (our own words)
        "WHERE lifted_at IS NULL "
        f"AND user_id = {person} AND application_id = {application})"
    )
    if vendor == "postgresql":
        return [
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN IF {recused} "
            f"THEN RAISE EXCEPTION '{RECUSED_MESSAGE}'; END IF; RETURN NEW; END $$ "
            "LANGUAGE plpgsql",
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION "
            f"{name}()",
        ]
    return [
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW WHEN {recused} "
        f"BEGIN SELECT RAISE(ABORT, '{RECUSED_MESSAGE}'); END"
    ]


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
        for table in tables & RECUSED.keys():
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_not_recused{on}")


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
    names |= {f"{table}_not_recused" for table in RECUSED}
    return names | {_name("applications_snapshot", "UPDATE")}
