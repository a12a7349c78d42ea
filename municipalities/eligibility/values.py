"""The plain values the eligibility rules work on, and what a finding means for the answer."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How much a finding weighs when an application is submitted."""

    BLOCKING = "blocking"
    """Without it there is no application that could be received."""
    WARNING = "warning"
    """A requirement is not met; the applicant confirms it and may still submit."""
    NOTICE = "notice"
    """Good to know; nothing has to be confirmed."""

    @property
    def label(self) -> str:
        """The German name of the severity."""
        return {"blocking": "erforderlich", "warning": "Warnung", "notice": "Hinweis"}[self.value]


class Kind(StrEnum):
    """What a record of the municipality register is (Textkennzeichen of the GV)."""

    CITY_DISTRICT = "city_district"
    TOWN = "town"
    MUNICIPALITY = "municipality"
    UNINCORPORATED = "unincorporated"

    @property
    def label(self) -> str:
        """The German name of the kind."""
        return {
            "city_district": "kreisfreie Stadt",
            "town": "Stadt",
            "municipality": "Gemeinde",
            "unincorporated": "gemeindefreies Gebiet",
        }[self.value]


APPLYING_KINDS: Final = frozenset({Kind.CITY_DISTRICT, Kind.TOWN, Kind.MUNICIPALITY})
"""Kinds that can apply. Every other kind (also e.g. „district") cannot."""

HESSE: Final = "06"
"""The first two digits of every Hessian AGS."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule has to say about an application.

    `code` is stable and part of the JSON interface, `source` names where the rule comes
    from, `message` says what is missing and `way_out` what can be done, both in German.
    `step` and `field` point to the place in the application form where it is mended.
    """

    code: str
    severity: Severity
    source: str
    message: str
    way_out: str = ""
    step: str = ""
    field: str = ""


class PopulationState(StrEnum):
    """Whether the figure that counts for a call is there."""

    KNOWN = "known"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Member:
    """A municipality as the rules see it on the day of the check.

    `valid_from` and `valid_to` are the first and the last day it is in force (both
    inclusive, None = open). `known` is False for a key the register does not have or
    that lies outside Hesse. `population` is the figure found for the call, with its date
    and basis; `population_from` names the sole predecessor it was taken from, if any.
    `lat`/`lon` are degrees (WGS 84). `has_live_application` is filled for people only
    who may know it; everybody else passes False.
    """

    ags: str
    name: str = ""
    kind: str = Kind.MUNICIPALITY
    population: int | None = None
    population_as_of: date | None = None
    population_basis: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    lat: float | None = None
    lon: float | None = None
    known: bool = True
    funded_rounds: tuple[str, ...] = ()
    has_live_application: bool = False
    population_from: str = ""
    successor: str = ""

    @property
    def title(self) -> str:
        """The name, or the key where the register has no name for it."""
        return self.name or f"Schlüssel {self.ags}"

    def population_state(self, limits: "Limits") -> PopulationState:
        """Whether this member's figure is the one the call counts with."""
        if self.population is None:
            return PopulationState.UNKNOWN
        if limits.population_as_of is not None and self.population_as_of != limits.population_as_of:
            return PopulationState.OUTDATED
        if limits.population_basis and self.population_basis != limits.population_basis:
            return PopulationState.OUTDATED
        return PopulationState.KNOWN


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one funding call, each with the name of its source.

    `minimum` and `maximum` are inclusive numbers of residents. `population_as_of` and
    `population_basis` are the call's Stichtag and census basis; without them whatever
    figure the member carries counts. The defaults are those of the programme page.
    """

    minimum: int = 10_000
    maximum: int = 50_000
    joint_allowed: bool = True
    min_partners: int = 1
    max_partners: int = 2
    joint_minimum_sum: int | None = None
    earlier_funding_excludes: bool = False
    population_as_of: date | None = None
    population_basis: str = ""
    source_population: str = "Programmseite"
    source_joint: str = "Programmseite"
    source_applicant: str = "Programmseite"
    source_earlier_funding: str = "Projektverzeichnis"
    source_one_application: str = "Förderaufruf"
    source_register: str = "Statistisches Bundesamt (Destatis), Gemeindeverzeichnis"


REFUSING_CODES: Final = frozenset(
    {
        "already_funded",
        "application_exists",
        "joint_application_not_allowed",
        "joint_population_too_small",
        "no_small_member",
        "not_a_municipality",
        "not_in_force",
        "partner_is_lead",
        "partner_repeated",
        "partner_too_large",
        "population_too_large",
        "population_too_small",
        "too_few_partners",
        "too_many_partners",
        "unknown_municipality",
    }
)
"""Codes that make the answer „nein". A mere notice never refuses: `already_funded` is in
the list for the calls that exclude earlier funding and raise it as a warning."""

UNDECIDED_CODES: Final = frozenset({"population_outdated", "population_unknown"})
"""Codes that leave the answer open, unless something else refuses anyway."""

HEADLINES: Final[dict[bool | None, str]] = {
    True: "Voraussichtlich antragsberechtigt",
    False: (
        "Nach diesen Angaben nicht antragsberechtigt – bitte fragen Sie vor einem Verzicht "
        "beim Regierungspräsidium nach"
    ),
    None: "Maßgebliche Zahl liegt noch nicht vor",
}
DISCLAIMER: Final = "Unverbindliche Auskunft, keine Zusicherung (§ 38 HVwVfG)"
