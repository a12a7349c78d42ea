"""Who may do what at the desk and for a municipality, in literal tables."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group

from municipalities import permissions
from municipalities.models import Membership
from municipalities.permissions import ADMINISTER, READ, REVIEW, SIGN, STAFF_GROUPS
from tests import world
from tests.factories import NOW, MembershipFactory, MunicipalityFactory, UserFactory

pytestmark = pytest.mark.django_db


def staff(*roles: str, **fields: Any) -> Any:
    """A person of the authority with all these roles."""
    person = world.staff(roles[0], **fields)
    for role in roles[1:]:
        person.groups.add(Group.objects.get_or_create(name=role)[0])
    return person


def test_the_roles_are_four():
    assert STAFF_GROUPS == ("Lesen", "Prüfung", "Schlusszeichnung", "Verwaltung")


@pytest.mark.parametrize(
    ("role", "reads", "reviews", "signs", "administers"),
    [
        (READ, True, False, False, False),
        (REVIEW, True, True, False, False),
        (SIGN, True, False, True, False),
        (ADMINISTER, True, False, False, True),
    ],
)
def test_each_role_may_do_its_own_and_no_more(role, reads, reviews, signs, administers):
    person = staff(role)
    assert permissions.staff_roles(person) == {role}
    assert permissions.may_read_desk(person) is reads
    assert permissions.may_review(person) is reviews
    assert permissions.may_sign_decisions(person) is signs
    assert permissions.may_administer(person) is administers


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
        assert permissions.may_read_desk(person) is False, who
        assert permissions.may_review(person) is False, who
        assert permissions.may_sign_decisions(person) is False, who
        assert permissions.may_administer(person) is False, who


def test_a_superuser_of_the_authority_holds_all_roles():
    person = UserFactory(is_superuser=True, is_staff=True)
    assert permissions.staff_roles(person) == frozenset(STAFF_GROUPS)


def test_the_roles_of_a_person_are_read_once(django_assert_num_queries):
    person = staff(REVIEW)
    with django_assert_num_queries(1):
        assert permissions.may_review(person) is True
        assert permissions.may_administer(person) is False
        assert permissions.may_read_desk(person) is True


EVERYBODY = {READ, REVIEW, SIGN, ADMINISTER}
KEEPERS = {ADMINISTER}
TABLE: dict[str, dict[str, set[str]]] = {
    "applications.application": {"view": EVERYBODY},
    "applications.fundingcall": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "applications.letterblock": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "municipalities.district": {"view": EVERYBODY, "change": KEEPERS},
    "municipalities.membership": {"view": KEEPERS, "add": KEEPERS, "change": KEEPERS},
    "municipalities.municipality": {"view": EVERYBODY, "change": KEEPERS},
    "municipalities.population": {"view": EVERYBODY, "add": KEEPERS},
    "municipalities.registerimport": {"view": EVERYBODY},
    "municipalities.user": {"view": KEEPERS, "add": KEEPERS, "change": KEEPERS},
    "portal.authority": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "portal.download": {
        "view": EVERYBODY,
        "add": KEEPERS,
        "change": KEEPERS,
        "delete": KEEPERS,
    },
    "portal.job": {"view": KEEPERS},
    "portal.outboxmail": {"view": KEEPERS},
    "projects.contact": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "projects.fundinground": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "projects.project": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "projects.projectdocument": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "projects.projectmember": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
}
"""Model, verb, roles. Nothing of a case may be added, changed or deleted by hand at the desk."""

VERBS = ("view", "add", "change", "delete")


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
    assert [may(person, elsewhere) for may in RIGHTS.values()] == [False, False, False]


def test_rights_begin_with_the_confirmation_and_end_with_the_account():
    membership = MembershipFactory(may_sign=True)
    person, town = membership.user, membership.municipality
    assert [may(person, town) for may in RIGHTS.values()] == [False, False, False]
    Membership.objects.update(confirmed_at=NOW, confirmed_by=staff(ADMINISTER))
    assert [may(person, town) for may in RIGHTS.values()] == [True, True, True]
    person.is_active = False
    assert [may(person, town) for may in RIGHTS.values()] == [False, False, False]


def test_nobody_acts_for_a_municipality_without_belonging_to_it():
    town = MunicipalityFactory()
    superuser = UserFactory(is_superuser=True, is_staff=True)
    for person in (AnonymousUser(), UserFactory(), staff(ADMINISTER), superuser):
        assert [may(person, town) for may in RIGHTS.values()] == [False, False, False]
