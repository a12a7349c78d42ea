"""The repeatable rows of an application; each keeps its id through every snapshot."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from applications.models.application import Application
from applications.rules import CoverKind, ExpenseCategory
from municipalities.models import Municipality


class Part(models.Model):
    """A repeatable row of an application; its id stays the same through every snapshot."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
        ordering: ClassVar = ["position", "id"]


class ParticipationFormat(Part):
    """One way in which residents take part."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="formats")
    name = models.CharField("Format", max_length=200, blank=True)
    reaches = models.CharField("Wen es erreicht", max_length=300, blank=True)
    when = models.CharField("Wann", max_length=100, blank=True)
    how_many = models.CharField("Wie viele", max_length=100, blank=True)
    barriers = models.CharField("Wie Hürden gesenkt werden", max_length=500, blank=True)

    class Meta(Part.Meta):
        verbose_name = "Beteiligungsformat"
        verbose_name_plural = "Beteiligungsformate"

    def __str__(self) -> str:
        return self.name


class Milestone(Part):
    """One step of the schedule."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="milestones")
    text = models.CharField("Arbeitsschritt", max_length=300, blank=True)
    due_on = models.DateField("bis", null=True, blank=True)

    class Meta(Part.Meta):
        verbose_name = "Arbeitsschritt"
        verbose_name_plural = "Arbeitsschritte"

    def __str__(self) -> str:
        return self.text


class Adoption(Part):
    """When a member's Gemeindevertretung/Stadtverordnetenversammlung is to adopt the strategy."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="adoptions")
    municipality = models.ForeignKey(Municipality, models.PROTECT, related_name="+")
    body = models.CharField("Gremium", max_length=200, blank=True)
    planned_on = models.DateField("geplanter Beschluss", null=True, blank=True)

    class Meta(Part.Meta):
        verbose_name = "geplanter Beschluss"
        verbose_name_plural = "geplante Beschlüsse"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "municipality"], name="adoption_once_per_member"
            )
        ]

    def __str__(self) -> str:
        return f"{self.municipality}: {self.planned_on or 'offen'}"


class Expense(Part):
    """One Ausgabe of the Finanzierungsplan in a Haushaltsjahr; amounts in euro."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="expenses")
    year = models.PositiveSmallIntegerField("Haushaltsjahr")
    category = models.CharField(
        "Ausgabenart",
        max_length=20,
        choices=[(category.value, category.label) for category in ExpenseCategory],
    )
    text = models.CharField("Erläuterung", max_length=300, blank=True)
    amount = models.DecimalField("Betrag", max_digits=10, decimal_places=2, null=True, blank=True)
    eligible = models.BooleanField("zuwendungsfähig", default=True)

    class Meta(Part.Meta):
        verbose_name = "Ausgabe"
        verbose_name_plural = "Ausgaben"

    def __str__(self) -> str:
        return f"{self.year} {self.get_category_display()}"


class CoverItem(Part):
    """One Deckung of the Finanzierungsplan in a Haushaltsjahr; amounts in euro."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="cover")
    year = models.PositiveSmallIntegerField("Haushaltsjahr")
    kind = models.CharField(
        "Deckung", max_length=20, choices=[(kind.value, kind.label) for kind in CoverKind]
    )
    text = models.CharField("Erläuterung", max_length=300, blank=True)
    municipality = models.ForeignKey(
        Municipality, models.PROTECT, null=True, blank=True, related_name="+"
    )
    amount = models.DecimalField("Betrag", max_digits=10, decimal_places=2, null=True, blank=True)

    class Meta(Part.Meta):
        verbose_name = "Deckung"
        verbose_name_plural = "Deckung"

    def __str__(self) -> str:
        return f"{self.year} {self.get_kind_display()}"
