"""What a step looks at is a part of the whole, and says the same."""

import pytest

from applications import rules
from applications.rules import Step
from applications.services import checks
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("case", ["empty", "joint", "balanced"])
def test_a_step_says_of_itself_what_the_whole_application_says(case):
    w = world.build()
    application = world.draft(w) if case == "empty" else world.filled(w)
    if case == "joint":
        world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    terms = w.call.terms()
    whole = rules.check(checks.filing_of(application, NOW), terms)
    members = rules.check(checks.members_of(application, NOW), terms)
    parts = rules.check(checks.parts_of(application, NOW), terms)
    for step in Step:
        narrow = members if step is Step.KOMMUNE else parts
        assert [f for f in narrow if f.step == step] == [f for f in whole if f.step == step]


def test_cells_left_empty_in_a_row_that_is_begun_are_named():
    w = world.build()
    application = world.filled(w)
    for step, data in (
        (Step.BETEILIGUNG, {"formats": [world.row(name="Werkstatt", when="Herbst")]}),
        (Step.ZEITPLAN, {"milestones": [world.row(text="Auftakt", due_on=None)]}),
        (
            Step.FINANZIERUNG,
            {
                "expenses": [
                    world.row(year=2027, category="other", text="Druck", amount=None, eligible=True)
                ],
                "cover": [
                    world.row(year=2027, kind="grant", text="", municipality=None, amount="1.00"),
                    world.row(year=2027, kind="own", text="", municipality=None, amount=None),
                ],
            },
        ),
    ):
        application = world.save(application, step, data, w.clerk)
    said = rules.missing(checks.parts_of(application, NOW))
    assert [finding.message for finding in said] == [
        f"Pflichtangabe noch nicht ausgefüllt: {what}."
        for what in (
            "Beteiligungsformat 1 (wen es erreicht, wie viele, wie Hürden gesenkt werden)",
            "Arbeitsschritt 1 (fertig bis)",
            "Ausgabe 1 (Betrag)",
            "Deckung 2 (Betrag)",
        )
    ]
