"""My applications, and the one page on which each of them stands."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Max, Prefetch, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from applications import documents, permissions
from applications.models import (
    Application,
    ApplicationGuest,
    ApplicationMember,
    FundingCall,
    InformationRequest,
    Snapshot,
)
from applications.rules import Step, blocking
from applications.services import snapshots
from applications.services.delivery import TOLD_BY_LETTER, offered, told_state
from applications.views import case, comments, team, wording
from applications.workflow import Actor, Status, moves_from, turn
from kiv_portal.models import Authority, DeliveryWay
from municipalities.models import Membership

PATH: Final = (
    Status.DRAFT,
    Status.SUBMITTED,
    Status.FORMAL_CHECK,
    Status.SUBSTANTIVE_CHECK,
    Status.PROPOSED,
    Status.GRANTED,
)
"""The stations of an application that goes its way; each under its name for the timeline."""

ORDER: Final = {Status.INFORMATION_REQUESTED: 0, Status.DRAFT: 1}
"""What waits for the applicant stands first, what has ended last."""


# --- The list ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """An application in the list."""

    title: str
    href: str
    status: str
    tone: str
    reference: str
    call: str
    who: str
    changed: str
    todo: str
    todo_label: str
    todo_href: str
    is_guest: bool


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The applications I may see, with what I have to do first."""
    user, at = case.person(request), case.arrived(request)
    found = list(
        permissions.visible_to(user, at=at)
        .select_related("call")
        .prefetch_related(
            Prefetch("members", ApplicationMember.objects.select_related("municipality")),
            Prefetch(
                "information_requests",
                InformationRequest.objects.filter(closed_at__isnull=True),
                to_attr="open_requests",
            ),
        )
    )
    prefetch_related_objects(
        [row for row in found if row.state in TOLD_BY_LETTER], "letters__deliveries"
    )
    guest_of = set(
        ApplicationGuest.objects.admitted(at)
        .filter(user=user)
        .values_list("application", flat=True)
    )
    found.sort(key=lambda row: -row.changed_at.timestamp())
    found.sort(key=lambda row: ORDER.get(row.state, 2 if turn(row.state) else 3))
    return render(
        request,
        "applications/index.html",
        {
            "entries": [_entry(row, at, is_guest=row.pk in guest_of) for row in found],
            "calls": [
                {"call": call, "closing": wording.closing(call, at)}
                for call in FundingCall.objects.open_at(at)
            ],
            "may_start": Membership.objects.filter(user=user, may_edit=True).exists(),
        },
    )


def _entry(application: Application, at: datetime, *, is_guest: bool = False) -> Entry:
    told = told_state(application, at)
    href = application.get_absolute_url()
    todo, label, todo_href = "", "", href
    if application.state is Status.DRAFT:
        closing = wording.closing(application.call, at)
        label = "Antrag lesen" if is_guest else "Antrag bearbeiten"
        if closing.is_over:
            todo = f"Die Frist ist am {closing.text} abgelaufen."
        elif closing.left:
            to_file = f"Bitte bis {closing.text} einreichen, {closing.left}."
            # A guest files nothing, and is only told until when the others can.
            todo = f"Frist: {closing.text}, {closing.left}." if is_guest else to_file
        else:
            todo = "Der Aufruf ist ohne Frist."
    elif application.state is Status.INFORMATION_REQUESTED and not is_guest:
        label, todo_href = "Unterlagen nachreichen", case.address("application_answer", application)
        request = application.open_requests[0]  # type: ignore[attr-defined]
        todo = f"Bitte bis zum {request.due_on:%d.%m.%Y} ergänzen und absenden."
    lead = application.lead
    names = [row.municipality.short_name for row in application.partners]
    who = lead.municipality.short_name if lead else ""
    return Entry(
        title=application.title or "Entwurf ohne Titel",
        href=href,
        status=told.applicant_label,
        tone=wording.tone(told),
        reference=application.reference or "",
        call=application.call.title,
        who=f"{who} im Verbund mit {wording.listed(names)}" if names else who,
        changed=wording.instant(application.changed_at),
        todo=todo,
        todo_label=label,
        todo_href=todo_href,
        is_guest=is_guest,
    )


# --- One application -----------------------------------------------------------------------------


