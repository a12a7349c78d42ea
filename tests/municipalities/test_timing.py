"""Known and unknown addresses: the same answer for the same work.

The time itself is measured by `./portal bench signin`; here stands what makes it equal: as many
hashings, and the same statements in the same order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import world
from tests.factories import PASSWORD, UserFactory

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


class CountingHasher(MD5PasswordHasher):
    """Tells how often somebody's password was hashed."""

    calls: ClassVar[list[str]] = []

    def encode(self, password: str, salt: str) -> str:
        self.calls.append(password)
        return str(super().encode(password, salt))


def work(address: str, data: dict[str, str]) -> tuple[Any, ...]:
    """Answer and work of one POST from a fresh browser; the mail address is taken out."""
    cache.clear()
    CountingHasher.calls.clear()
    client = Client()
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(address, data)
    statements = [
        (query["sql"].split()[0], *re.findall(r'(?:FROM|INTO|UPDATE|JOIN) "(\w+)"', query["sql"]))
        for query in asked.captured_queries
    ]
    email = data.get("login") or data["email"]
    body = re.sub(r'value="[\w-]{64}"', "", answer.content.decode()).replace(email, "@")
    cookies = sorted((name, len(morsel.value)) for name, morsel in answer.cookies.items())
    location = answer.headers.get("Location")
    return answer.status_code, location, body, cookies, len(CountingHasher.calls), statements


def test_known_and_unknown_addresses_cost_the_same(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    settings.EMAIL_BACKEND = "kiv_portal.outbox.OutboxBackend"
    w = world.build()
    user: Any = UserFactory(email="bekannt@kommune.example")
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    forms = {
        "/konto/anmelden/": {"login": "{}", "password": "ganz falsch"},
        "/konto/passwort/vergessen/": {"email": "{}"},
        "/konto/registrieren/": {
            "name": "Amt",
            "email": "{}",
            "password1": PASSWORD,
            "kommune": w.town.ags,
        },
    }
    for address, form in list(forms.items()):
        known, unknown = (
            work(address, {name: value.format(email) for name, value in form.items()})
            for email in (user.email, "niemand@kommune.example")
        )
        if address != "/konto/registrieren/":
            assert known[-1] == unknown[-1], address
        else:  # what is undone takes a savepoint more, what stays an entry in the log
            assert abs(len(known[-1]) - len(unknown[-1])) <= 3, (known[-1], unknown[-1])
        assert known[:-1] == unknown[:-1], address
