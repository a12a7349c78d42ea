"""Every address × role × method against one literal table; an address not in it fails."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from PIL import Image

from applications import services
from applications.rules import DocumentKind, Step
from applications.services import erasure, rendering, uploads
from applications.workflow import TRANSITIONS, Actor
from kiv_portal.models import Download, Erasure, ErasureRun, Job, OutboxMail
from municipalities import permissions
from municipalities import services as accounts
from municipalities.models import EventKind, FactorReset, RegisterImport
from tests import headers, world
from tests.factories import NOW, ContactFactory, MembershipFactory, UserFactory

ROLES = (
    "anonymous",
    "newcomer",  # an account that belongs to no municipality
    "stranger",  # may do everything, but for another municipality
    "member",  # may read for the municipality
    "clerk",  # may write as well
    "signatory",  # may file as well
    "manager",  # may read, and looks after the municipality's people
    "reader",  # staff: reads
    "reviewer",  # staff: checks and proposes
    "signer",  # staff: signs
    "administrator",  # staff: keeps register, calls, texts
    "auditor",  # staff: sees everything, changes nothing
    "people",  # staff: keeps accounts, memberships and roles
)


def _picture() -> bytes:
    """One pixel."""
    picture = io.BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "PNG")
    return picture.getvalue()


@pytest.fixture
def scene(db: None) -> dict[str, Any]:
    """A draft, a filed application with a document, a granted one with its letter; all people."""
    w = world.build()
    member = UserFactory()
    MembershipFactory(
        user=member,
        municipality=w.town,
        may_edit=False,
        confirmed_at=NOW,
        confirmed_by=w.administrator,
    )
    manager = UserFactory()
    managing = MembershipFactory(
        user=manager,
        municipality=w.town,
        may_edit=False,
        may_manage=True,
        confirmed_at=NOW,
        confirmed_by=w.administrator,
    )
    invitation = accounts.invite(
        municipality=w.town,
        email="eingeladen@musterstadt.example",
        rights={"may_read": True},
        by=manager,
        at=timezone.now(),
    )
    mail = OutboxMail.objects.get(recipient=invitation.email)
    token = mail.read().partition("/konto/einladung/")[2].partition("/")[0]
    granted = world.granted(w)
    for job in Job.objects.all():
        rendering.JOBS[job.kind](job.argument, NOW)
    world.consented(w, granted)
    services.deliver(letter=granted.letters.get(), way="retrieval", by=w.reviewer, at=NOW)
    services.open_letter(letter=granted.letters.get(), by=w.clerk, at=NOW)
    granted = services.publish_project(application=granted, by=w.reviewer, at=NOW)
    draft = world.draft(w)
    world.save(draft, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    document = uploads.add_document(
        application=draft,
        upload=SimpleUploadedFile("Plan.png", _picture()),
        kind=DocumentKind.OTHER,
        by=w.clerk,
        at=NOW,
    )
    picture = _picture()
    download = Download.objects.create(
        title="Plan",
        file=ContentFile(picture, name="plan.png"),
        content_type="image/png",
        size=len(picture),
    )
    people = {
        "newcomer": UserFactory(),
        "stranger": w.stranger,
        "member": member,
        "clerk": w.clerk,
        "signatory": w.signatory,
        "manager": manager,
        "reader": w.reader,
        "reviewer": w.reviewer,
        "signer": w.signer,
        "administrator": w.administrator,
        "auditor": w.auditor,
        "people": w.people,
    }
    return {
        "world": w,
        "people": people,
        "draft": draft,
        "granted": granted,
        "letter": granted.letters.get(),
        "strategy": granted.project.documents.create(
            kind="strategy", file=SimpleUploadedFile("Strategie.pdf", b"%PDF-1.7")
        ),
        "document": document,
        "download": download,
        "membership": managing,
        "invitation": invitation,
        "token": token,
    }


def addresses(
    patterns: list[URLPattern | URLResolver] | None = None, prefix: str = ""
) -> Iterator[str]:
    """Every route of the URLconf as it is written there."""
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route


def _names(scene: dict[str, Any]) -> dict[str, Any]:
    """What the addresses of the table name."""
    return {
        "draft": scene["draft"].uuid,
        "granted": scene["granted"].uuid,
        "letter": scene["letter"].pk,
        "document": scene["document"].pk,
        "download": scene["download"].pk,
        "project": scene["granted"].project.slug,
        "strategy": scene["strategy"].pk,
        "call": scene["granted"].call.pk,
        "town": scene["world"].town.ags,
        "membership": scene["membership"].pk,
        "invitation": scene["invitation"].pk,
        "token": scene["token"],
        "passkey": 4711,
    }


def everybody(status: int) -> dict[str, int]:
    """The same for all, signed in or not."""
    return dict.fromkeys(ROLES, status)


def signed_in(status: int) -> dict[str, int]:
    """The same for all who are signed in; the others are led to the sign-in."""
    return everybody(status) | {"anonymous": 302}


def own(member: int, clerk: int, signatory: int) -> dict[str, int]:
    """For the municipality's own people; for all others there is no such application."""
    given = {"member": member, "clerk": clerk, "signatory": signatory, "manager": member}
    return signed_in(404) | given


def managed(status: int) -> dict[str, int]:
    """For whoever manages the municipality's people; for all others there is no such page."""
    return signed_in(404) | {"manager": status}


READ_ONLY = everybody(405)
PUBLIC = (everybody(200), READ_ONLY)
OPEN_TO_ALL = everybody(200)
LED_ON = everybody(302)

