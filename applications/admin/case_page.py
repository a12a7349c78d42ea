"""The case page: what was filed beside what the rules say of it, and all that happened since."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final

from django.db.models import prefetch_related_objects
from django.utils import timezone

from applications import documents, permissions
from applications.admin import acts, next_steps, standing, words
from applications.admin.addresses import case_address
from applications.admin.filed import filed_in, plan_in
from applications.admin.hindrances import with_letters
from applications.admin.logged import entries_in_words
from applications.admin.proposals import shown
from applications.models import Application, CaseLogEntry, ScanState, Snapshot
from applications.models.decisions import DecisionState
from applications.models.editing import DESK
from applications.rules import DocumentKind, Finding, Severity, Step, plan_totals
from applications.rules.plan import percent
from applications.services import letters, log, presence, snapshots
from applications.services.eligibility import funded_rounds_of
from applications.services.entries import DECIDED
from applications.workflow import Status
from kiv_portal.euro import format_euro
from kiv_portal.files import SHOWN
from municipalities.models import User
from municipalities.services import figures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from applications.models import Decision, InformationRequest, Presence

address = case_address

WEIGHTS: Final = {Severity.BLOCKING: 0, Severity.WARNING: 1, Severity.NOTICE: 2}


def build(application: Application, user: User, at: datetime) -> dict[str, Any]:
    """Everything the page shows, in a number of queries that does not depend on the case."""
    versions = list(application.snapshots.select_related("taken_by"))
    last = versions[-1]
    filed = filed_in(last)
    content = filed.content
    presented = documents.presentation(content, sha256=last.sha256)
    requests = list(
        application.information_requests.select_related("sent_by").prefetch_related("items")
    )
    asked = next((request for request in requests if request.closed_at is None), None)
    decisions = list(application.decisions.prefetch_related("years", "hands__user"))
    findings = _findings(content)
    logged = list(
        CaseLogEntry.objects.filter(application=application)
        .select_related("content")
        .order_by("sequence")
    )
    prefetch_related_objects([application], "hearings")
    hearings = list(application.hearings.all())
    recusals = list(application.recusals.filter(lifted_at__isnull=True).select_related("user"))
    application.recused = frozenset(row.user_id for row in recusals)  # read once for the page
    case_entries = (
        list(application.entries.filter(struck_at__isnull=True))
        if application.state in DECIDED
        else []
    )
    written = [(row, list(row.deliveries.all())) for row in with_letters(application).letters.all()]
    proposed = next((d for d in decisions if d.state == DecisionState.PROPOSED), None)
    heard = next((hearing for hearing in hearings if hearing.closed_at is None), None)
    facts = standing.Facts(
        application=application,
        due_on=asked.due_on if asked else None,
        heard_on=heard.due_on if heard else None,
        proposed_on=timezone.localdate(proposed.proposed_at) if proposed else None,
        corrected_on=(
            timezone.localdate(proposed.corrected_at)
            if proposed and proposed.corrected_at and proposed.awaits_consent
            else None
        ),
        letters=written,
        entries=case_entries,
    )
    to_deliver = {letter.pk for letter, _ in facts.lying()}
    to_sign = {letter.pk for letter in facts.unsigned()}
    recused = permissions.is_recused(user, application)
    may_write = permissions.may_take_part(user, application)
    return {
        "recused": recused,
        "recusals": recusals,
        "present": _present(application, user, at, note=may_write),
        "beside": (
            {action: case_address(application, action) for action in acts.BESIDE}
            if may_write
            else {}
        ),
        "notes": list(application.notes.select_related("by"))[::-1],
        "case_messages": list(application.messages.select_related("by"))[::-1],
        "title": f"{application.reference} – {filed.title}",
        "application": application,
        "filed": filed,
        "tone": words.TONES[application.state],
        "state": application.state.label,
        **next_steps.build(facts, user, at, proposed),
        "asked": asked,
        "overdue": asked is not None and asked.due_on < timezone.localdate(at),
        "facts": _facts(application, presented, format_euro(filed.requested)),
        "findings": findings,
        # Only such findings are confirmed, so without them there is nothing to give reasons for.
        "confirmation_reason": (
            presented["confirmation_reason"]
            if any(finding.severity is Severity.WARNING for finding in findings)
            else ""
        ),
        "plan": _plan(application, content),
        "answered": _answered(application, requests),
        "draft_href": _draft(application, proposed, at),
        "members": _members(content),
        "partners": [one for one in presented["members"] if one["declared"]],
        "sections": [s for s in presented["sections"] if s["step"] != Step.ANLAGEN],
        "documents": _documents(application, content),
        "last": last,
        "requests": requests,
        "decisions": [shown(decision) for decision in decisions],
        "letters": [
            {
                "row": letter,
                "href": case_address_of(application, "letter_pdf", letter.pk),
                "delivery_href": case_address_of(application, "delivery", letter.pk),
                "deliveries": sent,
                "to_deliver": letter.pk in to_deliver,
                "to_sign": letter.pk in to_sign,
            }
            for letter, sent in written
        ],
        "checks_href": case_address(application, "checks"),
        "opinions_href": case_address(application, "opinions"),
        "letter_new_href": case_address(application, "letter_new"),
        "consent_href": case_address(application, "consent"),
        "entries_href": (
            case_address(application, "entries") if application.state in DECIDED else ""
        ),
        "entry": _entry(application),
        "hearings": hearings,
        "case_entries": case_entries,
        "versions": _versions(application, versions),
        "entries": entries_in_words(logged),
        "faults": log.faults_in(application, logged),
        "akte_href": case_address(application, "akte"),
    }


def case_address_of(application: Application, page: str, key: Any) -> str:
    """A page of the case that has a key of its own."""
    from django.urls import reverse

    return reverse(f"admin:applications_application_{page}", args=[application.pk, key])


def _entry(application: Application) -> dict[str, Any] | None:
    """What became of the public entry; nothing before it was published."""
    entry = getattr(application, "public_entry", None)
    project = application.project
    if entry is None or project is None:
        return None
    contact = getattr(project, "contact", None)
    consent = getattr(application, "person_consent", None)
    return {
        "row": entry,
        "project": project,
        "amount_class": project.get_amount_class_display(),
        "changed": bool(project.summary) and project.summary != application.summary,
        "contact": contact,
        "consent": consent,
    }


def _facts(
    application: Application, presented: dict[str, Any], requested: str
) -> list[tuple[str, Any]]:
    return [
        ("Antragsnummer", application.reference),
        ("Geschäftszeichen", application.file_number or "noch nicht eingetragen"),
        ("Förderaufruf", presented["call_title"]),
        ("Eingegangen", _arrived(application)),
        ("Beantragt", requested),
        ("Sachbearbeitung", application.reviewer or "noch niemand"),
    ]


def _arrived(application: Application) -> str:
    """When it came; what came otherwise as stamped, with who recorded and who confirmed it."""
    submitted = timezone.localtime(application.submitted_at)
    if not application.received_as:
        return f"{submitted:%d.%m.%Y, %H:%M} Uhr"
    row = application.recording
    stamp = f"{submitted:%d.%m.%Y}"
    if (submitted.hour, submitted.minute) != (0, 0):
        stamp += f", {submitted:%H:%M} Uhr,"
    return (
        f"{stamp} {application.get_received_as_display()}; erfasst von {row.recorded_by}, "
        f"bestätigt von {row.confirmed_by}. Grund: {row.reason}"
    )


def _plan(application: Application, content: dict[str, Any]) -> dict[str, Any]:
    """The sums per Haushaltsjahr, and what is asked for beside the ceilings of the call."""
    totals = plan_totals(plan_in(content))
    call, whole = application.call, totals.total
    share = (
        percent((whole.requested / whole.eligible).quantize(Decimal("0.0001"), ROUND_HALF_UP))
        if whole.eligible
        else "–"
    )
    return {
        "rows": [
            (
                str(row.year) if row.year else "Summe",
                *(
                    format_euro(amount)
                    for amount in (
                        row.expenses,
                        row.eligible,
                        row.cover_total,
                        row.requested,
                        row.gap,
                    )
                ),
            )
            for row in (*totals.years, whole)
        ],
        "share": share,
        "rate": percent(call.rate) if call.rate is not None else "nicht festgelegt",
        "requested": format_euro(whole.requested),
        "cap": format_euro(call.cap) if call.cap is not None else "nicht festgelegt",
    }


def _answered(application: Application, requests: Sequence[InformationRequest]) -> datetime | None:
    """When the answer came on which the check now goes on; None if the last was none."""
    if application.state is not Status.FORMAL_CHECK or not requests:
        return None
    last = max(requests, key=lambda request: request.sent_at)
    return last.closed_at if last.answered else None


def _draft(application: Application, proposed: Decision | None, at: datetime) -> str:
    """Where the letter of the open proposal is read before it is signed; empty if nowhere."""
    if proposed is None or letters.missing_parts(proposed, at):
        return ""
    return case_address(application, "draft_letter")


def _findings(content: dict[str, Any]) -> list[Finding]:
    """The findings stored with the version, what weighs most first."""
    found = [
        Finding(
            finding["code"],
            Severity(finding["severity"]),
            finding["source"],
            finding["message"],
            finding["way_out"],
            finding["step"],
        )
        for finding in content["findings"]
    ]
    return sorted(found, key=lambda finding: WEIGHTS[finding.severity])


def _members(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The members as frozen, beside what the register says today and earlier funding."""
    keys = [member["ags"] for member in content["members"]]
    rows = {row.ags: row for row in figures.with_figures().filter(ags__in=keys)}
    funded = funded_rounds_of(rows.values())
    shown_members = []
    for member in content["members"]:
        row = rows.get(member["ags"])
        newest = max(
            row.populations.all() if row else (), key=lambda f: (f.as_of, f.basis), default=None
        )
        shown_members.append(
            {
                "name": member["official_name"],
                "ags": member["ags"],
                "district": member["district"],
                "role": ("federführende Kommune" if member["role"] == "lead" else "Partnerkommune"),
                "frozen": _figure(
                    member["population"], member["population_as_of"], member["population_basis"]
                ),
                "source": member["population_source"],
                "today": (
                    _figure(newest.value, newest.as_of.isoformat(), newest.basis) if newest else ""
                ),
                "differs": newest is not None and newest.value != member["population"],
                "funded": ", ".join(funded.get(row.pk, ())) if row else "",
            }
        )
    return shown_members


