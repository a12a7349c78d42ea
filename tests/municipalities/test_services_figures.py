"""Which official figure counts for a call: the day, the basis, the opening, a changed key."""

from datetime import date
from typing import Any

import pytest

from municipalities.eligibility import Kind, Limits, PopulationState, assess
from municipalities.models import Municipality
from municipalities.services import figures
from tests.factories import MunicipalityFactory, PopulationFactory

pytestmark = pytest.mark.django_db

DAY = date(2023, 12, 31)
OLD, NEW = "Zensus 2011", "Zensus 2022"
FIXED = Limits(population_as_of=DAY, population_basis=OLD)
OPEN = Limits()
"""A call that names neither Stichtag nor basis."""


def town(*counted: tuple[date, str, int], **fields: Any) -> Municipality:
    """A municipality with these figures: day, basis, number."""
    made = MunicipalityFactory(**fields)
    for as_of, basis, value in counted:
        PopulationFactory(municipality=made, as_of=as_of, basis=basis, value=value)
    return made


def seen(municipality: Municipality, limits: Limits, before: date | None = None) -> Any:
    row = figures.with_figures().get(pk=municipality.pk)
    return figures.member(row, limits, before=before)


def figure(
    municipality: Municipality, limits: Limits, before: date | None = None
) -> tuple[int | None, date | None, str]:
    found = seen(municipality, limits, before)
    return found.population, found.population_as_of, found.population_basis


# --- With a Stichtag ------------------------------------------------------------------------------


def test_the_figure_of_the_day_counts_and_not_the_newest():
    made = town((date(2022, 12, 31), OLD, 1), (DAY, OLD, 2), (date(2024, 12, 31), OLD, 3))
    assert figure(made, FIXED) == (2, DAY, OLD)


def test_of_two_figures_of_the_day_that_on_the_calls_basis_counts():
    made = town((DAY, OLD, 2), (DAY, NEW, 1))
    assert figure(made, FIXED) == (2, DAY, OLD)
    assert figure(made, Limits(population_as_of=DAY, population_basis=NEW)) == (1, DAY, NEW)


def test_where_the_call_names_no_basis_the_newer_census_counts():
    made = town((DAY, OLD, 2), (DAY, NEW, 1))
    assert figure(made, Limits(population_as_of=DAY)) == (1, DAY, NEW)


def test_the_day_counts_even_where_it_lies_after_the_opening():
    made = town((DAY, OLD, 2))
    assert figure(made, FIXED, before=date(2023, 1, 1)) == (2, DAY, OLD)


@pytest.mark.parametrize(
    ("as_of", "basis"), [(date(2022, 12, 31), OLD), (date(2024, 12, 31), OLD), (DAY, NEW)]
)
def test_another_figure_is_carried_along_as_outdated(as_of, basis):
    made = town((as_of, basis, 20_000))
    found = seen(made, FIXED)
    assert (found.population, found.population_state(FIXED)) == (20_000, PopulationState.OUTDATED)
    assert [f.code for f in assess(found, (), FIXED, date(2026, 11, 16))] == ["population_outdated"]


def test_of_several_outdated_figures_the_newest_is_carried_along():
    made = town((date(2022, 12, 31), OLD, 1), (date(2024, 12, 31), NEW, 3), (DAY, NEW, 2))
    assert figure(made, FIXED) == (3, date(2024, 12, 31), NEW)


def test_without_any_figure_there_is_none():
    assert figure(town(), FIXED) == (None, None, "")


# --- Without a Stichtag ---------------------------------------------------------------------------


def test_the_newest_figure_dated_before_the_opening_counts():
    made = town((date(2022, 12, 31), OLD, 1), (DAY, OLD, 2), (date(2024, 12, 31), OLD, 3))
    assert figure(made, OPEN, before=date(2024, 6, 1)) == (2, DAY, OLD)


def test_a_figure_dated_on_the_day_of_the_opening_does_not_count():
    made = town((date(2022, 12, 31), OLD, 1), (DAY, OLD, 2))
    assert figure(made, OPEN, before=DAY) == (1, date(2022, 12, 31), OLD)


def test_a_later_import_changes_nothing():
    made = town((date(2022, 12, 31), OLD, 20_000))
    before = figure(made, OPEN, before=date(2023, 6, 1))
    PopulationFactory(municipality=made, as_of=DAY, basis=NEW, value=9_000)
    assert (
        figure(made, OPEN, before=date(2023, 6, 1)) == before == (20_000, date(2022, 12, 31), OLD)
    )


def test_a_figure_from_after_the_opening_alone_decides_nothing():
    made = town((DAY, OLD, 20_000))
    found = seen(made, OPEN, before=date(2023, 6, 1))
    assert (found.population, found.population_state(OPEN)) == (None, PopulationState.UNKNOWN)
    assert [f.code for f in assess(found, (), OPEN, date(2026, 11, 16))] == ["population_unknown"]


