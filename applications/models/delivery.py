"""How letters are notified (Bekanntgabe), and the dated entries that follow a notice."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import CharField, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat, TruncDate

from applications.models.application import Application
from applications.models.letters import Letter
from kiv_portal.models import DeliveryWay, OutboxMail, WorkState
from municipalities.models import Municipality

NOTICE: Final = "letter_ready"
"""The mail that there is a letter to retrieve; its keys go on with the delivery's."""


class RetrievalConsent(models.Model):
    """A municipality's consent to be notified by retrieval, as it lies on file."""

    municipality = models.ForeignKey(
        Municipality, models.PROTECT, related_name="retrieval_consents", verbose_name="Kommune"
    )
    given_on = models.DateField("erteilt am")
    note = models.CharField("Fundstelle in der Akte", max_length=300)
    recorded_at = models.DateTimeField("eingetragen am")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    ended_on = models.DateField("widerrufen am", null=True, blank=True)

    class Meta:
        verbose_name = "Einwilligung in den Abruf"
        verbose_name_plural = "Einwilligungen in den Abruf"
        ordering: ClassVar = ["-given_on", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality"],
                condition=Q(ended_on__isnull=True),
                name="retrieval_consent_one_in_force",
                violation_error_message="Eine Einwilligung dieser Kommune liegt schon vor.",
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("given_on")),
                name="retrieval_consent_days_in_order",
                violation_error_message="Der Widerruf kann nicht vor der Einwilligung liegen.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.municipality}: erteilt am {self.given_on:%d.%m.%Y}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def with_notice(self) -> DeliveryQuerySet:
        """With `noticed_on`: the day the mail went out that there is a letter to retrieve.

        That of sending where no such mail has gone yet. The mail is as old as the delivery.
        """
        key = Concat(Value(f"{NOTICE}:"), Cast(OuterRef("pk"), CharField()), Value(":"))
        sent = OutboxMail.objects.filter(
            created_at=OuterRef("sent_at"), key__startswith=key, state=WorkState.DONE
        )
        first = Subquery(sent.order_by("done_at").values("done_at")[:1])
        # Read with the row it stands in the place of the property.
        day = Coalesce(TruncDate(first), F("sent_on"))
        return self.annotate(noticed_on=day)  # type: ignore[no-redef]


