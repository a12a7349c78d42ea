"""From keys somebody typed to the answer of the eligibility rules, for one funding call.

The rules themselves are pure (`municipalities.eligibility`); here they get what they need:
the municipalities behind the keys, the figures that count for the call, earlier funding and,
for those who may know it, applications already filed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, IntegerField, Q, Value, When
from django.utils import timezone

from applications.models import Application, ApplicationMember, FundingCall
from kiv_portal.folding import clean_text, search_terms
from municipalities.eligibility import (
    HESSE,
    Finding,
    Kind,
    Limits,
    Member,
    assess,
    distance_km,
    headline,
    suggest_partners,
    verdict,
)
from municipalities.models import District, Municipality, Population
from municipalities.permissions import may_read_desk
from municipalities.services import figures
from projects.models import Project, ProjectMember

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from municipalities.models import User

KEY: Final = re.compile(r"[0-9]{8}")
DISTRICT_KEY: Final = re.compile(r"[0-9]{5}(000)?")
SHOWN_OF_A_KEY: Final = 20
"""How much of a key nobody knows is repeated in an answer."""
MOST_SUGGESTIONS: Final = 5
FIRST_LOOK: Final = 40
"""So many of the nearest are tried as partners before the rest of the register is."""


# --- Which call -------------------------------------------------------------------------------


class UnknownCall(Exception):
    """No call the public may know of has this id."""


@dataclass(frozen=True, slots=True)
class CallForCheck:
    """The call whose limits count, and whether it takes applications at that instant.

    Where `is_open` is False the page says that these are only the newest limits. `call` is
    None as long as no call was ever announced: then the programme page's limits count.
    """

    call: FundingCall | None
    is_open: bool

    @property
    def limits(self) -> Limits:
        """Its limits; without a call those of the programme page."""
        return self.call.limits() if self.call else Limits()


def call_for_check(call_id: int | None, at: datetime) -> CallForCheck:
    """The call a check is made for: the one asked for, else the open one, else the newest.

    Raises UnknownCall where the one asked for does not exist or was not announced.
    """
    if call_id is not None:
        call = FundingCall.objects.announced().filter(pk=call_id).first()
        if call is None:
            raise UnknownCall(call_id)
        return CallForCheck(call, call.is_open(at))
    if call := FundingCall.objects.open_at(at).first():
        return CallForCheck(call, is_open=True)
    return CallForCheck(FundingCall.objects.announced().newest_first().first(), is_open=False)


# --- Who asks ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AssessedMember(Member):
    """A member as the rules see it, with what a page or a record adds to it."""

    municipality_id: int | None = None
    district: str = ""
    source: str = ""
    """Where the figure is published."""
    successor_ags: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the rules say of a lead and its partners for one call. PROGRAMME §3.

    `answer` is None where the figure that counts is not there. `members` are the lead and
    then its partners, each once; `suggestions` the nearest that would do as the only
    partner of a lead that is too small, while the answer is no.
    """

    answer: bool | None
    headline: str
    members: tuple[AssessedMember, ...]
    findings: tuple[Finding, ...]
    suggestions: tuple[SuggestedPartner, ...]
    call: FundingCall | None


@dataclass(frozen=True, slots=True)
class SuggestedPartner:
    """A municipality that would do as partner, and how far it is as the crow flies."""

    member: AssessedMember
    distance_km: float


def assess_for_call(
    lead_ags: str,
    partner_ags: Sequence[str],
    *,
    call: FundingCall | None,
    on: date,
    user: User | AnonymousUser | None = None,
    application: Application | None = None,
) -> Assessment:
    """Whether these keys, as they were typed, may expect to be eligible in the call.

    The number of queries does not depend on the number of partners. That a municipality has
    applied already is told only to its own confirmed members and to staff (`user`); an
    `application` that is being checked again does not stand in its own way.
    """
    limits = call.limits() if call else Limits()
    before = timezone.localdate(call.opens_at) if call and call.opens_at else None
    keys = [_shortened(key) for key in (lead_ags, *partner_ags)]
    known = _municipalities(keys)
    applied = _with_live_application(known.values(), call, user, application)
    districts = _districts(key for key in keys if key not in known)
    funded = funded_rounds_of(known.values())

    by_key: dict[str, AssessedMember] = {
        key: (
            _assessed(
                known[key],
                limits,
                before,
                funded.get(known[key].pk, ()),
                has_live_application=known[key].pk in applied,
            )
            if key in known
            else districts.get(key) or AssessedMember(key, known=False)
        )
        for key in keys
    }
    lead, *partners = (by_key[key] for key in keys)
    findings = assess(lead, partners, limits, on)
    answer = verdict(findings)
    suggestions: tuple[SuggestedPartner, ...] = ()
    if answer is False and lead.population is not None and lead.population < limits.minimum:
        suggestions = _suggestions(lead, limits, before, on)
    return Assessment(
        answer=answer,
        headline=headline(answer),
        members=tuple(by_key.values()),
        findings=tuple(findings),
        suggestions=suggestions,
        call=call,
    )


def _shortened(key: str) -> str:
    """A key as it can be compared and repeated, whatever was typed."""
    return clean_text(key).strip()[:SHOWN_OF_A_KEY]


def _municipalities(keys: Iterable[str]) -> dict[str, Municipality]:
    found = figures.with_figures().filter(ags__in={key for key in keys if KEY.fullmatch(key)})
    return {municipality.ags: municipality for municipality in found}


def _districts(keys: Iterable[str]) -> dict[str, AssessedMember]:
    """Keys of Hessian districts, with or without three noughts, as members that cannot apply."""
    wanted = {key: key[:5] for key in keys if DISTRICT_KEY.fullmatch(key)}
    if not wanted:
        return {}
    names = {row.ags: row.label for row in District.objects.filter(ags__in=wanted.values())}
    return {
        key: AssessedMember(key, name=names[district], kind="district")
        for key, district in wanted.items()
        if district in names
    }


