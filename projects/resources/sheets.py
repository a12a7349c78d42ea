"""Reading a table back: XLSX, ODS and CSV as `spreadsheets` writes them, or a program saves them.

What is read is cells: texts, whole numbers, days, yes or no. A formula is refused and never
calculated; the apostrophe that `harmless` put in front of a text goes again.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from openpyxl import load_workbook
from openpyxl.xml.functions import fromstring

from projects.resources import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_UNPACKED_BYTES: Final = 32 * 1024 * 1024
"""A small archive can unpack to gigabytes (zip bomb)."""

MAX_ROWS: Final = 5_000
MAX_COLUMNS: Final = 40
LONGEST_CELL: Final = 5_000

_OASIS: Final = "{urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _TEXT, _OFFICE = (f"{_OASIS}{name}:1.0}}" for name in ("table", "text", "office"))

SAVE_AS: Final = "Bitte speichern Sie sie in Excel als „CSV UTF-8 (durch Trennzeichen getrennt)“."


class SheetRefused(Exception):
    """The file is no table that can be read; its message says what to do."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that would calculate."""


Cell = str | int | float | bool | date | Formula | None
Line = tuple[int, list[Cell]]


def read(data: bytes) -> list[Line]:
    """The lines that hold anything, numbered as a spreadsheet numbers them. Raises SheetRefused."""
    if not data.strip():
        raise SheetRefused("Diese Datei ist leer.")
    lines = _archive(data) if data.startswith(b"PK") else _csv(data)
    found = []
    for number, cells in lines:
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if not cells:
            continue
        if len(cells) > MAX_COLUMNS:
            raise SheetRefused(f"Die Tabelle hat mehr als {MAX_COLUMNS} Spalten.")
        if any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in cells):
            raise SheetRefused(f"Zeile {number}: Eine Zelle hat mehr als {LONGEST_CELL} Zeichen.")
        found.append((number, cells))
        if len(found) > MAX_ROWS:
            raise SheetRefused(f"Die Tabelle hat mehr als {MAX_ROWS} Zeilen.")
    return found


def _archive(data: bytes) -> Iterator[Line]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Python's reader never hands out more than the size stated here.
            unpacked = sum(part.file_size for part in archive.infolist())
            names = set(archive.namelist())
            if unpacked > MAX_UNPACKED_BYTES:
                raise SheetRefused(
                    f"Die Datei wird entpackt {unpacked // 1024**2} MB groß; zulässig sind "
                    f"{MAX_UNPACKED_BYTES // 1024**2} MB. Sie wurde nicht geöffnet."
                )
            content = archive.read("content.xml") if "content.xml" in names else b""
    except SheetRefused:
        raise
    except Exception as error:  # zipfile and zlib raise many kinds for broken archives
        raise SheetRefused("Die Datei ist beschädigt oder mit einem Kennwort geschützt.") from error
    if "xl/workbook.xml" in names:
        return iter(_xlsx(data))
    if content:
        return _ods(content)
    raise SheetRefused("Das ist keine Tabelle im Format XLSX, ODS oder CSV.")


def _xlsx(data: bytes) -> list[Line]:
    """The first sheet. For a damaged file openpyxl raises whatever its readers raise."""
    try:
        book = load_workbook(io.BytesIO(data), read_only=True)
        rows = book.worksheets[0].iter_rows(max_row=MAX_ROWS + 2, max_col=MAX_COLUMNS + 1)
        return [(number, [_of_xlsx(cell) for cell in row]) for number, row in enumerate(rows, 1)]
    except Exception as error:
        raise SheetRefused("Die XLSX-Datei ist beschädigt.") from error


def _of_xlsx(cell: Any) -> Cell:
    if cell.data_type in ("f", "e"):
        return Formula()
    value = cell.value
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (str, int, float, date)) or value is None else str(value)


