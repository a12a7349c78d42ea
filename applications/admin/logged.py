"""The Verfahrensprotokoll in words, for the case page and for the Akte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from applications.admin import words
from municipalities.models import User

if TYPE_CHECKING:
    from collections.abc import Sequence

    from applications.models import CaseLogEntry

PERSON: Final = {"assign": "an", "lift_recusal": "von"}
"""Log entries about a person, and how that person is named."""


def entries_in_words(rows: Sequence[CaseLogEntry]) -> list[dict[str, Any]]:
    """The entries of a log, with their content, in words: what, when, who, and the particulars."""
    named = {row.pk: row.content.values.get("person") for row in rows if hasattr(row, "content")}
    people = User.objects.in_bulk({*(row.actor_id for row in rows), *named.values()} - {None})
    return [
        {
            "sequence": row.sequence,
            "at": row.at,
            "label": words.LOGGED.get(row.action, row.action),
            "who": _who(row.actor_id, people),
            "details": (
                [
                    *_about(row.action, named.get(row.pk), people),
                    *words.log_details(row.action, row.content.values),
                ]
                if hasattr(row, "content")
                else ["Inhalt gelöscht"]
            ),
        }
        for row in rows
    ]


def _about(action: str, person: int | None, people: dict[int, User]) -> list[str]:
    return [f"{PERSON[action]} {_who(person, people)}"] if action in PERSON else []


def _who(actor_id: int | None, people: dict[int, User]) -> str:
    if actor_id is None:
        return "Portal"
    return str(people[actor_id]) if actor_id in people else "gelöschtes Konto"
