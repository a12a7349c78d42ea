"""What an upload really is: by its content, never by its name."""

from __future__ import annotations

import hashlib
import subprocess  # nosec B404 (one fixed program of our own)
import sys
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

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
ENDINGS: Final = frozenset({"pdf", "jpg", "jpeg", "png", "docx", "xlsx", "odt", "ods"})
"""Endings of what is allowed; they say nothing of a file, only what somebody took it for."""
OFFICE: Final = {
    "word/document.xml": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ),
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MACRO_PARTS: Final = ("basic/", "scripts/", "xl/macrosheets/", "xl/dialogsheets/")
"""Folders in which office files keep programs, Excel's old macro sheets among them."""
MACRO_TYPES: Final = (b"macroenabled", b"vbaproject", b"ms-excel.macrosheet")
"""Words in the list of contents that give away a macro whatever its part is called."""
LONGEST_LIST: Final = 2 * MEGABYTE
OLD_OFFICE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
TYPES: Final = {
    "application/pdf": ("PDF", ("pdf",)),
    "image/jpeg": ("JPEG", ("jpg", "jpeg")),
    "image/png": ("PNG", ("png",)),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (
        "DOCX",
        ("docx",),
    ),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("XLSX", ("xlsx",)),
    "application/vnd.oasis.opendocument.text": ("ODT", ("odt",)),
    "application/vnd.oasis.opendocument.spreadsheet": ("ODS", ("ods",)),
}
"""What can be taken: its short name, and the endings under which programs open it."""
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
    return Inspected(file_name(upload.name or ""), content_type, size, digest.hexdigest())


LONGEST_NAME: Final = 255
"""No computer people use has longer names."""


def file_name(typed: str) -> str:
    """The name as typed without any path, at most `LONGEST_NAME` characters; never empty.

    Browsers send a quotation mark in a name as %22 (WHATWG, multipart/form-data), and Django
    leaves it so.
    """
    typed = typed.replace("%22", '"')
    name = " ".join(clean_text(unicodedata.normalize("NFC", typed)).split())
    name = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not name.strip("."):
        return "Anlage"
    if len(name) > LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[: LONGEST_NAME - 1 - len(ending)]}{dot}{ending}" if dot else name
        name = name[:LONGEST_NAME]
    return name


def type_name(content_type: str) -> str:
    """The short name of a type, such as „DOCX"."""
    return TYPES[content_type][0] if content_type in TYPES else ""


def download_name(name: str, content_type: str) -> str:
    """The name as typed; where its ending belongs to another kind of file, the right one after.

    So that nothing uploaded is opened on somebody's computer as what it only claims to be.
    """
    endings = TYPES[content_type][1] if content_type in TYPES else ()
    if not endings or name.rpartition(".")[2].lower() in endings:
        return name
    return f"{name}.{endings[0]}"


def _unknown(upload: UploadedFile) -> UploadRefused:
    """Why a content nobody knows is refused: of a kind not allowed, or not what its name says."""
    ending = (upload.name or "").rpartition(".")[2].lower()
    if ending in ENDINGS:
        return UploadRefused(
            f"Der Inhalt der Datei passt nicht zur Endung „.{ending}“, oder die Datei ist "
            "beschädigt. Bitte öffnen Sie sie in ihrem Programm und speichern Sie sie neu."
        )
    return UploadRefused(f"Diese Art von Datei können wir nicht annehmen. Möglich sind: {ALLOWED}.")


TWO_THINGS: Final = (
    "Die Datei ist zweierlei zugleich (etwa Bild und Archiv). Bitte öffnen Sie sie in ihrem "
    "Programm und speichern Sie sie neu."
)
LATE_HEAD: Final = 1024
"""So far from its beginning a PDF may still be found by some programs."""
TAKEN: Final = (b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"PK\x03\x04")
"""How files begin that can be taken."""
ARCHIVE_END: Final = b"PK\x05\x06"
SHORTEST_END: Final = 22


def _refuse_two_things(upload: UploadedFile, head: bytes) -> None:
    """What one program takes for this and another one for that: nobody means to send it."""
    is_archive = head.startswith(b"PK")
    if b"%PDF-" in head[1:]:
        raise UploadRefused(TWO_THINGS)
    if is_archive:
        return
    size = upload.size or 0
    upload.seek(max(0, size - SHORTEST_END - 0xFFFF))
    tail = upload.read()
    upload.seek(0)
    at = tail.rfind(ARCHIVE_END)
    # An archive's last record names the length of the comment that ends the file.
    if at >= 0 and len(tail) - at >= SHORTEST_END:
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + SHORTEST_END + comment == len(tail):
            raise UploadRefused(TWO_THINGS)


