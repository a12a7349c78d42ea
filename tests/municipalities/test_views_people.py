"""Registration, invitations and the pages on which a municipality looks after its people."""

from __future__ import annotations

import re
from typing import Any

import lxml.html
import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from applications import permissions
from applications.models import Application
from kiv_portal.models import OutboxMail
from municipalities import services
from municipalities.models import AccountEvent, EventKind, Membership, User
from tests import world
from tests.factories import PASSWORD, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> world.World:
    return world.build(timezone.now())


@pytest.fixture
def manager(w: world.World) -> User:
    user: User = UserFactory(email="leitung@musterstadt.example")
    MembershipFactory(
        user=user,
        municipality=w.town,
        may_manage=True,
        confirmed_at=timezone.now(),
        confirmed_by=w.people,
    )
    return user


def text(response: Any) -> str:
    shown = lxml.html.document_fromstring(response.content.decode())
    return " ".join(shown.text_content().split())


def register(client: Client, w: world.World, email: str, **changes: str) -> Any:
    data = {"name": "Fachstelle", "email": email, "password1": PASSWORD, "kommune": w.town.ags}
    return client.post("/konto/registrieren/", data | changes)


# --- Registration ---------------------------------------------------------------------------------


def test_the_municipality_is_chosen_as_in_the_foerder_check(client: Client, w: world.World) -> None:
    assert (
        'data-choose="/foerder-check/kommunen.json"'
        in client.get("/konto/registrieren/").content.decode()
    )
    found = client.get("/konto/registrieren/?suche=muster")
    assert f"/konto/registrieren/?kommune={w.town.ags}" in found.content.decode()
    assert "Keine Kommune gefunden" in text(client.get("/konto/registrieren/?suche=xyz"))
    assert "Bitte geben Sie den Namen" in text(client.get("/konto/registrieren/?suche=+"))
    assert "kennen wir nicht" in text(client.get("/konto/registrieren/?kommune=06000000"))
    chosen = client.get(f"/konto/registrieren/?kommune={w.town.ags}")
    assert "Für Musterstadt." in text(chosen)
    form = lxml.html.document_fromstring(chosen.content.decode())
    fields = {i.get("name"): i.get("autocomplete") for i in form.xpath("//form//input")}
    assert (fields["email"], fields["password1"], fields["name"]) == (
        "email",
        "new-password",
        "name",
    )


def test_from_registration_to_a_draft_of_ones_own(
    client: Client, w: world.World, manager: User
) -> None:
    foreign = world.draft(w, timezone.now())
    answer = register(client, w, "neu@musterstadt.example")
    assert answer.headers["Location"] == "/konto/e-mail/"
    user = User.objects.get(email="neu@musterstadt.example")
    row = user.memberships.get()
    assert (user.name, row.municipality, row.is_confirmed) == ("Fachstelle", w.town, False)
    assert not OutboxMail.objects.filter(recipient=manager.email).exists()
    assert list(services.waiting()) == []

    (message,) = mail.outbox
    address = re.findall(r"https?://[^/]+(/konto/e-mail/\S+)", message.body)[0]
    assert client.post(address).status_code == 302
    assert EmailAddress.objects.get(user=user).verified
    assert OutboxMail.objects.get(recipient=manager.email).private
    assert list(services.waiting()) == [row]

    signed_in = client.post("/konto/anmelden/", {"login": user.email, "password": PASSWORD})
    assert signed_in.headers["Location"] == "/antraege/"
    call = str(w.call.pk)
    client.post("/antraege/neu/", {"aufruf": call, "kommune": w.town.ags})
    own = Application.objects.get(created_by=user)
    assert list(permissions.visible_to(user)) == [own]
    assert client.get(f"/antraege/{foreign.uuid}/").status_code == 404
    assert permissions.may_file(user, own)
    assert not permissions.may_file(user, foreign)
    services.confirm_membership(
        membership=row, rights={"may_read": True}, by=manager, at=timezone.now()
    )
    assert set(permissions.visible_to(user)) == {own, foreign}
    services.end_membership(membership=row, by=manager, at=timezone.now())
    assert list(permissions.visible_to(user)) == []


