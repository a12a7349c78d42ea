"""What a proposal holds, and what keeps it from becoming a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from applications.models.decisions import DecisionKind, PlanSide
from applications.rules import CallTerms, CoverKind, Plan, plan_totals
from applications.rules.plan import percent, share_of
from applications.services.letters.elsewhere import Elsewhere, faults_of_elsewhere
from kiv_portal.euro import format_euro

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of the plan as decided: side (`PlanSide`), kind, Haushaltsjahr, amount in euro."""

    side: str
    kind: str
    year: int
    amount: Decimal
    ags: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a reviewer proposes. Amounts in euro; `years` by Haushaltsjahr; days inclusive.

    `plan` is the adjusted Finanzierungsplan; None takes the one applied for. With `elsewhere`
    the letter is an uploaded PDF.
    """

    kind: str
    reasons: str
    amount: Decimal | None = None
    years: Mapping[int, Decimal] | None = None
    eligible_costs: Decimal | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    reduction_reasons: str = ""
    special_conditions: str = ""
    plan: Sequence[PlanLine] | None = None
    hearing_skipped: str = ""
    elsewhere: Elsewhere | None = None
    basis: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """What a proposal is measured by: the plan applied for, the call, whether people were heard."""

    plan: Plan = field(default_factory=lambda: Plan((), ()))
    terms: CallTerms | None = None
    heard: bool = False


class ProposalIncomplete(Exception):
    """The proposal cannot become a decision as it stands; `faults` by field, in German."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


def lines_of(plan: Plan) -> list[PlanLine]:
    """The plan applied for as lines of a decision: summed by kind, member and year."""
    sums: dict[tuple[str, str, str, int], Decimal] = {}
    for expense in plan.expenses:
        key = (PlanSide.EXPENSE.value, str(expense.category), "", expense.year)
        sums[key] = sums.get(key, NOTHING) + expense.amount
    for cover in plan.cover:
        ags = (cover.member_ags or "") if cover.kind == CoverKind.OWN else ""
        key = (PlanSide.COVER.value, str(cover.kind), ags, cover.year)
        sums[key] = sums.get(key, NOTHING) + cover.amount
    return [
        PlanLine(side, kind, year, amount, ags)
        for (side, kind, ags, year), amount in sorted(sums.items())
    ]


def is_as_asked(proposal: Proposal, plan: Plan) -> bool:
    """Whether what is granted is the plan's own, which balances: years, costs, no gap."""
    totals = plan_totals(plan)
    asked = {year.year: year.requested for year in totals.years if year.requested}
    granted = {year: amount for year, amount in (proposal.years or {}).items() if amount}
    balanced = not any(year.gap for year in totals.years)
    return balanced and asked == granted and proposal.eligible_costs == totals.total.eligible


def faults_of(
    proposal: Proposal, requested: Decimal, before: Before | None = None
) -> dict[str, str]:
    """What keeps the proposal from being complete, by field; empty when it is.

    Rests on PROGRAMME §6: amount per Haushaltsjahr, period, reasons; less than asked for
    needs its own reason and a plan that balances; a rejection needs its hearing.
    """
    faults: dict[str, str] = {}
    if not proposal.reasons.strip():
        faults["reasons"] = "Bitte begründen Sie die Entscheidung."
    if proposal.kind not in DecisionKind.values:
        faults["kind"] = "Diese Art der Entscheidung gibt es nicht."
    if proposal.elsewhere:
        faults |= faults_of_elsewhere(proposal.elsewhere, proposal.kind)
    if proposal.kind == DecisionKind.REJECTION:
        heard = before.heard if before else False
        if not heard and not proposal.hearing_skipped.strip():
            faults["hearing_skipped"] = (
                "Die Kommune wurde nicht angehört. Bitte hören Sie sie an oder begründen Sie, "
                "warum davon abgesehen wird."
            )
        return faults
    faults |= faults_of_figures(proposal, requested)
    if before is None:
        return faults
    if before.terms and not faults.keys() & {"amount", "eligible_costs"}:
        faults |= _above_ceilings(proposal, before.terms)
    if proposal.plan is not None:
        faults |= faults_of_plan(proposal)
    elif not faults and not is_as_asked(proposal, before.plan):
        faults["plan"] = (
            "Bewilligt wird etwas anderes als beantragt. Bitte passen Sie den Finanzierungsplan "
            "an, bis Ausgaben und Deckung in jedem Haushaltsjahr übereinstimmen."
        )
    return faults


