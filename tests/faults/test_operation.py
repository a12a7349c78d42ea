"""Two machines, a new release, a full disk, a read-only one: people go on or are told the truth.

Run whole by `./portal test --faults`, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from applications.models import Application
from applications.rules import DocumentKind, Step
from applications.services import content, log
from kiv_portal.management.bench.forms import forms_of
from projects.models import Project
from projects.services import withdraw_from_public
from tests import world
from tests.factories import ProjectFactory, UserFactory
from tests.faults import people
from tests.faults.browser import Away, Browser
from tests.faults.people import Case, History, Person
from tests.faults.stage import Cluster, Portal, SmallDisk

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("PORTAL_FAULTS" not in os.environ, reason="./portal test --faults runs it"),
]
small_disk = pytest.mark.skipif(
    "PORTAL_FAULTS" in os.environ and not SmallDisk.can_be_had(),
    reason="this machine lets nobody mount a disk",
)
on_server = pytest.mark.skipif(
    "PORTAL_CLUSTER" not in os.environ, reason="a file has no server to copy"
)
FOUND: Final = 302


def at_port(port: int) -> str:
    """The tests' database on another server in the same directory."""
    name = connection.settings_dict["NAME"]
    return re.sub(r"/[^/]*$", f":{port}/{name}", os.environ["DATABASE_URL"])


@contextmanager
def crowd(
    portal: Portal, acts: list[list[Callable[[Person], None]]], seconds: float
) -> Iterator[History]:
    """So many people who each begin one act after another until the time is over."""
    history = History()
    end = time.monotonic() + seconds
    persons = [
        Person(portal.ports[number % len(portal.ports)], mine, history, end)
        for number, mine in enumerate(acts)
    ]
    for person in persons:
        person.start()
    yield history
    for person in persons:
        person.join(seconds + 120)
        assert not person.is_alive()
        if person.failed is not None:
            raise person.failed


def saved(cases: list[Case]) -> None:
    """Everybody's title is the last that was acknowledged, and the chain of the log is whole."""
    for case in cases:
        row = Application.objects.get(pk=case.pk)
        assert content.read_step(row, Step.KONZEPTION)["title"] == case.saved[-1][0]
        assert case.saved[-1][1]
        assert log.verify(row) == []


def test_eight_writers_for_a_minute_never_meet_a_locked_database(
    tmp_path: Path, media_root: Path, measured: Callable[[str], None]
) -> None:
    cases = people.cases(8, timezone.now(), "filled")
    acts = [[people.saving(case, 1)] * 9999 for case in cases]
    with Portal(media_root, tmp_path / "log") as portal, crowd(portal, acts, 60) as history:
        pass
    measured(f"8 writers in 60 s: {dict(history.acknowledged)}")
    # That all of them were at it: nobody waits for a lock long enough to be given up.
    assert min(sum(heard for _, heard in case.saved) for case in cases) >= 10
    assert (history.faults, dict(history.unanswered)) == ([], {})
    assert "database is locked" not in (tmp_path / "log").read_text()
    saved(cases)


def test_a_release_with_a_migration_comes_while_people_write(
    tmp_path: Path, media_root: Path, measured: Callable[[str], None]
) -> None:
    cases = people.cases(4, timezone.now(), "filled")
    acts = [[people.saving(case, 1)] * 9999 for case in cases]
    times = 0
    end = time.monotonic() + 25
    with Portal(media_root, tmp_path / "log") as portal, crowd(portal, acts, 30) as history:
        while time.monotonic() < end:
            portal.manage("migrate", "growing", PORTAL_TEST_GROWING="1")
            portal.manage("migrate", "growing", "zero", PORTAL_TEST_GROWING="1")
            times += 1
    measured(f"{times} migrations there and back, {dict(history.acknowledged)}")
    assert times > 0
    assert (history.faults, dict(history.unanswered)) == ([], {})
    saved(cases)


