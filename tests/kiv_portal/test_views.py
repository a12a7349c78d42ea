"""The portal's own pages: public ones alike for everybody, errors in German, health, the desk."""

import errno
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lxml.html
import psycopg
import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from botocore.exceptions import ClientError
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import InternalError, OperationalError, connection
from django.db.models import CharField, TextField
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from pytest_django import Settings

from applications.models import FundingCall
from kiv_portal.desk import used_second_factor
from kiv_portal.middleware import ArrivalMiddleware
from kiv_portal.models import Authority
from kiv_portal.views import dial, figures
from tests.factories import (
    PASSWORD,
    FundingCallFactory,
    MunicipalityFactory,
    ProjectFactory,
    StaffFactory,
    UserFactory,
)

# Pages alone; that each opens on PostgreSQL too is tried in test_access.
pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

PUBLIC = [
    "/",
    "/hilfe/",
    "/kontakt/",
    "/downloads/",
    "/impressum/",
    "/datenschutz/",
    "/barrierefreiheit/",
    "/barrierefreiheit/gemeldet/",
    "/leichte-sprache/",
    "/gebaerdensprache/",
]
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@pytest.fixture
def authority() -> Authority:
    return Authority.objects.create(
        pk=1,
        name="Regierungspräsidium Musterstadt",
        department="Dezernat 1",
        street="Musterstr. 1",
        postal_code="64283",
        city="Musterstadt",
        help_name="Frau Muster",
        help_phone="06151-125524",
        help_email="hilfe@behoerde.example",
    )


def page(response: HttpResponse) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(response.content.decode())


def text(response: HttpResponse) -> str:
    return " ".join(page(response).text_content().split())


def sign_in(client: Client, user: Any, *methods: str) -> None:
    """Sign in as after a password and, with „mfa", a second factor in this session."""
    client.force_login(user)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": method} for method in methods]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


