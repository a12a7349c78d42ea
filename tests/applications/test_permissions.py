"""Who sees, writes, files, reviews and signs an application."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from applications import permissions, services
from applications.models import Application
from applications.rules import Step
from applications.workflow import BY_ACTION, Actor
from municipalities.models import Membership
from municipalities.permissions import READ, REVIEW, SIGN
from tests import world
from tests.factories import NOW, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

PEOPLE = ("clerk", "signatory", "stranger", "reader", "reviewer", "signer", "administrator")


@pytest.fixture
def w() -> world.World:
    return world.build()


def member(w: world.World, confirmed: bool = True, **rights: bool) -> Any:
    """A person of the town with exactly these rights."""
    given = {"may_read": False, "may_edit": False, "may_sign": False} | rights
    confirmation = {"confirmed_at": NOW, "confirmed_by": w.administrator} if confirmed else {}
    return MembershipFactory(user=UserFactory(), municipality=w.town, **given, **confirmation).user


def rights(person: Any, application: Application) -> dict[str, bool]:
    return {
        "see": permissions.may_see(person, application),
        "edit": permissions.may_edit(person, application),
        "file": permissions.may_file(person, application),
        "review": permissions.may_review_application(person, application),
        "sign": permissions.may_sign_decision(person, application),
    }


def given(person: Any, application: Application) -> set[str]:
    """The rights the person has, by name."""
    return {name for name, has in rights(person, application).items() if has}


NOTHING: set[str] = set()

BY_STATE: dict[str, dict[str, set[str]]] = {
    "draft": {
        "clerk": {"see", "edit"},
        "signatory": {"see", "edit", "file"},
        "stranger": NOTHING,
        "reader": NOTHING,
        "reviewer": NOTHING,
        "signer": NOTHING,
        "administrator": NOTHING,
    },
    "submitted": {
        "clerk": {"see", "edit"},
        "signatory": {"see", "edit", "file"},
        "stranger": NOTHING,
        "reader": NOTHING,
        "reviewer": {"review"},
        "signer": NOTHING,
        "administrator": NOTHING,
    },
    "proposed": {
        "clerk": {"see", "edit"},
        "signatory": {"see", "edit", "file"},
        "stranger": NOTHING,
        "reader": NOTHING,
        "reviewer": {"review"},
        "signer": {"sign"},
        "administrator": NOTHING,
    },
}
"""Whether a step is open or a move leads on from the state is told elsewhere."""


@pytest.mark.parametrize("state", BY_STATE)
def test_everybody_has_their_rights_and_no_others(w, state):
    application = getattr(world, state)(w)
    assert {who: given(getattr(w, who), application) for who in PEOPLE} == BY_STATE[state]


@pytest.mark.parametrize("state", BY_STATE)
def test_nobody_without_an_account_has_any_right(w, state):
    application = getattr(world, state)(w)
    assert given(AnonymousUser(), application) == NOTHING
    assert permissions.may_start(AnonymousUser(), w.town) is False


@pytest.mark.parametrize("state", BY_STATE)
def test_an_inactive_account_has_no_right_left(w, state):
    application = getattr(world, state)(w)
    for who in PEOPLE:
        person = getattr(w, who)
        person.is_active = False
        assert given(person, application) == NOTHING, who
        assert permissions.may_start(person, w.town) is False
        assert list(permissions.visible_at_desk(person)) == []


# --- The applicant's side -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("has", "may"),
    [
        ({"may_read": True}, {"see"}),
        ({"may_edit": True}, {"edit"}),
        ({"may_sign": True}, {"file"}),
        ({}, NOTHING),
    ],
)
def test_each_right_in_a_municipality_stands_for_itself(w, has, may):
    assert given(member(w, **has), world.draft(w)) == may


def test_whoever_is_not_confirmed_yet_has_only_what_they_began(w):
    person = member(w, confirmed=False, may_read=True, may_edit=True)
    own = world.draft(w, by=person)
    assert given(person, own) == {"see", "edit", "file"}
    assert given(person, world.draft(w)) == NOTHING


def test_whoever_is_not_confirmed_and_may_not_write_files_nothing_of_their_own(w):
    person = member(w, confirmed=False, may_read=True, may_edit=True)
    own = world.draft(w, by=person)
    Membership.objects.filter(user=person).update(may_edit=False, may_sign=True)
    assert given(person, own) == {"see"}


def test_a_confirmation_without_the_right_to_sign_ends_filing_what_one_began(w):
    person = member(w, confirmed=False, may_read=True, may_edit=True)
    own = world.draft(w, by=person)
    Membership.objects.filter(user=person).update(confirmed_at=NOW, confirmed_by=w.administrator)
    assert given(person, own) == {"see", "edit"}


def test_whoever_left_the_municipality_loses_what_they_began(w):
    application = world.draft(w)
    Membership.objects.filter(user=w.clerk).delete()
    assert given(w.clerk, application) == NOTHING


def test_the_people_of_a_partner_have_no_right_in_the_leads_application(w):
    application = world.draft(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.other_town.ags]}, w.clerk)
    assert given(w.stranger, application) == NOTHING
    assert list(permissions.visible_to(w.stranger)) == []


def test_people_see_the_applications_their_municipality_leads(w):
    mine = [world.draft(w), world.submitted(w)]
    other = services.start(call=w.call, lead=w.other_town, by=w.stranger, at=NOW)
    assert set(permissions.visible_to(w.clerk)) == set(mine)
    assert set(permissions.visible_to(w.signatory)) == set(mine)
    assert list(permissions.visible_to(w.stranger)) == [other]
    assert list(permissions.visible_to(AnonymousUser())) == []


def test_a_person_of_two_municipalities_sees_both(w):
    mine = world.draft(w)
    other = services.start(call=w.call, lead=w.other_town, by=w.stranger, at=NOW)
    MembershipFactory(
        user=w.clerk, municipality=w.other_town, confirmed_at=NOW, confirmed_by=w.administrator
    )
    assert set(permissions.visible_to(w.clerk)) == {mine, other}


def test_an_application_is_listed_once_however_many_partners_it_has(w):
    application = world.draft(w)
    keys = [w.small.ags, w.other_town.ags]
    world.save(application, Step.KOMMUNE, {"partners": keys}, w.clerk)
    assert list(permissions.visible_to(w.clerk)) == [application]


@pytest.mark.parametrize(
    ("confirmed", "may_edit", "may"),
    [(True, True, True), (False, True, True), (True, False, False), (False, False, False)],
)
def test_whoever_may_write_may_begin_confirmed_or_not(w, confirmed, may_edit, may):
    person = member(w, confirmed=confirmed, may_edit=may_edit, may_read=True, may_sign=True)
    assert permissions.may_start(person, w.town) is may
    assert permissions.may_start(person, w.other_town) is False


def test_staff_are_no_applicants_by_being_staff_nor_a_superuser(w):
    application = world.submitted(w)
    boss = UserFactory(is_staff=True, is_superuser=True)
    assert given(boss, application) == NOTHING
    assert list(permissions.visible_to(boss)) == []


# --- The desk -------------------------------------------------------------------------------------


def test_staff_see_all_that_was_filed_and_no_draft(w):
    draft, filed = world.draft(w), world.submitted(w)
    services.withdraw(application=filed, reason="x", by=w.signatory, at=NOW)
    for who in ("reader", "reviewer", "signer", "administrator", "auditor"):
        assert list(permissions.visible_at_desk(getattr(w, who))) == [filed], who
    assert list(permissions.visible_at_desk(w.people)) == []
    for person in (w.clerk, w.signatory, w.stranger, AnonymousUser()):
        assert list(permissions.visible_at_desk(person)) == []
    assert draft.is_draft is True


def test_nobody_signs_what_they_wrote_even_with_both_roles(w):
    person = world.staff(REVIEW)
    person.groups.add(world.staff(SIGN).groups.get())
    application = world.in_substance(w)
    services.propose(application=application, proposal=world.grant_proposal(), by=person, at=NOW)
    application.refresh_from_db()
    assert given(person, application) == {"review"}
    assert given(w.signer, application) == {"sign"}


def test_there_is_nothing_to_sign_without_an_open_proposal(w):
    application = world.proposed(w)
    services.return_proposal(application=application, reason="x", by=w.signer, at=NOW)
    application.refresh_from_db()
    assert permissions.may_sign_decision(w.signer, application) is False


def test_reading_staff_may_do_nothing_to_a_case(w):
    assert given(world.staff(READ), world.proposed(w)) == NOTHING


def test_a_move_is_open_to_those_its_table_names(w):
    application = world.proposed(w)
    may = {
        actor: {
            who
            for who in PEOPLE
            if all(
                permissions.may_make(getattr(w, who), application, move)
                for move in BY_ACTION.values()
                # What came otherwise is confirmed while it is no case yet.
                if move.actor is actor and move.action != "confirm_recording"
            )
        }
        for actor in Actor
    }
    assert may == {
        Actor.APPLICANT: {"signatory"},
        Actor.REVIEWER: {"reviewer"},
        Actor.SIGNER: {"signer"},
    }
    some = {
        who
        for who in PEOPLE
        for move in BY_ACTION.values()
        if permissions.may_make(getattr(w, who), application, move)
    }
    assert some == {"signatory", "reviewer", "signer"}
