"""Two people on one section, autosaving, filing and withdrawing in any order: nothing is silent.

Random interleavings over HTTP, each person with a browser of their own: whatever was acknowledged
is what is stored, and nobody's words are replaced by somebody who had not seen them.
"""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from applications import services
from applications.models import Application
from applications.rules import Step
from applications.services import content
from tests import world
from tests.factories import MembershipFactory, MunicipalityFactory, PopulationFactory
from tests.faults.browser import Browser, session_of

EXAMPLES: Final = 200 if "PORTAL_FAULTS" in os.environ else 20
FIELDS: Final = ("title", "summary", "goals", "situation")
EDITORS: Final = (0, 1)
SEEN: Final[Counter[str]] = Counter()
"""What was answered: a machine that meets no conflict shows nothing."""

pytestmark = pytest.mark.sweep


class TwoEditors(RuleBasedStateMachine):
    """One draft, two people of its Kommune with a page each, one of whom may file."""

    w: world.World
    port: int

    @initialize()
    def begin(self) -> None:
        SEEN["begun"] += 1
        self.at = timezone.now()
        town = MunicipalityFactory(district=self.w.town.district)
        PopulationFactory(municipality=town, value=20_000)
        confirmed = {"confirmed_at": self.at, "confirmed_by": self.w.administrator}
        self.people = [self.w.clerk, self.w.signatory]
        for person in self.people:
            MembershipFactory(user=person, municipality=town, may_sign=True, **confirmed)
        application = services.start(call=self.w.call, lead=town, by=self.people[0], at=self.at)
        for step, data in world.content(town).items():
            application = world.save(application, step, data, self.people[0], self.at)
        self.pk = application.pk
        self.base = f"/antraege/{application.uuid}/"
        self.step = f"{self.base}konzeption/"
        self.faults: list[str] = []
        self.browsers = [Browser(self.port, session_of(p), self.faults) for p in self.people]
        self.pages: list[dict[str, str] | None] = [None, None]
        self.loaded: list[dict[str, str]] = [{}, {}]
        self.stored = self._stored()
        self.filed = False
        for who in EDITORS:
            self.opens(who)

    def _stored(self) -> dict[str, str]:
        row = Application.objects.get(pk=self.pk)
        data = content.read_step(row, Step.KONZEPTION)
        return {name: data[name] for name in FIELDS}

    @rule(who=st.sampled_from(EDITORS))
    def opens(self, who: int) -> None:
        """Load the page, as it is now."""
        answer = self.browsers[who].get(self.step)
        if answer.status != 200:  # filed: there is nothing to write any more
            assert self.filed
            self.pages[who] = None
            return
        form = answer.form(self.step)
        self.pages[who] = dict(form.fields)
        self.loaded[who] = {name: self.pages[who][name] for name in FIELDS}
        assert self.loaded[who] == self.stored

    @rule(
        who=st.sampled_from(EDITORS),
        names=st.sets(st.sampled_from(FIELDS), max_size=3),
        by_itself=st.booleans(),
    )
    def writes(self, who: int, names: set[str], by_itself: bool) -> None:
        """Type into the page as it lies open, perhaps for long, and send it.

        By its button, or as its script does while somebody writes.
        """
        if self.pages[who] is None:
            self.opens(who)
        page = self.pages[who]
        if page is None:
            return
        for name in names:
            page[name] = f"{name} von {who} {uuid.uuid4().hex[:8]}"
        address = f"{self.step}speichern/" if by_itself else self.step
        answer = self.browsers[who].post(address, {**page, "aktion": "bleiben"})
        SEEN[f"{answer.status} {'by itself' if by_itself else 'by button'}"] += 1
        now = self._stored()
        wrote = {name for name in FIELDS if page[name] != self.loaded[who][name]}
        behind = {name for name in FIELDS if self.stored[name] != self.loaded[who][name]}
        clash = {n for n in wrote & behind if page[n] != self.stored[n]}
        for name in FIELDS:  # what somebody else wrote is never replaced unseen
            if name in behind:
                assert now[name] == self.stored[name], (name, "was overwritten")
            elif name not in wrote:
                assert now[name] == self.stored[name], (name, "was changed by nobody")
        if self.filed:
            SEEN[f"filed before {'by itself' if by_itself else 'by button'}"] += 1
            assert now == self.stored
            self.pages[who] = None
            return
        if by_itself:
            assert answer.status == 200
            state = json.loads(answer.page)
            assert (state["state"] == "conflict") == bool(clash), state["state"]
            for name in wrote - behind:
                assert now[name] == page[name], (name, "acknowledged and not stored")
            page["basis"], page["eigene"] = str(state["basis"]), str(state["eigene"])
            for name in wrote - behind:
                self.loaded[who][name] = page[name]
            self.pages[who] = None if clash or behind else page
        else:
            assert (answer.status == 409) == bool(clash)
            if answer.status == 302:
                for name in wrote:
                    assert now[name] == page[name], (name, "acknowledged and not stored")
            else:
                for name in clash:  # both texts are there to choose from
                    assert page[name] in answer.page
                    assert self.stored[name] in answer.page
            self.pages[who] = None
        self.stored = now

    @precondition(lambda self: not self.filed)
    @rule(who=st.sampled_from(EDITORS), really=st.integers(0, 11).map(lambda chance: chance == 7))
    def files(self, who: int, really: bool) -> None:
        """File it as it is stored; what others have typed and not saved is not in it."""
        if not really:
            return
        page = self.browsers[who].get(f"{self.base}pruefen/")
        form = page.form(f"{self.base}einreichen/")
        values = dict(form.fields) | {"befugt": "on"}
        if "grund" in values:
            values |= {"trotzdem": "on", "grund": "So gewollt."}
        answer = self.browsers[who].post(form.action, values)
        assert answer.status == 302
        row = Application.objects.get(pk=self.pk)
        copy = services.snapshots.read(row.first_snapshot)["steps"]["konzeption"]
        assert {name: copy[name] for name in FIELDS} == self.stored
        self.filed = True

    def teardown(self) -> None:
        if hasattr(self, "pk"):
            row = Application.objects.get(pk=self.pk)
            assert row.snapshots.count() == int(self.filed)
            assert services.log.verify(row) == []
            assert self.faults == []


def test_two_editors_never_overwrite_each_other_unseen(
    live_server: Any, measured: Callable[[str], None]
) -> None:
    port = urlsplit(live_server.url).port
    w = world.build(at=timezone.now())
    machine: Any = type("Machine", (TwoEditors,), {"w": w, "port": port})
    run(
        machine,
        settings=hypothesis_settings(
            max_examples=EXAMPLES, stateful_step_count=20, deadline=None, database=None
        ),
    )
    measured(f"{SEEN['begun']} interleavings: {dict(SEEN)}")
    assert SEEN["begun"] >= EXAMPLES
    assert (
        min(SEEN["302 by button"], SEEN["409 by button"], SEEN["200 by itself"]) >= EXAMPLES // 10
    )
    if EXAMPLES == 200:  # an autosave met what had been filed meanwhile
        assert SEEN["filed before by itself"] > 0
