"""The whole case as a ZIP: everything handed in, the log as PDF, and hashes that fit."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from applications import services
from applications.admin import akte
from applications.models import Application, CaseLogEntry, NoteKind, ScanState
from applications.rules import DocumentKind
from applications.services import uploads
from applications.services.letters import PARTS_ELSEWHERE
from kiv_portal.pdf import check_structure
from municipalities.models import AccountEvent, EventKind
from municipalities.permissions import ADMINISTER, AUDIT, PEOPLE, READ, SIGN, may_read_desk
from tests import world
from tests.factories import NOW, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.sweep]


@pytest.fixture
def w(settings: Any) -> world.World:
    settings.PORTAL_DEMO = True
    return world.build()


def filed(w: world.World) -> Any:
    """A filed case with two documents of the same name."""
    draft = world.filled(w)
    for kind in (DocumentKind.OFFER, DocumentKind.OTHER):
        uploads.add_document(
            application=draft,
            upload=SimpleUploadedFile("Angebot.pdf", world.pdf_bytes()),
            kind=kind,
            by=w.clerk,
            at=NOW,
        )
    return world.file(draft, w.signatory)


def log_of(case: Any) -> list[CaseLogEntry]:
    rows = CaseLogEntry.objects.filter(application=case).select_related("content")
    return list(rows.order_by("sequence"))


def unpacked(case: Any) -> dict[str, bytes]:
    """Every file of the ZIP by its name below the case's folder."""
    case = Application.objects.get(pk=case.pk)
    made = akte.packed(case, log_of(case), protocol=b"%PDF-1.7 Protokoll")
    with made, zipfile.ZipFile(made) as packed:
        assert packed.testzip() is None
        assert {name.partition("/")[0] for name in packed.namelist()} == {case.reference}
        return {name.partition("/")[2]: packed.read(name) for name in packed.namelist()}


def test_all_that_was_handed_in_is_there_with_a_hash_that_fits(w):
    case = filed(w)
    services.begin_check(application=case, by=w.reviewer, at=NOW)
    services.add_note(application=case, kind=NoteKind.PHONE, text="Rückruf", by=w.reviewer, at=NOW)
    files = unpacked(case)
    assert set(files) == {
        "Fassungen/Fassung-1.json",
        "Anlagen/Angebot.pdf",
        "Anlagen/Angebot-2.pdf",
        "Vorgang.json",
        "Verfahrensprotokoll.json",
        "Verfahrensprotokoll.pdf",
        "Hinweise.txt",
        "manifest-sha256.txt",
    }
    listed = dict(
        line.split("  ", 1)[::-1] for line in files["manifest-sha256.txt"].decode().splitlines()
    )
    assert listed == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name != "manifest-sha256.txt"
    }
    assert files["Fassungen/Fassung-1.json"].decode() == case.first_snapshot.payload
    assert listed["Fassungen/Fassung-1.json"] == case.first_snapshot.sha256
    assert files["Hinweise.txt"].decode() == (
        "Fassung 1 als PDF: Die Datei ist noch nicht erzeugt.\n"
    )
    records = json.loads(files["Vorgang.json"])
    assert [note["text"] for note in records["Vermerke"]] == ["Rückruf"]
    assert (records["Erfassung"], records["Öffentlicher Eintrag"]) == ([], [])
    chain = json.loads(files["Verfahrensprotokoll.json"])
    assert [row["hash"] for row in chain] == list(
        case.log.order_by("sequence").values_list("hash", flat=True)
    )


KEPT_OTHERWISE = {
    # Whole in each version handed in:
    *("snapshots", "documents", "formats", "milestones", "adoptions", "expenses", "cover"),
    *("members", "cooperations"),
    "log",  # Verfahrensprotokoll, as JSON and as PDF
    # The municipality's own work on its draft, which the authority never sees:
    *("revisions", "presences", "comments", "guests", "reminders", "sheets"),
}


def test_nothing_that_hangs_on_a_case_is_left_out_without_a_reason():
    related = Application._meta.related_objects
    hanging = {row.get_accessor_name(): row.related_model for row in related}
    once = {name for name, model in hanging.items() if model in akte.SINGLE.values()}
    assert {*akte.RECORDS.values(), *once, *KEPT_OTHERWISE} == {*hanging}


