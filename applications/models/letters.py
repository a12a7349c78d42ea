"""Letters and the dated blocks they are made of."""

from __future__ import annotations

import re
import uuid
from datetime import date
from typing import Any, ClassVar, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from applications.models.application import Application
from applications.models.calls import FundingCall
from applications.models.decisions import Decision, Hearing
from applications.models.records import InformationRequest


class LetterKind(models.TextChoices):
    GRANT = "grant", "Zuwendungsbescheid"
    REJECTION = "rejection", "Ablehnungsbescheid"
    CORRECTION = "correction", "Berichtigungsbescheid"
    AMENDMENT = "amendment", "Änderungsbescheid"
    REVOCATION = "revocation", "Aufhebungsbescheid"
    HEARING = "hearing", "Anhörung"
    REQUEST = "request", "Unterlagen nachreichen"
    RECEIPT = "receipt", "Eingangsbestätigung"
    EARLY_START = "early_start", "Zustimmung zum vorzeitigen Maßnahmenbeginn"


class BlockKey(models.TextChoices):
    """The parts of a letter that are texts of law or of house, in their order."""

    INTRODUCTION = "introduction", "Einleitung"
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
    LetterKind.CORRECTION: (BlockKey.LEGAL_BASIS, BlockKey.REMEDY),
    LetterKind.AMENDMENT: (BlockKey.LEGAL_BASIS, BlockKey.CONDITIONS, BlockKey.REMEDY),
    LetterKind.REVOCATION: (BlockKey.LEGAL_BASIS, BlockKey.REASONS, BlockKey.REMEDY),
    LetterKind.HEARING: (BlockKey.LEGAL_BASIS,),
    LetterKind.REQUEST: (BlockKey.INTRODUCTION,),
    LetterKind.RECEIPT: (BlockKey.INTRODUCTION,),
    LetterKind.EARLY_START: (BlockKey.LEGAL_BASIS, BlockKey.CONDITIONS, BlockKey.REMEDY),
}
"""What a letter needs before it can be generated (PROGRAMME §6)."""

NEEDED_TO_OPEN = (LetterKind.GRANT, LetterKind.REJECTION)
"""The letters whose texts must be there before a call is opened."""

NOTICES = (
    LetterKind.GRANT,
    LetterKind.REJECTION,
    LetterKind.CORRECTION,
    LetterKind.AMENDMENT,
    LetterKind.REVOCATION,
    LetterKind.EARLY_START,
)
"""Bescheide: from their Bekanntgabe the period to sue runs."""

PLACEHOLDERS = {
    "gericht": "Name des Verwaltungsgerichts",
    "sitz": "Sitz des Verwaltungsgerichts",
    "richtlinie": "Förderrichtlinie des Aufrufs",
    "nummer": "Nummer der Richtlinie",
    "zweck": "Zuwendungszweck des Aufrufs",
    "betrag": "bewilligter Betrag",
    "projekt": "Projektname",
    "antragsnummer": "Antragsnummer",
    "geschaeftszeichen": "Geschäftszeichen",
    "kommune": "Organ und Name der federführenden Kommune",
    "eingang": "Tag des Eingangs",
    "termin": "Termin für Äußerung oder Unterlagen",
}
"""What a block may name in braces, with what stands there afterwards."""

_PLACE = re.compile(r"\{([^{}]*)\}")


def unknown_placeholders(text: str) -> list[str]:
    """Names in braces that no letter fills, and stray braces, as they stand in the text."""
    found = [f"{{{name}}}" for name in _PLACE.findall(text) if name not in PLACEHOLDERS]
    rest = _PLACE.sub("", text)
    return list(dict.fromkeys(found + [brace for brace in "{}" if brace in rest]))


class LetterBlockQuerySet(models.QuerySet["LetterBlock"]):
    def valid(self, on: date) -> LetterBlockQuerySet:
        """Blocks that may be used on that day."""
        return self.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=on), valid_from__lte=on
        ).exclude(confirmed_by_office="")