TABLE: dict[str, tuple[str, dict[str, int], dict[str, int]]] = {
    # route as in the URLconf: (an address of it, GET, POST with nothing in it)
    "": ("/", *PUBLIC),
    "hilfe/": ("/hilfe/", *PUBLIC),
    # 202: asked for, and made by the worker in a moment
    "hilfe/antragsformular.pdf": ("/hilfe/antragsformular.pdf", everybody(202), READ_ONLY),
    "kontakt/": ("/kontakt/", *PUBLIC),
    "downloads/": ("/downloads/", *PUBLIC),
    "impressum/": ("/impressum/", *PUBLIC),
    "datenschutz/": ("/datenschutz/", *PUBLIC),
    "barrierefreiheit/": ("/barrierefreiheit/", *PUBLIC),
    # A form that anybody may send; an empty one is told what it lacks.
    "barrierefreiheit/melden/": ("/barrierefreiheit/melden/", OPEN_TO_ALL, everybody(422)),
    "barrierefreiheit/gemeldet/": ("/barrierefreiheit/gemeldet/", *PUBLIC),
    "leichte-sprache/": ("/leichte-sprache/", *PUBLIC),
    "gebaerdensprache/": ("/gebaerdensprache/", *PUBLIC),
    "downloads/<int:pk>/<str:name>": ("/downloads/{download}/plan.png", *PUBLIC),
    "health/live": ("/health/live", *PUBLIC),
    "health/ready": ("/health/ready", everybody(503), READ_ONLY),  # no worker runs here
    "metrics": ("/metrics", *PUBLIC),  # from this machine; strangers: test_health.py
    "foerder-check/": ("/foerder-check/", *PUBLIC),
    "foerder-check.json": ("/foerder-check.json?kommune=06431901", *PUBLIC),
    "foerder-check/kommunen.json": ("/foerder-check/kommunen.json?q=muster", *PUBLIC),
    "projekte/": ("/projekte/", *PUBLIC),
    "projekte.csv": ("/projekte.csv", *PUBLIC),
    "projekte.csv-metadata.json": ("/projekte.csv-metadata.json", *PUBLIC),
    "projekte.json": ("/projekte.json", *PUBLIC),
    "projekte.geojson": ("/projekte.geojson", *PUBLIC),
    "projekte.atom": ("/projekte.atom", *PUBLIC),
    "projekte/aenderungen/": ("/projekte/aenderungen/", *PUBLIC),
    "projekte/zahlen/": ("/projekte/zahlen/", *PUBLIC),
    "projekte/<slug:slug>/": ("/projekte/{project}/", *PUBLIC),
    "projekte/<slug:slug>/dokumente/<int:pk>.pdf": (
        "/projekte/{project}/dokumente/{strategy}.pdf",
        *PUBLIC,
    ),
    "daten/": ("/daten/", *PUBLIC),
    "katalog.ttl": ("/katalog.ttl", *PUBLIC),
    "katalog.jsonld": ("/katalog.jsonld", *PUBLIC),
    "sitemap.xml": ("/sitemap.xml", *PUBLIC),
    "robots.txt": ("/robots.txt", *PUBLIC),
    "foerder-aufrufe/<int:pk>.ics": ("/foerder-aufrufe/{call}.ics", *PUBLIC),
    # Accounts: the sign-in package's own answers. What needs a fresh sign-in leads there.
    "konto/anmelden/": (
        "/konto/anmelden/",
        LED_ON | {"anonymous": 200},
        LED_ON | {"anonymous": 200},
    ),
    "konto/abmelden/": ("/konto/abmelden/", signed_in(200), LED_ON),
    "konto/gesperrt/": ("/konto/gesperrt/", *PUBLIC),
    "konto/bestaetigen/": ("/konto/bestaetigen/", signed_in(200), signed_in(200)),
    "konto/passwort/aendern/": ("/konto/passwort/aendern/", signed_in(200), signed_in(200)),
    "konto/passwort/setzen/": ("/konto/passwort/setzen/", LED_ON, LED_ON),
    "konto/passwort/vergessen/": ("/konto/passwort/vergessen/", OPEN_TO_ALL, OPEN_TO_ALL),
    "konto/passwort/vergessen/gesendet/": ("/konto/passwort/vergessen/gesendet/", *PUBLIC),
    "konto/passwort/neu/fertig/": ("/konto/passwort/neu/fertig/", *PUBLIC),
    "konto/^passwort/neu/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": (
        "/konto/passwort/neu/abc-def/",
        OPEN_TO_ALL,
        OPEN_TO_ALL,
    ),
    "konto/e-mail/": ("/konto/e-mail/", *PUBLIC),
    r"konto/^e-mail/(?P<key>[-:\w]+)/$": ("/konto/e-mail/xyz/", OPEN_TO_ALL, everybody(404)),
    "konto/zweiter-faktor/": ("/konto/zweiter-faktor/", signed_in(200), signed_in(405)),
    "konto/zweiter-faktor/authenticate/": ("/konto/zweiter-faktor/authenticate/", LED_ON, LED_ON),
    "konto/zweiter-faktor/reauthenticate/": (
        "/konto/zweiter-faktor/reauthenticate/",
        LED_ON,
        LED_ON,
    ),
    "konto/zweiter-faktor/totp/activate/": ("/konto/zweiter-faktor/totp/activate/", LED_ON, LED_ON),
    "konto/zweiter-faktor/totp/deactivate/": (
        "/konto/zweiter-faktor/totp/deactivate/",
        signed_in(404),
        signed_in(404),
    ),
    "konto/zweiter-faktor/recovery-codes/": (
        "/konto/zweiter-faktor/recovery-codes/",
        signed_in(404),
        signed_in(405),
    ),
    "konto/zweiter-faktor/recovery-codes/generate/": (
        "/konto/zweiter-faktor/recovery-codes/generate/",
        LED_ON,
        LED_ON,
    ),
    "konto/zweiter-faktor/recovery-codes/download/": (
        "/konto/zweiter-faktor/recovery-codes/download/",
        signed_in(404),
        signed_in(404),
    ),
    "konto/zweiter-faktor/webauthn/": (
        "/konto/zweiter-faktor/webauthn/",
        signed_in(200),
        signed_in(405),
    ),
    "konto/zweiter-faktor/webauthn/add/": ("/konto/zweiter-faktor/webauthn/add/", LED_ON, LED_ON),
    "konto/zweiter-faktor/webauthn/reauthenticate/": (
        "/konto/zweiter-faktor/webauthn/reauthenticate/",
        LED_ON,
        LED_ON,
    ),
    "konto/zweiter-faktor/webauthn/keys/<int:pk>/remove/": (
        "/konto/zweiter-faktor/webauthn/keys/{passkey}/remove/",
        LED_ON,
        LED_ON,
    ),
    "konto/zweiter-faktor/webauthn/keys/<int:pk>/edit/": (
        "/konto/zweiter-faktor/webauthn/keys/{passkey}/edit/",
        LED_ON,
        LED_ON,
    ),
    "konto/sitzungen/": ("/konto/sitzungen/", signed_in(200), signed_in(302)),
    # One's own account, and the municipality's people.
    "konto/": ("/konto/", signed_in(200), signed_in(405)),
    "konto/registrieren/": (
        "/konto/registrieren/",
        LED_ON | {"anonymous": 200},
        LED_ON | {"anonymous": 200},
    ),
    # Of a link that serves no more nobody learns anything.
    "kontakt/bestaetigen/<str:token>/": (
        "/kontakt/bestaetigen/unbekannt/",
        everybody(404),
        everybody(404),
    ),
    "kontakt/einwilligung/<str:token>/": (
        "/kontakt/einwilligung/unbekannt/",
        everybody(404),
        everybody(404),
    ),
    "konto/schliessen/": (
        "/konto/schliessen/",
        signed_in(200),
        signed_in(422),
    ),
    "konto/daten/": ("/konto/daten/", signed_in(200), signed_in(405)),
    "konto/daten/meine-daten.zip": (
        "/konto/daten/meine-daten.zip",
        signed_in(200),
        signed_in(405),
    ),
    "konto/sitzung/": ("/konto/sitzung/", signed_in(200), signed_in(200)),
    "konto/adresse/": ("/konto/adresse/", LED_ON, LED_ON),
    "konto/adresse/<str:token>/": ("/konto/adresse/abc/", signed_in(410), signed_in(410)),
    "konto/kommunen/neu/": ("/konto/kommunen/neu/", signed_in(200), signed_in(200)),
    "konto/einladung/<str:token>/": (
        "/konto/einladung/{token}/",
        OPEN_TO_ALL,
        LED_ON | {"anonymous": 422},
    ),
    "konto/kommune/<str:ags>/": ("/konto/kommune/{town}/", managed(200), signed_in(405)),
    "konto/kommune/<str:ags>/einladen/": (
        "/konto/kommune/{town}/einladen/",
        managed(200),
        managed(422),
    ),
    "konto/kommune/<str:ags>/uebergeben/": (
        "/konto/kommune/{town}/uebergeben/",
        managed(200),
        managed(422),
    ),
    "konto/kommune/<str:ags>/schliessen/": (
        "/konto/kommune/{town}/schliessen/",
        managed(200),
        managed(302),
    ),
    "konto/kommune/<str:ags>/personen/<int:pk>/": (
        "/konto/kommune/{town}/personen/{membership}/",
        managed(200),
        managed(422),
    ),
    "konto/kommune/<str:ags>/personen/<int:pk>/ablehnen/": (
        "/konto/kommune/{town}/personen/{membership}/ablehnen/",
        signed_in(405),
        managed(302),
    ),
    "konto/kommune/<str:ags>/personen/<int:pk>/beenden/": (
        "/konto/kommune/{town}/personen/{membership}/beenden/",
        managed(200),
        managed(302),
    ),
    "konto/kommune/<str:ags>/einladungen/<int:pk>/zurueckziehen/": (
        "/konto/kommune/{town}/einladungen/{invitation}/zurueckziehen/",
        signed_in(405),
        managed(302),
    ),
    "konto/erinnerungen/": ("/konto/erinnerungen/", signed_in(200), LED_ON),
    # Hearing of calls and no longer of drafts: by a mail's link, without an account.
    "benachrichtigung/": ("/benachrichtigung/", OPEN_TO_ALL, everybody(422)),
    "benachrichtigung/<str:token>/": (
        "/benachrichtigung/abc/",
        everybody(404),
        everybody(404),
    ),
    "erinnerung-abbestellen/<str:token>/": (
        "/erinnerung-abbestellen/abc/",
        everybody(404),
        everybody(404),
    ),
    # The applicant's side.
    "antraege/": ("/antraege/", signed_in(200), signed_in(405)),
    "antraege/neu/": ("/antraege/neu/", signed_in(200), signed_in(200)),
    "kooperation/<str:token>/": ("/kooperation/abc/", signed_in(404), signed_in(404)),
    "antraege/gast/<str:token>/": (
        "/antraege/gast/abc/",
        signed_in(404),
        signed_in(404),
    ),
    "antraege/<uuid:key>/team/": (
        "/antraege/{draft}/team/",
        own(200, 200, 200),
        own(403, 302, 302) | {"manager": 302},
    ),
    "antraege/<uuid:key>/neu-beginnen/": (
        "/antraege/{draft}/neu-beginnen/",
        own(200, 200, 200),
        own(403, 200, 200),
    ),
    "antraege/<uuid:key>/unterschriftsblatt/": (
        "/antraege/{draft}/unterschriftsblatt/",
        own(200, 200, 200),
        signed_in(405),
    ),
    "antraege/<uuid:key>/kommentare/": (
        "/antraege/{draft}/kommentare/",
        own(200, 200, 200),
        own(403, 200, 200),
    ),
    "antraege/<uuid:key>/": ("/antraege/{draft}/", own(200, 200, 200), signed_in(405)),
    "antraege/<uuid:key>/<slug:step>/": (
        "/antraege/{draft}/konzeption/",
        own(200, 200, 200),
        own(403, 302, 302),
    ),
    "antraege/<uuid:key>/<slug:step>/speichern/": (
        "/antraege/{draft}/konzeption/speichern/",
        signed_in(405),
        own(403, 200, 200),
    ),
    "antraege/<uuid:key>/<slug:step>/anwesend/": (
        "/antraege/{draft}/konzeption/anwesend/",
        signed_in(405),
        own(403, 200, 200),
    ),
    "antraege/<uuid:key>/finanzierung/summen/": (
        "/antraege/{draft}/finanzierung/summen/",
        signed_in(405),
        own(403, 200, 200),
    ),
    "antraege/<uuid:key>/finanzierung/haushaltsjahre/": (
        "/antraege/{draft}/finanzierung/haushaltsjahre/",
        own(403, 302, 302),
        own(403, 302, 302),
    ),
    "antraege/<uuid:key>/pruefen/": (
        "/antraege/{draft}/pruefen/",
        own(200, 200, 200),
        signed_in(405),
    ),
    "antraege/<uuid:key>/einreichen/": (
        "/antraege/{draft}/einreichen/",
        own(302, 302, 302),
        own(403, 403, 200),
    ),
    "antraege/<uuid:key>/kooperation/<str:ags>.pdf": (
        "/antraege/{draft}/kooperation/06431903.pdf",
        own(409, 409, 409),  # it does not say project and share yet
        signed_in(405),
    ),
    "antraege/<uuid:key>/unterschriftsblatt.pdf": (
        "/antraege/{draft}/unterschriftsblatt.pdf",
        own(202, 202, 202),
        signed_in(405),
    ),
    "antraege/<uuid:key>/antrag.pdf": (
        "/antraege/{granted}/antrag.pdf",
        own(200, 200, 200),
        signed_in(405),
    ),
    "antraege/<uuid:key>/anlagen/<uuid:document>/": (
        "/antraege/{draft}/anlagen/{document}/",
        own(200, 200, 200),
        signed_in(405),
    ),
    "antraege/<uuid:key>/schreiben/<uuid:letter>/": (
        "/antraege/{granted}/schreiben/{letter}/",
        own(200, 200, 200),
        signed_in(405),
    ),
    "antraege/<uuid:key>/nachreichen/": (
        "/antraege/{granted}/nachreichen/",
        own(302, 302, 302),
        own(403, 403, 302),
    ),
    "antraege/<uuid:key>/veroeffentlichung/": (
        "/antraege/{granted}/veroeffentlichung/",
        own(200, 200, 200),
        own(403, 422, 422),
    ),
    "antraege/<uuid:key>/zurueckziehen/": (
        "/antraege/{granted}/zurueckziehen/",
        own(302, 302, 302),
        own(403, 403, 302),
    ),
}
"""Every address outside the desk, for every role, by GET and by POST."""


