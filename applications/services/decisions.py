"""Proposal by one person, final signature by another: the decision and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from applications import rules
from applications.models import Application, Decision, DecisionHand, DecisionYear
from applications.models.decisions import DecisionKind, DecisionState, HandRole
from applications.services import checks, letters, moves
from kiv_portal.euro import format_euro
from projects.services import open_project

if TYPE_CHECKING:
    from municipalities.models import User


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a reviewer proposes. Amounts in euro; `years` by Haushaltsjahr; days inclusive."""

    kind: str
    reasons: str
    amount: Decimal | None = None
    years: Mapping[int, Decimal] | None = None
    eligible_costs: Decimal | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    reduction_reasons: str = ""
    special_conditions: str = ""


class ProposalIncomplete(Exception):
    """The proposal cannot become a decision as it stands; `faults` by field, in German."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


class FourEyes(Exception):
    """Whoever had a hand in writing the decision cannot sign it (Vier-Augen-Prinzip)."""


class ProposalChanged(Exception):
    """The open proposal is not the one the person had before their eyes."""


class RoundMissing(Exception):
    """The call names no funding round under which the project could stand."""


class OtherKind(Exception):
    """The proposal is of the other kind: a grant cannot be signed as a rejection."""


def faults_of(proposal: Proposal, requested: Decimal) -> dict[str, str]:
    """What keeps the proposal from being complete, by field; empty when it is.

    Rests on PROGRAMME §6: amount per Haushaltsjahr, period, reasons; less than asked for
    needs its own reason.
    """
    faults: dict[str, str] = {}
    if not proposal.reasons.strip():
        faults["reasons"] = "Bitte begründen Sie die Entscheidung."
    if proposal.kind not in DecisionKind.values:
        faults["kind"] = "Diese Art der Entscheidung gibt es nicht."
    if proposal.kind == DecisionKind.REJECTION:
        return faults
    amount, start, end = proposal.amount, proposal.starts_on, proposal.ends_on
    if amount is None or amount <= 0:
        faults["amount"] = "Bitte geben Sie die bewilligte Zuwendung an."
    elif amount > requested:
        faults["amount"] = (
            f"Beantragt sind {format_euro(requested)}; mehr kann nicht bewilligt werden."
        )
    elif amount < requested and not proposal.reduction_reasons.strip():
        faults["reduction_reasons"] = (
            "Es wird weniger bewilligt als beantragt. Bitte begründen Sie die Kürzung."
        )
    if proposal.eligible_costs is None:
        faults["eligible_costs"] = "Bitte geben Sie die zuwendungsfähigen Gesamtausgaben an."
    elif amount is not None and proposal.eligible_costs < amount:
        faults["eligible_costs"] = (
            "Die Zuwendung darf die zuwendungsfähigen Gesamtausgaben nicht übersteigen."
        )
    if start is None:
        faults["starts_on"] = "Bitte geben Sie den Beginn des Bewilligungszeitraums an."
    if end is None:
        faults["ends_on"] = "Bitte geben Sie das Ende des Bewilligungszeitraums an."
    if start and end and end < start:
        faults["ends_on"] = "Das Ende liegt vor dem Beginn."
    years = proposal.years or {}
    if any(part < 0 for part in years.values()):
        faults["years"] = "Ein Haushaltsjahr hat keinen Betrag unter 0 €."
    elif amount is not None and sum(years.values(), Decimal(0)) != amount:
        faults["years"] = (
            f"Die Beträge der Haushaltsjahre ergeben "
            f"{format_euro(sum(years.values(), Decimal('0.00')))}, bewilligt werden sollen "
            f"{format_euro(amount)}."
        )
    elif start and end and any(y < start.year or y > end.year for y, a in years.items() if a):
        faults["years"] = (
            "Ein Betrag liegt in einem Haushaltsjahr außerhalb des Bewilligungszeitraums."
        )
    return faults


def propose(*, application: Application, proposal: Proposal, by: User, at: datetime) -> Decision:
    """Write a proposal; whoever does has a hand in it and cannot sign.

    Raises ProposalIncomplete, LetterIncomplete (a part of the letter is not there), NotAllowed,
    WrongState.
    """
    with transaction.atomic():
        row = moves.locked(application, "propose", by=by)
        requested = rules.requested(checks.plan_of(row))
        if faults := faults_of(proposal, requested):
            raise ProposalIncomplete(faults)
        granting = proposal.kind == DecisionKind.GRANT
        decision = Decision.objects.create(
            application=row,
            number=row.decisions.count() + 1,
            kind=proposal.kind,
            requested=requested,
            amount=proposal.amount if granting else None,
            eligible_costs=proposal.eligible_costs if granting else None,
            starts_on=proposal.starts_on if granting else None,
            ends_on=proposal.ends_on if granting else None,
            reasons=proposal.reasons.strip(),
            reduction_reasons=proposal.reduction_reasons.strip() if granting else "",
            special_conditions=proposal.special_conditions.strip() if granting else "",
            proposed_at=at,
        )
        if granting:
            DecisionYear.objects.bulk_create(
                DecisionYear(decision=decision, year=year, amount=amount)
                for year, amount in sorted((proposal.years or {}).items())
            )
        # Whoever wrote an earlier proposal of this case wrote this one too, as far as the
        # text lives on: everybody who ever wrote stays out of the signature.
        writers = set(
            DecisionHand.objects.filter(decision__application=row, role=HandRole.WROTE).values_list(
                "user", flat=True
            )
        ) | {by.pk}
        DecisionHand.objects.bulk_create(
            DecisionHand(decision=decision, user_id=user, role=HandRole.WROTE, at=at)
            for user in sorted(writers)
        )
        letters.require_parts(decision, at)
        moves.make(
            row,
            "propose",
            by=by,
            at=at,
            decision=decision.number,
            kind=decision.kind,
            amount=str(decision.amount) if decision.amount is not None else None,
        )
    return decision


def return_proposal(
    *, application: Application, reason: str, by: User, at: datetime, seen: int | None = None
) -> Application:
    """Give the proposal back to whoever wrote it.

    `seen` is the number of the proposal the person read. Raises ProposalChanged, NotAllowed,
    WrongState, ReasonMissing.
    """
    return _give_back(application, "return_proposal", reason, by, at, seen)


def retract_proposal(
    *, application: Application, reason: str, by: User, at: datetime, seen: int | None = None
) -> Application:
    """Take the open proposal back before it is signed; any reviewer may, not only its writer.

    Whoever wrote it stays out of every later signature. `seen` and what it raises as with
    `return_proposal`.
    """
    return _give_back(application, "retract_proposal", reason, by, at, seen)


def _give_back(
    application: Application, action: str, reason: str, by: User, at: datetime, seen: int | None
) -> Application:
    with transaction.atomic():
        row = moves.locked(application, action, by=by, reason=reason)
        decision = _open_proposal(row, seen)
        decision.state = DecisionState.RETURNED
        decision.settled_at = at
        decision.return_reason = reason.strip()
        decision.save(update_fields=["state", "settled_at", "return_reason"])
        moves.make(row, action, by=by, at=at, decision=decision.number, reason=reason.strip())
    return row


def grant(
    *, application: Application, by: User, at: datetime, seen: int | None = None
) -> Application:
    """Put the final signature under a grant: letter, project (unpublished), decision.

    `seen` is the number of the proposal the person read: another one is not signed unseen.
    Raises ProposalChanged, FourEyes, OtherKind, RoundMissing, LetterIncomplete, NotAllowed,
    WrongState.
    """
    with transaction.atomic():
        row, decision = _sign(application, "grant", DecisionKind.GRANT, by, at, seen)
        if row.call.round is None:
            raise RoundMissing
        letters.write(decision, by=by, at=at)
        project = open_project(
            title=row.title,
            round=row.call.round,
            amif=False,
            summary=row.summary,
            unit=row.contact_unit,
            members=[
                {"municipality": member.municipality, "declared_population": None}
                for member in row.members.select_related("municipality")
            ],
            starts_on=decision.starts_on,
            ends_on=decision.ends_on,
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
        )
    return row


def reject(
    *, application: Application, by: User, at: datetime, seen: int | None = None
) -> Application:
    """Put the final signature under a rejection and write its letter.

    `seen` as with `grant`. Raises ProposalChanged, FourEyes, OtherKind, LetterIncomplete,
    NotAllowed, WrongState.
    """
    with transaction.atomic():
        row, decision = _sign(application, "reject", DecisionKind.REJECTION, by, at, seen)
        letters.write(decision, by=by, at=at)
        moves.make(row, "reject", by=by, at=at, fields={"decided_at": at}, decision=decision.number)
    return row


def _open_proposal(application: Application, seen: int | None) -> Decision:
    decision: Decision = application.decisions.get(state=DecisionState.PROPOSED)
    if seen is not None and decision.number != seen:
        raise ProposalChanged
    return decision


def _sign(
    application: Application, action: str, kind: str, by: User, at: datetime, seen: int | None
) -> tuple[Application, Decision]:
    """Put the second hand under the open proposal; the database has the last word."""
    row = Application.objects.select_for_update().get(pk=application.pk)
    if DecisionHand.objects.filter(
        decision__application=row, decision__state=DecisionState.PROPOSED, user=by
    ).exists():
        raise FourEyes
    row = moves.locked(row, action, by=by)
    decision = _open_proposal(row, seen)
    if decision.kind != kind:
        raise OtherKind
    try:
        with transaction.atomic():
            DecisionHand.objects.create(decision=decision, user=by, role=HandRole.SIGNED, at=at)
    except IntegrityError as error:
        raise FourEyes from error
    decision.state = DecisionState.SIGNED
    decision.settled_at = at
    decision.save(update_fields=["state", "settled_at"])
    return row, decision
