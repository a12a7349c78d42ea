"""For operators: live, ready, metrics. Nothing about a person, and nothing for strangers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from kiv_portal import outbox
from kiv_portal.models import OutboxMail, WorkState
from kiv_portal.views import health
from municipalities import services
from municipalities.models import EventKind
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ALL = {"database": True, "migrations": True, "worker": True, "disk": True}


@pytest.fixture
def worker() -> None:
    """A worker that has just been heard of."""
    outbox.beat(timezone.now())


@contextmanager
def database_down() -> Iterator[None]:
    def refuse(*args: Any) -> None:
        raise OperationalError("down")

    with connection.execute_wrapper(refuse):
        yield


def test_live_asks_nobody(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response.headers["Cache-Control"]


def test_ready_when_everything_is(client: Client, worker: None) -> None:
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": ALL, "warnings": []}


def unavailable(client: Client) -> dict[str, bool]:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")
    checks: dict[str, bool] = response.json()["checks"]
    return checks


def test_not_ready_while_a_migration_is_missing(client: Client, worker: None) -> None:
    MigrationRecorder(connection).record_unapplied("portal", "0001_squashed")
    assert unavailable(client) == ALL | {"migrations": False}


def test_not_ready_without_a_database(client: Client, worker: None) -> None:
    with database_down():
        found = unavailable(client)
    assert found == {"database": False, "migrations": False, "worker": False, "disk": True}


@pytest.mark.parametrize("silence", [None, health.LONGEST_SILENCE + timedelta(seconds=1)])
def test_not_ready_while_the_worker_is_silent(client: Client, silence: timedelta | None) -> None:
    if silence is not None:
        outbox.beat(timezone.now() - silence)
    assert unavailable(client) == ALL | {"worker": False}


def test_not_ready_without_room(
    client: Client, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 10**18)
    assert unavailable(client) == ALL | {"disk": False}


def test_the_disk_of_a_folder_that_does_not_exist_yet_is_known(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = settings.MEDIA_ROOT / "noch" / "nicht"
    assert health.free_bytes() > 0

    def refuse(path: Any) -> None:
        raise OSError

    monkeypatch.setattr("shutil.disk_usage", refuse)
    assert health.free_bytes() == 0


# --- Metrics --------------------------------------------------------------------------------------


def figures(client: Client, **headers: Any) -> dict[str, float]:
    response = client.get("/metrics", **headers)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    lines = [line for line in response.content.decode().splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_the_figures_of_the_portal(client: Client, worker: None) -> None:
    user = UserFactory(email="wer@stadt.example")
    services.record(EventKind.SIGN_IN_FAILED, user=user, at=timezone.now())
    now = timezone.now()
    outbox.enqueue_mail(
        key="a", recipient="wer@stadt.example", subject="s", body="b", at=now - timedelta(hours=1)
    )
    OutboxMail.objects.create(
        key="b", message_id="b", recipient="x@y.example", subject="s", state=WorkState.FAILED
    )
    found = figures(client)
    assert found['kiv_work_rows{kind="mail",state="waiting"}'] == 1
    assert found['kiv_work_rows{kind="mail",state="failed"}'] == 1
    assert found['kiv_work_rows{kind="job",state="waiting"}'] == 0
    assert found['kiv_work_oldest_seconds{kind="mail"}'] >= 3600
    assert found['kiv_account_events_15m{kind="sign_in_failed"}'] == 1
    assert found['kiv_account_events_15m{kind="signed_in"}'] == 0
    assert 0 <= found["kiv_worker_silence_seconds"] < 60
    assert (found["kiv_database_up"], found["kiv_sessions"]) == (1, 0)
    assert "stadt.example" not in client.get("/metrics").content.decode()


def test_figures_without_a_worker_and_without_a_database(client: Client) -> None:
    assert figures(client)["kiv_worker_silence_seconds"] == -1
    with database_down():
        found = figures(client)
    assert found["kiv_database_up"] == 0
    assert found["kiv_disk_free_bytes"] > 0


def test_the_figures_are_for_this_machine_or_for_whoever_has_the_token(
    client: Client, settings: Settings
) -> None:
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 404
    assert client.get("/metrics", headers={"x-forwarded-for": "127.0.0.1"}).status_code == 404
    settings.METRICS_TOKEN = "ein-langes-geheimnis"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer falsch"}).status_code == 404
    given = {"authorization": "Bearer ein-langes-geheimnis"}
    assert client.get("/metrics", headers=given, REMOTE_ADDR="192.0.2.1").status_code == 200
