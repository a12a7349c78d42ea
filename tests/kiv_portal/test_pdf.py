"""The PDF door: structure, archive form, isolation from network and files, threads, sameness."""

import logging
import re
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pikepdf
import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from pikepdf import Array, Dictionary, Name, pdfa

from kiv_portal import pdf

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SHEET, MARGIN = 595.3, 56.7  # A4 and the 20 mm at the right, in points

PARAGRAPH = (
    "Die Stadt entwickelt gemeinsam mit ihren Einwohnerinnen und Einwohnern eine "
    "sozialraumbezogene Vielfalts- und Integrationsstrategie. Grundlage sind eine "
    "Bestandsaufnahme der vorhandenen Angebote, Interviews mit Schlüsselpersonen sowie drei "
    "öffentliche Beteiligungsveranstaltungen, die allen offenstehen. "
)
COLUMNS = [
    {"label": "Position", "kind": "text", "numeric": False},
    {"label": "2026", "kind": "amount", "numeric": True},
    {"label": "2027", "kind": "amount", "numeric": True},
    {"label": "Summe", "kind": "amount", "numeric": True},
]


def plan(lines: int) -> dict:
    return {
        "caption": "Finanzierungsplan",
        "columns": COLUMNS,
        "rows": [
            [
                f"Stadtteilwerkstatt {n}: Raummiete und Technik",
                "1,00 €",
                "2,00 €",
                "3,00 €",
            ]
            for n in range(1, lines + 1)
        ],
        "total_row": ["Summe", f"{lines},00 €", f"{2 * lines},00 €", f"{3 * lines},00 €"],
    }


LETTER = {
    "authority": {
        "name": "Regierungspräsidium Darmstadt",
        "department": "Dezernat Integration",
        "street": "Luisenplatz 2",
        "postal_code": "64283",
        "city": "Darmstadt",
        "phone": "06151 000-0",
        "email": "kiv@portal.example",
    },
    "addressee_lines": ["Magistrat der Stadt Musterstadt", "Marktplatz 1", "64999 Musterstadt"],
    "file_number": "II 23 – 58 b 02/04-2026/17",
    "reference": "KIV-2026-0017",
    "dated_on": date(2026, 3, 2),
    "subject": "Zuwendungsbescheid: Entwicklung einer Vielfalts- und Integrationsstrategie",
    "salutation": "Sehr geehrte Damen und Herren,",
    "sections": [
        {"heading": "1. Bewilligung", "paragraphs": [PARAGRAPH] * 3, "table": plan(2)},
        {
            "heading": "2. Finanzierungsplan",
            "paragraphs": ["Er ist verbindlich."],
            "table": plan(30),
        },
        {"heading": "3. Begründung", "paragraphs": [PARAGRAPH * 2] * 6, "table": None},
        {"heading": "Rechtsbehelfsbelehrung", "paragraphs": ["Mustertext."], "table": None},
    ],
    "closing": "Mit freundlichen Grüßen",
    "signatory_lines": ["Im Auftrag", "Musterperson Eins"],
    "annexes": ["ANBest-GK", "Vordruck Mittelabruf"],
    "sample": True,
}

HOSTILE = (
    '<script>alert(1)</script> <img src=file:///etc/passwd> <img src="http://127.0.0.1:{port}/x"> '
    '<link rel=attachment href="file:///etc/passwd"> </p></div></section> &euro; {{{{ title }}}}'
)


