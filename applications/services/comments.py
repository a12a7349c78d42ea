"""Remarks on sections, among the people of a draft; no snapshot, PDF or desk ever holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction

from applications import permissions
from applications.models import Application, SectionComment
from applications.services.drafts import NotAllowed, NotEditable, editable_steps

if TYPE_CHECKING:
    from datetime import datetime

    from applications.rules import Step
    from municipalities.models import User

MOST_COMMENTS: Final = 500
"""So many remarks an application holds; more are a conversation for another place."""


class TooManyComments(Exception):
    """The application holds as many comments as it may."""


def add_comment(
    *, application: Application, step: Step, text: str, by: User, at: datetime
) -> SectionComment:
    """Leave a remark on a section as long as the section is open.

    The same words of the same person again are the same remark: a page sent twice leaves one.
    Raises NotAllowed, NotEditable, TooManyComments.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        if not permissions.may_comment(by, row, at=at):
            raise NotAllowed
        if step not in editable_steps(row):
            raise NotEditable
        same = row.comments.filter(step=step, by=by, text=text, done_at__isnull=True).first()
        if same is not None:
            return same
        if row.comments.count() >= MOST_COMMENTS:
            raise TooManyComments
        return SectionComment.objects.create(
            application=row,
            step=step,
            text=text,
            at=at,
            by=by,
            by_guest=not permissions.is_on_team(by, row),
        )


def settle_comment(*, comment: SectionComment, by: User, at: datetime) -> None:
    """Mark a remark as done; twice changes nothing more. People who write may: else NotAllowed."""
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=comment.application_id)
        if not permissions.may_edit(by, row):
            raise NotAllowed
        row.comments.filter(pk=comment.pk, done_at__isnull=True).update(done_at=at, done_by=by)
