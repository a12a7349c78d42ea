"""Saving while somebody writes: nothing of anybody is overwritten, nothing valid is left out."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from applications import services
from applications.models import Application, Revision
from applications.rules import Step
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> world.World:
    return world.build()


class Form:
    """A form that stays open: what it shows, and what it carries from save to save."""

    def __init__(self, application: Application, by: Any, step: Step = Step.KONZEPTION) -> None:
        application.refresh_from_db()
        self.application, self.by, self.step = application, by, step
        self.shown = services.read_step(application, step)
        self.basis, self.own = application.revision, ()

    def save(self, *, unread: tuple[str, ...] = (), without: tuple[str, ...] = (), **typed: Any):
        self.shown |= typed
        saved = services.save_typed(
            application=self.application,
            step=self.step,
            data={name: value for name, value in self.shown.items() if name not in without},
            base_revision=self.basis,
            own_revisions=self.own,
            unread=unread,
            by=self.by,
            at=NOW + timedelta(minutes=1),
        )
        self.basis, self.own = saved.basis, saved.own
        return saved

    def submit(self, **typed: Any) -> Application:
        self.shown |= typed
        return services.save_step(
            application=self.application,
            step=self.step,
            data=self.shown,
            base_revision=self.basis,
            own_revisions=self.own,
            by=self.by,
            at=NOW + timedelta(minutes=2),
        )


def stored(application: Application, *fields: str) -> tuple[Any, ...]:
    application.refresh_from_db()
    return tuple(getattr(application, name) for name in fields)


def test_every_save_moves_the_basis_on_and_appends_a_revision(w):
    application = world.filled(w)
    form = Form(application, w.clerk)
    first = form.basis
    assert (form.save(title="Eins").basis, form.own) == (first + 1, ())
    assert (form.save(title="Zwei").basis, form.own) == (first + 2, ())
    assert form.save().basis == first + 2  # nothing new, nothing written
    assert stored(application, "title", "revision") == ("Zwei", first + 2)
    last = Revision.objects.filter(application=application).latest("number")
    assert (last.by, last.at, last.step) == (w.clerk, NOW + timedelta(minutes=1), Step.KONZEPTION)


def test_other_sections_saved_in_between_do_not_stand_in_the_way(w):
    application = world.filled(w)
    form = Form(application, w.clerk)
    world.save(application, Step.BETEILIGUNG, {"bodies": "Neu"}, w.signatory)
    saved = form.save(title="Eins")
    assert (saved.conflicts, saved.unseen, form.own) == ([], [], ())
    assert saved.basis == stored(application, "revision")[0]


def test_what_others_changed_is_kept_and_never_undone_by_what_the_form_still_shows(w):
    """The trap: with a basis moved on, the form's old value would look like a change."""
    application = world.filled(w)
    mine, theirs = Form(application, w.clerk), Form(application, w.signatory)
    theirs.save(goals="Ihre Ziele")
    saved = mine.save(title="Mein Titel")
    assert (saved.unseen, saved.conflicts) == (["goals"], [])
    mine.save(title="Mein zweiter Titel")
    mine.save(summary="Mein Text")
    mine.submit()
    assert stored(application, "title", "summary", "goals") == (
        "Mein zweiter Titel",
        "Mein Text",
        "Ihre Ziele",
    )


def test_typing_over_what_others_changed_in_the_meantime_is_a_conflict(w):
    application = world.filled(w)
    mine, theirs = Form(application, w.clerk), Form(application, w.signatory)
    theirs.save(goals="Ihre Ziele")
    mine.save(title="Mein Titel")
    saved = mine.save(goals="Meine Ziele", summary="Mein Text")
    [conflict] = saved.conflicts
    assert (conflict.key, conflict.base, conflict.theirs, conflict.mine) == (
        "goals",
        "Ziele",
        "Ihre Ziele",
        "Meine Ziele",
    )
    assert stored(application, "goals", "summary") == ("Ihre Ziele", "Mein Text")
    with pytest.raises(services.EditConflict) as raised:
        mine.submit()
    assert [one.key for one in raised.value.conflicts] == ["goals"]
    assert raised.value.merged["title"] == "Mein Titel"


