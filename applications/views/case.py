"""What the pages of one application share: finding it, its parts, its findings, its steps."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Prefetch, prefetch_related_objects
from django.http import Http404, HttpRequest
from django.urls import reverse

from applications import documents, permissions, services
from applications.models import Application, Document
from applications.rules import DocumentKind, Finding, Period, Severity, Step, years_of
from applications.services import cooperation, read_step
from applications.services.content import empty_step
from applications.services.content import former_members as former_members
from applications.services.content import names_in_rows as names_in_rows
from applications.services.content import with_parts as with_parts
from applications.services.content import with_statements as with_statements
from applications.services.content import with_step_anew as with_step_anew

if TYPE_CHECKING:
    from municipalities.models import User

MISSING_CODES: Final = frozenset(
    {
        "adoption_not_planned",
        "authority_not_declared",
        "bank_details_missing",
        "contact_incomplete",
        "declaration_missing",
        "document_missing",
        "field_missing",
        "finance_contact_incomplete",
        "lead_missing",
        "other_funding_unnamed",
        "requested_amount_missing",
        "signature_missing",
        "title_missing",
    }
)
"""Findings that say a Pflichtangabe is missing; the others say something about what is there."""


def person(request: HttpRequest) -> User:
    """Who is signed in; the sign-in middleware lets nobody else in."""
    return request.user  # type: ignore[return-value]


def arrived(request: HttpRequest) -> datetime:
    """The instant the request arrived."""
    at: datetime = request.arrived_at  # type: ignore[attr-defined]
    return at


def find(
    request: HttpRequest, key: uuid.UUID, also: Mapping[str, Any] | None = None
) -> Application:
    """The application with its call and members; 404 alike for unknown and foreign ones.

    `also` are annotations: what the page needs besides and the same statement can tell.
    """
    members = Prefetch("members", services.members_seen_by(person(request)))
    # What is foreign is not even read: it takes the same statements as what does not exist.
    visible = permissions.visible_to(person(request), at=arrived(request))
    asked = visible.select_related("call").prefetch_related(members).annotate(**also or {})
    found = asked.filter(uuid=key).first()
    if found is None or not permissions.see(person(request), found, at=arrived(request)):
        raise Http404
    return found


def find_bare(request: HttpRequest, key: uuid.UUID) -> Application:
    """The application alone, for a service that reads it anew under its lock; 404 as `find`."""
    found = permissions.visible_to(request.user, at=arrived(request)).filter(uuid=key).first()
    if found is None:
        raise Http404
    return found


def documents_anew(application: Application) -> None:
    """Fetch the documents once more, after some were added."""
    application._prefetched_objects_cache.pop("documents", None)  # type: ignore[attr-defined]
    wanted = Prefetch("documents", Document.objects.select_related("municipality"))
    prefetch_related_objects([application], wanted)


def documents_of(application: Application) -> list[Document]:
    """The documents that belong to the application now, of `with_parts`."""
    return [row for row in application.documents.all() if row.removed_at is None]


def step_of(text: str) -> Step:
    """The step an address names; 404 for another word."""
    try:
        return Step(text)
    except ValueError as error:
        raise Http404 from error


def address(name: str, application: Application, *arguments: Any) -> str:
    """An address below the application's own."""
    return reverse(name, args=[application.uuid, *arguments])


def names_of(application: Application) -> dict[str, str]:
    """The members' names by their keys, the lead first."""
    return {row.municipality.ags: row.municipality.short_name for row in application.members.all()}


@dataclass(frozen=True, slots=True)
class CooperationSheet:
    """A partner's Kooperationserklärung as a form sheet, and what it does not say yet."""

    ags: str
    name: str
    href: str
    lacking: list[tuple[str, str]]
    """In words, each with the address where it is written; there is no sheet meanwhile."""


def cooperation_sheets(application: Application) -> list[CooperationSheet]:
    """The form sheet of every partner. Of an application of `with_parts` or `with_statements`."""
    return [
        CooperationSheet(
            partner.ags,
            partner.short_name,
            address("application_cooperation", application, partner.ags),
            where_it_lacks(
                application,
                cooperation.lacking(cooperation.statement(application, partner), partner),
            ),
        )
        for partner in (row.municipality for row in application.partners)
    ]


def where_it_lacks(
    application: Application, lacking: Iterable[cooperation.Lack]
) -> list[tuple[str, str]]:
    """What a Kooperationserklärung does not say yet, each with the step where it is written."""
    return [
        (lack.label, address("application_step", application, lack.step.value)) for lack in lacking
    ]


def councils_of(application: Application) -> dict[str, str]:
    """What the elected body of each member is called, by the member's key."""
    return {row.municipality.ags: row.municipality.council for row in application.members.all()}


def years(application: Application) -> tuple[int, ...]:
    """The Haushaltsjahre of the planned period, empty until it is known."""
    return years_of(Period(application.starts_on, application.months))


