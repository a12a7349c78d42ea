"""Rows of the plan after the period changed: moved, kept, taken out, never lost on the quiet."""

import pytest

from applications import services
from applications.models import Revision
from applications.rules import Step
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> world.World:
    return world.build()


def move(application, by, choices, revision=None):
    application.refresh_from_db()
    return services.move_rows(
        application=application,
        choices=choices,
        base_revision=application.revision if revision is None else revision,
        by=by,
        at=NOW,
    )


def test_rows_move_stay_or_go_with_one_revision(w):
    application = world.filled(w)
    plan = services.read_step(application, Step.FINANZIERUNG)
    first, second = plan["expenses"]
    grant, own, *rest = plan["cover"]
    before = Revision.objects.count()
    move(application, w.clerk, {first["id"]: 2029, grant["id"]: 2029, own["id"]: None})
    now = services.read_step(application, Step.FINANZIERUNG)
    assert now["expenses"] == [second, {**first, "year": 2029}]
    assert now["cover"] == [*rest, {**grant, "year": 2029}]
    assert Revision.objects.count() == before + 1
    assert Revision.objects.latest("number").step == Step.FINANZIERUNG


def test_nothing_chosen_changes_nothing(w):
    application = world.filled(w)
    before = Revision.objects.count()
    move(application, w.clerk, {})
    assert Revision.objects.count() == before


@pytest.mark.parametrize("year", [2029, None])
def test_a_row_that_somebody_changed_since_is_neither_moved_nor_taken_out(w, year):
    application = world.filled(w)
    plan = services.read_step(application, Step.FINANZIERUNG)
    row = plan["expenses"][0]
    revision = application.revision
    changed = [{**row, "amount": "1.00"}, plan["expenses"][1]]
    world.save(application, Step.FINANZIERUNG, {"expenses": changed}, w.signatory)
    with pytest.raises(services.EditConflict):
        move(application, w.clerk, {row["id"]: year}, revision)
    assert services.read_step(application, Step.FINANZIERUNG)["expenses"] == changed


def test_it_is_for_those_who_may_write(w):
    with pytest.raises(services.NotAllowed):
        move(world.filled(w), w.stranger, {})
