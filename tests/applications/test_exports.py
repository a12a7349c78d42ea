"""Tables of the desk: real amounts and days, no formula, no lost text, no private mail."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from lxml import etree
from openpyxl import load_workbook
from tablib import Dataset

from applications import services
from applications.admin.exports import TABLES
from applications.models import Application, CallBudget, Snapshot
from applications.resources import CaseTable, PlanTable, ReportTable
from applications.rules import Step
from applications.services import snapshots
from municipalities.models import AccountEvent, EventKind
from municipalities.permissions import ADMINISTER, AUDIT, PEOPLE, READ, REVIEW, SIGN
from projects.models import Contact
from projects.resources.spreadsheets import FORMATS, ODS_COLUMN
from projects.resources.tables import ContactTable, ProjectTable
from tests import world
from tests.factories import NOW, ContactFactory, UserFactory

ADDRESS = "/admin/applications/application/ausgabe/"
DAY = date(2026, 11, 16)
FORMULAS = (
    "=1+1",
    "+49 6151",
    "-Vielfalt-",
    "@SUM(A1)",
    "=cmd|'/C calc'!A0",
    "\t=1",
    "\n=1",
    "＝1",
    "'=1",
    " =1",
)


@pytest.fixture
def w(settings: Any) -> world.World:
    settings.PORTAL_DEMO = True
    return world.build()


def rows_of(table: Any) -> list[dict[str, Any]]:
    """The rows by the names of their columns."""
    found: list[dict[str, Any]] = table.export().dict
    return found


def exported(data: Dataset, kind: str) -> bytes:
    return FORMATS[kind]().export_data(data)


# --- No formula, and nothing lost -----------------------------------------------------------------


def test_no_text_is_a_formula_in_xlsx_and_none_is_lost():
    data = Dataset(*[(text,) for text in FORMULAS], headers=["text"], title="Probe")
    sheet = load_workbook(io.BytesIO(exported(data, "xlsx"))).active
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert [cell.data_type for cell in cells] == ["s"] * len(FORMULAS)
    assert [cell.value for cell in cells] == list(FORMULAS)
    assert [cell.quotePrefix for cell in cells[:4]] == [True] * 4


def test_no_text_is_a_formula_in_ods_and_none_is_lost():
    data = Dataset(*[(text,) for text in FORMULAS], headers=["text"], title="Probe")
    with zipfile.ZipFile(io.BytesIO(exported(data, "ods"))) as packed:
        content = packed.read("content.xml").decode()
    assert "formula" not in content
    kinds = re.findall(r'office:value-type="(\w+)"', content)
    assert set(kinds) <= {"string"}
    namespaces = {
        "t": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "x": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    }
    rows = etree.fromstring(content.encode()).iterfind(".//t:table-row", namespaces)
    marks = {"tab": "\t", "s": " "}
    read = []
    for row in [*rows][1:]:
        lines = []
        for line in row.iterfind(".//x:p", namespaces):
            parts = [line.text or ""]
            for mark in line:
                name = etree.QName(mark).localname
                parts += [marks[name], mark.tail or ""]
            lines.append("".join(parts))
        read.append("\n".join(lines))
    assert read == list(FORMULAS)


def test_in_csv_an_apostrophe_stands_in_front_and_the_text_behind_it():
    data = Dataset(*[(text,) for text in FORMULAS], headers=["text"], title="Probe")
    text = exported(data, "csv").decode("utf-8-sig")
    cells = [row[0] for row in csv.reader(io.StringIO(text, newline=""), delimiter=";")][1:]
    assert cells == [f"'{text}" for text in FORMULAS]


def test_amounts_and_days_are_real_ones():
    values = (Decimal("1234.50"), date(2027, 7, 1), 2027, None, "Text")
    data = Dataset(values, headers=list("abcde"), title="Probe")
    amount, day, year, nothing, text = next(
        load_workbook(io.BytesIO(exported(data, "xlsx"))).active.iter_rows(min_row=2)
    )
    assert (amount.value, amount.data_type, "€" in amount.number_format) == (1234.5, "n", True)
    assert (day.value, day.is_date) == (datetime(2027, 7, 1), True)  # noqa: DTZ001
    assert (year.value, nothing.value, text.value) == (2027, None, "Text")
    with zipfile.ZipFile(io.BytesIO(exported(data, "ods"))) as packed:
        content = packed.read("content.xml").decode()
    assert 'office:value-type="float"' in content
    assert 'office:value="1234.50"' in content
    assert 'office:date-value="2027-07-01"' in content
    # Every table has its columns before its rows; ODF 1.3, part 3, 9.1.2.
    assert f'"Probe">{"".join(ODS_COLUMN.format(number=n) for n in range(5))}<table:table-h' in (
        content
    )
    assert exported(data, "csv").decode("utf-8-sig").splitlines()[1] == (
        "1234,50;2027-07-01;2027;;Text"
    )


def test_a_column_is_wide_enough_for_its_longest_cell():
    """Else an amount is shown as „###“ when the file is opened."""
    rows = [(Decimal("1234567.50"), "Kurz", "x" * 500), (None, "Zwei\nZeilen", date(2027, 7, 1))]
    data = Dataset(*rows, headers=["betrag", "n", "text"], title="Probe")
    sheet = load_workbook(io.BytesIO(exported(data, "xlsx"))).active
    assert [sheet.column_dimensions[letter].width for letter in "ABC"] == [16, 8, 60]
    with zipfile.ZipFile(io.BytesIO(exported(data, "ods"))) as packed:
        content = packed.read("content.xml").decode()
    assert re.findall(r'column-width="(\w+)"', content) == ["32mm", "16mm", "120mm"]


