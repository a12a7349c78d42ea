"""The catalogue harvesters read, the page for developers, sitemap and robots.txt."""

import json
import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pyshacl
import pytest
from django.urls import reverse
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCAT, DCTERMS, RDF

from kiv_portal import catalogue
from kiv_portal.models import Authority
from projects import services
from projects.resources import CSV_COLUMNS, GEOJSON_PROPERTIES, JSON_FIELDS
from tests.factories import NOW, FundingCallFactory, ProjectFactory

pytestmark = pytest.mark.django_db

SHAPES = Path(__file__).parent / "dcat_ap_de.ttl"


@pytest.fixture
def authority(settings) -> Authority:
    settings.PORTAL_ADDRESS = "https://kiv.example"
    return Authority.objects.create(
        pk=1,
        name="Regierungspräsidium Darmstadt",
        help_name="Musterperson Eins",
        help_email="musterperson@behoerde.example",
        help_phone="06151 1",
    )


def turtle(client) -> Graph:
    response = client.get("/katalog.ttl")
    assert response["Content-Type"] == "text/turtle; charset=utf-8"
    assert response["Access-Control-Allow-Origin"] == "*"
    return Graph().parse(data=response.content, format="turtle")


def complaints(graph: Graph) -> str:
    conforms, _, text = pyshacl.validate(graph, shacl_graph=Graph().parse(SHAPES))
    return "" if conforms else str(text)


def test_the_catalogue_keeps_the_rules_of_dcat_ap_de(client, authority):
    ProjectFactory()
    assert complaints(turtle(client)) == ""


def test_it_keeps_them_with_a_mailbox_and_in_an_empty_portal(client, authority):
    authority.email = "poststelle@behoerde.example"
    authority.save()
    text = client.get("/katalog.ttl").content.decode()
    assert "mailto:poststelle@behoerde.example" in text
    assert complaints(turtle(client)) == ""
    Authority.objects.all().delete()
    assert complaints(turtle(client)) == ""


@pytest.mark.parametrize(
    ("kind", "predicate"),
    [
        (DCAT.Dataset, "http://dcat-ap.de/def/dcatde/contributorID"),
        (DCAT.Dataset, "http://www.w3.org/ns/dcat#contactPoint"),
        (DCAT.Dataset, "http://www.w3.org/ns/dcat#theme"),
        (DCAT.Dataset, "http://purl.org/dc/terms/publisher"),
        (DCAT.Distribution, "http://purl.org/dc/terms/license"),
        (DCAT.Distribution, "http://purl.org/dc/terms/format"),
        (DCAT.Distribution, "http://www.w3.org/ns/dcat#accessURL"),
    ],
)
def test_the_shapes_notice_what_is_missing(client, authority, kind, predicate):
    graph = turtle(client)
    subject = graph.value(predicate=RDF.type, object=kind, any=True)
    graph.remove((subject, URIRef(predicate), None))
    assert complaints(graph) != ""


# The library's own parser, which only this test uses, still speaks to a class it has retired.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
def test_both_forms_say_the_same_and_say_it_the_same_way_each_time(client, authority):
    ProjectFactory()
    response = client.get("/katalog.jsonld")
    assert response["Content-Type"] == "application/ld+json"
    linked = Graph().parse(data=response.content, format="json-ld")
    assert isomorphic(linked, turtle(client))
    assert client.get("/katalog.jsonld").content == response.content
    assert client.get("/katalog.ttl").content == client.get("/katalog.ttl").content


def test_the_catalogue_names_the_four_files_and_when_they_changed(client, authority):
    project = ProjectFactory(published_at=None)
    services.publish(project=project, by=None, at=NOW)
    graph = turtle(client)
    files = {str(one) for one in graph.objects(predicate=DCAT.downloadURL)}
    assert files == {
        f"https://kiv.example/projekte.{form}" for form in ("csv", "json", "geojson", "atom")
    }
    changed = {str(one) for one in graph.objects(predicate=DCTERMS.modified)}
    assert changed == {"2026-11-16T10:30:00+01:00"}


def test_no_person_is_in_the_catalogue(client, authority):
    text = client.get("/katalog.ttl").content.decode()
    secrets = [authority.help_name, authority.help_email, authority.help_phone]
    assert [secret for secret in secrets if secret in text] == []


# --- For developers -------------------------------------------------------------------------------


