"""The letter before it is signed: edited for one case, corrected, agreed to, countersigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from applications import permissions
from applications.models import Application, Decision, DecisionHand
from applications.models.decisions import HandRole
from applications.services import letters, moves
from applications.services.decisions.proposing import (
    ProposalChanged,
    freeze_draft,
    open_proposal,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from municipalities.models import User


class FourEyes(Exception):
    """Whoever had a hand in writing the decision cannot sign it (Vier-Augen-Prinzip)."""


class LetterNotOurs(Exception):
    """A letter made elsewhere is not edited here: another file is another proposal."""


class PartEmpty(Exception):
    """A part of the letter would stay empty; `keys` name the parts."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(", ".join(keys))
        self.keys = keys


class NothingToAgree(Exception):
    """Nobody corrected the letter, or somebody has agreed already."""


def edit_letter(
    *,
    application: Application,
    edits: Mapping[str, str],
    seen: str,
    by: User,
    at: datetime,
) -> Decision:
    """Change parts of this one letter; whoever does has a hand in it and cannot sign.

    `edits` are all parts that differ from the blocks, by key, with their whole text; a part
    left out is as the blocks say it today. `seen` is the seal of the draft on the page. Raises
    ProposalChanged, PartEmpty, LetterNotOurs, LetterIncomplete, FourEyes (who countersigned
    does not write), NotAllowed, WrongState.
    """
    return _edit(application, "edit_letter", edits, seen, by, at)


def correct_letter(
    *,
    application: Application,
    edits: Mapping[str, str],
    seen: str,
    by: User,
    at: datetime,
) -> Decision:
    """A signer changes the letter: from now on they wrote, and do not sign.

    It waits until somebody who wrote before says „einverstanden" or writes on, and then for a
    signature by somebody who wrote nothing of it. Raises as `edit_letter`.
    """
    return _edit(application, "correct_letter", edits, seen, by, at)


def _edit(
    application: Application,
    action: str,
    edits: Mapping[str, str],
    seen: str,
    by: User,
    at: datetime,
) -> Decision:
    with transaction.atomic():
        row = moves.locked(application, action, by=by)
        decision = open_proposal(row)
        if decision.made_elsewhere:
            raise LetterNotOurs
        if decision.draft_sha256 != seen:
            raise ProposalChanged
        known = {part["key"] for part in decision.draft["sections"]} - letters.FIXED
        wanted = {
            key: text.strip() for key, text in edits.items() if key in known | {letters.ADDRESSEE}
        }
        if empty := sorted(key for key, text in wanted.items() if not text):
            raise PartEmpty(empty)
        may_agree = wrote_before_correction(decision, {by.pk})
        write_hand(decision, by, at)
        decision.edits = wanted
        decision.agreed_at = decision.agreed_by = None
        if action == "correct_letter":
            decision.corrected_at, decision.corrected_by = at, by
        elif decision.corrected_by_id == by.pk:
            decision.corrected_at = at
        elif may_agree:
            # A writer has the whole text on the page: what was corrected is theirs now.
            decision.corrected_at = decision.corrected_by = None
        decision.save(
            update_fields=["edits", "corrected_at", "corrected_by", "agreed_at", "agreed_by"]
        )
        freeze_draft(decision, at)
        moves.make(
            row,
            action,
            by=by,
            at=at,
            decision=decision.number,
            parts=sorted(wanted),
            letter=decision.draft_sha256,
        )
    return decision


def write_hand(decision: Decision, by: User, at: datetime) -> None:
    """Note that somebody wrote. Raises FourEyes where they had another hand in it."""
    hand = decision.hands.filter(user=by).first()
    if hand is None:
        DecisionHand.objects.create(decision=decision, user=by, role=HandRole.WROTE, at=at)
    elif hand.role != HandRole.WROTE:
        raise FourEyes


def wrote_before_correction(decision: Decision, people: Collection[int]) -> bool:
    """Whether one of these persons (by key) had written when the signer corrected the letter."""
    corrected_at = decision.corrected_at
    return any(
        hand.role == HandRole.WROTE and (corrected_at is None or hand.at <= corrected_at)
        for hand in decision.hands.all()
        if hand.user_id in people
    )


def agree(*, application: Application, seen: str, by: User, at: datetime) -> Decision:
    """Say „einverstanden" to the signer's correction: by somebody who wrote before it, not by them.

    Whoever stands in for a writer who is away may say it too, and counts as a writer from then on.

    `seen` is the seal of the draft on the page. Raises NothingToAgree, ProposalChanged,
    FourEyes, NotAllowed, WrongState.
    """
    with transaction.atomic():
        row = moves.locked(application, "agree", by=by)
        decision = open_proposal(row)
        if not decision.awaits_consent:
            raise NothingToAgree
        if decision.draft_sha256 != seen:
            raise ProposalChanged
        mine = {by.pk, *permissions.stood_in_for(by, on=timezone.localdate(at))}
        wrote = wrote_before_correction(decision, mine)
        if not wrote or decision.corrected_by_id == by.pk:
            raise FourEyes
        write_hand(decision, by, at)
        decision.agreed_at, decision.agreed_by = at, by
        decision.save(update_fields=["agreed_at", "agreed_by"])
        moves.make(
            row, "agree", by=by, at=at, decision=decision.number, letter=decision.draft_sha256
        )
    return decision


def countersign(*, application: Application, seen: str, by: User, at: datetime) -> Decision:
    """An optional Mitzeichnung of the letter on the page, by somebody without another hand in it.

    Raises ProposalChanged, FourEyes, NotAllowed, WrongState.
    """
    with transaction.atomic():
        row = moves.locked(application, "countersign", by=by)
        decision = open_proposal(row)
        if decision.draft_sha256 != seen:
            raise ProposalChanged
        hand = decision.hands.filter(user=by).first()
        if hand is not None and hand.role != HandRole.COUNTERSIGNED:
            raise FourEyes
        if hand is None:
            try:
                with transaction.atomic():
                    hand = DecisionHand(decision=decision, user=by, role=HandRole.COUNTERSIGNED)
                    hand.at, hand.sha256 = at, seen
                    hand.save(force_insert=True)
            except IntegrityError as error:
                raise FourEyes from error
        else:  # the text changed since: countersigned anew
            hand.at, hand.sha256 = at, seen
            hand.save(update_fields=["at", "sha256"])
        moves.make(row, "countersign", by=by, at=at, decision=decision.number, letter=seen)
    return decision
