"""Several new cases at once: one move each, reported case by case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from applications import services
from applications.models import Application
from applications.workflow import Status
from municipalities.permissions import ADMINISTER, AUDIT, READ, REVIEW, SIGN
from tests import world
from tests.applications.test_admin_cases import of_other_town, of_small_town

pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

ADDRESS = "/admin/applications/application/uebernehmen/"


@pytest.fixture
def w(settings: Any) -> world.World:
    settings.PORTAL_DEMO = True
    return world.build(timezone.now())


def test_each_case_is_moved_by_itself_and_told_of_by_itself(w: world.World, client: Client) -> None:
    now = timezone.now() - timedelta(minutes=10)
    first = world.submitted(w, now)
    second, third = of_other_town(w), of_small_town(w)
    client.force_login(w.reviewer)
    page = client.get(ADDRESS)
    assert [key for key, _ in page.context["form"].fields["antraege"].choices] == [
        first.pk,
        second.pk,
        third.pk,
    ]
    # Meanwhile a colleague takes one on, and of another this person turns out to be befangen.
    services.begin_check(application=second, by=w.other_reviewer, at=now)
    services.recuse(application=third, by=w.reviewer, at=now)
    chosen = [first.pk, second.pk, third.pk]
    answer = client.post(ADDRESS, {"antraege": chosen})
    assert answer.status_code == 200
    assert [bool(row["refused"]) for row in answer.context["report"]] == [False, True, True]
    text = answer.content.decode()
    assert "1 von 3 übernommen" in text
    assert "„Formale Prüfung beginnen“ ist im Stand „formale Prüfung“ nicht möglich." in text
    states = dict(Application.objects.values_list("pk", "status"))
    assert states == {
        first.pk: Status.FORMAL_CHECK,
        second.pk: Status.FORMAL_CHECK,
        third.pk: Status.SUBMITTED,
    }
    reviewers = dict(Application.objects.values_list("pk", "reviewer"))
    assert reviewers == {
        first.pk: w.reviewer.pk,
        second.pk: w.other_reviewer.pk,
        third.pk: None,
    }
    assert first.log.last().action == "begin_check"


def test_nothing_chosen_or_smuggled_moves_nothing(w: world.World, client: Client) -> None:
    case, draft = world.submitted(w, timezone.now()), world.draft(w, timezone.now())
    client.force_login(w.reviewer)
    for keys in ([], ["x"], [str(draft.pk)], ["9" * 30], ["²"]):
        answer = client.post(ADDRESS, {"antraege": keys})
        assert (answer.status_code, answer.context["report"]) == (422, [])
    case.refresh_from_db()
    assert case.status == Status.SUBMITTED


def test_only_reviewers_take_on_cases(w: world.World, client: Client) -> None:
    for role, status in ((READ, 403), (SIGN, 403), (ADMINISTER, 403), (AUDIT, 403), (REVIEW, 200)):
        client.force_login(world.staff(role))
        assert client.get(ADDRESS).status_code == status, role


def test_the_page_asks_as_much_for_one_case_as_for_three(
    w: world.World, client: Client, django_assert_num_queries: Any
) -> None:
    world.submitted(w, timezone.now())
    client.force_login(w.reviewer)
    client.get(ADDRESS)
    with django_assert_num_queries(5):
        client.get(ADDRESS)
    of_other_town(w)
    of_small_town(w)
    with django_assert_num_queries(5):
        client.get(ADDRESS)
