"""Files of a case at the desk: only what was handed in."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.utils import timezone

from applications import documents, permissions
from applications.models import Application, Document, ScanState
from applications.models.decisions import DecisionState
from applications.services import letters, snapshots
from kiv_portal import files, pdf

if TYPE_CHECKING:
    from municipalities.models import User


class FileHeld(Exception):
    """The virus scan is still running, or has found something."""

    def __init__(self, document: Document) -> None:
        super().__init__(
            "Die Virenprüfung dieser Anlage läuft noch. Bitte versuchen Sie es gleich noch einmal."
            if document.scan == ScanState.PENDING
            else "Die Virenprüfung hat in dieser Anlage etwas gefunden. Sie wird nicht "
            "herausgegeben; bitte fordern Sie sie neu an."
        )


def named_in_snapshots(application: Application) -> set[str]:
    """Ids of all documents that some version handed in names."""
    return {
        document["id"]
        for snapshot in application.snapshots.all()
        for document in snapshots.read(snapshot)["documents"]
    }


def document(
    application: Application, document_id: uuid.UUID, *, view: bool = False
) -> HttpResponse:
    """An Anlage that was handed in. What only lies in an unlocked section is not there yet.

    `view` shows it in the browser, where its kind allows that (`kiv_portal.files.SHOWN`).
    """
    row = application.documents.filter(pk=document_id).first()
    if row is None or str(row.pk) not in named_in_snapshots(application):
        raise Http404("Diese Anlage wurde nicht eingereicht.")
    if not row.may_be_opened:
        raise FileHeld(row)
    name = documents.download_name(row.name, row.content_type)
    return files.answer(row.file, name, row.content_type, show=view)


def snapshot_pdf(application: Application, number: int) -> HttpResponse:
    """The PDF of a version, once it is rendered."""
    snapshot = application.snapshots.filter(number=number).first()
    if snapshot is None or not snapshot.pdf:
        raise Http404("Dieses PDF gibt es noch nicht.")
    name = f"{application.reference}-Fassung-{number}.pdf"
    return files.answer(snapshot.pdf, name, "application/pdf")


def letter_pdf(application: Application, letter_id: uuid.UUID) -> HttpResponse:
    """The PDF of a letter, once it is rendered."""
    letter = application.letters.filter(pk=letter_id).first()
    if letter is None or not letter.file:
        raise Http404("Dieses PDF gibt es noch nicht.")
    name = f"{application.reference}-{letter.get_kind_display()}.pdf"
    return files.answer(letter.file, name, "application/pdf")


def draft_letter(application: Application, *, by: User, at: datetime) -> HttpResponse:
    """The letter of the open proposal as a real PDF marked „Entwurf", or the uploaded one.

    It names only somebody who may sign it. The browser shows it: it is read once, and not kept.
    """
    decision = (
        application.decisions.filter(state=DecisionState.PROPOSED)
        .select_related("application__call")
        .first()
    )
    if decision is None:
        raise Http404("Es liegt kein Vorschlag vor.")
    if decision.made_elsewhere:
        name = f"{application.reference}-vorgelegt.pdf"
        return files.answer(decision.elsewhere_file, name, "application/pdf", show=True)
    if letters.missing_parts(decision, at):
        raise Http404("Dem Schreiben fehlen noch Teile.")
    # What is read is what is sealed; only the day and the name come with the signature.
    values = {**decision.draft, "dated_on": timezone.localdate(at).isoformat()}
    if permissions.may_sign_decision(by, application) and by.name:
        values["signatory_lines"] = ["Im Auftrag", by.name]
    content = pdf.render(
        "pdf/letter.html",
        {"letter": {**values, "dated_on": date.fromisoformat(values["dated_on"])}},
        title=f"Entwurf – {values['subject']}",
        draft=True,
        created_at=at,
    )
    response = HttpResponse(content, content_type="application/pdf")
    name = f"Entwurf-{application.reference}.pdf"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