def test_two_web_servers_with_one_database_behave_as_one(tmp_path: Path, media_root: Path) -> None:
    at = timezone.now()
    project = ProjectFactory(title="Vielfalt an zwei Orten")
    (case,) = people.cases(1, at, "filled")
    person = UserFactory()
    faults: list[str] = []
    with Portal(media_root, tmp_path / "log", webs=2) as portal:
        here, there = (Browser(port, case.session, faults) for port in portal.ports)

        # What one saves, the other shows; who leaves at one has left the other.
        address = f"/antraege/{case.uuid}/konzeption/"
        form = here.get(address).form(address)
        title = f"Titel {uuid.uuid4()}"
        assert here.send(form, address, {"title": title, "aktion": "bleiben"}).status == FOUND
        assert title in there.get(address).page
        page = here.get(address)
        leaving = next(form for form in forms_of(page.page) if form.action.endswith("/abmelden/"))
        assert here.send(leaving, address, {}).status == FOUND
        assert there.get(address).status == FOUND

        # Tries are counted together.
        strangers = [Browser(port, "", faults) for port in portal.ports]
        told = []
        for number in range(7):
            stranger = strangers[number % 2]
            page = stranger.get("/konto/anmelden/")
            form = next(one for one in forms_of(page.page) if "password" in dict(one.fields))
            typed = {"login": person.email, "password": "falsch geraten"}
            answer = stranger.send(form, "/konto/anmelden/", typed)
            told.append("Zu viele Versuche" in answer.page)
        assert told == [False] * 5 + [True] * 2

        # What the public sees is withdrawn everywhere at the next request.
        public = [f"/projekte/{project.slug}/", "/projekte/", "/projekte.csv", "/projekte.atom"]
        for browser in (*strangers, *strangers):
            assert project.title in browser.get(public[0]).page
            assert all(project.title in browser.get(one).page for one in public[1:3])
        withdraw_from_public(
            project=project, reason="Auf Wunsch.", by=world.staff("review"), at=timezone.now()
        )
        for browser in strangers:
            gone = browser.get(public[0])
            assert (gone.status in (404, 410), project.title in gone.page) == (True, False)
            assert not any(project.title in browser.get(one).page for one in public[1:])
    assert faults == []


@on_server
def test_public_pages_come_from_a_replica_and_are_never_old(
    tmp_path: Path, media_root: Path, measured: Callable[[str], None]
) -> None:
    project = ProjectFactory(title="Am Anfang")
    page = f"/projekte/{project.slug}/"
    port, name = 5433, connection.settings_dict["NAME"]
    url = at_port(port)
    follower = Cluster().follower(port)
    place = str(follower.place)
    faults: list[str] = []
    with (
        closing(psycopg.connect(host=place, port=port, user="portal", dbname=name)) as there,
        Portal(media_root, tmp_path / "log", REPLICA_URL=url) as portal,
    ):
        there.autocommit = True
        citizen = Browser(portal.port, "", faults)

        def renamed(number: int) -> bool:
            """Whether the new title is shown at once, whatever the follower has heard of."""
            Project.objects.filter(pk=project.pk).update(title=f"Titel Nummer {number}")
            return f"Titel Nummer {number}<" in citizen.get(page).page

        asked = "SELECT idx_scan + seq_scan FROM pg_stat_user_tables WHERE relname = %s"
        table = [Project._meta.db_table]
        before = there.execute(asked, table).fetchone()
        for number in range(20):
            assert renamed(number), number
            time.sleep(0.05)  # until the follower has heard of it
            assert f"Titel Nummer {number}<" in citizen.get(f"{page}?n={number}").page
            citizen.get(f"/projekte/?q={number}")
        time.sleep(2)  # its figures come late
        after = there.execute(asked, table).fetchone()
        assert before is not None
        assert after is not None
        measured(f"{after[0] - before[0]} reads of the follower")
        assert after[0] > before[0] + 10

        there.execute("SELECT pg_wal_replay_pause()")
        assert all(renamed(number) for number in range(20, 30))
        there.execute("SELECT pg_wal_replay_resume()")

        follower.control("--mode=immediate", "stop")
        took = []
        for number in range(30, 40):
            begun = time.monotonic()
            assert renamed(number), number
            took.append(time.monotonic() - begun)
        measured(f"without it: {max(took):.1f} s at the most, {sum(took):.1f} s for ten")
        assert max(took) < 2, took
        assert sum(took) < 5, took
    assert faults == []


@small_disk
def test_a_full_disk_is_told_and_everything_is_whole_when_there_is_room_again(
    tmp_path: Path, media_root: Path
) -> None:
    (case,) = people.cases(1, timezone.now(), "filled")
    on_file = connection.vendor == "sqlite"
    size = 6_000_000
    if on_file:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size += Path(connection.settings_dict["NAME"]).stat().st_size
    with Portal(media_root, tmp_path / "log", small=str(size)) as portal:
        assert portal.disk is not None
        user = User(portal, case)
        user.saves()
        user.uploads()
        portal.disk.fill()
        refused = [user.try_to(user.uploads) for _ in range(3)]
        assert refused == [True] * 3
        if on_file:  # a page of the log that is used again needs no room: some may count
            assert any(user.try_to(user.saves) for _ in range(20))
        portal.disk.make_room()
        user.saves()
        user.uploads()
        user.sees_what_counted()
        files = [path for path in (portal.disk.inside / "media").rglob("*") if path.is_file()]
        assert len(files) == len(user.files), files  # nothing half is left to fill the disk
        if on_file:
            copy = sqlite3.connect(tmp_path / "copy.sqlite3")
            with sqlite3.connect(portal.disk.inside / "db") as source:
                source.backup(copy)
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            copy.close()
            source.close()
    assert user.faults == []


