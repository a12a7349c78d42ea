"""What an upload really is, and how a frozen application is put into words."""

import hashlib
import io
import random
import unicodedata
import zipfile
import zlib
from datetime import datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from PIL import Image

from applications import documents
from applications.documents import (
    UploadRefused,
    inspect,
    pdfcheck,
    presentation,
    shown,
    size_text,
    uploads,
    wording,
)
from applications.documents.wording import BERLIN
from applications.models import Application
from applications.resources import PlanTable
from applications.rules import Severity, Step
from applications.services import snapshots, unlocking
from municipalities.models import Municipality
from tests import world
from tests.factories import NOW

# --- Small real files -----------------------------------------------------------------------------


def pdf(change: Any = None, pages: int = 1, **options: Any) -> bytes:
    """A PDF of blank pages, after `change(pdf)`."""
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page()
    if change:
        change(made)
    out = io.BytesIO()
    made.save(out, **options)
    return out.getvalue()


def image(kind: str, size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def archive(parts: dict[str, bytes | str], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def docx(**more: bytes | str) -> bytes:
    return archive({"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>", **more})


def xlsx() -> bytes:
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()


def open_document(kind: str, parts: dict[str, bytes | str] | None = None) -> bytes:
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    return archive({"mimetype": mimetype, "content.xml": "<o/>"} | (parts or {}))


def upload(content: bytes, name: str = "datei.bin") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/x-whatever")


def type_of(content: bytes, name: str = "datei.bin") -> str:
    return inspect(upload(content, name)).content_type


def refusal(content: bytes, name: str = "datei.bin") -> str:
    with pytest.raises(UploadRefused) as refused:
        inspect(upload(content, name))
    return str(refused.value)


UNKNOWN = (
    "Diese Art von Datei können wir nicht annehmen. Möglich sind: PDF, JPEG, PNG, DOCX, XLSX, "
    "ODT, ODS."
)
BROKEN_PDF = "Das PDF ist beschädigt und lässt sich nicht öffnen. Bitte erzeugen Sie es neu."
BROKEN_IMAGE = "Das Bild ist beschädigt und lässt sich nicht öffnen. Bitte speichern Sie es neu."
BROKEN_ARCHIVE = (
    "Die Datei ist beschädigt und lässt sich nicht öffnen. Bitte speichern Sie sie neu."
)
LOCKED_PDF = "Das PDF ist mit einem Kennwort geschützt. Bitte speichern Sie es ohne Schutz."
LOCKED_ARCHIVE = "Die Datei ist mit einem Kennwort geschützt. Bitte speichern Sie sie ohne Schutz."
SCRIPT = (
    "Das PDF enthält ausführbare Teile (Skript). Bitte drucken Sie es in ein neues PDF und laden "
    "Sie dieses hoch."
)
TWO_THINGS = (
    "Die Datei ist zweierlei zugleich (etwa Bild und Archiv). Bitte öffnen Sie sie in ihrem "
    "Programm und speichern Sie sie neu."
)
MACROS = "Die Datei enthält Makros. Bitte speichern Sie sie ohne Makros oder als PDF."
PIXELS = "Das Bild hat zu viele Bildpunkte. Bitte verkleinern Sie es auf höchstens 60 Megapixel."

LISTED = "<Types><Override ContentType='application/vnd.ms-office.{}'/></Types>"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT = "application/vnd.oasis.opendocument.text"
CALC = "application/vnd.oasis.opendocument.spreadsheet"


# --- What is taken --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "content_type"),
    [
        (pdf, "application/pdf"),
        (lambda: image("PNG"), "image/png"),
        (lambda: image("JPEG"), "image/jpeg"),
        (lambda: image("JPEG", progressive=True), "image/jpeg"),
        (docx, WORD),
        (xlsx, SHEET),
        (lambda: open_document("text"), TEXT),
        (lambda: open_document("spreadsheet"), CALC),
    ],
)
def test_what_may_be_uploaded_is_known_by_its_content(make, content_type):
    assert type_of(make()) == content_type


def test_the_ending_and_the_browsers_word_count_for_nothing():
    assert type_of(pdf(), "bild.png") == "application/pdf"
    assert type_of(image("PNG"), "konzept.pdf") == "image/png"
    assert refusal(b"<html>" * 10) == UNKNOWN


def test_size_and_hash_are_those_of_the_bytes_and_the_file_is_wound_back():
    content = pdf()
    given = upload(content, "Konzept.pdf")
    inspected = inspect(given)
    assert (inspected.name, inspected.size) == ("Konzept.pdf", len(content))
    assert inspected.sha256 == hashlib.sha256(content).hexdigest()
    assert given.read() == content


def test_a_large_upload_on_disk_is_read_in_pieces():
    content = image("PNG", (1200, 900))
    assert len(content) > 200_000
    with TemporaryUploadedFile("bild.png", "image/png", len(content), None) as given:
        given.write(content)
        given.seek(0)
        inspected = inspect(given)
        assert (inspected.content_type, inspected.size) == ("image/png", len(content))
        assert inspected.sha256 == hashlib.sha256(content).hexdigest()


def test_a_pdf_may_carry_attachments_as_our_own_do():
    def attach(made: pikepdf.Pdf) -> None:
        made.attachments["antrag.json"] = pikepdf.AttachedFileSpec(made, b"{}")

    assert type_of(pdf(attach)) == "application/pdf"


def test_a_pdf_may_have_links_and_form_fields():
    def fill(made: pikepdf.Pdf) -> None:
        link = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("https://rp.example"))
        made.pages[0].Annots = pikepdf.Array(
            [pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, A=link)]
        )
        made.Root.OpenAction = pikepdf.Array([made.pages[0].obj, pikepdf.Name.Fit])

    assert type_of(pdf(fill)) == "application/pdf"