def _clients(scene: dict[str, Any]) -> dict[str, Client]:
    clients = {"anonymous": Client()}
    for role, person in scene["people"].items():
        clients[role] = Client()
        clients[role].force_login(person)
        if person.is_staff:
            world.give_second_factor(clients[role], person)
    return clients


FILES = {
    "/antraege/{draft}/anlagen/{document}/",
    "/antraege/{granted}/antrag.pdf",
    "/antraege/{granted}/schreiben/{letter}/",
    "/downloads/{download}/plan.png",
    "/foerder-aufrufe/{call}.ics",
    "/konto/daten/meine-daten.zip",
    "/projekte.csv",
    "/projekte/{project}/dokumente/{strategy}.pdf",
}
"""What answers with a file in this scene, under the policy of `headers.FILE`."""

DESK_FILES = {
    "/admin/applications/application/{case}/akte.zip",
    "/admin/applications/application/{case}/fassungen/1/antrag.pdf",
    "/admin/applications/application/{case}/jury.pdf",
    "/admin/applications/application/{case}/schreiben/{letter}/",
}


def _status(client: Client, method: str, address: str, files: set[str] | None = None) -> int:
    """What the address answers, with all headers in order; whatever it did is undone.

    An address that answers with a file is added to `files`.
    """
    with transaction.atomic():
        response = getattr(client, method)(address)
        transaction.set_rollback(True)
    # A download holds its file open; closing the whole response would close the test's
    # connection to the database as well.
    for close in response._resource_closers:
        close()
    wrong = headers.faults(response, address)
    assert wrong == [], f"{method} {address}"
    if files is not None and "Content-Disposition" in response:
        files.add(address)
    return int(response.status_code)


