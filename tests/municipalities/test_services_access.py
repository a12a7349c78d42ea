"""Ways back into an account: a lost second factor, a new address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from kiv_portal.models import OutboxMail
from municipalities import services
from municipalities.models import AccountEvent, EventKind, FactorReset, User
from municipalities.permissions import PEOPLE, REVIEW
from tests.factories import NOW, PASSWORD, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

REASON = "Diensthandy verloren, Rückruf"


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()


@pytest.fixture
def keeper() -> User:
    user: User = StaffFactory(roles=[PEOPLE])
    return user


def with_factor(user: User) -> User:
    for kind in (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES):
        Authenticator.objects.create(user=user, type=kind, data={"secret": "x"})
    return user


def kinds(user: User) -> list[str]:
    return list(
        AccountEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True)
    )


def signed_in(user: User) -> Client:
    EmailAddress.objects.get_or_create(user=user, email=user.email, verified=True, primary=True)
    client = Client()
    client.post("/konto/anmelden/", {"login": user.email, "password": PASSWORD})
    client.post("/konto/bestaetigen/", {"password": PASSWORD})
    return client


# --- A lost second factor -------------------------------------------------------------------------


def test_a_municipal_persons_lost_factor_goes_at_once_with_password_and_sessions(
    keeper: User,
) -> None:
    user: User = UserFactory()
    client = signed_in(user)
    with_factor(user)
    assert client.get("/konto/").status_code == 200
    assert services.reset_factor(user=user, reason=REASON, by=keeper, at=NOW) is None
    user.refresh_from_db()
    assert (user.authenticator_set.count(), user.has_usable_password()) == (0, False)
    assert client.get("/konto/").status_code == 302
    entry = AccountEvent.objects.get(user=user, kind=EventKind.FACTOR_RESET)
    assert (entry.by, entry.detail) == (keeper, REASON)
    mail = OutboxMail.objects.get(recipient=user.email)
    assert (mail.private, "zurückgesetzt" in mail.subject) == (True, True)
    assert "/konto/passwort/vergessen/" in mail.read()


def test_a_colleagues_factor_goes_when_a_second_person_agrees(keeper: User) -> None:
    user, second = with_factor(StaffFactory(roles=[REVIEW])), StaffFactory(roles=[PEOPLE])
    row = services.reset_factor(user=user, reason=REASON, by=keeper, at=NOW)
    assert row is not None
    assert user.authenticator_set.count() == 2
    with pytest.raises(services.NotPossible, match="schon vorgeschlagen"):
        services.reset_factor(user=user, reason=REASON, by=second, at=NOW)
    for other in (keeper, user, StaffFactory(roles=[REVIEW])):
        with pytest.raises(services.NotAllowed):
            services.agree_to_reset(reset=row, by=other, at=NOW)
    services.agree_to_reset(reset=row, by=second, at=NOW)
    user.refresh_from_db()
    assert (user.authenticator_set.count(), user.has_usable_password()) == (0, False)
    assert kinds(user) == [EventKind.FACTOR_RESET_ASKED, EventKind.FACTOR_RESET]
    with pytest.raises(services.NotPossible, match="schon entschieden"):
        services.refuse_reset(reset=row, by=second, at=NOW)


def test_a_reset_can_be_refused_and_then_asked_for_again(keeper: User) -> None:
    user = with_factor(StaffFactory(roles=[REVIEW]))
    row = services.reset_factor(user=user, reason=REASON, by=keeper, at=NOW)
    assert row is not None
    with pytest.raises(services.NotAllowed):
        services.refuse_reset(reset=row, by=user, at=NOW)
    services.refuse_reset(reset=row, by=keeper, at=NOW)
    assert user.authenticator_set.count() == 2
    assert services.reset_factor(user=user, reason=REASON, by=keeper, at=NOW) != row


def test_nobody_resets_their_own_factor_nor_without_role_reason_or_factor(keeper: User) -> None:
    with_factor(keeper)
    user = with_factor(UserFactory())
    for person, by in ((keeper, keeper), (user, StaffFactory(roles=[REVIEW])), (user, user)):
        with pytest.raises(services.NotAllowed):
            services.reset_factor(user=person, reason=REASON, by=by, at=NOW)
    for person, reason in ((user, " "), (UserFactory(), REASON)):
        with pytest.raises(services.NotPossible):
            services.reset_factor(user=person, reason=reason, by=keeper, at=NOW)
    assert not AccountEvent.objects.exists()


def test_the_database_keeps_the_four_eyes_of_a_reset(keeper: User) -> None:
    user = StaffFactory(roles=[REVIEW])
    asked = {"user": user, "reason": REASON, "asked_at": NOW}
    decided = {"state": "granted", "decided_at": NOW}
    for wrong in (
        {"asked_by": user},
        {"asked_by": keeper, "decided_by": keeper, **decided},
        {"asked_by": keeper, "decided_by": user, **decided},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            FactorReset.objects.create(**asked, **wrong)


@pytest.mark.usefixtures("demo")
def test_the_desk_resets_and_agrees(keeper: User) -> None:
    user, second = with_factor(StaffFactory(roles=[REVIEW])), StaffFactory(roles=[PEOPLE])
    first_browser, second_browser = Client(), Client()
    first_browser.force_login(keeper)
    second_browser.force_login(second)
    address = f"/admin/municipalities/user/{user.pk}/zweiter-faktor/"
    account = first_browser.get(f"/admin/municipalities/user/{user.pk}/change/")
    assert address in account.content.decode()
    assert "zweite Person" in first_browser.get(address).content.decode()
    assert first_browser.post(address, {"reason": ""}).status_code == 422
    assert first_browser.post(address, {"reason": REASON}).status_code == 302
    row = FactorReset.objects.get()
    page = f"/admin/municipalities/factorreset/{row.pk}/"
    assert "Zustimmen und" not in first_browser.get(f"{page}change/").content.decode()
    assert "Zustimmen und" in second_browser.get(f"{page}change/").content.decode()
    assert "Verlorene zweite Faktoren" in second_browser.get("/admin/").content.decode()
    first_browser.post(f"{page}zustimmen/")
    assert user.authenticator_set.exists()
    second_browser.post(f"{page}zustimmen/")
    assert not user.authenticator_set.exists()


@pytest.fixture
def demo(settings: Any) -> None:
    settings.PORTAL_DEMO = True


# --- A new address --------------------------------------------------------------------------------


def link_to(email: str) -> str:
    body = OutboxMail.objects.filter(recipient=email).latest("pk").read()
    found = re.search(r"(/konto/adresse/\S+/)", body)
    assert found is not None
    return found[1]


def test_a_new_address_counts_when_its_link_is_opened_and_the_old_one_is_told() -> None:
    user: User = UserFactory(email="alt@musterstadt.example")
    client = signed_in(user)
    assert client.post("/konto/adresse/", {"email": "alt@musterstadt.example"}).status_code == 422
    client.post("/konto/adresse/", {"email": "Neu@Musterstadt.example"})
    user.refresh_from_db()
    assert user.email == "alt@musterstadt.example"
    link = link_to("neu@musterstadt.example")
    assert "neu@musterstadt.example" in client.get(link).content.decode()
    assert client.post(link).status_code == 302
    user.refresh_from_db()
    assert user.email == "neu@musterstadt.example"
    rows = EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary")
    assert list(rows) == [("neu@musterstadt.example", True, True)]
    notice = OutboxMail.objects.get(recipient="alt@musterstadt.example")
    assert "neue Adresse" in notice.subject
    assert EventKind.ADDRESS_CHANGED in kinds(user)
    assert client.post(link).status_code == 410
    login = {"login": "neu@musterstadt.example", "password": PASSWORD}
    assert Client().post("/konto/anmelden/", login).headers["Location"] == "/antraege/"


def test_a_link_for_a_new_address_serves_nobody_else() -> None:
    user, other = UserFactory(email="alt@musterstadt.example"), UserFactory()
    signed_in(user).post("/konto/adresse/", {"email": "fremd@anderstadt.example"})
    link = link_to("fremd@anderstadt.example")
    assert Client().post(link).headers["Location"].startswith("/konto/anmelden/")
    assert signed_in(other).post(link).status_code == 410
    assert signed_in(user).post(link[:-2] + "x/").status_code == 410
    user.refresh_from_db()
    assert user.email == "alt@musterstadt.example"


def test_a_taken_address_gets_the_same_answer_and_another_mail() -> None:
    user, other = UserFactory(), UserFactory(email="vergeben@musterstadt.example")
    client = signed_in(user)
    answers = [
        client.post("/konto/adresse/", {"email": email})
        for email in (other.email, "frei@musterstadt.example")
    ]
    assert len({(answer.status_code, answer.headers["Location"]) for answer in answers}) == 1
    assert "schon ein Konto" in OutboxMail.objects.get(recipient=other.email).subject
    with pytest.raises(services.NotPossible):
        services.change_address(user=user, old=user.email, new=other.email, at=timezone.now())


def test_whoever_has_not_just_signed_in_proves_it_before_naming_an_address() -> None:
    client = Client()
    client.force_login(UserFactory())
    answer = client.post("/konto/adresse/", {"email": "neu@musterstadt.example"})
    assert answer.headers["Location"].startswith("/konto/bestaetigen/")
    assert not OutboxMail.objects.exists()
    client.post(answer.headers["Location"], {"password": PASSWORD})
    assert 'value="neu@musterstadt.example"' in client.get("/konto/adresse/").content.decode()
