"""What goes wrong, and what holds behind TLS: doors stay closed, and nothing is given away.

The sweep over every address and role is `tests/test_access.py`; what is asked of each answer
stands in `tests/headers.py`.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import lxml.html
import pytest
from django.conf import settings as installed
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.test import Client

from tests import headers
from tests.factories import UserFactory

if TYPE_CHECKING:
    from pytest_django import Settings

SECRET = "geheim-4711-nirgends"


def _failures(settings: Settings) -> dict[str, Any]:
    """One answer of every kind that refuses, each to a request that brings a secret along."""

    def away(*_: Any) -> NoReturn:
        raise OperationalError(SECRET)

    def fault(*_: Any) -> NoReturn:
        raise ZeroDivisionError(SECRET)

    signed_in, broken = Client(), Client(raise_request_exception=False)
    signed_in.force_login(UserFactory())
    asked = {"key": SECRET}
    sent = {"email": f"{SECRET}@kommune.example", "csrfmiddlewaretoken": SECRET}
    found = {
        "400": Client().get("/", asked, headers={"host": f"{SECRET}.example"}),
        "403": signed_in.get("/admin/", asked, follow=True),
        "403 without its token": Client(enforce_csrf_checks=True).post("/konto/anmelden/", sent),
        "404": Client().get(f"/gibt-es-nicht/{SECRET}/", asked),
        "404 behind the sign-in": signed_in.get(f"/kooperation/{SECRET}/"),
        "405": Client().post("/hilfe/", sent),
        "405 of the package": Client().post("/konto/e-mail/", sent),
        "413": Client().post("/konto/anmelden/", {"login": SECRET * 300_000}),
    }
    with connection.execute_wrapper(fault):
        found["500"] = broken.get("/foerder-check/", asked)
    with connection.execute_wrapper(away):
        found["503"] = broken.get("/foerder-check/", asked)
    settings.ACCOUNT_RATE_LIMITS = {"reset_password": "1/m/ip"}
    cache.clear()
    for _ in range(2):
        found["429"] = Client().post("/konto/passwort/vergessen/", sent)
    cache.clear()
    return found


@pytest.mark.django_db
def test_every_refusal_is_a_german_page_of_the_portal_that_gives_nothing_away(
    settings: Settings,
) -> None:
    wrong = []
    for name, answer in _failures(settings).items():
        text = answer.content.decode()
        page = lxml.html.fromstring(text)
        for what, right in {
            f"status {answer.status_code}": answer.status_code == int(name[:3]),
            "language": page.get("lang") == "de",
            "one heading": len(page.xpath("//main//h1")) == 1,
            "a title of the portal": "KIV-Portal" in (page.findtext(".//title") or ""),
            "the portal's style sheet": bool(page.xpath("//link[contains(@href, 'portal.css')]")),
            "navigation": bool(page.xpath("//nav")),
            "what was sent": SECRET not in text,
            "traces": not any(
                word in text for word in ("Traceback", "Error", "site-packages", ".py", "SELECT")
            ),
            "a hidden token": not page.xpath("//input[@type='hidden']"),
        }.items():
            if not right:
                wrong.append((name, what))
        wrong += [(name, fault) for fault in headers.faults(answer, answer.request["PATH_INFO"])]
        if name[0] == "5" and "no-store" not in answer.headers["Cache-Control"]:
            wrong.append((name, "Cache-Control"))
    assert wrong == []


PRODUCTION = """
import django, json
from django.conf import settings
plain = "django.contrib.staticfiles.storage.StaticFilesStorage"  # nothing is collected here
settings.STORAGES["staticfiles"]["BACKEND"] = plain
django.setup()
from django.test import Client
from kiv_portal.sessions import NoticeCookie
host = {"host": "portal.example"}
page = Client(headers={**host, "x-forwarded-proto": "https"}).get("/konto/anmelden/")
plain = Client(headers=host).get("/konto/anmelden/?x=1")
print(json.dumps({
    "status": page.status_code,
    "hsts": page.headers["Strict-Transport-Security"],
    "cookies": {
        name: {key: value for key, value in morsel.items() if value and key in
               ("secure", "httponly", "path", "domain", "samesite")}
        for name, morsel in page.cookies.items()
    },
    "names": [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, NoticeCookie.cookie_name,
              settings.KNOWN_BROWSER_COOKIE, settings.KEPT_INPUT_COOKIE],
    "secure": [settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE],
    "plain": [plain.status_code, plain.headers["Location"]],
}))
"""


@pytest.mark.parametrize(
    ("environment", "refusal"),
    [
        ({"PORTAL_DEMO": "1", "ALLOWED_HOSTS": "portal.example"}, "answers on loopback only"),
        ({"PORTAL_DEMO": "1", "ALLOWED_HOSTS": "localhost,portal.example"}, "on loopback only"),
        ({"ALLOWED_HOSTS": "portal.example", "SECRET_KEY": "kurz"}, "Production needs SECRET_KEY"),
        ({"ALLOWED_HOSTS": ""}, "and ALLOWED_HOSTS"),
        ({"SECRET_KEY_FALLBACKS": "kurz"}, "SECRET_KEY_FALLBACKS needs 32"),
    ],
)
def test_the_portal_does_not_start_with_settings_that_protect_nothing(
    environment: dict[str, str], refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=refusal):
        runpy.run_path(str(installed.BASE_DIR / "kiv_portal" / "settings.py"))


def test_behind_tls_cookies_are_bound_to_the_host_and_https_stays() -> None:
    """With the settings of production, in a process of its own (`check --deploy` is a check)."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRODUCTION],
        cwd=installed.BASE_DIR,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "kiv_portal.settings",
            "DATABASE_URL": "sqlite://:memory:",
            "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz",
            "ALLOWED_HOSTS": "portal.example",
            "PORTAL_TLS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert all(name.startswith("__Host-kiv-") for name in found.pop("names"))
    assert found == {
        "status": 200,
        "hsts": "max-age=31536000; includeSubDomains; preload",
        "cookies": {
            "__Host-kiv-csrf": {"secure": True, "httponly": True, "path": "/", "samesite": "Lax"}
        },
        "secure": [True, True],
        "plain": [301, "https://portal.example/konto/anmelden/?x=1"],
    }
