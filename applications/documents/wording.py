"""A snapshot in the order and words in which people read it: for the PDF, the pages, the desk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from applications.documents.labels import LABELS, shown
from applications.documents.uploads import MEGABYTE
from applications.rules import (
    CoverKind,
    DocumentKind,
    ExpenseCategory,
    Severity,
    Step,
)
from kiv_portal.euro import format_euro

BERLIN: Final = ZoneInfo("Europe/Berlin")


def presentation(content: dict[str, Any], *, sha256: str, edition: str = "") -> dict[str, Any]:
    """A snapshot's content in the order and words in which people read it.

    `edition` says above the text what this copy leaves out.
    """
    names = names_in(content)
    contributions = {
        row["municipality"]: row["contribution"]
        for row in content["steps"]["kommune"]["cooperations"]
    }
    filed = datetime.fromisoformat(content["submitted_at"]).replace(tzinfo=UTC).astimezone(BERLIN)
    return {
        "title": content["steps"]["konzeption"]["title"],
        "reference": content["reference"],
        "submitted_at": filed,
        "late": content["late"],
        "edition": edition,
        "sha256": sha256,
        "call_title": content["call"]["title"],
        "members": [
            {
                "name": member["official_name"],
                "ags": member["ags"],
                "role": ("federführende Kommune" if member["role"] == "lead" else "Partnerkommune"),
                "population": member["population"],
                "population_as_of": (
                    date.fromisoformat(member["population_as_of"])
                    if member["population_as_of"]
                    else None
                ),
                "population_basis": member["population_basis"],
                "population_source": member["population_source"],
                "share": _share(member["ags"], content),
                "contribution": contributions.get(member["ags"], ""),
                "declared": "" if member["role"] == "lead" else _declared(member, content),
            }
            for member in content["members"]
        ],
        "addressee_lines": content["addressee"],
        "declaration": content["declaration"],
        "sections": [
            section(step, content, names)
            for step in Step
            if step not in (Step.KOMMUNE, Step.ANLAGEN)
        ]
        + [_documents_section(content, names)],
        "findings": [
            {
                "severity_label": Severity(finding["severity"]).label,
                "message": finding["message"],
                "source": finding["source"],
                "confirmed_reason": "",
            }
            for finding in content["findings"]
        ],
        "confirmation_reason": content["confirmation_reason"],
        "footer_text": f"Antrag {content['reference']}",
    }


def sections(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Every step of a snapshot in the order of the form, members and documents as tables."""
    names = names_in(content)
    made = {
        Step.KOMMUNE: lambda: _members_section(content),
        Step.ANLAGEN: lambda: _documents_section(content, names),
    }
    return [made[step]() if step in made else section(step, content, names) for step in Step]


def _share(ags: str, content: dict[str, Any]) -> str:
    """A member's Eigenmittel in the whole plan."""
    own = [
        row
        for row in content["steps"]["finanzierung"]["cover"]
        if row["kind"] == CoverKind.OWN and row["municipality"] == ags
    ]
    return format_euro(_sum(own)) if own else "–"


def _declared(member: dict[str, Any], content: dict[str, Any]) -> str:
    """In which way a partner gave its Kooperationserklärung."""
    if member["confirmed_at"]:
        at = datetime.fromisoformat(member["confirmed_at"]).astimezone(BERLIN)
        return f"am {at:%d.%m.%Y} mit eigenem Konto bestätigt"
    signed = any(
        row["kind"] == DocumentKind.COOPERATION and row["municipality"] == member["ags"]
        for row in content["documents"]
    )
    return "unterschrieben in den Anlagen" if signed else "liegt nicht bei"


