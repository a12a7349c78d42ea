"""A copy of everything the portal keeps, made while people work, and the way back from it.

A backup is a directory: the database in one file, every file of the storage, and a manifest with
the size and SHA-256 of each, written last. Without its manifest a backup is not one.

The moment a backup stands for is the database's: one transaction on PostgreSQL, one read of
SQLite. Files are written once under a name of their own, before a row names them, and never
changed. So copying them before that moment, and after it what is new or has grown, gives all that
the database names, also what was deleted meanwhile.

Not in it: SECRET_KEY (without it sealed texts stay sealed) and the ledger of erasures, which must
outlive every backup (`ledger`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess  # nosec: pg_dump and pg_restore, without a shell
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader

from kiv_portal.services import ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
DATABASES: Final = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
FILES: Final = "files"
CHUNK: Final = 1 << 20

NOT_EMPTY: Final = "{} ist nicht leer. Bitte nennen Sie ein leeres oder neues Verzeichnis."
NO_BACKUP: Final = "{} ist keine Sicherung, die zu Ende kam: Es fehlt die Datei manifest.json."
NOT_READABLE: Final = "Das Inhaltsverzeichnis der Sicherung (manifest.json) ist nicht lesbar."
OTHER_FORMAT: Final = "Diese Sicherung hat ein Format, das diese Fassung des Portals nicht kennt."
OTHER_DATABASE: Final = (
    "Die Sicherung ist aus {}, DATABASE_URL nennt aber {}. Bitte nehmen Sie dieselbe Art."
)
NEWER: Final = (
    "Die Sicherung stammt aus einer neueren Fassung des Portals (unbekannt hier: {}). Bitte "
    "spielen Sie sie mit jener Fassung ein."
)
DATABASE_IN_USE: Final = (
    "Die Datenbank in DATABASE_URL ist nicht leer. Eine Sicherung wird nur in eine leere Datenbank "
    "eingespielt, damit nichts überschrieben wird."
)
FILES_IN_USE: Final = (
    "Unter MEDIA_ROOT liegen schon Dateien. Bitte nennen Sie ein leeres Verzeichnis."
)
NO_PROGRAM: Final = "Das Programm {} fehlt. Es gehört zu PostgreSQL (Debian: postgresql-client)."
FAILED: Final = "{} ist gescheitert: {}"


class BackupFault(Exception):
    """A backup cannot be made or put back; says why, in German."""


@dataclass(frozen=True)
class Report:
    """What a backup holds, and what of the storage it could not find."""

    files: int
    bytes: int
    lost: list[str]
    """Named by the database, and neither in the storage before nor after: gone before."""
    altered: list[str]
    """Whose content is another than the SHA-256 the database has of it."""
    ledger: str = ""
    """What is wrong with the ledger of erasures, without which nothing is restored."""


# --- Making one -----------------------------------------------------------------------------------


def make(place: Path, at: datetime) -> Report:
    """Write a backup into `place`, a new or empty directory, while people go on working.

    Raises BackupFault where the place is taken or the database's own program fails; the manifest
    is then missing. A file that is lost or altered is reported and does not end the backup.
    """
    if place.exists() and any(place.iterdir()):
        raise BackupFault(NOT_EMPTY.format(place))
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.chmod(0o700)  # all that people entrusted to the portal
    target = place / FILES
    target.mkdir(mode=0o700)
    faulty = ""
    try:
        ledger.copy(at)  # begun at the latest now: a restore asks for it
    except ledger.LedgerFault as fault:
        faulty = str(fault)
    sums: dict[str, dict[str, Any]] = {}
    _copy_files(target, sums)
    dump = place / DATABASES[connection.vendor]
    named, known = _copy_database(dump)
    _copy_files(target, sums)
    there = set(stored())
    for name in set(sums) - there - set(named):  # deleted, and the backup's moment knows it
        (target / name).unlink()
        del sums[name]
    manifest = {
        "format": FORMAT,
        "made_at": at.isoformat(),
        "database": {"vendor": connection.vendor, "file": dump.name, **_sum(dump)},
        "migrations": known,
        "files": dict(sorted(sums.items())),
    }
    _write(place / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    return Report(
        files=len(sums),
        bytes=sum(entry["size"] for entry in sums.values()),
        lost=sorted(set(named) - set(sums)),
        altered=sorted(
            name
            for name, proof in named.items()
            if proof and name in sums and sums[name]["sha256"] != proof
        ),
        ledger=faulty,
    )


def stored(folder: str = "") -> Iterator[str]:
    """Every name in the storage."""
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        yield f"{folder}{name}"
    for inner in folders:
        yield from stored(f"{folder}{inner}/")


def _copy_files(target: Path, sums: dict[str, dict[str, Any]]) -> None:
    """Copy what is not yet copied, or was still being written when it was.

    What goes away at the same moment is left to the caller.
    """
    for name in stored():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            if name in sums and sums[name]["size"] == default_storage.size(name):
                continue
            with default_storage.open(name) as source:
                sums[name] = _pour(source, path)
        except FileNotFoundError:
            if name not in sums:
                path.unlink(missing_ok=True)


def _copy_database(dump: Path) -> tuple[dict[str, str], list[str]]:
    """The database into one file; with the files it names at that moment, and its migrations."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(dump)) as copy:
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            dump.chmod(0o600)
            return _named(copy.execute), _migrations(copy.execute)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        dump.touch(mode=0o600)
        arguments = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        _postgres("pg_dump", [*arguments, f"--file={dump}"])

        def run(statement: str) -> Any:
            cursor.execute(statement)
            return cursor

        return _named(run), _migrations(run)


