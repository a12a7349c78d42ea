"""Who is writing right now, and what was typed when a session ended. Both pass by themselves."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from applications.models.application import Application
from applications.rules import Step

DESK = "pruefdesk"
"""The place of staff who have the case open at the desk; no section of the applicant's."""

STEP_CHOICES = [(step.value, step.label) for step in Step]


class Presence(models.Model):
    """A person who has a section open. Counts until `expires_at`, then it says nothing more."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="presences")
    step = models.CharField("Abschnitt", max_length=20, choices=[*STEP_CHOICES, (DESK, "Prüfdesk")])
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    since = models.DateTimeField("seit")
    seen_at = models.DateTimeField("zuletzt gesehen am")
    expires_at = models.DateTimeField("gilt bis")

    class Meta:
        verbose_name = "Anwesenheit"
        verbose_name_plural = "Anwesenheiten"
        ordering: ClassVar = ["since", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "step", "user"], name="presence_once_per_section"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_step_display()}"


class KeptInput(models.Model):
    """What a person had typed into a section when the session was over, encrypted.

    The key is made of the portal's secret and a token that only that browser has; the row
    knows the token's hash. Shown to nobody but `user`, and erased once it is saved, thrown
    away or too old.
    """

    token_hash = models.CharField(max_length=64)
    application = models.ForeignKey(Application, models.CASCADE, related_name="+")
    step = models.CharField("Abschnitt", max_length=20, choices=STEP_CHOICES)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    sealed = models.BinaryField()
    kept_at = models.DateTimeField("verwahrt am")
    expires_at = models.DateTimeField("verwahrt bis")

    class Meta:
        verbose_name = "verwahrte Eingabe"
        verbose_name_plural = "verwahrte Eingaben"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["token_hash", "application", "step", "user"],
                name="kept_input_once_per_browser",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="kept_input_expiry")]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_step_display()}"