def test_a_call_that_names_only_a_basis_counts_on_that_basis():
    limits = Limits(population_basis=OLD)
    made = town((date(2022, 12, 31), OLD, 1), (DAY, NEW, 2))
    assert figure(made, limits, before=date(2024, 6, 1)) == (1, date(2022, 12, 31), OLD)
    other = town((DAY, NEW, 2), (date(2022, 12, 31), OLD, 1))
    found = seen(other, limits, before=date(2022, 6, 1))
    assert (found.population, found.population_state(limits)) == (2, PopulationState.OUTDATED)


def test_without_a_call_the_newest_figure_counts():
    made = town((DAY, OLD, 2), (date(2024, 12, 31), NEW, 3))
    assert figure(made, OPEN) == (3, date(2024, 12, 31), NEW)


# --- A changed key --------------------------------------------------------------------------------


def rekeyed(*counted: tuple[date, str, int], **fields: Any) -> tuple[Municipality, Municipality]:
    """A town with these figures that got a new key on 1.1.2026, and the town under that key."""
    new = town(valid_from=date(2026, 1, 1), **fields)
    old = town(
        *counted, ags="06435014", short_name="Hanau", valid_to=date(2025, 12, 31), successor=new
    )
    return old, new


def test_a_municipality_under_a_new_key_takes_its_predecessors_figure():
    old, new = rekeyed((DAY, OLD, 20_000))
    found = seen(new, FIXED)
    assert (found.population, found.population_from) == (20_000, "Hanau (AGS 06435014)")
    assert found.ags == new.ags
    assert seen(old, FIXED).successor == new.short_name


def test_its_own_figure_comes_first():
    _, new = rekeyed((DAY, OLD, 20_000))
    PopulationFactory(municipality=new, as_of=DAY, basis=OLD, value=21_000)
    found = seen(new, FIXED)
    assert (found.population, found.population_from) == (21_000, "")


def test_a_key_changed_twice_is_followed_to_the_figure():
    first, second = rekeyed((DAY, OLD, 20_000))
    third = town(valid_from=date(2026, 7, 1))
    second.valid_to, second.successor = date(2026, 6, 30), third
    second.save()
    found = seen(third, FIXED)
    assert (found.population, found.population_from) == (20_000, f"Hanau (AGS {first.ags})")


@pytest.mark.parametrize(("changes", "value"), [(5, 20_000), (6, None)])
def test_a_chain_of_changed_keys_is_followed_so_far_and_no_further(changes, value):
    last = town((DAY, OLD, 20_000))
    for year in range(2000, 2000 + changes):
        new = town(valid_from=date(year, 1, 1))
        last.valid_to, last.successor = date(year - 1, 12, 31), new
        last.save()
        last = new
    assert seen(last, FIXED).population == value


def test_a_predecessor_without_the_figure_gives_none():
    _, new = rekeyed((date(2022, 12, 31), OLD, 20_000))
    assert figure(new, FIXED) == (None, None, "")


def test_a_municipality_that_took_another_one_in_keeps_its_own_figure():
    stays = town((DAY, OLD, 4_000), valid_from=None)
    town((DAY, OLD, 3_000), valid_to=date(2025, 12, 31), successor=stays)
    found = seen(stays, FIXED)
    assert (found.population, found.population_from) == (4_000, "")


def test_a_municipality_that_took_another_one_in_later_takes_no_figure_from_it():
    stays = town(valid_from=date(2000, 1, 1))
    town((DAY, OLD, 3_000), valid_to=date(2025, 12, 31), successor=stays)
    assert figure(stays, FIXED) == (None, None, "")


def test_a_municipality_made_of_two_takes_the_figure_of_neither():
    made = town(valid_from=date(2026, 1, 1))
    for value in (3_000, 4_000):
        town((DAY, OLD, value), valid_to=date(2025, 12, 31), successor=made)
    assert figure(made, FIXED) == (None, None, "")


# --- The rest of what the rules see ---------------------------------------------------------------


def test_the_rest_of_the_record_comes_along():
    made = town(
        kind=Kind.CITY_DISTRICT,
        short_name="Musterstadt",
        valid_from=date(2026, 1, 1),
        latitude="50.1",
        longitude="8.9",
    )
    found = figures.member(
        figures.with_figures().get(pk=made.pk),
        FIXED,
        funded_rounds=("KIV I",),
        has_live_application=True,
    )
    assert (found.name, found.kind, found.valid_from, found.valid_to) == (
        "Musterstadt",
        Kind.CITY_DISTRICT,
        date(2026, 1, 1),
        None,
    )
    assert (found.lat, found.lon, found.known, found.successor) == (50.1, 8.9, True, "")
    assert (found.funded_rounds, found.has_live_application) == (("KIV I",), True)


def test_without_coordinates_there_are_none():
    found = seen(town(), FIXED)
    assert (found.lat, found.lon) == (None, None)


@pytest.mark.parametrize("count", [1, 3])
def test_municipalities_are_read_in_a_fixed_number_of_queries(count, django_assert_num_queries):
    for _ in range(count):
        town((DAY, OLD, 1))
    with django_assert_num_queries(3):
        assert len([figures.member(row, FIXED) for row in figures.with_figures()]) == count
