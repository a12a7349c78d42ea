"""What the public learns of changes: the directory's version, and a line for each."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar, cast

from django.db import models
from django.db.models import Q

from projects.models.records import Project


class DirectoryVersionQuerySet(models.QuerySet["DirectoryVersion"]):
    def last_change(self) -> tuple[datetime, bool] | None:
        """When the public directory changed last, and whether only the month of it is known.

        Before any service ran, when its newest project became public.
        """
        version = self.first()
        if version is not None:
            return version.changed_at, False
        published = Project.objects.published().order_by("-published_at", "published_month_only")
        return cast(
            "tuple[datetime, bool] | None",
            published.values_list("published_at", "published_month_only").first(),
        )


class DirectoryVersion(models.Model):
    """One row: raised in the transaction of every service that changes what the public sees."""

    number = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()

    objects = DirectoryVersionQuerySet.as_manager()

    class Meta:
        verbose_name = "Stand des Verzeichnisses"
        verbose_name_plural = "Stand des Verzeichnisses"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="directory_version_is_one_row")
        ]

    def __str__(self) -> str:
        return str(self.number)


class ChangeKind(models.TextChoices):
    """What happened to an entry of the directory."""

    NEW = "new", "neu"
    CHANGED = "changed", "geändert"
    WITHDRAWN = "withdrawn", "zurückgezogen"


class ChangeSubject(models.TextChoices):
    """What of an entry was changed; never what it said."""

    PROJECT = "project", "Angaben zum Projekt"
    CONTACT = "contact", "Kontakt"
    DOCUMENTS = "documents", "Strategie und Beschlüsse"
    ROUND = "round", "Angaben zur Förderrunde"


class DirectoryChange(models.Model):
    """One line of what changed in the public directory, written with the change itself.

    It holds no text of the entry: what is withdrawn later is then gone from here as well.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="changes", null=True, blank=True
    )
    kind = models.CharField("Art", max_length=10, choices=ChangeKind)
    subject = models.CharField("was", max_length=10, choices=ChangeSubject, blank=True)
    at = models.DateTimeField("am")
    version = models.PositiveBigIntegerField("Stand des Verzeichnisses", default=0)

    class Meta:
        verbose_name = "Änderung im Verzeichnis"
        verbose_name_plural = "Änderungen im Verzeichnis"
        ordering: ClassVar = ["-at", "-version", "pk"]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-version"], name="directory_change_newest_first")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.at:%d.%m.%Y})"

    @property
    def is_known_by_month(self) -> bool:
        """Whether it is how an entry came in of which only the month is known."""
        return (
            self.kind == ChangeKind.NEW
            and self.project is not None
            and self.project.published_month_only
            and self.at == self.project.published_at
        )
