"""The fixtures say what the programme page and the register say, every trap included."""

import json
import re
from datetime import date
from pathlib import Path

import phonenumbers
import pytest
from django.core.management import call_command
from django.test import Client

from kiv_portal.models import Authority, Download
from municipalities.models import REGISTER_SOURCE, District, Municipality, Population
from projects.models import Contact, FundingRound, Project, ProjectMember
from projects.resources import KNOWN_TIME
from tests.remembered import remembered

pytestmark = pytest.mark.django_db

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
WITHOUT_PEOPLE = ("municipalities", "rounds", "projects", "downloads", "authority")


@remembered
def _load() -> None:
    call_command("loaddata", *WITHOUT_PEOPLE, "contacts", verbosity=0)


@pytest.fixture(autouse=True)
def _loaded(db: None) -> None:
    _load()


def project(slug: str) -> Project:
    return Project.objects.get(slug=slug)


# --- Projects -------------------------------------------------------------------------------------


def test_27_rows_of_28_municipalities_in_three_rounds() -> None:
    assert Project.objects.published().count() == 27
    assert Municipality.objects.filter(project_members__isnull=False).distinct().count() == 28
    assert [
        (r.title, r.years, r.as_of, r.source, r.projects.count())
        for r in FundingRound.objects.all()
    ] == [
        ("KIV I", "2018/2019", date(2022, 5, 1), "Programmseite", 18),
        ("KIV II", "2020/2021", date(2022, 5, 1), "Programmseite", 6),
        ("KIV III", "2021/2022", date(2022, 5, 1), "Programmseite", 3),
    ]


def test_of_the_27_no_page_and_no_file_claims_more_than_the_month(client: Client) -> None:
    """„Stand: Mai 2022“ is all the programme page says."""
    assert set(Project.objects.values_list("published_month_only", flat=True)) == {True}
    page = client.get("/projekte/aenderungen/").content.decode()
    assert page.count('<time datetime="2022-05">Mai 2022</time>') == 27
    assert "1. Mai 2022" not in page
    assert json.loads(client.get("/projekte.json").content)["updated"] == "2022-05"
    assert json.loads(client.get("/projekte.geojson").content)["updated"] == "2022-05"
    feed = client.get("/projekte.atom").content.decode()
    assert feed.count("Im Verzeichnis seit Mai 2022 (nur der Monat ist bekannt).") == 27
    turtle = client.get("/katalog.ttl").content.decode()
    assert '"2022-05"^^xsd:gYearMonth' in turtle
    assert "2022-05-01" not in turtle
    assert "2022-05-01" not in client.get("/sitemap.xml").content.decode()
    data = client.get("/daten/").content.decode()
    assert '"dateModified":"2022-05"' in data
    assert KNOWN_TIME in data


def test_exactly_14_are_amif_projects() -> None:
    assert set(
        Project.objects.filter(amif=True).values_list(
            "members__municipality__short_name", flat=True
        )
    ) == {
        "Bischofsheim",
        "Büttelborn",
        "Gernsheim",
        "Ginsheim-Gustavsburg",
        "Groß-Umstadt",
        "Hainburg",
        "Heusenstamm",
        "Hofheim am Taunus",
        "Michelstadt",
        "Neu-Isenburg",
        "Niedernhausen",
        "Rodgau",
        "Rödermark",
        "Seligenstadt",
    }


