"""Funding calls: limits, amounts, dates and texts are rows; next year's call is a row too."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.formats import date_format
from simple_history.models import HistoricalRecords

from applications.rules import CallTerms, FinancingType, SignatureForm
from municipalities.eligibility import Limits
from projects.models import FundingRound


class FundingCallQuerySet(models.QuerySet["FundingCall"]):
    def open_at(self, at: datetime) -> FundingCallQuerySet:
        """Calls that take applications at that instant, the one that closes first on top."""
        return self.filter(
            Q(closes_at__isnull=True) | Q(closes_at__gt=at),
            opened_at__isnull=False,
            opens_at__lte=at,
            display_only=False,
        ).order_by(F("closes_at").asc(nulls_last=True), "pk")

    def announced(self) -> FundingCallQuerySet:
        """Calls the public may know of: opened by staff, or of an earlier round."""
        return self.filter(Q(opened_at__isnull=False) | Q(display_only=True))

    def next_change(self, at: datetime) -> datetime | None:
        """When the next of these calls opens or closes; None where nothing is to come."""
        released = self.filter(opened_at__isnull=False, display_only=False).aggregate(
            opens=models.Min("opens_at", filter=Q(opens_at__gt=at)),
            closes=models.Min("closes_at", filter=Q(closes_at__gt=at)),
        )
        return min((instant for instant in released.values() if instant), default=None)

    def with_dates(self) -> FundingCallQuerySet:
        """Opened calls, the next one to close on top: what a calendar may hold."""
        return self.filter(opened_at__isnull=False, display_only=False).order_by(
            F("closes_at").asc(nulls_last=True), "pk"
        )

    def newest_first(self) -> FundingCallQuerySet:
        """The call whose limits count while none is open stands first."""
        return self.order_by(F("opens_at").desc(nulls_last=True), "-pk")


class FundingCall(models.Model):
    """A Förderaufruf with its dated limits. Unknown values stay empty until staff fill them in."""

    title = models.CharField("Titel", max_length=200, unique=True)
    round = models.ForeignKey(
        FundingRound,
        models.PROTECT,
        related_name="calls",
        null=True,
        blank=True,
        verbose_name="Förderrunde",
        help_text="Runde, unter der bewilligte Projekte im Verzeichnis stehen.",
    )
    is_demo = models.BooleanField("nur zur Demonstration", default=False)
    display_only = models.BooleanField(
        "nur zur Anzeige", default=False, help_text="Frühere Runde; nimmt keine Anträge an."
    )
    opens_at = models.DateTimeField("Beginn", null=True, blank=True)
    closes_at = models.DateTimeField(
        "Ende", null=True, blank=True, help_text="Leer: der Aufruf ist ohne Frist."
    )
    opened_at = models.DateTimeField("freigeschaltet am", null=True, blank=True, editable=False)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="freigeschaltet von",
    )
    closing_note = models.CharField("öffentlicher Hinweis zur Frist", max_length=300, blank=True)

    guideline = models.CharField("Förderrichtlinie", max_length=300, blank=True)
    clause = models.CharField("Nummer der Richtlinie", max_length=50, blank=True)
    purpose = models.TextField("Zuwendungszweck", blank=True)

    minimum_population = models.PositiveIntegerField("Mindestzahl", null=True, blank=True)
    maximum_population = models.PositiveIntegerField("Höchstzahl", null=True, blank=True)
    population_as_of = models.DateField("Stichtag der Einwohnerzahl", null=True, blank=True)
    population_basis = models.CharField("Zensusbasis", max_length=50, blank=True)
    population_source = models.CharField("Quelle der Grenzen", max_length=200, blank=True)
    joint_allowed = models.BooleanField("Verbund zugelassen", null=True, blank=True)
    min_partners = models.PositiveSmallIntegerField("Partner mindestens", default=1)
    max_partners = models.PositiveSmallIntegerField("Partner höchstens", default=2)
    joint_minimum_sum = models.PositiveIntegerField(
        "Mindestzahl im Verbund zusammen", null=True, blank=True
    )
    joint_source = models.CharField("Quelle zum Verbund", max_length=200, blank=True)
    earlier_funding_excludes = models.BooleanField("frühere Förderung schließt aus", default=False)
    duration_min = models.PositiveSmallIntegerField(
        "Laufzeit mindestens (Monate)", null=True, blank=True
    )
    duration_max = models.PositiveSmallIntegerField(
        "Laufzeit höchstens (Monate)", null=True, blank=True
    )
    duration_source = models.CharField("Quelle zur Laufzeit", max_length=200, blank=True)
    cap = models.DecimalField(
        "Höchstbetrag in Euro", max_digits=10, decimal_places=2, null=True, blank=True
    )
    cap_source = models.CharField("Quelle zum Höchstbetrag", max_length=200, blank=True)
    rate = models.DecimalField(
        "Fördersatz (0 bis 1)", max_digits=5, decimal_places=4, null=True, blank=True
    )
    financing_type = models.CharField(
        "Finanzierungsart",
        max_length=20,
        blank=True,
        choices=[(kind.value, kind.label) for kind in FinancingType],
    )
    earliest_decision_weeks = models.PositiveSmallIntegerField(
        "Entscheidung frühestens nach Wochen", null=True, blank=True
    )
    required_documents = models.JSONField("verlangte Anlagen", default=list, blank=True)
    signature_form = models.CharField(
        "Form der Unterschrift",
        max_length=20,
        choices=[(form.value, form.label) for form in SignatureForm],
        default=SignatureForm.NONE,
        help_text="Was fehlt, steht als Hinweis beim Antrag und verhindert das Einreichen nicht.",
    )
    letters_elsewhere = models.BooleanField(
        "Schreiben entstehen außerhalb des Portals",
        default=False,
        help_text="Dann braucht der Aufruf keine Textbausteine, um freigeschaltet zu werden.",
    )
    history = HistoricalRecords()

    objects = FundingCallQuerySet.as_manager()

    class Meta:
        verbose_name = "Förderaufruf"
        verbose_name_plural = "Förderaufrufe"
        ordering: ClassVar = ["-opens_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(closes_at__isnull=True)
                | Q(opens_at__isnull=True)
                | Q(opens_at__lt=F("closes_at")),
                name="call_opens_before_it_closes",
                violation_error_message="Der Beginn muss vor dem Ende liegen.",
            ),
            models.CheckConstraint(
                condition=Q(minimum_population__isnull=True)
                | Q(maximum_population__isnull=True)
                | Q(minimum_population__lte=F("maximum_population")),
                name="call_population_limits_in_order",
                violation_error_message="Die Mindestzahl darf nicht über der Höchstzahl liegen.",
            ),
            models.CheckConstraint(
                condition=Q(duration_min__isnull=True)
                | Q(duration_max__isnull=True)
                | Q(duration_min__lte=F("duration_max")),
                name="call_duration_limits_in_order",
                violation_error_message="Die kürzeste Laufzeit liegt über der längsten.",
            ),
            models.CheckConstraint(
                condition=Q(min_partners__gte=1, min_partners__lte=F("max_partners")),
                name="call_partner_limits_in_order",
                violation_error_message="Die Zahl der Partner passt nicht zusammen.",
            ),
            models.CheckConstraint(
                condition=Q(rate__isnull=True) | Q(rate__gt=0, rate__lte=1),
                name="call_rate_is_a_share",
                violation_error_message="Der Fördersatz liegt zwischen 0 und 1, etwa 0,9.",
            ),
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True)
                | Q(
                    display_only=False,
                    opens_at__isnull=False,
                    minimum_population__isnull=False,
                    maximum_population__isnull=False,
                    joint_allowed__isnull=False,
                    duration_min__isnull=False,
                    duration_max__isnull=False,
                    cap__isnull=False,
                ),
                name="call_open_only_with_its_limits",
                violation_error_message="Ein freigeschalteter Aufruf braucht alle Grenzen.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def is_open(self, at: datetime) -> bool:
        """Whether it takes applications at that instant."""
        return (
            self.opened_at is not None
            and not self.display_only
            and self.opens_at is not None
            and self.opens_at <= at
            and not self.is_over(at)
        )

    def is_over(self, at: datetime) -> bool:
        """Whether its closing instant has come."""
        return self.closes_at is not None and at >= self.closes_at

    def until(self) -> str:
        """The closing instant as people say it: midnight belongs to the day that ends.

        Empty for a call that is open-ended.
        """
        if self.closes_at is None:
            return ""
        local = timezone.localtime(self.closes_at)
        if local.time() == time(0):
            return f"{date_format(local.date() - timedelta(days=1), 'j. F Y')}, 24:00 Uhr"
        return f"{date_format(local, 'j. F Y, H:i')} Uhr"

    def limits(self) -> Limits:
        """Its limits on who may apply, as plain values for `municipalities.eligibility`."""
        given: dict[str, Any] = {
            "minimum": self.minimum_population,
            "maximum": self.maximum_population,
            "source_population": self.population_source or None,
            "source_joint": self.joint_source or None,
        }
        return Limits(
            joint_allowed=bool(self.joint_allowed),
            min_partners=self.min_partners,
            max_partners=self.max_partners,
            joint_minimum_sum=self.joint_minimum_sum,
            earlier_funding_excludes=self.earlier_funding_excludes,
            population_as_of=self.population_as_of,
            population_basis=self.population_basis,
            **{key: value for key, value in given.items() if value is not None},
        )

    def terms(self) -> CallTerms:
        """Its terms for an application, as plain values for `applications.rules`."""
        given: dict[str, Any] = {
            "source_duration": self.duration_source,
            "source_cap": self.cap_source,
        }
        return CallTerms(
            title=self.title,
            duration_min=self.duration_min,
            duration_max=self.duration_max,
            cap=Decimal(self.cap) if self.cap is not None else None,
            rate=Decimal(self.rate) if self.rate is not None else None,
            financing_type=self.financing_type,
            closes_at=self.closes_at,
            earliest_decision_weeks=self.earliest_decision_weeks,
            required_documents=tuple(self.required_documents),
            signature_form=self.signature_form,
            **{key: value for key, value in given.items() if value},
        )


class CallBudget(models.Model):
    """What a call may spend in a Haushaltsjahr, in euro. Empty: not entered, never nought."""

    call = models.ForeignKey(FundingCall, models.CASCADE, related_name="budgets")
    year = models.PositiveSmallIntegerField("Haushaltsjahr")
    funds = models.DecimalField(
        "Haushaltsmittel", max_digits=12, decimal_places=2, null=True, blank=True
    )
    commitment = models.DecimalField(
        "Verpflichtungsermächtigung",
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="Was in früheren Jahren für dieses Haushaltsjahr bewilligt werden darf.",
    )
    source = models.CharField("Quelle", max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = "Haushaltsjahr des Aufrufs"
        verbose_name_plural = "Haushaltsjahre des Aufrufs"
        ordering: ClassVar = ["year"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call", "year"],
                name="call_budget_once_per_year",
                violation_error_message="Dieses Haushaltsjahr steht schon da.",
            ),
            models.CheckConstraint(
                condition=(Q(funds__isnull=True) | Q(funds__gte=0))
                & (Q(commitment__isnull=True) | Q(commitment__gte=0)),
                name="call_budget_not_negative",
                violation_error_message="Ein Betrag des Haushalts liegt nicht unter 0 €.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call}: {self.year}"


class NumberRange(models.Model):
    """The last Antragsnummer given in a year; its row is the last lock a submission takes."""

    year = models.PositiveSmallIntegerField("Jahr", primary_key=True)
    last = models.PositiveIntegerField("zuletzt vergeben", default=0)

    class Meta:
        verbose_name = "Nummernkreis"
        verbose_name_plural = "Nummernkreise"

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
