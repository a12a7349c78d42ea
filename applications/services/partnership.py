"""A partner of a Verbund confirms its Kooperationserklärung with its own account (PROGRAMME §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core import signing
from django.db import transaction

from applications import permissions
from applications.models import Application
from applications.rules import Step
from applications.services import cooperation, log
from applications.services.drafts import NotAllowed, editable_steps

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import Municipality, User


SALT: Final = "applications.cooperation"


def token_of(application: Application, partner: Municipality) -> str:
    """What the link carries that the lead passes on to a partner; nobody can make one up."""
    return signing.dumps([str(application.uuid), partner.ags], salt=SALT)


def read_token(token: str) -> tuple[Application, Municipality]:
    """The application and the partner a link is about. Raises NoPartner."""
    try:
        key, ags = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise NoPartner from error
    application = (
        Application.objects.select_related("call")
        .prefetch_related("members__municipality__district")
        .filter(uuid=key)
        .first()
    )
    if application is None:
        raise NoPartner
    for member in application.partners:
        if member.municipality.ags == ags:
            return application, member.municipality
    raise NoPartner


class StatementChanged(Exception):
    """The words the person saw are no longer those of the application."""


class NoPartner(Exception):
    """The municipality is no partner of the application, or the application is closed for it."""


def confirm_cooperation(
    *, application: Application, partner: Municipality, seen: str, by: User, at: datetime
) -> None:
    """Confirm what a partner declares, in its own name; `seen` is the hash of the words shown.

    Counts as long as these words stay. The same confirmation again changes nothing more.
    Raises NotAllowed unless the person signs for the partner, NoPartner, StatementChanged,
    StatementIncomplete.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        if not permissions.may_confirm_cooperation(by, partner):
            raise NotAllowed
        _check_open(row, partner)
        now = cooperation.statement_sha256(row, partner)
        if seen != now:
            raise StatementChanged
        cooperation.complete_statement(row, partner)
        place = cooperation.row_of(row, partner)
        if place.confirmed_at is not None and place.statement_sha256 == now:
            return
        place.confirmed_at, place.confirmed_by, place.statement_sha256 = at, by, now
        place.save(update_fields=["confirmed_at", "confirmed_by", "statement_sha256"])
        log.record(row, "confirm_cooperation", by=by, at=at, partner=partner.ags, sha256=now)


def revoke_cooperation(
    *, application: Application, partner: Municipality, by: User, at: datetime
) -> None:
    """Take a confirmation back before the application is filed; twice changes nothing more.

    Raises NotAllowed, NoPartner.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        if not permissions.may_confirm_cooperation(by, partner):
            raise NotAllowed
        _check_open(row, partner)
        changed = row.cooperations.filter(municipality=partner, confirmed_at__isnull=False).update(
            confirmed_at=None, confirmed_by=None, statement_sha256=""
        )
        if changed:
            log.record(row, "revoke_cooperation", by=by, at=at, partner=partner.ags)


def _check_open(application: Application, partner: Municipality) -> None:
    partners = application.members.filter(municipality=partner, role="partner")
    if not partners.exists() or Step.KOMMUNE not in editable_steps(application):
        raise NoPartner
