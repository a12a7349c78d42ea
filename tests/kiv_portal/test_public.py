"""Public pages: kept by each process, given again byte for byte, and never out of date."""

import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from threading import Thread
from typing import Any
from urllib.error import HTTPError

import brotli
import pytest
from django.conf import settings as portal_settings
from django.core.management import call_command
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.utils import timezone

from applications.models import FundingCall
from kiv_portal.management import public_version
from kiv_portal.models import Authority, Download, OutboxMail, PublicVersion
from kiv_portal.public import (
    Page,
    PageStore,
    accepted,
    address_of,
    changes_at,
    end_of_day,
    parameters_at,
    public_page,
)
from municipalities.models import District, Municipality
from projects import services
from projects.models import FundingRound, Project, ProjectMember
from tests.factories import (
    NOW,
    ContactFactory,
    FundingCallFactory,
    MunicipalityFactory,
    PopulationFactory,
    ProjectFactory,
    UserFactory,
)
from tests.kiv_portal.test_views import database_down

# The pages are kept only outside of transactions, so these tests do without the one around them.
pytestmark = pytest.mark.django_db(transaction=True)
pure = pytest.mark.django_db(transaction=False)


def version() -> str:
    return PublicVersion.objects.current()


def headers(response: HttpResponse) -> dict[str, str]:
    return dict(response.headers)


# --- Kept and given again -------------------------------------------------------------------------


def test_a_page_given_again_is_the_same_byte_for_byte_and_costs_one_query(
    client: Client, django_assert_num_queries: Any
) -> None:
    ProjectFactory()
    first = client.get("/projekte/")
    with django_assert_num_queries(1):
        again = client.get("/projekte/")
    assert (again.status_code, again.content) == (200, first.content)
    assert headers(again) == headers(first)
    assert again.headers["Content-Length"] == str(len(again.content))
    assert again.headers["Cache-Control"] == "no-cache"
    assert again.headers["Vary"] == "Accept-Encoding"
    for name in (
        "Content-Security-Policy",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "Permissions-Policy",
        "Referrer-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
    ):
        assert again.headers[name]


