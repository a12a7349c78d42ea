"""Tables read in again, in django-import-export's clothes: its upload, preview and confirm.

The columns are those of the export (`tables`), and each may be left out but the address. What
happens is decided by `services.tables`: one plan, all of it or nothing. The package's row-by-row
import is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.utils import timezone
from import_export.formats.base_formats import Format
from import_export.resources import ModelResource
from import_export.results import Error, Result

from kiv_portal.folding import clean_text
from municipalities.resources import PlannedConfirmForm, PlannedImportForm
from projects.models import Contact, Project
from projects.resources import sheets
from projects.resources.sheets import Formula, SheetRefused
from projects.resources.tables import ContactTable, ProjectTable
from projects.services import tables
from projects.services.tables import Fault, Row, TablePlan, TableRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from projects.resources.spreadsheets import Table

MAX_BYTES: Final = 5 * 1024 * 1024
KEY: Final = "adresse"
DAYS: Final = frozenset(
    {"beginn", "ende", "stand", "veroeffentlicht", "zurueckgezogen", "bestaetigt", "gezeigt_bis"}
)

NO_CASES: Final = (
    "Das ist eine Tabelle von Anträgen. Anträge und Finanzierungspläne werden nicht eingelesen: "
    "Sie ändern sich nur durch ihre Kommune und durch die Schritte des Verfahrens. Einen Antrag, "
    "der per Post oder E-Mail kam, nimmt das Portal unter „Anträge erfassen“ auf."
)


class BadCell(Exception):
    """The cell does not hold what its column needs; the message says what that is."""


@dataclass(frozen=True)
class Upload:
    """A table that was read: its rows, and the cells that are not what their column holds."""

    rows: list[Row]
    faults: list[Fault]


class TableFormat(Format):
    """XLSX, ODS or CSV, told apart by content."""

    table: ClassVar[type[Table]]

    def __init__(self, encoding: str | None = None) -> None:
        self.encoding = encoding  # the package hands one over; the reader knows only UTF-8

    def get_title(self) -> str:
        return "XLSX, ODS oder CSV"

    def can_import(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes) -> Upload:
        """The typed rows. Raises SheetRefused where it is no such table."""
        return read_table(in_stream, self.table)


class ProjectFormat(TableFormat):
    table = ProjectTable


class ContactFormat(TableFormat):
    table = ContactTable


def read_table(data: bytes, table: type[Table]) -> Upload:
    """The rows of a file by the columns of that table. Raises SheetRefused."""
    lines = sheets.read(data)
    if not lines:
        raise SheetRefused("Diese Datei ist leer.")
    names = _columns(lines[0][1], table)
    rows, faults = [], []
    for number, cells in lines[1:]:
        values: dict[str, Any] = {}
        if len(cells) > len(names):
            faults.append(Fault(number, "", "Hinter der letzten Spalte steht noch etwas."))
        for place, name in enumerate(names):
            cell = cells[place] if place < len(cells) else None
            try:
                values[name] = _typed(name, cell)
            except BadCell as error:
                faults.append(Fault(number, name, str(error)))
        rows.append(Row(number, values))
    if not rows:
        raise SheetRefused("Unter den Spaltennamen steht keine Zeile.")
    return Upload(rows, faults)


def _columns(header: list[Any], table: type[Table]) -> list[str]:
    names = [clean_text(str(cell or "")).strip().lower() for cell in header]
    if "antragsnummer" in names:
        raise SheetRefused(NO_CASES)
    named = ", ".join(f"„{name}“" for name in dict.fromkeys(names) if name not in table.columns)
    if named:
        raise SheetRefused(
            f"Diese Spalten hat die Tabelle „{table.title}“ nicht: {named}. In der ersten Zeile "
            "stehen die Spaltennamen der Ausgabe."
        )
    if double := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise SheetRefused(f"Die Spalte „{double[0]}“ steht zweimal da.")
    if KEY not in names:
        raise SheetRefused(
            f"Die Spalte „{KEY}“ fehlt. An ihr erkennt das Portal, welches Projekt gemeint ist."
        )
    return names


# --- Cells ----------------------------------------------------------------------------------------


def _typed(name: str, cell: Any) -> Any:
    """The value of a cell as its column holds it. Raises BadCell."""
    if isinstance(cell, Formula):
        raise BadCell("Hier steht eine Formel. Bitte tragen Sie den Wert selbst ein.")
    if name in DAYS:
        return _day(cell)
    return KINDS.get(name, _text)(cell)


def _text(cell: Any) -> str:
    if isinstance(cell, date):
        raise BadCell("Hier steht ein Datum statt eines Textes.")
    return "" if cell is None else str(cell)


def _phone(cell: Any) -> str:
    if isinstance(cell, (int, float)):
        raise BadCell("Die Nummer steht als Zahl da. Bitte als Text, sonst fehlt die Null vorn.")
    return _text(cell)


def _day(cell: Any) -> date | None:
    if cell is None or isinstance(cell, date):
        return cell
    text = str(cell).strip()
    for pattern in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            found = datetime.strptime(text, pattern).date()  # noqa: DTZ007
        except ValueError:
            continue
        if found.year >= 1900:
            return found
    raise BadCell(f"„{text[:40]}“ ist kein Datum. Erwartet wird TT.MM.JJJJ.")


def _number(cell: Any) -> int | None:
    if cell is None or (isinstance(cell, int) and not isinstance(cell, bool)):
        return cell
    text = str(cell).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadCell(f"„{text[:40]}“ ist keine ganze Zahl.")
    return int(text)


def _yes_or_no(cell: Any) -> bool | None:
    if isinstance(cell, bool):
        return cell
    text = "" if cell is None else str(cell).strip().casefold()
    if text not in ("", "ja", "nein"):
        raise BadCell("Bitte „ja“ oder „nein“ eintragen.")
    return {"": None, "ja": True, "nein": False}[text]


def _keys(cell: Any) -> tuple[str, ...]:
    """Municipalities by their keys; a program that took one for a number lost its first digit."""
    parts = [part.strip() for part in re.split("[,;]", "" if cell is None else str(cell))]
    return tuple(part.zfill(8) if len(part) == 7 else part for part in parts if part)


def _slug(cell: Any) -> str:
    """The last part of the address, however much of it is there."""
    return _text(cell).strip().rstrip("/").rpartition("/")[2]


KINDS: Final[dict[str, Callable[[Any], Any]]] = {
    "adresse": _slug,
    "runde": _number,
    "amif": _yes_or_no,
    "ags": _keys,
    "telefon": _phone,
}


# --- Plan and import ------------------------------------------------------------------------------


class TableResult(Result):
    """The package's result with the whole plan, which the page shows."""

    plan: TablePlan | None = None
    reasons: ClassVar[list[str]] = []


