"""What proves what happened: revisions, snapshots, the case log, requests for information."""

from __future__ import annotations

import json
import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from applications.models.application import Application
from applications.rules import Step


class Revision(models.Model):
    """One save of one step: appended, never changed. Conflicts are settled against these.

    Those saved while somebody wrote are thinned once their day is over, see `housekeeping`.
    """

    application = models.ForeignKey(Application, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    step = models.CharField(max_length=20, choices=[(step.value, step.label) for step in Step])
    data = models.JSONField()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    autosaved = models.BooleanField("beim Schreiben gespeichert", default=False)

    class Meta:
        verbose_name = "Bearbeitung"
        verbose_name_plural = "Bearbeitungen"
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "number"], name="revision_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.application_id}/{self.number} {self.step}"


class Snapshot(models.Model):
    """A frozen copy of the application as versioned JSON, byte for byte what was hashed."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="snapshots")
    number = models.PositiveSmallIntegerField("Fassung")
    version = models.PositiveSmallIntegerField("Format")
    payload = models.TextField("Inhalt")
    sha256 = models.CharField("SHA-256", max_length=64)
    taken_at = models.DateTimeField("festgehalten am")
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    pdf = models.FileField("PDF", upload_to="antraege/pdf/", blank=True)
    pdf_sha256 = models.CharField("SHA-256 des PDF", max_length=64, blank=True)

    class Meta:
        verbose_name = "Fassung"
        verbose_name_plural = "Fassungen"
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "number"], name="snapshot_number_once")
        ]

    def __str__(self) -> str:
        return f"Fassung {self.number}"

    @property
    def content(self) -> dict[str, Any]:
        """The frozen content as written; read old versions through services.snapshots.read()."""
        loaded: dict[str, Any] = json.loads(self.payload)
        return loaded


class CaseLogEntry(models.Model):
    """One link of the Verfahrensprotokoll. Triggers refuse UPDATE and DELETE on both databases.

    The chain holds hashes and person ids only; the content stands in `CaseLogPayload`, which
    erasure may delete without breaking the chain.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="log")
    sequence = models.PositiveIntegerField("Nummer")
    at = models.DateTimeField("Zeitpunkt")
    action = models.CharField("Vorgang", max_length=50)
    actor_id = models.BigIntegerField("Person", null=True)
    payload_hash = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = "Eintrag im Verfahrensprotokoll"
        verbose_name_plural = "Verfahrensprotokoll"
        ordering: ClassVar = ["application", "sequence"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "sequence"], name="case_log_sequence_once"
            ),
            models.UniqueConstraint(
                fields=["application", "previous_hash"], name="case_log_chain_does_not_fork"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"


class CaseLogPayload(models.Model):
    """What a log entry is about. Never changed; may only be deleted, by an erasure."""

    entry = models.OneToOneField(
        CaseLogEntry, models.PROTECT, primary_key=True, related_name="content"
    )
    salt = models.CharField(max_length=64)
    data = models.TextField()

    class Meta:
        verbose_name = "Inhalt eines Protokolleintrags"
        verbose_name_plural = "Inhalte des Verfahrensprotokolls"

    def __str__(self) -> str:
        return self.data

    @property
    def values(self) -> dict[str, Any]:
        """The content as plain values."""
        loaded: dict[str, Any] = json.loads(self.data)
        return loaded


class InformationRequest(models.Model):
    """A Nachforderung: what the applicant is asked to hand in, until one date."""

    application = models.ForeignKey(
        Application, models.CASCADE, related_name="information_requests"
    )
    number = models.PositiveSmallIntegerField("Nummer")
    message = models.TextField("Nachricht an die Kommune", blank=True)
    due_on = models.DateField("Frist")
    sent_at = models.DateTimeField("gesendet am")
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    by_phone = models.BooleanField("Rückfrage am Telefon", default=False)
    note = models.TextField(
        "Telefonvermerk", blank=True, help_text="Nur für die Behörde; die Kommune sieht ihn nie."
    )
    reminded_at = models.DateTimeField("erinnert am", null=True, blank=True)
    closed_at = models.DateTimeField("beendet am", null=True, blank=True)
    answered = models.BooleanField("beantwortet", default=False)

    class Meta:
        verbose_name = "Nachforderung"
        verbose_name_plural = "Nachforderungen"
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "number"], name="information_request_number_once"
            ),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(closed_at__isnull=True),
                name="information_request_one_open",
                violation_error_message="Es läuft schon eine Nachforderung.",
            ),
            models.CheckConstraint(
                condition=Q(answered=False) | Q(closed_at__isnull=False),
                name="information_request_answered_is_closed",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("sent_at")),
                name="information_request_closed_after_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{'Rückfrage' if self.by_phone else 'Nachforderung'} {self.number}"


class RequestItem(models.Model):
    """One thing asked for: what unlocks, and a sentence what is missing there.

    `target` names the place within the step (see `rules.unlocking`), `label` its words when it
    was asked for. A reviewer ticks it off once the answer does.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    request = models.ForeignKey(InformationRequest, models.CASCADE, related_name="items")
    step = models.CharField(
        "Abschnitt", max_length=20, choices=[(step.value, step.label) for step in Step]
    )
    target = models.CharField("Stelle", max_length=80, blank=True)
    label = models.CharField("Bezeichnung", max_length=300, blank=True)
    sentence = models.CharField("Was fehlt", max_length=500)
    position = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField("erledigt am", null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "Punkt einer Nachforderung"
        verbose_name_plural = "Punkte einer Nachforderung"
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settled_by__isnull=True)
                | Q(settled_at__isnull=False, settled_by__isnull=False),
                name="request_item_settled_by_somebody",
                violation_error_message="Erledigt ist ein Punkt durch eine Person.",
            )
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def place(self) -> str:
        """Where it is, in words: the section, and what of it was asked for."""
        step = Step(self.step).label
        return f"{step}: {self.label}" if self.label else step