def test_a_page_given_again_passes_nothing_but_its_middleware(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert portal_settings.MIDDLEWARE[0] == "kiv_portal.middleware.PublicPagesMiddleware"
    seen = []
    for _ in range(2):
        client.get("/projekte/", headers={"x-request-id": "abc-12345678"})
        seen.append(sum("request_finished" in str(record.msg) for record in caplog.records))
    assert seen == [1, 1]


def test_a_visitor_with_cookies_gets_the_same_page(client: Client) -> None:
    first = client.get("/")
    client.force_login(UserFactory())
    client.cookies["csrftoken"] = "x" * 32
    again = client.get("/")
    assert (again.content, headers(again)) == (first.content, headers(first))
    assert "Set-Cookie" not in again.headers


def test_head_tells_what_get_would_be(client: Client) -> None:
    new = client.head("/projekte/")
    shown = client.get("/projekte/")
    kept = client.head("/projekte/")
    assert (new.content, kept.content) == (b"", b"")
    assert headers(new) == headers(kept) == headers(shown)


def test_every_public_page_is_kept(client: Client, django_assert_num_queries: Any) -> None:
    """One that looked at the session, set a cookie or streamed would not be."""
    project, call = ContactFactory().project, FundingCallFactory()
    addresses = {
        route: route.replace("<slug:slug>", project.slug).replace("<int:pk>", str(call.pk))
        for route, view in _views(get_resolver())
        if hasattr(view, "public_parameters")
    }
    assert {"/", "/projekte/", "/projekte/<slug:slug>/", "/foerder-check/"} <= addresses.keys()
    lead = MunicipalityFactory()
    for route, address in addresses.items():
        query = f"?kommune={lead.ags}" if route == "/foerder-check.json" else ""
        first = client.get(f"{address}{query}")
        assert first.status_code == 200, address
        with django_assert_num_queries(1):
            again = client.get(f"{address}{query}")
        assert (again.content, headers(again)) == (first.content, headers(first)), address


def test_what_needs_no_sign_in_is_kept_or_named_here() -> None:
    """A new page for everybody is a public page, unless it stands here with a reason."""
    open_views = {
        route
        for route, view in _views(get_resolver())
        if not getattr(view, "login_required", True) and not hasattr(view, "public_parameters")
    }
    assert {route for route in open_views if not route.startswith(("/konto/", "/admin/"))} == {
        "/health/live",  # of this process and this moment
        "/health/ready",
        "/downloads/<int:pk>/<str:name>",  # a stream
        "/projekte/<slug:slug>/dokumente/<int:pk>.pdf",  # a stream
        "/barrierefreiheit/melden/",  # a form
        "/benachrichtigung/",  # a form
        "/benachrichtigung/<str:token>/",  # of one address
        "/erinnerung-abbestellen/<str:token>/",  # of one person
        "/antraege/gast/<str:token>/",  # of one invited helper
        "/kontakt/bestaetigen/<str:token>/",  # of one contact
        "/kontakt/einwilligung/<str:token>/",  # of one contact
        "/hilfe/antragsformular.pdf",  # a stream, or a page that waits for it
        "/metrics",  # of this process and this moment, for operators
    }


def _views(resolver: Any, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if hasattr(pattern, "url_patterns"):
            yield from _views(pattern, route)
        else:
            yield route, pattern.callback


# --- Never out of date ----------------------------------------------------------------------------


def _a_project() -> Project:
    return ProjectFactory(title="Vielfalt leben")


WRITES: dict[str, Callable[[Project], Any]] = {
    "authority entered": lambda p: Authority.objects.create(pk=1, name="Behörde"),
    "download entered": lambda p: Download.objects.create(title="Bericht"),
    "district renamed": lambda p: District.objects.filter(
        pk=p.members.get().municipality.district_id
    ).update(name="Anderskreis"),
    "municipality renamed": lambda p: Municipality.objects.filter(
        pk=p.members.get().municipality_id
    ).update(short_name="Andersstadt"),
    "figure added": lambda p: PopulationFactory(municipality=p.members.get().municipality),
    "round renamed": lambda p: FundingRound.objects.update(title="KIV IX"),
    "project changed": lambda p: Project.objects.update(title="Anders"),
    "project removed": lambda p: p.delete(),
    "projects added in bulk": lambda p: Project.objects.bulk_create(
        [Project(slug="neu", title="Neu", round=p.round)]
    ),
    "partner removed": lambda p: ProjectMember.objects.all().delete(),
    "contact entered": lambda p: ContactFactory(project=p),
    "call entered": lambda p: FundingCallFactory(),
    "fixture loaded": lambda p: call_command("loaddata", "authority", verbosity=0),
    "typed at the database's prompt": lambda p: _sql("UPDATE projects_project SET title = 'x'"),
    "published": lambda p: services.withdraw_from_public(
        project=p, reason="auf Wunsch", by=None, at=NOW
    ),
    "a migration ran": lambda p: call_command("migrate", verbosity=0),
    "all emptied": lambda p: call_command("flush", interactive=False, verbosity=0),
}


def _sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_write_to_what_the_public_sees_makes_a_new_version() -> None:
    for what, write in WRITES.items():
        project = _a_project()
        before = version()
        assert before
        write(project)
        assert version() not in {before, ""}, what


def test_what_the_public_does_not_see_leaves_the_version() -> None:
    before = version()
    user = UserFactory()
    user.last_login = NOW
    user.save()
    OutboxMail.objects.create(key="x", message_id="<x@portal.example>", recipient="x@y.example")
    assert version() == before


def test_what_was_rolled_back_leaves_the_version() -> None:
    project = _a_project()
    before = version()
    with transaction.atomic():
        services.withdraw_from_public(project=project, reason="auf Wunsch", by=None, at=NOW)
        transaction.set_rollback(True)
    assert version() == before


def test_inside_a_transaction_nothing_is_kept(client: Client) -> None:
    """It may see what nobody else will ever see."""
    with transaction.atomic():
        ProjectFactory(title="Nie beschlossen")
        assert "Nie beschlossen" in client.get("/projekte/").content.decode()
        transaction.set_rollback(True)
    assert "Nie beschlossen" not in client.get("/projekte/").content.decode()


def test_while_a_migration_runs_nothing_is_kept(client: Client) -> None:
    project = _a_project()
    client.get("/projekte/")
    public_version.remove(connection)
    try:
        Project.objects.filter(pk=project.pk).update(title="Während der Umstellung")
        assert "Während der Umstellung" in client.get("/projekte/").content.decode()
        assert version() == ""
    finally:
        public_version.install(connection)
    assert "Während der Umstellung" in client.get("/projekte/").content.decode()


def test_a_withdrawal_shows_at_the_next_request_in_every_process() -> None:
    """Each client has a handler, and so a store, of its own."""
    project = _a_project()
    one, other = Client(), Client()
    address = f"/projekte/{project.slug}/"
    for client in (one, other, one, other):
        assert "Vielfalt leben" in client.get("/projekte/").content.decode()
        assert client.get(address).status_code == 200
    services.withdraw_from_public(project=project, reason="auf Wunsch", by=None, at=NOW)
    for client in (one, other):
        assert "Vielfalt leben" not in client.get("/projekte/").content.decode()
        assert client.get(address).status_code == 404
    services.publish(project=project, by=None, at=NOW)
    for client in (one, other):
        assert client.get(address).status_code == 200


def test_a_hidden_contact_is_gone_at_the_next_request(client: Client) -> None:
    contact = ContactFactory()
    address = f"/projekte/{contact.project.slug}/"
    assert contact.email in client.get(address).content.decode()
    assert contact.email in client.get(address).content.decode()
    services.hide_contact(project=contact.project, by=None, at=NOW)
    assert contact.email not in client.get(address).content.decode()


def test_a_call_that_closes_shows_at_the_next_request(client: Client) -> None:
    for address in ("/", "/foerder-check/"):
        client.get(address)  # what is read once takes its time before the clock runs
    closes = timezone.now() + timedelta(seconds=3)
    FundingCallFactory(title="Förderaufruf auf Zeit", closes_at=closes)
    open_page = client.get("/").content
    check = client.get("/foerder-check/").content.decode()
    assert client.get("/").content == open_page
    assert "Zurzeit ist kein Förderaufruf offen" not in check
    time.sleep(max(0.0, (closes - timezone.now()).total_seconds()) + 0.01)
    assert client.get("/").content != open_page
    assert "Zurzeit ist kein Förderaufruf offen" in client.get("/foerder-check/").content.decode()


def test_a_contact_is_gone_after_its_last_day_though_nothing_is_written(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = datetime(2026, 11, 30, 23, tzinfo=UTC)  # in Hesse: the end of 30 November
    contact = ContactFactory(expires_on=date(2026, 11, 30))
    addresses = (f"/projekte/{contact.project.slug}/", "/projekte/")
    others = (
        "/projekte.csv",
        "/projekte.json",
        "/projekte.geojson",
        "/projekte.atom",
    )
    before = version()
    shown = []
    for at in (midnight - timedelta(hours=9), midnight - timedelta(microseconds=1), midnight):
        monkeypatch.setattr("django.utils.timezone.now", lambda at=at: at)
        shown += [contact.email in client.get(one).content.decode() for one in addresses]
        for other in others:
            assert contact.email not in client.get(other).content.decode()
    assert shown == [True, True, True, True, False, False]
    assert version() == before


def test_a_call_opens_and_closes_at_its_instants_though_nothing_is_written(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens, closes = datetime(2027, 3, 1, 8, tzinfo=UTC), datetime(2027, 3, 1, 20, tzinfo=UTC)
    FundingCallFactory(opens_at=datetime(2026, 1, 1, tzinfo=UTC), closes_at=opens, cap=1000)
    FundingCallFactory(
        title="Der nächste", opens_at=opens, closes_at=closes, maximum_population=49_000
    )
    for_programs = f"/foerder-check.json?kommune={PopulationFactory().municipality.ags}"
    before = version()
    for address in ("/", "/foerder-check/", for_programs):
        bodies = []
        for at in (opens, closes):
            for moved in (timedelta(hours=-1), timedelta(microseconds=-1), timedelta(0)):
                monkeypatch.setattr("django.utils.timezone.now", lambda at=at + moved: at)
                bodies.append(client.get(address).content)
        assert bodies[0] == bodies[1] != bodies[2] == bodies[3] == bodies[4], address
        if address != for_programs:  # it names the same limits when the call is over
            assert bodies[4] != bodies[5], address
    assert version() == before


def test_the_next_change_of_the_calls() -> None:
    def hour(number: int) -> datetime:
        return datetime(2026, 11, 16, number, tzinfo=UTC)

    assert FundingCall.objects.next_change(hour(0)) is None
    FundingCallFactory(opens_at=hour(1), opened_at=NOW, closes_at=hour(4))
    FundingCallFactory(opens_at=hour(2), opened_at=NOW, closes_at=None)
    FundingCallFactory(opens_at=hour(3), opened_at=None, closes_at=hour(5))
    found = [FundingCall.objects.next_change(hour(number)) for number in range(5)]
    assert found == [hour(1), hour(2), hour(4), hour(4), None]


@contextmanager
def _web_process() -> Iterator[str]:
    """A gunicorn of its own on the tests' database; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = connection.settings_dict
    url = (
        f"sqlite:///{database['NAME']}"
        if connection.vendor == "sqlite"
        else re.sub(r"/[^/]*$", f"/{database['NAME']}", os.environ["DATABASE_URL"])
    )
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "kiv_portal.wsgi", "--no-control-socket"),
            *("--bind", f"127.0.0.1:{port}", "--threads", "2", "--log-level", "error"),
        ],
        cwd=portal_settings.BASE_DIR,
        env=environment,
        start_new_session=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                _get(f"{address}/health/live")
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _get(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=30) as response:
        text: str = response.read().decode()
    return text


def test_two_web_processes_show_every_change_at_the_next_request() -> None:
    """Pages, map, files, feed, changes, sitemap and catalogue: warmed in both, then changed."""
    town = MunicipalityFactory(short_name="Kartenstadt", latitude="50.1", longitude="8.6")
    project = ProjectFactory(title="Vielfalt leben", published_at=None, towns=[town])
    contact = ContactFactory(project=project)
    services.publish(project=project, by=None, at=NOW)
    own = f"/projekte/{project.slug}/"
    files = ("/projekte.csv", "/projekte.json", "/projekte.geojson", "/projekte.atom")
    named = ("/projekte/", *files, own, "/projekte/aenderungen/")
    others = ("/", "/projekte/zahlen/", "/katalog.ttl", "/katalog.jsonld", "/sitemap.xml")

    def shown() -> list[dict[str, str]]:
        """Both processes' answers, asked twice: the second time from what they keep."""
        for process in (one, other):
            for address in (*named, *others):
                _get(f"{process}{address}")
        return [
            {address: _get(f"{process}{address}") for address in (*named, *others)}
            for process in (one, other)
        ]

    with _web_process() as one, _web_process() as other:
        first = shown()
        for answers in first:
            assert [address for address in named if "Vielfalt leben" not in answers[address]] == []
            assert "Kartenstadt: KIV I" in answers["/projekte/"]
            assert contact.email in answers["/projekte/"]
            assert contact.email in answers[own]

        Project.objects.filter(pk=project.pk).update(title="Anders leben")
        services.settle_edit(project=project, at=NOW + timedelta(days=1))
        services.hide_contact(project=project, by=None, at=NOW + timedelta(days=1))
        changed = [
            {address: _get(f"{process}{address}") for address in (*named, *others)}
            for process in (one, other)
        ]
        for before, answers in zip(first, changed, strict=True):
            assert [address for address in named if "Anders leben" not in answers[address]] == []
            assert [text for text in answers.values() if "Vielfalt leben" in text] == []
            assert [text for text in answers.values() if contact.email in text] == []
            for address in ("/katalog.ttl", "/katalog.jsonld", "/sitemap.xml"):
                assert answers[address] != before[address], address

        services.withdraw_from_public(project=project, reason="auf Wunsch", by=None, at=NOW)
        for process in (one, other):
            for address in {*named, *others} - {own}:
                text = _get(f"{process}{address}")
                left = [w for w in ("Anders leben", own, "Kartenstadt: KIV I") if w in text]
                assert left == [], address
            with pytest.raises(HTTPError, match="404"):
                _get(f"{process}{own}")


# --- Without a database ---------------------------------------------------------------------------


def test_without_a_database_nothing_old_is_shown(client: Client) -> None:
    kept = client.get("/projekte/")
    client.raise_request_exception = False
    with database_down():
        response = client.get("/projekte/")
    assert response.status_code == 503
    assert "Das Portal ist gerade nicht erreichbar" in response.content.decode()
    assert response.headers["Retry-After"] == "60"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Security-Policy"]
    assert client.get("/projekte/").content == kept.content


# --- Errors are not kept --------------------------------------------------------------------------


def test_errors_are_not_kept(client: Client) -> None:
    wrong = {"/projekte/gibt-es-nicht/": 404, "/projekte.json?runde=99": 400, "/gibt-es-nicht": 404}
    for address, status in wrong.items():
        response = client.get(address)
        assert (response.status_code, "ETag" in response.headers) == (status, False), address


def test_a_wrong_host_is_refused_also_where_the_page_is_kept(client: Client) -> None:
    client.get("/")
    response = client.get("/", headers={"host": "fremd.example"})
    assert response.status_code == 400
    assert response.headers["Content-Security-Policy"]


def test_without_tls_a_kept_page_is_redirected(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    client.get("/", secure=True)
    assert client.get("/", secure=True).status_code == 200
    assert client.get("/").status_code == 301


def test_a_public_page_takes_no_form(client: Client) -> None:
    for address in ("/", "/projekte/"):
        client.get(address)
        assert client.post(address).status_code == 405, address


@pure
@pytest.mark.parametrize(
    "spoil",
    [
        lambda response: response.set_cookie("x", "y"),
        lambda response: response.headers.__setitem__("Vary", "Cookie"),
        lambda response: response.headers.__setitem__("Cache-Control", "private"),
        lambda response: response.headers.__setitem__("Content-Encoding", "gzip"),
        lambda response: setattr(response, "status_code", 404),
        lambda response: setattr(response, "is_public_page", False),
    ],
)
def test_what_belongs_to_one_visitor_or_is_no_page_is_not_kept(spoil: Any) -> None:
    response = HttpResponse("x")
    response.is_public_page = True
    assert Page.of(response, "1") is not None
    spoil(response)
    assert Page.of(response, "1") is None


# --- Parameters -----------------------------------------------------------------------------------


@pure
def test_a_query_is_written_one_way_only(rf: RequestFactory) -> None:
    def address(query: str) -> tuple[str, str, str]:
        return address_of(rf.get(f"/foerder-check/?{query}"), ("partner", "kommune", "suche"))

    assert address("kommune=1&partner=2&partner=3") == (
        "http://testserver",
        "/foerder-check/",
        "kommune=1&partner=2&partner=3",
    )
    assert address("partner=2&x=9&kommune=1&partner=3") == address("kommune=1&partner=2&partner=3")
    assert address("partner=3&partner=2") != address("partner=2&partner=3")
    assert address("suche=") != address("")
    assert address("utm_source=x")[2] == ""


@pure
def test_a_view_sees_only_the_parameters_it_named(rf: RequestFactory) -> None:
    @public_page("q")
    def view(request: Any) -> HttpResponse:
        return HttpResponse(f"{request.GET.urlencode()} {request.get_full_path()}")

    response = view(rf.get("/seite/?x=1&q=a&q=b&fremd=%3Cscript%3E"))
    assert response.content.decode() == "q=a&q=b /seite/?q=a&q=b"


def test_foreign_parameters_share_one_page(client: Client, django_assert_num_queries: Any) -> None:
    shown = client.get("/projekte/?sort=runde&amif=1")
    for query in ("amif=1&sort=runde", "amif=1&utm_source=newsletter&sort=runde"):
        with django_assert_num_queries(1):
            assert client.get(f"/projekte/?{query}").content == shown.content
    assert client.get("/projekte/?sort=runde").content != shown.content


@pure
def test_only_public_pages_have_parameters() -> None:
    assert parameters_at("/projekte/") == (
        *("q", "landkreis", "runde", "groesse", "amif", "verbund", "sort", "seite"),
    )
    assert parameters_at("/") == ()
    assert parameters_at("/antraege/") is None
    assert parameters_at("/gibt-es-nicht/") is None


# --- Encodings and what the browser has already ---------------------------------------------------


def test_each_browser_gets_the_encoding_it_takes(client: Client) -> None:
    takes: list[tuple[str, str | None, Callable[[bytes], bytes]]] = [
        ("gzip, deflate, br", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("", None, bytes),
    ]
    plain = client.get("/projekte/")
    for header, encoding, unpack in takes + takes:
        response = client.get("/projekte/", headers={"accept-encoding": header})
        assert response.headers.get("Content-Encoding") == encoding
        assert unpack(response.content) == plain.content
        assert response.headers["Content-Length"] == str(len(response.content))
        assert response.headers["Vary"] == "Accept-Encoding"


@pure
@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, gzip;q=0", ""),
        ("*", "br"),
        ("*;q=0", ""),
        ("br;q=0, *", "gzip"),
        ("identity, br;q=0.5", ""),
        ("GZIP ; q = 0.8", "gzip"),
        ("br;q=viel", ""),
        ("deflate, zstd", ""),
    ],
)
def test_the_best_encoding_a_browser_takes(header: str, encoding: str) -> None:
    assert accepted(header) == encoding


def test_what_a_browser_has_already_is_not_sent_again(client: Client) -> None:
    project = _a_project()
    tags = {
        encoding: client.get("/projekte/", headers={"accept-encoding": encoding}).headers["ETag"]
        for encoding in ("br", "gzip", "identity")
    }
    assert len(set(tags.values())) == 3
    assert not any(tag.startswith("W/") for tag in tags.values())
    for method in (client.get, client.head):
        for encoding, tag in tags.items():
            response = method(
                "/projekte/", headers={"accept-encoding": encoding, "if-none-match": tag}
            )
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["ETag"] == tag
            assert response.headers["Vary"] == "Accept-Encoding"
            assert response.headers["Cache-Control"] == "no-cache"
    foreign = client.get("/projekte/", headers={"if-none-match": '"anders"'})
    assert foreign.status_code == 200
    services.withdraw_from_public(project=project, reason="auf Wunsch", by=None, at=NOW)
    changed = client.get("/projekte/", headers={"if-none-match": tags["identity"]})
    assert changed.status_code == 200


def test_a_write_that_changes_nothing_on_a_page_leaves_its_tag(client: Client) -> None:
    """New version, same page: the browser's copy still counts."""
    tag = client.get("/hilfe/").headers["ETag"]
    _a_project()
    assert client.get("/hilfe/", headers={"if-none-match": tag}).status_code == 304


# --- Bounds ---------------------------------------------------------------------------------------


def _page(size: int = 10, version: str = "1", until: datetime | None = None) -> Page:
    return Page(version, until, {"Content-Type": "text/html"}, b"x" * size)


def _key(name: str) -> tuple[str, str, str]:
    return "http://testserver", name, ""


@pure
def test_what_was_not_asked_for_longest_goes_first() -> None:
    store = PageStore(pages=2)
    store.keep(_key("a"), _page())
    store.keep(_key("b"), _page())
    assert store.find(_key("a"), "1", NOW) is not None
    store.keep(_key("c"), _page())
    assert [name for name in "abc" if store.find(_key(name), "1", NOW)] == ["a", "c"]
    assert len(store) == 2


@pure
def test_the_store_is_bounded_in_bytes() -> None:
    store = PageStore(size=100_000)
    for name in "abcdefgh":
        store.keep(_key(name), _page(20_000))
        assert store.bytes <= 100_000
    assert len(store) == 4
    store.keep(_key("h"), _page(10))
    assert store.bytes < 80_000
    store.keep(_key("large"), _page(30_000))
    assert store.find(_key("large"), "1", NOW) is None


@pure
def test_a_page_is_weighed_with_its_compressed_forms() -> None:
    page = _page(20_000)
    before = page.size()
    encoding, body = page.in_form("gzip")
    assert (encoding, page.size()) == ("gzip", before + len(body))


@pure
def test_what_compression_would_not_make_smaller_is_sent_as_it_is() -> None:
    assert _page(10).in_form("br")[0] == ""
    picture = Page("1", None, {"Content-Type": "image/png"}, b"x" * 5000)
    assert picture.in_form("br")[0] == ""


@pure
def test_a_kept_page_counts_for_its_version_and_until_its_instant() -> None:
    store = PageStore()
    store.keep(_key("a"), _page(until=NOW))
    moment = timedelta(microseconds=1)
    assert store.find(_key("a"), "1", NOW - moment) is not None
    assert store.find(_key("a"), "1", NOW) is None
    assert store.find(_key("a"), "2", NOW - moment) is None
    assert store.find(_key("b"), "1", NOW - moment) is None


@pure
def test_a_page_changes_at_the_first_instant_to_come() -> None:
    day = timedelta(days=1)
    response = HttpResponse()
    assert changes_at(response, NOW, None, NOW, NOW - day).changes_at is None
    assert changes_at(response, NOW, NOW + 2 * day, None).changes_at == NOW + 2 * day
    assert changes_at(response, NOW, NOW + 3 * day, NOW + day).changes_at == NOW + day


@pure
@pytest.mark.parametrize(
    ("at", "midnight"),
    [
        (datetime(2026, 7, 1, 21, 59, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC)),
        (datetime(2026, 7, 1, 22, tzinfo=UTC), datetime(2026, 7, 2, 22, tzinfo=UTC)),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_midnight_in_hesse(at: datetime, midnight: datetime) -> None:
    assert end_of_day(at) == midnight


@pure
def test_threads_may_use_the_store_at_once() -> None:
    store = PageStore(pages=5, size=50_000)
    faults: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for number in range(500):
                name = _key(str((seed * number) % 11))
                if store.find(name, "1", NOW) is None:
                    store.keep(name, _page(1000 * (number % 9)))
        except BaseException as fault:
            faults.append(fault)

    threads = [Thread(target=work, args=(seed,)) for seed in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(store) <= 5
    assert 0 <= store.bytes <= 50_000
