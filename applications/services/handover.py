"""Handing an application over when the person in charge of it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from applications import mails, permissions
from applications.models import Application
from applications.services import log
from applications.services.drafts import NotAllowed
from municipalities.models import Membership, User

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet


class CannotTakeOver(Exception):
    """Only confirmed, active people who write for the municipality can take an application over."""


def successors(application: Application) -> QuerySet[User]:
    """Who could take charge: confirmed people who write for the municipality, in order of name."""
    able = Membership.objects.filter(
        municipality__application_members__application=application,
        municipality__application_members__role="lead",
        confirmed_at__isnull=False,
        may_edit=True,
        may_read=True,
        user__is_active=True,
    )
    return (
        User.objects.filter(pk__in=able.values("user"))
        .exclude(pk=application.created_by_id)
        .order_by("name", "email")
    )


def hand_over(*, application: Application, to: User, by: User, at: datetime) -> Application:
    """Put another person in charge: they get its mails and are named as who to ask.

    Handing it to who has it already changes nothing. Raises NotAllowed, CannotTakeOver.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        if not permissions.may_manage_team(by, row):
            raise NotAllowed
        if row.created_by_id == to.pk:
            return row
        if not successors(row).filter(pk=to.pk).exists():
            raise CannotTakeOver
        before = row.created_by_id
        row.created_by = to
        row.save(update_fields=["created_by"])
        entry = log.record(row, "hand_over", by=by, at=at, before=before, after=to.pk)
        if to.pk != by.pk:
            mails.tell(
                to.email,
                "mails/handed_over.txt",
                key=f"handed_over:{entry.pk}",
                at=at,
                application=row,
                private=True,
                by=by,
            )
    return row