def test_a_known_address_gets_the_same_answer_and_another_mail(
    client: Client, w: world.World
) -> None:
    user = UserFactory(email="da@musterstadt.example")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    known, unknown = register(client, w, user.email), register(Client(), w, "x@y.example")
    assert (known.status_code, known.headers["Location"]) == (
        unknown.status_code,
        unknown.headers["Location"],
    )
    assert [m.subject for m in mail.outbox] == [
        "Sie haben schon ein Konto im KIV-Portal",
        "Bitte bestätigen Sie Ihre E-Mail-Adresse",
    ]
    assert User.objects.filter(email=user.email).count() == 1
    assert not user.memberships.exists()


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("kurz", "zu kurz"),
        ("password1234", "zu üblich"),
        ("neu@musterstadt.example", "ähnlich"),
    ],
)
def test_a_weak_password_is_refused_in_german_and_nothing_typed_is_lost(
    client: Client, w: world.World, password: str, said: str
) -> None:
    answer = register(client, w, "neu@musterstadt.example", password1=password)
    assert said in text(answer)
    assert "Fachstelle" in answer.content.decode()
    assert User.objects.filter(email="neu@musterstadt.example").count() == 0


def test_what_is_no_municipality_is_refused(client: Client, w: world.World) -> None:
    answer = register(client, w, "neu@musterstadt.example", kommune="06999999")
    assert answer.status_code == 200
    assert not User.objects.filter(email="neu@musterstadt.example").exists()


def test_a_further_municipality_is_named_in_the_account(client: Client, w: world.World) -> None:
    client.force_login(w.stranger)
    asked = client.get(f"/konto/kommunen/neu/?kommune={w.town.ags}")
    assert "Sie arbeiten für Musterstadt" in text(asked)
    for said in ("Sie sind für Musterstadt eingetragen", "schon zugeordnet"):
        answer = client.post("/konto/kommunen/neu/", {"kommune": w.town.ags}, follow=True)
        assert said in text(answer)
    assert "noch nicht bestätigt" in text(client.get("/konto/"))


# --- The people's pages ---------------------------------------------------------------------------


def test_the_manager_confirms_with_rights_and_refuses(
    client: Client, w: world.World, manager: User
) -> None:
    good = services.ask_membership(
        user=UserFactory(email="gut@musterstadt.example"), municipality=w.town, at=timezone.now()
    )
    bad = services.ask_membership(
        user=UserFactory(email="fremd@anders.example"), municipality=w.town, at=timezone.now()
    )
    client.force_login(manager)
    base = f"/konto/kommune/{w.town.ags}/"
    shown = text(client.get(base))
    assert "musterstadt.example nutzt schon eine bestätigte Person" in shown
    assert "anders.example ist für diese Kommune noch nicht bekannt" in shown
    assert "kein Nachweis" in text(client.get(f"{base}personen/{good.pk}/"))
    client.post(f"{base}personen/{good.pk}/", {"rights": ["may_read", "may_sign"]})
    client.post(f"{base}personen/{bad.pk}/ablehnen/")
    good.refresh_from_db()
    assert (good.confirmed_by, good.may_sign, good.may_edit) == (manager, True, False)
    assert not Membership.objects.filter(pk=bad.pk).exists()


def test_thirty_more_fields_change_nothing(client: Client, w: world.World, manager: User) -> None:
    row = w.clerk.memberships.get()
    client.force_login(manager)
    fields = [
        *("user", "municipality", "confirmed_at", "confirmed_by", "is_staff", "is_superuser"),
        *("is_active", "groups", "email", "password", "id", "pk", "may_manage", "may_sign"),
        *("may_read", "may_edit", "created_at", "status", "amount", "owner", "version", "role"),
        *("state", "by", "at", "token", "token_hash", "created_by", "accepted_by", "next"),
    ]
    assert len(fields) == 30
    data = dict.fromkeys(fields, "1") | {"rights": ["may_read"]}
    client.post(f"/konto/kommune/{w.town.ags}/personen/{row.pk}/", data)
    after = w.clerk.memberships.get()
    assert (after.user, after.municipality, after.may_manage, after.may_sign) == (
        w.clerk,
        w.town,
        False,
        False,
    )
    w.clerk.refresh_from_db()
    assert (w.clerk.is_staff, w.clerk.is_superuser) == (False, False)


def test_the_last_manager_is_told_to_find_a_successor(
    client: Client, w: world.World, manager: User
) -> None:
    row = manager.memberships.get()
    client.force_login(manager)
    base = f"/konto/kommune/{w.town.ags}/"
    assert "Ausscheiden" in text(client.get(f"{base}personen/{row.pk}/beenden/"))
    answer = client.post(f"{base}personen/{row.pk}/beenden/", follow=True)
    assert "Geben Sie zuerst einer anderen Person" in text(answer)
    answer = client.post(f"{base}personen/{row.pk}/", {"rights": ["may_read"]})
    assert (answer.status_code, "Geben Sie zuerst" in text(answer)) == (422, True)
    successor = w.signatory.memberships.get()
    answer = client.post(f"{base}uebergeben/", {"person": successor.pk, "leave": "on"}, follow=True)
    assert "ist übergeben" in text(answer)
    assert services.managers(w.town) == [w.signatory]
    assert client.get(base).status_code == 404