def test_every_row_as_the_page_has_it() -> None:
    rows = [
        (
            p.title,
            [
                (m.declared_name, m.municipality.ags, m.declared_population)
                for m in p.members.select_related("municipality")
            ],
        )
        for p in Project.objects.order_by("pk")
    ]
    joint = "Diversität und Interkultur im partizipativen Dialog an Dorfplätzen"
    for_town = "Entwicklung einer kommunalen Vielfalts- und Integrationsstrategie für die Stadt"
    assert rows == [
        (
            "Entwicklung einer Vielfalts- und Integrationsstrategie in der Kommune Bischofsheim",
            [("Bischofsheim", "06433002", 13300)],
        ),
        (
            "Entwicklung einer Integrations- und Vielfaltsstrategie",
            [("Büttelborn", "06433003", 15130)],
        ),
        ("Eltville lebt Vielfalt und Integration", [("Eltville am Rhein", "06439003", 17100)]),
        ("Vielfältiges Geisenheim", [("Geisenheim", "06439004", 11700)]),
        (
            "WIR – Vielfalts- und Integrationsstrategie – Schöfferstadt Gernsheim",
            [("Gernsheim (Schöfferstadt)", "06433004", 10594)],
        ),
        (
            "Erstellung einer kommunalen Integrations- und Vielfaltsstrategie "
            "für die Stadt Ginsheim-Gustavsburg",
            [("Ginsheim-Gustavsburg", "06433005", 16950)],
        ),
        ("Zusammen.Halt.Um.Stadt.", [("Groß-Umstadt", "06432010", 22400)]),
        (
            "Zusammen. Halt in Hainburg – Integrationsleitfaden für die Gemeinde",
            [("Hainburg", "06438004", 15629)],
        ),
        (
            "Zusammenleben in Heusenstamm - Vielfalts- und Integrationsstrategie",
            [("Heusenstamm", "06438005", 19465)],
        ),
        (
            "Vielfalts- und Integrationsstrategie Hofheim",
            [("Hofheim am Taunus", "06436007", 40404)],
        ),
        (
            "Erstellung eines Handlungs- und Maßnahmenkonzepts Integration für die Stadt Maintal",
            [("Maintal", "06435019", 41584)],
        ),
        (
            "Wir sind Michelstadt – Gemeinsam für Zusammenhalt",
            [("Michelstadt", "06437011", 16600)],
        ),
        ("Miteinander in Neu-Isenburg", [("Neu-Isenburg", "06438009", 39535)]),
        (
            "Erstellung einer Integrationsstrategie für die Gemeinde Niedernhausen",
            [("Niedernhausen", "06439011", 14700)],
        ),
        (
            "Mein Rodgau ist ... – Stadtgesellschaft gemeinsam gestalten",
            [("Rodgau", "06438011", 46000)],
        ),
        ("Gesellschaft gemeinsam gestalten", [("Rödermark", "06438012", 29626)]),
        ("Zusammenleben in Seligenstadt", [("Seligenstadt", "06438013", 22893)]),
        (f"{for_town} Viernheim", [("Viernheim", "06431020", 34200)]),
        (joint, [("Bad Camberg", "06533003", 14200)]),
        ("Integrationskonzept für Bad Hersfeld", [("Bad Hersfeld", "06632002", 29900)]),
        ("Bensheim lebt Integration und Vielfalt", [("Bensheim", "06431002", 42000)]),
        (joint, [("Hünfelden", "06533008", 9600), ("Selters/Ts.", "06533014", 8000)]),
        ("WIR sind Langen", [("Langen", "06438006", 38000)]),
        ("Weiterstadt WIRkt!", [("Weiterstadt", "06432023", 26000)]),
        ("WIR in Idstein", [("Idstein", "06439008", 27969)]),
        (
            "Vielfaltsstrategie. Erarbeitung eines kommunalen Migrationskonzeptes",
            [("Lampertheim", "06431013", 32500)],
        ),
        (
            "Zu Hause in Vielfalt. Wohnen, Leben, Teilhaben",
            [("Obertshausen", "06438010", 24977)],
        ),
    ]
    assert list(Municipality.objects.filter(ags__in=["06533014", "06438006"])
                .order_by("ags").values_list("short_name", flat=True)) == [
        "Langen (Hessen)", "Selters (Taunus)",
    ]  # fmt: skip


def test_the_responsible_units_are_healed_and_complete() -> None:
    assert list(Project.objects.order_by("pk").values_list("unit", flat=True)) == [
        "Abteilung Ordnung und Soziales",
        "Fachbereichsleitung 3",
        "Amtsleiterin Amt für Soziales, Kitas, Sport und Vereine",
        "Haupt- und Personalamt",
        "Amtsleiterin Amt Kultur & Soziales, Magistrat der Schöfferstadt Gernsheim",
        "Fachbereichsleitung FB II – Personal und Soziales, Schwerpunkt Soziales",
        "Abteilung 150 – Ehrenamt, Vereine und Integration",
        "Hauptamt Gemeinde Hainburg",
        "Integrationsbeauftragte",
        "Fachbereich Bürgerdienste - Soziale Angelegenheiten",
        "Stabstelle Integrationsbeauftragte",
        "Stabsstelle Bürgermeister Integration, Integrationsbeauftragte",
        "Integrationsbüro, Fachbereich Soziales",
        "Fachdienst II/2, Soziales, Jugend, Kultur und Sport",
        "Büro für Teilhabe und Vielfalt, Dezernat I",
        "Fachbereich Kinder, Jugend und Senioren, Fachabteilung Senioren, Sozialer Dienst",
        "Amt für Soziale Infrastruktur",
        "Haupt- und Rechtsamt, Abt. Einkauf, Organisation, EDV",
        "Bürgermeister",
        "Fachbereichsleitung Generationen",
        "Team Soziales und Integration, Bereich Integration",
        "Gemeinde Hünfelden, Fachbereichsleiter Generationen & Kultur",
        "Leitung Fachstelle Migration",
        "Präventionsrat, Jugendhilfe, Jugendverbände, Flüchtlingsbetreuung",
        "Amt für Soziales, Jugend und Sport",
        "Leitung Stabstelle Soziales",
        "Fachdienstleiter",
    ]


