"""Sessions end after a pause and after a longest time; nothing saved is lost, and it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from kiv_portal import sessions
from municipalities.models import AccountEvent, EventKind
from municipalities.permissions import READ
from tests import world
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def go_back(client: Client, **minutes: int) -> None:
    """Let the client's session have begun, or been used last, so many minutes ago."""
    session = client.session
    for key, ago in minutes.items():
        session[f"portal_{key}_at"] = int((timezone.now() - ago * MINUTE).timestamp())
    session.save()


@pytest.mark.parametrize(
    ("staff", "seen", "began", "over"),
    [
        (False, 59, 59, None),
        (False, 60, 60, "60 Minuten ohne Eingabe"),
        (False, 5, 12 * 60 - 1, None),
        (False, 5, 12 * 60, "nach 12 Stunden"),
        (True, 60, 60, "60 Minuten ohne Eingabe"),
        (True, 5, 8 * 60 - 1, None),
        (True, 5, 8 * 60, "nach 8 Stunden"),
    ],
)
def test_a_session_ends_after_a_pause_and_after_its_longest_time(
    staff: bool, seen: int, began: int, over: str | None
) -> None:
    user = UserFactory.build(is_staff=staff)
    at = START + timedelta(days=1)
    session: Any = {
        sessions.SEEN: int((at - seen * MINUTE).timestamp()),
        sessions.BEGAN: int((at - began * MINUTE).timestamp()),
    }
    found = sessions.check(session, user, at, activity=True)
    if over is None:
        assert isinstance(found, sessions.SessionEnds)
        assert found.idle_at == at + 60 * MINUTE
        assert found.next_at == min(found.idle_at, found.ends_at)
    else:
        assert isinstance(found, sessions.Lapsed)
        assert over in found.message


def test_only_an_activity_moves_the_end_and_not_every_second() -> None:
    user, session = UserFactory.build(), {}
    first = sessions.check(session, user, START, activity=True)  # type: ignore[arg-type]
    for seconds, activity, moved in ((59, True, False), (300, False, False), (300, True, True)):
        at = START + timedelta(seconds=seconds)
        found = sessions.check(session, user, at, activity=activity)  # type: ignore[arg-type]
        assert isinstance(first, sessions.SessionEnds)
        assert isinstance(found, sessions.SessionEnds)
        assert (found.idle_at > first.idle_at) is moved
        assert found.ends_at == first.ends_at


def test_the_limits_are_settings(settings: Settings) -> None:
    settings.SESSION_LIMITS = {"staff": (5, 10), "municipality": (20, 30)}
    ends = sessions.check({}, UserFactory.build(), START, activity=True)  # type: ignore[arg-type]
    assert isinstance(ends, sessions.SessionEnds)
    assert (ends.idle_minutes, ends.ends_at) == (20, START + 30 * MINUTE)


def test_whoever_comes_back_too_late_signs_in_again_and_is_led_on(client: Client) -> None:
    user = UserFactory()
    client.force_login(user)
    go_back(client, seen=61)
    response = client.get("/antraege/?x=1")
    assert (response.status_code, response.headers["Location"]) == (
        302,
        "/konto/anmelden/?next=/antraege/%3Fx%3D1",
    )
    assert "nach 60 Minuten ohne Eingabe beendet" in client.get("/konto/anmelden/").content.decode()
    entry = AccountEvent.objects.get()
    assert (entry.kind, entry.user, entry.detail) == (
        EventKind.SESSION_LAPSED,
        user,
        "ohne Eingabe",
    )
    assert client.get("/antraege/").status_code == 302


def test_what_came_too_late_is_not_done(client: Client) -> None:
    client.force_login(UserFactory())
    go_back(client, began=13 * 60)
    response = client.post("/antraege/neu/", {"kommune": "06431901"})
    assert response.headers["Location"] == "/konto/anmelden/?next=/antraege/neu/"
    assert AccountEvent.objects.get().detail == "längste Dauer"


def test_the_page_says_when_the_session_ends_and_the_desk_too(client: Client) -> None:
    client.force_login(UserFactory())
    shown = client.get("/konto/").content.decode()
    assert "Ihre Sitzung endet nach 60 Minuten ohne Eingabe, spätestens um" in shown
    assert "js/session.js" in shown
    client = Client()
    reader = world.staff(READ)
    client.force_login(reader)
    world.give_second_factor(client, reader)
    assert "Ihre Sitzung endet nach 60 Minuten" in client.get("/admin/").content.decode()


def test_weiter_arbeiten_begins_the_pause_anew(client: Client) -> None:
    client.force_login(UserFactory())
    go_back(client, seen=50, began=50)
    before = client.get("/konto/sitzung/").json()
    after = client.post("/konto/sitzung/", headers={"accept": "application/json"}).json()
    assert before["ends_at"] == after["ends_at"]
    assert 49 * 60 <= after["idle_at"] - before["idle_at"] <= 51 * 60
    assert client.get("/konto/sitzung/").json() == after
    told = client.get("/konto/sitzung/", headers={"accept": "text/html"}).content.decode()
    assert "Sie sind angemeldet" in told
    plain = client.post("/konto/sitzung/", headers={"accept": "text/html"})
    assert plain.headers["Location"] == "/konto/"