# --- What the tables hold -------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_case_with_its_decision_and_its_plan(w):
    case = world.published(w)
    (row,) = rows_of(CaseTable(w.call))
    assert row == {
        "antragsnummer": case.reference,
        "geschaeftszeichen": "II 25 – 1",
        "aufruf": "Testaufruf",
        "kommune": "Musterstadt",
        "ags": "06431901",
        "kreis": "Landkreis Bergstraße",
        "partner": "",
        "projekt": "Vielfalt in Musterstadt",
        "status": "bewilligt",
        "eingegangen": DAY,
        "weg": "Portal",
        "nach_fristende": "nein",
        "beantragt": Decimal("18000.00"),
        "bewilligt": Decimal("18000.00"),
        "zuwendungsfaehig": Decimal("20000.00"),
        "beginn": date(2027, 7, 1),
        "ende": date(2028, 12, 31),
        "entschieden": DAY,
        "bekannt_gegeben": date(2026, 11, 17),
        "oeffentlich": "ja",
    }
    plan = rows_of(PlanTable())
    assert [(line["seite"], line["haushaltsjahr"], line["betrag"]) for line in plan] == [
        ("Ausgabe", 2027, Decimal("10000.00")),
        ("Ausgabe", 2028, Decimal("10000.00")),
        ("Deckung", 2027, Decimal("9000.00")),
        ("Deckung", 2027, Decimal("1000.00")),
        ("Deckung", 2028, Decimal("9000.00")),
        ("Deckung", 2028, Decimal("1000.00")),
    ]
    assert {line["traegt"] for line in plan} == {"", "Musterstadt"}
    (project,) = rows_of(ProjectTable(w.call.round))
    assert (project["ags"], project["zuwendung"], project["beginn"], project["zurueckgezogen"]) == (
        "06431901",
        "über 10.000 bis 20.000 €",
        date(2027, 7, 1),
        None,
    )


@pytest.mark.django_db
def test_nobody_reads_what_is_being_typed_or_not_filed(w):
    world.draft(w)
    assert rows_of(CaseTable()) == []
    case = world.requested(w)
    world.save(case, Step.KONZEPTION, {"title": "Noch nicht abgesendet"}, w.clerk)
    assert [row["projekt"] for row in rows_of(CaseTable())] == ["Vielfalt in Musterstadt"]
    # Where no amount was typed, none is told.
    last = case.snapshots.order_by("number").last()
    payload = json.loads(last.payload)
    payload["steps"]["finanzierung"]["expenses"][0]["amount"] = None
    altered = Snapshot(version=last.version, payload=json.dumps(payload))
    lines = [*PlanTable.lines_of("KIV", snapshots.read(altered))]
    assert [line[7] for line in lines][:2] == [None, Decimal("10000.00")]


@pytest.mark.django_db
def test_the_report_counts_and_adds_up_for_one_call(w):
    CallBudget.objects.create(
        call=w.call, year=2027, funds=Decimal("50000.00"), commitment=Decimal("10000.00")
    )
    CallBudget.objects.create(
        call=w.call, year=2028, funds=Decimal("50000.00"), commitment=Decimal("50000.00")
    )
    world.granted(w)
    rows = {
        (row["kennzahl"], row["haushaltsjahr"]): row["anzahl"] or row["betrag"]
        for row in rows_of(ReportTable(w.call))
    }
    expected = {
        ("eingegangen", None): 1,
        ("Stand: bewilligt", None): 1,
        ("Haushaltsmittel", 2027): Decimal("50000.00"),
        ("beantragt", 2027): Decimal("9000"),
        ("bewilligt", 2028): Decimal("9000.00"),
        ("Haushaltsmittel frei", 2027): Decimal("41000.00"),
    }
    assert {key: rows[key] for key in expected} == expected


