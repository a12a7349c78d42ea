"""What a letter says, as plain values for `templates/pdf/letter.html`, and its seal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from applications.models import Application, Decision
from applications.models.decisions import DecisionKind, DecisionState
from applications.models.letters import BlockKey, LetterKind
from applications.services.letters.parts import blocks_for, kind_of, lead_of
from applications.services.letters.places import (
    filled,
    if_there,
    iso,
    on_day,
    places_of,
    section,
    texts,
)
from applications.services.letters.sections import OPENING, SECTIONS
from applications.services.letters.tables import granted_by_year
from applications.services.log import canonical, sha256
from applications.services.snapshots import addressee_lines
from kiv_portal.models import Authority

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from applications.models import LetterBlock
    from municipalities.models import User

OPEN_AT_SIGNATURE: Final = ("dated_on", "signatory_lines")
"""What only the signature itself adds: the day and the signer's name."""

FIXED: Final = frozenset({"tenor", "plan"})
"""Sections that follow from the figures and are not edited as text."""

ADDRESSEE: Final = "addressee"
"""The part of a letter that is edited besides its sections: the lines of the address."""

LONGEST_BLANK: Final = 30


def seal(values: Mapping[str, Any]) -> str:
    """The hash of all a letter says but the day and the name that the signature adds."""
    fixed = {name: value for name, value in values.items() if name not in OPEN_AT_SIGNATURE}
    return sha256(canonical(fixed))


def compose(decision: Decision, *, by: User | None, at: datetime) -> dict[str, Any]:
    """The letter as plain values, with what was edited by hand; needs all parts to be there.

    Without `by`, or if the account holds no name, a line is left for the signature. Of a
    letter made elsewhere the values say what was uploaded, ticked and entered.
    """
    if decision.made_elsewhere:
        return elsewhere(decision)
    application, kind = decision.application, kind_of(decision)
    blocks = blocks_for(kind, timezone.localdate(at), application.call)
    places = places_of(application, amount=decision.amount)
    values = _head(application, kind, blocks, by=by, at=at)
    values["sections"] = SECTIONS[kind](decision, texts(blocks, places))
    values["annexes"] = (
        filled(blocks[BlockKey.ANNEXES].text, places) if BlockKey.ANNEXES in blocks else []
    )
    values["decision"] = data_of(decision)
    return _edited(values, decision.edits)


def opening_reasons(application: Application, kind: LetterKind, at: datetime) -> list[str]:
    """The paragraphs with which the letter's Begründung begins, before those of this case.

    Empty where it begins with nothing, or a block is missing. An amount is not known yet.
    """
    keys = OPENING.get(kind, ())
    blocks = blocks_for(kind, timezone.localdate(at), application.call) if keys else {}
    if not keys or any(key not in blocks for key in keys):
        return []
    text = texts(blocks, {**places_of(application), "betrag": "…"})
    return [paragraph for key in keys for paragraph in text(key)]


def compose_plain(
    application: Application,
    kind: LetterKind,
    paragraphs: list[str],
    *,
    by: User | None,
    at: datetime,
    due_on: date | None = None,
    points: list[str] | None = None,
) -> dict[str, Any]:
    """A letter that decides nothing: its blocks around what somebody wrote for this case."""
    blocks = blocks_for(kind, timezone.localdate(at), application.call)
    text = texts(blocks, places_of(application, due_on=due_on))
    values = _head(application, kind, blocks, by=by, at=at)
    sections = [
        section("tenor", "", [*if_there(blocks, BlockKey.INTRODUCTION, text), *paragraphs]),
        section("points", "Was wir von Ihnen brauchen", points or []),
        *(
            section(key.value, key.label, text(key))
            for key in (BlockKey.LEGAL_BASIS, BlockKey.CONDITIONS, BlockKey.REMEDY)
            if key in blocks
        ),
        section("due", "Termin", [f"Wir erwarten Ihre Antwort bis zum {on_day(due_on)}."])
        if due_on
        else section("due", "", []),
    ]
    values["sections"] = [part for part in sections if part["paragraphs"]]
    values["annexes"] = if_there(blocks, BlockKey.ANNEXES, text)
    return values


def elsewhere(decision: Decision) -> dict[str, Any]:
    """What stands for a letter that was made elsewhere: file, ticked parts, entered figures."""
    return {
        "made_elsewhere": True,
        "kind": decision.kind,
        "reference": decision.application.reference,
        "file_sha256": decision.elsewhere_sha256,
        "letter_dated_on": iso(decision.elsewhere_dated_on),
        "parts": decision.elsewhere_parts,
        "amount": str(decision.amount) if decision.amount is not None else None,
        "years": {str(year): str(amount) for year, amount in granted_by_year(decision).items()},
        "starts_on": iso(decision.starts_on),
        "ends_on": iso(decision.ends_on),
        "eligible_costs": (
            str(decision.eligible_costs) if decision.eligible_costs is not None else None
        ),
    }


