"""Files made to do harm: each refused with its reason, in under 5 s of computing and 200 MB.

What is refused and why, file by file, is in `test_documents.py`; here the cost is measured, of all
of them in one process of their own, whose memory has counted nothing before.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.test import RequestFactory, override_settings

from tests.applications.test_documents import _png_of, archive, docx, image, open_document, pdf

MEGABYTE = 1024 * 1024

LOOK = """
import json, resource, sys
from pathlib import Path
from django.conf import settings
settings.configure(UPLOAD_MAX_BYTES=20 * 1024 * 1024, USE_TZ=True)
from django.core.files.uploadedfile import UploadedFile
from applications.documents.uploads import UploadRefused, inspect
def spent():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    # A process begins with the peak of the one that started it, so its own is asked of the kernel.
    own = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    return sum(one.ru_utime + one.ru_stime for one in both), max(own, both[1].ru_maxrss)
found = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    before = spent()[0]
    try:
        with path.open("rb") as file:
            inspect(UploadedFile(file, path.name, size=path.stat().st_size))
        said = ""
    except UploadRefused as refusal:
        said = str(refusal)
    after, most = spent()
    found[path.name] = [said, after - before, most / 1024]
print(json.dumps(found))
"""


def zip_bomb(name: str, megabytes: int, path: Path) -> None:
    """An office document with a part that unpacks to so many megabytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        made.writestr(name, "<w/>")
        with made.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(megabytes):
                part.write(bytes(MEGABYTE))


def pdf_bomb() -> bytes:
    """A PDF whose list of objects unpacks to more memory than its reader may have."""
    catalog, pages = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"
    head = b"1 0 2 %d " % len(catalog)
    packer = zlib.compressobj(1)
    packed = packer.compress(head + catalog + pages)
    packed += b"".join(packer.compress(b" " * MEGABYTE) for _ in range(220)) + packer.flush()
    whole = b"%PDF-1.7\n"
    objects = b"3 0 obj <</Type/ObjStm/N 2/First %d/Filter/FlateDecode/Length %d>> stream\n"
    listed = len(whole)
    whole += objects % (len(head), len(packed)) + packed + b"\nendstream endobj\n"
    table = len(whole)
    places = [(0, 0, 65535), (2, 3, 0), (2, 3, 1), (1, listed, 0), (1, table, 0)]
    rows = b"".join(struct.pack(">BIH", *place) for place in places)
    xref = b"4 0 obj <</Type/XRef/Size 5/W[1 4 2]/Root 1 0 R/Length %d>> stream\n" % len(rows)
    return whole + xref + rows + b"\nendstream endobj\nstartxref\n%d\n%%%%EOF\n" % table


def test_each_file_made_to_do_harm_is_refused_at_little_cost(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    for name, content in {
        "leer.pdf": b"",
        "text.pdf": b"Nur Text",
        "programm.exe": b"MZ" + bytes(50),
        "abgeschnitten.pdf": pdf()[:120],
        "abgeschnitten.png": image("PNG")[:-30],
        "abgeschnitten.jpg": image("JPEG")[:-30],
        "abgeschnitten.docx": docx()[:-30],
        "kennwort.pdf": pdf(encryption=pikepdf.Encryption(owner="a", user="b")),
        "bombe.pdf": pdf_bomb(),
        "bild-und-archiv.png": image("PNG") + archive({"word/document.xml": "x"}),
        "archiv-und-pdf.docx": archive({"%PDF-1.7": pdf()}, zipfile.ZIP_STORED),
        "punkte.png": _png_of(50_000, 50_000),
        "teile.xlsx": archive({str(n): "" for n in range(10_001)}, 0),
        "kennwort.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5_000),
        "kennwort.odt": open_document(
            "text", {"META-INF/manifest.xml": "<manifest:encryption-data/>"}
        ),
        "bild-und-seiten.jpg": image("JPEG", comment=pdf()),
        "skript-als.png": b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        "zu-gross.pdf": b"%PDF-1.7\n" + bytes(21 * MEGABYTE),
    }.items():
        (tmp_path / name).write_bytes(content)
    for name, path in (("word/document.xml", "bombe.docx"), ("xl/workbook.xml", "bombe.xlsx")):
        zip_bomb(name, 201, tmp_path / path)
        assert (tmp_path / path).stat().st_size < MEGABYTE
    run = subprocess.run(
        [sys.executable, "-c", LOOK, str(tmp_path)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout)
    assert len(found) == 20
    said = {found[name][0] for name in ("bombe.docx", "bombe.xlsx", "teile.xlsx")}
    assert said == {"Die Datei ist entpackt zu groß."}
    taken = {name: row for name, row in found.items() if not row[0]}
    seconds, megabytes = (max(row[n] for row in found.values()) for n in (1, 2))
    measured(f"{len(found)} hostile files: {seconds:.1f} s and {megabytes:.0f} MB at most")
    costly = {name: row for name, row in found.items() if row[1] > 5 or row[2] > 200}
    assert (taken, costly) == ({}, {})


def test_of_a_stream_past_the_limit_no_more_is_written_down_than_proves_it() -> None:
    with override_settings(UPLOAD_MAX_BYTES=100_000):
        request = RequestFactory().post("/", {"datei": io.BytesIO(bytes(1_000_000)), "art": "plan"})
        kept = request.FILES["datei"]
        assert 100_000 < kept.size < 100_000 + 2 * FileUploadHandler.chunk_size
        assert (len(kept.read()), request.POST["art"]) == (kept.size, "plan")
