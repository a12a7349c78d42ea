"""Opening and extending a funding call."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from applications.models import FundingCall
from applications.models.letters import NEEDED_TO_OPEN, REQUIRED_BLOCKS
from applications.services.drafts import NotAllowed
from applications.services.letters import blocks_for
from municipalities.permissions import may_administer

if TYPE_CHECKING:
    from municipalities.models import User


class CallIncomplete(Exception):
    """A text or limit that the call needs is not there; `missing` names them in German."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__("Dem Aufruf fehlt noch: " + ", ".join(missing))
        self.missing = missing


class AlreadyOpen(Exception):
    """The call was opened before."""


class NotAnExtension(Exception):
    """An extension ends later than the call did, and needs its public notice."""


NEEDED = (
    "opens_at",
    "round",
    "guideline",
    "clause",
    "purpose",
    "minimum_population",
    "maximum_population",
    "population_source",
    "joint_allowed",
    "duration_min",
    "duration_max",
    "duration_source",
    "cap",
    "cap_source",
)
"""Fields of a call without which nobody could apply or be answered."""


def missing_for_opening(call: FundingCall) -> list[str]:
    """What the call lacks before it can be opened, in German.

    Texts of letters count too, unless the authority makes its letters elsewhere: an unknown
    never stops the authority (PROGRAMME §2).
    """
    lacking = [
        str(FundingCall._meta.get_field(name).verbose_name)
        for name in NEEDED
        if getattr(call, name) in (None, "")
    ]
    if call.joint_allowed and not call.joint_source:
        lacking.append("Quelle zum Verbund")
    if call.population_as_of and not call.population_basis:
        lacking.append("Zensusbasis")
    if not call.letters_elsewhere and call.opens_at:
        day = timezone.localdate(call.opens_at)
        for kind in NEEDED_TO_OPEN:
            blocks = blocks_for(kind, day, call)
            lacking += [
                f"Textbaustein „{key.label}“ für „{kind.label}“"
                for key in REQUIRED_BLOCKS[kind]
                if key not in blocks
            ]
        if not call.financing_type:
            lacking.append("Finanzierungsart")
    return lacking


def open_call(*, call: FundingCall, by: User, at: datetime) -> FundingCall:
    """Open a call for applications. Raises NotAllowed, AlreadyOpen, CallIncomplete."""
    if not may_administer(by):
        raise NotAllowed
    with transaction.atomic():
        row = FundingCall.objects.select_for_update().get(pk=call.pk)
        if row.opened_at is not None:
            raise AlreadyOpen
        if row.display_only:
            raise CallIncomplete(["ein Aufruf, der nicht nur zur Anzeige dient"])
        if lacking := missing_for_opening(row):
            raise CallIncomplete(lacking)
        row.opened_at = at
        row.opened_by = by
        row._change_reason = "freigeschaltet"  # type: ignore[attr-defined]
        row.save()
    return row


def extend_call(
    *, call: FundingCall, closes_at: datetime, notice: str, by: User, at: datetime
) -> FundingCall:
    """Let a call end later, with a public notice why. Raises NotAllowed, NotAnExtension."""
    if not may_administer(by):
        raise NotAllowed
    with transaction.atomic():
        row = FundingCall.objects.select_for_update().get(pk=call.pk)
        if row.closes_at is None or closes_at <= max(row.closes_at, at) or not notice.strip():
            raise NotAnExtension
        row.closes_at = closes_at
        row.closing_note = notice.strip()
        row._change_reason = notice.strip()[:100]  # type: ignore[attr-defined]
        row.save()
    return row
