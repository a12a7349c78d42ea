"""Counts beside the filters, the map, the twins for maps and feeds, documents and expiry."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kiv_portal.models import Authority
from municipalities.models import Municipality
from municipalities.services import places
from projects import services
from projects.forms.facets import SIZES, size_class
from projects.models import DirectoryChange, Project
from projects.resources import CSV_COLUMNS, GEOJSON_PROPERTIES, JSON_FIELDS
from projects.views import hesse
from tests.factories import (
    NOW,
    ContactFactory,
    DistrictFactory,
    FundingRoundFactory,
    MunicipalityFactory,
    PopulationFactory,
    ProjectFactory,
)
from tests.projects.test_views import csv_rows, read

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"


def town(name: str, district, residents: int | None, lat: str | None = "50.0") -> Municipality:
    found = MunicipalityFactory(
        short_name=name,
        official_name=f"{name}, Stadt",
        district=district,
        latitude=lat,
        longitude=lat and "8.5",
    )
    if residents is not None:
        PopulationFactory(municipality=found, value=residents)
    return found


@pytest.fixture
def scene() -> dict[str, Project]:
    """Four projects: two rounds, two districts, three sizes, one joint over both districts."""
    east = DistrictFactory(ags="06438", name="Offenbach")
    west = DistrictFactory(ags="06533", name="Limburg-Weilburg")
    first, second = FundingRoundFactory(number=1), FundingRoundFactory(number=2)
    small, large = town("Hünfelden", west, 9_929), town("Rodgau", east, 45_000, "50.1")
    return {
        "rodgau": ProjectFactory(slug="rodgau", round=first, amif=True, towns=[large]),
        "again": ProjectFactory(slug="rodgau-2", round=second, towns=[large]),
        "joint": ProjectFactory(
            slug="joint", round=second, amif=True, towns=[small, town("Langen", east, 38_000)]
        ),
        "bare": ProjectFactory(
            slug="bare", round=first, towns=[town("Ohnezahl", west, None, None)]
        ),
    }


def choices(response, name: str) -> list[str]:
    field = response.context["search"].form.fields[name]
    return [label.replace("\u00a0", " ") for _, label in field.choices]


# --- Counts ---------------------------------------------------------------------------------------


def test_each_filter_says_how_many_projects_its_choices_would_leave(client, scene):
    response = client.get("/projekte/")
    assert choices(response, "landkreis") == [
        "alle",
        "Limburg-Weilburg (Landkreis) (2)",
        "Offenbach (Landkreis) (3)",
    ]
    assert choices(response, "runde") == [
        "alle",
        "KIV I (2018/2019) (2)",
        "KIV II (2018/2019) (2)",
    ]
    assert choices(response, "groesse") == [
        "alle",
        "unter 10.000 (1)",
        "10.000 bis 19.999 (0)",
        "20.000 bis 29.999 (0)",
        "30.000 bis 50.000 (3)",
        "über 50.000 (0)",
    ]
    page = read(response)
    assert "nur AMIF-WIR-Projekte (2)" in page
    assert "nur Projekte im Verbund (1)" in page


def test_a_count_respects_all_other_filters_and_not_its_own(client, scene):
    response = client.get("/projekte/?runde=2&amif=1")
    assert choices(response, "landkreis") == [
        "alle",
        "Limburg-Weilburg (Landkreis) (1)",
        "Offenbach (Landkreis) (1)",
    ]
    assert choices(response, "runde") == ["alle", "KIV I (2018/2019) (1)", "KIV II (2018/2019) (1)"]
    assert "nur AMIF-WIR-Projekte (1)" in read(response)
    counted = response.context["search"].facets
    assert (counted.total, counted.joint) == (1, 1)


@pytest.mark.parametrize("few", [500, 1], ids=["few found", "more than few"])
def test_counts_follow_the_words_of_the_search(client, scene, monkeypatch, few):
    monkeypatch.setattr("projects.forms.FEW", few)
    response = client.get("/projekte/?q=rodgau")
    assert choices(response, "landkreis") == ["alle", "Offenbach (Landkreis) (2)"]
    assert [project.slug for project in response.context["page"]] == ["rodgau", "rodgau-2"]


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("groesse=unter-10000", ["joint"]),
        ("groesse=30000-50000", ["joint", "rodgau", "rodgau-2"]),
        ("groesse=ueber-50000", []),
        ("groesse=30000-50000&landkreis=06533", ["joint"]),
        ("groesse=30000-50000&runde=1", ["rodgau"]),
    ],
)
def test_every_count_is_the_number_of_what_is_then_found(client, scene, query, slugs):
    response = client.get(f"/projekte/?{query}")
    found = sorted(project.slug for project in response.context["page"])
    assert (found, response.context["page"].paginator.count) == (slugs, len(slugs))
    data = client.get(f"/projekte.json?{query}").json()
    assert sorted(one["url"].split("/")[-2] for one in data["results"]) == slugs


@pytest.mark.parametrize(
    ("residents", "key"),
    [
        (None, ""),
        (0, "unter-10000"),
        (9_999, "unter-10000"),
        (10_000, "10000-19999"),
        (29_999, "20000-29999"),
        (50_000, "30000-50000"),
        (50_001, "ueber-50000"),
    ],
)
def test_a_size_has_one_class(residents, key):
    assert size_class(residents) == key


def test_the_classes_of_size_leave_no_gap():
    bounds = [(least, most) for _, least, most in SIZES.values()]
    assert [most + 1 for _, most in bounds[:-1]] == [least for least, _ in bounds[1:]]


# --- Figures of one day ---------------------------------------------------------------------------


def test_the_newest_day_for_which_nearly_all_have_a_figure_counts():
    towns = [MunicipalityFactory() for _ in range(10)]
    for one in towns:
        PopulationFactory(municipality=one, as_of=date(2021, 12, 31), value=100)
        PopulationFactory(municipality=one, as_of=date(2023, 12, 31), value=110)
    PopulationFactory(municipality=towns[0], as_of=date(2024, 12, 31), value=500)
    found = places.gazetteer()
    assert (found.as_of, found.basis, found.total) == (date(2023, 12, 31), "Zensus 2011", 1100)
    PopulationFactory(municipality=towns[0], as_of=date(2023, 12, 31), basis="Zensus 2022", value=1)
    assert places.gazetteer().basis == "Zensus 2011"


def test_a_changed_key_takes_the_figure_of_its_sole_predecessor_and_counts_once():
    new = MunicipalityFactory(ags="06415000", valid_from=date(2026, 1, 1))
    old = MunicipalityFactory(ags="06435014", valid_to=date(2025, 12, 31), successor=new)
    PopulationFactory(municipality=old, value=99_000)
    found = places.gazetteer()
    assert [
        (found.places[ags].population, found.places[ags].figure_of)
        for ags in ("06415000", "06435014")
    ] == [(99_000, "06435014")] * 2
    assert found.total == 99_000
    assert [place.ags for place in found.in_force(date(2026, 6, 1))] == ["06415000"]
    assert [place.ags for place in found.in_force(date(2025, 6, 1))] == ["06435014"]
    assert found.next_change(date(2025, 6, 1)) == date(2026, 1, 1)
    assert found.next_change(date(2026, 1, 1)) is None


def test_without_any_figure_there_is_no_day_and_no_sum():
    MunicipalityFactory()
    found = places.gazetteer()
    assert (found.as_of, found.basis, found.total) == (None, "", 0)


# --- Map ------------------------------------------------------------------------------------------


def test_the_map_marks_what_was_found_by_its_newest_round_and_draws_the_others_as_one_path(
    client, scene
):
    town("Grau", DistrictFactory(ags="06438"), 5_000, "51.0")
    drawn = client.get("/projekte/").context["map"]
    key = Municipality.objects.get(short_name="Rodgau").ags
    assert [(mark.label, mark.href, mark.shape) for mark in drawn.marks] == [
        ("Rodgau: 2 Projekte, KIV I, KIV II", f"/projekte/?q={key}", 2),
        ("Langen: KIV II", "/projekte/joint/", 2),
        ("Hünfelden: KIV II", "/projekte/joint/", 2),
    ]
    assert (drawn.off, drawn.others) == (["Ohnezahl"], "M78.1 108h0")
    assert [(entry.label, entry.number) for entry in drawn.legend] == [("KIV II (2018/2019)", 3)]


def test_the_map_follows_the_search_and_its_links_have_names(client, scene):
    page = client.get("/projekte/?q=rodgau&runde=1").content.decode()
    assert 'aria-label="Rodgau: KIV I"' in page
    assert 'href="/projekte/rodgau/"' in page
    assert 'class="mark mark--1"' in page
    assert "Langen:" not in page


def test_the_seventh_round_has_the_form_of_the_first_but_hollow():
    assert [hesse.form(position) for position in (0, 1, 5, 6, 11, 12)] == [
        (1, False),
        (2, False),
        (6, False),
        (1, True),
        (6, True),
        (1, False),
    ]


def test_an_empty_register_has_no_map(client):
    assert "Karte" not in read(client.get("/projekte/"))


# --- What changes by itself -----------------------------------------------------------------------


def test_the_page_names_the_instant_at_which_a_municipality_ceases_to_exist(client, scene):
    assert client.get("/projekte/").changes_at is None
    Municipality.objects.filter(short_name="Langen").update(valid_to=date(2999, 6, 30))
    assert client.get("/projekte/").changes_at == datetime(2999, 6, 30, 22, tzinfo=UTC)
    assert client.get("/projekte/zahlen/").changes_at == datetime(2999, 6, 30, 22, tzinfo=UTC)


def test_an_expired_contact_is_gone_and_the_page_says_when_it_goes(client, scene):
    contact = ContactFactory(project=scene["rodgau"], expires_on=date(2999, 12, 31))
    response = client.get("/projekte/rodgau/")
    assert contact.person in read(response)
    assert response.changes_at == datetime(2999, 12, 31, 23, tzinfo=UTC)
    contact.expires_on = date(2020, 1, 1)
    contact.save()
    response = client.get("/projekte/rodgau/")
    assert contact.person not in read(response)
    assert response.changes_at is None


# --- One project ----------------------------------------------------------------------------------


def test_a_project_shows_its_strategy_and_resolution_with_what_is_known_of_them(client, scene):
    documents = scene["rodgau"].documents
    file = SimpleUploadedFile("x.pdf", b"%PDF-1.7 strategy")
    strategy = documents.create(
        kind="strategy", file=file, dated_on=date(2026, 5, 4), accessible=False
    )
    documents.create(
        kind="resolution", title="Beschluss 12/2026", address="https://rodgau.example/12"
    )
    response = client.get("/projekte/rodgau/")
    assert (
        "Vielfalts- und Integrationsstrategie (PDF, 17 Bytes) vom 04.05.2026, nicht barrierefrei "
        "Beschluss Beschluss 12/2026 Barrierefreiheit nicht geprüft, auf einer anderen Website"
    ) in read(response).replace("\xa0", " ")
    address = f"/projekte/rodgau/dokumente/{strategy.pk}.pdf"
    assert f'href="{address}"' in response.content.decode()
    answer = client.get(address)
    assert b"".join(answer.streaming_content) == b"%PDF-1.7 strategy"
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'inline; filename="rodgau-strategy.pdf"'


def test_a_document_goes_with_its_project_and_a_lost_file_is_not_found(client, scene):
    file = SimpleUploadedFile("x.pdf", b"%PDF-1.7")
    strategy = scene["rodgau"].documents.create(kind="strategy", file=file)
    address = f"/projekte/rodgau/dokumente/{strategy.pk}.pdf"
    assert client.get(f"/projekte/joint/dokumente/{strategy.pk}.pdf").status_code == 404
    services.withdraw_from_public(project=scene["rodgau"], reason="Irrtum", by=None, at=NOW)
    assert client.get(address).status_code == 404
    services.publish(project=scene["rodgau"], by=None, at=NOW)
    strategy.file.storage.delete(strategy.file.name)
    assert client.get(address).status_code == 404


def test_neighbours_are_told_with_their_distance_nearest_first(client, scene):
    response = client.get("/projekte/rodgau/")
    assert [
        (one.project.slug, round(one.project.distance_km or 0))
        for one in response.context["neighbours"]
    ] == [
        ("rodgau-2", 0),
        ("joint", 11),
    ]
    around = [(place.name, round(km)) for place, km in response.context["adjoining"]]
    assert sorted(around) == [("Hünfelden", 11), ("Langen", 11)]
    assert "11,1 km entfernt" in read(response)


def test_structured_data_cannot_break_out_of_its_element(client, scene):
    Project.objects.filter(slug="rodgau").update(title="</script><b>&amp;")
    page = client.get("/projekte/rodgau/").content.decode()
    text = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert text is not None
    assert "<" not in text.group(1)
    entry = json.loads(text.group(1))["@graph"][0]
    assert (entry["@type"], entry["name"]) == ("Project", "</script><b>&amp;")
    assert [place["name"] for place in entry["areaServed"]] == ["Rodgau"]


def test_each_state_has_one_canonical_address(client, scene, settings):
    settings.PORTAL_ADDRESS = "https://kiv.example"
    addresses = {
        "/projekte/?sort=kommune&q=&seite=1&x=1": "https://kiv.example/projekte/",
        "/projekte/?runde=1&q=rodgau": "https://kiv.example/projekte/?q=rodgau&amp;runde=1",
        "/projekte/rodgau/?x=1": "https://kiv.example/projekte/rodgau/",
        "/projekte/zahlen/": "https://kiv.example/projekte/zahlen/",
    }
    for address, canonical in addresses.items():
        page = client.get(address).content.decode()
        assert re.findall(r'<link rel="canonical" href="([^"]*)">', page) == [canonical]
    assert 'rel="canonical"' not in client.get("/projekte/nichts/").content.decode()


# --- Twins ----------------------------------------------------------------------------------------


def test_geojson_has_a_point_for_each_municipality(client, scene, settings):
    settings.PORTAL_ADDRESS = "https://kiv.example"
    response = client.get("/projekte.geojson?runde=1")
    assert response["Content-Type"] == "application/geo+json"
    data = json.loads(response.content)
    assert {key: data[key] for key in ("type", "count")} == {
        "type": "FeatureCollection",
        "count": 2,
    }
    assert list(data) == ["type", "count", "updated", "licence", "source", "features"]
    assert [(one["properties"]["name"], one["geometry"]) for one in data["features"]] == [
        ("Ohnezahl", None),
        ("Rodgau", {"type": "Point", "coordinates": [8.5, 50.1]}),
    ]
    assert data["features"][1]["properties"] == {
        "url": "https://kiv.example/projekte/rodgau/",
        "title": scene["rodgau"].title,
        "round": 1,
        "amif": True,
        "amount_class": None,
        "ags": Municipality.objects.get(short_name="Rodgau").ags,
        "name": "Rodgau",
        "district": "Landkreis Offenbach",
        "declared_population": None,
        "district_ags": "06438",
        "round_title": "KIV I",
        "round_years": "2018/2019",
        "joint": False,
        "as_of": None,
    }


@pytest.mark.parametrize("form", ["csv", "json", "geojson", "atom"])
def test_the_files_may_be_read_by_any_site_and_refuse_what_they_do_not_understand(
    client, scene, form
):
    assert client.get(f"/projekte.{form}")["Access-Control-Allow-Origin"] == "*"
    refused = client.get(f"/projekte.{form}?runde=x")
    assert (refused.status_code, "Die Förderrunde „x“" in refused.content.decode()) == (400, True)


def feed(client, query: str = "") -> ElementTree.Element:
    response = client.get(f"/projekte.atom{query}")
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(response.content)  # noqa: S314 - our own feed


def entries(root: ElementTree.Element) -> list[tuple[str, str, str]]:
    return [
        (
            entry.findtext(f"{ATOM}title") or "",
            entry.findtext(f"{ATOM}updated") or "",
            entry.find(f"{ATOM}category").get("term"),
        )
        for entry in root.iter(f"{ATOM}entry")
    ]


def test_the_feed_has_an_entry_for_each_project_that_keeps_its_id(client, scene):
    later = NOW + timedelta(days=1)
    before = {one.findtext(f"{ATOM}id") for one in feed(client).iter(f"{ATOM}entry")}
    services.settle_edit(project=scene["joint"], at=later)
    root = feed(client)
    assert {one.findtext(f"{ATOM}id") for one in root.iter(f"{ATOM}entry")} == before
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", one or "") for one in before)
    assert entries(root)[0] == (
        f"Hünfelden und Langen: {scene['joint'].title}",
        "2026-11-17T09:30:00+00:00",
        "changed",
    )
    assert [kind for *_, kind in entries(root)] == ["changed", "new", "new", "new"]
    assert root.findtext(f"{ATOM}updated") == "2026-11-17T09:30:00+00:00"
    for name in ("id", "title", "updated", f"author/{ATOM}name"):
        assert root.find(f"{ATOM}{name}") is not None


def test_the_feed_names_licence_source_and_keys_of_municipalities(client, scene):
    Authority.objects.create(pk=1, name="Regierungspräsidium Darmstadt")
    root = feed(client, "?verbund=1")
    assert root.findtext(f"{ATOM}rights") == (
        "Datenlizenz Deutschland – Namensnennung – Version 2.0 "
        "(http://dcat-ap.de/def/licenses/dl-by-de/2.0). Quelle: Regierungspräsidium Darmstadt, "
        "KIV-Portal; Gemeindeschlüssel, Namen und Lage: "
        "Statistisches Bundesamt (Destatis), Gemeindeverzeichnis"
    )
    links = {one.get("rel"): one.get("href") for one in root.findall(f"{ATOM}link")}
    assert links["license"] == "http://dcat-ap.de/def/licenses/dl-by-de/2.0"
    keys = [f"ags:{key}" for key in scene["joint"].places_key.split()]
    terms = [one.get("term") for one in root.findall(f"{ATOM}entry/{ATOM}category")]
    assert terms == ["new", "KIV II", *keys]


def test_a_withdrawn_project_keeps_its_id_and_nothing_else(client, scene):
    ids = {
        entry.findtext(f"{ATOM}title"): entry.findtext(f"{ATOM}id")
        for entry in feed(client).iter(f"{ATOM}entry")
    }
    services.withdraw_from_public(project=scene["rodgau"], reason="Irrtum", by=None, at=NOW)
    text = client.get("/projekte.atom").content.decode()
    assert scene["rodgau"].title not in text
    assert "/projekte/rodgau/" not in text
    gone = [one for one in entries(feed(client)) if one[2] == "withdrawn"]
    assert [title for title, *_ in gone] == ["Ein Projekt wurde aus dem Verzeichnis genommen"]
    assert ids[f"Rodgau: {scene['rodgau'].title}"] in text


def test_the_feed_of_a_search_tells_of_withdrawals_by_id_alone(client, scene):
    services.withdraw_from_public(project=scene["rodgau"], reason="Irrtum", by=None, at=NOW)
    root = feed(client, "?landkreis=06533")
    assert [kind for *_, kind in entries(root)] == ["new", "new"]
    assert [one.get("when") for one in root.iter(TOMBSTONE)] == ["2026-11-16T09:30:00+00:00"]


def test_an_empty_feed_is_valid_and_always_the_same(client):
    root = feed(client)
    assert (entries(root), root.findtext(f"{ATOM}updated")) == ([], "2018-01-01T00:00:00+00:00")


def test_control_characters_and_markup_do_not_break_the_feed(client, scene):
    Project.objects.filter(slug="bare").update(title="A\x0b & <b>")
    assert "Ohnezahl: A & <b>" in [title for title, *_ in entries(feed(client))]


def test_what_is_documented_is_what_the_files_hold(client, scene):
    data = client.get("/projekte.json").json()
    fields = [key for key in data if key != "results"]
    one = data["results"][0]
    fields += [f"results[].{key}" for key in ("url", "title", "round", "amif", "amount_class")]
    fields += ["results[].districts[]"]
    fields += [f"results[].municipalities[].{key}" for key in one["municipalities"][0]]
    later = ["round_title", "round_years", "joint", "as_of"]
    fields += [f"results[].{key}" for key in later]
    assert fields == list(JSON_FIELDS)
    assert list(one) == [
        "url",
        "title",
        "round",
        "amif",
        "amount_class",
        "districts",
        "municipalities",
        *later,
    ]
    assert list(csv_rows(client.get("/projekte.csv"))[0]) == list(CSV_COLUMNS)
    feature = client.get("/projekte.geojson").json()["features"][0]
    assert list(feature["properties"]) == list(GEOJSON_PROPERTIES)


# --- Changes --------------------------------------------------------------------------------------


def test_the_page_of_changes_tells_new_changed_and_withdrawn_without_people(client, scene):
    project = scene["rodgau"]
    contact = ContactFactory(project=project)
    services.withdraw_from_public(project=project, reason="Irrtum", by=None, at=NOW)
    services.publish(project=project, by=None, at=NOW)
    services.hide_contact(project=project, by=None, at=NOW)
    services.publish(project=ProjectFactory(published_at=None), by=None, at=NOW)
    services.settle_round(round=project.round, at=NOW)
    text = read(client.get("/projekte/aenderungen/"))
    assert f"Geändert: Rodgau: {project.title} (Kontakt)" in text
    assert f"Neu: Rodgau: {project.title}" in text
    assert "Zurückgezogen: Ein Projekt wurde aus dem Verzeichnis genommen." in text
    assert "Geändert: Angaben zu einer Förderrunde" in text
    assert contact.person not in text
    assert "Irrtum" not in text


def test_what_was_withdrawn_is_told_no_longer_by_its_name(client, scene):
    project = scene["rodgau"]
    DirectoryChange.objects.create(project=project, kind="new", at=NOW)
    Project.objects.filter(pk=scene["again"].pk).delete()
    services.withdraw_from_public(project=project, reason="Irrtum", by=None, at=NOW)
    text = read(client.get("/projekte/aenderungen/"))
    assert "Neu: ein Projekt, das nicht mehr im Verzeichnis steht" in text
    assert "Rodgau" not in text


def test_nothing_has_changed_yet(client):
    assert "Noch hat sich nichts geändert." in read(client.get("/projekte/aenderungen/"))


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_of_changes_needs_the_same_queries_for_one_and_for_three(
    client, django_assert_num_queries, number
):
    for _ in range(number):
        services.publish(project=ProjectFactory(published_at=None), by=None, at=NOW)
    with django_assert_num_queries(5):
        client.get("/projekte/aenderungen/")


# --- Numbers --------------------------------------------------------------------------------------


def test_the_numbers_count_each_municipality_once_and_name_their_figure(client, scene):
    town("Grau", DistrictFactory(ags="06438"), 7_071)
    context = client.get("/projekte/zahlen/").context

    def table(name: str) -> list[tuple]:
        return [
            (row.label, len(row.projects), len(row.towns), row.all_towns) for row in context[name]
        ]

    assert (context["projects"], context["towns"], context["joint"], context["amif"]) == (
        4,
        4,
        1,
        2,
    )
    assert [row[:3] for row in table("rounds")] == [
        ("KIV I (2018/2019)", 2, 2),
        ("KIV II (2018/2019)", 2, 3),
    ]
    assert table("districts") == [("Limburg-Weilburg", 2, 2, 2), ("Offenbach", 3, 2, 3)]
    assert table("sizes") == [
        ("unter 10.000", 1, 1, 2),
        ("10.000 bis 19.999", 0, 0, 0),
        ("20.000 bis 29.999", 0, 0, 0),
        ("30.000 bis 50.000", 3, 2, 2),
        ("über 50.000", 0, 0, 0),
    ]
    assert (context["reached"], context["total"], context["share"]) == (92_929, 100_000, 92.9)
    text = read(client.get("/projekte/zahlen/"))
    assert "92,9 % der Einwohnerinnen und Einwohner Hessens" in text
    assert "92.929 von 100.000" in text
    assert "Amtliche Einwohnerzahl am 31.12.2023, Grundlage Zensus 2011" in text
    assert "Ohne amtliche Zahl und deshalb nicht enthalten: Ohnezahl." in text


def test_a_municipality_whose_key_changed_is_one_and_counts_where_it_lies_today(client):
    new = MunicipalityFactory(ags="06415000", short_name="Hanau", valid_from=date(2026, 1, 1))
    old = MunicipalityFactory(
        ags="06435014", short_name="Hanau", valid_to=date(2025, 12, 31), successor=new
    )
    PopulationFactory(municipality=old, value=99_000)
    ProjectFactory(towns=[old])
    ProjectFactory(towns=[new])
    context = client.get("/projekte/zahlen/").context
    assert (context["projects"], context["towns"], context["reached"]) == (2, 1, 99_000)
    assert [(row.label, len(row.towns)) for row in context["districts"]] == [
        (new.district.label, 1)
    ]


def test_without_projects_the_numbers_say_so(client):
    assert "Noch ist kein Projekt veröffentlicht." in read(client.get("/projekte/zahlen/"))
