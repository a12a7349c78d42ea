"""What an import of the register would do, as plain values, and why it would not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from municipalities.models import Municipality

if TYPE_CHECKING:
    from datetime import date

    from municipalities.register import DistrictRecord, LineError, MunicipalityRecord

_KINDS: Final = dict(Municipality._meta.get_field("kind").flatchoices)


class ImportRefused(ValueError):
    """Nothing was written; `reasons` says why, in German, one line each."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("Nicht eingelesen: " + " ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one municipality, as it is and as the file has it."""

    name: str
    label: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.label}: {_shown(self.name, self.old)} → {_shown(self.name, self.new)}"


@dataclass(frozen=True, slots=True)
class Change:
    """A municipality whose attributes the file has otherwise."""

    pk: int
    ags: str
    name: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class DistrictChange:
    """A district whose name or kind the file has otherwise."""

    pk: int
    old: str
    record: DistrictRecord


@dataclass(frozen=True, slots=True)
class Dissolution:
    """A municipality the file no longer has; `successor` is a key, or empty for staff."""

    pk: int
    ags: str
    name: str
    valid_to: date
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A figure that is there with another value."""

    ags: str
    name: str
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A municipality that is left as it is, and why."""

    ags: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.ags} {self.name}: {self.reason}"


@dataclass(slots=True)
class ImportPlan:
    """What an import would do. It is only done where `refusals` is empty."""

    format: str
    territory_as_of: date | None
    population_as_of: date
    basis: str
    source: str
    land: str | None
    register_as_of: date | None = None
    new: list[MunicipalityRecord] = field(default_factory=list)
    new_districts: list[DistrictRecord] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    changed_districts: list[DistrictChange] = field(default_factory=list)
    dissolved: list[Dissolution] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    known_lands: frozenset[str] = frozenset()
    figures: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    older: int = 0
    unchanged_figures: int = 0

    @property
    def refused(self) -> bool:
        """Whether nothing may be written."""
        return bool(self.refusals)

    def summary(self) -> list[tuple[str, int]]:
        """What happens, in numbers, with German labels."""
        return [
            ("neue Kommunen", len(self.new)),
            ("geänderte Kommunen", len(self.changed)),
            ("aufgelöste Kommunen", len(self.dissolved)),
            ("unveränderte Kommunen", self.unchanged),
            ("Kommunen mit neuerem Stand im Verzeichnis", self.older),
            ("nicht übernommene Kommunen", len(self.skipped)),
            ("neue Landkreise/kreisfreie Städte", len(self.new_districts)),
            ("geänderte Landkreise/kreisfreie Städte", len(self.changed_districts)),
            ("neue Einwohnerzahlen", len(self.figures)),
            ("unveränderte Einwohnerzahlen", self.unchanged_figures),
        ]

    def fingerprint(self) -> str:
        """The same for the same plan: shows whether what is confirmed is what was shown."""
        essence = (
            self.territory_as_of,
            self.population_as_of,
            self.basis,
            self.source,
            self.land,
            [record.ags for record in self.new],
            self.changed,
            self.changed_districts,
            self.dissolved,
            self.skipped,
            sorted(self.figures.items()),
            self.refusals,
        )
        return hashlib.sha256(repr(essence).encode()).hexdigest()


def _shown(name: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    return _KINDS.get(value, str(value)) if name == "kind" else str(value)
