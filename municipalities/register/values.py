"""What an official register file holds, as frozen values, and how a file is put together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, Final

LANDS: Final = frozenset(f"{number:02}" for number in range(1, 17))
"""The first two digits of every key: 01 Schleswig-Holstein to 16 Thüringen."""

KIND_OF_TEXT_CODE: Final = {
    "60": "municipality",  # Markt
    "61": "city_district",  # kreisfreie Stadt
    "62": "city_district",  # Stadtkreis
    "63": "town",
    "64": "municipality",
    "65": "unincorporated",  # bewohnt
    "66": "unincorporated",  # unbewohnt
    "67": "town",  # Große Kreisstadt
}
"""Textkennzeichen of a Gemeinde; the codes are those of `municipalities.eligibility.Kind`."""

CITY_TEXT_CODES: Final = frozenset({"41", "42"})
"""Textkennzeichen of a district that is a town of its own (kreisfreie Stadt, Stadtkreis)."""

DISTRICT_TEXT_CODES: Final = CITY_TEXT_CODES | {"43", "44", "45"}

EXCERPT_LENGTH: Final = 80

Source = str | Path | bytes | BinaryIO


class RegisterError(ValueError):
    """The file is no municipality register; the message is German and for the reader."""


@dataclass(frozen=True, slots=True)
class LineError:
    """A line (or row) that cannot be used, with its number and the reason in German."""

    line: int
    reason: str
    excerpt: str
    land: str = ""
    """The Land the line belongs to, as far as that can be read from it."""

    def __str__(self) -> str:
        return f"Zeile {self.line}: {self.reason} „{self.excerpt}“"


@dataclass(frozen=True, slots=True)
class StateRecord:
    """A Land."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class DistrictRecord:
    """A Landkreis, or a kreisfreie Stadt as a district of its own."""

    ags: str
    official_name: str
    text_code: str

    @property
    def short_name(self) -> str:
        """The name before the first comma."""
        return short(self.official_name)

    @property
    def is_city(self) -> bool:
        """Whether it is a kreisfreie Stadt."""
        return self.text_code in CITY_TEXT_CODES


@dataclass(frozen=True, slots=True)
class MunicipalityRecord:
    """A municipality or a gemeindefreies Gebiet. What the file does not hold is None or empty."""

    line: int
    ags: str
    association: str
    official_name: str
    text_code: str
    population: int | None
    male: int | None
    area_km2: Decimal | None
    postal_code: str = ""
    lat: Decimal | None = None
    lon: Decimal | None = None
    district_name: str = ""

    @property
    def short_name(self) -> str:
        """The name before the first comma, unique within Hesse."""
        return short(self.official_name)

    @property
    def kind(self) -> str:
        """Its kind, after the Textkennzeichen."""
        return KIND_OF_TEXT_CODE[self.text_code]

    @property
    def land(self) -> str:
        """The first two digits of the key."""
        return self.ags[:2]

    @property
    def district_ags(self) -> str:
        """The first five digits of the key."""
        return self.ags[:5]

    @property
    def ars(self) -> str:
        """The Amtliche Regionalschlüssel: the key with the Gemeindeverband inside."""
        return self.ags[:5] + self.association + self.ags[5:]

    @property
    def area_ha(self) -> int | None:
        """The area in hectares."""
        return None if self.area_km2 is None else int(self.area_km2 * 100)


Item = StateRecord | DistrictRecord | MunicipalityRecord | LineError


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """A whole file. `population_as_of` and `basis` only where the file itself names them."""

    format: str
    territory_as_of: date | None
    states: list[StateRecord]
    districts: list[DistrictRecord]
    municipalities: list[MunicipalityRecord]
    errors: list[LineError]
    population_as_of: date | None = None
    basis: str = ""


class LineRefused(Exception):
    """One line cannot be used; becomes a `LineError` with the line's number."""


