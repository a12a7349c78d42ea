"""Reporting a barrier: without an account or script, kept only as mail, not to be flooded."""

from datetime import timedelta

import lxml.html
import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from kiv_portal import outbox, services
from kiv_portal.models import Authority, OutboxMail

# Pages alone; that each opens on PostgreSQL too is tried in test_access.
pytestmark = [pytest.mark.django_db, pytest.mark.sweep]
ADDRESS = "/barrierefreiheit/melden/"
REPORT = {
    "message": "Die Karte liest mein Programm nicht vor.\nBitte \u201emit Text\u201c & <b>.",
    "page": "Projekte",
    "reply_to": "leserin@post.example",
    "website": "",
}


@pytest.fixture(autouse=True)
def _nobody_was_here_before() -> None:
    cache.clear()


@pytest.fixture
def authority() -> Authority:
    return Authority.objects.create(pk=1, name="Behörde", help_email="hilfe@behoerde.example")


def shown(response: HttpResponse) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(response.content.decode())


def text(response: HttpResponse) -> str:
    return " ".join(shown(response).text_content().split())


def test_a_report_becomes_one_mail_and_nothing_else(client: Client, authority: Authority) -> None:
    response = client.post(ADDRESS, REPORT)
    assert (response.status_code, response.headers["Location"]) == (
        302,
        "/barrierefreiheit/gemeldet/",
    )
    (row,) = OutboxMail.objects.all()
    assert (row.recipient, row.subject, row.private) == (
        "hilfe@behoerde.example",
        "Barriere gemeldet",
        True,
    )
    assert row.read() == (
        "Guten Tag,\n\nüber das KIV-Portal wurde eine Barriere gemeldet.\n\n"
        "Seite: Projekte\nAntwort an: leserin@post.example\n\n"
        "Meldung:\nDie Karte liest mein Programm nicht vor.\nBitte \u201emit Text\u201c & <b>.\n\n"
        "Diese Meldung wurde nur als E-Mail verschickt. Das Portal bewahrt sie nicht auf.\n"
    )
    outbox.work_once({}, timezone.now() + timedelta(seconds=1))
    assert [message.to for message in mail.outbox] == [["hilfe@behoerde.example"]]
    row.refresh_from_db()
    assert row.read() == ""


def test_page_and_address_need_not_be_told(client: Client, authority: Authority) -> None:
    client.post(ADDRESS, REPORT | {"page": "", "reply_to": ""})
    body = OutboxMail.objects.get().read()
    assert "Seite: nicht genannt\nAntwort an: keine Antwort gewünscht\n" in body


def test_an_address_of_its_own_goes_before_the_one_for_help(
    client: Client, authority: Authority
) -> None:
    Authority.objects.update(accessibility_email="barriere@behoerde.example")
    client.post(ADDRESS, REPORT)
    assert OutboxMail.objects.get().recipient == "barriere@behoerde.example"


def test_the_form_is_stored_by_nobody_and_asks_no_session(
    client: Client, authority: Authority
) -> None:
    response = client.get(ADDRESS)
    assert "no-store" in response.headers["Cache-Control"]
    assert set(response.cookies) == {"csrftoken"}
    assert not client.get("/barrierefreiheit/gemeldet/").cookies


def test_without_a_text_nothing_is_sent_and_nothing_typed_is_lost(
    client: Client, authority: Authority
) -> None:
    response = client.post(ADDRESS, REPORT | {"message": "", "reply_to": "kein-at"})
    assert response.status_code == 422
    page = shown(response)
    assert page.findtext(".//title").startswith("Fehler: ")
    assert page.xpath("//*[@role='alert']//a/@href") == ["#id_message", "#id_reply_to"]
    assert page.xpath("//input[@name='page']/@value") == ["Projekte"]
    assert page.xpath("//input[@name='reply_to']/@value") == ["kein-at"]
    assert not OutboxMail.objects.exists()


def test_a_program_that_fills_in_everything_sends_nothing(
    client: Client, authority: Authority
) -> None:
    response = client.post(ADDRESS, REPORT | {"website": "https://reklame.example"})
    assert response.headers["Location"] == "/barrierefreiheit/gemeldet/"
    assert not OutboxMail.objects.exists()


def test_the_sixth_report_in_an_hour_from_one_address_waits(
    client: Client, authority: Authority
) -> None:
    for _ in range(5):
        assert client.post(ADDRESS, REPORT).status_code == 302
    response = client.post(ADDRESS, REPORT)
    assert response.status_code == 429
    assert "Ihre Meldung ist nicht abgeschickt" in text(response)
    assert "Die Karte liest mein Programm" in shown(response).findtext(".//textarea")
    assert OutboxMail.objects.count() == 5
    elsewhere = client.post(ADDRESS, REPORT, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 302


def test_a_form_without_its_protection_comes_back_with_all_that_was_typed(
    authority: Authority,
) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(ADDRESS, REPORT)
    assert response.status_code == 403
    assert "Bitte schicken Sie ihn noch einmal ab." in text(response)
    assert "Die Karte liest mein Programm" in shown(response).findtext(".//textarea")
    token = shown(response).xpath("//input[@name='csrfmiddlewaretoken']/@value")[0]
    assert client.post(ADDRESS, REPORT | {"csrfmiddlewaretoken": token}).status_code == 302


def test_without_an_address_the_form_is_not_offered(client: Client) -> None:
    response = client.get(ADDRESS)
    assert shown(response).xpath("//main//form") == []
    assert "Das Formular ist noch nicht eingerichtet" in text(response)
    sent = client.post(ADDRESS, REPORT)
    assert sent.status_code == 409
    assert "Ihr Text steht noch unten." in text(sent)


def test_the_address_of_a_reporter_is_forgotten_after_an_hour(
    client: Client, authority: Authority
) -> None:
    client.post(ADDRESS, REPORT, REMOTE_ADDR="192.0.2.9")
    assert sum("192.0.2.9" in key for key in cache_keys()) == 1
    services.forget_expired(timezone.now())
    assert sum("192.0.2.9" in key for key in cache_keys()) == 1
    assert services.forget_expired(timezone.now() + timedelta(minutes=61)) > 0
    assert [key for key in cache_keys() if "192.0.2.9" in key] == []


def cache_keys() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM portal_cache")
        return [key for (key,) in cursor.fetchall()]