def _assessed(
    municipality: Municipality,
    limits: Limits,
    before: date | None,
    funded_rounds: tuple[str, ...],
    *,
    has_live_application: bool = False,
) -> AssessedMember:
    member = figures.member(
        municipality,
        limits,
        before=before,
        funded_rounds=funded_rounds,
        has_live_application=has_live_application,
    )
    # The figure may be a predecessor's; its row says where it was published.
    source = next(
        (
            figure.source
            for figure in _all_figures(municipality)
            if (figure.as_of, figure.basis, figure.value)
            == (member.population_as_of, member.population_basis, member.population)
        ),
        "",
    )
    return AssessedMember(
        **{field.name: getattr(member, field.name) for field in fields(Member)},
        municipality_id=municipality.pk,
        district=municipality.district.label,
        source=source,
        successor_ags=municipality.successor.ags if municipality.successor else "",
    )


def _all_figures(municipality: Municipality) -> Iterator[Population]:
    """Its own figures, then those of the keys it had before."""
    generation = [municipality]
    for _ in range(figures.MAX_KEY_CHANGES + 1):
        for holder in generation:
            yield from holder.populations.all()
        generation = [before for holder in generation for before in holder.predecessors.all()]


def _suggestions(
    lead: AssessedMember, limits: Limits, before: date | None, on: date
) -> tuple[SuggestedPartner, ...]:
    """The nearest that would do. The whole register is looked at only where it must be."""
    if not limits.joint_allowed or lead.lat is None or lead.lon is None:
        return ()
    places = (
        Municipality.objects.in_force(on)
        .able_to_apply()
        .exclude(pk=lead.municipality_id)
        .filter(latitude__isnull=False, longitude__isnull=False)
        .values_list("pk", "latitude", "longitude")
    )
    far = {
        pk: distance_km(lead.lat, lead.lon, float(lat or 0), float(lon or 0))
        for pk, lat, lon in places
    }
    near = sorted(far, key=far.__getitem__)
    found: list[SuggestedPartner] = []
    for portion in (near[:FIRST_LOOK], near[FIRST_LOOK:]):
        if not portion or len(found) == MOST_SUGGESTIONS:
            break
        rows = list(figures.with_figures().filter(pk__in=portion))
        funded = funded_rounds_of(rows)
        others = {row.ags: _assessed(row, limits, before, funded.get(row.pk, ())) for row in rows}
        found += [
            SuggestedPartner(others[near_by.member.ags], near_by.distance_km)
            for near_by in suggest_partners(
                lead, others.values(), limits, on, limit=MOST_SUGGESTIONS - len(found)
            )
        ]
    return tuple(found)


# --- What was before --------------------------------------------------------------------------


def funded_rounds_of(municipalities: Iterable[Municipality]) -> dict[int, tuple[str, ...]]:
    """Titles of the rounds in which they were funded, by primary key; only what is public.

    A grant to a municipality that was merged into this one, or that had its place under
    another key, counts as its own.
    """
    ids = {municipality.pk for municipality in municipalities}
    rounds: dict[int, dict[str, None]] = {}
    rows = (
        ProjectMember.objects.filter(
            Q(municipality__in=ids)
            | Q(municipality__successor__in=ids)
            | Q(municipality__successor__successor__in=ids),
            project__in=Project.objects.published(),
        )
        .order_by("project__round__number", "pk")
        .values_list(
            "project__round__title",
            "municipality_id",
            "municipality__successor_id",
            "municipality__successor__successor_id",
        )
    )
    for title, *bearers in rows:
        for bearer in ids.intersection(bearers):
            rounds.setdefault(bearer, {})[title] = None
    return {bearer: tuple(titles) for bearer, titles in rounds.items()}


def _with_live_application(
    municipalities: Iterable[Municipality],
    call: FundingCall | None,
    user: User | AnonymousUser | None,
    application: Application | None,
) -> frozenset[int]:
    """Which of them have applied in the call, as far as this person may know."""
    if call is None or user is None or isinstance(user, AnonymousUser) or not user.is_active:
        return frozenset()
    ids = {municipality.pk for municipality in municipalities}
    if not may_read_desk(user):
        ids &= set(
            user.memberships.filter(confirmed_at__isnull=False, may_read=True).values_list(
                "municipality", flat=True
            )
        )
    rows = ApplicationMember.objects.filter(call=call, live=True, municipality__in=ids)
    if application is not None:
        rows = rows.exclude(application=application)
    return frozenset(rows.values_list("municipality", flat=True))


# --- Choosing a municipality ------------------------------------------------------------------


def municipalities_to_choose(text: str, *, on: date) -> list[Municipality]:
    """Municipalities whose name or key holds every word typed, beginnings first.

    Those that can apply on that day. Only where there is none, the rest of the register, so
    that somebody who types a name of former days learns what became of it.
    """
    terms = search_terms(text)
    if not terms:
        return []
    begins = Case(
        When(search_key__startswith=terms[0], then=Value(0)),
        When(search_key__contains=f" {terms[0]}", then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    found = list(
        Municipality.objects.matching(terms)
        .select_related("district", "successor")
        .order_by(begins, "sort_key", "ags")
    )
    can_apply = [row for row in found if row.kind != Kind.UNINCORPORATED and row.is_in_force(on)]
    return can_apply or found


def key_with_leading_zero(key: str) -> str:
    """The key that lost its leading nought in a spreadsheet („6431002"), else nothing."""
    if re.fullmatch(rf"{HESSE[1:]}[0-9]{{6}}", key):
        return f"0{key}"
    return ""