def test_only_weiterstadt_has_a_film_and_its_address_is_not_known() -> None:
    assert list(Project.objects.exclude(film_label="").values_list("slug", "film_label")) == [
        ("weiterstadt-kiv-2", "Link zum Film")
    ]
    assert Project.objects.exclude(film_address="").count() == 0


def test_every_project_names_its_source_and_day() -> None:
    assert list(Project.objects.values_list("source", "as_of").distinct().order_by()) == [
        ("Programmseite", date(2022, 5, 1))
    ]


# --- Contacts -------------------------------------------------------------------------------------


def test_contacts_stand_apart_and_the_rest_names_nobody() -> None:
    everything_else = [
        json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
        for name in ("municipalities", "rounds", "projects", "downloads")
    ]
    text = json.dumps(everything_else, ensure_ascii=False)
    people = Contact.objects.exclude(person="")
    assert people.count() == 26
    assert [c.person for c in people if c.person in text] == []
    assert [c.email for c in Contact.objects.all() if c.email in text] == []
    Contact.objects.all().delete()
    assert Project.objects.published().count() == 27


def test_each_contact_has_basis_and_day() -> None:
    assert list(Contact.objects.values_list("basis", "confirmed_on", "hidden").distinct()) == [
        ("Programmseite", date(2022, 5, 1), False)
    ]
    assert Contact.objects.count() == 27


def contact(slug: str) -> tuple[str, str, str, str]:
    found = project(slug).contact
    return (found.person, found.email, found.phone, found.phone_e164)


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("bensheim-kiv-2", ("", "integration@bensheim.de", "", "")),
        ("bad-camberg-kiv-2", ("Jens-Peter Vogel", "buergermeister@bad-camberg.de", "", "")),
        ("roedermark-kiv-1", ("Anna Zimmermann", "anna.zimmermann@roedermark.de", "", "")),
        (
            "niedernhausen-kiv-1",
            (
                "Integrationsbeauftragte Laura Zachariadi",
                "laura.zachariadi@niedernhausen.de",
                "06127/903-174",
                "+496127903174",
            ),
        ),
        (
            "hainburg-kiv-1",
            ("Alexandra Ewald", "aewald@hainburg.de", "06182 7809 14", "+496182780914"),
        ),
        (
            "idstein-kiv-3",
            ("Nicole Rill", "Nicole.Rill@idstein.de", "06126 78314", "+49612678314"),
        ),
        (
            "huenfelden-selters-taunus-kiv-2",
            ("Georg Schardt", "georg.schardt@huenfelden.de", "06438 83 83 9", "+49643883839"),
        ),
    ],
)
def test_contacts_are_kept_as_written(slug: str, expected: tuple[str, str, str, str]) -> None:
    assert contact(slug) == expected


def test_each_telephone_number_has_its_international_form_beside_it() -> None:
    without = []
    for found in Contact.objects.all():
        if not found.phone:
            without.append((found.project.slug, found.phone_e164))
            continue
        number = phonenumbers.parse(found.phone_e164)
        assert phonenumbers.is_valid_number(number)
        assert "0" + str(number.national_number) == re.sub(r"\D", "", found.phone)
    assert sorted(without) == [
        ("bad-camberg-kiv-2", ""),
        ("bensheim-kiv-2", ""),
        ("roedermark-kiv-1", ""),
    ]


# --- Register -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "municipalities", "areas"),
    [
        (date(2021, 12, 31), 422, 4),
        (date(2022, 12, 31), 422, 4),
        (date(2023, 1, 1), 421, 4),
        (date(2025, 12, 31), 421, 4),
        (date(2026, 1, 1), 421, 4),
    ],
)
def test_hesse_on_a_day(on: date, municipalities: int, areas: int) -> None:
    there = Municipality.objects.in_force(on)
    assert there.able_to_apply().count() == municipalities
    assert there.count() == municipalities + areas
    assert there.values("short_name").distinct().count() == municipalities + areas


