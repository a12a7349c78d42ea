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
