"""Registers and tables that are damaged in every way: refused in words, never a fault of ours.

Each reader's own refusals stand with its tests; here chance does the damage, the same on every run.
"""

from __future__ import annotations

import io
import random
import time
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable
from typing import Any

from openpyxl import Workbook

from municipalities.register import RegisterError
from municipalities.register import read as read_register
from projects.resources.imports import read_table
from projects.resources.sheets import SheetRefused
from projects.resources.tables import ContactTable, ProjectTable
from tests.municipalities.official_files import (
    BENSHEIM,
    BENSHEIM_ROW,
    BIBLIS,
    DISTRICT_ROWS,
    gv100ad,
    xlsx,
)

ODS = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><table:table>{}'
    "</table:table></office:body></office:document-content>"
)
HEAD = "<table:table-row>{}</table:table-row>".format(
    "".join(
        f"<table:table-cell><text:p>{name}</text:p></table:table-cell>"
        for name in ("adresse", "amif", "beginn")
    )
)


def packed(**parts: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


def ods(rows: str) -> bytes:
    return packed(content__xml=ODS.format(HEAD + rows))


def workbook() -> bytes:
    book = Workbook()
    book.active.append(["adresse", "amif", "beginn"])
    book.active.append(["projekt-1", True, "31.12.2027"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Cut off, with other bytes in it, a piece twice, in another encoding, or several of these."""
    broken = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(broken))
        match chance.randrange(5):
            case 0:
                del broken[max(1, at) :]
            case 1:
                broken[at] = chance.randrange(256)
            case 2:
                broken[at:at] = broken[max(0, at - 40) : at]
            case 3:
                broken[at:at] = chance.choice(
                    [b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1a", b"\n"]
                )
            case 4:
                broken = bytearray(broken.replace(b"1", b"I").replace(b"0", b"O"))
    return bytes(broken)


def told(read: Callable[[bytes], Any], content: bytes) -> list[str]:
    """What is said of a file: why it is no register and no table, or what is wrong in it."""
    try:
        found = read(content)
    except (RegisterError, SheetRefused) as refusal:
        return [str(refusal)]
    return [str(fault) for fault in getattr(found, "faults", [])]


def projects(content: bytes) -> Any:
    return read_table(content, ProjectTable)


CONTACTS = "\ufeffadresse;telefon;bestaetigt\r\nprojekt-1;0611 10;31.12.2027\r\n".encode()


def test_no_damage_to_a_file_is_a_fault_of_ours() -> None:
    register = gv100ad([BENSHEIM, BIBLIS])
    chance = random.Random(1)  # noqa: S311 (the same on every run)
    tried: list[tuple[Callable[[bytes], Any], bytes, int]] = [
        (read_register, register, 150),
        (read_register, register.decode().encode("utf-16"), 5),
        (read_register, xlsx(), 25),
        (projects, workbook(), 40),
        (projects, ods(HEAD), 80),
        (lambda content: read_table(content, ContactTable), CONTACTS, 150),
    ]
    said = [
        told(read, damaged(content, chance)) for read, content, times in tried for _ in range(times)
    ]
    assert all(all(words) for words in said)
    assert sum(bool(words) for words in said) > 200


def test_names_of_both_registers_are_stored_as_typed_text_is() -> None:
    name = f"{unicodedata.normalize('NFD', 'Groß-Größe')}/O’Hara (Ts.)"
    for hidden in ("", "\x00", "\u200b\u202e"):
        place = ("06431099", hidden.join((name[:3], name[3:])), "64", 100, "64625", 12)
        (town,) = read_register(gv100ad([place])).municipalities
        assert (town.official_name, town.short_name) == ("Groß-Größe/O’Hara (Ts.)",) * 2
    row = (*BENSHEIM_ROW[:7], f"\u200b{name}", *BENSHEIM_ROW[8:])
    assert [one.official_name for one in read_register(xlsx([*DISTRICT_ROWS, row])).municipalities][
        -1
    ] == "Groß-Größe/O’Hara (Ts.)"


ROW = "<table:table-row>{}{}</table:table-row>"
TEXT = "<table:table-cell><text:p>a</text:p></table:table-cell>"
NUMBER = '<table:table-cell office:value-type="float" office:value="{}"/>'
REPEATED = '<table:table-cell table:number-columns-repeated="{}"/>'
HARMFUL = {
    "letters": ROW.format(TEXT, NUMBER.format("viel")),
    "infinity": ROW.format(TEXT, NUMBER.format("1e999")),
    "endless rows": ROW.replace(
        "-row>", f'-row table:number-rows-repeated="{"9" * 5000}">', 1
    ).format(TEXT, ""),
    "endless columns": ROW.format(REPEATED.format("9" * 4000), ""),
    "deep": ROW.format(TEXT.replace(">a<", f">{'<text:span>' * 3000}{'</text:span>' * 3000}<"), ""),
    "wide": ROW.format(REPEATED.format(41) * 20_000, TEXT),
}
"""What somebody could put below the columns `adresse`, `amif`, `beginn`."""


def test_an_open_document_made_to_do_harm_is_told_what_is_wrong_at_little_cost() -> None:
    for name, rows in HARMFUL.items():
        content = ods(rows)
        tracemalloc.start()
        began = time.process_time()
        said = told(projects, content)
        spent, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert said, name
        assert (spent < 5, peak < 100_000_000) == (True, True), name
