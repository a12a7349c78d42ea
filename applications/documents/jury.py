"""What a jury does not read: bank details and telephone numbers, wherever they were typed."""

from __future__ import annotations

import re
from typing import Any, Final

import phonenumbers

from applications.rules import Step

FIELDS: Final = frozenset(
    {"account_holder", "iban", "payment_reference", "contact_phone", "finance_phone"}
)
"""The fields of the form that ask for them."""

NO_PHONE: Final = "[Telefonnummer ausgelassen]"
NO_BANK: Final = "[Bankverbindung ausgelassen]"

_BANK: Final = re.compile(
    r"\bDE\d{2}(?:[ \u00a0-]?\d){18}\b"  # accounts of German municipalities are German ones
    r"|\bBIC:?\s*(?-i:[A-Z\d]{8,11})\b"
    r"|\b(?-i:[A-Z]{4}DE[A-Z\d]{4}[X\d])\b"  # the BIC of a German bank by itself
    r"|\b(?:Konto(?:nummer|-?Nr\.?)|Kto\.?(?:-?Nr\.?)?|BLZ):?\s*\d[\d ]{3,}\d",
    re.IGNORECASE,
)
_DAY: Final = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")


def left_out(text: str) -> str:
    """The text with every telephone number and account in it replaced by a word for it."""
    text = _BANK.sub(NO_BANK, text)
    parts, end = [], 0
    valid = phonenumbers.Leniency.VALID
    for found in phonenumbers.PhoneNumberMatcher(text, "DE", leniency=valid):
        # Written with its area code; what looks like a day is one.
        if found.raw_string.lstrip("(")[:1] not in ("0", "+") or _DAY.match(found.raw_string):
            continue
        parts += [text[end : found.start], NO_PHONE]
        end = found.end
    return "".join([*parts, text[end:]])


def without_numbers(content: dict[str, Any]) -> dict[str, Any]:
    """A snapshot's content as a jury may read it; the one given stays as it is."""
    contact = Step.ANSPRECHPARTNER.value
    steps = content["steps"] | {
        contact: {k: v for k, v in content["steps"][contact].items() if k not in FIELDS}
    }
    return content | {"steps": steps, "bank": {"name": "", "bic": ""}}


def without_typed_numbers(shown: dict[str, Any]) -> dict[str, Any]:
    """The application in words (`wording.presentation`), its texts without such numbers."""
    return shown | {
        "title": left_out(shown["title"]),
        "confirmation_reason": left_out(shown["confirmation_reason"]),
        "members": [
            member | {name: left_out(member[name]) for name in ("contribution", "declared")}
            for member in shown["members"]
        ],
        "sections": [
            section
            | {
                "answers": [
                    answer | {"value_lines": left_out("\n".join(answer["value_lines"])).split("\n")}
                    for answer in section["answers"]
                ],
                "tables": [
                    table | {"rows": [[left_out(cell) for cell in row] for row in table["rows"]]}
                    for table in section["tables"]
                ],
            }
            for section in shown["sections"]
        ],
    }
