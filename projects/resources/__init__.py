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

from kiv_portal.models import Authority
from municipalities.models import REGISTER_SOURCE
from projects.models import DirectoryVersion, Project, ProjectMember

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    "updated": "letzte Änderung des Verzeichnisses (ISO 8601)",
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
}
"""The properties of a feature of the GeoJSON file: one for each municipality of a project."""

FORMULA_STARTS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""With these a spreadsheet takes a cell for a formula, full-width forms included."""


def source() -> str:
    """Whom the licence asks to name: the publisher, and the register behind keys and places."""
    return source_of(Authority.load())


def source_of(authority: Authority | None) -> str:
    """The same for a publisher that was read already."""
    name = f"{authority}, KIV-Portal" if authority else "KIV-Portal"
    return f"{name}; Gemeindeschlüssel, Namen und Lage: {REGISTER_SOURCE}"


def as_json(found: ProjectQuerySet) -> dict[str, Any]:
    """The documented structure; keys and their meaning stay as they are."""
    updated = DirectoryVersion.objects.last_change()
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
                }
                for member in members
            ],
        }
        for project, members in _with_members(found)
    ]
    return {
        "count": len(results),
        "updated": updated.isoformat() if updated else None,
        "licence": LICENCE,
        "source": source(),
        "results": results,
    }


def as_geojson(found: ProjectQuerySet) -> dict[str, Any]:
    """A point for each municipality of a project; without coordinates a feature without a place."""
    updated = DirectoryVersion.objects.last_change()
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
                    },
                }
            )
    return {
        "type": "FeatureCollection",
        "count": number,
        "updated": updated.isoformat() if updated else None,
        "licence": LICENCE,
        "source": source(),
        "features": features,
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
                    f"{project.as_of:%Y-%m}" if project.as_of else "",
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
