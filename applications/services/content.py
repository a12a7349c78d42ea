"""What each step of an application holds, and in which shape it is read.

A step's content is plain JSON values: fields by their names, repeatable rows as lists of
mappings that carry the row's stable `id`. The same shape stands in revisions and snapshots.
A field added to the tables below is a field of the application; copies written before it was
there are read through `completed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db import models
from django.db.models import Prefetch, prefetch_related_objects

from applications.documents import left
from applications.models import (
    Adoption,
    Application,
    ApplicationMember,
    Cooperation,
    CoverItem,
    Expense,
    Milestone,
    ParticipationFormat,
)
from applications.models.parts import Part
from applications.rules import Step
from applications.services import parts
from municipalities.models import Municipality

Data = dict[str, Any]
"""Content of a step as plain JSON values."""

STEP_FIELDS: Final[dict[Step, tuple[str, ...]]] = {
    Step.KOMMUNE: (),
    Step.ANSPRECHPARTNER: (
        "addressee",
        "street",
        "postal_code",
        "city",
        "contact_unit",
        "contact_person",
        "contact_email",
        "contact_phone",
        "finance_unit",
        "finance_person",
        "finance_email",
        "finance_phone",
        "signatory_name",
        "signatory_function",
        "account_holder",
        "iban",
        "payment_reference",
    ),
    Step.KONZEPTION: (
        "title",
        "summary",
        "situation",
        "goals",
        "target_groups",
        "topics",
        "approach",
        "procurement_way",
        "procurement_text",
        "continuation",
    ),
    Step.BETEILIGUNG: ("social_space", "bodies", "wir_centre"),
    Step.ZEITPLAN: ("starts_on", "months"),
    Step.FINANZIERUNG: ("vat_deductible", "budget_situation"),
    Step.ANLAGEN: (),
    Step.ERKLAERUNGEN: (
        "authority_declared",
        "declares_correct",
        "declares_not_started",
        "declares_financing_secured",
        "other_funding",
        "other_funding_text",
        "consents_publication",
    ),
}


@dataclass(frozen=True, slots=True)
class Rows:
    """A repeatable part of a step: its model, and the fields a row has besides its id."""

    model: type[Part]
    fields: tuple[str, ...]


STEP_ROWS: Final[dict[Step, dict[str, Rows]]] = {
    Step.KOMMUNE: {"cooperations": Rows(Cooperation, ("municipality", "contribution"))},
    Step.BETEILIGUNG: {
        "formats": Rows(ParticipationFormat, ("name", "reaches", "when", "how_many", "barriers"))
    },
    Step.ZEITPLAN: {
        "milestones": Rows(Milestone, ("text", "due_on")),
        "adoptions": Rows(Adoption, ("municipality", "body", "planned_on")),
    },
    Step.FINANZIERUNG: {
        "expenses": Rows(Expense, ("year", "category", "text", "amount", "eligible")),
        "cover": Rows(CoverItem, ("year", "kind", "text", "municipality", "amount")),
    },
}

PARTS: Final[dict[str, type[Part]]] = {
    name: rows.model for steps in STEP_ROWS.values() for name, rows in steps.items()
}
"""Every repeatable part, by the name under which an application has it."""


def plain(value: Any) -> Any:
    """A model value as a plain JSON value; dates as ISO text, amounts as exact text."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Municipality):
        return value.ags
    return value


def read_step(application: Application, step: Step) -> Data:
    """What a step holds now, as plain values."""
    data = {name: plain(getattr(application, name)) for name in STEP_FIELDS[step]}
    if step is Step.KOMMUNE:
        data["partners"] = [
            member.municipality.ags
            for member in rows_of(application, "members")
            if not member.is_lead
        ]
    for name, rows in STEP_ROWS.get(step, {}).items():
        if name == "cooperations" and not data["partners"]:
            data[name] = []
            continue
        data[name] = [
            {"id": str(row.pk), **{f: plain(getattr(row, f)) for f in rows.fields}}
            for row in rows_of(application, name)
            # A row may be there for the sake of a confirmation alone.
            if not isinstance(row, Cooperation) or row.contribution
        ]
    return data