def _type_of(upload: UploadedFile) -> str:
    head = upload.read(LATE_HEAD)
    upload.seek(0)
    if head.startswith(TAKEN):
        _refuse_two_things(upload, head)
    if head.startswith(b"%PDF-"):
        _require_plain_pdf(upload)
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _require_image(upload, "PNG", "image/png")
    if head.startswith(b"\xff\xd8\xff"):
        return _require_image(upload, "JPEG", "image/jpeg")
    if head.startswith(b"PK\x03\x04"):
        return _office_type(upload)
    if head.startswith(OLD_OFFICE):
        raise UploadRefused(
            "Die Datei ist mit einem Kennwort geschützt oder hat ein altes Format (DOC, XLS). "
            "Bitte speichern Sie sie ohne Schutz als DOCX, XLSX oder PDF."
        )
    raise _unknown(upload)


PDF_REFUSED: Final = {
    "encrypted": ("Das PDF ist mit einem Kennwort geschützt. Bitte speichern Sie es ohne Schutz."),
    "empty": "Das PDF hat keine Seiten.",
    "script": (
        "Das PDF enthält ausführbare Teile (Skript). Bitte drucken Sie es in ein neues PDF und "
        "laden Sie dieses hoch."
    ),
    "broken": "Das PDF ist beschädigt und lässt sich nicht öffnen. Bitte erzeugen Sie es neu.",
}
PDF_CHECK: Final = Path(__file__).with_name("pdfcheck.py")
TOO_COSTLY: Final = (
    "Das PDF lässt sich nicht prüfen, weil es entpackt zu groß ist. Bitte drucken Sie es in ein "
    "neues PDF und laden Sie dieses hoch."
)


def _require_plain_pdf(upload: UploadedFile) -> None:
    """Refuse what is broken, locked or scripted; looked into by a process that may fail alone."""
    try:
        looked = subprocess.run(  # noqa: S603  # nosec B603 (our own script, no shell)
            [sys.executable, "-I", str(PDF_CHECK)],
            input=upload.read(),
            capture_output=True,
            timeout=8,  # its own limit is 3 s of computing; the rest is for a busy machine
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UploadRefused(TOO_COSTLY) from error
    said = looked.stdout.decode().strip()
    if looked.returncode != 0 or said not in {"plain", *PDF_REFUSED}:
        raise UploadRefused(TOO_COSTLY)
    if said in PDF_REFUSED:
        raise UploadRefused(PDF_REFUSED[said])


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


LOCKED: Final = "Die Datei ist mit einem Kennwort geschützt. Bitte speichern Sie sie ohne Schutz."


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """A small part of an archive, or nothing; never more than `LONGEST_LIST` is unpacked."""
    try:
        with archive.open(name) as part:
            return part.read(LONGEST_LIST)
    except KeyError:
        return b""


def _has_macros(archive: zipfile.ZipFile, names: set[str]) -> bool:
    lower = [name.lower() for name in names]
    if any(name.endswith("vbaproject.bin") or name.startswith(MACRO_PARTS) for name in lower):
        return True
    listed = _part(archive, "[Content_Types].xml").lower()
    return any(word in listed for word in MACRO_TYPES)


def _office_type(upload: UploadedFile) -> str:
    try:
        with zipfile.ZipFile(upload) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if any(part.flag_bits & 0x1 for part in parts):
                raise UploadRefused(LOCKED)
            if sum(part.file_size for part in parts) > MAX_UNPACKED or len(parts) > 10_000:
                raise UploadRefused("Die Datei ist entpackt zu groß.")
            if _has_macros(archive, names):
                raise UploadRefused(
                    "Die Datei enthält Makros. Bitte speichern Sie sie ohne Makros oder als PDF."
                )
            for marker, content_type in OFFICE.items():
                if marker in names:
                    return content_type
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                found = OPEN_DOCUMENT.get(archive.read("mimetype").strip())
                if found and b"encryption-data" in _part(archive, "META-INF/manifest.xml"):
                    raise UploadRefused(LOCKED)
                if found:
                    return found
    except UploadRefused:
        raise
    except Exception as error:  # zipfile and zlib raise many kinds for broken archives
        raise UploadRefused(
            "Die Datei ist beschädigt und lässt sich nicht öffnen. Bitte speichern Sie sie neu."
        ) from error
    raise _unknown(upload)
