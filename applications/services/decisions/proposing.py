"""Proposing a decision and giving a proposal back: the first notice and every later version."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import transaction

from applications import rules
from applications.models import Application, Decision, DecisionHand, DecisionPlanLine, DecisionYear
from applications.models.decisions import (
    CHANGE_KINDS,
    FIRST_KINDS,
    DecisionKind,
    DecisionState,
    HandRole,
    HearingSubject,
)
from applications.services import checks, letters, moves
from applications.services.decisions.proposal import (
    NOTHING,
    Before,
    Proposal,
    ProposalIncomplete,
    fault_of_years,
    faults_of,
    faults_of_figures,
    faults_of_plan,
    lines_of,
)
from applications.services.letters.elsewhere import Kept, faults_of_elsewhere, kept

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from applications.models import Hearing
    from municipalities.models import User


class ProposalChanged(Exception):
    """The open proposal is not the one the person had before their eyes."""


class VersionChanged(Exception):
    """Another version of the application was handed in than the one the person had read."""


class ProposalOpen(Exception):
    """There is a proposal already that waits for its signature."""


class NothingToChange(Exception):
    """There is no signed decision of a kind that this version could change."""


def before_of(application: Application) -> Before:
    """What a first proposal of this case is measured by."""
    return Before(
        checks.plan_of(application),
        application.call.terms(),
        last_heard(application, HearingSubject.REJECTION) is not None,
    )


def last_heard(application: Application, subject: str) -> Hearing | None:
    """The last hearing on that subject that is over; None if there was none."""
    return application.hearings.filter(subject=subject, closed_at__isnull=False).last()


def propose(
    *,
    application: Application,
    proposal: Proposal,
    by: User,
    at: datetime,
    seen: int | None = None,
) -> Decision:
    """Write a proposal; whoever does has a hand in it and cannot sign.

    `seen` is the number of the version handed in that the person had read. Raises
    ProposalIncomplete, LetterIncomplete (a part of the letter is not there), VersionChanged,
    documents.UploadRefused, NotAllowed, WrongState.
    """
    if proposal.kind not in FIRST_KINDS:
        raise ProposalIncomplete({"kind": "Diese Art der Entscheidung gibt es nicht."})
    with _kept(proposal) as file, transaction.atomic():
        row = moves.locked(application, "propose", by=by)
        if seen not in (None, latest_version(row)):
            raise VersionChanged
        plan = checks.plan_of(row)
        requested = rules.requested(plan)
        if faults := faults_of(proposal, requested, before_of(row)):
            raise ProposalIncomplete(faults)
        granting = proposal.kind == DecisionKind.GRANT
        hearing = None if granting else last_heard(row, HearingSubject.REJECTION)
        decision = _written(
            row,
            proposal,
            file,
            requested,
            at,
            hearing=hearing,
            hearing_skipped="" if granting or hearing else proposal.hearing_skipped.strip(),
        )
        if granting:
            _write_money(decision, proposal, lines_of(plan))
        _finish(row, decision, "propose", by=by, at=at)
    return decision


def latest_version(application: Application) -> int:
    """The number of the version handed in last; 0 before the first."""
    last = application.snapshots.order_by("number").last()
    return last.number if last else 0


def propose_change(
    *, application: Application, proposal: Proposal, by: User, at: datetime
) -> Decision:
    """Propose a version that changes what was signed: correction, amendment, revocation.

    Every version holds all figures as they are to be afterwards; a revocation that leaves
    nothing has the amount 0. Raises ProposalOpen, NothingToChange, and what `propose` raises.
    """
    if proposal.kind not in CHANGE_KINDS:
        raise ProposalIncomplete({"kind": "Diese Art der Entscheidung gibt es nicht."})
    with _kept(proposal) as file, transaction.atomic():
        row = moves.locked(application, "propose_change", by=by)
        if row.decisions.filter(state=DecisionState.PROPOSED).exists():
            raise ProposalOpen
        previous = letters.current(row)
        if previous is None or (
            previous.amount is None and proposal.kind != DecisionKind.CORRECTION
        ):
            raise NothingToChange
        hearing = last_heard(row, HearingSubject.REVOCATION)
        faults = _faults_of_change(proposal, previous, hearing)
        if faults:
            raise ProposalIncomplete(faults)
        revoking = proposal.kind == DecisionKind.REVOCATION
        decision = _written(
            row,
            proposal,
            file,
            previous.requested,
            at,
            previous=previous,
            basis=proposal.basis if revoking else "",
            purpose=proposal.purpose.strip(),
            hearing=hearing if revoking else None,
        )
        if previous.amount is not None:
            # A revocation that leaves nothing leaves no plan either.
            whole = revoking and not proposal.amount
            _write_money(decision, replace(proposal, plan=[]) if whole else proposal, [])
        _finish(row, decision, "propose_change", by=by, at=at)
    return decision


def _faults_of_change(
    proposal: Proposal, previous: Decision, hearing: Hearing | None
) -> dict[str, str]:
    faults: dict[str, str] = {}
    if not proposal.reasons.strip():
        faults["reasons"] = "Bitte begründen Sie die Entscheidung."
    if proposal.elsewhere:
        faults |= faults_of_elsewhere(proposal.elsewhere, proposal.kind)
    if previous.amount is None:  # only the words of a rejection are corrected
        return faults
    if proposal.kind == DecisionKind.REVOCATION:
        return faults | _faults_of_revocation(proposal, previous, hearing)
    money = faults_of_figures(proposal, previous.requested)
    if proposal.amount == previous.amount:
        money.pop("reduction_reasons", None)  # it was reduced, with its reason, before
    faults |= money
    if not money:
        faults |= faults_of_plan(proposal)
    return faults


def _faults_of_revocation(
    proposal: Proposal, previous: Decision, hearing: Hearing | None
) -> dict[str, str]:
    faults: dict[str, str] = {}
    amount, highest = proposal.amount, previous.amount or NOTHING
    if hearing is None or (previous.settled_at and hearing.begun_at < previous.settled_at):
        faults["hearing"] = (
            "Vor einer Aufhebung wird immer angehört. Bitte beginnen Sie zuerst die Anhörung."
        )
    if not proposal.basis:
        faults["basis"] = "Bitte wählen Sie den Rechtsgrund der Aufhebung."
    if amount is None or not 0 <= amount < highest:
        faults["amount"] = (
            "Bitte geben Sie an, was von der Zuwendung bleibt; 0, wenn nichts bleibt."
        )
    elif fault := fault_of_years(
        proposal.years or {}, amount, previous.starts_on, previous.ends_on
    ):
        faults["years"] = fault
    elif amount and not proposal.plan:
        faults["plan"] = "Bitte tragen Sie den verringerten Finanzierungsplan ein."
    elif amount:
        # Period and eligible costs stay; what is left must balance in every year.
        faults |= faults_of_plan(
            replace(
                proposal,
                starts_on=previous.starts_on,
                ends_on=previous.ends_on,
                eligible_costs=None,
            )
        )
    return faults


@contextlib.contextmanager
def _kept(proposal: Proposal) -> Any:
    """The uploaded letter on disk before a row names it; None where the portal makes it."""
    if proposal.elsewhere is None or proposal.elsewhere.upload is None:
        yield None
        return
    with kept(proposal.elsewhere.upload) as file:
        yield file


def _written(
    application: Application,
    proposal: Proposal,
    file: Kept | None,
    requested: Decimal,
    at: datetime,
    **fields: Any,
) -> Decision:
    """The row of a proposal. What has no place in its kind is left out."""
    rejecting = proposal.kind == DecisionKind.REJECTION
    previous: Decision | None = fields.get("previous")
    money = not rejecting and not (previous is not None and previous.amount is None)
    kept_period = previous if proposal.kind == DecisionKind.REVOCATION else None
    if file and proposal.elsewhere:
        fields |= {
            "elsewhere_file": file.name,
            "elsewhere_sha256": file.sha256,
            "elsewhere_dated_on": proposal.elsewhere.dated_on,
            "elsewhere_parts": sorted(proposal.elsewhere.parts),
        }
    return Decision.objects.create(
        application=application,
        number=application.decisions.count() + 1,
        kind=proposal.kind,
        requested=requested,
        amount=proposal.amount if money else None,
        eligible_costs=(kept_period.eligible_costs if kept_period else proposal.eligible_costs)
        if money
        else None,
        starts_on=(kept_period.starts_on if kept_period else proposal.starts_on) if money else None,
        ends_on=(kept_period.ends_on if kept_period else proposal.ends_on) if money else None,
        reasons=proposal.reasons.strip(),
        reduction_reasons=proposal.reduction_reasons.strip() if money else "",
        special_conditions=proposal.special_conditions.strip() if money else "",
        proposed_at=at,
        **fields,
    )


def _write_money(decision: Decision, proposal: Proposal, asked: list[Any]) -> None:
    DecisionYear.objects.bulk_create(
        DecisionYear(decision=decision, year=year, amount=amount)
        for year, amount in sorted((proposal.years or {}).items())
    )
    lines = asked if proposal.plan is None else proposal.plan
    DecisionPlanLine.objects.bulk_create(
        DecisionPlanLine(
            decision=decision,
            side=line.side,
            kind=line.kind,
            ags=line.ags,
            year=line.year,
            amount=line.amount,
        )
        for line in lines
        if line.amount
    )


def _finish(row: Application, decision: Decision, action: str, *, by: User, at: datetime) -> None:
    """Hands, the letter's draft with its seal, the log."""
    # Whoever wrote an earlier proposal of this case wrote this one too, as far as the
    # text lives on: everybody who ever wrote stays out of the signature. A change is new
    # text: there only those count who wrote since the last signature.
    wrote = DecisionHand.objects.filter(decision__application=row, role=HandRole.WROTE)
    if decision.previous_id:
        wrote = wrote.filter(decision__number__gt=decision.previous.number)
    writers = set(wrote.values_list("user", flat=True)) | {by.pk}
    DecisionHand.objects.bulk_create(
        DecisionHand(decision=decision, user_id=user, role=HandRole.WROTE, at=at)
        for user in sorted(writers)
    )
    freeze_draft(decision, at)
    moves.make(
        row,
        action,
        by=by,
        at=at,
        decision=decision.number,
        kind=decision.kind,
        amount=str(decision.amount) if decision.amount is not None else None,
        letter=decision.draft_sha256,
    )