def with_parts(application: Application, *, lock: bool = False) -> Application:
    """The application with its members, every repeatable row and its documents, in few queries.

    Their number does not depend on how much there is. With `lock` the members are read anew and
    locked for the transaction, after the application.
    """
    held = getattr(application, "_prefetched_objects_cache", {})
    if lock:
        held.pop("members", None)
    if "members" not in held:
        members = ApplicationMember.objects.select_related("municipality__district")
        if lock:
            members = members.select_for_update(of=("self",))
        prefetch_related_objects([application], Prefetch("members", members))
    parts.fetch(application, PARTS)
    prefetch_related_objects([application], "documents")
    parts.name_municipalities(application, application.documents.all())
    return application


def with_statements(application: Application) -> Application:
    """The application with the rows that the partners' Kooperationserklärungen are made of.

    One statement where there are partners and the rows are not there yet, none else; its members
    are there already.
    """
    named = {name: PARTS[name] for name in ("cooperations", "adoptions", "cover")}
    held = getattr(application, "_prefetched_objects_cache", {})
    if application.partners and not named.keys() <= held.keys():
        parts.fetch(application, named, of_members=True)
    return application


def with_step_anew(application: Application, step: Step, saved: Application) -> Application:
    """An application of `with_parts` after a step was saved: that step as `saved` holds it."""
    for name in STEP_FIELDS[step]:
        setattr(application, name, getattr(saved, name))
    return with_parts(application)


def former_members(application: Application) -> list[Municipality]:
    """Municipalities that are no members and that rows or documents still name, by their keys.

    Asks for nothing of an application of `with_parts`.
    """
    members = {member.municipality_id for member in rows_of(application, "members")}
    naming = [
        *rows_of(application, "cover"),
        *(row for row in rows_of(application, "documents") if row.removed_at is None),
    ]
    towns = {row.municipality_id: row.municipality for row in naming if row.municipality_id}
    return sorted(
        (town for pk, town in towns.items() if pk not in members), key=lambda town: town.ags
    )


def names_in_rows(application: Application) -> dict[str, str]:
    """The names that rows may need, by key: the members', and those that left, marked."""
    names = {
        member.municipality.ags: member.municipality.short_name
        for member in rows_of(application, "members")
    }
    former = {town.ags: left(town.short_name) for town in former_members(application)}
    return names | former


def rows_of(application: Application, name: str) -> list[Any]:
    """The rows of a part with their municipalities; a caller's prefetched ones as they are."""
    found = getattr(application, name).all()
    if name not in getattr(application, "_prefetched_objects_cache", {}):
        columns = {field.name for field in found.model._meta.get_fields()}
        if "municipality" in columns:
            found = found.select_related("municipality__district")
    return list(found)


def empty_step(step: Step) -> Data:
    """What a step holds before anybody has written into it."""
    fresh = Application()
    data = {name: plain(getattr(fresh, name)) for name in STEP_FIELDS[step]}
    if step is Step.KOMMUNE:
        data["partners"] = []
    return data | {name: [] for name in STEP_ROWS.get(step, {})}


def completed(step: Step, data: Mapping[str, Any]) -> Data:
    """A copy of a step's content with what its release did not know yet, as nobody filled it in.

    What an earlier release held and this one does not is left out.
    """
    whole = {name: data.get(name, value) for name, value in empty_step(step).items()}
    for name, rows in STEP_ROWS.get(step, {}).items():
        blank = {field: _blank(rows.model, field) for field in rows.fields}
        whole[name] = [
            {"id": row["id"], **{f: row.get(f, value) for f, value in blank.items()}}
            for row in whole[name]
        ]
    return whole


def _blank(model: type[Part], name: str) -> Any:
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return plain(field.get_default())
