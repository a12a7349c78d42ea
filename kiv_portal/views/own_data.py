"""„Meine Daten“: what the portal holds about whoever is signed in."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kiv_portal.services import datamap, own_data
from municipalities.models import User


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What there is, how long it is kept, and the way to take it along."""
    found = own_data.holdings(cast("User", request.user))
    context = {
        "about": [holding for holding in found if holding.kind == "about"],
        "did": [holding for holding in found if holding.kind == "did"],
        "uses": [
            processing
            for processing in datamap.notice()
            if processing.use.title in {holding.purpose for holding in found}
        ],
    }
    return render(request, "kiv_portal/own_data.html", context)


@require_safe
def download(request: HttpRequest) -> HttpResponse:
    """All of it as one ZIP."""
    packed = own_data.export(
        user=cast("User", request.user),
        at=request.arrived_at,  # type: ignore[attr-defined]
    )
    response = HttpResponse(packed, content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="meine-daten.zip"'
    return response
