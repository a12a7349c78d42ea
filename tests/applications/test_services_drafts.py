"""Writing a draft: what is saved, what is merged, what is in dispute, and what is closed."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest

from applications import services
from applications.models import Application, ApplicationMember, Document, Expense, Revision
from applications.rules import Step
from applications.services import drafts, snapshots
from applications.workflow import Status
from municipalities.models import Membership
from tests import world
from tests.factories import NOW, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def w() -> world.World:
    return world.build()


def fmt(name: str, row_id: str | None = None, **values: str) -> dict[str, Any]:
    """A row „Beteiligungsformat“."""
    row = {"name": name, "reaches": "", "when": "", "how_many": "", "barriers": ""} | values
    return {"id": row_id or str(uuid.uuid4()), **row}


def save(
    application: Application, step: Step, data: dict[str, Any], base: int, by: Any
) -> Application:
    """Save from a form that showed the revision `base`."""
    return services.save_step(
        application=application, step=step, data=data, base_revision=base, by=by, at=LATER
    )


def names(application: Application) -> list[str]:
    return [row.name for row in application.formats.all()]


def conflict_of(*arguments: Any) -> services.EditConflict:
    with pytest.raises(services.EditConflict) as refused:
        save(*arguments)
    return refused.value


# --- Beginning ------------------------------------------------------------------------------------


def test_a_draft_begins_with_its_lead_and_one_log_entry(w):
    application = world.draft(w)
    assert (application.status, application.created_by, application.created_at) == (
        Status.DRAFT,
        w.clerk,
        NOW,
    )
    assert (application.revision, application.reference, application.submitted_at) == (
        0,
        None,
        None,
    )
    lead = application.members.get()
    assert (lead.municipality, lead.role, lead.call, lead.live) == (w.town, "lead", w.call, False)
    entry = application.log.get()
    assert (entry.action, entry.actor_id, entry.content.values) == (
        "start",
        w.clerk.pk,
        {"call": w.call.pk, "lead": w.town.ags},
    )


@pytest.mark.parametrize("who", ["stranger", "reader", "reviewer", "signer", "administrator"])
def test_nobody_begins_a_draft_for_a_municipality_that_is_not_theirs(w, who):
    with pytest.raises(services.NotAllowed):
        world.draft(w, by=getattr(w, who))
    assert Application.objects.count() == 0


def test_the_instants_of_a_call_decide_whether_a_draft_can_begin(w):
    second = timedelta(seconds=1)
    opens, closes = w.call.opens_at, w.call.closes_at
    for at in (opens, closes - second):
        assert world.draft(w, at).status == Status.DRAFT
    for at in (opens - second, closes):
        with pytest.raises(services.CallNotOpen):
            world.draft(w, at)


def test_a_call_that_nobody_opened_takes_no_draft(w):
    call = world.call_in_preparation(title="Noch nicht")
    with pytest.raises(services.CallNotOpen):
        services.start(call=call, lead=w.town, by=w.clerk, at=NOW)


def test_a_municipality_may_have_several_drafts_and_none_blocks_another(w):
    assert [world.draft(w).pk for _ in range(3)] == list(
        Application.objects.order_by("pk").values_list("pk", flat=True)
    )


# --- Saving ---------------------------------------------------------------------------------------


def test_a_save_stores_what_was_written_and_appends_a_revision(w):
    application = world.draft(w)
    saved = save(application, Step.KONZEPTION, {"title": "Vielfalt", "goals": "Ziel"}, 0, w.clerk)
    assert (saved.title, saved.goals, saved.revision, saved.changed_at) == (
        "Vielfalt",
        "Ziel",
        1,
        LATER,
    )
    revision = Revision.objects.get()
    assert (revision.number, revision.step, revision.by, revision.at) == (
        1,
        "konzeption",
        w.clerk,
        LATER,
    )
    assert revision.data == {
        "title": "Vielfalt",
        "summary": "",
        "situation": "",
        "goals": "Ziel",
        "target_groups": "",
        "topics": "",
        "approach": "",
        "procurement_way": "",
        "procurement_text": "",
        "continuation": "",
    }


def test_saving_what_is_there_already_adds_nothing(w):
    application = world.filled(w)
    before = application.revisions.count()
    for step in Step:
        application = save(
            application,
            step,
            drafts.read_step(application, step),
            application.revision,
            w.clerk,
        )
    assert application.revisions.count() == before


def test_a_field_that_the_form_leaves_out_stays_as_it_is(w):
    application = world.filled(w)
    save(application, Step.KONZEPTION, {"goals": "Neu"}, application.revision, w.clerk)
    application.refresh_from_db()
    assert (application.goals, application.title) == ("Neu", "Vielfalt in Musterstadt")


def test_what_is_no_field_of_the_step_is_not_written(w):
    application = world.draft(w)
    saved = save(
        application,
        Step.KONZEPTION,
        {"file_number": "X", "status": "granted", "months": 12},
        0,
        w.clerk,
    )
    assert (saved.file_number, saved.status, saved.months, saved.revision) == (
        "",
        Status.DRAFT,
        None,
        0,
    )


def test_every_step_reads_back_what_was_saved(w):
    application = world.filled(w)
    for step, data in world.content(w.town).items():
        data = _with_ids_of(application, step, data)
        assert drafts.read_step(application, step) == data


def _with_ids_of(application: Application, step: Step, data: dict[str, Any]) -> dict[str, Any]:
    """The same content with the ids under which its rows were stored."""
    now = drafts.read_step(application, step)
    return {
        key: (
            [row | {"id": now[key][i]["id"]} for i, row in enumerate(value)]
            if isinstance(value, list)
            else value
        )
        for key, value in data.items()
    }


def test_rows_keep_their_ids_and_take_the_order_of_the_form(w):
    application = world.draft(w)
    first, second, third = fmt("A"), fmt("B"), fmt("C")
    application = save(
        application, Step.BETEILIGUNG, {"formats": [first, second, third]}, 0, w.clerk
    )
    application = save(application, Step.BETEILIGUNG, {"formats": [third, first]}, 1, w.clerk)
    assert [(str(row.pk), row.name, row.position) for row in application.formats.all()] == [
        (third["id"], "C", 0),
        (first["id"], "A", 1),
    ]


def test_the_same_row_twice_in_a_form_is_one_row(w):
    row = fmt("A")
    application = save(world.draft(w), Step.BETEILIGUNG, {"formats": [row, row]}, 0, w.clerk)
    assert names(application) == ["A"]


def test_all_rows_can_be_removed(w):
    application = world.filled(w)
    application = save(
        application, Step.FINANZIERUNG, {"expenses": [], "cover": []}, application.revision, w.clerk
    )
    assert (application.expenses.count(), application.cover.count()) == (0, 0)
    assert drafts.read_step(application, Step.FINANZIERUNG)["expenses"] == []


def test_an_amount_is_kept_to_the_cent_and_a_missing_one_stays_missing(w):
    rows = [
        world.row(year=2027, category="other", text="", amount="99999999.99", eligible=False),
        world.row(year=2027, category="other", text="", amount=None, eligible=True),
    ]
    application = save(world.draft(w), Step.FINANZIERUNG, {"expenses": rows}, 0, w.clerk)
    assert drafts.read_step(application, Step.FINANZIERUNG)["expenses"] == rows


def test_a_row_of_another_application_is_not_found(w):
    other = world.filled(w)
    stolen = other.expenses.first()
    row = world.row(year=2027, category="other", text="x", amount="1.00", eligible=True)
    row["id"] = str(stolen.pk)
    mine = world.draft(w)
    with pytest.raises(services.RowNotFound):
        save(mine, Step.FINANZIERUNG, {"expenses": [row], "vat_deductible": True}, 0, w.clerk)
    mine.refresh_from_db()
    assert (mine.vat_deductible, mine.revision, mine.expenses.count()) == (None, 0, 0)
    assert Expense.objects.get(pk=stolen.pk).application == other


# --- Two people at once ---------------------------------------------------------------------------


def test_different_fields_of_one_step_are_merged(w):
    application = world.filled(w)
    base = application.revision
    save(application, Step.KONZEPTION, {"goals": "Ihre Ziele"}, base, w.clerk)
    application = save(
        application,
        Step.KONZEPTION,
        {"goals": "Ziele", "approach": "Mein Weg"},
        base,
        w.signatory,
    )
    assert (application.goals, application.approach) == ("Ihre Ziele", "Mein Weg")


def test_the_same_change_on_both_sides_is_no_conflict(w):
    application = world.filled(w)
    base = application.revision
    save(application, Step.KONZEPTION, {"goals": "Gleich"}, base, w.clerk)
    after = application.revisions.count()
    application = save(application, Step.KONZEPTION, {"goals": "Gleich"}, base, w.signatory)
    assert application.goals == "Gleich"
    assert application.revisions.count() == after


def test_a_save_in_another_step_is_no_conflict(w):
    application = world.filled(w)
    base = application.revision
    save(application, Step.BETEILIGUNG, {"bodies": "Ihre"}, base, w.clerk)
    application = save(application, Step.KONZEPTION, {"goals": "Meine"}, base, w.signatory)
    assert (application.bodies, application.goals) == ("Ihre", "Meine")


def test_two_texts_for_one_field_are_a_conflict_and_nothing_is_written(w):
    application = world.filled(w)
    base = application.revision
    save(application, Step.KONZEPTION, {"goals": "Ihre", "summary": "Ihre"}, base, w.clerk)
    mine = {"goals": "Meine", "approach": "Mein Weg", "summary": "Kurz"}
    error = conflict_of(application, Step.KONZEPTION, mine, base, w.signatory)
    assert error.conflicts == [services.Conflict("goals", "Ziele", "Ihre", "Meine")]
    assert error.revision == base + 1
    assert error.merged == {
        "title": "Vielfalt in Musterstadt",
        "summary": "Ihre",
        "situation": "Lage",
        "goals": "Ihre",
        "target_groups": "Alle",
        "topics": "Ankommen",
        "approach": "Mein Weg",
        "procurement_way": "quotes",
        "procurement_text": "Drei Angebote",
        "continuation": "Jedes Jahr",
    }
    application.refresh_from_db()
    assert (application.goals, application.approach) == ("Ihre", "Vorgehen")
    assert application.revision == base + 1


def test_a_settled_conflict_is_saved_on_top_of_what_the_other_side_wrote(w):
    application = world.filled(w)
    base = application.revision
    save(application, Step.KONZEPTION, {"goals": "Ihre"}, base, w.clerk)
    error = conflict_of(application, Step.KONZEPTION, {"goals": "Meine"}, base, w.signatory)
    settled = {**error.merged, "goals": "Ihre und meine"}
    application = save(application, Step.KONZEPTION, settled, error.revision, w.signatory)
    assert application.goals == "Ihre und meine"


def test_a_third_save_before_a_conflict_is_settled_is_a_conflict_again(w):
    application = world.filled(w)
    base = application.revision
    save(application, Step.KONZEPTION, {"goals": "Ihre"}, base, w.clerk)
    error = conflict_of(application, Step.KONZEPTION, {"goals": "Meine"}, base, w.signatory)
    save(application, Step.KONZEPTION, {"goals": "Noch eine"}, error.revision, w.clerk)
    again = conflict_of(
        application, Step.KONZEPTION, {"goals": "Meine"}, error.revision, w.signatory
    )
    assert again.conflicts == [services.Conflict("goals", "Ihre", "Noch eine", "Meine")]


def test_every_text_that_was_in_dispute_stands_in_a_revision_or_in_the_conflict(w):
    application = world.filled(w)
    base = application.revision
    save(application, Step.KONZEPTION, {"goals": "Ihre"}, base, w.clerk)
    error = conflict_of(application, Step.KONZEPTION, {"goals": "Meine"}, base, w.signatory)
    save(application, Step.KONZEPTION, {"goals": "Meine"}, error.revision, w.signatory)
    assert list(
        application.revisions.filter(number__gte=base, step="konzeption").values_list(
            "data__goals", flat=True
        )
    ) == ["Ihre", "Meine"]


def test_emptying_a_field_that_somebody_else_rewrote_is_a_conflict(w):
    application = world.filled(w)
    base = application.revision
    save(application, Step.ZEITPLAN, {"starts_on": "2027-08-01"}, base, w.clerk)
    error = conflict_of(application, Step.ZEITPLAN, {"starts_on": None}, base, w.signatory)
    assert error.conflicts == [services.Conflict("starts_on", "2027-07-01", "2027-08-01", None)]


@pytest.fixture
def two_rows(w) -> tuple[Application, dict[str, Any], dict[str, Any]]:
    """A draft with the formats A and B at revision 1."""
    first, second = fmt("A"), fmt("B")
    application = save(world.draft(w), Step.BETEILIGUNG, {"formats": [first, second]}, 0, w.clerk)
    return application, first, second


def test_different_rows_are_merged(w, two_rows):
    application, a, b = two_rows
    save(application, Step.BETEILIGUNG, {"formats": [a | {"name": "A2"}, b]}, 1, w.clerk)
    application = save(
        application, Step.BETEILIGUNG, {"formats": [a, b | {"name": "B2"}]}, 1, w.signatory
    )
    assert names(application) == ["A2", "B2"]


def test_the_same_row_changed_differently_is_a_conflict_of_the_whole_row(w, two_rows):
    application, a, b = two_rows
    theirs, mine = a | {"when": "Herbst"}, a | {"reaches": "alle"}
    save(application, Step.BETEILIGUNG, {"formats": [theirs, b]}, 1, w.clerk)
    error = conflict_of(application, Step.BETEILIGUNG, {"formats": [mine, b]}, 1, w.signatory)
    assert error.conflicts == [services.Conflict(f"formats:{a['id']}", a, theirs, mine)]
    assert error.merged["formats"] == [theirs, b]


def test_a_row_that_i_removed_and_others_changed_is_a_conflict(w, two_rows):
    application, a, b = two_rows
    theirs = a | {"name": "A2"}
    save(application, Step.BETEILIGUNG, {"formats": [theirs, b]}, 1, w.clerk)
    error = conflict_of(application, Step.BETEILIGUNG, {"formats": [b]}, 1, w.signatory)
    assert error.conflicts == [services.Conflict(f"formats:{a['id']}", a, theirs, None)]
    application.refresh_from_db()
    assert names(application) == ["A2", "B"]
    application = save(application, Step.BETEILIGUNG, {"formats": [b]}, error.revision, w.signatory)
    assert names(application) == ["B"]


def test_a_row_that_others_removed_and_i_changed_is_a_conflict(w, two_rows):
    application, a, b = two_rows
    mine = a | {"name": "A2"}
    save(application, Step.BETEILIGUNG, {"formats": [b]}, 1, w.clerk)
    error = conflict_of(application, Step.BETEILIGUNG, {"formats": [mine, b]}, 1, w.signatory)
    assert error.conflicts == [services.Conflict(f"formats:{a['id']}", a, None, mine)]
    assert error.merged["formats"] == [b]
    application = save(
        application, Step.BETEILIGUNG, {"formats": [mine, b]}, error.revision, w.signatory
    )
    assert [(str(row.pk), row.name) for row in application.formats.all()] == [
        (a["id"], "A2"),
        (b["id"], "B"),
    ]


def test_a_row_that_others_removed_and_i_left_alone_is_gone(w, two_rows):
    application, a, b = two_rows
    save(application, Step.BETEILIGUNG, {"formats": [b]}, 1, w.clerk)
    application = save(
        application, Step.BETEILIGUNG, {"formats": [a, b], "bodies": "neu"}, 1, w.signatory
    )
    assert (names(application), application.bodies) == (["B"], "neu")


def test_a_row_that_i_removed_and_others_left_alone_is_gone(w, two_rows):
    application, _, b = two_rows
    save(application, Step.BETEILIGUNG, {"bodies": "neu"}, 1, w.clerk)
    application = save(application, Step.BETEILIGUNG, {"formats": [b]}, 1, w.signatory)
    assert (names(application), application.bodies) == (["B"], "neu")


def test_a_row_removed_on_both_sides_is_gone(w, two_rows):
    application, _, b = two_rows
    save(application, Step.BETEILIGUNG, {"formats": [b]}, 1, w.clerk)
    application = save(application, Step.BETEILIGUNG, {"formats": [b]}, 1, w.signatory)
    assert names(application) == ["B"]


def test_rows_added_on_both_sides_all_stay_mine_first(w, two_rows):
    application, a, b = two_rows
    save(application, Step.BETEILIGUNG, {"formats": [a, b, fmt("Ihre")]}, 1, w.clerk)
    application = save(
        application, Step.BETEILIGUNG, {"formats": [fmt("Meine"), b, a]}, 1, w.signatory
    )
    assert names(application) == ["Meine", "B", "A", "Ihre"]


def test_the_first_rows_of_two_people_all_stay(w):
    application = world.draft(w)
    save(application, Step.BETEILIGUNG, {"formats": [fmt("Ihre")]}, 0, w.clerk)
    application = save(application, Step.BETEILIGUNG, {"formats": [fmt("Meine")]}, 0, w.signatory)
    assert names(application) == ["Meine", "Ihre"]


def test_removing_all_rows_keeps_what_others_added_meanwhile(w, two_rows):
    application, a, b = two_rows
    save(application, Step.BETEILIGUNG, {"formats": [a, b, fmt("Ihre")]}, 1, w.clerk)
    application = save(application, Step.BETEILIGUNG, {"formats": []}, 1, w.signatory)
    assert names(application) == ["Ihre"]


def test_rows_added_by_others_stay_where_the_form_leaves_out_that_part(w, two_rows):
    application, a, b = two_rows
    save(application, Step.BETEILIGUNG, {"formats": [a, b, fmt("Ihre")]}, 1, w.clerk)
    application = save(application, Step.BETEILIGUNG, {"bodies": "neu"}, 1, w.signatory)
    assert (names(application), application.bodies) == (["A", "B", "Ihre"], "neu")


def test_the_order_is_that_of_the_form_saved_last(w, two_rows):
    application, a, b = two_rows
    save(application, Step.BETEILIGUNG, {"formats": [b, a]}, 1, w.clerk)
    application = save(application, Step.BETEILIGUNG, {"formats": [a, fmt("C"), b]}, 1, w.signatory)
    assert names(application) == ["A", "C", "B"]


# --- Partners -------------------------------------------------------------------------------------


def partners(application: Application) -> list[str]:
    return [member.municipality.ags for member in application.partners]


def test_partners_are_added_ordered_and_removed(w):
    application = world.draft(w)
    both = [w.small.ags, w.other_town.ags]
    application = save(application, Step.KOMMUNE, {"partners": both}, 0, w.clerk)
    assert partners(application) == both
    application = save(application, Step.KOMMUNE, {"partners": both[::-1]}, 1, w.clerk)
    assert partners(application) == both[::-1]
    application = save(application, Step.KOMMUNE, {"partners": []}, 2, w.clerk)
    assert partners(application) == []
    assert application.lead.municipality == w.town
    assert [r.data for r in application.revisions.all()] == [
        {"partners": both, "cooperations": []},
        {"partners": both[::-1], "cooperations": []},
        {"partners": [], "cooperations": []},
    ]


def test_a_partner_of_a_draft_is_not_live(w):
    application = world.draft(w)
    save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, 0, w.clerk)
    assert set(application.members.values_list("role", "live", "call")) == {
        ("lead", False, w.call.pk),
        ("partner", False, w.call.pk),
    }


def test_lead_repetitions_and_unknown_keys_are_no_partners(w):
    application = world.draft(w)
    keys = [w.small.ags, w.town.ags, "06999999", w.small.ags]
    application = save(application, Step.KOMMUNE, {"partners": keys}, 0, w.clerk)
    assert partners(application) == [w.small.ags]


def test_partners_changed_on_both_sides_are_a_conflict(w):
    application = world.draft(w)
    theirs, mine = [w.small.ags], [w.other_town.ags]
    save(application, Step.KOMMUNE, {"partners": theirs}, 0, w.clerk)
    error = conflict_of(application, Step.KOMMUNE, {"partners": mine}, 0, w.signatory)
    assert error.conflicts == [services.Conflict("partners", None, theirs, mine)]
    application = save(
        application, Step.KOMMUNE, {"partners": theirs + mine}, error.revision, w.signatory
    )
    assert partners(application) == theirs + mine


def test_a_partner_that_others_chose_stays_where_i_changed_nothing(w):
    application = world.draft(w)
    save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, 0, w.clerk)
    application = save(application, Step.KOMMUNE, {"partners": []}, 0, w.signatory)
    assert partners(application) == [w.small.ags]


def test_a_partner_of_another_live_application_cannot_be_added_after_filing(w):
    other = services.start(call=w.call, lead=w.other_town, by=w.stranger, at=NOW)
    for step, data in world.content(w.other_town).items():
        other = world.save(other, step, data, w.stranger)
    world.file(other, w.stranger)
    application = world.requested(w, (Step.KOMMUNE,))
    before = application.revision
    with pytest.raises(services.PartnerTaken):
        save(application, Step.KOMMUNE, {"partners": [w.other_town.ags]}, before, w.clerk)
    application.refresh_from_db()
    assert (application.revision, partners(application)) == (before, [])
    application = save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, before, w.clerk)
    assert list(application.members.values_list("live", flat=True)) == [True, True]


# --- What is closed -------------------------------------------------------------------------------


def test_all_steps_of_a_draft_may_be_written(w):
    assert services.editable_steps(world.draft(w)) == frozenset(Step)


def test_nothing_may_be_written_after_filing(w):
    application = world.submitted(w)
    assert services.editable_steps(application) == frozenset()
    for step in Step:
        with pytest.raises(services.NotEditable):
            save(application, step, {}, application.revision, w.clerk)


def test_only_what_was_asked_for_may_be_written(w):
    application = world.requested(w, (Step.KONZEPTION, Step.ANLAGEN))
    assert services.editable_steps(application) == {Step.KONZEPTION, Step.ANLAGEN}
    base = application.revision
    assert save(application, Step.KONZEPTION, {"goals": "x"}, base, w.clerk).goals == "x"
    for step in set(Step) - {Step.KONZEPTION, Step.ANLAGEN}:
        with pytest.raises(services.NotEditable):
            save(application, step, {}, base + 1, w.clerk)


def test_what_was_asked_for_is_closed_again_after_the_answer(w):
    application = world.requested(w)
    application = services.answer(application=application, by=w.signatory, at=LATER)
    assert services.editable_steps(application) == frozenset()


def test_only_the_latest_request_counts(w):
    application = world.requested(w, (Step.KONZEPTION,))
    services.answer(application=application, by=w.signatory, at=LATER)
    services.request_information(
        application=application,
        items=[(Step.ZEITPLAN, "Bitte prüfen.")],
        due_on=date(2026, 12, 15),
        by=w.reviewer,
        at=LATER,
    )
    application.refresh_from_db()
    assert services.editable_steps(application) == {Step.ZEITPLAN}


@pytest.mark.parametrize("who", ["stranger", "reader", "reviewer", "signer", "administrator"])
def test_nobody_else_writes_into_a_draft(w, who):
    application = world.draft(w)
    with pytest.raises(services.NotAllowed):
        save(application, Step.KONZEPTION, {"goals": "x"}, 0, getattr(w, who))


def test_whoever_lost_the_right_to_write_saves_no_more(w):
    application = world.draft(w)
    Membership.objects.filter(user=w.clerk).update(may_edit=False)
    with pytest.raises(services.NotAllowed):
        save(application, Step.KONZEPTION, {"goals": "x"}, 0, w.clerk)


def test_an_unconfirmed_person_writes_only_what_they_began(w):
    newcomer = UserFactory()
    MembershipFactory(user=newcomer, municipality=w.town)
    own = world.draft(w, by=newcomer)
    assert save(own, Step.KONZEPTION, {"goals": "x"}, 0, newcomer).goals == "x"
    with pytest.raises(services.NotAllowed):
        save(world.draft(w), Step.KONZEPTION, {"goals": "x"}, 0, newcomer)


# --- Putting back what was filed ------------------------------------------------------------------


def put_back(application: Application, by: Any) -> None:
    filed = snapshots.read(application.first_snapshot)
    drafts.restore(application, filed, by=by, at=LATER)


def test_putting_back_an_untouched_application_changes_nothing(w):
    application = world.requested(w)
    before = application.revision
    put_back(application, w.reviewer)
    application.refresh_from_db()
    assert application.revision == before


def test_everything_is_put_back_row_by_row_under_the_same_ids(w):
    application = world.requested(w, tuple(Step))
    filed = snapshots.read(application.first_snapshot)["steps"]
    kept = application.expenses.first()
    for step, data in (
        (Step.KOMMUNE, {"partners": [w.small.ags]}),
        (Step.KONZEPTION, {"title": "", "goals": "Anders"}),
        (Step.BETEILIGUNG, {"formats": []}),
        (Step.ZEITPLAN, {"starts_on": None, "adoptions": []}),
        (
            Step.FINANZIERUNG,
            {
                "expenses": [
                    world.row(year=2029, category="other", text="", amount="1.00", eligible=True)
                ]
            },
        ),
        (Step.ERKLAERUNGEN, {"declares_correct": False, "consents_publication": None}),
    ):
        application = world.save(application, step, data, w.clerk)
    typed = application.revision
    put_back(application, w.reviewer)
    application = Application.objects.get(pk=application.pk)
    assert {step.value: drafts.read_step(application, step) for step in Step} == filed
    assert application.expenses.first() == kept
    changed = application.revisions.filter(number__gt=typed)
    assert [r.step for r in changed] == [
        "kommune",
        "konzeption",
        "beteiligung",
        "zeitplan",
        "finanzierung",
        "erklaerungen",
    ]
    assert set(changed.values_list("by", flat=True)) == {w.reviewer.pk}
    # What was typed and never handed in is still on record.
    lost = application.revisions.get(number__lte=typed, step="konzeption", data__goals="Anders")
    assert lost.data["title"] == ""


def test_a_partner_put_back_has_the_figure_that_was_frozen(w):
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    application = world.file(application, w.signatory)
    services.begin_check(application=application, by=w.reviewer, at=NOW)
    services.request_information(
        application=application,
        items=[(Step.KOMMUNE, "Bitte prüfen.")],
        due_on=date(2026, 12, 15),
        by=w.reviewer,
        at=NOW,
    )
    application.refresh_from_db()
    before = ApplicationMember.objects.filter(municipality=w.small).values(
        "role",
        "position",
        "live",
        "population",
        "population_as_of",
        "population_basis",
        "population_source",
    )
    frozen = before.get()
    assert frozen["population"] == 5_000
    application = world.save(application, Step.KOMMUNE, {"partners": []}, w.clerk)
    put_back(application, w.reviewer)
    assert before.get() == frozen


def _document(application: Application, **values: Any) -> Document:
    return Document.objects.create(
        application=application,
        kind="other",
        file="x",
        name="x.pdf",
        content_type="application/pdf",
        size=1,
        sha256="0" * 64,
        uploaded_at=NOW,
        uploaded_by=application.created_by,
        **values,
    )


def test_documents_are_put_back_too(w):
    application = world.filled(w)
    filed = _document(application)
    long_gone = _document(application, removed_at=NOW)
    world.file(application, w.signatory)
    application.refresh_from_db()
    added = _document(application)
    Document.objects.filter(pk=filed.pk).update(removed_at=NOW)
    before = application.revision
    put_back(application, w.reviewer)
    assert list(application.documents.current()) == [filed]
    assert Document.objects.get(pk=added.pk).removed_at == LATER
    assert Document.objects.get(pk=long_gone.pk).removed_at == NOW
    last = application.revisions.last()
    assert (last.number, last.step) == (before + 1, "anlagen")


@pytest.mark.parametrize("added", [True, False])
def test_a_document_added_or_removed_alone_is_noticed(w, added):
    application = world.filled(w)
    filed = _document(application)
    world.file(application, w.signatory)
    application.refresh_from_db()
    if added:
        _document(application)
    else:
        Document.objects.filter(pk=filed.pk).update(removed_at=NOW)
    before = application.revision
    put_back(application, w.reviewer)
    assert list(application.documents.current()) == [filed]
    assert application.revision == before + 1


@pytest.mark.django_db
def test_a_partner_that_leaves_takes_its_planned_adoption_along():
    w = world.build()
    application = world.draft(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    planned = [
        world.row(municipality=town.ags, planned_on="2028-12-01") for town in (w.town, w.small)
    ]
    world.save(application, Step.ZEITPLAN, {"adoptions": planned}, w.clerk)
    application = world.save(application, Step.KOMMUNE, {"partners": []}, w.clerk)
    assert [
        row["municipality"] for row in services.read_step(application, Step.ZEITPLAN)["adoptions"]
    ] == [w.town.ags]
