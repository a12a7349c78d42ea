"""Triggers that renew the `PublicVersion` with every write to what the public sees.

In the database itself, because everything that writes goes through it: services, the admin's
forms, imports, `loaddata`, commands, a person at the database's own prompt. A rolled-back
transaction renews nothing, and whoever reads the new version also reads what changed.

On PostgreSQL the row is locked when the transaction commits (a deferred constraint trigger):
after all other locks, so nobody can wait for it in a circle, and only for a moment. SQLite has
one writer at a time anyway.

Installed after every `migrate`, as SQLite drops a table's triggers when it remakes it. While
they are away the version is empty and no process keeps a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.apps import apps

from applications.models import FundingCall
from kiv_portal.models import Authority, Download
from municipalities.models import District, Municipality, Population

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

SHOWN: Final = (Authority, Download, District, Municipality, Population, FundingCall)
"""What public pages show, besides every table of the app `projects`."""

VERBS: Final = ("INSERT", "UPDATE", "DELETE")

POSTGRES_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION portal_public_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE mine text := pg_current_xact_id()::text || '-';
BEGIN  -- once in a transaction; never while it is empty
    UPDATE portal_publicversion SET token = mine || gen_random_uuid()
    WHERE token <> '' AND NOT starts_with(token, mine);
    RETURN NULL;
END $$
"""
POSTGRES_TRIGGER: Final = """
CREATE CONSTRAINT TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portal_public_changed()
"""
SQLITE_TRIGGER: Final = """
CREATE TRIGGER {name} AFTER {verb} ON {table} FOR EACH ROW BEGIN
    UPDATE portal_publicversion SET token = lower(hex(randomblob(16))) WHERE token <> '';
END
"""
NEW_VERSION: Final = {
    "postgresql": """
        INSERT INTO portal_publicversion (id, token) VALUES (1, gen_random_uuid()::text)
        ON CONFLICT (id) DO UPDATE SET token = excluded.token
    """,
    "sqlite": """
        INSERT INTO portal_publicversion (id, token) VALUES (1, lower(hex(randomblob(16))))
        ON CONFLICT (id) DO UPDATE SET token = excluded.token
    """,
}


def tables() -> list[str]:
    """The tables that hold what the public sees."""
    models = [*SHOWN, *apps.get_app_config("projects").get_models()]
    return sorted(model._meta.db_table for model in models)


def expected(vendor: str) -> set[str]:
    """Names of the triggers that must be in force."""
    if vendor == "postgresql":
        return {_name(table) for table in tables()}
    return {_name(table, verb) for table in tables() for verb in VERBS}


def _name(table: str, verb: str = "change") -> str:
    return f"{table}_public_{verb.lower()}"


def remove(connection: BaseDatabaseWrapper) -> None:
    """Let no process keep a page, then take the triggers away."""
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if "portal_publicversion" in there:
            cursor.execute("UPDATE portal_publicversion SET token = ''")
        for table in there.intersection(tables()):
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER IF EXISTS {_name(table)} ON {table}")
            else:
                for verb in VERBS:
                    cursor.execute(f"DROP TRIGGER IF EXISTS {_name(table, verb)}")


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers anew, then the version. Tables that do not exist yet are left out."""
    remove(connection)
    there = set(connection.introspection.table_names())
    if "portal_publicversion" not in there:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRES_FUNCTION)
        for table in there.intersection(tables()):
            if connection.vendor == "postgresql":
                cursor.execute(POSTGRES_TRIGGER.format(name=_name(table), table=table))
            else:
                for verb in VERBS:
                    name = _name(table, verb)
                    cursor.execute(SQLITE_TRIGGER.format(name=name, table=table, verb=verb))
    renew(connection)


def renew(connection: BaseDatabaseWrapper) -> None:
    """Set a new version, also where the row is missing: after `flush`, which fires no trigger."""
    with connection.cursor() as cursor:
        cursor.execute(NEW_VERSION[connection.vendor])
