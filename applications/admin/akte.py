"""The whole case as a ZIP for the Akte: versions, documents, letters, the log, and a manifest.

What lies in it can be checked without the portal: `manifest-sha256.txt` is in the form that
`sha256sum -c` reads, and `Verfahrensprotokoll.json` holds the chain of hashes.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zipfile
from typing import IO, TYPE_CHECKING, Any, Final

from django.core import serializers
from django.db.models import Model
from django.http import FileResponse

from applications import documents
from applications.admin.files import named_in_snapshots
from applications.admin.logged import entries_in_words
from applications.models import (
    ArchiveOffer,
    CaseLogEntry,
    DecisionHand,
    DecisionPlanLine,
    DecisionYear,
    Delivery,
    PersonConsent,
    PublicEntry,
    Recording,
    RecordingHand,
    RequestItem,
    RetrievalConsent,
)
from applications.services import log
from kiv_portal import pdf
from municipalities.models import EventKind
from municipalities.services import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.db.models.fields.files import FieldFile

    from applications.models import Application
    from municipalities.models import User

FORBIDDEN: Final = re.compile(r'[<>:"|?*\\\x00-\x1f]')
DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices, with any ending."""

IN_MEMORY: Final = 8 * 1024 * 1024
CHUNK: Final = 64 * 1024
MANIFEST: Final = "manifest-sha256.txt"
MISSING: Final = "Hinweise.txt"
LOG: Final = "Verfahrensprotokoll"

RECORDS: Final = {
    "Vermerke": "notes",
    "Nachrichten": "messages",
    "Nachforderungen": "information_requests",
    "Prüfliste": "check_results",
    "Zuwendungsfähige Ausgaben": "expense_rulings",
    "Beteiligungen": "opinions",
    "Anhörungen": "hearings",
    "Entscheidungen": "decisions",
    "Schreiben": "letters",
    "Einträge nach dem Bescheid": "entries",
    "Befangenheit": "recusals",
    "Löschsperren": "holds",
}
"""What is on record of a case besides its files, by its German name, with where it hangs."""

SINGLE: Final[dict[str, type[Model]]] = {
    "Erfassung": Recording,
    "Öffentlicher Eintrag": PublicEntry,
    "Einwilligung der Ansprechperson": PersonConsent,
    "Anbietung an das Archiv": ArchiveOffer,
}
"""What a case has once or not at all, by the model that names its case."""

CASE: Final = (
    "reference",
    "file_number",
    "call",
    "status",
    "reviewer",
    "project",
    "created_at",
    "submitted_at",
    "received_as",
    "received_late",
    "decided_at",
)
"""What the case itself says besides the versions handed in."""


class _Pack:
    """A ZIP being written, with the hash of everything in it and what could not be put in."""

    def __init__(self, target: IO[bytes], folder: str) -> None:
        self.packed = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self.folder = folder
        self.hashes: list[tuple[str, str]] = []
        self.missing: list[str] = []
        self.names: set[str] = set()

    def text(self, name: str, content: bytes) -> None:
        """Put a file of these bytes in."""
        self._write(name, [content])

    def file(self, name: str, file: FieldFile, label: str) -> None:
        """Put a kept file in; where the store has none, say so."""
        if not file:
            self.missing.append(f"{label}: Die Datei ist noch nicht erzeugt.")
            return
        try:
            opened = file.open("rb")
        except FileNotFoundError:
            self.missing.append(f"{label}: Die Datei liegt nicht in der Ablage.")
            return
        with opened:
            self._write(name, opened.chunks(CHUNK))

    def close(self) -> None:
        """Write the manifest last, over everything else."""
        if self.missing:
            self.text(MISSING, ("\n".join(self.missing) + "\n").encode())
        lines = "".join(f"{digest}  {name}\n" for name, digest in self.hashes)
        self.packed.writestr(f"{self.folder}/{MANIFEST}", lines)
        self.packed.close()

    def _write(self, name: str, parts: Iterable[bytes]) -> None:
        name = free = safe_name(name)
        stem, dot, ending = name.rpartition(".")
        number = 2
        while free.casefold() in self.names:
            free = f"{stem}-{number}{dot}{ending}"
            number += 1
        self.names.add(free.casefold())
        digest = hashlib.sha256()
        with self.packed.open(f"{self.folder}/{free}", "w", force_zip64=True) as entry:
            for part in parts:
                digest.update(part)
                entry.write(part)
        self.hashes.append((free, digest.hexdigest()))


def safe_name(name: str) -> str:
    """The path with what Windows allows in names: what it forbids becomes a line below."""
    return "/".join(_safe_part(part) for part in name.split("/"))


def _safe_part(part: str) -> str:
    safe = FORBIDDEN.sub("_", part).rstrip(". ") or "_"
    return f"_{safe}" if DEVICES.match(safe) else safe


def respond(application: Application, *, by: User, at: datetime) -> FileResponse:
    """The ZIP as a download, noted in the log that staff search; larger ones are put together
    on disk."""
    record(
        EventKind.AKTE_TAKEN, user=by, by=by, at=at, detail=f"Antrag {application.reference} (ZIP)"
    )
    rows = list(
        CaseLogEntry.objects.filter(application=application)
        .select_related("content")
        .order_by("sequence")
    )
    return FileResponse(
        packed(application, rows, protocol=log_pdf(application, rows, at)),
        as_attachment=True,
        filename=f"Akte-{application.reference}.zip",
        content_type="application/zip",
    )


