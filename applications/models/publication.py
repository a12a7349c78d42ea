"""What the municipality says to its public entry, and persons who agreed to be named in it."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from applications.models.application import Application


class EntryState(models.TextChoices):
    """How far the municipality has said what of its own words may be public."""

    ASKED = "asked", "Kommune ist gefragt"
    CONFIRMED = "confirmed", "von der Kommune bestätigt"
    UNANSWERED = "unanswered", "ohne Antwort: nur das Funktionspostfach"
    TAKEN_BACK = "taken_back", "von der Kommune zurückgenommen"


class PublicEntry(models.Model):
    """The question whether text and contact may stand in the directory, and what came of it.

    What is public stands in the project alone; here stand who was asked, until when, and who
    answered. Published anew, the municipality is asked anew.
    """

    application = models.OneToOneField(
        Application, models.CASCADE, related_name="public_entry", verbose_name="Antrag"
    )
    state = models.CharField("Stand", max_length=20, choices=EntryState, default=EntryState.ASKED)
    asked_at = models.DateTimeField("gefragt am")
    due_on = models.DateField("Antwort erbeten bis")
    mailbox = models.EmailField("Funktionspostfach, wenn keine Antwort kommt", blank=True)
    settled_at = models.DateTimeField("beantwortet am", null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "Eintrag im Verzeichnis"
        verbose_name_plural = "Einträge im Verzeichnis"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(state=EntryState.ASKED) & Q(settled_at__isnull=True))
                | (~Q(state=EntryState.ASKED) & Q(settled_at__isnull=False)),
                name="public_entry_settled_has_its_instant",
                violation_error_message="Was beantwortet ist, hat einen Zeitpunkt.",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state__in=[EntryState.CONFIRMED, EntryState.TAKEN_BACK])
                    & Q(settled_by__isnull=False)
                )
                | (
                    ~Q(state__in=[EntryState.CONFIRMED, EntryState.TAKEN_BACK])
                    & Q(settled_by__isnull=True)
                ),
                name="public_entry_answered_by_somebody",
                violation_error_message="Bestätigen oder zurücknehmen kann nur eine Person.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application}: {self.get_state_display()}"


def _nonce() -> str:
    return secrets.token_urlsafe(18)


class PersonConsent(models.Model):
    """A person a municipality wants to name, and that person's own word; gone once it is over.

    Asked at their own address, which is never public. While `given_at` is empty nobody is named.
    """

    application = models.OneToOneField(
        Application, models.CASCADE, related_name="person_consent", verbose_name="Antrag"
    )
    name = models.CharField("Name", max_length=200)
    email = models.EmailField("E-Mail der Person")
    nonce = models.CharField(max_length=30, default=_nonce, unique=True)
    asked_at = models.DateTimeField("gefragt am")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    given_at = models.DateTimeField("eingewilligt am", null=True, blank=True)
    until = models.DateField("genannt bis", null=True, blank=True)
    reminded_of = models.DateField("erinnert an das Ende am", null=True, blank=True)

    class Meta:
        verbose_name = "Einwilligung einer Ansprechperson"
        verbose_name_plural = "Einwilligungen von Ansprechpersonen"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(given_at__isnull=True, until__isnull=True)
                | Q(given_at__isnull=False, until__isnull=False),
                name="person_consent_has_its_end",
                violation_error_message="Eine Einwilligung hat einen letzten Tag.",
            )
        ]

    def __str__(self) -> str:
        return self.name
