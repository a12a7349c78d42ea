"""The Förder-Check as page and as JSON: the same for everybody, and never at a loss."""

import re
from datetime import UTC, date, datetime
from html import unescape
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from applications.models import Application, ApplicationMember, FundingCall
from municipalities.eligibility import Kind
from municipalities.models import Municipality
from municipalities.permissions import REVIEW
from tests.factories import (
    NOW,
    DistrictFactory,
    FundingCallFactory,
    MembershipFactory,
    MunicipalityFactory,
    PopulationFactory,
    ProjectFactory,
    StaffFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

PAGE, JSON, CHOICES = "/foerder-check/", "/foerder-check.json", "/foerder-check/kommunen.json"
NEED_LEAD = (
    "Bitte nennen Sie die Kommune mit ihrem Gemeindeschlüssel (AGS, acht Ziffern), "
    "zum Beispiel kommune=06431002."
)
REFUSED = (
    "Nach diesen Angaben nicht antragsberechtigt – bitte fragen Sie vor einem Verzicht "
    "beim Regierungspräsidium nach"
)


def town(ags: str, name: str, population: int | None = 12_345, **fields: Any) -> Municipality:
    district = DistrictFactory(ags=ags[:5], name="Musterkreis")
    made = MunicipalityFactory(ags=ags, short_name=name, district=district, **fields)
    if population is not None:
        PopulationFactory(municipality=made, value=population)
    return made


@pytest.fixture
def towns() -> dict[str, Municipality]:
    """Five invented towns on one meridian, each one degree north of the one before."""
    sizes = {"Aich": 9_929, "Berg": 4_000, "Chor": 25_000, "Dorn": 60_000, "Ende": 50_000}
    return {
        name: town(f"0643100{number}", name, size, latitude=50 + number, longitude=9)
        for number, (name, size) in enumerate(sizes.items())
    }


def text_of(response: HttpResponse) -> str:
    """The words of a page's main part, one blank between them."""
    return _words(_main(response))


def links_of(response: HttpResponse) -> dict[str, str]:
    """Texts of the links in a page's main part and where they lead."""
    found = re.findall(r'<a\b[^>]*href="([^"]*)"[^>]*>(.*?)</a>', _main(response), re.DOTALL)
    return {_words(text): unescape(href) for href, text in found}


def _main(response: HttpResponse) -> str:
    return re.split(r"<main[^>]*>|</main>", response.content.decode())[1]


def _words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


# --- The contract of the JSON --------------------------------------------------------------------


def test_json_says_yes_to_a_verbund(client: Client, towns: dict[str, Municipality]) -> None:
    call = FundingCallFactory(
        title="KIV 2027",
        opens_at=datetime(2026, 1, 1, 8, tzinfo=UTC),
        closes_at=datetime(2099, 6, 30, 22, tzinfo=UTC),
    )
    ProjectFactory(towns=[towns["Chor"]])
    answer = client.get(f"{JSON}?kommune=06431001&partner=06431002")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == {
        "eligible": True,
        "call": {
            "id": call.pk,
            "title": "KIV 2027",
            "opens": "2026-01-01T09:00:00+01:00",
            "closes": "2099-07-01T00:00:00+02:00",
        },
        "members": [
            {
                "ags": "06431001",
                "name": "Berg",
                "population": 4000,
                "population_as_of": "2023-12-31",
                "basis": "Zensus 2011",
            },
            {
                "ags": "06431002",
                "name": "Chor",
                "population": 25000,
                "population_as_of": "2023-12-31",
                "basis": "Zensus 2011",
            },
        ],
        "findings": [
            {
                "code": "already_funded",
                "severity": "notice",
                "source": "Projektverzeichnis",
                "message": "Chor wurde bereits gefördert (KIV I).",
            }
        ],
        "suggestions": [],
    }


def test_json_says_no_and_suggests_partners(client: Client, towns: dict[str, Municipality]) -> None:
    FundingCallFactory()
    answer = client.get(f"{JSON}?kommune=06431000").json()
    assert answer["eligible"] is False
    assert answer["findings"] == [
        {
            "code": "population_too_small",
            "severity": "warning",
            "source": "Programmseite",
            "message": (
                "Aich hat 9.929 Einwohnerinnen und Einwohner (Stand 31.12.2023, Zensus 2011). "
                "Für einen Antrag allein sind mindestens 10.000 erforderlich."
            ),
        }
    ]
    assert answer["suggestions"] == [
        {"ags": "06431001", "name": "Berg", "population": 4000, "distance_km": 111.2},
        {"ags": "06431002", "name": "Chor", "population": 25000, "distance_km": 222.4},
        {"ags": "06431004", "name": "Ende", "population": 50000, "distance_km": 444.8},
    ]


def test_json_says_null_where_the_figure_is_not_there(client: Client) -> None:
    town("06431000", "Aich", None)
    answer = client.get(f"{JSON}?kommune=06431000").json()
    assert answer == {
        "eligible": None,
        "call": None,
        "members": [
            {
                "ags": "06431000",
                "name": "Aich",
                "population": None,
                "population_as_of": None,
                "basis": "",
            }
        ],
        "findings": [
            {
                "code": "population_unknown",
                "severity": "notice",
                "source": "Programmseite",
                "message": "Für Aich ist keine Einwohnerzahl eingetragen.",
            }
        ],
        "suggestions": [],
    }


def test_json_of_an_earlier_round_has_no_opening(client: Client) -> None:
    call = FundingCallFactory(title="KIV III", display_only=True, opened_at=None, opens_at=None)
    answer = client.get(f"{JSON}?kommune=06431000").json()
    assert answer["call"] == {"id": call.pk, "title": "KIV III", "opens": None, "closes": None}


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("", {"kommune": NEED_LEAD}),
        ("kommune=", {"kommune": NEED_LEAD}),
        ("kommune=%00", {"kommune": NEED_LEAD}),
        ("suche=Aich", {"kommune": NEED_LEAD}),
        (
            "kommune=06431000&kommune=06431001",
            {
                "kommune": "Bitte nennen Sie genau eine Kommune. Weitere Kommunen nennen Sie "
                "als Partnerkommune."
            },
        ),
        (
            "kommune=06431000" + "&partner=06431001" * 21,
            {"partner": "Bitte nennen Sie höchstens 20 Partnerkommunen."},
        ),
        ("kommune=06431000&aufruf=abc", {"aufruf": "Diesen Förderaufruf gibt es nicht."}),
        (
            "aufruf=999999999",
            {"kommune": NEED_LEAD, "aufruf": "Diesen Förderaufruf gibt es nicht."},
        ),
    ],
)
def test_json_says_what_is_needed(client: Client, query: str, errors: dict[str, str]) -> None:
    FundingCallFactory()
    answer = client.get(f"{JSON}?{query}")
    assert (answer.status_code, answer.json()) == (400, {"errors": errors})


