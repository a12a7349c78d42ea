"""Accounts, memberships and roles at the desk: the pages call the services and tell refusals."""

from __future__ import annotations

from typing import Any

import lxml.html
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from municipalities import services
from municipalities.models import AccountEvent, EventKind, Membership, RoleGrant, User
from municipalities.permissions import AUDIT, PEOPLE, READ, REVIEW, SIGN
from tests import world
from tests.factories import NOW, MembershipFactory, MunicipalityFactory, StaffFactory, UserFactory

# Pages alone; that each opens on PostgreSQL too is tried in test_access.
pytestmark = [pytest.mark.django_db, pytest.mark.sweep]


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings: Settings) -> None:
    """What a second factor protects is tested elsewhere; here somebody is signed in."""
    settings.PORTAL_DEMO = True


@pytest.fixture
def keeper(client: Client) -> User:
    user = world.staff(PEOPLE)
    client.force_login(user)
    return user


@pytest.fixture
def confirmed(keeper: User) -> Membership:
    membership: Membership = MembershipFactory(confirmed_at=NOW, confirmed_by=keeper)
    return membership


def account(user: User) -> str:
    return reverse("admin:municipalities_user_change", args=[user.pk])


def move(name: str, row: Any) -> str:
    return reverse(f"admin:municipalities_{name}", args=[row.pk])


EMPTY_INLINES = {
    f"{prefix}-{kind}_FORMS": 0
    for prefix in ("memberships", "role_grants")
    for kind in ("TOTAL", "INITIAL")
}


def form_data(user: User, **changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"name": user.name, "is_active": "on", **EMPTY_INLINES}
    if user.is_staff:
        data["is_staff"] = "on"
    return data | changes


def said(client: Client, address: str) -> str:
    shown = lxml.html.document_fromstring(client.get(address).content.decode())
    return " ".join(shown.text_content().split())


def test_a_membership_stays_with_its_person_and_municipality(
    client: Client, confirmed: Membership
) -> None:
    address = reverse("admin:municipalities_membership_change", args=[confirmed.pk])
    other = {"user": UserFactory().pk, "municipality": MunicipalityFactory().pk}
    assert client.post(address, {**other, "may_read": "on", "may_sign": "on"}).status_code == 302
    after = Membership.objects.get(pk=confirmed.pk)
    assert (after.user_id, after.municipality_id) == (confirmed.user_id, confirmed.municipality_id)
    assert (after.may_sign, after.may_edit) == (True, False)
    assert AccountEvent.objects.get().kind == EventKind.MEMBERSHIP_CHANGED


def test_a_new_membership_is_confirmed_by_whoever_enters_it(client: Client, keeper: User) -> None:
    user, town = UserFactory(), MunicipalityFactory()
    data = {"user": user.pk, "municipality": town.pk, "may_read": "on"}
    assert client.post(reverse("admin:municipalities_membership_add"), data).status_code == 302
    row = Membership.objects.get()
    assert (row.municipality, row.confirmed_by, row.may_edit) == (town, keeper, False)


def test_a_refusal_of_the_service_is_told_and_nothing_is_written(
    client: Client, confirmed: Membership
) -> None:
    Membership.objects.filter(pk=confirmed.pk).update(may_manage=True)
    address = reverse("admin:municipalities_membership_change", args=[confirmed.pk])
    client.post(address, {"may_read": "on"})
    assert "Geben Sie zuerst einer anderen Person" in said(client, address)
    confirmed.refresh_from_db()
    assert confirmed.may_manage is True


def test_a_place_whose_last_manager_is_blocked_is_a_task_with_two_ways_out(
    client: Client, confirmed: Membership
) -> None:
    Membership.objects.filter(pk=confirmed.pk).update(may_manage=True)
    task = "Verwaltung einer Kommune ohne Nachfolge"
    changelist = reverse("admin:municipalities_membership_changelist") + "?nachfolge=fehlt"
    assert (task in said(client, "/admin/"), "0 Zugeh" in said(client, changelist)) == (True, True)
    blocked = form_data(confirmed.user, is_active="")
    page = client.post(account(confirmed.user), blocked, follow=True).content.decode()
    assert f"Die Personen von {confirmed.municipality} verwaltet jetzt niemand mehr." in page
    assert "1 Zugehörigkeit" in said(client, changelist)

    address = reverse("admin:municipalities_membership_change", args=[confirmed.pk])
    assert "verwaltet als einzige" in said(client, address)
    client.post(move("membership_close", confirmed))
    assert "Bitte bestätigen Sie, dass Sie den Zugang" in said(client, address)
    client.post(move("membership_close", confirmed), {"sure": "1"})
    assert Membership.objects.count() == 0
    assert AccountEvent.objects.filter(kind=EventKind.ORGANISATION_CLOSED).count() == 1


