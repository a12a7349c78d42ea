"""What search engines read in the pages: schema.org as JSON-LD. No person and no unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse

from kiv_portal.structured import absolute, graph, trail
from municipalities.models import REGISTER_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.paginator import Page

    from projects.models import Project, ProjectMember
    from projects.views.entries import Entry

FUNDER = {
    "@type": "GovernmentOrganization",
    "name": "Land Hessen, Landesprogramm „WIR – Vielfalt und Teilhabe“",
}


def project_list(page: Page, shown: Sequence[Entry], canonical: str) -> dict[str, Any]:
    """The directory: how many projects there are, and those of this page."""
    entries = [
        {
            "@type": "ListItem",
            "position": position,
            "url": absolute(one.href),
            "name": f"{one.places}: {one.title}",
        }
        for position, one in enumerate(shown, start=page.start_index())
    ]
    return graph(
        {
            "@type": "CollectionPage",
            "url": absolute(canonical),
            "name": "Geförderte Projekte",
            "inLanguage": "de",
            "mainEntity": {
                "@type": "ItemList",
                "numberOfItems": page.paginator.count,
                "itemListElement": entries,
            },
        },
        _trail(),
    )


def project(project: Project) -> dict[str, Any]:
    """A project with its municipalities and their places."""
    address = absolute(reverse("project", args=[project.slug]))
    entry: dict[str, Any] = {
        "@type": "Project",
        "@id": address,
        "url": address,
        "name": project.title,
        "funding": {"@type": "Grant", "name": f"KIV, {project.round}", "funder": FUNDER},
        "areaServed": [_town(member) for member in project.members.all()],
    }
    if project.summary:
        entry["description"] = project.summary
    return graph(entry, _trail((project.places, reverse("project", args=[project.slug]))))


def _town(member: ProjectMember) -> dict[str, Any]:
    town = member.municipality
    entry: dict[str, Any] = {
        "@type": "City",
        "name": town.short_name,
        "identifier": {
            "@type": "PropertyValue",
            "name": "Amtlicher Gemeindeschlüssel",
            "propertyID": "AGS",
            "value": town.ags,
        },
        "containedInPlace": {"@type": "AdministrativeArea", "name": str(town.district)},
    }
    if town.latitude is not None and town.longitude is not None:
        entry["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": float(town.latitude),
            "longitude": float(town.longitude),
            "creditText": REGISTER_SOURCE,
        }
    return entry


def _trail(*further: tuple[str, str]) -> dict[str, Any]:
    return trail(("Projekte", reverse("projects")), *further)