# --- Public pages -------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_page_is_german_and_has_one_heading(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    shown = page(response)
    assert shown.get("lang") == "de"
    assert len(shown.xpath("//h1")) == 1
    assert "KIV-Portal" in shown.findtext(".//title")
    assert len(shown.xpath("//main[@id='inhalt']")) == 1
    assert shown.xpath("//a[@class='skip-link']/@href") == ["#inhalt"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_page_is_the_same_for_everybody_and_sets_no_cookie(
    client: Client, address: str
) -> None:
    anonymous = client.get(address)
    assert not anonymous.cookies
    assert "Cookie" not in anonymous.headers.get("Vary", "")
    assert "no-store" not in anonymous.headers.get("Cache-Control", "")
    client.force_login(StaffFactory())
    signed_in = client.get(address)
    assert signed_in.content == anonymous.content
    assert not signed_in.cookies


@pytest.mark.parametrize("address", PUBLIC)
def test_no_link_of_a_public_page_is_dead(
    client: Client, authority: Authority, address: str
) -> None:
    shown = page(client.get(address))
    for href in shown.xpath("//a/@href"):
        link, _, part = href.partition("#")
        if link.startswith("/") and part:  # a place on another page
            there = page(client.get(link))
            assert len(there.xpath("//*[@id=$id]", id=part)) == 1, href
        link = link or href
        if link.startswith("#"):
            assert len(shown.xpath("//*[@id=$id]", id=link[1:])) == 1, link
        elif link.startswith("/"):
            try:
                resolve(link)
            except Resolver404:
                pytest.fail(f"{address} links to {link}, which does not exist")
        else:
            assert link.startswith(("mailto:", "tel:")), link


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_page_is_only_read(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405
    assert client.trace(address).status_code == 405


def test_the_page_one_is_on_is_marked_in_the_navigation(client: Client) -> None:
    current = page(client.get("/hilfe/")).xpath("//nav//a[@aria-current]")
    assert [(link.get("href"), link.get("aria-current")) for link in current] == [
        ("/hilfe/", "page")
    ]


def test_the_demo_says_that_it_is_one(client: Client, settings: Settings) -> None:
    assert "Demonstration." not in text(client.get("/"))
    settings.PORTAL_DEMO = True
    assert "Demonstration." in text(client.get("/"))


# --- The start page -----------------------------------------------------------------------------


def test_home_names_the_open_call_and_its_end(client: Client) -> None:
    FundingCallFactory(title="Aufruf 2027", closes_at=datetime(2099, 3, 31, 22, tzinfo=UTC))
    shown = text(client.get("/"))
    assert "Anträge sind möglich" in shown
    assert "Aufruf 2027 – Anträge bis 31. März 2099, 24:00 Uhr" in shown
    assert "Angaben nach: Aufruf 2027." in shown


def test_home_says_that_an_open_call_has_no_deadline(client: Client) -> None:
    FundingCallFactory(title="Dauerhaft", closing_note="Bis die Mittel verbraucht sind.")
    shown = text(client.get("/"))
    assert "Dauerhaft – ohne Frist" in shown
    assert "Bis die Mittel verbraucht sind." in shown


def test_home_announces_the_next_call(client: Client) -> None:
    opens = timezone.now() + timedelta(days=9)
    FundingCallFactory(title="Aufruf 2028", opens_at=opens)
    shown = text(client.get("/"))
    assert "Aufruf angekündigt" in shown
    assert "Aufruf 2028 – Anträge ab" in shown


def test_home_links_to_the_calendar_of_a_call_with_something_to_come(client: Client) -> None:
    def calendars() -> list[str]:
        return [link for link in page(client.get("/")).xpath("//a/@href") if ".ics" in link]

    call = FundingCallFactory(closes_at=None)
    assert calendars() == []
    FundingCall.objects.filter(pk=call.pk).update(closes_at=datetime(2099, 3, 31, 22, tzinfo=UTC))
    assert calendars() == [f"/foerder-aufrufe/{call.pk}.ics"]
    FundingCall.objects.filter(pk=call.pk).update(opens_at=datetime(2099, 1, 1, tzinfo=UTC))
    assert calendars() == [f"/foerder-aufrufe/{call.pk}.ics"]
    assert client.get(calendars()[0])["Content-Type"].startswith("text/calendar")


def test_home_describes_portal_and_funding_for_search_engines(client: Client) -> None:
    def described() -> list[dict[str, Any]]:
        [written] = page(client.get("/")).xpath("//script[@type='application/ld+json']/text()")
        graph: list[dict[str, Any]] = json.loads(written)["@graph"]
        return graph

    website, whole, service = described()
    assert (whole["@type"], whole["about"]) == ("WebPage", {"@id": service["@id"]})
    assert (website["@type"], website["name"]) == ("WebSite", "KIV-Portal")
    search = website["potentialAction"]["target"]["urlTemplate"]
    assert search == f"{settings.PORTAL_ADDRESS}/projekte/?q={{search_term_string}}"
    assert service["@type"] == "GovernmentService"
    assert service["serviceOperator"]["name"] == "Regierungspräsidium Darmstadt"
    assert "hoursAvailable" not in service
    FundingCallFactory(title="Aufruf 2027", closes_at=datetime(2099, 3, 31, 22, tzinfo=UTC))
    assert described()[2]["hoursAvailable"] == {
        "@type": "OpeningHoursSpecification",
        "description": "Anträge zu: Aufruf 2027",
        "validFrom": "2026-01-01T09:00:00+01:00",
        "validThrough": "2099-04-01T00:00:00+02:00",
    }


def test_home_is_silent_about_a_call_nobody_has_opened(client: Client) -> None:
    FundingCallFactory(title="Geheim", opened_at=None)
    shown = text(client.get("/"))
    assert "Zurzeit kein Aufruf" in shown
    assert "Geheim" not in shown
    assert "Angaben nach der Beschreibung des Programms." in shown


def test_home_draws_funded_municipalities_apart(client: Client) -> None:
    funded = MunicipalityFactory(latitude="50.1", longitude="8.6")
    MunicipalityFactory(latitude="51.0", longitude="9.0")
    MunicipalityFactory(latitude=None, longitude=None)
    ProjectFactory(towns=[funded])
    hidden = MunicipalityFactory(latitude="49.9", longitude="8.9")
    ProjectFactory(towns=[hidden], published_at=None)
    response = client.get("/")
    others, apart = page(response).xpath("//path/@d")
    assert (others.count("M"), apart.count("M")) == (2, 1)
    assert "1 Kommunen" not in text(response)
    assert "Eine Kommune wurde bisher gefördert" in text(response)


def test_home_counts_the_projects_of_every_round_and_all_together(client: Client) -> None:
    first, second = MunicipalityFactory(), MunicipalityFactory()
    one = ProjectFactory(towns=[first, second])
    ProjectFactory(towns=[first], round=one.round)
    ProjectFactory(towns=[second], published_at=None)
    shown = text(client.get("/"))
    assert shown.count("2 Projekte in 2 Kommunen") == 2


def test_home_asks_the_database_little(client: Client, django_assert_num_queries: Any) -> None:
    FundingCallFactory()
    ProjectFactory.create_batch(3)
    with django_assert_num_queries(6):
        client.get("/")


def test_figures_say_only_what_a_call_says() -> None:
    call = FundingCallFactory.build(min_partners=2, max_partners=2)
    assert [value for value, _ in figures(call)] == [
        "10.000 bis 50.000",
        "2 Partner",
        "12 bis 18 Monate",
        "bis 30.000 €",
    ]
    bare = FundingCallFactory.build(
        joint_allowed=False, duration_min=None, duration_max=None, cap=None
    )
    assert [value for value, _ in figures(bare)] == ["10.000 bis 50.000"]
    assert [value for value, _ in figures(None)] == ["10.000 bis 50.000", "1 bis 2 Partner"]


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        (datetime(2027, 3, 31, 22, tzinfo=UTC), "31. März 2027, 24:00 Uhr"),
        (datetime(2026, 12, 31, 23, tzinfo=UTC), "31. Dezember 2026, 24:00 Uhr"),
        (datetime(2027, 6, 30, 10, 0, tzinfo=UTC), "30. Juni 2027, 12:00 Uhr"),
    ],
)
def test_midnight_belongs_to_the_day_that_ends(instant: datetime, said: str) -> None:
    assert FundingCall(closes_at=instant).until() == said


