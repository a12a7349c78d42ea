"""The clauses on the Finanzierungsplan: exact to the cent, per Haushaltsjahr and in total.

Every sum is `Decimal`. A share of an amount is rounded **down** to the cent: it is a
ceiling, and the next cent up would already exceed it.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Context, Decimal, Inexact
from typing import Final

from applications.rules.period import years_of
from applications.rules.values import (
    BudgetSituation,
    CallTerms,
    CoverKind,
    CoverLine,
    ExpenseLine,
    FinancingType,
    Period,
    Plan,
    PlanTotals,
    Step,
    Totals,
)
from kiv_portal.euro import CENT, format_euro
from municipalities.eligibility import Finding, Member, Severity

NOTHING: Final = Decimal("0.00")
CHOOSE_ANEW: Final = (
    "Bitte wählen Sie in dieser Zeile die Kommune neu, oder entfernen Sie die Zeile."
)

# Own context: no caller's precision may change a ceiling, and a product that does not fit
# raises instead of being rounded on the quiet.
_EXACT: Final = Context(prec=100, traps=[Inexact])


def share_of(rate: Decimal, amount: Decimal) -> Decimal:
    """`rate` (0 to 1) of `amount` in euro, rounded down to the cent."""
    product = _EXACT.multiply(rate, amount)
    return product.quantize(CENT, rounding=ROUND_DOWN, context=Context(prec=100))


def _totals(
    year: int | None, expenses: Iterable[ExpenseLine], cover: Iterable[CoverLine]
) -> Totals:
    spent = eligible = NOTHING
    for expense in expenses:
        spent += expense.amount
        eligible += expense.amount if expense.eligible else NOTHING
    by_kind = {kind.value: NOTHING for kind in CoverKind}
    for line in cover:
        by_kind[CoverKind(line.kind).value] += line.amount
    covered = sum(by_kind.values(), NOTHING)
    return Totals(
        year, spent, eligible, by_kind, covered, by_kind[CoverKind.GRANT.value], spent - covered
    )


def plan_years(plan: Plan) -> tuple[int, ...]:
    """The Haushaltsjahre that occur in the plan, in order."""
    return tuple(sorted({line.year for line in plan.expenses} | {c.year for c in plan.cover}))


def plan_totals(plan: Plan) -> PlanTotals:
    """The sums of the plan in euro, for every Haushaltsjahr in it and over all of them.

    Raises `ValueError` for a line whose kind is no `CoverKind`.
    """
    years = tuple(
        _totals(
            year,
            [line for line in plan.expenses if line.year == year],
            [line for line in plan.cover if line.year == year],
        )
        for year in plan_years(plan)
    )
    return PlanTotals(years, _totals(None, plan.expenses, plan.cover))


def requested(plan: Plan) -> Decimal:
    """The grant asked for in euro: the sum of the lines „beantragte Zuwendung"."""
    return plan_totals(plan).total.requested


def _finding(code: str, source: str, message: str, way_out: str, field: str = "cover") -> Finding:
    """A warning in the step of the Finanzierungsplan."""
    return Finding(code, Severity.WARNING, source, message, way_out, Step.FINANZIERUNG, field)


# --- The plan in itself ----------------------------------------------------------------


def years_match_period(plan: Plan, period: Period, terms: CallTerms) -> Finding | None:
    """The plan has lines in the Haushaltsjahre of the period and in no other.

    A line outside is `plan_year_outside_period`. A year of the period without any line is
    `plan_year_empty`, a notice only: a period may end in January and cost nothing then.
    An empty plan or an incomplete period says nothing here.
    """
    due, given = years_of(period), plan_years(plan)
    if not due or not given:
        return None
    if outside := [year for year in given if year not in due]:
        return _finding(
            "plan_year_outside_period",
            terms.source_plan,
            f"{_in_years(outside)} liegen Beträge, die Laufzeit berührt aber nur "
            f"{'das Haushaltsjahr' if len(due) == 1 else 'die Haushaltsjahre'} "
            f"{_listed(due)}.",
            "Bitte ordnen Sie die Beträge den Haushaltsjahren der Laufzeit zu.",
            "expenses",
        )
    if empty := [year for year in due if year not in given]:
        return Finding(
            "plan_year_empty",
            Severity.NOTICE,
            terms.source_plan,
            f"{_in_years(empty)} enthält der Finanzierungsplan noch keine Beträge.",
            "Wenn dort nichts anfällt, brauchen Sie nichts zu ändern.",
            Step.FINANZIERUNG,
            "expenses",
        )
    return None