def test_handing_over_needs_somebody(client: Client, w: world.World) -> None:
    alone = MembershipFactory(
        user=UserFactory(),
        municipality=w.small,
        may_manage=True,
        confirmed_at=timezone.now(),
        confirmed_by=w.people,
    )
    client.force_login(alone.user)
    assert "niemanden, der übernehmen kann" in text(
        client.get(f"/konto/kommune/{w.small.ags}/uebergeben/")
    )


def test_closing_asks_and_then_ends_everything(
    client: Client, w: world.World, manager: User
) -> None:
    client.force_login(manager)
    address = f"/konto/kommune/{w.town.ags}/schliessen/"
    client.post(address)
    assert w.town.memberships.count() == 3
    client.post(address, {"sure": "1"})
    assert w.town.memberships.count() == 0
    assert AccountEvent.objects.filter(kind=EventKind.ORGANISATION_CLOSED).count() == 1


# --- Invitations ----------------------------------------------------------------------------------


def invited(client: Client, w: world.World, manager: User, email: str) -> str:
    client.force_login(manager)
    answer = client.post(
        f"/konto/kommune/{w.town.ags}/einladen/", {"email": email, "rights": ["may_read"]}
    )
    assert answer.status_code == 302
    body = OutboxMail.objects.filter(recipient=email).latest("pk").read()
    found = re.search(r"(/konto/einladung/[\w-]+/)", body)
    assert found is not None
    return found[1]


def test_whoever_has_no_account_makes_one_with_the_link(
    client: Client, w: world.World, manager: User
) -> None:
    address = invited(client, w, manager, "neu@musterstadt.example")
    guest = Client()
    assert "neu@musterstadt.example" in text(guest.get(address))
    weak = guest.post(address, {"name": "Amt", "password": "kurz"})
    assert (weak.status_code, "zu kurz" in text(weak)) == (422, True)
    done = guest.post(address, {"name": "Amt", "password": PASSWORD}, follow=True)
    assert "Ihr Konto ist angelegt" in text(done)
    assert guest.get(address).status_code == 410
    guest.post("/konto/anmelden/", {"login": "neu@musterstadt.example", "password": PASSWORD})
    assert "Musterstadt" in text(guest.get("/konto/"))


def test_whoever_has_an_account_signs_in_and_accepts_with_a_press(
    client: Client, w: world.World, manager: User
) -> None:
    user = UserFactory(email="da@musterstadt.example")
    address = invited(client, w, manager, user.email)
    guest = Client()
    assert "schon ein Konto" in text(guest.get(address))
    assert guest.post(address).headers["Location"].endswith(f"?next={address}")
    guest.force_login(w.stranger)
    assert "andere E-Mail-Adresse" in text(guest.get(address))
    assert "andere E-Mail-Adresse" in text(guest.post(address, follow=True))
    # From there out of the wrong account and back to the invitation in one press.
    assert "Abmelden und weiter" in text(guest.get(address))
    left = guest.post("/konto/abmelden/", {"next": address})
    assert (left.status_code, left.headers["Location"]) == (302, address)
    assert "schon ein Konto" in text(guest.get(address))
    guest.force_login(user)
    assert guest.get(address).status_code == 200
    assert not user.memberships.exists()
    guest.post(address)
    assert user.memberships.get().confirmed_by == manager


def test_an_invitation_that_cannot_be_is_refused_beside_the_field(
    client: Client, w: world.World, manager: User
) -> None:
    client.force_login(manager)
    answer = client.post(
        f"/konto/kommune/{w.town.ags}/einladen/", {"email": manager.email, "rights": []}
    )
    assert (answer.status_code, "gehört schon" in text(answer)) == (422, True)


def test_an_invitation_is_taken_back(client: Client, w: world.World, manager: User) -> None:
    address = invited(client, w, manager, "neu@musterstadt.example")
    row = w.town.invitations.get()
    back = f"/konto/kommune/{w.town.ags}/einladungen/{row.pk}/zurueckziehen/"
    assert "zurückgezogen" in text(client.post(back, follow=True))
    assert Client().get(address).status_code == 410
    assert "nicht mehr offen" in text(client.post(back, follow=True))
    assert client.post(back.replace(str(row.pk), "4711")).status_code == 404
