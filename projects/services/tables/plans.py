"""What reading a table in would do: rows, faults, changes, and the plan that holds them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from kiv_portal.folding import clean_text
from municipalities.models import EventKind
from municipalities.services import record
from projects.models import AmountClass, Contact, Project, ProjectMember

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from municipalities.models import User

Value = str | int | bool | date | tuple[str, ...] | None

FROM_CASE: Final = (
    "Dieses Projekt kommt aus einem Antrag. Seine Angaben ändern sich nur über den Fall."
)
ONCE: Final = "Diese Adresse steht schon in Zeile {}."
UNKNOWN: Final = "Unter dieser Adresse gibt es kein Projekt."


class TableRefused(Exception):
    """Nothing of the table was read in; `reasons` says why, in sentences."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its number there, and typed values by the names of the columns."""

    line: int
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell, or, without a column, with the row."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        where = (
            f"Zeile {self.line}, Spalte „{self.column}“" if self.column else f"Zeile {self.line}"
        )
        return f"{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What one cell changes."""

    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one row does: `project` is None where it opens a new one."""

    line: int
    name: str
    differences: tuple[Difference, ...]
    values: Mapping[str, Value]
    project: Project | None = None


@dataclass
class TablePlan:
    """What reading a table in would do; with faults, it does nothing."""

    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unchanged: int = 0

    def fingerprint(self) -> str:
        """Tells this plan from every other: confirmed is what was shown."""
        told = [
            (one.line, one.project.pk if one.project else None, one.differences)
            for one in self.changes
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()

    @property
    def counts(self) -> str:
        """How many rows it changes, opens anew and leaves as they are."""
        new = sum(one.project is None for one in self.changes)
        counts = (("geändert", len(self.changes) - new), ("neu", new), ("gleich", self.unchanged))
        return "; ".join(f"{label}: {count}" for label, count in counts)


def check_address(
    row: Row, slug: str, project: Project | None, seen: dict[str, int], faults: list[Fault]
) -> None:
    if project is None:
        faults.append(Fault(row.line, "adresse", UNKNOWN))
    elif slug in seen:
        faults.append(Fault(row.line, "adresse", ONCE.format(seen[slug])))
    seen.setdefault(slug, row.line)


def by_slug() -> dict[str, Project]:
    return {one.slug: one for one in Project.objects.with_members()}


def keys_of(project: Project) -> tuple[str, ...]:
    return tuple(one.municipality.ags for one in project.members.all())


def line_of(text: str) -> str:
    return " ".join(clean_text(text).split())


def text_of(row: Row, column: str, value: Value, longest: int, faults: list[Fault]) -> str:
    text = line_of(str(value or ""))
    if len(text) > longest:
        faults.append(Fault(row.line, column, f"Höchstens {longest} Zeichen, es sind {len(text)}."))
    return text


def missing(row: Row, columns: Iterable[str], values: Mapping[str, Value]) -> list[Fault]:
    text = "Diese Spalte braucht jede Zeile ohne Adresse: Sie legt ein neues Projekt an."
    return [Fault(row.line, column, text) for column in columns if column not in values]


def add(
    plan: TablePlan,
    row: Row,
    project: Project | None,
    now: Mapping[str, Value],
    wanted: Mapping[str, Value],
    faults: list[Fault],
    name: str,
) -> None:
    """Put the row into the plan: its faults, or what it changes."""
    different = {
        column: value
        for column, value in wanted.items()
        if value != now.get(column) and (project is not None or value not in ("", None))
    }
    if project is not None and project.from_application and different:
        faults.append(Fault(row.line, next(iter(different)), FROM_CASE))
    plan.faults += faults
    if faults:
        return
    if project is not None and not different:
        plan.unchanged += 1
        return
    differences = tuple(
        Difference(column, shown(column, now.get(column)), shown(column, value))
        for column, value in different.items()
    )
    plan.changes.append(Change(row.line, name, differences, dict(wanted), project))


def shown(column: str, value: Value) -> str:
    """The value in words, as the table writes it."""
    if column == "zuwendung" and value:
        return str(AmountClass(str(value)).label)
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)


def planned(plan: TablePlan, fingerprint: str) -> TablePlan:
    """The plan, if it is the one that was shown. Raises TableRefused."""
    if plan.faults:
        raise TableRefused([str(fault) for fault in plan.faults])
    if plan.fingerprint() != fingerprint:
        text = "Die Angaben haben sich seit der Vorschau geändert. Bitte neu hochladen."
        raise TableRefused([text])
    return plan


def reason_of(name: str) -> str:
    return f"Tabelle eingelesen: {line_of(name)}"[:100]


def note_read(table: str, name: str, plan: TablePlan, by: User, at: datetime) -> None:
    """Say in the log of accounts who read in which file, and how many rows it changed."""
    detail = f"{table}: {line_of(name)[:100]}; {plan.counts}"
    record(EventKind.TABLE_READ, user=by, by=by, at=at, detail=detail)


def save(row: Project | ProjectMember | Contact, by: User, at: datetime, reason: str) -> None:
    """Save with an entry in the record's history."""
    note(row, by, at, reason)
    row.save()


def note(row: Any, by: User, at: datetime, reason: str) -> None:
    """Let the history say who, when and why, once the record is saved or deleted."""
    row._history_user, row._history_date = by, at
    row._change_reason = reason