def test_hanau_became_a_district_of_its_own() -> None:
    old = Municipality.objects.get(ags="06435014")
    new = Municipality.objects.get(ags="06415000")
    assert (old.valid_to, old.successor, old.kind) == (date(2025, 12, 31), new, "town")
    assert (new.valid_from, new.valid_to, new.kind) == (date(2026, 1, 1), None, "city_district")
    assert (str(new.district), new.district.court) == (
        "Hanau (kreisfreie Stadt)",
        "Frankfurt am Main",
    )
    assert list(old.populations.values_list("as_of", "value")) == [
        (date(2023, 12, 31), 103184),
        (date(2021, 12, 31), 98502),
    ]
    assert new.populations.count() == 0


def test_bromskirchen_became_part_of_allendorf() -> None:
    gone = Municipality.objects.get(short_name="Bromskirchen")
    assert (gone.ags, gone.valid_to) == ("06635005", date(2022, 12, 31))
    assert (gone.successor.ags, gone.successor.short_name) == ("06635001", "Allendorf (Eder)")
    assert list(gone.populations.values_list("as_of", flat=True)) == [date(2021, 12, 31)]


def test_every_figure_names_day_basis_and_source() -> None:
    counts = {
        day: Population.objects.filter(as_of=day).count()
        for day in Population.objects.values_list("as_of", flat=True).distinct()
    }
    assert counts == {date(2021, 12, 31): 426, date(2023, 12, 31): 425}
    assert set(Population.objects.values_list("basis", "source")) == {
        ("Zensus 2011", REGISTER_SOURCE)
    }


def test_each_district_has_the_court_of_its_seat() -> None:
    courts: dict[str, list[str]] = {}
    for district in District.objects.order_by("ags"):
        courts.setdefault(district.court, []).append(district.ags.removeprefix("06"))
    assert courts == {
        "Darmstadt": ["411", "413", "431", "432", "433", "437", "438"],
        "Frankfurt am Main": ["412", "415", "434", "435", "436"],
        "Gießen": ["440", "531", "532", "534", "535"],
        "Kassel": ["611", "631", "632", "633", "634", "635", "636"],
        "Wiesbaden": ["414", "439", "533"],
    }
    assert {str(d) for d in District.objects.filter(name="Kassel")} == {
        "Kassel (kreisfreie Stadt)",
        "Landkreis Kassel",
    }


def test_stored_keys_are_those_a_saved_record_has() -> None:
    names = ("sort_key", "search_key", "places_key", "declared_total")
    for model in (District, Municipality, Project):
        for row in model.objects.all():
            stored = [getattr(row, name, None) for name in names]
            if isinstance(row, Project):
                row.fill_keys()
            row.save()
            assert stored == [getattr(row, name, None) for name in names], row


def test_everything_is_valid_as_a_form_would_see_it() -> None:
    for model in (District, Municipality, FundingRound, Project, ProjectMember, Contact):
        for row in model.objects.all():
            row.full_clean(validate_unique=False)  # loading has proved that


# --- Authority, downloads -------------------------------------------------------------------------


def test_the_authority_as_the_page_names_it_and_nothing_made_up() -> None:
    authority = Authority.load()
    assert authority is not None
    filled = {
        field.name: field.value_from_object(authority)
        for field in Authority._meta.concrete_fields
        if field.value_from_object(authority) not in ("", None)
    }
    assert filled == {
        "id": 1,
        "name": "Regierungspräsidium Darmstadt",
        "department": "Dezernat II 25 – Soziales, Integration und Flüchtlinge",
        "street": "Wilhelminenstr. 1–3",
        "postal_code": "64283",
        "city": "Darmstadt",
        "help_name": "Herr Jörg Bechtloff",
        "help_phone": "06151-125524",
        "help_email": "joerg.bechtloff@rpda.hessen.de",
        "source": "Programmseite",
        "is_sample": False,
        "post_moves_off_weekends": False,
    }


def test_four_downloads_wait_for_their_files() -> None:
    assert list(Download.objects.values_list("title", flat=True)) == [
        "WIR-Förderrichtlinie",
        "Erste Erfahrungen hessischer Kommunen",
        "Abschlussbericht des AMIF-WIR-Projektes",
        "Werkzeugkoffer",
    ]
    assert Download.objects.published().count() == 0
