"""Two people wrote into the same field: both texts side by side, and what was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from applications.documents import LABELS, shown, town_in_words
from applications.rules import CoverKind, ExpenseCategory
from kiv_portal.euro import format_euro

if TYPE_CHECKING:
    from django.http import QueryDict

    from applications.services import Conflict

MINE: Final = "meine"
THEIRS: Final = "andere"
GONE: Final = "Zeile entfernt"

ROW_TITLES: Final = {
    "formats": "Beteiligungsformat",
    "milestones": "Arbeitsschritt",
    "adoptions": "Geplanter Beschluss",
    "cooperations": "Beitrag der Partnerkommune",
    "expenses": "Ausgabe",
    "cover": "Deckung",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A field in dispute, in words, and what was chosen so far."""

    key: str
    label: str
    mine: str
    theirs: str
    chosen: str


class Settlement:
    """What a person chose for the fields in dispute; empty where nothing is."""

    def __init__(self, data: QueryDict) -> None:
        self.keys = list(dict.fromkeys(data.getlist("strittig")))
        self.chosen = {
            key: value
            for key in self.keys
            if (value := data.get(f"fassung:{key}")) in (MINE, THEIRS)
        }

    @property
    def is_complete(self) -> bool:
        """Whether every field in dispute has its choice."""
        return len(self.chosen) == len(self.keys)

    def apply(self, data: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
        """The content to save: mine, with what is saved wherever the other text was chosen."""
        result = dict(data)
        for key in (key for key in self.keys if self.chosen.get(key) == THEIRS):
            part, colon, row_id = key.partition(":")
            if not colon:
                result.pop(key, None)
            elif part in result:
                other = next((r for r in saved.get(part, []) if r["id"] == row_id), None)
                result[part] = with_row(result[part], row_id, other)
        return result


def with_row(
    rows: Iterable[Mapping[str, Any]], row_id: str, row: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Rows with one of them replaced, added at the end, or (None) left out."""
    before = [dict(given) for given in rows]
    if row is None:
        return [given for given in before if given["id"] != row_id]
    if all(given["id"] != row_id for given in before):
        return [*before, dict(row)]
    return [dict(row) if given["id"] == row_id else given for given in before]


def with_mine(merged: Mapping[str, Any], conflicts: Iterable[Conflict]) -> dict[str, Any]:
    """What the other side's save and mine make together, mine where they differ."""
    result = dict(merged)
    for conflict in conflicts:
        part, colon, row_id = conflict.key.partition(":")
        if colon:
            result[part] = with_row(result[part], row_id, conflict.mine)
        else:
            result[conflict.key] = conflict.mine
    return result


def choices(
    conflicts: Iterable[Conflict], names: Mapping[str, str], chosen: Mapping[str, str]
) -> list[Choice]:
    """The fields in dispute in words; `names` are municipalities by their keys."""
    return [
        Choice(
            conflict.key,
            label_of(conflict.key),
            in_words(conflict.key, conflict.mine, names),
            in_words(conflict.key, conflict.theirs, names),
            chosen.get(conflict.key, ""),
        )
        for conflict in conflicts
    ]


def label_of(key: str) -> str:
    """The German name of a field or of a row's part."""
    part, colon, _ = key.partition(":")
    return ROW_TITLES.get(part, part) if colon else LABELS.get(key, key)


def in_words(key: str, value: Any, names: Mapping[str, str]) -> str:
    """A value of a step as people read it; a row as one line."""
    part, colon, _ = key.partition(":")
    if not colon:
        return shown(key, value)
    if value is None:
        return GONE
    return " · ".join(text for text in _row_in_words(part, value, names) if text)


def _row_in_words(part: str, row: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    amount = format_euro(Decimal(row["amount"])) if row.get("amount") else "ohne Betrag"
    key = row.get("municipality")
    town = town_in_words(key, names) if key else ""
    if part == "expenses":
        kind = ExpenseCategory(row["category"]).label
        share = "zuwendungsfähig" if row["eligible"] else "nicht zuwendungsfähig"
        return [str(row["year"]), kind, row["text"], amount, share]
    if part == "cover":
        return [str(row["year"]), CoverKind(row["kind"]).label, town, row["text"], amount]
    if part == "adoptions":
        return [town, row["body"], shown("planned_on", row["planned_on"])]
    if part == "cooperations":
        return [town, row["contribution"]]
    if part == "milestones":
        return [row["text"], f"bis {shown('due_on', row['due_on'])}"]
    return [row[name] for name in ("name", "reaches", "when", "how_many", "barriers")]
