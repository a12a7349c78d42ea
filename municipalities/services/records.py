"""The sign-in log: its only writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from municipalities.models import AccountEvent, EventKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from municipalities.models import Municipality, User

LONGEST_DETAIL = 300


def record(
    kind: EventKind,
    *,
    at: datetime,
    user: User | None = None,
    by: User | None = None,
    municipality: Municipality | None = None,
    detail: str = "",
    address: str | None = None,
) -> AccountEvent:
    """Write one line of the sign-in log, in the transaction of its event.

    `user` is whom it concerns, `by` who did it; `detail` never holds what an application or a
    form says. The request's id is taken from the log context, so that both can be joined.
    """
    context = structlog.contextvars.get_contextvars()
    return AccountEvent.objects.create(
        kind=kind,
        at=at,
        user=user,
        by=by,
        municipality=municipality,
        detail=detail[:LONGEST_DETAIL],
        address=address,
        request_id=str(context.get("request_id", ""))[:36],
    )


def note_account(
    *, user: User, created: bool, changed: Sequence[str], by: User, at: datetime
) -> None:
    """Put on record that somebody made an account or changed whether it works and is staff's.

    In the transaction that changed it; what else was changed (a name, a telephone number) is no
    right and not kept.
    """
    if created:
        detail = "Behörde" if user.is_staff else "Kommune"
        record(EventKind.ACCOUNT_CREATED, user=user, by=by, at=at, detail=detail)
        return
    labels = {
        "is_active": "aktiv" if user.is_active else "gesperrt",
        "is_staff": "Behörde" if user.is_staff else "nicht Behörde",
    }
    detail = ", ".join(label for name, label in labels.items() if name in changed)
    if detail:
        record(EventKind.ACCOUNT_CHANGED, user=user, by=by, at=at, detail=f"jetzt {detail}")
