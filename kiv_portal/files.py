"""Kept files as answers: opened, named, and shown in the browser only where that is meant; and
what an object store raises.

The policy that lets nothing in a file act is `FILE_POLICY` in `kiv_portal/middleware.py`, for every
answer that names a file.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from django.http import FileResponse, Http404

if TYPE_CHECKING:
    from django.db.models.fields.files import FieldFile

SHOWN: Final = frozenset({"application/pdf", "image/png", "image/jpeg"})
"""What a browser shows by itself, without anything in it being carried out."""


def object_store_faults() -> tuple[type[Exception], ...]:
    """What an object store raises where it does not answer or refuses; none where none is used."""
    store = sys.modules.get("botocore.exceptions")  # imported by whoever uses one
    return () if store is None else (store.BotoCoreError, store.ClientError)


def answer(file: FieldFile, name: str, content_type: str, *, show: bool = False) -> FileResponse:
    """The kept file under that name, to be saved; with `show` to be looked at, where it can be.

    Raises Http404 where it is not in the store.
    """
    try:
        opened = file.open("rb")
    except FileNotFoundError as error:
        raise Http404("Diese Datei liegt nicht in der Ablage.") from error
    saved = not show or content_type not in SHOWN
    return FileResponse(opened, as_attachment=saved, filename=name, content_type=content_type)
