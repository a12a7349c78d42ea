"""Backups: made while people work, whole or refused, and put back by the README's steps alone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings as portal_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone
from PIL import Image, PngImagePlugin

from applications import services
from applications.models import Document
from applications.rules import DocumentKind
from kiv_portal.services import backup, erasure
from tests import world
from tests.factories import NOW, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

PASSING = (
    "django_session",
    "portal_cache",
    "portal_erasurerun",
    "portal_publicversion",
    "usersessions_usersession",
)
"""Tables that a restore empties or writes to."""


def add(application: Any, by: Any, text: str) -> Document:
    """A document that the portal takes: a picture of one point, with a text of its own."""
    note, out = PngImagePlugin.PngInfo(), BytesIO()
    note.add_text("Text", text)
    Image.new("RGB", (1, 1)).save(out, "PNG", pnginfo=note)
    return services.add_document(
        application=application,
        upload=SimpleUploadedFile(f"{text}.png", out.getvalue(), "image/png"),
        kind=DocumentKind.OTHER,
        by=by,
        at=timezone.now(),
    )


class Elsewhere:
    """Another machine: an empty database and an empty directory, reached by `manage.py` alone."""

    def __init__(self, room: Path) -> None:
        self.media = room / "media"
        self.ledger = Path(portal_settings.ERASURE_LEDGER)
        if connection.vendor == "sqlite":
            self.name = str(room / "portal.sqlite3")
            self.url = f"sqlite:///{self.name}"
        else:
            self.name = f"restored_{uuid.uuid4().hex}"
            self.url = re.sub(r"/[^/]*$", f"/{self.name}", os.environ["DATABASE_URL"])

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=portal_settings.BASE_DIR,
            env={
                **os.environ,
                "PORTAL_DEMO": "1",
                "DJANGO_SETTINGS_MODULE": "kiv_portal.settings",
                "ALLOWED_HOSTS": "localhost",
                "DATABASE_URL": self.url,
                "MEDIA_ROOT": str(self.media),
                "ERASURE_LEDGER": str(self.ledger),
            },
            capture_output=True,
            text=True,
        )

    def rows(self, *, apart_from: tuple[str, ...] = PASSING) -> dict[str, list[str]]:
        return table_rows(self.name, apart_from)


def from_the_readme(command: str, place: Path) -> list[str]:
    """The words of this command as the README's step on backups gives it, for this directory.

    What the step asks for beside it is what `Elsewhere` has: an empty database, an empty
    `MEDIA_ROOT`, the newest ledger in its place.
    """
    text = (portal_settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
    (step,) = re.findall(r"(?ms)^5\. (`manage\.py backup DIRECTORY`.+?)^6\. ", text)
    step = " ".join(step.split())
    for needed in ("an empty database in `DATABASE_URL`", "an empty `MEDIA_ROOT`", "newest ledger"):
        assert step.index(needed) < step.index("`manage.py restore DIRECTORY`"), needed
    (given,) = re.findall(rf"`manage\.py ({command}(?: DIRECTORY)?)`", step)
    return [str(place) if word == "DIRECTORY" else word for word in given.split()]


def table_rows(database: str, apart_from: tuple[str, ...] = PASSING) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(database)) as opened:
            names = (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
            tables = sorted(name for (name,) in opened.execute(names))
            return {
                table: sorted(map(repr, opened.execute(f'SELECT * FROM "{table}"')))  # noqa: S608
                for table in tables
                if table not in apart_from
            }
    given = connection.settings_dict
    with psycopg.connect(host=given["HOST"], user=given["USER"], dbname=database) as opened:
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = sorted(name for (name,) in opened.execute(names).fetchall())
        return {
            table: sorted(map(repr, opened.execute(f'SELECT * FROM "{table}"').fetchall()))  # noqa: S608
            for table in tables
            if table not in apart_from
        }


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    place = Elsewhere(tmp_path)
    if connection.vendor == "sqlite":
        yield place
        return
    with _server() as server:
        server.execute(f'CREATE DATABASE "{place.name}"')
    yield place
    with _server() as server:
        server.execute(f'DROP DATABASE "{place.name}" WITH (FORCE)')


@contextmanager
def _server() -> Iterator[psycopg.Connection]:
    given = connection.settings_dict
    address = f"postgresql://{given['USER']}@{quote(given['HOST'], safe='')}/postgres"
    with psycopg.connect(address, autocommit=True) as opened:
        yield opened


def test_what_people_write_while_it_is_made_is_whole_or_not_in_it(
    tmp_path: Path, elsewhere: Elsewhere, media_root: Path
) -> None:
    w = world.build(at=timezone.now())
    first = world.submitted(w, timezone.now())
    draft = world.draft(w, timezone.now())
    add(draft, w.clerk, "zuerst")
    long_ago = timezone.now() - timedelta(days=4000)
    UserFactory(email="geht@kommune.example", is_active=False, closed_at=long_ago)
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        for number in range(500):
            if stop.is_set():
                break
            document = add(draft, w.clerk, f"Anlage {number}")
            acknowledged.append(str(document.pk))
            if number % 2:  # documents also go, with their files
                services.remove_document(
                    application=draft, document=document, by=w.clerk, at=timezone.now()
                )
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    while len(acknowledged) < 4:
        stop.wait(0.01)
    before = list(acknowledged)
    place = tmp_path / "sicherung"
    call_command(*from_the_readme("backup", place))
    stop.set()
    writer.join()
    erasure.erase_expired(at=timezone.now())
    assert "geht@" not in str(table_rows(str(connection.settings_dict["NAME"])))

    done = elsewhere.manage(*from_the_readme("restore", place))
    assert (done.returncode, done.stderr) == (0, "")
    assert "alle unversehrt" in done.stdout
    rows = elsewhere.rows()
    assert "geht@" not in str(rows), "erased since, and back again"
    kept = "".join(rows["applications_document"])
    names = [word for word in before[0::2] if word.replace("-", "") not in kept.replace("-", "")]
    assert names == [], "acknowledged before the backup began and not in it"
    assert str(first.reference) in "".join(rows["applications_application"])
    manifest = json.loads((place / "manifest.json").read_text())
    restored = {
        str(path.relative_to(elsewhere.media)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in elsewhere.media.rglob("*")
        if path.is_file()
    }
    assert restored == {name: entry["sha256"] for name, entry in manifest["files"].items()}
    for name in re.findall(r"antraege/[^'\"]+", kept):
        assert name in restored, "a row without its file"


def test_a_restored_portal_is_the_same_row_by_row(tmp_path: Path, elsewhere: Elsewhere) -> None:
    w = world.build()
    application = world.granted(w)
    add(world.draft(w), w.clerk, "Straße ẞ")
    call_command("backup", str(tmp_path / "eins"))
    before = table_rows(str(connection.settings_dict["NAME"]))
    done = elsewhere.manage(*from_the_readme("restore", tmp_path / "eins"))
    assert (done.returncode, done.stderr) == (0, "")
    assert elsewhere.rows() == before
    assert application.reference
    again = elsewhere.manage("restore", str(tmp_path / "eins"))
    assert again.returncode == 1
    assert "ist nicht leer" in again.stderr
    assert elsewhere.rows() == before


def test_who_was_signed_in_then_is_not_signed_in_after_a_restore(
    tmp_path: Path, elsewhere: Elsewhere, client: Any
) -> None:
    client.force_login(UserFactory())
    call_command("backup", str(tmp_path / "eins"))
    assert table_rows(str(connection.settings_dict["NAME"]), ())["django_session"] != []
    assert elsewhere.manage("restore", str(tmp_path / "eins")).returncode == 0
    assert elsewhere.rows(apart_from=())["django_session"] == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda place, file: file.unlink(), "fehlt"),
        (lambda place, file: file.write_bytes(b"anders"), "ist verändert"),
        (lambda place, file: (place / "files/fremd.txt").write_text("x"), "gehört nicht dazu"),
        (
            lambda place, file: (place / "manifest.json").unlink(),
            "keine Sicherung, die zu Ende kam",
        ),
        (lambda place, file: (place / "manifest.json").write_text("{"), "nicht lesbar"),
        (lambda place, file: _rewrite(place, "../heraus"), "nicht lesbar"),
        (lambda place, file: _rewrite(place, format=99), "Format"),
        (
            lambda place, file: _rewrite(place, migrations=["applications.9999_x"]),
            "neueren Fassung",
        ),
    ],
)
def test_a_backup_that_is_not_whole_is_refused_before_a_byte_is_written(
    spoil: Any, said: str, tmp_path: Path, settings: Any
) -> None:
    w = world.build()
    add(world.draft(w), w.clerk, "Anlage")
    place = tmp_path / "eins"
    call_command("backup", str(place))
    call_command("restore", str(place), check=True)
    (file,) = [path for path in (place / "files").rglob("*") if path.is_file()]
    spoil(place, file)
    settings.MEDIA_ROOT = tmp_path / "leer"
    with pytest.raises(CommandError, match=said):
        call_command("restore", str(place))
    assert not settings.MEDIA_ROOT.exists()


def _rewrite(place: Path, name: str = "", **changes: Any) -> None:
    path = place / "manifest.json"
    manifest = json.loads(path.read_text()) | changes
    if name:
        manifest["files"][name] = {"size": 0, "sha256": ""}
    path.write_text(json.dumps(manifest))


def test_nothing_is_overwritten(tmp_path: Path, settings: Any) -> None:
    world.build()
    place = tmp_path / "eins"
    call_command("backup", str(place))
    with pytest.raises(CommandError, match="ist nicht leer"):
        call_command("backup", str(place))
    with pytest.raises(CommandError, match="Die Datenbank in DATABASE_URL ist nicht leer"):
        call_command("restore", str(place))


def test_only_its_owner_reads_a_backup(tmp_path: Path) -> None:
    w = world.build()
    add(world.draft(w), w.clerk, "Anlage")
    place = tmp_path / "eins"
    call_command("backup", str(place))
    entries = [place, *(path for path in place.rglob("*") if path.is_file())]
    open_to_others = [path for path in entries if path.stat().st_mode & 0o077]
    assert open_to_others == []


def test_a_file_that_is_lost_or_altered_is_told(tmp_path: Path, capsys: Any) -> None:
    w = world.build()
    draft = world.draft(w)
    gone, other = (add(draft, w.clerk, text) for text in ("weg", "anders"))
    Path(gone.file.path).unlink()
    Path(other.file.path).write_bytes(b"anders")
    with pytest.raises(CommandError, match="schon zuvor schadhaft"):
        call_command("backup", str(tmp_path / "eins"))
    told = capsys.readouterr().err
    assert f"{gone.file.name} fehlt im Speicher." in told
    assert f"{other.file.name} hat einen anderen Inhalt als vermerkt." in told
    assert backup.check(tmp_path / "eins")["files"].keys() == {other.file.name}


def test_what_was_erased_after_the_backup_is_erased_again(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    """And a ledger that is lost stops the restore, so that nobody goes on without it."""
    UserFactory(email="geht@kommune.example", is_active=False, closed_at=NOW)
    call_command("backup", str(tmp_path / "eins"))
    erasure.erase_expired(at=NOW + timedelta(days=4000))
    assert "geht@" not in str(table_rows(str(connection.settings_dict["NAME"])))

    whole = elsewhere.ledger.read_bytes()
    elsewhere.ledger.unlink()
    refused = elsewhere.manage("restore", str(tmp_path / "eins"))
    assert refused.returncode == 1
    assert "Löschverzeichnis (ERASURE_LEDGER) fehlt" in refused.stderr
    assert "geht@kommune.example" in str(elsewhere.rows())
    elsewhere.ledger.write_bytes(whole)
    assert elsewhere.manage(*from_the_readme("repeat_erasures", tmp_path)).returncode == 0
    assert "geht@" not in str(elsewhere.rows())


def test_a_file_still_being_written_at_the_first_look_is_whole_in_the_end(tmp_path: Path) -> None:
    name = default_storage.save("half.pdf", ContentFile(b"the first half"))
    kept = Path(default_storage.path(name))
    (tmp_path / "files").mkdir()
    sums: dict[str, dict[str, Any]] = {}
    backup._copy_files(tmp_path / "files", sums)
    kept.write_bytes(b"the first half and the second")
    backup._copy_files(tmp_path / "files", sums)
    assert (tmp_path / "files" / name).read_bytes() == b"the first half and the second"
    assert sums[name]["size"] == 29
    assert sums[name]["sha256"] == hashlib.sha256(kept.read_bytes()).hexdigest()
