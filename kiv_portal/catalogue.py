"""Open data: the catalogue for harvesters, the page for developers, sitemap and robots.txt.

The catalogue follows DCAT-AP.de 3.0 (PROGRAMME §9). It names the authority and never a person: the
contact point is the authority's own mailbox, or else the portal's contact page.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap as render_sitemap
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from applications.models import FundingCall
from kiv_portal.models import Authority
from kiv_portal.public import public_page
from kiv_portal.structured import graph, web_page
from projects.forms import ORDERS
from projects.forms.facets import SIZES
from projects.models import DirectoryVersion, FundingRound, Project
from projects.resources import (
    CSV_COLUMNS,
    GEOJSON_PROPERTIES,
    JSON_FIELDS,
    KNOWN_TIME,
    LICENCE,
    known_time,
    source,
)

if TYPE_CHECKING:
    from rdflib import Graph

CONTRIBUTOR: Final = "http://dcat-ap.de/def/contributors/hessen"
AUTHORITY_LISTS: Final = "http://publications.europa.eu/resource/authority/"
HESSE: Final = "http://dcat-ap.de/def/politicalGeocoding/stateKey/06"
STATE_LEVEL: Final = "http://dcat-ap.de/def/politicalGeocoding/Level/state"
MEDIA_TYPES: Final = "https://www.iana.org/assignments/media-types/"

TITLE: Final = "Geförderte Vielfalts- und Integrationsstrategien hessischer Kommunen (KIV)"
DESCRIPTION: Final = (
    "Projekte, die das Land Hessen in den Förderrunden von KIV (Landesprogramm „WIR – Vielfalt und "
    "Teilhabe“) fördert oder gefördert hat: Projektname, Förderrunde, beteiligte Städte und "
    "Gemeinden mit Amtlichem Gemeindeschlüssel, Landkreis, eigener Angabe der Einwohnerzahl und "
    "Lage. Ohne Ansprechpersonen und verantwortliche Stellen."
)
KEYWORDS: Final = ("Integration", "Vielfalt", "Teilhabe", "Kommunen", "Förderung", "Hessen")

DISTRIBUTIONS: Final = (
    # name of the address, EU file type, media type, what it is
    ("projects_csv", "CSV", "text/csv", "CSV: eine Zeile je Kommune eines Projekts"),
    ("projects_json", "JSON", "application/json", "JSON: ein Eintrag je Projekt"),
    ("projects_geojson", "GEOJSON", "application/geo+json", "GeoJSON: ein Punkt je Kommune"),
    ("projects_atom", "ATOM", "application/atom+xml", "Atom: ein Eintrag je Projekt, mit Datum"),
)


# --- For harvesters -------------------------------------------------------------------------------


@public_page()
def catalogue_turtle(request: HttpRequest) -> HttpResponse:
    """The catalogue as Turtle."""
    return _shared(catalogue().serialize(format="turtle"), "text/turtle; charset=utf-8")


@public_page()
def catalogue_jsonld(request: HttpRequest) -> HttpResponse:
    """The catalogue as JSON-LD."""
    graph = catalogue()
    names = {prefix: str(uri) for prefix, uri in graph.namespaces() if prefix in PREFIXES}
    text = graph.serialize(format="json-ld", context=names, ensure_ascii=False)
    return _shared(text, "application/ld+json")


def _shared(text: str, content_type: str) -> HttpResponse:
    return HttpResponse(
        text,
        content_type=content_type,
        headers={
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


PREFIXES: Final = ("dcat", "dcatap", "dcatde", "dcterms", "foaf", "vcard", "xsd")


def catalogue() -> Graph:
    """The directory as one dataset with its four files."""
    # Only who asks for the catalogue pays for the library's half second.
    from rdflib import Graph, Literal, Namespace, URIRef
    from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, XSD

    dcatde = Namespace("http://dcat-ap.de/def/dcatde/")
    dcatap = Namespace("http://data.europa.eu/r5r/")
    vcard = Namespace("http://www.w3.org/2006/vcard/ns#")
    graph = Graph(bind_namespaces="none")
    for prefix, space in zip(
        PREFIXES, (DCAT, dcatap, dcatde, DCTERMS, FOAF, vcard, XSD), strict=True
    ):
        graph.bind(prefix, space)

    def iri(path: str) -> URIRef:
        return URIRef(urljoin(settings.PORTAL_ADDRESS, path))

    def listed(name: str) -> URIRef:
        return URIRef(AUTHORITY_LISTS + name)

    def german(text: str) -> Literal:
        return Literal(text, lang="de")

    def tell(subject: URIRef, kind: URIRef, *facts: tuple[URIRef, Any]) -> None:
        graph.add((subject, RDF.type, kind))
        for predicate, value in facts:
            graph.add((subject, predicate, value))

    authority = Authority.load()
    changed = DirectoryVersion.objects.last_change()
    since = (
        Project.objects.published()
        .order_by("published_at")
        .values_list("published_at", "published_month_only")
        .first()
    )

    def moment(at: datetime | None, month_only: bool) -> Literal:
        assert at is not None
        local = timezone.localtime(at)
        if month_only:
            return Literal(f"{local:%Y-%m}", datatype=XSD.gYearMonth)
        return Literal(local.isoformat(timespec="seconds"), datatype=XSD.dateTime)

    dates: list[tuple[URIRef, Literal]] = []
    if since is not None:
        dates.append((DCTERMS.issued, moment(*since)))
    if changed is not None:
        dates.append((DCTERMS.modified, moment(*changed)))

    page, home = iri(reverse("projects")), iri("/")
    book, dataset = iri("/katalog#katalog"), iri("/katalog#projekte")
    publisher, contact = iri("/katalog#herausgeber"), iri("/katalog#kontakt")
    everywhere = [
        (DCTERMS.publisher, publisher),
        (DCTERMS.language, listed("language/DEU")),
        (DCTERMS.spatial, URIRef(HESSE)),
        *dates,
    ]
    name = str(authority or "KIV-Portal")
    tell(publisher, FOAF.Agent, (FOAF.name, german(name)), (FOAF.homepage, home))
    ways = [(vcard.hasURL, iri(reverse("contact")))]
    if authority is not None and authority.email:
        ways.append((vcard.hasEmail, URIRef(f"mailto:{authority.email}")))
    tell(contact, vcard.Organization, (vcard.fn, german(name)), *ways)
    tell(
        book,
        DCAT.Catalog,
        (DCTERMS.title, german("KIV-Portal: offene Daten")),
        (DCTERMS.description, german("Offene Daten zum hessischen Förderprogramm KIV.")),
        (FOAF.homepage, iri(reverse("data"))),
        (DCTERMS.license, URIRef(LICENCE)),
        (DCAT.themeTaxonomy, listed("data-theme")),
        (DCAT.dataset, dataset),
        *everywhere,
    )
    tell(
        dataset,
        DCAT.Dataset,
        (DCTERMS.title, german(TITLE)),
        (DCTERMS.description, german(DESCRIPTION)),
        (DCTERMS.identifier, Literal(str(dataset))),
        (DCTERMS.creator, publisher),
        (dcatde.contributorID, URIRef(CONTRIBUTOR)),
        (dcatde.politicalGeocodingURI, URIRef(HESSE)),
        (dcatde.politicalGeocodingLevelURI, URIRef(STATE_LEVEL)),
        (DCAT.contactPoint, contact),
        (DCAT.theme, listed("data-theme/SOCI")),
        (DCAT.theme, listed("data-theme/GOVE")),
        (DCTERMS.accessRights, listed("access-right/PUBLIC")),
        (DCTERMS.accrualPeriodicity, listed("frequency/IRREG")),
        (DCAT.landingPage, page),
        (FOAF.page, iri(reverse("data"))),
        *((DCAT.keyword, german(word)) for word in KEYWORDS),
        *everywhere,
    )
    for address, file_type, media_type, text in DISTRIBUTIONS:
        file = iri(reverse(address))
        node = iri(f"/katalog#{file_type.lower()}")
        graph.add((dataset, DCAT.distribution, node))
        tell(
            node,
            DCAT.Distribution,
            (DCTERMS.title, german(text.partition(":")[0])),
            (DCTERMS.description, german(text)),
            (DCAT.accessURL, page),
            (DCAT.downloadURL, file),
            (DCTERMS["format"], listed(f"file-type/{file_type}")),
            (DCAT.mediaType, URIRef(MEDIA_TYPES + media_type)),
            (DCTERMS.license, URIRef(LICENCE)),
            (dcatde.licenseAttributionByText, german(source())),
            (dcatap.availability, listed("planned-availability/STABLE")),
            (DCTERMS.language, listed("language/DEU")),
            *dates,
        )
    return graph


# --- For developers -------------------------------------------------------------------------------


@public_page()
def data(request: HttpRequest) -> HttpResponse:
    """What there is, how to ask for it, what may be done with it: in one minute."""
    context = {
        "licence": LICENCE,
        "source": source(),
        "known_time": KNOWN_TIME,
        "csv_columns": CSV_COLUMNS.items(),
        "json_fields": JSON_FIELDS.items(),
        "geojson_properties": GEOJSON_PROPERTIES.items(),
        "orders": ", ".join(ORDERS),
        "sizes": ", ".join(SIZES),
        "rounds": FundingRound.objects.all(),
        "calls": FundingCall.objects.with_dates(),
        "json_ld": graph(_described(), web_page("data")),
    }
    return render(request, "kiv_portal/data.html", context)


def _described() -> dict[str, Any]:
    """The dataset for search engines (schema.org)."""
    changed = DirectoryVersion.objects.last_change()
    about: dict[str, Any] = {
        "@type": "Dataset",
        "@id": urljoin(settings.PORTAL_ADDRESS, "/katalog#projekte"),
        "url": urljoin(settings.PORTAL_ADDRESS, reverse("data")),
        "name": TITLE,
        "description": DESCRIPTION,
        "license": LICENCE,
        "isAccessibleForFree": True,
        "inLanguage": "de",
        "keywords": list(KEYWORDS),
        "spatialCoverage": "Hessen",
        "creator": {
            "@type": "GovernmentOrganization",
            "name": str(Authority.load() or "KIV-Portal"),
        },
        "distribution": [
            {
                "@type": "DataDownload",
                "encodingFormat": media_type,
                "contentUrl": urljoin(settings.PORTAL_ADDRESS, reverse(address)),
            }
            for address, _, media_type, _ in DISTRIBUTIONS
        ],
    }
    if changed is not None:
        about["dateModified"] = known_time(*changed)
    return about


# --- For search engines ---------------------------------------------------------------------------


class PortalSitemap(Sitemap):
    """Addresses under the portal's own name, whichever host was asked."""

    @property
    def protocol(self) -> str:
        return urlsplit(settings.PORTAL_ADDRESS).scheme

    def get_domain(self, site: Any = None) -> str:
        return urlsplit(settings.PORTAL_ADDRESS).netloc


