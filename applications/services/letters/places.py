"""Small parts of letters: texts with their placeholders filled, sections, days."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from applications.models.letters import PLACEHOLDERS, BlockKey
from applications.services.letters.parts import court_of, lead_of
from applications.services.snapshots import addressee_lines
from kiv_portal.euro import format_euro

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from decimal import Decimal

    from applications.models import Application, LetterBlock

    Text = Callable[[BlockKey], list[str]]
    Section = dict[str, Any]


def places_of(
    application: Application, *, amount: Decimal | None = None, due_on: date | None = None
) -> dict[str, str]:
    court = court_of(application)
    values = {
        "gericht": f"Verwaltungsgericht {court}",
        "sitz": court,
        "richtlinie": application.call.guideline,
        "nummer": application.call.clause,
        "zweck": application.call.purpose,
        "betrag": format_euro(amount) if amount is not None else "",
        "projekt": application.title,
        "antragsnummer": application.reference or "",
        "geschaeftszeichen": application.file_number,
        "kommune": addressee_lines(application, lead_of(application).municipality)[0],
        "eingang": filed_day(application),
        "termin": on_day(due_on),
    }
    assert values.keys() == PLACEHOLDERS.keys()
    return values


def filled(text: str, places: Mapping[str, str]) -> list[str]:
    """The paragraphs of a text with its placeholders filled, all at once: what a value holds
    is never taken for a placeholder. Braces that no place knows stay as they are."""
    text = re.sub(r"\{([^{}]*)\}", lambda found: places.get(found[1], found[0]), text)
    text = "\n".join(line.strip() for line in text.splitlines())  # browsers send \r\n
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def texts(blocks: Mapping[BlockKey, LetterBlock], places: Mapping[str, str]) -> Text:
    def text(key: BlockKey) -> list[str]:
        return filled(blocks[key].text, places)

    return text


def if_there(blocks: Mapping[BlockKey, LetterBlock], key: BlockKey, text: Text) -> list[str]:
    return text(key) if key in blocks else []


def section(
    key: str, heading: str, paragraphs: list[str], table: dict[str, Any] | None = None
) -> Section:
    return {"key": key, "heading": heading, "paragraphs": paragraphs, "table": table}


def on_day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else ""


def iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def filed_day(application: Application) -> str:
    day = application.submitted_at
    return f"{timezone.localtime(day):%d.%m.%Y}" if day else ""


def filed_on(application: Application) -> str:
    day = filed_day(application)
    return f" vom {day}" if day else ""