def snapshot(**changes: object) -> dict:
    return {
        "title": "Vielfalt leben: gemeinsame Integrationsstrategie",
        "reference": "KIV-2026-0017",
        "submitted_at": datetime(2026, 1, 14, 10, 22, 5, tzinfo=UTC),
        "late": True,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "call_title": "Förderaufruf KIV 2026",
        "addressee_lines": ["Magistrat der Stadt Musterstadt", "64999 Musterstadt"],
        "declaration": "Ich bin befugt, diesen Antrag für Musterstadt einzureichen.",
        "confirmation_reason": "",
        "members": [
            {
                "name": name,
                "ags": ags,
                "role": role,
                "population": population,
                "population_as_of": date(2023, 12, 31),
                "population_basis": "Zensus 2011",
                "share": "6.000,00 €",
                "contribution": "Stellt Räume",
                "declared": "unterschrieben in den Anlagen",
            }
            for name, ags, role, population in [
                ("Musterstadt", "06999001", "federführend", 9876),
                ("Beispielau", "06999002", "Partnerkommune", None),
            ]
        ],
        "sections": [
            {
                "heading": "Ansprechpartner",
                "intro": "",
                "answers": [
                    {"label": "Anschrift", "value_lines": ["Marktplatz 1", "64999 Musterstadt"]},
                    {"label": "Telefax", "value_lines": []},
                ],
                "tables": [],
            },
            {
                "heading": "Konzeption",
                "intro": "Nr. 3.1 der Förderrichtlinie",
                "answers": [
                    {"label": "Ausgangslage", "value_lines": [PARAGRAPH * 12, PARAGRAPH * 9]},
                    {"label": "Kennung", "value_lines": ["X" * 150]},
                ],
                "tables": [],
            },
            {"heading": "Finanzierung", "intro": "", "answers": [], "tables": [plan(4), plan(24)]},
            {
                "heading": "Erklärungen",
                "intro": "",
                "answers": [{"label": "Beginn", "value_lines": ["noch nicht begonnen"]}],
                "tables": [],
            },
        ],
        "findings": [
            {
                "severity_label": "Warnung",
                "message": "Der Finanzierungsplan enthält keine Eigenmittel.",
                "source": "Förderaufruf",
                "confirmed_reason": "Der Haushalt ist vorläufig.",
            }
        ],
        "footer_text": "Förderprogramm KIV",
        **changes,
    }


def letter(**options: object) -> bytes:
    context = {"letter": options.pop("letter", LETTER)}
    return pdf.render(
        "pdf/letter.html", context, **{"title": "Bescheid", "created_at": AT, **options}
    )


def application(**options: object) -> bytes:
    context = {"snapshot": options.pop("snapshot", snapshot())}
    return pdf.render(
        "pdf/application.html", context, **{"title": "Antrag", "created_at": AT, **options}
    )


def text(data: bytes, *, page: int | None = None) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    pages = ["-f", str(page), "-l", str(page)] if page else []
    command = ["pdftotext", "-layout", *pages, "-", "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    return done.stdout.decode()


def rightmost(data: bytes) -> float:
    """Where the word ends that reaches furthest to the right, in points."""
    done = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=data, capture_output=True)
    return max(float(x) for x in re.findall(r'xMax="([\d.]+)"', done.stdout.decode()))


def page_count(data: bytes) -> int:
    with pikepdf.open(BytesIO(data)) as opened:
        return len(opened.pages)


def changed(data: bytes, change: object) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(data)) as opened:
        change(opened)
        opened.save(out)
    return out.getvalue()


def elements(opened: pikepdf.Pdf, kind: str) -> list:
    return [
        item
        for item in opened.objects
        if isinstance(item, Dictionary) and item.get(Name.S) == Name(f"/{kind}")
    ]


@pytest.fixture(scope="module")
def notice() -> bytes:
    return letter()


@pytest.fixture(scope="module")
def long_application() -> bytes:
    return application()