class LetterBlock(models.Model):
    """A text of law or of house, valid from–to, confirmed by a named office.

    May name `PLACEHOLDERS` in braces. One of a call goes before one for all calls.
    """

    call = models.ForeignKey(
        FundingCall,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="blocks",
        verbose_name="Förderaufruf",
        help_text="Leer: für alle Aufrufe, die keinen eigenen Text haben.",
    )
    kind = models.CharField("Schreiben", max_length=20, choices=LetterKind)
    key = models.CharField("Teil", max_length=20, choices=BlockKey)
    text = models.TextField(
        "Text",
        help_text="Platzhalter: " + " ".join(f"{{{name}}}" for name in PLACEHOLDERS),
    )
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
                condition=Q(call__isnull=True),
                name="letter_block_once_per_start",
                violation_error_message="Für diesen Tag gibt es den Textbaustein schon.",
            ),
            models.UniqueConstraint(
                fields=["call", "kind", "key", "valid_from"],
                condition=Q(call__isnull=False),
                name="letter_block_once_per_start_and_call",
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

    def clean(self) -> None:
        """Refuse a placeholder nobody fills: it would stand in braces in a Bescheid."""
        if unknown := unknown_placeholders(self.text):
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValidationError(
                {
                    "text": f"Diese Platzhalter gibt es nicht: {', '.join(unknown)}. "
                    f"Möglich sind: {known}."
                }
            )


def letter_path(letter: Letter, filename: str) -> str:
    """Where a letter's PDF lies."""
    return f"schreiben/{letter.id}.pdf"


SIGNED_BY_TWO: Final = (LetterKind.EARLY_START,)
"""What one person writes and another signs, as a decision; decisions have their own hands."""


class Letter(models.Model):
    """One letter to the applicant: its frozen plain values, and the PDF once it is rendered.

    A letter made elsewhere has no values of ours but the uploaded, signed PDF.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="letters")
    decision = models.OneToOneField(
        Decision, models.PROTECT, null=True, blank=True, related_name="letter"
    )
    hearing = models.OneToOneField(
        Hearing, models.PROTECT, null=True, blank=True, related_name="letter"
    )
    request = models.ForeignKey(
        InformationRequest, models.PROTECT, null=True, blank=True, related_name="letters"
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
    seal = models.CharField("Prüfwert des Inhalts", max_length=64, blank=True)
    # What was changed by hand: part → the text of the blocks and the text as sent.
    differences: models.JSONField[list[dict[str, str]], list[dict[str, str]]] = models.JSONField(
        "Abweichungen von den Textbausteinen", default=list, blank=True
    )
    first_opened_at = models.DateTimeField("zuerst geöffnet", null=True, blank=True)
    # Of what allows something without being a decision: who signed it besides its writer.
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_at = models.DateTimeField("gezeichnet am", null=True, blank=True)
    # Made by mistake or not to be signed: it stays in the file and never goes out.
    discarded_at = models.DateTimeField("verworfen am", null=True, blank=True)
    discarded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    discarded_reason = models.TextField("verworfen, weil", blank=True)

    class Meta:
        verbose_name = "Schreiben"
        verbose_name_plural = "Schreiben"
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(signed_by__isnull=True, signed_at__isnull=True)
                | (
                    Q(signed_by__isnull=False, signed_at__isnull=False)
                    & ~Q(signed_by=F("created_by"))
                ),
                name="letter_four_eyes",
                violation_error_message="Wer das Schreiben angelegt hat, kann es nicht zeichnen.",
            ),
            models.CheckConstraint(
                condition=Q(discarded_at=None, discarded_by=None, discarded_reason="")
                | (
                    Q(
                        discarded_at__isnull=False,
                        discarded_by__isnull=False,
                        decision=None,
                        hearing=None,
                        signed_at=None,
                    )
                    & ~Q(discarded_reason="")
                ),
                name="letter_discarded_with_a_reason",
                violation_error_message=(
                    "Verworfen wird mit einer Begründung, und nie ein Bescheid, eine Anhörung oder "
                    "was schon gezeichnet ist."
                ),
            ),
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(discarded_at=None),
                name="letter_one_per_request",
                violation_error_message="Um diese Unterlagen bittet schon ein Schreiben.",
            ),
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

    @property
    def waits_for_signature(self) -> bool:
        """Whether a second person has still to sign it before it goes out."""
        unsigned = self.kind in SIGNED_BY_TWO and self.signed_at is None
        return unsigned and self.discarded_at is None

    @property
    def may_be_discarded(self) -> bool:
        """Whether it decides nothing, belongs to no hearing and nobody has signed it."""
        decides = self.decision_id is not None or self.hearing_id is not None
        return not decides and self.signed_at is None and self.discarded_at is None

    @property
    def is_notice(self) -> bool:
        """Whether it is a Bescheid, against which one may go to court."""
        return self.kind in NOTICES
