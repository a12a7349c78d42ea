"""What the page of the Förder-Check shows: sentences and addresses made from an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils import timezone

from applications.services.eligibility import (
    AssessedMember,
    Assessment,
    CallForCheck,
    SuggestedPartner,
    key_with_leading_zero,
    municipalities_to_choose,
)
from municipalities.eligibility import DISCLAIMER, Limits, PopulationState, residents
from municipalities.models import Municipality

if TYPE_CHECKING:
    from applications.forms.check import Asked
    from applications.models import FundingCall

MOST_RESULTS: Final = 30
TONES: Final = {True: "success", False: "warning", None: "info"}


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go, what it is called and what tells it from others."""

    href: str
    label: str
    note: str = ""


def _address(query: str) -> str:
    return f"{reverse('check')}?{query}" if query else reverse("check")


def _number(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def _names(names: list[str]) -> str:
    """„A", „A und B", „A, B und C"."""
    return " und ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def note(municipality: Municipality) -> str:
    """What tells a municipality from others of similar name, and what became of it."""
    parts = [municipality.get_kind_display()]
    if not municipality.district.is_city:
        parts.append(municipality.district.label)
    if municipality.valid_to:
        parts.append(f"bis {municipality.valid_to:%d.%m.%Y}")
    if municipality.successor:
        parts.append(f"heute {municipality.successor.short_name}")
    return ", ".join(parts)


# --- What was not understood --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """A line of the error summary and where it leads."""

    href: str
    message: str


def error_entries(asked: Asked, errors: dict[str, str]) -> list[ErrorEntry]:
    """What is wrong with the address: each leads to the field or to the address without it."""
    entries = [
        ErrorEntry("#suche", errors[name]) for name in ("kommune", "suche") if name in errors
    ]
    if "partner" in errors:
        href = _address(asked.query(partners=()))
        entries.append(ErrorEntry(href, f"{errors['partner']} Ohne Partnerkommunen prüfen"))
    if "aufruf" in errors:
        href = _address(asked.query(call_id=None))
        entries.append(ErrorEntry(href, f"{errors['aufruf']} Ohne diese Angabe prüfen"))
    return entries


# --- Choosing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Picker:
    """The search field: what it is for, what goes along with it and what was found.

    `parameter` is the one a municipality found goes into. `partners` are those already
    named, each with the address without it. `refusal` says why nothing can be added.
    """

    parameter: str
    kept: list[tuple[str, str]]
    partners: list[Link]
    search: str
    error: str
    found: list[Link]
    more: int
    refusal: str

    @property
    def for_lead(self) -> bool:
        """Whether the municipality itself is still to be chosen."""
        return self.parameter == "kommune"


def picker(
    asked: Asked,
    chosen: CallForCheck,
    assessment: Assessment | None,
    errors: dict[str, str],
    at: datetime,
) -> Picker | None:
    """The search field as it stands; None where the address has to be mended first."""
    if "partner" in errors:
        return None
    for_lead = not asked.lead
    search = asked.search
    if assessment and not search and not assessment.members[0].known:
        for_lead, search = True, asked.lead  # „kommune=Bensheim" is taken as a search
    if assessment and not for_lead and _is_too_large(assessment, chosen.limits):
        return None  # no partner makes it smaller
    rows = municipalities_to_choose(search, on=timezone.localdate(at))
    if not for_lead:
        rows = [row for row in rows if row.ags not in {asked.lead, *asked.partners}]
    kept = [("partner", partner) for partner in asked.partners]
    if not for_lead:
        kept.insert(0, ("kommune", asked.lead))
    if asked.call_id is not None:
        kept.append(("aufruf", str(asked.call_id)))
    return Picker(
        parameter="kommune" if for_lead else "partner",
        kept=kept,
        partners=[] if assessment else _partners_so_far(asked),
        search=search,
        error=errors.get("kommune") or errors.get("suche", ""),
        found=[
            Link(_address(_with(asked, row.ags, for_lead)), row.short_name, note(row))
            for row in rows[:MOST_RESULTS]
        ],
        more=max(0, len(rows) - MOST_RESULTS),
        refusal="" if for_lead else _no_more_partners(asked, chosen.limits),
    )


def _with(asked: Asked, ags: str, for_lead: bool) -> str:
    if for_lead:
        return asked.query(lead=ags)
    return asked.query(partners=(*asked.partners, ags))


def _partners_so_far(asked: Asked) -> list[Link]:
    """The partners named, while there is no answer that lists them."""
    keys = list(dict.fromkeys(asked.partners))
    names = dict(Municipality.objects.filter(ags__in=keys).values_list("ags", "short_name"))
    return [Link(_address(_without(asked, key)), names.get(key, key)) for key in keys]


def _without(asked: Asked, partner: str) -> str:
    return asked.query(partners=tuple(key for key in asked.partners if key != partner))


def _no_more_partners(asked: Asked, limits: Limits) -> str:
    if not limits.joint_allowed:
        return "Dieser Förderaufruf sieht keinen Antrag im Verbund vor."
    if len(set(asked.partners)) >= limits.max_partners:
        most = (
            "eine Partnerkommune"
            if limits.max_partners == 1
            else (f"{limits.max_partners} Partnerkommunen")
        )
        return f"Ein Verbund hat höchstens {most}."
    return ""


# --- The call and its limits --------------------------------------------------------------------


def call_text(chosen: CallForCheck, asked: Asked, at: datetime) -> str:
    """Which call's limits are used, and that it is not open if so."""
    call = chosen.call
    if call is None:
        return (
            "Zurzeit ist kein Förderaufruf bekannt gegeben. Die Prüfung verwendet die Grenzen, "
            "die auf der Programmseite stehen."
        )
    if chosen.is_open:
        until = f"offen bis {_instant(call.closes_at)}" if call.closes_at else "offen ohne Frist"
        return f"Die Prüfung gilt für den Förderaufruf „{call.title}“ ({until})."
    later = ""
    if call.opened_at and call.opens_at and call.opens_at > at:
        later = f" Anträge sind ab dem {_instant(call.opens_at)} möglich."
    if asked.call_id is not None:
        return (
            f"Die Prüfung verwendet die Grenzen des Förderaufrufs „{call.title}“. "
            f"Er nimmt zurzeit keine Anträge an.{later}"
        )
    return (
        "Zurzeit ist kein Förderaufruf offen. Die Prüfung verwendet die neuesten bekannten "
        f"Grenzen, die des Förderaufrufs „{call.title}“.{later}"
    )


def call_with_dates(chosen: CallForCheck, at: datetime) -> FundingCall | None:
    """The call where a calendar has something to come of it: its beginning or its end."""
    call = chosen.call
    if call is None or call.opened_at is None or call.display_only:
        return None
    coming = [one for one in (call.opens_at, call.closes_at) if one is not None and one > at]
    return call if coming else None


def _instant(instant: datetime) -> str:
    """Day and hour in Hesse; a midnight belongs to the day that ends."""
    local = timezone.localtime(instant)
    if local.time() == time.min:
        return f"{local.date() - timedelta(days=1):%d.%m.%Y}, 24 Uhr"
    return f"{local:%d.%m.%Y, %H:%M} Uhr"


def limits(limits: Limits) -> list[tuple[str, str]]:
    """The limits used, each with its source."""
    return [
        (
            "Antrag allein",
            f"{_number(limits.minimum)} bis {residents(limits.maximum)} "
            f"(Grundlage: {limits.source_population})",
        ),
        ("Antrag im Verbund", f"{_joint(limits)} (Grundlage: {limits.source_joint})"),
        ("Maßgebliche Einwohnerzahl", _figure_that_counts(limits)),
    ]


def _joint(limits: Limits) -> str:
    if not limits.joint_allowed:
        return "nicht vorgesehen"
    few, many = limits.min_partners, limits.max_partners
    span = str(many) if few == many else f"{few} bis {many}"
    noun = "Partnerkommune" if many == 1 else "Partnerkommunen"
    total = (
        f", zusammen mindestens {_number(limits.joint_minimum_sum)}"
        if limits.joint_minimum_sum is not None
        else ""
    )
    return (
        f"mit {span} {noun}; mindestens eine Kommune hat weniger als "
        f"{residents(limits.minimum)}, keine mehr als {_number(limits.maximum)}{total}"
    )


def _figure_that_counts(limits: Limits) -> str:
    basis = f", {limits.population_basis}" if limits.population_basis else ""
    if limits.population_as_of:
        return f"amtliche Zahl zum {limits.population_as_of:%d.%m.%Y}{basis}"
    return f"neueste amtliche Zahl vor Beginn des Förderaufrufs{basis}"


# --- The answer ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A municipality as the answer lists it."""

    title: str
    role: str
    place: str
    figure: str
    source: str
    outdated: bool
    population_from: str
    change: Link
    correction: Link | None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer with all that stands around it. `start` is where an application begins."""

    assessment: Assessment
    headline: str
    reason: str
    disclaimer: str
    tone: str
    who: str
    members: list[MemberRow]
    suggestions: list[Link]
    instead: bool
    lead_known: bool
    is_open: bool
    start: str
    checked_on: date
    address: str


def result(asked: Asked, chosen: CallForCheck, assessment: Assessment, at: datetime) -> Result:
    """Everything the page says about an answer."""
    day = timezone.localdate(at)
    lead, *partners = assessment.members
    who = lead.title
    if asked.partners:
        names = [partner.title for partner in partners]
        who += f" im Verbund mit {_names(names)}" if names else ""
    else:
        who += " allein"
    return Result(
        assessment=assessment,
        headline=_unknown_headline(assessment) or assessment.headline,
        reason=_reason(assessment, chosen.limits) if assessment.answer else "",
        disclaimer=DISCLAIMER,
        tone="info" if _unknown_headline(assessment) else TONES[assessment.answer],
        who=who,
        members=[
            _member_row(asked, member, chosen.limits, day, is_lead=position == 0)
            for position, member in enumerate(assessment.members)
        ],
        suggestions=[_suggestion(asked, found) for found in assessment.suggestions],
        instead=bool(asked.partners),
        lead_known=lead.municipality_id is not None,
        is_open=chosen.is_open,
        start=_start(assessment) if chosen.is_open else "",
        checked_on=day,
        address=_address(asked.query()),
    )


def _is_too_large(assessment: Assessment, limits: Limits) -> bool:
    """Whether the lead alone is above what a call takes, whoever its partners are."""
    population = assessment.members[0].population
    return population is not None and population > limits.maximum


def _unknown_headline(assessment: Assessment) -> str:
    """What to do about a key nobody knows: that is no answer about a municipality."""
    if not assessment.members[0].known:
        return "Bitte wählen Sie Ihre Kommune aus"
    if not all(member.known for member in assessment.members):
        return "Bitte wählen Sie die Partnerkommune noch einmal aus"
    return ""


def _reason(assessment: Assessment, limits: Limits) -> str:
    """Why the answer is yes, in figures."""
    counted = [member.population for member in assessment.members if member.population is not None]
    if len(counted) != len(assessment.members):
        return ""
    low, high = _number(limits.minimum), _number(limits.maximum)
    if len(counted) == 1:
        return f"{residents(counted[0])}: Das liegt zwischen {low} und {high}."
    small = [m.title for m in assessment.members if (m.population or 0) < limits.minimum]
    if not small:
        return ""
    have = "haben" if len(small) > 1 else "hat"
    text = f"{_names(small)} {have} weniger als {residents(limits.minimum)}, keine mehr als {high}"
    if limits.joint_minimum_sum is not None:
        together = f"{_number(sum(counted))} und damit mindestens"
        text += f"; zusammen sind es {together} {_number(limits.joint_minimum_sum)}"
    return f"{text}."


def _member_row(
    asked: Asked, member: AssessedMember, limits: Limits, on: date, *, is_lead: bool
) -> MemberRow:
    role = "Partnerkommune"
    if is_lead:
        role = "Federführende Kommune" if asked.partners else "Antragstellende Kommune"
    figure = source = ""
    if member.population is not None and member.population_as_of is not None:
        figure = (
            f"{residents(member.population)} am {member.population_as_of:%d.%m.%Y}, "
            f"{member.population_basis}"
        )
        source = member.source
    return MemberRow(
        title=member.title,
        role=role,
        place=", ".join(
            filter(None, (f"AGS {member.ags}" if member.name else "", member.district))
        ),
        figure=figure,
        source=source,
        outdated=member.population_state(limits) is PopulationState.OUTDATED,
        population_from=member.population_from,
        change=Link(_address(asked.query(lead="")), "Andere Kommune wählen")
        if is_lead
        else Link(_address(_without(asked, member.ags)), "Entfernen"),
        correction=_correction(asked, member, on, is_lead=is_lead),
    )


def _correction(asked: Asked, member: AssessedMember, on: date, *, is_lead: bool) -> Link | None:
    """The key probably meant: with its nought again, or the one that is valid today."""
    if member.successor_ags and member.valid_to and member.valid_to < on:
        right, label = member.successor_ags, f"{member.successor} prüfen"
        remark = f"Das Gebiet gehört heute zu {member.successor} (AGS {right})."
    elif not member.known and key_with_leading_zero(member.ags):
        right = key_with_leading_zero(member.ags)
        label = f"Mit dem Schlüssel {right} prüfen"
        remark = "In Tabellen geht die Null am Anfang des Schlüssels leicht verloren."
    else:
        return None
    if is_lead:
        return Link(_address(asked.query(lead=right)), label, remark)
    partners = tuple(right if key == member.ags else key for key in asked.partners)
    return Link(_address(asked.query(partners=partners)), label, remark)


def _suggestion(asked: Asked, found: SuggestedPartner) -> Link:
    far = f"{found.distance_km:.1f}".replace(".", ",")
    return Link(
        _address(asked.query(partners=(found.member.ags,))),
        found.member.title,
        f"{residents(found.member.population or 0)}, {found.member.district}, {far} km Luftlinie",
    )


def _start(assessment: Assessment) -> str:
    """Where an application for these members begins; nothing for a key nobody knows."""
    lead, *partners = assessment.members
    if lead.municipality_id is None:
        return ""
    keys = [f"kommune={lead.ags}"]
    keys += [f"partner={member.ags}" for member in partners if member.municipality_id is not None]
    return f"/antraege/neu/?{'&'.join(keys)}"