def _figure(value: int | None, as_of: str | None, basis: str) -> str:
    if value is None:
        return ""
    day = f" am {documents.shown('as_of_on', as_of)}" if as_of else ""
    return documents.grouped(value) + day + (f" ({basis})" if basis else "")


def _scan(state: ScanState) -> dict[str, str]:
    """The state of a virus scan as a badge, and what it means for whoever opens the file."""
    tone, text = {
        ScanState.PENDING: ("info", "Wird herausgegeben, sobald die Prüfung fertig ist."),
        ScanState.CLEAN: ("success", ""),
        ScanState.FOUND: (
            "danger",
            "Wird nicht herausgegeben. Bitte fordern Sie die Unterlage neu an.",
        ),
        ScanState.FAILED: (
            "warning",
            "Wird ungeprüft herausgegeben. Bitte öffnen Sie die Datei nur auf einem Gerät mit "
            "eigenem Virenschutz.",
        ),
    }[state]
    return {"tone": tone, "label": f"Virenprüfung: {state.label}", "text": text}


def _documents(application: Application, content: dict[str, Any]) -> list[dict[str, Any]]:
    names = documents.names_in(content)
    # Without a scanner there is no state, and nothing to look up.
    scans = (
        dict(application.documents.exclude(scan="").values_list("pk", "scan"))
        if documents.scan.is_set_up()
        else {}
    )
    states = {str(pk): _scan(ScanState(state)) for pk, state in scans.items()}
    return [
        {
            "scan": states.get(row["id"]),
            "kind": DocumentKind(row["kind"]).label,
            "municipality": names.get(row["municipality"] or "", ""),
            "name": row["name"],
            "size": documents.size_text(row["size"]),
            "sha256": row["sha256"],
            "href": (href := case_address_of(application, "document", row["id"])),
            "view_href": f"{href}?ansehen=1" if row["content_type"] in SHOWN else "",
        }
        for row in content["documents"]
    ]


def _versions(application: Application, rows: Sequence[Snapshot]) -> list[dict[str, Any]]:
    """The versions handed in, the newest first, with what changed from one to the next."""
    found: list[dict[str, Any]] = []
    before: dict[str, Any] | None = None
    for row in rows:
        content = snapshots.read(row)
        found.append(
            {
                "row": row,
                "whole": snapshots.is_whole(row),
                "changed": _changed(before, content) if before else [],
                "compare": (
                    f"{case_address(application, 'compare')}?von={row.number - 1}&bis={row.number}"
                    if before
                    else ""
                ),
                "href": (
                    case_address_of(application, "snapshot_pdf", row.number) if row.pdf else ""
                ),
            }
        )
        before = content
    return found[::-1]


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of the steps in which two versions differ."""
    return [
        step.label
        for step in Step
        if before["steps"][step] != after["steps"][step]
        or (step is Step.ANLAGEN and before["documents"] != after["documents"])
    ]


def _present(application: Application, user: User, at: datetime, *, note: bool) -> list[Presence]:
    """Colleagues who have the case open; whoever may write in it is noted as well."""
    here: dict[str, Any] = {"application": application, "step": DESK, "by": user, "at": at}
    return presence.note(**here) if note else presence.others(**here)