class TestStructure:
    def test_a_letter_of_four_pages_is_clean(self, notice):
        assert page_count(notice) == 4
        assert pdf.check_structure(notice) == []

    def test_an_application_with_long_texts_is_clean(self, long_application):
        assert page_count(long_application) > 4
        assert pdf.check_structure(long_application) == []

    @pytest.mark.parametrize("data", ["notice", "long_application"])
    def test_the_file_names_language_title_and_both_standards(self, data, request):
        with pikepdf.open(BytesIO(request.getfixturevalue(data))) as opened:
            assert opened.Root.Lang == "de-DE"
            assert str(opened.docinfo.Title) in ("Bescheid", "Antrag")
            assert opened.docinfo.CreationDate == "D:20260302103000+01'00"
            xmp = opened.Root.Metadata.read_bytes().decode()
        assert re.search(r'pdfaid:part="3"', xmp)
        assert re.search(r'pdfuaid:part="1"', xmp)

    def test_the_validator_misses_nothing_but_the_identifier_it_does_not_know(self, notice):
        """pikepdf's validator approves the file without the PDF/UA identifier."""

        def without_identifier(opened):
            xmp = opened.Root.Metadata.read_bytes()
            kept = re.sub(
                rb"\n<rdf:Description[^>]*pdfuaid:part.*</rdf:Description>", b"", xmp, flags=re.S
            )
            opened.Root.Metadata.write(kept)

        bare = changed(notice, without_identifier)
        assert pdfa.validate_written(BytesIO(bare), "3b").findings == []

    def test_every_font_is_fira_sans_and_embedded(self, notice):
        with pikepdf.open(BytesIO(notice)) as opened:
            found = [
                o for o in opened.objects if isinstance(o, Dictionary) and "/FontDescriptor" in o
            ]
            names = {str(f.BaseFont).split("+")[1] for f in found}
            assert names == {"Fira-Sans", "Fira-Sans-Semi-Bold"}
            assert all({"/FontFile2", "/FontFile3"} & set(f.FontDescriptor.keys()) for f in found)

    def test_a_page_break_repeats_the_head_of_a_table(self, notice):
        heads = [n for n in range(1, 5) if re.search(r"Position +2026 +2027", text(notice, page=n))]
        assert len(heads) >= 2

    def test_every_page_counts(self, notice):
        for number in range(1, 5):
            assert f"Seite {number} von 4" in text(notice, page=number)

    @pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
    @pytest.mark.parametrize("data", ["notice", "long_application"])
    def test_qpdf_finds_nothing(self, data, request, tmp_path):
        file = tmp_path / "file.pdf"
        file.write_bytes(request.getfixturevalue(data))
        done = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def _no_tree(opened):
    del opened.Root.StructTreeRoot


def _no_language(opened):
    del opened.Root.Lang


def _no_title(opened):
    del opened.docinfo.Title
    opened.Root.ViewerPreferences = Dictionary()


def _no_bookmarks(opened):
    del opened.Root.Outlines


def _jump(opened):
    for heading in elements(opened, "H2"):
        heading.S = Name.H3


def _no_top(opened):
    for heading in elements(opened, "H1"):
        heading.S = Name.H2


def _no_headings(opened):
    for heading in elements(opened, "H1") + elements(opened, "H2"):
        heading.S = Name.P


def _no_scope(opened):
    del elements(opened, "TH")[0].A


def _no_head(opened):
    for cell in elements(opened, "TH"):
        cell.S = Name.TD


def _short_row(opened):
    row = elements(opened, "TR")[0]
    row.K = Array(list(row.K)[:-1])


def _picture(opened):
    elements(opened, "P")[0].S = Name.Figure


def _untagged(opened):
    page = opened.pages[0]
    page.Contents = opened.make_stream(page.Contents.read_bytes() + b" 0 0 9 9 re f")


def _no_footer(opened):
    page = opened.pages[0]
    page.Contents = opened.make_stream(
        page.Contents.read_bytes().replace(b"/Pagination", b"/Layout")
    )


def _artifact_in_content(opened):
    page = opened.pages[0]
    body = re.sub(rb"(/MCID 0\s*>>\s*BDC)", rb"\1 /Artifact BMC EMC", page.Contents.read_bytes())
    page.Contents = opened.make_stream(body)


