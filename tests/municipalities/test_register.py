"""Official files of the municipality register become records, or named errors."""

import io
import tracemalloc
import zipfile
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from municipalities.eligibility import Kind
from municipalities.register import (
    DistrictRecord,
    LineError,
    MunicipalityRecord,
    RegisterError,
    RegisterFile,
    StateRecord,
    read,
    read_gv100ad,
    read_xlsx,
)
from municipalities.register.gv100ad import encoding_of
from municipalities.register.values import KIND_OF_TEXT_CODE
from tests.municipalities.official_files import (
    ALZEY,
    BENSHEIM,
    BENSHEIM_ROW,
    BIBLIS,
    DARMSTADT,
    DISTRICT_ROWS,
    FOOTNOTES,
    FOREST,
    HEADER,
    TERRITORY,
    gv100ad,
    gv100ad_lines,
    line,
    municipality_line,
    real,
    real_register,
    xlsx,
)


def text(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


def broken(file: RegisterFile) -> list[tuple[int, str]]:
    return [(error.line, error.reason) for error in file.errors]


# --- GV100AD --------------------------------------------------------------------------------------


def test_a_gv100ad_file_becomes_records() -> None:
    assert read_gv100ad(gv100ad([DARMSTADT, BENSHEIM])) == RegisterFile(
        format="GV100AD",
        territory_as_of=TERRITORY,
        states=[StateRecord("06", "Land 06")],
        districts=[
            DistrictRecord("06411", "Darmstadt, Wissenschaftsstadt", "41"),
            DistrictRecord("06431", "Bergstraße", "44"),
        ],
        municipalities=[
            MunicipalityRecord(
                line=4,
                ags="06411000",
                association="0000",
                official_name="Darmstadt, Wissenschaftsstadt",
                text_code="61",
                population=164792,
                male=82396,
                area_km2=Decimal("122.07"),
                postal_code="64283",
                district_name="Darmstadt",
            ),
            MunicipalityRecord(
                line=5,
                ags="06431002",
                association="0000",
                official_name="Bensheim, Stadt",
                text_code="63",
                population=41758,
                male=20879,
                area_km2=Decimal("57.83"),
                postal_code="64625",
                district_name="Bergstraße",
            ),
        ],
        errors=[],
    )


def test_a_record_tells_its_short_name_kind_keys_and_area() -> None:
    darmstadt, bensheim = read(gv100ad([DARMSTADT, BENSHEIM])).municipalities
    assert (bensheim.short_name, bensheim.kind, bensheim.land) == ("Bensheim", "town", "06")
    assert (bensheim.district_ags, bensheim.ars) == ("06431", "064310000002")
    assert (bensheim.area_ha, darmstadt.kind) == (5783, "city_district")
    unknown = read(text(*_with_blank_numbers())).municipalities[0]
    assert (unknown.area_ha, unknown.population, unknown.male) == (None, None, None)


def _with_blank_numbers() -> list[str]:
    return [
        line("40", "06431", "Bergstraße", "44"),
        line("60", "06431002", "Bensheim, Stadt", "63", association="0000"),
    ]


def test_kinds_are_those_of_the_eligibility_rules() -> None:
    assert set(KIND_OF_TEXT_CODE.values()) == {kind.value for kind in Kind}


def test_a_district_tells_whether_it_is_a_town() -> None:
    darmstadt, bergstrasse = read(gv100ad([DARMSTADT, BENSHEIM])).districts
    assert (darmstadt.short_name, darmstadt.is_city) == ("Darmstadt", True)
    assert (bergstrasse.short_name, bergstrasse.is_city) == ("Bergstraße", False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp850", "latin-1"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_every_encoding_and_line_end_of_the_editions_is_read(encoding: str, end: str) -> None:
    place = ("06431099", "Groß-Üöäß", "64", 100, "64625", 12)
    file = read(gv100ad([place, BENSHEIM], encoding=encoding, end=end))
    assert file.errors == []
    assert [m.official_name for m in file.municipalities] == ["Groß-Üöäß", "Bensheim, Stadt"]
    assert [m.population for m in file.municipalities] == [12, 41758]


def test_in_doubt_bytes_are_latin1() -> None:
    assert encoding_of(b"Ren\xe9") == "latin-1"


def test_cut_trailing_blanks_and_a_dos_end_of_file_do_no_harm() -> None:
    whole = read(gv100ad([BENSHEIM, FOREST]))
    lines = [text.rstrip() for text in gv100ad_lines([BENSHEIM, FOREST])]
    short = ("\n".join(["", *lines[:1], "", *lines[1:]]) + "\n\x1a").encode()
    file = read(short)
    assert file.errors == []
    assert [(m.ags, m.population) for m in file.municipalities] == [
        (m.ags, m.population) for m in whole.municipalities
    ]


def test_records_of_regions_and_associations_are_known_and_not_kept() -> None:
    lines = gv100ad_lines([BENSHEIM])
    lines[1:1] = [
        line("20", "064", "Reg.-Bez. Darmstadt"),
        line("30", "0641", "Region"),
        line("50", "06431", "Bensheim, Stadt", "50", association="0002"),
    ]
    file = read(text(*lines))
    assert (broken(file), len(file.municipalities)) == ([], 1)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("x" * 221, "Die Zeile hat 221 statt höchstens 220 Zeichen."),
        (line("70", "06431002", "Bensheim"), "Unbekannte Satzart „70“."),
        (
            municipality_line(BENSHEIM, territory=date(2023, 12, 31)),
            "Der Gebietsstand 31.12.2023 weicht von dem der Datei (31.12.2024) ab.",
        ),
        (
            municipality_line(BENSHEIM).replace("20241231", "20241331"),
            "Der Gebietsstand „20241331“ ist kein Datum (JJJJMMTT).",
        ),
        (
            municipality_line(BENSHEIM).replace("20241231", "2024A231"),
            "Der Gebietsstand „2024A231“ ist kein Datum (JJJJMMTT).",
        ),
        (
            municipality_line(("0643100X", *BENSHEIM[1:])),
            "Der Gemeindeschlüssel besteht nicht aus acht Ziffern.",
        ),
        (
            municipality_line(("٠٦٤٣١٠٠٢", *BENSHEIM[1:])),
            "Der Gemeindeschlüssel besteht nicht aus acht Ziffern.",
        ),
        (
            municipality_line(("17431002", *BENSHEIM[1:])),
            "Der Schlüssel 17431002 gehört zu keinem Land.",
        ),
        (
            municipality_line(("06499001", *BENSHEIM[1:])),
            "Der Kreis 06499 fehlt in der Datei.",
        ),
        (municipality_line((BENSHEIM[0], "", *BENSHEIM[2:])), "Der Name fehlt."),
        (
            municipality_line((BENSHEIM[0], "Bensheim", "99", *BENSHEIM[3:])),
            "Unbekanntes Textkennzeichen „99“.",
        ),
        (
            municipality_line((*BENSHEIM[:4], "6462X", BENSHEIM[5])),
            "Die Postleitzahl „6462X“ hat nicht fünf Ziffern.",
        ),
        (
            municipality_line(BENSHEIM).replace("00000041758", "000000O1758"),
            "Im Feld Bevölkerung steht „000000O1758“ statt einer Zahl.",
        ),
        (
            municipality_line(BENSHEIM, male=41759),
            "Es sind mehr männliche als Einwohner insgesamt angegeben.",
        ),
        (
            line("60", "06431002", "Bensheim", "63", association="00"),
            "Der Schlüssel des Gemeindeverbands besteht nicht aus vier Ziffern.",
        ),
        (line("40", "06", "Bergstraße", "44"), "Der Schlüssel „06“ passt nicht zur Satzart 40."),
        (line("10", "17", "Atlantis"), "Der Schlüssel 17 gehört zu keinem Land."),
        (line("40", "06432", "", "44"), "Der Name fehlt."),
        (line("40", "06432", "Darmstadt-Dieburg", "99"), "Unbekanntes Textkennzeichen „99“."),
        (
            municipality_line(BIBLIS),
            "Der Schlüssel 06431003 steht schon in Zeile 3.",
        ),
    ],
)
def test_a_broken_line_is_named_with_number_and_reason(bad: str, reason: str) -> None:
    file = read(text(*gv100ad_lines([BIBLIS]), bad))
    assert broken(file) == [(4, reason)]
    assert [m.ags for m in file.municipalities] == ["06431003"]