def test_every_address_outside_the_desk_is_in_the_table():
    assert {route for route in addresses() if not route.startswith("admin/")} == set(TABLE)


@pytest.mark.sweep
def test_every_address_outside_the_desk_answers_as_the_table_says(scene):
    names = _names(scene)
    clients = _clients(scene)
    expected, found, files = {}, {}, set()
    for pattern, get, post in TABLE.values():
        address = pattern.format(**names)
        served: set[str] = set()
        for role in ROLES:
            expected[address, role] = (get[role], post[role])
            found[address, role] = (
                _status(clients[role], "get", address, served),
                _status(clients[role], "post", address, served),
            )
        files |= {pattern} if served else set()
        if address == "/konto/abmelden/":
            clients = _clients(scene)
    differences = {key: found[key] for key in expected if found[key] != expected[key]}
    assert differences == {}, "\n".join(f"{key}: {value}" for key, value in differences.items())
    assert files == FILES


@pytest.mark.sweep
def test_what_is_foreign_answers_like_what_does_not_exist(scene):
    """The very same bytes, so that nobody learns who has applied."""
    client = Client()
    client.force_login(scene["world"].stranger)
    foreign = client.get(f"/antraege/{scene['draft'].uuid}/")
    missing = client.get("/antraege/00000000-0000-4000-8000-000000000000/")
    assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)