# --- What is refused ------------------------------------------------------------------------------


def test_an_empty_file_is_refused():
    assert refusal(b"") == "Die Datei ist leer. Bitte wählen Sie sie noch einmal aus."


def test_a_file_may_be_as_large_as_the_limit_and_no_byte_larger(settings):
    content = pdf()
    settings.UPLOAD_MAX_BYTES = len(content)
    assert type_of(content) == "application/pdf"
    assert refusal(content + b"\n") == (
        "Die Datei ist größer als 0 MB. Bitte verkleinern oder teilen Sie sie."
    )


def test_the_limit_is_told_in_megabytes(settings):
    settings.UPLOAD_MAX_BYTES = 20 * 1024 * 1024
    assert refusal(b"%PDF-" + b"0" * settings.UPLOAD_MAX_BYTES) == (
        "Die Datei ist größer als 20 MB. Bitte verkleinern oder teilen Sie sie."
    )


@pytest.mark.parametrize(
    "content",
    [
        b"Nur Text",
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + b"\0" * 50,
        b"MZ" + b"\0" * 50,
        b" %PDF-1.7",
        b"%PDF",
        b"PK\x05\x06" + b"\0" * 18,  # an empty archive
        b"\x89PN",
    ],
)
def test_other_kinds_of_files_are_refused(content):
    assert refusal(content) == UNKNOWN


def test_an_old_office_file_or_a_locked_new_one_is_refused_with_the_reason():
    """DOCX and XLSX with a password are no archives any more but look like DOC and XLS."""
    assert refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 50, "Plan.xlsx") == (
        "Die Datei ist mit einem Kennwort geschützt oder hat ein altes Format (DOC, XLS). Bitte "
        "speichern Sie sie ohne Schutz als DOCX, XLSX oder PDF."
    )


@pytest.mark.parametrize(
    "parts",
    [
        {"brief.txt": "Hallo"},
        {"mimetype": "application/zip"},
        {"mimetype": "application/vnd.oasis.opendocument.text" + " " * 300},
        {"mimetype": "application/vnd.oasis.opendocument.text-template"},
        {"ppt/presentation.xml": "<p/>"},
    ],
)
def test_archives_that_are_no_document_are_refused(parts):
    assert refusal(archive(parts)) == UNKNOWN


@pytest.mark.parametrize("password", ["geheim", ""])
def test_a_pdf_with_a_password_is_refused_whether_it_opens_or_not(password):
    locked = pdf(encryption=pikepdf.Encryption(owner="besitz", user=password))
    assert refusal(locked) == LOCKED_PDF


