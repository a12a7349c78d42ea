"""Accounts and memberships at the desk: who gets which role is on record, and nobody is moved."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from municipalities.models import Membership, User
from municipalities.permissions import ADMINISTER, READ, REVIEW, SIGN
from tests.factories import NOW, MembershipFactory, MunicipalityFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings: Settings) -> None:
    """What a second factor protects is tested elsewhere; here somebody is signed in."""
    settings.PORTAL_DEMO = True


@pytest.fixture
def keeper(client: Client) -> User:
    user: User = StaffFactory(roles=[ADMINISTER])
    client.force_login(user)
    return user


@pytest.fixture
def confirmed(keeper: User) -> Membership:
    membership: Membership = MembershipFactory(confirmed_at=NOW, confirmed_by=keeper)
    return membership


def account(user: User) -> str:
    return reverse("admin:municipalities_user_change", args=[user.pk])


def form_data(user: User, *roles: str, **changes: Any) -> dict[str, Any]:
    memberships = list(user.memberships.all())
    data: dict[str, Any] = {
        "name": user.name,
        "is_active": "on",
        "groups": [Group.objects.get(name=role).pk for role in roles],
        "memberships-TOTAL_FORMS": len(memberships),
        "memberships-INITIAL_FORMS": len(memberships),
    }
    if user.is_staff:
        data["is_staff"] = "on"
    for n, membership in enumerate(memberships):
        data |= {
            f"memberships-{n}-id": membership.pk,
            f"memberships-{n}-user": user.pk,
            f"memberships-{n}-municipality": membership.municipality_id,
            f"memberships-{n}-may_read": "on",
        }
    return data | changes


def roles(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_a_membership_stays_with_its_person_and_municipality(
    client: Client, confirmed: Membership
) -> None:
    address = reverse("admin:municipalities_membership_change", args=[confirmed.pk])
    other = {"user": UserFactory().pk, "municipality": MunicipalityFactory().pk}
    assert client.post(address, {**other, "may_read": "on", "may_sign": "on"}).status_code == 302
    after = Membership.objects.get(pk=confirmed.pk)
    assert (after.user_id, after.municipality_id) == (confirmed.user_id, confirmed.municipality_id)
    assert (after.may_sign, after.may_edit) == (True, False)


def test_on_the_page_of_an_account_a_membership_keeps_its_municipality(
    client: Client, confirmed: Membership
) -> None:
    other = MunicipalityFactory()
    data = form_data(confirmed.user, **{"memberships-0-municipality": other.pk})
    assert client.post(account(confirmed.user), data).status_code == 302
    after = Membership.objects.get(pk=confirmed.pk)
    assert (after.municipality_id, after.may_edit) == (confirmed.municipality_id, False)


def test_a_new_membership_names_person_and_municipality(client: Client, keeper: User) -> None:
    user, town = UserFactory(), MunicipalityFactory()
    data = {"user": user.pk, "municipality": town.pk, "may_read": "on"}
    assert client.post(reverse("admin:municipalities_membership_add"), data).status_code == 302
    assert Membership.objects.get().municipality == town


def test_nobody_gives_themselves_a_role_or_closes_their_own_account(
    client: Client, keeper: User
) -> None:
    data = form_data(keeper, ADMINISTER, SIGN, name="Neu", is_active="", is_staff="")
    assert client.post(account(keeper), data).status_code == 302
    keeper.refresh_from_db()
    assert (keeper.name, keeper.is_active, keeper.is_staff) == ("Neu", True, True)
    assert roles(keeper) == {ADMINISTER}


def test_the_log_names_the_roles_before_and_after(client: Client, keeper: User) -> None:
    colleague = StaffFactory(roles=[READ])
    assert client.post(account(colleague), form_data(colleague, REVIEW, SIGN)).status_code == 302
    assert roles(colleague) == {REVIEW, SIGN}
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (keeper, str(colleague.pk))
    assert "vorher Lesen, jetzt Prüfung + Schlusszeichnung" in entry.get_change_message()


@pytest.mark.parametrize("superuser", [True, False])
def test_nobody_makes_a_superuser_here(client: Client, superuser: bool) -> None:
    client.force_login(StaffFactory(roles=[ADMINISTER], is_superuser=superuser))
    colleague = StaffFactory(roles=[READ])
    data = form_data(colleague, READ, is_superuser="on")
    assert client.post(account(colleague), data).status_code == 302
    colleague.refresh_from_db()
    assert colleague.is_superuser is False
