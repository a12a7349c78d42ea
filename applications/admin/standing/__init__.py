"""Where a case stands at the desk: on whom the next step waits, what it is, and until when.

The state alone does not say it: a granted case waits for its letter to be made known, then for
its Empfangsbekenntnis, for the directory, for the period to sue. One table (`table`) says it to
list, filter and case page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, Case, Value, When
from django.utils import timezone

from applications.admin.standing.facts import Facts
from applications.admin.standing.table import (
    AFTER_NOTICE,
    STANDINGS,
    WAITS_FOR_LETTER,
    Standing,
    possible,
)
from applications.models import Application, CaseEntry, Delivery, Letter
from applications.services import worklist

if TYPE_CHECKING:
    from applications.models.application import ApplicationQuerySet
    from applications.workflow import Actor

__all__ = [
    "AFTER_NOTICE",
    "STANDINGS",
    "WAITS_FOR_LETTER",
    "Facts",
    "Standing",
    "facts_of",
    "of",
    "put_to",
    "read",
    "whose_turn",
]


def read(facts: Facts, today: date) -> tuple[Standing, date | None]:
    """The line that holds for a case today, and the day that its sentence names."""
    for row in STANDINGS:
        if so := row.holds(facts, today):
            return row, so if isinstance(so, date) else None
    raise LookupError(facts.application.status)


def facts_of(cases: Sequence[Application]) -> list[Facts]:
    """The facts of the cases of a list (`worklist.with_dates`), in three queries however many."""
    keys = [case.pk for case in cases]
    letters, sent, entries = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in Delivery.objects.with_notice().filter(letter__application__in=keys):
        sent[row.letter_id].append(row)
    written = Letter.objects.filter(application__in=keys).defer("values", "differences")
    for letter in written.select_related("hearing", "request"):
        letters[letter.application_id].append((letter, sent[letter.pk]))
    for entry in CaseEntry.objects.filter(application__in=keys, struck_at__isnull=True):
        entries[entry.application_id].append(entry)
    return [_facts(case, letters[case.pk], entries[case.pk]) for case in cases]


def _facts(case: Any, letters: list[tuple[Letter, Any]], entries: list[CaseEntry]) -> Facts:
    return Facts(
        application=case,
        due_on=case.due_on,
        heard_on=case.heard_on,
        proposed_on=_day(case.proposed_at),
        corrected_on=_day(case.corrected_at),
        letters=letters,
        entries=entries,
    )


def put_to(cases: Sequence[Application], today: date) -> None:
    """Write to each case of a list as `standing` how it stands today."""
    for facts in facts_of(cases):
        facts.application.standing = read(facts, today)[0]  # type: ignore[attr-defined]


def _day(instant: Any) -> date | None:
    return timezone.localdate(instant) if instant else None


def of(application: Application, today: date) -> Standing:
    """How one case stands today."""
    rows = Application.objects.filter(pk=application.pk).select_related("project", "public_entry")
    return read(facts_of(worklist.with_dates(rows))[0], today)[0]


def whose_turn(cases: ApplicationQuerySet, actor: Actor | None, today: date) -> ApplicationQuerySet:
    """Those of the cases in which it is this one's turn; None: nobody's.

    One yes or no for each case: of a comparison of names PostgreSQL expects hardly any case to be
    left, and sorts all of them where it could follow the list's index to the end of the page.
    """
    own = [row.actor is actor for row in STANDINGS]
    last = len(own) - own[::-1].index(True)  # no line after it can still make it this one's turn
    turn = Case(
        *(
            When(row.filter(today), then=Value(so))
            for row, so in zip(STANDINGS[:last], own, strict=False)
        ),
        default=Value(False),
        output_field=BooleanField(),
    )
    return cases.filter(possible(actor, today)).filter(turn)
