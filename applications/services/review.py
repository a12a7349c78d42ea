"""The reviewer's moves from the filed application to the proposal, short of the decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from applications import permissions
from applications.models import Application, InformationRequest, RequestItem
from applications.models.decisions import DecisionState
from applications.rules import Step
from applications.services import log, moves
from applications.services.drafts import NotAllowed
from applications.services.submission import close_open_matters, search_key_of

if TYPE_CHECKING:
    from municipalities.models import User


class NothingRequested(Exception):
    """A request for information needs at least one item, each with its sentence."""


class FileNumberFixed(Exception):
    """A proposed letter bears the Geschäftszeichen: it stays until that is signed or returned."""


class DueDateTooEarly(Exception):
    """The date until which something is asked for must lie ahead."""


def begin_check(*, application: Application, by: User, at: datetime) -> Application:
    """Take the case on: its reviewer is whoever begins. Raises NotAllowed, WrongState."""
    with transaction.atomic():
        row = moves.locked(application, "begin_check", by=by)
        moves.make(row, "begin_check", by=by, at=at, fields={"reviewer": by})
    return row


def set_file_number(
    *, application: Application, file_number: str, by: User, at: datetime
) -> Application:
    """Enter the Geschäftszeichen from the authority's own file system.

    Raises NotAllowed, and FileNumberFixed while a proposal is open: the letter that is signed
    is the letter that was read.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        if not permissions.may_review_application(by, row):
            raise NotAllowed
        cleaned = " ".join(file_number.split())
        if cleaned != row.file_number:
            if row.decisions.filter(state=DecisionState.PROPOSED).exists():
                raise FileNumberFixed
            before = row.file_number
            row.file_number = cleaned
            row.search_key = search_key_of(row, row.reference or "")
            row.save(update_fields=["file_number", "search_key"])
            log.record(row, "set_file_number", by=by, at=at, before=before, after=cleaned)
    return row


def request_information(
    *,
    application: Application,
    items: Sequence[tuple[Step, str]],
    due_on: date,
    message: str = "",
    by: User,
    at: datetime,
) -> InformationRequest:
    """Ask for what is missing: each item a step and a sentence; only these steps unlock.

    `due_on` is the one date told to the applicant. Raises NothingRequested,
    DueDateTooEarly, NotAllowed, WrongState.
    """
    wanted = [(step, sentence.strip()) for step, sentence in items]
    if not wanted or not all(sentence for _, sentence in wanted):
        raise NothingRequested
    if due_on <= timezone.localdate(at):
        raise DueDateTooEarly
    with transaction.atomic():
        row = moves.locked(application, "request_information", by=by)
        request = InformationRequest.objects.create(
            application=row,
            number=row.information_requests.count() + 1,
            message=message.strip(),
            due_on=due_on,
            sent_at=at,
            sent_by=by,
        )
        RequestItem.objects.bulk_create(
            RequestItem(request=request, step=step, sentence=sentence, position=position)
            for position, (step, sentence) in enumerate(wanted)
        )
        moves.make(
            row,
            "request_information",
            by=by,
            at=at,
            request=request.number,
            due_on=due_on.isoformat(),
            items=[{"step": step.value, "sentence": sentence} for step, sentence in wanted],
        )
    return request


def proceed_without_answer(
    *, application: Application, reason: str, by: User, at: datetime
) -> Application:
    """End an unanswered request: „Entscheidung nach Aktenlage", on the last version handed in.

    Raises NotAllowed, WrongState, ReasonMissing.
    """
    with transaction.atomic():
        row = moves.locked(application, "proceed_without_answer", by=by, reason=reason)
        close_open_matters(row, by=by, at=at)
        moves.make(row, "proceed_without_answer", by=by, at=at, reason=reason.strip())
    return row


def accept_formally(*, application: Application, by: User, at: datetime) -> Application:
    """End the formal check. Raises NotAllowed, WrongState."""
    with transaction.atomic():
        row = moves.locked(application, "accept_formally", by=by)
        moves.make(row, "accept_formally", by=by, at=at)
    return row


def close(*, application: Application, reason: str, by: User, at: datetime) -> Application:
    """End a case without a decision. Raises NotAllowed, WrongState, ReasonMissing."""
    with transaction.atomic():
        row = moves.locked(application, "close", by=by, reason=reason)
        row.members.update(live=False)  # a partner put back may stand in another application now
        close_open_matters(row, by=by, at=at)
        moves.make(row, "close", by=by, at=at, reason=reason.strip())
    return row