def test_umlauts_stay_readable(client: Client) -> None:
    town("06431000", "Öd", 5)
    assert '"name": "Öd"' in client.get(f"{JSON}?kommune=06431000").content.decode()


# --- Whatever comes ------------------------------------------------------------------------------

ODD_KEYS = (
    "99999999",
    "09162000",
    "6431000",
    "06431",
    "06431000000",
    "Aich",
    "%00",
    "06431%000",
    "A" * 2000,
    "%FF%FE",
    "%ED%A0%80",
    "<script>",
    "' OR 1=1 --",
    "{{ 7 }}",
    "%E2%80%AE06431000",
    "-1",
    "٠٦٤٣١٠٠٠",
    " ",
)
ODD_CALLS = ("abc", "0", "-1", "1.5", "999999999", "9" * 40, "%00", "1&aufruf=2", "²", "१")


@pytest.mark.parametrize(
    "query",
    [
        "kommune={}",
        "kommune=06431000&partner={}",
        "kommune={0}&partner={0}&partner={0}",
        "kommune=06431000&kommune={}",
        "partner={}",
        "suche={}",
        "kommune=06431000&suche={}",
        "aufruf={}",
    ],
)
def test_no_input_is_too_odd(client: Client, towns: dict[str, Municipality], query: str) -> None:
    FundingCallFactory()
    for key in ODD_KEYS:
        address = query.format(key)
        assert client.get(f"{PAGE}?{address}").status_code == 200, address
        answer = client.get(f"{JSON}?{address}")
        assert (answer.status_code, answer.json().keys()) in (
            (200, {"eligible", "call", "members", "findings", "suggestions"}),
            (400, {"errors"}),
        ), address


