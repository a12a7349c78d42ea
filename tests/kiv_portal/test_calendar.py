"""Periods and deadlines as the BGB counts them, with the public holidays of Hesse."""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from kiv_portal.calendar import (
    FIRST_YEAR,
    LAST_YEAR,
    OUT_OF_RANGE,
    YEARS_KNOWN,
    add_working_days,
    deadline,
    hessian_holidays,
    is_working_day,
    last_day,
)

DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2090, 12, 31))


@pytest.mark.parametrize(
    ("start", "months", "last"),
    [
        ("2026-01-01", 12, "2026-12-31"),
        ("2026-01-15", 12, "2027-01-14"),
        ("2026-03-01", 18, "2027-08-31"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-01-30", 1, "2026-02-28"),
        ("2024-01-30", 1, "2024-02-29"),
        ("2024-01-29", 1, "2024-02-28"),
        ("2026-03-31", 1, "2026-04-30"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2026-08-31", 18, "2028-02-29"),
        ("2023-03-01", 12, "2024-02-29"),
        ("2024-03-01", 12, "2025-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-28"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-12-15", 1, "2027-01-14"),
        ("9999-12-01", 1, "9999-12-31"),
        ("9999-11-02", 1, "9999-12-01"),
    ],
)
def test_a_period_whose_first_day_counts_ends_as_188_bgb_says(
    start: str, months: int, last: str
) -> None:
    assert last_day(date.fromisoformat(start), months) == date.fromisoformat(last)


@given(DAYS, st.integers(min_value=1, max_value=60))
def test_the_day_after_a_period_bears_the_number_of_its_first(start: date, months: int) -> None:
    corresponding = start + relativedelta(months=months)
    last = last_day(start, months)
    if corresponding.day == start.day:
        assert last == corresponding - timedelta(days=1)
    else:  # the last month has no such day
        assert last == corresponding
        assert last.day == monthrange(last.year, last.month)[1]


@pytest.mark.parametrize(
    ("event", "days", "months", "end"),
    [
        ("2026-11-02", 14, None, "2026-11-16"),
        ("2026-11-06", 1, None, "2026-11-09"),  # Saturday
        ("2026-12-18", 7, None, "2026-12-28"),  # both Christmas days and a Sunday
        ("2026-12-22", 2, None, "2026-12-24"),  # Christmas Eve is a working day
        ("2026-12-24", 7, None, "2026-12-31"),
        ("2026-05-21", 14, None, "2026-06-05"),  # Corpus Christi
        (
            "2017-10-24",
            7,
            None,
            "2017-11-01",
        ),  # Reformation Day 2017 only; All Saints is no holiday
        ("2018-10-24", 7, None, "2018-10-31"),
        ("2026-01-31", None, 1, "2026-03-02"),  # 28.02. is a Saturday
        ("2024-01-31", None, 1, "2024-02-29"),
        ("2026-08-31", None, 1, "2026-09-30"),
        ("2026-09-03", None, 1, "2026-10-05"),  # German Unity Day on a Saturday
        ("2027-02-28", None, 1, "2027-03-30"),  # Easter Sunday and Monday
    ],
)
def test_a_deadline_ends_on_a_working_day_in_hesse(
    event: str, days: int | None, months: int | None, end: str
) -> None:
    counted = deadline(date.fromisoformat(event), days=days, months=months)
    assert counted == date.fromisoformat(end)


@given(DAYS, st.integers(min_value=1, max_value=400))
def test_only_days_off_lie_between_the_count_and_the_end(event: date, days: int) -> None:
    counted, end = event + timedelta(days=days), deadline(event, days=days)
    assert is_working_day(end)
    between = [counted + timedelta(days=n) for n in range((end - counted).days)]
    assert [day for day in between if is_working_day(day)] == []


@pytest.mark.parametrize("count", [{}, {"days": 14, "months": 1}, {"days": 0, "months": 1}])
def test_a_deadline_is_counted_in_days_or_in_months(count: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="entweder in Tagen oder in Monaten"):
        deadline(date(2026, 11, 2), **count)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: last_day(date(2026, 1, 1), 0), "mindestens einen Monat"),
        (lambda: last_day(date(2026, 1, 1), -1), "mindestens einen Monat"),
        (lambda: deadline(date(2026, 1, 1), days=0), "mindestens einen Tag"),
        (lambda: deadline(date(2026, 1, 1), months=0), "mindestens einen Monat"),
    ],
)
def test_a_period_lasts_at_least_one(call: Callable[[], date], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: last_day(date(9999, 12, 2), 1),
        lambda: last_day(date(2026, 1, 1), 10**9),
        lambda: deadline(date.max, days=1),
        lambda: deadline(date(2026, 1, 1), days=10**12),
        lambda: deadline(date.max, months=1),
        lambda: add_working_days(date.max, 1),
        lambda: add_working_days(date.min, -1),
    ],
)
def test_a_day_beyond_the_calendar_is_an_error_with_a_sentence(call: Callable[[], date]) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == OUT_OF_RANGE


@pytest.mark.parametrize(
    "call",
    [
        lambda: hessian_holidays(FIRST_YEAR - 1),
        lambda: hessian_holidays(LAST_YEAR + 1),
        lambda: is_working_day(date(LAST_YEAR + 1, 1, 3)),
        lambda: deadline(date(LAST_YEAR, 12, 31), days=1),
        lambda: deadline(date(9999, 12, 1), days=5),
        lambda: add_working_days(date(FIRST_YEAR, 1, 2), -1),
        lambda: add_working_days(date(2026, 1, 1), 10**9),
    ],
)
def test_years_without_known_holidays_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == YEARS_KNOWN


def test_the_holidays_of_hesse_are_ten() -> None:
    assert sorted(hessian_holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 5, 1),
        date(2026, 5, 14),
        date(2026, 5, 25),
        date(2026, 6, 4),
        date(2026, 10, 3),
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


@pytest.mark.parametrize(
    ("day", "n", "result"),
    [
        ("2026-11-06", 1, "2026-11-09"),
        ("2026-11-07", 1, "2026-11-09"),
        ("2026-11-09", -1, "2026-11-06"),
        ("2026-12-24", 1, "2026-12-28"),
        ("2026-12-28", -1, "2026-12-24"),
        ("2026-11-02", 10, "2026-11-16"),
        ("2026-04-02", 3, "2026-04-09"),
        ("2026-11-07", 0, "2026-11-07"),
    ],
)
def test_working_days_are_counted_forth_and_back(day: str, n: int, result: str) -> None:
    assert add_working_days(date.fromisoformat(day), n) == date.fromisoformat(result)


@given(DAYS, st.integers(min_value=1, max_value=60))
def test_from_a_working_day_there_and_back_is_the_same_day(day: date, n: int) -> None:
    start = add_working_days(day, 1)
    assert add_working_days(add_working_days(start, n), -n) == start


def test_an_instant_is_no_day() -> None:
    with pytest.raises(TypeError):
        is_working_day(datetime(2026, 12, 25, tzinfo=UTC))