@pytest.mark.django_db
def test_contacts_are_those_the_public_sees_and_no_table_holds_a_private_address(w):
    case = world.published(w)
    words = world.words(person="Frau Kanarie", person_email="kanarie@privat.example")
    services.confirm_entry(application=case, words=words, by=w.clerk, at=NOW)
    ContactFactory(hidden=True, email="verborgen@kommune.example")
    ContactFactory(expires_on=date(2026, 11, 15), email="vorbei@kommune.example")
    contacts = rows_of(ContactTable(DAY))
    assert [(row["email"], row["person"]) for row in contacts] == [
        ("vielfalt@musterstadt.example", "")
    ]
    for table in (CaseTable(), PlanTable(), ProjectTable(), ContactTable(DAY), ReportTable(w.call)):
        text = exported(table.export(), "csv").decode()
        for address in (
            "privat.example",
            "integration@",
            "kaemmerei@",
            w.clerk.email,
            w.reviewer.email,
            "verborgen@",
            "DE89",
        ):
            assert address not in text, (table.name, address)
    assert Contact.objects.count() == 3


@pytest.mark.django_db
def test_a_table_asks_as_much_for_one_case_as_for_three(w, django_assert_num_queries):
    world.submitted(w)
    with django_assert_num_queries(1):
        CaseTable().export()
    for number in (1, 2):
        world.another(w, number)
    with django_assert_num_queries(1):
        assert len(CaseTable().export()) == 3
    assert Application.objects.count() == 3


# --- The page -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_everybody_who_reads_the_desk_may_take_every_table_in_every_format(w, client: Client):
    world.submitted(w)
    client.force_login(w.reader)
    assert client.get(ADDRESS).status_code == 200
    for table in TABLES:
        for kind, begin in (("xlsx", b"PK"), ("ods", b"PK"), ("csv", b"\xef\xbb\xbf")):
            query = {"tabelle": table.name, "format": kind, "aufruf": w.call.pk}
            answer = client.get(ADDRESS, query)
            assert (answer.status_code, answer.content[: len(begin)]) == (200, begin), query
            name = re.search(r'filename="([^"]+)"', answer["Content-Disposition"])
            assert name is not None
            assert re.fullmatch(rf"kiv-{table.name}-\d{{4}}-\d\d-\d\d\.{kind}", name[1])
    first = AccountEvent.objects.filter(kind=EventKind.TABLE_TAKEN).order_by("pk")[0]
    assert (first.by, first.detail) == (w.reader, "Anträge (XLSX), Testaufruf; Zeilen: 1")
    assert AccountEvent.objects.filter(kind=EventKind.TABLE_TAKEN).count() == 3 * len(TABLES)
    without = client.get(ADDRESS, {"tabelle": "bericht", "format": "csv"})
    assert (without.status_code, set(without.context["form"].errors)) == (422, {"aufruf"})
    wrong = client.get(ADDRESS, {"tabelle": "nichts", "format": "exe", "aufruf": "0"})
    assert (wrong.status_code, set(wrong.context["form"].errors)) == (
        422,
        {"tabelle", "format", "aufruf"},
    )


@pytest.mark.django_db
def test_nobody_else_takes_a_table(w, client: Client):
    wanted = {"tabelle": "antraege", "format": "csv"}
    for role, status in (
        (READ, 200),
        (REVIEW, 200),
        (SIGN, 200),
        (ADMINISTER, 200),
        (AUDIT, 200),
        (PEOPLE, 403),
    ):
        client.force_login(world.staff(role))
        assert client.get(ADDRESS, wanted).status_code == status, role
    client.force_login(UserFactory())
    assert client.get(ADDRESS, wanted).status_code == 302


def test_the_columns_are_documented_as_they_are():
    documented = Path(django_settings.BASE_DIR, "docs/exports.md").read_text(encoding="utf-8")
    for table in TABLES:
        part = documented.partition(f"## {table.title} (`{table.name}`)\n")[2].partition("\n## ")[0]
        found = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", part, re.MULTILINE))
        assert found == dict(table.columns), table.name
