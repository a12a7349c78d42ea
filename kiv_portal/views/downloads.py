"""Documents of the programme: the list, and each published file under an address of its own."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from kiv_portal import files
from kiv_portal.models import Download
from kiv_portal.public import public_page


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
    response = files.answer(entry.file, entry.file_name, entry.content_type, show=True)
    response["Cache-Control"] = "no-cache"
    return response
