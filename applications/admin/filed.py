"""What was filed, read from a snapshot: the desk never looks at rows that may still be a draft."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from applications.models import Snapshot
from applications.rules import CoverKind, CoverLine, ExpenseLine, Plan
from applications.services import snapshots


@dataclass(frozen=True, slots=True)
class Filed:
    """The few facts of a snapshot that lists and headings show; `requested` in euro."""

    content: dict[str, Any]
    title: str
    names: str
    requested: Decimal


def filed_in(snapshot: Snapshot) -> Filed:
    """The facts of a snapshot, whatever its version."""
    content = snapshots.read(snapshot)
    return Filed(
        content=content,
        title=content["steps"]["konzeption"]["title"],
        names=", ".join(member["name"] for member in content["members"]),
        requested=sum(
            (
                Decimal(row["amount"])
                for row in content["steps"]["finanzierung"]["cover"]
                if row["kind"] == CoverKind.GRANT and row["amount"]
            ),
            Decimal("0.00"),
        ),
    )


def plan_in(content: dict[str, Any]) -> Plan:
    """The Finanzierungsplan of a snapshot; rows without an amount count as nothing."""
    step = content["steps"]["finanzierung"]
    return Plan(
        expenses=tuple(
            ExpenseLine(
                row["year"],
                row["category"],
                row["text"],
                Decimal(row["amount"] or "0.00"),
                row["eligible"],
                row["id"],
            )
            for row in step["expenses"]
        ),
        cover=tuple(
            CoverLine(
                row["year"],
                row["kind"],
                row["text"],
                Decimal(row["amount"] or "0.00"),
                row["municipality"],
                row["id"],
            )
            for row in step["cover"]
        ),
        vat_deductible=step["vat_deductible"],
        budget_situation=step["budget_situation"],
    )
