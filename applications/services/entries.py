"""Dated entries after a notice: from Rechtsbehelfsverzicht to the checked Verwendungsnachweis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from applications import permissions
from applications.models import Application, CaseEntry
from applications.models.delivery import EntryKind
from applications.services import log
from applications.services.drafts import NotAllowed
from applications.workflow import Status

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from municipalities.models import User

DECIDED = (Status.GRANTED, Status.REJECTED, Status.REVOKED)


class NotDecided(Exception):
    """Such entries follow a notice; there is none yet."""


class EntryIncomplete(Exception):
    """What the entry lacks, by field, in German."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


class AlreadyStruck(Exception):
    """The entry was struck before."""


def faults_of_entry(
    kind: str, on: date | None, amount: Decimal | None, court: str, today: date
) -> dict[str, str]:
    """What keeps an entry from being put on record, by field."""
    faults: dict[str, str] = {}
    if on is None:
        faults["on"] = "Bitte geben Sie den Tag an."
    elif on > today and kind != EntryKind.REPORT_DUE:
        faults["on"] = "Dieser Tag liegt in der Zukunft."
    if kind == EntryKind.PAYMENT and (amount is None or amount <= 0):
        faults["amount"] = "Bitte geben Sie den ausgezahlten Betrag an."
    if kind != EntryKind.PAYMENT and amount is not None:
        faults["amount"] = "Einen Betrag hat nur eine Auszahlung."
    if kind == EntryKind.ACTION and not court.strip():
        faults["court"] = "Bitte geben Sie das Gericht an."
    return faults


def add_entry(
    *,
    application: Application,
    kind: str,
    on: date | None,
    amount: Decimal | None = None,
    court: str = "",
    court_file: str = "",
    note: str = "",
    by: User,
    at: datetime,
) -> CaseEntry:
    """Put an entry on record. Raises EntryIncomplete, NotDecided, NotAllowed."""
    if faults := faults_of_entry(kind, on, amount, court, timezone.localdate(at)):
        raise EntryIncomplete(faults)
    assert on is not None
    with transaction.atomic():
        row = _locked(application, by)
        entry = CaseEntry.objects.create(
            application=row,
            kind=EntryKind(kind),
            on=on,
            amount=amount,
            court=court.strip() if kind == EntryKind.ACTION else "",
            court_file=court_file.strip() if kind == EntryKind.ACTION else "",
            note=note.strip(),
            at=at,
            by=by,
        )
        log.record(
            row,
            "add_entry",
            by=by,
            at=at,
            entry=entry.pk,
            kind=kind,
            on=on.isoformat(),
            amount=str(amount) if amount is not None else None,
            court=entry.court,
            court_file=entry.court_file,
            note=entry.note,
        )
    return entry


def strike_entry(*, entry: CaseEntry, reason: str, by: User, at: datetime) -> CaseEntry:
    """Strike a wrong entry; it stays readable.

    Raises AlreadyStruck, EntryIncomplete, NotAllowed.
    """
    if not reason.strip():
        raise EntryIncomplete({"reason": "Bitte geben Sie eine Begründung an."})
    with transaction.atomic():
        row = _locked(entry.application, by)
        entry = CaseEntry.objects.get(pk=entry.pk)
        if entry.struck_at is not None:
            raise AlreadyStruck
        entry.struck_at, entry.struck_by, entry.struck_reason = at, by, reason.strip()
        entry.save(update_fields=["struck_at", "struck_by", "struck_reason"])
        log.record(
            row,
            "strike_entry",
            by=by,
            at=at,
            entry=entry.pk,
            kind=entry.kind,
            reason=reason.strip(),
        )
    return entry


def _locked(application: Application, by: User) -> Application:
    row = Application.objects.select_for_update().get(pk=application.pk)
    if not permissions.may_review_application(by, row):
        raise NotAllowed
    if row.state not in DECIDED:
        raise NotDecided
    return row
