"""One case, two people of the Kommune, two reviewers and two signers, in any order.

Over HTTP, everybody with a browser of their own: they have pages open, for as long as it pleases
them, and send them when they like. Filing against withdrawing, answering against proceeding
without an answer, signing against withdrawing and returning. Whatever is acknowledged was a move
of the table from the state it met; whatever is refused leaves nothing behind.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from applications import services
from applications.models import Application, Decision, Letter
from applications.models.decisions import HandRole
from applications.workflow import TRANSITIONS, Status
from kiv_portal.management.bench.forms import Form, forms_of
from kiv_portal.models import OutboxMail
from municipalities.models import User
from tests import world
from tests.factories import MembershipFactory, MunicipalityFactory, PopulationFactory
from tests.faults.browser import Browser, session_of

WHOLE: Final = "PORTAL_FAULTS" in os.environ
EXAMPLES: Final = 200 if WHOLE else 8
PEOPLE: Final = ("town", "town", "reviewer", "reviewer", "signer", "signer")
DOES: Final = {
    "town": ("submit", "withdraw", "answer"),
    "reviewer": (
        "begin_check",
        "request_information",
        "proceed_without_answer",
        "accept_formally",
        "propose",
        "retract_proposal",
        "close",
    ),
    "signer": ("grant", "return_proposal"),
}
STARTS: Final = ("filled", "in check", "in substance")
RARE: Final = {"withdraw", "close"}
"""What ends a case is done seldom, or nothing else would be tried."""
MOVES: Final = {move.action: move for move in TRANSITIONS}
SEEN: Final[Counter[str]] = Counter()


@dataclass(frozen=True)
class Facts:
    """All that one case leaves behind."""

    status: str
    reference: str
    copies: int
    decisions: tuple[tuple[int, str], ...]
    letters: int
    requests: tuple[tuple[int, bool, datetime | None], ...]
    project: int
    entries: tuple[tuple[str, int | None], ...]
    mails: int


@dataclass(frozen=True)
class Held:
    """A page somebody has open, as it stood when they opened it."""

    who: int
    action: str
    address: str
    form: Form
    facts: Facts


class OneCase(RuleBasedStateMachine):
    """See the module."""

    w: world.World
    port: int
    typed: dict[str, dict[str, Any]]

    @initialize(start=st.sampled_from(STARTS), seed=st.integers(0, 2**32))
    def begin(self, start: str, seed: int) -> None:
        SEEN["begun"] += 1
        at = timezone.now()
        self.chance = random.Random(seed)  # noqa: S311
        town = MunicipalityFactory(district=self.w.town.district)
        PopulationFactory(municipality=town, value=20_000)
        confirmed = {"confirmed_at": at, "confirmed_by": self.w.administrator}
        for person in (self.w.clerk, self.w.signatory):
            MembershipFactory(user=person, municipality=town, may_sign=True, **confirmed)
        people: tuple[User, ...] = (
            *(self.w.clerk, self.w.signatory),
            *(self.w.reviewer, self.w.other_reviewer),
            *(self.w.signer, self.second_signer),
        )
        self.people = people
        application = services.start(call=self.w.call, lead=town, by=self.w.clerk, at=at)
        for step, data in world.content(town).items():
            application = world.save(application, step, data, self.w.clerk, at)
        # Part of the stage: the office gives it at any time after the filing.
        Application.objects.filter(pk=application.pk).update(file_number=f"II {application.pk}")
        if start != "filled":
            application = world.file(application, self.w.clerk, at)
            application = services.begin_check(application=application, by=self.w.reviewer, at=at)
        if start == "in substance":
            application = services.accept_formally(
                application=application, by=self.w.reviewer, at=at
            )
        self.pk = application.pk
        self.own = f"/antraege/{application.uuid}/"
        self.faults: list[str] = []
        sessions = [session_of(person, second_factor=person.is_staff) for person in people]
        self.browsers = [Browser(self.port, session, self.faults) for session in sessions]
        self.held: list[Held] = []

    second_signer: User

    def _address(self, action: str) -> str:
        page = {"submit": "pruefen", "withdraw": "zurueckziehen", "answer": "nachreichen"}
        if action in page:
            return f"{self.own}{page[action]}/"
        return f"/admin/applications/application/{self.pk}/{action}/"

    def _facts(self) -> Facts:
        row = Application.objects.get(pk=self.pk)
        return Facts(
            row.status,
            row.reference or "",
            row.snapshots.count(),
            tuple(row.decisions.order_by("number").values_list("number", "state")),
            Letter.objects.filter(application=row).count(),
            tuple(
                row.information_requests.order_by("pk").values_list("pk", "answered", "closed_at")
            ),
            int(row.project_id is not None),
            tuple(row.log.order_by("pk").values_list("action", "actor_id")),
            OutboxMail.objects.count(),
        )

    @rule(who=st.integers(0, 5))
    def opens(self, who: int) -> None:
        """Open the page of a move that can be made now, and leave it open."""
        facts = self._facts()
        now = Status(facts.status)
        can = [name for name in DOES[PEOPLE[who]] if now in MOVES[name].sources]
        if self.chance.random() < 0.9:
            can = [name for name in can if name not in RARE]
        if not can:
            return
        action = self.chance.choice(can)
        address = self._address(action)
        answer = self.browsers[who].get(address)
        if answer.status in (403, 409):  # who proposed does not sign; something is missing
            SEEN[f"{action} does not open"] += 1
            return
        assert answer.status == 200, (action, now, answer.status)
        to = f"{self.own}einreichen/" if action == "submit" else address
        form = next(f for f in forms_of(answer.page) if f.method == "post" and f.action in ("", to))
        self.held.append(Held(who, action, to, form, facts))

    @rule(old=st.booleans())
    def sends(self, old: bool) -> None:
        """Send the page opened last, or any that lies open since long; now and then twice."""
        if not self.held:
            return
        page = self.held.pop(self.chance.randrange(len(self.held)) if old else -1)
        for _ in range(2 if self.chance.random() < 0.1 else 1):
            self._send(page)

    @rule(who=st.integers(0, 5))
    def goes_on(self, who: int) -> None:
        """Open a page and send it at once."""
        held = len(self.held)
        self.opens(who)
        if len(self.held) > held:
            self.sends(old=False)

    def _send(self, page: Held) -> None:
        before = self._facts()
        values = dict(page.form.fields) | self.typed[page.action]
        answer = self.browsers[page.who].post(page.address, values)
        after = self._facts()
        move = MOVES[page.action]
        SEEN[f"{page.action} {answer.status}"] += 1
        if after == before:
            # What had counted is shown as such; everything else is told why not.
            if answer.status == 302:
                assert page.action in {"submit", "answer", "withdraw"}, (page, before)
            if answer.status == 302 and page.action == "withdraw":
                told = self.browsers[page.who].get(answer.leads_to).page
                assert "kann nicht (mehr) zurückgezogen werden" in told
            return
        assert answer.status == 302, (page.action, answer.status, before, after)
        assert before.status in move.sources, (page.action, before.status)
        assert after.status == move.leads_to(Status(before.status))
        entries = after.entries[len(before.entries) :]
        assert after.entries[: len(before.entries)] == before.entries
        assert (page.action, self.people[page.who].pk) in entries
        if page.action in {"grant", "return_proposal", "retract_proposal"}:
            # What was signed or returned is what stood on the page.
            assert before.decisions == page.facts.decisions, (page.action, page.facts, before)
        if page.action == "propose":
            assert before.copies == page.facts.copies, (page.facts, before)
        if page.action in {"answer", "proceed_without_answer"}:
            assert before.requests == page.facts.requests, (page.action, page.facts, before)

    @invariant()
    def nothing_is_half(self) -> None:
        if not hasattr(self, "pk"):
            return
        facts = self._facts()
        signed = [number for number, state in facts.decisions if state == "signed"]
        waiting = [number for number, state in facts.decisions if state == "proposed"]
        assert (facts.status == Status.DRAFT) == (facts.reference == "")
        assert len(signed) == facts.project == (facts.status == Status.GRANTED)
        assert len(waiting) == (facts.status == Status.PROPOSED)
        asked = [pk for pk, _, closed in facts.requests if closed is None]
        assert len(asked) == (facts.status == Status.INFORMATION_REQUESTED)
        kinds = Counter(action for action, _ in facts.entries)
        assert facts.copies == kinds["submit"] + kinds["answer"]
        assert kinds["submit"] == (facts.reference != "")
        assert kinds["grant"] <= 1
        assert kinds["withdraw"] + kinds["close"] <= 1

    def teardown(self) -> None:
        if hasattr(self, "pk"):
            row = Application.objects.get(pk=self.pk)
            SEEN[f"ended {row.status}"] += 1
            assert services.log.verify(row) == []
            assert self.faults == []
            for decision in Decision.objects.filter(application=row, state="signed"):
                hands = list(decision.hands.values_list("role", "user_id"))
                signers = {who for role, who in hands if role == HandRole.SIGNED}
                assert len(signers) == 1
                assert signers.isdisjoint(who for role, who in hands if role != HandRole.SIGNED)


@pytest.mark.sweep
def test_a_case_is_never_half_in_any_order_of_its_people(
    live_server: Any, measured: Callable[[str], None]
) -> None:
    from tests.applications.test_admin_moves import GRANT, answered_form

    reason = {"reason": "So ist es."}
    typed = {
        "submit": {"befugt": "on", "trotzdem": "on", "grund": "So gewollt."},
        "withdraw": {"reason": "Anders geplant.", "grund": "Anders geplant."},
        "answer": {"absenden": "on"},
        "begin_check": {},
        "request_information": answered_form(),
        "proceed_without_answer": reason,
        "accept_formally": {},
        "propose": GRANT,
        "retract_proposal": reason,
        "close": reason,
        "grant": {},
        "return_proposal": reason,
    }
    w = world.build(at=timezone.now())
    second = world.staff(world.permissions.SIGN)
    given = {"w": w, "typed": typed, "second_signer": second}
    port = urlsplit(live_server.url).port
    machine: Any = type("Machine", (OneCase,), {**given, "port": port})
    run(
        machine,
        settings=hypothesis_settings(
            max_examples=EXAMPLES, stateful_step_count=40, deadline=None, database=None
        ),
    )
    measured(f"{SEEN['begun']} interleavings: {dict(sorted(SEEN.items()))}")
    assert SEEN["begun"] >= EXAMPLES
    if WHOLE:
        for what in ("submit", "withdraw", "answer", "propose", "grant", "return_proposal"):
            assert SEEN[f"{what} 302"] > 0, what
        assert SEEN["grant 409"] + SEEN["return_proposal 409"] > 0
