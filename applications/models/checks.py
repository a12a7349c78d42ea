"""What reviewers check: the checklist of a call; what was found, decided, asked in a case."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from applications.models.application import Application
from applications.models.calls import FundingCall
from applications.models.records import Snapshot


class CheckKind(models.TextChoices):
    """What a line of a checklist is."""

    CHECK = "check", "Prüfpunkt"
    CRITERION = "criterion", "Kriterium"


class CheckItem(models.Model):
    """A line of a call's checklist. `findings` are the codes by which the portal checks it."""

    call = models.ForeignKey(FundingCall, models.CASCADE, related_name="check_items")
    kind = models.CharField("Art", max_length=10, choices=CheckKind, default=CheckKind.CHECK)
    position = models.PositiveSmallIntegerField("Reihenfolge", default=0)
    text = models.CharField("Was zu prüfen ist", max_length=300)
    source = models.CharField("Grundlage", max_length=200, blank=True)
    findings = models.CharField(
        "Prüfhinweise des Portals",
        max_length=500,
        blank=True,
        help_text="Kennungen, durch Leerzeichen getrennt; leer: das Portal prüft das nicht.",
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = "Zeile der Prüfliste"
        verbose_name_plural = "Prüfliste"
        ordering: ClassVar = ["kind", "position", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call", "text"],
                name="check_item_once_per_call",
                violation_error_message="Das steht schon in der Prüfliste.",
            ),
            models.CheckConstraint(
                condition=Q(kind=CheckKind.CHECK) | Q(findings=""),
                name="check_item_criterion_is_for_people",
                violation_error_message="Ein Kriterium beurteilt ein Mensch, kein Prüfhinweis.",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def codes(self) -> frozenset[str]:
        """The codes of the findings that answer it."""
        return frozenset(self.findings.split())


class Verdict(models.TextChoices):
    """What a check came to."""

    MET = "met", "erfüllt"
    NOT_MET = "not_met", "nicht erfüllt"
    NOT_RELEVANT = "not_relevant", "trifft nicht zu"


class CheckResult(models.Model):
    """What a reviewer found for a line of the checklist, beside what the portal had found.

    `snapshot` is the version that was looked at. A criterion has an assessment and no verdict.
    """

    application = models.ForeignKey(Application, models.CASCADE, related_name="check_results")
    item = models.ForeignKey(CheckItem, models.PROTECT, related_name="results")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="+")
    machine = models.CharField("Befund des Portals", max_length=15, choices=Verdict, blank=True)
    machine_text = models.TextField("Befund des Portals in Worten", blank=True)
    verdict = models.CharField("Ergebnis", max_length=15, choices=Verdict, blank=True)
    text = models.TextField("Begründung oder Einschätzung", blank=True)
    at = models.DateTimeField("am")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "Prüfergebnis"
        verbose_name_plural = "Prüfergebnisse"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "item"], name="check_result_once"),
            models.CheckConstraint(
                condition=Q(machine="") | Q(verdict=F("machine")) | ~Q(text=""),
                name="check_result_overruled_with_a_reason",
                violation_error_message="Wer vom Befund des Portals abweicht, begründet es.",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="") | ~Q(text=""),
                name="check_result_says_something",
                violation_error_message="Ein Prüfergebnis braucht ein Ergebnis oder einen Text.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.get_verdict_display() or self.text}"

    @property
    def overrules(self) -> bool:
        """Whether a person came to something else than the portal."""
        return bool(self.machine) and self.machine != self.verdict


class ExpenseRuling(models.Model):
    """How much of a line of Ausgaben is zuwendungsfähig, in euro. `row` is the line's stable id."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="expense_rulings")
    row = models.UUIDField("Zeile")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="+")
    claimed = models.DecimalField("Betrag", max_digits=10, decimal_places=2)
    allowed = models.DecimalField("zuwendungsfähig", max_digits=10, decimal_places=2)
    reason = models.CharField("Begründung", max_length=500, blank=True)
    at = models.DateTimeField("am")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "Entscheidung über eine Ausgabe"
        verbose_name_plural = "Entscheidungen über Ausgaben"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "row"], name="expense_ruling_once"),
            models.CheckConstraint(
                condition=Q(allowed__gte=0, allowed__lte=F("claimed")),
                name="expense_ruling_within_the_line",
                violation_error_message="Zuwendungsfähig ist höchstens der Betrag der Zeile.",
            ),
            models.CheckConstraint(
                condition=Q(allowed=F("claimed")) | ~Q(reason=""),
                name="expense_ruling_cut_with_a_reason",
                violation_error_message="Eine Kürzung braucht eine Begründung.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.row}: {self.allowed}"


class Body(models.TextChoices):
    """Who takes part in the check (Beteiligung)."""

    MINISTRY = "ministry", "Ministerium"
    JURY = "jury", "Jury"
    SUPERVISION = "supervision", "Kommunalaufsicht"


def opinion_path(opinion: Opinion, filename: str) -> str:
    """Where the document of an opinion lies: never below a name that somebody typed."""
    return f"beteiligung/{opinion.id}"


class Opinion(models.Model):
    """A Beteiligung: whom the authority asked, when, and what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="opinions")
    body = models.CharField("Beteiligte Stelle", max_length=15, choices=Body)
    asked_on = models.DateField("gefragt am")
    question = models.TextField("Frage", blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    answered_on = models.DateField("geantwortet am", null=True, blank=True)
    result = models.TextField("Ergebnis", blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    file = models.FileField("Dokument", upload_to=opinion_path, blank=True)
    name = models.CharField("Dateiname", max_length=300, blank=True)
    content_type = models.CharField("Dateityp", max_length=100, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)

    class Meta:
        verbose_name = "Beteiligung"
        verbose_name_plural = "Beteiligungen"
        ordering: ClassVar = ["asked_on", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(answered_on__isnull=True, answered_by__isnull=True, result="")
                | (Q(answered_on__gte=F("asked_on"), answered_by__isnull=False) & ~Q(result="")),
                name="opinion_answered_with_its_result",
                violation_error_message="Eine Antwort hat Tag und Ergebnis, nicht vor der Frage.",
            ),
            models.CheckConstraint(
                condition=Q(file="", name="", content_type="", sha256="")
                | (Q(answered_on__isnull=False) & ~Q(file="") & ~Q(sha256="")),
                name="opinion_document_with_its_answer",
                violation_error_message="Ein Dokument gehört zu einer Antwort.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_body_display()}, gefragt am {self.asked_on:%d.%m.%Y}"