def test_a_line_cut_off_anywhere_holds_whole_fields_or_is_named() -> None:
    """Never a part of a figure: of 41.758 people a cut line makes 41.758, none, or a fault."""
    line = municipality_line(BENSHEIM)
    before = gv100ad_lines([BIBLIS])
    whole = read(text(*before, line)).municipalities[-1]
    for cut in range(1, len(line)):
        file = read(text(*before, line[:cut]))
        if broken(file):
            assert [m.ags for m in file.municipalities] == [BIBLIS[0]], cut
            continue
        found = file.municipalities[-1]
        kept = [
            (name, value)
            for name, value in asdict(found).items()
            if value not in (None, "", getattr(whole, name))
        ]
        assert (found.ags, kept) == (whole.ags, []), cut


def test_an_error_shows_the_beginning_of_its_line() -> None:
    bad = municipality_line(("0643100X", "Bensheim,\tStadt", *BENSHEIM[2:]))
    (error,) = read(text(*gv100ad_lines([BIBLIS]), bad)).errors
    assert error.land == "06"
    assert str(error) == (
        "Zeile 4: Der Gemeindeschlüssel besteht nicht aus acht Ziffern. "
        "„60202412310643100X0000Bensheim, Stadt 63 000000057830000004175800000020879 64625“"
    )
    assert len(read(text(*gv100ad_lines([BIBLIS]), "x" * 300)).errors[0].excerpt) == 80


