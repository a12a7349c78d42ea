"""The page on which reviewers say who stands in for them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from applications import permissions, services
from applications.forms.desk import DeputyForm
from applications.models import Deputy
from municipalities.permissions import may_administer, may_review

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse

ORDER = "Der letzte Tag liegt vor dem ersten oder ist schon vorbei."
OTHER = "Bitte wählen Sie zwei verschiedene Personen mit der Rolle „Prüfung“."


def respond(admin: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """Who stands in for whom; who may, names a deputy or ends a Vertretung."""
    if not admin.has_view_permission(request):
        raise PermissionDenied("Ihr Konto hat am Prüfdesk keine Rolle.")
    user, at = request.user, request.arrived_at
    may = may_review(user) or may_administer(user)
    posted = request.method == "POST"
    if posted and not may:
        raise PermissionDenied("Vertretungen trägt ein, wer prüft oder das Portal verwaltet.")
    rows = Deputy.objects.select_related("absent", "deputy", "named_by").filter(
        ended_at__isnull=True, to_on__gte=timezone.localdate(at)
    )
    ended = request.POST.get("ende", "") if posted else ""
    form = DeputyForm(request.POST if posted and not ended else None, user=user)
    if ended:
        row = next((row for row in rows if str(row.pk) == ended), None)
        if row is None or not permissions.may_name_deputy(user, row.absent):
            raise Http404("Diese Vertretung gibt es nicht.")
        services.end_deputy(deputy=row, by=user, at=at)
        messages.success(request, "Die Vertretung ist beendet.")
        return HttpResponseRedirect(reverse("admin:applications_application_deputies"))
    if posted and form.is_valid():
        try:
            services.name_deputy(**form.cleaned_data, by=user, at=at)
        except services.DaysOutOfOrder:
            form.add_error("to_on", ORDER)
        except services.NoReviewer:
            form.add_error("deputy", OTHER)
        else:
            messages.success(request, "Die Vertretung ist eingetragen.")
            return HttpResponseRedirect(reverse("admin:applications_application_deputies"))
    context = {
        "title": "Vertretung",
        "form": form,
        "may": may,
        "deputies": [
            {"row": row, "may_end": permissions.may_name_deputy(user, row.absent)} for row in rows
        ],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return admin.render(request, "admin/applications/deputies.html", context, status=status)
