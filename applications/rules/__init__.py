"""Whether an application as it stands keeps the call's terms: pure rules.

One function per clause, grouped by what it is about: `period`, `plan` (Finanzierungsplan),
`bank` and `filing` (what has to be there). The values they work on are in `values`. Nothing here
knows a database or a clock; the call's terms arrive as `CallTerms`.

Findings on substance never stop a submission (§ 24 Abs. 3 VwVfG): the applicant confirms
them, the reviewer sees them first. `blocking(...)` are the few that do.
"""

from collections.abc import Iterable, Iterator

from applications.rules.bank import Bank, bank_of, format_iban, parse_iban
from applications.rules.filing import (
    authority_declared,
    authority_sentence,
    bank_details_complete,
    contact_complete,
    cooperation_declared,
    declarations_given,
    documents_present,
    eligibility_in_form,
    finance_contact_complete,
    lead_present,
    missing,
    other_funding_as_in_plan,
    other_funding_named,
    own_authority_declared,
    requested_amount_present,
    signature_present,
    title_present,
)
from applications.rules.period import (
    adoption_after_start,
    adoption_planned,
    decision_expected_on,
    ends_on,
    period_within_limits,
    start_after_decision_expected,
    years_of,
)
from applications.rules.plan import (
    budget_approved,
    contribution_of_a_member,
    cover_of_members_only,
    highest_grant,
    own_contribution_per_member,
    own_contribution_present,
    plan_balances_each_year,
    plan_balances_in_total,
    plan_totals,
    plan_years,
    requested,
    requested_within_cap,
    requested_within_ceiling,
    requested_within_eligible,
    requested_within_rate,
    share_of,
    years_match_period,
)
from applications.rules.reminders import Reminder, ReminderKind, due_reminders
from applications.rules.values import (
    REQUIRED_TEXTS,
    Adoption,
    BudgetSituation,
    CallTerms,
    ContactPoint,
    CoverKind,
    CoverLine,
    Declaration,
    Document,
    DocumentKind,
    ExpenseCategory,
    ExpenseLine,
    Filing,
    FinancingType,
    PartRow,
    Period,
    Plan,
    PlanTotals,
    ProcurementWay,
    RequiredText,
    SignatureForm,
    Step,
    Totals,
)
from municipalities.eligibility import Finding, Severity

__all__ = [
    "REQUIRED_TEXTS",
    "Adoption",
    "Bank",
    "BudgetSituation",
    "CallTerms",
    "ContactPoint",
    "CoverKind",
    "CoverLine",
    "Declaration",
    "Document",
    "DocumentKind",
    "ExpenseCategory",
    "ExpenseLine",
    "Filing",
    "FinancingType",
    "Finding",
    "PartRow",
    "Period",
    "Plan",
    "PlanTotals",
    "ProcurementWay",
    "Reminder",
    "ReminderKind",
    "RequiredText",
    "Severity",
    "SignatureForm",
    "Step",
    "Totals",
    "adoption_after_start",
    "adoption_planned",
    "authority_declared",
    "authority_sentence",
    "bank_details_complete",
    "bank_of",
    "blocking",
    "budget_approved",
    "check",
    "contact_complete",
    "contribution_of_a_member",
    "cooperation_declared",
    "cover_of_members_only",
    "decision_expected_on",
    "declarations_given",
    "documents_present",
    "due_reminders",
    "eligibility_in_form",
    "ends_on",
    "finance_contact_complete",
    "format_iban",
    "highest_grant",
    "lead_present",
    "missing",
    "other_funding_as_in_plan",
    "other_funding_named",
    "own_authority_declared",
    "own_contribution_per_member",
    "own_contribution_present",
    "parse_iban",
    "period_within_limits",
    "plan_balances_each_year",
    "plan_balances_in_total",
    "plan_totals",
    "plan_years",
    "requested",
    "requested_amount_present",
    "requested_within_cap",
    "requested_within_ceiling",
    "requested_within_eligible",
    "requested_within_rate",
    "share_of",
    "signature_present",
    "start_after_decision_expected",
    "title_present",
    "years_match_period",
    "years_of",
]


def check(filing: Filing, terms: CallTerms) -> list[Finding]:
    """Everything the rules have to say about an application, in the order of its steps.

    Within a step: first what blocks, then empty required fields, then the other findings.
    An empty list means that all Pflichtangaben are there and every term is kept.
    """
    order = {step.value: place for place, step in enumerate(Step)}
    weights = {Severity.BLOCKING: 0, Severity.WARNING: 1, Severity.NOTICE: 2}
    said = [finding for finding in _findings(filing, terms) if finding is not None]
    # sorted() is stable: within a step and weight the order below stays.
    return sorted(said, key=lambda f: (order[f.step], weights[f.severity]))


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """Those findings that make it no application at all, and so stop the submission."""
    return [finding for finding in findings if finding.severity is Severity.BLOCKING]


def _findings(filing: Filing, terms: CallTerms) -> Iterator[Finding | None]:
    yield lead_present(filing)
    yield title_present(filing)
    yield requested_amount_present(filing)
    yield authority_declared(filing)
    yield from eligibility_in_form(filing)
    yield from missing(filing)
    yield contact_complete(filing)
    yield finance_contact_complete(filing)
    yield bank_details_complete(filing)
    yield period_within_limits(filing.period, terms)
    yield start_after_decision_expected(filing, terms)
    yield adoption_planned(filing, terms)
    yield adoption_after_start(filing, terms)
    yield from _on_the_plan(filing, terms)
    yield from documents_present(filing, terms)
    yield cooperation_declared(filing, terms)
    yield signature_present(filing, terms)
    yield from declarations_given(filing, terms)
    yield other_funding_named(filing)
    yield other_funding_as_in_plan(filing)


def _on_the_plan(filing: Filing, terms: CallTerms) -> Iterator[Finding | None]:
    plan = filing.plan
    yield years_match_period(plan, filing.period, terms)
    yield from plan_balances_each_year(plan, terms)
    # With one year only, the total would say the same thing twice.
    if len(plan_years(plan)) > 1:
        yield plan_balances_in_total(plan, terms)
    yield requested_within_cap(plan, terms)
    yield requested_within_eligible(plan, terms)
    yield requested_within_rate(plan, terms)
    yield requested_within_ceiling(plan, terms)
    yield own_contribution_present(plan, terms)
    yield own_contribution_per_member(plan, filing.members, terms)
    yield from contribution_of_a_member(plan, filing.members, terms)
    yield from cover_of_members_only(plan, filing.members, terms)
    yield budget_approved(plan, terms)
