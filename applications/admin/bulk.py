"""Taking on several new cases at once: one move each, and what became of each is told.

Every case is a service call and a transaction of its own: what cannot be moved stops no other.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied

from applications import permissions, services
from applications.admin.addresses import case_address
from applications.admin.filed import filed_in
from applications.admin.hindrances import RECUSED
from applications.forms.desk_bulk import TakeOnForm
from applications.models import Application
from applications.workflow import Status
from municipalities.permissions import may_review

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse

MOST: Final = 50
"""So many cases stand on the page, the oldest first."""


def respond(admin: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """New cases to choose from (GET); the moves, with a report case by case (POST)."""
    if not may_review(request.user):
        raise PermissionDenied("Das ist der Sachbearbeitung vorbehalten (Rolle „Prüfung“).")
    posted = request.method == "POST"
    new = permissions.visible_at_desk(request.user).filter(status=Status.SUBMITTED)
    offered = list(new.order_by("submitted_at", "pk").prefetch_related("snapshots")[:MOST])
    choices = [(case.pk, _said(case)) for case in offered]
    if posted:
        # Taken on by a colleague since the page was opened: still one to be reported on.
        wanted = [int(pk) for pk in request.POST.getlist("antraege") if _is_key(pk)][:MOST]
        known = {case.pk for case in offered}
        others = permissions.visible_at_desk(request.user).filter(
            pk__in=[pk for pk in wanted if pk not in known]
        )
        choices += [(case.pk, _said(case)) for case in others.prefetch_related("snapshots")]
    form = TakeOnForm(request.POST if posted else None, cases=choices)
    report: list[dict[str, Any]] = []
    if posted and form.is_valid():
        visible = permissions.visible_at_desk(request.user)
        chosen = visible.in_bulk(form.cleaned_data["antraege"])
        names = dict(choices)
        report = [
            {
                "name": names[pk],
                "href": case_address(chosen[pk]),
                "refused": _take_on(chosen[pk], request),
            }
            for pk in dict.fromkeys(form.cleaned_data["antraege"])  # one sent twice is one
        ]
    context = {
        "title": "Mehrere Anträge übernehmen",
        "form": form,
        "offered": offered,
        "report": report,
        "taken": sum(not row["refused"] for row in report),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return admin.render(request, "admin/applications/bulk.html", context, status=status)


def _take_on(case: Application, request: HttpRequest) -> str:
    """Begin the formal check; why not, where it cannot be."""
    try:
        services.begin_check(application=case, by=request.user, at=request.arrived_at)
    except services.WrongState as error:
        return str(error)
    except services.NotAllowed:
        return RECUSED
    return ""


def _said(case: Application) -> str:
    filed = filed_in([*case.snapshots.all()][-1])
    late = ", nach Fristende eingegangen" if case.received_late else ""
    return f"{case.reference}, {filed.names}: {filed.title}{late}"


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