def _listed(years: Sequence[int]) -> str:
    """„2026", „2026 und 2027", „2026, 2027 und 2028"."""
    *first, last = map(str, years)
    return f"{', '.join(first)} und {last}" if first else last


def _in_years(years: Sequence[int]) -> str:
    return f"{'Im Haushaltsjahr' if len(years) == 1 else 'In den Haushaltsjahren'} {_listed(years)}"


def _gap(where: str, gap: Decimal) -> str:
    """How far Deckung and Ausgaben are apart, in the words of PROGRAMME §5."""
    if gap > 0:
        return f"{where} fehlen noch {format_euro(gap)} Deckung."
    return f"{where} übersteigt die Deckung die Ausgaben um {format_euro(-gap)}."


def _way_out_of(gap: Decimal) -> str:
    if gap > 0:
        return "Bitte ergänzen Sie die Deckung oder verringern Sie die Ausgaben."
    return "Bitte verringern Sie die Deckung oder ergänzen Sie die Ausgaben."


def plan_balances_each_year(plan: Plan, terms: CallTerms) -> list[Finding]:
    """Ausgaben equal Deckung to the cent in every Haushaltsjahr (Richtlinie Nr. 3.2).

    The one rule that can fail several times: one `plan_year_unbalanced` for each year.
    """
    return [
        _finding(
            "plan_year_unbalanced",
            terms.source_plan,
            _gap(f"Im Haushaltsjahr {totals.year}", totals.gap),
            _way_out_of(totals.gap),
        )
        for totals in plan_totals(plan).years
        if totals.gap
    ]


def plan_balances_in_total(plan: Plan, terms: CallTerms) -> Finding | None:
    """Ausgaben equal Deckung to the cent over all years; else `plan_unbalanced`."""
    gap = plan_totals(plan).total.gap
    if not gap:
        return None
    return _finding("plan_unbalanced", terms.source_plan, _gap("Insgesamt", gap), _way_out_of(gap))


# --- What may be asked for -------------------------------------------------------------


def _too_much(
    code: str, source: str, plan: Plan, limit: Decimal, limit_in_words: str
) -> Finding | None:
    over = requested(plan) - limit
    if over <= 0:
        return None
    return _finding(
        code,
        source,
        f"Die beantragte Zuwendung übersteigt {limit_in_words} um {format_euro(over)}.",
        f"Nach dieser Grenze sind höchstens {format_euro(limit)} möglich.",
    )


def requested_within_cap(plan: Plan, terms: CallTerms) -> Finding | None:
    """No more is asked for than the call's highest amount; else `requested_above_cap`."""
    if terms.cap is None:
        return None
    words = f"den Höchstbetrag von {format_euro(terms.cap)}"
    return _too_much("requested_above_cap", terms.source_cap, plan, terms.cap, words)


def requested_within_eligible(plan: Plan, terms: CallTerms) -> Finding | None:
    """No more is asked for than is zuwendungsfähig; else `requested_above_eligible`."""
    eligible = plan_totals(plan).total.eligible
    words = f"die zuwendungsfähigen Ausgaben von {format_euro(eligible)}"
    return _too_much("requested_above_eligible", terms.source_plan, plan, eligible, words)


def requested_within_rate(plan: Plan, terms: CallTerms) -> Finding | None:
    """No more than the call's share of the eligible costs; else `requested_above_rate`.

    Holds wherever the call sets a rate, and so is the ceiling of the Anteilfinanzierung.
    """
    if terms.rate is None:
        return None
    limit = share_of(terms.rate, plan_totals(plan).total.eligible)
    words = f"den Förderanteil von {percent(terms.rate)} der zuwendungsfähigen Ausgaben"
    return _too_much("requested_above_rate", terms.source_rate, plan, limit, words)


def percent(rate: Decimal) -> str:
    """A rate from 0 to 1 as „80 %" or „66,6 %"."""
    text = f"{_EXACT.multiply(rate, Decimal(100)):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text.replace('.', ',')} %"


def requested_within_ceiling(plan: Plan, terms: CallTerms) -> Finding | None:
    """No more than the Finanzierungsart allows; else `requested_above_ceiling`.

    Fehlbedarfsfinanzierung: eligible costs minus all other cover. The ceiling of the
    Anteilfinanzierung is the rate, said once by `requested_within_rate`; a Festbetrag
    and an unnamed Finanzierungsart have none of their own.
    """
    if terms.financing_type != FinancingType.SHORTFALL:
        return None
    limit = _shortfall(plan)
    words = f"den Fehlbedarf von {format_euro(limit)}"
    return _too_much("requested_above_ceiling", terms.source_financing, plan, limit, words)