def _not_in_tree(opened):
    page = opened.pages[0]
    body = page.Contents.read_bytes().replace(b"/MCID 0 ", b"/MCID 9999 ", 1)
    page.Contents = opened.make_stream(body)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_tree, "keine Strukturmarkierungen"),
        (_no_language, "Sprache"),
        (_no_title, "Der Titel fehlt"),
        (_no_title, "DisplayDocTitle"),
        (_no_bookmarks, "Lesezeichen"),
        (_jump, "folgt Ebene 3"),
        (_no_top, "nicht die oberste"),
        (_no_headings, "keine Überschrift"),
        (_no_scope, "Scope"),
        (_no_head, "keine Kopfzellen"),
        (_short_row, "verschieden lang"),
        (_picture, "Alternativtext"),
        (_untagged, "weder markiert noch Artefakt"),
        (_no_footer, "Fußzeile"),
        (_artifact_in_content, "Artefakt steht in markiertem Inhalt"),
        (_not_in_tree, "gehört nicht zum Strukturbaum"),
        (_not_in_tree, "den es nicht gibt"),
    ],
)
def test_damage_to_the_structure_is_named(damage, said, notice):
    found = pdf.check_structure(changed(notice, damage))
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("a key", "Anfang " + "bc1d89edf7434bfd" * 1250 + " Ende"),
        ("blank lines", "Anfang" + "\n" * 20_000 + "Ende"),
        ("words that do not break", "Anfang" + "aber\xa0" * 4000 + "Ende"),
    ],
)
def test_no_text_keeps_the_worker_from_all_others(name: str, answer: str) -> None:
    def laid_out(answer: str) -> tuple[float, bytes]:
        answers = [{"label": "Situation", "value_lines": answer.split("\n")}]
        sections = [{"heading": "Text", "intro": "", "answers": answers, "tables": []}]
        context = {"snapshot": snapshot(sections=sections), "title": "x", "draft": False}
        html = render_to_string("pdf/application.html", context)
        start = time.process_time()
        made = pdf._typeset(html, "x", AT)
        return time.process_time() - start, made

    usual, _ = laid_out("Vielfalt und Teilhabe " * 900)
    took, made = laid_out(answer)
    assert took < max(5 * usual, 3), name
    joined = re.sub(r"[\s-]", "", text(made))
    joined = re.sub(r"FörderprogrammKIVSeite\d+von\d+Antrag.{9,90}?strategie", "", joined)
    assert re.sub(r"\s", "", answer) in joined


