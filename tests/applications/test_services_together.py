"""Two people at the same moment: whoever comes second finds no half state.

On PostgreSQL these are parallel connections; on SQLite the second waits for the first.
"""

import re
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from applications import services
from applications.models import Application, CallBudget, Letter
from applications.rules import Step
from applications.services import log
from applications.services.decisions import years_of_call
from applications.workflow import Status
from kiv_portal.models import OutboxMail
from municipalities import permissions
from municipalities import services as people
from municipalities.models import User
from projects.models import Project
from tests import world
from tests.applications.test_services_team import invite, token
from tests.factories import NOW, PASSWORD
from tests.parallel import in_threads

pytestmark = pytest.mark.django_db(transaction=True)

DONE = "done"


def _at_once(*acts: Any) -> list[Any]:
    """Each of the calls in a thread of its own; „done" or the type of its refusal."""

    def act(number: int) -> str:
        acts[number]()
        return DONE

    return in_threads(len(acts), act)


def _types(results: list[Any]) -> list[str]:
    """The results in an order that does not depend on who came first."""
    return sorted(map(str, results))


def _assert_whole(application: Application) -> None:
    application.refresh_from_db()
    assert log.verify(application) == []
    granted = application.status == Status.GRANTED
    signed = application.decisions.filter(state="signed").count()
    assert (application.letters.count(), signed) == ((1, 1) if granted else (0, 0))
    assert (application.project is not None) is granted
    assert application.decisions.filter(state="proposed").exists() is (
        application.status == Status.PROPOSED
    )


def test_a_signature_against_a_withdrawal():
    w = world.build()
    application = world.proposed(w)
    results = _at_once(
        lambda: services.grant(application=application, by=w.signer, at=NOW),
        lambda: services.withdraw(application=application, reason="x", by=w.signatory, at=NOW),
    )
    assert results.count(DONE) == 1
    _assert_whole(application)
    assert application.status == (Status.GRANTED if results[0] == DONE else Status.WITHDRAWN)


def test_a_proposal_against_an_answer():
    w = world.build()
    application = world.requested(w)

    def decide() -> None:
        services.proceed_without_answer(application=application, reason="x", by=w.reviewer, at=NOW)
        services.accept_formally(application=application, by=w.reviewer, at=NOW)
        services.propose(
            application=application, proposal=world.grant_proposal(), by=w.reviewer, at=NOW
        )

    results = _at_once(
        decide, lambda: services.answer(application=application, by=w.signatory, at=NOW)
    )
    assert results.count(DONE) == 1
    _assert_whole(application)
    answered = application.information_requests.get().answered
    assert answered is (results[1] == DONE)
    assert application.status == (Status.FORMAL_CHECK if answered else Status.PROPOSED)


def test_two_signatures_under_one_proposal():
    w = world.build()
    application = world.proposed(w)
    other = world.staff(permissions.SIGN)
    results = _at_once(
        *(
            lambda by=by: services.grant(application=application, by=by, at=NOW)
            for by in (w.signer, other)
        )
    )
    assert results.count(DONE) == 1
    _assert_whole(application)


def test_a_signature_against_a_correction():
    w = world.build()
    application = world.proposed(w)
    other = world.staff(permissions.SIGN)
    seal = application.decisions.get().draft_sha256
    results = _at_once(
        lambda: services.grant(application=application, by=w.signer, at=NOW, sealed=seal),
        lambda: services.correct_letter(
            application=application, edits={"reasons": "Anders."}, seen=seal, by=other, at=NOW
        ),
    )
    assert results.count(DONE) == 1
    _assert_whole(application)
    assert application.status == (Status.GRANTED if results[0] == DONE else Status.PROPOSED)


@pytest.mark.parametrize("round_", range(3))
def test_two_approvals_against_the_last_of_the_budget_never_both_pass(round_):
    w = world.build()
    cases = [world.another(w, number) for number in (801, 802)]
    for year in (2027, 2028):
        CallBudget.objects.create(call=w.call, year=year, commitment=Decimal("17999.99"))
    other = world.staff(permissions.SIGN)
    results = _at_once(
        *(
            lambda case=case, by=by: services.grant(application=case, by=by, at=NOW)
            for case, by in zip(cases, (w.signer, other), strict=True)
        )
    )
    assert sorted(map(str, results)) == sorted([DONE, str(services.BudgetExceeded)])
    for case in cases:
        _assert_whole(case)
    assert (Letter.objects.count(), Project.objects.count()) == (1, 1)
    assert [row.committed for row in years_of_call(w.call)] == [Decimal("9000.00")] * 2


