"""What was filed, read from a snapshot: the desk never looks at rows that may still be a draft."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from applications.models import Snapshot
from applications.rules import CoverKind
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
