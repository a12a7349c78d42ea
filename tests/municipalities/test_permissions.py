"""Who may do what at the desk and for a municipality, in literal tables."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group

from municipalities import permissions
from municipalities.models import Membership
from municipalities.permissions import (
    ADMINISTER,
    AUDIT,
    PEOPLE,
    READ,
    REVIEW,
    SIGN,
    STAFF_GROUPS,
    SUPERUSER_ROLES,
)
from tests import world
from tests.factories import NOW, MembershipFactory, MunicipalityFactory, UserFactory
from tests.rights import TABLE, VERBS

pytestmark = pytest.mark.django_db


def staff(*roles: str, **fields: Any) -> Any:
    """A person of the authority with all these roles."""
    person = world.staff(roles[0], **fields)
    for role in roles[1:]:
        person.groups.add(Group.objects.get_or_create(name=role)[0])
    return person


def test_the_roles_are_six():
    assert STAFF_GROUPS == (
        "Lesen",
        "Revision",
        "Prüfung",
        "Schlusszeichnung",
        "Verwaltung",
        "Personen",
    )


MAY = {
    "reads the desk": (permissions.may_read_desk, {READ, AUDIT, REVIEW, SIGN, ADMINISTER}),
    "reviews": (permissions.may_review, {REVIEW}),
    "signs": (permissions.may_sign_decisions, {SIGN}),
    "administers": (permissions.may_administer, {ADMINISTER}),
    "administers people": (permissions.may_administer_people, {PEOPLE}),
    "reads the sign-in log": (permissions.may_read_account_log, {AUDIT, PEOPLE}),
}


@pytest.mark.parametrize("role", STAFF_GROUPS)
def test_each_role_may_do_its_own_and_no_more(role):
    person = staff(role)
    assert permissions.staff_roles(person) == {role}
    assert {what: may(person) for what, (may, _) in MAY.items()} == {
        what: role in roles for what, (_, roles) in MAY.items()
    }


PAIRS_REFUSED = {
    frozenset({PEOPLE, REVIEW}),
    frozenset({PEOPLE, SIGN}),
    frozenset({AUDIT, REVIEW}),
    frozenset({AUDIT, SIGN}),
    frozenset({AUDIT, ADMINISTER}),
    frozenset({AUDIT, PEOPLE}),
}


def test_some_roles_never_meet_in_one_person():
    refused = {
        frozenset({one, other})
        for one in STAFF_GROUPS
        for other in STAFF_GROUPS
        if one != other and permissions.conflicts([one, other])
    }
    assert refused == PAIRS_REFUSED
    assert len(permissions.conflicts(STAFF_GROUPS)) == 6


def test_a_person_may_hold_several_roles():
    assert permissions.staff_roles(staff(REVIEW, SIGN)) == {REVIEW, SIGN}


def test_a_group_that_is_no_role_gives_nothing():
    assert permissions.staff_roles(staff("Beirat")) == frozenset()


def _nobody() -> dict[str, Any]:
    without_desk = staff(ADMINISTER)
    without_desk.is_staff = False
    superuser_without_desk = UserFactory(is_superuser=True)
    inactive_superuser = UserFactory(is_superuser=True, is_staff=True, is_active=False)
    return {
        "nobody": AnonymousUser(),
        "a municipal person": UserFactory(),
        "staff without a role": UserFactory(is_staff=True),
        "an inactive account": staff(ADMINISTER, is_active=False),
        "a role without being staff": without_desk,
        "a superuser who is no staff": superuser_without_desk,
        "an inactive superuser": inactive_superuser,
    }


def test_roles_are_for_active_staff_only():
    for who, person in _nobody().items():
        assert permissions.staff_roles(person) == frozenset(), who
        assert [may(person) for may, _ in MAY.values()] == [False] * len(MAY), who


def test_a_superuser_of_the_authority_sets_up_everything_and_decides_nothing():
    person = UserFactory(is_superuser=True, is_staff=True)
    assert permissions.staff_roles(person) == SUPERUSER_ROLES == {READ, AUDIT, ADMINISTER, PEOPLE}
    assert not permissions.may_review(person)
    assert not permissions.may_sign_decisions(person)


def test_the_roles_of_a_person_are_read_once(django_assert_num_queries):
    person = staff(REVIEW)
    with django_assert_num_queries(1):
        assert permissions.may_review(person) is True
        assert permissions.may_administer(person) is False
        assert permissions.may_read_desk(person) is True


@pytest.mark.parametrize("role", STAFF_GROUPS)
def test_the_table_of_models_and_verbs_holds_for_every_role(role):
    person = staff(role)
    models = [*TABLE, "applications.caselogentry", "applications.decision", "auth.group"]
    found = {
        (model, verb)
        for model in models
        for verb in VERBS
        if permissions.may_use_model(person, model, verb)
    }
    assert found == {
        (model, verb)
        for model, verbs in TABLE.items()
        for verb, roles in verbs.items()
        if role in roles
    }


def test_the_table_names_no_other_model_and_no_other_verb():
    assert {
        model: {verb: set(roles) for verb, roles in verbs.items()}
        for model, verbs in permissions.DESK_RIGHTS.items()
    } == TABLE


def test_nobody_else_uses_a_model():
    for who, person in _nobody().items():
        assert not any(
            permissions.may_use_model(person, model, verb) for model in TABLE for verb in VERBS
        ), who


RIGHTS = {
    "may_read": permissions.may_read_for,
    "may_edit": permissions.may_edit_for,
    "may_sign": permissions.may_sign_for,
    "may_manage": permissions.may_manage_for,
}


@pytest.mark.parametrize("given", RIGHTS)
def test_each_right_for_a_municipality_stands_for_itself(given):
    administrator = staff(ADMINISTER)
    membership = MembershipFactory(
        **{name: name == given for name in RIGHTS},
        confirmed_at=NOW,
        confirmed_by=administrator,
    )
    person, town = membership.user, membership.municipality
    assert {name: may(person, town) for name, may in RIGHTS.items()} == {
        name: name == given for name in RIGHTS
    }
    elsewhere = MunicipalityFactory()
    assert [may(person, elsewhere) for may in RIGHTS.values()] == [False] * 4


def test_rights_begin_with_the_confirmation_and_end_with_the_account():
    membership = MembershipFactory(may_sign=True, may_manage=True)
    person, town = membership.user, membership.municipality
    assert [may(person, town) for may in RIGHTS.values()] == [False] * 4
    Membership.objects.update(confirmed_at=NOW, confirmed_by=staff(ADMINISTER))
    assert [may(person, town) for may in RIGHTS.values()] == [True] * 4
    person.is_active = False
    assert [may(person, town) for may in RIGHTS.values()] == [False] * 4


def test_nobody_acts_for_a_municipality_without_belonging_to_it():
    town = MunicipalityFactory()
    superuser = UserFactory(is_superuser=True, is_staff=True)
    for person in (AnonymousUser(), UserFactory(), staff(ADMINISTER), superuser):
        assert [may(person, town) for may in RIGHTS.values()] == [False] * 4


def test_a_municipality_is_looked_after_by_its_managers_and_by_staff_with_that_role():
    keeper = staff(PEOPLE)
    membership = MembershipFactory(may_manage=True, confirmed_at=NOW, confirmed_by=keeper)
    town = membership.municipality
    colleague = MembershipFactory(municipality=town, confirmed_at=NOW, confirmed_by=keeper).user
    assert permissions.may_look_after(membership.user, town)
    assert permissions.may_look_after(keeper, town)
    assert not permissions.may_look_after(colleague, town)
    assert not permissions.may_look_after(staff(ADMINISTER), town)
    assert not permissions.may_look_after(membership.user, MunicipalityFactory())