# --- Contact, downloads, legal pages ------------------------------------------------------------


def test_contact_names_telephone_mail_and_post(client: Client, authority: Authority) -> None:
    response = client.get("/kontakt/")
    links = page(response).xpath("//main//a/@href")
    assert "tel:+496151125524" in links
    assert "mailto:hilfe@behoerde.example" in links
    for line in ("Frau Muster", "06151-125524", "Musterstr. 1", "64283 Musterstadt"):
        assert line in text(response)


def test_contact_is_honest_while_nothing_is_entered(client: Client) -> None:
    assert "Noch keine Kontaktangaben" in text(client.get("/kontakt/"))


def test_contact_marks_what_is_missing(client: Client) -> None:
    Authority.objects.create(pk=1, name="Behörde")
    shown = text(client.get("/kontakt/"))
    assert "[Angabe fehlt: Telefon und E-Mail]" in shown
    assert "[Angabe fehlt: Anschrift]" in shown


@pytest.mark.parametrize(
    ("number", "link"), [("06151-125524", "+496151125524"), ("", ""), ("auf Anfrage", "")]
)
def test_a_number_is_dialled_only_when_it_is_one(number: str, link: str) -> None:
    assert dial(number) == link


def test_downloads_without_any_says_whom_to_ask(client: Client) -> None:
    response = client.get("/downloads/")
    assert "Hier steht noch nichts bereit" in text(response)
    assert "/kontakt/" in page(response).xpath("//main//a/@href")


LEGAL = {"/impressum/": 8, "/datenschutz/": 7, "/barrierefreiheit/": 2}
"""Drafts, and how many marks the authority must fill in while nothing but its name is known."""


@pytest.mark.parametrize("address", LEGAL)
def test_legal_drafts_mark_what_the_authority_must_fill_in(client: Client, address: str) -> None:
    Authority.objects.create(pk=1, name="Behörde", help_email="hilfe@behoerde.example")
    response = client.get(address)
    assert "Entwurf" in text(response)
    assert len(page(response).xpath("//mark[@class='missing']")) == LEGAL[address]


@pytest.mark.parametrize("address", LEGAL)
def test_what_the_authority_has_filled_in_and_approved_is_no_draft(
    client: Client, authority: Authority, address: str
) -> None:
    today = timezone.localdate()
    filled = {
        field.name: f"Angabe {field.name}"
        for field in Authority._meta.get_fields()
        if isinstance(field, CharField | TextField) and not getattr(authority, field.name)
    }
    filled |= dict.fromkeys(("imprint_approved_on", "privacy_approved_on"), today)
    filled |= {
        "email": "post@behoerde.example",
        "vat_id": "DE 000",
        "delivery_way": "",
        "enforcement_email": "stelle@behoerde.example",
        "accessibility_email": "barriere@behoerde.example",
        "sign_language_film": "https://film.example/",
        "accessibility_confirmed_on": today,
    }
    Authority.objects.update(**filled)
    response = client.get(address)
    assert page(response).xpath("//mark[@class='missing']") == []
    assert page(response).xpath("//main//*[contains(@class, 'notice')]") == []


