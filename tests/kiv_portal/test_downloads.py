"""Downloads: entries that staff keep, files that are what they say, nothing before its time."""

from datetime import date
from pathlib import Path

import lxml.html
import pikepdf
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings

from kiv_portal.middleware import FILE_POLICY
from kiv_portal.models import Download
from municipalities import permissions
from tests import world

pytestmark = pytest.mark.django_db
PDF = "application/pdf"


def entry(**fields: object) -> Download:
    return Download.objects.create(**{"title": "Werkzeugkoffer", **fields})


def with_file(name: str = "koffer.pdf", content_type: str = PDF, **fields: object) -> Download:
    content = ContentFile(b"%PDF-1.7" + b" " * 1_300_000, name=name)
    return entry(file=content, content_type=content_type, size=1_300_008, **fields)


def pdf(path: Path) -> bytes:
    made = pikepdf.new()
    made.add_blank_page()
    made.save(path / "neu.pdf")
    return (path / "neu.pdf").read_bytes()


def test_the_page_shows_what_can_be_opened_and_says_what_it_is(client: Client) -> None:
    entry(title="Nur ein Titel")
    entry(title="Zurückgehalten", address="https://land.example/z", is_public=False)
    with_file(
        kind="Arbeitshilfe",
        description="Für die Praxis.",
        dated_on=date(2022, 5, 1),
        accessible=False,
        accessibility_note="gescannte Seiten",
        alternative="Fragen Sie nach einer Fassung als Text.",
        position=2,
    )
    entry(title="Richtlinie", address="https://land.example/r", position=1)
    page = lxml.html.document_fromstring(client.get("/downloads/").content.decode())
    items = [" ".join(item.text_content().split()) for item in page.xpath("//main//ul/li")]
    assert items == [
        "Richtlinie Dokument · auf einer anderen Website Barrierefreiheit noch nicht geprüft",
        "Werkzeugkoffer (PDF, 1,2 MB) Für die Praxis. Arbeitshilfe · Stand: 1. Mai 2022 "
        "Nicht barrierefrei: gescannte SeitenStattdessen: Fragen Sie nach einer Fassung als Text.",
    ]
    pk = Download.objects.get(title="Werkzeugkoffer").pk
    assert page.xpath("//main//h2/a/@href") == [
        "https://land.example/r",
        f"/downloads/{pk}/koffer.pdf",
    ]


def test_a_file_comes_as_what_it_is_without_a_cookie(client: Client) -> None:
    response = client.get(with_file().href)
    assert response.status_code == 200
    assert b"".join(response).startswith(b"%PDF-1.7")
    assert response.headers["Content-Type"] == PDF
    assert response.headers["Content-Disposition"] == 'inline; filename="koffer.pdf"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == FILE_POLICY
    assert not response.cookies


def test_what_a_browser_does_not_show_by_itself_is_saved(client: Client) -> None:
    kind = "application/vnd.oasis.opendocument.text"
    response = client.get(with_file("koffer.odt", kind).href)
    list(response)
    assert response.headers["Content-Disposition"] == 'attachment; filename="koffer.odt"'


def test_an_earlier_name_leads_to_the_file_of_today(client: Client) -> None:
    now = with_file()
    response = client.get(f"/downloads/{now.pk}/alt.pdf")
    assert (response.status_code, response.headers["Location"]) == (302, now.href)


def test_what_is_not_published_is_not_there(client: Client) -> None:
    hidden = with_file(is_public=False)
    gone = with_file("weg.pdf")
    gone.file.storage.delete(gone.file.name)
    elsewhere = entry(address="https://land.example/r")
    addresses = [hidden.href, gone.href, f"/downloads/{elsewhere.pk}/x", "/downloads/0/x"]
    assert {client.get(address).status_code for address in addresses} == {404}


@pytest.mark.parametrize(
    "fields",
    [
        {"file": "downloads/a.pdf", "content_type": PDF, "size": 1, "address": "https://a.example"},
        {"file": "downloads/a.pdf"},
        {"size": 5},
        {"accessible": False},
    ],
)
def test_the_database_holds_to_what_an_entry_must_be(fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        entry(**fields)


# --- At the desk ----------------------------------------------------------------------------------

FORM = {
    "title": "Werkzeugkoffer",
    "kind": "Arbeitshilfe",
    "description": "",
    "address": "",
    "dated_on": "2022-05-01",
    "accessible": "unknown",
    "accessibility_note": "",
    "alternative": "",
    "is_public": "on",
    "position": "1",
}
ADD = "/admin/portal/download/add/"


@pytest.fixture
def keeper(client: Client, settings: Settings) -> Client:
    settings.PORTAL_DEMO = True
    client.force_login(world.staff(permissions.ADMINISTER))
    return client


def errors(response: object) -> list[str]:
    page = lxml.html.document_fromstring(response.content.decode())  # type: ignore[attr-defined]
    return [item.text_content() for item in page.xpath("//ul[contains(@class,'errorlist')]/li")]


def test_staff_add_a_file_and_the_portal_finds_out_what_it_is(
    keeper: Client, tmp_path: Path
) -> None:
    assert "Koffer_2022.pdf" not in Client().get("/downloads/").content.decode()
    content = pdf(tmp_path)
    upload = SimpleUploadedFile("Koffer 2022.pdf", content, content_type="text/html")
    response = keeper.post(ADD, FORM | {"file": upload})
    assert response.status_code == 302
    made = Download.objects.get()
    assert (made.content_type, made.size, made.file_name) == (PDF, len(content), "Koffer_2022.pdf")
    assert made.history.count() == 1
    assert Client().get("/downloads/").content.decode().count("Koffer_2022.pdf") == 1


def test_an_entry_without_file_or_address_can_be_kept_and_is_not_shown(keeper: Client) -> None:
    assert keeper.post(ADD, FORM).status_code == 302
    assert "Hier steht noch nichts bereit" in Client().get("/downloads/").content.decode()


def test_a_file_that_goes_takes_its_type_and_size_along(keeper: Client) -> None:
    made = with_file()
    address = f"/admin/portal/download/{made.pk}/change/"
    assert keeper.post(address, FORM | {"file-clear": "on"}).status_code == 302
    made.refresh_from_db()
    assert (made.file.name, made.content_type, made.size) == ("", "", 0)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            {"accessible": "false"},
            "Bitte schreiben Sie, warum der Inhalt nicht barrierefrei ist.",
        ),
        ({"address": "ftp://land.example/r"}, "Die Adresse beginnt mit https://."),
        ({"title": ""}, "Dieses Feld ist zwingend erforderlich."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    keeper: Client, typed: dict[str, str], said: str
) -> None:
    assert errors(keeper.post(ADD, FORM | typed)) == [said]
    assert not Download.objects.exists()


def test_file_and_address_at_once_are_refused(keeper: Client, tmp_path: Path) -> None:
    upload = SimpleUploadedFile("a.pdf", pdf(tmp_path))
    response = keeper.post(ADD, FORM | {"file": upload, "address": "https://land.example/r"})
    assert errors(response) == ["Bitte geben Sie eine Datei oder eine Adresse an, nicht beides."]


def test_a_page_disguised_as_a_document_is_refused(keeper: Client) -> None:
    upload = SimpleUploadedFile("a.pdf", b"<html><script>alert(1)</script>")
    (said,) = errors(keeper.post(ADD, FORM | {"file": upload}))
    assert said.startswith("Der Inhalt der Datei passt nicht zur Endung „.pdf“")
    assert not Download.objects.exists()
