"""GV100AD: the register as text of fixed width, 220 characters a record.

The width is counted in characters, not in bytes: the file is decoded first and sliced
afterwards. Older editions are Latin-1 or CP850, newer ones UTF-8. Trailing blanks may have
been cut off. Positions (from 1): 1–2 Satzart, 3–10 territory date, 11–18 key, 19–22
Gemeindeverband, 23–72 name, 123–124 Textkennzeichen, 129–139 area in hectares, 140–150
population, 151–161 male, 166–170 postal code.
"""

import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import BinaryIO, Final

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

WIDTH: Final = 220
KEY_DIGITS: Final = {"10": 2, "20": 3, "30": 4, "40": 5, "50": 5, "60": 8}
"""Satzart and how many digits of the key it uses (30, Region, occurs in the real file)."""

GIVE_UP_AFTER: Final = 50
"""A file whose first lines hold not one record is no register, however long it is."""

_END_OF_TEXT: Final = "\x1a"
"""What DOS programs write at the end of a text."""

_GERMAN_LATIN1: Final = frozenset("äöüÄÖÜß".encode("latin-1"))
_GERMAN_CP850: Final = frozenset("äöüÄÖÜß".encode("cp850"))
_ASCII: Final = bytes(range(128))


def read_gv100ad(source: bytes | BinaryIO) -> RegisterFile:
    """The records of a GV100AD file. Raises RegisterError where it holds none."""
    data = read_bytes(source)
    lines = _Lines(data)
    file = assemble(lines.items(), file_format="GV100AD", territory_as_of=None)
    if not (file.municipalities or file.districts or file.states):
        raise _not_a_register()
    return RegisterFile(
        format=file.format,
        territory_as_of=lines.territory_as_of,
        states=file.states,
        districts=file.districts,
        municipalities=file.municipalities,
        errors=file.errors,
    )


def encoding_of(data: bytes) -> str:
    """The encoding of the bytes: UTF-8 if they are that, else what makes German umlauts.

    Raises nothing: every sequence of bytes is Latin-1, which is also the answer in doubt.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        high = data.translate(None, _ASCII)
        latin = sum(byte in _GERMAN_LATIN1 for byte in high)
        dos = sum(byte in _GERMAN_CP850 for byte in high)
        return "cp850" if dos > latin else "latin-1"
    return "utf-8-sig"


def _not_a_register() -> RegisterError:
    return RegisterError(
        "Das ist keine Datei des Gemeindeverzeichnisses: Erwartet wird GV100AD (Text mit "
        "fester Breite von 220 Zeichen) oder der Auszug GV als XLSX."
    )


class _Lines:
    """Goes through the lines once and keeps the territory date the first record names."""

    def __init__(self, data: bytes) -> None:
        # Only CR and LF end a line here; str.splitlines would break at other characters too.
        self.text = io.TextIOWrapper(io.BytesIO(data), encoding=encoding_of(data))
        self.territory_as_of: date | None = None

    def items(self) -> Iterator[Item]:
        useful = False
        lost = 0
        for number, raw in enumerate(self.text, 1):
            line = raw.rstrip("\n").rstrip(" " + _END_OF_TEXT)
            if not line:
                continue
            try:
                item = self._item(number, line.ljust(WIDTH))
            except LineRefused as refused:
                lost += 1
                if not useful and lost >= GIVE_UP_AFTER:
                    raise _not_a_register() from refused
                land = line[10:12] if line[10:12] in LANDS else ""
                yield LineError(number, str(refused), excerpt(line), land)
            else:
                useful = True
                if item is not None:
                    yield item

    def _item(self, number: int, line: str) -> Item | None:
        if len(line) > WIDTH:
            raise LineRefused(f"Die Zeile hat {len(line)} statt höchstens {WIDTH} Zeichen.")
        kind = line[0:2]
        if kind not in KEY_DIGITS:
            raise LineRefused(f"Unbekannte Satzart „{excerpt(kind)}“.")
        self._check_territory(line[2:10])
        key = line[10:18].rstrip()
        name = clean_text(line[22:72]).strip()
        if kind == "60":
            return _municipality(number, line, check_key(line[10:18]), name)
        if not digits(key, KEY_DIGITS[kind]):
            raise LineRefused(f"Der Schlüssel „{excerpt(key)}“ passt nicht zur Satzart {kind}.")
        check_land(key)
        if not name:
            raise LineRefused("Der Name fehlt.")
        if kind == "10":
            return StateRecord(key, name)
        if kind == "40":
            text_code = line[122:124]
            if text_code not in DISTRICT_TEXT_CODES:
                raise LineRefused(f"Unbekanntes Textkennzeichen „{excerpt(text_code)}“.")
            return DistrictRecord(key, name, text_code)
        return None

    def _check_territory(self, text: str) -> None:
        day = parse_day(text, "%Y%m%d") if digits(text, 8) else None
        if day is None:
            raise LineRefused(f"Der Gebietsstand „{excerpt(text)}“ ist kein Datum (JJJJMMTT).")
        if self.territory_as_of is None:
            self.territory_as_of = day
        elif day != self.territory_as_of:
            raise LineRefused(
                f"Der Gebietsstand {day:%d.%m.%Y} weicht von dem der Datei "
                f"({self.territory_as_of:%d.%m.%Y}) ab."
            )


def _municipality(number: int, line: str, ags: str, name: str) -> MunicipalityRecord:
    association, text_code = line[18:22], line[122:124]
    if not digits(association, 4):
        raise LineRefused("Der Schlüssel des Gemeindeverbands besteht nicht aus vier Ziffern.")
    if not name:
        raise LineRefused("Der Name fehlt.")
    if text_code not in KIND_OF_TEXT_CODE:
        raise LineRefused(f"Unbekanntes Textkennzeichen „{excerpt(text_code)}“.")
    postal_code = line[165:170].strip()
    if postal_code and not digits(postal_code, 5):
        raise LineRefused(f"Die Postleitzahl „{excerpt(postal_code)}“ hat nicht fünf Ziffern.")
    hectares = _number(line[128:139], "Fläche")
    population = _number(line[139:150], "Bevölkerung")
    male = _number(line[150:161], "Bevölkerung männlich")
    check_people(population, male)
    return MunicipalityRecord(
        line=number,
        ags=ags,
        association=association,
        official_name=name,
        text_code=text_code,
        population=population,
        male=male,
        area_km2=None if hectares is None else Decimal(hectares) / 100,
        postal_code=postal_code,
    )


def _number(field: str, what: str) -> int | None:
    """The number in a field of eleven places; None where it is blank."""
    if not field.strip():
        return None
    if not digits(field, 11):
        raise LineRefused(f"Im Feld {what} steht „{excerpt(field)}“ statt einer Zahl.")
    return int(field)
