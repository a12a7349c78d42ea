"""Answers that came on paper: staff take them for a municipality that has no account."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from applications.models import Application, RequestItem
from applications.models.application import ReceivedAs
from applications.rules import DocumentKind, Step
from applications.services import drafts, moves, scanning, snapshots, submission, uploads
from applications.services.recording import ArrivedAhead
from applications.services.review import NothingToSettle

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.core.files.uploadedfile import UploadedFile

    from applications.models import Document
    from municipalities.models import User

ACTION = "record_answer"


class ArrivedBeforeAsked(Exception):
    """What is taken as the answer came before the day the request was sent."""


def record_answer(
    *,
    application: Application,
    upload: UploadedFile,
    received_as: str,
    arrived_on: date,
    settled: Collection[uuid.UUID],
    by: User,
    at: datetime,
    seen: int | None = None,
) -> Application:
    """Take the answer to the open request as it came: a document, and what it settles ticked.

    An account is never a condition (PROGRAMME §6). What the municipality typed meanwhile and did
    not hand in is put back, as where nobody answers; its revisions stay. `seen` as in
    `submission.open_request`. Raises ArrivedAhead, ArrivedBeforeAsked, NothingToSettle,
    RequestChanged, documents.UploadRefused, NotSubmittable, NotAllowed, WrongState.
    """
    if arrived_on > timezone.localdate(at):
        raise ArrivedAhead
    with transaction.atomic():
        _asked(moves.locked(application, ACTION, by=by), seen, arrived_on)
    document = uploads.looked_into(application, upload, DocumentKind.OTHER, by=by, at=at)
    # The file is on disk before a row names it; without its row it is swept up as a leftover.
    document.file.save(str(document.pk), upload, save=False)
    try:
        with transaction.atomic():
            row = moves.locked(application, ACTION, by=by)
            _asked(row, seen, arrived_on)
            _take(row, document, ReceivedAs(received_as), arrived_on, settled, by, at)
    except BaseException:
        document.file.storage.delete(document.file.name)
        raise
    return row


def _asked(row: Application, seen: int | None, arrived_on: date) -> None:
    """Look that the request is the one on the page, and not younger than what came."""
    request = submission.open_request(row, seen)
    if arrived_on < timezone.localdate(request.sent_at):
        raise ArrivedBeforeAsked


def _take(
    row: Application,
    document: Document,
    how: ReceivedAs,
    arrived_on: date,
    settled: Collection[uuid.UUID],
    by: User,
    at: datetime,
) -> None:
    request = submission.open_request(row)
    items = {item.pk: item for item in request.items.all()}
    if not items.keys() >= set(settled):
        raise NothingToSettle
    last = row.snapshots.order_by("number").last()
    assert last is not None  # a filed application has one
    drafts.restore(row, snapshots.read(last), by=by, at=at)
    document.save(force_insert=True)
    scanning.enqueue(document, at)
    drafts.touch(row, Step.ANLAGEN, by=by, at=at)
    ticked = [items[pk] for pk in settled]
    for item in ticked:
        item.settled_at, item.settled_by = at, by
    RequestItem.objects.bulk_update(ticked, ["settled_at", "settled_by"])
    submission.hand_in(
        row,
        ACTION,
        by=by,
        at=at,
        on=arrived_on,
        received_as=how.value,
        how=how.label,
        arrived_on=arrived_on.isoformat(),
        arrived=f"{arrived_on:%d.%m.%Y}",
        document=document.name,
        sha256=document.sha256,
        settled=[item.place for item in items.values() if item.settled_at],
        open=[item.place for item in items.values() if not item.settled_at],
    )
