"""Run by `test_oidc.py` with the setting on: the portal and a small provider of our own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.checks import run_checks
from django.test import Client

from municipalities.models import AccountEvent, EventKind, User
from municipalities.permissions import READ
from tests.factories import PASSWORD, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

BEGIN = "/konto/organisation/organisation/"
BACK = f"{BEGIN}zurueck/"
KEY, FOREIGN = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


class Provider:
    """Answers as a provider does; `person` is who signs in there, `key` signs."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.key = KEY
        self.audience = "kiv"

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        issuer = settings.OIDC_ISSUER
        answers = {
            "/.well-known/openid-configuration": lambda: {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            },
            "/token": lambda: {"access_token": "x", "id_token": self._token()},
            "/jwks": lambda: {
                "keys": [
                    json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
                    | {"kid": "1", "use": "sig", "alg": "RS256"}
                ]
            },
        }
        body = json.dumps(answers[environ["PATH_INFO"]]()).encode()
        start("200 OK", [("Content-Type", "application/json")])
        return [body]

    def _token(self) -> str:
        now = int(time.time())
        claims = {"iss": settings.OIDC_ISSUER, "aud": self.audience, "iat": now, "exp": now + 60}
        return jwt.encode(claims | self.person, self.key, "RS256", headers={"kid": "1"})


class Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    app = Provider()
    port = urlsplit(settings.OIDC_ISSUER).port or 0
    with make_server("127.0.0.1", port, app, handler_class=Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield app
        server.shutdown()
        thread.join()


def account(**fields: Any) -> User:
    user: User = StaffFactory(roles=[READ]) if fields.pop("staff", False) else UserFactory(**fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def there_and_back(client: Client, **data: str) -> Any:
    """Press the button, sign in at the provider, come back."""
    away = client.post(BEGIN, data)
    assert away.headers["Location"].startswith(f"{settings.OIDC_ISSUER}/authorize?")
    asked = parse_qs(urlsplit(away.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    return client.get(BACK, {"code": "c", "state": asked["state"][0]})


def connected(user: User, provider: Provider) -> Client:
    client = Client()
    client.post("/konto/anmelden/", {"login": user.email, "password": PASSWORD})
    client.post("/konto/bestaetigen/", {"password": PASSWORD})
    assert there_and_back(client, process="connect").headers["Location"] == "/konto/"
    return client


def test_the_checks_know_its_tables_and_the_pages_its_button() -> None:
    assert run_checks() == []
    page = Client().get("/konto/anmelden/")
    assert "Mit Testkonto anmelden" in page.content.decode()
    assert f"form-action 'self' {settings.OIDC_ISSUER}" in page.headers["Content-Security-Policy"]


def test_an_identity_opens_no_account_by_its_address_alone(provider: Provider) -> None:
    user = account(email="leitung@musterstadt.example")
    provider.person = {"sub": "1", "email": user.email, "email_verified": True}
    client = Client()
    answer = there_and_back(client)
    assert (answer.status_code, "mit keinem Konto" in answer.content.decode()) == (403, True)
    assert client.get("/konto/").status_code == 302
    assert not SocialAccount.objects.exists()
    provider.person = {"sub": "2", "email": "neu@musterstadt.example", "email_verified": True}
    assert there_and_back(client).status_code == 403
    assert User.objects.count() == 1


def test_a_connected_identity_opens_its_account_until_it_is_disconnected(
    provider: Provider,
) -> None:
    user = account()
    provider.person = {"sub": "1", "email": "anders@musterstadt.example"}
    own = connected(user, provider)
    assert "Verbindung lösen" in own.get("/konto/").content.decode()
    other = Client()
    assert there_and_back(other).headers["Location"] == "/antraege/"
    assert other.get("/konto/").context["request"].user == user
    assert user.email in {row.email for row in EmailAddress.objects.all()}
    assert EmailAddress.objects.count() == 1
    own.post("/konto/organisation/trennen/")
    assert there_and_back(Client()).status_code == 403
    kinds = set(AccountEvent.objects.filter(user=user).values_list("kind", flat=True))
    assert {EventKind.IDENTITY_CONNECTED, EventKind.IDENTITY_REMOVED} <= kinds


def test_an_identity_belongs_to_one_account_and_is_connected_by_who_proves_it(
    provider: Provider,
) -> None:
    first, second = account(), account()
    provider.person = {"sub": "1", "email": first.email}
    connected(first, provider)
    client = Client()
    client.force_login(second)
    answer = client.post(BEGIN, {"process": "connect"})
    assert answer.headers["Location"].startswith("/konto/bestaetigen/")
    client.post("/konto/bestaetigen/", {"password": PASSWORD})
    there_and_back(client, process="connect")
    assert SocialAccount.objects.get().user == first


def test_staff_give_their_second_factor_all_the_same(provider: Provider) -> None:
    user = account(staff=True)
    provider.person = {"sub": "1", "email": user.email}
    SocialAccount.objects.create(user=user, provider="organisation", uid="1")
    client = Client()
    there_and_back(client)
    assert client.get("/admin/").headers["Location"].startswith("/konto/zweiter-faktor/")
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = Client()
    assert there_and_back(client).headers["Location"] == "/konto/zweiter-faktor/authenticate/"
    assert client.get("/admin/").status_code == 302


def test_a_token_is_believed_only_with_the_right_signature_and_audience(
    provider: Provider,
) -> None:
    user = account()
    provider.person = {"sub": "1", "email": user.email}
    SocialAccount.objects.create(user=user, provider="organisation", uid="1")
    for provider.key, provider.audience in ((FOREIGN, "kiv"), (KEY, "jemand")):
        client = Client()
        assert there_and_back(client).status_code == 403
        assert client.get("/konto/").status_code == 302
    assert Client().get(BACK, {"code": "c", "state": "erfunden"}).status_code == 403
    assert Client().get(BEGIN).status_code == 405
