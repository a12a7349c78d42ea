"""The Haushaltsjahre of a plan after its period changed: rows are moved, kept or taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from applications.rules import Step
from applications.services.drafts import read_step, save_step

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models import Application
    from municipalities.models import User

PLAN_PARTS: Final = ("expenses", "cover")


def move_rows(
    *,
    application: Application,
    choices: Mapping[str, int | None],
    base_revision: int,
    by: User,
    at: datetime,
) -> Application:
    """Put rows of the Finanzierungsplan into another Haushaltsjahr, or take them out.

    `choices` names rows by their ids: the year a row moves to, or None where it goes. All
    others stay as they are, also those in years the period no longer touches; `base_revision`
    is the revision the choice was made on. A row that somebody changed since then raises
    EditConflict and nothing is written. Also raises NotAllowed, NotEditable.
    """
    current = read_step(application, Step.FINANZIERUNG)
    data = {
        part: sorted(
            (
                {**row, "year": choices.get(row["id"], row["year"])}
                for row in current[part]
                if choices.get(row["id"], row["year"]) is not None
            ),
            key=lambda row: row["year"],
        )
        for part in PLAN_PARTS
    }
    return save_step(
        application=application,
        step=Step.FINANZIERUNG,
        data=data,
        base_revision=base_revision,
        by=by,
        at=at,
    )