def test_who_waits_is_confirmed_or_refused_with_one_press(client: Client, keeper: User) -> None:
    first, second = MembershipFactory(), MembershipFactory()
    shown = said(client, "/admin/")
    assert "Personen, die auf Bestätigung warten" in shown
    page = said(client, reverse("admin:municipalities_membership_change", args=[first.pk]))
    assert "noch nicht bekannt" in page
    changelist = reverse("admin:municipalities_membership_changelist")
    assert "2 Zugehörigkeiten" in said(client, f"{changelist}?bestaetigt=nein")
    assert "0 Zugehörigkeiten" in said(client, f"{changelist}?bestaetigt=ja")
    client.post(move("membership_confirm", first))
    client.post(move("membership_refuse", second))
    assert list(Membership.objects.values_list("user", "confirmed_by")) == [
        (first.user_id, keeper.pk)
    ]
    assert client.post(move("membership_refuse", second)).status_code == 404
    client.post(move("membership_confirm", first))
    client.post(move("membership_end", first))
    assert Membership.objects.count() == 0


def test_nobody_closes_their_own_account(client: Client, keeper: User) -> None:
    data = form_data(keeper, name="Neu", is_active="", is_staff="")
    assert client.post(account(keeper), data).status_code == 302
    keeper.refresh_from_db()
    assert (keeper.name, keeper.is_active, keeper.is_staff) == ("Neu", True, True)


def test_making_and_closing_an_account_is_on_record(client: Client, keeper: User) -> None:
    add = reverse("admin:municipalities_user_add")
    data = {"email": "Neu@rp.example", "is_active": "on", "is_staff": "on", **EMPTY_INLINES}
    assert client.post(add, data).status_code == 302
    user = User.objects.get(email="neu@rp.example")
    assert not user.has_usable_password()
    client.post(account(user), form_data(user, is_active=""))
    client.post(account(user), form_data(user, is_active="", name="Anders"))
    kinds = [(e.kind, e.user, e.by, e.detail) for e in AccountEvent.objects.order_by("pk")]
    assert kinds == [
        (EventKind.ACCOUNT_CREATED, user, keeper, "Behörde"),
        (EventKind.ACCOUNT_CHANGED, user, keeper, "jetzt gesperrt"),
    ]


def test_roles_are_asked_for_here_and_given_by_somebody_else(client: Client, keeper: User) -> None:
    colleague = world.staff(READ)
    address = move("user_roles", colleague)
    assert "Rollen ändern" in said(client, account(colleague))
    for role in (REVIEW, SIGN):
        world.staff(role)
    assert client.post(address, {"roles": [READ, SIGN]}).status_code == 302
    assert "Lesen (vorgeschlagen: Schlusszeichnung)" in said(client, account(colleague))
    grant = RoleGrant.objects.get()
    change = reverse("admin:municipalities_rolegrant_change", args=[grant.pk])
    assert "weder wer sie vorgeschlagen hat" in said(client, change)
    client.post(move("rolegrant_agree", grant))
    assert services.held_roles(colleague) == {READ}
    assert "vorbehalten" not in said(client, "/admin/")

    client.force_login(world.staff(PEOPLE))
    assert "Rollen, die eine zweite Person erteilt" in said(client, "/admin/")
    assert "Rolle erteilen" in said(client, change)
    client.post(move("rolegrant_agree", grant))
    assert services.held_roles(colleague) == {READ, SIGN}
    client.post(move("rolegrant_refuse", grant))
    assert "schon entschieden" in said(client, change)


def test_roles_that_never_meet_are_explained_beside_the_choice(
    client: Client, keeper: User
) -> None:
    colleague = world.staff(READ)
    answer = client.post(move("user_roles", colleague), {"roles": [PEOPLE, SIGN]})
    assert answer.status_code == 422
    assert "allein entscheiden" in answer.content.decode()
    assert "eigenes Konto" in said(client, move("user_roles", keeper))
    assert client.get(reverse("admin:municipalities_user_roles", args=[0])).status_code == 404


@pytest.mark.parametrize("superuser", [True, False])
def test_nobody_makes_a_superuser_here(client: Client, superuser: bool) -> None:
    world.staff(PEOPLE)
    client.force_login(StaffFactory(roles=[PEOPLE], is_superuser=superuser))
    colleague = world.staff(READ)
    data = form_data(colleague, is_superuser="on")
    assert client.post(account(colleague), data).status_code == 302
    colleague.refresh_from_db()
    assert colleague.is_superuser is False


def test_the_sign_in_log_is_searched_and_never_changed(client: Client) -> None:
    client.force_login(world.staff(AUDIT))
    user = UserFactory(email="wer@stadt.example")
    for kind in (EventKind.SIGNED_IN, EventKind.SIGN_IN_FAILED):
        services.record(kind, user=user, at=NOW)
    services.record(EventKind.SIGNED_IN, user=UserFactory(), at=NOW)
    log = reverse("admin:municipalities_accountevent_changelist")
    assert "2 Anmeldeprotokoll" in said(client, f"{log}?q=wer@stadt.example")
    assert "1 Eintrag im Anmeldeprotokoll" in said(client, f"{log}?kind__exact=sign_in_failed")
    entry = AccountEvent.objects.first()
    assert entry is not None
    change = reverse("admin:municipalities_accountevent_change", args=[entry.pk])
    assert client.get(change).status_code == 200
    assert client.post(change, {"detail": "anders"}).status_code == 403
