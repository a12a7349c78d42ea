"""The application and its parts. A draft is these rows; what was filed is a snapshot."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from applications.models.calls import FundingCall
from applications.rules import (
    BudgetSituation,
    CoverKind,
    ExpenseCategory,
)
from applications.workflow import LIVE, Status
from kiv_portal.models import KeyField
from municipalities.models import Municipality
from projects.models import Project

STATUS_CHOICES = [(status.value, status.label) for status in Status]


class ApplicationQuerySet(models.QuerySet["Application"]):
    def submitted(self) -> ApplicationQuerySet:
        """What has been filed, whatever became of it."""
        return self.filter(submitted_at__isnull=False)

    def drafts(self) -> ApplicationQuerySet:
        """What nobody but the municipality sees."""
        return self.filter(submitted_at__isnull=True)

    def live(self) -> ApplicationQuerySet:
        """What counts for „one live application per municipality and call“."""
        return self.filter(status__in=LIVE)


class Application(models.Model):
    """One Antrag. Its status is written in `applications.services` only."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(
        FundingCall, models.PROTECT, related_name="applications", verbose_name="Förderaufruf"
    )
    status = models.CharField(
        "Status", max_length=30, choices=STATUS_CHOICES, default=Status.DRAFT, editable=False
    )
    created_at = models.DateTimeField("angelegt", default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="created_applications",
        editable=False,
        verbose_name="angelegt von",
    )
    revision = models.PositiveIntegerField("Bearbeitungsstand", default=0, editable=False)
    changed_at = models.DateTimeField("zuletzt geändert", default=timezone.now, editable=False)
    members_municipalities = models.ManyToManyField(
        Municipality, through="ApplicationMember", related_name="applications"
    )

    # Filed: the three stand or fall together.
    submitted_at = models.DateTimeField("eingereicht am", null=True, blank=True, editable=False)
    reference = models.CharField(
        "Antragsnummer", max_length=20, null=True, blank=True, unique=True, editable=False
    )
    first_snapshot = models.OneToOneField(
        "applications.Snapshot",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="eingereichte Fassung",
    )
    received_late = models.BooleanField("nach Fristende eingegangen", default=False, editable=False)
    decided_at = models.DateTimeField("entschieden am", null=True, blank=True, editable=False)

    # The authority's own.
    file_number = models.CharField("Geschäftszeichen", max_length=100, blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="assigned_applications",
        verbose_name="Sachbearbeitung",
    )
    project = models.OneToOneField(
        Project,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="Projekt",
    )
    search_key = KeyField()

    # Step ansprechpartner
    contact_unit = models.CharField("Verantwortliche Stelle", max_length=200, blank=True)
    contact_person = models.CharField("Ansprechperson", max_length=200, blank=True)
    contact_email = models.EmailField("E-Mail", blank=True)
    contact_phone = models.CharField("Telefon", max_length=50, blank=True)
    signatory_name = models.CharField("Zeichnungsberechtigte Person", max_length=200, blank=True)
    signatory_function = models.CharField("Funktion", max_length=200, blank=True)

    # Step konzeption
    title = models.CharField("Projektname", max_length=300, blank=True)
    summary = models.TextField("Kurzbeschreibung", blank=True)
    situation = models.TextField("Ausgangslage", blank=True)
    goals = models.TextField("Ziele", blank=True)
    approach = models.TextField("Vorgehen und Prozessmoderation", blank=True)

    # Step beteiligung
    social_space = models.TextField("Bezug zum Sozialraum", blank=True)
    bodies = models.TextField("Einbindung der politischen Gremien", blank=True)
    wir_centre = models.TextField("Einbindung des WIR-Vielfaltszentrums", blank=True)

    # Step zeitplan
    starts_on = models.DateField("Beginn der Maßnahme", null=True, blank=True)
    months = models.PositiveSmallIntegerField("Dauer in Monaten", null=True, blank=True)

    # Step finanzierung
    vat_deductible = models.BooleanField("Vorsteuerabzug", null=True, blank=True)
    budget_situation = models.CharField(
        "Haushaltslage",
        max_length=20,
        blank=True,
        choices=[(situation.value, situation.label) for situation in BudgetSituation],
    )

    # Step erklaerungen
    authority_declared = models.BooleanField("Vertretungsbefugnis erklärt", default=False)
    declares_correct = models.BooleanField("Richtigkeit erklärt", default=False)
    declares_not_started = models.BooleanField("Maßnahme nicht begonnen", default=False)
    declares_financing_secured = models.BooleanField("Gesamtfinanzierung gesichert", default=False)
    consents_publication = models.BooleanField(
        "Veröffentlichung der Projektdaten", null=True, blank=True
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = "Antrag"
        verbose_name_plural = "Anträge"
        ordering: ClassVar = ["-submitted_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["status", "submitted_at"], name="application_worklist")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=list(Status)),
                name="application_status_known",
                violation_error_message="Diesen Status gibt es nicht.",
            ),
            models.CheckConstraint(
                condition=Q(
                    submitted_at__isnull=True, reference__isnull=True, first_snapshot__isnull=True
                )
                | Q(
                    submitted_at__isnull=False,
                    reference__isnull=False,
                    first_snapshot__isnull=False,
                ),
                name="application_filed_whole_or_not_at_all",
                violation_error_message=(
                    "Eingang, Antragsnummer und eingereichte Fassung gehören zusammen."
                ),
            ),
            models.CheckConstraint(
                condition=(Q(status=Status.DRAFT) & Q(submitted_at__isnull=True))
                | (~Q(status=Status.DRAFT) & Q(submitted_at__isnull=False)),
                name="application_draft_means_not_filed",
                violation_error_message="Ein Entwurf ist nicht eingereicht.",
            ),
            models.CheckConstraint(
                condition=(Q(status=Status.GRANTED) & Q(project__isnull=False))
                | (~Q(status=Status.GRANTED) & Q(project__isnull=True)),
                name="application_granted_means_project",
                violation_error_message="Genau ein bewilligter Antrag hat ein Projekt.",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status__in=[Status.GRANTED, Status.REJECTED]) & Q(decided_at__isnull=False)
                )
                | (~Q(status__in=[Status.GRANTED, Status.REJECTED]) & Q(decided_at__isnull=True)),
                name="application_decided_has_its_instant",
                violation_error_message="Eine Entscheidung hat einen Zeitpunkt.",
            ),
        ]

    def __str__(self) -> str:
        return self.reference or self.title or "Entwurf ohne Titel"

    def get_absolute_url(self) -> str:
        return f"/antraege/{self.uuid}/"

    @property
    def state(self) -> Status:
        """The status as the enum."""
        return Status(self.status)

    @property
    def is_draft(self) -> bool:
        """Whether it has not been filed yet."""
        return self.state is Status.DRAFT

    @property
    def lead(self) -> ApplicationMember | None:
        """The applicant: the federführende Kommune. Uses prefetched members where there are any."""
        return next((member for member in self.members.all() if member.is_lead), None)

    @property
    def partners(self) -> list[ApplicationMember]:
        """The Partnerkommunen in their order."""
        return [member for member in self.members.all() if not member.is_lead]


