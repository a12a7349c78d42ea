"""Frozen copies of an application: versioned JSON with stable row ids, and its readers.

Comparison, unlocking, the PDF and „new from old" rest on this format. A reader for every
version ever written stays here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from applications.models import Application, Snapshot
from applications.rules import Finding, Step, bank_of
from applications.services import cooperation, log
from applications.services.content import (
    completed,
    former_members,
    plain,
    read_step,
    rows_of,
)

if TYPE_CHECKING:
    from municipalities.models import Municipality, User

VERSION: Final = 2
"""The format written now."""


class UnknownVersion(Exception):
    """A snapshot in a format this release cannot read."""


def build(
    application: Application,
    *,
    reference: str,
    filed_at: datetime,
    late: bool,
    findings: Sequence[Finding],
    reason: str,
    declaration: str = "",
) -> dict[str, Any]:
    """The content of a snapshot in the current format, as plain JSON values.

    Instants are UTC in ISO 8601, amounts exact decimal text in euro, days ISO dates.
    `declaration` is what the person who files declares of the own authority.
    """
    call = application.call
    bank = bank_of(application.iban)
    members = rows_of(application, "members")
    lead = next((member.municipality for member in members if member.is_lead), None)
    confirmed = cooperation.confirmed(application)
    return {
        "version": VERSION,
        "application": str(application.uuid),
        "reference": reference,
        "submitted_at": filed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "late": late,
        "call": {
            "id": call.pk,
            "title": call.title,
            "guideline": call.guideline,
            "clause": call.clause,
        },
        "members": [
            {
                "role": member.role,
                "ags": member.municipality.ags,
                "name": member.municipality.short_name,
                "official_name": member.municipality.official_name,
                "kind": member.municipality.kind,
                "district": member.municipality.district.label,
                "population": member.population,
                "population_as_of": plain(member.population_as_of),
                "population_basis": member.population_basis,
                "population_source": member.population_source,
                "confirmed_at": confirmed.get(member.municipality.ags),
            }
            for member in members
        ],
        # Rows may still name a municipality that left the Verbund: the copy knows its name.
        "former_members": [
            {"ags": town.ags, "name": town.short_name, "official_name": town.official_name}
            for town in former_members(application)
        ],
        "addressee": addressee_lines(application, lead),
        "bank": {"name": bank.name, "bic": bank.bic},
        "steps": {step.value: read_step(application, step) for step in Step},
        "documents": [
            {
                "id": str(document.pk),
                "kind": document.kind,
                "municipality": document.municipality.ags if document.municipality else None,
                "name": document.name,
                "content_type": document.content_type,
                "size": document.size,
                "sha256": document.sha256,
            }
            for document in rows_of(application, "documents")
            if document.removed_at is None
        ],
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity.value,
                "source": finding.source,
                "message": finding.message,
                "way_out": finding.way_out,
                "step": finding.step,
            }
            for finding in findings
        ],
        "confirmation_reason": reason,
        "declaration": declaration,
    }


def addressee_lines(application: Application, lead: Municipality | None) -> list[str]:
    """The lines of the applicant's address: what was typed, else what the register knows.

    Organ (§§ 65, 66 HGO: „Magistrat der Stadt …“), street where one was typed, town.
    """
    organ = application.addressee or (lead.body if lead else "")
    code = application.postal_code or (lead.postal_code if lead else "")
    town = application.city or (lead.short_name if lead and code else "")
    lines = (organ, application.street, f"{code} {town}".strip())
    return [line for line in lines if line]


def take(
    application: Application,
    content: dict[str, Any],
    *,
    number: int | None = None,
    by: User,
    at: datetime,
) -> Snapshot:
    """Store a snapshot, hashed over its UTF-8 text; the caller holds the application's lock.

    `number` is the next one's, where the caller knows it.
    """
    payload = log.canonical(content)
    return Snapshot.objects.create(
        application=application,
        number=number or application.snapshots.count() + 1,
        version=content["version"],
        payload=payload,
        sha256=log.sha256(payload),
        taken_at=at,
        taken_by=by,
    )


def _read_v2(content: dict[str, Any]) -> dict[str, Any]:
    """What came to the format since, and breaks no reader, is empty in copies of before."""
    steps = {s.value: completed(s, content["steps"][s.value]) for s in Step}
    return {"former_members": []} | content | {"steps": steps}


def _read_v1(content: dict[str, Any]) -> dict[str, Any]:
    """Version 1 asked for less: what nobody was asked for is empty, nothing is guessed."""
    new = {"version": 2, "addressee": [], "bank": {"name": "", "bic": ""}, "declaration": ""}
    members = [member | {"confirmed_at": None} for member in content["members"]]
    return _read_v2(content | new | {"members": members})


READERS: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    1: _read_v1,
    2: _read_v2,
}
"""For every version ever written: how to read it in the shape of the current one."""


def read(snapshot: Snapshot) -> dict[str, Any]:
    """The content of a snapshot in the shape of the current version.

    Raises UnknownVersion for a format this release does not know.
    """
    reader = READERS.get(snapshot.version)
    if reader is None:
        raise UnknownVersion(snapshot.version)
    return reader(json.loads(snapshot.payload))


def is_whole(snapshot: Snapshot) -> bool:
    """Whether the stored text still has the hash that was told on the receipt, or was erased."""
    if not snapshot.payload:
        return snapshot.application.erased_at is not None
    return log.sha256(snapshot.payload) == snapshot.sha256
