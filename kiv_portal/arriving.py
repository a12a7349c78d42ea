"""Files on their way in: of one that is too large no more is written down than proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile


class LimitHandler(FileUploadHandler):
    """Stands before the handlers that keep a file: past the limit they get nothing more.

    What they kept is larger than `UPLOAD_MAX_BYTES` by one piece at most, so the form refuses it
    with its reason as it refuses every file of that size; the disk does not fill meanwhile. How
    long a stream may be altogether says nginx (`client_max_body_size`).
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start <= settings.UPLOAD_MAX_BYTES else None

    def file_complete(self, file_size: int) -> UploadedFile | None:
        return None
