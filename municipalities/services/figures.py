"""Which official figure counts for a call, and municipalities as the eligibility rules see them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from municipalities.eligibility import Limits, Member
from municipalities.models import Municipality, MunicipalityQuerySet, Population

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_KEY_CHANGES = 5
"""How far a chain of changed keys is followed; more would be a fault in the register."""


def with_figures() -> MunicipalityQuerySet:
    """Municipalities with all that `member` needs, in a fixed number of queries."""
    return Municipality.objects.select_related("district", "successor").prefetch_related(
        "populations", "predecessors__populations"
    )


def _sole_predecessor(municipality: Municipality) -> Municipality | None:
    """The one municipality this one continues under a new key, if there is exactly one.

    A municipality that merely took another one in keeps its own key and its own figures.
    """
    if municipality.valid_from is None:
        return None
    eve = municipality.valid_from - timedelta(days=1)
    before = [p for p in municipality.predecessors.all() if p.valid_to == eve]
    return before[0] if len(before) == 1 else None


def _matching(
    populations: Iterable[Population], limits: Limits, before: date | None
) -> Population | None:
    """The figure the call counts with among those given, else None.

    With a Stichtag it is that day's figure (on the call's census basis, where it names one);
    without, the newest dated before the call opened.
    """
    fitting = [
        figure
        for figure in populations
        if (
            figure.as_of == limits.population_as_of
            if limits.population_as_of
            else before is None or figure.as_of < before
        )
        and (not limits.population_basis or figure.basis == limits.population_basis)
    ]
    return max(fitting, key=lambda figure: (figure.as_of, figure.basis), default=None)


def _is_outdated(figure: Population, limits: Limits) -> bool:
    """Whether the rules see by day or basis that it is not the call's figure.

    Without a Stichtag they cannot see that a figure came after the call opened: that one is
    left out, or a later import would change the answer.
    """
    return bool(
        (limits.population_as_of and figure.as_of != limits.population_as_of)
        or (limits.population_basis and figure.basis != limits.population_basis)
    )


def member(
    municipality: Municipality,
    limits: Limits,
    *,
    before: date | None = None,
    funded_rounds: tuple[str, ...] = (),
    has_live_application: bool = False,
) -> Member:
    """The municipality as the eligibility rules see it, with the figure that counts.

    `before` is the day the call opened: without a Stichtag the newest figure dated before it
    counts. Where the right figure is not loaded, the newest one that the rules can tell to be
    outdated is carried along. Rests on PROGRAMME §3 (§ 148 HGO's principle).
    """
    figure = _matching(municipality.populations.all(), limits, before)
    source = municipality
    if figure is None:
        older = municipality
        for _ in range(MAX_KEY_CHANGES):
            predecessor = _sole_predecessor(older)
            if predecessor is None:
                break
            older = predecessor
            figure = _matching(older.populations.all(), limits, before)
            if figure is not None:
                source = older
                break
    if figure is None:
        figure = max(
            (row for row in municipality.populations.all() if _is_outdated(row, limits)),
            key=lambda row: (row.as_of, row.basis),
            default=None,
        )
    return Member(
        ags=municipality.ags,
        name=municipality.short_name,
        kind=municipality.kind,
        population=figure.value if figure else None,
        population_as_of=figure.as_of if figure else None,
        population_basis=figure.basis if figure else "",
        valid_from=municipality.valid_from,
        valid_to=municipality.valid_to,
        lat=float(municipality.latitude) if municipality.latitude is not None else None,
        lon=float(municipality.longitude) if municipality.longitude is not None else None,
        funded_rounds=funded_rounds,
        has_live_application=has_live_application,
        population_from=(
            f"{source.short_name} (AGS {source.ags})" if source is not municipality else ""
        ),
        successor=municipality.successor.short_name if municipality.successor else "",
    )