def freeze_draft(decision: Decision, at: datetime) -> None:
    """Compose the letter as it is to be signed, and keep it with its seal.

    Raises LetterIncomplete.
    """
    letters.require_parts(decision, at)
    decision.draft = letters.compose(decision, by=None, at=at)
    decision.draft_sha256 = letters.seal(decision.draft)
    decision.save(update_fields=["draft", "draft_sha256"])


# --- Giving back ----------------------------------------------------------------------------------


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


def return_change(
    *, application: Application, reason: str, by: User, at: datetime, seen: int | None = None
) -> Application:
    """Give the proposed change back; the decision before it stays. Raises as `return_proposal`."""
    return _give_back(application, "return_change", reason, by, at, seen)


def retract_change(
    *, application: Application, reason: str, by: User, at: datetime, seen: int | None = None
) -> Application:
    """Take the proposed change back; the decision before it stays. Raises as `return_proposal`."""
    return _give_back(application, "retract_change", reason, by, at, seen)


def _give_back(
    application: Application, action: str, reason: str, by: User, at: datetime, seen: int | None
) -> Application:
    with transaction.atomic():
        row = moves.locked(application, action, by=by, reason=reason)
        decision = open_proposal(row, seen)
        decision.state = DecisionState.RETURNED
        decision.settled_at = at
        decision.return_reason = reason.strip()
        decision.save(update_fields=["state", "settled_at", "return_reason"])
        moves.make(row, action, by=by, at=at, decision=decision.number, reason=reason.strip())
    return row


def open_proposal(application: Application, seen: int | None = None) -> Decision:
    """The proposal that waits for its signature. Raises Decision.DoesNotExist, ProposalChanged."""
    decision: Decision = application.decisions.get(state=DecisionState.PROPOSED)
    if seen is not None and decision.number != seen:
        raise ProposalChanged
    return decision
