import csv
import io
import json
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from kiv_portal.models import Authority
from municipalities.models import Municipality
from projects import services
from projects.forms import MAX_QUERY
from projects.models import Project, ProjectMember
from projects.resources import CSV_COLUMNS, LICENCE
from projects.views import PAGE_SIZE
from tests.factories import (
    NOW,
    ContactFactory,
    DistrictFactory,
    FundingRoundFactory,
    MunicipalityFactory,
    PopulationFactory,
    ProjectFactory,
)

pytestmark = pytest.mark.django_db

ADDRESSES = [
    "/projekte/",
    "/projekte.csv",
    "/projekte.json",
    "/projekte.geojson",
    "/projekte.atom",
    "/projekte/aenderungen/",
    "/projekte/zahlen/",
    "/projekte/rodgau-kiv-1/",
]


class Text(HTMLParser):
    """What a page says, without its marks."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    def __str__(self) -> str:
        return " ".join(self.words)


def read(response) -> str:
    assert response.status_code == 200
    return str(Text(response.content.decode()))


def found(client: Client, **query: object) -> list[str]:
    """The municipalities on the page, checked against both twins."""
    response = client.get("/projekte/", query)
    assert response.status_code == 200
    places = [project.places for project in response.context["page"]]
    data = client.get("/projekte.json", query).json()
    names = [" und ".join(m["name"] for m in one["municipalities"]) for one in data["results"]]
    assert names == places
    rows = csv_rows(client.get("/projekte.csv", query))
    members = [member["name"] for one in data["results"] for member in one["municipalities"]]
    assert [row["kommune"] for row in rows] == members
    return places


def csv_rows(response) -> list[dict[str, str]]:
    text = response.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def town(name: str, district=None, **fields) -> Municipality:
    extra = {"district": district} if district else {}
    return MunicipalityFactory(short_name=name, official_name=f"{name}, Stadt", **extra, **fields)


@pytest.fixture
def directory() -> dict[str, Project]:
    """Five projects of three rounds in three districts; one is joint, one not public."""
    offenbach = DistrictFactory(ags="06438", name="Offenbach")
    limburg = DistrictFactory(ags="06533", name="Limburg-Weilburg")
    darmstadt = DistrictFactory(ags="06432", name="Darmstadt-Dieburg")
    first, second = FundingRoundFactory(number=1), FundingRoundFactory(number=2)
    return {
        "rodgau": ProjectFactory(
            slug="rodgau-kiv-1",
            title="Mein Rodgau ist … – Stadtgesellschaft",
            round=first,
            amif=True,
            towns=[town("Rodgau", offenbach)],
        ),
        "roedermark": ProjectFactory(
            slug="roedermark-kiv-1",
            title="Gesellschaft gemeinsam gestalten",
            round=first,
            towns=[town("Rödermark", offenbach)],
        ),
        "umstadt": ProjectFactory(
            slug="gross-umstadt-kiv-2",
            title="Zusammen.Halt.Um.Stadt.",
            round=second,
            amif=True,
            towns=[town("Groß-Umstadt", darmstadt)],
        ),
        "huenfelden": ProjectFactory(
            slug="huenfelden-selters-kiv-2",
            title="Diversität und Interkultur",
            round=second,
            unit="Amtsleiterin Soziales",
            as_of=date(2022, 5, 1),
            towns=[town("Hünfelden", limburg), town("Selters (Taunus)", limburg)],
        ),
        "langen": ProjectFactory(
            slug="langen-kiv-2",
            title="WIR sind Langen",
            round=second,
            published_at=None,
            towns=[town("Langen (Hessen)", offenbach)],
        ),
    }


ALL = ["Groß-Umstadt", "Hünfelden und Selters (Taunus)", "Rödermark", "Rodgau"]


# --- The same for everybody -----------------------------------------------------------------------


@pytest.mark.parametrize("address", ADDRESSES)
def test_public_addresses_set_no_cookie_and_do_not_look_at_one(client, directory, address):
    client.cookies["sessionid"] = "whatever"
    response = client.get(address)
    assert response.status_code == 200
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")
    assert "no-store" not in response.get("Cache-Control", "")


@pytest.mark.parametrize("address", ADDRESSES)
def test_public_addresses_are_only_read(client, directory, address):
    assert client.head(address).status_code == 200
    answers = [getattr(client, verb)(address) for verb in ("post", "put", "patch", "delete")]
    assert [answer.status_code for answer in answers] == [405, 405, 405, 405]


@pytest.mark.parametrize(
    "address",
    [
        "/projekte/langen-kiv-2/",
        "/projekte/gibt-es-nicht/",
        "/projekte/langen-kiv-2/dokumente/1.pdf",
        "/projekte/rodgau-kiv-1/dokumente/1.pdf",
    ],
)
def test_what_is_not_public_or_does_not_exist_is_not_found(client, directory, address):
    assert client.get(address).status_code == 404


def test_a_withdrawn_project_is_gone_from_everywhere(client, directory):
    Project.objects.filter(slug="rodgau-kiv-1").update(withdrawn_at=NOW)
    assert client.get("/projekte/rodgau-kiv-1/").status_code == 404
    assert "Rodgau" not in found(client)
    assert "Rodgau" not in read(client.get("/projekte/roedermark-kiv-1/"))


# --- Searching ------------------------------------------------------------------------------------


def test_without_a_search_all_published_projects_stand_in_german_order(client, directory):
    assert found(client) == ALL


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("gross umstadt", ["Groß-Umstadt"]),
        ("Groß-Umstadt", ["Groß-Umstadt"]),
        ("GROẞ-UMSTADT", ["Groß-Umstadt"]),
        ("roedermark", ["Rödermark"]),
        ("rodermark", ["Rödermark"]),
        ("Ro\u0308dermark", ["Rödermark"]),
        ("Hunfelden", ["Hünfelden und Selters (Taunus)"]),
        ("huenfelden selters", ["Hünfelden und Selters (Taunus)"]),
        ("Limburg-Weilburg", ["Hünfelden und Selters (Taunus)"]),
        ("Landkreis Offenbach", ["Rödermark", "Rodgau"]),
        ("landkreis", []),
        ("gesellschaft", ["Rödermark", "Rodgau"]),
        ("gestalten gemeinsam", ["Rödermark"]),
        ("amtsleiterin", ["Hünfelden und Selters (Taunus)"]),
        ("langen", []),
        ("roed%mark", ["Rödermark"]),
        ("\x00rod\u200bgau\x00", ["Rodgau"]),
        ("   ", ALL),
    ],
)
def test_the_search_folds_what_was_typed(client, directory, query, places):
    assert found(client, q=query) == places


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"landkreis": "06438"}, ["Rödermark", "Rodgau"]),
        ({"landkreis": "06533"}, ["Hünfelden und Selters (Taunus)"]),
        ({"runde": "1"}, ["Rödermark", "Rodgau"]),
        ({"runde": "2"}, ["Groß-Umstadt", "Hünfelden und Selters (Taunus)"]),
        ({"amif": "1"}, ["Groß-Umstadt", "Rodgau"]),
        ({"verbund": "1"}, ["Hünfelden und Selters (Taunus)"]),
        ({"landkreis": "06438", "amif": "1", "runde": "1", "q": "stadt"}, ["Rodgau"]),
        ({"verbund": "1", "amif": "1"}, []),
        ({"sort": "kommune"}, ALL),
        ({"sort": "runde"}, ALL),
    ],
)
def test_filters_narrow_the_list(client, directory, query, places):
    assert found(client, **query) == places


def test_the_newest_round_stands_first_where_that_was_asked(client, directory):
    Project.objects.filter(slug="roedermark-kiv-1").update(round=FundingRoundFactory(number=3))
    assert found(client, sort="runde") == ["Rödermark", ALL[0], ALL[1], "Rodgau"]


def test_the_largest_by_its_own_figures_stands_first_and_the_unknown_last(client, directory):
    for name, figure in {"Hünfelden": 9600, "Selters (Taunus)": 8000, "Rodgau": 15000}.items():
        rows = ProjectMember.objects.filter(municipality__short_name=name)
        rows.update(declared_population=figure)
        services.settle_edit(project=rows.get().project, at=NOW)
    assert found(client, sort="einwohner") == [ALL[1], "Rodgau", "Groß-Umstadt", "Rödermark"]


def test_a_district_without_projects_is_a_right_answer_and_not_an_error(client, directory):
    DistrictFactory(ags="06611", name="Kassel", is_city=True)
    response = client.get("/projekte/?landkreis=06611")
    assert response.context["notes"] == []
    assert found(client, landkreis="06611") == []
    choices = response.context["search"].form.fields["landkreis"].choices
    assert [label for _, label in choices] == [
        "alle",
        "Darmstadt-Dieburg (Landkreis)\u00a0(1)",
        "Kassel (kreisfreie Stadt)\u00a0(0)",
        "Limburg-Weilburg (Landkreis)\u00a0(1)",
        "Offenbach (Landkreis)\u00a0(2)",
    ]


# --- What cannot be used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ({"landkreis": "06999"}, "Die Kreisnummer „06999“ gibt es nicht."),
        ({"landkreis": "Offenbach"}, "Die Kreisnummer „Offenbach“ gibt es nicht."),
        ({"landkreis": "\x00"}, None),
        ({"runde": "abc"}, "Die Förderrunde „abc“ gibt es nicht."),
        ({"runde": "9" * 5000}, f"Die Förderrunde „{'9' * 40}…“ gibt es nicht."),
        ({"runde": "-1"}, "Die Förderrunde „-1“ gibt es nicht."),
        ({"runde": "１"}, "Die Förderrunde „１“ gibt es nicht."),
        ({"amif": "ja"}, "Die Angabe „amif=ja“ gibt es nicht, nur „amif=1“."),
        ({"verbund": "0"}, "Die Angabe „verbund=0“ gibt es nicht, nur „verbund=1“."),
        ({"groesse": "5"}, "Die Größe „5“ gibt es nicht."),
        ({"sort": "name"}, "Die Sortierung „name“ gibt es nicht."),
        ({"q": "!?…"}, "Die Angabe „!?…“ enthält keinen Buchstaben und keine Ziffer."),
        ({"unbekannt": "1"}, None),
        ({"seite": ""}, None),
    ],
)
def test_what_cannot_be_used_is_left_out_and_said(client, directory, query, note):
    response = client.get("/projekte/", query)
    assert response.context["notes"] == ([note] if note else [])
    assert [project.places for project in response.context["page"]] == ALL
    assert note is None or note in read(response)
    assert client.get("/projekte.json", query).status_code == (400 if note else 200)
    assert client.get("/projekte.csv", query).status_code == (400 if note else 200)


def test_a_program_is_told_what_it_asked_wrongly(client, directory):
    query = {"runde": "abc", "amif": "x"}
    errors = [
        "Die Förderrunde „abc“ gibt es nicht.",
        "Die Angabe „amif=x“ gibt es nicht, nur „amif=1“.",
    ]
    assert client.get("/projekte.json", query).json() == {"errors": errors}
    assert client.get("/projekte.csv", query).content.decode() == "\n".join(errors) + "\n"


@pytest.mark.parametrize("text", ["a " * 5000, "ä" * 10000, "ﷺ" * 300, "rodgau " + "x" * 10000])
def test_a_search_text_without_end_is_cut_and_answered(client, directory, text):
    response = client.get("/projekte/", {"q": text})
    assert response.status_code == 200
    assert response.context["notes"] == [f"Der Suchtext ist länger als {MAX_QUERY} Zeichen."]
    assert len(response.context["search"].values["q"]) <= MAX_QUERY


@pytest.mark.parametrize("number", ["999999999999999999999", "9" * 5000, "7"])
def test_behind_the_last_page_the_last_one_is_shown(client, directory, number):
    response = client.get("/projekte/", {"seite": number})
    assert response.context["page"].number == 1
    assert response.context["notes"] == ["Diese Seite gibt es nicht; Sie sehen Seite 1."]


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "abc", "²", "٣", "0" * 5000])
def test_a_page_number_that_is_none_shows_the_first_page(client, directory, number):
    response = client.get("/projekte/", {"seite": number})
    assert response.context["page"].number == 1
    assert response.context["notes"] == ["Diese Seite gibt es nicht; Sie sehen Seite 1."]


def test_bytes_that_are_no_text_get_an_answer(client, directory):
    assert client.get("/projekte/?q=%ff%fe&landkreis=%00&seite=%ff").status_code == 200
    # What nobody can see is not there before any view reads it: no page was asked for.
    assert client.get("/projekte/?seite=%00").context["notes"] == []


def test_typed_markup_is_shown_as_text(client, directory):
    page = client.get("/projekte/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page


# --- The page -------------------------------------------------------------------------------------


def test_the_number_of_results_is_announced_and_filters_can_be_taken_away(client, directory):
    response = client.get("/projekte/?q=stadt&landkreis=06438&runde=1&amif=1&sort=runde")
    assert '<span role="status">1 Projekt gefunden</span>' in response.content.decode()
    search = response.context["search"]
    assert search.query == "q=stadt&landkreis=06438&runde=1&amif=1&sort=runde"
    assert [(one.label, one.query_without) for one in search.active] == [
        ("„stadt“", "landkreis=06438&runde=1&amif=1&sort=runde"),
        ("Landkreis Offenbach", "q=stadt&runde=1&amif=1&sort=runde"),
        ("KIV I (2018/2019)", "q=stadt&landkreis=06438&amif=1&sort=runde"),
        ("AMIF-WIR-Projekt", "q=stadt&landkreis=06438&runde=1&sort=runde"),
    ]


def test_the_usual_order_and_empty_fields_are_no_part_of_the_search(client, directory):
    response = client.get("/projekte/?q=&landkreis=&runde=&sort=kommune&seite=1")
    search = response.context["search"]
    assert (search.query, search.active) == ("", [])
    assert '<span role="status">4 Projekte</span>' in response.content.decode()


def test_an_empty_answer_says_how_to_go_on(client, directory):
    text = read(client.get("/projekte/?q=Kassel&verbund=1"))
    assert "0 Projekte gefunden" in text
    assert "Zu diesen Angaben gibt es kein Projekt." in text
    assert "Umlaute dürfen Sie umschreiben" in text
    assert "Förder-Check" in text


def test_an_empty_directory_says_so(client):
    assert "Noch ist kein Projekt veröffentlicht." in read(client.get("/projekte/"))
    assert client.get("/projekte.json").json()["updated"] is None


def test_the_list_says_of_when_it_is(client, directory):
    assert "Stand: Mai 2022" in read(client.get("/projekte/"))
    Project.objects.filter(slug="rodgau-kiv-1").update(as_of=date(2026, 11, 16))
    assert "Stand: Mai 2022 bis November 2026" in read(client.get("/projekte/"))


def test_the_list_names_both_figures_unit_contact_and_film(client, directory):
    """Of each project, as its own page does; of three as of one, and in the same order."""
    for name, declared, official in [
        ("Rodgau", 44_800, 45_012),
        ("Hünfelden", 9_600, 9_929),
        ("Selters (Taunus)", None, 8_000),
    ]:
        member = ProjectMember.objects.get(municipality__short_name=name)
        ProjectMember.objects.filter(pk=member.pk).update(declared_population=declared)
        PopulationFactory(municipality=member.municipality, value=official)
    contact = ContactFactory(
        project=directory["rodgau"], basis="Programmseite", confirmed_on=date(2022, 5, 1)
    )
    rows = Project.objects.filter(slug="rodgau-kiv-1")
    rows.update(unit="Büro für Teilhabe", film_address="https://film.example/wir")
    response = client.get("/projekte/")
    text = read(response)
    assert (
        "„amtlich“ ist die Zahl am 31.12.2023, Grundlage Zensus 2011 "
        "(Statistisches Bundesamt (Destatis), Gemeindeverzeichnis)."
    ) in text
    assert (
        "Rodgau : Mein Rodgau ist … – Stadtgesellschaft Landkreis Offenbach KIV I (2018/2019) "
        "AMIF-WIR-Projekt Einwohnerinnen und Einwohner: ca. 44.800 (eigene Angabe), 45.012 "
        "(amtlich) Stelle und Kontakt : Rodgau Büro für Teilhabe Musterperson Eins Telefon "
        f"06151 12345 E-Mail {contact.email} Grundlage: Programmseite. "
        "Zuletzt bestätigt: Mai 2022. Film zum Projekt : Rodgau"
    ) in text
    assert (
        "Einwohnerinnen und Einwohner: Hünfelden ca. 9.600 (eigene Angabe), 9.929 (amtlich); "
        "Selters (Taunus) 8.000 (amtlich) "
        "Verantwortliche Stelle : Hünfelden und Selters (Taunus) Amtsleiterin Soziales"
    ) in text
    assert text.count("Einwohnerinnen und Einwohner: amtliche Zahl liegt nicht vor") == 2
    assert '<a href="https://film.example/wir" rel="noopener">' in response.content.decode()


def test_a_contact_that_is_hidden_or_over_is_not_in_the_list(client, directory):
    hidden = ContactFactory(project=directory["rodgau"], hidden=True)
    over = ContactFactory(
        project=directory["umstadt"], email="a@x.example", expires_on=date(2020, 1, 1)
    )
    page = client.get("/projekte/").content.decode()
    assert [one.email in page for one in (hidden, over)] == [False, False]
    assert client.get("/projekte/").changes_at is None
    over.expires_on = date(2999, 12, 31)
    over.save()
    response = client.get("/projekte/")
    assert over.email in response.content.decode()
    assert response.changes_at == datetime(2999, 12, 31, 23, tzinfo=UTC)


def test_few_and_many_that_hold_the_words_are_found_alike(client, directory, monkeypatch):
    """Few are named by their keys when the page is read, many are searched for again."""
    for few in (500, 1):
        monkeypatch.setattr("projects.forms.FEW", few)
        assert found(client, q="gesellschaft", sort="runde") == ["Rödermark", "Rodgau"]
        assert found(client, q="gesellschaft", amif="1") == ["Rodgau"]
        assert found(client, q="nirgends") == []


def bulk(number: int) -> None:
    """So many published projects of one municipality each, written without detours."""
    lead = town("Musterstadt")
    round_ = FundingRoundFactory()
    projects = Project.objects.bulk_create(
        Project(
            slug=f"p{n}",
            title=f"Projekt {n}",
            round=round_,
            published_at=NOW,
            search_key=f"projekt {n} musterstadt",
            places_key=lead.ags,
            sort_key=f"musterstadt projekt {n:05}",
        )
        for n in range(number)
    )
    ProjectMember.objects.bulk_create(
        ProjectMember(project=project, municipality=lead) for project in projects
    )
    services.raise_version(NOW)


def test_pages_hold_so_many_and_lead_on_with_the_search(client):
    bulk(2 * PAGE_SIZE + 1)
    response = client.get("/projekte/?q=musterstadt&seite=2")
    text = read(response)
    assert len(response.context["page"]) == PAGE_SIZE
    assert f"Gezeigt: {PAGE_SIZE + 1} bis {2 * PAGE_SIZE}." in text
    assert 'href="?q=musterstadt&amp;seite=3"' in response.content.decode()
    assert len(client.get("/projekte/?seite=3").context["page"]) == 1
    assert client.get("/projekte.json?seite=3").json()["count"] == 2 * PAGE_SIZE + 1


@pytest.mark.parametrize("number", [1, 3, 300])
def test_the_number_of_queries_does_not_grow_with_the_directory(
    client, django_assert_num_queries, number
):
    bulk(number)
    # One more where a municipality has a single project, whose page the map leads to.
    with django_assert_num_queries(11 if number == 1 else 10):
        page = client.get("/projekte/?q=projekt&landkreis=&sort=einwohner")
    with django_assert_num_queries(6):
        data = client.get("/projekte.json?q=projekt").json()
    with django_assert_num_queries(5):
        rows = csv_rows(client.get("/projekte.csv?q=projekt"))
    with django_assert_num_queries(6):
        client.get("/projekte.geojson?q=projekt")
    with django_assert_num_queries(7):
        client.get("/projekte.atom?q=projekt")
    with django_assert_num_queries(4):
        client.get("/projekte/zahlen/")
    assert len(page.context["page"]) == min(number, PAGE_SIZE)
    assert (data["count"], len(data["results"]), len(rows)) == (number, number, number)


# --- Data -----------------------------------------------------------------------------------------


def test_json_holds_exactly_what_is_documented(client, directory, settings):
    settings.PORTAL_ADDRESS = "https://kiv.example"
    Authority.objects.create(pk=1, name="Regierungspräsidium Darmstadt")
    Municipality.objects.filter(short_name="Hünfelden").update(latitude="50.30001", longitude="8.2")
    ProjectMember.objects.filter(municipality__short_name="Hünfelden").update(
        declared_population=9600
    )
    ContactFactory(project=directory["huenfelden"])
    response = client.get("/projekte.json?verbund=1")
    lead, partner = directory["huenfelden"].members.select_related("municipality")
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content) == {
        "count": 1,
        "updated": NOW.isoformat(),
        "licence": "http://dcat-ap.de/def/licenses/dl-by-de/2.0",
        "source": (
            "Regierungspräsidium Darmstadt, KIV-Portal; Gemeindeschlüssel, Namen und Lage: "
            "Statistisches Bundesamt (Destatis), Gemeindeverzeichnis"
        ),
        "results": [
            {
                "url": "https://kiv.example/projekte/huenfelden-selters-kiv-2/",
                "title": "Diversität und Interkultur",
                "round": 2,
                "amif": False,
                "amount_class": None,
                "districts": ["Landkreis Limburg-Weilburg"],
                "municipalities": [
                    {
                        "ags": lead.municipality.ags,
                        "name": "Hünfelden",
                        "declared_population": 9600,
                        "lat": 50.30001,
                        "lon": 8.2,
                        "district_ags": "06533",
                    },
                    {
                        "ags": partner.municipality.ags,
                        "name": "Selters (Taunus)",
                        "declared_population": None,
                        "lat": None,
                        "lon": None,
                        "district_ags": "06533",
                    },
                ],
                "round_title": "KIV II",
                "round_years": "2018/2019",
                "joint": True,
                "as_of": "2022-05",
            }
        ],
    }


def test_csv_has_one_row_for_each_municipality_with_licence_and_source(client, directory, settings):
    settings.PORTAL_ADDRESS = "https://kiv.example"
    ProjectMember.objects.filter(municipality__short_name="Hünfelden").update(
        declared_population=9600
    )
    response = client.get("/projekte.csv?verbund=1")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="kiv-projekte.csv"'
    assert response.content.startswith(b"\xef\xbb\xbfprojekt;adresse;runde;")
    lead, partner = csv_rows(response)
    assert list(lead) == list(CSV_COLUMNS)
    assert lead == {
        "projekt": "Diversität und Interkultur",
        "adresse": "https://kiv.example/projekte/huenfelden-selters-kiv-2/",
        "runde": "2",
        "runde_titel": "KIV II",
        "runde_jahre": "2018/2019",
        "amif": "nein",
        "verbund": "ja",
        "ags": Municipality.objects.get(short_name="Hünfelden").ags,
        "kommune": "Hünfelden",
        "kreis_schluessel": "06533",
        "kreis": "Landkreis Limburg-Weilburg",
        "einwohner_eigene_angabe": "9600",
        "stand": "2022-05",
        "quelle": (
            "KIV-Portal; Gemeindeschlüssel, Namen und Lage: "
            "Statistisches Bundesamt (Destatis), Gemeindeverzeichnis"
        ),
        "lizenz": LICENCE,
        "zuwendung": "",
    }
    assert partner["kommune"] == "Selters (Taunus)"
    assert partner["einwohner_eigene_angabe"] == ""
    # With no row as well: all columns, and licence and source where programs look for them.
    empty = client.get("/projekte.csv?q=nirgends")
    assert empty.content.decode("utf-8-sig") == f"{';'.join(CSV_COLUMNS)}\r\n"
    described, licensed = empty["Link"].split(", ")
    assert licensed == f'<{LICENCE}>; rel="license"'
    address, kind, media = described.split("; ")
    assert (kind, media) == ('rel="describedby"', 'type="application/csvm+json"')
    about = json.loads(client.get(address.strip("<>")).content)
    assert (about["url"], about["dc:license"], about["dc:source"]) == (
        "projekte.csv",
        {"@id": LICENCE},
        lead["quelle"],
    )
    assert [column["name"] for column in about["tableSchema"]["columns"]] == list(CSV_COLUMNS)


@pytest.mark.parametrize(
    "path",
    ["/projekte.json", "/projekte.csv", "/projekte.geojson", "/projekte.atom", "/katalog.ttl"],
)
def test_no_person_and_no_unit_is_open_data(client, directory, path):
    contact = ContactFactory(project=directory["huenfelden"])
    text = client.get(path).content.decode()
    secrets = [contact.person, contact.email, contact.phone, contact.phone_e164, "Amtsleiterin"]
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1+1", "'  =1+1"),
        ("＝1+1", "'＝1+1"),
        ("\t=1+1", "'\t=1+1"),
        ("– Wir –", "– Wir –"),
        ('Wir; "alle"\nzusammen', 'Wir; "alle"\nzusammen'),
    ],
)
def test_no_cell_of_the_csv_is_taken_for_a_formula_and_no_text_is_lost(client, title, cell):
    ProjectFactory(title=title)
    assert [row["projekt"] for row in csv_rows(client.get("/projekte.csv"))] == [cell]


# --- One project ----------------------------------------------------------------------------------


def test_a_project_shows_both_figures_each_named_for_what_it_is(client, directory):
    member = directory["huenfelden"].members.first()
    ProjectMember.objects.filter(pk=member.pk).update(declared_population=9600)
    for as_of, basis, value in [
        (date(2021, 12, 31), "Zensus 2011", 9800),
        (date(2023, 12, 31), "Zensus 2011", 9929),
        (date(2023, 12, 31), "Zensus 2022", 9750),
    ]:
        PopulationFactory(municipality=member.municipality, as_of=as_of, basis=basis, value=value)
    Project.objects.filter(pk=member.project_id).update(source="Programmseite")
    text = read(client.get("/projekte/huenfelden-selters-kiv-2/"))
    assert "Beteiligte Kommunen" in text
    assert (
        "ca. 9.600 Einwohnerinnen und Einwohner Angabe der Kommune, Stand Mai 2022 "
        "Amtliche Zahl 9.750 Einwohnerinnen und Einwohner am 31.12.2023, Grundlage Zensus 2022; "
        "Statistisches Bundesamt (Destatis), Gemeindeverzeichnis"
    ) in text
    assert "Amtliche Zahl liegt nicht vor" in text
    assert "Quelle Programmseite, Stand Mai 2022" in text
    assert "im Verbund" in text


def test_a_municipality_under_a_new_key_has_the_figure_of_its_predecessor(client):
    new = town("Hanau", ags="06415000", valid_from=date(2026, 1, 1))
    old = MunicipalityFactory(ags="06435014", valid_to=date(2025, 12, 31), successor=new)
    PopulationFactory(municipality=old, value=99_000)
    project = ProjectFactory(towns=[new])
    assert (
        "99.000 Einwohnerinnen und Einwohner am 31.12.2023, Grundlage Zensus 2011, "
        "unter dem früheren Gemeindeschlüssel 06435014; Statistisches Bundesamt"
    ) in read(client.get(f"/projekte/{project.slug}/"))
    assert "99.000 (amtlich)" in read(client.get("/projekte/"))


def test_a_project_names_unit_and_contact_with_basis_and_last_confirmation(client, directory):
    ContactFactory(
        project=directory["rodgau"],
        basis="Programmseite",
        confirmed_on=date(2022, 5, 1),
        phone="06106 693 1239",
        phone_e164="+4961066931239",
        email="Vielfalt@rodgau.example",
    )
    response = client.get("/projekte/rodgau-kiv-1/")
    page = response.content.decode()
    assert '<a href="tel:+4961066931239">06106 693 1239</a>' in page
    assert '<a href="mailto:Vielfalt@rodgau.example">Vielfalt@rodgau.example</a>' in page
    assert "Grundlage: Programmseite. Zuletzt bestätigt: Mai 2022." in read(response)


@pytest.mark.parametrize(
    "missing",
    [{"person": ""}, {"phone": "", "phone_e164": ""}, {"email": ""}, {"phone_e164": ""}],
)
def test_a_contact_without_one_of_its_parts_is_shown_with_the_others(client, directory, missing):
    contact = ContactFactory(project=directory["rodgau"], **missing)
    text = read(client.get("/projekte/rodgau-kiv-1/"))
    parts = [contact.person, contact.phone, contact.email]
    assert [part in text for part in parts if part] == [True for part in parts if part]


@pytest.mark.parametrize("hidden", [True, None])
def test_without_a_contact_to_show_the_page_sends_people_to_the_municipality(
    client, directory, hidden
):
    if hidden:
        ContactFactory(project=directory["rodgau"], hidden=True)
    response = client.get("/projekte/rodgau-kiv-1/")
    text = read(response)
    assert "nicht angegeben" not in text
    assert "Bitte wenden Sie sich an die Kommune oder an die Bewilligungsbehörde" in text
    assert '<a href="/kontakt/">Kontakt</a>' in response.content.decode()
    assert "Musterperson Eins" not in text


def test_a_film_without_an_address_is_text_and_with_one_a_link(client, directory):
    rows = Project.objects.filter(slug="rodgau-kiv-1")
    rows.update(film_label="Link zum Film")
    response = client.get("/projekte/rodgau-kiv-1/")
    assert "Zum Projekt gibt es einen Film; seine Adresse liegt uns nicht vor." in read(response)
    rows.update(film_address="https://film.example/wir")
    page = client.get("/projekte/rodgau-kiv-1/").content.decode()
    assert '<a href="https://film.example/wir" rel="noopener">Link zum Film</a>' in page


def test_a_project_leads_to_its_neighbours_its_district_and_its_data(client, directory):
    response = client.get("/projekte/rodgau-kiv-1/")
    assert [one.places for one in response.context["neighbours"]] == ["Rödermark"]
    page = response.content.decode()
    assert '<a href="/projekte/?landkreis=06438">Landkreis Offenbach</a>' in page
    data = client.get(f"/projekte.json?{response.context['data_query']}").json()
    assert [one["url"].rpartition("/projekte/")[2] for one in data["results"]] == ["rodgau-kiv-1/"]


def test_a_project_without_neighbours_has_no_such_heading(client, directory):
    assert "Weitere Projekte" not in read(client.get("/projekte/huenfelden-selters-kiv-2/"))


def test_period_and_summary_are_shown_where_they_are_known(client, directory):
    Project.objects.filter(slug="rodgau-kiv-1").update(
        starts_on=date(2026, 12, 1), ends_on=date(2027, 11, 30), summary="Erstens\n\nZweitens <b>"
    )
    text = read(client.get("/projekte/rodgau-kiv-1/"))
    assert "Laufzeit 01.12.2026 bis 30.11.2027" in text
    assert "Erstens Zweitens <b>" in text


def test_a_public_project_that_lost_its_municipality_still_has_a_page(client, directory):
    directory["rodgau"].members.all().delete()
    assert client.get("/projekte/rodgau-kiv-1/").status_code == 200
    assert client.get("/projekte/").status_code == 200
    assert client.get("/projekte.json").json()["count"] == 4


@pytest.mark.parametrize("number", [1, 3])
def test_a_project_needs_the_same_queries_with_one_neighbour_and_with_three(
    client, django_assert_num_queries, number
):
    district = DistrictFactory(ags="06438")
    towns = [town(f"Ort {n}", district) for n in range(number)]
    for one in towns:
        PopulationFactory(municipality=one)
    ProjectFactory(slug="meins", towns=towns)
    for n in range(number):
        ProjectFactory(towns=[town(f"Nachbarort {n}", district)])
    with django_assert_num_queries(11):
        client.get("/projekte/meins/")


def test_the_addresses_are_the_ones_others_link_to():
    names = {
        "projects": [],
        "projects_csv": [],
        "projects_json": [],
        "projects_geojson": [],
        "projects_atom": [],
        "project_changes": [],
        "programme_numbers": [],
        "project": ["rodgau-kiv-1"],
        "project_document": ["rodgau-kiv-1", 7],
    }
    assert [reverse(name, args=args) for name, args in names.items()] == [
        "/projekte/",
        "/projekte.csv",
        "/projekte.json",
        "/projekte.geojson",
        "/projekte.atom",
        "/projekte/aenderungen/",
        "/projekte/zahlen/",
        "/projekte/rodgau-kiv-1/",
        "/projekte/rodgau-kiv-1/dokumente/7.pdf",
    ]
