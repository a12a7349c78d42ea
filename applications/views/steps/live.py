"""What a step's script asks for while somebody writes: save, sums. Nothing works only with it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from applications import permissions, rules, services
from applications.forms import conflict
from applications.forms.steps import FORMS
from applications.forms.steps.plan import PlanForm
from applications.rules import Step
from applications.services import presence
from applications.views import case, wording
from applications.views.steps.filled import plan_table
from applications.views.steps.page import Page, writable_page
from kiv_portal.sessions import not_an_activity

if TYPE_CHECKING:
    from applications.services import Autosaved

KEEPS = "Ihre Eingaben bleiben auf dieser Seite."


# --- Sums of the plan ----------------------------------------------------------------------------


@never_cache
@require_POST
def sums(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The plan as it stands in the form: sums, gaps, findings, as a piece of HTML. Saves nothing.

    The rules are those of every other page; the script shows what comes back.
    """
    page = writable_page(request, key, Step.FINANZIERUNG)
    form = PlanForm(request.POST, sheet=page.sheet())
    form.is_valid()
    plan = form.plan()
    findings = rules.check(replace(page.filing(), plan=plan), page.application.call.terms())
    return render(
        request,
        "applications/_plan_state.html",
        {
            "findings": [one for one in findings if one.step == Step.FINANZIERUNG],
            "plan": plan_table(plan),
            "unread": form.unread,
        },
    )


# --- Who is here ---------------------------------------------------------------------------------


@not_an_activity
@never_cache
@require_POST
def present(request: HttpRequest, key: uuid.UUID, step: str) -> JsonResponse:
    """A sign of life of an open page, answered by who else is there; `weg` says goodbye."""
    application = case.find(request, key)
    place = case.step_of(step)
    person = case.person(request)
    if not permissions.may_edit(person, application):
        raise PermissionDenied
    if "weg" in request.POST:
        presence.leave(application=application, step=place, by=person)
        return JsonResponse({"text": ""})
    if place not in services.editable_steps(application):  # a page left open since before
        return JsonResponse({"text": ""})
    rows = presence.note(
        application=application, step=place, by=person, at=case.arrived(request), alive=True
    )
    return JsonResponse({"text": wording.present(rows)})


# --- Saving while somebody writes -----------------------------------------------------------------


@never_cache
@require_POST
def autosave(request: HttpRequest, key: uuid.UUID, step: str) -> JsonResponse:
    """Save what can be saved of a form that stays open, and say honestly what became of it.

    The answer: `state` (`saved`, `partly`, `conflict`, `closed`), `status` to be shown, `basis`
    and `eigene` for the form, `errors` by field id, `others`: what somebody else changed, and
    `findings`: what the rules say of the step as it is saved now, as a piece of HTML. Of the
    Finanzierungsplan `sums` says it, and of the municipalities nothing typed changes it.
    """
    place = case.step_of(step)
    if place not in FORMS:
        raise Http404
    page = writable_page(request, key, place)
    form = FORMS[place](request.POST, sheet=page.sheet())
    form.is_valid()
    try:
        if not form.is_for_what_is_open:
            raise services.NotEditable
        saved = services.save_typed(
            application=page.application,
            step=place,
            data=form.savable_data(),
            base_revision=form.basis,
            own_revisions=form.own,
            unread=form.unread_rows(),
            by=page.user,
            at=page.at,
        )
    except services.NotEditable:
        status = (
            "Speichern nicht möglich: Der Antrag wurde inzwischen eingereicht oder abgesendet. "
            f"{KEEPS}"
        )
        return JsonResponse({"state": "closed", "status": status}, status=HTTPStatus.CONFLICT)
    except services.RowNotFound as error:
        raise Http404 from error
    except services.NotAllowed as error:
        raise PermissionDenied from error
    faults = form.faults()
    answer = _answer(page, saved, faults)
    if place not in (Step.KOMMUNE, Step.FINANZIERUNG):
        answer["findings"] = _findings(page, saved, faults)
    return JsonResponse(answer)


def _findings(page: Page, saved: Autosaved, faults: list[tuple[str, str]]) -> str:
    application = case.with_step_anew(page.application, page.place, saved.application)
    findings = rules.check(page.filing(), application.call.terms())
    begun = case.is_begun(application, page.place)
    context = {
        "findings": [one for one in findings if one.step == page.place],
        "folded": not begun,
        "begun": begun,
        "problems": faults or saved.conflicts,
        "problem": "",
        "unsaved": False,
    }
    return render_to_string("applications/_step_findings.html", context)


def _answer(page: Page, saved: Autosaved, faults: list[tuple[str, str]]) -> dict[str, Any]:
    clock = f"{timezone.localtime(page.at):%H:%M} Uhr"
    missing = len({field for field, _ in faults})
    who = _others(page, saved)
    if saved.conflicts:
        state, status = "conflict", f"Noch nicht ganz gespeichert: {_disputed(saved, who)}"
    elif missing == 1:
        state, status = "partly", f"Gespeichert um {clock}, bis auf eine Angabe mit Fehler"
    elif missing:
        state, status = "partly", f"Gespeichert um {clock}, bis auf {missing} Angaben mit Fehler"
    else:
        state, status = "saved", f"Gespeichert um {clock}"
    disputed = {one.key for one in saved.conflicts}
    quiet = [key for key in saved.unseen if key not in disputed]
    others = ""
    if quiet:
        others = (
            f"{who} hat in diesem Abschnitt inzwischen etwas geändert: {_named(quiet)}. Diese "
            "Seite zeigt dort noch den früheren Stand; überschrieben wird nichts."
        )
    return {
        "state": state,
        "status": status,
        "basis": str(saved.basis),
        "eigene": ",".join(map(str, saved.own)),
        "errors": [{"id": field, "message": message} for field, message in faults],
        "others": others,
    }


def _others(page: Page, saved: Autosaved) -> str:
    """Who else saved this step last; asked for only where it is told."""
    if not saved.unseen:
        return ""
    last = (
        saved.application.revisions.filter(step=page.place)
        .exclude(number__in=saved.own)
        .select_related("by")
        .order_by("-number")
        .first()
    )
    if last is None or last.by_id == page.user.pk:
        return "Ein anderes Fenster von Ihnen"
    return str(last.by)


def _disputed(saved: Autosaved, who: str) -> str:
    named = _named([one.key for one in saved.conflicts])
    return f"{who} hat dasselbe geändert wie Sie ({named}). {KEEPS}"


def _named(keys: list[str]) -> str:
    return ", ".join(dict.fromkeys(f"„{conflict.label_of(key)}“" for key in keys))
