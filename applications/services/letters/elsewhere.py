"""A letter made outside the portal: its PDF is looked into and kept, its parts are ticked."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from applications import documents
from applications.services.letters.parts import PARTS_ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from django.core.files.uploadedfile import UploadedFile

NO_PDF = "Bitte laden Sie das unterschriebene Schreiben als PDF hoch."


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A letter made elsewhere: the signed PDF, its date, the parts a person found in it."""

    upload: UploadedFile | None
    dated_on: date | None
    parts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the uploaded file lies, and its hash."""

    name: str
    sha256: str


def faults_of_elsewhere(letter: Elsewhere, kind: str) -> dict[str, str]:
    """What such a letter lacks, by field; every required part must be ticked (PROGRAMME §6)."""
    faults: dict[str, str] = {}
    if letter.upload is None:
        faults["upload"] = NO_PDF
    if letter.dated_on is None:
        faults["dated_on"] = "Bitte geben Sie das Datum an, das auf dem Schreiben steht."
    untold = [label for code, label in PARTS_ELSEWHERE.get(kind, ()) if code not in letter.parts]
    if untold:
        faults["parts"] = "Bitte prüfen Sie das Schreiben. Noch nicht bestätigt: " + "; ".join(
            untold
        )
    return faults


@contextlib.contextmanager
def kept(upload: UploadedFile) -> Iterator[Kept]:
    """Keep the file while the block goes well: on disk before a row names it, else swept up.

    Raises documents.UploadRefused, also for what is no PDF.
    """
    inspected = documents.inspect(upload)
    if inspected.content_type != "application/pdf":
        raise documents.UploadRefused(NO_PDF)
    upload.seek(0)
    name = default_storage.save(
        f"schreiben/vorgelegt/{uuid.uuid4()}.pdf", ContentFile(upload.read())
    )
    try:
        yield Kept(name, inspected.sha256)
    except BaseException:
        default_storage.delete(name)
        raise