def _named(run: Callable[[str], Any]) -> dict[str, str]:
    """The files that rows name, each with the SHA-256 kept beside it where there is one."""
    quote = connection.ops.quote_name
    found: dict[str, str] = {}
    for model in apps.get_models(include_auto_created=True):
        fields = [
            field for field in model._meta.local_fields if isinstance(field, models.FileField)
        ]
        columns = {field.name: quote(field.column) for field in model._meta.local_fields}
        for field in fields:
            proof = columns.get("sha256", "''") if field.name == "file" else "''"
            statement = (
                f"SELECT {columns[field.name]}, {proof} "  # noqa: S608 # nosec - names of models
                f"FROM {quote(model._meta.db_table)}"
            )
            found |= {name: sha256 or "" for name, sha256 in run(statement).fetchall() if name}
    return found


def _migrations(run: Callable[[str], Any]) -> list[str]:
    rows = run("SELECT app, name FROM django_migrations").fetchall()
    return sorted(f"{app}.{name}" for app, name in rows)


# --- Looking into one, and putting it back --------------------------------------------------------


def check(place: Path) -> dict[str, Any]:
    """The manifest of a backup in which every byte is as it was written.

    Raises BackupFault and names what is missing, altered, or stands there unasked.
    """
    path = place / MANIFEST
    if not path.is_file():
        raise BackupFault(NO_BACKUP.format(place))
    try:
        manifest = json.loads(path.read_bytes())
        expected = {f"{FILES}/{name}": entry for name, entry in manifest["files"].items()}
        expected[manifest["database"]["file"]] = manifest["database"]
        known = manifest["format"] == FORMAT
        if any(".." in Path(name).parts or Path(name).is_absolute() for name in expected):
            raise ValueError("a name that leads out of the backup")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupFault(NOT_READABLE) from error
    if not known:
        raise BackupFault(OTHER_FORMAT)
    faults = []
    for name, entry in expected.items():
        file = place / name
        if not file.is_file():
            faults.append(f"{name} fehlt")
        elif _sum(file) != {"size": entry["size"], "sha256": entry["sha256"]}:
            faults.append(f"{name} ist verändert")
    there = {str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()}
    faults += [f"{name} gehört nicht dazu" for name in sorted(there - {*expected, MANIFEST})]
    if faults:
        raise BackupFault("Die Sicherung ist beschädigt: " + "; ".join(faults) + ".")
    return dict(manifest)


def restore(place: Path) -> Report:
    """Put a backup back into an empty database and an empty storage.

    Everything is looked at before the first byte is written. What follows (newer migrations, the
    ledger of erasures, the chains of the log) is the command's. Raises BackupFault.
    """
    manifest = check(place)
    vendor = manifest["database"]["vendor"]
    if vendor != connection.vendor:
        raise BackupFault(OTHER_DATABASE.format(vendor, connection.vendor))
    loader = MigrationLoader(None)
    ours = {f"{app}.{name}" for app, name in loader.disk_migrations}
    ours |= {f"{app}.{name}" for m in loader.disk_migrations.values() for app, name in m.replaces}
    if unknown := sorted(set(manifest["migrations"]) - ours):
        raise BackupFault(NEWER.format(", ".join(unknown)))
    if connection.introspection.table_names():
        raise BackupFault(DATABASE_IN_USE)
    if next(stored(), None) is not None:
        raise BackupFault(FILES_IN_USE)
    dump = place / manifest["database"]["file"]
    if vendor == "sqlite":
        with closing(sqlite3.connect(f"file:{dump}?mode=ro", uri=True)) as copy:
            connection.ensure_connection()
            copy.backup(connection.connection)
    else:
        arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        _postgres("pg_restore", [*arguments, str(dump)])
    for name in manifest["files"]:
        with (place / FILES / name).open("rb") as source:
            if default_storage.save(name, File(source)) != name:
                raise BackupFault(FILES_IN_USE)
    size = sum(entry["size"] for entry in manifest["files"].values())
    return Report(len(manifest["files"]), size, [], [])


# --- What both need -------------------------------------------------------------------------------


def _postgres(program: str, arguments: list[str]) -> None:
    """One of PostgreSQL's own programs on the database in use. Raises BackupFault."""
    from django.db.backends.postgresql.client import DatabaseClient

    found = shutil.which(program) or _of_debian(program)
    if found is None:
        raise BackupFault(NO_PROGRAM.format(program))
    given, environment = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    *server, name = given[1:]
    done = subprocess.run(  # noqa: S603 # nosec - found above, names from the settings
        [found, *server, f"--dbname={name}", *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupFault(FAILED.format(program, done.stderr.strip()))


def _of_debian(program: str) -> str | None:
    """The newest of what Debian's server packages bring."""
    found = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    newest = sorted(found, key=lambda path: float(path.parts[-3]))
    return str(newest[-1]) if newest else None


def _pour(source: Any, path: Path) -> dict[str, Any]:
    """Write a stream to disk, for good; its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as target:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    path.chmod(0o600)
    return {"size": size, "sha256": digest.hexdigest()}


def _sum(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {
            "size": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, and on disk."""
    fresh = path.with_suffix(".neu")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(0o600)
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
