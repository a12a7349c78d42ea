"""Whom to ask about a project. Personal data: never in an open-data file."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date

from django.db import models
from django.db.models import Case, F, Q, Value, When
from simple_history.models import HistoricalRecords

from projects.models.records import Project


class ContactQuerySet(models.QuerySet["Contact"]):
    def shown(self) -> ContactQuerySet:
        """Contacts that nobody has hidden."""
        return self.filter(hidden=False)

    def shown_on(self, day: date) -> ContactQuerySet:
        """Contacts the project's page may show that day: neither hidden nor expired.

        `person_shown` is the person they name that day, empty once their consent is over.
        """
        still = Q(person_until__isnull=True) | Q(person_until__gte=day)
        return (
            self.shown()
            .filter(Q(expires_on__isnull=True) | Q(expires_on__gte=day))
            .annotate(person_shown=Case(When(still, then=F("person")), default=Value("")))
        )

    def of(self, projects: Iterable[Project]) -> ContactQuerySet:
        """Contacts of these projects."""
        return self.filter(project__in=[project.pk for project in projects])


def _nonce() -> str:
    return secrets.token_urlsafe(18)


class Contact(models.Model):
    """Whom to ask about a project. Personal data: never in an open-data file."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="contact")
    person = models.CharField("Person", max_length=200, blank=True)
    email = models.CharField("E-Mail (wie angegeben)", max_length=254, blank=True)
    phone = models.CharField("Telefon (wie angegeben)", max_length=50, blank=True)
    phone_e164 = models.CharField("Telefon (international)", max_length=20, blank=True)
    basis = models.CharField(
        "Grundlage", max_length=200, help_text="etwa „Programmseite“ oder „Einwilligung vom …“"
    )
    confirmed_on = models.DateField("zuletzt bestätigt")
    expires_on = models.DateField(
        "gezeigt bis",
        null=True,
        blank=True,
        help_text="Letzter Tag, an dem der Kontakt öffentlich steht; leer: ohne Ende.",
    )
    person_until = models.DateField(
        "Person gezeigt bis",
        null=True,
        blank=True,
        help_text="Letzter Tag ihrer Einwilligung; leer: so lange wie der Kontakt.",
    )
    hidden = models.BooleanField("ausgeblendet", default=False)
    asked_on = models.DateField("um Bestätigung gebeten am", null=True, blank=True, editable=False)
    nonce = models.CharField(max_length=30, default=_nonce, editable=False)
    wish = models.TextField("Änderungswunsch", max_length=2_000, blank=True, editable=False)
    history = HistoricalRecords(cascade_delete_history=True)  # who is erased is erased there too

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = "Kontakt"
        verbose_name_plural = "Kontakte"

    def __str__(self) -> str:
        return self.person or self.email or str(self.project)

    def forget_persons_before(self) -> None:
        """Take out of its earlier versions, if it has any, whoever they name other than now."""
        if self.pk:
            others = type(self).history.filter(id=self.pk).exclude(person=self.person)
            others.update(person="", person_until=None)

    @property
    def next_change(self) -> date | None:
        """The last day on which it stands there as it does now; None where none is set."""
        ends = [day for day in (self.expires_on, self.person_until if self.person else None) if day]
        return min(ends, default=None)