def section(step: Step, content: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """One step of a snapshot as heading, answers and tables."""
    data = content["steps"][step.value]
    answers = [
        {"name": name, "label": label, "value_lines": shown(name, data[name]).split("\n")}
        for name, label in LABELS.items()  # a stored snapshot has its keys by the alphabet
        if name in data
    ]
    if step is Step.KOMMUNE:
        answers = [
            {
                "name": row["municipality"],
                "label": f"Beitrag {town_in_words(row['municipality'], names)}",
                "value_lines": row["contribution"].split("\n"),
            }
            for row in data["cooperations"]
            if row["contribution"]
        ]
    bank = content.get("bank")
    if "iban" in data and bank and (bank["name"] or bank["bic"]):
        words = " · ".join(text for text in (bank["name"], bank["bic"]) if text)
        place = [answer["name"] for answer in answers].index("iban") + 1
        answers.insert(place, {"name": "bank", "label": LABELS["bank"], "value_lines": [words]})
    return {
        "step": step.value,
        "heading": step.label,
        "intro": "",
        "answers": answers,
        "tables": _tables(step, data, names),
    }


NUMERIC: Final = frozenset({"amount", "count", "size"})
"""The kinds of columns whose cells stand flush right."""


def _table(
    caption: str, columns: list[tuple[str, str]], ids: list[str], rows: list[list[str]]
) -> dict[str, Any]:
    """`columns` are labels with their kind, which names their width on paper (`print.css`).

    Without widths, the typesetter measures every cell on every page: minutes for a long plan.
    """
    return {
        "caption": caption,
        "columns": [
            {"label": label, "kind": kind, "numeric": kind in NUMERIC} for label, kind in columns
        ],
        "ids": ids,
        "rows": rows,
        "total_row": None,
    }


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def _tables(step: Step, data: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    if step is Step.BETEILIGUNG:
        return [
            _table(
                "Beteiligungsformate",
                [
                    ("Format", "name"),
                    ("Wen es erreicht", "text"),
                    ("Wann", "brief"),
                    ("Wie viele", "brief"),
                    ("Hürden", "text"),
                ],
                _ids(data["formats"]),
                [
                    [
                        shown(name, row[name])
                        for name in ("name", "reaches", "when", "how_many", "barriers")
                    ]
                    for row in data["formats"]
                ],
            )
        ]
    if step is Step.ZEITPLAN:
        return [
            _table(
                "Arbeitsschritte",
                [("Arbeitsschritt", "text"), ("bis", "day")],
                _ids(data["milestones"]),
                [[row["text"], shown("due_on", row["due_on"])] for row in data["milestones"]],
            ),
            _table(
                "Geplante Beschlüsse",
                [("Kommune", "text"), ("Gremium", "text"), ("geplant am", "day")],
                _ids(data["adoptions"]),
                [
                    [
                        town_in_words(row["municipality"], names) if row["municipality"] else "–",
                        shown("body", row["body"]),
                        shown("planned_on", row["planned_on"]),
                    ]
                    for row in data["adoptions"]
                ],
            ),
        ]
    if step is Step.FINANZIERUNG:
        return [_expense_table(data["expenses"]), _cover_table(data["cover"], names)]
    return []


def _expense_table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    rows = sorted(rows, key=lambda row: row["year"])
    table = _table(
        "Ausgaben",
        [
            ("Jahr", "year"),
            ("Ausgabenart", "name"),
            ("Erläuterung", "text"),
            ("zuwendungsfähig", "brief"),
            ("Betrag", "amount"),
        ],
        _ids(rows),
        [
            [
                str(row["year"]),
                ExpenseCategory(row["category"]).label,
                row["text"] or "–",
                shown("eligible", row["eligible"]),
                shown("amount", row["amount"]),
            ]
            for row in rows
        ],
    )
    return table | {"total_row": ["Summe", "", "", "", format_euro(_sum(rows))]}


def _cover_table(rows: list[dict[str, Any]], names: dict[str, str]) -> dict[str, Any]:
    rows = sorted(rows, key=lambda row: row["year"])
    table = _table(
        "Deckung",
        [("Jahr", "year"), ("Deckung", "name"), ("Erläuterung", "text"), ("Betrag", "amount")],
        _ids(rows),
        [
            [
                str(row["year"]),
                CoverKind(row["kind"]).label,
                " ".join(
                    part
                    for part in (
                        row["municipality"] and town_in_words(row["municipality"], names),
                        row["text"],
                    )
                    if part
                )
                or "–",
                shown("amount", row["amount"]),
            ]
            for row in rows
        ],
    )
    return table | {"total_row": ["Summe", "", "", format_euro(_sum(rows))]}


def names_in(content: Mapping[str, Any]) -> dict[str, str]:
    """The names that rows of a snapshot may need, by key: the members', and those that left."""
    former = {town["ags"]: left(town["name"]) for town in content["former_members"]}
    return {member["ags"]: member["name"] for member in content["members"]} | former


def town_in_words(ags: str, names: Mapping[str, str]) -> str:
    """A municipality a row names, by the members' names; one that left the Verbund is told so.

    `names` may name those that left as well, marked with `left`.
    """
    return names.get(ags) or left(f"Schlüssel {ags}")


def left(name: str) -> str:
    """The name of a municipality that is no member any more, wherever one of its rows is left."""
    return f"{name} (nicht mehr im Verbund)"


def _sum(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["amount"]) for row in rows if row["amount"]), Decimal("0.00"))