def test_areas_without_a_district_get_one_of_their_own() -> None:
    waters = ("13000999", "Küstengewässer", "66", 0, "", 0)
    lines = [line("10", "13", "Mecklenburg-Vorpommern"), municipality_line(waters)]
    file = read(text(*lines))
    assert file.errors == []
    assert file.municipalities[0].district_name == "ohne Kreis (Mecklenburg-Vorpommern)"
    assert file.districts == [DistrictRecord("13000", "ohne Kreis (Mecklenburg-Vorpommern)", "")]


# --- What is no register ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"ags;name\n06431002;Bensheim\n" * 100,
        b"\x00\xff" * 5000,
        municipality_line(BENSHEIM).encode(),  # a municipality without its district, alone
    ],
)
def test_other_text_is_no_register(data: bytes) -> None:
    with pytest.raises(RegisterError, match="keine Datei des Gemeindeverzeichnisses"):
        read(data)


def test_old_excel_files_are_refused_with_the_way_out() -> None:
    with pytest.raises(RegisterError, match="als ungeschützte XLSX-Datei speichern"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match="gibt es nicht"):
        read(tmp_path / "GV100AD.ASC")


def test_the_content_counts_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "gemeinden.asc"
    path.write_bytes(xlsx())
    assert read(path).format == "XLSX"
    path.write_bytes(gv100ad([BENSHEIM]))
    assert read(str(path)).format == "GV100AD"
    with path.open("rb") as stream:
        assert read(stream).format == "GV100AD"


# --- XLSX -----------------------------------------------------------------------------------------


def test_a_workbook_becomes_records(tmp_path: Path) -> None:
    path = tmp_path / "gv.xlsx"
    path.write_bytes(xlsx())
    file = read_xlsx(path)
    assert file == RegisterFile(
        format="XLSX",
        territory_as_of=date(2024, 12, 31),
        states=[StateRecord("06", "Hessen")],
        districts=[
            DistrictRecord("06411", "Darmstadt, Wissenschaftsstadt", "41"),
            DistrictRecord("06431", "Bergstraße", "44"),
        ],
        municipalities=[
            MunicipalityRecord(
                line=11,
                ags="06411000",
                association="0000",
                official_name="Darmstadt, Wissenschaftsstadt",
                text_code="61",
                population=164792,
                male=84206,
                area_km2=Decimal("122.07"),
                postal_code="64283",
                lat=Decimal("49.872238"),
                lon=Decimal("8.653838"),
                district_name="Darmstadt",
            ),
            MunicipalityRecord(
                line=13,
                ags="06431002",
                association="0002",
                official_name="Bensheim, Stadt",
                text_code="63",
                population=41758,
                male=20000,
                area_km2=Decimal("57.83"),
                postal_code="64625",
                lat=Decimal("49.680002"),
                lon=Decimal("8.622171"),
                district_name="Bergstraße",
            ),
        ],
        errors=[],
        population_as_of=date(2023, 12, 31),
        basis="Zensus 2022",
    )


