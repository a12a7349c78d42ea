"""Every municipality with its place and one official figure, in a fixed number of queries.

For maps, size classes and sums, where the figures of all must be of one day and one census.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from django.db.models import Count

from municipalities.eligibility import APPLYING_KINDS, HESSE, distance_km
from municipalities.models import Municipality, Population

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMPLETE: Final = 0.9
"""A day's figures count as complete with so many of the most there are for any day."""

MAX_KEY_CHANGES: Final = 5


@dataclass(frozen=True, slots=True)
class Place:
    """A municipality as maps and sums see it. `population` is the figure of the common day."""

    pk: int
    ags: str
    name: str
    kind: str
    district: str
    """Kreisschlüssel."""
    lat: float | None
    lon: float | None
    valid_from: date | None
    valid_to: date | None
    population: int | None
    figure_of: str
    """The key under which the figure stands: its own, or that of its sole predecessor."""

    def is_in_force(self, on: date) -> bool:
        """Whether it exists on that day, and is no gemeindefreies Gebiet."""
        return (
            self.kind in APPLYING_KINDS
            and (self.valid_from is None or self.valid_from <= on)
            and (self.valid_to is None or self.valid_to >= on)
        )

    def distance_to(self, other: Place) -> float | None:
        """Kilometres as the crow flies, None where one of the two has no coordinates."""
        if self.lat is None or self.lon is None or other.lat is None or other.lon is None:
            return None
        return distance_km(self.lat, self.lon, other.lat, other.lon)


@dataclass(frozen=True)
class Gazetteer:
    """All places by key, with the day and the census of their figures."""

    places: Mapping[str, Place]
    as_of: date | None
    basis: str

    def in_force(self, on: date) -> list[Place]:
        """Municipalities that exist on that day."""
        return [place for place in self.places.values() if place.is_in_force(on)]

    def next_change(self, on: date) -> date | None:
        """The next day on which a municipality begins, or has ceased, to exist."""
        days = [day for place in self.places.values() for day in _boundaries(place) if day > on]
        return min(days, default=None)

    @cached_property
    def total(self) -> int:
        """Residents of Hesse on the common day; a figure under an older key counts there."""
        return sum(
            place.population or 0
            for place in self.places.values()
            if place.figure_of == place.ags and place.ags.startswith(HESSE)
        )


def gazetteer() -> Gazetteer:
    """All municipalities, also former ones, with the figures of the newest complete day."""
    as_of, basis = _common_day()
    figures: dict[int, int] = {}
    if as_of is not None:
        rows = Population.objects.filter(as_of=as_of, basis=basis).order_by()
        figures = dict(rows.values_list("municipality", "value"))
    found = list(
        Municipality.objects.values_list(
            "pk",
            "ags",
            "short_name",
            "kind",
            "district__ags",
            "latitude",
            "longitude",
            "valid_from",
            "valid_to",
            "successor",
        )
    )
    keys = {row[0]: row[1] for row in found}
    before: dict[int, list[tuple[int, date | None]]] = {}
    for pk, *_, valid_to, successor in found:
        if successor is not None:
            before.setdefault(successor, []).append((pk, valid_to))
    starts = {row[0]: row[7] for row in found}
    places = {}
    for pk, ags, name, kind, district, lat, lon, valid_from, valid_to, _successor in found:
        bearer = _bearer(pk, figures, before, starts)
        places[ags] = Place(
            pk=pk,
            ags=ags,
            name=name,
            kind=kind,
            district=district,
            lat=None if lat is None else float(lat),
            lon=None if lon is None else float(lon),
            valid_from=valid_from,
            valid_to=valid_to,
            population=None if bearer is None else figures[bearer],
            figure_of="" if bearer is None else keys[bearer],
        )
    return Gazetteer(places, as_of, basis)


def _common_day() -> tuple[date | None, str]:
    """The newest day (and of two censuses the later one) for which nearly all have a figure."""
    days = list(
        Population.objects.order_by()
        .values_list("as_of", "basis")
        .annotate(number=Count("pk"))
        .values_list("as_of", "basis", "number")
    )
    most = max((number for *_, number in days), default=0)
    complete = [(as_of, basis) for as_of, basis, number in days if number >= COMPLETE * most]
    return max(complete, default=(None, ""))


def _bearer(
    pk: int,
    figures: Mapping[int, int],
    before: Mapping[int, list[tuple[int, date | None]]],
    starts: Mapping[int, date | None],
) -> int | None:
    """Whose figure counts: its own, else that of the one it continues under a new key."""
    for _ in range(MAX_KEY_CHANGES):
        if pk in figures:
            return pk
        start = starts[pk]
        eve = start - timedelta(days=1) if start else None
        earlier = [other for other, valid_to in before.get(pk, ()) if valid_to == eve]
        if eve is None or len(earlier) != 1:
            return None
        pk = earlier[0]
    return None


def _boundaries(place: Place) -> Iterator[date]:
    if place.valid_from is not None:
        yield place.valid_from
    if place.valid_to is not None:
        yield place.valid_to + timedelta(days=1)
