"""Haushaltsmittel and Verpflichtungsermächtigung of a call, held under a lock at the signature."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils import timezone

from applications.models import CallBudget, Decision, DecisionYear
from applications.models.decisions import DecisionKind, DecisionState
from kiv_portal.euro import format_euro

if TYPE_CHECKING:
    from datetime import date

    from applications.models import Application, FundingCall

NOTHING = Decimal("0.00")


class BudgetExceeded(Exception):
    """The call's money does not reach; `faults` say year, what is free and what is needed."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class BudgetYear:
    """A Haushaltsjahr of a call in euro; None where nothing was entered.

    `granted` binds Haushaltsmittel; `committed` is the part that was granted in earlier
    years and so uses the Verpflichtungsermächtigung.
    """

    year: int
    funds: Decimal | None
    commitment: Decimal | None
    granted: Decimal
    committed: Decimal

    @property
    def funds_free(self) -> Decimal | None:
        """What is left of the Haushaltsmittel; None where none were entered."""
        return None if self.funds is None else self.funds - self.granted

    @property
    def commitment_free(self) -> Decimal | None:
        """What is left of the Verpflichtungsermächtigung; None where none was entered."""
        return None if self.commitment is None else self.commitment - self.committed


def in_force(call: FundingCall) -> dict[int, Decision]:
    """The version that counts of each application of the call, by the application's key."""
    signed = (
        Decision.objects.filter(application__call=call, state=DecisionState.SIGNED)
        .exclude(kind=DecisionKind.REJECTION)
        .exclude(amount__isnull=True)
        .order_by("number")
    )
    return {decision.application_id: decision for decision in signed}


def years_of_call(call: FundingCall, *, without: Application | None = None) -> list[BudgetYear]:
    """The call's money year by year: what was entered, what is granted and committed.

    `without` leaves out what one application binds, so that a new version of it can be measured.
    """
    entered = {row.year: row for row in CallBudget.objects.filter(call=call)}
    granted: dict[int, Decimal] = {}
    committed: dict[int, Decimal] = {}
    versions = {
        decision.pk: decision
        for application, decision in in_force(call).items()
        if without is None or application != without.pk
    }
    for part in DecisionYear.objects.filter(decision__in=versions).exclude(amount=0):
        granted[part.year] = granted.get(part.year, NOTHING) + part.amount
        settled = versions[part.decision_id].settled_at
        if settled and timezone.localdate(settled).year < part.year:
            committed[part.year] = committed.get(part.year, NOTHING) + part.amount
    return [
        BudgetYear(
            year,
            entered[year].funds if year in entered else None,
            entered[year].commitment if year in entered else None,
            granted.get(year, NOTHING),
            committed.get(year, NOTHING),
        )
        for year in sorted({*entered, *granted})
    ]


def check(decision: Decision, on: date, *, lock: bool = False) -> list[str]:
    """What has not been entered for the years of this decision, in German: a notice each.

    Amounts of the current Haushaltsjahr need Haushaltsmittel, those of later years
    Verpflichtungsermächtigung. With `lock`, call inside a transaction that holds the
    application's row: nobody else signs against the same money before it ends. Raises
    BudgetExceeded.
    """
    call = decision.application.call
    wanted = _wanted(decision)
    if lock:
        # The call's rows of all years, in one order, so that two signatures wait in line.
        list(CallBudget.objects.select_for_update().filter(call=call).order_by("year"))
    others = years_of_call(call, without=decision.application)
    by_year = {row.year: row for row in others}
    notices: list[str] = []
    faults: list[str] = []
    for year, (needed, before) in sorted(wanted.items()):
        if needed <= before:
            continue  # a version that asks for no more than the one it changes takes nothing
        row = by_year.get(year)
        later = year > on.year
        word = "Verpflichtungsermächtigung" if later else "Haushaltsmittel"
        given = (row.commitment if later else row.funds) if row else None
        if row is None or given is None:
            notices.append(f"Haushaltsjahr {year}: {word} nicht eingetragen, also nicht geprüft.")
            continue
        used = row.committed if later else row.granted
        if needed > given - used:
            faults.append(
                f"Haushaltsjahr {year}: {word} reicht nicht. Frei sind "
                f"{format_euro(max(NOTHING, given - used))}, gebraucht werden "
                f"{format_euro(needed)}."
            )
    if faults:
        raise BudgetExceeded(faults)
    return notices


def _wanted(decision: Decision) -> dict[int, tuple[Decimal, Decimal]]:
    """By year, what the decision grants and what the version before it granted."""
    now = {part.year: part.amount for part in decision.years.all()}
    before = (
        {part.year: part.amount for part in decision.previous.years.all()}
        if decision.previous
        else {}
    )
    return {year: (now.get(year, NOTHING), before.get(year, NOTHING)) for year in {*now, *before}}
