"""What the pages of proposal, signature and publication show besides their form."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from applications import documents, rules, services
from applications.admin.addresses import case_address
from applications.admin.checklists import before_moving
from applications.forms.desk_proposals import ChangeForm, ProposalForm, plan_field
from applications.models import Application, Decision
from applications.models.decisions import FIRST_KINDS, DecisionState, HandRole
from applications.models.letters import LetterKind
from applications.services import checklists, content, letters, snapshots
from applications.services.decisions import budget, changed_parts, gaps_of
from applications.services.letters import PARTS_ELSEWHERE
from applications.services.publication import ANSWER_DAYS
from kiv_portal.calendar import last_day
from kiv_portal.euro import format_euro
from municipalities.permissions import may_sign_decisions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from applications.models.decisions import DecisionKind
    from municipalities.models import User

HANDS: Final = {
    HandRole.WROTE: "hat am Vorschlag geschrieben",
    HandRole.COUNTERSIGNED: "hat mitgezeichnet",
    HandRole.SIGNED: "hat schlussgezeichnet",
}
"""What somebody did with a decision, in the words of the desk."""


def form(application: Application, data: Any, at: datetime) -> ProposalForm:
    """The proposal, prefilled with what was asked for."""
    plan = services.plan_of(application)
    totals = rules.plan_totals(plan)
    eligible = checklists.eligible_costs(application)
    start, end = _period(application)
    touched = range(start.year, end.year + 1) if start and end else ()
    by_year = {year.year: year.requested for year in totals.years if year.year}
    initial: dict[str, Any] = {
        # No more than what the checks found to be zuwendungsfähig, line by line.
        "amount": min(totals.total.requested, eligible),
        "eligible_costs": eligible,
        "starts_on": start,
        "ends_on": end,
        "made": "elsewhere" if application.call.letters_elsewhere else "here",
        "version": services.latest_version(application),
    }
    initial |= {f"year_{year}": amount for year, amount in by_year.items()}
    lines = checklists.adjusted_lines(application, plan)
    initial |= _plan_initial(lines)
    return ProposalForm(
        data,
        # Another period typed into the form brings its own years.
        years={*touched, *by_year} or (at.year,),
        requested=totals.total.requested,
        members=_members(application, lines),
        before=services.before_of(application),
        opening=_opening(application, ProposalForm.KINDS, at),
        initial=initial,
    )


def change_form(application: Application, data: Any, at: datetime) -> ChangeForm:
    """A change, prefilled with the version that counts now."""
    now = letters.current(application)
    assert now is not None  # the state says that something was signed
    years = {year.year: year.amount for year in now.years.all()}
    initial: dict[str, Any] = {
        "amount": now.amount,
        "eligible_costs": now.eligible_costs,
        "starts_on": now.starts_on,
        "ends_on": now.ends_on,
        "made": "elsewhere" if application.call.letters_elsewhere else "here",
    }
    initial |= {f"year_{year}": amount for year, amount in years.items()}
    lines = list(now.plan.all())
    initial |= _plan_initial(lines)
    return ChangeForm(
        data,
        years=years or (at.year,),
        requested=now.requested,
        members=_members(application, lines),
        opening=_opening(application, ChangeForm.KINDS, at),
        initial=initial,
    )


def _opening(
    application: Application, kinds: Iterable[DecisionKind], at: datetime
) -> list[tuple[str, list[str]]]:
    """What each letter's Begründung says by itself, by the German name of the kind."""
    found = (
        (kind.label, letters.opening_reasons(application, LetterKind(kind), at)) for kind in kinds
    )
    return [(label, paragraphs) for label, paragraphs in found if paragraphs]


def _members(application: Application, lines: Iterable[Any]) -> dict[str, str]:
    """The members, and those that left the Verbund and stand in the plan all the same."""
    rows = application.members.select_related("municipality").order_by("position", "pk")
    members = {row.municipality.ags: row.municipality.short_name for row in rows}
    named = {line.ags for line in lines}
    former = {
        town.ags: documents.left(town.short_name)
        for town in content.former_members(application)
        if town.ags in named
    }
    return members | former


def _plan_initial(lines: Iterable[Any]) -> dict[str, Any]:
    return {
        plan_field(line.side, line.kind, line.ags, line.year): line.amount
        for line in lines
        if line.amount
    }


def _period(application: Application) -> tuple[date | None, date | None]:
    start, months = application.starts_on, application.months
    return start, last_day(start, months) if start and months else None


