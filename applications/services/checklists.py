"""The reviewer's checks: checklist of the call, Ausgaben line by line.

What the portal has found stands with the version that was handed in; a person confirms it or
comes to something else and says why. Nothing here decides: it feeds the proposal.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Exists

from applications import permissions
from applications.models import Application, CheckItem, CheckResult, ExpenseRuling
from applications.models.checks import CheckKind, Verdict
from applications.services import log, snapshots
from applications.services.decisions.proposal import PlanLine, lines_of
from applications.services.drafts import NotAllowed
from applications.workflow import Status
from kiv_portal.euro import format_euro

if TYPE_CHECKING:
    from applications.models import Snapshot
    from applications.rules import Plan
    from municipalities.models import User

CHECKING: Final = frozenset(
    {
        Status.FORMAL_CHECK,
        Status.INFORMATION_REQUESTED,
        Status.SUBSTANTIVE_CHECK,
        Status.HEARING,
    }
)
"""States in which a case is being checked; what is proposed rests on the checks as they were."""

NOTHING: Final = Decimal("0.00")


class NotBeingChecked(Exception):
    """The case is not being checked: not yet taken on, proposed, or decided."""


class CheckIncomplete(Exception):
    """What was typed cannot be kept; `faults` by line, in German."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


class ChecksChanged(Exception):
    """Somebody else has kept checks of the case since the page was opened."""


class Said(NamedTuple):
    """What a reviewer says of a line of the checklist; a criterion has no verdict."""

    verdict: str
    text: str = ""


class Allowed(NamedTuple):
    """How much of a line of Ausgaben is zuwendungsfähig, in euro, and why less than all."""

    amount: Decimal
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the checklist for a case: the portal's finding, and what a person made of it.

    `stale`: a newer version came in since the person looked.
    """

    item: CheckItem
    machine: str
    machine_text: str
    result: CheckResult | None
    stale: bool


@dataclass(frozen=True, slots=True)
class ExpenseLine:
    """A line of Ausgaben as handed in last, with what was decided of it."""

    row: str
    year: int
    category: str
    text: str
    claimed: Decimal
    eligible: bool
    ruling: ExpenseRuling | None
    stale: bool

    @property
    def allowed(self) -> Decimal:
        """What counts as zuwendungsfähig now: as decided, else as the applicant proposes."""
        if self.ruling and not self.stale:
            return self.ruling.allowed
        return self.claimed if self.eligible else NOTHING


def may_check(user: User, application: Application) -> bool:
    """Whether this person may write the checks of this case now."""
    return application.state in CHECKING and permissions.may_review_application(user, application)


def locked(application: Application, by: User) -> Application:
    """The case under a lock, where this person may write its checks now.

    Raises NotBeingChecked, NotAllowed.
    """
    row = Application.objects.select_for_update().get(pk=application.pk)
    if not permissions.may_review_application(by, row):
        raise NotAllowed
    if row.state not in CHECKING:
        raise NotBeingChecked
    return row


def _last(application: Application) -> Snapshot:
    last = application.snapshots.order_by("number").last()
    assert last is not None  # a filed application has one
    return last


def stand(application: Application) -> str:
    """How the checks of the case stand, as a key: once somebody writes another, it differs."""
    kept = [
        *application.check_results.values_list("item", "by", "at"),
        *application.expense_rulings.values_list("row", "by", "at"),
    ]
    text = "\n".join(sorted(f"{what} {who} {at.isoformat()}" for what, who, at in kept))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def record_review(
    *,
    application: Application,
    said: Mapping[int, Said],
    allowed: Mapping[str, Allowed],
    seen: str,
    by: User,
    at: datetime,
) -> None:
    """Keep checklist and Ausgaben as one page shows them: both, or nothing.

    `seen` is how the checks stood when the page was opened (`stand`). Raises CheckIncomplete with
    the faults of both, ChecksChanged, NotBeingChecked, NotAllowed.
    """
    with transaction.atomic():
        row = locked(application, by)
        if seen != stand(row):
            raise ChecksChanged
        faults: dict[str, str] = {}
        try:
            record_checks(application=row, said=said, by=by, at=at)
        except CheckIncomplete as error:
            faults |= error.faults
        try:
            rule_expenses(application=row, allowed=allowed, by=by, at=at)
        except CheckIncomplete as error:
            faults |= error.faults
        if faults:
            raise CheckIncomplete(faults)


# --- The checklist --------------------------------------------------------------------------------


def machine_finding(item: CheckItem, content: Mapping[str, Any]) -> tuple[str, str]:
    """What the portal found for a line in a version: verdict and words; empty where it does not
    look."""
    if not item.codes:
        return "", ""
    found = [f["message"] for f in content["findings"] if f["code"] in item.codes]
    if found:
        return Verdict.NOT_MET.value, " ".join(found)
    return Verdict.MET.value, "Keine Beanstandung."


def checklist(application: Application) -> list[Line]:
    """The checklist of the case's call, with what the portal and the reviewers found."""
    last = _last(application)
    content = snapshots.read(last)
    results = {
        result.item_id: result
        for result in application.check_results.select_related("by", "snapshot")
    }
    lines = []
    for item in application.call.check_items.all():
        result = results.get(item.pk)
        stale = result is not None and result.snapshot_id != last.pk
        lines.append(Line(item, *machine_finding(item, content), result, stale))
    return lines


