"""Hesse as a map without a map: one dot per municipality, drawn from the register alone.

An equirectangular projection: a degree of longitude is narrower than one of latitude by the
cosine of the latitude. Four hundred dots are the strokes of one path.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import cos, radians
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.safestring import SafeString

from municipalities.eligibility import HESSE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from municipalities.services.places import Gazetteer, Place
    from projects.forms.facets import Marked
    from projects.models import FundingRound

WEST: Final = 7.68
NORTH: Final = 51.72
MIDDLE: Final = 50.6
"""Degrees: the map's upper left corner, and the latitude at which it is true to scale."""

NARROWER: Final = cos(radians(MIDDLE))

PER_DEGREE: Final = 150
WIDTH: Final = 250
HEIGHT: Final = 358
SHAPES: Final = 6
"""Forms that tell rounds apart without colour; the seventh round has the first one, hollow."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A municipality with projects: a link with a name, at a place."""

    x: str
    y: str
    shape: int
    hollow: bool
    href: str
    label: str

    def drawn(self) -> str:
        """The link in the drawing."""
        label, hollow = escape(self.label), " mark--hollow" if self.hollow else ""
        return (
            f'<a class="mark mark--{self.shape}{hollow}" href="{escape(self.href)}"'
            f' aria-label="{label}"><title>{label}</title>'
            f'<use href="#form-{self.shape}" x="{self.x}" y="{self.y}"/></a>'
        )


@dataclass(frozen=True, slots=True)
class LegendEntry:
    label: str
    shape: int
    hollow: bool
    number: int


@dataclass(frozen=True, slots=True)
class Map:
    """What the template draws. `off` names municipalities without coordinates."""

    others: str
    marks: list[Mark]
    legend: list[LegendEntry]
    off: list[str]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def links(self) -> SafeString:
        """All marks as they stand in the drawing: a template takes five times as long for 400."""
        return SafeString("\n".join(mark.drawn() for mark in self.marks))  # nosec B703


def draw(
    gazetteer: Gazetteer,
    marked: Mapping[str, Marked],
    pages: Mapping[str, str],
    rounds: Sequence[FundingRound],
    *,
    on: date,
) -> Map:
    """The municipalities of that day, those with projects as links by their newest round.

    Links stand round by round, and from north to south within each.

    `pages` are the addresses (slugs) of projects that are the only one of their municipality.
    """
    titles = {one.number: one.title for one in rounds}
    # Looked up once, not for each of four hundred links.
    search, start = reverse("projects"), reverse("project", args=["-"]).removesuffix("-/")
    links = {ags: f"{start}{slug}/" for ags, slug in pages.items()}
    forms = {one.number: form(position) for position, one in enumerate(rounds)}
    others = "".join(
        "M{} {}h0".format(*_point(place))
        for place in gazetteer.in_force(on)
        if place.ags not in marked and place.ags.startswith(HESSE) and place.lat is not None
    )
    towns = sorted((gazetteer.places[ags] for ags in marked), key=lambda p: (-(p.lat or 0), p.ags))
    # Later rounds have fewer projects: drawn last, they are not hidden where towns lie close.
    towns.sort(key=lambda place: max(marked[place.ags].rounds))
    drawn = {place.ags: max(marked[place.ags].rounds) for place in towns if place.lat is not None}
    return Map(
        others=others,
        marks=[
            _mark(
                place,
                marked[place.ags],
                links.get(place.ags, f"{search}?q={place.ags}"),
                forms[drawn[place.ags]],
                titles,
            )
            for place in towns
            if place.ags in drawn
        ],
        legend=[
            LegendEntry(str(one), *forms[one.number], number)
            for one in rounds
            if (number := sum(newest == one.number for newest in drawn.values()))
        ],
        off=[place.name for place in towns if place.lat is None],
    )


def _mark(
    place: Place,
    marked: Marked,
    href: str,
    form: tuple[int, bool],
    titles: Mapping[int, str],
) -> Mark:
    x, y = _point(place)
    many = f"{marked.number} Projekte, " if marked.number > 1 else ""
    named = ", ".join(titles[number] for number in sorted(marked.rounds))
    return Mark(x, y, *form, href, f"{place.name}: {many}{named}")


def form(position: int) -> tuple[int, bool]:
    """The form of the round at this place in the order of rounds, and whether it is hollow."""
    turn, shape = divmod(position, SHAPES)
    return shape + 1, bool(turn % 2)


def _point(place: Place) -> tuple[str, str]:
    """Where it lies, in the units of the drawing, to a tenth (70 metres)."""
    x = ((place.lon or 0) - WEST) * NARROWER * PER_DEGREE
    y = (NORTH - (place.lat or 0)) * PER_DEGREE
    return f"{x:.1f}".removesuffix(".0"), f"{y:.1f}".removesuffix(".0")
