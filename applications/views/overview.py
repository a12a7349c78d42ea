"""My applications, a new one, and the one page on which each of them stands."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from applications import documents, permissions, services
from applications.forms.members import MOST_PARTNERS, StartForm
from applications.models import (
    Application,
    ApplicationMember,
    FundingCall,
    InformationRequest,
    Snapshot,
)
from applications.rules import Step, blocking
from applications.services import snapshots
from applications.services.content import empty_step
from applications.views import case, wording
from applications.workflow import Actor, Status, moves_from, turn
from kiv_portal.models import Authority
from municipalities.models import Membership, Municipality

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


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The applications I may see, with what I have to do first."""
    user, at = case.person(request), case.arrived(request)
    found = list(
        permissions.visible_to(user)
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
    found.sort(key=lambda row: -row.changed_at.timestamp())
    found.sort(key=lambda row: ORDER.get(row.state, 2 if turn(row.state) else 3))
    return render(
        request,
        "applications/index.html",
        {
            "entries": [_entry(row, at) for row in found],
            "calls": [
                {"call": call, "closing": wording.closing(call, at)}
                for call in FundingCall.objects.open_at(at)
            ],
            "may_start": Membership.objects.filter(user=user, may_edit=True).exists(),
        },
    )


def _entry(application: Application, at: datetime) -> Entry:
    href = application.get_absolute_url()
    todo, label, todo_href = "", "", href
    if application.state is Status.DRAFT:
        closing = wording.closing(application.call, at)
        label = "Antrag bearbeiten"
        if closing.is_over:
            todo = f"Die Frist ist am {closing.text} abgelaufen."
        elif closing.left:
            todo = f"Bitte bis {closing.text} einreichen, {closing.left}."
        else:
            todo = "Der Aufruf ist ohne Frist."
    elif application.state is Status.INFORMATION_REQUESTED:
        label, todo_href = "Unterlagen nachreichen", case.address("application_answer", application)
        request = application.open_requests[0]  # type: ignore[attr-defined]
        todo = f"Bitte bis zum {request.due_on:%d.%m.%Y} ergänzen und absenden."
    lead = application.lead
    names = [row.municipality.short_name for row in application.partners]
    who = lead.municipality.short_name if lead else ""
    return Entry(
        title=application.title or "Entwurf ohne Titel",
        href=href,
        status=application.state.applicant_label,
        tone=wording.tone(application.state),
        reference=application.reference or "",
        call=application.call.title,
        who=f"{who} im Verbund mit {wording.listed(names)}" if names else who,
        changed=wording.instant(application.changed_at),
        todo=todo,
        todo_label=label,
        todo_href=todo_href,
    )


# --- A new one -----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Choose the call and the municipality; the POST begins a draft."""
    user, at = case.person(request), case.arrived(request)
    calls = list(FundingCall.objects.open_at(at))
    mine = _municipalities(user)
    asked = request.GET.get("kommune", "")
    typed = request.POST if request.method == "POST" else request.GET
    partners, unknown = _partners(typed.getlist("partner"), at)
    form = StartForm(
        request.POST if request.method == "POST" else None,
        calls=[(call, _closing_words(call, at)) for call in calls],
        municipalities=mine,
        preselected=asked,
    )
    if request.method == "POST" and calls and mine and form.is_valid():
        keys = [row.ags for row in partners if row != form.municipality]
        limits = form.call.limits()
        keys = keys[: limits.max_partners] if limits.joint_allowed else []
        application = _untouched(user, form.call, form.municipality, keys)
        if application is None:
            try:
                application = services.start(call=form.call, lead=form.municipality, by=user, at=at)
            except services.CallNotOpen:
                messages.error(request, "Der Förderaufruf nimmt gerade keine Anträge an.")
                return redirect("application_start")
            except services.NotAllowed as error:
                raise PermissionDenied from error
            messages.success(request, "Ihr Entwurf ist angelegt.")
            if keys:
                services.save_step(
                    application=application,
                    step=Step.KOMMUNE,
                    data={"partners": keys},
                    base_revision=application.revision,
                    by=user,
                    at=at,
                )
            if len(keys) < len(set(typed.getlist("partner"))):
                messages.warning(
                    request,
                    "Nicht alle Partnerkommunen wurden übernommen. Bitte prüfen Sie den "
                    "Abschnitt „Kommune“.",
                )
        return redirect(application)
    following = (
        FundingCall.objects.announced()
        .filter(opens_at__gt=at, display_only=False)
        .order_by("opens_at")
        .first()
    )
    return render(
        request,
        "applications/start.html",
        {
            "form": form,
            "calls": calls,
            "municipalities": mine,
            "following": following,
            "following_from": wording.instant(following.opens_at) if following else "",
            "partners": partners,
            "unknown_partners": unknown,
            "foreign": bool(asked) and asked not in {row.ags for row in mine},
        },
    )


def _municipalities(user: Any) -> list[Municipality]:
    rows = Membership.objects.filter(user=user, may_edit=True).select_related("municipality")
    return [row.municipality for row in rows.order_by("municipality__sort_key")]


def _partners(keys: list[str], at: datetime) -> tuple[list[Municipality], bool]:
    """The partners an address names, in its order, and whether it names any that cannot be one."""
    wanted = list(dict.fromkeys(keys))[:MOST_PARTNERS]
    wanted = [key for key in wanted if re.fullmatch(r"[0-9]{8}", key)]
    known = {}
    if wanted:
        rows = Municipality.objects.in_force(timezone.localdate(at)).able_to_apply()
        known = {row.ags: row for row in rows.filter(ags__in=wanted)}
    found = [known[key] for key in wanted if key in known]
    return found, len(found) < len(set(keys))


def _closing_words(call: FundingCall, at: datetime) -> str:
    closing = wording.closing(call, at)
    return f"{closing.text} ({closing.left})" if closing.left else closing.text


def _untouched(
    user: Any, call: FundingCall, municipality: Municipality, partners: list[str]
) -> Application | None:
    """A draft of mine that holds no more than its beginning: sending twice makes one, not two."""
    found = (
        permissions.visible_to(user)
        .drafts()
        .filter(
            call=call,
            created_by=user,
            revision=1 if partners else 0,
            members__municipality=municipality,
            members__role="lead",
        )
    )
    same = empty_step(Step.KOMMUNE) | {"partners": partners}
    return next(
        (row for row in found if services.read_step(row, Step.KOMMUNE) == same),
        None,
    )


# --- One application -----------------------------------------------------------------------------


@require_safe
def overview(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The task list of a draft; of a filed application receipt, state and way ahead."""
    application = case.find(request, key)
    if application.is_draft:
        return _draft(request, application)
    return _filed(request, application)


def _draft(request: HttpRequest, application: Application) -> HttpResponse:
    user, at = case.person(request), case.arrived(request)
    findings = services.findings_of(case.with_parts(application), at)
    tasks = case.tasks(application, findings)
    return render(
        request,
        "applications/overview.html",
        {
            "application": application,
            "names": case.names_of(application),
            "tasks": [(task, wording.STEP_TEXTS[task.step]) for task in tasks],
            "done": sum(task.is_done for task in tasks),
            "closing": wording.closing(application.call, at),
            "may_edit": permissions.may_edit(user, application),
            "stopping": blocking(findings),
            "last": _last_change(application),
        },
    )


def _last_change(application: Application) -> dict[str, str] | None:
    """Who changed what last, in words."""
    row = application.revisions.select_related("by").order_by("-number").first()
    if row is None:
        return None
    return {"by": str(row.by), "at": wording.instant(row.at), "step": Step(row.step).label}


def _filed(request: HttpRequest, application: Application) -> HttpResponse:
    user, at = case.person(request), case.arrived(request)
    status = application.state
    versions = list(application.snapshots.defer("payload"))
    asked = (
        application.information_requests.filter(closed_at__isnull=True).first()
        if status is Status.INFORMATION_REQUESTED
        else None
    )
    may_file = permissions.may_file(user, application)
    return render(
        request,
        "applications/filed.html",
        {
            "application": application,
            "names": case.names_of(application),
            "status": status.applicant_label,
            "tone": wording.tone(status),
            "received": wording.instant(application.submitted_at),  # type: ignore[arg-type]
            "next": wording.NEXT[status],
            "turn": _turn(status),
            "asked": asked,
            "asked_left": wording.days_to(asked.due_on, at) if asked else "",
            "stations": _stations(application),
            "versions": [(row, wording.instant(row.taken_at)) for row in versions],
            "letters": list(application.letters.all()),
            "authority": Authority.load(),
            "may_answer": may_file and status is Status.INFORMATION_REQUESTED,
            "may_withdraw": may_file
            and any(move.action == "withdraw" for move in moves_from(status, Actor.APPLICANT)),
        },
    )


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


def _stations(application: Application) -> list[Station]:
    """The timeline from the first word to the decision, or to where the case ended."""
    status = application.state
    labels = [(station, station.timeline_label) for station in PATH]
    if status is Status.INFORMATION_REQUESTED:
        # The check waits for the answer and goes on afterwards: it is not done.
        labels.insert(2, (status, status.timeline_label))
    if status is Status.REJECTED:
        labels[-1] = (status, status.timeline_label)
    if status in (Status.WITHDRAWN, Status.CLOSED):
        labels = [*labels[:2], (status, status.timeline_label)]
    here = [station for station, _ in labels].index(status)
    # Whoever has filed has done so: the station itself is behind.
    if status is Status.SUBMITTED:
        here += 1
    ended = turn(status) is None
    when = {status: application.decided_at} | {Status.SUBMITTED: application.submitted_at}
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
