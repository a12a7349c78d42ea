"""Who is in a section right now. A courtesy, no lock: it says whom to talk to before writing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from applications.models import Presence

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models import Application
    from applications.rules import Step
    from municipalities.models import User

OPENED: Final = timedelta(minutes=15)
"""So long an opened page counts by itself: without a script nobody tells when it is left."""
ALIVE: Final = timedelta(minutes=2)
"""So long a sign of life counts that a script gives while the page is in sight."""
FRESH: Final = timedelta(seconds=30)
"""A person seen so recently is not written down again."""


def others(*, application: Application, step: Step | str, by: User, at: datetime) -> list[Presence]:
    """Who else is in the section, whoever came first first. One query."""
    return [
        row
        for row in _rows(application)
        if row.step == step and row.user_id != by.pk and row.expires_at > at
    ]


def note(
    *,
    application: Application,
    step: Step | str,
    by: User,
    at: datetime,
    alive: bool = False,
    within: bool = False,
) -> list[Presence]:
    """Note that a person is in a section, and say who else is, whoever came first first.

    For somebody who was let into the section to write (`step` may be the desk's place as well);
    that is the caller's check. `alive` is
    a script's sign of life, `within` a request out of the opened page: it tidies nothing up.
    Reads once, and writes at most twice and not more often than every `FRESH`. Opening a section
    ends the person's stay in the others that give no sign of life.
    """
    rows = _rows(application)
    here = [row for row in rows if row.step == step and row.expires_at > at]
    mine = next((row for row in here if row.user_id == by.pk), None)
    left = [
        row.pk
        for row in rows
        if row.user_id == by.pk and row.step != step and not alive and not _is_alive(row)
    ]
    if not within and (left or any(row.expires_at <= at for row in rows)):
        Presence.objects.filter(Q(pk__in=left) | Q(expires_at__lte=at)).delete()
    if mine is None or at - mine.seen_at >= FRESH or (alive and not _is_alive(mine)):
        row = Presence(
            application=application,
            step=step,
            user=by,
            since=mine.since if mine else at,
            seen_at=at,
            expires_at=at + (ALIVE if alive else OPENED),
        )
        # One statement, so that two requests at once make one row.
        Presence.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["application", "step", "user"],
            update_fields=["since", "seen_at", "expires_at"],
        )
    return [row for row in here if row.user_id != by.pk]


def leave(*, application: Application, step: Step, by: User) -> None:
    """The person has left the section."""
    Presence.objects.filter(application=application, step=step, user=by).delete()


def end(*, by: User) -> None:
    """The person has signed out, and so is nowhere."""
    Presence.objects.filter(user=by).delete()


def _rows(application: Application) -> list[Presence]:
    return list(Presence.objects.filter(application=application).select_related("user"))


def _is_alive(row: Presence) -> bool:
    """Whether a script tells when the person leaves."""
    return row.expires_at - row.seen_at <= ALIVE
