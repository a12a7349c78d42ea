"""The Bescheid as a file: every part of PROGRAMME §6 is in it, and it reads aloud in order."""

import json
import re
import shutil
import subprocess
from decimal import Decimal
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from pikepdf import Dictionary, Name, pdfa

from applications import services
from applications.models import Letter
from applications.services.rendering import render_letter_pdf
from kiv_portal import pdf
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def rendered(application: Any, kind: str) -> tuple[Letter, bytes]:
    letter = application.letters.get(kind=kind)
    render_letter_pdf(str(letter.pk), NOW)
    letter.refresh_from_db()
    with letter.file.open() as file:
        return letter, file.read()


def text(data: bytes) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def elements(opened: pikepdf.Pdf, kind: str) -> list[Any]:
    return [
        item
        for item in opened.objects
        if isinstance(item, Dictionary) and item.get(Name.S) == Name(f"/{kind}")
    ]


def assert_sound(data: bytes, title: str, tmp_path: Any) -> None:
    """Structure, language, title, table scopes; qpdf and the PDF/A validator find nothing."""
    assert pdf.check_structure(data) == []
    with pikepdf.open(BytesIO(data)) as opened:
        assert (opened.Root.Lang, str(opened.docinfo.Title)) == ("de-DE", title)
        assert elements(opened, "H1")
        scopes = [attribute_of(cell) for cell in elements(opened, "TH")]
        assert set(scopes) <= {"/Column", "/Row"}
        xmp = opened.Root.Metadata.read_bytes()
        opened.Root.Metadata.write(
            re.sub(
                rb"\n<rdf:Description[^>]*pdfuaid:part.*</rdf:Description>", b"", xmp, flags=re.S
            )
        )
        bare = BytesIO()
        opened.save(bare)
    assert pdfa.validate_written(BytesIO(bare.getvalue()), "3b").findings == []
    if shutil.which("qpdf"):
        file = tmp_path / "letter.pdf"
        file.write_bytes(data)
        done = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def attribute_of(cell: Any) -> str:
    attributes = cell.A if isinstance(cell.A, pikepdf.Array) else [cell.A]
    return next(str(a.Scope) for a in attributes if Name.Scope in a)


def test_a_zuwendungsbescheid_has_every_part_it_must_have(tmp_path):
    w = world.build()
    nine = Decimal("9000.00")
    proposal = world.grant_proposal(
        amount=nine,
        years={2027: nine},
        eligible_costs=Decimal("10000.00"),
        reduction_reasons="Die Öffentlichkeitsarbeit ist nicht zuwendungsfähig.",
        special_conditions="Ein Zwischenbericht ist vorzulegen.",
        plan=world.plan_for({2027: nine}, {2027: Decimal("1000.00")}, w.town.ags),
    )
    application = world.proposed(w, proposal)
    services.grant(application=application, by=w.signer, at=NOW)
    letter, data = rendered(application, "grant")
    read = text(data)
    for part in (
        "Geschäftszeichen II 25 – 1",
        "16. November 2026",
        "Magistrat der Stadt Musterstadt",
        "Zuwendungsbescheid: Vielfalt in Musterstadt",
        "Zuwendung als Projektförderung in Form der Anteilfinanzierung in Höhe von 9.000,00 €",
        "Zuwendungszweck: Entwicklung einer Strategie",
        "Bewilligungszeitraum: 01.07.2027 bis 31.12.2028.",
        "Bewilligte Zuwendung nach Haushaltsjahren",
        "Zuwendungsfähige Gesamtausgaben: 10.000,00 €",
        "Verbindlicher Finanzierungsplan",
        "Deckung: Eigenmittel",
        "Summe der Deckung",
        "Rechtsgrundlage",
        "Nebenbestimmungen",
        "Ein Zwischenbericht ist vorzulegen.",
        "Begründung",
        "Überzeugt.",
        "Die Öffentlichkeitsarbeit ist nicht zuwendungsfähig.",
        "Auszahlung",
        "Rechtsbehelfsbelehrung: Verwaltungsgericht Darmstadt, Sitz Darmstadt.",
        "Im Auftrag",
        w.signer.name,
        "Anlagen",
    ):
        assert part in read, part
    assert "Widerspruch" not in read
    assert_sound(data, "Zuwendungsbescheid: Vielfalt in Musterstadt", tmp_path)
    with pikepdf.open(BytesIO(data)) as opened:
        attached = json.loads(opened.attachments["schreiben.json"].get_file().read_bytes())
    assert attached == letter.values
    assert attached["decision"]["years"] == {"2027": "9000.00"}
    assert [line["amount"] for line in attached["decision"]["plan"]] == [
        "10000.00",
        "9000.00",
        "1000.00",
    ]
    logged = application.log.get(action="letter_rendered").content.values
    assert (logged["sha256"], logged["seal"]) == (letter.sha256, letter.seal)


@pytest.mark.parametrize(
    "kind", ["rejection", "amendment", "revocation", "hearing", "request", "early_start"]
)
def test_every_other_letter_is_sound_too(kind, tmp_path):
    w = world.build()
    if kind == "rejection":
        application = world.proposed(w, world.REJECTION)
        services.reject(application=application, by=w.signer, at=NOW)
    elif kind == "amendment":
        application = world.change_proposed(w)
        services.sign_change(application=application, by=w.signer, at=NOW)
    elif kind == "revocation":
        application = world.revoked(w)
    elif kind == "hearing":
        application = world.heard(w)
    elif kind == "early_start":
        application = world.in_check(w)
        services.issue_letter(application=application, kind=kind, by=w.reviewer, at=NOW)
    else:
        application = world.requested(w)
        services.issue_letter(application=application, kind="request", by=w.reviewer, at=NOW)
    letter, data = rendered(application, kind)
    assert_sound(data, letter.values["subject"], tmp_path)
    read = text(data)
    said = {
        "rejection": ["lehnen wir ab", "Rechtsbehelfsbelehrung"],
        "amendment": [
            "unser Zuwendungsbescheid vom 16.11.2026 (Geschäftszeichen II 25 – 1) wird wie folgt "
            "geändert.",
            "Bewilligungszeitraum: 01.07.2027 bis 31.03.2029 (bisher 01.07.2027 bis 31.12.2028).",
            "Im Übrigen bleibt der Bescheid unverändert.",
            "Rechtsbehelfsbelehrung",
        ],
        "revocation": ["in vollem Umfang widerrufen.", "Rechtsbehelfsbelehrung"],
        "hearing": ["Wir beabsichtigen, den Antrag abzulehnen.", "bis zum 15.12.2026"],
        "early_start": ["vorzeitigen Maßnahmenbeginn"],
        "request": ["Konzeption: Bitte ergänzen.", "bis zum 15.12.2026"],
    }[kind]
    for part in said:
        assert part in read, part
