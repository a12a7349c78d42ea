"""The directory with search, filters and map, and the same search as files."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from kiv_portal.public import changes_at, public_page
from municipalities.models import REGISTER_SOURCE
from projects.forms import DirectorySearch
from projects.models import Project
from projects.resources import LICENCE, as_csv, as_geojson, as_json, csv_metadata, source
from projects.views import structured
from projects.views.entries import entries, next_expiry
from projects.views.hesse import draw

if TYPE_CHECKING:
    from datetime import date

    from django.core.paginator import Page
    from django.http import HttpRequest

    from projects.models import ProjectQuerySet

PAGE_SIZE: Final = 30
SEARCH: Final = tuple(DirectorySearch.base_filters)
MAX_DIGITS: Final = 6
_READABLE: Final = {"ensure_ascii": False}


@public_page(*SEARCH, "seite")
def project_list(request: HttpRequest) -> HttpResponse:
    """The directory with search and filters, page by page, and the map of what was found."""
    today = timezone.localdate(request.arrived_at)
    search = search_of(request)
    search.show_counts()
    page, page_note = page_of(
        search.counted.with_members(), request.GET.get("seite", ""), search.facets.total
    )
    shown = entries(list(page), search.gazetteer, today)
    query = "&".join(filter(None, (search.query, f"seite={page.number}" * (page.number > 1))))
    canonical = reverse("projects") + (f"?{query}" if query else "")
    context = {
        "search": search,
        "notes": [*search.notes, *page_note],
        "page": page,
        "entries": shown,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "as_of": Project.objects.published().dates_of_record(),
        "figures_as_of": search.gazetteer.as_of,
        "figures_basis": search.gazetteer.basis,
        "figures_source": REGISTER_SOURCE,
        "map": draw(
            search.gazetteer,
            search.facets.places,
            search.pages_of_single_projects(),
            search.rounds,
            on=today,
        ),
        "licence": LICENCE,
        "source": source(),
        "canonical": canonical,
        "json_ld": structured.project_list(page, shown, canonical),
    }
    response = render(request, "projects/project_list.html", context)
    return changes_at(
        response,
        request.arrived_at,
        start_of(search.gazetteer.next_change(today)),
        start_of(next_expiry(shown)),
    )


@public_page(*SEARCH)
def projects_json(request: HttpRequest) -> HttpResponse:
    """The whole search as JSON; what cannot be understood is an error, not ignored."""
    search = search_of(request)
    if search.notes:
        return refused_as_json(search)
    return shared(JsonResponse(as_json(search.qs), json_dumps_params=_READABLE))


@public_page(*SEARCH)
def projects_geojson(request: HttpRequest) -> HttpResponse:
    """The whole search as GeoJSON (RFC 7946)."""
    search = search_of(request)
    if search.notes:
        return refused_as_json(search)
    return shared(
        JsonResponse(
            as_geojson(search.qs),
            json_dumps_params=_READABLE,
            content_type="application/geo+json",
        )
    )


@public_page(*SEARCH)
def projects_csv(request: HttpRequest) -> HttpResponse:
    """The whole search as CSV; what cannot be understood is an error, not ignored."""
    search = search_of(request)
    if search.notes:
        return refused_as_text(search)
    about = reverse("projects_csv_metadata")
    return shared(
        HttpResponse(
            as_csv(search.qs),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": 'attachment; filename="kiv-projekte.csv"',
                "Link": f'<{about}>; rel="describedby"; type="application/csvm+json"',
            },
        )
    )


@public_page()
def projects_csv_metadata(request: HttpRequest) -> HttpResponse:
    """Columns, licence and source of the CSV file, for programs (W3C, CSV on the Web)."""
    return shared(
        JsonResponse(
            csv_metadata(),
            json_dumps_params=_READABLE,
            content_type="application/csvm+json; charset=utf-8",
        )
    )


def search_of(request: HttpRequest) -> DirectorySearch:
    """What the address asks of the published projects."""
    return DirectorySearch(request.GET, Project.objects.published())


def refused_as_json(search: DirectorySearch) -> HttpResponse:
    return JsonResponse({"errors": search.notes}, status=400, json_dumps_params=_READABLE)


def refused_as_text(search: DirectorySearch) -> HttpResponse:
    text = "\n".join(search.notes) + "\n"
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")


def shared(response: HttpResponse) -> HttpResponse:
    """Let scripts of any other site read it, and name the licence: open data is for everybody."""
    response["Link"] = ", ".join(
        filter(None, (response.get("Link"), f'<{LICENCE}>; rel="license"'))
    )
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def start_of(day: date | None) -> datetime | None:
    """The instant at which the day begins in Hesse; None where there is none."""
    if day is None:
        return None
    return timezone.make_aware(datetime.combine(day, time.min))


def page_of(found: ProjectQuerySet, wanted: str, total: int) -> tuple[Page, list[str]]:
    """The page asked for, else the nearest there is, and a note where that is another one."""
    paginator = Paginator(found, PAGE_SIZE)
    paginator.count = total  # counted already, with what each filter would leave
    last = paginator.num_pages
    digits = wanted.lstrip("0") if wanted.isascii() and wanted.isdigit() else "1"
    # A longer number is beyond any last page, and Python refuses to read a very long one.
    number = last if len(digits) > MAX_DIGITS else int(digits or 0)
    page = paginator.page(min(max(number, 1), last))
    if wanted and wanted != str(page.number):
        return page, [f"Diese Seite gibt es nicht; Sie sehen Seite {page.number}."]
    return page, []