class Pages(PortalSitemap):
    """The pages for everybody."""

    def items(self) -> list[str]:
        return list(PAGES)

    def location(self, item: str) -> str:
        return reverse(item)


PAGES: Final = (
    "home",
    "check",
    "projects",
    "programme_numbers",
    "project_changes",
    "data",
    "help",
    "contact",
    "downloads",
    "imprint",
    "privacy",
    "accessibility",
    "easy_language",
    "sign_language",
    "report_barrier",
    "call_subscription",
)
"""Names of the addresses a search engine should know."""


class Projects(PortalSitemap):
    """The published projects."""

    def items(self) -> Iterable[Project]:
        found = Project.objects.published().annotate(changed_at=Max("changes__at"))
        return found.only("slug", "published_at", "published_month_only").order_by("pk")

    def location(self, item: Project) -> str:
        return reverse("project", args=[item.slug])

    def lastmod(self, item: Project) -> datetime | None:
        """When it was published or changed last, whichever is later; none known by month only."""
        last = max((at for at in (item.published_at, item.changed_at) if at), default=None)
        return None if item.published_month_only and last == item.published_at else last


@public_page("p")
def sitemap(request: HttpRequest) -> HttpResponse:
    """All public addresses."""
    found = render_sitemap(request, sitemaps={"seiten": Pages, "projekte": Projects})
    return found.render()


@public_page()
def robots(request: HttpRequest) -> HttpResponse:
    """What no search engine need look at: what belongs to people, and the desk."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in ("/admin/", "/antraege/", "/konto/", "/health/")),
        f"Sitemap: {urljoin(settings.PORTAL_ADDRESS, reverse('sitemap'))}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
