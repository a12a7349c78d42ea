"""Periods as the BGB counts them, and working days in Hesse.

`relativedelta` alone does not count as §§ 187 to 193 BGB do: it knows neither the period
whose first day counts (§ 187 Abs. 2) nor the deadline that moves off a Sunday (§ 193).
"""

from calendar import monthrange
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

import holidays

_HESSE: Final = holidays.country_holidays("DE", subdiv="HE")
FIRST_YEAR: Final = _HESSE.start_year
LAST_YEAR: Final = _HESSE.end_year

_SATURDAY: Final = 5

OUT_OF_RANGE: Final = "Das Datum liegt außerhalb des Kalenders."
YEARS_KNOWN: Final = (
    f"Die Feiertage in Hessen sind nur für die Jahre {FIRST_YEAR} bis {LAST_YEAR} bekannt."
)


def last_day(start: date, months: int) -> date:
    """The last day of a period of `months` months whose first day `start` counts.

    It is the day before the one that bears the number of the first day (§ 188 Abs. 2
    BGB, second case, with § 187 Abs. 2); where the last month has no such day it is that
    month's last (§ 188 Abs. 3). Raises `ValueError` for less than one month and for a
    last day beyond the year 9999.
    """
    _at_least_one(months, "Monat")
    if start.day == 1:
        # The day before the first of a month ends the month before it.
        year, month = _months_on(start, months - 1)
        return date(year, month, monthrange(year, month)[1])
    year, month = _months_on(start, months)
    return date(year, month, min(start.day - 1, monthrange(year, month)[1]))


def deadline(event: date, *, days: int | None = None, months: int | None = None) -> date:
    """The last day of a deadline that an event on the day `event` starts.

    Exactly one of `days` (calendar days) and `months` is given. The day of the event
    does not count (§ 187 Abs. 1 BGB); months end on the day that bears its number, or on
    the month's last (§ 188 Abs. 2 and 3); a Saturday, Sunday or public holiday in Hesse
    gives way to the next working day (§ 193). Raises `ValueError` where not exactly one
    is given, it is less than one, or the holidays of the year are not known.
    """
    if months is None and days is not None:
        _at_least_one(days, "Tag")
        end = _days_on(event, days)
    elif days is None and months is not None:
        _at_least_one(months, "Monat")
        year, month = _months_on(event, months)
        end = date(year, month, min(event.day, monthrange(year, month)[1]))
    else:
        raise ValueError("Bitte geben Sie die Frist entweder in Tagen oder in Monaten an.")
    return end if is_working_day(end) else add_working_days(end, 1)


def add_working_days(day: date, n: int) -> date:
    """The `n`-th working day in Hesse after `day`, or before it where `n` is negative.

    `day` itself is not counted; with n = 0 it comes back as it is. Raises `ValueError`
    for years whose holidays are not known.
    """
    step = 1 if n > 0 else -1
    left = abs(n)
    while left:
        day = _days_on(day, step)
        left -= is_working_day(day)
    return day


def is_working_day(day: date) -> bool:
    """Whether `day` is neither Saturday nor Sunday nor a public holiday in Hesse.

    Raises `ValueError` for years whose holidays are not known, and `TypeError` for a
    datetime: which day an instant falls on depends on the time zone, and it would equal
    no holiday.
    """
    if isinstance(day, datetime):
        raise TypeError("a day is needed, not an instant")
    return day not in hessian_holidays(day.year) and day.weekday() < _SATURDAY


@cache
def hessian_holidays(year: int) -> frozenset[date]:
    """The public holidays in Hesse (§ 1 HFeiertagsG) of a year.

    Raises `ValueError` outside the years the `holidays` library covers: it answers with
    an empty list there, and a deadline would quietly end on a holiday.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(YEARS_KNOWN)
    return frozenset(holidays.country_holidays("DE", subdiv="HE", years=year))


def _at_least_one(number: int, unit: str) -> None:
    if number < 1:
        raise ValueError(f"Bitte geben Sie mindestens einen {unit} an.")


def _months_on(day: date, months: int) -> tuple[int, int]:
    """Year and month `months` months after that of `day`."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if year > date.max.year:
        raise ValueError(OUT_OF_RANGE)
    return year, month + 1


def _days_on(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise ValueError(OUT_OF_RANGE) from None
