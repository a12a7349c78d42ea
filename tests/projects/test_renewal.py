"""Contacts end and ask for their renewal; without an answer nobody sees them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kiv_portal.models import Erasure, OutboxMail
from projects.models import Contact, DirectoryChange
from projects.services import confirm_contact, contacts
from tests.factories import NOW, ContactFactory
from tests.world import staff

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 16)


def asked(client: Client | None = None, **fields: object) -> tuple[Contact, str]:
    """A contact that was asked, and the path of its link."""
    contact: Contact = ContactFactory(expires_on=TODAY + timedelta(days=60), **fields)
    contacts.ask_for_renewal("", NOW)
    mail = OutboxMail.objects.get(recipient=contact.email)
    contact.refresh_from_db()
    path = "/kontakt/bestaetigen/" + mail.read().partition("/kontakt/bestaetigen/")[2].split()[0]
    return contact, path


def test_a_contact_is_asked_before_its_end_and_once_more() -> None:
    contact, path = asked()
    ContactFactory(expires_on=TODAY + timedelta(days=61))  # not yet
    ContactFactory(expires_on=TODAY + timedelta(days=5), email="")  # no way to ask
    ContactFactory(expires_on=TODAY - timedelta(days=1))  # over: staff see it
    ContactFactory(expires_on=TODAY, hidden=True)
    endless = ContactFactory(confirmed_on=date(2022, 5, 1), email="alt@kommune.example")
    contacts.ask_for_renewal("", NOW + timedelta(days=29))
    assert (
        OutboxMail.objects.filter(recipient=contact.email, key__contains=contact.nonce).count() == 1
    )
    contacts.ask_for_renewal("", NOW + timedelta(days=30))
    assert OutboxMail.objects.filter(key__contains=contact.nonce).count() == 2
    endless.refresh_from_db()
    assert endless.expires_on == TODAY + timedelta(days=29 + 60)
    mail = OutboxMail.objects.filter(key__contains=contact.nonce).earliest("pk")
    assert (mail.subject, mail.private) == ("Stimmt der Kontakt zum Projekt noch?", True)
    assert contact.email not in path


def test_the_link_confirms_for_another_year_and_then_serves_no_more(client: Client) -> None:
    contact, path = asked()
    page = client.get(path)
    assert (page.status_code, contact.person in page.content.decode()) == (200, True)
    contact.refresh_from_db()
    assert contact.expires_on == TODAY + timedelta(days=60)  # looking changes nothing
    assert "ist bestätigt" in client.post(path, {"aktion": "bestaetigen"}).content.decode()
    contact.refresh_from_db()
    assert contact.expires_on == contact.confirmed_on + timedelta(days=365)
    gone, unknown = client.get(path), client.get("/kontakt/bestaetigen/irgendwas/")
    text = gone.content.decode().replace(path, "/kontakt/bestaetigen/irgendwas/")
    assert (gone.status_code, text) == (404, unknown.content.decode())
    assert contact.email not in text


def test_a_wish_waits_for_staff_and_publishes_nothing(client: Client) -> None:
    contact, path = asked()
    assert client.post(path, {"aktion": "aendern", "wunsch": " "}).status_code == 422
    assert client.post(path, {"aktion": "unsinn"}).status_code == 422
    wish = "Neue Nummer: 06151 99"
    assert (
        "ist angekommen"
        in client.post(path, {"aktion": "aendern", "wunsch": wish}).content.decode()
    )
    contact.refresh_from_db()
    assert (contact.wish, contact.phone) == (wish, "06151 12345")
    assert wish not in client.get(f"/projekte/{contact.project.slug}/").content.decode()
    confirm_contact(project=contact.project, on=TODAY, by=None, at=NOW)
    contact.refresh_from_db()
    assert contact.wish == ""


def test_removed_means_erased_at_once_with_its_history(client: Client) -> None:
    contact, path = asked()
    assert contact.email in client.get(f"/projekte/{contact.project.slug}/").content.decode()
    assert "ist gelöscht" in client.post(path, {"aktion": "entfernen"}).content.decode()
    assert not Contact.objects.exists()
    assert not Contact.history.exists()
    assert Erasure.objects.get().rule == "removed_by_contact"
    for address in (f"/projekte/{contact.project.slug}/", "/projekte/", "/projekte.json"):
        assert contact.email not in client.get(address).content.decode()
    assert DirectoryChange.objects.filter(subject="contact").count() == 1
    assert client.post(path, {"aktion": "bestaetigen"}).status_code == 404


def test_without_an_answer_it_is_gone_from_page_list_and_twins(client: Client) -> None:
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - the request's clock is the real one
    contact = ContactFactory(expires_on=yesterday, email="weg@kommune.example")
    slug = contact.project.slug
    for address in (
        f"/projekte/{slug}/",
        "/projekte/",
        "/projekte.csv",
        "/projekte.json",
        "/projekte.geojson",
        "/projekte.atom",
    ):
        response = client.get(address)
        assert response.status_code == 200
        content = b"".join(response) if response.streaming else response.content
        assert b"weg@kommune.example" not in content, address


def test_staff_see_what_waits(client: Client, settings: object) -> None:
    settings.PORTAL_DEMO = True  # type: ignore[attr-defined]
    ContactFactory(wish="Neue Nummer")
    ContactFactory(expires_on=date(2020, 1, 1))
    today = timezone.localdate()
    for days in (0, 30, 31):
        ContactFactory(expires_on=today + timedelta(days=days))
    client.force_login(staff("Verwaltung"))
    to_do = {task["label"]: task for task in client.get("/admin/").context["to_do"]}
    told = {
        label.removeprefix("Kontakte: "): (task["count"], task["word"], task["first"])
        for label, task in to_do.items()
        if label.startswith("Kontakte: ")
    }
    assert told == {
        "Änderung gewünscht": (1, "", None),
        "zu erneuern, enden in den nächsten 30 Tagen": (2, "bis", today),
        "abgelaufen, nicht mehr gezeigt": (1, "gezeigt bis", date(2020, 1, 1)),
    }
    soon = to_do["Kontakte: zu erneuern, enden in den nächsten 30 Tagen"]["href"]
    assert len(client.get(soon).context["cl"].result_list) == 2
    for query in ("wunsch=ja", "expires_on__lt=2021-01-01"):
        listed = client.get(f"/admin/projects/contact/?{query}")
        assert (listed.status_code, "1 Kontakt" in listed.content.decode()) == (200, True)
