"""Form sheets to print: made once for what stands on them, by the worker."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from applications.models.application import Application


class SheetKind(models.TextChoices):
    """What a sheet is for."""

    BLANK_FORM = "blank_form", "Leeres Antragsformular"
    COOPERATION = "cooperation", "Kooperationserklärung"
    SIGNATURE = "signature", "Unterschriftsblatt"


def sheet_path(sheet: FormSheet, filename: str) -> str:
    """Where a sheet lies: never below a name that somebody typed."""
    return f"formulare/{sheet.pk}.pdf"


class FormSheet(models.Model):
    """A PDF to print, sign and upload, or to read before there is an account.

    The key is the hash of what stands on it: asked for again, the same sheet is found, and
    once something changes there is another.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField("Art", max_length=20, choices=SheetKind)
    application = models.ForeignKey(
        Application, models.CASCADE, null=True, blank=True, related_name="sheets"
    )
    about = models.CharField("Kommune", max_length=8, blank=True)
    key = models.CharField("Schlüssel", max_length=64, unique=True)
    values = models.JSONField("Inhalt")
    created_at = models.DateTimeField("angelegt am")
    file = models.FileField("PDF", upload_to=sheet_path, blank=True)

    class Meta:
        verbose_name = "Formblatt"
        verbose_name_plural = "Formblätter"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind=SheetKind.BLANK_FORM, application__isnull=True)
                | (~Q(kind=SheetKind.BLANK_FORM) & Q(application__isnull=False)),
                name="sheet_belongs_to_an_application",
                violation_error_message="Nur das leere Formular gehört zu keinem Antrag.",
            )
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