def data_of(decision: Decision) -> dict[str, Any]:
    """The decision itself as data, for the JSON inside the PDF; amounts in euro as text."""
    return {
        "kind": decision.kind,
        "number": decision.number,
        "requested": str(decision.requested),
        "amount": str(decision.amount) if decision.amount is not None else None,
        "years": {str(year): str(amount) for year, amount in granted_by_year(decision).items()},
        "eligible_costs": (
            str(decision.eligible_costs) if decision.eligible_costs is not None else None
        ),
        "starts_on": iso(decision.starts_on),
        "ends_on": iso(decision.ends_on),
        "plan": [
            {
                "side": line.side,
                "kind": line.kind,
                "ags": line.ags,
                "year": line.year,
                "amount": str(line.amount),
            }
            for line in decision.plan.all()
        ],
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    """Which parts two sets of values say differently: key, heading, both texts."""
    found = []
    first, second = _by_part(before), _by_part(after)
    for key in dict.fromkeys([*first, *second]):
        old, new = first.get(key, ("", "")), second.get(key, ("", ""))
        if old[1] != new[1]:
            found.append(
                {"key": key, "heading": new[0] or old[0], "before": old[1], "after": new[1]}
            )
    return found


def _by_part(values: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The text of each part by its key, with its German name."""
    parts = {
        "head": (
            "Briefkopf und Angaben zum Vorgang",
            "\n".join(_head_lines(values)),
        ),
        ADDRESSEE: ("Anschrift", "\n".join(values.get("addressee_lines", []))),
        "annexes": ("Anlagen", "\n\n".join(values.get("annexes", []))),
    }
    for part in values.get("sections", []):
        table = part["table"]
        text = "\n\n".join(part["paragraphs"])
        if table:
            rows = [*table["rows"], *([table["total_row"]] if table["total_row"] else [])]
            text += "".join("\n" + " · ".join(row) for row in rows)
        parts[part["key"]] = (part["heading"] or "Tenor", text)
    return parts


def _head_lines(values: Mapping[str, Any]) -> list[str]:
    """The head in one order, which a database may not keep; of a letter made elsewhere all."""
    if values.get("made_elsewhere"):
        return [canonical(values)]
    authority = values.get("authority", {})
    lines = [authority[name] for name in sorted(authority)]
    return lines + [values.get(name, "") for name in ("file_number", "reference", "subject")]


# --- Head and parts -------------------------------------------------------------------------------


def _head(
    application: Application,
    kind: LetterKind,
    blocks: Mapping[BlockKey, LetterBlock],
    *,
    by: User | None,
    at: datetime,
) -> dict[str, Any]:
    authority = Authority.objects.get(pk=1)
    return {
        "authority": {
            "name": authority.name,
            "department": authority.department,
            "street": authority.street,
            "postal_code": authority.postal_code,
            "city": authority.city,
            "phone": authority.phone,
            "email": authority.email,
        },
        "addressee_lines": addressee_lines(application, lead_of(application).municipality),
        "file_number": application.file_number,
        "reference": application.reference,
        "dated_on": timezone.localdate(at).isoformat(),
        "subject": f"{kind.label}: {application.title}",
        "salutation": "Sehr geehrte Damen und Herren,",
        "closing": "Mit freundlichen Grüßen",
        "signatory_lines": ["Im Auftrag", (by.name if by else "") or "_" * LONGEST_BLANK],
        "annexes": [],
        "sample": any(block.is_sample for block in blocks.values()) or authority.is_sample,
    }


def _edited(values: dict[str, Any], edits: Mapping[str, str]) -> dict[str, Any]:
    """The values with the parts that somebody wrote anew for this one letter."""
    for part in values["sections"]:
        if part["key"] in edits and part["key"] not in FIXED:
            part["paragraphs"] = filled(edits[part["key"]], {})
    if ADDRESSEE in edits:
        values["addressee_lines"] = [line for line in edits[ADDRESSEE].splitlines() if line]
    return values


def current(application: Application) -> Decision | None:
    """The version that counts: the last one signed; None before the first."""
    found: Decision | None = (
        application.decisions.filter(state=DecisionState.SIGNED)
        .exclude(kind=DecisionKind.REJECTION)
        .order_by("number")
        .last()
    ) or application.decisions.filter(state=DecisionState.SIGNED).order_by("number").last()
    return found
