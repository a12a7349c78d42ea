"""The desk's pages for what came by e-mail or post: begin, look through, present, confirm."""

from __future__ import annotations

from datetime import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from applications import documents, permissions, services
from applications.admin.addresses import case_address
from applications.forms.desk_recordings import (
    ArrivalForm,
    RecordingForm,
    RecordingReasonForm,
    TakeOverForm,
)
from applications.models import Application, RecordingHand
from applications.rules import Severity, Step
from applications.services import content, recording
from kiv_portal import files
from municipalities.models import User
from municipalities.permissions import may_review

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse

    from applications.models import Recording
    from applications.rules import Finding

REVIEWERS_ONLY: Final = "Das ist der Sachbearbeitung vorbehalten (Rolle „Prüfung“)."


def list_address() -> str:
    """Where recordings begin and wait."""
    return reverse("admin:applications_application_recordings")


def address(application: Application) -> str:
    """The page of one recording."""
    return reverse("admin:applications_application_recording", args=[application.pk])


def tasks(user: Any) -> list[dict[str, Any]]:
    """What waits for this person: colleagues' recordings to confirm, one's own to finish."""
    if not may_review(user):
        return []
    held = RecordingHand.objects.filter(recording=OuterRef("pk"), user=user)
    open_ = permissions.recordings().order_by().annotate(held=Exists(held))
    to_confirm = Q(ready_at__isnull=False, held=False)
    to_finish = Q(ready_at__isnull=True, recorded_by=user)
    found = open_.aggregate(
        to_confirm=Count("pk", filter=to_confirm),
        presented=Min("ready_at", filter=to_confirm),
        to_finish=Count("pk", filter=to_finish),
        begun=Min("recorded_at", filter=to_finish),
    )
    lines = (
        ("Erfasste Anträge zu bestätigen", "to_confirm", "vorgelegt am", "presented"),
        ("Von mir angefangene Erfassungen", "to_finish", "angefangen am", "begun"),
    )
    return [
        {
            "label": label,
            "count": found[count],
            "href": list_address(),
            "to_do": True,
            "word": word,
            "first": timezone.localdate(found[since]),
        }
        for label, count, word, since in lines
        if found[count]
    ]


