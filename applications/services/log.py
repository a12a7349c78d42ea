"""The Verfahrensprotokoll: one append-only hash chain per application."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from applications.models import Application, CaseLogEntry, CaseLogPayload

if TYPE_CHECKING:
    from municipalities.models import User

GENESIS: Final = "0" * 64
"""What the first entry of a chain names as its predecessor."""


def canonical(values: Any) -> str:
    """The one JSON text of plain values: keys sorted, no blanks, characters as they are."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256(text: str) -> str:
    """Hex digest of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _link(entry: CaseLogEntry) -> str:
    """The hash of an entry: over everything it holds but its content, which has its own."""
    return sha256(
        canonical(
            [
                entry.application_id,
                entry.sequence,
                _instant(entry.at),
                entry.action,
                entry.actor_id,
                entry.payload_hash,
                entry.previous_hash,
            ]
        )
    )


def record(
    application: Application, action: str, *, by: User | None, at: datetime, **values: Any
) -> CaseLogEntry:
    """Append an entry. The caller holds the application's row lock, so the chain cannot fork.

    `values` is the content as plain JSON values; it stands apart from the chain, salted, so
    that an erasure can delete it and leave the chain whole.
    """
    last = application.log.order_by("-sequence").first()
    salt = secrets.token_hex(16)
    data = canonical(values)
    entry = CaseLogEntry(
        application=application,
        sequence=last.sequence + 1 if last else 1,
        at=at,
        action=action,
        actor_id=by.pk if by else None,
        payload_hash=sha256(salt + data),
        previous_hash=last.hash if last else GENESIS,
    )
    entry.hash = _link(entry)
    entry.save(force_insert=True)
    CaseLogPayload.objects.create(entry=entry, salt=salt, data=data)
    return entry


def verify(application: Application) -> list[str]:
    """Read the chain from its start; the faults in German, an empty list if it is whole.

    An entry whose content was erased is no fault.
    """
    return faults_in(application, application.log.order_by("sequence").select_related("content"))


def faults_in(application: Application, entries: Iterable[CaseLogEntry]) -> list[str]:
    """As `verify`, of entries read before: in the order of their sequence, with their content."""
    faults: list[str] = []
    previous = GENESIS
    for expected, entry in enumerate(entries, start=1):
        where = f"{application} Eintrag {entry.sequence}"
        if entry.sequence != expected:
            faults.append(f"{where}: erwartet war Eintrag {expected}.")
        if entry.previous_hash != previous:
            faults.append(f"{where}: schließt nicht an den vorigen Eintrag an.")
        if entry.hash != _link(entry):
            faults.append(f"{where}: Angaben passen nicht zum Prüfwert.")
        content = getattr(entry, "content", None)
        if content and sha256(content.salt + content.data) != entry.payload_hash:
            faults.append(f"{where}: Inhalt passt nicht zum Prüfwert.")
        previous = entry.hash
    return faults
