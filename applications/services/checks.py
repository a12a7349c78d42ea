"""From rows to the plain values of `applications.rules`, and what the rules say of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from django.db.models import prefetch_related_objects
from django.utils import timezone

from applications import rules
from applications.models import Application, ApplicationMember
from applications.rules import Declaration, Filing, Finding
from applications.services import cooperation
from applications.services.content import rows_of
from applications.services.eligibility import funded_rounds_of
from applications.services.log import canonical, sha256
from municipalities.eligibility import Limits, Member, Severity, assess
from municipalities.services import figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from municipalities.models import Municipality

NOTHING = Decimal("0.00")


def members_as_rules_see_them(
    rows: Iterable[ApplicationMember], limits: Limits, opened: datetime | None
) -> list[Member]:
    """The lead first, then the partners, each with the figure that counts for the call."""
    municipalities = [row.municipality for row in rows]
    # Only a municipality that began on a day of its own continues another one's figures.
    before_them: list[Municipality] = []
    if younger := [row for row in municipalities if row.valid_from is not None]:
        prefetch_related_objects(younger, "predecessors")
        before_them = [former for row in younger for former in row.predecessors.all()]
    prefetch_related_objects([*municipalities, *before_them], "populations")
    funded = funded_rounds_of(municipalities)
    before = timezone.localdate(opened) if opened else None
    return [
        figures.member(
            municipality,
            limits,
            before=before,
            funded_rounds=funded.get(municipality.pk, ()),
        )
        for municipality in municipalities
    ]


def plan_of(application: Application) -> rules.Plan:
    """The Finanzierungsplan as plain values; rows without an amount count as nothing."""
    return rules.Plan(
        expenses=tuple(
            rules.ExpenseLine(
                row.year, row.category, row.text, row.amount or NOTHING, row.eligible, str(row.pk)
            )
            for row in application.expenses.all()
        ),
        cover=tuple(
            rules.CoverLine(
                row.year,
                row.kind,
                row.text,
                row.amount or NOTHING,
                row.municipality.ags if row.municipality else None,
                str(row.pk),
                row.municipality.short_name if row.municipality else "",
            )
            for row in rows_of(application, "cover")
        ),
        vat_deductible=application.vat_deductible,
        budget_situation=application.budget_situation,
    )


def members_of(application: Application, at: datetime) -> Filing:
    """Who applies and whether they may: all that the step with the members is about.

    The rest of the application is left out, so its findings are those of this step alone.
    """
    limits = application.call.limits()
    rows = rows_of(application, "members")
    members = members_as_rules_see_them(rows, limits, application.call.opens_at)
    lead = members[0] if members else None
    partners = tuple(members[1:])
    day = timezone.localdate(at)
    return Filing(
        lead=lead,
        partners=partners,
        eligibility=tuple(assess(lead, partners, limits, day)) if lead else (),
        filed_on=day,
    )


def parts_of(application: Application, at: datetime) -> Filing:
    """Everything but whether the members may apply: for the steps that are written.

    Saves the queries for official figures and earlier rounds, which only the step with the
    members has to do with.
    """
    towns = [row.municipality for row in application.members.all()]
    members = [Member(town.ags, town.short_name, town.kind) for town in towns]
    return _with_parts(application, Filing(filed_on=timezone.localdate(at)), members)


def filing_of(application: Application, at: datetime) -> Filing:
    """The application as it stands, as plain values for the rules."""
    filing = members_of(application, at)
    return _with_parts(application, filing, list(filing.members))


def _with_parts(application: Application, filing: Filing, members: list[Member]) -> Filing:
    declared = {
        Declaration.CORRECT: application.declares_correct,
        Declaration.NOT_STARTED: application.declares_not_started,
        Declaration.FINANCING_SECURED: application.declares_financing_secured,
    }
    return replace(
        filing,
        title=application.title,
        lead=members[0] if members else None,
        partners=tuple(members[1:]),
        contacts=(
            rules.ContactPoint(
                unit=application.contact_unit,
                person=application.contact_person,
                email=application.contact_email,
                phone=application.contact_phone,
            ),
        ),
        finance_contact=rules.ContactPoint(
            unit=application.finance_unit,
            person=application.finance_person,
            email=application.finance_email,
            phone=application.finance_phone,
        ),
        account_holder=application.account_holder,
        iban=application.iban,
        texts={
            "addressee": application.addressee,
            "street": application.street,
            "postal_code": application.postal_code,
            "city": application.city,
            "signatory_name": application.signatory_name,
            "signatory_function": application.signatory_function,
            "target_groups": application.target_groups,
            "topics": application.topics,
            "continuation": application.continuation,
            "procurement_way": application.procurement_way,
            "procurement_text": application.procurement_text,
            "summary": application.summary,
            "situation": application.situation,
            "goals": application.goals,
            "approach": application.approach,
            "social_space": application.social_space,
            "bodies": application.bodies,
            "wir_centre": application.wir_centre,
            "formats": "; ".join(row.name for row in application.formats.all()),
            "milestones": "; ".join(row.text for row in application.milestones.all()),
        },
        period=rules.Period(application.starts_on, application.months),
        adoptions=tuple(
            rules.Adoption(row.municipality.ags, row.municipality.council, row.planned_on)
            for row in rows_of(application, "adoptions")
        ),
        plan=plan_of(application),
        rows=tuple(_begun_rows(application)),
        documents=tuple(
            rules.Document(row.kind, row.municipality.ags if row.municipality else None)
            for row in rows_of(application, "documents")
            if row.removed_at is None
        ),
        confirmed_partners=frozenset(cooperation.confirmed(application)),
        declarations=frozenset(code for code, given in declared.items() if given),
        other_funding=application.other_funding,
        other_funding_text=application.other_funding_text,
        authority_declared=application.authority_declared,
    )


CELLS: Final[dict[str, tuple[rules.Step, str, dict[str, str]]]] = {
    "formats": (
        rules.Step.BETEILIGUNG,
        "Programmseite",
        {
            "name": "Format",
            "reaches": "wen es erreicht",
            "when": "wann",
            "how_many": "wie viele",
            "barriers": "wie Hürden gesenkt werden",
        },
    ),
    "milestones": (
        rules.Step.ZEITPLAN,
        "Förderrichtlinie Nr. 3.1",
        {"text": "Arbeitsschritt", "due_on": "fertig bis"},
    ),
    "expenses": (rules.Step.FINANZIERUNG, "Förderrichtlinie Nr. 3.2", {"amount": "Betrag"}),
    "cover": (rules.Step.FINANZIERUNG, "Förderrichtlinie Nr. 3.2", {"amount": "Betrag"}),
}
"""Of each repeatable part the cells that have to be filled in once a row is begun."""


def _begun_rows(application: Application) -> Iterator[rules.PartRow]:
    for part, (step, source, labels) in CELLS.items():
        for number, row in enumerate(rows_of(application, part), start=1):
            values = {label: getattr(row, name) for name, label in labels.items()}
            yield rules.PartRow(
                step,
                f"{part}-{row.pk}",
                f"{row._meta.verbose_name} {number}",
                tuple((k, "" if value is None else str(value)) for k, value in values.items()),
                source,
            )


def findings_of(application: Application, at: datetime) -> list[Finding]:
    """Everything the rules say of the application at that instant, in the order of its steps."""
    return rules.check(filing_of(application, at), application.call.terms())


def to_confirm(findings: Iterable[Finding]) -> list[Finding]:
    """Findings on substance: the applicant confirms them and may submit all the same."""
    return [finding for finding in findings if finding.severity is Severity.WARNING]


def confirmation_key(findings: Iterable[Finding]) -> str:
    """What a confirmation refers to: it holds for exactly these findings and no others."""
    said = sorted((f.code, f.step, f.message) for f in to_confirm(findings))
    return sha256(canonical(said))
