"""The clauses on the duration and on what happens within it."""

from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from applications.rules.values import CallTerms, Filing, Period, Step
from kiv_portal.calendar import last_day
from municipalities.eligibility import Finding, Severity

BERLIN: Final = ZoneInfo("Europe/Berlin")


def ends_on(period: Period) -> date | None:
    """The last day of the period (§§ 187 Abs. 2, 188 BGB); None while it makes none."""
    if period.starts_on is None or period.months is None:
        return None
    try:
        return last_day(period.starts_on, period.months)
    except ValueError:
        return None


def years_of(period: Period) -> tuple[int, ...]:
    """The Haushaltsjahre (= calendar years) the period touches; empty while it is incomplete."""
    last = ends_on(period)
    if period.starts_on is None or last is None:
        return ()
    return tuple(range(period.starts_on.year, last.year + 1))


def period_within_limits(period: Period, terms: CallTerms) -> Finding | None:
    """The duration lies within the call's limits, both inclusive; else `period_outside_limits`."""
    months = period.months
    if months is None:
        return None
    lowest, highest = terms.duration_min, terms.duration_max
    if (lowest is None or months >= lowest) and (highest is None or months <= highest):
        return None
    if lowest is None:
        allowed = f"höchstens {highest} Monate"
    elif highest is None:
        allowed = f"mindestens {lowest} Monate"
    elif lowest == highest:
        allowed = f"genau {lowest} Monate"
    else:
        allowed = f"{lowest} bis {highest} Monate"
    return Finding(
        "period_outside_limits",
        Severity.WARNING,
        terms.source_duration,
        f"Die Laufzeit beträgt {months} {'Monat' if months == 1 else 'Monate'}. "
        f"Vorgesehen sind {allowed}.",
        "Bitte passen Sie die Laufzeit an.",
        Step.ZEITPLAN,
        "months",
    )


def decision_expected_on(filing: Filing, terms: CallTerms) -> date | None:
    """The day from which a decision can be expected; None where nothing is known about it.

    Counted from the close of the call, since applications are compared after it, or from
    the day of filing where the call is open-ended or already closed. Without a number of
    weeks in the call it is the day of filing itself: nothing is decided before it.
    """
    if terms.earliest_decision_weeks is None:
        return filing.filed_on
    closes_on = terms.closes_at and terms.closes_at.astimezone(BERLIN).date()
    from_days = [day for day in (filing.filed_on, closes_on) if day is not None]
    if not from_days:
        return None
    return max(from_days) + timedelta(weeks=terms.earliest_decision_weeks)


def start_after_decision_expected(filing: Filing, terms: CallTerms) -> Finding | None:
    """The measure starts when the decision can be there; else `start_before_decision`.

    A measure may begin only when the Zuwendungsbescheid is there, and a contract with the
    Prozessmoderation is a beginning (PROGRAMME §§ 1 and 6).
    """
    starts_on, expected = filing.period.starts_on, decision_expected_on(filing, terms)
    if starts_on is None or expected is None or starts_on >= expected:
        return None
    return Finding(
        "start_before_decision",
        Severity.WARNING,
        terms.source_start,
        f"Der geplante Beginn am {starts_on:%d.%m.%Y} liegt vor dem {expected:%d.%m.%Y}. "
        "Eine Entscheidung ist vorher nicht zu erwarten. Als Beginn gilt schon der Abschluss "
        "eines Liefer- oder Leistungsvertrags, auch mit der Prozessmoderation.",
        "Bitte planen Sie einen späteren Beginn oder beantragen Sie beim Regierungspräsidium "
        "einen vorzeitigen Maßnahmenbeginn.",
        Step.ZEITPLAN,
        "starts_on",
    )


def adoption_planned(filing: Filing, terms: CallTerms) -> Finding | None:
    """Every member plans when its Vertretungskörperschaft adopts; else `adoption_not_planned`."""
    planned = {adoption.member_ags for adoption in filing.adoptions if adoption.planned_on}
    names = [member.title for member in filing.members if member.ags not in planned]
    if not names:
        return None
    return Finding(
        "adoption_not_planned",
        Severity.WARNING,
        terms.source_adoption,
        "Es fehlt noch, wann die Gemeindevertretung/Stadtverordnetenversammlung über die "
        f"Strategie beschließen soll: {', '.join(names)}.",
        "Bitte geben Sie den geplanten Termin an.",
        Step.ZEITPLAN,
        "adoptions",
    )


def adoption_after_start(filing: Filing, terms: CallTerms) -> Finding | None:
    """The adoption stands at the end, never before the start; else `adoption_before_start`."""
    starts_on = filing.period.starts_on
    if starts_on is None:
        return None
    early = {a.member_ags for a in filing.adoptions if a.planned_on and a.planned_on < starts_on}
    names = [member.title for member in filing.members if member.ags in early]
    if not names:
        return None
    return Finding(
        "adoption_before_start",
        Severity.WARNING,
        terms.source_adoption,
        "Der Beschluss über die Strategie soll am Ende stehen, ist aber vor dem Beginn der "
        f"Maßnahme geplant: {', '.join(names)}.",
        "Bitte prüfen Sie den Termin.",
        Step.ZEITPLAN,
        "adoptions",
    )
