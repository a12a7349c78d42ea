"""Who stands in for whom at the desk (Vertretung), from one day to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from datetime import date


class DeputyQuerySet(models.QuerySet["Deputy"]):
    def in_force(self, on: date) -> DeputyQuerySet:
        """Those that count on that day."""
        return self.filter(ended_at__isnull=True, from_on__lte=on, to_on__gte=on)


class Deputy(models.Model):
    """A reviewer whose list another person sees and works on while they are away.

    It gives nobody a right their role does not have, and four eyes still counts persons.
    """

    absent = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="abwesend"
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="Vertretung"
    )
    from_on = models.DateField("von")
    to_on = models.DateField("bis")
    named_at = models.DateTimeField("eingetragen am")
    named_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    ended_at = models.DateTimeField("beendet am", null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = DeputyQuerySet.as_manager()

    class Meta:
        verbose_name = "Vertretung"
        verbose_name_plural = "Vertretungen"
        ordering: ClassVar = ["from_on", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(from_on__lte=F("to_on")),
                name="deputy_days_in_order",
                violation_error_message="Die Vertretung endet vor ihrem Beginn.",
            ),
            models.CheckConstraint(
                condition=~Q(absent=F("deputy")),
                name="deputy_is_somebody_else",
                violation_error_message="Niemand vertritt sich selbst.",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="deputy_ended_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deputy} für {self.absent}, {self.from_on:%d.%m.%Y} bis {self.to_on:%d.%m.%Y}"
