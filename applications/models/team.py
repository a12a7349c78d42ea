"""Who works on an application besides its municipality's people, and what they say about it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from applications.models.application import Application
from applications.rules import Step

if TYPE_CHECKING:
    from datetime import datetime


class GuestRole(models.TextChoices):
    """What an outside helper may do. None of them ever edits, files or retrieves a letter."""

    READ = "read", "lesen"
    COMMENT = "comment", "lesen und kommentieren"


class GuestQuerySet(models.QuerySet["ApplicationGuest"]):
    def standing(self) -> GuestQuerySet:
        """Invitations that nobody has ended."""
        return self.filter(ended_at__isnull=True)

    def admitted(self, at: datetime) -> GuestQuerySet:
        """Guests who have accepted and whose time is not over."""
        return self.standing().filter(accepted_at__isnull=False, expires_at__gt=at)


class ApplicationGuest(models.Model):
    """An outside helper (Gast) of one application and of no other.

    The invitation's token stands here as a hash only and goes when it is accepted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="guests")
    email = models.EmailField("E-Mail")
    role = models.CharField("Rolle", max_length=10, choices=GuestRole)
    invited_at = models.DateTimeField("eingeladen am")
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="eingeladen von"
    )
    expires_at = models.DateTimeField("Zugang bis")
    token_hash = models.CharField(max_length=64, blank=True, editable=False)
    accepted_at = models.DateTimeField("angenommen am", null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="guest_of",
        verbose_name="Konto",
    )
    ended_at = models.DateTimeField("beendet am", null=True, blank=True)

    objects = GuestQuerySet.as_manager()

    class Meta:
        verbose_name = "Gast"
        verbose_name_plural = "Gäste"
        ordering: ClassVar = ["invited_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "email"],
                condition=Q(ended_at__isnull=True),
                name="guest_once_per_application",
                violation_error_message="Diese Adresse ist schon eingeladen.",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, user__isnull=True)
                | Q(accepted_at__isnull=False, user__isnull=False, token_hash=""),
                name="guest_accepted_with_account",
                violation_error_message="Angenommen wird eine Einladung mit einem Konto.",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("invited_at")),
                name="guest_expires_after_invitation",
                violation_error_message="Der Zugang endet nach der Einladung.",
            ),
        ]

    def __str__(self) -> str:
        return self.email


class SectionComment(models.Model):
    """A remark on a section, for the people of the draft only.

    Never part of a snapshot, a PDF or anything staff see.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="comments")
    step = models.CharField(
        "Abschnitt", max_length=20, choices=[(step.value, step.label) for step in Step]
    )
    text = models.TextField("Kommentar", max_length=4_000)
    at = models.DateTimeField("geschrieben am")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="von"
    )
    by_guest = models.BooleanField("von einem Gast", default=False)
    done_at = models.DateTimeField("erledigt am", null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="erledigt von",
    )

    class Meta:
        verbose_name = "Kommentar"
        verbose_name_plural = "Kommentare"
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return self.text
