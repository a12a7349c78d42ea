"""Auszug GV: the register as a workbook (XLSX).

The sheet's name changes with each edition, so the sheet is found by its header. Columns are
found by their header too: coordinates come with the longitude first. What the numbers of
the rows say is kept as it is, keys as text. Footnotes follow the data and are no errors.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import count
from pathlib import Path
from typing import Any, Final

from openpyxl import load_workbook

from kiv_portal.folding import clean_text
from municipalities.register.values import (
    DISTRICT_TEXT_CODES,
    KIND_OF_TEXT_CODE,
    LANDS,
    DistrictRecord,
    Item,
    LineError,
    LineRefused,
    MunicipalityRecord,
    RegisterError,
    RegisterFile,
    Source,
    StateRecord,
    assemble,
    check_key,
    check_land,
    check_people,
    digits,
    excerpt,
    parse_day,
    read_bytes,
)

MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024
"""The real files unpack to 13 MB. A small archive can unpack to gigabytes (zip bomb)."""

MAX_ROWS: Final = 60_000
MAX_COLUMNS: Final = 30
HEADER_ROWS: Final = 20
"""Within so many rows the header must have appeared; the official files have six."""

RECORD_KINDS: Final = frozenset({"10", "20", "30", "40", "50", "60"})

_MAIN_LABELS: Final = {
    "kind": "satzart",
    "text_code": "textkennzeichen",
    "name": "gemeindename",
    "area": "flächekm2",
    "postal_code": "postleitzahl",
}
_SUB_LABELS: Final = {
    "land": "land",
    "region": "rb",
    "district": "kreis",
    "association": "vb",
    "number": "gem",
    "population": "insgesamt",
    "male": "männlich",
    "lon": "längengrad",
    "lat": "breitengrad",
}
_DAY: Final = re.compile(r"\b(\d{2}\.\d{2}\.\d{4})\b")
_CENSUS: Final = re.compile(r"Zensus (\d{4})")

# Degrees between which Germany lies; outside them longitude and latitude are mixed up.
_LONGITUDES: Final = (Decimal(5), Decimal(16))
_LATITUDES: Final = (Decimal(47), Decimal(56))

Row = Sequence[Any]


def read_xlsx(source: Source) -> RegisterFile:
    """The records of a workbook: a path, an open binary file, or its bytes.

    Raises RegisterError where it is no workbook of the register, or too large unpacked.
    """
    data = Path(source).read_bytes() if isinstance(source, (str, Path)) else read_bytes(source)
    _check_archive(data)
    book = _guarded(lambda: load_workbook(io.BytesIO(data), read_only=True, data_only=True))
    try:
        for sheet in book.worksheets:
            rows = _rows(sheet)
            header = _find_header(rows)
            if header is not None:
                return assemble(
                    _items(rows, header),
                    file_format="XLSX",
                    territory_as_of=header.territory_as_of,
                    population_as_of=header.population_as_of,
                    basis=header.basis,
                )
    finally:
        book.close()
    raise _not_a_register("Kein Tabellenblatt hat die Spalten des Auszugs GV.")


def _not_a_register(why: str) -> RegisterError:
    return RegisterError(f"Das ist keine Datei des Gemeindeverzeichnisses. {why}")


def _check_archive(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Python's reader never hands out more than the size stated here.
            unpacked = sum(part.file_size for part in archive.infolist())
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise _not_a_register("Die XLSX-Datei ist beschädigt.") from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise RegisterError(
            f"Die Datei wird entpackt {unpacked // 1024**2} MB groß; zulässig sind "
            f"{MAX_UNPACKED_BYTES // 1024**2} MB. Sie wurde nicht geöffnet."
        )
    if "xl/workbook.xml" not in names:
        raise _not_a_register("Das Archiv enthält keine Excel-Arbeitsmappe.")


def _guarded(action: Any) -> Any:
    try:
        return action()
    # For a damaged file openpyxl raises whatever its XML and zip readers raise.
    except Exception as error:
        raise _not_a_register("Die XLSX-Datei ist beschädigt.") from error


def _rows(sheet: Any) -> Iterator[tuple[int, Row]]:
    """Row number and cells. Raises RegisterError for a damaged or endless sheet."""
    rows = iter(
        sheet.iter_rows(min_row=1, max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True)
    )
    for number in count(1):
        row = _guarded(lambda: next(rows, None))
        if row is None:
            return
        if number > MAX_ROWS:
            raise RegisterError(f"Das Tabellenblatt hat mehr als {MAX_ROWS} Zeilen.")
        yield number, row


@dataclass(frozen=True, slots=True)
class _Header:
    columns: dict[str, int]
    territory_as_of: date | None
    population_as_of: date | None
    basis: str

    def cell(self, row: Row, column: str) -> Any:
        index = self.columns[column]
        return row[index] if index < len(row) else None


def _label(cell: Any) -> str:
    """A header cell without blanks, hyphens, case and the number of its footnote."""
    text = re.sub(r"\s*\d\)\s*$", "", str(cell)) if cell is not None else ""
    return re.sub(r"[\s\-\u00ad]", "", text).casefold()


def _find_header(rows: Iterator[tuple[int, Row]]) -> _Header | None:
    """Consumes the header rows; None where the sheet has no such header."""
    title = ""
    main: dict[str, int] = {}
    census = ""
    for number, row in rows:
        labels = [_label(cell) for cell in row]
        if not main:
            title = title or next((str(cell) for cell in row if cell), "")
            found = _positions(_MAIN_LABELS, labels)
            if len(found) == len(_MAIN_LABELS):
                main = found
                years = [match[1] for cell in row if (match := _CENSUS.search(str(cell)))]
                census = years[0] if years else ""
        else:
            sub = _positions(_SUB_LABELS, labels)
            if len(sub) == len(_SUB_LABELS):
                return _with_days(rows, main | sub, title, census)
        if number >= HEADER_ROWS:
            break
    return None


def _positions(wanted: dict[str, str], labels: list[str]) -> dict[str, int]:
    return {column: labels.index(text) for column, text in wanted.items() if text in labels}


def _with_days(
    rows: Iterator[tuple[int, Row]], columns: dict[str, int], title: str, census: str
) -> _Header:
    """The header with the days that the row below the labels names, or else the title."""
    _, row = next(rows, (0, ()))
    header = _Header(columns, None, None, "")
    return _Header(
        columns,
        _day_in(header.cell(row, "land")) or _day_in(title),
        _day_in(header.cell(row, "population")),
        f"Zensus {census}" if census else "",
    )


def _day_in(text: Any) -> date | None:
    match = _DAY.search(str(text))
    return parse_day(match[1], "%d.%m.%Y") if match else None


def _items(rows: Iterable[tuple[int, Row]], header: _Header) -> Iterator[Item]:
    # A line of text may be a footnote, which is known only when no data follow it.
    notes: list[LineError] = []
    for number, row in rows:
        texts = [str(cell).strip() for cell in row if cell is not None and str(cell).strip()]
        if not texts:
            continue
        kind = _code(header.cell(row, "kind"), 2)
        line = excerpt(" | ".join(texts))
        if kind not in RECORD_KINDS and len(texts) == 1:
            notes.append(LineError(number, "Die Zeile steht zwischen den Daten.", line))
            continue
        yield from notes
        notes.clear()
        try:
            item = _item(number, row, kind, header)
        except LineRefused as refused:
            land = _code(header.cell(row, "land"), 2)
            yield LineError(number, str(refused), line, land if land in LANDS else "")
        else:
            if item is not None:
                yield item


def _item(number: int, row: Row, kind: str, header: _Header) -> Item | None:
    if kind not in RECORD_KINDS:
        raise LineRefused(f"Unbekannte Satzart „{excerpt(kind)}“.")
    land = _code(header.cell(row, "land"), 2)
    district = land + _code(header.cell(row, "region"), 1) + _code(header.cell(row, "district"), 2)
    name = _text(header.cell(row, "name"))
    text_code = _code(header.cell(row, "text_code"), 2)
    check_land(land)
    if not name:
        raise LineRefused("Der Name fehlt.")
    if kind == "10":
        return StateRecord(land, name)
    if kind == "40":
        if not digits(district, 5):
            raise LineRefused("Der Kreisschlüssel besteht nicht aus fünf Ziffern.")
        if text_code not in DISTRICT_TEXT_CODES:
            raise LineRefused(f"Unbekanntes Textkennzeichen „{excerpt(text_code)}“.")
        return DistrictRecord(district, name, text_code)
    if kind != "60":
        return None
    ags = check_key(district + _code(header.cell(row, "number"), 3))
    association = _code(header.cell(row, "association"), 4)
    if not digits(association, 4):
        raise LineRefused("Der Schlüssel des Gemeindeverbands besteht nicht aus vier Ziffern.")
    if text_code not in KIND_OF_TEXT_CODE:
        raise LineRefused(f"Unbekanntes Textkennzeichen „{excerpt(text_code)}“.")
    postal_code = _code(header.cell(row, "postal_code"), 5)
    if postal_code and not digits(postal_code, 5):
        raise LineRefused(f"Die Postleitzahl „{excerpt(postal_code)}“ hat nicht fünf Ziffern.")
    population = _whole(header.cell(row, "population"), "Bevölkerung")
    male = _whole(header.cell(row, "male"), "Bevölkerung männlich")
    check_people(population, male)
    area = _decimal(header.cell(row, "area"), "Fläche")
    if area is not None and area < 0:
        raise LineRefused("Die Fläche ist negativ.")
    return MunicipalityRecord(
        line=number,
        ags=ags,
        association=association,
        official_name=name,
        text_code=text_code,
        population=population,
        male=male,
        area_km2=None if area is None else area.quantize(Decimal("0.01")),
        postal_code=postal_code,
        lat=_degrees(header.cell(row, "lat"), "Breitengrad", _LATITUDES),
        lon=_degrees(header.cell(row, "lon"), "Längengrad", _LONGITUDES),
    )


def _text(cell: Any) -> str:
    return "" if cell is None else " ".join(clean_text(str(cell)).split())


def _code(cell: Any, length: int) -> str:
    """A key as text; a program that took it for a number dropped its leading zeros."""
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else _text(cell)
    return text.zfill(length) if text else ""


def _decimal(cell: Any, what: str) -> Decimal | None:
    """A number, also as text with a decimal comma; None where the cell is empty."""
    text = _text(cell)
    if not text:
        return None
    try:
        number = Decimal(text.replace(",", ".")) if text.isascii() else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(cell, bool) or "_" in text or not number.is_finite():
        raise LineRefused(f"Im Feld {what} steht „{excerpt(text)}“ statt einer Zahl.")
    return number


def _whole(cell: Any, what: str) -> int | None:
    number = _decimal(cell, what)
    if number is None:
        return None
    if number < 0 or number != number.to_integral_value():
        raise LineRefused(f"Im Feld {what} steht „{excerpt(_text(cell))}“ statt einer Zahl.")
    return int(number)


def _degrees(cell: Any, what: str, bounds: tuple[Decimal, Decimal]) -> Decimal | None:
    number = _decimal(cell, what)
    if not number:  # 0 stands where an area has no centre, e.g. coastal waters
        return None
    if not bounds[0] <= number <= bounds[1]:
        raise LineRefused(f"{what} {number} liegt nicht in Deutschland (Spalten vertauscht?).")
    return number.quantize(Decimal("0.000001"))