class Delivery(models.Model):
    """One attempt to notify a letter. A failed one stays on record; then there is a next.

    `notified_on` and `sue_until` are expectations („voraussichtlich"): what is decisive is
    decided by a court, never by the portal.
    """

    letter = models.ForeignKey(Letter, models.PROTECT, related_name="deliveries")
    number = models.PositiveSmallIntegerField("Nummer")
    way = models.CharField("Weg der Bekanntgabe", max_length=20, choices=DeliveryWay)
    sent_on = models.DateField("abgesandt am")
    sent_at = models.DateTimeField("eingetragen am")
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    consent = models.ForeignKey(
        RetrievalConsent, models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Post: the rule as it stood that day.
    post_days = models.PositiveSmallIntegerField("Tag nach der Aufgabe", null=True, blank=True)
    opened_at = models.DateTimeField("zuerst geöffnet am", null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    received_on = models.DateField("Datum des Empfangsbekenntnisses", null=True, blank=True)
    notified_on = models.DateField("voraussichtlich bekannt gegeben am", null=True, blank=True)
    sue_until = models.DateField("voraussichtliches Ende der Klagefrist", null=True, blank=True)
    failed_at = models.DateTimeField("nicht bewirkt, festgestellt am", null=True, blank=True)
    failed_reason = models.TextField("warum nicht bewirkt", blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = "Bekanntgabe"
        verbose_name_plural = "Bekanntgaben"
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["letter", "number"], name="delivery_number_once"),
            models.UniqueConstraint(
                fields=["letter"],
                condition=Q(failed_at__isnull=True),
                name="delivery_one_at_a_time",
                violation_error_message="Dieses Schreiben ist schon auf dem Weg.",
            ),
            models.CheckConstraint(
                condition=~Q(way=DeliveryWay.RETRIEVAL) | Q(consent__isnull=False),
                name="delivery_retrieval_needs_consent",
                violation_error_message=(
                    "Für die Bekanntgabe durch Abruf fehlt die Einwilligung der Kommune."
                ),
            ),
            models.CheckConstraint(
                condition=(Q(way=DeliveryWay.POST) & Q(post_days__isnull=False))
                | (~Q(way=DeliveryWay.POST) & Q(post_days__isnull=True)),
                name="delivery_post_has_its_days",
                violation_error_message="Bei Post gilt der n-te Tag nach der Aufgabe.",
            ),
            models.CheckConstraint(
                condition=Q(failed_at__isnull=True)
                | Q(notified_on__isnull=True, opened_at__isnull=True),
                name="delivery_failed_was_not_notified",
            ),
            models.CheckConstraint(
                condition=Q(received_on__isnull=True) | Q(way=DeliveryWay.RECEIPT),
                name="delivery_receipt_only_where_asked",
            ),
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True, opened_by__isnull=True)
                | Q(
                    opened_at__isnull=False,
                    opened_by__isnull=False,
                    way=DeliveryWay.RETRIEVAL,
                ),
                name="delivery_opened_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_way_display()}, abgesandt am {self.sent_on:%d.%m.%Y}"

    @cached_property
    def noticed_on(self) -> date:
        """The day of `with_notice`, asked for where the row was read without it."""
        rows = Delivery.objects.with_notice().filter(pk=self.pk)
        return rows.values_list("noticed_on", flat=True).get()


class EntryKind(models.TextChoices):
    """What is put on record after a notice."""

    WAIVER = "waiver", "Rechtsbehelfsverzicht"
    FINAL = "final", "bestandskräftig"
    ACTION = "action", "Klage erhoben"
    PAYMENT = "payment", "Auszahlung"
    REPORT_DUE = "report_due", "Verwendungsnachweis fällig"
    REPORT_RECEIVED = "report_received", "Verwendungsnachweis eingegangen"
    REPORT_CHECKED = "report_checked", "Verwendungsnachweis geprüft"


class CaseEntry(models.Model):
    """A dated entry after the notice. A wrong one is struck with a reason, never deleted."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="entries")
    kind = models.CharField("Eintrag", max_length=20, choices=EntryKind)
    on = models.DateField("Tag")
    amount = models.DecimalField("Betrag", max_digits=10, decimal_places=2, null=True, blank=True)
    court = models.CharField("Gericht", max_length=200, blank=True)
    court_file = models.CharField("Aktenzeichen des Gerichts", max_length=100, blank=True)
    note = models.CharField("Bemerkung", max_length=500, blank=True)
    at = models.DateTimeField("eingetragen am")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    struck_at = models.DateTimeField("gestrichen am", null=True, blank=True)
    struck_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    struck_reason = models.TextField("Grund der Streichung", blank=True)

    class Meta:
        verbose_name = "Eintrag nach dem Bescheid"
        verbose_name_plural = "Einträge nach dem Bescheid"
        ordering: ClassVar = ["on", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(kind=EntryKind.PAYMENT) & Q(amount__gt=0))
                | (~Q(kind=EntryKind.PAYMENT) & Q(amount__isnull=True)),
                name="case_entry_payment_has_its_amount",
                violation_error_message="Eine Auszahlung, und nur sie, hat einen Betrag.",
            ),
            models.CheckConstraint(
                condition=~Q(kind=EntryKind.ACTION) | ~Q(court=""),
                name="case_entry_action_has_its_court",
                violation_error_message="Eine Klage nennt ihr Gericht.",
            ),
            models.CheckConstraint(
                condition=Q(struck_at__isnull=True, struck_by__isnull=True, struck_reason="")
                | (Q(struck_at__isnull=False, struck_by__isnull=False) & ~Q(struck_reason="")),
                name="case_entry_struck_with_a_reason",
                violation_error_message="Eine Streichung braucht einen Grund.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.on:%d.%m.%Y})"
