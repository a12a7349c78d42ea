"""Exports of the desk: projects and their contacts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from projects.models import Contact, FundingRound, Project
from projects.resources.spreadsheets import Cell, Table, yes_or_no

if TYPE_CHECKING:
    from datetime import date


class ProjectTable(Table):
    """Every project on record, public or not; of a round where one is given."""

    name = "projekte"
    title = "Projekte"
    columns = {
        "projekt": "Projektname",
        "adresse": "Adresse der Projektseite",
        "runde": "Nummer der Förderrunde (Zahl)",
        "kommunen": "Kommunen, die federführende zuerst",
        "ags": "Gemeindeschlüssel, acht Ziffern, in derselben Reihenfolge, als Text",
        "kreise": "Landkreise und kreisfreie Städte",
        "amif": "AMIF-WIR-Projekt: ja oder nein",
        "zuwendung": "Größenklasse der bewilligten Zuwendung; kann fehlen",
        "beginn": "erster Tag (Datum); kann fehlen",
        "ende": "letzter Tag (Datum); kann fehlen",
        "veroeffentlicht": "zuletzt veröffentlicht am (Datum); kann fehlen",
        "zurueckgezogen": "aus dem Verzeichnis genommen am (Datum); kann fehlen",
        "stand": "Stand der Angaben (Datum); kann fehlen",
        "quelle": "Quelle der Angaben",
    }

    def __init__(self, funding_round: FundingRound | None = None) -> None:
        super().__init__()
        self.round = funding_round

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        found = Project.objects.with_members().by_municipality()
        if self.round is not None:
            found = found.filter(round=self.round)
        for project in found:
            towns = [member.municipality for member in project.members.all()]
            yield (
                project.title,
                _address(project),
                project.round.number,
                ", ".join(town.short_name for town in towns),
                ", ".join(town.ags for town in towns),
                ", ".join(str(district) for district in project.districts),
                yes_or_no(project.amif),
                project.get_amount_class_display(),
                project.starts_on,
                project.ends_on,
                timezone.localdate(project.published_at) if project.published_at else None,
                timezone.localdate(project.withdrawn_at) if project.withdrawn_at else None,
                project.as_of,
                project.source,
            )


class ContactTable(Table):
    """The contacts that the public sees that day; nobody's address that is not shown."""

    name = "kontakte"
    title = "Kontakte"
    columns = {
        "projekt": "Projektname",
        "kommunen": "Kommunen, die federführende zuerst",
        "stelle": "verantwortliche Stelle; kann fehlen",
        "person": "Ansprechperson, solange sie genannt sein will; kann fehlen",
        "email": "öffentliche E-Mail-Adresse",
        "telefon": "öffentliche Telefonnummer, wie angegeben; kann fehlen",
        "grundlage": "worauf die Veröffentlichung beruht",
        "bestaetigt": "zuletzt bestätigt (Datum)",
        "gezeigt_bis": "letzter Tag im Verzeichnis (Datum); kann fehlen",
        "adresse": "Adresse der Projektseite",
    }

    def __init__(self, on: date, funding_round: FundingRound | None = None) -> None:
        super().__init__()
        self.on, self.round = on, funding_round

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        public = Project.objects.published()
        if self.round is not None:
            public = public.filter(round=self.round)
        found = (
            Contact.objects.shown_on(self.on)
            .filter(project__in=public)
            .select_related("project")
            .prefetch_related("project__members__municipality")
            .order_by("project__sort_key", "pk")
        )
        for contact in found:
            yield (
                contact.project.title,
                contact.project.places,
                contact.project.unit,
                contact.person_shown,
                contact.email,
                contact.phone,
                contact.basis,
                contact.confirmed_on,
                contact.expires_on,
                _address(contact.project),
            )


def _address(project: Project) -> str:
    return urljoin(settings.PORTAL_ADDRESS, reverse("project", args=[project.slug]))
