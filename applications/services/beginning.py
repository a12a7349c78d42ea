"""Beginning a draft from a page: sent twice, even at the same moment, it begins one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from applications import permissions
from applications.models.members import MemberRole
from applications.rules import Step
from applications.services import drafts
from applications.services.content import empty_step, read_step
from municipalities.models import Membership

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models import Application, FundingCall
    from municipalities.models import Municipality, User


def begin(
    *, call: FundingCall, lead: Municipality, partners: list[str], by: User, at: datetime
) -> tuple[Application, bool]:
    """As `drafts.start`, with these partners (by their keys); and whether it was begun just now.

    A draft of the person's own that holds no more than its beginning is taken as it is.
    """
    with transaction.atomic():
        wait_for_the_first(by, lead)
        found = _untouched(call, lead, partners, by)
        if found is not None:
            return found, False
        application = drafts.start(call=call, lead=lead, by=by, at=at)
        if partners:
            application = drafts.save_step(
                application=application,
                step=Step.KOMMUNE,
                data={"partners": partners},
                base_revision=application.revision,
                by=by,
                at=at,
            )
    return application, True


def wait_for_the_first(by: User, lead: Municipality) -> None:
    """One draft of a person and a municipality is begun at a time; inside a transaction."""
    list(Membership.objects.select_for_update().filter(user=by, municipality=lead))


def _untouched(
    call: FundingCall, lead: Municipality, partners: list[str], by: User
) -> Application | None:
    """A draft of theirs that nobody has written into."""
    found = (
        permissions.visible_to_team(by)
        .drafts()
        .filter(
            call=call,
            created_by=by,
            revision=1 if partners else 0,
            members__municipality=lead,
            members__role=MemberRole.LEAD,
        )
    )
    same = empty_step(Step.KOMMUNE) | {"partners": partners}
    return next((row for row in found if read_step(row, Step.KOMMUNE) == same), None)