def _ods(content: bytes) -> Iterator[Line]:
    damaged = SheetRefused("Die ODS-Datei ist beschädigt.")
    if b"<!DOCTYPE" in content or not content.lstrip().startswith(b"<"):
        raise damaged
    try:
        root = fromstring(content)  # openpyxl's reader, which resolves no entities
    # For damaged content it raises whatever the XML library at hand raises.
    except Exception as error:
        raise damaged from error
    sheet = root.find(f".//{_TABLE}table")
    if sheet is None:
        raise SheetRefused("Das ist keine Tabelle im Format XLSX, ODS oder CSV.")
    number = 1
    for row in sheet.iter(f"{_TABLE}table-row"):
        times = _times(row.get(f"{_TABLE}number-rows-repeated"))
        cells: list[Cell] = []
        for cell in row.findall("*"):
            repeated = _times(cell.get(f"{_TABLE}number-columns-repeated"))
            value = _of_ods(cell)
            # A program fills the rest of a row with one cell that stands for thousands.
            if len(cells) <= MAX_COLUMNS:
                cells += [value] * min(repeated, MAX_COLUMNS + 1)
            elif value not in (None, ""):
                cells.append(value)  # one too many, which `read` refuses
                break
        empty = all(cell in (None, "") for cell in cells)
        for place in range(0 if empty else min(times, MAX_ROWS + 1)):
            yield number + place, list(cells)
        number += times


def _times(text: str | None) -> int:
    return int(text[:9]) if text and text.isascii() and text.isdigit() else 1


def _of_ods(cell: Any) -> Cell:
    if cell.get(f"{_TABLE}formula"):
        return Formula()
    kind = cell.get(f"{_OFFICE}value-type")
    if kind in ("float", "currency", "percentage"):
        return _of_number(cell.get(f"{_OFFICE}value") or "")
    if kind == "date":
        try:
            return date.fromisoformat((cell.get(f"{_OFFICE}date-value") or "")[:10])
        except ValueError:
            return "?"
    if kind == "boolean":
        return cell.get(f"{_OFFICE}boolean-value") == "true"
    lines = ["".join(_ods_text(line)) for line in cell.findall(f"{_TEXT}p")]
    return "\n".join(lines) or None


def _of_number(text: str) -> Cell:
    try:
        number = float(text)
    except ValueError:
        return text  # letters for a number: the column says what is wrong with them
    if not isfinite(number):
        return text
    return int(number) if number.is_integer() else number


def _ods_text(part: Any) -> Iterator[str]:
    """The text of a paragraph, with the blanks, tabs and breaks that stand as marks in it."""
    yield part.text or ""
    for mark in part:
        if mark.tag == f"{_TEXT}s":
            yield " " * min(_times(mark.get(f"{_TEXT}c")), LONGEST_CELL)
        elif mark.tag == f"{_TEXT}tab":
            yield "\t"
        elif mark.tag == f"{_TEXT}line-break":
            yield "\n"
        elif str(mark.tag).startswith(_TEXT):
            yield from _ods_text(mark)
        yield mark.tail or ""


def _csv(data: bytes) -> Iterator[Line]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SheetRefused(f"Die Datei ist in UTF-16 gespeichert. {SAVE_AS}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SheetRefused(
            f"Zeile {line}: Die Umlaute sind nicht in UTF-8 gespeichert. {SAVE_AS}"
        ) from error
    if "\0" in text:
        raise SheetRefused("Das ist keine Tabelle im Format XLSX, ODS oder CSV.")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    if ";" not in first and ("," in first or "\t" in first):
        by = "Kommas" if "," in first else "Tabulatoren"
        raise SheetRefused(
            f"Die Spalten sind durch {by} getrennt. Bitte trennen Sie sie durch Semikolons."
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    return _csv_lines(reader)


def _csv_lines(reader: Iterable[Sequence[str]]) -> Iterator[Line]:
    number = 0
    try:
        for number, row in enumerate(reader, 1):
            yield number, [restored(cell) or None for cell in row]
    except csv.Error as error:
        raise SheetRefused(f"Zeile {number + 1}: Die Anführungszeichen gehen nicht auf.") from error


def restored(cell: str) -> str:
    """The text as it was before `harmless` put an apostrophe in front."""
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell
