"""What of a case decides on whom it waits, and what follows from that; nothing is read here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from applications.admin import waiting
from applications.models.delivery import EntryKind
from applications.models.letters import LetterKind
from applications.models.publication import EntryState
from applications.services.delivery import last_day
from applications.services.entries import DECIDED
from applications.workflow import Status
from kiv_portal.models import DeliveryWay

if TYPE_CHECKING:
    from applications.models import Application, CaseEntry, Delivery, Letter

LETTER_COUNTS: Final = (Status.INFORMATION_REQUESTED, Status.HEARING, *DECIDED, *waiting.ENDED)
"""States in which nothing goes on before a letter that lies there has gone out."""
SETTLING: Final = (EntryKind.WAIVER, EntryKind.FINAL, EntryKind.ACTION)

So = date | bool | None
"""Whether something is so, and the day it is about where it has one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a case decides on whom it waits, read before; letters with their deliveries."""

    application: Application
    due_on: date | None
    heard_on: date | None
    proposed_on: date | None
    corrected_on: date | None
    letters: Sequence[tuple[Letter, Sequence[Delivery]]]
    entries: Sequence[CaseEntry]

    def open_letters(self) -> list[tuple[Letter, Sequence[Delivery]]]:
        """Letters, less those about a hearing or request that has ended."""
        return [
            (letter, sent)
            for letter, sent in self.letters
            if not any(matter and matter.closed_at for matter in (letter.hearing, letter.request))
        ]

    def unsigned(self) -> list[Letter]:
        """Letters that go out only when a second person has signed."""
        return [
            letter
            for letter, sent in self.letters
            if letter.waits_for_signature and all(row.failed_at for row in sent)
        ]

    def lying(self) -> list[tuple[Letter, Sequence[Delivery]]]:
        """Letters on no way, signed where they must be."""
        moot = waiting.moot_in(self.application.state)
        return [
            (letter, sent)
            for letter, sent in self.open_letters()
            if all(row.failed_at for row in sent)
            and not letter.waits_for_signature
            and letter.discarded_at is None
            and letter.kind not in moot
        ]

    def under_way(self) -> list[tuple[Letter, Delivery]]:
        """The deliveries that hold of letters that count, each with its letter."""
        return [
            (letter, row)
            for letter, sent in self.open_letters()
            for row in sent
            if row.failed_at is None and letter.kind not in waiting.SLIGHT
        ]

    def unsettled(self, kind: EntryKind, by: EntryKind) -> list[date]:
        """The days of entries of a kind; each of the other settles the earliest then open."""
        days: list[date] = []
        for entry in sorted(self.entries, key=lambda entry: entry.pk):
            if entry.kind == kind:
                days.append(entry.on)
            elif entry.kind == by and days:
                days.remove(min(days))
        return days

    def periods(self) -> list[date]:
        """Ends of periods to sue of which no entry says how they ended."""
        settled = [entry.on for entry in self.entries if entry.kind in SETTLING]
        return [
            row.sue_until
            for letter, row in self.under_way()
            # A waiver may come on the day of the retrieval, a day before the notice counts.
            if letter.decision_id and row.sue_until and not any(d >= row.sent_on for d in settled)
        ]


def _earliest(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day), default=None)


def _holding_up(facts: Facts) -> list[tuple[Letter, Sequence[Delivery]]]:
    return [row for row in facts.lying() if row[0].kind not in waiting.SLIGHT]


def failed(facts: Facts, today: date) -> So:
    """When it was noted, last, that a letter did not arrive."""
    instants = [row.failed_at for _, sent in _holding_up(facts) for row in sent if row.failed_at]
    return timezone.localdate(max(instants)) if instants else None


def to_send(facts: Facts, today: date) -> So:
    """The day of the first letter that has never been sent."""
    return _earliest(letter.dated_on for letter, sent in _holding_up(facts) if not sent)


def unsigned(facts: Facts, today: date) -> So:
    """The day of the first letter that a second person has to sign."""
    return _earliest(letter.dated_on for letter in facts.unsigned())


def overdue(facts: Facts, today: date) -> So:
    """The date of an open request that is over."""
    return facts.due_on if facts.due_on and facts.due_on < today else None


def heard(facts: Facts, today: date) -> So:
    """Until when the municipality could answer a hearing, once that is over."""
    return facts.heard_on if facts.heard_on and facts.heard_on < today else None


def receipt(facts: Facts, today: date) -> So:
    """When the first letter was sent whose Empfangsbekenntnis is not back."""
    return _earliest(
        row.sent_on
        for _, row in facts.under_way()
        if row.way == DeliveryWay.RECEIPT and row.received_on is None
    )


def retrieval(facts: Facts, today: date) -> So:
    """Until when the first letter has to be opened."""
    return _earliest(
        last_day(row)
        for _, row in facts.under_way()
        if row.way == DeliveryWay.RETRIEVAL and row.opened_at is None
    )


def posted(facts: Facts, today: date) -> So:
    """When the next letter by post counts as notified."""
    return _earliest(
        row.notified_on
        for _, row in facts.under_way()
        if row.way == DeliveryWay.POST and row.notified_on and row.notified_on > today
    )


def unpublished(facts: Facts, today: date) -> So:
    """Whether the grant is known to the municipality, and not to the public."""
    case = facts.application
    if case.consents_publication is False:
        return None
    told = any(
        row.notified_on and (row.opened_at or row.notified_on <= today)
        for letter, row in facts.under_way()
        if letter.kind == LetterKind.GRANT
    )
    return told and (case.project is None or case.project.published_at is None)


def to_check(facts: Facts, today: date) -> So:
    """When the first Verwendungsnachweis came in that is not checked."""
    return _earliest(facts.unsettled(EntryKind.REPORT_RECEIVED, EntryKind.REPORT_CHECKED))


def report(facts: Facts, today: date) -> So:
    """When the next Verwendungsnachweis is due."""
    return _earliest(facts.unsettled(EntryKind.REPORT_DUE, EntryKind.REPORT_RECEIVED))


def report_late(facts: Facts, today: date) -> So:
    """The same, once it is late."""
    due = facts.unsettled(EntryKind.REPORT_DUE, EntryKind.REPORT_RECEIVED)
    return _earliest(day for day in due if day < today)


def period(facts: Facts, today: date) -> So:
    """When the first period to sue ends of which nothing is entered."""
    return _earliest(facts.periods())


def period_over(facts: Facts, today: date) -> So:
    """The same, once it is over."""
    return _earliest(day for day in facts.periods() if day < today)


def action(facts: Facts, today: date) -> So:
    """When the first Klage was brought after which nothing is bestandskräftig."""
    final = [entry.on for entry in facts.entries if entry.kind == EntryKind.FINAL]
    brought = [entry.on for entry in facts.entries if entry.kind == EntryKind.ACTION]
    return _earliest(day for day in brought if all(end < day for end in final))


def asked(facts: Facts, today: date) -> So:
    """Until when the municipality may answer to its public entry."""
    entry, project = getattr(facts.application, "public_entry", None), facts.application.project
    asked = entry is not None and project is not None and project.is_public
    return entry.due_on if asked and entry.state == EntryState.ASKED else None
