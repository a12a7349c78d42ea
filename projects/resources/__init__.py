"""The directory as open data: the same search as JSON, as GeoJSON and as CSV (Atom: `feed`).

Personal data is not open data: neither contacts nor units (which may name a post) are in here.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from kiv_portal.models import Authority
from municipalities.models import REGISTER_SOURCE
from projects.models import DirectoryVersion, Project, ProjectMember

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from projects.models import ProjectQuerySet

LICENCE: Final = "http://dcat-ap.de/def/licenses/dl-by-de/2.0"

CSV_COLUMNS: Final = {
    "projekt": "Projektname",
    "adresse": "Adresse der Projektseite",
    "runde": "Nummer der Förderrunde",
    "runde_titel": "Titel der Förderrunde",
    "runde_jahre": "Jahre der Förderrunde",
    "amif": "AMIF-WIR-Projekt: ja oder nein",
    "verbund": "mehrere Kommunen gemeinsam: ja oder nein",
    "ags": "Amtlicher Gemeindeschlüssel, acht Ziffern mit führender Null: als Text einlesen",
    "kommune": "Name der Kommune",
    "kreis_schluessel": "Kreisschlüssel, fünf Ziffern mit führender Null",
    "kreis": "Landkreis oder kreisfreie Stadt",
    "einwohner_eigene_angabe": "Einwohnerzahl, eigene Angabe der Kommune (ca.); kann fehlen",
    "stand": "Stand der Angaben, JJJJ-MM; kann fehlen",
    "quelle": "Quelle der Angaben",
    "lizenz": "Lizenz als Adresse",
    "zuwendung": "Größenklasse der bewilligten Zuwendung; kann fehlen",
}
"""The columns in their order, with what each holds. One row for each municipality of a project."""

JSON_FIELDS: Final = {
    "count": "Zahl der Projekte",
    "updated": (
        "letzte Änderung des Verzeichnisses (ISO 8601; JJJJ-MM, wo nur der Monat bekannt ist)"
    ),
    "licence": "Lizenz als Adresse",
    "source": "Quellenvermerk, der zu nennen ist",
    "results[].url": "Adresse der Projektseite",
    "results[].title": "Projektname",
    "results[].round": "Nummer der Förderrunde",
    "results[].amif": "AMIF-WIR-Projekt: true oder false",
    "results[].amount_class": "Größenklasse der bewilligten Zuwendung als Text; kann null sein",
    "results[].districts[]": "Landkreise und kreisfreie Städte",
    "results[].municipalities[].ags": "Amtlicher Gemeindeschlüssel als Text",
    "results[].municipalities[].name": "Name der Kommune",
    "results[].municipalities[].declared_population": (
        "Einwohnerzahl, eigene Angabe der Kommune (ca.); kann null sein"
    ),
    "results[].municipalities[].lat": "Breitengrad (WGS 84); kann null sein",
    "results[].municipalities[].lon": "Längengrad (WGS 84); kann null sein",
    "results[].municipalities[].district_ags": (
        "Kreisschlüssel der Kommune als Text, fünf Ziffern mit führender Null"
    ),
    "results[].round_title": "Titel der Förderrunde",
    "results[].round_years": "Jahre der Förderrunde",
    "results[].joint": "mehrere Kommunen gemeinsam (Verbund): true oder false",
    "results[].as_of": "Stand der Angaben, JJJJ-MM; kann null sein",
}
"""The fields of the JSON file and what each holds."""

GEOJSON_PROPERTIES: Final = {
    "url": "Adresse der Projektseite",
    "title": "Projektname",
    "round": "Nummer der Förderrunde",
    "amif": "AMIF-WIR-Projekt: true oder false",
    "amount_class": "Größenklasse der bewilligten Zuwendung als Text; kann null sein",
    "ags": "Amtlicher Gemeindeschlüssel als Text",
    "name": "Name der Kommune",
    "district": "Landkreis oder kreisfreie Stadt",
    "declared_population": "Einwohnerzahl, eigene Angabe der Kommune (ca.); kann null sein",
    "district_ags": "Kreisschlüssel als Text, fünf Ziffern mit führender Null",
    "round_title": "Titel der Förderrunde",
    "round_years": "Jahre der Förderrunde",
    "joint": "mehrere Kommunen gemeinsam (Verbund): true oder false",
    "as_of": "Stand der Angaben, JJJJ-MM; kann null sein",
}
"""The properties of a feature of the GeoJSON file: one for each municipality of a project."""

KNOWN_TIME: Final = (
    "Von Einträgen, die schon vor diesem Portal veröffentlicht waren, ist nur der Monat bekannt. "
    "Wo ein Format das zulässt, steht deshalb nur der Monat (JJJJ-MM); die Sitemap nennt für sie "
    "keinen Zeitpunkt. Atom verlangt einen Tag mit Uhrzeit: Dort steht der Erste des Monats, "
    "12 Uhr, und der Text des Eintrags sagt, dass nur der Monat bekannt ist."
)
"""The convention where only a month is known, as `/daten/` tells it. No format claims a day."""

FORMULA_STARTS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""With these a spreadsheet takes a cell for a formula, full-width forms included."""


def source() -> str:
    """Whom the licence asks to name: the publisher, and the register behind keys and places."""
    return source_of(Authority.load())


def source_of(authority: Authority | None) -> str:
    """The same for a publisher that was read already."""
    name = f"{authority}, KIV-Portal" if authority else "KIV-Portal"
    return f"{name}; Gemeindeschlüssel, Namen und Lage: {REGISTER_SOURCE}"


