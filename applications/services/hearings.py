"""Hearings (§ 28 HVwVfG): begun with a letter and a date, ended with what the municipality said."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from applications.models import Application, Hearing
from applications.models.decisions import HearingSubject
from applications.models.letters import LetterKind
from applications.services import letters, moves
from applications.services.issuing import issue
from applications.services.letters.elsewhere import Elsewhere, kept
from applications.services.review import DueDateTooEarly

if TYPE_CHECKING:
    from datetime import date, datetime

    from municipalities.models import User


class HearingOpen(Exception):
    """A hearing is running already."""


class NoHearing(Exception):
    """No hearing on that subject is running."""


class HearingStillRuns(Exception):
    """The date told to the municipality has not passed, and it has not answered yet."""


class AnswerIncomplete(Exception):
    """An answer has its text and the day it came, or there was none; `faults` by field."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


def begin_hearing(
    *,
    application: Application,
    text: str,
    due_on: date,
    elsewhere: Elsewhere | None = None,
    by: User,
    at: datetime,
) -> Hearing:
    """Hear the municipality before a rejection: the case waits; the letter is to be delivered.

    `text` says what is intended and why; `due_on` is the one date. Raises HearingOpen,
    DueDateTooEarly, LetterIncomplete, NotAllowed, WrongState, ReasonMissing.
    """
    return _begin(
        application, "begin_hearing", HearingSubject.REJECTION, text, due_on, elsewhere, by, at
    )


def begin_revocation_hearing(
    *,
    application: Application,
    text: str,
    due_on: date,
    elsewhere: Elsewhere | None = None,
    by: User,
    at: datetime,
) -> Hearing:
    """Hear the municipality before a revocation; the grant goes on. Raises as `begin_hearing`."""
    return _begin(
        application,
        "begin_revocation_hearing",
        HearingSubject.REVOCATION,
        text,
        due_on,
        elsewhere,
        by,
        at,
    )


def _begin(
    application: Application,
    action: str,
    subject: HearingSubject,
    text: str,
    due_on: date,
    elsewhere: Elsewhere | None,
    by: User,
    at: datetime,
) -> Hearing:
    if due_on <= timezone.localdate(at):
        raise DueDateTooEarly
    if not text.strip():
        raise moves.ReasonMissing
    with contextlib.ExitStack() as stack:
        upload = elsewhere.upload if elsewhere else None
        file = stack.enter_context(kept(upload)) if upload else None
        stack.enter_context(transaction.atomic())
        row = moves.locked(application, action, by=by)
        if row.hearings.filter(closed_at__isnull=True).exists():
            raise HearingOpen
        hearing = Hearing.objects.create(
            application=row,
            number=row.hearings.count() + 1,
            subject=subject,
            text=text.strip(),
            due_on=due_on,
            begun_at=at,
            begun_by=by,
        )
        issue(
            row,
            LetterKind.HEARING,
            paragraphs=letters.paragraphs_of(text),
            due_on=due_on,
            file=file,
            dated_on=elsewhere.dated_on if elsewhere else None,
            hearing=hearing,
            by=by,
            at=at,
        )
        moves.make(row, action, by=by, at=at, hearing=hearing.number, due_on=due_on.isoformat())
    return hearing


def end_hearing(
    *,
    application: Application,
    answer: str = "",
    answered_on: date | None = None,
    by: User,
    at: datetime,
) -> Hearing:
    """Record what the municipality said and when it came, or, after the date, that nothing came.

    Raises NoHearing, HearingStillRuns, AnswerIncomplete, NotAllowed, WrongState.
    """
    return _end(application, "end_hearing", HearingSubject.REJECTION, answer, answered_on, by, at)


def end_revocation_hearing(
    *,
    application: Application,
    answer: str = "",
    answered_on: date | None = None,
    by: User,
    at: datetime,
) -> Hearing:
    """The same for the hearing before a revocation; the grant goes on. Raises as `end_hearing`."""
    return _end(
        application,
        "end_revocation_hearing",
        HearingSubject.REVOCATION,
        answer,
        answered_on,
        by,
        at,
    )


def _end(
    application: Application,
    action: str,
    subject: HearingSubject,
    answer: str,
    answered_on: date | None,
    by: User,
    at: datetime,
) -> Hearing:
    today = timezone.localdate(at)
    with transaction.atomic():
        row = moves.locked(application, action, by=by)
        hearing = row.hearings.filter(subject=subject, closed_at__isnull=True).first()
        if hearing is None:
            raise NoHearing
        if faults := faults_of_answer(hearing, answer, answered_on, today):
            raise AnswerIncomplete(faults)
        if answered_on is None and today <= hearing.due_on:
            raise HearingStillRuns
        hearing.closed_at, hearing.closed_by = at, by
        hearing.answer, hearing.answered_on = answer.strip(), answered_on
        hearing.save(update_fields=["closed_at", "closed_by", "answer", "answered_on"])
        moves.make(
            row,
            action,
            by=by,
            at=at,
            hearing=hearing.number,
            answered_on=answered_on.isoformat() if answered_on else None,
        )
    return hearing


def faults_of_answer(
    hearing: Hearing, answer: str, answered_on: date | None, today: date
) -> dict[str, str]:
    """What keeps an answer from being recorded, by field."""
    if answer.strip() and answered_on is None:
        return {"answered_on": "Bitte geben Sie an, wann die Äußerung eingegangen ist."}
    if answered_on is None:
        return {}
    if not answer.strip():
        return {"answer": "Bitte halten Sie fest, was die Kommune geäußert hat."}
    if answered_on > today:
        return {"answered_on": "Dieser Tag liegt in der Zukunft."}
    if answered_on < timezone.localdate(hearing.begun_at):
        return {"answered_on": "Dieser Tag liegt vor dem Beginn der Anhörung."}
    return {}
