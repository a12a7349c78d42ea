"""The official register: municipalities with their figures, and what was read when."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from kiv_portal.folding import search_key, sort_key
from kiv_portal.models import KeyField
from municipalities.eligibility import Kind
from municipalities.models.people import User

if TYPE_CHECKING:
    from collections.abc import Iterable

REGISTER_SOURCE = "Statistisches Bundesamt (Destatis), Gemeindeverzeichnis"

KIND_CHOICES = [(kind.value, kind.label) for kind in Kind]


class District(models.Model):
    """A Landkreis, or a kreisfreie Stadt seen as a district of its own."""

    ags = models.CharField(
        "Kreisschlüssel",
        max_length=5,
        unique=True,
        validators=[RegexValidator(r"^\d{5}$", "Der Kreisschlüssel hat fünf Ziffern.")],
    )
    name = models.CharField("Name", max_length=100)
    is_city = models.BooleanField("kreisfreie Stadt", default=False)
    court = models.CharField(
        "Verwaltungsgericht",
        max_length=100,
        blank=True,
        help_text="Ort des Gerichts, bei dem Klage zu erheben ist, etwa „Darmstadt“.",
    )
    sort_key = KeyField()
    history = HistoricalRecords()

    class Meta:
        verbose_name = "Landkreis/kreisfreie Stadt"
        verbose_name_plural = "Landkreise/kreisfreie Städte"
        ordering: ClassVar = ["sort_key", "ags"]

    def __str__(self) -> str:
        return self.label

    def save(self, **kwargs: Any) -> None:
        self.sort_key = sort_key(self.name)
        super().save(**kwargs)

    @property
    def label(self) -> str:
        """Name that tells „Kassel“ the town from „Kassel“ the district."""
        if self.is_city:
            return f"{self.name} (kreisfreie Stadt)"
        return self.name if "kreis" in self.name.lower() else f"Landkreis {self.name}"

    @property
    def label_in_list(self) -> str:
        """The same with the name in front, for lists in the order of names."""
        if self.is_city or "kreis" in self.name.lower():
            return self.label
        return f"{self.name} (Landkreis)"


class MunicipalityQuerySet(models.QuerySet["Municipality"]):
    def in_force(self, on: date) -> MunicipalityQuerySet:
        """Municipalities that exist on that day."""
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=on),
            Q(valid_to__isnull=True) | Q(valid_to__gte=on),
        )

    def able_to_apply(self) -> MunicipalityQuerySet:
        """Without gemeindefreie Gebiete, which are no municipalities."""
        return self.exclude(kind=Kind.UNINCORPORATED)

    def matching(self, folded_terms: Iterable[str]) -> MunicipalityQuerySet:
        """Those whose names or key hold every folded search term (kiv_portal.folding)."""
        found = self
        for term in folded_terms:
            found = found.filter(search_key__contains=term)
        return found


class Municipality(models.Model):
    """A municipality of the official register. Keys are text; a changed key is a new row."""

    ags = models.CharField(
        "AGS",
        max_length=8,
        unique=True,
        validators=[RegexValidator(r"^\d{8}$", "Der Gemeindeschlüssel hat acht Ziffern.")],
        help_text="Amtlicher Gemeindeschlüssel, acht Ziffern.",
    )
    official_name = models.CharField("amtlicher Name", max_length=200)
    short_name = models.CharField("Name", max_length=200)
    kind = models.CharField("Art", max_length=20, choices=KIND_CHOICES)
    district = models.ForeignKey(
        District, models.PROTECT, related_name="municipalities", verbose_name="Landkreis"
    )
    postal_code = models.CharField("Postleitzahl", max_length=5, blank=True)
    area_km2 = models.DecimalField(
        "Fläche in km²", max_digits=9, decimal_places=2, null=True, blank=True
    )
    latitude = models.DecimalField(
        "Breitengrad", max_digits=9, decimal_places=6, null=True, blank=True
    )
    longitude = models.DecimalField(
        "Längengrad", max_digits=9, decimal_places=6, null=True, blank=True
    )
    valid_from = models.DateField("gültig ab", null=True, blank=True)
    valid_to = models.DateField("gültig bis", null=True, blank=True)
    successor = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="predecessors",
        null=True,
        blank=True,
        verbose_name="Nachfolgerin",
    )
    territory_as_of = models.DateField(
        "Gebietsstand", help_text="Stichtag der Datei, aus der Name, Art und Kreis stammen."
    )
    source = models.CharField("Quelle", max_length=200, default=REGISTER_SOURCE)
    mail_domain = models.CharField("bekannte Mail-Domain", max_length=100, blank=True)
    search_key = KeyField()
    sort_key = KeyField(db_index=True)
    history = HistoricalRecords()

    objects = MunicipalityQuerySet.as_manager()

    class Meta:
        verbose_name = "Kommune"
        verbose_name_plural = "Kommunen"
        ordering: ClassVar = ["sort_key", "ags"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_from__lte=F("valid_to")),
                name="municipality_valid_from_before_to",
                violation_error_message="„Gültig ab“ muss vor „gültig bis“ liegen.",
            ),
            models.CheckConstraint(
                condition=Q(successor__isnull=True) | Q(valid_to__isnull=False),
                name="municipality_successor_needs_end",
                violation_error_message="Eine Nachfolgerin setzt ein „gültig bis“ voraus.",
            ),
        ]

    def __str__(self) -> str:
        return self.short_name

    def save(self, **kwargs: Any) -> None:
        self.fill_keys()
        super().save(**kwargs)

    def fill_keys(self) -> None:
        """Set the stored keys for search and order; bulk writers call it themselves."""
        self.search_key = search_key(self.official_name, self.short_name, self.ags)
        self.sort_key = sort_key(self.short_name)

    def is_in_force(self, on: date) -> bool:
        """Whether the municipality exists on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or self.valid_to >= on
        )

    @property
    def body(self) -> str:
        """The organ that acts for it and to which letters are addressed (§§ 65, 66 HGO)."""
        if self.kind in (Kind.TOWN, Kind.CITY_DISTRICT):
            return f"Magistrat der Stadt {self.short_name}"
        return f"Gemeindevorstand der Gemeinde {self.short_name}"

    @property
    def council(self) -> str:
        """The elected body that adopts the strategy (§ 49 HGO)."""
        if self.kind in (Kind.TOWN, Kind.CITY_DISTRICT):
            return "Stadtverordnetenversammlung"
        return "Gemeindevertretung"


