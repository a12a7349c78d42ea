"""Files: what an upload really is, and the PDFs of applications and letters."""

from __future__ import annotations

import hashlib
import io
import unicodedata
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings

from applications.rules import (
    BudgetSituation,
    CoverKind,
    DocumentKind,
    ExpenseCategory,
    Severity,
    Step,
)
from kiv_portal.euro import format_euro
from kiv_portal.folding import clean_text

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from applications.models import Letter, Snapshot

BERLIN: Final = ZoneInfo("Europe/Berlin")
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


# --- PDFs ------------------------------------------------------------------------------------


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
                data=_canonical(letter.values).encode(),
                mime="application/json",
                description="Inhalt des Schreibens als Daten",
                relationship="Data",
            )
        ],
        created_at=letter.created_at,
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


def _canonical(values: Any) -> str:
    import json

    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


LABELS: Final = {
    "contact_unit": "Verantwortliche Stelle",
    "contact_person": "Ansprechperson",
    "contact_email": "E-Mail",
    "contact_phone": "Telefon",
    "signatory_name": "Zeichnungsberechtigte Person",
    "signatory_function": "Funktion",
    "title": "Projektname",
    "summary": "Kurzbeschreibung",
    "situation": "Ausgangslage",
    "goals": "Ziele",
    "approach": "Vorgehen und Prozessmoderation",
    "social_space": "Bezug zum Sozialraum",
    "bodies": "Einbindung der politischen Gremien",
    "wir_centre": "Einbindung des WIR-Vielfaltszentrums",
    "starts_on": "Beginn der Maßnahme",
    "months": "Dauer in Monaten",
    "vat_deductible": "Zum Vorsteuerabzug berechtigt",
    "budget_situation": "Haushaltslage",
    "authority_declared": "Vertretungsbefugnis erklärt",
    "declares_correct": "Richtigkeit der Angaben erklärt",
    "declares_not_started": "Maßnahme noch nicht begonnen",
    "declares_financing_secured": "Gesamtfinanzierung gesichert",
    "consents_publication": "Einwilligung in die Veröffentlichung der Projektdaten",
}
"""German names of the application's fields in a snapshot; the same in PDF and review."""


def shown(name: str, value: Any) -> str:
    """A plain value of a snapshot as people read it; „–" where nothing was said."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "Ja" if value else "Nein"
    if name.endswith("_on"):
        return f"{date.fromisoformat(value):%d.%m.%Y}"
    if name == "amount":
        return format_euro(Decimal(value))
    if name == "budget_situation":
        return BudgetSituation(value).label
    return str(value)


def presentation(content: dict[str, Any], *, sha256: str) -> dict[str, Any]:
    """A snapshot's content in the order and words in which people read it."""
    names = {member["ags"]: member["name"] for member in content["members"]}
    filed = datetime.fromisoformat(content["submitted_at"]).replace(tzinfo=UTC).astimezone(BERLIN)
    return {
        "title": content["steps"]["konzeption"]["title"],
        "reference": content["reference"],
        "submitted_at": filed,
        "late": content["late"],
        "sha256": sha256,
        "call_title": content["call"]["title"],
        "members": [
            {
                "name": member["official_name"],
                "ags": member["ags"],
                "role": ("federführende Kommune" if member["role"] == "lead" else "Partnerkommune"),
                "population": member["population"],
                "population_as_of": (
                    date.fromisoformat(member["population_as_of"])
                    if member["population_as_of"]
                    else None
                ),
                "population_basis": member["population_basis"],
                "population_source": member["population_source"],
                "share": "",
            }
            for member in content["members"]
        ],
        "sections": [
            section(step, content, names)
            for step in Step
            if step not in (Step.KOMMUNE, Step.ANLAGEN)
        ]
        + [_documents_section(content, names)],
        "findings": [
            {
                "severity_label": Severity(finding["severity"]).label,
                "message": finding["message"],
                "source": finding["source"],
                "confirmed_reason": "",
            }
            for finding in content["findings"]
        ],
        "confirmation_reason": content["confirmation_reason"],
        "footer_text": f"Antrag {content['reference']}",
    }


