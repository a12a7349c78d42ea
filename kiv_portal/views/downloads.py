"""Documents of the programme: the list, and each published file under an address of its own."""

from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from kiv_portal.models import Download
from kiv_portal.public import public_page

SHOWN_IN_THE_BROWSER: Final = frozenset({"application/pdf", "image/png", "image/jpeg"})
"""What a browser shows by itself; everything else is saved."""


@public_page()
def downloads(request: HttpRequest) -> HttpResponse:
    """Documents of the programme that really can be opened."""
    return render(request, "kiv_portal/downloads.html", {"entries": Download.objects.published()})


@login_not_required
@require_safe
def download_file(request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
    """A published file. An earlier name leads to the file that took its place."""
    entry = get_object_or_404(Download.objects.published().exclude(file=""), pk=pk)
    if name != entry.file_name:
        return HttpResponseRedirect(entry.href)
    try:
        handle = entry.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(
        handle,
        as_attachment=entry.content_type not in SHOWN_IN_THE_BROWSER,
        filename=entry.file_name,
        content_type=entry.content_type,
    )
    response["Cache-Control"] = "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    # What the file holds runs nothing and loads nothing.
    response["Content-Security-Policy"] = "default-src 'none'"
    return response