def known_time(at: datetime, month_only: bool) -> str:
    """An instant as ISO 8601, no more of it than is known: „2022-05“ where it is the month only."""
    return f"{timezone.localtime(at):%Y-%m}" if month_only else at.isoformat()


def _updated() -> str | None:
    last = DirectoryVersion.objects.last_change()
    return known_time(*last) if last else None


def as_json(found: ProjectQuerySet) -> dict[str, Any]:
    """The documented structure; keys and their meaning stay as they are."""
    results = [
        {
            "url": _address(project),
            "title": project.title,
            "round": project.round.number,
            "amif": project.amif,
            "amount_class": project.get_amount_class_display() or None,
            "districts": list(dict.fromkeys(str(one.municipality.district) for one in members)),
            "municipalities": [
                {
                    "ags": member.municipality.ags,
                    "name": member.municipality.short_name,
                    "declared_population": member.declared_population,
                    "lat": _degrees(member.municipality.latitude),
                    "lon": _degrees(member.municipality.longitude),
                    "district_ags": member.municipality.district.ags,
                }
                for member in members
            ],
            **_added_later(project, members),
        }
        for project, members in _with_members(found)
    ]
    return {
        "count": len(results),
        "updated": _updated(),
        "licence": LICENCE,
        "source": source(),
        "results": results,
    }


def as_geojson(found: ProjectQuerySet) -> dict[str, Any]:
    """A point for each municipality of a project; without coordinates a feature without a place."""
    features = []
    number = 0
    for project, members in _with_members(found):
        number += 1
        for member in members:
            town = member.municipality
            lat, lon = _degrees(town.latitude), _degrees(town.longitude)
            known = lat is not None and lon is not None
            features.append(
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [lon, lat]} if known else None,
                    "properties": {
                        "url": _address(project),
                        "title": project.title,
                        "round": project.round.number,
                        "amif": project.amif,
                        "amount_class": project.get_amount_class_display() or None,
                        "ags": town.ags,
                        "name": town.short_name,
                        "district": str(town.district),
                        "declared_population": member.declared_population,
                        "district_ags": town.district.ags,
                        **_added_later(project, members),
                    },
                }
            )
    return {
        "type": "FeatureCollection",
        "count": number,
        "updated": _updated(),
        "licence": LICENCE,
        "source": source(),
        "features": features,
    }


def _added_later(project: Project, members: list[ProjectMember]) -> dict[str, Any]:
    """What came to the fields of JSON and GeoJSON after the first ones, and stands behind them."""
    return {
        "round_title": project.round.title,
        "round_years": project.round.years,
        "joint": len(members) > 1,
        "as_of": _month(project) or None,
    }


def _month(project: Project) -> str:
    return f"{project.as_of:%Y-%m}" if project.as_of else ""


def csv_metadata() -> dict[str, Any]:
    """What the CSV file is, as „CSV on the Web" (W3C): licence and source also where no row is.

    A CSV has no other place for them: a line of comment is none (RFC 4180), and a row that is no
    project would be counted as one.
    """
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "de"}],
        "url": "projekte.csv",
        "dc:title": "Geförderte KIV-Projekte",
        "dc:license": {"@id": LICENCE},
        "dc:source": source(),
        "dialect": {"delimiter": ";", "encoding": "utf-8", "header": True},
        "tableSchema": {
            "columns": [
                {"name": name, "titles": name, "dc:description": text, "datatype": "string"}
                for name, text in CSV_COLUMNS.items()
            ]
        },
    }


def as_csv(found: ProjectQuerySet) -> str:
    """For German spreadsheet programs as for others: semicolons, UTF-8 with a mark in front."""
    named = source()
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(CSV_COLUMNS)
    for project, members in _with_members(found):
        for member in members:
            municipality = member.municipality
            writer.writerow(
                harmless(cell)
                for cell in (
                    project.title,
                    _address(project),
                    str(project.round.number),
                    project.round.title,
                    project.round.years,
                    _yes_or_no(project.amif),
                    _yes_or_no(len(members) > 1),
                    municipality.ags,
                    municipality.short_name,
                    municipality.district.ags,
                    str(municipality.district),
                    "" if member.declared_population is None else str(member.declared_population),
                    _month(project),
                    named,
                    LICENCE,
                    project.get_amount_class_display(),
                )
            )
    return text.getvalue()


def harmless(cell: str) -> str:
    """The cell with an apostrophe in front where a spreadsheet would calculate it.

    Where apostrophes stand before such a text already, one more: so the one that was put there
    can be told from those that were typed (`sheets.restored`).
    """
    return f"'{cell}" if cell.lstrip(" \u00a0'").startswith(FORMULA_STARTS) else cell


def _with_members(found: ProjectQuerySet) -> Iterator[tuple[Project, list[ProjectMember]]]:
    """Every project found with its members, in two queries however many there are."""
    members: dict[int, list[ProjectMember]] = defaultdict(list)
    rows = ProjectMember.objects.filter(project__in=found).select_related("municipality__district")
    for member in rows:
        members[member.project_id].append(member)
    for project in found.select_related("round"):
        yield project, members[project.pk]


def _address(project: Project) -> str:
    return urljoin(settings.PORTAL_ADDRESS, reverse("project", args=[project.slug]))


def _degrees(value: Any) -> float | None:
    return None if value is None else float(value)


def _yes_or_no(value: bool) -> str:
    return "ja" if value else "nein"
