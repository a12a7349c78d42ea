"""All parts read in one statement are what reading each of them gives."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from applications.models import Adoption, Cooperation, CoverItem, Expense, Milestone
from applications.services import content
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_the_parts_are_what_each_of_them_is(django_assert_num_queries: Any) -> None:
    w = world.build()
    application, other = world.filled(w), world.filled(w)
    Cooperation.objects.create(
        application=application,
        municipality=w.small,
        contribution="Räume – „Süd“",
        confirmed_at=NOW,
        confirmed_by=w.stranger,
        statement_sha256="a" * 64,
    )
    Adoption.objects.create(application=application, municipality=w.small, position=3)
    Milestone.objects.create(application=application, text="50 %", due_on=date(2027, 2, 28))
    Expense.objects.create(application=application, year=2027, category="events", eligible=False)
    CoverItem.objects.create(
        application=application,
        year=2028,
        kind="own",
        municipality=w.other_town,  # stands in it no longer
        amount=Decimal("12345678.91"),
    )
    fresh = type(application).objects.get(pk=application.pk)
    with django_assert_num_queries(4):  # members, parts, the town that left, documents
        content.with_parts(fresh)
    with django_assert_num_queries(0):
        found = {name: list(getattr(fresh, name).all()) for name in content.PARTS}
        told = {
            name: [
                {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
                for row in rows
            ]
            for name, rows in found.items()
        }
        assert {row.application for rows in found.values() for row in rows} == {fresh}
        named = [row.municipality.district for row in found["cover"] if row.municipality_id]
        assert named == [w.town.district] * 2 + [w.town.district]
    assert told == {name: list(model.objects.filter(application=application).values())
                    for name, model in content.PARTS.items()}  # fmt: skip
    assert {name: len(rows) for name, rows in told.items()} == {
        "cooperations": 1, "formats": 1, "milestones": 2, "adoptions": 2, "expenses": 3, "cover": 5,
    }  # fmt: skip
    assert [type(row["amount"]) for row in told["cover"]] == [Decimal] * 5
    content.with_parts(other)
    assert list(other.cooperations.all()) == []