def _shortfall(plan: Plan) -> Decimal:
    total = plan_totals(plan).total
    return max(NOTHING, total.eligible - (total.cover_total - total.requested))


def highest_grant(plan: Plan, terms: CallTerms) -> Decimal:
    """The highest grant in euro this plan allows under the call: the lowest of its ceilings."""
    eligible = plan_totals(plan).total.eligible
    ceilings = [eligible]
    if terms.cap is not None:
        ceilings.append(terms.cap)
    if terms.rate is not None:
        ceilings.append(share_of(terms.rate, eligible))
    if terms.financing_type == FinancingType.SHORTFALL:
        ceilings.append(_shortfall(plan))
    return min(ceilings)


# --- Who else pays ---------------------------------------------------------------------


def own_contribution_present(plan: Plan, terms: CallTerms) -> Finding | None:
    """There are Eigenmittel, for full financing is the exception; else `own_contribution_missing`.

    A plan without any line says nothing here: that it is empty is said elsewhere.
    """
    if not plan_years(plan) or plan_totals(plan).total.cover[CoverKind.OWN.value] > 0:
        return None
    return _finding(
        "own_contribution_missing",
        terms.source_plan,
        "Der Finanzierungsplan enthält keine Eigenmittel. "
        "Eine Vollfinanzierung ist nur ausnahmsweise möglich.",
        "Bitte ergänzen Sie Eigenmittel oder begründen Sie, warum das nicht möglich ist.",
    )


def own_contribution_per_member(
    plan: Plan, members: Sequence[Member], terms: CallTerms
) -> Finding | None:
    """In a Verbund each member has its own Eigenmittel; else `member_contribution_missing`."""
    given = {
        line.member_ags for line in plan.cover if line.kind == CoverKind.OWN and line.amount > 0
    }
    names = [member.title for member in members if member.ags not in given]
    # With nobody's Eigenmittel at all, `own_contribution_present` has said so already.
    if len(members) < 2 or not names or not given:
        return None
    return _finding(
        "member_contribution_missing",
        terms.source_plan,
        f"Im Verbund gibt jede Kommune ihre Eigenmittel an. Es fehlen: {', '.join(names)}.",
        "Bitte ergänzen Sie für jede Kommune eine eigene Zeile.",
    )


def contribution_of_a_member(
    plan: Plan, members: Sequence[Member], terms: CallTerms
) -> list[Finding]:
    """In a Verbund every line of Eigenmittel says whose it is; else `contribution_unassigned`."""
    if len(members) < 2:
        return []
    return [
        _finding(
            "contribution_unassigned",
            terms.source_plan,
            f"Im Haushaltsjahr {line.year} sind {format_euro(line.amount)} Eigenmittel keiner "
            "Kommune zugeordnet.",
            CHOOSE_ANEW,
            f"cover-{line.id}",
        )
        for line in plan.cover
        if line.kind == CoverKind.OWN and line.amount > 0 and not line.member_ags
    ]


def cover_of_members_only(plan: Plan, members: Sequence[Member], terms: CallTerms) -> list[Finding]:
    """No line belongs to a municipality that left the Verbund; else `cover_of_former_member`.

    Its money stays in the plan until a person takes it out: the sums would else change unseen.
    """
    keys = {member.ags for member in members}
    return [
        _finding(
            "cover_of_former_member",
            terms.source_plan,
            f"{line.member_name or f'Schlüssel {line.member_ags}'} ist nicht mehr im Verbund. Im "
            f"Haushaltsjahr {line.year} gehört dieser Kommune noch die Zeile "
            f"„{CoverKind(line.kind).label}“ über {format_euro(line.amount)}.",
            CHOOSE_ANEW,
            f"cover-{line.id}",
        )
        for line in plan.cover
        if keys and line.member_ags and line.member_ags not in keys
    ]


def budget_approved(plan: Plan, terms: CallTerms) -> Finding | None:
    """The budget is approved; else the notice `budget_not_approved`, for the reviewer to see."""
    if plan.budget_situation in ("", BudgetSituation.APPROVED):
        return None
    label = BudgetSituation(plan.budget_situation).label
    return Finding(
        "budget_not_approved",
        Severity.NOTICE,
        terms.source_plan,
        f"Haushaltslage: {label}.",
        "Die Gesamtfinanzierung steht dann unter dem Vorbehalt der Genehmigung des Haushalts.",
        Step.FINANZIERUNG,
        "budget_situation",
    )
