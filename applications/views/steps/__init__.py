"""The pages on which an application is written, one for each step."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from applications import permissions
from applications.forms.steps import FORMS
from applications.rules import Step
from applications.services.kept import owner_of
from applications.views import case
from applications.views.steps import kept
from applications.views.steps.documents import documents_step
from applications.views.steps.filled import closed_step, filled_in_step, plan_table
from applications.views.steps.members import members_step
from applications.views.steps.page import Page

__all__ = ["plan_table", "step"]


@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, key: uuid.UUID, step: str) -> HttpResponse:
    """A step of the application: read what was typed, save it, say what the rules find."""
    application = case.find(request, key, kept.asked_for(request, step))
    place = case.step_of(step)
    if place is not Step.KOMMUNE:
        case.with_parts(application)
    may_edit = permissions.may_edit(case.person(request), application)
    page = Page(request, application, place, may_edit=may_edit)
    if request.method == "POST" and not may_edit:
        if _is_typed(page) and _is_own(page):
            return closed_step(page, "Sie dürfen diesen Antrag nicht mehr bearbeiten.")
        raise PermissionDenied
    if place not in page.opened:
        if request.method == "POST" and _is_typed(page):
            return closed_step(page)
        if request.method == "POST":
            messages.error(
                request,
                f"Der Abschnitt „{place.label}“ ist geschlossen: Der Antrag ist eingereicht. "
                "Es wurde nichts geändert.",
            )
        return redirect(f"{case.address('application_review', application)}#{place.value}")
    if not may_edit:
        return page.read_only()
    if place is Step.KOMMUNE:
        return members_step(page)
    if place is Step.ANLAGEN:
        return documents_step(page)
    return filled_in_step(page)


def _is_typed(page: Page) -> bool:
    """Whether the form of the step was sent; choosing a partner alone is no typing."""
    if page.place is not Step.KOMMUNE:
        return page.place in FORMS
    return any(name == "aktion" or name.startswith("cooperations-") for name in page.request.POST)


def _is_own(page: Page) -> bool:
    """Whether the form was this person's, opened while they still could write."""
    owner = owner_of(
        page.request.POST.get("siegel", ""),
        application=page.application.uuid,
        step=page.place,
        at=page.at,
    )
    return owner == page.user.pk