class MemberRole(models.TextChoices):
    LEAD = "lead", "federführende Kommune"
    PARTNER = "partner", "Partnerkommune"


class ApplicationMember(models.Model):
    """A municipality in an application. `call` and `live` are copied by the service.

    The copies let the database refuse a second live application of a municipality.
    """

    application = models.ForeignKey(Application, models.CASCADE, related_name="members")
    municipality = models.ForeignKey(
        Municipality,
        models.PROTECT,
        related_name="application_members",
        verbose_name="Kommune",
    )
    role = models.CharField("Rolle", max_length=10, choices=MemberRole)
    position = models.PositiveSmallIntegerField("Reihenfolge", default=0)
    call = models.ForeignKey(FundingCall, models.PROTECT, related_name="+", editable=False)
    live = models.BooleanField("laufend", default=False, editable=False)
    # Frozen when the application is submitted.
    population = models.PositiveIntegerField("Einwohnerzahl", null=True, blank=True, editable=False)
    population_as_of = models.DateField("Stichtag", null=True, blank=True, editable=False)
    population_basis = models.CharField("Zensusbasis", max_length=50, blank=True, editable=False)
    population_source = models.CharField("Quelle", max_length=200, blank=True, editable=False)

    class Meta:
        verbose_name = "beteiligte Kommune"
        verbose_name_plural = "beteiligte Kommunen"
        ordering: ClassVar = ["position", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "municipality"],
                name="application_member_once",
                violation_error_message="Diese Kommune ist schon beteiligt.",
            ),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(role=MemberRole.LEAD),
                name="application_one_lead",
                violation_error_message="Es gibt genau eine federführende Kommune.",
            ),
            models.UniqueConstraint(
                fields=["call", "municipality"],
                condition=Q(live=True),
                name="application_one_live_per_call",
                violation_error_message=(
                    "Für diese Kommune liegt in diesem Aufruf schon ein Antrag vor."
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self.municipality)

    @property
    def is_lead(self) -> bool:
        """Whether it is the applicant, addressee and debtor."""
        return self.role == MemberRole.LEAD


class Part(models.Model):
    """A repeatable row of an application; its id stays the same through every snapshot."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
        ordering: ClassVar = ["position", "id"]


class ParticipationFormat(Part):
    """One way in which residents take part."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="formats")
    name = models.CharField("Format", max_length=200, blank=True)
    reaches = models.CharField("Wen es erreicht", max_length=300, blank=True)
    when = models.CharField("Wann", max_length=100, blank=True)
    barriers = models.CharField("Wie Hürden gesenkt werden", max_length=500, blank=True)

    class Meta(Part.Meta):
        verbose_name = "Beteiligungsformat"
        verbose_name_plural = "Beteiligungsformate"

    def __str__(self) -> str:
        return self.name


class Milestone(Part):
    """One step of the schedule."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="milestones")
    text = models.CharField("Arbeitsschritt", max_length=300, blank=True)
    due_on = models.DateField("bis", null=True, blank=True)

    class Meta(Part.Meta):
        verbose_name = "Arbeitsschritt"
        verbose_name_plural = "Arbeitsschritte"

    def __str__(self) -> str:
        return self.text


class Adoption(Part):
    """When a member's Gemeindevertretung/Stadtverordnetenversammlung is to adopt the strategy."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="adoptions")
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    planned_on = models.DateField("geplanter Beschluss", null=True, blank=True)

    class Meta(Part.Meta):
        verbose_name = "geplanter Beschluss"
        verbose_name_plural = "geplante Beschlüsse"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "municipality"], name="adoption_once_per_member"
            )
        ]

    def __str__(self) -> str:
        return f"{self.municipality}: {self.planned_on or 'offen'}"


