"""Applications that came by e-mail or post: how and when they came, who recorded, who confirmed."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Max, Q

from applications.models.application import Application


class RecordingRole(models.TextChoices):
    """What somebody did for a recording."""

    WROTE = "wrote", "hat erfasst"
    CONFIRMED = "confirmed", "hat bestätigt"


class Recording(models.Model):
    """Staff record what came otherwise (PROGRAMME §6); a second person confirms it.

    `arrived_at` is the instant as stamped; a stamp without a time is the beginning of its day.
    """

    application = models.OneToOneField(
        Application, models.PROTECT, related_name="recording", verbose_name="Antrag"
    )
    arrived_at = models.DateTimeField("eingegangen am")
    reason = models.CharField("warum nicht über das Portal", max_length=500)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="erfasst von"
    )
    recorded_at = models.DateTimeField("erfasst am")
    ready_at = models.DateTimeField("vorgelegt am", null=True, blank=True)
    return_reason = models.CharField("zurückgegeben, weil", max_length=500, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="bestätigt von",
    )
    confirmed_at = models.DateTimeField("bestätigt am", null=True, blank=True)

    class Meta:
        verbose_name = "Erfassung"
        verbose_name_plural = "Erfassungen"
        ordering: ClassVar = ["recorded_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("recorded_by")),
                name="recording_four_eyes",
                violation_error_message="Wer erfasst hat, kann nicht bestätigen.",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, ready_at__isnull=False),
                name="recording_confirmed_whole_or_not_at_all",
                violation_error_message="Bestätigt wird nur, was vorgelegt ist.",
            ),
            models.CheckConstraint(
                condition=Q(arrived_at__lte=F("recorded_at")),
                name="recording_after_arrival",
                violation_error_message="Erfasst wird, was schon eingegangen ist.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application}: erfasst von {self.recorded_by}"

    def last_at_work(self) -> datetime:
        """When its recorder last wrote in it; before they wrote, when they began or took over."""
        done = self.application.log.filter(actor_id=self.recorded_by_id)
        wrote = self.application.revisions.filter(by=self.recorded_by_id)
        times = [rows.aggregate(last=Max("at"))["last"] for rows in (done, wrote)]
        return max(instant for instant in (self.recorded_at, *times) if instant)


class RecordingHand(models.Model):
    """Who had a hand in a recording. One row per person: whoever wrote in it cannot confirm it,
    also where a colleague took it over later."""

    recording = models.ForeignKey(Recording, models.CASCADE, related_name="hands")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    role = models.CharField("Rolle", max_length=10, choices=RecordingRole)
    at = models.DateTimeField("am")

    class Meta:
        verbose_name = "Mitwirkung an einer Erfassung"
        verbose_name_plural = "Mitwirkungen an Erfassungen"
        ordering: ClassVar = ["at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recording", "user"],
                name="recording_hands_four_eyes",
                violation_error_message="Wer erfasst hat, kann nicht bestätigen.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"
