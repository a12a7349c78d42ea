"""The application itself: its life, and the answers of its steps."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property

from applications.models.calls import FundingCall
from applications.rules import BudgetSituation, ProcurementWay
from applications.workflow import LIVE, Status
from kiv_portal.models import KeyField
from municipalities.models import Municipality
from projects.models import Project

if TYPE_CHECKING:
    from applications.models.members import ApplicationMember
    from municipalities.models import User

FILED = Q(submitted_at__isnull=False)

STATUS_CHOICES = [(status.value, status.label) for status in Status]


class ReceivedAs(models.TextChoices):
    """How an application came, where it did not come through the portal (PROGRAMME §6)."""

    POST = "post", "per Post"
    MAIL = "mail", "per E-Mail"
    HAND = "hand", "persönlich abgegeben"


class ApplicationQuerySet(models.QuerySet["Application"]):
    def submitted(self) -> ApplicationQuerySet:
        """What has been filed, whatever became of it, until it is erased."""
        return self.filter(submitted_at__isnull=False, erased_at__isnull=True)

    def drafts(self) -> ApplicationQuerySet:
        """What nobody but the municipality sees."""
        return self.filter(submitted_at__isnull=True, erased_at__isnull=True)

    def kept(self) -> ApplicationQuerySet:
        """Without what was erased: of that, number and chain are left, and nobody sees them."""
        return self.filter(erased_at__isnull=True)

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
    submission_token = models.UUIDField(
        "Einreichvorgang",
        null=True,
        blank=True,
        unique=True,
        editable=False,
        help_text="Die Prüfseite, von der eingereicht wurde: eine Seite reicht einmal ein.",
    )
    received_late = models.BooleanField("nach Fristende eingegangen", default=False, editable=False)
    received_as = models.CharField(
        "anders eingegangen", max_length=10, choices=ReceivedAs, blank=True, editable=False
    )
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
    erased_at = models.DateTimeField("gelöscht am", null=True, blank=True, editable=False)
    search_key = KeyField()

    # What the worklist sorts and adds up by: `applications.services.worklist` writes it.
    lead_key = KeyField()
    matters_on = models.DateField("Datum am Prüfdesk", null=True, blank=True, editable=False)
    asked = models.DecimalField(
        "beantragt", max_digits=12, decimal_places=2, null=True, blank=True, editable=False
    )
    asked_by_year: models.JSONField[dict[str, int], dict[str, int]] = models.JSONField(
        "beantragt nach Haushaltsjahr, in Cent", default=dict, blank=True, editable=False
    )
    refused_members: models.JSONField[list[str], list[str]] = models.JSONField(
        "Mitglieder, mit denen das Einreichen abgelehnt wurde",
        default=list,
        blank=True,
        editable=False,
    )
    """The members' keys when filing was refused for another live application of one of them."""

    # Step ansprechpartner. The first contact is the one for the matter (fachlich).
    addressee = models.CharField("Anschrift: Empfänger", max_length=200, blank=True)
    street = models.CharField("Straße und Hausnummer", max_length=200, blank=True)
    postal_code = models.CharField("Postleitzahl", max_length=5, blank=True)
    city = models.CharField("Ort", max_length=100, blank=True)
    contact_unit = models.CharField("Verantwortliche Stelle", max_length=200, blank=True)
    contact_person = models.CharField("Ansprechperson", max_length=200, blank=True)
    contact_email = models.EmailField("E-Mail", blank=True)
    contact_phone = models.CharField("Telefon", max_length=50, blank=True)
    finance_unit = models.CharField("Stelle für die Finanzen", max_length=200, blank=True)
    finance_person = models.CharField("Ansprechperson Finanzen", max_length=200, blank=True)
    finance_email = models.EmailField("E-Mail Finanzen", blank=True)
    finance_phone = models.CharField("Telefon Finanzen", max_length=50, blank=True)
    signatory_name = models.CharField("Zeichnungsberechtigte Person", max_length=200, blank=True)
    signatory_function = models.CharField("Funktion", max_length=200, blank=True)
    account_holder = models.CharField("Kontoinhaberin", max_length=200, blank=True)
    iban = models.CharField("IBAN", max_length=34, blank=True)
    payment_reference = models.CharField("Kassenzeichen", max_length=100, blank=True)

    # Step konzeption
    title = models.CharField("Projektname", max_length=300, blank=True)
    summary = models.TextField("Kurzbeschreibung", blank=True)
    situation = models.TextField("Ausgangslage", blank=True)
    goals = models.TextField("Ziele", blank=True)
    target_groups = models.TextField("Zielgruppen", blank=True)
    topics = models.TextField("Themen", blank=True)
    approach = models.TextField("Vorgehen und Prozessmoderation", blank=True)
    procurement_way = models.CharField(
        "Vergabe der Prozessmoderation",
        max_length=20,
        blank=True,
        choices=[(way.value, way.label) for way in ProcurementWay],
    )
    procurement_text = models.TextField("Erläuterung zur Vergabe", blank=True)
    continuation = models.TextField("Verstetigung", blank=True)

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
    other_funding = models.BooleanField("andere Förderung", null=True, blank=True)
    other_funding_text = models.TextField("welche andere Förderung", blank=True)
    consents_publication = models.BooleanField(
        "Veröffentlichung der Projektdaten", null=True, blank=True
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = "Antrag"
        verbose_name_plural = "Anträge"
        ordering: ClassVar = ["-submitted_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["status", "submitted_at"], name="application_worklist"),
            # One for each order of the worklist, and one for its search.
            *(
                models.Index(fields=columns, condition=FILED, name=f"application_by_{name}")
                for name, columns in {
                    "arrival": ["submitted_at", "id"],
                    "lead": ["lead_key", "submitted_at", "id"],
                    "date": ["matters_on", "submitted_at", "id"],
                    "amount": ["asked", "submitted_at", "id"],
                }.items()
            ),
            GinIndex(fields=["search_key"], opclasses=["gin_trgm_ops"], name="application_search"),
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
                condition=(
                    Q(status__in=[Status.GRANTED, Status.REVOKED]) & Q(project__isnull=False)
                )
                | (~Q(status__in=[Status.GRANTED, Status.REVOKED]) & Q(project__isnull=True)),
                name="application_granted_means_project",
                violation_error_message="Genau ein bewilligter Antrag hat ein Projekt.",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status__in=[Status.GRANTED, Status.REJECTED, Status.REVOKED])
                    & Q(decided_at__isnull=False)
                )
                | (
                    ~Q(status__in=[Status.GRANTED, Status.REJECTED, Status.REVOKED])
                    & Q(decided_at__isnull=True)
                ),
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
    def is_being_recorded(self) -> bool:
        """Whether staff are recording what came otherwise: nobody's draft but theirs."""
        return self.is_draft and bool(self.received_as)

    @property
    def in_charge(self) -> User | None:
        """Who began it or took it over since; nobody where staff recorded it and nobody has."""
        recording = getattr(self, "recording", None) if self.received_as else None
        if recording is not None and recording.recorded_by_id == self.created_by_id:
            return None
        return self.created_by

    @property
    def is_draft(self) -> bool:
        """Whether it has not been filed yet."""
        return self.state is Status.DRAFT

    @cached_property
    def recused(self) -> frozenset[int]:
        """Who is befangen in this case, by key; read once per loaded row."""
        rows = self.recusals.filter(lifted_at__isnull=True)
        return frozenset(rows.values_list("user", flat=True))

    @property
    def lead(self) -> ApplicationMember | None:
        """The applicant: the federführende Kommune. Uses prefetched members where there are any."""
        return next((member for member in self.members.all() if member.is_lead), None)

    @property
    def partners(self) -> list[ApplicationMember]:
        """The Partnerkommunen in their order."""
        return [member for member in self.members.all() if not member.is_lead]
