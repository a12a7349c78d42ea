"""Step pages take at most 15 queries, whatever the size."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from applications.models import Application
from applications.rules import Step
from applications.services import cooperation, read_step
from tests import world
from tests.applications.pages import place, signed_in
from tests.factories import NOW, MunicipalityFactory, PopulationFactory

pytestmark = pytest.mark.django_db

STEP_PAGE = 15


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture(params=[1, 3])
def large(request: pytest.FixtureRequest) -> tuple[world.World, Application]:
    """A Verbund of two partners that confirmed, each member with a predecessor; many rows."""
    w = world.build()
    for town in (w.town, w.small, w.other_town):
        former = MunicipalityFactory(
            ags=f"069999{town.ags[-2:]}",
            district=town.district,
            short_name=f"Alt {town.short_name}",
            valid_to=date(2022, 12, 31),
            successor=town,
        )
        PopulationFactory(municipality=former, value=9_000)
    application = world.filled(w)
    partners = [w.small, w.other_town]
    world.save(
        application,
        Step.KOMMUNE,
        {
            "partners": [town.ags for town in partners],
            "cooperations": [
                {
                    "id": str(cooperation.key_of(application, town)),
                    "municipality": town.ags,
                    "contribution": "Räume",
                }
                for town in partners
            ],
        },
        w.clerk,
    )
    rows = {
        (Step.FINANZIERUNG, "expenses"): [
            world.row(year=2027, category="events", text="x", amount="1.00", eligible=True)
            for _ in range(request.param)
        ],
        (Step.ZEITPLAN, "milestones"): [
            world.row(text="x", due_on=None) for _ in range(request.param)
        ],
        (Step.BETEILIGUNG, "formats"): [
            world.row(name="x", reaches="", when="", how_many="", barriers="")
            for _ in range(request.param)
        ],
    }
    for (step, part), more in rows.items():
        held = read_step(application, step)[part]
        world.save(application, step, {part: [*held, *more]}, w.clerk)
    application = Application.objects.get(pk=application.pk)
    for town in partners:
        row = cooperation.row_of(application, town)
        row.confirmed_at, row.confirmed_by = NOW, w.stranger
        row.statement_sha256 = cooperation.statement_sha256(application, town)
        row.save()
    return w, application


@pytest.mark.parametrize("step", Step)
def test_a_step_page_of_a_large_verbund_with_predecessors(
    large: Any, step: Step, django_assert_max_num_queries: Any
) -> None:
    w, application = large
    clerk = signed_in(w.clerk)
    with django_assert_max_num_queries(STEP_PAGE):
        assert clerk.get(place(application, f"{step}/")).status_code == 200