@pytest.mark.parametrize("key", ODD_KEYS)
def test_no_letter_is_too_odd_for_suggestions(client: Client, key: str) -> None:
    assert client.get(f"{CHOICES}?q={key}").json() == {"results": [], "more": False}


@pytest.mark.parametrize("call", ODD_CALLS)
def test_an_unknown_call_is_said_with_a_way_out(
    client: Client, towns: dict[str, Municipality], call: str
) -> None:
    FundingCallFactory()
    page = client.get(f"{PAGE}?kommune=06431000&aufruf={call}")
    if call == "%00":  # says nothing once it is cleaned
        assert REFUSED in text_of(page)
    else:
        assert links_of(page)["Diesen Förderaufruf gibt es nicht. Ohne diese Angabe prüfen"] == (
            f"{PAGE}?kommune=06431000"
        )


def test_twenty_partners_get_an_answer_and_more_a_way_out(
    client: Client, towns: dict[str, Municipality]
) -> None:
    FundingCallFactory()
    many = [("kommune", "06431001"), *(("partner", f"0643199{n}") for n in range(20))]
    page = client.get(f"{PAGE}?{urlencode(many)}")
    assert "Sie haben 20 Partnerkommunen angegeben. Zulässig sind höchstens 2." in text_of(page)
    page = client.get(f"{PAGE}?{urlencode([*many, ('partner', '06431999')])}")
    wanted = "Bitte nennen Sie höchstens 20 Partnerkommunen. Ohne Partnerkommunen prüfen"
    assert links_of(page)[wanted] == f"{PAGE}?kommune=06431001"


def test_what_was_typed_is_escaped(client: Client) -> None:
    page = client.get(f"{PAGE}?kommune=<b>x</b>&suche=<i>y</i>").content.decode()
    assert "<b>x" not in page
    assert "<i>y" not in page