def test_the_territory_date_may_stand_in_the_title_alone() -> None:
    header = [*HEADER[:4], (), ()]
    file = read(xlsx(header=header))
    assert (file.territory_as_of, file.population_as_of) == (date(2024, 12, 31), None)
    nameless = read(xlsx(header=[("Gemeinden",), *header[1:]]))
    assert (nameless.territory_as_of, len(nameless.municipalities)) == (None, 2)


def test_numbers_for_keys_get_their_zeros_back() -> None:
    row = (60, 63, 6, 4, 31.0, 2, 2, *BENSHEIM_ROW[7:13], 64625, 8.622171, 49.680002)
    file = read(xlsx([*DISTRICT_ROWS, row]))
    assert file.errors == []
    assert file.municipalities[1].ars == "064310002002"
    assert file.municipalities[1].lon == Decimal("8.622171")


def test_an_area_without_a_centre_has_no_coordinates() -> None:
    row = (*BENSHEIM_ROW[:8], None, None, None, None, None, None, "0", None)
    bensheim = read(xlsx([*DISTRICT_ROWS, row])).municipalities[1]
    assert (bensheim.lat, bensheim.lon, bensheim.area_km2, bensheim.population) == (None,) * 4


def changed(column: int, value: object) -> tuple[object, ...]:
    row = list(BENSHEIM_ROW)
    row[column] = value
    return tuple(row)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (changed(0, "70"), "Unbekannte Satzart „70“."),
        (changed(0, None), "Unbekannte Satzart „“."),
        (changed(2, "17"), "Der Schlüssel 17 gehört zu keinem Land."),
        (changed(6, "0X2"), "Der Gemeindeschlüssel besteht nicht aus acht Ziffern."),
        (changed(6, None), "Der Gemeindeschlüssel besteht nicht aus acht Ziffern."),
        (changed(5, "x"), "Der Schlüssel des Gemeindeverbands besteht nicht aus vier Ziffern."),
        (changed(1, "99"), "Unbekanntes Textkennzeichen „99“."),
        (changed(7, None), "Der Name fehlt."),
        (changed(13, "6462X"), "Die Postleitzahl „6462X“ hat nicht fünf Ziffern."),
        (changed(9, "viele"), "Im Feld Bevölkerung steht „viele“ statt einer Zahl."),
        (changed(9, "4_1"), "Im Feld Bevölkerung steht „4_1“ statt einer Zahl."),
        (changed(9, "٤١"), "Im Feld Bevölkerung steht „٤١“ statt einer Zahl."),
        (changed(9, True), "Im Feld Bevölkerung steht „True“ statt einer Zahl."),
        (changed(9, -1), "Im Feld Bevölkerung steht „-1“ statt einer Zahl."),
        (changed(9, 41758.5), "Im Feld Bevölkerung steht „41758.5“ statt einer Zahl."),
        (changed(8, -1), "Die Fläche ist negativ."),
        (changed(10, 41759), "Es sind mehr männliche als Einwohner insgesamt angegeben."),
        (
            changed(14, "49,680002"),
            "Längengrad 49.680002 liegt nicht in Deutschland (Spalten vertauscht?).",
        ),
        (("40", "44", "06", "4", "3", "", "", "X" * 0), "Der Name fehlt."),
        (
            ("40", "44", "06", None, "31", "", "", "Nirgends"),
            "Der Kreisschlüssel besteht nicht aus fünf Ziffern.",
        ),
        (("40", "99", "06", "4", "32", "", "", "Nirgends"), "Unbekanntes Textkennzeichen „99“."),
    ],
)
def test_a_broken_row_is_named_with_number_and_reason(row: tuple[object, ...], reason: str) -> None:
    file = read(xlsx([*DISTRICT_ROWS, row]))
    assert broken(file) == [(13, reason)]
    assert [m.ags for m in file.municipalities] == ["06411000"]


def test_a_lone_text_between_the_data_is_an_error_and_after_them_a_footnote() -> None:
    file = read(xlsx([*DISTRICT_ROWS, ("Bensheim",), BENSHEIM_ROW], footnotes=FOOTNOTES))
    assert file.errors == [LineError(13, "Die Zeile steht zwischen den Daten.", "Bensheim")]


