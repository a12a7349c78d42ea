"""What is funded, and what the public sees of it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, cast

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum
from simple_history.models import HistoricalRecords

from kiv_portal.folding import search_key, sort_key
from kiv_portal.models import KeyField
from municipalities.models import District, Municipality


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

    def in_districts(self, *keys: str) -> ProjectQuerySet:
        """Those with a member in one of the districts; each once."""
        members = ProjectMember.objects.filter(
            project=OuterRef("pk"), municipality__district__ags__in=keys
        )
        return self.filter(Exists(members))

    def joint(self) -> ProjectQuerySet:
        """Those that several municipalities carry together."""
        several = (
            ProjectMember.objects.order_by()
            .values("project")
            .annotate(members=Count("pk"))
            .filter(members__gt=1)
        )
        return self.filter(pk__in=several.values("project"))

    def by_municipality(self) -> ProjectQuerySet:
        """In the German order of the lead municipality, then of the title."""
        return self.order_by("sort_key", "slug")

    def newest_round_first(self) -> ProjectQuerySet:
        """The latest round first; within a round by municipality."""
        return self.order_by("-round__number", "sort_key", "slug")

    def largest_first(self) -> ProjectQuerySet:
        """By the figures the municipalities declared, of all members together."""
        declared = (
            ProjectMember.objects.filter(project=OuterRef("pk"))
            .order_by()
            .values("project")
            .annotate(total=Sum("declared_population"))
            .values("total")
        )
        return self.alias(declared=Subquery(declared)).order_by(
            F("declared").desc(nulls_last=True), "sort_key", "slug"
        )

    def with_members(self) -> ProjectQuerySet:
        """With round, members and their districts, however many rows there are."""
        members = ProjectMember.objects.select_related("municipality__district")
        return self.select_related("round").prefetch_related(models.Prefetch("members", members))


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
    from_application = models.BooleanField("aus einem Antrag", default=False, editable=False)
    search_key = KeyField()
    sort_key = KeyField(db_index=True)
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

    @property
    def places(self) -> str:
        """Its municipalities as one says them: „Hünfelden und Selters (Taunus)"."""
        names = [member.municipality.short_name for member in self.members.all()]
        return " und ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))

    @property
    def districts(self) -> list[District]:
        """The districts of its municipalities, each once."""
        return list(dict.fromkeys(member.municipality.district for member in self.members.all()))

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
        self.sort_key = sort_key(f"{lead} {self.title}")


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
    history = HistoricalRecords(cascade_delete_history=True)  # who is erased is erased there too

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = "Kontakt"
        verbose_name_plural = "Kontakte"

    def __str__(self) -> str:
        return self.person or self.email or str(self.project)


class DirectoryVersionQuerySet(models.QuerySet["DirectoryVersion"]):
    def last_change(self) -> datetime | None:
        """When the public directory changed last; before any service ran, its newest project."""
        version = self.first()
        if version is not None:
            return version.changed_at
        published = Project.objects.published().aggregate(last=models.Max("published_at"))
        return cast("datetime | None", published["last"])


class DirectoryVersion(models.Model):
    """One row: raised in the transaction of every service that changes what the public sees."""

    number = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()

    objects = DirectoryVersionQuerySet.as_manager()

    class Meta:
        verbose_name = "Stand des Verzeichnisses"
        verbose_name_plural = "Stand des Verzeichnisses"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="directory_version_is_one_row")
        ]

    def __str__(self) -> str:
        return str(self.number)
