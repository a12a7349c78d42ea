"""Decisions with four eyes: who wrote cannot sign, and the database says so."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from applications.models.application import Application


class DecisionKind(models.TextChoices):
    """What a version of the decision does; the last three change one that was signed before."""

    GRANT = "grant", "Bewilligung"
    REJECTION = "rejection", "Ablehnung"
    CORRECTION = "correction", "Berichtigung (§ 42 HVwVfG)"
    AMENDMENT = "amendment", "Änderung"
    REVOCATION = "revocation", "Aufhebung (§§ 48 bis 49a HVwVfG)"


FIRST_KINDS = (DecisionKind.GRANT, DecisionKind.REJECTION)
"""What a first notice can be."""

CHANGE_KINDS = (DecisionKind.CORRECTION, DecisionKind.AMENDMENT, DecisionKind.REVOCATION)
"""What can follow a grant."""


class RevocationBasis(models.TextChoices):
    WITHDRAWN = "48", "Rücknahme (§ 48 HVwVfG)"
    REVOKED = "49", "Widerruf (§ 49 HVwVfG)"


class DecisionState(models.TextChoices):
    PROPOSED = "proposed", "vorgeschlagen"
    RETURNED = "returned", "zurückgegeben"
    DROPPED = "dropped", "hinfällig"
    SIGNED = "signed", "schlussgezeichnet"


def elsewhere_path(decision: Decision, filename: str) -> str:
    """Where a letter made elsewhere lies: never below a name that somebody typed."""
    return f"schreiben/vorgelegt/{uuid.uuid4()}.pdf"


class Decision(models.Model):
    """A proposal and, once signed by a second person, the decision.

    `draft` holds the composed letter as plain values and `draft_sha256` its seal: writer and
    signer stand behind the very same text. A letter made elsewhere is an uploaded PDF with the
    list of required parts that a person ticked.
    """

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

    # Versions: what a change changes, and on which ground.
    previous = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ändert"
    )
    basis = models.CharField(
        "Rechtsgrund der Aufhebung", max_length=5, choices=RevocationBasis, blank=True
    )
    purpose = models.TextField("geänderter Zuwendungszweck", blank=True)

    # The letter before it is signed.
    draft: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        "Entwurf des Schreibens", default=dict
    )
    draft_sha256 = models.CharField("Prüfwert des Entwurfs", max_length=64, blank=True)
    edits: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(
        "von Hand geänderte Teile", default=dict, blank=True
    )
    elsewhere_file = models.FileField(
        "außerhalb erstelltes Schreiben", upload_to=elsewhere_path, blank=True
    )
    elsewhere_sha256 = models.CharField("SHA-256 der Datei", max_length=64, blank=True)
    elsewhere_dated_on = models.DateField("Datum des Schreibens", null=True, blank=True)
    elsewhere_parts: models.JSONField[list[str], list[str]] = models.JSONField(
        "bestätigte Teile", default=list, blank=True
    )

    # A correction by the signer goes back to the writer.
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    corrected_at = models.DateTimeField("korrigiert am", null=True, blank=True)
    agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    agreed_at = models.DateTimeField("einverstanden am", null=True, blank=True)

    # Before a rejection people are heard; without it there is a reason.
    hearing = models.ForeignKey(
        "applications.Hearing",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
        verbose_name="Anhörung",
    )
    hearing_skipped = models.TextField("Grund, von der Anhörung abzusehen", blank=True)

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
                condition=Q(
                    kind__in=[DecisionKind.REJECTION, DecisionKind.CORRECTION],
                    amount__isnull=True,
                )
                | Q(kind=DecisionKind.REVOCATION, amount__gte=0, amount__lte=F("requested"))
                | Q(
                    kind__in=[
                        DecisionKind.GRANT,
                        DecisionKind.CORRECTION,
                        DecisionKind.AMENDMENT,
                    ],
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
            models.CheckConstraint(
                condition=(Q(elsewhere_file="", elsewhere_sha256=""))
                | (
                    ~Q(elsewhere_file="")
                    & ~Q(elsewhere_sha256="")
                    & Q(elsewhere_dated_on__isnull=False)
                ),
                name="decision_elsewhere_is_whole",
                violation_error_message=(
                    "Ein außerhalb erstelltes Schreiben braucht seine Datei und sein Datum."
                ),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=FIRST_KINDS, previous__isnull=True)
                | (~Q(kind__in=FIRST_KINDS) & Q(previous__isnull=False)),
                name="decision_change_names_what_it_changes",
                violation_error_message="Eine Änderung nennt den Bescheid, den sie ändert.",
            ),
            models.CheckConstraint(
                condition=(Q(kind=DecisionKind.REVOCATION) & ~Q(basis=""))
                | (~Q(kind=DecisionKind.REVOCATION) & Q(basis="")),
                name="decision_revocation_has_its_basis",
                violation_error_message="Eine Aufhebung nennt ihren Rechtsgrund.",
            ),
            models.CheckConstraint(
                condition=~Q(kind=DecisionKind.REVOCATION) | Q(hearing__isnull=False),
                name="decision_revocation_was_heard",
                violation_error_message="Vor einer Aufhebung wird immer angehört.",
            ),
            models.CheckConstraint(
                condition=Q(corrected_at__isnull=True, corrected_by__isnull=True)
                | Q(corrected_at__isnull=False, corrected_by__isnull=False),
                name="decision_correction_has_its_person",
            ),
            models.CheckConstraint(
                condition=Q(agreed_at__isnull=True, agreed_by__isnull=True)
                | Q(
                    agreed_at__isnull=False,
                    agreed_by__isnull=False,
                    corrected_at__isnull=False,
                ),
                name="decision_agreed_to_a_correction",
            ),
            models.CheckConstraint(
                condition=Q(agreed_by__isnull=True) | ~Q(agreed_by=F("corrected_by")),
                name="decision_agreed_by_somebody_else",
                violation_error_message=(
                    "Mit einer Korrektur erklärt sich jemand anderes einverstanden."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(state=DecisionState.SIGNED)
                | Q(corrected_at__isnull=True)
                | Q(agreed_at__isnull=False),
                name="decision_correction_agreed_before_signature",
                violation_error_message=(
                    "Mit der Korrektur ist noch niemand einverstanden, der mitgeschrieben hat."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number} ({self.get_state_display()})"

    @property
    def is_partial(self) -> bool:
        """Whether less is granted than was asked for."""
        return self.kind == DecisionKind.GRANT and self.amount != self.requested

    @property
    def made_elsewhere(self) -> bool:
        """Whether its letter is an uploaded PDF and not composed here."""
        return bool(self.elsewhere_file)

    @property
    def awaits_consent(self) -> bool:
        """Whether the signer corrected it and nobody who wrote has agreed yet."""
        return self.corrected_at is not None and self.agreed_at is None


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


class PlanSide(models.TextChoices):
    EXPENSE = "expense", "Ausgabe"
    COVER = "cover", "Deckung"


class DecisionPlanLine(models.Model):
    """A line of the binding Finanzierungsplan as decided, in euro; stored with the decision."""

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="plan")
    side = models.CharField("Seite", max_length=10, choices=PlanSide)
    kind = models.CharField("Art", max_length=20)
    ags = models.CharField("Kommune (AGS)", max_length=8, blank=True)
    year = models.PositiveSmallIntegerField("Haushaltsjahr")
    amount = models.DecimalField("Betrag", max_digits=10, decimal_places=2)

    class Meta:
        verbose_name = "Zeile des verbindlichen Finanzierungsplans"
        verbose_name_plural = "verbindlicher Finanzierungsplan"
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["decision", "side", "kind", "ags", "year"], name="decision_plan_line_once"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="decision_plan_line_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.kind}: {self.amount}"


class HandRole(models.TextChoices):
    WROTE = "wrote", "hat geschrieben"
    COUNTERSIGNED = "countersigned", "hat mitgezeichnet"
    SIGNED = "signed", "hat schlussgezeichnet"


class DecisionHand(models.Model):
    """Who had a hand in a decision. One row per person: whoever wrote cannot sign."""

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="hands")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    role = models.CharField("Rolle", max_length=20, choices=HandRole)
    at = models.DateTimeField("am")
    # What a signature refers to: the seal of the letter that was on the page.
    sha256 = models.CharField("Prüfwert des Gelesenen", max_length=64, blank=True)

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


class HearingSubject(models.TextChoices):
    REJECTION = "rejection", "beabsichtigte Ablehnung"
    REVOCATION = "revocation", "beabsichtigte Aufhebung"


class Hearing(models.Model):
    """An Anhörung (§ 28 HVwVfG): what is intended, until when the municipality may answer."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="hearings")
    number = models.PositiveSmallIntegerField("Nummer")
    subject = models.CharField("Anlass", max_length=20, choices=HearingSubject)
    text = models.TextField("was beabsichtigt ist und warum")
    due_on = models.DateField("Termin für die Äußerung")
    begun_at = models.DateTimeField("begonnen am")
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    closed_at = models.DateTimeField("beendet am", null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_on = models.DateField("Äußerung eingegangen am", null=True, blank=True)
    answer = models.TextField("Äußerung der Kommune", blank=True)

    class Meta:
        verbose_name = "Anhörung"
        verbose_name_plural = "Anhörungen"
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "number"], name="hearing_number_once"),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(closed_at__isnull=True),
                name="hearing_one_open",
                violation_error_message="Es läuft schon eine Anhörung.",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="hearing_closed_has_its_person",
            ),
            models.CheckConstraint(
                condition=Q(answered_on__isnull=True, answer="")
                | (Q(answered_on__isnull=False, closed_at__isnull=False) & ~Q(answer="")),
                name="hearing_answer_has_its_day",
                violation_error_message="Eine Äußerung hat ihren Text und ihren Tag.",
            ),
        ]

    def __str__(self) -> str:
        return f"Anhörung {self.number} ({self.get_subject_display()})"