# --- The desk -------------------------------------------------------------------------------------

STAFF = ("reader", "reviewer", "signer", "administrator", "auditor", "people")
NOBODY: frozenset[str] = frozenset()
ALL_STAFF = frozenset(STAFF)
READERS = ALL_STAFF - {"people"}
KEEPER = frozenset({"administrator"})
WATCHERS = frozenset({"administrator", "auditor"})
PEOPLE = frozenset({"people"})
LOG_READERS = frozenset({"people", "auditor"})
CHECKER = frozenset({"reviewer"})

MODELS: dict[str, dict[str, frozenset[str]]] = {
    # model: verb → the staff roles that may; what is not named nobody may
    "applications.archiveoffer": {"view": WATCHERS, "change": KEEPER},
    "applications.retentionhold": {"view": WATCHERS, "add": KEEPER},
    "applications.fundingcall": {"view": ALL_STAFF, "add": KEEPER, "change": KEEPER},
    "applications.letterblock": {"view": ALL_STAFF, "add": KEEPER, "change": KEEPER},
    "municipalities.district": {"view": ALL_STAFF, "change": KEEPER},
    "municipalities.accountevent": {"view": LOG_READERS},
    "municipalities.factorreset": {"view": LOG_READERS},
    "municipalities.invitation": {"view": LOG_READERS},
    "municipalities.membership": {"view": LOG_READERS, "add": PEOPLE, "change": PEOPLE},
    "municipalities.municipality": {"view": ALL_STAFF, "change": KEEPER},
    "municipalities.registerimport": {"view": ALL_STAFF},
    "municipalities.rolegrant": {"view": LOG_READERS},
    "municipalities.user": {"view": LOG_READERS, "add": PEOPLE, "change": PEOPLE},
    "portal.authority": {"view": ALL_STAFF, "change": KEEPER},  # there is one already
    "portal.download": {"view": ALL_STAFF, "add": KEEPER, "change": KEEPER, "delete": KEEPER},
    "portal.job": {"view": WATCHERS},
    "portal.erasure": {"view": WATCHERS},
    "portal.erasurerun": {"view": WATCHERS},
    "portal.outboxmail": {"view": WATCHERS},
    "projects.contact": {"view": ALL_STAFF, "change": KEEPER},
    "projects.fundinground": {"view": ALL_STAFF, "add": KEEPER, "change": KEEPER},
    "projects.project": {"view": ALL_STAFF, "add": KEEPER, "change": KEEPER},
}
"""Role × model × verb at the desk. Applications have their own table: moves, no verbs."""


@pytest.fixture
def demo(settings: Any) -> None:
    """The desk without a second factor, which only the demonstration allows."""
    settings.PORTAL_DEMO = True


WITH_HISTORY = set(MODELS) - {
    "municipalities.registerimport",
    "municipalities.user",
    "municipalities.accountevent",
    "municipalities.factorreset",
    "municipalities.invitation",
    "municipalities.rolegrant",
    "applications.retentionhold",
    "portal.erasure",
    "portal.erasurerun",
    "portal.job",
    "portal.outboxmail",
}
"""Models whose earlier versions can be looked at."""

CASE = "admin/applications/application/<int:pk>/"
MOVES = {move.action: move.actor for move in TRANSITIONS if move.actor is not Actor.APPLICANT}


def desk(**staff: int) -> dict[str, int]:
    """Staff as named; all others are led away from the desk."""
    return LED_ON | staff


def at_desk(allowed: frozenset[str], yes: int, no: int = 403) -> dict[str, int]:
    return desk(**{role: yes if role in allowed else no for role in STAFF})


EVERY_STAFF = at_desk(ALL_STAFF, 200)
DESK_READERS = at_desk(READERS, 200)
NO_SUCH = at_desk(NOBODY, 200, 404)