def test_two_who_take_turns_on_one_field_meet_the_conflict_both_times(w):
    application = world.filled(w)
    mine, theirs = Form(application, w.clerk), Form(application, w.signatory)
    mine.save(title="A")
    assert [c.key for c in theirs.save(title="B").conflicts] == ["title"]
    assert mine.save(title="C").conflicts == []
    assert stored(application, "title") == ("C",)
    assert [c.theirs for c in theirs.save(title="B").conflicts] == ["C"]


def test_own_revisions_count_only_where_the_same_person_made_them(w):
    application = world.filled(w)
    mine, theirs = Form(application, w.clerk), Form(application, w.signatory)
    number = theirs.save(goals="Ihre Ziele").application.revision
    mine.own = (number,)  # claimed, but not theirs to claim
    assert [c.key for c in mine.save(goals="Meine Ziele").conflicts] == ["goals"]


def test_both_typed_the_same(w):
    application = world.filled(w)
    mine, theirs = Form(application, w.clerk), Form(application, w.signatory)
    theirs.save(title="Gleich")
    saved = mine.save(title="Gleich")
    assert (saved.conflicts, saved.unseen) == ([], [])


def test_a_field_that_cannot_be_read_stays_as_stored_and_is_not_taken_for_seen(w):
    application = world.filled(w)
    form = Form(application, w.clerk, Step.ZEITPLAN)
    world.save(application, Step.ZEITPLAN, {"months": 12}, w.signatory)
    saved = form.save(without=("months",), starts_on="2027-08-01")
    assert saved.unseen == ["months"]
    assert stored(application, "months") == (12,)
    assert [c.key for c in form.save(months=15).conflicts] == ["months"]
    assert stored(application, "months") == (12,)


def test_a_row_that_cannot_be_read_wholly_is_not_taken_for_seen(w):
    application = world.filled(w)
    form = Form(application, w.clerk, Step.FINANZIERUNG)
    before = form.shown["expenses"]
    changed = [{**before[0], "amount": "5000.00"}, before[1]]
    world.save(application, Step.FINANZIERUNG, {"expenses": changed}, w.signatory)
    key = f"expenses:{before[0]['id']}"
    # The form cannot read its own amount and so sends the stored one along.
    saved = form.save(unread=(key,), expenses=changed)
    assert saved.unseen == [key]
    mine = [{**before[0], "amount": "7000.00"}, before[1]]
    assert [c.key for c in form.save(expenses=mine).conflicts] == [key]


def test_rows_of_both_stay(w):
    application = world.filled(w)
    mine = Form(application, w.clerk, Step.BETEILIGUNG)
    theirs = Form(application, w.signatory, Step.BETEILIGUNG)
    one = {"id": str(uuid.uuid4()), "name": "Fest", "reaches": "", "when": "", "barriers": ""}
    two = {**one, "id": str(uuid.uuid4()), "name": "Forum"}
    theirs.save(formats=[*theirs.shown["formats"], one])
    mine.save(formats=[*mine.shown["formats"], two])
    mine.save(formats=[row for row in mine.shown["formats"] if row["id"] == two["id"]])
    assert sorted(application.formats.values_list("name", flat=True)) == ["Fest", "Forum"]


def test_it_is_for_those_who_may_write_and_while_it_can_be_written(w):
    application = world.filled(w)
    with pytest.raises(services.NotAllowed):
        Form(application, w.stranger).save(title="Nein")
    world.file(application, w.signatory)
    with pytest.raises(services.NotEditable):
        Form(application, w.clerk).save(title="Nein")
    assert stored(application, "title") == ("Vielfalt in Musterstadt",)