class TestIsolation:
    def test_markup_in_texts_is_shown_as_text(self):
        hostile = HOSTILE.format(port=1)
        section = {"heading": hostile, "paragraphs": [hostile], "table": None}
        data = letter(letter={**LETTER, "subject": hostile, "sections": [section]}, title=hostile)
        assert pdf.check_structure(data) == []
        shown = re.sub(r"\s|-", "", text(data))
        assert shown.count("<script>alert(1)</script>") == 3
        assert shown.count("<imgsrc=file:///etc/passwd>") == 3
        assert "root:" not in shown
        with pikepdf.open(BytesIO(data)) as opened:
            assert list(opened.attachments) == []

    def test_texts_fetch_nothing(self, tmp_path):
        door = socket.create_server(("127.0.0.1", 0))  # whoever knocks is counted
        door.setblocking(False)
        secret = tmp_path / "geheim.txt"
        secret.write_text("streng geheim")
        here = f"http://127.0.0.1:{door.getsockname()[1]}/x"
        hostile = (
            f"{HOSTILE.format(port=door.getsockname()[1])} <a href={here}>{here}</a> "
            f"<style>@import url({here})</style> <div style='background:url({here})'> "
            f"<iframe src={secret.as_uri()}> <object data={secret.as_uri()}> {secret.as_uri()}"
        )
        answers = [{"label": hostile, "value_lines": [hostile]}]
        sections = [{"heading": hostile, "intro": hostile, "answers": answers, "tables": []}]
        context = {"snapshot": snapshot(title=hostile, sections=sections)}
        html = render_to_string("pdf/application.html", {**context, "title": "x", "draft": False})
        loader = pdf.fetcher()()
        made = pdf._typeset(html, "x", AT, loader)
        assert (loader.fetched, loader.refused) == ([], [])
        with door, pytest.raises(BlockingIOError):
            door.accept()
        shown = re.sub(r"\s|-", "", text(made))
        assert "strenggeheim" not in shown
        assert "<iframesrc=file:///" in shown
        with pikepdf.open(BytesIO(made)) as opened:
            links = [one.get("/A") for page in opened.pages for one in page.get("/Annots", [])]
            assert (links, list(opened.attachments)) == ([], [])

    def test_even_markup_of_a_template_reaches_neither_files_nor_the_network(
        self, tmp_path, caplog
    ):
        asked = []

        class Server(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)

        secret = tmp_path / "secret.svg"
        secret.write_text(
            "<svg xmlns='http://www.w3.org/2000/svg'><text y='20'>geheim</text></svg>"
        )
        with HTTPServer(("127.0.0.1", 0), Server) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            here = f"http://127.0.0.1:{server.server_port}/x"
            wanted = [secret.as_uri(), here, "data:image/svg+xml,<svg/>", "asset:pdf/../print.css"]
            images = "".join(f'<img alt="x" src="{url}">' for url in wanted)
            loader = pdf.fetcher()()
            with caplog.at_level(logging.CRITICAL, logger="weasyprint"):
                made = pdf._typeset(f'<html lang="de"><h1>A</h1>{images}', "x", AT, loader)
            server.shutdown()
        assert asked == []
        assert loader.fetched == []
        assert set(loader.refused) == set(wanted)
        assert "geheim" not in text(made)

    @pytest.mark.parametrize(
        "url",
        [
            "file:///etc/passwd",
            "http://127.0.0.1/x.css",
            "asset:fira-sans/../../package.json",
            "asset:pdf/print.css?x",
            "asset:admin/base.css",
            "asset:pdf/missing.css",
        ],
    )
    def test_the_fetcher_knows_only_its_own_files(self, url):
        loader = pdf.fetcher()()
        with pytest.raises(pdf.ForeignAssetError):
            loader(url)
        assert loader.refused == [url]

    def test_the_fetcher_hands_out_style_sheet_and_fonts(self):
        loader = pdf.fetcher()()
        assert loader("asset:pdf/print.css").content_type == "text/css"
        assert loader("asset:fira-sans/FiraSans-Regular.woff2").read()[:4] == b"wOF2"
        assert loader.refused == []

    def test_missing_fonts_are_said_plainly(self, settings, tmp_path):
        settings.KERN_DIST = settings.STATIC_ROOT = tmp_path
        settings.STATICFILES_DIRS = []
        with pytest.raises(ImproperlyConfigured, match=r"FiraSans-Regular\.woff2 fehlt"):
            pdf._require_fonts()


class TestAttachments:
    FILES = (
        pdf.Attachment(
            "antrag.json", b'{"title": "\xc3\xa4"}', "application/json", "Daten", "Data"
        ),
        pdf.Attachment(
            "Konzeption Größe.pdf", b"%PDF-1.4\x00\xff", "application/pdf", "Konzeption", "Source"
        ),
    )

    def test_they_come_back_byte_for_byte(self):
        data = letter(attachments=self.FILES)
        with pikepdf.open(BytesIO(data)) as opened:
            found = {
                (spec.filename, spec.get_file().read_bytes(), spec.get_file().mime_type)
                for spec in opened.attachments.values()
            }
            assert found == {(a.name, a.data, a.mime) for a in self.FILES}
            associated = [(str(f.UF), str(f.AFRelationship), str(f.Desc)) for f in opened.Root.AF]
        assert associated == [(a.name, f"/{a.relationship}", a.description) for a in self.FILES]

    def test_the_file_stays_pdf_a(self, caplog):
        data = letter(attachments=self.FILES)
        assert b"pdfaid:part" in _xmp(data)
        assert pdf.check_structure(data) == []
        assert [r for r in caplog.records if r.name == "kiv_portal.pdf"] == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": "../x.json"},
            {"name": ""},
            {"name": "a\nb"},
            {"mime": "json"},
            {"relationship": "Anything"},
        ],
    )
    def test_what_cannot_be_embedded_is_refused(self, wrong):
        good = {"name": "a.json", "data": b"", "mime": "text/plain", "description": ""}
        with pytest.raises(ValueError):
            pdf.Attachment(**{**good, **wrong})

    def test_two_of_one_name_are_refused(self):
        with pytest.raises(ValueError, match="same name"):
            letter(attachments=[self.FILES[0], self.FILES[0]])


