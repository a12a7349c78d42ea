"""Adding, replacing and removing documents of an application."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from applications import documents
from applications.models import Application, Document
from applications.rules import DocumentKind, Step
from applications.services import drafts, scanning, unlocking

if TYPE_CHECKING:
    from datetime import datetime

    from django.core.files.uploadedfile import UploadedFile

    from municipalities.models import Municipality, User

MAX_DOCUMENTS = 50
"""How many documents an application may hold at a time."""
FULL = "Mehr Anlagen sind nicht möglich. Bitte entfernen Sie zuerst eine."


class TooManyDocuments(Exception):
    """The application holds as many documents as it may."""


class DocumentGone(Exception):
    """The document to be replaced has been removed or replaced in the meantime."""


@dataclass(slots=True)
class Received:
    """What became of several uploads: those kept, those already there, those refused and why."""

    added: list[Document] = field(default_factory=list)
    known: list[Document] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def add_document(
    *,
    application: Application,
    upload: UploadedFile,
    kind: DocumentKind,
    municipality: Municipality | None = None,
    by: User,
    at: datetime,
) -> Document:
    """Look into an upload and keep it with the application.

    Raises documents.UploadRefused, TooManyDocuments, NotAllowed, NotEditable, NotUnlocked.
    """
    document = _inspected(application, upload, kind, municipality, by, at)
    return _keep(document, upload, _may_come(kind), by=by, at=at)


def add_documents(
    *,
    application: Application,
    uploads: Sequence[UploadedFile],
    kind: DocumentKind,
    municipality: Municipality | None = None,
    by: User,
    at: datetime,
) -> Received:
    """Keep those of several uploads that can be taken, and say of the others why not.

    What the application holds already, the same file of that kind under the same name, is not
    taken twice: a page sent again adds nothing. Raises NotAllowed, NotEditable, NotUnlocked.
    """
    received = Received()
    with transaction.atomic():
        drafts.lock_for_edit(application, Step.ANLAGEN, by)
    for upload in uploads:
        try:
            document = _inspected(application, upload, kind, municipality, by, at)
            same = application.documents.current().filter(
                kind=kind, municipality=municipality, name=document.name, sha256=document.sha256
            )
            if there := same.first():
                received.known.append(there)
                continue
            received.added.append(_keep(document, upload, _may_come(kind), by=by, at=at))
        except documents.UploadRefused as error:
            received.refused.append((documents.file_name(upload.name or ""), str(error)))
        except TooManyDocuments:
            received.refused.append((documents.file_name(upload.name or ""), FULL))
    return received


def replace_document(
    *, application: Application, document: Document, upload: UploadedFile, by: User, at: datetime
) -> Document:
    """Put a new version in a document's place; the old one stays for the snapshots naming it.

    Raises documents.UploadRefused, DocumentGone, NotAllowed, NotEditable, NotUnlocked.
    """
    kind = DocumentKind(document.kind)
    new = _inspected(application, upload, kind, document.municipality, by, at)
    new.replaces = document

    def check(row: Application) -> None:
        if not _rights(row).may_replace(document):
            raise drafts.NotUnlocked([document.name])
        if not row.documents.current().filter(pk=document.pk).take_out(at):
            raise DocumentGone

    return _keep(new, upload, check, by=by, at=at)


def looked_into(
    application: Application, upload: UploadedFile, kind: DocumentKind, *, by: User, at: datetime
) -> Document:
    """The document an upload makes, not stored yet. Raises documents.UploadRefused."""
    return _inspected(application, upload, kind, None, by, at)


def _inspected(
    application: Application,
    upload: UploadedFile,
    kind: DocumentKind,
    municipality: Municipality | None,
    by: User,
    at: datetime,
) -> Document:
    """The document an upload makes, not stored yet. Raises documents.UploadRefused."""
    inspected = documents.inspect(upload)
    return Document(
        id=uuid.uuid4(),
        application=application,
        kind=kind,
        municipality=municipality,
        name=inspected.name,
        content_type=inspected.content_type,
        size=inspected.size,
        sha256=inspected.sha256,
        uploaded_at=at,
        uploaded_by=by,
        scan=scanning.first_state(),
    )


def _may_come(kind: DocumentKind) -> Callable[[Application], None]:
    """Refuses a document of a kind that was not asked for, and one too many."""

    def check(row: Application) -> None:
        if not unlocking.may_add(_targets(row), kind):
            raise drafts.NotUnlocked([kind.label])
        if row.documents.current().count() >= MAX_DOCUMENTS:
            raise TooManyDocuments

    return check


def _targets(row: Application) -> frozenset[str]:
    return unlocking.opened(row).get(Step.ANLAGEN, unlocking.CLOSED)


def _rights(row: Application) -> unlocking.DocumentRights:
    return unlocking.document_rights(row, _targets(row))


def _keep(
    document: Document,
    upload: UploadedFile,
    check: Callable[[Application], None],
    *,
    by: User,
    at: datetime,
) -> Document:
    application = document.application
    # The file is on disk before a row names it; without its row it is swept up as a leftover.
    with transaction.atomic():
        drafts.lock_for_edit(application, Step.ANLAGEN, by)
    document.file.save(str(document.pk), upload, save=False)
    try:
        with transaction.atomic():
            row = drafts.lock_for_edit(application, Step.ANLAGEN, by)
            check(row)
            document.save(force_insert=True)
            scanning.enqueue(document, at)
            drafts.touch(row, Step.ANLAGEN, by=by, at=at)
    except BaseException:
        document.file.storage.delete(document.file.name)
        raise
    return document


def remove_document(
    *, application: Application, document: Document, by: User, at: datetime
) -> None:
    """Take a document out of the application; its file stays for the snapshots that name it.

    Removing it twice changes nothing more. Raises NotAllowed, NotEditable, NotUnlocked.
    """
    with transaction.atomic():
        row = drafts.lock_for_edit(application, Step.ANLAGEN, by)
        if not _rights(row).may_remove(document):
            raise drafts.NotUnlocked([document.name])
        changed = row.documents.current().filter(pk=document.pk).take_out(at)
        if changed:
            drafts.touch(row, Step.ANLAGEN, by=by, at=at)