def section(step: Step, content: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """One step of a snapshot as heading, answers and tables."""
    data = content["steps"][step.value]
    return {
        "step": step.value,
        "heading": step.label,
        "intro": "",
        "answers": [
            {"name": name, "label": label, "value_lines": shown(name, data[name]).split("\n")}
            for name, label in LABELS.items()  # a stored snapshot has its keys by the alphabet
            if name in data
        ],
        "tables": _tables(step, data, names),
    }


def _table(caption: str, columns: list[tuple[str, bool]], rows: list[list[str]]) -> dict[str, Any]:
    return {
        "caption": caption,
        "columns": [{"label": label, "numeric": numeric} for label, numeric in columns],
        "rows": rows,
        "total_row": None,
    }


def _tables(step: Step, data: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    if step is Step.BETEILIGUNG:
        return [
            _table(
                "Beteiligungsformate",
                [("Format", False), ("Wen es erreicht", False), ("Wann", False), ("Hürden", False)],
                [
                    [row["name"], row["reaches"], row["when"], row["barriers"]]
                    for row in data["formats"]
                ],
            )
        ]
    if step is Step.ZEITPLAN:
        return [
            _table(
                "Arbeitsschritte",
                [("Arbeitsschritt", False), ("bis", False)],
                [[row["text"], shown("due_on", row["due_on"])] for row in data["milestones"]],
            ),
            _table(
                "Geplante Beschlüsse",
                [("Kommune", False), ("geplant am", False)],
                [
                    [
                        names.get(row["municipality"], row["municipality"] or "–"),
                        shown("planned_on", row["planned_on"]),
                    ]
                    for row in data["adoptions"]
                ],
            ),
        ]
    if step is Step.FINANZIERUNG:
        return [_expense_table(data["expenses"]), _cover_table(data["cover"], names)]
    return []


def _expense_table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    table = _table(
        "Ausgaben",
        [
            ("Jahr", False),
            ("Ausgabenart", False),
            ("Erläuterung", False),
            ("zuwendungsfähig", False),
            ("Betrag", True),
        ],
        [
            [
                str(row["year"]),
                ExpenseCategory(row["category"]).label,
                row["text"] or "–",
                shown("eligible", row["eligible"]),
                shown("amount", row["amount"]),
            ]
            for row in sorted(rows, key=lambda row: row["year"])
        ],
    )
    return table | {"total_row": ["Summe", "", "", "", format_euro(_sum(rows))]}


def _cover_table(rows: list[dict[str, Any]], names: dict[str, str]) -> dict[str, Any]:
    table = _table(
        "Deckung",
        [("Jahr", False), ("Deckung", False), ("Erläuterung", False), ("Betrag", True)],
        [
            [
                str(row["year"]),
                CoverKind(row["kind"]).label,
                " ".join(
                    part for part in (names.get(row["municipality"] or ""), row["text"]) if part
                )
                or "–",
                shown("amount", row["amount"]),
            ]
            for row in sorted(rows, key=lambda row: row["year"])
        ],
    )
    return table | {"total_row": ["Summe", "", "", format_euro(_sum(rows))]}


def _sum(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["amount"]) for row in rows if row["amount"]), Decimal("0.00"))


def size_text(size: int) -> str:
    """A file's size as people read it, e.g. „1,4 MB"."""
    if size >= MEGABYTE:
        return f"{size / MEGABYTE:.1f} MB".replace(".", ",")
    return f"{max(1, round(size / 1024))} KB"


def _documents_section(content: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {
        "step": Step.ANLAGEN.value,
        "heading": Step.ANLAGEN.label,
        "intro": "" if content["documents"] else "Es wurden keine Anlagen eingereicht.",
        "answers": [],
        "tables": (
            [
                _table(
                    "Anlagen",
                    [("Art", False), ("Datei", False), ("Größe", True), ("SHA-256", False)],
                    [
                        [
                            DocumentKind(row["kind"]).label
                            + (
                                f" {names[row['municipality']]}"
                                if row["municipality"] in names
                                else ""
                            ),
                            row["name"],
                            size_text(row["size"]),
                            row["sha256"],
                        ]
                        for row in content["documents"]
                    ],
                )
            ]
            if content["documents"]
            else []
        ),
    }
