"""Remarks on the sections of a draft: all on one page, the open ones beside their section."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from applications import permissions, services
from applications.forms.team import CommentForm
from applications.rules import Step
from applications.views import case, wording

if TYPE_CHECKING:
    from applications.models import Application, SectionComment


def shown(comment: SectionComment) -> dict[str, Any]:
    """A remark as the pages show it."""
    return {
        "comment": comment,
        "by": str(comment.by),
        "at": wording.instant(comment.at),
        "done": wording.instant(comment.done_at) if comment.done_at else "",
    }


def open_comments(application: Application) -> dict[str, list[dict[str, Any]]]:
    """The remarks that are not settled, by section; nothing once the application was filed."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows = application.comments.filter(done_at__isnull=True).select_related("by")
    for row in rows:
        found.setdefault(row.step, []).append(shown(row))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def comments(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """All remarks, section by section; writing one, and marking one as done."""
    application = case.find(request, key)
    user, at = case.person(request), case.arrived(request)
    may_comment = permissions.may_comment(user, application, at=at)
    may_be_written = services.editable_steps(application)
    steps = [step for step in Step if step in may_be_written]
    if request.method == "POST":
        if request.POST.get("aktion") == "erledigt":
            return _settle(request, application)
        if not may_comment:
            raise PermissionDenied
        form = CommentForm(request.POST, steps=steps)
        if form.is_valid() and _add(request, application, form):
            return redirect(_back(request, application, form.step))
    else:
        asked = request.GET.get("abschnitt", "")
        form = CommentForm(steps=steps, step=next((s for s in steps if s == asked), None))
    rows = application.comments.select_related("by", "done_by")
    by_step = [(step, [shown(row) for row in rows if row.step == step]) for step in Step]
    return render(
        request,
        "applications/comments.html",
        {
            "application": application,
            "sections": [
                {
                    "step": step,
                    "href": case.address("application_step", application, step.value),
                    "entries": entries,
                }
                for step, entries in by_step
                if entries
            ],
            "form": form if may_comment and steps else None,
            "may_settle": permissions.may_edit(user, application),
        },
    )


def _add(request: HttpRequest, application: Application, form: CommentForm) -> bool:
    try:
        services.add_comment(
            application=application,
            step=form.step,
            text=form.cleaned_data["text"],
            by=case.person(request),
            at=case.arrived(request),
        )
    except services.NotAllowed as error:
        raise PermissionDenied from error
    except services.NotEditable:
        form.add_error(None, "Der Antrag wurde inzwischen eingereicht.")
        return False
    except services.TooManyComments:
        form.add_error(None, "Mehr Kommentare sind nicht möglich.")
        return False
    messages.success(request, "Ihr Kommentar ist gespeichert.")
    return True


def _back(request: HttpRequest, application: Application, step: Step) -> str:
    """To the section where a guest wrote it, else to the list of all remarks."""
    if request.POST.get("von") == "abschnitt":
        return f"{case.address('application_step', application, step.value)}#kommentare"
    return case.address("application_comments", application)


def _settle(request: HttpRequest, application: Application) -> HttpResponse:
    try:
        wanted = uuid.UUID(request.POST.get("kommentar", ""))
    except ValueError as error:
        raise Http404 from error
    comment = application.comments.filter(pk=wanted).first()
    if comment is None:
        raise Http404
    try:
        services.settle_comment(comment=comment, by=case.person(request), at=case.arrived(request))
    except services.NotAllowed as error:
        raise PermissionDenied from error
    messages.success(request, "Der Kommentar ist als erledigt markiert.")
    return redirect(case.address("application_comments", application))
