"""Letters and the dated blocks they are made of."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from applications.models.application import Application
from applications.models.decisions import Decision


class LetterKind(models.TextChoices):
    GRANT = "grant", "Zuwendungsbescheid"
    REJECTION = "rejection", "Ablehnungsbescheid"


class BlockKey(models.TextChoices):
    """The parts of a letter that are texts of law or of house, in their order."""

    LEGAL_BASIS = "legal_basis", "Rechtsgrundlage"
    CONDITIONS = "conditions", "Nebenbestimmungen"
    REASONS = "reasons", "Begründung (einleitend)"
    PAYMENT = "payment", "Auszahlung"
    REMEDY = "remedy", "Rechtsbehelfsbelehrung"
    ANNEXES = "annexes", "Anlagen"


REQUIRED_BLOCKS: dict[str, tuple[BlockKey, ...]] = {
    LetterKind.GRANT: (
        BlockKey.LEGAL_BASIS,
        BlockKey.CONDITIONS,
        BlockKey.REASONS,
        BlockKey.PAYMENT,
        BlockKey.REMEDY,
        BlockKey.ANNEXES,
    ),
    LetterKind.REJECTION: (BlockKey.LEGAL_BASIS, BlockKey.REASONS, BlockKey.REMEDY),
}
"""What a letter needs before it can be generated (PROGRAMME §6)."""


class LetterBlockQuerySet(models.QuerySet["LetterBlock"]):
    def valid(self, on: date) -> LetterBlockQuerySet:
        """Blocks that may be used on that day."""
        return self.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=on), valid_from__lte=on
        ).exclude(confirmed_by_office="")


class LetterBlock(models.Model):
    """A text of law or of house, valid from–to, confirmed by a named office.

    Placeholders in braces: {gericht} {sitz} {richtlinie} {nummer} {betrag} {zweck}
    {projekt}.
    """

    kind = models.CharField("Schreiben", max_length=20, choices=LetterKind)
    key = models.CharField("Teil", max_length=20, choices=BlockKey)
    text = models.TextField("Text")
    valid_from = models.DateField("gültig ab")
    valid_to = models.DateField("gültig bis", null=True, blank=True)
    confirmed_by_office = models.CharField("bestätigt durch (Stelle)", max_length=200, blank=True)
    is_sample = models.BooleanField("Muster, nur zur Demonstration", default=False)
    history = HistoricalRecords()

    objects = LetterBlockQuerySet.as_manager()

    class Meta:
        verbose_name = "Textbaustein"
        verbose_name_plural = "Textbausteine"
        ordering: ClassVar = ["kind", "key", "-valid_from"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "key", "valid_from"],
                name="letter_block_once_per_start",
                violation_error_message="Für diesen Tag gibt es den Textbaustein schon.",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
                name="letter_block_dates_in_order",
                violation_error_message="„Gültig ab“ muss vor „gültig bis“ liegen.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_key_display()}"


def letter_path(letter: Letter, filename: str) -> str:
    """Where a letter's PDF lies."""
    return f"schreiben/{letter.id}.pdf"


class Letter(models.Model):
    """One letter to the applicant: its frozen plain values, and the PDF once it is rendered.

    A letter made elsewhere has no values of ours but the uploaded, signed PDF.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="letters")
    decision = models.OneToOneField(
        Decision, models.PROTECT, null=True, blank=True, related_name="letter"
    )
    kind = models.CharField("Art", max_length=20, choices=LetterKind)
    values: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        "Inhalt", default=dict
    )
    made_elsewhere = models.BooleanField("außerhalb des Portals erstellt", default=False)
    dated_on = models.DateField("Datum")
    created_at = models.DateTimeField("angelegt")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    file = models.FileField("PDF", upload_to=letter_path, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    first_opened_at = models.DateTimeField("zuerst geöffnet", null=True, blank=True)

    class Meta:
        verbose_name = "Schreiben"
        verbose_name_plural = "Schreiben"
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(file="", sha256="") | (~Q(file="") & ~Q(sha256="")),
                name="letter_file_has_its_hash",
            ),
            models.CheckConstraint(
                condition=Q(made_elsewhere=False) | ~Q(file=""),
                name="letter_made_elsewhere_has_its_file",
                violation_error_message="Bitte laden Sie das unterschriebene PDF hoch.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} vom {self.dated_on:%d.%m.%Y}"
