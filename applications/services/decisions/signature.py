"""The final signature by a second person: the decision, its letter, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from applications.models import Application, Decision, DecisionHand
from applications.models.decisions import DecisionKind, DecisionState, HandRole
from applications.services import letters, moves
from applications.services.decisions import budget
from applications.services.decisions.drafting import FourEyes
from applications.services.decisions.proposing import ProposalChanged, open_proposal
from projects.models import AmountClass
from projects.services import open_project

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import User


class RoundMissing(Exception):
    """The call names no funding round under which the project could stand."""


class OtherKind(Exception):
    """The proposal is of the other kind: a grant cannot be signed as a rejection."""


class ConsentMissing(Exception):
    """The letter was corrected, and nobody who wrote it has agreed yet."""


class LetterChanged(Exception):
    """The letter composed now is not the one that was proposed; `parts` name what differs."""

    def __init__(self, parts: list[str]) -> None:
        super().__init__("Im Schreiben hat sich geändert: " + ", ".join(parts))
        self.parts = parts


def grant(
    *,
    application: Application,
    by: User,
    at: datetime,
    seen: int | None = None,
    sealed: str | None = None,
) -> Application:
    """Put the final signature under a grant: letter, project (unpublished), decision.

    `seen` is the number of the proposal the person read and `sealed` the seal of its letter:
    another one is not signed unseen. Raises ProposalChanged, LetterChanged, ConsentMissing,
    FourEyes, OtherKind, RoundMissing, BudgetExceeded, LetterIncomplete, NotAllowed, WrongState.
    """
    with transaction.atomic():
        row, decision = _sign(application, "grant", (DecisionKind.GRANT,), by, at, seen, sealed)
        if row.call.round is None:
            raise RoundMissing
        budget.check(decision, timezone.localdate(at), lock=True)
        letter = letters.write(decision, by=by, at=at)
        project = open_project(
            title=row.title,
            round=row.call.round,
            amif=False,
            # Text, unit and contact are public once the municipality says so (`publication`).
            summary="",
            unit="",
            members=[
                {"municipality": member.municipality, "declared_population": None}
                for member in row.members.select_related("municipality")
            ],
            starts_on=decision.starts_on,
            ends_on=decision.ends_on,
            amount_class=AmountClass.of(decision.amount),
            source="Zuwendungsbescheid",  # the Antragsnummer is nobody's business
            from_application=True,
            by=by,
            at=at,
        )
        moves.make(
            row,
            "grant",
            by=by,
            at=at,
            fields={"project": project, "decided_at": at},
            decision=decision.number,
            amount=str(decision.amount),
            letter=letter.seal,
        )
    return row


def reject(
    *,
    application: Application,
    by: User,
    at: datetime,
    seen: int | None = None,
    sealed: str | None = None,
) -> Application:
    """Put the final signature under a rejection and write its letter.

    `seen`, `sealed` and what it raises as with `grant`.
    """
    with transaction.atomic():
        row, decision = _sign(
            application, "reject", (DecisionKind.REJECTION,), by, at, seen, sealed
        )
        letter = letters.write(decision, by=by, at=at)
        moves.make(
            row,
            "reject",
            by=by,
            at=at,
            fields={"decided_at": at},
            decision=decision.number,
            letter=letter.seal,
        )
    return row


def sign_change(
    *,
    application: Application,
    by: User,
    at: datetime,
    seen: int | None = None,
    sealed: str | None = None,
) -> Application:
    """Sign a correction, an amendment or a partial revocation.

    The public entry follows once the applicant has been told (`following`).

    Raises OtherKind for a revocation that leaves nothing (`revoke`), else as `grant`.
    """
    kinds = (DecisionKind.CORRECTION, DecisionKind.AMENDMENT, DecisionKind.REVOCATION)
    with transaction.atomic():
        row, decision = _sign(application, "sign_change", kinds, by, at, seen, sealed)
        if is_whole_revocation(decision):
            raise OtherKind
        budget.check(decision, timezone.localdate(at), lock=True)
        letter = letters.write(decision, by=by, at=at)
        moves.make(
            row,
            "sign_change",
            by=by,
            at=at,
            decision=decision.number,
            kind=decision.kind,
            amount=str(decision.amount) if decision.amount is not None else None,
            letter=letter.seal,
        )
    return row


def revoke(
    *,
    application: Application,
    by: User,
    at: datetime,
    seen: int | None = None,
    sealed: str | None = None,
) -> Application:
    """Sign a revocation that leaves nothing.

    A published project leaves the directory once the applicant has been told (`following`).

    Raises as `sign_change`.
    """
    with transaction.atomic():
        row, decision = _sign(
            application, "revoke", (DecisionKind.REVOCATION,), by, at, seen, sealed
        )
        if not is_whole_revocation(decision):
            raise OtherKind
        letter = letters.write(decision, by=by, at=at)
        moves.make(
            row,
            "revoke",
            by=by,
            at=at,
            decision=decision.number,
            kind=decision.kind,
            letter=letter.seal,
        )
    return row


def is_whole_revocation(decision: Decision) -> bool:
    """Whether nothing of the grant is left after this version."""
    return decision.kind == DecisionKind.REVOCATION and not decision.amount


def changed_parts(decision: Decision, at: datetime) -> list[str]:
    """Parts of the letter that have become other than proposed, by their German names."""
    now = letters.compose(decision, by=None, at=at)
    if letters.seal(now) == decision.draft_sha256:
        return []
    return [part["heading"] for part in letters.differences(decision.draft, now)] or [
        "Angaben im Anhang (Daten)"
    ]


def _sign(
    application: Application,
    action: str,
    kinds: tuple[DecisionKind, ...],
    by: User,
    at: datetime,
    seen: int | None,
    sealed: str | None,
) -> tuple[Application, Decision]:
    """Put the second hand under the open proposal; the database has the last word."""
    row = Application.objects.select_for_update().get(pk=application.pk)
    if DecisionHand.objects.filter(
        decision__application=row, decision__state=DecisionState.PROPOSED, user=by
    ).exists():
        raise FourEyes
    row = moves.locked(row, action, by=by)
    decision = open_proposal(row, seen)
    if decision.kind not in kinds:
        raise OtherKind
    if decision.awaits_consent:
        raise ConsentMissing
    if sealed is not None and sealed != decision.draft_sha256:
        raise ProposalChanged
    letters.require_parts(decision, at)
    if parts := changed_parts(decision, at):
        raise LetterChanged(parts)
    try:
        with transaction.atomic():
            DecisionHand.objects.create(
                decision=decision,
                user=by,
                role=HandRole.SIGNED,
                at=at,
                sha256=decision.draft_sha256,
            )
    except IntegrityError as error:
        raise FourEyes from error
    decision.state = DecisionState.SIGNED
    decision.settled_at = at
    decision.save(update_fields=["state", "settled_at"])
    return row, decision
