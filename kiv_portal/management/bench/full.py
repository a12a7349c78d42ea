"""A filed application as a thorough team makes it: every text a page long, every table used."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from django.db import models

from applications import services
from applications.models import Application, Document, FundingCall
from applications.rules import CoverKind, DocumentKind, ExpenseCategory, Step, years_of
from applications.rules.values import Period
from applications.services import cooperation
from applications.services.content import STEP_FIELDS, STEP_ROWS
from kiv_portal.management import demo_cases
from kiv_portal.management.bench import cast
from municipalities.models import Municipality

if TYPE_CHECKING:
    from datetime import datetime

PARTNERS: Final = 2
TEXT: Final = 3_000  # characters: a page
IN_A_ROW: Final = 300  # characters: a few lines of a table's cell
ROWS: Final = 12
DOCUMENTS: Final = 20
SENTENCES: Final = (
    "Die Kommune lädt alle Einwohnerinnen und Einwohner ein, an der Strategie mitzuwirken. "
    "In den Ortsteilen gibt es dazu Werkstätten, Befragungen und offene Abende.\n\n"
)
LEFT_AS_THEY_ARE: Final = ("contact_email", "finance_email", "iban", "postal_code")


def text(length: int) -> str:
    """Sentences in paragraphs, so many characters."""
    return (SENTENCES * (length // len(SENTENCES) + 1))[:length]


def application(at: datetime, *, longest: int = TEXT, rows: int = ROWS) -> Application:
    """File it through the services, as people would; smaller for a short run."""
    call = FundingCall.objects.get(title=demo_cases.TITLE)
    lead, *partners = Municipality.objects.able_to_apply().order_by("-ags")[1 : PARTNERS + 2]
    draft = cast.complete(call, lead, at)
    members = [lead, *partners]
    for step, data in _content(draft, members, longest, rows).items():
        draft.refresh_from_db()
        services.save_step(
            application=draft,
            step=step,
            data=data,
            base_revision=draft.revision,
            by=draft.created_by,
            at=at,
        )
    draft = Application.objects.get(pk=draft.pk)
    Document.objects.bulk_create(
        Document(
            application=draft,
            kind=DocumentKind.OTHER,
            municipality=members[number % len(members)],
            file="none",
            name=f"{text(240).replace(chr(10), ' ')} {number:03}.pdf",
            content_type="application/pdf",
            size=1_000_000 + number,
            sha256=f"{number:064}",
            uploaded_at=at,
            uploaded_by=draft.created_by,
        )
        for number in range(DOCUMENTS)
    )
    return cast.file(draft, at)


def _content(
    draft: Application, members: list[Municipality], longest: int, many: int
) -> dict[Step, dict[str, Any]]:
    found: dict[Step, dict[str, Any]] = {
        Step.KOMMUNE: {"partners": [partner.ags for partner in members[1:]]}
    }
    for step in Step:
        found.setdefault(step, {})
        for name in STEP_FIELDS[step]:
            if length := _length(Application, name):
                found[step][name] = text(min(length, longest))
        for part, rows in STEP_ROWS.get(step, {}).items():
            texts = {name: text(min(_length(rows.model, name), IN_A_ROW)) for name in rows.fields}
            texts = {name: value for name, value in texts.items() if value}
            if "municipality" in rows.fields and part != "cover":
                found[step][part] = [
                    {"id": _key(draft, part, town), "municipality": town.ags, **texts}
                    for town in (members[1:] if part == "cooperations" else members)
                ]
            else:
                found[step][part] = [
                    {"id": str(uuid.uuid4()), **texts, **_money(part, number, draft)}
                    for number in range(many)
                ]
    return {step: data for step, data in found.items() if data}


def _money(part: str, number: int, draft: Application) -> dict[str, Any]:
    years = years_of(Period(draft.starts_on, draft.months))
    line = {"year": years[number % len(years)], "amount": "1234.56"}
    if part == "expenses":
        category = [*ExpenseCategory][number % len(ExpenseCategory)]
        return {**line, "category": category.value, "eligible": True}
    if part == "cover":
        kinds = sorted(CoverKind, key=lambda kind: kind is not CoverKind.GRANT)  # first of all
        kind = kinds[number % len(kinds)]
        return {**line, "kind": kind.value, "municipality": None}
    return {}


def _key(draft: Application, part: str, town: Municipality) -> str:
    key = cooperation.key_of(draft, town)
    return str(key if part == "cooperations" else uuid.uuid5(key, part))


def _length(model: type[models.Model], name: str) -> int:
    """How many characters a field of free text takes; 0 for what is none."""
    field = model._meta.get_field(name)
    free = isinstance(field, (models.CharField, models.TextField)) and not field.choices
    if not free or name in LEFT_AS_THEY_ARE:
        return 0
    return getattr(field, "max_length", None) or TEXT