def sheet_in_words(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a form sheet with its days and amounts as people read them."""
    words = dict(values)
    for name in ("starts_on", "ends_on", "planned_on"):
        if words.get(name):
            words[name] = shown(name, words[name])
    if "shares" in words:
        words["shares"] = [[str(year), shown("amount", amount)] for year, amount in words["shares"]]
    return words


def size_text(size: int) -> str:
    """A file's size as people read it, e.g. „1,4 MB"."""
    if size >= MEGABYTE:
        return f"{size / MEGABYTE:.1f} MB".replace(".", ",")
    return f"{max(1, round(size / 1024))} KB"


def _members_section(content: dict[str, Any]) -> dict[str, Any]:
    said = {
        row["municipality"]: row["contribution"]
        for row in content["steps"][Step.KOMMUNE.value]["cooperations"]
    }
    members = content["members"]
    return {
        "step": Step.KOMMUNE.value,
        "heading": Step.KOMMUNE.label,
        "intro": "",
        "answers": [],
        "tables": [
            _table(
                "Beteiligte Kommunen",
                [
                    ("Kommune", "name"),
                    ("Rolle", "name"),
                    ("Einwohnerzahl", "count"),
                    ("Beitrag", "text"),
                ],
                [member["ags"] for member in members],
                [
                    [
                        member["official_name"],
                        "federführende Kommune" if member["role"] == "lead" else "Partnerkommune",
                        grouped(member["population"]),
                        shown("contribution", said.get(member["ags"])),
                    ]
                    for member in members
                ],
            )
        ],
    }


def grouped(number: int | None) -> str:
    """A count with its thousands set apart, „12.345"; „–" where it is not known."""
    return "–" if number is None else f"{number:,}".replace(",", ".")


def _documents_section(content: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    rows = content["documents"]
    kinds = [
        " ".join(
            part
            for part in (
                DocumentKind(row["kind"]).label,
                row["municipality"] and town_in_words(row["municipality"], names),
            )
            if part
        )
        for row in rows
    ]
    table = _table(
        "Anlagen",
        [("Art", "name"), ("Datei", "text"), ("Größe", "size"), ("SHA-256", "hash")],
        _ids(rows),
        [
            [kind, row["name"], size_text(row["size"]), row["sha256"]]
            for kind, row in zip(kinds, rows, strict=True)
        ],
    )
    return {
        "step": Step.ANLAGEN.value,
        "heading": Step.ANLAGEN.label,
        "intro": "" if rows else "Es wurden keine Anlagen eingereicht.",
        "answers": [],
        "tables": [table | {"stands_for": kinds}] if rows else [],
    }
