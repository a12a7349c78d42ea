"""Vermerke for the authority, messages to the municipality, and who is befangen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from applications import mails, permissions
from applications.models import Application, CaseMessage, CaseNote, Recusal
from applications.services import log
from applications.services.drafts import NotAllowed
from applications.services.moves import ReasonMissing

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models.notes import NoteKind
    from municipalities.models import User


class TextMissing(Exception):
    """A Vermerk or a message says something."""


class NotRecused(Exception):
    """There is no Befangenheit of this person to lift."""


def add_note(
    *, application: Application, kind: NoteKind, text: str, by: User, at: datetime
) -> CaseNote:
    """Write a Vermerk. Nobody outside the authority ever sees it.

    The log says that there is one, not what it says. Raises NotAllowed, TextMissing.
    """
    with transaction.atomic():
        row = _locked(application, by)
        note = CaseNote.objects.create(application=row, kind=kind, text=_given(text), at=at, by=by)
        log.record(row, "add_note", by=by, at=at, kind=str(kind), note_id=note.pk)
    return note


def send_message(*, application: Application, text: str, by: User, at: datetime) -> CaseMessage:
    """Write to the municipality: shown on its page; a mail says that there is a message.

    Raises NotAllowed, TextMissing.
    """
    with transaction.atomic():
        row = _locked(application, by)
        message = CaseMessage.objects.create(application=row, text=_given(text), at=at, by=by)
        entry = log.record(row, "send_message", by=by, at=at, message_id=message.pk)
        mails.tell_applicant(row, "message", at=at, event=str(entry.pk))
    return message


def recuse(*, application: Application, by: User, at: datetime) -> Recusal:
    """Say of oneself to be befangen: from now on the person neither writes nor signs here.

    A case they handled is without a reviewer then. Raises NotAllowed.
    """
    with transaction.atomic():
        row = _locked(application, by)
        # The entry comes first: after the tick nothing of this person is taken any more.
        log.record(row, "recuse", by=by, at=at)
        if row.reviewer_id == by.pk:
            row.reviewer = None
            row.save(update_fields=["reviewer"])
        return Recusal.objects.create(application=row, user=by, at=at)


def lift_recusal(
    *, application: Application, person: User, reason: str, by: User, at: datetime
) -> Recusal:
    """End somebody else's Befangenheit, with a reason.

    Raises NotAllowed, NotRecused, ReasonMissing.
    """
    if not reason.strip():
        raise ReasonMissing
    with transaction.atomic():
        row = _locked(application, by)
        recusal = row.recusals.filter(user=person, lifted_at__isnull=True).first()
        if recusal is None:
            raise NotRecused
        recusal.lifted_at, recusal.lifted_by = at, by
        recusal.save(update_fields=["lifted_at", "lifted_by"])
        log.record(row, "lift_recusal", by=by, at=at, person=person.pk, reason=reason.strip())
    return recusal


def _locked(application: Application, by: User) -> Application:
    row = (
        Application.objects.select_related("created_by")
        .select_for_update(of=("self",))
        .get(pk=application.pk)
    )
    if not permissions.may_take_part(by, row):
        raise NotAllowed
    return row


def _given(text: str) -> str:
    if not text.strip():
        raise TextMissing
    return text.strip()