DESK: dict[str, tuple[str, dict[str, int], dict[str, int]]] = {
    "admin/": ("/admin/", EVERY_STAFF, EVERY_STAFF),
    "admin/login/": (
        "/admin/login/",
        everybody(403) | {"anonymous": 302} | dict.fromkeys(STAFF, 302),
        everybody(403) | {"anonymous": 302} | dict.fromkeys(STAFF, 302),
    ),
    "admin/logout/": ("/admin/logout/", EVERY_STAFF, LED_ON),
    "admin/password_change/": ("/admin/password_change/", EVERY_STAFF, EVERY_STAFF),
    "admin/password_change/done/": (
        "/admin/password_change/done/",
        EVERY_STAFF,
        at_desk(NOBODY, 200, 405),
    ),
    "admin/autocomplete/": (
        "/admin/autocomplete/",
        at_desk(NOBODY, 200),
        at_desk(NOBODY, 200, 405),
    ),
    "admin/jsi18n/": ("/admin/jsi18n/", EVERY_STAFF, at_desk(NOBODY, 200, 405)),
    "admin/r/<path:content_type_id>/<path:object_id>/": ("/admin/r/1/1/", NO_SUCH, NO_SUCH),
    "admin/^(?P<app_label>municipalities|portal|applications|projects)/$": (
        "/admin/applications/",
        EVERY_STAFF,
        EVERY_STAFF,
    ),
    "admin/(?P<url>.*)$": ("/admin/nowhere/", NO_SUCH, NO_SUCH),
    "admin/applications/application/": (
        "/admin/applications/application/",
        DESK_READERS,
        DESK_READERS,
    ),
    CASE: ("/admin/applications/application/{case}/", *[LED_ON | {"people": 403}] * 2),
    "admin/applications/application/vertretung/": (
        "/admin/applications/application/vertretung/",
        DESK_READERS,
        at_desk(frozenset({"reviewer", "administrator"}), 422),
    ),
    "admin/applications/application/uebernehmen/": (
        "/admin/applications/application/uebernehmen/",
        at_desk(CHECKER, 200),
        at_desk(CHECKER, 422),
    ),
    "admin/applications/application/ausgabe/": (
        "/admin/applications/application/ausgabe/",
        DESK_READERS,
        DESK_READERS,
    ),
    "admin/applications/application/erfassen/": (
        "/admin/applications/application/erfassen/",
        at_desk(CHECKER, 200),
        at_desk(CHECKER, 422),
    ),
    # The case was filed through the portal: there is no recording of it.
    "admin/applications/application/erfassen/<int:pk>/": (
        "/admin/applications/application/erfassen/{case}/",
        at_desk(CHECKER, 404),
        at_desk(CHECKER, 404),
    ),
    "admin/applications/application/erfassen/<int:pk>/anlagen/<uuid:document_id>/": (
        "/admin/applications/application/erfassen/{case}/anlagen/{document}/",
        at_desk(CHECKER, 404),
        at_desk(CHECKER, 404),
    ),
    "admin/applications/application/zahlen/": (
        "/admin/applications/application/zahlen/",
        DESK_READERS,
        DESK_READERS,
    ),
    **{
        f"{CASE}{action}/": (
            f"/admin/applications/application/{{case}}/{action}/",
            at_desk(frozenset({"reviewer", "signer"}), 200),
            at_desk(frozenset({"reviewer", "signer"}), 422),
        )
        for action in ("add_note", "send_message", "recuse", "lift_recusal")
    },
    CASE + "assign/": (
        "/admin/applications/application/{case}/assign/",
        at_desk(CHECKER, 200),
        at_desk(CHECKER, 422),
    ),
    CASE + "change/": (
        "/admin/applications/application/{case}/change/",
        DESK_READERS,
        DESK_READERS,
    ),
    CASE + "history/": (
        "/admin/applications/application/{case}/history/",
        *[LED_ON | {"people": 403}] * 2,
    ),
    CASE + "anlagen/<uuid:document_id>/": (
        # A draft's document is nobody's business at the desk.
        "/admin/applications/application/{case}/anlagen/{document}/",
        NO_SUCH | {"people": 403},
        NO_SUCH | {"people": 403},
    ),
    CASE + "fassungen/<int:number>/antrag.pdf": (
        "/admin/applications/application/{case}/fassungen/1/antrag.pdf",
        DESK_READERS,
        DESK_READERS,
    ),
    CASE + "vergleich/": (
        # One version alone: nothing to compare it with.
        "/admin/applications/application/{case}/vergleich/",
        NO_SUCH | {"people": 403},
        NO_SUCH | {"people": 403},
    ),
    CASE + "akte.zip": (
        "/admin/applications/application/{case}/akte.zip",
        DESK_READERS,
        DESK_READERS,
    ),
    CASE + "schreiben/<uuid:letter_id>/": (
        "/admin/applications/application/{case}/schreiben/{letter}/",
        DESK_READERS,
        DESK_READERS,
    ),
    CASE + "schreiben/neu/": (
        "/admin/applications/application/{case}/schreiben/neu/",
        at_desk(CHECKER, 200),
        at_desk(CHECKER, 422),
    ),
    CASE + "schreiben/<uuid:letter_id>/bekanntgabe/": (
        "/admin/applications/application/{case}/schreiben/{letter}/bekanntgabe/",
        at_desk(CHECKER, 200),
        at_desk(CHECKER, 200),
    ),
    CASE + "einwilligung/": (
        "/admin/applications/application/{case}/einwilligung/",
        at_desk(CHECKER, 200),
        at_desk(CHECKER, 422),
    ),
    CASE + "eintraege/": (
        "/admin/applications/application/{case}/eintraege/",
        at_desk(CHECKER, 200),
        at_desk(CHECKER, 422),
    ),
    CASE + "pruefung/": (
        "/admin/applications/application/{case}/pruefung/",
        DESK_READERS,
        at_desk(CHECKER, 409),
    ),
    CASE + "beteiligung/": (
        "/admin/applications/application/{case}/beteiligung/",
        DESK_READERS,
        at_desk(CHECKER, 409),
    ),
    CASE + "beteiligung/<uuid:opinion_id>/dokument/": (
        "/admin/applications/application/{case}/beteiligung/{letter}/dokument/",
        NO_SUCH | {"people": 403},
        NO_SUCH | {"people": 403},
    ),
    CASE + "jury.pdf": (
        "/admin/applications/application/{case}/jury.pdf",
        DESK_READERS,
        DESK_READERS,
    ),
    CASE + "entwurf.pdf": (
        "/admin/applications/application/{case}/entwurf.pdf",
        NO_SUCH | {"people": 403},
        NO_SUCH | {"people": 403},
    ),
    CASE + "set_file_number/": (
        "/admin/applications/application/{case}/set_file_number/",
        at_desk(frozenset({"reviewer"}), 200),
        at_desk(frozenset({"reviewer"}), 422),
    ),
    "admin/applications/fundingcall/<int:pk>/freischalten/": (
        "/admin/applications/fundingcall/{call}/freischalten/",
        at_desk(KEEPER, 409),
        at_desk(KEEPER, 409),
    ),
    "admin/applications/fundingcall/<int:pk>/verlaengern/": (
        "/admin/applications/fundingcall/{call}/verlaengern/",
        at_desk(KEEPER, 200),
        at_desk(KEEPER, 422),
    ),
    "admin/municipalities/municipality/import/": (
        "/admin/municipalities/municipality/import/",
        at_desk(KEEPER, 200),
        at_desk(KEEPER, 200),
    ),
    "admin/municipalities/municipality/process_import/": (
        "/admin/municipalities/municipality/process_import/",
        at_desk(NOBODY, 200, 405),
        at_desk(KEEPER, 302),
    ),
    "admin/projects/contact/import/": (
        "/admin/projects/contact/import/",
        at_desk(KEEPER, 200),
        at_desk(KEEPER, 200),
    ),
    "admin/projects/contact/process_import/": (
        "/admin/projects/contact/process_import/",
        at_desk(NOBODY, 200, 405),
        at_desk(KEEPER, 302),
    ),
    "admin/projects/project/import/": (
        "/admin/projects/project/import/",
        at_desk(KEEPER, 200),
        at_desk(KEEPER, 200),
    ),
    "admin/projects/project/process_import/": (
        "/admin/projects/project/process_import/",
        at_desk(NOBODY, 200, 405),
        at_desk(KEEPER, 302),
    ),
    "admin/portal/job/<int:pk>/erneut/": (
        "/admin/portal/job/{job}/erneut/",
        at_desk(KEEPER, 405, 405),
        at_desk(KEEPER, 302),
    ),
    "admin/portal/outboxmail/<int:pk>/erneut/": (
        "/admin/portal/outboxmail/{mail}/erneut/",
        at_desk(KEEPER, 405, 405),
        at_desk(KEEPER, 302),
    ),
    "admin/municipalities/user/<int:pk>/rollen/": (
        "/admin/municipalities/user/{user}/rollen/",
        at_desk(PEOPLE, 200),
        at_desk(PEOPLE, 422),
    ),
    "admin/municipalities/user/<int:pk>/zweiter-faktor/": (
        "/admin/municipalities/user/{user}/zweiter-faktor/",
        at_desk(PEOPLE, 200),
        at_desk(PEOPLE, 422),
    ),
    "admin/municipalities/factorreset/<int:pk>/zustimmen/": (
        "/admin/municipalities/factorreset/{reset}/zustimmen/",
        at_desk(NOBODY, 200, 405),
        at_desk(PEOPLE, 302),
    ),
    "admin/municipalities/factorreset/<int:pk>/ablehnen/": (
        "/admin/municipalities/factorreset/{reset}/ablehnen/",
        at_desk(NOBODY, 200, 405),
        at_desk(PEOPLE, 302),
    ),
    "admin/municipalities/rolegrant/<int:pk>/erteilen/": (
        "/admin/municipalities/rolegrant/{grant}/erteilen/",
        at_desk(NOBODY, 200, 405),
        at_desk(PEOPLE, 302),
    ),
    "admin/municipalities/rolegrant/<int:pk>/ablehnen/": (
        "/admin/municipalities/rolegrant/{grant}/ablehnen/",
        at_desk(NOBODY, 200, 405),
        at_desk(PEOPLE, 302),
    ),
    "admin/municipalities/membership/<int:pk>/bestaetigen/": (
        "/admin/municipalities/membership/{membership}/bestaetigen/",
        at_desk(NOBODY, 200, 405),
        at_desk(PEOPLE, 302),
    ),
    "admin/municipalities/membership/<int:pk>/ablehnen/": (
        "/admin/municipalities/membership/{membership}/ablehnen/",
        at_desk(NOBODY, 200, 405),
        at_desk(PEOPLE, 302),
    ),
    "admin/municipalities/membership/<int:pk>/beenden/": (
        "/admin/municipalities/membership/{membership}/beenden/",
        at_desk(NOBODY, 200, 405),
        at_desk(PEOPLE, 302),
    ),
    "admin/municipalities/membership/<int:pk>/schliessen/": (
        "/admin/municipalities/membership/{membership}/schliessen/",
        at_desk(NOBODY, 200, 405),
        at_desk(PEOPLE, 302),
    ),
}
"""Every address at the desk besides the models' own and the moves."""


