"""What is funded, and what the public sees of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import models
from django.db.models import Exists, Max, Min, OuterRef, Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan
from simple_history.models import HistoricalRecords

from kiv_portal.folding import search_key, sort_key
from kiv_portal.models import KeyField
from municipalities.models import District, Municipality

RESERVED_SLUGS: Final = ("aenderungen", "zahlen")
"""Addresses below /projekte/ that are pages of their own."""


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


class AmountClass(models.TextChoices):
    """What the public learns of the amount granted: a class, never the sum."""

    TO_5 = "to_5", "bis 5.000 €"
    TO_10 = "to_10", "über 5.000 bis 10.000 €"
    TO_20 = "to_20", "über 10.000 bis 20.000 €"
    TO_30 = "to_30", "über 20.000 bis 30.000 €"
    ABOVE = "above", "über 30.000 €"

    @classmethod
    def of(cls, amount: Decimal | None) -> str:
        """The class of an amount in euro; empty where nothing was granted."""
        if not amount:
            return ""
        for top, found in ((5, cls.TO_5), (10, cls.TO_10), (20, cls.TO_20), (30, cls.TO_30)):
            if amount <= top * 1000:
                return found.value
        return cls.ABOVE.value


class ProjectQuerySet(models.QuerySet["Project"]):
    def published(self) -> ProjectQuerySet:
        """Projects the public sees."""
        return self.filter(published_at__isnull=False, withdrawn_at__isnull=True)

    def matching(self, folded_terms: list[str]) -> ProjectQuerySet:
        """Those whose stored key holds every folded search term (kiv_portal.folding)."""
        found = self
        for term in folded_terms:
            # Not LIKE, which looks at every letter twice: there may be ten thousand keys.
            found = found.filter(GreaterThan(StrIndex("search_key", Value(term)), 0))
        return found

    def dates_of_record(self) -> dict[str, date | None]:
        """The earliest and the latest day of which the records are."""
        return self.aggregate(first=Min("as_of"), last=Max("as_of"))

    def in_districts(self, *keys: str) -> ProjectQuerySet:
        """Those with a member in one of the districts; each once."""
        members = ProjectMember.objects.filter(
            project=OuterRef("pk"), municipality__district__ags__in=keys
        )
        return self.filter(Exists(members))

    def of_municipalities(self, keys: list[int]) -> ProjectQuerySet:
        """Those that one of the municipalities (primary keys) carries; each once."""
        members = ProjectMember.objects.filter(project=OuterRef("pk"), municipality__in=keys)
        return self.filter(Exists(members))

    def joint(self) -> ProjectQuerySet:
        """Those that several municipalities carry together."""
        return self.filter(places_key__contains=" ")

    def by_municipality(self) -> ProjectQuerySet:
        """In the German order of the lead municipality, then of the title."""
        return self.order_by("sort_key", "slug")

    def newest_round_first(self) -> ProjectQuerySet:
        """The latest round first; within a round by municipality."""
        return self.order_by("-round__number", "sort_key", "slug")

    def largest_first(self) -> ProjectQuerySet:
        """By the figures the municipalities declared, of all members together."""
        return self.order_by("-declared_total", "sort_key", "slug")

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
    amount_class = models.CharField(
        "Bewilligung (Größenklasse)", max_length=10, choices=AmountClass, blank=True
    )
    starts_on = models.DateField("Beginn", null=True, blank=True)
    ends_on = models.DateField("Ende", null=True, blank=True)
    as_of = models.DateField("Stand", null=True, blank=True)
    source = models.CharField("Quelle", max_length=200, blank=True)
    published_at = models.DateTimeField("veröffentlicht am", null=True, blank=True)
    # Of what was public before this portal the month alone is known. `published_at` is then its
    # first day at noon, for order; who shows it goes through `projects.resources.known_time`.
    published_month_only = models.BooleanField(
        "nur der Monat der Veröffentlichung ist bekannt", default=False, editable=False
    )
    withdrawn_at = models.DateTimeField("zurückgezogen am", null=True, blank=True)
    withdrawn_reason = models.CharField("Grund der Rücknahme", max_length=300, blank=True)
    from_application = models.BooleanField("aus einem Antrag", default=False, editable=False)
    search_key = KeyField()
    sort_key = KeyField(db_index=True)
    places_key = KeyField()  # the keys of its municipalities, parted by blanks: counts rest on it
    # What the members declared, together, and 0 where none did: the order by size rests on it.
    declared_total = models.PositiveIntegerField(default=0, editable=False)
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
                condition=~Q(slug__in=RESERVED_SLUGS),
                name="project_slug_not_reserved",
                violation_error_message="Diese Adresse ist vergeben.",
            ),
        ]
        indexes: ClassVar = [
            # One page of the directory, without looking at what stands on the others.
            models.Index(
                fields=["sort_key", "slug"],
                condition=Q(published_at__isnull=False, withdrawn_at__isnull=True),
                name="project_public_in_order",
            ),
            models.Index(
                fields=["-declared_total", "sort_key", "slug"],
                condition=Q(published_at__isnull=False, withdrawn_at__isnull=True),
                name="project_public_by_size",
            ),
            # What each filter would leave, counted without reading the projects themselves.
            models.Index(
                fields=["round", "amif", "places_key"],
                condition=Q(published_at__isnull=False, withdrawn_at__isnull=True),
                name="project_public_counts",
            ),
            models.Index(
                fields=["as_of"],
                condition=Q(published_at__isnull=False, withdrawn_at__isnull=True),
                name="project_public_as_of",
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
        members = list(self.members.select_related("municipality__district"))
        for member in members:
            municipality = member.municipality
            names += [
                municipality.official_name,
                municipality.short_name,
                municipality.district.name,
                municipality.ags,
                member.declared_name,
            ]
        self.search_key = search_key(self.title, self.unit, self.summary, *names)
        lead = members[0].municipality.short_name if members else ""
        self.sort_key = sort_key(f"{lead} {self.title}")
        self.places_key = " ".join(member.municipality.ags for member in members)
        self.declared_total = sum(member.declared_population or 0 for member in members)


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
    history = HistoricalRecords()

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


class DocumentKind(models.TextChoices):
    """What comes out of a project in the end."""

    STRATEGY = "strategy", "Vielfalts- und Integrationsstrategie"
    RESOLUTION = "resolution", "Beschluss"


def pdf_only(upload: File) -> None:
    """Refuse what is no PDF file, or too large; what is stored already was looked at then."""
    if getattr(upload, "_committed", False):
        return
    if upload.size > settings.UPLOAD_MAX_BYTES:
        raise ValidationError(
            f"Die Datei ist größer als {settings.UPLOAD_MAX_BYTES // 1024 // 1024} MB."
        )
    upload.seek(0)
    begin = upload.read(5)
    upload.seek(0)
    if begin != b"%PDF-":
        raise ValidationError("Bitte laden Sie eine PDF-Datei hoch.")


class ProjectDocument(models.Model):
    """The strategy, or a council's resolution on it: a file, or an address elsewhere."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="documents")
    kind = models.CharField("Art", max_length=20, choices=DocumentKind)
    title = models.CharField(
        "Titel",
        max_length=200,
        blank=True,
        help_text="Leer: die Art. Im Verbund etwa „Beschluss der Gemeindevertretung Selters“.",
    )
    file = models.FileField("Datei (PDF)", upload_to="projects/", blank=True, validators=[pdf_only])
    address = models.URLField("oder Adresse", blank=True)
    dated_on = models.DateField("Datum", null=True, blank=True)
    accessible = models.BooleanField("barrierefrei", null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = "Dokument"
        verbose_name_plural = "Strategie und Beschlüsse"
        ordering: ClassVar = ["-kind", "dated_on", "pk"]  # the strategy before the resolutions
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(file="") & ~Q(address="")) | (~Q(file="") & Q(address="")),
                name="project_document_file_or_address",
                violation_error_message="Bitte entweder eine Datei oder eine Adresse angeben.",
            )
        ]

    def __str__(self) -> str:
        return self.title or str(DocumentKind(self.kind).label)
