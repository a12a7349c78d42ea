"""What is funded, and what the public sees of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from kiv_portal.folding import search_key, sort_key
from municipalities.models import Municipality


class FundingRound(models.Model):
    """A round of the programme under which projects were funded, e.g. KIV II (2020/2021)."""

    number = models.PositiveSmallIntegerField("Nummer", unique=True)
    title = models.CharField("Titel", max_length=50, unique=True)
    years = models.CharField("Jahre", max_length=20)
    as_of = models.DateField("Stand der Angaben", null=True, blank=True)
    source = models.CharField("Quelle", max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = "Förderrunde"
        verbose_name_plural = "Förderrunden"
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"{self.title} ({self.years})"


class ProjectQuerySet(models.QuerySet["Project"]):
    def published(self) -> ProjectQuerySet:
        """Projects the public sees."""
        return self.filter(published_at__isnull=False, withdrawn_at__isnull=True)

    def matching(self, folded_terms: list[str]) -> ProjectQuerySet:
        """Those whose stored key holds every folded search term (kiv_portal.folding)."""
        found = self
        for term in folded_terms:
            found = found.filter(search_key__contains=term)
        return found


class Project(models.Model):
    """A funded project. It knows nothing of applications: approval passes plain values down."""

    slug = models.SlugField("Adresse", max_length=120, unique=True)
    title = models.CharField("Projektname", max_length=300)
    round = models.ForeignKey(
        FundingRound, models.PROTECT, related_name="projects", verbose_name="Förderrunde"
    )
    amif = models.BooleanField("AMIF-WIR-Projekt", default=False)
    summary = models.TextField("Kurzbeschreibung", blank=True)
    unit = models.CharField("verantwortliche Stelle", max_length=300, blank=True)
    film_label = models.CharField("Film: Beschriftung", max_length=100, blank=True)
    film_address = models.URLField("Film: Adresse", blank=True)
    starts_on = models.DateField("Beginn", null=True, blank=True)
    ends_on = models.DateField("Ende", null=True, blank=True)
    as_of = models.DateField("Stand", null=True, blank=True)
    source = models.CharField("Quelle", max_length=200, blank=True)
    published_at = models.DateTimeField("veröffentlicht am", null=True, blank=True)
    withdrawn_at = models.DateTimeField("zurückgezogen am", null=True, blank=True)
    withdrawn_reason = models.CharField("Grund der Rücknahme", max_length=300, blank=True)
    search_key = models.TextField(editable=False, default="")
    sort_key = models.CharField(max_length=400, editable=False, default="", db_index=True)
    history = HistoricalRecords()

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = "Projekt"
        verbose_name_plural = "Projekte"
        ordering: ClassVar = ["sort_key", "slug"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(published_at__isnull=False),
                name="project_withdrawn_only_after_published",
                violation_error_message="Nur Veröffentlichtes kann zurückgezogen werden.",
            ),
            models.CheckConstraint(
                condition=~Q(slug="aenderungen"),
                name="project_slug_not_reserved",
                violation_error_message="Diese Adresse ist vergeben.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_public(self) -> bool:
        """Whether the public sees it now."""
        return self.published_at is not None and self.withdrawn_at is None

    def fill_keys(self) -> None:
        """Set the stored keys; needs the municipalities, so the service saves twice."""
        names: list[str] = []
        for member in self.members.select_related("municipality__district"):
            municipality = member.municipality
            names += [
                municipality.official_name,
                municipality.short_name,
                municipality.district.name,
                municipality.ags,
                member.declared_name,
            ]
        self.search_key = search_key(self.title, self.unit, self.summary, *names)
        first = self.members.select_related("municipality").first()
        lead = first.municipality.short_name if first else ""
        self.sort_key = sort_key(f"{lead} {self.title}")[:400]


class ProjectMember(models.Model):
    """A municipality that carries the project; the first is the lead."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="members")
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="project_members", verbose_name="Kommune"
    )
    position = models.PositiveSmallIntegerField("Reihenfolge", default=0)
    declared_name = models.CharField("Name laut Programmseite", max_length=200, blank=True)
    declared_population = models.PositiveIntegerField(
        "Einwohnerzahl laut Kommune",
        null=True,
        blank=True,
        help_text="Eigene Angabe der Kommune (ca.); nie Grundlage einer Förderung.",
    )

    class Meta:
        verbose_name = "beteiligte Kommune"
        verbose_name_plural = "beteiligte Kommunen"
        ordering: ClassVar = ["position", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "municipality"],
                name="project_member_once",
                violation_error_message="Diese Kommune ist schon beteiligt.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.municipality} in {self.project}"


class ContactQuerySet(models.QuerySet["Contact"]):
    def shown(self) -> ContactQuerySet:
        """Contacts the project's page may show."""
        return self.filter(hidden=False)


class Contact(models.Model):
    """Whom to ask about a project. Personal data: never in an open-data file."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="contact")
    person = models.CharField("Person", max_length=200, blank=True)
    email = models.CharField("E-Mail (wie angegeben)", max_length=254, blank=True)
    phone = models.CharField("Telefon (wie angegeben)", max_length=50, blank=True)
    phone_e164 = models.CharField("Telefon (international)", max_length=20, blank=True)
    basis = models.CharField(
        "Grundlage", max_length=200, help_text="etwa „Programmseite“ oder „Einwilligung vom …“"
    )
    confirmed_on = models.DateField("zuletzt bestätigt")
    hidden = models.BooleanField("ausgeblendet", default=False)
    history = HistoricalRecords()

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = "Kontakt"
        verbose_name_plural = "Kontakte"

    def __str__(self) -> str:
        return self.person or self.email or str(self.project)


class DirectoryVersion(models.Model):
    """One row: raised in the transaction of every service that changes what the public sees."""

    number = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "Stand des Verzeichnisses"
        verbose_name_plural = "Stand des Verzeichnisses"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="directory_version_is_one_row")
        ]

    def __str__(self) -> str:
        return str(self.number)
