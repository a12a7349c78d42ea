"""Who handles a case, and who stands in while they are away."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from applications import permissions
from applications.models import Application, Deputy
from applications.services import log
from applications.services.drafts import NotAllowed
from municipalities.permissions import may_review

if TYPE_CHECKING:
    from municipalities.models import User


class NoReviewer(Exception):
    """Cases are handled, and reviewers stood in for, by people with the role „Prüfung"."""


class DaysOutOfOrder(Exception):
    """A Vertretung ends on or after its first day, and not in the past."""


class DeputyEnded(Exception):
    """The Vertretung is over already."""


def assign(*, application: Application, reviewer: User, by: User, at: datetime) -> Application:
    """Give the case to a reviewer. The same one again changes nothing.

    Raises NotAllowed; NoReviewer for somebody who may not check it.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        if not permissions.may_review_application(by, row):
            raise NotAllowed
        if not permissions.may_review_application(reviewer, row):
            raise NoReviewer
        if row.reviewer_id != reviewer.pk:
            before = row.reviewer_id
            row.reviewer = reviewer
            row.save(update_fields=["reviewer"])
            log.record(row, "assign", by=by, at=at, before=before, person=reviewer.pk)
    return row


def name_deputy(
    *, absent: User, deputy: User, from_on: date, to_on: date, by: User, at: datetime
) -> Deputy:
    """Let somebody stand in for a reviewer, both days included.

    Raises NotAllowed, NoReviewer, DaysOutOfOrder.
    """
    if not permissions.may_name_deputy(by, absent):
        raise NotAllowed
    if not (may_review(absent) and may_review(deputy)) or absent.pk == deputy.pk:
        raise NoReviewer
    if to_on < from_on or to_on < timezone.localdate(at):
        raise DaysOutOfOrder
    return Deputy.objects.create(
        absent=absent, deputy=deputy, from_on=from_on, to_on=to_on, named_by=by, named_at=at
    )


def end_deputy(*, deputy: Deputy, by: User, at: datetime) -> Deputy:
    """End a Vertretung before its time. Raises NotAllowed, DeputyEnded."""
    with transaction.atomic():
        row = Deputy.objects.select_for_update(of=("self",)).get(pk=deputy.pk)
        if not permissions.may_name_deputy(by, row.absent):
            raise NotAllowed
        if row.ended_at is not None:
            raise DeputyEnded
        row.ended_at, row.ended_by = at, by
        row.save(update_fields=["ended_at", "ended_by"])
    return row