def test_a_workbook_of_something_else_is_no_register() -> None:
    with pytest.raises(RegisterError, match="Kein Tabellenblatt"):
        read(xlsx(header=[], rows=[("ags", "name")] * 30))
    with pytest.raises(RegisterError, match="Kein Tabellenblatt"):
        read(xlsx(header=HEADER[:3], rows=[("60",)], footnotes=[]))


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_archives_that_are_no_workbook_are_refused() -> None:
    with pytest.raises(RegisterError, match="keine Excel-Arbeitsmappe"):
        read(zipped(text=b"hello"))
    with pytest.raises(RegisterError, match="beschädigt"):
        read(zipped(**{"xl/workbook.xml": b"<broken"}))
    with pytest.raises(RegisterError, match="beschädigt"):
        read(b"PK\x03\x04 and then nothing")


def test_a_workbook_cut_off_in_its_data_is_refused() -> None:
    parts = {}
    with zipfile.ZipFile(io.BytesIO(xlsx())) as archive:
        for name in archive.namelist():
            parts[name] = archive.read(name)
    parts["xl/worksheets/sheet2.xml"] = parts["xl/worksheets/sheet2.xml"][:-200]
    with pytest.raises(RegisterError, match="beschädigt"):
        read(zipped(**parts))


def test_an_endless_sheet_is_refused() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx()))
    book.worksheets[1].cell(row=60_001, column=1, value="60")
    file = io.BytesIO()
    book.save(file)
    with pytest.raises(RegisterError, match="mehr als 60000 Zeilen"):
        read(file.getvalue())


def test_a_zip_bomb_is_not_opened() -> None:
    bomb = zipped(**{"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": bytes(65 * 1024 * 1024)})
    assert len(bomb) < 100_000
    tracemalloc.start()
    with pytest.raises(RegisterError, match="entpackt 65 MB groß; zulässig sind 64 MB"):
        read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


# --- The real files -------------------------------------------------------------------------------


def test_the_whole_german_gv100ad_file_is_read_in_little_memory() -> None:
    path = real("GV100AD_301121.ASC")
    tracemalloc.start()
    file = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    hesse = [m for m in file.municipalities if m.land == "06"]
    assert (file.territory_as_of, file.errors) == (date(2021, 11, 30), [])
    assert (len(file.states), len(file.districts), len(file.municipalities)) == (16, 402, 10997)
    assert len(hesse) == 426
    assert sum(m.population or 0 for m in hesse) == 6_293_154
    assert peak < 60_000_000


@pytest.mark.parametrize(
    ("name", "day", "population_as_of", "basis", "count", "hessian"),
    [
        (
            "AuszugGV4QAktuell_2024.xlsx",
            date(2024, 12, 31),
            date(2023, 12, 31),
            "Zensus 2011",
            10959,
            425,
        ),
        ("31122021_Auszug_GV.xlsx", date(2021, 12, 31), date(2021, 12, 31), "", 10997, 426),
    ],
)
def test_the_real_workbooks_are_read(
    name: str, day: date, population_as_of: date, basis: str, count: int, hessian: int
) -> None:
    file = real_register(name)
    assert (file.territory_as_of, file.population_as_of, file.basis) == (
        day,
        population_as_of,
        basis,
    )
    assert (file.errors, len(file.municipalities)) == ([], count)
    hesse = {m.ags: m for m in file.municipalities if m.land == "06"}
    assert len(hesse) == hessian
    assert len({m.short_name for m in hesse.values()}) == hessian
    hanau = hesse["06435014"]
    assert (hanau.lat, hanau.lon) == (Decimal("50.135573"), Decimal("8.915189"))


def test_both_formats_agree_on_hesse() -> None:
    text_file = real_register("GV100AD_301121.ASC")
    book = real_register("31122021_Auszug_GV.xlsx")

    def essence(file: RegisterFile) -> dict[str, tuple[object, ...]]:
        return {
            m.ags: (m.official_name, m.kind, m.ars, m.postal_code, m.district_name)
            for m in file.municipalities
            if m.land == "06"
        }

    assert essence(text_file) == essence(book)


def test_alzey_is_a_town_though_its_text_code_says_large_district_town() -> None:
    assert read(gv100ad([ALZEY])).municipalities[0].kind == "town"
