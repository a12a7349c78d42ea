"""The pages on which a case is checked: checklist, Ausgaben line by line, Beteiligung, jury.

Each page shows how things stand and makes one service call per POST.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from applications import documents, permissions, services
from applications.admin.addresses import case_address
from applications.admin.hindrances import CHANGED, NOT_YOURS, RECUSED
from applications.forms.desk_checks import (
    AskOpinionForm,
    ChecklistForm,
    ExpensesForm,
    OpinionForm,
    named,
)
from applications.models import Opinion
from applications.models.checks import Verdict
from applications.services import checklists, snapshots
from applications.workflow import BY_ACTION, Status
from kiv_portal import files
from kiv_portal.euro import format_euro
from municipalities.permissions import may_review

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable
    from datetime import datetime

    from django.contrib.admin import ModelAdmin
    from django.forms import Form
    from django.http import HttpRequest

    from applications.models import Application
    from municipalities.models import User

PAGES: Final = (
    ("pruefung/", "checks"),
    ("beteiligung/", "opinions"),
    ("beteiligung/<uuid:opinion_id>/dokument/", "opinion_document"),
    ("jury.pdf", "jury_pdf"),
)
"""Addresses below a case, each with the function of this module that answers."""

ONWARD: Final = {
    Status.FORMAL_CHECK: "accept_formally",
    Status.SUBSTANTIVE_CHECK: "propose",
}
"""The move that a check leads to."""

NOT_NOW: Final = (
    "Geprüft wird von der Übernahme des Falls bis zum Entscheidungsvorschlag. Was festgehalten "
    "ist, bleibt lesbar."
)
FEW: Final = 4
"""So many open lines of a checklist are named one by one."""
REVIEWERS_ONLY: Final = "Das ist der Sachbearbeitung vorbehalten (Rolle „Prüfung“)."


def checks(admin: ModelAdmin[Any], request: HttpRequest, application: Application) -> HttpResponse:
    """The checklist and the Ausgaben: read by everybody at the desk, written by reviewers."""
    may_write = checklists.may_check(request.user, application)
    posted = request.method == "POST"
    if posted and not may_write:
        return _refused(admin, request, application)
    # Read before the lines: what somebody keeps in between is told at the next press, not missed.
    stand = checklists.stand(application)
    data = request.POST if posted else None
    form = ChecklistForm(data, lines=checklists.checklist(application))
    costs = ExpensesForm(data, lines=checklists.expenses(application))
    changed = False
    if posted and all([form.is_valid(), costs.is_valid()]):
        try:
            checklists.record_review(
                application=application,
                said=form.said,
                allowed=costs.allowed,
                seen=request.POST.get("stand", ""),
                by=request.user,
                at=request.arrived_at,
            )
        except services.CheckIncomplete as error:
            form.show_faults(error.faults)
            costs.show_faults(error.faults)
        except checklists.ChecksChanged:
            changed = True
        except services.NotBeingChecked:
            form.add_error(None, NOT_NOW)
        except services.NotAllowed:
            form.add_error(None, CHANGED)
        else:
            messages.success(request, "Die Prüfung ist gespeichert.")
            if (onward := ONWARD.get(application.state)) and "weiter" in request.POST:
                return HttpResponseRedirect(case_address(application, onward))
            # Once all has been looked at, the case itself says what comes next.
            ahead = "checks" if checklists.is_open(application) else "change"
            return HttpResponseRedirect(case_address(application, ahead))
    context = {
        "form": form,
        "costs": costs,
        # What was typed against an older stand is compared before it replaces anything.
        "stand": stand if changed or not posted else request.POST.get("stand", ""),
        "changed": changed,
        "may_write": may_write,
        "onward": BY_ACTION[ONWARD[application.state]].label if may_write else "",
        "claimed": format_euro(
            sum((line.claimed for line in costs.lines if line.eligible), checklists.NOTHING)
        ),
        "allowed": format_euro(sum((line.allowed for line in costs.lines), checklists.NOTHING)),
    }
    page = _page(admin, request, application, "checks.html", "Prüfung", [form, costs], context)
    if changed:
        page.status_code = HTTPStatus.CONFLICT
    return page


def still_open(application: Application, ruled: list[checklists.ExpenseLine]) -> list[str]:
    """What nobody has looked at yet, and what the portal has found, in sentences for a move.

    `ruled` are the case's Ausgaben (`checklists.expenses`).
    """
    found = checklists.checklist(application)
    lines = [line.item.text for line in found if line.result is None or line.stale]
    failed = [
        line.item.text for line in found if line.result and line.result.verdict == Verdict.NOT_MET
    ]
    unruled = [line for line in ruled if line.ruling is None or line.stale]
    content = snapshots.read(application.snapshots.latest("number"))
    said = [finding["message"] for finding in content["findings"]]
    if lines:
        which = f": {'; '.join(lines)}" if len(lines) <= FEW else ""
        said.append(
            f"Prüfliste: {len(lines)} von {len(found)} Punkten {_be(len(lines))} noch nicht "
            f"geprüft{which}."
        )
    if failed:
        said.append(f"Prüfliste: „nicht erfüllt“ ist festgehalten bei: {'; '.join(failed)}.")
    if unruled:
        said.append(
            f"Ausgaben: {len(unruled)} von {len(ruled)} Zeilen {_be(len(unruled))} noch nicht "
            "entschieden; sie zählen, wie die Kommune sie angegeben hat."
        )
    return said


def before_moving(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """What a move that ends a check should not be made without having seen."""
    ruled = checklists.expenses(application)
    open_points = still_open(application, ruled)
    cuts = [
        f"{named(line)}: {format_euro(line.allowed)} statt {format_euro(line.claimed)}. "
        f"{line.ruling.reason}"
        for line in ruled
        if line.ruling and not line.stale and line.allowed < line.claimed
    ]
    return {
        "still_open": open_points,
        "cuts": cuts,
        "all_checked": not open_points and not cuts,
        "checks_href": case_address(application, "checks"),
    }


def _be(number: int) -> str:
    return "ist" if number == 1 else "sind"


def opinions(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application
) -> HttpResponse:
    """Who was asked, when, and what came of it."""
    may_write = checklists.may_check(request.user, application)
    posted = request.method == "POST"
    if posted and not may_write:
        return _refused(admin, request, application)
    rows = list(application.opinions.select_related("asked_by", "answered_by"))
    asked = request.POST.get("opinion", "") if posted else ""
    ask = AskOpinionForm(request.POST if posted and not asked else None)
    answers: dict[Opinion, OpinionForm] = {
        row: OpinionForm(
            request.POST if asked == str(row.pk) else None,
            request.FILES if asked == str(row.pk) else None,
            auto_id=f"id_{row.pk}_%s",
        )
        for row in rows
        if row.answered_on is None
    }
    by, at = request.user, request.arrived_at
    done = False
    chosen = next((row for row in answers if str(row.pk) == asked), None)
    if asked and chosen is None:
        return _refused(admin, request, application, "Diese Antwort ist schon eingetragen.")
    if chosen is not None:
        answer = answers[chosen]
        done = answer.is_valid() and _attempt(
            request,
            answer,
            lambda: services.record_opinion(opinion=chosen, **answer.cleaned_data, by=by, at=at),
            "Die Antwort ist eingetragen.",
        )
    elif posted and ask.is_valid():
        done = _attempt(
            request,
            ask,
            lambda: services.ask_opinion(application=application, **ask.cleaned_data, by=by, at=at),
            "Die Beteiligung ist eingetragen.",
        )
    if done:
        return HttpResponseRedirect(case_address(application, "opinions"))
    context = {
        "form": ask,
        "may_write": may_write,
        "rows": [
            {
                "row": row,
                "form": answers.get(row),
                "href": reverse(
                    "admin:applications_application_opinion_document",
                    args=[application.pk, row.pk],
                )
                if row.file
                else "",
            }
            for row in rows
        ],
        "jury_href": case_address(application, "jury_pdf"),
    }
    forms: list[Form] = [ask, *answers.values()]
    return _page(admin, request, application, "opinions.html", "Beteiligung", forms, context)


def opinion_document(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application, opinion_id: uuid.UUID
) -> HttpResponse:
    """The document of an answer, as a download."""
    opinion = application.opinions.filter(pk=opinion_id).first()
    if opinion is None or not opinion.file:
        raise Http404("Dieses Dokument gibt es nicht.")
    return files.answer(
        opinion.file,
        documents.download_name(opinion.name, opinion.content_type),
        opinion.content_type,
    )


def jury_pdf(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application
) -> HttpResponse:
    """The version handed in last for a jury: without bank details and telephone numbers."""
    last = application.snapshots.order_by("number").last()
    assert last is not None  # a filed application has one
    response = HttpResponse(
        documents.render_for_jury(last, snapshots.read(last)), content_type="application/pdf"
    )
    name = f"{application.reference}-Jury.pdf"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _attempt(request: HttpRequest, form: Any, call: Callable[[], Any], done: str) -> bool:
    """Make the one service call; whether it went well. What is refused is said at the form."""
    try:
        call()
    except services.CheckIncomplete as error:
        form.show_faults(error.faults)
    except documents.UploadRefused as error:
        form.add_error("upload", str(error))
    except services.NotBeingChecked:
        form.add_error(None, NOT_NOW)
    except (services.NotAllowed, Opinion.DoesNotExist):
        form.add_error(None, CHANGED)
    else:
        messages.success(request, done)
        return True
    return False


def _refused(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application, why: str = ""
) -> HttpResponse:
    recused = permissions.is_recused(request.user, application)
    allowed = may_review(request.user) and not recused
    not_yours = RECUSED if recused else REVIEWERS_ONLY
    context = {
        "application": application,
        "title": CHANGED if allowed else NOT_YOURS,
        "reason": why or (NOT_NOW if allowed else not_yours),
        "state": application.state.label,
        "turn": "",
        "case_href": case_address(application),
    }
    status = HTTPStatus.CONFLICT if allowed else HTTPStatus.FORBIDDEN
    return admin.render(request, "admin/applications/refused.html", context, status)


def _page(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    application: Application,
    template: str,
    title: str,
    forms: list[Form],
    context: dict[str, Any],
) -> HttpResponse:
    wrong = any(form.errors for form in forms)
    whole = {
        "application": application,
        "title": title,
        "case_href": case_address(application),
        "wrong": wrong,
        **context,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return admin.render(request, f"admin/applications/{template}", whole, status)
