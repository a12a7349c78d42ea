"""Tries are limited by account and by address, in a cache all processes share, never for long."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account import app_settings
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client

from municipalities.models import User
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

TOO_MANY = "Zu viele Versuche. Bitte warten Sie einige Minuten."


@pytest.fixture(autouse=True)
def _empty() -> None:
    cache.clear()


def person() -> User:
    user: User = UserFactory()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_in(email: str, password: str, address: str, client: Client | None = None) -> Any:
    return (client or Client()).post(
        "/konto/anmelden/", {"login": email, "password": password}, REMOTE_ADDR=address
    )


def test_every_limit_of_the_portal_is_in_force() -> None:
    limits = {
        "login_failed": "30/5m/ip,5/5m/key",
        "login_failed_account": "30/10m/key",
        "reset_password": "20/m/ip,5/5m/key",
        "signup": "20/m/ip",
        "report_barrier": "5/h/ip,60/h/key",
        "call_subscription": "20/h/ip,3/d/key",
        "login": "30/m/ip",  # the package's own
    }
    assert {name: app_settings.RATE_LIMITS.get(name) for name in limits} == limits


@pytest.mark.parametrize("known", [True, False])
def test_after_five_wrong_passwords_that_account_waits_at_that_address_only(known: bool) -> None:
    user, other = person(), person()
    email = user.email if known else "niemand@kommune.example"
    for number in range(5):
        answer = sign_in(email, f"falsch {number}", "192.0.2.1")
        assert TOO_MANY not in answer.content.decode()
    answer = sign_in(email, PASSWORD, "192.0.2.1")
    assert (answer.status_code, TOO_MANY in answer.content.decode()) == (200, True)
    assert sign_in(other.email, PASSWORD, "192.0.2.1").status_code == 302
    if known:
        assert sign_in(email, PASSWORD, "192.0.2.2").status_code == 302


def test_right_passwords_are_not_counted() -> None:
    user = person()
    for _ in range(7):
        assert sign_in(user.email, PASSWORD, "192.0.2.1").status_code == 302


def test_tries_from_everywhere_end_but_do_not_lock_out_a_known_browser() -> None:
    user, own = person(), Client()
    assert sign_in(user.email, PASSWORD, "192.0.2.200", own).status_code == 302
    own.post("/konto/abmelden/")
    for number in range(30):
        sign_in(user.email, "falsch", f"198.51.100.{number}")
    refused = sign_in(user.email, PASSWORD, "203.0.113.1")
    assert (refused.status_code, TOO_MANY in refused.content.decode()) == (200, True)
    assert sign_in(user.email, PASSWORD, "203.0.113.2", own).status_code == 302


def test_the_browser_of_one_person_opens_nothing_for_another() -> None:
    user, colleague, own = person(), person(), Client()
    assert sign_in(colleague.email, PASSWORD, "192.0.2.200", own).status_code == 302
    own.post("/konto/abmelden/")
    for number in range(30):
        sign_in(user.email, "falsch", f"198.51.100.{number}")
    assert TOO_MANY in sign_in(user.email, PASSWORD, "203.0.113.2", own).content.decode()


def test_one_address_tries_many_accounts_for_a_while_only() -> None:
    for number in range(30):
        sign_in(f"amt{number}@kommune.example", "falsch", "192.0.2.1")
    answer = sign_in("amt30@kommune.example", "falsch", "192.0.2.1")
    assert (answer.status_code, "Zu viele Versuche" in answer.content.decode()) == (429, True)
    assert sign_in(person().email, PASSWORD, "192.0.2.2").status_code == 302


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/konto/passwort/vergessen/", {"email": "amt{}@kommune.example"}),
        ("/konto/registrieren/", {"email": "amt{}@kommune.example", "password1": "kurz"}),
    ],
)
def test_mails_for_many_addresses_are_refused_with_a_page_of_the_portal(
    path: str, data: dict[str, str]
) -> None:
    for number in range(21):
        filled = {name: value.format(number) for name, value in data.items()}
        answer = Client().post(path, filled)
    page = answer.content.decode()
    assert (answer.status_code, "<h1" in page, "KIV-Portal" in page) == (429, True, True)
