"""The virus scan of an upload, done by the worker; without a scanner there is no state at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from applications.documents import scan
from applications.models import Document, ScanState
from kiv_portal.models import Job
from kiv_portal.outbox import enqueue_job

if TYPE_CHECKING:
    from datetime import datetime

KIND: Final = "scan_document"
TRIES_BEFORE_TELLING: Final = 3
"""After so many tries without an answer the state is „nicht prüfbar", and it is tried on."""


def first_state() -> str:
    """The state of an upload that was just taken."""
    return ScanState.PENDING if scan.is_set_up() else ""


def enqueue(document: Document, at: datetime) -> None:
    """Ask the worker to look into an upload; in the transaction that keeps it."""
    if document.scan == ScanState.PENDING:
        enqueue_job(kind=KIND, argument=str(document.pk), key=_key(document), at=at)


def scan_document(argument: str, at: datetime) -> None:
    """Scan the document with this id and note what came out; done before means done.

    Raises scan.ScannerAway, so that the worker tries again and staff see the job.
    """
    document = Document.objects.get(pk=argument)
    if document.scan not in (ScanState.PENDING, ScanState.FAILED):
        return
    if not scan.is_set_up():  # taken away since
        _note(document, "", None)
        return
    try:
        with document.file.open("rb") as file:
            found = scan.find_in(file)
    except scan.NotScannable:
        _note(document, ScanState.FAILED, at)
    except scan.ScannerAway:
        tries = Job.objects.filter(key=_key(document)).values_list("attempts", flat=True).first()
        if (tries or 0) >= TRIES_BEFORE_TELLING:
            _note(document, ScanState.FAILED, None)
        raise
    else:
        _note(document, ScanState.FOUND if found else ScanState.CLEAN, at)


def _note(document: Document, state: str, at: datetime | None) -> None:
    document.scan, document.scanned_at = state, at
    document.save(update_fields=["scan", "scanned_at"])


def _key(document: Document) -> str:
    return f"scan:{document.pk}"