def test_the_explanations_are_reached_from_the_start_page(client: Client) -> None:
    links = page(client.get("/")).xpath("//header//a/@href")
    assert {"/leichte-sprache/", "/gebaerdensprache/"} <= set(links)


def test_easy_language_has_its_four_contents_and_says_it_is_a_draft(client: Client) -> None:
    response = client.get("/leichte-sprache/")
    assert page(response).xpath("//main//h2/text()") == [
        "Entwurf",
        "Worum geht es hier?",
        "So finden Sie sich zurecht",
        "Barriere-Freiheit: Das Wichtigste",
        "Hier gibt es mehr Informationen",
    ]
    assert "Entwurf, noch nicht von Prüferinnen und Prüfern gelesen." in text(response)


def test_easy_language_is_easy(client: Client) -> None:
    """One line, one short sentence: at most twelve words, no brackets, no genitive „des"."""
    main = page(client.get("/leichte-sprache/")).xpath("//main//div[@class='prose']")[0]
    lines = [
        " ".join(line.split())
        for block in main.xpath(".//p | .//li")
        for line in re.split(r"<br/?>", lxml.html.tostring(block, encoding="unicode"))
    ]
    plain = [re.sub(r"<[^>]+>", "", line).strip() for line in lines]
    assert [line for line in plain if len(line.split()) > 12] == []
    assert [line for line in plain if re.search(r"\bdes\b|[();–]", line)] == []


def test_sign_language_has_a_marked_place_for_the_film(client: Client) -> None:
    shown = client.get("/gebaerdensprache/")
    assert page(shown).xpath("//mark[@class='missing']/text()") == ["[Angabe fehlt: Film]"]
    assert len(page(shown).xpath("//main//h3")) == 4
    Authority.objects.create(pk=1, name="Behörde", sign_language_film="https://film.example/")
    assert "https://film.example/" in page(client.get("/gebaerdensprache/")).xpath("//a/@href")


@contextmanager
def database_down(fault: Exception | None = None) -> Iterator[None]:
    def refuse(*args: Any) -> None:
        raise fault or OperationalError("down")

    with connection.execute_wrapper(refuse):
        yield


# --- When something went wrong ------------------------------------------------------------------


def test_an_unknown_address_gets_a_helpful_page_without_a_cookie(client: Client) -> None:
    response = client.get("/gibt-es-nicht/")
    assert response.status_code == 404
    assert "Diese Seite gibt es nicht" in text(response)
    assert not response.cookies


def test_a_database_that_does_not_answer_is_told_without_it(client: Client) -> None:
    client.raise_request_exception = False
    with database_down():
        response = client.get("/")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Das Portal ist gerade nicht erreichbar" in text(response)
    assert not response.cookies


def test_a_full_or_read_only_disk_is_told_as_a_state_that_passes(client: Client) -> None:
    client.raise_request_exception = False
    read_only, other = InternalError("read-only"), InternalError("corrupt")
    read_only.__cause__ = psycopg.errors.ReadOnlySqlTransaction()
    other.__cause__ = psycopg.errors.InternalError_()
    faults = {
        OSError(errno.ENOSPC, "full"): 503,
        OSError(errno.EROFS, "read-only"): 503,
        OSError(errno.EACCES, "denied"): 500,
        ClientError({}, "GetObject"): 503,
        read_only: 503,
        other: 500,
    }
    for fault, status in faults.items():
        with database_down(fault):
            assert client.get("/").status_code == status, repr(fault)


def test_a_fault_of_the_code_is_told_without_its_trace(client: Client) -> None:
    client.raise_request_exception = False
    with connection.execute_wrapper(lambda *_: 1 / 0):
        response = client.get("/")
    assert response.status_code == 500
    assert "technischer Fehler" in text(response)
    assert "ZeroDivision" not in response.content.decode()
    assert "/kontakt/" in page(response).xpath("//main//a/@href")