def test_names_are_such_as_windows_can_unpack():
    assert {name: akte.safe_name(name) for name in ("Anlagen/Angebot.pdf", "a<b>:\"|?*\\c.pdf",
            "Anlagen/CON.pdf", "con", "Plan. ", "x\n.pdf", "...", "comfort.pdf")} == {
        "Anlagen/Angebot.pdf": "Anlagen/Angebot.pdf",
        'a<b>:"|?*\\c.pdf': "a_b_______c.pdf",
        "Anlagen/CON.pdf": "Anlagen/_CON.pdf",
        "con": "_con",
        "Plan. ": "Plan",
        "x\n.pdf": "x_.pdf",
        "...": "_",
        "comfort.pdf": "comfort.pdf",
    }  # fmt: skip


def test_letters_and_decisions_are_there_and_what_is_missing_is_said(w):
    case = world.granted(w)
    world.with_pdf(case.letters.get())
    files = unpacked(case)
    letter = "Schreiben/2026-11-16 Zuwendungsbescheid"
    assert files[f"{letter}.pdf"].startswith(b"%PDF-1.7")
    assert json.loads(files[f"{letter}.json"]) == case.letters.get().values
    records = json.loads(files["Vorgang.json"])
    (row,) = records["Vorgang"]
    assert (row["reference"], row["status"], row["reviewer"]) == (
        case.reference,
        "granted",
        w.reviewer.pk,
    )
    (sent,) = records["Schreiben"]
    assert (sent["kind"], sent["sha256"]) == ("grant", case.letters.get().sha256)
    assert [row["amount"] for row in records["Entscheidungen"]] == ["18000.00"]
    assert {row["role"] for row in records["Hände der Entscheidungen"]} == {"wrote", "signed"}


def test_what_is_not_handed_in_gone_or_infected_is_left_out(w, settings):
    case = filed(w)
    first, second = case.documents.all()
    type(first).objects.filter(pk=first.pk).update(scan=ScanState.FOUND)
    second.file.storage.delete(second.file.name)
    files = unpacked(case)
    assert [name for name in files if name.startswith("Anlagen/")] == []
    assert files["Hinweise.txt"].decode().splitlines()[1:] == [
        "Anlage Angebot.pdf: Fund (Virenprüfung).",
        "Anlage Angebot.pdf: Die Datei liegt nicht in der Ablage.",
    ]


def test_a_proposed_letter_made_elsewhere_is_there_though_nobody_signed_it(w):
    upload = SimpleUploadedFile("Bescheid.pdf", world.pdf_bytes(), "application/pdf")
    parts = frozenset(code for code, _ in PARTS_ELSEWHERE["grant"])
    letter = services.Elsewhere(upload=upload, dated_on=NOW.date(), parts=parts)
    case = world.proposed(w, world.grant_proposal(elsewhere=letter))
    services.return_proposal(application=case, reason="Unklar.", by=w.signer, at=NOW)
    assert unpacked(case)["Schreiben/Vorschlag 1 (nicht gezeichnet).pdf"] == world.pdf_bytes()


def text_of_log(made: bytes) -> str:
    """What the log says, and that it is well built."""
    assert check_structure(made) == []
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    run = subprocess.run(["pdftotext", "-", "-"], input=made, capture_output=True, check=True)
    return "".join(run.stdout.decode().split())


def test_whoever_reads_the_case_may_take_it_and_nobody_else(w, client: Client):
    case = filed(w)
    address = f"/admin/applications/application/{case.pk}/akte.zip"
    for role in (READ, SIGN, ADMINISTER, AUDIT):
        assert may_read_desk(world.staff(role)), role
    client.force_login(world.staff(PEOPLE))
    assert client.get(address).status_code == 403
    client.force_login(w.reader)
    answer = client.get(address)
    assert answer["Content-Disposition"] == f'attachment; filename="Akte-{case.reference}.zip"'
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as packed:
        protocol = packed.read(f"{case.reference}/Verfahrensprotokoll.pdf")
    said = text_of_log(protocol)
    for word in (f"Verfahrensprotokoll {case.reference}", "Entwurf angelegt", "Antrag eingereicht",
                 str(w.signatory), f"lückenlos, {case.log.count()} Einträge",
                 case.log.last().hash):  # fmt: skip
        assert "".join(word.split()) in said, word
    event = AccountEvent.objects.get(kind=EventKind.AKTE_TAKEN)
    assert (event.by, event.detail) == (w.reader, f"Antrag {case.reference} (ZIP)")
    for person in (UserFactory(), w.clerk):
        client.force_login(person)
        assert client.get(address).status_code == 302
    client.force_login(w.reader)
    case_page = client.get(f"/admin/applications/application/{case.pk}/change/")
    assert f'href="{address}"' in case_page.content.decode()
    draft = world.draft(w)
    assert client.get(address.replace(str(case.pk), str(draft.pk))).status_code == 404