class Expense(Part):
    """One Ausgabe of the Finanzierungsplan in a Haushaltsjahr; amounts in euro."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="expenses")
    year = models.PositiveSmallIntegerField("Haushaltsjahr")
    category = models.CharField(
        "Ausgabenart",
        max_length=20,
        choices=[(category.value, category.label) for category in ExpenseCategory],
    )
    text = models.CharField("Erläuterung", max_length=300, blank=True)
    amount = models.DecimalField("Betrag", max_digits=10, decimal_places=2, null=True, blank=True)
    eligible = models.BooleanField("zuwendungsfähig", default=True)

    class Meta(Part.Meta):
        verbose_name = "Ausgabe"
        verbose_name_plural = "Ausgaben"

    def __str__(self) -> str:
        return f"{self.year} {self.get_category_display()}"


class CoverItem(Part):
    """One Deckung of the Finanzierungsplan in a Haushaltsjahr; amounts in euro."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="cover")
    year = models.PositiveSmallIntegerField("Haushaltsjahr")
    kind = models.CharField(
        "Deckung", max_length=20, choices=[(kind.value, kind.label) for kind in CoverKind]
    )
    text = models.CharField("Erläuterung", max_length=300, blank=True)
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="+"
    )
    amount = models.DecimalField("Betrag", max_digits=10, decimal_places=2, null=True, blank=True)

    class Meta(Part.Meta):
        verbose_name = "Deckung"
        verbose_name_plural = "Deckung"

    def __str__(self) -> str:
        return f"{self.year} {self.get_kind_display()}"