class Population(models.Model):
    """One official figure with its day and census basis. Figures are added, never overwritten."""

    municipality = models.ForeignKey(Municipality, models.CASCADE, related_name="populations")
    as_of = models.DateField("Stichtag")
    basis = models.CharField(
        "Zensusbasis", max_length=50, help_text="etwa „Zensus 2011“ oder „Zensus 2022“"
    )
    value = models.PositiveIntegerField("Einwohnerinnen und Einwohner")
    source = models.CharField("Quelle", max_length=200, default=REGISTER_SOURCE)
    imported_at = models.DateTimeField("eingelesen am", default=timezone.now)

    class Meta:
        verbose_name = "Einwohnerzahl"
        verbose_name_plural = "Einwohnerzahlen"
        ordering: ClassVar = ["-as_of", "basis"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "as_of", "basis"],
                name="population_once_per_day_and_basis",
                violation_error_message=(
                    "Für diesen Stichtag und diese Zensusbasis gibt es schon eine Zahl."
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.municipality}: {self.value} ({self.as_of:%d.%m.%Y}, {self.basis})"


class RegisterImport(models.Model):
    """Which official file was read when, by whom: the proof behind the figures."""

    at = models.DateTimeField("eingelesen am")
    by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="von"
    )
    file_name = models.CharField("Datei", max_length=255)
    sha256 = models.CharField("SHA-256", max_length=64)
    territory_as_of = models.DateField("Gebietsstand")
    population_as_of = models.DateField("Stichtag der Einwohnerzahl")
    basis = models.CharField("Zensusbasis", max_length=50)
    created_count = models.PositiveIntegerField("neu", default=0)
    changed_count = models.PositiveIntegerField("geändert", default=0)
    dissolved_count = models.PositiveIntegerField("aufgelöst", default=0)
    figures_count = models.PositiveIntegerField("neue Zahlen", default=0)

    class Meta:
        verbose_name = "Einlesen des Gemeindeverzeichnisses"
        verbose_name_plural = "Einlesen des Gemeindeverzeichnisses"
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.at:%d.%m.%Y})"