@require_safe
def overview(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The task list of a draft; of a filed application receipt, state and way ahead."""
    application = case.find(request, key)
    if application.is_being_recorded:
        return redirect("admin:applications_application_recording", application.pk)
    if application.is_draft:
        return _draft(request, application)
    return _filed(request, application)


def _draft(request: HttpRequest, application: Application) -> HttpResponse:
    user, at = case.person(request), case.arrived(request)
    findings = case.findings(request, case.with_parts(application))
    remarks = comments.open_comments(application)
    tasks = case.tasks(application, findings, remarks)
    may_edit = permissions.may_edit(user, application)
    is_guest = not may_edit and not permissions.is_on_team(user, application)
    others_file = not is_guest and not permissions.may_file(user, application)
    changes = _last_changes(application)
    return render(
        request,
        "applications/overview.html",
        {
            "application": application,
            "names": case.names_of(application),
            "tasks": [
                (task, wording.STEP_TEXTS[task.step], changes.get(task.step)) for task in tasks
            ],
            "done": sum(task.is_done for task in tasks),
            "closing": wording.closing(application.call, at),
            "may_edit": may_edit,
            "is_guest": is_guest,
            "others_file": others_file,
            "signatories": team.signatories(application) if others_file else [],
            "comments": sum(len(entries) for entries in remarks.values()),
            "signature": application.call.signature_form,
            "stopping": blocking(findings),
            "last": max(changes.values(), key=lambda change: change["number"], default=None),
        },
    )


def _last_changes(application: Application) -> dict[Step, dict[str, Any]]:
    """Who changed each step last, and when, in words."""
    newest = application.revisions.order_by().values("step").annotate(last=Max("number"))
    rows = application.revisions.filter(number__in=newest.values("last")).select_related("by")
    return {
        Step(row.step): {
            "number": row.number,
            "by": str(row.by),
            "at": wording.instant(row.at),
            "step": Step(row.step).label,
        }
        for row in rows
    }


def _filed(request: HttpRequest, application: Application) -> HttpResponse:
    user, at = case.person(request), case.arrived(request)
    prefetch_related_objects([application], "letters__deliveries")
    status = told_state(application, at)
    versions = list(application.snapshots.defer("payload"))
    asked = (
        application.information_requests.filter(closed_at__isnull=True).first()
        if status is Status.INFORMATION_REQUESTED
        else None
    )
    may_file = permissions.may_file(user, application)
    on_team = permissions.is_on_team(user, application)
    return render(
        request,
        "applications/filed.html",
        {
            "application": application,
            "names": case.names_of(application),
            "status": status.applicant_label,
            "tone": wording.tone(status),
            "received": wording.arrival(application.submitted_at),  # type: ignore[arg-type]
            "next": wording.NEXT[status],
            "turn": _turn(status),
            "asked": asked,
            "asked_left": wording.days_to(asked.due_on, at) if asked else "",
            "stations": _stations(application, status),
            "versions": [(row, wording.instant(row.taken_at)) for row in versions],
            "letters": _letters(application, at) if on_team else [],
            "messages_sent": list(application.messages.all())[::-1] if on_team else [],
            "on_team": on_team,
            "authority": Authority.load(),
            "is_public": on_team
            and status is Status.GRANTED
            and application.project is not None
            and application.project.is_public,
            "may_answer": may_file and status is Status.INFORMATION_REQUESTED,
            "may_withdraw": may_file
            and any(
                move.action == "withdraw" for move in moves_from(application.state, Actor.APPLICANT)
            ),
        },
    )


def _letters(application: Application, at: datetime) -> list[dict[str, Any]]:
    """The letters that are offered; one to be retrieved says nothing of itself before."""
    return [
        {
            "row": letter,
            "label": (
                f"Schreiben vom {letter.dated_on:%d.%m.%Y}"
                if delivery.way == DeliveryWay.RETRIEVAL and delivery.opened_at is None
                else str(letter)
            ),
            "waits": delivery.way == DeliveryWay.RETRIEVAL and delivery.opened_at is None,
            "delivery": delivery,
        }
        for letter in application.letters.all()
        if offered(letter, at)
        for delivery in letter.deliveries.all()
        if delivery.failed_at is None
    ]


def _turn(status: Status) -> str:
    actor = turn(status)
    if actor is None:
        return ""
    return "Sie sind am Zug" if actor is Actor.APPLICANT else "Das Regierungspräsidium ist am Zug"


@dataclass(frozen=True, slots=True)
class Station:
    """A station of the timeline: passed, here, or ahead."""

    label: str
    state: str
    when: str = ""


def _stations(application: Application, status: Status) -> list[Station]:
    """The timeline from the first word to the decision, or to where the case ended."""
    labels = [(station, station.timeline_label) for station in PATH]
    if status is Status.INFORMATION_REQUESTED:
        # The check waits for the answer and goes on afterwards: it is not done.
        labels.insert(2, (status, status.timeline_label))
    if status is Status.HEARING:
        labels.insert(-2, (status, status.timeline_label))
    if status in (Status.REJECTED, Status.REVOKED):
        labels[-1] = (status, status.timeline_label)
    if status in (Status.WITHDRAWN, Status.CLOSED):
        labels = [*labels[:2], (status, status.timeline_label)]
    here = [station for station, _ in labels].index(status)
    # Whoever has filed has done so: the station itself is behind.
    if status is Status.SUBMITTED:
        here += 1
    ended = turn(status) is None
    told = application.decided_at if status is application.state else None
    when = {status: told} | {Status.SUBMITTED: application.submitted_at}
    return [
        Station(
            label,
            "done"
            if place < here or (ended and place == here)
            else ("here" if place == here else "ahead"),
            wording.instant(at) if (at := when.get(station)) and place <= here else "",
        )
        for place, (station, label) in enumerate(labels)
    ]


# --- The filed version ---------------------------------------------------------------------------


def version(request: HttpRequest, application: Application) -> HttpResponse:
    """What was filed, read-only, word for word; `?fassung=N` for an earlier one."""
    snapshot = version_asked(request, application)
    content = snapshots.read(snapshot)
    shown = documents.presentation(content, sha256=snapshot.sha256)
    return render(
        request,
        "applications/version.html",
        {
            "application": application,
            "snapshot": snapshot,
            "taken": wording.instant(snapshot.taken_at),
            "content": {
                **shown,
                "sections": [case.shown_section(row) for row in shown["sections"]],
            },
            "files": case.shown_files(application, content),
            "is_whole": snapshots.is_whole(snapshot),
            "versions": list(application.snapshots.defer("payload")),
        },
    )


def version_asked(request: HttpRequest, application: Application) -> Snapshot:
    """The snapshot `?fassung=` names, else the newest; 404 where there is none."""
    asked = request.GET.get("fassung", "")
    rows = application.snapshots.order_by("-number")
    if asked:
        if not (asked.isascii() and asked.isdigit() and len(asked) < 5):
            raise Http404
        rows = rows.filter(number=int(asked))
    found = rows.first()
    if found is None:
        raise Http404
    return found
