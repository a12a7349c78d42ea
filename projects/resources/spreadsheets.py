"""Tables for spreadsheet programs: XLSX and ODS with real amounts and days, CSV; no formulas.

A text is never taken for a formula: in XLSX and ODS its cell is a text, as it was typed; in CSV,
which knows no kinds of cells, an apostrophe stands in front (`harmless`). No text is lost.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any, ClassVar, Final

from import_export.formats.base_formats import CSV, ODS, XLSX
from import_export.resources import Resource
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from tablib import Dataset

from kiv_portal.folding import clean_text
from projects.resources import harmless

Cell = str | int | Decimal | date | None

MONEY: Final = '#,##0.00\\ "€"'
DAY: Final = "DD.MM.YYYY"
BLANKS: Final = re.compile(r"^ +| {2,}")
"""Blanks that XML would swallow."""


ODS_TYPE: Final = "application/vnd.oasis.opendocument.spreadsheet"
_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns"
ODS_MANIFEST: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    f'<manifest:manifest xmlns:manifest="{_OASIS}:manifest:1.0" manifest:version="1.3">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)
ODS_CONTENT: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    f'<office:document-content xmlns:office="{_OASIS}:office:1.0" '
    f'xmlns:table="{_OASIS}:table:1.0" xmlns:text="{_OASIS}:text:1.0" '
    f'xmlns:style="{_OASIS}:style:1.0" xmlns:number="{_OASIS}:datastyle:1.0" '
    f'xmlns:fo="{_OASIS}:xsl-fo-compatible:1.0" '
    'office:version="1.3"><office:automatic-styles>'
    '<number:number-style style:name="N1"><number:number number:decimal-places="2" '
    'number:min-decimal-places="2" number:min-integer-digits="1" number:grouping="true"/>'
    "<number:text> €</number:text></number:number-style>"
    '<number:date-style style:name="N2"><number:day number:style="long"/>'
    '<number:text>.</number:text><number:month number:style="long"/>'
    '<number:text>.</number:text><number:year number:style="long"/></number:date-style>'
    '<style:style style:name="money" style:family="table-cell" style:data-style-name="N1"/>'
    '<style:style style:name="day" style:family="table-cell" style:data-style-name="N2"/>'
    '<style:style style:name="head" style:family="table-cell">'
    '<style:text-properties fo:font-weight="bold"/></style:style>'
    "{widths}</office:automatic-styles><office:body><office:spreadsheet>"
    '<table:table table:name="{title}">'
    "{columns}<table:table-header-rows>{head}</table:table-header-rows>{rows}</table:table>"
    "</office:spreadsheet></office:body></office:document-content>"
)
ODS_WIDTH: Final = (
    '<style:style style:name="c{number}" style:family="table-column">'
    '<style:table-column-properties style:column-width="{mm}mm"/></style:style>'
)
ODS_COLUMN: Final = '<table:table-column table:style-name="c{number}"/>'
NARROW, WIDE = 8, 60
"""Columns are as wide as their longest cell, in characters, but not narrower or wider than this."""


class Table(Resource):
    """An export: its columns are a contract, each with what it holds; rows come one by one."""

    name: ClassVar[str]
    title: ClassVar[str]
    columns: ClassVar[Mapping[str, str]]

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """The cells of each row in the order of the columns."""
        return iter(())

    def export(self, queryset: Any = None, **kwargs: Any) -> Dataset:
        """All rows under the names of the columns; texts without invisible characters."""
        data = Dataset(headers=list(self.columns), title=self.title)
        for row in self.rows():
            data.append([_clean(cell) for cell in row])
        return data


class AsCsv(CSV):
    """Semicolons, UTF-8 with a mark in front, decimal commas, days as JJJJ-MM-TT."""

    def export_data(self, dataset: Dataset, **kwargs: Any) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";")
        writer.writerow(dataset.headers)
        for row in dataset:
            writer.writerow(_plain(cell) for cell in row)
        return text.getvalue().encode("utf-8-sig")

    def get_content_type(self) -> str:
        return "text/csv; charset=utf-8"


class AsXlsx(XLSX):
    """Amounts and days are numbers with a format; a text stays a text, whatever it begins with."""

    def export_data(self, dataset: Dataset, **kwargs: Any) -> bytes:
        book = Workbook(write_only=True)
        sheet = book.create_sheet(dataset.title)
        sheet.freeze_panes = "A2"
        for number, width in enumerate(_widths(dataset), start=1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        bold = Font(bold=True)
        headers = [WriteOnlyCell(sheet, value=name) for name in dataset.headers]
        for cell in headers:
            cell.font = bold
        sheet.append(headers)
        for row in dataset:
            sheet.append([_xlsx(sheet, value) for value in row])
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()


class AsOds(ODS):
    """As XLSX, for LibreOffice: every cell has its kind, no cell a formula.

    Written here: the one library for it has not been released since 2020, and never as a wheel.
    """

    def export_data(self, dataset: Dataset, **kwargs: Any) -> bytes:
        widths = _widths(dataset)
        content = ODS_CONTENT.format(
            title=escape(dataset.title),
            widths="".join(ODS_WIDTH.format(number=n, mm=w * 2) for n, w in enumerate(widths)),
            columns="".join(ODS_COLUMN.format(number=n) for n, _ in enumerate(widths)),
            head=_ods_row(dataset.headers, ' table:style-name="head"'),
            rows="".join(_ods_row(row) for row in dataset),
        )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("mimetype", ODS_TYPE, zipfile.ZIP_STORED)  # first, and not packed
            packed.writestr("content.xml", content)
            packed.writestr("META-INF/manifest.xml", ODS_MANIFEST)
        return out.getvalue()

    def get_content_type(self) -> str:
        return ODS_TYPE


FORMATS: Final = {"xlsx": AsXlsx, "ods": AsOds, "csv": AsCsv}
"""The kinds of file, by their ending."""


def yes_or_no(value: bool | None) -> str:
    """A yes or no in words; empty where nobody said."""
    return {True: "ja", False: "nein", None: ""}[value]


def _clean(cell: Cell) -> Cell:
    return clean_text(cell) if isinstance(cell, str) else cell


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return f"{cell:.2f}".replace(".", ",")
    if isinstance(cell, str):
        return harmless(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _widths(dataset: Dataset) -> list[int]:
    """The width of each column: a number too wide for its column is shown as „###“."""
    found = [len(name) * 6 // 5 for name in dataset.headers]  # bold
    for row in dataset:
        found = [max(width, _length(cell)) for width, cell in zip(found, row, strict=True)]
    return [min(max(width + 2, NARROW), WIDE) for width in found]


def _length(cell: Cell) -> int:
    if isinstance(cell, Decimal):
        return len(f"{cell:,.2f} €")
    if isinstance(cell, date):
        return len("31.12.2026")
    return max((len(line) for line in str(cell).split("\n")), default=0) if cell else 0


def _ods_row(cells: Sequence[Cell], style: str = "") -> str:
    return f"<table:table-row>{''.join(_ods(cell, style) for cell in cells)}</table:table-row>"


def _ods(cell: Cell, style: str = "") -> str:
    """A cell with its kind; blanks, tabs and line breaks of a text stay what they are."""
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, str):
        lines = "".join(f"<text:p>{_ods_line(line)}</text:p>" for line in cell.split("\n"))
        return f'<table:table-cell office:value-type="string"{style}>{lines}</table:table-cell>'
    if isinstance(cell, date):
        kind = f'"date" office:date-value="{cell.isoformat()}" table:style-name="day"'
        shown = cell.isoformat()
    else:
        money = ' table:style-name="money"' if isinstance(cell, Decimal) else ""
        kind, shown = f'"float" office:value="{cell}"{money}', str(cell)
    return f"<table:table-cell office:value-type={kind}><text:p>{shown}</text:p></table:table-cell>"


def _ods_line(line: str) -> str:
    found = BLANKS.sub(lambda run: f'<text:s text:c="{len(run[0])}"/>', escape(line))
    return found.replace("\t", "<text:tab/>")


def _xlsx(sheet: Any, value: Cell) -> Any:
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"  # else what begins with „=“ is a formula
        cell.quotePrefix = harmless(value) != value
    elif isinstance(value, Decimal):
        cell.number_format = MONEY
    elif isinstance(value, date):
        cell.number_format = DAY
    return cell
