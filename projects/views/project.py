"""One project: who carries it, what came out of it, whom to ask, who is near."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from kiv_portal import files
from kiv_portal.public import changes_at, public_page
from municipalities.models import REGISTER_SOURCE
from municipalities.services import places
from projects.models import Contact, Project, ProjectDocument, ProjectMember
from projects.views import structured
from projects.views.directory import start_of
from projects.views.entries import entry

if TYPE_CHECKING:
    from datetime import date

    from django.http import FileResponse, HttpRequest, HttpResponse

    from municipalities.models import Municipality
    from municipalities.services.places import Gazetteer, Place

MAX_NEIGHBOURS: Final = 5
FAR: Final = 10_000.0
"""Kilometres: further than anything is from anything here."""


@dataclass(frozen=True, slots=True)
class Official:
    """An official number of residents with all that must be named beside it."""

    value: int
    as_of: date
    basis: str
    source: str
    former_key: str = ""
    """The key under which the figure stands, where it is that of the predecessor."""


@public_page()
def project_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """A project: who carries it, what is known about it, whom to ask."""
    today = timezone.localdate(request.arrived_at)
    published = Project.objects.published()
    found = published.with_members().prefetch_related(
        "members__municipality__populations", "documents"
    )
    project = get_object_or_404(found, slug=slug)
    members = list(project.members.all())
    contact = Contact.objects.shown_on(today).filter(project=project).first()
    gazetteer = places.gazetteer()
    here = [gazetteer.places[member.municipality.ags] for member in members]
    keys = " ".join(member.municipality.ags for member in members)
    context = {
        "project": project,
        "members": [
            (member, _official(member.municipality, place, gazetteer))
            for member, place in zip(members, here, strict=True)
        ],
        "contact": contact,
        "documents": list(project.documents.all()),
        "neighbours": [entry(one) for one in _nearest_projects(project, here, gazetteer)],
        "adjoining": _nearest_places(here, gazetteer, today),
        "data_query": urlencode({"q": keys, "runde": project.round.number}),
        "json_ld": structured.project(project),
    }
    response = render(request, "projects/project_detail.html", context)
    expires_on = contact.next_change if contact is not None else None
    return changes_at(
        response,
        request.arrived_at,
        start_of(gazetteer.next_change(today)),
        start_of(expires_on + timedelta(days=1) if expires_on else None),
    )


@login_not_required
@require_safe
def project_document(request: HttpRequest, slug: str, pk: int) -> FileResponse:
    """The strategy or a resolution as a file, while its project is public."""
    documents = ProjectDocument.objects.filter(
        project__in=Project.objects.published(), project__slug=slug
    )
    document = get_object_or_404(documents.exclude(file=""), pk=pk)
    name = f"{slug}-{document.kind}.pdf"
    return files.answer(document.file, name, "application/pdf", show=True)


def _distance(place: Place, here: list[Place]) -> float | None:
    """Kilometres to the nearest of the project's municipalities, None where nobody knows."""
    return min((far for one in here if (far := place.distance_to(one)) is not None), default=None)


def _nearest_projects(project: Project, here: list[Place], gazetteer: Gazetteer) -> list[Project]:
    """The nearest other projects, each with its distance in `.distance_km`.

    Without coordinates those of the same district, without a distance.
    """
    others = Project.objects.published().exclude(pk=project.pk)
    members = ProjectMember.objects.filter(project__in=others).order_by()
    funded = set(members.values_list("municipality", flat=True).distinct())
    districts = {place.district for place in here}
    far = {
        place.pk: distance
        for place in gazetteer.places.values()
        if place.pk in funded
        and ((distance := _distance(place, here)) is not None or place.district in districts)
    }
    nearest = sorted(far, key=lambda pk: (FAR if far[pk] is None else far[pk], pk))
    found = others.of_municipalities(nearest[:MAX_NEIGHBOURS]).by_municipality().with_members()
    near = list(found[: 2 * MAX_NEIGHBOURS])
    for one in near:
        known = [far.get(member.municipality_id) for member in one.members.all()]
        one.distance_km = min((km for km in known if km is not None), default=None)
    near.sort(key=lambda one: FAR if one.distance_km is None else one.distance_km)
    return near[:MAX_NEIGHBOURS]


def _nearest_places(here: list[Place], gazetteer: Gazetteer, on: date) -> list[tuple[Place, float]]:
    """The municipalities around, nearest first: with whom one might work together."""
    own = {place.ags for place in here}
    around = [
        (place, distance)
        for place in gazetteer.in_force(on)
        if place.ags not in own and (distance := _distance(place, here)) is not None
    ]
    return sorted(around, key=lambda pair: pair[1])[:MAX_NEIGHBOURS]


def _official(municipality: Municipality, place: Place, gazetteer: Gazetteer) -> Official | None:
    """The newest official figure; of two for one day that of the newer census.

    Under a new key that has none yet, the figure of the municipality it continues.
    """
    figures = municipality.populations.all()
    newest = max(figures, key=lambda figure: (figure.as_of, figure.basis), default=None)
    if newest is not None:
        return Official(newest.value, newest.as_of, newest.basis, newest.source)
    if place.population is None or gazetteer.as_of is None:
        return None
    return Official(
        place.population, gazetteer.as_of, gazetteer.basis, REGISTER_SOURCE, place.figure_of
    )