@pytest.mark.parametrize("address", [PAGE, JSON, CHOICES])
def test_only_reading_is_possible(address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    statuses = {
        method: getattr(client, method)(f"{address}?kommune=06431000&q=x").status_code
        for method in ("get", "head", "post", "put", "patch", "delete", "options", "trace")
    }
    refused = dict.fromkeys(("post", "put", "patch", "delete", "options", "trace"), 405)
    assert statuses == {"get": 200, "head": 200, **refused}


# --- The same for everybody ----------------------------------------------------------------------


def test_nobody_learns_here_who_has_applied_and_no_cookie_is_set(
    client: Client, towns: dict[str, Municipality]
) -> None:
    call = FundingCallFactory()
    lead = towns["Chor"]
    application = Application.objects.create(call=call, created_by=UserFactory())
    ApplicationMember.objects.create(
        application=application, municipality=lead, role="lead", call=call, live=True
    )
    staff = StaffFactory(roles=[REVIEW])
    member = MembershipFactory(municipality=lead, confirmed_at=NOW, confirmed_by=staff).user
    for address in (f"{PAGE}?kommune={lead.ags}", f"{JSON}?kommune={lead.ags}"):
        answers = []
        for person in (None, member, staff):
            visitor = Client()
            if person:
                visitor.force_login(person)
            answer = visitor.get(address)
            assert not answer.cookies
            assert not answer.has_header("Vary")
            answers.append(answer.content)
        assert len(set(answers)) == 1
        assert b"application_exists" not in answers[0]


# --- The page ------------------------------------------------------------------------------------


def test_the_empty_page_asks_for_a_municipality(client: Client) -> None:
    FundingCallFactory(title="KIV 2027")
    page = client.get(PAGE)
    text = text_of(page)
    assert "Die Prüfung gilt für den Förderaufruf „KIV 2027“ (offen ohne Frist)." in text
    assert "Ihre Kommune" in text
    assert "§ 38" not in text


def test_a_town_within_the_limits_may_begin(client: Client, towns: dict[str, Municipality]) -> None:
    FundingCallFactory(closes_at=datetime(2099, 6, 30, 21, 59, tzinfo=UTC))
    page = client.get(f"{PAGE}?kommune=06431002")
    text = text_of(page)
    assert text.startswith("Förder-Check Voraussichtlich antragsberechtigt Chor allein")
    for sentence in (
        "Voraussichtlich antragsberechtigt Chor allein 25.000 Einwohnerinnen und Einwohner: "
        "Das liegt zwischen 10.000 und 50.000. Unverbindliche Auskunft, keine Zusicherung "
        "(§ 38 HVwVfG).",
        "25.000 Einwohnerinnen und Einwohner am 31.12.2023, Zensus 2011, Statistisches "
        "Bundesamt (Destatis), Gemeindeverzeichnis",
        "(offen bis 30.06.2099, 23:59 Uhr)",
        "Antrag allein 10.000 bis 50.000 Einwohnerinnen und Einwohner (Grundlage: Programmseite)",
        "mit 1 bis 2 Partnerkommunen; mindestens eine Kommune hat weniger als 10.000 "
        "Einwohnerinnen und Einwohner, keine mehr als 50.000 (Grundlage: Programmseite)",
        "amtliche Zahl zum 31.12.2023, Zensus 2011",
    ):
        assert sentence in text
    call = FundingCall.objects.get()
    assert links_of(page) == {
        "Antrag beginnen": "/antraege/neu/?kommune=06431002",
        "Sie legen es selbst an": "/konto/registrieren/",
        "Andere Kommune wählen statt Chor": PAGE,
        "Termine dieses Förderaufrufs in den Kalender übernehmen (ICS)": (
            f"/foerder-aufrufe/{call.pk}.ics"
        ),
    }


def test_a_small_municipality_adds_a_partner_with_one_link(
    client: Client, towns: dict[str, Municipality]
) -> None:
    call = FundingCallFactory()
    page = client.get(f"{PAGE}?kommune=06431000&aufruf={call.pk}")
    assert f"{REFUSED} Aich allein" in text_of(page)
    assert "Mit einer Nachbarkommune als Verbund möglich. Grundlage: Programmseite" in text_of(page)
    assert (
        "Verbund mit Berg prüfen 4.000 Einwohnerinnen und Einwohner, Musterkreis, "
        "111,2 km Luftlinie"
    ) in text_of(page)
    links = links_of(page)
    base = f"{PAGE}?kommune=06431000&partner=0643100{{}}&aufruf={call.pk}"
    assert links == {
        "Verbund mit Berg prüfen": base.format(1),
        "Verbund mit Chor prüfen": base.format(2),
        "Verbund mit Ende prüfen": base.format(4),
        "Andere Kommune wählen statt Aich": f"{PAGE}?aufruf={call.pk}",
        "Beim Regierungspräsidium nachfragen": "/kontakt/",
        "Antrag trotzdem beginnen": "/antraege/neu/?kommune=06431000",
    }
    page = client.get(links["Verbund mit Chor prüfen"])
    assert "Voraussichtlich antragsberechtigt Aich im Verbund mit Chor" in text_of(page)
    assert links_of(page) == {
        "Antrag beginnen": "/antraege/neu/?kommune=06431000&partner=06431002",
        "Sie legen es selbst an": "/konto/registrieren/",
        "Andere Kommune wählen statt Aich": f"{PAGE}?partner=06431002&aufruf={call.pk}",
        "Entfernen : Chor": f"{PAGE}?kommune=06431000&aufruf={call.pk}",
    }


def test_the_wrong_partner_leads_to_those_that_would_do_instead(
    client: Client, towns: dict[str, Municipality]
) -> None:
    FundingCallFactory()
    page = client.get(f"{PAGE}?kommune=06431000&partner=06431003")
    assert "Stattdessen als Verbund möglich" in text_of(page)
    assert links_of(page)["Verbund mit Berg prüfen"] == (
        f"{PAGE}?kommune=06431000&partner=06431001"
    )


def test_a_full_verbund_takes_nobody_else(client: Client, towns: dict[str, Municipality]) -> None:
    FundingCallFactory()
    page = client.get(f"{PAGE}?kommune=06431000&partner=06431001&partner=06431002")
    assert "Aich im Verbund mit Berg und Chor" in text_of(page)
    assert "Ein Verbund hat höchstens 2 Partnerkommunen." in text_of(page)
    assert "<form" not in page.content.decode()
    FundingCallFactory(closes_at=datetime(2098, 1, 1, tzinfo=UTC), max_partners=1)
    page = client.get(f"{PAGE}?kommune=06431000&partner=06431001")
    assert "Ein Verbund hat höchstens eine Partnerkommune." in text_of(page)
    assert "mit 1 Partnerkommune;" in text_of(page)


def test_a_call_without_verbund_says_so(client: Client, towns: dict[str, Municipality]) -> None:
    FundingCallFactory(joint_allowed=False, joint_source="Förderaufruf")
    page = client.get(f"{PAGE}?kommune=06431000")
    assert "Dieser Förderaufruf sieht keinen Antrag im Verbund vor." in text_of(page)
    assert "Antrag im Verbund nicht vorgesehen (Grundlage: Förderaufruf)" in text_of(page)


def test_a_sum_for_the_verbund_is_among_the_limits(client: Client) -> None:
    FundingCallFactory(joint_minimum_sum=12_000, population_as_of=None, population_basis="")
    text = text_of(client.get(PAGE))
    assert "keine mehr als 50.000, zusammen mindestens 12.000 (Grundlage: Programmseite)" in text
    assert "neueste amtliche Zahl vor Beginn des Förderaufrufs" in text


# --- Without an open call ------------------------------------------------------------------------


def test_without_an_open_call_the_newest_limits_count_and_it_says_so(
    client: Client, towns: dict[str, Municipality]
) -> None:
    call = FundingCallFactory(title="KIV III", display_only=True, opened_at=None, opens_at=None)
    said = (
        "Zurzeit ist kein Förderaufruf offen. Die Prüfung verwendet die neuesten bekannten "
        "Grenzen, die des Förderaufrufs „KIV III“."
    )
    page = client.get(f"{PAGE}?kommune=06431002")
    assert f"Chor allein {said}" in text_of(page)
    assert "Antrag beginnen" not in links_of(page)
    assert said in text_of(client.get(PAGE))
    page = client.get(f"{PAGE}?kommune=06431000&aufruf={call.pk}")
    assert (
        "Die Prüfung verwendet die Grenzen des Förderaufrufs „KIV III“. "
        "Er nimmt zurzeit keine Anträge an."
    ) in text_of(page)
    assert "Antrag trotzdem beginnen" not in links_of(page)


def test_a_call_to_come_says_when_it_opens(client: Client) -> None:
    FundingCallFactory(title="KIV 2099", opens_at=datetime(2099, 1, 1, 7, tzinfo=UTC))
    text = text_of(client.get(PAGE))
    assert "„KIV 2099“. Anträge sind ab dem 01.01.2099, 08:00 Uhr möglich." in text


def test_a_call_closing_at_midnight_closes_on_the_day_before(client: Client) -> None:
    FundingCallFactory(closes_at=datetime(2099, 6, 30, 22, tzinfo=UTC))
    assert "(offen bis 30.06.2099, 24 Uhr)" in text_of(client.get(PAGE))


def test_the_dates_of_a_call_are_offered_while_any_is_to_come(client: Client) -> None:
    label = "Termine dieses Förderaufrufs in den Kalender übernehmen (ICS)"
    end = datetime(2099, 6, 30, 22, tzinfo=UTC)
    call = FundingCallFactory(closes_at=end)
    assert links_of(client.get(PAGE))[label] == f"/foerder-aufrufe/{call.pk}.ics"
    for dates in (
        {"closes_at": None},
        {"closes_at": datetime(2026, 6, 30, 22, tzinfo=UTC)},
        {"closes_at": end, "opened_at": None, "display_only": True},
    ):
        FundingCall.objects.filter(pk=call.pk).update(**dates)
        assert label not in links_of(client.get(PAGE))


def test_before_the_first_call_the_programme_page_counts(client: Client) -> None:
    assert "Zurzeit ist kein Förderaufruf bekannt gegeben." in text_of(client.get(PAGE))


# --- Special municipalities ----------------------------------------------------------------------


def test_a_predecessors_figure_is_said(client: Client) -> None:
    FundingCallFactory()
    heir = town("06415000", "Neustadt", None, valid_from=date(2026, 1, 1))
    former = town("06435014", "Altstadt", 20_000, valid_to=date(2025, 12, 31), successor=heir)
    page = client.get(f"{PAGE}?kommune={heir.ags}")
    assert (
        "Der Gemeindeschlüssel hat sich geändert. Die Zahl ist die der Vorgängerin Altstadt "
        "(AGS 06435014)."
    ) in text_of(page)
    page = client.get(f"{PAGE}?kommune={former.ags}")
    assert "Das Gebiet gehört heute zu Neustadt (AGS 06415000)." in text_of(page)
    assert links_of(page)["Neustadt prüfen"] == f"{PAGE}?kommune=06415000"


def test_a_figure_of_another_day_is_shown_as_one_that_does_not_count(
    client: Client, towns: dict[str, Municipality]
) -> None:
    FundingCallFactory(population_as_of=date(2025, 12, 31))
    page = client.get(f"{PAGE}?kommune=06431002")
    assert "Maßgebliche Zahl liegt noch nicht vor Chor allein" in text_of(page)
    assert "Nicht maßgeblich: 25.000 Einwohnerinnen und Einwohner am 31.12.2023" in text_of(page)
    assert links_of(page)["Antrag trotzdem beginnen"] == "/antraege/neu/?kommune=06431002"


def test_a_lost_nought_is_given_back(client: Client, towns: dict[str, Municipality]) -> None:
    FundingCallFactory()
    page = client.get(f"{PAGE}?kommune=6431000&partner=6431001&partner=06431002")
    links = links_of(page)
    assert links["Mit dem Schlüssel 06431000 prüfen"] == (
        f"{PAGE}?kommune=06431000&partner=6431001&partner=06431002"
    )
    assert links["Mit dem Schlüssel 06431001 prüfen"] == (
        f"{PAGE}?kommune=6431000&partner=06431001&partner=06431002"
    )
    assert "Antrag trotzdem beginnen" not in links


def test_a_name_in_the_place_of_the_key_is_searched(
    client: Client, towns: dict[str, Municipality]
) -> None:
    FundingCallFactory()
    page = client.get(f"{PAGE}?kommune=aich&partner=06431001")
    assert "Der Schlüssel aich gehört zu keiner hessischen Kommune" in text_of(page)
    assert links_of(page)["Aich"] == f"{PAGE}?kommune=06431000&partner=06431001"


@pytest.mark.parametrize(
    ("query", "headline"),
    [
        ("kommune=abc", "Bitte wählen Sie Ihre Kommune aus"),
        ("kommune=06999999", "Bitte wählen Sie Ihre Kommune aus"),
        ("kommune=06431000&partner=x", "Bitte wählen Sie die Partnerkommune noch einmal aus"),
    ],
)
def test_a_key_nobody_knows_asks_to_choose(
    client: Client, towns: dict[str, Municipality], query: str, headline: str
) -> None:
    FundingCallFactory()
    text = text_of(client.get(f"{PAGE}?{query}"))
    assert text.startswith(f"Förder-Check {headline}")
    assert "nicht antragsberechtigt" not in text
    answer = client.get(f"{JSON}?{query}").json()
    assert answer["eligible"] is False
    assert "unknown_municipality" in [finding["code"] for finding in answer["findings"]]


def test_a_lead_that_is_too_large_is_offered_no_partner(
    client: Client, towns: dict[str, Municipality]
) -> None:
    FundingCallFactory(maximum_population=20_000)
    text = text_of(client.get(f"{PAGE}?kommune=06431002"))
    assert "Partnerkommune hinzufügen" not in text


# --- Choosing ------------------------------------------------------------------------------------


def test_a_search_lists_links_that_take_a_municipality(
    client: Client, towns: dict[str, Municipality]
) -> None:
    FundingCallFactory()
    page = client.get(f"{PAGE}?suche=ch&partner=06431001&partner=x")
    assert links_of(page) == {
        "Aich": f"{PAGE}?kommune=06431000&partner=06431001&partner=x",
        "Chor": f"{PAGE}?kommune=06431002&partner=06431001&partner=x",
        "Entfernen : Berg": f"{PAGE}?partner=x",
        "Entfernen : x": f"{PAGE}?partner=06431001",
    }
    page = client.get(f"{PAGE}?kommune=06431000&suche=ch")
    assert links_of(page)["Chor"] == f"{PAGE}?kommune=06431000&partner=06431002"
    assert "Aich" not in links_of(page)


def test_the_form_keeps_what_was_chosen(client: Client, towns: dict[str, Municipality]) -> None:
    call = FundingCallFactory()
    page = client.get(f"{PAGE}?kommune=06431000&partner=06431001&aufruf={call.pk}")
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', page.content.decode())
    assert hidden == [
        ("kommune", "06431000"),
        ("partner", "06431001"),
        ("aufruf", str(call.pk)),
    ]


def test_a_search_without_a_word_is_said_beside_the_field(client: Client) -> None:
    page = client.get(f"{PAGE}?suche=")
    message = "Bitte geben Sie den Namen oder den Gemeindeschlüssel einer Kommune ein."
    assert links_of(page) == {message: "#suche"}
    html = page.content.decode()
    assert "<title>Fehler: Förder-Check – KIV-Portal</title>" in html
    assert 'aria-describedby="suche_hinweis suche_fehler" aria-invalid="true"' in html
    assert f"Fehler: {message}" in text_of(page)


def test_two_municipalities_at_once_are_said_beside_the_field(
    client: Client, towns: dict[str, Municipality]
) -> None:
    page = client.get(f"{PAGE}?kommune=06431000&kommune=06431001&partner=06431002")
    assert text_of(page).count("Bitte nennen Sie genau eine Kommune.") == 2
    assert links_of(page)["Entfernen : Chor"] == PAGE


def test_a_search_without_result_says_so(client: Client) -> None:
    FundingCallFactory()
    text = text_of(client.get(f"{PAGE}?suche=Nirgendwo"))
    assert "Keine Kommune gefunden Zu „Nirgendwo“ steht keine hessische Kommune" in text


def test_a_long_list_is_cut_and_says_so(client: Client) -> None:
    for number in range(31):
        town(f"06431{number:03}", f"Ort {number}", None)
    assert "1 weitere passen." in text_of(client.get(f"{PAGE}?suche=Ort"))


def test_suggestions_for_the_script(client: Client) -> None:
    heir = town("06431001", "Altenheim", kind=Kind.MUNICIPALITY)
    city = DistrictFactory(ags="06411", name="Altstadt", is_city=True)
    MunicipalityFactory(
        ags="06411000", short_name="Altstadt", kind=Kind.CITY_DISTRICT, district=city
    )
    town("06431002", "Uraltdorf", valid_to=date(2022, 12, 31), successor=heir)
    assert client.get(f"{CHOICES}?q=alt").json() == {
        "results": [
            {"ags": "06431001", "name": "Altenheim", "note": "Gemeinde, Musterkreis"},
            {"ags": "06411000", "name": "Altstadt", "note": "kreisfreie Stadt"},
        ],
        "more": False,
    }
    assert client.get(f"{CHOICES}?q=uralt").json()["results"] == [
        {
            "ags": "06431002",
            "name": "Uraltdorf",
            "note": "Stadt, Musterkreis, bis 31.12.2022, heute Altenheim",
        }
    ]


@pytest.mark.parametrize("typed", ["", "?q=", "?q=a", "?q=%20a%20"])
def test_a_single_letter_gets_no_suggestions(client: Client, typed: str) -> None:
    town("06431001", "Altenheim")
    assert client.get(f"{CHOICES}{typed}").json() == {"results": [], "more": False}


def test_more_suggestions_than_are_shown_are_announced(client: Client) -> None:
    for number in range(11):
        town(f"06431{number:03}", f"Ort {number}", None)
    answer = client.get(f"{CHOICES}?q=Ort").json()
    assert (len(answer["results"]), answer["more"]) == (10, True)


# --- Queries -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("address", "partners"), list(product((PAGE, JSON), (1, 3))))
def test_queries_do_not_grow_with_the_partners(
    client: Client,
    address: str,
    partners: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    FundingCallFactory(max_partners=5)
    keys = [town(f"0643100{number}", f"Ort {number}", 5_000).ags for number in range(4)]
    query = urlencode([("kommune", keys[0]), *(("partner", key) for key in keys[1 : partners + 1])])
    # the call, municipalities, figures, predecessors, projects, when a call opens or closes
    with django_assert_num_queries(6):
        client.get(f"{address}?{query}")


@pytest.mark.parametrize("found", [1, 3])
def test_queries_do_not_grow_with_what_is_found(
    client: Client, found: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    FundingCallFactory()
    for number in range(found):
        town(f"0643100{number}", f"Ort {number}", None)
    with django_assert_num_queries(3):
        client.get(f"{PAGE}?suche=Ort")
    with django_assert_num_queries(1):
        client.get(f"{CHOICES}?q=Ort")
