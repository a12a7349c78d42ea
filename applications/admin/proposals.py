"""What the pages of proposal, signature and publication show besides their form."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.urls import NoReverseMatch, reverse

from applications import rules, services
from applications.admin.addresses import case_address
from applications.forms.desk import ProposalForm
from applications.models import Application, Decision
from applications.models.decisions import DecisionKind, DecisionState, HandRole
from applications.services import snapshots
from kiv_portal.calendar import last_day
from kiv_portal.euro import format_euro
from municipalities.permissions import may_sign_decisions

if TYPE_CHECKING:
    from datetime import date, datetime

    from municipalities.models import User

HANDS: Final = {HandRole.WROTE: "hat vorgeschlagen", HandRole.SIGNED: "hat schlussgezeichnet"}
"""What somebody did with a decision, in the words of the desk."""


def form(application: Application, data: Any, at: datetime) -> ProposalForm:
    """The proposal, prefilled with what was asked for."""
    totals = rules.plan_totals(services.plan_of(application))
    start, end = _period(application)
    touched = range(start.year, end.year + 1) if start and end else ()
    by_year = {year.year: year.requested for year in totals.years if year.year}
    initial: dict[str, Any] = {
        "amount": totals.total.requested,
        "eligible_costs": totals.total.eligible,
        "starts_on": start,
        "ends_on": end,
    }
    initial |= {f"year_{year}": amount for year, amount in by_year.items()}
    # Another period typed into the form brings its own years.
    years = touched or by_year or (at.year,)
    return ProposalForm(data, years=years, requested=totals.total.requested, initial=initial)


def _period(application: Application) -> tuple[date | None, date | None]:
    start, months = application.starts_on, application.months
    return start, last_day(start, months) if start and months else None


def before_proposing(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """The figures asked for, and what the letter of either kind would still lack."""
    totals = rules.plan_totals(services.plan_of(application))
    return {
        "requested": format_euro(totals.total.requested),
        "call": application.call,
        "cap": format_euro(application.call.cap) if application.call.cap else "",
        "letters": _lacking_by_kind(application, at),
        "signs_too": may_sign_decisions(by),
    }


def _lacking_by_kind(application: Application, at: datetime) -> list[dict[str, Any]]:
    """What the letters lack, said once where it is the same for both."""
    lacking = {
        kind.label: services.missing_parts(Decision(application=application, kind=kind), at)
        for kind in DecisionKind
    }
    first, *others = lacking.values()
    if all(parts == first for parts in others):
        lacking = {" und ".join(lacking): first}
    return [
        {"label": label, "lacking": with_places(application, parts)}
        for label, parts in lacking.items()
        if parts
    ]


def number(application: Application) -> dict[str, int]:
    """The open proposal's number, which the form carries back."""
    return {"proposal": application.decisions.get(state=DecisionState.PROPOSED).number}


def before_signing(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """The proposal in full, who wrote it, and its letter as a draft."""
    decision = (
        application.decisions.filter(state=DecisionState.PROPOSED)
        .prefetch_related("years", "hands__user")
        .get()
    )
    lacking = services.missing_parts(decision, at)
    return {
        "decision": shown(decision),
        "lacking": with_places(application, lacking),
        "draft_href": "" if lacking else case_address(application, "draft_letter"),
    }


def shown(decision: Decision) -> dict[str, Any]:
    """A decision as people read it; needs `years` and `hands__user` prefetched."""
    granting = decision.kind == DecisionKind.GRANT
    facts = [("Beantragt", format_euro(decision.requested))]
    if granting:
        facts += [
            ("Zuwendung", format_euro(decision.amount or Decimal(0))),
            *(
                (f"davon Haushaltsjahr {year.year}", format_euro(year.amount))
                for year in decision.years.all()
            ),
            ("Zuwendungsfähige Gesamtausgaben", format_euro(decision.eligible_costs or Decimal(0))),
            (
                "Bewilligungszeitraum",
                f"{decision.starts_on:%d.%m.%Y} bis {decision.ends_on:%d.%m.%Y}",
            ),
        ]
    return {
        "number": decision.number,
        "kind": decision.get_kind_display(),
        "state": decision.get_state_display(),
        "signed": decision.state == "signed",
        "partial": decision.is_partial,
        "facts": facts,
        "texts": [
            (label, text)
            for label, text in (
                ("Begründung", decision.reasons),
                ("Begründung der Kürzung", decision.reduction_reasons),
                ("Besondere Nebenbestimmungen", decision.special_conditions),
                ("Grund der Rückgabe", decision.return_reason),
            )
            if text
        ],
        "hands": [
            {"role": HANDS[hand.role], "user": str(hand.user), "at": hand.at}
            for hand in sorted(decision.hands.all(), key=lambda hand: (hand.at, hand.pk))
        ],
        "proposed_at": decision.proposed_at,
        "settled_at": decision.settled_at,
    }


def with_places(application: Application, lacking: list[str]) -> list[dict[str, str]]:
    """What is missing, each with the page where it is filled in."""
    return [{"text": text, "href": _place(application, text)} for text in lacking]


def _place(application: Application, text: str) -> str:
    try:
        if text.startswith("Textbaustein"):
            return reverse("admin:applications_letterblock_changelist")
        if text.startswith("Geschäftszeichen"):
            return case_address(application, "set_file_number")
        if text.startswith("Anschrift"):
            return reverse("admin:portal_authority_changelist")
        if text.startswith("Verwaltungsgericht"):
            lead = application.members.select_related("municipality").get(role="lead")
            return reverse(
                "admin:municipalities_district_change", args=[lead.municipality.district_id]
            )
        return reverse("admin:applications_fundingcall_change", args=[application.call_id])
    except NoReverseMatch:
        return ""


def public_view(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """What the public will see of the project, and whether the applicant agreed."""
    project = application.project
    assert project is not None  # a granted application has one
    last = application.snapshots.last()
    assert last is not None
    agreed = snapshots.read(last)["steps"]["erklaerungen"]["consents_publication"]
    members = project.members.select_related("municipality__district")
    contact = getattr(project, "contact", None)
    period = (
        f"{project.starts_on:%d.%m.%Y} bis {project.ends_on:%d.%m.%Y}"
        if project.starts_on and project.ends_on
        else "–"
    )
    return {
        "project": project,
        "agreed": agreed,
        "facts": [
            ("Projektname", project.title),
            (
                "Kommunen",
                ", ".join(
                    f"{m.municipality.short_name} ({m.municipality.district.label})"
                    for m in members
                ),
            ),
            ("Förderrunde", str(project.round)),
            ("AMIF-WIR-Projekt", "Ja" if project.amif else "Nein"),
            ("Zeitraum", period),
            ("Verantwortliche Stelle", project.unit or "–"),
            ("Kurzbeschreibung", project.summary or "–"),
            ("Kontakt", str(contact) if contact and not contact.hidden else "keiner"),
            ("Adresse", f"/projekte/{project.slug}/"),
        ],
    }