def packed(application: Application, rows: list[CaseLogEntry], *, protocol: bytes) -> IO[bytes]:
    """The ZIP, ready to be read; the caller closes it. `protocol` is the log as a PDF."""
    assert application.reference is not None  # a filed application has one
    target = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    pack = _Pack(target, application.reference)
    _fill(pack, application)
    pack.text(f"{LOG}.json", _json(_chain(rows)))
    pack.text(f"{LOG}.pdf", protocol)
    pack.close()
    target.seek(0)
    return target


def _fill(pack: _Pack, application: Application) -> None:
    for snapshot in application.snapshots.all():
        name = f"Fassungen/Fassung-{snapshot.number}"
        pack.text(f"{name}.json", snapshot.payload.encode())
        pack.file(f"{name}.pdf", snapshot.pdf, f"Fassung {snapshot.number} als PDF")
    handed_in = named_in_snapshots(application)
    for row in application.documents.all():
        if str(row.pk) not in handed_in:
            continue
        if not row.may_be_opened:
            pack.missing.append(f"Anlage {row.name}: {row.get_scan_display()} (Virenprüfung).")
            continue
        name = documents.download_name(row.name, row.content_type)
        pack.file(f"Anlagen/{name}", row.file, f"Anlage {row.name}")
    for letter in application.letters.all():
        put_away = " (verworfen)" if letter.discarded_at else ""
        name = f"Schreiben/{letter.dated_on.isoformat()} {letter.get_kind_display()}{put_away}"
        pack.file(f"{name}.pdf", letter.file, f"{letter}")
        if letter.values:
            pack.text(f"{name}.json", _json(letter.values))
    for decision in application.decisions.exclude(elsewhere_file="").filter(letter=None):
        name = f"Schreiben/Vorschlag {decision.number} (nicht gezeichnet).pdf"
        pack.file(name, decision.elsewhere_file, f"Vorschlag {decision.number}")
    for opinion in application.opinions.exclude(file=""):
        name = documents.download_name(opinion.name, opinion.content_type)
        pack.file(f"Beteiligungen/{name}", opinion.file, f"Beteiligung {opinion}")
    pack.text("Vorgang.json", _json(_records(application)))


def log_pdf(application: Application, rows: list[CaseLogEntry], at: datetime) -> bytes:
    """The Verfahrensprotokoll as a PDF for people: number, instant, what, who, and its hash."""
    return pdf.render(
        "pdf/case_log.html",
        {
            "application": application,
            "entries": entries_in_words(rows),
            "faults": log.faults_in(application, rows),
            "last_hash": rows[-1].hash if rows else "",
            "at": at,
        },
        title=f"Verfahrensprotokoll {application.reference}",
        created_at=at,
    )


def _chain(rows: list[CaseLogEntry]) -> list[dict[str, Any]]:
    return [
        {
            "sequence": row.sequence,
            "at": row.at.isoformat(),
            "action": row.action,
            "actor": row.actor_id,
            "payload_hash": row.payload_hash,
            "previous_hash": row.previous_hash,
            "hash": row.hash,
            "content": row.content.values if hasattr(row, "content") else None,
            "salt": row.content.salt if hasattr(row, "content") else None,
        }
        for row in rows
    ]


def _records(application: Application) -> dict[str, Any]:
    """What is on record besides files, as plain values; persons by the number of their account."""
    found = {"Vorgang": _plain([application], fields=CASE)}
    found |= {label: _plain(getattr(application, name).all()) for label, name in RECORDS.items()}
    found["Punkte der Nachforderungen"] = _plain(
        RequestItem.objects.filter(request__application=application)
    )
    for label, model in (
        ("Beträge der Entscheidungen", DecisionYear),
        ("Finanzierungspläne der Entscheidungen", DecisionPlanLine),
        ("Hände der Entscheidungen", DecisionHand),
    ):
        found[label] = _plain(model.objects.filter(decision__application=application))
    for label, model in SINGLE.items():
        found[label] = _plain(model._default_manager.filter(application=application))
    found["Hände der Erfassung"] = _plain(
        RecordingHand.objects.filter(recording__application=application)
    )
    sent = Delivery.objects.filter(letter__application=application)
    found["Bekanntgaben"] = _plain(sent)
    found["Einwilligungen in den Abruf"] = _plain(
        RetrievalConsent.objects.filter(pk__in=sent.values("consent"))
    )
    return found


def _plain(rows: Iterable[Any], fields: Sequence[str] | None = None) -> list[dict[str, Any]]:
    found = []
    for row in serializers.serialize("python", rows, fields=fields):
        row["fields"].pop("nonce", None)  # opens a page to whoever has it
        found.append({"id": row["pk"], **row["fields"]})
    return found


def _json(values: Any) -> bytes:
    from django.core.serializers.json import DjangoJSONEncoder

    return json.dumps(values, ensure_ascii=False, indent=2, cls=DjangoJSONEncoder).encode()
