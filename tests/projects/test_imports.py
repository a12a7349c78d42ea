"""Tables read in again: as exported they change nothing; else what was shown, or nothing."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook

from municipalities.models import AccountEvent
from municipalities.permissions import ADMINISTER, READ
from projects.models import Contact, DirectoryChange, Project
from projects.resources import harmless
from projects.resources.imports import read_table
from projects.resources.sheets import MAX_ROWS, SheetRefused, read, restored
from projects.resources.spreadsheets import FORMATS
from projects.resources.tables import ContactTable, ProjectTable
from projects.services import open_project, publish, tables
from tests.factories import (
    NOW,
    ContactFactory,
    FundingRoundFactory,
    MunicipalityFactory,
    StaffFactory,
)

ON = date(2026, 11, 16)
PROJECTS, CONTACTS = "/admin/projects/project/", "/admin/projects/contact/"
ODD = "=SUMME(A1) – „Vielfalt“; Teil 'A'"


@pytest.fixture
def project(db: None) -> Project:
    found = open_project(
        title=ODD,
        round=FundingRoundFactory(number=2),
        amif=True,
        summary="Text",
        unit="-Stabsstelle-",
        members=[
            {"municipality": MunicipalityFactory(short_name="Hünfelden", ags="06533008"),
             "declared_population": 9_800},
            {"municipality": MunicipalityFactory(short_name="Selters (Taunus)", ags="06533013"),
             "declared_population": None},
        ],
        starts_on=date(2020, 1, 1),
        ends_on=date(2020, 12, 31),
        source="Programmseite",
        amount_class="to_20",
        by=None,
        at=NOW,
    )  # fmt: skip
    publish(project=found, by=None, at=NOW)
    ContactFactory(
        project=found, person="Frau =1", person_until=date(2026, 11, 1), phone="+49 6126 1",
        email="Info@Huenfelden.example", basis="Programmseite", confirmed_on=date(2022, 5, 1),
    )  # fmt: skip
    return found


@pytest.fixture
def keeper(client: Client, settings: Any, db: None) -> Any:
    settings.PORTAL_DEMO = True
    user = StaffFactory(roles=[ADMINISTER])
    client.force_login(user)
    return user


def lines(table: Any, **changes: str) -> bytes:
    """The exported table as CSV, with other cells in its first row."""
    rows = list(csv.DictReader(io.StringIO(exported(table).decode("utf-8-sig")), delimiter=";"))
    rows[0].update(changes)
    return as_csv(*rows)


def as_csv(*rows: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def exported(table: Any, kind: str = "csv") -> bytes:
    data: bytes = FORMATS[kind]().export_data(table.export())
    return data


def upload(client: Client, page: str, content: bytes, name: str = "tabelle.csv") -> Any:
    file = SimpleUploadedFile(name, content)
    data = {"import_file": file, "format": "0", "resource": "0"}
    return client.post(f"{page}import/", data)


def confirm(client: Client, page: str, preview: Any) -> Any:
    form = preview.context["confirm_form"]
    hidden = {name: form[name].value() or "" for name in form.fields}
    return client.post(f"{page}process_import/", hidden, follow=True)


def told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


# --- Reading --------------------------------------------------------------------------------------


def test_the_apostrophe_that_was_put_in_front_goes_and_no_other():
    for text in ("=1", "'=1", "''=1", "' =1", "-Vielfalt-", "'Hallo'", "Text", "'", " =1", "\t=1"):
        assert restored(harmless(text)) == text, text
    assert restored("=1") == "=1"


def test_what_is_no_table_is_refused_in_words():
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", bytes(33 * 1024 * 1024))
    odd = io.BytesIO()
    with zipfile.ZipFile(odd, "w") as packed:
        packed.writestr("content.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    head = "projekt;adresse\n"
    for data, words in (
        (b"", "leer"),
        ("projekt;adresse\nMühle;x".encode("latin-1"), "Zeile 2: Die Umlaute sind nicht in UTF-8"),
        (head.encode("utf-16"), "UTF-16"),
        (b"projekt,adresse\n", "durch Kommas getrennt"),
        (b"projekt\tadresse\n", "durch Tabulatoren getrennt"),
        (f'{head}"a;b\n'.encode(), "Anführungszeichen"),
        (head.encode() + b"\0", "keine Tabelle"),
        (b"PK\x03\x04kaputt", "beschädigt"),
        (bomb.getvalue(), "entpackt 33 MB groß"),
        (odd.getvalue(), "beschädigt"),
        ((head + "a;b\n" * (MAX_ROWS + 1)).encode(), "mehr als 5000 Zeilen"),
    ):
        with pytest.raises(SheetRefused, match=words):
            read(data)
    for header, words in (
        ("antragsnummer;projekt", "Anträge erfassen"),
        ("projekt;straße;adresse", "„straße“"),
        ("projekt;runde", "„adresse“ fehlt"),
        ("adresse;projekt;projekt", "zweimal"),
        ("adresse;projekt", "keine Zeile"),
    ):
        with pytest.raises(SheetRefused, match=words):
            read_table(header.encode(), ProjectTable)


def test_a_cell_that_is_not_what_its_column_holds_is_told_with_line_and_column():
    book = Workbook()
    book.active.append(["adresse", "telefon", "bestaetigt", "person"])
    book.active.append(["x", 4961261, "gestern", "=1+1"])
    out = io.BytesIO()
    book.save(out)
    found = read_table(out.getvalue(), ContactTable)
    assert [str(fault).partition(".")[0] for fault in found.faults] == [
        "Zeile 2, Spalte „telefon“: Die Nummer steht als Zahl da",
        "Zeile 2, Spalte „bestaetigt“: „gestern“ ist kein Datum",
        "Zeile 2, Spalte „person“: Hier steht eine Formel",
    ]
    (row,) = read_table(b"adresse;ags;amif;beginn\nx;6533008, 06533013;Ja;31.12.2027",
                        ProjectTable).rows  # fmt: skip
    assert row.values == {
        "adresse": "x",
        "ags": ("06533008", "06533013"),
        "amif": True,
        "beginn": date(2027, 12, 31),
    }


# --- Round trip and changes -----------------------------------------------------------------------


def test_a_table_as_it_was_exported_changes_nothing_in_any_format(project):
    for kind in FORMATS:
        plan = tables.plan_projects(read_table(exported(ProjectTable(), kind), ProjectTable).rows)
        assert (plan.faults, plan.changes, plan.unchanged) == ([], [], 1), kind
        rows = read_table(exported(ContactTable(ON), kind), ContactTable).rows
        plan = tables.plan_contacts(rows, ON)
        assert (plan.faults, plan.changes, plan.unchanged) == ([], [], 1), kind


def test_projects_change_as_the_preview_showed_with_history_and_log(project, keeper, client):
    MunicipalityFactory(short_name="Runkel", ags="06533011")
    changed = lines(
        ProjectTable(), projekt="Vielfalt", ags="06533013, 06533011", kommunen="", ende="31.03.2021"
    )
    new = "Neu in Runkel;;2;06533011;nein\r\n"
    preview = upload(client, PROJECTS, changed)
    assert [
        (one.column, one.old, one.new)
        for one in preview.context["result"].plan.changes[0].differences
    ] == [
        ("projekt", ODD, "Vielfalt"),
        ("ags", "06533008, 06533013", "06533013, 06533011"),
        ("ende", "31.12.2020", "31.03.2021"),
    ]
    done = confirm(client, PROJECTS, preview)
    assert told(done) == ["Tabelle eingelesen. geändert: 1; neu: 0; gleich: 0."]
    project.refresh_from_db()
    assert (project.title, project.places) == ("Vielfalt", "Selters (Taunus) und Runkel")
    assert project.search_key.count("vielfalt") == 1
    last = project.history.first()
    assert (last.history_user, last.history_change_reason) == (
        keeper,
        "Tabelle eingelesen: tabelle.csv",
    )
    event = AccountEvent.objects.get(kind="table_read")
    assert (event.by, event.detail) == (
        keeper,
        "Projekte: tabelle.csv; geändert: 1; neu: 0; gleich: 0",
    )
    assert DirectoryChange.objects.get(kind="changed").subject == "project"

    preview = upload(client, PROJECTS, f"projekt;adresse;runde;ags;amif\r\n{new}".encode())
    confirm(client, PROJECTS, preview)
    opened = Project.objects.get(title="Neu in Runkel")
    assert (opened.is_public, opened.places, opened.amif) == (False, "Runkel", False)
    again = upload(client, PROJECTS, f"projekt;adresse;runde;ags;amif\r\n{new}".encode())
    assert again.context["result"].reasons == [
        "Zeile 2, Spalte „projekt“: Dieses Projekt gibt es schon."
    ]
    assert "Jetzt einlesen" not in again.content.decode()


def test_contacts_change_as_shown_and_a_person_named_no_longer_is_in_no_version(
    project, keeper, client
):
    contact = Contact.objects.get()
    contact.person_until = None
    contact.save()
    changed = lines(ContactTable(ON), person="", telefon="06126 22", stelle="'=Amt für Vielfalt")
    done = confirm(client, CONTACTS, upload(client, CONTACTS, changed))
    assert told(done) == ["Tabelle eingelesen. geändert: 1; neu: 0; gleich: 0."]
    contact.refresh_from_db()
    project.refresh_from_db()
    assert (contact.person, contact.phone, contact.phone_e164) == ("", "06126 22", "+49612622")
    assert project.unit == "=Amt für Vielfalt"
    assert set(contact.history.values_list("person", flat=True)) == {""}
    assert contact.history.first().history_user == keeper
    told_of = DirectoryChange.objects.filter(kind="changed").values_list("subject", flat=True)
    assert sorted(told_of) == ["contact", "project"]
    event = AccountEvent.objects.get(kind="table_read")
    assert (event.by, event.user, event.detail) == (
        keeper,
        keeper,
        "Kontakte: tabelle.csv; geändert: 1; neu: 0; gleich: 0",
    )
    for person in ("Frau Eins", "Frau Zwei"):
        confirm(client, CONTACTS, upload(client, CONTACTS, lines(ContactTable(ON), person=person)))
    assert set(contact.history.values_list("person", flat=True)) == {"", "Frau Zwei"}


def test_a_table_brings_back_neither_a_person_whose_consent_is_over_nor_an_erased_contact(project):
    def faults(**cells: str) -> list[str]:
        rows = read_table(as_csv(older | cells), ContactTable).rows
        return [str(fault) for fault in tables.plan_contacts(rows, ON).faults]

    text = exported(ContactTable(date(2026, 10, 1))).decode("utf-8-sig")
    (older,) = csv.DictReader(io.StringIO(text), delimiter=";")
    over = (
        "Zeile 2, Spalte „person“: Die Einwilligung endete am 01.11.2026; eine neue bitte beim "
        "Projekt eintragen."
    )
    assert faults() == [over]
    assert faults(person="Herr Anders") == [over]
    assert faults(person="") == []
    Contact.objects.update(person_until=ON)  # its last day
    assert faults() == []
    Contact.objects.all().delete()
    gone = (
        "Dieses Projekt hat keinen Kontakt (mehr). Eine Tabelle ändert Kontakte nur; ein neuer "
        "wird beim Projekt eingetragen."
    )
    assert faults() == [f"Zeile 2, Spalte „person“: {gone}"]
    assert faults(person="") == [f"Zeile 2, Spalte „email“: {gone}"]
    rest = dict.fromkeys(("person", "email", "telefon", "grundlage", "bestaetigt"), "")
    assert faults(**rest, stelle="Amt für Vielfalt") == []


def test_what_must_not_be_is_told_row_by_row_and_nothing_happens(project, keeper, client):
    Project.objects.update(from_application=True)
    table = lines(ProjectTable(), amif="nein")
    case = "Zeile 2, Spalte „amif“: Dieses Projekt kommt aus einem Antrag. Seine Angaben ändern"
    assert upload(client, PROJECTS, table).context["result"].reasons[0].startswith(case)
    Project.objects.update(from_application=False)
    for page, table, column, words in (
        (PROJECTS, lines(ProjectTable(), projekt=""), "projekt", "fehlt"),
        (PROJECTS, lines(ProjectTable(), runde="9"), "runde", "Förderrunde 9 gibt es nicht"),
        (PROJECTS, lines(ProjectTable(), runde=""), "runde", "fehlt"),
        (PROJECTS, lines(ProjectTable(), amif=""), "amif", "„ja“ oder „nein“"),
        (PROJECTS, lines(ProjectTable(), amif="vielleicht"), "amif", "„ja“ oder „nein“"),
        (PROJECTS, lines(ProjectTable(), zuwendung="12000"), "zuwendung", "Möglich sind"),
        (PROJECTS, lines(ProjectTable(), ags="06999999"), "ags", "gibt es nicht"),
        (PROJECTS, lines(ProjectTable(), ags=""), "ags", "Ohne Kommune"),
        (PROJECTS, lines(ProjectTable(), ags="06533008,06533008"), "ags", "zweimal"),
        (PROJECTS, lines(ProjectTable(), kommunen="Bonn"), "kommunen", "folgen aus"),
        (PROJECTS, lines(ProjectTable(), ende="2019-01-01"), "ende", "vor dem Beginn"),
        (PROJECTS, lines(ProjectTable(), zurueckgezogen="2026-01-01"), "zurueckgezogen", "Keine"),
        (PROJECTS, lines(ProjectTable(), adresse="/projekte/nein/"), "adresse", "kein Projekt"),
        (PROJECTS, lines(ProjectTable(), projekt="x" * 301), "projekt", "Höchstens 300"),
        (PROJECTS, b"adresse;quelle\r\n;neu\r\n", "projekt", "neues Projekt"),
        (CONTACTS, lines(ContactTable(ON), projekt="Anderes"), "projekt", "verrutscht"),
        (CONTACTS, lines(ContactTable(ON), email="", telefon=""), "email", "Gelöscht"),
        (CONTACTS, lines(ContactTable(ON), email="kein"), "email", "keine E-Mail"),
        (CONTACTS, lines(ContactTable(ON), grundlage=""), "grundlage", "Worauf beruht"),
        (CONTACTS, lines(ContactTable(ON), bestaetigt=""), "bestaetigt", "Wann"),
        (CONTACTS, lines(ContactTable(ON), bestaetigt="01.01.2999"), "bestaetigt", "Zukunft"),
        (CONTACTS, lines(ContactTable(ON), gezeigt_bis="2021-01-01"), "gezeigt_bis", "vor der"),
        (CONTACTS, lines(ContactTable(ON), adresse=""), "adresse", "fehlt"),
    ):
        rows = read_table(table, ProjectTable if page == PROJECTS else ContactTable)
        plan = (
            tables.plan_projects(rows.rows)
            if page == PROJECTS
            else tables.plan_contacts(rows.rows, ON)
        )
        found = [str(fault) for fault in (*rows.faults, *plan.faults)]
        begin = f"Zeile 2, Spalte „{column}“: "
        assert any(one.startswith(begin) and words in one for one in found), (column, words, found)
    twice = as_csv(
        *[{"adresse": project.slug, "quelle": "a"}, {"adresse": project.slug, "quelle": "b"}]
    )
    (reason,) = upload(client, PROJECTS, twice).context["result"].reasons
    assert reason == "Zeile 3, Spalte „adresse“: Diese Adresse steht schon in Zeile 2."
    assert Project.objects.get().history.count() == 2


def test_confirmed_is_only_what_was_shown(project, keeper, client):
    preview = upload(client, PROJECTS, lines(ProjectTable(), quelle="Neue Quelle"))
    Project.objects.update(source="Inzwischen anders")
    answer = confirm(client, PROJECTS, preview)
    assert told(answer) == [
        "Nichts wurde eingelesen. Die Angaben haben sich seit der Vorschau geändert. "
        "Bitte neu hochladen."
    ]
    assert Project.objects.get().source == "Inzwischen anders"
    page = client.get(f"{CONTACTS}import/").content.decode()
    assert "Anträge und Finanzierungspläne werden nicht eingelesen" in page
    assert "/admin/applications/application/erfassen/" in page
    large = upload(client, PROJECTS, b"x" * (5 * 1024 * 1024 + 1))
    assert large.context["form"].errors["import_file"] == ["Die Datei ist größer als 5 MB."]
    client.force_login(StaffFactory(roles=[READ]))
    assert upload(client, PROJECTS, b"x").status_code == 403