def test_a_pdf_without_pages_is_refused():
    assert refusal(pdf(pages=0)) == "Das PDF hat keine Seiten."


def _script(kind: str = "JavaScript") -> pikepdf.Dictionary:
    if kind == "Launch":
        return pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe"))
    return pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def _open_action(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = _script()


def _indirect_open_action(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = made.make_indirect(_script())


def _launch(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = _script("Launch")


def _page_action(made: pikepdf.Pdf) -> None:
    made.pages[0].AA = pikepdf.Dictionary(O=_script())


def _next_action(made: pikepdf.Pdf) -> None:
    first = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("https://rp.example"))
    first.Next = pikepdf.Array([_script()])
    made.Root.OpenAction = first


def _annotation(made: pikepdf.Pdf) -> None:
    made.pages[0].Annots = pikepdf.Array(
        [pikepdf.Dictionary(Subtype=pikepdf.Name.Link, A=_script("Launch"))]
    )


def _named_scripts(made: pikepdf.Pdf) -> None:
    tree = pikepdf.Dictionary(Names=pikepdf.Array([pikepdf.String("a"), _script()]))
    made.Root.Names = pikepdf.Dictionary(JavaScript=tree)


def _script_in_a_stream(made: pikepdf.Pdf) -> None:
    code = pikepdf.Stream(made, b"app.alert(1)")
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=code)


@pytest.mark.parametrize(
    "change",
    [
        _open_action,
        _indirect_open_action,
        _launch,
        _page_action,
        _next_action,
        _annotation,
        _named_scripts,
        _script_in_a_stream,
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_pdf_that_runs_something_is_refused_wherever_it_hides(change, packed):
    mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.disable
    assert refusal(pdf(change, object_stream_mode=mode)) == SCRIPT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7\n", BROKEN_PDF),
        (pdf()[:120], BROKEN_PDF),
        (image("PNG")[:-30], BROKEN_IMAGE),
        (image("JPEG")[:-30], BROKEN_IMAGE),
        (image("JPEG", progressive=True)[:-30], BROKEN_IMAGE),
        (image("JPEG")[:40], BROKEN_IMAGE),
        (b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", BROKEN_IMAGE),
        (b"\xff\xd8\xff<html>", BROKEN_IMAGE),
        (docx()[:-30], BROKEN_ARCHIVE),
        (b"PK\x03\x04" + b"\0" * 60, BROKEN_ARCHIVE),
    ],
)
def test_a_broken_or_disguised_file_is_refused(content, message):
    assert refusal(content) == message


def test_a_file_that_is_two_things_is_refused_and_a_page_behind_a_picture_is_never_one():
    packed = archive({"word/document.xml": "x"})
    for both in (pdf() + packed, image("PNG") + packed, image("JPEG") + packed):
        assert refusal(both) == TWO_THINGS
    hidden = archive({"%PDF-1.7": pdf(), "word/document.xml": "x"}, zipfile.ZIP_STORED)
    for both in (hidden, image("JPEG", comment=pdf())):
        assert refusal(both) == TWO_THINGS
    page = b"<html><script>alert(1)</script></html>"
    assert type_of(image("PNG") + page) == "image/png"  # it goes out as that, with no sniffing
    # An archive inside of a PDF, as an attachment of ours, ends before the file does.
    assert type_of(pdf(lambda made: made.attachments.update({"a.docx": packed}))) == (
        "application/pdf"
    )


def test_no_damage_to_a_file_is_an_error_of_ours():
    chance = random.Random(1)  # noqa: S311 (the same on every run)
    samples = [
        pdf(),
        image("PNG"),
        image("JPEG"),
        docx(),
        open_document("text"),
        archive({"mimetype": "application/vnd.oasis.opendocument.text" * 3}),
    ]
    known = {"application/pdf", "image/png", "image/jpeg", WORD, TEXT}
    for content in samples:
        for _ in range(30):
            broken = bytearray(content)
            for _ in range(chance.randint(1, 8)):
                broken[chance.randrange(4, len(broken))] = chance.randrange(256)
            try:
                assert type_of(bytes(broken)) in known
            except UploadRefused:
                continue


def test_a_damaged_declaration_of_an_open_document_is_refused():
    whole = bytearray(open_document("text"))
    start = whole.index(b"mimetype") + len("mimetype")
    for place in range(start, start + 20):
        whole[place] ^= 0xFF
    assert refusal(bytes(whole)) == BROKEN_ARCHIVE


def _png_of(width: int, height: int) -> bytes:
    """A PNG that claims these measures in its head."""
    whole = bytearray(image("PNG"))
    whole[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    whole[29:33] = zlib.crc32(bytes(whole[12:29])).to_bytes(4, "big")
    return bytes(whole)


@pytest.mark.parametrize(("width", "height"), [(6_000_001, 10), (9_000, 10_000), (50_000, 50_000)])
def test_an_image_with_too_many_pixels_is_refused_before_it_is_unpacked(width, height):
    assert refusal(_png_of(width, height)) == PIXELS


def test_an_archive_of_too_many_parts_is_refused():
    many = archive({"word/document.xml": "x"} | {str(n): "" for n in range(10_000)}, 0)
    assert refusal(many) == "Die Datei ist entpackt zu groß."


def test_an_archive_that_lies_about_its_size_is_refused():
    whole = bytearray(open_document("text", {"mimetype": "x" * 5_000}))
    entry = whole.index(b"PK\x01\x02")
    whole[entry + 24 : entry + 28] = (39).to_bytes(4, "little")
    assert refusal(bytes(whole)) == BROKEN_ARCHIVE


@pytest.mark.parametrize(
    "content",
    [
        docx(**{"word/vbaProject.bin": b"x"}),
        docx(**{"word/VBAProject.BIN": b"x"}),
        open_document("text", {"Basic/Standard/Module1.xml": "<x/>"}),
        open_document("spreadsheet", {"Scripts/python/a.py": "pass"}),
    ],
)
def test_a_document_with_macros_is_refused(content):
    assert refusal(content) == MACROS


@pytest.mark.parametrize(
    "content",
    [
        docx(**{"word/other.bin": b"x", "[Content_Types].xml": LISTED.format("vbaProject")}),
        docx(**{"[Content_Types].xml": "<x t='application/vnd.ms-word.document.macroEnabled.x'/>"}),
        archive({"xl/workbook.xml": "<w/>", "xl/macrosheets/sheet1.xml": "<m/>"}),
        archive({"xl/workbook.xml": "<w/>", "XL/VBAPROJECT.BIN": b"x"}),
        open_document("spreadsheet", {"Scripts/python/x.py": "x"}),
    ],
)
def test_macros_are_found_whatever_their_part_is_called(content):
    assert refusal(content) == MACROS


def test_an_open_document_with_a_password_is_refused():
    manifest = "<manifest><file-entry><manifest:encryption-data/></file-entry></manifest>"
    locked = open_document("text", {"META-INF/manifest.xml": manifest})
    assert refusal(locked) == LOCKED_ARCHIVE
    assert type_of(open_document("text", {"META-INF/manifest.xml": "<manifest/>"})) == TEXT


@pytest.mark.parametrize(
    ("typed", "content_type", "served"),
    [
        ("Plan.pdf", "application/pdf", "Plan.pdf"),
        ("Plan.PDF", "application/pdf", "Plan.PDF"),
        ("Foto.jpeg", "image/jpeg", "Foto.jpeg"),
        ("Rechnung.exe", "application/pdf", "Rechnung.exe.pdf"),
        ("Seite.html", "image/png", "Seite.html.png"),
        ("Anlage", WORD, "Anlage.docx"),
        ("Brief.doc", TEXT, "Brief.doc.odt"),
        ("Alt.xyz", "application/x-old", "Alt.xyz"),
    ],
)
def test_a_download_ends_as_what_it_is(typed, content_type, served):
    assert uploads.download_name(typed, content_type) == served


def test_types_have_short_names():
    assert [uploads.type_name(kind) for kind in (WORD, CALC, "image/png", "x")] == [
        "DOCX",
        "ODS",
        "PNG",
        "",
    ]


def test_an_archive_with_a_password_is_refused():
    whole = bytearray(docx())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        whole[whole.index(mark) + offset] |= 1
    assert refusal(bytes(whole)) == LOCKED_ARCHIVE


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Konzept.pdf", "Konzept.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Müller\\Konzept.pdf", "Konzept.pdf"),
        ("..\\..\\Konzept.pdf", "Konzept.pdf"),
        ("x\\..", "Anlage"),
        ("x\\", "Anlage"),
        ("...", "Anlage"),
        (".pdf", ".pdf"),
        (unicodedata.normalize("NFD", "Übersicht Größe.pdf"), "Übersicht Größe.pdf"),
        ("Angebot \"neu\" „alt“ 'x'.pdf", "Angebot \"neu\" „alt“ 'x'.pdf"),
        ("Angebot %22neu%22.pdf", 'Angebot "neu".pdf'),  # as browsers send it
        ("50 %2.pdf", "50 %2.pdf"),
        ("a.pdf\r\nX-Kopfzeile: b", "a.pdf X-Kopfzeile: b"),
        ("  Konzept\t neu .pdf ", "Konzept neu .pdf"),
        ("Rechnung\u202efdp.exe", "Rechnungfdp.exe"),
        ("a\0b.pdf", "ab.pdf"),
        ("\u200b", "Anlage"),
    ],
)
def test_the_name_is_kept_as_typed_without_path_and_tricks(typed, name):
    assert uploads.file_name(typed) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ä" * 150 + ".pdf", "ä" * 150 + ".pdf"),
        ("ä" * 300 + ".pdf", "ä" * 251 + ".pdf"),
        ("x" * 300, "x" * 255),
        ("x." + "y" * 300, "." + "y" * 254),
        ("x" * 251 + ".pdf", "x" * 251 + ".pdf"),
        ("x" * 252 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_a_long_name_is_shortened_and_keeps_its_ending(typed, name):
    assert uploads.file_name(typed) == name


def test_a_name_of_300_bytes_passes():
    name = "ß" * 125 + ".pdf"
    assert inspect(upload(pdf(), name)).name == name


# --- Plain values in words ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("title", None, "–"),
        ("title", "", "–"),
        ("title", "Vielfalt", "Vielfalt"),
        ("months", 18, "18"),
        ("months", 0, "0"),
        ("vat_deductible", True, "Ja"),
        ("vat_deductible", False, "Nein"),
        ("starts_on", "2027-07-01", "01.07.2027"),
        ("amount", "1234567.50", "1.234.567,50 €"),
        ("amount", "0.00", "0,00 €"),
        ("budget_situation", "provisional", "vorläufige Haushaltsführung"),
    ],
)
def test_a_plain_value_is_shown_as_people_read_it(name, value, text):
    assert shown(name, value) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (1, "1 KB"),
        (1_535, "1 KB"),
        (1_537, "2 KB"),
        (1_048_575, "1024 KB"),
        (1_048_576, "1,0 MB"),
        (1_468_006, "1,4 MB"),
    ],
)
def test_a_size_is_shown_in_kilobytes_or_megabytes(size, text):
    assert size_text(size) == text