def test_whoever_is_invited_twice_and_clicks_twice_has_one_invitation_and_one_account():
    w = world.build()
    w.signatory.memberships.update(may_manage=True)
    first, second = world.draft(w), world.draft(w)

    # Invited twice to one draft, and twice to the team, where the later takes the place.
    ask = lambda: invite(first, w.signatory)  # noqa: E731
    assert _types(_at_once(ask, ask)) == _types([DONE, services.AlreadyInvited])
    guest, link, new = first.guests.get(), token(), "neu@beratung.example"
    join = lambda: people.invite(  # noqa: E731
        municipality=w.town, email=new, rights={}, by=w.signatory, at=NOW
    )
    assert _at_once(join, join) == [DONE, DONE]
    [open_] = w.town.invitations.open_at(NOW)
    mail = OutboxMail.objects.get(key__contains=f"invited.txt:{open_.pk}:").read()
    [team_link] = re.findall(r"/konto/einladung/([\w-]+)/", mail)

    # One link twice.
    account: Any = {"name": "Fachstelle", "password": PASSWORD, "at": NOW}
    register = lambda: services.register_guest(token=link, **account)  # noqa: E731
    results = _at_once(register, register)
    assert _types(results) == _types([DONE, services.InvitationGone])
    guest.refresh_from_db()
    assert guest.user == User.objects.get(email=guest.email)
    assert log.verify(first) == []

    # Links of two drafts and of the team, for one address that has no account.
    links = []
    for application in (first, second):
        invite(application, w.signatory, email=new)
        links.append(token())
    results = _at_once(
        *(lambda x=x: services.register_guest(token=x, **account) for x in links),
        lambda: people.register_invited(token=team_link, **account),
    )
    assert _types(results) == _types([DONE, people.NotPossible, people.NotPossible])
    assert User.objects.filter(email=new).count() == 1

    # And somebody whom nobody invited.
    typed = {"name": "Amt", "email": "amt@musterstadt.example", "password1": PASSWORD}
    places: list[str] = []
    click = lambda: places.append(  # noqa: E731
        Client().post("/konto/registrieren/", typed | {"kommune": w.town.ags}).headers["Location"]
    )
    assert _at_once(click, click) == [DONE, DONE]
    assert (len(places), len(set(places))) == (2, 1)
    assert User.objects.get(email=typed["email"]).memberships.count() == 1


def test_a_page_that_begins_a_draft_and_is_sent_twice_begins_one():
    w = world.build()
    begin = lambda: services.begin(  # noqa: E731
        call=w.call, lead=w.town, partners=[w.small.ags], by=w.clerk, at=NOW
    )
    assert _at_once(begin, begin) == [DONE, DONE]
    draft, key = Application.objects.get(), uuid.uuid4()
    assert services.read_step(draft, Step.KOMMUNE)["partners"] == [w.small.ags]
    anew = lambda: services.start_anew(  # noqa: E731
        source=draft, call=w.call, key=key, by=w.clerk, at=NOW
    )
    assert _at_once(anew, anew) == [DONE, DONE]
    assert set(Application.objects.values_list("uuid", flat=True)) == {draft.uuid, key}


def test_a_letter_is_sent_once():
    w = world.build()
    letter = world.with_pdf(world.granted(w).letters.get())
    send = lambda: services.deliver(letter=letter, way="receipt", by=w.reviewer, at=NOW)  # noqa: E731
    results = _at_once(send, send)
    assert sorted(map(str, results)) == sorted([DONE, str(services.AlreadyDelivered)])
    assert letter.deliveries.count() == 1


def test_two_retrievals_are_one():
    w = world.build()
    letter = world.offered(w)
    results = _at_once(
        lambda: services.open_letter(letter=letter, by=w.clerk, at=NOW),
        lambda: services.open_letter(letter=letter, by=w.signatory, at=NOW),
    )
    assert results == [DONE, DONE]
    assert letter.application.log.filter(action="retrieved").count() == 1