def test_the_page_for_developers_documents_every_column_and_field(client, authority):
    page = client.get("/daten/").content.decode()
    names = [*CSV_COLUMNS, *JSON_FIELDS, *GEOJSON_PROPERTIES]
    assert [name for name in names if f"<code>{name}</code>" not in page] == []
    assert "curl &#x27;https://kiv.example" in page or "curl 'https://kiv.example" in page
    assert "Musterperson" not in page


def test_the_page_for_developers_leads_to_the_dates_of_open_calls(client):
    call, never = FundingCallFactory(), FundingCallFactory(opened_at=None)
    page = client.get("/daten/").content.decode()
    assert f"/foerder-aufrufe/{call.pk}.ics" in page
    assert f"/foerder-aufrufe/{never.pk}.ics" not in page


@pytest.mark.parametrize("address", ["/daten/", "/katalog.ttl", "/katalog.jsonld", "/sitemap.xml"])
@pytest.mark.parametrize("number", [1, 3])
def test_open_data_needs_the_same_queries_for_one_project_and_for_three(
    client, django_assert_num_queries, number, address
):
    for _ in range(number):
        ProjectFactory()
    queries = {"/daten/": 6, "/katalog.ttl": 8, "/katalog.jsonld": 8, "/sitemap.xml": 2}
    with django_assert_num_queries(queries[address]):
        client.get(address)


# --- For search engines ---------------------------------------------------------------------------


def test_the_sitemap_holds_all_public_pages_and_published_projects(client, settings):
    settings.PORTAL_ADDRESS = "https://kiv.example"
    ProjectFactory(slug="rodgau")
    ProjectFactory(slug="geheim", published_at=None)
    content = client.get("/sitemap.xml").content
    root = ElementTree.fromstring(content)  # noqa: S314 - our own
    found = [one.text for one in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert "https://kiv.example/projekte/rodgau/" in found
    assert [one for one in found if not one.startswith("https://kiv.example/")] == []
    assert b"geheim" not in content
    paths = [one.removeprefix("https://kiv.example") for one in found]
    assert [path for path in paths if client.get(path).status_code != 200] == []


def test_the_sitemap_says_when_a_project_changed_last(client):
    project = ProjectFactory(slug="rodgau")
    services.settle_edit(project=project, at=NOW + timedelta(days=3))
    root = ElementTree.fromstring(client.get("/sitemap.xml").content)  # noqa: S314 - our own
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    changed = {
        one.findtext(f"{space}loc", "").split("/")[-2]: one.findtext(f"{space}lastmod")
        for one in root
    }
    assert changed["rodgau"] == "2026-11-19"


def test_every_page_of_the_sitemap_names_itself_where_it_is_shared(client, settings):
    settings.PORTAL_ADDRESS = "https://kiv.example"
    for name in catalogue.PAGES:
        page = client.get(reverse(name)).content.decode()
        title = re.search(r"<title>\s*(.*?)\s*</title>", page)
        shared = re.findall(r'<meta property="og:title" content="([^"]*)">', page)
        assert title is not None, name
        assert shared == [title[1]], name
        pictures = re.findall(r'<meta property="og:image" content="([^"]*)">', page)
        assert [one.startswith("https://kiv.example/") for one in pictures] == [True], name
        [canonical] = re.findall(r'<link rel="canonical" href="([^"]*)">', page)
        assert canonical == f"https://kiv.example{reverse(name)}", name
        # And says to search engines in one piece what it is and where it stands.
        [written] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
        about = {kind: part for part in json.loads(written)["@graph"] for kind in [part["@type"]]}
        if name == "home":
            assert about["WebPage"]["url"] == canonical
            continue
        trail = about.get("BreadcrumbList") or about["WebPage"]["breadcrumb"]
        here = re.search(r'<li aria-current="page">(.*?)</li>', page)
        last = trail["itemListElement"][-1]
        assert here is not None, name
        assert (last["name"], last["item"]) == (here[1], canonical), name


def test_robots_stay_away_from_what_belongs_to_people(client, settings):
    settings.PORTAL_ADDRESS = "https://kiv.example"
    response = client.get("/robots.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.decode() == (
        "User-agent: *\n"
        "Disallow: /admin/\n"
        "Disallow: /antraege/\n"
        "Disallow: /konto/\n"
        "Disallow: /health/\n"
        "Sitemap: https://kiv.example/sitemap.xml\n"
    )