# --- A frozen application in words ----------------------------------------------------------------


@pytest.fixture
def content(db: None) -> dict[str, Any]:
    """What a filed Verbund holds, with one document."""
    w = world.build()
    application = world.save(world.filled(w), Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    for kind, municipality in (("cooperation", w.small), ("concept", None)):
        _attach(application, kind, municipality, w)
    return snapshots.read(world.file(application, w.signatory).first_snapshot)


def _attach(
    application: Application, kind: str, municipality: Municipality | None, w: world.World
) -> None:
    application.documents.create(
        kind=kind,
        municipality=municipality,
        file="x",
        name=f"{kind}.pdf",
        content_type="application/pdf",
        size=2_048,
        sha256="a" * 64,
        uploaded_at=NOW,
        uploaded_by=w.clerk,
    )


def test_the_head_of_a_frozen_application(content):
    said = presentation(content, sha256="abc")
    assert {key: said[key] for key in ("title", "reference", "late", "sha256", "call_title")} == {
        "title": "Vielfalt in Musterstadt",
        "reference": "KIV-2026-0001",
        "late": False,
        "sha256": "abc",
        "call_title": "Testaufruf",
    }
    assert said["submitted_at"] == datetime(2026, 11, 16, 10, 30, tzinfo=BERLIN)
    assert said["submitted_at"].tzinfo == BERLIN
    assert said["footer_text"] == "Antrag KIV-2026-0001"
    assert [(m["name"], m["role"], m["population"]) for m in said["members"]] == [
        ("Musterstadt, Stadt", "federführende Kommune", 20_000),
        ("Kleinheim, Stadt", "Partnerkommune", 5_000),
    ]


def test_findings_and_the_reason_given_are_part_of_it(content):
    content["confirmation_reason"] = "Weil."
    said = presentation(content, sha256="")
    assert said["confirmation_reason"] == "Weil."
    assert [(f["severity_label"], f["message"]) for f in said["findings"]] == [
        (Severity(f["severity"]).label, f["message"]) for f in content["findings"]
    ]
    assert said["findings"] != []


def test_every_answer_of_every_step_is_shown_once_under_its_german_name(content):
    said = presentation(content, sha256="")
    assert [part["step"] for part in said["sections"]] == [
        "ansprechpartner",
        "konzeption",
        "beteiligung",
        "zeitplan",
        "finanzierung",
        "erklaerungen",
        "anlagen",
    ]
    shown_names = [a["name"] for part in said["sections"] for a in part["answers"]]
    assert sorted(shown_names) == sorted(documents.LABELS)
    assert [a["label"] for part in said["sections"] for a in part["answers"]] == [
        documents.LABELS[name] for name in shown_names
    ]


def _tables(content: dict[str, Any]) -> dict[str, Any]:
    said = presentation(content, sha256="")
    return {
        table["caption"]: (table["rows"], table["total_row"])
        for part in said["sections"]
        for table in part["tables"]
    }


def test_every_row_is_shown(content):
    ten = "10.000,00 €"
    assert _tables(content) == {
        "Beteiligungsformate": ([["Werkstatt", "alle", "Herbst", "zwei Termine", "abends"]], None),
        "Arbeitsschritte": ([["Auftakt", "01.09.2027"]], None),
        "Geplante Beschlüsse": (
            [["Musterstadt", "Stadtverordnetenversammlung", "01.12.2028"]],
            None,
        ),
        "Ausgaben": (
            [[year, "Prozessmoderation/Honorare", "–", "Ja", ten] for year in ("2027", "2028")],
            ["Summe", "", "", "", "20.000,00 €"],
        ),
        "Deckung": (
            [
                row
                for year in ("2027", "2028")
                for row in (
                    [year, "beantragte Zuwendung", "–", "9.000,00 €"],
                    [year, "Eigenmittel", "Musterstadt", "1.000,00 €"],
                )
            ],
            ["Summe", "", "", "20.000,00 €"],
        ),
        "Anlagen": (
            [
                [label, name, "2 KB", "a" * 64]
                for label, name in sorted(
                    [
                        ("Kooperationserklärung Kleinheim", "cooperation.pdf"),
                        ("Konzeption", "concept.pdf"),
                    ],
                    key=lambda row: [d["name"] for d in content["documents"]].index(row[1]),
                )
            ],
            None,
        ),
    }


def test_rows_are_shown_year_by_year_and_missing_amounts_as_missing(content):
    plan = content["steps"]["finanzierung"]
    plan["expenses"] = [
        {"id": "1", "year": 2028, "category": "other", "text": "B", "amount": None, "eligible": 0},
        {
            "id": "2",
            "year": 2027,
            "category": "staff",
            "text": "A",
            "amount": "5.10",
            "eligible": False,
        },
    ]
    plan["expenses"][0]["eligible"] = True
    plan["cover"] = [
        {
            "id": "3",
            "year": 2027,
            "kind": "own",
            "text": "Rücklage",
            "municipality": content["members"][1]["ags"],
            "amount": "5.10",
        }
    ]
    tables = _tables(content)
    assert tables["Ausgaben"] == (
        [
            ["2027", "Personalausgaben", "A", "Nein", "5,10 €"],
            ["2028", "Sonstiges", "B", "Ja", "–"],
        ],
        ["Summe", "", "", "", "5,10 €"],
    )
    assert tables["Deckung"] == (
        [["2027", "Eigenmittel", "Kleinheim Rücklage", "5,10 €"]],
        ["Summe", "", "", "5,10 €"],
    )


def test_a_municipality_a_copy_knows_by_its_key_only_is_named_by_that(content):
    """Copies of before keep no names of those that left: `former_members` is empty in them."""
    rows = content["steps"]["zeitplan"]["adoptions"]
    rows.append({"id": "1", "municipality": "06439999", "body": "", "planned_on": None})
    rows.append({"id": "2", "municipality": None, "body": "Rat", "planned_on": None})
    for document in content["documents"]:
        document["municipality"] = document["municipality"] and "06439999"
    tables = _tables(content)
    left = "Schlüssel 06439999 (nicht mehr im Verbund)"
    assert tables["Geplante Beschlüsse"][0][1:] == [[left, "–", "–"], ["–", "Rat", "–"]]
    assert {row[0] for row in tables["Anlagen"][0]} == {
        f"Kooperationserklärung {left}",
        "Konzeption",
    }


@pytest.mark.django_db
def test_money_and_documents_of_a_partner_that_left_are_filed_under_its_name():
    w = world.build()
    application = world.shared(world.filled(w), w, w.small)
    _attach(application, "cooperation", w.small, w)
    application = world.save(application, Step.KOMMUNE, {"partners": []}, w.clerk)
    frozen = snapshots.read(world.file(application, w.signatory).first_snapshot)
    assert frozen["former_members"] == [
        {"ags": w.small.ags, "name": "Kleinheim", "official_name": "Kleinheim, Stadt"}
    ]
    tables = _tables(frozen)
    left = "Kleinheim (nicht mehr im Verbund)"
    assert ["2027", "Eigenmittel", left, "500,00 €"] in tables["Deckung"][0]
    assert [row[0] for row in tables["Anlagen"][0]] == [f"Kooperationserklärung {left}"]
    assert left in [line[6] for line in PlanTable.lines_of("KIV", frozen)]
    targets = {target.label for target in unlocking.targets_in(frozen)}
    assert f"Deckung: 2027, Eigenmittel, {left}, 500,00 €" in targets
    assert f"„cooperation.pdf“ ersetzen (Kooperationserklärung {left})" in targets


def test_an_application_without_documents_says_so(content):
    content["documents"] = []
    (part,) = [p for p in presentation(content, sha256="")["sections"] if p["step"] == "anlagen"]
    assert (part["intro"], part["tables"]) == ("Es wurden keine Anlagen eingereicht.", [])


def test_a_figure_that_was_not_there_has_no_day(content):
    content["members"][0] |= {"population": None, "population_as_of": None}
    member = presentation(content, sha256="")["members"][0]
    assert (member["population"], member["population_as_of"]) == (None, None)


def test_a_text_keeps_its_lines(content):
    content["steps"]["konzeption"]["goals"] = "Erstens\nZweitens"
    (part,) = [p for p in presentation(content, sha256="")["sections"] if p["step"] == "konzeption"]
    lines = {answer["name"]: answer["value_lines"] for answer in part["answers"]}
    assert lines["goals"] == ["Erstens", "Zweitens"]


def test_sums_are_exact():
    rows = [{"amount": "0.10"}] * 3
    assert wording._sum(rows) == Decimal("0.30")


# --- A PDF is looked into by a process that may fail alone ----------------------------------------


def test_a_pdf_that_brings_down_the_looking_process_is_refused(tmp_path, monkeypatch):
    """The process meets its limit of memory, as with a file that unpacks to gigabytes."""
    greedy = tmp_path / "greedy.py"
    greedy.write_text(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (100_000_000, 100_000_000))\n"
        "b' ' * 1_000_000_000\n"
    )
    monkeypatch.setattr(uploads, "PDF_CHECK", greedy)
    with pytest.raises(UploadRefused, match="entpackt zu groß"):
        inspect(SimpleUploadedFile("bombe.pdf", pdf()))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pdf(), "plain"),
        (pdf(pages=0), "empty"),
        (pdf(encryption=pikepdf.Encryption(owner="a", user="b")), "encrypted"),
        (b"%PDF-1.7 nothing more", "broken"),
    ],
)
def test_the_looking_process_says_one_word(data, said):
    assert pdfcheck.verdict(data) == said
