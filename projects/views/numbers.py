"""The programme in numbers: counts and one share, never a mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.shortcuts import render
from django.utils import timezone

from kiv_portal.public import changes_at, public_page
from municipalities.models import District
from municipalities.services import places
from projects.forms.facets import SIZES, size_class
from projects.models import Project
from projects.views.directory import start_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from django.http import HttpRequest, HttpResponse

    from municipalities.services.places import Gazetteer, Place


@dataclass
class Row:
    """A line of a table with its bar. Widths are parts of a hundred."""

    label: str
    projects: set[int] = field(default_factory=set)
    towns: set[str] = field(default_factory=set)
    all_towns: int = 0
    query: str = ""
    width: str = "0"
    whole: str = "0"


@public_page()
def programme_numbers(request: HttpRequest) -> HttpResponse:
    """Projects and municipalities by round, district and size, and whom the programme reached."""
    today = timezone.localdate(request.arrived_at)
    gazetteer = places.gazetteer()
    context = {**numbers(gazetteer, today), "as_of": gazetteer.as_of, "basis": gazetteer.basis}
    response = render(request, "projects/numbers.html", context)
    return changes_at(response, request.arrived_at, start_of(gazetteer.next_change(today)))


def numbers(gazetteer: Gazetteer, on: date) -> dict[str, Any]:
    """Every published project counts once in each line it belongs to, a municipality likewise.

    A municipality whose key changed is one municipality; it counts where it lies today.
    """
    in_force = gazetteer.in_force(on)
    today = {_identity(place): place for place in in_force}
    rounds: dict[int, Row] = {}
    districts = {
        one.ags: Row(one.label if one.is_city else one.name, query=f"landkreis={one.ags}")
        for one in District.objects.all()
    }
    sizes = {key: Row(label, query=f"groesse={key}") for key, (label, *_) in SIZES.items()}
    for place in in_force:
        districts[place.district].all_towns += 1
        if key := size_class(place.population):
            sizes[key].all_towns += 1
    every = Row("")
    members: dict[int, set[str]] = {}
    rows = Project.objects.published().order_by("round__number", "pk")
    accompanied = set()
    for pk, number, title, years, amif, ags in rows.values_list(
        "pk", "round__number", "round__title", "round__years", "amif", "members__municipality__ags"
    ):
        line = rounds.setdefault(number, Row(f"{title} ({years})", query=f"runde={number}"))
        lines = [every, line]
        if amif:
            accompanied.add(pk)
        members.setdefault(pk, set())
        town = ""
        if ags is not None:
            town = _identity(gazetteer.places[ags])
            place = today.get(town, gazetteer.places[ags])
            members[pk].add(town)
            lines.append(districts[place.district])
            lines += [sizes[key]] if (key := size_class(place.population)) else []
        for one in lines:
            one.projects.add(pk)
            one.towns.update({town} - {""})
    reached = {key: today.get(key) or gazetteer.places[key] for key in every.towns}
    return {
        "projects": len(every.projects),
        "towns": len(every.towns),
        "joint": sum(len(towns) > 1 for towns in members.values()),
        "amif": len(accompanied),
        "rounds": _drawn(rounds.values()),
        "districts": _drawn([row for row in districts.values() if row.projects]),
        "districts_without": sum(
            not row.projects and row.all_towns > 0 for row in districts.values()
        ),
        "sizes": _drawn(sizes.values(), whole=True),
        **_share(reached.values(), gazetteer.total),
    }


def _identity(place: Place) -> str:
    """One key for a municipality that had several: that under which its figure stands."""
    return place.figure_of or place.ags


def _share(reached: Iterable[Place], total: int) -> dict[str, Any]:
    """Residents of the municipalities reached, each once, and their part of all of Hesse."""
    known = [place for place in reached if place.population is not None]
    sum_known = sum(place.population or 0 for place in known)
    return {
        "reached": sum_known,
        "total": total,
        "share": round(100 * sum_known / total, 1) if total else None,
        "share_width": f"{100 * sum_known / total:.2f}" if total else "0",
        "unknown": sorted(place.name for place in reached if place.population is None),
    }


def _drawn(rows: Iterable[Row], *, whole: bool = False) -> Sequence[Row]:
    """The rows with bars: of their municipalities, and of all there are where that is asked."""
    found = list(rows)
    longest = max((row.all_towns if whole else len(row.towns) for row in found), default=0) or 1
    for row in found:
        row.width = f"{100 * len(row.towns) / longest:.2f}"
        row.whole = f"{100 * row.all_towns / longest:.2f}" if whole else "0"
    return found