def record_checks(
    *, application: Application, said: Mapping[int, Said], by: User, at: datetime
) -> list[CheckResult]:
    """Keep what a reviewer says of lines of the checklist, each by the item's primary key.

    To come to something else than the portal needs a reason. A line whose words are as they
    were, and whose version is the last one, stays with whoever wrote it. Raises
    CheckIncomplete, NotBeingChecked, NotAllowed.
    """
    with transaction.atomic():
        row = locked(application, by)
        last = _last(row)
        content = snapshots.read(last)
        items = {item.pk: item for item in row.call.check_items.filter(pk__in=said)}
        there = {result.item_id: result for result in row.check_results.filter(item__in=items)}
        faults: dict[str, str] = {}
        written = []
        for pk, item in items.items():
            verdict, text = said[pk].verdict, said[pk].text.strip()
            machine, machine_text = machine_finding(item, content)
            if fault := _fault(item, verdict, text, machine):
                faults[str(pk)] = fault
                continue
            result = there.get(pk) or CheckResult(application=row, item=item)
            now = (last.pk, machine, verdict, text)
            if now == (result.snapshot_id, result.machine, result.verdict, result.text):
                continue
            result.snapshot, result.machine, result.machine_text = last, machine, machine_text
            result.verdict, result.text, result.at, result.by = verdict, text, at, by
            written.append(result)
        if faults:
            raise CheckIncomplete(faults)
        for result in written:
            result.save()
        if written:
            log.record(
                row,
                "record_checks",
                by=by,
                at=at,
                snapshot=last.number,
                checks=[
                    {"item": str(r.item), "machine": r.machine, "verdict": r.verdict}
                    | {"text": r.text}
                    for r in written
                ],
            )
    return written


def _fault(item: CheckItem, verdict: str, text: str, machine: str) -> str:
    if item.kind == CheckKind.CRITERION:
        if verdict or not text:
            return "Bitte schreiben Sie eine kurze Einschätzung."
        return ""
    if verdict not in Verdict.values:
        return "Bitte wählen Sie ein Ergebnis."
    if machine and verdict != machine and not text:
        return "Sie weichen vom Befund des Portals ab. Bitte begründen Sie das."
    return ""


# --- Ausgaben line by line ------------------------------------------------------------------------


