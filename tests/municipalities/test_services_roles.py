"""Roles of staff: one person asks, another gives, nobody for themselves, no forbidden pairs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from municipalities import services
from municipalities.models import AccountEvent, EventKind, GrantState, RoleGrant, User
from municipalities.permissions import ADMINISTER, AUDIT, PEOPLE, READ, REVIEW, SIGN, STAFF_GROUPS
from tests import world
from tests.factories import NOW, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def first() -> User:
    return world.staff(PEOPLE)


@pytest.fixture
def second() -> User:
    return world.staff(PEOPLE)


@pytest.fixture
def colleague(first: User) -> User:
    return world.staff(READ)


def ask(user: User, *roles: str, by: User) -> list[RoleGrant]:
    return services.set_roles(user=user, roles=roles, by=by, at=NOW)


def events() -> list[tuple[str, str]]:
    return list(AccountEvent.objects.order_by("pk").values_list("kind", "detail"))


def refusal(act, **arguments) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(services.RoleRefused) as caught:
        act(**arguments)
    return str(caught.value)


def test_a_new_role_waits_for_a_second_person(first: User, second: User, colleague: User) -> None:
    (grant,) = ask(colleague, READ, REVIEW, by=first)
    assert services.held_roles(colleague) == {READ}
    assert services.asked_roles(colleague) == {REVIEW}
    services.grant_role(grant=grant, by=second, at=LATER)
    assert services.held_roles(colleague) == {READ, REVIEW}
    grant.refresh_from_db()
    assert (grant.state, grant.decided_by, grant.decided_at) == ("granted", second, LATER)
    assert events() == [(EventKind.ROLE_ASKED, REVIEW), (EventKind.ROLE_GRANTED, REVIEW)]


def test_whoever_asked_does_not_give_it_too(first: User, colleague: User) -> None:
    (grant,) = ask(colleague, READ, SIGN, by=first)
    assert "eine zweite Person" in refusal(services.grant_role, grant=grant, by=first, at=LATER)
    assert services.held_roles(colleague) == {READ}
    assert events() == [(EventKind.ROLE_ASKED, SIGN), (EventKind.ROLE_FORBIDDEN, SIGN)]


def test_whoever_gets_it_does_not_give_it(first: User, second: User) -> None:
    (grant,) = ask(second, PEOPLE, ADMINISTER, by=first)
    assert "weder wer sie" in refusal(services.grant_role, grant=grant, by=second, at=LATER)
    assert services.held_roles(second) == {PEOPLE}


def test_nobody_gives_or_takes_a_role_of_their_own_and_the_try_is_on_record(first: User) -> None:
    for roles in ([PEOPLE, ADMINISTER], []):
        said = refusal(services.set_roles, user=first, roles=roles, by=first, at=NOW)
        assert said.startswith("Niemand gibt oder nimmt sich selbst")
    assert services.held_roles(first) == {PEOPLE}
    assert events() == [
        (EventKind.ROLE_FORBIDDEN, "Verwaltung, Personen"),
        (EventKind.ROLE_FORBIDDEN, "keine"),
    ]


@pytest.mark.parametrize("role", [role for role in STAFF_GROUPS if role != PEOPLE])
def test_only_who_administers_people_deals_with_roles(colleague: User, role: str) -> None:
    other = StaffFactory(roles=[PEOPLE])
    (grant,) = ask(colleague, READ, SIGN, by=other)
    by = world.staff(role)
    assert "wer die Rolle" in refusal(
        services.set_roles, user=colleague, roles=[READ], by=by, at=NOW
    )
    assert "zweite Person" in refusal(services.grant_role, grant=grant, by=by, at=NOW)
    assert "vorbehalten" in refusal(services.refuse_role, grant=grant, by=by, at=NOW)
    assert services.asked_roles(colleague) == {SIGN}


def test_roles_that_never_meet_are_refused_when_asked_for(first: User, colleague: User) -> None:
    said = refusal(services.set_roles, user=colleague, roles=[PEOPLE, SIGN], by=first, at=NOW)
    assert "allein entscheiden" in said
    said = refusal(services.set_roles, user=colleague, roles=[AUDIT, REVIEW], by=first, at=NOW)
    assert "ändert nichts" in said
    assert RoleGrant.objects.count() == 0


def test_roles_that_never_meet_are_refused_when_given(
    first: User, second: User, colleague: User
) -> None:
    (grant,) = ask(colleague, READ, REVIEW, by=first)
    colleague.groups.add(world.staff(PEOPLE).groups.get())
    said = refusal(services.grant_role, grant=grant, by=second, at=LATER)
    assert "allein entscheiden" in said
    assert services.held_roles(colleague) == {READ, PEOPLE}


def test_a_role_is_for_active_staff(first: User, second: User, colleague: User) -> None:
    assert "aktive Konten" in refusal(
        services.set_roles, user=UserFactory(), roles=[READ], by=first, at=NOW
    )
    (grant,) = ask(colleague, READ, REVIEW, by=first)
    colleague.is_active = False
    colleague.save()
    assert "nicht mehr aktiv" in refusal(services.grant_role, grant=grant, by=second, at=LATER)


def test_a_role_that_does_not_exist_is_refused(first: User, colleague: User) -> None:
    assert refusal(services.set_roles, user=colleague, roles=["Chef"], by=first, at=NOW) == (
        "Diese Rolle gibt es nicht."
    )


def test_what_is_taken_goes_at_once_and_open_wishes_with_it(first: User, colleague: User) -> None:
    (grant,) = ask(colleague, READ, SIGN, by=first)
    assert ask(colleague, by=first) == []
    assert (services.held_roles(colleague), services.asked_roles(colleague)) == (set(), set())
    grant.refresh_from_db()
    assert grant.state == GrantState.REFUSED
    assert events()[1:] == [(EventKind.ROLE_WITHDRAWN, READ), (EventKind.ROLE_REFUSED, SIGN)]


def test_asking_twice_asks_once(first: User, second: User, colleague: User) -> None:
    ask(colleague, READ, SIGN, by=first)
    assert ask(colleague, READ, SIGN, by=second) == []
    assert RoleGrant.objects.count() == 1


def test_a_wish_is_decided_once(first: User, second: User, colleague: User) -> None:
    (grant,) = ask(colleague, READ, SIGN, by=first)
    services.refuse_role(grant=grant, by=first, at=LATER)
    for act in (services.grant_role, services.refuse_role):
        assert refusal(act, grant=grant, by=second, at=LATER) == "Darüber ist schon entschieden."
    assert events()[-1] == (EventKind.ROLE_REFUSED, SIGN)


def test_the_database_keeps_four_eyes_too(first: User, colleague: User) -> None:
    values = {"user": colleague, "role": SIGN, "asked_by": first, "asked_at": NOW}
    decided = {"state": GrantState.GRANTED, "decided_at": NOW}
    for wrong in (
        {**values, "asked_by": colleague},
        {**values, **decided, "decided_by": first},
        {**values, **decided, "decided_by": colleague},
        {**values, "state": GrantState.GRANTED},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            RoleGrant.objects.create(**wrong)