def short(official_name: str) -> str:
    """The name before the first comma: „Bensheim, Stadt" becomes „Bensheim"."""
    return official_name.partition(",")[0].strip()


def excerpt(text: str) -> str:
    """The beginning of a line as it is shown in a message, without anything unprintable."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= EXCERPT_LENGTH else plain[: EXCERPT_LENGTH - 1] + "…"


def digits(text: str, length: int) -> bool:
    """Whether the text is exactly that many of 0 to 9 (and no other script's digits)."""
    return len(text) == length and text.isascii() and text.isdigit()


def parse_day(text: str, pattern: str) -> date | None:
    """The day a text names in that pattern, or None where it names none."""
    try:
        return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no time zone
    except ValueError:
        return None


def check_key(ags: str) -> str:
    """The key of a municipality. Raises LineRefused where it cannot be one."""
    if not digits(ags, 8):
        raise LineRefused("Der Gemeindeschlüssel besteht nicht aus acht Ziffern.")
    check_land(ags)
    return ags


def check_land(key: str) -> None:
    """Raises LineRefused where the key belongs to none of the sixteen Länder."""
    if key[:2] not in LANDS:
        raise LineRefused(f"Der Schlüssel {key} gehört zu keinem Land.")


def check_people(population: int | None, male: int | None) -> None:
    """Raises LineRefused where more men than residents are counted."""
    if population is not None and male is not None and male > population:
        raise LineRefused("Es sind mehr männliche als Einwohner insgesamt angegeben.")


def assemble(
    items: Iterable[Item],
    *,
    file_format: str,
    territory_as_of: date | None,
    population_as_of: date | None = None,
    basis: str = "",
) -> RegisterFile:
    """A file from what its lines hold: repeated keys and missing districts become errors."""
    states: dict[str, StateRecord] = {}
    districts: dict[str, DistrictRecord] = {}
    found: dict[str, MunicipalityRecord] = {}
    errors: list[LineError] = []
    for item in items:
        match item:
            case StateRecord():
                states.setdefault(item.key, item)
            case DistrictRecord():
                districts.setdefault(item.ags, item)
            case LineError():
                errors.append(item)
            case MunicipalityRecord() if item.ags in found:
                first = found[item.ags].line
                errors.append(_at(item, f"Der Schlüssel {item.ags} steht schon in Zeile {first}."))
            case MunicipalityRecord():
                found[item.ags] = item
    municipalities = list(_with_district(found.values(), states, districts, errors))
    errors.sort(key=lambda error: error.line)
    return RegisterFile(
        format=file_format,
        territory_as_of=territory_as_of,
        states=list(states.values()),
        districts=list(districts.values()),
        municipalities=municipalities,
        errors=errors,
        population_as_of=population_as_of,
        basis=basis,
    )


def _with_district(
    records: Iterable[MunicipalityRecord],
    states: dict[str, StateRecord],
    districts: dict[str, DistrictRecord],
    errors: list[LineError],
) -> Iterator[MunicipalityRecord]:
    for record in records:
        if record.district_ags == record.land + "000" and record.kind == "unincorporated":
            # Coastal waters and the German-Luxembourg condominium belong to no Kreis.
            state = states.get(record.land, StateRecord(record.land, record.land)).name
            districts.setdefault(
                record.district_ags,
                DistrictRecord(record.district_ags, f"ohne Kreis ({state})", ""),
            )
        district = districts.get(record.district_ags)
        if district is None:
            errors.append(_at(record, f"Der Kreis {record.district_ags} fehlt in der Datei."))
        else:
            yield replace(record, district_name=district.short_name)


def _at(record: MunicipalityRecord, reason: str) -> LineError:
    return LineError(record.line, reason, f"{record.ags} {record.official_name}", record.land)


def read_bytes(source: bytes | BinaryIO) -> bytes:
    """The content of an open binary file, or the bytes themselves."""
    return source if isinstance(source, bytes) else source.read()