def expenses(application: Application) -> list[ExpenseLine]:
    """The Ausgaben handed in last, line by line, with what was decided of each."""
    last = _last(application)
    kept = application.expense_rulings.select_related("by", "snapshot")
    rulings = {str(ruling.row): ruling for ruling in kept}
    # Each line as it stood when it was decided: another line for the same money is not decided.
    versions = {last.pk: last} | {ruling.snapshot_id: ruling.snapshot for ruling in kept}
    rows = {
        pk: {row["id"]: row for row in snapshots.read(version)["steps"]["finanzierung"]["expenses"]}
        for pk, version in versions.items()
    }
    lines = []
    for row in sorted(rows[last.pk].values(), key=lambda row: row["year"]):
        ruling = rulings.get(row["id"])
        claimed = Decimal(row["amount"] or 0)
        lines.append(
            ExpenseLine(
                row["id"],
                row["year"],
                row["category"],
                row["text"],
                claimed,
                row["eligible"],
                ruling,
                ruling is not None and rows[ruling.snapshot_id].get(row["id"]) != row,
            )
        )
    return lines


def rule_expenses(
    *, application: Application, allowed: Mapping[str, Allowed], by: User, at: datetime
) -> list[ExpenseRuling]:
    """Decide how much of each line is zuwendungsfähig, by the line's id.

    Less than the whole line needs a reason. Raises CheckIncomplete, NotBeingChecked,
    NotAllowed.
    """
    with transaction.atomic():
        row = locked(application, by)
        last = _last(row)
        faults: dict[str, str] = {}
        written, lines = [], {}
        for line in expenses(row):
            if line.row not in allowed:
                continue
            amount, reason = allowed[line.row].amount, allowed[line.row].reason.strip()
            if not NOTHING <= amount <= line.claimed:
                faults[line.row] = (
                    f"Zuwendungsfähig sind höchstens {format_euro(line.claimed)}, der Betrag der "
                    "Zeile."
                )
            elif amount < line.claimed and not reason:
                faults[line.row] = "Bitte begründen Sie, warum nicht der ganze Betrag zählt."
            ruling = line.ruling or ExpenseRuling(application=row, row=uuid.UUID(line.row))
            now = (line.claimed, amount, reason)
            if not line.stale and now == (ruling.claimed, ruling.allowed, ruling.reason):
                continue
            ruling.snapshot, ruling.claimed, ruling.allowed = last, line.claimed, amount
            ruling.reason, ruling.at, ruling.by = reason, at, by
            written.append(ruling)
            lines[ruling.row] = {"year": line.year, "category": line.category}
        if faults:
            raise CheckIncomplete(faults)
        for ruling in written:
            ruling.save()
        if written:
            log.record(
                row,
                "rule_expenses",
                by=by,
                at=at,
                snapshot=last.number,
                rulings=[
                    {"row": str(r.row), "claimed": f"{r.claimed:.2f}", "reason": r.reason}
                    | {"allowed": f"{r.allowed:.2f}", **lines[r.row]}
                    for r in written
                ],
            )
    return written


def is_open(application: Application) -> bool:
    """Whether anything of the checklist or the Ausgaben still waits for somebody to look at it."""
    return any(line.result is None or line.stale for line in checklist(application)) or any(
        line.ruling is None or line.stale for line in expenses(application)
    )


def is_untouched(application: Application) -> bool:
    """Whether the call has a checklist and nobody has kept anything of it for this case yet."""
    kept = CheckResult.objects.filter(application=application)
    return CheckItem.objects.filter(~Exists(kept), call=application.call_id).exists()


def eligible_costs(application: Application) -> Decimal:
    """What is zuwendungsfähig as decided line by line, in euro."""
    return sum((line.allowed for line in expenses(application)), NOTHING)


def adjusted_lines(application: Application, plan: Plan) -> list[PlanLine]:
    """The plan applied for as lines of a decision, less what was cut line by line.

    A line that the applicant did not claim stays: it is paid by others.
    """
    cuts: dict[tuple[str, int], Decimal] = {}
    for line in expenses(application):
        if line.eligible and line.allowed < line.claimed:
            key = (line.category, line.year)
            cuts[key] = cuts.get(key, NOTHING) + line.claimed - line.allowed
    return [
        replace(line, amount=line.amount - cuts[line.kind, line.year])
        if line.side == "expense" and (line.kind, line.year) in cuts
        else line
        for line in lines_of(plan)
    ]