def _model_rows(label: str, rights: dict[str, frozenset[str]], pk: Any) -> dict[str, Any]:
    """What the rights of a model mean for its addresses: (address, GET, POST)."""
    view, add, change, delete = (
        rights.get(verb, NOBODY) for verb in ("view", "add", "change", "delete")
    )
    base = f"admin/{label.replace('.', '/')}/"
    one = f"/{base}{pk}/"
    rows = {
        base: (f"/{base}", at_desk(view, 200), at_desk(view, 200)),
        f"{base}add/": (f"/{base}add/", at_desk(add, 200), at_desk(add, 200)),
        f"{base}<path:object_id>/": (one, LED_ON, LED_ON),
        f"{base}<path:object_id>/change/": (
            f"{one}change/",
            at_desk(view, 200),
            at_desk(change, 200),
        ),
        f"{base}<path:object_id>/delete/": (
            f"{one}delete/",
            at_desk(delete, 200),
            at_desk(delete, 200),
        ),
        f"{base}<path:object_id>/history/": (
            f"{one}history/",
            at_desk(view, 200),
            at_desk(view, 200),
        ),
    }
    if label in WITH_HISTORY:
        rows[f"{base}^([^/]+)/history/([^/]+)/$"] = (
            # Of a version that does not exist nobody learns anything; none is ever brought back.
            f"{one}history/0/",
            NO_SUCH,
            at_desk(NOBODY, 200),
        )
    return rows


def _move_rows() -> dict[str, Any]:
    """The moves of a granted case: refused for the person (403) or for its state (409)."""
    rows = {}
    for action, actor in MOVES.items():
        who = "reviewer" if actor is Actor.REVIEWER else "signer"
        possible = {"withdraw_project", "begin_revocation_hearing", "propose_change"}
        get, post = (200, 422) if action in possible else (409, 409)
        rows[f"{CASE}{action}/"] = (
            f"/admin/applications/application/{{case}}/{action}/",
            at_desk(frozenset({who}), get),
            at_desk(frozenset({who}), post),
        )
    return rows


