"""The whole application form without answers, as plain values: to look at and to print.

Built from the very forms of the steps, so that it asks what they ask, in their words.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from django import forms

from applications import documents
from applications.forms.fields import EuroField, TextField, TickField
from applications.forms.filing import DocumentForm
from applications.forms.rows import Rows
from applications.forms.steps import FORMS, Sheet
from applications.models.members import MemberRole
from applications.rules import CallTerms, Step, authority_sentence
from applications.services.content import empty_step

NOBODY: Final = uuid.UUID(int=0)
ANYTIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
MEMBERS: Final = (("0", MemberRole.LEAD.label), ("1", MemberRole.PARTNER.label))
BLANK_ROWS: Final = 4
FREE_CHOICES: Final = ("year", "municipality")
"""Selects of which nothing is on offer before there is an application."""


def blank_form(terms: CallTerms, title: str, upload_limit_mb: int) -> dict[str, Any]:
    """Every question of every step under its heading; `title` is the call's, or empty."""
    return {
        "call": title,
        "steps": [
            {"heading": step.label, "sections": _sections(step, terms, upload_limit_mb)}
            for step in Step
        ],
        "declaration": authority_sentence("…"),
    }


def _sections(step: Step, terms: CallTerms, limit: int) -> list[dict[str, Any]]:
    if step is Step.ANLAGEN:
        return [_documents(terms, limit)]
    form = FORMS[step](
        sheet=Sheet(
            application=NOBODY,
            revision=0,
            values=empty_step(step),
            members=MEMBERS,
            years=(),
            terms=terms,
            at=ANYTIME,
            on_paper=True,
        )
    )
    asked = [_section(part) for part in form.parts()]
    if step is not Step.KOMMUNE:
        return asked
    chosen = [_line(role.label, "Name und Landkreis oder kreisfreie Stadt") for role in MemberRole]
    return [{"title": "Wer den Antrag stellt", "intro": "", "fields": chosen, "rows": None}, *asked]


def _section(part: dict[str, Any]) -> dict[str, Any]:
    section = part["section"]
    source = f" Grundlage: {section.source}." if section.source and part["rows"] else ""
    return {
        "title": section.title,
        "intro": f"{section.intro}{source}".strip(),
        "fields": [_field(bound) for bound in part["fields"]],
        "rows": _rows(part["rows"]) if part["rows"] else None,
    }


def _line(label: str, help_text: str) -> dict[str, Any]:
    return {"label": label, "help": help_text, "optional": False, "kind": "line", "options": []}


def _field(bound: forms.BoundField) -> dict[str, Any]:
    field = bound.field
    tick = isinstance(field, TickField)
    options = [label for value, label in getattr(field, "choices", ()) if value != ""]
    long = isinstance(field, TextField) and field.lines > 1
    return {
        "label": str(bound.label),
        "help": str(bound.help_text),
        "optional": not field.required and not tick,
        "kind": "tick" if tick else "options" if options else "text" if long else "line",
        "options": options,
    }


def _rows(rows: Rows) -> dict[str, Any]:
    fields = [bound for bound in rows.forms[0].visible_fields() if bound.name != "DELETE"]
    return {
        "title": rows.title,
        "columns": [_column(bound) for bound in fields],
        "hints": [
            f"{bound.label}: {text}"
            for bound in fields
            if (text := rows.form_class.explains.get(bound.name) or _hint(bound))
        ],
        "lines": [""] * (BLANK_ROWS if rows.addable else len(rows.forms)),
        "names": [] if rows.addable else [getattr(form, "name", "") for form in rows.forms],
    }


def _column(bound: forms.BoundField) -> str:
    unit = " in Euro" if isinstance(bound.field, EuroField) else ""
    return f"{bound.label}{unit}"


def _hint(bound: forms.BoundField) -> str:
    if bound.help_text:
        return str(bound.help_text)
    if bound.name in FREE_CHOICES:
        return ""
    return " · ".join(label for value, label in getattr(bound.field, "choices", ()) if value)


def _documents(terms: CallTerms, limit: int) -> dict[str, Any]:
    hint = f"Höchstens {limit} MB je Datei. Möglich sind: {documents.ALLOWED}."
    form = DocumentForm(partners=(), hint=hint)
    kinds = [(value, label) for value, label in form.fields["art"].choices if value]
    return {
        "title": "Unterlagen",
        "intro": f"{hint} Grundlage: {terms.source_documents}.",
        "fields": [
            {
                "label": "Diese Arten von Unterlagen können Sie beifügen",
                "help": "",
                "optional": False,
                "kind": "options",
                "options": [
                    f"{label} (verlangt)" if value in terms.required_documents else str(label)
                    for value, label in kinds
                ],
            }
        ],
        "rows": None,
    }


def every_label(values: dict[str, Any]) -> Iterator[str]:
    """The labels of all questions and columns, in their order."""
    for step in values["steps"]:
        for section in step["sections"]:
            yield from (field["label"] for field in section["fields"])
            yield from section["rows"]["columns"] if section["rows"] else ()
