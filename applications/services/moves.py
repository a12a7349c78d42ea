"""The one place where an application's status is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from applications import mails, permissions
from applications.models import Application
from applications.services import log, worklist
from applications.services.drafts import NotAllowed
from applications.workflow import LIVE, Actor, Transition, transition

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import User


class WrongState(Exception):
    """The application is not in a state from which this move leads on."""

    def __init__(self, application: Application, move: Transition) -> None:
        super().__init__(f"„{move.label}“ ist im Stand „{application.state.label}“ nicht möglich.")
        self.application = application
        self.move = move


class ReasonMissing(Exception):
    """The move needs a reason."""


def locked(application: Application, action: str, *, by: User, reason: str = "") -> Application:
    """The application's row, locked, once this person may make this move now.

    Call inside a transaction; the lock holds until its end. Order of locks: application,
    members, number row. Raises NotAllowed, WrongState, ReasonMissing.
    """
    move = transition(action)
    row = (
        Application.objects.select_related("call", "created_by")
        .select_for_update(of=("self",))
        .get(pk=application.pk)
    )
    if move.actor is not Actor.SIGNER and not permissions.may_make(by, row, move):
        raise NotAllowed
    if row.state not in move.sources:
        raise WrongState(row, move)
    # Whether this signer may sign depends on the open proposal, which only this state has.
    if move.actor is Actor.SIGNER and not permissions.may_make(by, row, move):
        raise NotAllowed
    if move.reason and not reason.strip():
        raise ReasonMissing
    return row


def make(
    application: Application,
    action: str,
    *,
    by: User,
    at: datetime,
    fields: dict[str, Any] | None = None,
    **logged: Any,
) -> None:
    """Write the new status and what belongs to it in one update; log it; queue its mail.

    `application` comes from `locked`. `fields` are further columns of the same update.
    """
    move = transition(action)
    before = application.state
    after = move.leads_to(before)
    application.status = after
    values = fields or {}
    for name, value in values.items():
        setattr(application, name, value)
    # Only the filing knows its date by itself; elsewhere it depends on what is open now.
    application.matters_on = values.get("matters_on") or worklist.matters_on(application)
    application.save(update_fields=list({"status", "matters_on", *values}))
    # What becomes live was frozen with its figures before: see `submission`.
    if before in LIVE and after not in LIVE:
        application.members.update(live=after in LIVE)
    entry = log.record(
        application,
        action,
        by=by,
        at=at,
        **{"from": before.value, "to": after.value, **logged},
    )
    if move.mail:
        mails.tell_applicant(application, move.mail, at=at, event=str(entry.pk), **logged)
