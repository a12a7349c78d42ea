"""Letters that decide nothing: receipt, request for documents, hearing; made here or elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from applications import mails, permissions
from applications.models import Application, Letter
from applications.models.delivery import NOTICE
from applications.models.letters import LetterKind
from applications.services import letters, log
from applications.services.drafts import NotAllowed
from applications.services.letters.elsewhere import Elsewhere, Kept, kept
from kiv_portal import outbox
from kiv_portal.models import DeliveryWay

if TYPE_CHECKING:
    from datetime import date, datetime

    from applications.models import Hearing, InformationRequest
    from municipalities.models import User

ISSUABLE: Final = (LetterKind.RECEIPT, LetterKind.REQUEST, LetterKind.EARLY_START)
"""What `issue_letter` makes; hearings have their own moves, decisions their signature."""


class NoOpenRequest(Exception):
    """No request for information is open that the letter could tell."""


class SecondPersonNeeded(Exception):
    """An early start is signed by a signer who neither wrote it nor handles the case."""


class ReviewerNeeded(Exception):
    """Nobody handles the case yet, so nobody could sign the consent to an early start."""


class LetterDiscarded(Exception):
    """The letter was put away, or cannot be: it decides something, is signed or went out."""


class DiscardReasonMissing(Exception):
    """Why the letter is put away has to be said."""


class AlreadySigned(Exception):
    """The letter has been signed, or there is nothing in it to sign."""


class LetterNotReady(Exception):
    """The letter's PDF has not been made yet, or is not the one the person read."""


class AlreadyIssued(Exception):
    """The letter of this request has been made."""


def issue(
    application: Application,
    kind: LetterKind,
    *,
    paragraphs: list[str],
    by: User,
    at: datetime,
    points: list[str] | None = None,
    due_on: date | None = None,
    file: Kept | None = None,
    dated_on: date | None = None,
    hearing: Hearing | None = None,
    request: InformationRequest | None = None,
) -> Letter:
    """Write such a letter for a case whose row is locked: composed, or the kept upload.

    Raises LetterIncomplete.
    """
    values: dict[str, Any] = {}
    if file is None:
        if lacking := letters.missing_for(application, kind, at):
            raise letters.LetterIncomplete(lacking)
        values = letters.compose_plain(
            application, kind, paragraphs, by=by, at=at, due_on=due_on, points=points
        )
    letter = Letter(
        application=application,
        kind=kind,
        values=values,
        seal=letters.seal(values) if values else "",
        made_elsewhere=file is not None,
        dated_on=(dated_on if file else None) or timezone.localdate(at),
        created_at=at,
        created_by=by,
        hearing=hearing,
        request=request,
    )
    if file:
        letter.file, letter.sha256 = file.name, file.sha256
    letter.save()
    log.record(
        application,
        "letter_uploaded" if file else "letter_written",
        by=by,
        at=at,
        letter=str(letter.pk),
        kind=kind,
        sha256=letter.sha256 or letter.seal,
    )
    if not file:
        letters.render_later(letter, at)
    return letter


def issue_letter(
    *,
    application: Application,
    kind: str,
    text: str = "",
    elsewhere: Elsewhere | None = None,
    by: User,
    at: datetime,
) -> Letter:
    """Make a receipt, the letter of the open request, or the consent to an early start.

    An early start goes out when a second person has signed it (`sign_letter`). Raises
    NoOpenRequest, AlreadyIssued, ReviewerNeeded, LetterIncomplete, UploadRefused, NotAllowed.
    """
    if kind not in ISSUABLE:
        raise NotAllowed
    with contextlib.ExitStack() as stack:
        upload = elsewhere.upload if elsewhere else None
        file = stack.enter_context(kept(upload)) if upload else None
        stack.enter_context(transaction.atomic())
        row = Application.objects.select_for_update().get(pk=application.pk)
        early = kind == LetterKind.EARLY_START
        if early and row.state not in permissions.BEFORE_DECISION:
            raise NotAllowed
        if not permissions.may_review_application(by, row):
            raise NotAllowed
        if early and row.reviewer_id is None:
            raise ReviewerNeeded
        fields: dict[str, Any] = {}
        if kind == LetterKind.REQUEST:
            request = row.information_requests.filter(closed_at__isnull=True).last()
            if request is None:
                raise NoOpenRequest
            if request.letters.filter(discarded_at=None).exists():
                raise AlreadyIssued
            fields = {
                "request": request,
                "due_on": request.due_on,
                "points": [f"{item.place}: {item.sentence}" for item in request.items.all()],
            }
            text = text or request.message
        return issue(
            row,
            LetterKind(kind),
            paragraphs=letters.paragraphs_of(text),
            file=file,
            dated_on=elsewhere.dated_on if elsewhere else None,
            by=by,
            at=at,
            **fields,
        )


def sign_letter(*, letter: Letter, seen: str, by: User, at: datetime) -> Letter:
    """Sign what another person wrote; only then it can go out.

    `seen` is the hash of the PDF the person read. Raises LetterDiscarded, AlreadySigned,
    LetterNotReady, SecondPersonNeeded.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=letter.application_id)
        letter = Letter.objects.select_for_update().get(pk=letter.pk, application=row)
        if letter.discarded_at is not None:
            raise LetterDiscarded
        if not letter.waits_for_signature:
            raise AlreadySigned
        if not letter.file or letter.sha256 != seen:
            raise LetterNotReady
        if letter.created_by_id == by.pk or not permissions.may_allow_early_start(by, row):
            raise SecondPersonNeeded
        letter.signed_by, letter.signed_at = by, at
        letter.save(update_fields=["signed_by", "signed_at"])
        log.record(
            row,
            "letter_signed",
            by=by,
            at=at,
            letter=str(letter.pk),
            kind=letter.kind,
            sha256=letter.sha256,
        )
    return letter


def discard_letter(*, letter: Letter, reason: str, by: User, at: datetime) -> Letter:
    """Put a letter away that was made by mistake or shall not be signed; it never goes out.

    It stays in the file with the reason and its request, which can have another. Whoever was
    told that it is there is told that it no longer counts. Never a decision's or a hearing's
    letter, what a second person has signed or what is on its way. Raises DiscardReasonMissing,
    NotAllowed, LetterDiscarded.
    """
    if not reason.strip():
        raise DiscardReasonMissing
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=letter.application_id)
        letter = Letter.objects.select_for_update().get(pk=letter.pk, application=row)
        if not permissions.may_take_part(by, row):
            raise NotAllowed
        under_way = letter.deliveries.filter(failed_at__isnull=True).exists()
        if under_way or not letter.may_be_discarded:
            raise LetterDiscarded
        letter.discarded_at, letter.discarded_by = at, by
        letter.discarded_reason = reason.strip()
        letter.save(update_fields=["discarded_at", "discarded_by", "discarded_reason"])
        log.record(
            row,
            "discard_letter",
            by=by,
            at=at,
            letter=str(letter.pk),
            kind=letter.kind,
            reason=reason.strip(),
        )
        _take_back_notice(row, letter, at)
    return letter


def _take_back_notice(row: Application, letter: Letter, at: datetime) -> None:
    """Whoever was told that the letter is there is told that it no longer counts, once."""
    offered = letter.deliveries.with_notice().filter(way=DeliveryWay.RETRIEVAL)
    told = [one for one in offered if outbox.take_back(f"{NOTICE}:{one.pk}:")]
    if told:
        mails.tell_applicant(
            row, "letter_discarded", at=at, event=str(letter.pk), delivery=told[-1]
        )
