"""How many projects a further choice would leave: counts beside each filter, from one query.

The database gives how many projects that hold the search's words have the same round, mark and
places; here they are added up. Each count respects all filters but its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from municipalities.services.places import Place

COLUMNS: Final = ("places_key", "round", "amif")
"""What counting needs of a project: all of it stands in one index."""

Row = tuple[str, int, bool, int]
"""What projects have in common, and how many they are."""

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
    """A municipality with projects found: in which rounds, and how many."""

    rounds: set[int] = field(default_factory=set)
    number: int = 0


@dataclass
class Facets:
    """What was counted for a search."""

    total: int = 0
    districts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rounds: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    sizes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    amif: int = 0
    joint: int = 0
    places: dict[str, Marked] = field(default_factory=dict)


_What = tuple[tuple[str, ...], frozenset[str], frozenset[str]]
"""Of a project: the keys of its municipalities, their districts, their classes of size."""

_Groups = list[tuple[int, bool, int]]
"""Projects of the same municipalities: round, mark, how many."""


def count(
    rows: Iterable[Row],
    values: Mapping[str, str],
    places: Mapping[str, Place],
    rounds: Mapping[int, int],
) -> Facets:
    """Count the projects that hold the search's words; `values` are the filters in force.

    `rows` tell what `COLUMNS` name and of how many projects; one row may repeat another.
    `rounds` are the rounds' numbers by primary key.
    """
    found = Facets()
    groups: dict[str, _Groups] = defaultdict(list)
    for key, round_pk, amif, number in rows:
        groups[key].append((rounds[round_pk], amif, number))
    sizes = {ags: size_class(place.population) for ags, place in places.items()}
    for key, same in groups.items():
        _add(found, _what(key.split(), places, sizes), same, values)
    return found


def _add(found: Facets, what: _What, groups: _Groups, values: Mapping[str, str]) -> None:
    """Count projects of the same municipalities.

    What fails at one filter alone is what another choice there would bring.
    """
    keys, districts, sizes = what
    joint = len(keys) > 1
    district_fails = bool(values["landkreis"]) and values["landkreis"] not in districts
    size_fails = bool(values["groesse"]) and values["groesse"] not in sizes
    joint_fails = bool(values["verbund"]) and not joint
    place_failures = district_fails + size_fails + joint_fails
    if place_failures > 1:
        return
    round_wanted, amif_wanted = values["runde"], bool(values["amif"])
    passing = by_district = by_size = 0
    for its_round, amif, number in groups:
        round_fails = bool(round_wanted) and round_wanted != str(its_round)
        amif_fails = amif_wanted and not amif
        failures = place_failures + round_fails + amif_fails
        if failures > 1:
            continue
        if not failures:
            passing += number
            for ags in keys:
                found.places.setdefault(ags, Marked()).rounds.add(its_round)
        if not failures or district_fails:
            by_district += number
        if not failures or size_fails:
            by_size += number
        if not failures or round_fails:
            found.rounds[its_round] += number
        if amif and (not failures or amif_fails):
            found.amif += number
        if joint and not failures:
            found.joint += number
    found.total += passing
    if passing:
        for ags in keys:
            found.places[ags].number += passing
    if by_district:
        for one in districts:
            found.districts[one] += by_district
    if by_size:
        for one in sizes:
            found.sizes[one] += by_size


def _what(keys: Iterable[str], places: Mapping[str, Place], sizes: Mapping[str, str]) -> _What:
    known = tuple(key for key in keys if key in places)
    return (
        known,
        frozenset([places[key].district for key in known]),
        frozenset([sizes[key] for key in known if sizes[key]]),
    )