def faults_of_figures(proposal: Proposal, requested: Decimal) -> dict[str, str]:
    """What amount, years and period lack, by field; at most `requested` euro can be granted."""
    faults: dict[str, str] = {}
    amount, start, end = proposal.amount, proposal.starts_on, proposal.ends_on
    if amount is None or amount <= 0:
        faults["amount"] = "Bitte geben Sie die bewilligte Zuwendung an."
    elif amount > requested:
        faults["amount"] = (
            f"Beantragt sind {format_euro(requested)}; mehr kann nicht bewilligt werden."
        )
    elif amount < requested and not proposal.reduction_reasons.strip():
        faults["reduction_reasons"] = (
            "Es wird weniger bewilligt als beantragt. Bitte begründen Sie die Kürzung."
        )
    if proposal.eligible_costs is None:
        faults["eligible_costs"] = "Bitte geben Sie die zuwendungsfähigen Gesamtausgaben an."
    elif amount is not None and proposal.eligible_costs < amount:
        faults["eligible_costs"] = (
            "Die Zuwendung darf die zuwendungsfähigen Gesamtausgaben nicht übersteigen."
        )
    if start is None:
        faults["starts_on"] = "Bitte geben Sie den Beginn des Bewilligungszeitraums an."
    if end is None:
        faults["ends_on"] = "Bitte geben Sie das Ende des Bewilligungszeitraums an."
    if start and end and end < start:
        faults["ends_on"] = "Das Ende liegt vor dem Beginn."
    if fault := fault_of_years(proposal.years or {}, amount, start, end):
        faults["years"] = fault
    return faults


def fault_of_years(
    years: Mapping[int, Decimal], amount: Decimal | None, start: date | None, end: date | None
) -> str:
    """What is wrong with the amounts by Haushaltsjahr; empty where nothing is."""
    if any(part < 0 for part in years.values()):
        return "Ein Haushaltsjahr hat keinen Betrag unter 0 €."
    if amount is not None and sum(years.values(), Decimal(0)) != amount:
        return (
            f"Die Beträge der Haushaltsjahre ergeben "
            f"{format_euro(sum(years.values(), NOTHING))}, bewilligt werden sollen "
            f"{format_euro(amount)}."
        )
    if start and end and any(y < start.year or y > end.year for y, a in years.items() if a):
        return "Ein Betrag liegt in einem Haushaltsjahr außerhalb des Bewilligungszeitraums."
    return ""


def _above_ceilings(proposal: Proposal, terms: CallTerms) -> dict[str, str]:
    """The call's highest amount, and its share of the eligible costs, hold for a grant too."""
    amount, eligible = proposal.amount or NOTHING, proposal.eligible_costs or NOTHING
    if terms.cap is not None and amount > terms.cap:
        return {"amount": f"Der Höchstbetrag des Aufrufs ist {format_euro(terms.cap)}."}
    if terms.rate is not None and amount > (limit := share_of(terms.rate, eligible)):
        return {
            "amount": f"Der Fördersatz von {percent(terms.rate)} der zuwendungsfähigen "
            f"Gesamtausgaben ergibt höchstens {format_euro(limit)}."
        }
    return {}


def faults_of_plan(proposal: Proposal) -> dict[str, str]:
    """What keeps the adjusted plan from being binding: every year balances to the cent.

    A year that does not is told by itself, as `plan_<year>`; all else as `plan`.
    """
    lines = list(proposal.plan or ())
    said: list[str] = []
    if any(line.amount < 0 for line in lines):
        said.append("Im Finanzierungsplan steht kein Betrag unter 0 €.")
    granted = {year: amount for year, amount in (proposal.years or {}).items() if amount}
    in_plan = _by_year(
        line for line in lines if (line.side, line.kind) == (PlanSide.COVER, CoverKind.GRANT)
    )
    for year in sorted({*granted, *in_plan}):
        given, planned = granted.get(year, NOTHING), in_plan.get(year, NOTHING)
        if given != planned:
            said.append(
                f"Im Haushaltsjahr {year} enthält der Finanzierungsplan {format_euro(planned)} "
                f"Zuwendung, bewilligt werden {format_euro(given)}."
            )
    expenses = _by_year(line for line in lines if line.side == PlanSide.EXPENSE)
    planned_years = {line.year for line in lines if line.amount}
    start, end = proposal.starts_on, proposal.ends_on
    if start and end and any(not start.year <= y <= end.year for y in planned_years):
        said.append("Im Finanzierungsplan steht ein Haushaltsjahr außerhalb des Zeitraums.")
    total = sum(expenses.values(), NOTHING)
    if proposal.eligible_costs is not None and proposal.eligible_costs > total:
        said.append(
            f"Die Ausgaben des Finanzierungsplans ergeben {format_euro(total)}; "
            "zuwendungsfähig kann nicht mehr sein."
        )
    gaps = {f"plan_{year}": text for year, text in gaps_of(lines).items()}
    return gaps | ({"plan": " ".join(said)} if said else {})


def gaps_of(lines: Sequence[PlanLine]) -> dict[int, str]:
    """Of each Haushaltsjahr of a plan that does not balance: by how much, in German."""
    expenses = _by_year(line for line in lines if line.side == PlanSide.EXPENSE)
    cover = _by_year(line for line in lines if line.side == PlanSide.COVER)
    said: dict[int, str] = {}
    for year in sorted({*expenses, *cover}):
        gap = expenses.get(year, NOTHING) - cover.get(year, NOTHING)
        if gap > 0:
            said[year] = f"Im Haushaltsjahr {year} fehlen noch {format_euro(gap)} Deckung."
        elif gap < 0:
            said[year] = (
                f"Im Haushaltsjahr {year} übersteigt die Deckung die Ausgaben um "
                f"{format_euro(-gap)}."
            )
    return said


def _by_year(lines: Iterable[PlanLine]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = {}
    for line in lines:
        if line.amount:
            sums[line.year] = sums.get(line.year, NOTHING) + line.amount
    return sums
