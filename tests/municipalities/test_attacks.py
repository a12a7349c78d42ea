"""What somebody would try who wants what is not theirs. Each test is one way in, and shut."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from municipalities import services
from municipalities.models import Membership, User
from municipalities.permissions import PEOPLE, REVIEW, SIGN
from tests import world
from tests.factories import PASSWORD, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_tries_yet() -> None:
    cache.clear()


@pytest.fixture
def w() -> world.World:
    return world.build(timezone.now())


def verified(user: User) -> User:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_in(client: Client, email: str, **more: str) -> Any:
    return client.post("/konto/anmelden/", {"login": email, "password": PASSWORD} | more)


def invitation_of(w: world.World, email: str) -> str:
    """The address of an open invitation."""
    from kiv_portal.models import OutboxMail

    services.invite(
        municipality=w.town,
        email=email,
        rights={"may_read": True},
        by=w.people,
        at=timezone.now(),
    )
    body = OutboxMail.objects.filter(recipient=email).latest("pk").read()
    found = re.search(r"(/konto/einladung/[\w-]+/)", body)
    assert found is not None
    return found[1]


# --- Mails ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "testserver:1337", "127.0.0.1"])
def test_links_in_mails_lead_to_the_portal_whatever_host_was_asked(
    settings: Settings, w: world.World, host: str
) -> None:
    settings.PORTAL_ADDRESS = "https://portal.example"
    user, asked = verified(UserFactory()), Client(headers={"host": host})
    asked.post("/konto/passwort/vergessen/", {"email": user.email})
    asked.post("/konto/passwort/vergessen/", {"email": "niemand@kommune.example"})
    data = {"name": "Amt", "password1": PASSWORD, "kommune": w.town.ags}
    asked.post("/konto/registrieren/", data | {"email": "neu@kommune.example"})
    asked.post("/konto/registrieren/", data | {"email": user.email})
    bodies = [message.body for message in mail.outbox]
    assert len(bodies) == 4
    found = [re.findall(r"https?://[^/\s]+", body) for body in bodies]
    assert all(found)
    assert {link for links in found for link in links} == {"https://portal.example"}


def test_a_foreign_host_gets_no_mail_sent() -> None:
    answer = Client(headers={"host": "boese.example"}).post(
        "/konto/passwort/vergessen/", {"email": verified(UserFactory()).email}
    )
    assert (answer.status_code, mail.outbox) == (400, [])


def test_a_forwarded_host_is_not_believed() -> None:
    Client(headers={"x-forwarded-host": "boese.example"}).post(
        "/konto/passwort/vergessen/", {"email": verified(UserFactory()).email}
    )
    assert "boese.example" not in mail.outbox[0].body


# --- Ways on --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted",
    [
        "https://boese.example/",
        "//boese.example/",
        "///boese.example/",
        "/\\boese.example/",
        "\\\\boese.example/",
        "javascript:alert(1)",
        "https:boese.example",
        "http://testserver@boese.example/",
        " //boese.example/",
        "\t//boese.example/",
    ],
)
def test_next_never_leads_away(wanted: str) -> None:
    user = verified(UserFactory())
    answer = sign_in(Client(), user.email, next=wanted)
    assert answer.headers["Location"] == "/antraege/"
    known = Client()
    known.force_login(user)
    for path in ("/konto/anmelden/", "/konto/abmelden/", "/konto/bestaetigen/"):
        for answer in (
            known.get(path, {"next": wanted}),
            known.post(path, {"next": wanted, "password": PASSWORD}),
        ):
            assert re.match(r"/(konto|antraege)/|$", answer.headers.get("Location", ""))


def test_the_desk_does_not_lead_away(w: world.World) -> None:
    client = Client()
    client.force_login(w.reader)
    world.give_second_factor(client, w.reader)
    answer = client.get("/admin/login/", {"next": "//boese.example/"})
    assert answer.headers["Location"] == "/admin/"


# --- Sessions -------------------------------------------------------------------------------------


def test_the_session_of_before_is_worth_nothing_after_the_sign_in() -> None:
    client, user = Client(), verified(UserFactory())
    client.cookies["sessionid"] = "a" * 32  # planted
    client.get("/konto/anmelden/")
    sign_in(client, user.email)
    assert client.cookies["sessionid"].value != "a" * 32
    planted = Client()
    planted.cookies["sessionid"] = "a" * 32
    assert planted.get("/antraege/").status_code == 302


def test_a_session_that_stood_before_gets_a_new_key_at_the_sign_in() -> None:
    client, user = Client(), verified(UserFactory())
    session = client.session
    session["x"] = "1"
    session.save()
    before = session.session_key
    sign_in(client, user.email)
    assert client.session.session_key != before
    stolen = Client()
    stolen.cookies["sessionid"] = before
    assert stolen.get("/antraege/").status_code == 302


def test_signing_out_ends_the_session_for_everybody_who_has_its_key() -> None:
    client, user = Client(), verified(UserFactory())
    sign_in(client, user.email)
    copy = Client()
    copy.cookies["sessionid"] = client.session.session_key
    assert copy.get("/antraege/").status_code == 200
    client.post("/konto/abmelden/")
    assert copy.get("/antraege/").status_code == 302


def test_a_new_password_ends_the_other_sessions() -> None:
    client, thief, user = Client(), Client(), verified(UserFactory())
    sign_in(client, user.email)
    sign_in(thief, user.email)
    new = "ein ganz anderer langer Satz"
    client.post(
        "/konto/passwort/aendern/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert thief.get("/antraege/").status_code == 302
    assert client.get("/antraege/").status_code == 200


def test_ended_sessions_are_over() -> None:
    client, thief, user = Client(), Client(), verified(UserFactory())
    sign_in(thief, user.email)
    sign_in(client, user.email)
    assert client.get("/konto/sitzungen/").status_code == 200
    client.post("/konto/sitzungen/")
    assert thief.get("/antraege/").status_code == 302
    assert client.get("/antraege/").status_code == 200


def test_a_closed_account_is_out_at_once() -> None:
    client, user = Client(), verified(UserFactory())
    sign_in(client, user.email)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/antraege/").status_code == 302
    assert sign_in(Client(), user.email).headers["Location"] == "/konto/gesperrt/"


# --- Invitations ----------------------------------------------------------------------------------


def test_a_session_that_is_over_accepts_no_invitation(w: world.World) -> None:
    user = verified(UserFactory(email="da@musterstadt.example"))
    address = invitation_of(w, user.email)
    client = Client()
    client.force_login(user)
    session = client.session
    session["portal_seen_at"] = int(timezone.now().timestamp()) - 61 * 60
    session.save()
    client.post(address)
    assert not user.memberships.exists()


def test_whoever_registered_a_foreign_address_first_gets_nothing_from_its_invitation(
    w: world.World,
) -> None:
    thief = Client()
    email = "leitung@musterstadt.example"
    thief.post(
        "/konto/registrieren/",
        {"name": "Amt", "email": email, "password1": PASSWORD, "kommune": w.other_town.ags},
    )
    address = invitation_of(w, email)
    sign_in(thief, email)
    thief.post(address)
    assert thief.get("/antraege/").status_code == 302
    assert not Membership.objects.filter(user__email=email, municipality=w.town).exists()


# --- Registering a foreign address ----------------------------------------------------------------


def registered(client: Client, w: world.World, email: str) -> str:
    """Make an account in this browser; returns the address in the mail that confirms it."""
    data = {"name": "Amt", "email": email, "password1": PASSWORD, "kommune": w.town.ags}
    client.post("/konto/registrieren/", data)
    found = re.search(r"https?://[^/]+(/konto/e-mail/\S+)", mail.outbox[-1].body)
    assert found is not None
    return found[1]


def test_the_owner_of_a_mailbox_does_not_confirm_the_password_of_somebody_else(
    w: world.World,
) -> None:
    thief, owner, email = Client(), Client(), "leitung@musterstadt.example"
    address = registered(thief, w, email)
    page = owner.get(address).content.decode()
    assert ("Legen Sie deshalb hier Ihr Passwort fest" in page, "Musterstadt" in page) == (
        True,
    ) * 2
    for sent in ({}, {"password": "kurz"}, {"password": email}):
        refused = owner.post(address, sent)
        assert (refused.status_code, "kern-error" in refused.content.decode()) == (422, True)
        assert not EmailAddress.objects.get(email=email).verified
    own = "ein Satz den nur ich kenne"
    assert owner.post(address, {"password": own}).status_code == 302
    assert sign_in(thief, email).status_code == 200
    assert thief.get("/antraege/").status_code == 302
    assert owner.post("/konto/anmelden/", {"login": email, "password": own}).status_code == 302
    assert owner.get("/antraege/").status_code == 200


def test_where_the_account_was_made_one_press_confirms_it(w: world.World) -> None:
    own, email = Client(), "neu@musterstadt.example"
    address = registered(own, w, email)
    assert "Passwort fest" not in own.get(address).content.decode()
    assert own.post(address).status_code == 302
    assert sign_in(own, email).headers["Location"] == "/antraege/"


def test_whoever_tries_to_register_after_a_thief_does_not_confirm_the_thiefs_password(
    w: world.World,
) -> None:
    thief, owner, email = Client(), Client(), "leitung@musterstadt.example"
    address = registered(thief, w, email)
    data = {"name": "Leitung", "email": email, "password1": "mein eigener Satz"}
    owner.post("/konto/registrieren/", data | {"kommune": w.town.ags})
    assert owner.post(address).status_code == 422
    assert not EmailAddress.objects.get(email=email).verified


def test_a_new_password_by_mail_confirms_the_address_as_well(w: world.World) -> None:
    thief, owner, email = Client(), Client(), "leitung@musterstadt.example"
    registered(thief, w, email)
    owner.post("/konto/passwort/vergessen/", {"email": email})
    found = re.search(r"https?://[^/]+(/konto/passwort/neu/\S+)", mail.outbox[-1].body)
    assert found is not None
    form = owner.get(found[1]).headers["Location"]
    new = "ein Satz den nur ich kenne"
    owner.post(form, {"password1": new, "password2": new})
    assert EmailAddress.objects.get(email=email).verified
    assert owner.post("/konto/anmelden/", {"login": email, "password": new}).status_code == 302
    assert owner.get("/antraege/").status_code == 200
    assert sign_in(thief, email).status_code == 200


# --- Rights ---------------------------------------------------------------------------------------


def test_staff_do_not_act_for_a_municipality(w: world.World) -> None:
    client = Client()
    client.force_login(w.reviewer)
    world.give_second_factor(client, w.reviewer)
    client.post("/konto/kommunen/neu/", {"kommune": w.town.ags})
    address = invitation_of(w, w.reviewer.email)
    client.post(address)
    assert not w.reviewer.memberships.exists()
    with pytest.raises(services.NotPossible, match="Beschäftigte"):
        services.add_membership(
            user=w.reviewer,
            municipality=w.town,
            rights={"may_sign": True},
            by=w.people,
            at=timezone.now(),
        )
    assert not w.reviewer.memberships.exists()


def test_whoever_acts_for_a_municipality_does_not_become_staff(w: world.World) -> None:
    client = Client()
    client.force_login(w.people)
    world.give_second_factor(client, w.people)
    data = {"name": w.clerk.name, "phone": "", "is_active": "on", "is_staff": "on"}
    for prefix in ("memberships", "role_grants"):
        data |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    answer = client.post(f"/admin/municipalities/user/{w.clerk.pk}/change/", data)
    w.clerk.refresh_from_db()
    assert not w.clerk.is_staff
    assert (answer.status_code, "Zugehörigkeit" in answer.content.decode()) == (200, True)


def test_nobody_gives_themselves_a_role(w: world.World) -> None:
    client = Client()
    client.force_login(w.people)
    world.give_second_factor(client, w.people)
    own = f"/admin/municipalities/user/{w.people.pk}/"
    client.post(f"{own}rollen/", {"roles": [REVIEW, SIGN]})
    groups = {"groups": [str(pk) for pk in range(1, 20)], "is_superuser": "on", "roles": SIGN}
    client.post(f"{own}change/", groups | {"name": "x", "is_staff": "on", "is_active": "on"})
    w.people.refresh_from_db()
    assert not w.people.is_superuser
    assert list(w.people.groups.values_list("name", flat=True)) == [PEOPLE]


def test_a_person_of_a_municipality_reaches_no_page_of_the_desk(w: world.World) -> None:
    client = Client()
    client.force_login(w.clerk)
    world.give_second_factor(client, w.clerk)
    for path in ("/admin/", "/admin/municipalities/user/", "/admin/applications/application/"):
        answer = client.get(path, follow=True)
        assert answer.status_code == 403


@pytest.mark.parametrize("has_factor", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/admin/municipalities/user/",
        "/admin/gibt-es-nicht/",
        "/admin/jsi18n/",
        "/admin/password_change/",
        "/antraege/",
        "/konto/",
        "/konto/kommunen/neu/",
        "/konto/sitzungen/",
        "/konto/passwort/aendern/",
        "/konto/zweiter-faktor/recovery-codes/",
        "/konto/zweiter-faktor/totp/deactivate/",
    ],
)
def test_a_password_alone_opens_no_page_for_staff(path: str, has_factor: bool) -> None:
    user = StaffFactory(roles=[REVIEW])
    if has_factor:
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = Client()
    client.force_login(user)
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/konto/zweiter-faktor/")


def test_staff_without_a_second_factor_in_this_session_accept_nothing(w: world.World) -> None:
    user = StaffFactory(roles=[REVIEW])
    address = invitation_of(w, user.email)
    client = Client()
    client.force_login(user)
    client.post(address)
    assert not user.memberships.exists()
