"""After a change of the period: what becomes of rows in Haushaltsjahre it no longer touches."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from applications import services
from applications.forms.steps.base import revision_number
from applications.forms.years import YearsForm
from applications.rules import Step
from applications.views import case
from applications.views.steps.page import writable_page

if TYPE_CHECKING:
    from applications.views.steps.page import Page


@require_http_methods(["GET", "HEAD", "POST"])
def years(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Ask what becomes of each row outside the period, and do it with one call."""
    page = writable_page(request, key, Step.FINANZIERUNG)
    if not page.opens_whole(page.place):
        return redirect(page.application)
    due = case.years(page.application)
    form = YearsForm(
        request.POST if request.method == "POST" else None,
        values=services.read_step(page.application, page.place),
        due=due,
        names=case.names_in_rows(page.application),
    )
    if not due or not form.by_year:
        return redirect(page.href)
    if request.method == "POST" and form.is_valid():
        return _move(page, form)
    return _ask(page, form)


def _ask(page: Page, form: YearsForm, *, changed: bool = False) -> HttpResponse:
    due = case.years(page.application)
    return page.render(
        "applications/years.html",
        {
            "application": page.application,
            "home": page.home,
            "href": page.href,
            "form": form,
            "due": [str(year) for year in due],
            "changed": changed,
        },
        status=HTTPStatus.CONFLICT if changed else HTTPStatus.OK,
    )


def _move(page: Page, form: YearsForm) -> HttpResponse:
    choices = form.choices()
    try:
        services.move_rows(
            application=page.application,
            choices=choices,
            base_revision=revision_number(page.request.POST.get("basis", "")),
            by=page.user,
            at=page.at,
        )
    except services.EditConflict:
        return _ask(page, form, changed=True)
    except services.NotEditable:
        messages.error(page.request, "Der Antrag wurde inzwischen eingereicht oder abgesendet.")
        return redirect(page.application)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    gone = sum(year is None for year in choices.values())
    messages.success(page.request, _told(len(choices) - gone, gone))
    return redirect(page.href)


def _told(moved: int, gone: int) -> str:
    """What happened, in one sentence."""
    said = [
        f"{number} {'Zeile ist' if number == 1 else 'Zeilen sind'} {what}"
        for number, what in ((moved, "verschoben"), (gone, "entfernt"))
        if number
    ]
    return f"{', '.join(said)}." if said else "Die Zeilen bleiben vorerst stehen."
