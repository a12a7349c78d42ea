"""What an upload really is: by its content, never by its name."""

from __future__ import annotations

import hashlib
import io
import unicodedata
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kiv_portal.folding import clean_text

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

MEGABYTE: Final = 1024 * 1024
MAX_UNPACKED: Final = 200 * MEGABYTE
TOO_MANY_PIXELS: Final = (
    "Das Bild hat zu viele Bildpunkte. Bitte verkleinern Sie es auf höchstens 60 Megapixel."
)
ALLOWED: Final = "PDF, JPEG, PNG, DOCX, XLSX, ODT, ODS"
OFFICE: Final = {
    "word/document.xml": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ),
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
OPEN_DOCUMENT: Final = {
    b"application/vnd.oasis.opendocument.text": "application/vnd.oasis.opendocument.text",
    b"application/vnd.oasis.opendocument.spreadsheet": (
        "application/vnd.oasis.opendocument.spreadsheet"
    ),
}


class UploadRefused(Exception):
    """The file cannot be taken; the message says why and what to do, in German."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What an upload is: name as typed, type by content, size in bytes, SHA-256."""

    name: str
    content_type: str
    size: int
    sha256: str


def inspect(upload: UploadedFile) -> Inspected:
    """Look into an upload; the extension counts for nothing. Raises UploadRefused."""
    size = upload.size or 0
    if size == 0:
        raise UploadRefused("Die Datei ist leer. Bitte wählen Sie sie noch einmal aus.")
    if size > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES // MEGABYTE
        raise UploadRefused(
            f"Die Datei ist größer als {limit} MB. Bitte verkleinern oder teilen Sie sie."
        )
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    content_type = _type_of(upload)
    upload.seek(0)
    return Inspected(_file_name(upload.name or ""), content_type, size, digest.hexdigest())


def _file_name(typed: str) -> str:
    """The name as typed without any path, at most 200 characters; never empty."""
    name = " ".join(clean_text(unicodedata.normalize("NFC", typed)).split())
    name = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not name.strip("."):
        return "Anlage"
    if len(name) > 200:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: 199 - len(ending)]}{dot}{ending}" if dot else name[:200]
        name = name[:200]
    return name


def _type_of(upload: UploadedFile) -> str:
    head = upload.read(8)
    upload.seek(0)
    if head.startswith(b"%PDF-"):
        _require_plain_pdf(upload)
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _require_image(upload, "PNG", "image/png")
    if head.startswith(b"\xff\xd8\xff"):
        return _require_image(upload, "JPEG", "image/jpeg")
    if head.startswith(b"PK\x03\x04"):
        return _office_type(upload)
    raise UploadRefused(f"Diese Art von Datei können wir nicht annehmen. Möglich sind: {ALLOWED}.")


def _require_plain_pdf(upload: UploadedFile) -> None:
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(upload.read())) as pdf:
            if pdf.is_encrypted:
                raise UploadRefused(
                    "Das PDF ist mit einem Kennwort geschützt. Bitte speichern Sie es ohne Schutz."
                )
            if len(pdf.pages) == 0:
                raise UploadRefused("Das PDF hat keine Seiten.")
            if any(_runs_something(item) for item in pdf.objects):
                raise UploadRefused(
                    "Das PDF enthält ausführbare Teile (Skript). Bitte drucken Sie es in "
                    "ein neues PDF und laden Sie dieses hoch."
                )
    except pikepdf.PasswordError as error:
        raise UploadRefused(
            "Das PDF ist mit einem Kennwort geschützt. Bitte speichern Sie es ohne Schutz."
        ) from error
    except pikepdf.PdfError as error:
        raise UploadRefused(
            "Das PDF ist beschädigt und lässt sich nicht öffnen. Bitte erzeugen Sie es neu."
        ) from error


def _runs_something(item: Any) -> bool:
    """Whether an object of a PDF is a script or starts a program, or holds directly what does."""
    import pikepdf

    waiting = [item]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            held = list(one)
        elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            if "/JS" in one or one.get("/S") in ("/JavaScript", "/Launch"):
                return True
            held = [one[key] for key in one.keys()]  # noqa: SIM118 (no mapping)
        else:
            continue
        # What is held by reference has its own turn among the PDF's objects.
        waiting += [part for part in held if not getattr(part, "is_indirect", False)]
    return False


def _require_image(upload: UploadedFile, kind: str, content_type: str) -> str:
    from PIL import Image

    try:
        with Image.open(upload, formats=[kind]) as image:
            width, height = image.size
            if width * height > 60_000_000:
                raise UploadRefused(TOO_MANY_PIXELS)
            # `verify` says nothing of a JPEG that breaks off: its end mark has to be there.
            if kind == "JPEG" and b"\xff\xd9" not in image.fp.read():
                raise EOFError
            image.verify()
    except UploadRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UploadRefused(TOO_MANY_PIXELS) from error
    except Exception as error:  # Pillow raises many kinds for broken images
        raise UploadRefused(
            "Das Bild ist beschädigt und lässt sich nicht öffnen. Bitte speichern Sie es neu."
        ) from error
    return content_type


def _office_type(upload: UploadedFile) -> str:
    try:
        with zipfile.ZipFile(upload) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if any(part.flag_bits & 0x1 for part in parts):
                raise UploadRefused(
                    "Die Datei ist mit einem Kennwort geschützt. Bitte speichern Sie sie ohne "
                    "Schutz."
                )
            if sum(part.file_size for part in parts) > MAX_UNPACKED or len(parts) > 10_000:
                raise UploadRefused("Die Datei ist entpackt zu groß.")
            if any(name.lower().endswith("vbaproject.bin") for name in names) or any(
                name.startswith(("Basic/", "Scripts/")) for name in names
            ):
                raise UploadRefused(
                    "Die Datei enthält Makros. Bitte speichern Sie sie ohne Makros oder als PDF."
                )
            for marker, content_type in OFFICE.items():
                if marker in names:
                    return content_type
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                found = OPEN_DOCUMENT.get(archive.read("mimetype").strip())
                if found:
                    return found
    except UploadRefused:
        raise
    except Exception as error:  # zipfile and zlib raise many kinds for broken archives
        raise UploadRefused(
            "Die Datei ist beschädigt und lässt sich nicht öffnen. Bitte speichern Sie sie neu."
        ) from error
    raise UploadRefused(f"Diese Art von Datei können wir nicht annehmen. Möglich sind: {ALLOWED}.")
