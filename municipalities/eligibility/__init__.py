"""Whether a municipality, alone or in a Verbund, may expect to be eligible: pure rules.

Rests on the programme page („Kommunen zwischen 10.000 und 50.000 Einwohnerinnen und
Einwohner", smaller ones „im Verbund mit einer oder zwei Partnerkommunen"). The figures
themselves are fields of the funding call and arrive here as `Limits`; nothing in this
module knows a number, a database or a clock.

The portal advises, the authority decides (§ 24 Abs. 3 VwVfG). A rule that is not met is
therefore a *warning* at most: the applicant may submit all the same. What it means for
the answer „antragsberechtigt oder nicht" is told by `REFUSING_CODES` and
`UNDECIDED_CODES`, not by the severity.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import asin, cos, radians, sin, sqrt
from typing import Final

from municipalities.eligibility import clauses
from municipalities.eligibility.clauses import application_exists, residents
from municipalities.eligibility.values import (
    APPLYING_KINDS,
    DISCLAIMER,
    HEADLINES,
    HESSE,
    REFUSING_CODES,
    UNDECIDED_CODES,
    Finding,
    Kind,
    Limits,
    Member,
    PopulationState,
    Severity,
)

__all__ = [
    "APPLYING_KINDS",
    "DISCLAIMER",
    "HEADLINES",
    "HESSE",
    "REFUSING_CODES",
    "UNDECIDED_CODES",
    "Finding",
    "Kind",
    "Limits",
    "Member",
    "PopulationState",
    "Severity",
    "Suggestion",
    "application_exists",
    "assess",
    "distance_km",
    "headline",
    "residents",
    "suggest_partners",
    "verdict",
]

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius of the Earth (IUGG)."""


def assess(lead: Member, partners: Sequence[Member], limits: Limits, on: date) -> list[Finding]:
    """Everything the rules have to say about `lead` applying alone or with `partners`.

    `on` is the day whose register counts. The list is empty where nothing is to be said;
    what it means for the answer is told by `verdict`. A member that cannot apply at all
    gets that one finding and its figure is left out of the rules on size.
    PROGRAMME §3, after the programme page.
    """
    return [finding for finding in _findings(lead, partners, limits, on) if finding is not None]


def _findings(
    lead: Member, partners: Sequence[Member], limits: Limits, on: date
) -> Iterator[Finding | None]:
    joint = bool(partners) and limits.joint_allowed
    others = [partner for partner in clauses.distinct(partners) if partner.ags != lead.ags]
    members = [lead, *others]

    yield clauses.joint_application_allowed(partners, limits)
    if joint:
        yield clauses.partner_differs_from_lead(lead, partners, limits)
        yield clauses.partners_named_once(partners, limits)
        yield clauses.not_too_many_partners(others, limits)
        # Nobody but the lead itself is named: that has been said.
        yield clauses.enough_partners(others, limits) if others else None

    counting = []
    for member in members:
        if flaw := clauses.standing(member, limits, on):
            yield flaw
            continue
        flaw = clauses.figure_known(member, limits) or clauses.figure_current(member, limits)
        if flaw:
            yield flaw
            continue
        counting.append(member)
        if member is not lead:
            # Where no Verbund is allowed, the partners' sizes are beside the point.
            yield clauses.partner_small_enough(member, limits) if joint else None
        else:
            yield clauses.small_enough(member, limits)
            yield None if joint else clauses.large_enough(member, limits)

    # What concerns all members together is only said when all of them count.
    if joint and others and counting == members:
        yield clauses.one_small_member(members, limits)
        yield clauses.joint_sum_reached(members, limits)

    for member in members:
        yield clauses.not_funded_before(member, limits)
        yield clauses.no_live_application(member, limits)


def verdict(findings: Iterable[Finding]) -> bool | None:
    """The answer: True, False, or None where the figure that counts is not there.

    False wins over None: what refuses by itself does so whatever the missing figure is.
    """
    said = list(findings)
    if any(f.code in REFUSING_CODES and f.severity is not Severity.NOTICE for f in said):
        return False
    if any(f.code in UNDECIDED_CODES for f in said):
        return None
    return True


def headline(answer: bool | None) -> str:
    """The German sentence above an answer of `verdict` (PROGRAMME §3)."""
    return HEADLINES[answer]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A possible partner and the distance to it as the crow flies, in kilometres."""

    member: Member
    distance_km: float


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance in kilometres between two points in degrees (haversine)."""
    phi1, phi2 = radians(lat1), radians(lat2)
    half = sin((phi2 - phi1) / 2) ** 2 + cos(phi1) * cos(phi2) * sin(radians(lon2 - lon1) / 2) ** 2
    # Rounding can lift `half` a hair above 1 for antipodes, where asin is not defined.
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, half)))


def suggest_partners(
    lead: Member,
    others: Iterable[Member],
    limits: Limits,
    on: date,
    limit: int = 5,
) -> list[Suggestion]:
    """The nearest of `others` that make a valid Verbund with `lead`, at most `limit`.

    Nearest first, equal distances by name and key; distances rounded to 100 metres.
    Empty where the call allows no Verbund, where the lead itself stands in the way, or
    where the lead has no coordinates; candidates without coordinates are left out.
    """
    if not limits.joint_allowed or lead.lat is None or lead.lon is None:
        return []
    # Four hundred candidates need not be tried for a lead that no partner can help.
    alone = [f for f in assess(lead, (), limits, on) if f.code != "population_too_small"]
    if verdict(alone) is not True:
        return []
    near = sorted(
        (
            (distance_km(lead.lat, lead.lon, other.lat, other.lon), other)
            for other in others
            if other.lat is not None and other.lon is not None
        ),
        key=lambda pair: (pair[0], pair[1].name, pair[1].ags),
    )
    found: list[Suggestion] = []
    for distance, other in near:
        if len(found) >= limit:
            break
        if verdict(assess(lead, (other,), limits, on)) is True:
            found.append(Suggestion(other, round(distance, 1)))
    return found