# --- Steps and their states ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """A row of the task list."""

    step: Step
    number: int
    href: str
    state: str
    tone: str
    missing: list[str]
    remarks: list[str]
    comments: int = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing that has to be there is missing."""
        return self.state in (COMPLETE, REMARK)


UNTOUCHED: Final = "nicht begonnen"
INCOMPLETE: Final = "Angaben fehlen"
REMARK: Final = "Hinweis"
COMPLETE: Final = "alle Pflichtangaben ausgefüllt"
STATE_TONES: Final = {
    UNTOUCHED: "neutral",
    INCOMPLETE: "warning",
    REMARK: "info",
    COMPLETE: "success",
}


def is_begun(application: Application, step: Step) -> bool:
    """Whether anybody has written something into the step."""
    if step is Step.KOMMUNE:
        return True  # the applicant stands there from the start
    if step is Step.ANLAGEN:
        return bool(documents_of(application))
    return read_step(application, step) != empty_step(step)


EMPTY: Final = "Pflichtangabe noch nicht ausgefüllt: "
"""How the finding of an empty field begins."""


def _missing_in_words(findings: Iterable[Finding]) -> list[str]:
    """What is missing; empty fields are named together in one sentence."""
    said = [finding.message for finding in findings if finding.code in MISSING_CODES]
    empty = [text for text in said if text.startswith(EMPTY)]
    if len(empty) < 2:
        return said
    labels = [text.removeprefix(EMPTY).removesuffix(".") for text in empty]
    together = f"Pflichtangaben noch nicht ausgefüllt: {', '.join(labels)}."
    return [together, *(text for text in said if text not in empty)]


def tasks(
    application: Application,
    findings: Iterable[Finding],
    comments: Mapping[str, Sized] | None = None,
) -> list[Task]:
    """The steps with what is still to do in each, in words; `comments` are the open remarks."""
    remarks = comments or {}
    said: dict[str, list[Finding]] = {}
    for finding in findings:
        said.setdefault(finding.step, []).append(finding)
    return [
        task(application, step, number, said.get(step, []), len(remarks.get(step, ())))
        for number, step in enumerate(Step, start=1)
    ]


def task(
    application: Application, step: Step, number: int, findings: list[Finding], comments: int = 0
) -> Task:
    """One step with its state. A step with nothing to fill in is done from the start."""
    missing = _missing_in_words(findings)
    remarks = [finding.message for finding in findings if finding.code not in MISSING_CODES]
    if not findings:
        state = COMPLETE
    elif not is_begun(application, step):
        state = UNTOUCHED
    elif missing:
        state = INCOMPLETE
    else:
        state = REMARK
    return Task(
        step,
        number,
        address("application_step", application, step.value),
        state,
        STATE_TONES[state],
        missing,
        [] if state == UNTOUCHED else remarks,
        comments,
    )


# --- Findings ------------------------------------------------------------------------------------


def findings(request: HttpRequest, application: Application) -> list[Finding]:
    """All that filing would say to this person now, of an application of `find`, `with_parts`."""
    by = person(request)
    return [
        *services.applied_before(application, by=by, members=application.members.all()),
        *services.findings_of(application, arrived(request)),
    ]


def _place(finding: Finding) -> str:
    """Where on the page of its step a finding about one member or one row stands."""
    part, _, key = finding.field.partition("-")
    if not key:
        return ""
    return f"#mitglied-{key}" if part == "members" else f"#zeile-{key}"


@dataclass(frozen=True, slots=True)
class Said:
    """A finding with the place where it is mended."""

    finding: Finding
    label: str
    href: str


def said(application: Application, findings: Iterable[Finding], severity: Severity) -> list[Said]:
    """The findings of one severity, each with the step it belongs to."""
    return [
        Said(
            finding,
            Step(finding.step).label,
            address("application_step", application, finding.step) + _place(finding),
        )
        for finding in findings
        if finding.severity is severity
    ]


# --- Answers ------------------------------------------------------------------------------------


def shown_section(section: dict[str, Any]) -> dict[str, Any]:
    """A section of a presentation whose cells know whether they hold numbers."""
    tables = [
        {
            **table,
            "rows": [_cells(table, row) for row in table["rows"]],
            "total_row": _cells(table, table["total_row"]) if table["total_row"] else None,
        }
        for table in section["tables"]
    ]
    return {**section, "tables": tables}


def _cells(table: dict[str, Any], row: list[str]) -> list[dict[str, Any]]:
    return [
        {"text": text, "numeric": column["numeric"]}
        for text, column in zip(row, table["columns"], strict=True)
    ]


def shown_files(application: Application, content: dict[str, Any]) -> list[dict[str, Any]]:
    """The documents that a snapshot's content names, each with the way to it."""
    names = documents.names_in(content)
    return [
        {
            "name": row["name"],
            "kind": DocumentKind(row["kind"]).label,
            "who": names.get(row["municipality"] or "", ""),
            "size": documents.size_text(row["size"]),
            "href": address("application_document", application, row["id"]),
        }
        for row in content["documents"]
    ]