def test_our_own_fault_is_told_even_without_the_template(
    client: Client, settings: Settings
) -> None:
    client.raise_request_exception = False
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [], "APP_DIRS": False}]
    response = client.get("/")
    assert response.status_code == 500
    assert "Technischer Fehler" in response.content.decode()


def test_a_broken_request_gets_a_page(client: Client) -> None:
    response = client.get("/", headers={"host": "fremd.example"})
    assert response.status_code == 400
    assert "Diese Anfrage können wir nicht verarbeiten" in text(response)


def test_too_much_at_once_is_told(client: Client) -> None:
    response = client.post("/konto/anmelden/", {"login": "x" * 6 * 1024 * 1024})
    assert response.status_code == 413
    assert "Das war zu viel auf einmal" in text(response)
    assert "/kontakt/" in page(response).xpath("//main//a/@href")


def test_a_form_without_protection_is_explained() -> None:
    response = Client(enforce_csrf_checks=True).post("/konto/anmelden/", {"login": "x"})
    assert response.status_code == 403
    assert "Ihre Anmeldung ist beendet" in text(response)
    assert "Mit der Zurück-Taste" in text(response)
    assert page(response).xpath("//main//a[@href='/konto/anmelden/']")


# --- Privacy ------------------------------------------------------------------------------------


def test_the_arrival_is_noted_before_anything_else() -> None:
    request = RequestFactory().get("/")
    before = timezone.now()
    ArrivalMiddleware(lambda request: HttpResponse())(request)
    assert before <= request.arrived_at <= timezone.now()
    assert timezone.is_aware(request.arrived_at)


# --- Sign-in ------------------------------------------------------------------------------------


