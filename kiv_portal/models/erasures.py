"""What was erased when: the ledger a restored backup is held to, and the report of each run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from django.db import models

if TYPE_CHECKING:
    from datetime import datetime


class ErasureManager(models.Manager["Erasure"]):
    def note(
        self, record: models.Model, *, proof: str, rule: str, at: datetime, files: list[str]
    ) -> Erasure:
        """Enter an erasure, in its transaction; a second one of the same record changes nothing.

        `proof` tells the record from another that gets its number after a restore.
        """
        row, _ = self.get_or_create(
            subject=f"{record._meta.label}:{record.pk}",
            proof=proof,
            defaults={"rule": rule, "at": at, "files": files},
        )
        return row


class Erasure(models.Model):
    """One erasure: what kind of record with which number, by which rule, and its files.

    Holds no name and no content. A copy stands outside the database
    (`settings.ERASURE_LEDGER`), where no restored backup undoes it.
    """

    subject = models.CharField("was", max_length=100)
    proof = models.CharField("Kennung", max_length=64)
    rule = models.CharField("Regel", max_length=40)
    at = models.DateTimeField("gelöscht am")
    files: models.JSONField[list[str], list[str]] = models.JSONField(
        "Dateien", default=list, blank=True
    )
    copied = models.BooleanField("außerhalb der Datenbank vermerkt", default=False)

    objects = ErasureManager()

    class Meta:
        verbose_name = "Löschung"
        verbose_name_plural = "Löschungen"
        ordering: ClassVar = ["-at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subject", "proof"], name="erasure_once")
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.at:%d.%m.%Y})"

    def line(self) -> str:
        """The erasure as it stands outside the database."""
        values = {
            "subject": self.subject,
            "proof": self.proof,
            "rule": self.rule,
            "at": self.at.isoformat(),
            "files": self.files,
        }
        return json.dumps(values, ensure_ascii=False, sort_keys=True)


class LedgerMark(models.Model):
    """Which ledger belongs to this database, and how far it was written; one row once begun."""

    token = models.CharField("Kennung", max_length=32)
    size = models.PositiveBigIntegerField("Länge in Byte")

    class Meta:
        verbose_name = "Stand des Löschverzeichnisses"
        verbose_name_plural = "Stand des Löschverzeichnisses"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(pk=1), name="ledger_mark_is_one_row")
        ]

    def __str__(self) -> str:
        return self.token


class ErasureRun(models.Model):
    """The report of one run: how many of what, and in words."""

    at = models.DateTimeField("am")
    counts: models.JSONField[dict[str, int], dict[str, int]] = models.JSONField(
        "Anzahl je Regel", default=dict
    )
    report = models.TextField("Bericht")

    class Meta:
        verbose_name = "Löschlauf"
        verbose_name_plural = "Löschläufe"
        ordering: ClassVar = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"Löschlauf vom {self.at:%d.%m.%Y}"
