"""Publishing a granted project, and taking it out again: moves of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from applications.models import Application
from applications.services import moves
from projects import services as projects

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import User


def publish_project(*, application: Application, by: User, at: datetime) -> Application:
    """Show the granted project in the public directory.

    Raises projects.services.AlreadyPublished, NotAllowed, WrongState.
    """
    with transaction.atomic():
        row = moves.locked(application, "publish_project", by=by)
        assert row.project is not None
        projects.publish(project=row.project, by=by, at=at)
        moves.make(
            row,
            "publish_project",
            by=by,
            at=at,
            public_address=f"{settings.PORTAL_ADDRESS}/projekte/{row.project.slug}/",
        )
    return row


def withdraw_project(
    *, application: Application, reason: str, by: User, at: datetime
) -> Application:
    """Take the project out of the public directory, at once.

    Raises projects.services.NotPublished, NotAllowed, WrongState, ReasonMissing.
    """
    with transaction.atomic():
        row = moves.locked(application, "withdraw_project", by=by, reason=reason)
        assert row.project is not None
        projects.withdraw_from_public(project=row.project, reason=reason.strip(), by=by, at=at)
        moves.make(
            row,
            "withdraw_project",
            by=by,
            at=at,
            project=row.project.slug,
            reason=reason.strip(),
        )
    return row
