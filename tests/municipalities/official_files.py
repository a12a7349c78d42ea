"""Small official files as the tests write them, and where the real ones lie if they are there."""

import io
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from municipalities.register import RegisterFile, read

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"

TERRITORY = date(2024, 12, 31)

Place = tuple[str, str, str, int, str, int]
"""Key, name, Textkennzeichen, area in hectares, postal code, population."""

BENSHEIM: Place = ("06431002", "Bensheim, Stadt", "63", 5783, "64625", 41758)
BIBLIS: Place = ("06431003", "Biblis", "64", 4031, "68647", 9145)
DARMSTADT: Place = ("06411000", "Darmstadt, Wissenschaftsstadt", "61", 12207, "64283", 164792)
FOREST: Place = ("06431200", "Michelbuch, gemfr. Gebiet", "66", 488, "", 0)
ALZEY: Place = ("07331003", "Alzey, Stadt", "67", 3521, "55232", 19190)

DISTRICTS = (
    ("06411", "Darmstadt, Wissenschaftsstadt", "41"),
    ("06431", "Bergstraße", "44"),
    ("06435", "Main-Kinzig-Kreis", "44"),
    ("07331", "Alzey-Worms", "43"),
)


def real(name: str) -> Path:
    """A real file of the Statistisches Bundesamt; skips the test where it is not there."""
    path = REAL / name
    if not path.exists():
        pytest.skip(f"the official file {name} is not on this machine")
    return path


@cache
def real_register(name: str) -> RegisterFile:
    """A real file, read once for all tests: a workbook takes seconds."""
    return read(real(name))


def line(kind: str, key: str, name: str, text_code: str = "", **more: Any) -> str:
    """One record of GV100AD, 220 characters."""
    day: date = more.get("territory", TERRITORY)
    text = (
        f"{kind}{day:%Y%m%d}{key:<8}{more.get('association', ''):<4}{name:<50}{'':<50}{text_code}"
    )
    text = f"{text:<128}{more.get('numbers', '')}"
    return f"{text:<165}{more.get('postal_code', '')}".ljust(220)


def municipality_line(place: Place, *, male: int | None = None, **more: Any) -> str:
    key, name, text_code, hectares, postal_code, population = place
    men = population // 2 if male is None else male
    return line(
        "60",
        key,
        name,
        text_code,
        association="0000",
        numbers=f"{hectares:011}{population:011}{men:011}",
        postal_code=postal_code,
        **more,
    )


def gv100ad_lines(places: Iterable[Place], territory: date = TERRITORY) -> list[str]:
    places = list(places)
    lands = sorted({place[0][:2] for place in places})
    keys = {place[0][:5] for place in places}
    return [
        *(line("10", land, f"Land {land}", territory=territory) for land in lands),
        *(line("40", *district, territory=territory) for district in _districts(keys, places)),
        *(municipality_line(place, territory=territory) for place in places),
    ]


def _districts(keys: set[str], places: list[Place]) -> list[tuple[str, str, str]]:
    known = {district[0]: district for district in DISTRICTS}
    names = {place[0][:5]: place[1] for place in places}
    return [known.get(key, (key, names[key], "41")) for key in sorted(keys)]


def gv100ad(
    places: Iterable[Place],
    territory: date = TERRITORY,
    *,
    encoding: str = "utf-8",
    end: str = "\r\n",
) -> bytes:
    """A whole GV100AD file."""
    return "".join(text + end for text in gv100ad_lines(places, territory)).encode(encoding)


Row = Sequence[Any]

HEADER: tuple[Row, ...] = (
    ("Gemeinden in Deutschland nach Fläche, Bevölkerung und Postleitzahl am 31.12.2024",),
    (),
    (
        *("Satz-art", "Text-kenn-zeichen", "Amtlicher Regionalschlüssel (ARS)", "", "", "", ""),
        *("Gemeindename", "Fläche km2 1)", "Bevölkerung auf Grundlage des Zensus 20222)"),
        *("", "", "", "Postleit-zahl3)", "Geografische Mittelpunktkoordinaten", "", "Reisegebiete"),
    ),
    (
        *("", "", "Land", "RB", "Kreis", "VB", "Gem", "", "", "insgesamt", "männlich", "weiblich"),
        *("je km2", "", "Längengrad", "Breitengrad"),
    ),
    (
        *("", "", "Gebietsstand am 31.12.2024 (4. Quartal)", "", "", "", "", "", "31.12.2023"),
        *("am 31.12.2023 (Jahr)",),
    ),
    (),
)

FOOTNOTES: tuple[Row, ...] = (
    (),
    ("Quelle: Gemeindeverzeichnis-Informationssystem GV-ISys",),
    ("1) Abweichungen bei den Flächenangaben sind durch Runden der Zahlen möglich.",),
    ("© Daten (im Auftrag der Herausgebergemeinschaft)",),
)

BENSHEIM_ROW: Row = (
    *("60", "63", "06", "4", "31", "0002", "002", "Bensheim, Stadt", 57.83, 41758, 20000, 21758),
    *(722, "64625", "8,622171", "49,680002", "I15", "Odenwald", "02", "mittel"),
)
DISTRICT_ROWS: tuple[Row, ...] = (
    ("10", None, "06", None, None, None, None, "Hessen"),
    ("20", None, "06", "4", None, None, None, "Reg.-Bez. Darmstadt"),
    ("40", "41", "06", "4", "11", None, None, "Darmstadt, Wissenschaftsstadt"),
    ("50", "50", "06", "4", "11", "0000", None, "Darmstadt, Wissenschaftsstadt"),
    (
        *("60", "61", "06", "4", "11", "0000", "000", "Darmstadt, Wissenschaftsstadt", 122.07),
        *(164792, 84206, 80586, 1350, "64283", "8,653838", "49,872238"),
    ),
    ("40", "44", "06", "4", "31", None, None, "Bergstraße"),
)


def xlsx(
    rows: Iterable[Row] = (*DISTRICT_ROWS, BENSHEIM_ROW),
    *,
    header: Iterable[Row] = HEADER,
    footnotes: Iterable[Row] = FOOTNOTES,
    sheet: str = "Onlineprodukt_Gemeinden31122024",
) -> bytes:
    """A whole Auszug GV with its sheet of contents in front."""
    book = openpyxl.Workbook()
    book.active.title = "Inhalt"
    book.active.append(["Gemeindeverzeichnis"])
    data = book.create_sheet(sheet)
    for row in (*header, *rows, *footnotes):
        data.append([None if cell == "" else cell for cell in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
