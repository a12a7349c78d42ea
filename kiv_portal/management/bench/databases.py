"""Copies of the prepared database: each measure spoils only its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
from django.db import connection
from psycopg import sql


def name() -> str:
    """The database in use."""
    return str(connection.settings_dict["NAME"])


def use(database: str) -> None:
    """Turn to another database of the same server, without a pool: one process, one connection."""
    connection.close()
    if connection.settings_dict["OPTIONS"].get("pool"):
        connection.close_pool()
        connection.settings_dict["OPTIONS"].pop("pool")
    connection.settings_dict["NAME"] = database


def size() -> int:
    """Bytes on the disk of the database in use, indexes included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def copy(source: str, target: str) -> None:
    """Make `target` a copy of `source`, which nobody may be using."""
    connection.close()
    with _server() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(target)))
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(target), sql.Identifier(source)
            )
        )


def drop(database: str) -> None:
    """Remove a copy, whoever still uses it."""
    connection.close()
    with _server() as server:
        server.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
        )


@contextmanager
def a_copy(source: str, target: str) -> Iterator[str]:
    """A copy to work on, removed afterwards; then the database from before is in use again."""
    before = name()
    copy(source, target)
    use(target)
    try:
        yield target
    finally:
        use(before)
        drop(target)


def url(database: str) -> str:
    """The copy's address for a process of its own."""
    given = connection.settings_dict
    return f"postgres://{given['USER']}@{quote(given['HOST'], safe='')}/{database}"


def _server() -> psycopg.Connection:
    given = connection.settings_dict
    return psycopg.connect(
        host=given["HOST"], user=given["USER"], dbname="postgres", autocommit=True
    )
