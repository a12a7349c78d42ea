"""What keeps a file from being erased: the offer to the archive, and a hold."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from applications.models.application import Application


class RetentionHold(models.Model):
    """As long as it stands, nothing of the file is erased (Löschsperre)."""

    application = models.ForeignKey(
        Application, models.CASCADE, related_name="holds", verbose_name="Antrag"
    )
    reason = models.CharField("Grund", max_length=300)
    since = models.DateTimeField("seit", editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        editable=False,
        related_name="+",
        verbose_name="gesetzt von",
    )
    lifted_at = models.DateTimeField("aufgehoben am", null=True, blank=True, editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="aufgehoben von",
    )

    class Meta:
        verbose_name = "Löschsperre"
        verbose_name_plural = "Löschsperren"
        ordering: ClassVar = ["-since"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(lifted_at__isnull=True),
                name="retention_hold_one_in_force",
                violation_error_message="Für diesen Antrag gilt schon eine Löschsperre.",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="retention_hold_lifted_by_somebody",
                violation_error_message="Eine Sperre hebt eine Person zu einem Zeitpunkt auf.",
            ),
        ]

    def __str__(self) -> str:
        return f"Löschsperre für {self.application}"


class ArchiveAnswer(models.TextChoices):
    """What the archive says to an offer (§ 4 HArchivG)."""

    OPEN = "open", "noch offen"
    DECLINED = "declined", "nicht archivwürdig"
    TAKEN = "taken", "wird übernommen"


class ArchiveOffer(models.Model):
    """A file offered to the archive (Anbietung). Stays as proof when the file is gone.

    What the archive is told of the file is kept as it was told, and names no person.
    """

    application = models.OneToOneField(
        Application, models.PROTECT, related_name="archive_offer", verbose_name="Antrag"
    )
    offered_at = models.DateTimeField("angeboten am", editable=False)
    reference = models.CharField("Antragsnummer", max_length=20, editable=False)
    file_number = models.CharField("Geschäftszeichen", max_length=100, blank=True, editable=False)
    municipality = models.CharField("Kommune", max_length=200, editable=False)
    call = models.CharField("Förderaufruf", max_length=200, editable=False)
    outcome = models.CharField("Ausgang", max_length=50, editable=False)
    concluded_on = models.DateField("abgeschlossen am", editable=False)
    answer = models.CharField(
        "Antwort des Archivs", max_length=10, choices=ArchiveAnswer, default=ArchiveAnswer.OPEN
    )
    answered_on = models.DateField("Antwort vom", null=True, blank=True)
    handed_over_on = models.DateField("übergeben am", null=True, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="eingetragen von",
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = "Anbietung an das Archiv"
        verbose_name_plural = "Anbietungen an das Archiv"
        ordering: ClassVar = ["-offered_at", "reference"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(answer=ArchiveAnswer.OPEN, answered_on__isnull=True)
                | (~Q(answer=ArchiveAnswer.OPEN) & Q(answered_on__isnull=False)),
                name="archive_offer_answer_has_its_day",
                violation_error_message="Eine Antwort des Archivs hat ein Datum.",
            ),
            models.CheckConstraint(
                condition=Q(handed_over_on__isnull=True)
                | Q(answer=ArchiveAnswer.TAKEN, handed_over_on__gte=F("answered_on")),
                name="archive_offer_handed_over_what_was_taken",
                violation_error_message=(
                    "Übergeben wird, was das Archiv übernimmt, und nicht vor seiner Antwort."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}, {self.municipality}"

    @property
    def may_be_erased(self) -> bool:
        """Whether the archive does not want the file, or has it."""
        return self.answer == ArchiveAnswer.DECLINED or self.handed_over_on is not None
