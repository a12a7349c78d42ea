"""What staff write beside the moves of a case: for themselves, or to the municipality.

Two tables on purpose. A Vermerk lies where nothing that reaches an applicant ever looks; a
message is made to be read by them. Neither is changed once it is written.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from applications.models.application import Application


class NoteKind(models.TextChoices):
    NOTE = "note", "Vermerk"
    PHONE = "phone", "Telefonvermerk"


class CaseNote(models.Model):
    """A Vermerk: for the authority alone."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="notes")
    kind = models.CharField("Art", max_length=10, choices=NoteKind)
    text = models.TextField("Vermerk")
    at = models.DateTimeField("geschrieben am")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "Vermerk"
        verbose_name_plural = "Vermerke"
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(text=""), name="case_note_says_something")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class CaseMessage(models.Model):
    """A message to the municipality: its people read it on the page of their application."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="messages")
    text = models.TextField("Nachricht")
    at = models.DateTimeField("gesendet am")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "Nachricht an die Kommune"
        verbose_name_plural = "Nachrichten an die Kommune"
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(text=""), name="case_message_says_something")
        ]

    def __str__(self) -> str:
        return f"Nachricht {self.pk}"


class Recusal(models.Model):
    """Befangenheit (§§ 20, 21 HVwVfG): this person takes no part in this case.

    Triggers refuse their hand in a decision and every entry of theirs in the case log, and with
    it everything they could do.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="recusals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField("erklärt am")
    lifted_at = models.DateTimeField("aufgehoben am", null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "Befangenheit"
        verbose_name_plural = "Befangenheiten"
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "user"],
                condition=Q(lifted_at__isnull=True),
                name="recusal_once",
                violation_error_message="Die Befangenheit ist schon eingetragen.",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="recusal_lifted_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True) | ~Q(lifted_by=F("user")),
                name="recusal_lifted_by_somebody_else",
                violation_error_message="Niemand hebt die eigene Befangenheit auf.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} ist befangen"
