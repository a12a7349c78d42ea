"""How many projects a further choice would leave: counts beside each filter, from one query.

The database groups the projects that hold the search's words by round, mark and places; the
groups are few where the projects are many. Each count respects all filters but its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.db.models import Count, Max, Min

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from municipalities.services.places import Place
    from projects.models import ProjectQuerySet

SIZES: Final = {
    "unter-10000": ("unter 10.000", 0, 9_999),
    "10000-19999": ("10.000 bis 19.999", 10_000, 19_999),
    "20000-29999": ("20.000 bis 29.999", 20_000, 29_999),
    "30000-50000": ("30.000 bis 50.000", 30_000, 50_000),
    "ueber-50000": ("über 50.000", 50_001, None),
}
"""Classes of size by key: label, and the smallest and largest number of residents in it."""


def size_class(population: int | None) -> str:
    """The class a number of residents falls in, empty where there is none."""
    if population is None:
        return ""
    return next(
        key
        for key, (_, least, most) in SIZES.items()
        if population >= least and (most is None or population <= most)
    )


@dataclass
class Marked:
    """A municipality with projects found: in which rounds, how many, and the page of one."""

    rounds: set[int] = field(default_factory=set)
    number: int = 0
    slug: str = ""


@dataclass
class Facets:
    """What was counted for a search."""

    total: int = 0
    first: date | None = None
    last: date | None = None
    districts: Counter[str] = field(default_factory=Counter)
    rounds: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    amif: int = 0
    joint: int = 0
    places: dict[str, Marked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Group:
    """Projects that no filter can tell apart."""

    number: int
    round: str
    amif: bool
    keys: tuple[str, ...]
    districts: frozenset[str]
    sizes: frozenset[str]


def count(
    matching: ProjectQuerySet, values: Mapping[str, str], places: Mapping[str, Place]
) -> Facets:
    """Count the projects that hold the search's words; `values` are the filters in force."""
    found = Facets()
    known: dict[str, tuple[tuple[str, ...], frozenset[str], frozenset[str]]] = {}
    rows = (
        matching.order_by()
        .values_list("round__number", "amif", "places_key")
        .annotate(number=Count("pk"), first=Min("as_of"), last=Max("as_of"), slug=Min("slug"))
    )
    for round_, amif, key, number, first, last, slug in rows:
        if key not in known:
            known[key] = _what(key.split(), places)
        group = _Group(number, str(round_), amif, *known[key])
        failed = _failed(group, values)
        _add(found, group, failed)
        if not failed:
            found.total += number
            found.first = min(filter(None, (found.first, first)), default=None)
            found.last = max(filter(None, (found.last, last)), default=None)
            for ags in group.keys:
                mark = found.places.setdefault(ags, Marked())
                mark.rounds.add(round_)
                mark.number += number
                mark.slug = slug
    return found


def _what(
    keys: Iterable[str], places: Mapping[str, Place]
) -> tuple[tuple[str, ...], frozenset[str], frozenset[str]]:
    """Keys, districts and sizes of a project's municipalities."""
    known = tuple(key for key in keys if key in places)
    return (
        known,
        frozenset(places[key].district for key in known),
        frozenset(filter(None, (size_class(places[key].population) for key in known))),
    )


def _failed(group: _Group, values: Mapping[str, str]) -> list[str]:
    """The filters in force that leave the group out."""
    holds = {
        "landkreis": values["landkreis"] in group.districts,
        "runde": values["runde"] == group.round,
        "groesse": values["groesse"] in group.sizes,
        "amif": group.amif,
        "verbund": len(group.keys) > 1,
    }
    return [name for name, is_so in holds.items() if values[name] and not is_so]


def _add(found: Facets, group: _Group, failed: list[str]) -> None:
    """Count the group for every filter whose others it passes."""
    if not failed or failed == ["landkreis"]:
        found.districts.update(dict.fromkeys(group.districts, group.number))
    if not failed or failed == ["runde"]:
        found.rounds[group.round] += group.number
    if not failed or failed == ["groesse"]:
        found.sizes.update(dict.fromkeys(group.sizes, group.number))
    if group.amif and (not failed or failed == ["amif"]):
        found.amif += group.number
    if len(group.keys) > 1 and (not failed or failed == ["verbund"]):
        found.joint += group.number
