"""The reviewer's moves from the filed application to the proposal, short of the decision."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from applications import permissions
from applications.models import Application, InformationRequest, RequestItem
from applications.models.decisions import DecisionState
from applications.rules import Step
from applications.rules.unlocking import WHOLE
from applications.services import log, moves, snapshots, unlocking
from applications.services.drafts import NotAllowed
from applications.services.submission import close_open_matters, open_request, search_key_of

if TYPE_CHECKING:
    from municipalities.models import User


class NothingRequested(Exception):
    """A request for information needs at least one item, each with its sentence."""


class FileNumberFixed(Exception):
    """A proposed letter bears the Geschäftszeichen: it stays until that is signed or returned."""


class DueDateTooEarly(Exception):
    """The date until which something is asked for must lie ahead, an extended one after it."""


class UnknownTarget(Exception):
    """The filed version has no such field, row or document."""


class NothingToSettle(Exception):
    """No request has been answered yet, or the item belongs to another one."""


class Wanted(NamedTuple):
    """One thing asked for: the section, what is missing in a sentence, and the place in it.

    `target` as in `rules.unlocking`; empty opens the section as a whole.
    """

    step: Step
    sentence: str
    target: str = WHOLE


def begin_check(
    *, application: Application, file_number: str = "", by: User, at: datetime
) -> Application:
    """Take the case on: its reviewer is whoever begins, with the Geschäftszeichen if known.

    Raises NotAllowed, WrongState.
    """
    with transaction.atomic():
        row = moves.locked(application, "begin_check", by=by)
        moves.make(row, "begin_check", by=by, at=at, fields={"reviewer": by})
        if file_number.strip():
            row = set_file_number(application=row, file_number=file_number, by=by, at=at)
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
    items: Sequence[Wanted | tuple[Step, str]],
    due_on: date,
    message: str = "",
    by: User,
    at: datetime,
) -> InformationRequest:
    """Ask for what is missing: sections, fields, rows or documents; only these unlock.

    `due_on` is the one date told to the applicant. Raises NothingRequested,
    DueDateTooEarly, UnknownTarget, NotAllowed, WrongState.
    """
    return _ask(application, "request_information", items, due_on, by, at, message=message.strip())


def ask_by_phone(
    *,
    application: Application,
    item: Wanted,
    note: str,
    due_on: date,
    by: User,
    at: datetime,
) -> InformationRequest:
    """A Rückfrage by telephone: the note of the talk, and the one place it opens. No letter.

    The note is the authority's own and never shown to the applicant. Raises NothingRequested
    where a sentence or the note is missing or the whole section is named, else as
    `request_information`.
    """
    if not note.strip() or item.target == WHOLE:
        raise NothingRequested
    return _ask(
        application, "ask_by_phone", [item], due_on, by, at, by_phone=True, note=note.strip()
    )


def _ask(
    application: Application,
    action: str,
    items: Sequence[Wanted | tuple[Step, str]],
    due_on: date,
    by: User,
    at: datetime,
    **fields: Any,
) -> InformationRequest:
    wanted = [Wanted(*item)._replace(sentence=item[1].strip()) for item in items]
    if not wanted or not all(item.sentence for item in wanted):
        raise NothingRequested
    if due_on <= timezone.localdate(at):
        raise DueDateTooEarly
    with transaction.atomic():
        row = moves.locked(application, action, by=by)
        labels = _labels(row)
        if any((item.step, item.target) not in labels for item in wanted):
            raise UnknownTarget
        request = InformationRequest.objects.create(
            application=row,
            number=row.information_requests.count() + 1,
            due_on=due_on,
            sent_at=at,
            sent_by=by,
            **fields,
        )
        rows = [
            RequestItem(
                request=request,
                label=labels[item.step, item.target],
                position=position,
                **item._asdict(),
            )
            for position, item in enumerate(wanted)
        ]
        RequestItem.objects.bulk_create(rows)
        moves.make(
            row,
            action,
            by=by,
            at=at,
            request=request.number,
            due_on=due_on.isoformat(),
            items=[
                {"step": item.step, "target": item.target, "label": item.label}
                | {"sentence": item.sentence}
                for item in rows
            ],
            **({"note": fields["note"]} if "note" in fields else {}),
        )
    return request


def _labels(application: Application) -> dict[tuple[str, str], str]:
    """The words of every place the version handed in last has."""
    last = application.snapshots.order_by("number").last()
    assert last is not None  # a filed application has one
    found = unlocking.targets_in(snapshots.read(last))
    return {(target.step, target.key): target.label for target in found}


def extend_request(
    *,
    application: Application,
    due_on: date,
    reason: str,
    by: User,
    at: datetime,
    seen: int | None = None,
) -> InformationRequest:
    """Give the applicant until a later day; what is open stays open.

    `seen` as in `open_request`. Raises DueDateTooEarly unless the new day lies ahead and after
    the old one, RequestChanged, NotAllowed, WrongState, ReasonMissing.
    """
    with transaction.atomic():
        row = moves.locked(application, "extend_request", by=by, reason=reason)
        request = open_request(row, seen)
        before = request.due_on
        if due_on <= max(before, timezone.localdate(at)):
            raise DueDateTooEarly
        request.due_on, request.reminded_at = due_on, None
        request.save(update_fields=["due_on", "reminded_at"])
        moves.make(
            row,
            "extend_request",
            by=by,
            at=at,
            request=request.number,
            before=before.isoformat(),
            due_on=due_on.isoformat(),
            reason=reason.strip(),
        )
    return request


def settle_items(
    *, application: Application, settled: Collection[uuid.UUID], by: User, at: datetime
) -> InformationRequest:
    """Tick off what the answer to the last request settles; what is not named is open (again).

    Raises NothingToSettle, NotAllowed, WrongState.
    """
    with transaction.atomic():
        row = moves.locked(application, "settle_items", by=by)
        request = answered_request(row)
        items = {item.pk: item for item in request.items.all()} if request else {}
        if request is None or not items.keys() >= set(settled):
            raise NothingToSettle
        changed = []
        for pk, item in items.items():
            if (pk in settled) != (item.settled_at is not None):
                done = pk in settled
                item.settled_at, item.settled_by = (at, by) if done else (None, None)
                changed.append(item)
        RequestItem.objects.bulk_update(changed, ["settled_at", "settled_by"])
        moves.make(
            row,
            "settle_items",
            by=by,
            at=at,
            request=request.number,
            settled=[item.place for item in items.values() if item.settled_at],
            open=[item.place for item in items.values() if not item.settled_at],
        )
    return request


def answered_request(application: Application) -> InformationRequest | None:
    """The request that was made last, if it has been answered."""
    last = application.information_requests.prefetch_related("items").last()
    return last if last is not None and last.answered else None


def proceed_without_answer(
    *, application: Application, reason: str, by: User, at: datetime, seen: int | None = None
) -> Application:
    """End an unanswered request: „Entscheidung nach Aktenlage", on the last version handed in.

    `seen` as in `open_request`. Raises RequestChanged, NotAllowed, WrongState, ReasonMissing.
    """
    with transaction.atomic():
        row = moves.locked(application, "proceed_without_answer", by=by, reason=reason)
        open_request(row, seen)
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
