"""The uploaded documents (Anlagen) of an application."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest

from applications.models.application import Application
from applications.rules import DocumentKind
from municipalities.models import Municipality

if TYPE_CHECKING:
    from datetime import datetime


class ScanState(models.TextChoices):
    """What the virus scan found; empty where none is set up (or was, at the upload)."""

    PENDING = "pending", "wird geprüft"
    CLEAN = "clean", "geprüft"
    FOUND = "found", "Fund"
    FAILED = "failed", "nicht prüfbar"


def document_path(document: Document, filename: str) -> str:
    """Where a document lies: never below a name that somebody typed."""
    return f"antraege/{document.application.uuid}/{document.id}"


class DocumentQuerySet(models.QuerySet["Document"]):
    def current(self) -> DocumentQuerySet:
        """Documents that belong to the application now."""
        return self.filter(removed_at__isnull=True)

    def take_out(self, at: datetime) -> int:
        """Remove them at that instant; of one uploaded by a faster clock, at its own."""
        return self.update(removed_at=Greatest("uploaded_at", Value(at, models.DateTimeField())))


class Document(models.Model):
    """An uploaded Anlage. A removed one stays on disk: it belongs to the snapshots naming it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="documents")
    kind = models.CharField(
        "Art", max_length=20, choices=[(kind.value, kind.label) for kind in DocumentKind]
    )
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="+"
    )
    file = models.FileField("Datei", upload_to=document_path)
    name = models.CharField("Dateiname", max_length=300)
    content_type = models.CharField("Dateityp", max_length=100)
    size = models.PositiveIntegerField("Größe in Byte")
    sha256 = models.CharField("SHA-256", max_length=64)
    uploaded_at = models.DateTimeField("hochgeladen am")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    removed_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        "entfernt am", null=True, blank=True
    )
    replaces = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced_by",
        verbose_name="ersetzt",
    )
    scan = models.CharField("Virenprüfung", max_length=10, choices=ScanState, blank=True)
    scanned_at = models.DateTimeField("geprüft am", null=True, blank=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = "Anlage"
        verbose_name_plural = "Anlagen"
        ordering: ClassVar = ["uploaded_at", "name", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(removed_at__gte=F("uploaded_at")),
                name="document_removed_after_upload",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def may_be_opened(self) -> bool:
        """Whether the file is handed out: not while it waits for the scan, not with a find."""
        return self.scan not in (ScanState.PENDING, ScanState.FOUND)