def member(**fields: Any) -> Any:
    user = UserFactory(**fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def test_people_sign_in_with_mail_and_password(client: Client) -> None:
    user = member()
    response = client.post("/konto/anmelden/", {"login": user.email, "password": PASSWORD})
    assert (response.status_code, response.headers["Location"]) == (302, "/antraege/")
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_wrong_password_is_told_with_sie(client: Client) -> None:
    response = client.post("/konto/anmelden/", {"login": member().email, "password": "falsch"})
    assert response.status_code == 200
    assert "Die E-Mail-Adresse oder das Passwort stimmt nicht." in text(response)
    assert page(response).findtext(".//title").startswith("Fehler: ")


def test_staff_land_at_the_desk(client: Client) -> None:
    user = StaffFactory()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    response = client.post("/konto/anmelden/", {"login": user.email, "password": PASSWORD})
    assert response.headers["Location"] == "/admin/"


def test_signing_out_ends_at_the_sign_in(client: Client) -> None:
    client.force_login(UserFactory())
    assert "Möchten Sie sich" in text(client.get("/konto/abmelden/"))
    response = client.post("/konto/abmelden/", follow=True)
    assert response.redirect_chain == [("/konto/anmelden/", 302)]
    assert "Sie sind abgemeldet." in text(response)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("address", ["/konto/signup/", "/konto/email/", "/konto/login/"])
def test_the_package_has_no_address_but_ours(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_a_forgotten_password_tells_nobody_who_has_an_account(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    user = member()
    known = client.post("/konto/passwort/vergessen/", {"email": user.email})
    unknown = client.post("/konto/passwort/vergessen/", {"email": "niemand@kommune.example"})
    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        ([user.email], "Neues Passwort für das KIV-Portal"),
        (["niemand@kommune.example"], "Kein Konto im KIV-Portal zu dieser Adresse"),
    ]


def test_the_link_for_a_new_password_leads_to_a_form(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    user = member()
    client.post("/konto/passwort/vergessen/", {"email": user.email})
    (mail,) = mailoutbox
    assert mail.subject == "Neues Passwort für das KIV-Portal"
    assert " du " not in mail.body.lower()
    (address,) = re.findall(r"https?://[^/]+(/konto/passwort/neu/\S+)", mail.body)
    form = client.get(address, follow=True)
    assert "Neues Passwort festlegen" in text(form)
    done = client.post(
        form.redirect_chain[-1][0],
        {"password1": "ein ganz neues Kennwort", "password2": "ein ganz neues Kennwort"},
        follow=True,
    )
    assert "Ihr neues Passwort ist gespeichert" in text(done)
    assert "Dieser Link gilt nicht mehr" in text(Client().get(address))


PRIVATE = {
    "account_change_password": "Passwort ändern",
    "mfa_index": "Zweiter Faktor",
    "account_reauthenticate": "Bitte bestätigen Sie, dass Sie es sind",
}


@pytest.mark.parametrize("name", PRIVATE)
def test_private_pages_ask_who_is_there(client: Client, name: str) -> None:
    address = reverse(name)
    assert client.get(address).headers["Location"].startswith("/konto/anmelden/?next=")
    user = UserFactory(name="Musterperson Eins")
    sign_in(client, user, "password")
    response = client.get(address)
    assert PRIVATE[name] in text(response)
    assert "Angemeldet als Musterperson Eins" in text(response)
    assert page(response).xpath("//form[@action='/konto/abmelden/']/@method") == ["post"]


# --- The desk -----------------------------------------------------------------------------------


def test_the_desk_sends_strangers_to_the_one_sign_in(client: Client) -> None:
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == "/konto/anmelden/?next=/admin/"


def test_the_desk_is_closed_to_municipal_people(client: Client) -> None:
    sign_in(client, UserFactory(), "password", "mfa")
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert "Beschäftigten der Behörde vorbehalten" in text(response)


def test_staff_without_a_second_factor_set_one_up_first(client: Client) -> None:
    sign_in(client, StaffFactory(), "password")
    response = client.get("/admin/", follow=False)
    assert response.headers["Location"] == reverse("mfa_index")
    assert client.get("/admin/login/?next=/admin/").headers["Location"] == (
        reverse("mfa_activate_totp")
    )


def test_staff_who_have_one_must_use_it_in_this_session(client: Client) -> None:
    user = StaffFactory()
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    sign_in(client, user, "password")
    response = client.get("/admin/login/?next=/admin/portal/")
    assert response.headers["Location"] == (f"{reverse('mfa_reauthenticate')}?next=/admin/portal/")


def test_staff_with_a_second_factor_are_in(client: Client) -> None:
    sign_in(client, StaffFactory(), "password", "mfa")
    response = client.get("/admin/")
    assert response.status_code == 200
    assert "KIV-Prüfdesk" in text(response)
    assert client.get("/admin/login/?next=/admin/").headers["Location"] == "/admin/"
    elsewhere = client.get("/admin/login/?next=https://fremd.example/")
    assert elsewhere.headers["Location"] == "/admin/"


def test_another_persons_second_factor_counts_for_nothing(client: Client) -> None:
    sign_in(client, UserFactory(), "password", "mfa")
    session = client.session
    request = RequestFactory().get("/admin/")
    request.session = session
    request.user = StaffFactory()
    assert not used_second_factor(request)


def test_the_demo_does_without_a_second_factor(client: Client, settings: Settings) -> None:
    settings.PORTAL_DEMO = True
    sign_in(client, StaffFactory(), "password")
    assert client.get("/admin/").status_code == 200
    # Nobody else's request is this machine's, whatever it calls its host.
    for sent in ({"REMOTE_ADDR": "192.0.2.7"}, {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}):
        elsewhere = client.get("/admin/", HTTP_HOST="localhost", **sent)
        assert elsewhere.headers["Location"] == reverse("mfa_index")


def test_leaving_the_desk_leaves_the_portal(client: Client) -> None:
    sign_in(client, StaffFactory(), "password", "mfa")
    response = client.post("/admin/logout/")
    assert response.headers["Location"] == "/konto/anmelden/"
    assert not client.session.keys()


# --- Own templates ------------------------------------------------------------------------------

FORBIDDEN = {
    "style attribute": r"<[^>]+\sstyle\s*=",
    "style element": r"<style\b",
    "script without src": r"<script\b(?![^>]*\bsrc=)",
    "event attribute": r"<[^>]+\son[a-z]+\s*=",
    "javascript address": r"javascript:",
    "foreign source": (
        r"<(?:script|img|link|iframe|source|video)\b[^>]*"
        r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//"
    ),
}


@pytest.mark.parametrize(
    "template",
    sorted(
        path.relative_to(TEMPLATES).as_posix()
        for path in TEMPLATES.rglob("*.html")
        if path.relative_to(TEMPLATES).parts[0] != "pdf"  # never sent to a browser
    ),
)
def test_templates_hold_nothing_the_content_security_policy_forbids(template: str) -> None:
    source = (TEMPLATES / template).read_text(encoding="utf-8")
    found = {what for what, pattern in FORBIDDEN.items() if re.search(pattern, source, re.I)}
    assert found == set()
