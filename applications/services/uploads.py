"""Adding and removing documents of an application."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import transaction

from applications import documents
from applications.models import Application, Document
from applications.rules import DocumentKind, Step
from applications.services import drafts

if TYPE_CHECKING:
    from datetime import datetime

    from django.core.files.uploadedfile import UploadedFile

    from municipalities.models import Municipality, User

MAX_DOCUMENTS = 50
"""How many documents an application may hold at a time."""


class TooManyDocuments(Exception):
    """The application holds as many documents as it may."""


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

    Raises documents.UploadRefused, TooManyDocuments, NotAllowed, NotEditable.
    """
    inspected = documents.inspect(upload)
    document = Document(
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
    )
    # The file is on disk before a row names it; without its row it is swept up as a leftover.
    with transaction.atomic():
        drafts.lock_for_edit(application, Step.ANLAGEN, by)
    document.file.save(str(document.pk), upload, save=False)
    try:
        with transaction.atomic():
            row = drafts.lock_for_edit(application, Step.ANLAGEN, by)
            if row.documents.current().count() >= MAX_DOCUMENTS:
                raise TooManyDocuments
            document.save(force_insert=True)
            drafts.touch(row, Step.ANLAGEN, by=by, at=at)
    except BaseException:
        document.file.storage.delete(document.file.name)
        raise
    return document


def remove_document(
    *, application: Application, document: Document, by: User, at: datetime
) -> None:
    """Take a document out of the application; its file stays for the snapshots that name it.

    Removing it twice changes nothing more. Raises NotAllowed, NotEditable.
    """
    with transaction.atomic():
        row = drafts.lock_for_edit(application, Step.ANLAGEN, by)
        changed = row.documents.current().filter(pk=document.pk).update(removed_at=at)
        if changed:
            drafts.touch(row, Step.ANLAGEN, by=by, at=at)
