"""What the worker renders after the transaction: PDFs of applications and letters."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.db import transaction

from applications import documents
from applications.models import Application, FormSheet, Letter, Snapshot
from applications.services import log, scanning, snapshots
from applications.services.delivery import end_retrieval

if TYPE_CHECKING:
    from datetime import datetime


def render_application_pdf(argument: str, at: datetime) -> None:
    """Render the PDF of the snapshot with this primary key; done before means done."""
    snapshot = Snapshot.objects.select_related("application").get(pk=int(argument))
    if snapshot.pdf:
        return
    pdf = documents.render_application(snapshot, snapshots.read(snapshot))
    name = f"{snapshot.application.uuid}-{snapshot.number}.pdf"
    snapshot.pdf.save(name, ContentFile(pdf), save=False)
    snapshot.pdf_sha256 = hashlib.sha256(pdf).hexdigest()
    with transaction.atomic():
        application = Application.objects.select_for_update().get(pk=snapshot.application_id)
        snapshot.save(update_fields=["pdf", "pdf_sha256"])
        log.record(
            application,
            "application_rendered",
            by=None,
            at=at,
            snapshot=snapshot.number,
            sha256=snapshot.pdf_sha256,
        )


def render_letter_pdf(argument: str, at: datetime) -> None:
    """Render the PDF of the letter with this id; done before means done."""
    letter = Letter.objects.get(pk=argument)
    if letter.file:
        return
    pdf = documents.render_letter(letter)
    letter.file.save(f"{letter.pk}.pdf", ContentFile(pdf), save=False)
    letter.sha256 = hashlib.sha256(pdf).hexdigest()
    with transaction.atomic():
        application = Application.objects.select_for_update().get(pk=letter.application_id)
        letter.save(update_fields=["file", "sha256"])
        log.record(
            application,
            "letter_rendered",
            by=None,
            at=at,
            letter=str(letter.pk),
            kind=letter.kind,
            sha256=letter.sha256,
            seal=letter.seal,
        )


def render_sheet_pdf(argument: str, at: datetime) -> None:
    """Render the form sheet with this id; done before, or no longer wanted, means done."""
    sheet = FormSheet.objects.filter(pk=argument).first()
    if sheet is None or sheet.file:
        return
    sheet.file.save(f"{sheet.pk}.pdf", ContentFile(documents.render_sheet(sheet)), save=False)
    # A newer sheet may have taken its place meanwhile: then there is no row to write to.
    FormSheet.objects.filter(pk=sheet.pk).update(file=sheet.file.name)


JOBS = {
    "application_pdf": render_application_pdf,
    "letter_pdf": render_letter_pdf,
    scanning.KIND: scanning.scan_document,
    "sheet_pdf": render_sheet_pdf,
    "retrieval_over": end_retrieval,
}
"""Kinds of jobs the worker knows, each with what carries it out: (argument, at)."""
