"""Who is in a section: seen by others, gone by itself, and cheap to note."""

from datetime import timedelta

import pytest
from django.test import Client

from applications.models import Presence
from applications.models.editing import DESK
from applications.rules import Step
from applications.services import presence
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def application(w):
    return world.draft(w)


def note(application, by, at=NOW, step=Step.KONZEPTION, **more):
    rows = presence.note(application=application, step=step, by=by, at=at, **more)
    return [(row.user, row.since) for row in rows]


def seen(application, by, at=NOW, step=Step.KONZEPTION):
    rows = presence.others(application=application, step=step, by=by, at=at)
    return [(row.user, row.since) for row in rows]


def test_two_people_see_each_other_and_not_themselves(w, application):
    assert note(application, w.clerk) == []
    assert note(application, w.signatory, NOW + MINUTE) == [(w.clerk, NOW)]
    assert note(application, w.clerk, NOW + 2 * MINUTE) == [(w.signatory, NOW + MINUTE)]
    assert seen(application, w.clerk, NOW + 2 * MINUTE) == [(w.signatory, NOW + MINUTE)]


def test_other_sections_and_applications_are_left_out(w, application):
    note(application, w.clerk)
    assert seen(application, w.signatory, step=Step.ZEITPLAN) == []
    assert seen(world.draft(w), w.signatory) == []


def test_an_opened_page_counts_for_a_quarter_of_an_hour(w, application):
    note(application, w.clerk)
    assert seen(application, w.signatory, NOW + 15 * MINUTE - SECOND) == [(w.clerk, NOW)]
    assert seen(application, w.signatory, NOW + 15 * MINUTE) == []


def test_a_sign_of_life_counts_for_two_minutes(w, application):
    note(application, w.clerk)
    note(application, w.clerk, NOW + SECOND, alive=True)
    assert seen(application, w.signatory, NOW + 2 * MINUTE) == [(w.clerk, NOW)]
    assert seen(application, w.signatory, NOW + 2 * MINUTE + SECOND) == []


def test_who_stays_is_there_since_the_beginning_and_who_comes_back_since_then(w, application):
    for minutes in range(10):
        note(application, w.clerk, NOW + minutes * MINUTE, alive=True)
    assert seen(application, w.signatory, NOW + 10 * MINUTE) == [(w.clerk, NOW)]
    note(application, w.clerk, NOW + 30 * MINUTE)
    assert seen(application, w.signatory, NOW + 30 * MINUTE) == [(w.clerk, NOW + 30 * MINUTE)]
    assert Presence.objects.count() == 1


def test_it_is_written_at_most_every_half_minute(w, application, django_assert_num_queries):
    with django_assert_num_queries(2):
        note(application, w.clerk)
    with django_assert_num_queries(1):
        note(application, w.clerk, NOW + 29 * SECOND)
    with django_assert_num_queries(2):
        note(application, w.clerk, NOW + 30 * SECOND)


def test_three_people_cost_as_many_queries_as_one(w, application, django_assert_num_queries):
    for person in (w.signatory, w.stranger, w.reader):
        note(application, person)
    with django_assert_num_queries(2):
        assert len(note(application, w.clerk)) == 3


def test_going_on_to_the_next_section_ends_the_stay_without_a_script(w, application):
    note(application, w.clerk)
    note(application, w.clerk, NOW + MINUTE, step=Step.ZEITPLAN)
    assert seen(application, w.signatory, NOW + MINUTE) == []
    assert seen(application, w.signatory, NOW + MINUTE, step=Step.ZEITPLAN) != []


def test_two_windows_with_a_script_are_two_places(w, application):
    note(application, w.clerk, alive=True)
    note(application, w.clerk, NOW + SECOND, step=Step.ZEITPLAN)
    assert seen(application, w.signatory, NOW + SECOND) == [(w.clerk, NOW)]
    presence.leave(application=application, step=Step.KONZEPTION, by=w.clerk)
    assert seen(application, w.signatory, NOW + SECOND) == []


def test_who_signs_out_is_nowhere_any_more(w, application, settings):
    settings.PORTAL_DEMO = True  # the desk does without a second factor
    client = Client()
    client.force_login(w.clerk)
    note(application, w.clerk, alive=True)
    note(application, w.clerk, step=Step.ZEITPLAN)
    note(application, w.signatory)
    assert client.get("/konto/abmelden/").status_code == 200
    assert Presence.objects.count() == 3, "only asked so far"
    client.post("/konto/abmelden/")
    assert [row.user for row in Presence.objects.all()] == [w.signatory]
    client.force_login(w.reviewer)
    note(application, w.reviewer, step=DESK)
    client.post("/admin/logout/")
    assert [row.user for row in Presence.objects.all()] == [w.signatory]


def test_what_is_over_is_erased_everywhere(w, application):
    note(world.draft(w), w.stranger)
    note(application, w.signatory)
    note(application, w.clerk, NOW + 16 * MINUTE)
    assert [row.user for row in Presence.objects.all()] == [w.clerk]
