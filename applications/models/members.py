"""The municipalities of an application, and what a partner brings into the Verbund."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from applications.models.application import Application
from applications.models.calls import FundingCall
from applications.models.parts import Part
from municipalities.models import Municipality


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


class Cooperation(Part):
    """What a Partnerkommune brings in, and its Kooperationserklärung if it gave it itself.

    Its share in euro stands in the Finanzierungsplan, its named body in the planned adoption.
    Usually the declaration is a signed sheet among the documents; a partner with an account of
    its own may confirm instead, then `confirmed_at` and `confirmed_by` say so, and
    `statement_sha256` what exactly was confirmed (`services.cooperation.statement`).
    """

    application = models.ForeignKey(Application, models.CASCADE, related_name="cooperations")
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="+", verbose_name="Partnerkommune"
    )
    contribution = models.TextField("Beitrag zum Verbund", blank=True)
    confirmed_at = models.DateTimeField("bestätigt am", null=True, blank=True, editable=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="bestätigt von",
    )
    statement_sha256 = models.CharField(
        "SHA-256 des bestätigten Wortlauts", max_length=64, blank=True, editable=False
    )

    class Meta(Part.Meta):
        verbose_name = "Kooperation"
        verbose_name_plural = "Kooperationen"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "municipality"],
                name="cooperation_once_per_partner",
                violation_error_message="Zu dieser Partnerkommune gibt es schon eine Erklärung.",
            ),
            models.CheckConstraint(
                condition=Q(
                    confirmed_at__isnull=True, confirmed_by__isnull=True, statement_sha256=""
                )
                | (
                    Q(confirmed_at__isnull=False, confirmed_by__isnull=False)
                    & ~Q(statement_sha256="")
                ),
                name="cooperation_confirmed_whole_or_not_at_all",
                violation_error_message=(
                    "Wer die Erklärung wann mit welchem Wortlaut bestätigt hat, gehört zusammen."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.municipality}: Kooperationserklärung"
