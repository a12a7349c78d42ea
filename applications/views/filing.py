"""The applicant's moves: check and submit, answer a request, withdraw."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from applications import documents, permissions, services
from applications.forms.filing import AnswerForm, SubmitForm, WithdrawForm
from applications.models import Application
from applications.rules import Finding, Severity, Step, blocking
from applications.services import snapshots
from applications.views import case, overview, team, wording
from applications.views.steps import kept
from applications.workflow import Actor, Status, moves_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


# --- Check and submit ----------------------------------------------------------------------------


@require_safe
def review(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Every answer with a way to change it, and everything the rules say; then submit."""
    application = case.find(request, key)
    if application.is_being_recorded:
        return redirect("admin:applications_application_recording", application.pk)
    if not application.is_draft:
        return overview.version(request, application)
    return _review_page(request, application)


def _review_page(
    request: HttpRequest,
    application: Application,
    *,
    form: SubmitForm | None = None,
    problem: str = "",
    extra: Sequence[Finding] = (),
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    user, at = case.person(request), case.arrived(request)
    may_file = permissions.may_file(user, application)
    findings = case.findings(request, case.with_parts(application))
    findings += [finding for finding in extra if finding not in findings]
    open_findings = services.to_confirm(findings)
    if form is None:
        form = SubmitForm(
            key=services.confirmation_key(findings),
            to_confirm=bool(open_findings),
            applicant=_applicant(application, findings),
        )
        form.initial["grund"] = kept.reason(request, application)
    stopping = case.said(application, findings, Severity.BLOCKING)
    return render(
        request,
        "applications/review.html",
        {
            "application": application,
            "names": case.names_of(application),
            **_answers(application, at),
            "blocking": stopping,
            "at_members": [
                entry.finding for entry in stopping if entry.finding.step == Step.KOMMUNE
            ],
            # Without the form there is no field in which it would stand.
            "kept_reason": form.given_reason if stopping else "",
            "warnings": case.said(application, findings, Severity.WARNING),
            "notices": case.said(application, findings, Severity.NOTICE),
            "form": form,
            "problem": problem,
            "closing": wording.closing(application.call, at),
            "may_file": may_file,
            "signatories": [] if may_file else team.signatories(application),
            "may_edit": permissions.may_edit(user, application),
        },
        status=status,
    )


def _applicant(application: Application, findings: Sequence[Finding]) -> str:
    """For whom the application is filed; nothing as long as it cannot be."""
    lead = application.lead
    return lead.municipality.short_name if lead and not blocking(findings) else ""


def _answers(application: Application, at: datetime) -> dict[str, Any]:
    """The answers as they would be filed, step by step, each with its address."""
    content = snapshots.build(
        application, reference="", filed_at=at, late=False, findings=[], reason=""
    )
    names = case.names_in_rows(application)
    sections = [
        {
            "step": step,
            "section": None
            if step is Step.ANLAGEN
            else case.shown_section(documents.section(step, content, names)),
            "href": case.address("application_step", application, step.value),
        }
        for step in Step
    ]
    return {"sections": sections, "files": case.shown_files(application, content)}


@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """File the application. Only the POST does; whoever just looks lands on the check page."""
    application = case.find_bare(request, key)
    if request.method != "POST":
        return redirect("application_review", application.uuid)
    user, at = case.person(request), case.arrived(request)
    # What the person ticked is enough to ask; what the rules say is then looked at once, inside.
    sent = SubmitForm(request.POST, key="", to_confirm=True, applicant="?")
    refused: Exception | None = None
    if sent.errors.keys() <= {"trotzdem"}:
        try:
            filed = services.submit(
                application=application,
                confirmed="" if sent.errors else sent.confirmed,
                declares_authority=sent.declares_authority,
                reason=sent.reason,
                token=sent.token,
                by=user,
                at=at,
            )
        except services.AlreadySubmitted as error:
            return _already(request, error.application)
        except services.NotAllowed as error:
            raise PermissionDenied from error
        except (
            services.CallNotOpen,
            services.NotConfirmed,
            services.NotSubmittable,
            services.PageUsed,
        ) as error:
            refused = error
        else:
            kept.forget_reason(request, filed)
            messages.success(request, f"Ihr Antrag {filed.reference} ist eingegangen.")
            return redirect(filed)
    elif not permissions.may_file(user, application):
        raise PermissionDenied
    elif not application.is_draft:
        return _already(request, application)
    return _sent_back(request, case.find(request, key), refused)


def _sent_back(
    request: HttpRequest, application: Application, refused: Exception | None
) -> HttpResponse:
    """The check page again: what is missing on it, or why nothing was filed; nothing is lost."""
    findings = services.findings_of(case.with_parts(application), case.arrived(request))
    form = SubmitForm(
        request.POST,
        key=services.confirmation_key(findings),
        to_confirm=bool(services.to_confirm(findings)),
        applicant=_applicant(application, findings),
    )
    fresh: SubmitForm | None = None
    extra: list[Finding] = []
    if isinstance(refused, services.CallNotOpen):
        problem = "Der Förderaufruf hat noch nicht begonnen. Ihr Entwurf bleibt gespeichert."
    elif not form.is_valid():
        return _review_page(request, application, form=form)
    elif isinstance(refused, services.PageUsed):
        fresh = _again(form, form.confirmed)
        problem = "Diese Seite war veraltet. Bitte sehen Sie die Angaben noch einmal durch."
    elif isinstance(refused, services.NotConfirmed):
        fresh = _again(form, services.confirmation_key(findings))
        problem = (
            "Die Hinweise haben sich geändert, seit Sie diese Seite geöffnet haben. Bitte "
            "lesen Sie sie noch einmal und reichen Sie dann ein."
        )
    else:
        problem = "So kann der Antrag noch nicht eingereicht werden:"
        known = {finding.message for finding in findings}
        found = refused.findings if isinstance(refused, services.NotSubmittable) else []
        extra = [finding for finding in found if finding.message not in known]
        fresh = _again(form, form.confirmed)
    answer = _review_page(
        request,
        application,
        form=fresh,
        extra=extra,
        problem=problem,
        status=HTTPStatus.CONFLICT,
    )
    # What is refused is mended on another page: the reason waits here meanwhile.
    if isinstance(refused, services.NotSubmittable) and form.given_reason:
        return kept.keep_reason(request, application, form.given_reason, answer)
    return answer


def _is_same_page(request: HttpRequest, application: Application) -> bool:
    """Whether the page that was sent again is the one that filed the application."""
    return request.POST.get("vorgang") == str(application.submission_token)


def _again(form: SubmitForm, key: str) -> SubmitForm:
    """The same form for the findings as they are now; what was typed stays."""
    fresh = SubmitForm(key=key, to_confirm=form.to_confirm, applicant=form.applicant)
    fresh.initial["befugt"] = bool(form.applicant)
    if form.to_confirm:
        fresh.initial["grund"] = form.reason
    return fresh


def _already(request: HttpRequest, application: Application) -> HttpResponse:
    if _is_same_page(request, application):
        messages.success(request, f"Ihr Antrag {application.reference} ist eingegangen.")
    else:
        messages.info(request, f"Dieser Antrag ist schon eingereicht: {application.reference}.")
    return redirect(application)


# --- Answer a request ----------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What the authority asked for, the way to each open step, and sending it off."""
    application = case.find(request, key)
    user, at = case.person(request), case.arrived(request)
    may_file = permissions.may_file(user, application)
    if request.method == "POST" and not may_file:
        raise PermissionDenied
    asked = application.information_requests.filter(closed_at__isnull=True).first()
    if application.state is not Status.INFORMATION_REQUESTED or asked is None:
        messages.info(request, "Zurzeit sind keine Unterlagen nachzureichen.")
        return redirect(application)
    form = AnswerForm(
        request.POST if request.method == "POST" else None, initial={"bitte": asked.number}
    )
    if request.method == "POST" and form.is_valid():
        try:
            seen = form.cleaned_data["bitte"]
            services.answer(application=application, by=user, at=at, seen=seen)
        except services.RequestChanged:
            messages.error(
                request,
                "Noch nicht abgesendet: Inzwischen bittet die Behörde um etwas anderes als das, "
                "was auf Ihrer Seite stand. Bitte prüfen Sie, was jetzt offen ist.",
            )
            return redirect(case.address("application_answer", application))
        except services.WrongState:
            messages.info(request, "Zurzeit sind keine Unterlagen nachzureichen.")
        except services.NotSubmittable as error:
            said = " ".join(finding.message for finding in error.findings)
            messages.error(request, f"Noch nicht abgesendet. {said}")
            return redirect(case.address("application_answer", application))
        except services.NotAllowed as error:
            raise PermissionDenied from error
        else:
            messages.success(request, "Ihre Ergänzungen sind eingegangen.")
        return redirect(application)
    items = list(asked.items.all())
    open_steps = [step for step in Step if any(item.step == step for item in items)]
    findings = services.findings_of(case.with_parts(application), at)
    changed = {step.value for step in open_steps if _is_changed(application, step)}
    return render(
        request,
        "applications/answer.html",
        {
            "application": application,
            "asked": asked,
            "left": wording.days_to(asked.due_on, at),
            "steps": [
                {
                    "step": step,
                    "href": case.address("application_step", application, step.value),
                    "points": [item for item in items if item.step == step],
                    "changed": step.value in changed,
                    # What is missing elsewhere in a section that is not open would only puzzle.
                    "missing": [
                        finding.message
                        for finding in findings
                        if finding.step == step
                        and finding.code in case.MISSING_CODES
                        and any(item.step == step and not item.target for item in items)
                    ],
                }
                for step in open_steps
            ],
            "form": form,
            "may_file": may_file,
            "may_edit": permissions.may_edit(user, application),
            "anything_changed": bool(changed),
            "unchanged": [step.label for step in open_steps if step.value not in changed],
        },
    )


def _is_changed(application: Application, step: Step) -> bool:
    """Whether a step holds something else than the version filed last."""
    last = application.snapshots.order_by("number").last()
    assert last is not None
    content = snapshots.read(last)
    if step is Step.ANLAGEN:
        filed = {row["id"] for row in content["documents"]}
        return {str(row.pk) for row in case.documents_of(application)} != filed
    return bool(services.read_step(application, step) != content["steps"][step.value])


# --- Withdraw ------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Take a filed application back, with a reason."""
    application = case.find(request, key)
    user, at = case.person(request), case.arrived(request)
    may_file = permissions.may_file(user, application)
    if request.method == "POST" and not may_file:
        raise PermissionDenied
    moves = {move.action for move in moves_from(application.state, Actor.APPLICANT)}
    if "withdraw" not in moves:
        messages.info(request, "Dieser Antrag kann nicht (mehr) zurückgezogen werden.")
        return redirect(application)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.withdraw(
                application=application, reason=form.cleaned_data["grund"], by=user, at=at
            )
        except services.WrongState:
            messages.info(request, "Dieser Antrag kann nicht (mehr) zurückgezogen werden.")
        except services.NotAllowed as error:
            raise PermissionDenied from error
        else:
            messages.success(request, f"Ihr Antrag {application.reference} ist zurückgezogen.")
        return redirect(application)
    return render(
        request,
        "applications/withdraw.html",
        {"application": application, "form": form, "may_file": may_file},
    )
