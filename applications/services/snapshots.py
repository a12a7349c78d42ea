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
from applications.rules import Finding, Step
from applications.services import drafts, log

if TYPE_CHECKING:
    from municipalities.models import User

VERSION: Final = 1
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
) -> dict[str, Any]:
    """The content of a snapshot in the current format, as plain JSON values.

    Instants are UTC in ISO 8601, amounts exact decimal text in euro, days ISO dates.
    """
    call = application.call
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
                "population_as_of": drafts.plain(member.population_as_of),
                "population_basis": member.population_basis,
                "population_source": member.population_source,
            }
            for member in application.members.select_related("municipality__district")
        ],
        "steps": {step.value: drafts.read_step(application, step) for step in Step},
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
            for document in application.documents.current().select_related("municipality")
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
    }


def take(application: Application, content: dict[str, Any], *, by: User, at: datetime) -> Snapshot:
    """Store a snapshot, hashed over its UTF-8 text; the caller holds the application's lock."""
    payload = log.canonical(content)
    return Snapshot.objects.create(
        application=application,
        number=application.snapshots.count() + 1,
        version=content["version"],
        payload=payload,
        sha256=log.sha256(payload),
        taken_at=at,
        taken_by=by,
    )


def _read_v1(content: dict[str, Any]) -> dict[str, Any]:
    return content


READERS: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _read_v1}
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
    """Whether the stored text still has the hash that was told on the receipt."""
    return log.sha256(snapshot.payload) == snapshot.sha256
