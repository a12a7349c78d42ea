"""Logs: one JSON object a line, a request id in each, and nothing anybody typed."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.test import Client
from pytest_django import Settings

from kiv_portal.logs import json_formatter
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

SECRET = "Geheimes-Wort-4711"


@pytest.fixture
def lines() -> Iterator[Any]:
    """What has been logged as production does it, as parsed lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_request_is_one_line_with_its_id_and_route(client: Client, lines: Any) -> None:
    response = client.get(f"/projekte/?q={SECRET}", headers={"x-request-id": "abc-12345678"})
    (line,) = lines()
    assert line["request_id"] == "abc-12345678"
    assert "X-Request-ID" not in response.headers
    assert {key: line[key] for key in ("event", "request", "code", "level")} == {
        "event": "request_finished",
        "request": "GET /projekte/",
        "code": 200,
        "level": "info",
    }
    assert line["duration_ms"] >= 0
    assert "user_id" not in line
    assert SECRET not in json.dumps(line)


@pytest.mark.parametrize("given", ["x", "a" * 65, "böse\nzeile", "{}"])
def test_a_foreign_id_is_taken_only_when_it_looks_like_one(
    given: str, client: Client, lines: Any
) -> None:
    client.get("/health/live", headers={"x-request-id": given})
    (line,) = lines()
    assert (line["request_id"] == given, len(line["request_id"])) == (False, 36)


def test_behind_the_sign_in_the_line_has_the_accounts_number_and_no_more(
    client: Client, lines: Any
) -> None:
    user = UserFactory(email="wer@stadt.example", name="Fachstelle")
    client.force_login(user)
    client.get("/antraege/")
    line = lines()[-1]
    assert line["user_id"] == user.pk
    assert "wer@stadt.example" not in json.dumps(line)
    assert "Fachstelle" not in json.dumps(line)


def test_what_is_refused_names_no_token_of_the_address(client: Client, lines: Any) -> None:
    client.get(f"/gibt-es-nicht/{SECRET}/")
    client.get(f"/konto/einladung/{SECRET}/")
    client.get(f"/konto/passwort/neu/1-{SECRET}/")
    assert SECRET not in json.dumps(lines())
    assert {"(unbekannt)", "/konto/einladung/<str:token>/"} <= {
        line.get("route", "") for line in lines()
    }


def test_an_exception_says_where_and_not_what(
    client: Client, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError(SECRET) from KeyError(SECRET)

    monkeypatch.setattr("kiv_portal.models.Authority.load", fail)
    client.raise_request_exception = False
    response = client.get("/kontakt/")
    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in {line["request_id"] for line in lines()}
    assert SECRET not in json.dumps(lines())
    (chain,) = {json.dumps(line["exception"]) for line in lines() if "exception" in line}
    kinds = [link["type"] for link in json.loads(chain)]
    assert kinds == ["ValueError", "KeyError"]
    assert json.loads(chain)[0]["at"][-1].endswith(" fail")


def test_own_loggers_write_the_same_way(lines: Any) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logging.getLogger("kiv_portal.outbox").warning("%s %s", "OutboxMail", 7)
        try:
            raise RuntimeError(SECRET)
        except RuntimeError:
            logging.getLogger("kiv_portal.worker").exception("Datenbank nicht erreichbar")
            structlog.get_logger("kiv_portal").error("broken", exc_info=True)
    first, second, third = lines()
    assert (first["event"], first["request_id"], first["level"]) == (
        "OutboxMail 7",
        "r-1",
        "warning",
    )
    assert second["exception"][0]["type"] == third["exception"][0]["type"] == "RuntimeError"
    assert SECRET not in json.dumps(lines())


def test_production_logs_json(settings: Settings) -> None:
    assert settings.LOG_FORMAT == "json"
    assert settings.LOGGING["handlers"]["console"]["formatter"] == "json"
