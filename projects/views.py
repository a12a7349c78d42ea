"""The public directory. Its pages are the same for everybody and set no cookie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Max, Min
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render

from kiv_portal.public import public_page
from projects.forms import DirectorySearch
from projects.models import Contact, Project
from projects.resources import CSV_COLUMNS, LICENCE, as_csv, as_json, source

if TYPE_CHECKING:
    from django.core.paginator import Page
    from django.http import HttpRequest

    from municipalities.models import Municipality, Population
    from projects.models import ProjectQuerySet

PAGE_SIZE: Final = 30
SEARCH: Final = tuple(DirectorySearch.base_filters)
MAX_DIGITS: Final = 6
MAX_NEIGHBOURS: Final = 6
_READABLE: Final = {"ensure_ascii": False}


@public_page(*SEARCH, "seite")
def project_list(request: HttpRequest) -> HttpResponse:
    """The directory with search and filters, page by page."""
    search = _search(request)
    page, page_note = _page(search.qs.with_members(), request.GET.get("seite", ""))
    as_of = Project.objects.published().aggregate(first=Min("as_of"), last=Max("as_of"))
    context = {
        "search": search,
        "notes": [*search.notes, *page_note],
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "as_of": as_of,
        "csv_columns": CSV_COLUMNS.items(),
        "licence": LICENCE,
        "source": source(),
    }
    return render(request, "projects/project_list.html", context)


@public_page(*SEARCH)
def projects_json(request: HttpRequest) -> HttpResponse:
    """The whole search as JSON; what cannot be understood is an error, not ignored."""
    search = _search(request)
    if search.notes:
        return JsonResponse({"errors": search.notes}, status=400, json_dumps_params=_READABLE)
    return JsonResponse(as_json(search.qs), json_dumps_params=_READABLE)


@public_page(*SEARCH)
def projects_csv(request: HttpRequest) -> HttpResponse:
    """The whole search as CSV; what cannot be understood is an error, not ignored."""
    search = _search(request)
    if search.notes:
        text = "\n".join(search.notes) + "\n"
        return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")
    return HttpResponse(
        as_csv(search.qs),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="kiv-projekte.csv"'},
    )


@public_page()
def project_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """A project: who carries it, what is known about it, whom to ask."""
    published = Project.objects.published()
    found = published.with_members().prefetch_related("members__municipality__populations")
    project = get_object_or_404(found, slug=slug)
    members = list(project.members.all())
    near = published.in_districts(*(district.ags for district in project.districts))
    keys = " ".join(member.municipality.ags for member in members)
    context = {
        "project": project,
        "members": [(member, _newest_figure(member.municipality)) for member in members],
        "contact": Contact.objects.shown().filter(project=project).first(),
        "neighbours": near.exclude(pk=project.pk).by_municipality().with_members()[:MAX_NEIGHBOURS],
        "data_query": urlencode({"q": keys, "runde": project.round.number}),
    }
    return render(request, "projects/project_detail.html", context)


def _search(request: HttpRequest) -> DirectorySearch:
    return DirectorySearch(request.GET, Project.objects.published())


def _page(found: ProjectQuerySet, wanted: str) -> tuple[Page, list[str]]:
    """The page asked for, else the nearest there is, and a note where that is another one."""
    paginator = Paginator(found, PAGE_SIZE)
    last = paginator.num_pages
    digits = wanted.lstrip("0") if wanted.isascii() and wanted.isdigit() else "1"
    # A longer number is beyond any last page, and Python refuses to read a very long one.
    number = last if len(digits) > MAX_DIGITS else int(digits or 0)
    page = paginator.page(min(max(number, 1), last))
    if wanted and wanted != str(page.number):
        return page, [f"Diese Seite gibt es nicht; Sie sehen Seite {page.number}."]
    return page, []


def _newest_figure(municipality: Municipality) -> Population | None:
    """The newest official figure; of two for one day that of the newer census."""
    figures = municipality.populations.all()
    return max(figures, key=lambda figure: (figure.as_of, figure.basis), default=None)