def begin(admin: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """What is being recorded, and the form that begins a new one."""
    if not may_review(request.user):
        raise PermissionDenied(REVIEWERS_ONLY)
    at = request.arrived_at
    posted = request.method == "POST"
    form = RecordingForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        on=timezone.localdate(at),
    )
    if posted and form.is_valid():
        application = _start(form, request)
        if application is not None:
            messages.success(
                request, "Die Erfassung ist angelegt. Bitte übertragen Sie jetzt die Angaben."
            )
            return HttpResponseRedirect(address(application))
    rows, discarded = recording.open_recordings(), recording.discarded_recordings()
    people = User.objects.in_bulk({entry.actor_id for entry in discarded if entry.actor_id})
    context = {
        "title": "Anträge erfassen",
        "form": form,
        "rows": [
            {
                "row": row,
                "href": address(row.application),
                "lead": row.application.lead,
                "mine": row.recorded_by_id == request.user.pk,
            }
            for row in rows
        ],
        "discarded": [
            {"entry": entry, "values": entry.content.values, "by": people.get(entry.actor_id, "")}
            for entry in discarded
        ],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return admin.render(request, "admin/applications/recordings.html", context, status=status)


def _start(form: RecordingForm, request: HttpRequest) -> Application | None:
    typed = form.cleaned_data

    def start(**arrival: Any) -> Application:
        return services.start_recording(
            upload=typed["upload"],
            although_applied=typed["anyway"],
            by=request.user,
            at=request.arrived_at,
            **arrival,
        )

    return _with_arrival(form, start)


def _correct(form: ArrivalForm, application: Application, request: HttpRequest) -> bool:
    def correct(**arrival: Any) -> bool:
        services.correct_recording(
            application=application, by=request.user, at=request.arrived_at, **arrival
        )
        return True

    return bool(_with_arrival(form, correct))


def _with_arrival(form: ArrivalForm, act: Callable[..., Any]) -> Any:
    """Call the service with what was said of the arrival; what it refuses stands at its field."""
    typed = form.cleaned_data
    try:
        return act(
            call=typed["call"],
            lead=typed["lead"],
            received_as=typed["received_as"],
            arrived_at=recording.arrival(typed["call"], typed["arrived_on"], typed["arrived_time"]),
            reason=typed["reason"],
        )
    except services.HasApplied as error:
        form.ask_anyway(error.references)
    except services.LeadIsPartner:
        form.add_error("lead", "Diese Kommune ist als Partnerkommune eingetragen.")
    except services.TimeNeeded:
        form.add_error(
            "arrived_time",
            "An diesem Tag begann oder endete der Aufruf: Ob der Antrag in dieser Zeit kam, sagt "
            "nur die Uhrzeit.",
        )
    except services.ArrivedAhead:
        form.add_error("arrived_on", "Dieser Zeitpunkt liegt in der Zukunft.")
    except services.CallNotOpen:
        form.add_error("arrived_on", "Damals war der Aufruf noch nicht geöffnet.")
    except documents.UploadRefused as error:
        form.add_error("upload", str(error))
    return None


def one(admin: ModelAdmin[Any], request: HttpRequest, pk: int) -> HttpResponse:
    """One recording: its recorder goes on and presents it, a second person confirms."""
    row = _find(request, pk)
    application = content.with_parts(row.application)
    user, at = request.user, request.arrived_at
    findings = recording.findings_of_recording(application)
    action = request.POST.get("aktion", "") if request.method == "POST" else ""
    form = RecordingReasonForm(request.POST if action in ("zurueck", "verwerfen") else None)
    arrival = _arrival_form(row, request, action)
    take_over = TakeOverForm(request.POST if action == "uebernehmen" else None)
    problem = ""
    try:
        if action == "uebernehmen":
            services.take_over_recording(
                application=application,
                although_at_work=take_over.is_valid() and take_over.cleaned_data["agreed"],
                by=user,
                at=at,
            )
            messages.success(request, "Sie erfassen jetzt weiter. Bestätigen muss jemand anderes.")
            return HttpResponseRedirect(address(application))
        if (
            action == "berichtigen"
            and arrival.is_valid()
            and _correct(arrival, application, request)
        ):
            messages.success(request, "Die Angaben zum Eingang sind berichtigt.")
            return HttpResponseRedirect(address(application))
        if action == "vorlegen":
            services.present_recording(application=application, by=user, at=at)
            messages.success(request, "Die Erfassung liegt jetzt einer zweiten Person vor.")
            return HttpResponseRedirect(address(application))
        if action == "zurueck" and form.is_valid():
            services.return_recording(
                application=application, reason=form.cleaned_data["reason"], by=user, at=at
            )
            messages.success(request, "Die Erfassung ist wieder bei der Person, die erfasst hat.")
            return HttpResponseRedirect(address(application))
        if action == "verwerfen" and form.is_valid():
            services.discard_recording(
                application=application, reason=form.cleaned_data["reason"], by=user, at=at
            )
            messages.success(request, "Die Erfassung ist gelöscht.")
            return HttpResponseRedirect(list_address())
        if action == "bestaetigen":
            seen = request.POST.get("fassung", "")
            filed = services.confirm_recording(
                application=application,
                seen=int(seen) if seen.isascii() and seen.isdigit() else -1,
                by=user,
                at=at,
            )
            messages.success(request, f"Der Antrag hat die Nummer {filed.reference}.")
            return HttpResponseRedirect(case_address(filed))
        if request.method == "POST" and action not in ("zurueck", "verwerfen", "berichtigen"):
            problem = "Bitte wählen Sie, was geschehen soll."
    except services.StillAtWork:
        take_over.ask()
    except services.SamePerson:
        problem = "Sie haben selbst (mit) erfasst. Bestätigen muss eine zweite Person."
    except services.RecordingChanged:
        problem = "Die Erfassung hat sich geändert, seit Sie diese Seite geöffnet haben."
    except services.NotSubmittable as error:
        problem = str(error)
    except (services.NotAllowed, services.WrongState) as error:
        raise PermissionDenied("Das ist jetzt nicht (mehr) möglich.") from error
    forms = {"form": form, "arrival_form": arrival, "take_over_form": take_over}
    return _page(admin, request, row, application, findings, forms, problem)


def _arrival_form(row: Recording, request: HttpRequest, action: str) -> ArrivalForm:
    stamp = timezone.localtime(row.arrived_at)
    return ArrivalForm(
        request.POST if action == "berichtigen" else None,
        on=timezone.localdate(request.arrived_at),
        prefix="eingang",
        initial={
            "call": row.application.call_id,
            "lead": row.application.lead and row.application.lead.municipality_id,
            "received_as": row.application.received_as,
            "arrived_on": stamp.date(),
            # A stamp without a time is kept as the beginning of its day.
            "arrived_time": f"{stamp:%H:%M}" if stamp.time() != time() else "",
            "reason": row.reason,
        },
    )


def _page(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    row: Recording,
    application: Application,
    findings: list[Finding],
    forms: dict[str, Any],
    problem: str,
) -> HttpResponse:
    user = request.user
    names = {one.municipality.ags: one.municipality.short_name for one in application.members.all()}
    in_rows = content.names_in_rows(application)
    held = {"steps": {step.value: services.read_step(application, step) for step in Step}}
    sections = [
        {
            **documents.section(step, held, in_rows),
            "href": reverse("application_step", args=[application.uuid, step.value]),
        }
        for step in Step
        if step is not Step.ANLAGEN and (step is not Step.KOMMUNE or application.partners)
    ]
    mine = row.recorded_by_id == user.pk
    last_at_work = row.last_at_work()
    context = {
        "title": f"Erfassung: {application.lead}",
        "row": row,
        "application": application,
        "names": ", ".join(names.values()),
        "members_href": reverse("application_step", args=[application.uuid, Step.KOMMUNE.value]),
        "documents_href": reverse("application_step", args=[application.uuid, Step.ANLAGEN.value]),
        "sections": sections,
        "documents": [
            {
                "row": one,
                "size": documents.size_text(one.size),
                "href": reverse(
                    "admin:applications_application_recording_document",
                    args=[application.pk, one.pk],
                ),
            }
            for one in application.documents.all()
            if one.removed_at is None
        ],
        "findings": sorted(findings, key=lambda one: list(Severity).index(one.severity)),
        "late": application.call.is_over(row.arrived_at),
        "mine": mine,
        "may_write": mine and row.ready_at is None,
        "may_confirm": permissions.may_confirm_recording(user, application),
        "may_take_over": not mine and row.ready_at is None,
        "last_at_work": last_at_work,
        "maybe_at_work": request.arrived_at - last_at_work < recording.AT_WORK,
        "wrote": row.hands.filter(user=user.pk).exists(),
        **forms,
        "problem": problem,
        "list_href": list_address(),
    }
    wrong = bool(problem or any(form.errors for form in forms.values()))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return admin.render(request, "admin/applications/recording.html", context, status=status)


def document(request: HttpRequest, pk: int, document_id: uuid.UUID) -> HttpResponse:
    """A file of a recording, to compare with what was typed."""
    row = _find(request, pk)
    found = row.application.documents.current().filter(pk=document_id).first()
    if found is None or not found.may_be_opened:
        raise Http404("Diese Datei gibt es nicht.")
    return files.answer(
        found.file,
        documents.download_name(found.name, found.content_type),
        found.content_type,
    )


def _find(request: HttpRequest, pk: int) -> Recording:
    """The open recording; 403 without the role, 404 for what is none, or none any more."""
    if not may_review(request.user):
        raise PermissionDenied(REVIEWERS_ONLY)
    found = (
        permissions.recordings()
        .filter(application=pk)
        .select_related("application__call", "recorded_by")
        .first()
    )
    if found is None:
        raise Http404("Diese Erfassung gibt es nicht.")
    return found
