"""What changed in the directory and when: as a page, and as the Atom feed of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from kiv_portal.public import public_page
from projects.models import DirectoryChange, DirectoryVersion, Project
from projects.resources.feed import as_atom
from projects.views.directory import SEARCH, refused_as_text, search_of, shared

if TYPE_CHECKING:
    from django.http import HttpRequest

PAGE_SIZE: Final = 50


@public_page("seite")
def change_list(request: HttpRequest) -> HttpResponse:
    """The changes, newest first. What is public no longer is told without what it was."""
    # The project of a change only says how exactly its day is known.
    paginator = Paginator(DirectoryChange.objects.select_related("project"), PAGE_SIZE)
    page = paginator.get_page(request.GET.get("seite"))
    ids = {change.project_id for change in page}
    public = {
        project.pk: project
        for project in Project.objects.published().filter(pk__in=ids).with_members()
    }
    context = {
        "page": page,
        "pages": paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "changes": [(change, public.get(change.project_id)) for change in page],
        "version": DirectoryVersion.objects.first(),
        "canonical": f"{request.path}?seite={page.number}" if page.number > 1 else request.path,
    }
    return render(request, "projects/change_list.html", context)


@public_page(*SEARCH)
def projects_atom(request: HttpRequest) -> HttpResponse:
    """The whole search as an Atom feed: an entry for each project, renewed when it changes."""
    search = search_of(request)
    if search.notes:
        return refused_as_text(search)
    return shared(
        HttpResponse(
            as_atom(search.qs, query=search.query, everything=not search.active),
            content_type="application/atom+xml; charset=utf-8",
        )
    )
