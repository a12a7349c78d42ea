"""The two tables of a Bescheid: amounts by Haushaltsjahr, and the binding Finanzierungsplan."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from applications.documents import left
from applications.models.decisions import PlanSide
from applications.rules import CoverKind, ExpenseCategory, Plan, plan_totals
from kiv_portal.euro import format_euro
from municipalities.models import Municipality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from applications.models import Decision

NOTHING: Final = Decimal("0.00")


def years_table(decision: Decision, asked: Mapping[int, Decimal], label: str) -> dict[str, Any]:
    """What is granted in each Haushaltsjahr; where it differs, beside what `label` says.

    `asked` is what was asked for, or what was granted before.
    """
    granted = {year.year: year.amount for year in decision.years.all()}
    same = {y: a for y, a in asked.items() if a} == {y: a for y, a in granted.items() if a}
    columns = ["Betrag"] if same else [label, "bewilligt"]
    sums: list[Mapping[int, Decimal]] = [granted] if same else [asked, granted]
    years = sorted(granted if same else {*granted, *asked})
    return {
        "caption": "Bewilligte Zuwendung nach Haushaltsjahren",
        "columns": [
            {"label": "Haushaltsjahr", "numeric": False},
            *({"label": label, "numeric": True} for label in columns),
        ],
        "rows": [
            [str(year), *(format_euro(part.get(year, NOTHING)) for part in sums)] for year in years
        ],
        "total_row": ["Summe", *(format_euro(sum(part.values(), NOTHING)) for part in sums)],
    }


def asked_by_year(plan: Plan) -> dict[int, Decimal]:
    """What the application asks for in each Haushaltsjahr, in euro."""
    return {year.year: year.requested for year in plan_totals(plan).years if year.year}


def granted_by_year(decision: Decision) -> dict[int, Decimal]:
    """What a version grants in each Haushaltsjahr, in euro."""
    return {year.year: year.amount for year in decision.years.all()}


def plan_table(decision: Decision, names: Mapping[str, str]) -> dict[str, Any]:
    """The binding plan as stored with the decision, by kind and Haushaltsjahr.

    `names` are the members by AGS; in a Verbund each has its own line of Eigenmittel. So has
    one that left it and whose money still stands in the plan.
    """
    lines = list(decision.plan.all())
    if gone := {line.ags for line in lines if line.ags} - names.keys():
        towns = Municipality.objects.filter(ags__in=gone)
        names = {**names, **{town.ags: left(town.short_name) for town in towns}}
    years = sorted({line.year for line in lines})
    amounts: dict[tuple[str, str, str], dict[int, Decimal]] = {}
    for line in lines:
        row = amounts.setdefault((line.side, line.kind, line.ags), {})
        row[line.year] = row.get(line.year, NOTHING) + line.amount
    rows: list[list[str]] = []
    for side, word in ((PlanSide.EXPENSE, "Ausgaben"), (PlanSide.COVER, "Deckung")):
        kinds = ExpenseCategory if side is PlanSide.EXPENSE else CoverKind
        total: dict[int, Decimal] = dict.fromkeys(years, NOTHING)
        for kind in kinds:
            for (row_side, row_kind, ags), by_year in amounts.items():
                if (row_side, row_kind) != (side.value, kind.value) or not any(by_year.values()):
                    continue
                named = kind is CoverKind.OWN and len(names) > 1 and ags in names
                label = _label(kind) + (f" {names[ags]}" if named else "")
                rows.append([f"{word}: {label}", *_money([by_year.get(y, NOTHING) for y in years])])
                for year, amount in by_year.items():
                    total[year] += amount
        last = [f"Summe der {word}", *_money([total[year] for year in years])]
        if side is PlanSide.EXPENSE:
            rows.append(last)
    return {
        "caption": "Finanzierungsplan nach Haushaltsjahren",
        "columns": [
            {"label": "Position", "numeric": False},
            *({"label": str(year), "numeric": True} for year in years),
            {"label": "Summe", "numeric": True},
        ],
        "rows": rows,
        "total_row": last,
    }


def _label(kind: ExpenseCategory | CoverKind) -> str:
    return "bewilligte Zuwendung" if kind is CoverKind.GRANT else kind.label


def _money(amounts: list[Decimal]) -> list[str]:
    return [format_euro(amount) for amount in [*amounts, sum(amounts, NOTHING)]]
