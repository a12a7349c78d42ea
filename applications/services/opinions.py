"""Beteiligung: whom the authority asked about a case, and what came of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from applications import documents
from applications.models import Application, Opinion
from applications.models.checks import Body
from applications.services import log
from applications.services.checklists import CheckIncomplete, locked

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from municipalities.models import User


def ask_opinion(
    *,
    application: Application,
    body: str,
    asked_on: date,
    question: str = "",
    by: User,
    at: datetime,
) -> Opinion:
    """Put on record whom the authority asked.

    Raises CheckIncomplete, NotBeingChecked, NotAllowed.
    """
    faults = {}
    if body not in Body.values:
        faults["body"] = "Bitte wählen Sie, wer beteiligt wird."
    if asked_on > timezone.localdate(at):
        faults["asked_on"] = "Dieser Tag liegt in der Zukunft."
    if faults:
        raise CheckIncomplete(faults)
    with transaction.atomic():
        row = locked(application, by)
        opinion = Opinion.objects.create(
            application=row, body=body, asked_on=asked_on, question=question.strip(), asked_by=by
        )
        log.record(
            row,
            "ask_opinion",
            by=by,
            at=at,
            opinion=str(opinion.pk),
            body=body,
            asked_on=asked_on.isoformat(),
            question=opinion.question,
        )
    return opinion


def record_opinion(
    *,
    opinion: Opinion,
    answered_on: date,
    result: str,
    upload: UploadedFile | None = None,
    by: User,
    at: datetime,
) -> Opinion:
    """Put on record what came of it, with its document where there is one.

    Raises CheckIncomplete, documents.UploadRefused, NotBeingChecked, NotAllowed, and
    Opinion.DoesNotExist where it was answered in the meantime.
    """
    faults = {}
    if not result.strip():
        faults["result"] = "Bitte halten Sie das Ergebnis fest."
    if not opinion.asked_on <= answered_on <= timezone.localdate(at):
        faults["answered_on"] = "Dieser Tag kann nicht stimmen. Bitte prüfen Sie das Datum."
    if faults:
        raise CheckIncomplete(faults)
    inspected = documents.inspect(upload) if upload else None
    with transaction.atomic():
        row = locked(opinion.application, by)
        asked = row.opinions.get(pk=opinion.pk, answered_on__isnull=True)
        asked.answered_on, asked.result, asked.answered_by = answered_on, result.strip(), by
        if upload and inspected:
            asked.file.save(str(asked.pk), upload, save=False)
            asked.name, asked.content_type = inspected.name, inspected.content_type
            asked.sha256 = inspected.sha256
        asked.save()
        log.record(
            row,
            "record_opinion",
            by=by,
            at=at,
            opinion=str(asked.pk),
            body=asked.body,
            answered_on=answered_on.isoformat(),
            result=asked.result,
            document=asked.sha256,
        )
    return asked