@small_disk
@on_server
def test_a_full_disk_of_the_database_server_loses_nothing(
    tmp_path: Path, media_root: Path, measured: Callable[[str], None]
) -> None:
    """First tables cannot grow, then the server's own log cannot, and it goes down."""
    (case,) = people.cases(1, timezone.now(), "filled")
    port, here = 5434, Cluster()
    url, place = at_port(port), {"host": str(here.place), "port": port, "user": "portal"}
    name = connection.settings_dict["NAME"]
    with SmallDisk(here.place / "small", "400m").held() as disk:
        server = here.copied(port, Cluster("data", disk), "--wal-method=fetch")
        try:
            with Portal(media_root, tmp_path / "log", DATABASE_URL=url) as portal:
                user = User(portal, case)
                user.saves()
                user.uploads()
                disk.fill()
                told = [user.try_to(user.saves) for _ in range(60)]
                with suppress(psycopg.Error), psycopg.connect(**place, dbname=name) as there:
                    for _ in range(9):
                        there.execute("SELECT pg_switch_wal()")
                        there.execute("CREATE TABLE filler ()")
                        there.commit()
                down = [user.try_to(act) for act in (user.saves, user.uploads)]
                disk.make_room()
                stopped = not server.runs()
                if stopped:
                    server.begin(port)
                portal.wait()
                measured(f"{sum(told)} of 60 told, {sum(down)} of 2 told, server down: {stopped}")
                assert any(told)
                assert all(down)
                user.saves()
                user.uploads()
                user.sees_what_counted()
                with crowd(portal, [[people.filing(case)]], 60) as history:
                    pass
                assert history.acknowledged["submissions"] == 1
                end = time.monotonic() + 40  # the worker waits a little after each fault
                while not portal.postbox.taken and time.monotonic() < end:
                    time.sleep(0.2)
                assert set(portal.postbox.taken.values()) == {1}
        finally:
            server.control("--mode=immediate", "stop")
    assert user.faults == []


@small_disk
def test_a_read_only_disk_takes_nothing_and_promises_nothing(
    tmp_path: Path, media_root: Path
) -> None:
    (case,) = people.cases(1, timezone.now(), "filled")
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with Portal(media_root, tmp_path / "log", small="60m") as portal:
        assert portal.disk is not None
        user = User(portal, case)
        user.uploads()
        with read_only(portal):
            refused = [user.try_to(act) for act in (user.saves, user.uploads) * 3]
            assert refused == [True] * 6
        user.saves()
        user.uploads()
        user.sees_what_counted()
    assert user.faults == []


@contextmanager
def read_only(portal: Portal) -> Iterator[None]:
    """The database takes nothing: as after a fault of its disk, or as a standby."""
    if connection.vendor == "sqlite":
        assert portal.disk is not None
        portal.disk.remount("ro")
        yield
        portal.disk.remount("rw")
        return
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )
        yield
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = off')
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )


class User:
    """One person at one draft, who remembers what was acknowledged."""

    def __init__(self, portal: Portal, case: Case) -> None:
        self.faults: list[str] = []
        self.browser = Browser(portal.port, case.session, self.faults)
        self.base = f"/antraege/{case.uuid}/"
        self.titles: list[tuple[str, bool]] = []
        self.files: list[str] = []

    def try_to(self, act: Callable[[], Any]) -> bool:
        """Whether the portal said that it cannot, by its page: no answer at all is none."""
        try:
            act()
        except Away as away:
            return str(away).endswith(" 503")
        return False

    def saves(self) -> None:
        address = f"{self.base}konzeption/"
        form = self.browser.get(address).form(address)
        title = f"Titel {uuid.uuid4()}"
        self.titles.append((title, False))
        texts = {name: uuid.uuid4().hex * 400 for name in ("situation", "goals")}
        answer = self.browser.send(form, address, {"title": title, "aktion": "bleiben", **texts})
        assert answer.status == FOUND, answer
        self.titles.append((title, True))

    def uploads(self) -> None:
        address = f"{self.base}anlagen/"
        form = self.browser.get(address).form(address)
        name = f"Anlage {uuid.uuid4()}.png"
        data = people.picture(uuid.uuid4().hex * 3000)
        values = {"art": DocumentKind.OTHER.value}
        answer = self.browser.send(form, address, values, files={"datei": (name, data)})
        assert answer.status == FOUND, answer
        self.files.append(name)

    def sees_what_counted(self) -> None:
        """The last title that was acknowledged, or a later one without an answer; every file."""
        last = max((n for n, (_, heard) in enumerate(self.titles) if heard), default=0)
        form = self.browser.get(f"{self.base}konzeption/").form(f"{self.base}konzeption/")
        assert dict(form.fields)["title"] in {title for title, _ in self.titles[last:]}
        page = self.browser.get(f"{self.base}anlagen/").page
        assert [name for name in self.files if name not in page] == []
        assert page.count(".png") >= len(self.files)
