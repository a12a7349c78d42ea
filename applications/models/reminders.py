"""Reminders to the people of a draft, and word of an opening call to whoever asked for it."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models

from applications.models.application import Application
from applications.rules import ReminderKind


class ReminderOff(models.Model):
    """A kind of reminder that a person does not want. Without a row it is sent."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="reminders_off", verbose_name="Konto"
    )
    kind = models.CharField(
        "Erinnerung", max_length=10, choices=[(kind.value, kind.label) for kind in ReminderKind]
    )
    since = models.DateTimeField("abbestellt am")

    class Meta:
        verbose_name = "abbestellte Erinnerung"
        verbose_name_plural = "abbestellte Erinnerungen"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind"], name="reminder_off_once")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_kind_display()}"


class ReminderSent(models.Model):
    """That a person was reminded of a draft on an occasion: each occasion once."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="reminders")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    occasion = models.CharField("Anlass", max_length=50)
    at = models.DateTimeField("am")

    class Meta:
        verbose_name = "Erinnerung"
        verbose_name_plural = "Erinnerungen"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "user", "occasion"], name="reminder_once_per_occasion"
            )
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.occasion}"


def _nonce() -> str:
    return secrets.token_urlsafe(18)


class CallSubscription(models.Model):
    """An address that wants to hear when the next call opens, and nothing else about anybody.

    Kept until it was told, or left; not confirmed, for two days.
    """

    email = models.EmailField("E-Mail", unique=True)
    nonce = models.CharField(max_length=30, default=_nonce, editable=False)
    requested_at = models.DateTimeField("angefragt am")
    confirmed_at = models.DateTimeField("bestätigt am", null=True, blank=True)

    class Meta:
        verbose_name = "Benachrichtigung über einen Aufruf"
        verbose_name_plural = "Benachrichtigungen über einen Aufruf"

    def __str__(self) -> str:
        return self.email
