"""Files: what an upload really is, and the PDFs of applications and letters."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from applications.documents import jury, scan
from applications.documents.comparison import compare
from applications.documents.labels import LABELS, shown
from applications.documents.uploads import (
    ALLOWED,
    MEGABYTE,
    Inspected,
    UploadRefused,
    download_name,
    file_name,
    inspect,
    type_name,
)
from applications.documents.wording import (
    grouped,
    left,
    names_in,
    presentation,
    section,
    sheet_in_words,
    size_text,
    town_in_words,
)

if TYPE_CHECKING:
    from applications.models import FormSheet, Letter, Snapshot

__all__ = [
    "ALLOWED",
    "LABELS",
    "MEGABYTE",
    "Inspected",
    "UploadRefused",
    "compare",
    "download_name",
    "file_name",
    "grouped",
    "inspect",
    "jury",
    "left",
    "names_in",
    "presentation",
    "render_application",
    "render_for_jury",
    "render_letter",
    "render_sheet",
    "scan",
    "section",
    "shown",
    "size_text",
    "town_in_words",
    "type_name",
]


def render_letter(letter: Letter) -> bytes:
    """The letter's PDF from its frozen values, with these values attached as JSON."""
    from kiv_portal import pdf

    values = {**letter.values, "dated_on": date.fromisoformat(letter.values["dated_on"])}
    return pdf.render(
        "pdf/letter.html",
        {"letter": values},
        title=letter.values["subject"],
        attachments=[
            pdf.Attachment(
                name="schreiben.json",
                data=json.dumps(letter.values, ensure_ascii=False, sort_keys=True).encode(),
                mime="application/json",
                description="Inhalt des Schreibens als Daten",
                relationship="Data",
            )
        ],
        created_at=letter.created_at,
    )


SHEETS: Final = {
    "blank_form": "pdf/blank_form.html",
    "cooperation": "pdf/cooperation.html",
    "signature": "pdf/signature.html",
}
"""The template of each kind of form sheet."""


def render_sheet(sheet: FormSheet) -> bytes:
    """The PDF of a form sheet from its frozen values."""
    from kiv_portal import pdf

    return pdf.render(
        SHEETS[sheet.kind],
        {"sheet": sheet_in_words(sheet.values)},
        title=sheet.get_kind_display(),
        created_at=sheet.created_at,
    )


def render_for_jury(snapshot: Snapshot, content: dict[str, Any]) -> bytes:
    """The application's PDF without bank details and telephone numbers, and without its data."""
    from kiv_portal import pdf

    edition = "Fassung für die Jury, ohne Bankverbindung und Telefonnummern"
    shown = presentation(jury.without_numbers(content), sha256=snapshot.sha256, edition=edition)
    return pdf.render(
        "pdf/application.html",
        {"snapshot": jury.without_typed_numbers(shown)},
        title=f"Antrag {content['reference']}",
        created_at=snapshot.taken_at,
    )


def render_application(snapshot: Snapshot, content: dict[str, Any]) -> bytes:
    """The application's PDF from a snapshot's content, with the snapshot attached as JSON."""
    from kiv_portal import pdf

    reference = content["reference"]
    return pdf.render(
        "pdf/application.html",
        {"snapshot": presentation(content, sha256=snapshot.sha256)},
        title=f"Antrag {reference}",
        attachments=[
            pdf.Attachment(
                name=f"{reference}.json",
                data=snapshot.payload.encode(),
                mime="application/json",
                description="Der Antrag in seiner eingereichten Fassung als Daten",
                relationship="Source",
            )
        ],
        created_at=snapshot.taken_at,
    )
