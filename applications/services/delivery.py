"""How a letter reaches the applicant: the first retrieval is noted, once and in the case log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from applications import permissions
from applications.models import Application, Letter
from applications.services import log
from applications.services.drafts import NotAllowed

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import User


class LetterNotReady(Exception):
    """The letter's PDF has not been made yet."""


def open_letter(*, letter: Letter, by: User, at: datetime) -> Letter:
    """Hand out a letter to the applicant; the first time is the retrieval (PROGRAMME §4).

    Raises NotAllowed, and LetterNotReady while there is no PDF: nothing was retrieved then.
    """
    with transaction.atomic():
        application = Application.objects.select_for_update().get(pk=letter.application_id)
        if not permissions.is_on_team(by, application):
            raise NotAllowed
        row = Letter.objects.get(pk=letter.pk)
        if not row.file:
            raise LetterNotReady
        if row.first_opened_at is None:
            row.first_opened_at = at
            row.save(update_fields=["first_opened_at"])
            log.record(application, "letter_opened", by=by, at=at, letter=str(row.pk))
    return row