class TableResource(ModelResource):
    """Plans or applies the import of a whole table."""

    def planned(self, rows: list[Row], at: datetime) -> TablePlan:
        raise NotImplementedError

    def applied(self, rows: list[Row], **kwargs: Any) -> TablePlan:
        raise NotImplementedError

    def import_data(
        self, dataset: Upload, dry_run: bool = False, user: Any = None, **kwargs: Any
    ) -> TableResult:
        """A preview with `dry_run`, else the import itself; refusals become errors."""
        form, at = kwargs["form"], kwargs.get("at") or timezone.now()
        result = TableResult()
        if dry_run:
            plan = self.planned(dataset.rows, at)
            # What is no value at all is told first, and not a second time as one that is wrong.
            cells = {(one.line, one.column) for one in dataset.faults}
            rest = [one for one in plan.faults if (one.line, one.column) not in cells]
            plan.faults = sorted([*dataset.faults, *rest], key=lambda one: one.line)
            result.plan = form.plan = plan
            reasons = [str(fault) for fault in plan.faults]
        else:
            try:
                if dataset.faults:
                    raise TableRefused([str(fault) for fault in dataset.faults])
                result.plan = self.applied(
                    dataset.rows,
                    fingerprint=form.cleaned_data["fingerprint"],
                    name=kwargs.get("file_name") or "",
                    by=user,
                    at=at,
                )
                reasons = []
            except TableRefused as refused:
                reasons = refused.reasons
        for reason in reasons:
            result.append_base_error(Error(TableRefused([reason])))
        result.reasons = reasons
        return result


class ProjectResource(TableResource):
    class Meta:
        model = Project
        fields = ()

    def planned(self, rows: list[Row], at: datetime) -> TablePlan:
        return tables.plan_projects(rows)

    def applied(self, rows: list[Row], **kwargs: Any) -> TablePlan:
        return tables.apply_projects(rows, **kwargs)


class ContactResource(TableResource):
    class Meta:
        model = Contact
        fields = ()

    def planned(self, rows: list[Row], at: datetime) -> TablePlan:
        return tables.plan_contacts(rows, timezone.localdate(at))

    def applied(self, rows: list[Row], **kwargs: Any) -> TablePlan:
        return tables.apply_contacts(rows, **kwargs)


class TableImportForm(PlannedImportForm):
    """The upload; which of the three formats it is says its content."""

    max_bytes = MAX_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].label = "Tabelle"
        self.fields["import_file"].help_text = "XLSX, ODS oder CSV, höchstens 5 MB"


class ConfirmTableForm(PlannedConfirmForm):
    """What was previewed."""