def _xmp(data: bytes) -> bytes:
    with pikepdf.open(BytesIO(data)) as opened:
        return opened.Root.Metadata.read_bytes()


class TestRendering:
    def test_the_same_input_gives_the_same_bytes(self, notice):
        assert letter() == notice
        assert letter(letter=deepcopy(LETTER)) == notice
        assert letter(created_at=datetime(2026, 3, 3, tzinfo=UTC)) != notice

    def test_eight_threads_render_at_once(self, notice):
        short = {"snapshot": snapshot(sections=[], findings=[])}

        def make(number: int) -> bytes:
            return letter() if number % 2 else application(**short)

        once = application(**short)
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(make, range(8), timeout=300))
        assert results == [notice if n % 2 else once for n in range(8)]

    def test_a_draft_says_so_on_every_page(self, notice):
        data = letter(draft=True)
        assert pdf.check_structure(data) == []
        for number in range(1, page_count(data) + 1):
            assert text(data, page=number).count("Entwurf") >= 1
        assert "Entwurf" not in text(notice)

    def test_a_sample_says_so_on_every_page(self, notice):
        said = "Muster – nur zur Demonstration, keine amtlichen Texte"
        assert all(said in text(notice, page=n) for n in range(1, 5))
        assert said not in text(letter(letter={**LETTER, "sample": False}))

    def test_the_letter_says_what_the_context_holds_and_leaves_out_what_is_empty(self, notice):
        first = text(notice, page=1)
        for said in (
            "II 23 – 58 b",
            "KIV-2026-0017",
            "2. März 2026",
            "06151 000-0",
            "Marktplatz 1",
        ):
            assert said in first
        assert "Bearbeitung" not in first
        empty = {key: type(value)() for key, value in LETTER.items() if key != "dated_on"}
        empty |= {"dated_on": None, "authority": {"name": "RP"}, "subject": "Eingang"}
        receipt = letter(letter=empty)
        assert pdf.check_structure(receipt) == []
        assert not re.search(r"Geschäftszeichen|Telefon|Datum|Anlagen|None", text(receipt))

    def test_a_table_nobody_has_filled_in_is_told_in_a_line(self):
        tables = [plan(1) | {"rows": [], "total_row": None, "caption": "Beteiligungsformate"}]
        section = {"heading": "Beteiligung", "intro": "", "answers": [], "tables": tables}
        shown = snapshot(sections=[section], members=[])
        context = {"snapshot": shown, "title": "x", "draft": False}
        html = " ".join(render_to_string("pdf/application.html", context).split())
        assert "<table" not in html
        assert '<p class="label">Beteiligungsformate</p> <p class="value">–</p>' in html

    def test_the_application_says_when_it_came_and_that_it_was_late(self, long_application):
        first = text(long_application, page=1)
        assert "14. Januar 2026, 11:22:05 Uhr – nach Fristende eingegangen" in first
        assert snapshot()["sha256"] in first
        assert "9.876" in first
        assert "liegt nicht vor" in first

    def test_an_application_that_is_not_submitted_says_so(self):
        data = application(
            snapshot=snapshot(reference=None, submitted_at=None, sha256=""), draft=True
        )
        first = text(data, page=1)
        assert "noch nicht eingereicht" in first
        assert "wird mit der Einreichung vergeben" in first

    def test_long_strings_wrap_within_the_page(self):
        kinds = ("text", "year", "amount")
        columns = [{"label": "Spalte", "kind": kind, "numeric": kind == "amount"} for kind in kinds]
        table = {
            "columns": columns,
            "rows": [["Y" * 160, "Ñ" * 160, "99.999.999,99 €"]],
            "total_row": [],
            "caption": "",
        }
        answer = {"label": "Ø" * 60, "value_lines": ["Ð" * 200]}
        section = {"heading": "X" * 120, "intro": "", "answers": [answer], "tables": [table]}
        data = application(snapshot=snapshot(sections=[section]))
        shown = re.sub(r"\s|-", "", text(data))
        assert [shown.count(letter) for letter in "XYÑÐØ"] == [120, 160, 160, 200, 60]
        assert rightmost(data) <= SHEET - MARGIN + 1

    def test_the_style_sheet_never_has_every_letter_weighed(self):
        """With „anywhere" a full application took minutes instead of seconds."""
        sheet = Path(finders.find(pdf.STYLE_SHEET)).read_text(encoding="utf-8")
        rules = re.sub(r"/\*.*?\*/", "", sheet, flags=re.S)
        assert "overflow-wrap: break-word" in rules
        assert "anywhere" not in rules
        assert re.search(r"(?m)^table \{[^}]*table-layout: fixed", rules)

    def test_a_row_longer_than_a_page_breaks_and_no_caption_stands_alone(self):
        columns = [{"label": name, "kind": "text", "numeric": False} for name in ("Was", "Wen")]
        rows = [[f"Nummer {n}", (PARAGRAPH * 20)[:5000]] for n in range(3)]
        table = {"columns": columns, "rows": rows, "total_row": [], "caption": "Formate"}
        section = {
            "heading": "Beteiligung",
            "intro": "",
            "answers": [{"label": "Bezug", "value_lines": [PARAGRAPH * 5]}],
            "tables": [table],
        }
        data = application(snapshot=snapshot(sections=[section]))
        [page] = [
            shown
            for number in range(1, page_count(data) + 1)
            if "Formate" in (shown := text(data, page=number))
        ]
        assert "Nummer 0" in page.partition("Formate")[2]

    @pytest.mark.parametrize(
        "odd", ["a\x00b\x0bc\x85", "a\ud800", "a\ufffe\uffff", "a\u200b\u00ad"]
    )
    def test_characters_nobody_can_print_stop_nothing(self, odd):
        section = {"heading": odd, "paragraphs": [odd], "table": None}
        data = letter(letter={**LETTER, "subject": odd, "sections": [section]}, title=odd)
        assert page_count(data) == 1
        assert pdf.check_structure(data) == []
        assert b"pdfaid:part" in _xmp(data)

    def test_a_file_claims_only_what_was_tested(self, monkeypatch, caplog):
        """For instance a character that none of the machine's fonts has."""
        failed = pdfa.Report(pdfa.Flavour("3b"))
        failed.findings.append(pdfa.Finding("rule", "where", "codes select the .notdef glyph"))
        monkeypatch.setattr(pdf.pdfa, "check", lambda *args, **options: failed)
        monkeypatch.setattr(pdf.structure, "problems", lambda opened: ["Lesezeichen fehlen."])
        xmp = _xmp(letter())
        assert b"pdfaid:" not in re.sub(rb'xmlns:pdfaid="[^"]*"', b"", xmp)
        assert b"pdfuaid" not in xmp
        assert [r.message for r in caplog.records if r.name == "kiv_portal.pdf"] == [
            f"PDF without PDF/A identifier: {failed.summary()}",
            "PDF without PDF/UA identifier: Lesezeichen fehlen.",
        ]

    def test_a_time_without_zone_is_refused(self):
        with pytest.raises(ValueError, match="time zone"):
            letter(created_at=datetime(2026, 3, 2))  # noqa: DTZ001
