"""Keys of second factors: sealed wherever the database keeps them, and through a new secret."""

from __future__ import annotations

import json
import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    SECRET_SESSION_KEY,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.apps import apps
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client

from kiv_portal.sealing import is_sealed
from municipalities import services
from tests.factories import PASSWORD, StaffFactory

if TYPE_CHECKING:
    from pytest_django import Settings

    from municipalities.models import User

pytestmark = pytest.mark.django_db

OLD = "a secret of before, long enough 0123456789"
NEW = "the secret of now, long enough 0123456789"


@pytest.fixture(autouse=True)
def _no_tries_yet(settings: Settings) -> None:
    cache.clear()
    settings.MFA_TOTP_TOLERANCE = 1  # a window may end between making a code and sending it
    settings.SECRET_KEY = OLD


def code(secret: str) -> str:
    """What an app shows now."""
    _, now, _ = yield_hotp_counters_from_time()
    return format_hotp_value(hotp_value(secret, now))


def answered(user: User, given: str) -> Any:
    """The answer to a sign-in with password and this code, in a browser of its own."""
    client = Client()
    first = client.post("/konto/anmelden/", {"login": user.email, "password": PASSWORD})
    return client.post(first.headers["Location"], {"code": given})


def kept(user: User) -> dict[str, Any]:
    """Whatever the database has of the factors, by their kind."""
    return dict(Authenticator.objects.filter(user=user).values_list("type", "data"))


def test_a_factor_is_set_up_and_used_and_its_keys_are_never_readable_in_the_database(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Through the pages: an app, a sign-in with its code, a new secret, the old one gone."""
    user = StaffFactory()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client()
    client.post("/konto/anmelden/", {"login": user.email, "password": PASSWORD})
    client.post("/konto/bestaetigen/", {"password": PASSWORD})
    secret = client.get("/konto/zweiter-faktor/totp/activate/").context["form"].secret
    waiting = client.session[SECRET_SESSION_KEY]
    assert (is_sealed(waiting), secret in waiting) == (True, False)
    wrong = client.post("/konto/zweiter-faktor/totp/activate/", {"code": "000000x"})
    assert wrong.context["form"].secret == secret
    client.post("/konto/zweiter-faktor/totp/activate/", {"code": code(secret)})
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    stored = kept(user)
    assert is_sealed(stored["totp"]["secret"])
    assert is_sealed(stored["recovery_codes"]["seed"])
    assert [word for word in (secret, *codes) if word in json.dumps(stored)] == []
    assert SECRET_SESSION_KEY not in client.session

    assert answered(user, "000000x").status_code == 200
    assert answered(user, code(secret)).headers["Location"] == "/admin/"

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert answered(user, codes[0]).headers["Location"] == "/admin/"
    assert services.reseal_factors() == services.Resealed(done=2)
    assert services.reseal_factors() == services.Resealed()
    settings.SECRET_KEY_FALLBACKS = []
    assert answered(user, codes[1]).headers["Location"] == "/admin/"
    assert answered(user, codes[0]).status_code == 200  # used, and stays so

    settings.SECRET_KEY = OLD  # and nothing opens what the secret of now has sealed
    caplog.clear()
    unreadable = answered(user, codes[2])
    assert unreadable.status_code == 403
    assert "Dieser zweite Faktor kann nicht geprüft werden" in unreadable.content.decode()
    with pytest.raises(CommandError, match="zu öffnen: 2"):
        call_command("reseal_factors")
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        "A second factor cannot be opened with any known secret",
        "Second factors that no known secret opens: 2",
    ]


def test_a_key_that_lies_open_signs_nobody_in_once_the_upgrade_has_sealed_what_was_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The upgrade seals them once; whatever is written there open after it is refused."""
    user, secret = StaffFactory(), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    opened = {
        "totp": {"secret": secret},
        "recovery_codes": {"seed": "0a" * 40, "used_mask": 5},
        "webauthn": {"name": "Passkey 1", "credential": {}},
    }
    for kind, data in opened.items():
        Authenticator.objects.create(user=user, type=kind, data=data)
    migration = import_module("municipalities.migrations.0007_seal_factors")
    for _ in range(2):
        migration.seal_open_keys(apps, None)
    stored = kept(user)
    assert [secret in json.dumps(stored), "0a0a" in json.dumps(stored)] == [False, False]
    assert stored["recovery_codes"]["used_mask"] == 5
    assert stored["webauthn"] == opened["webauthn"]
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 8
    assert answered(user, code(secret)).headers["Location"] == "/admin/"
    assert services.reseal_factors() == services.Resealed()

    for kind, data in opened.items():
        Authenticator.objects.filter(type=kind).update(data=data)
    cache.clear()  # a code that was used is refused for that alone
    for given in (code(secret), codes[0]):
        assert answered(user, given).status_code == 403
    caplog.clear()
    with pytest.raises(CommandError, match="zu öffnen: 2"):
        call_command("reseal_factors")
    assert kept(user) == opened
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        "Second factors that no known secret opens: 2"
    ]