def before_proposing(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """The figures asked for, and what the letter of either kind would still lack."""
    plan = services.plan_of(application)
    lines = checklists.adjusted_lines(application, plan)
    return {
        "requested": format_euro(rules.plan_totals(plan).total.requested),
        # What was cut in the checks has to be borne by somebody before the plan balances.
        "gaps": [*gaps_of(lines).values()],
        "call": application.call,
        "cap": format_euro(application.call.cap) if application.call.cap else "",
        "letters": _lacking_by_kind(application, at),
        "heard": services.before_of(application).heard,
        "signs_too": may_sign_decisions(by),
        **before_moving(application, by, at),
    }


def before_changing(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """The version that counts, and whether a revocation could follow a hearing."""
    now = (
        application.decisions.prefetch_related("years", "hands__user")
        .filter(pk=getattr(letters.current(application), "pk", None))
        .first()
    )
    assert now is not None
    return {
        "current": shown(now),
        "requested": format_euro(now.requested),
        "call": application.call,
        "cap": format_euro(application.call.cap) if application.call.cap else "",
        "letters": [],
        "gaps": [],
        "heard": False,
        "signs_too": may_sign_decisions(by),
    }


def _lacking_by_kind(application: Application, at: datetime) -> list[dict[str, Any]]:
    """What the letters lack, said once where it is the same for both."""
    lacking = {
        kind.label: services.missing_parts(Decision(application=application, kind=kind), at)
        for kind in FIRST_KINDS
    }
    first, *others = lacking.values()
    if all(parts == first for parts in others):
        lacking = {" und ".join(lacking): first}
    return [
        {"label": label, "lacking": with_places(application, parts)}
        for label, parts in lacking.items()
        if parts
    ]


def seen(application: Application) -> dict[str, Any]:
    """The open proposal's number and its letter's seal, which the form carries back."""
    decision = application.decisions.get(state=DecisionState.PROPOSED)
    return {"proposal": decision.number, "letter": decision.draft_sha256}


def before_signing(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """The proposal in full, who wrote it, its letter, and what speaks against a signature."""
    decision = (
        application.decisions.filter(state=DecisionState.PROPOSED)
        .select_related("application__call", "previous", "corrected_by", "hearing")
        .prefetch_related("years", "plan", "hands__user")
        .get()
    )
    lacking = services.missing_parts(decision, at)
    notices: list[str] = []
    exceeded: list[str] = []
    try:
        notices = budget.check(decision, timezone.localdate(at))
    except services.BudgetExceeded as error:
        exceeded = error.faults
    return {
        "decision": shown(decision),
        "hearing": decision.hearing,
        "lacking": with_places(application, lacking),
        "draft_href": "" if lacking else case_address(application, "draft_letter"),
        "edits": [] if lacking else letters.edits_of(decision, at),
        "changed": [] if lacking else changed_parts(decision, at),
        "exceeded": exceeded,
        "notices": notices,
        **(before_moving(application, by, at) if decision.kind in FIRST_KINDS else {}),
        "awaits": decision.awaits_consent,
        "corrected_by": decision.corrected_by,
        "parts": [
            label
            for code, label in PARTS_ELSEWHERE[decision.kind]
            if code in decision.elsewhere_parts
        ],
    }


def shown(decision: Decision) -> dict[str, Any]:
    """A decision as people read it; needs `years` and `hands__user` prefetched."""
    granting = decision.amount is not None
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
                f"{decision.starts_on:%d.%m.%Y} bis {decision.ends_on:%d.%m.%Y}"
                if decision.starts_on and decision.ends_on
                else "–",
            ),
        ]
    if decision.made_elsewhere:
        facts.append(
            ("Schreiben", f"außerhalb erstellt, vom {decision.elsewhere_dated_on:%d.%m.%Y}")
        )
    if decision.basis:
        facts.append(("Rechtsgrund", decision.get_basis_display()))
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
                ("Geänderter Zuwendungszweck", decision.purpose),
                ("Besondere Nebenbestimmungen", decision.special_conditions),
                ("Von der Anhörung abgesehen", decision.hearing_skipped),
                ("Grund der Rückgabe", decision.return_reason),
            )
            if text
        ],
        "hands": [
            {
                "role": HANDS[hand.role],
                "user": str(hand.user),
                "at": hand.at,
                "stale": bool(hand.sha256) and hand.sha256 != decision.draft_sha256,
            }
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
    period = (
        f"{project.starts_on:%d.%m.%Y} bis {project.ends_on:%d.%m.%Y}"
        if project.starts_on and project.ends_on
        else "–"
    )
    return {
        "project": project,
        "agreed": agreed,
        "answer_days": ANSWER_DAYS,
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
            ("Bewilligte Zuwendung", project.get_amount_class_display() or "–"),
            ("Adresse", f"/projekte/{project.slug}/"),
        ],
    }