@pytest.fixture
def records(scene: dict[str, Any], demo: None) -> dict[str, Any]:
    """One record of every model at the desk."""
    w = scene["world"]
    ContactFactory()
    accounts.record(EventKind.SIGNED_IN, user=w.clerk, by=w.clerk, at=NOW)
    accounts.invite(
        municipality=w.town, email="neu@musterstadt.example", rights={}, by=w.people, at=NOW
    )
    accounts.set_roles(user=w.reader, roles=[permissions.SIGN], by=w.people, at=NOW)
    accounts.set_roles(user=w.reader, roles=[], by=w.people, at=NOW)
    w.reader.groups.add(Group.objects.get(name=permissions.READ))
    FactorReset.objects.create(user=w.reader, reason="verloren", asked_by=w.people, asked_at=NOW)
    Download.objects.create(title="Richtlinie")
    erasure.hold(application=scene["granted"], reason="Klage", by=w.administrator, at=NOW)
    erasure.offer(application=scene["granted"], at=NOW)
    Erasure.objects.create(subject="municipalities.User:0", proof="x", rule="drafts", at=NOW)
    ErasureRun.objects.create(at=NOW, report="Nichts war fällig.")
    RegisterImport.objects.create(
        at=NOW,
        by=w.administrator,
        file_name="GV.ASC",
        territory_as_of=NOW.date(),
        population_as_of=NOW.date(),
    )
    return {
        label: apps.get_model(label)._default_manager.order_by("pk").first().pk for label in MODELS
    }


def test_every_address_at_the_desk_is_in_a_table():
    rows = set(DESK) | set(_move_rows())
    for label, rights in MODELS.items():
        rows |= set(_model_rows(label, rights, 1))
    assert {route for route in addresses() if route.startswith("admin/")} == rows


def _at_desk(scene: dict[str, Any], records: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The names in the desk's addresses, and all rows of its tables."""
    names = {
        "case": scene["granted"].pk,
        "letter": scene["letter"].pk,
        "document": scene["document"].pk,
        "call": scene["world"].call.pk,
        "job": records["portal.job"],
        "mail": records["portal.outboxmail"],
        "user": scene["people"]["clerk"].pk,
        "grant": records["municipalities.rolegrant"],
        "reset": records["municipalities.factorreset"],
        "membership": records["municipalities.membership"],
    }
    rows = [*DESK.values(), *_move_rows().values()]
    for label, rights in MODELS.items():
        rows += _model_rows(label, rights, records[label]).values()
    return names, rows


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the sweeps open them for every role")
def test_every_page_opens_on_postgresql(scene, records):
    """The sweeps, and most tests of pages, run on SQLite: here each page once, with its queries."""
    names, rows = _at_desk(scene, records)
    places = [(get, pattern.format(**names)) for pattern, get, _ in rows]
    places += [(get, pattern.format(**_names(scene))) for pattern, get, _ in TABLE.values()]
    clients, found = _clients(scene), {}
    for get, address in places:
        if role := next((role for role in ROLES if get[role] == 200), None):
            found[role, address] = _status(clients[role], "get", address)
    assert {place: status for place, status in found.items() if status != 200} == {}
    assert len(found) > 100


@pytest.mark.sweep
def test_every_address_at_the_desk_answers_as_the_tables_say(scene, records):
    names, rows = _at_desk(scene, records)
    clients = _clients(scene)
    expected, found, files = {}, {}, set()
    for pattern, get, post in rows:
        address = pattern.format(**names)
        served: set[str] = set()
        for role in ROLES:
            expected[address, role] = (get[role], post[role])
            found[address, role] = (
                _status(clients[role], "get", address, served),
                _saved(_status(clients[role], "post", address, served), post[role]),
            )
        files |= {pattern} if served else set()
        if address == "/admin/logout/":
            clients = _clients(scene)
    differences = {key: found[key] for key in expected if found[key] != expected[key]}
    assert differences == {}, "\n".join(f"{key}: {value}" for key, value in differences.items())
    assert files == DESK_FILES


def _saved(status: int, expected: int) -> int:
    """An empty form that is complete as it stands is saved and leads on: the same right."""
    return expected if (status, expected) == (302, 200) else status


OPEN_WITHOUT_FACTOR = {
    "/admin/logout/",  # leads to the way out
    "/konto/abmelden/",
    "/konto/bestaetigen/",
    "/konto/sitzung/",
    "/konto/zweiter-faktor/",
}
"""What answers 200 to staff before they have set up a second factor; setting one up asks first
for the password (302 to /konto/bestaetigen/)."""


@pytest.mark.sweep
def test_without_a_second_factor_only_the_way_to_one_is_open_to_staff(scene):
    w = scene["world"]
    names = {**_names(scene), "project": scene["granted"].project.slug}
    public = {row[0] for row in TABLE.values() if row[1]["anonymous"] in (200, 404, 410)}
    addresses_ = {row[0].format(**names) for row in TABLE.values() if row[0] not in public}
    addresses_ |= {"/admin/", "/admin/applications/application/", "/admin/municipalities/user/"}
    for person in (w.reviewer, w.people, w.auditor):
        client = Client()
        client.force_login(person)
        found = {a for a in addresses_ if _status(client, "get", a) == 200}
        assert found == OPEN_WITHOUT_FACTOR - {"/admin/logout/"}, person


def test_the_demo_alone_does_without(scene, demo):
    client = Client()
    client.force_login(scene["world"].reviewer)
    assert client.get("/admin/").status_code == 200
