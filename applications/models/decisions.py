"""Decisions with four eyes: who wrote cannot sign, and the database says so."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from applications.models.application import Application


class DecisionKind(models.TextChoices):
    GRANT = "grant", "Bewilligung"
    REJECTION = "rejection", "Ablehnung"


class DecisionState(models.TextChoices):
    PROPOSED = "proposed", "vorgeschlagen"
    RETURNED = "returned", "zurückgegeben"
    DROPPED = "dropped", "hinfällig"
    SIGNED = "signed", "schlussgezeichnet"


class Decision(models.Model):
    """A proposal and, once signed by a second person, the decision."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="decisions")
    number = models.PositiveSmallIntegerField("Nummer")
    kind = models.CharField("Art", max_length=20, choices=DecisionKind)
    state = models.CharField(
        "Stand", max_length=20, choices=DecisionState, default=DecisionState.PROPOSED
    )
    requested = models.DecimalField("beantragt", max_digits=10, decimal_places=2)
    amount = models.DecimalField(
        "Zuwendung", max_digits=10, decimal_places=2, null=True, blank=True
    )
    eligible_costs = models.DecimalField(
        "zuwendungsfähige Gesamtausgaben", max_digits=10, decimal_places=2, null=True, blank=True
    )
    starts_on = models.DateField("Beginn des Bewilligungszeitraums", null=True, blank=True)
    ends_on = models.DateField("Ende des Bewilligungszeitraums", null=True, blank=True)
    reasons = models.TextField("Begründung")
    reduction_reasons = models.TextField("Begründung der Kürzung", blank=True)
    special_conditions = models.TextField("besondere Nebenbestimmungen", blank=True)
    proposed_at = models.DateTimeField("vorgeschlagen am")
    settled_at = models.DateTimeField("abgeschlossen am", null=True, blank=True)
    return_reason = models.TextField("Grund der Rückgabe", blank=True)

    class Meta:
        verbose_name = "Entscheidung"
        verbose_name_plural = "Entscheidungen"
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "number"], name="decision_number_once"),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(state=DecisionState.PROPOSED),
                name="decision_one_proposal_at_a_time",
                violation_error_message="Es liegt schon ein Vorschlag vor.",
            ),
            models.CheckConstraint(
                condition=Q(kind=DecisionKind.REJECTION, amount__isnull=True)
                | Q(
                    kind=DecisionKind.GRANT,
                    amount__gt=0,
                    amount__lte=F("requested"),
                    starts_on__isnull=False,
                    ends_on__isnull=False,
                    eligible_costs__gte=F("amount"),
                ),
                name="decision_grant_has_its_figures",
                violation_error_message=(
                    "Eine Bewilligung braucht einen Betrag bis zur beantragten Höhe, "
                    "zuwendungsfähige Ausgaben und einen Bewilligungszeitraum."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(kind=DecisionKind.GRANT)
                | Q(amount=F("requested"))
                | ~Q(reduction_reasons=""),
                name="decision_less_needs_its_reason",
                violation_error_message="Weniger als beantragt braucht eine eigene Begründung.",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True)
                | Q(ends_on__isnull=True)
                | Q(starts_on__lte=F("ends_on")),
                name="decision_period_in_order",
                violation_error_message="Der Beginn muss vor dem Ende liegen.",
            ),
            models.CheckConstraint(
                condition=(Q(state=DecisionState.PROPOSED) & Q(settled_at__isnull=True))
                | (~Q(state=DecisionState.PROPOSED) & Q(settled_at__isnull=False)),
                name="decision_settled_has_its_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number} ({self.get_state_display()})"

    @property
    def is_partial(self) -> bool:
        """Whether less is granted than was asked for."""
        return self.kind == DecisionKind.GRANT and self.amount != self.requested


class DecisionYear(models.Model):
    """What is granted in a Haushaltsjahr, in euro."""

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="years")
    year = models.PositiveSmallIntegerField("Haushaltsjahr")
    amount = models.DecimalField("Betrag", max_digits=10, decimal_places=2)

    class Meta:
        verbose_name = "Betrag im Haushaltsjahr"
        verbose_name_plural = "Beträge nach Haushaltsjahr"
        ordering: ClassVar = ["year"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["decision", "year"], name="decision_year_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="decision_year_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.year}: {self.amount}"


class HandRole(models.TextChoices):
    WROTE = "wrote", "hat geschrieben"
    SIGNED = "signed", "hat schlussgezeichnet"


class DecisionHand(models.Model):
    """Who had a hand in a decision. One row per person: whoever wrote cannot sign."""

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="hands")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    role = models.CharField("Rolle", max_length=10, choices=HandRole)
    at = models.DateTimeField("am")

    class Meta:
        verbose_name = "Mitwirkung"
        verbose_name_plural = "Mitwirkungen"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["decision", "user"],
                name="decision_four_eyes",
                violation_error_message=(
                    "Wer an der Entscheidung mitgeschrieben hat, kann sie nicht zeichnen."
                ),
            ),
            models.UniqueConstraint(
                fields=["decision"],
                condition=Q(role=HandRole.SIGNED),
                name="decision_signed_once",
                violation_error_message="Die Entscheidung ist schon gezeichnet.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"
