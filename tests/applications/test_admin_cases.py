"""The worklist and the case page: what they show, to whom, and never a draft."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from applications import services
from applications.admin import lists
from applications.admin.cases import ApplicationAdmin
from applications.admin.tasks import BY_NAME
from applications.models import Application, CaseLogPayload, Document
from applications.rules import DocumentKind, Step
from applications.services import rendering
from kiv_portal.middleware import FILE_POLICY
from kiv_portal.models import Job
from municipalities.permissions import ADMINISTER, READ, REVIEW, SIGN
from tests import world
from tests.factories import (
    DistrictFactory,
    FundingCallFactory,
    MembershipFactory,
    MunicipalityFactory,
    PopulationFactory,
    ProjectFactory,
    StaffFactory,
)
from tests.headers import faults

pytestmark = pytest.mark.django_db

WORKLIST = "/admin/applications/application/"


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings):
    """What a second factor protects is tested elsewhere; here somebody is signed in."""
    settings.PORTAL_DEMO = True


def now() -> datetime:
    return timezone.now() - timedelta(minutes=5)


def case_address(application: Application) -> str:
    return f"{WORKLIST}{application.pk}/change/"


def draft_of_other_town(w: world.World, title: str = "Grüße aus Anderstadt") -> Application:
    """A draft of the second town with everything filled in."""
    application = services.start(call=w.call, lead=w.other_town, by=w.stranger, at=now())
    for step, data in world.content(w.other_town).items():
        data = {**data, "title": title} if step is Step.KONZEPTION else data
        application = world.save(application, step, data, w.stranger, now())
    return application


def of_other_town(w: world.World, title: str = "Grüße aus Anderstadt") -> Application:
    """A filed application of the second town."""
    return world.file(draft_of_other_town(w, title), w.stranger, now())


def of_small_town(w: world.World) -> Application:
    """A filed application of the smallest town, led by it alone all the same."""
    MembershipFactory(
        user=w.stranger,
        municipality=w.small,
        may_sign=True,
        confirmed_at=now(),
        confirmed_by=w.administrator,
    )
    application = services.start(call=w.call, lead=w.small, by=w.stranger, at=now())
    for step, data in world.content(w.small).items():
        data = {**data, "title": "Kleinheim plant"} if step is Step.KONZEPTION else data
        application = world.save(application, step, data, w.stranger, now())
    return world.file(application, w.stranger, now())


def ask(w: world.World, application: Application, *steps: Step, days: int = 10) -> Application:
    services.begin_check(application=application, by=w.reviewer, at=now())
    return ask_again(w, application, *steps, days=days)


def ask_again(w: world.World, application: Application, *steps: Step, days: int = 10) -> Any:
    services.request_information(
        application=application,
        items=[(step, "Bitte ergänzen.") for step in steps],
        due_on=timezone.localdate() + timedelta(days=days),
        by=w.reviewer,
        at=now(),
    )
    application.refresh_from_db()
    return application


def references(client: Client, **query: Any) -> list[str]:
    page = client.get(WORKLIST, query)
    assert page.status_code == 200
    return [row.reference.rpartition("-")[2] for row in page.context["cl"].result_list]


def fetch(client: Client, address: str) -> bytes:
    """What a download holds."""
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == FILE_POLICY
    return b"".join(answer.streaming_content)  # read to its end, which closes the file


# --- The worklist ---------------------------------------------------------------------------------


def test_a_row_shows_what_was_filed_and_whose_turn_it_is(client: Client) -> None:
    w = world.build(now())
    application = world.in_check(w, now())
    client.force_login(w.reader)
    page = client.get(WORKLIST)
    admin, row = page.context["cl"].model_admin, page.context["cl"].result_list[0]
    shown = [
        getattr(admin, name)(row) if hasattr(admin, name) else str(getattr(row, name))
        for name in admin.list_display
    ]
    today = f"{timezone.localdate():%d.%m.%Y}"
    assert shown == [
        application.reference,
        "II 25 – 1",
        "Musterstadt",
        "Vielfalt in Musterstadt<span class='desk-under'>Testaufruf</span>",
        '<span class="desk-badge desk-badge--info">formale Prüfung</span>',
        "Sachbearbeitung",
        f"eingereicht <span class='desk-nowrap'>{today}</span>",
        str(w.reviewer),
        "<span class='desk-amount'>18.000,00 €</span>",
    ]


def test_drafts_are_not_in_the_list_and_nowhere_on_its_pages(client: Client) -> None:
    w = world.build(now())
    application = services.start(call=w.call, lead=w.other_town, by=w.stranger, at=now())
    world.save(application, Step.KONZEPTION, {"title": "Streng geheim"}, w.stranger, now())
    world.submitted(w, now())
    client.force_login(StaffFactory(is_superuser=True))
    for address in (
        WORKLIST,
        f"{WORKLIST}?q=geheim",
        f"{WORKLIST}?q=Anderstadt",
        f"{WORKLIST}?status=draft",
        f"{WORKLIST}?am_zug=applicant",
        f"{WORKLIST}?e=1",
        "/admin/",
        "/admin/applications/",
        f"/admin/applications/fundingcall/{w.call.pk}/change/",
    ):
        page = client.get(address)
        text = page.content.decode()
        assert ("Streng geheim" in text, "Anderstadt" in text.replace("?q=Anderstadt", "")) == (
            False,
            "q=Anderstadt" in address,  # what was typed stands in the search field
        ), address
    assert references(client) == ["0001"]
    assert references(client, status="draft") == []


def test_what_is_typed_while_a_request_is_open_is_not_seen_before_it_is_handed_in(
    client: Client,
) -> None:
    w = world.build(now())
    application = ask(
        w, world.submitted(w, now()), Step.KONZEPTION, Step.FINANZIERUNG, Step.ANLAGEN
    )
    application = world.save(
        application, Step.KONZEPTION, {"title": "Neuer Titel im Entwurf"}, w.clerk, now()
    )
    application = world.save(
        application,
        Step.FINANZIERUNG,
        {"cover": [world.row(year=2027, kind="grant", text="", municipality=None, amount="1.00")]},
        w.clerk,
        now(),
    )
    document = services.add_document(
        application=application,
        upload=SimpleUploadedFile("heimlich.pdf", _pdf()),
        kind=DocumentKind.OFFER,
        by=w.clerk,
        at=now(),
    )
    client.force_login(w.reviewer)
    for address in (WORKLIST, case_address(application), f"{WORKLIST}?q=Neuer"):
        text = client.get(address).content.decode()
        assert [word for word in ("Neuer Titel", "1,00", "heimlich") if word in text] == []
    assert client.get(f"{WORKLIST}{application.pk}/anlagen/{document.pk}/").status_code == 404

    services.answer(application=application, by=w.signatory, at=now())
    page = client.get(case_address(application)).content.decode()
    assert [word for word in ("Neuer Titel", "1,00 €", "heimlich.pdf") if word not in page] == []
    assert fetch(client, f"{WORKLIST}{application.pk}/anlagen/{document.pk}/")[:5] == b"%PDF-"
    assert references(client, q="neuer titel") == ["0001"]


SEARCHES: list[tuple[Any, list[str]]] = [
    ("", ["0003", "0002", "0001"]),
    ("musterstadt", ["0001"]),
    ("Grüße", ["0002"]),
    ("gruesse", ["0002"]),
    ("grusse", ["0002"]),
    ("GRÜSSE anderstadt", ["0002"]),
    ("06431902", ["0002"]),
    ("kiv-{year}-0003", ["0003"]),
    ("II 25", ["0001"]),
    ("bergstrasse", ["0003", "0002", "0001"]),
    ("gibt es nicht", []),
    ("!!!", []),
]


def test_cases_are_found_by_number_name_and_key_however_it_is_spelled(client: Client) -> None:
    w = world.build(now())
    world.in_check(w, now())
    of_other_town(w)
    of_small_town(w)
    client.force_login(w.reader)
    year = timezone.localdate().year
    for query, found in SEARCHES:
        assert references(client, q=query.format(year=year)) == found, query


FILTERS: list[tuple[Any, list[str]]] = [
    ({"status": "formal_check"}, ["0001"]),
    ({"status": "submitted"}, ["0003"]),
    ({"am_zug": "applicant"}, ["0002"]),
    ({"am_zug": "reviewer"}, ["0003", "0001"]),
    ({"am_zug": "ended"}, []),
    ({"sachbearbeitung": "niemand"}, ["0003"]),
    ({"sachbearbeitung": "ich"}, ["0002", "0001"]),
    ({"aufgabe": "neu"}, ["0003"]),
    ({"aufgabe": "meine"}, ["0001"]),
    ({"aufgabe": "frist"}, ["0002"]),
    ({"aufgabe": "ueberfaellig"}, []),
    ({"aufgabe": "zeichnen"}, []),
    ({"landkreis": "06431"}, ["0003", "0002", "0001"]),
    ({"landkreis": "06999"}, []),
    ({"status": "formal_check", "q": "anderstadt"}, []),
    ({"landkreis": "06633"}, []),
    ({"aufruf": "{call}"}, ["0003", "0002", "0001"]),
    ({"aufruf": "{other}"}, []),
    ({"aufruf": "abc"}, []),
    ({"betrag_von": "18.000", "betrag_bis": "18.000,00 €"}, ["0003", "0002", "0001"]),
    ({"betrag_von": "18.000,01"}, []),
    ({"betrag_bis": "17.999,99"}, []),
    ({"eingang_von": "01.01.2020", "eingang_bis": "31.12.2020"}, []),
    ({"eingang_von": "01.01.2020"}, ["0003", "0002", "0001"]),
    ({"datum_von": "{tomorrow}"}, ["0002"]),
    ({"datum_bis": "{tomorrow}"}, ["0003", "0001"]),
    ({"betrag_von": "viel"}, []),
    ({"eingang_bis": "31.02.2026"}, []),
    ({"o": "6"}, ["0001", "0003", "0002"]),
    ({"o": "-8.4"}, ["0003", "0002", "0001"]),
    ({"o": "0"}, ["0001", "0002", "0003"]),
    ({"o": "-2"}, ["0001", "0003", "0002"]),
]


def test_filters_and_order(client: Client) -> None:
    w = world.build(now())
    world.in_check(w, now())
    ask(w, of_other_town(w), Step.KONZEPTION)
    of_small_town(w)
    DistrictFactory(ags="06633", name="Kassel")  # known, and without a case
    known = {
        "call": w.call.pk,
        "other": FundingCallFactory(opened_at=now(), opens_at=now(), round=w.call.round).pk,
        "tomorrow": f"{timezone.localdate() + timedelta(days=1):%d.%m.%Y}",
    }
    client.force_login(w.other_reviewer)  # „sachbearbeitung" offers the others by their keys
    assert references(client, sachbearbeitung=w.reviewer.pk) == ["0002", "0001"]
    client.force_login(w.reviewer)
    for query, found in FILTERS:
        asked = {key: value.format(**known) for key, value in query.items()}
        assert references(client, **asked) == found, query


def test_what_cannot_be_read_in_a_filter_is_said_beside_it_and_stays(client: Client) -> None:
    w = world.build(now())
    client.force_login(w.reader)
    text = client.get(WORKLIST, {"betrag_von": "1,234.56", "betrag_bis": "5"}).content.decode()
    said = "Bitte geben Sie den Betrag mit Komma ein, zum Beispiel 1234,56."
    assert f'<p class="desk-filter__error" id="filter_betrag_error">{said}</p>' in text
    assert 'value="1,234.56"' in text
    assert 'aria-invalid="true" aria-describedby="filter_betrag_error"' in text
    assert 'value="5"' in text


def test_no_more_is_counted_than_can_be_turned_to_and_the_list_says_so(client: Client) -> None:
    w = world.build(now())
    world.in_check(w, now())
    of_other_town(w)
    of_small_town(w)
    client.force_login(w.reader)
    pages = client.get(WORKLIST).context["cl"].paginator
    assert (pages.count, pages.more) == (3, False)
    cases = Application.objects.order_by("reference")
    pages = lists.BoundedPaginator(cases, 1)
    pages.most = 2
    assert (pages.count, pages.more, pages.num_pages) == (2, True, 2)
    first, second, _ = cases.values_list("pk", flat=True)
    assert [list(pages.page(n)) for n in (1, 2)] == [[first], [second]]
    page = render_to_string(
        "admin/applications/application/pagination.html", {"cl": {"paginator": pages}}
    )
    assert "mehr als 1.000 Anträge" in page


def test_pages_show_the_cases_in_the_order_of_the_list(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world.build(now())
    world.in_check(w, now())
    of_other_town(w)
    of_small_town(w)
    client.force_login(w.reviewer)
    for query in ({}, {"o": "2"}, {"o": "-2"}, {"am_zug": "reviewer"}):
        together = references(client, **query)
        assert len(together) == 3
        with monkeypatch.context() as patch:
            patch.setattr(ApplicationAdmin, "list_per_page", 2)
            paged = [references(client, **query, p=number) for number in (1, 2)]
        assert paged == [together[:2], together[2:]], query


def test_the_columns_of_the_list_follow_what_is_handed_in_and_every_move(client: Client) -> None:
    w = world.build(now())
    application = world.in_check(w, now())
    services.request_information(
        application=application,
        items=[(Step.FINANZIERUNG, "Bitte ergänzen.")],
        due_on=timezone.localdate() + timedelta(days=10),
        by=w.reviewer,
        at=now(),
    )
    application.refresh_from_db()
    today = timezone.localdate()

    def columns() -> tuple[Any, ...]:
        row = Application.objects.get(pk=application.pk)
        return row.matters_on, row.asked, row.asked_by_year, row.lead_key == w.town.sort_key

    due = today + timedelta(days=10)
    held = columns()
    assert held == (due, Decimal("18000.00"), held[2], True)
    assert sum(held[2].values()) == 18_000_00
    cover = [world.row(year=2027, kind="grant", text="", municipality=None, amount="1.05")]
    world.save(application, Step.FINANZIERUNG, {"cover": cover}, w.clerk, now())
    assert columns() == held  # not before it is handed in
    services.answer(application=application, by=w.signatory, at=now())
    assert columns() == (today, Decimal("1.05"), {"2027": 105}, True)
    services.accept_formally(application=application, by=w.reviewer, at=now())
    services.begin_hearing(
        application=application, text="Ablehnung.", due_on=due, by=w.reviewer, at=now()
    )
    assert columns()[0] == due
    over = [
        BY_NAME["anhoerung"].cases(Application.objects.all(), w.reviewer, day).count()
        for day in (due, due + timedelta(days=1))
    ]
    assert over == [0, 1]  # a task once its last day is over


def test_a_filter_offers_only_what_filed_cases_have(client: Client) -> None:
    w = world.build(now())
    world.in_check(w, now())
    world.call_in_preparation(now(), title="Noch nicht offen", round=None)
    client.force_login(w.reader)
    specs = {
        s.parameter_name: s.lookup_choices
        for s in client.get(WORKLIST).context["cl"].filter_specs
        if hasattr(s, "lookup_choices")
    }
    assert specs["aufruf"] == [(str(w.call.pk), "Testaufruf")]
    assert specs["landkreis"] == [("06431", "Landkreis Bergstraße")]
    assert specs["sachbearbeitung"] == [
        ("ich", "ich"),
        ("niemand", "noch niemand"),
        (str(w.reviewer.pk), str(w.reviewer)),
    ]
    assert "aufgabe" not in specs


def test_an_empty_list_says_why(client: Client) -> None:
    w = world.build(now())
    client.force_login(w.reader)
    assert "Es ist noch kein Antrag eingegangen." in client.get(WORKLIST).content.decode()
    for query in ({"q": "xyz"}, {"status": "xyz"}, {"aufruf": "xyz"}):
        page = client.get(WORKLIST, query).content.decode()
        assert "Kein Antrag passt zu Ihrer Auswahl." in page


def test_what_is_not_there_is_told_in_the_look_of_the_desk(client: Client) -> None:
    w = world.build(now())
    client.force_login(w.reader)
    for address in (f"{WORKLIST}999/change/", "/admin/nirgends/"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "Zurück zur Übersicht" in answer.content.decode()
    client.force_login(w.clerk)
    assert "Zurück zur Übersicht" not in client.get("/admin/nirgends/").content.decode()


def test_the_list_asks_the_same_number_of_questions_however_long_it_is(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    w = world.build(now())
    world.in_check(w, now())
    client.force_login(w.reviewer)
    client.get(WORKLIST)
    for query in ({}, {"q": "bergstrasse vielfalt"}):
        with django_assert_num_queries(11, info=str(query)):
            assert len(client.get(WORKLIST, query).context["cl"].result_list) == 1
    ask(w, of_other_town(w, "Vielfalt für alle"), Step.KONZEPTION)
    of_small_town(w)
    for query, found in (({}, 3), ({"q": "bergstrasse vielfalt"}, 2)):
        with django_assert_num_queries(11, info=str(query)):
            assert len(client.get(WORKLIST, query).context["cl"].result_list) == found


# --- The first page -------------------------------------------------------------------------------


def tasks(client: Client) -> dict[str, int]:
    page = client.get("/admin/")
    assert page.status_code == 200
    found = [*page.context["to_do"], *page.context["waiting"]]
    for task in found:
        if task["href"].startswith(WORKLIST):
            assert len(client.get(task["href"]).context["cl"].result_list) == task["count"]
    return {task["label"]: task["count"] for task in found if task["count"]}


def test_the_first_page_counts_what_waits_for_the_person(client: Client) -> None:
    w = world.build(now())
    world.proposed(w, at=now())
    late = ask(w, of_other_town(w), Step.KONZEPTION)
    of_small_town(w)
    client.force_login(w.reviewer)
    assert tasks(client) == {
        "Neu eingegangen, noch von niemandem übernommen": 1,
        "Kommune reicht nach, Termin läuft noch": 1,
        "Von mir vorgeschlagen, noch zu zeichnen": 1,
    }
    late.information_requests.update(due_on=timezone.localdate() - timedelta(days=1))
    assert tasks(client)["Termin für Unterlagen ist überschritten"] == 1
    services.answer(application=late, by=w.stranger, at=now())
    assert tasks(client) == {
        "Neu eingegangen, noch von niemandem übernommen": 1,
        "Unterlagen sind nachgereicht": 1,
        "Bei mir oder in Vertretung in Prüfung": 1,
        "Von mir vorgeschlagen, noch zu zeichnen": 1,
    }
    client.force_login(w.signer)
    assert tasks(client) == {"Wartet auf meine Schlusszeichnung": 1}
    # What there is nothing of stands folded below, so that the rest is seen.
    idle = client.get("/admin/").content.decode().partition("zu denen es zurzeit nichts gibt")
    assert ['tasks__count">1<' in part for part in idle[0::2]] == [True, False]
    for nobody in (w.reader, w.administrator):
        client.force_login(nobody)
        assert tasks(client) == {}


def test_staff_without_a_role_are_told_so(client: Client) -> None:
    client.force_login(StaffFactory(roles=[]))
    page = client.get("/admin/")
    assert page.context["app_list"] == []
    assert "Ihr Konto hat am Prüfdesk noch keine Rolle." in page.content.decode()


# --- The case page --------------------------------------------------------------------------------


def _pdf() -> bytes:
    from io import BytesIO

    import pikepdf

    out = BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(out)
    return out.getvalue()


def plain(page: Any) -> str:
    import re

    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def whole_case(w: world.World, times: int = 1) -> Application:
    """A case with everything: a document, an answered request, two proposals, a signature.

    With `times` another town's, with so many members, documents, requests and returned proposals.
    """
    clerk, filer = (w.clerk, w.signatory) if times == 1 else (w.stranger, w.stranger)
    application = world.filled(w, now()) if times == 1 else draft_of_other_town(w)
    partners = [MunicipalityFactory(district=w.town.district).ags for _ in range(times - 1)]
    application = world.save(application, Step.KOMMUNE, {"partners": partners}, clerk, now())
    for number in range(times):
        services.add_document(
            application=application,
            upload=SimpleUploadedFile(f"Konzeption {2027 + number}.pdf", _pdf()),
            kind=DocumentKind.CONCEPT if number == 0 else DocumentKind.OTHER,
            by=clerk,
            at=now(),
        )
    application = world.file(application, filer, now())
    for number in range(times):
        application = (
            ask(w, application, Step.KONZEPTION)
            if number == 0
            else ask_again(w, application, Step.KONZEPTION)
        )
        goals = {"goals": "Neue Ziele" + "!" * number}
        application = world.save(application, Step.KONZEPTION, goals, clerk, now())
        application = services.answer(application=application, by=filer, at=now())
    services.set_file_number(application=application, file_number="II 9", by=w.reviewer, at=now())
    services.accept_formally(application=application, by=w.reviewer, at=now())
    for _ in range(times):
        services.propose(application=application, proposal=world.REJECTION, by=w.reviewer, at=now())
        services.return_proposal(
            application=application, reason="Bitte prüfen.", by=w.signer, at=now()
        )
    services.propose(
        application=application, proposal=world.grant_proposal(), by=w.reviewer, at=now()
    )
    return services.grant(application=application, by=w.signer, at=now())


def test_the_case_page_tells_the_whole_case(client: Client) -> None:
    w = world.build(now())
    application = whole_case(w)
    client.force_login(w.reader)
    page = client.get(case_address(application))
    text = plain(page)
    year = timezone.localdate().year
    for said in (
        f"KIV-{year}-0001 – Vielfalt in Musterstadt",
        "Am Zug: Sachbearbeitung",
        f"Ein Schreiben vom {timezone.localdate():%d.%m.%Y} ist noch bekannt zu geben.",
        "Das PDF wird gerade erzeugt. Bitte laden Sie die Seite gleich neu: Ist es da, lässt sich "
        "das Schreiben bekannt geben.",
        "Geschäftszeichen II 9",
        "Beantragt 18.000,00 €",
        "Ziele Neue Ziele",
        "20.000 am 31.12.2023 (Zensus 2011) 20.000 am 31.12.2023 (Zensus 2011) nein",
        "Konzeption 2027.pdf",
        "Konzeption: Bitte ergänzen.",
        "Ablehnung, Vorschlag 1: zurückgegeben",
        "Grund der Rückgabe Bitte prüfen.",
        "Bewilligung, Vorschlag 2: schlussgezeichnet",
        f"{w.reviewer} hat am Vorschlag geschrieben",
        f"{w.signer} hat schlussgezeichnet",
        "Geändert gegenüber der vorigen Fassung: Konzeption",
        "Die Kette der Prüfwerte ist lückenlos: 11 Einträge, keiner verändert.",
    ):
        assert said in text, said
    assert [entry["label"] for entry in page.context["entries"]] == [
        "Entwurf angelegt",
        "Antrag eingereicht",
        "Formale Prüfung begonnen",
        "Unterlagen nachgefordert",
        "Unterlagen nachgereicht",
        "Geschäftszeichen eingetragen",
        "Formale Prüfung abgeschlossen",
        "Entscheidung vorgeschlagen",
        "Vorschlag zurückgegeben",
        "Entscheidung vorgeschlagen",
        "Bewilligung schlussgezeichnet",
    ]
    assert page.context["buttons"] == []


def test_sums_per_year_stand_beside_rate_and_highest_amount_of_the_call(client: Client) -> None:
    w = world.build(now())
    application = world.submitted(w, now())
    client.force_login(w.reader)
    page = client.get(case_address(application))
    year = ("10.000,00 €", "10.000,00 €", "10.000,00 €", "9.000,00 €", "0,00 €")
    assert page.context["plan"]["rows"] == [
        ("2027", *year),
        ("2028", *year),
        ("Summe", "20.000,00 €", "20.000,00 €", "20.000,00 €", "18.000,00 €", "0,00 €"),
    ]
    assert (
        "Beantragt sind 18.000,00 €, das sind 90 % der zuwendungsfähigen Ausgaben. Fördersatz des "
        "Aufrufs: nicht festgelegt, Höchstbetrag: 30.000,00 €."
    ) in plain(page)


def test_an_answer_to_a_request_is_told_at_the_top_while_it_waits(client: Client) -> None:
    w = world.build(now())
    application = ask(w, world.submitted(w, now()), Step.KONZEPTION)
    client.force_login(w.reviewer)
    assert client.get(case_address(application)).context["answered"] is None
    application = services.answer(application=application, by=w.signatory, at=now())
    assert "Unterlagen eingegangen Die Antwort" in plain(client.get(case_address(application)))
    services.accept_formally(application=application, by=w.reviewer, at=now())
    assert client.get(case_address(application)).context["answered"] is None


def test_whoever_proposed_reads_the_letter_as_a_draft_too(client: Client) -> None:
    w = world.build(now())
    application = world.proposed(w, at=now())
    client.force_login(w.reviewer)
    page = client.get(case_address(application))
    assert f'href="{page.context["draft_href"]}">' in page.content.decode()
    assert client.get(page.context["draft_href"]).status_code == 200


def test_reasons_of_the_applicant_are_shown_only_beside_findings_to_confirm(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world.build(now())
    application = world.filled(w, now())
    key = services.confirmation_key(services.findings_of(application, now()))
    application = services.submit(
        application=application,
        confirmed=key,
        declares_authority=True,
        reason="Nichts.",
        by=w.signatory,
        at=now(),
    )
    client.force_login(w.reader)
    assert client.get(case_address(application)).context["confirmation_reason"] == "Nichts."
    monkeypatch.setattr("applications.admin.case_page._findings", lambda content: [])
    assert client.get(case_address(application)).context["confirmation_reason"] == ""


def test_answers_stand_in_the_order_in_which_they_were_asked(client: Client) -> None:
    w = world.build(now())
    application = world.submitted(w, now())
    client.force_login(w.reader)
    sections = client.get(case_address(application)).context["sections"]
    assert {s["step"]: [answer["label"] for answer in s["answers"]] for s in sections} == {
        "ansprechpartner": [
            "Anschrift",
            "Straße und Hausnummer",
            "Postleitzahl",
            "Ort",
            "Verantwortliche Stelle",
            "Ansprechperson",
            "E-Mail",
            "Telefon",
            "Stelle für die Finanzen",
            "Ansprechperson für die Finanzen",
            "E-Mail der Stelle für die Finanzen",
            "Telefon der Stelle für die Finanzen",
            "Zeichnungsberechtigte Person",
            "Funktion",
            "Kontoinhaberin",
            "IBAN",
            "Bank und BIC",
            "Kassenzeichen",
        ],
        "konzeption": [
            "Projektname",
            "Kurzbeschreibung",
            "Ausgangslage",
            "Ziele",
            "Zielgruppen",
            "Themen",
            "Vorgehen und Prozessmoderation",
            "Vergabe der Prozessmoderation",
            "Erläuterung zur Vergabe",
            "Verstetigung",
        ],
        "beteiligung": [
            "Bezug zum Sozialraum",
            "Einbindung der politischen Gremien",
            "Einbindung des WIR-Vielfaltszentrums",
        ],
        "zeitplan": ["Beginn der Maßnahme", "Dauer in Monaten"],
        "finanzierung": ["Zum Vorsteuerabzug berechtigt", "Haushaltslage"],
        "erklaerungen": [
            "Vertretungsbefugnis erklärt",
            "Richtigkeit der Angaben erklärt",
            "Maßnahme noch nicht begonnen",
            "Gesamtfinanzierung gesichert",
            "Andere Förderung für dieselbe Maßnahme",
            "Welche andere Förderung",
            "Einwilligung in die Veröffentlichung der Projektdaten",
        ],
    }


def all_that_follows(w: world.World, application: Application, times: int) -> None:
    """So many letters, deliveries, hearings, changes, entries, notes, messages and recusals."""
    common: dict[str, Any] = {"application": application, "by": w.reviewer, "at": now()}
    today = timezone.localdate()
    letter = world.with_pdf(application.letters.get(), now())
    for number in range(times):
        services.deliver(letter=letter, way="receipt", by=w.reviewer, at=now())
        services.fail_delivery(letter=letter, reason="Kam zurück", by=w.reviewer, at=now())
        services.issue_letter(kind="receipt", text="", elsewhere=None, **common)
        services.begin_revocation_hearing(
            text="Widerruf.", due_on=today + timedelta(days=29), **common
        )
        services.end_revocation_hearing(answer="Nein.", answered_on=today, **common)
        services.propose_change(proposal=world.extension(application), **common)
        services.retract_change(reason="Doch nicht.", **common)
        services.add_entry(kind="report_due", on=today, **common)
        services.add_note(kind="note", text=f"Vermerk {number}", **common)
        services.send_message(text=f"Nachricht {number}", **common)
        colleague = world.staff(REVIEW)
        services.recuse(application=application, by=colleague, at=now())
    services.deliver(letter=letter, way="receipt", by=w.reviewer, at=now())
    services.acknowledge(letter=letter, received_on=today, by=w.reviewer, at=now())
    services.publish_project(mailbox="x@musterstadt.example", **common)
    services.propose_change(proposal=world.extension(application), **common)


CASE_PAGE = 28
"""Queries, however much happened in the case. The bar is 30."""


def test_the_case_page_takes_at_most_thirty_queries_with_one_and_three_of_everything(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    w = world.build(now())
    client.force_login(w.reviewer)
    for times in (1, 3):
        application = whole_case(w, times)
        all_that_follows(w, application, times)
        client.get(case_address(application))
        with django_assert_num_queries(CASE_PAGE, info=f"{times} of everything"):
            page = client.get(case_address(application))
        found = page.context
        assert [
            len(found[name])
            for name in (
                "members",
                "documents",
                "requests",
                "hearings",
                "notes",
                "case_messages",
                "recusals",
            )
        ] == [times] * 7
        assert (len(found["letters"]), len(found["decisions"])) == (1 + 2 * times, 2 + 2 * times)
        w.reviewer.refresh_from_db()
    simple = of_small_town(w)
    with django_assert_num_queries(20):
        client.get(case_address(simple))


def test_findings_stand_in_the_order_of_their_weight(client: Client) -> None:
    w = world.build(now())
    application = of_small_town(w)
    client.force_login(w.reader)
    page = client.get(case_address(application))
    severities = [finding.severity.value for finding in page.context["findings"]]
    assert severities == sorted(severities, key=["blocking", "warning", "notice"].index)
    assert "population_too_small" in [finding.code for finding in page.context["findings"]]


def test_todays_figure_stands_beside_the_frozen_one_and_earlier_funding_too(
    client: Client,
) -> None:
    w = world.build(now())
    application = world.submitted(w, now())
    PopulationFactory(
        municipality=w.town, value=19_500, as_of=timezone.localdate(), basis="Zensus 2022"
    )
    ProjectFactory(towns=[w.town])
    client.force_login(w.reader)
    member = client.get(case_address(application)).context["members"][0]
    assert (member["frozen"], member["today"], member["differs"], member["funded"]) == (
        "20.000 am 31.12.2023 (Zensus 2011)",
        f"19.500 am {timezone.localdate():%d.%m.%Y} (Zensus 2022)",
        True,
        "KIV I",
    )


def test_what_came_after_the_closing_date_is_shown_plainly(client: Client) -> None:
    w = world.build(now())
    application = world.filled(w, now())
    w.call.closes_at = now() - timedelta(minutes=1)
    w.call.save()
    application = world.file(application, w.signatory, now())
    client.force_login(w.reader)
    assert "nach Fristende eingegangen" in plain(client.get(case_address(application)))
    assert "nach Fristende eingegangen" in plain(client.get(WORKLIST))


def test_an_entry_whose_content_was_erased_says_so_and_the_chain_stays_whole(
    client: Client,
) -> None:
    w = world.build(now())
    application = world.submitted(w, now())
    CaseLogPayload.objects.filter(entry__application=application, entry__sequence=1).delete()
    client.force_login(w.reader)
    page = client.get(case_address(application))
    assert page.context["entries"][0]["details"] == ["Inhalt gelöscht"]
    assert page.context["faults"] == []


def test_short_addresses_lead_to_the_case_page_and_its_log(client: Client) -> None:
    w = world.build(now())
    application = world.submitted(w, now())
    client.force_login(w.reader)
    answer = client.get(f"{WORKLIST}{application.pk}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, case_address(application))
    answer = client.get(f"{WORKLIST}{application.pk}/history/")
    assert answer.headers["Location"] == f"{case_address(application)}#protokoll"
    assert client.get(f"{WORKLIST}add/").status_code == 404
    assert client.get(f"{WORKLIST}999999/change/").status_code == 404


# --- Files ----------------------------------------------------------------------------------------


def test_documents_are_downloads_that_run_nothing(client: Client) -> None:
    w = world.build(now())
    application = whole_case(w)
    document = Document.objects.get()
    client.force_login(w.reader)
    answer = client.get(f"{WORKLIST}{application.pk}/anlagen/{document.pk}/")
    assert {
        name: answer.headers[name]
        for name in (
            "Content-Type",
            "Content-Disposition",
            "X-Content-Type-Options",
            "Content-Security-Policy",
        )
    } == {
        "Content-Type": "application/pdf",
        "Content-Disposition": 'attachment; filename="Konzeption 2027.pdf"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": FILE_POLICY,
    }
    assert b"".join(answer.streaming_content)[:5] == b"%PDF-"


def test_a_document_is_looked_at_without_running_anything(client: Client) -> None:
    w = world.build(now())
    application = whole_case(w)
    client.force_login(w.reader)
    document = client.get(case_address(application)).context["documents"][0]
    answer = client.get(document["view_href"])
    b"".join(answer.streaming_content)
    assert answer.headers["Content-Disposition"].startswith("inline; ")
    assert faults(answer, document["view_href"]) == []


def test_a_document_is_found_under_its_own_case_only(client: Client) -> None:
    w = world.build(now())
    whole_case(w)
    other = of_other_town(w)
    document = Document.objects.get()
    client.force_login(w.reviewer)
    assert client.get(f"{WORKLIST}{other.pk}/anlagen/{document.pk}/").status_code == 404


def test_a_document_of_a_draft_is_not_there(client: Client) -> None:
    w = world.build(now())
    application = world.draft(w, now())
    document = services.add_document(
        application=application,
        upload=SimpleUploadedFile("a.pdf", _pdf()),
        kind=DocumentKind.CONCEPT,
        by=w.clerk,
        at=now(),
    )
    client.force_login(w.reviewer)
    assert client.get(f"{WORKLIST}{application.pk}/anlagen/{document.pk}/").status_code == 404


def test_a_document_taken_out_later_stays_with_the_version_that_names_it(client: Client) -> None:
    w = world.build(now())
    application = world.filled(w, now())
    document = services.add_document(
        application=application,
        upload=SimpleUploadedFile("a.pdf", _pdf()),
        kind=DocumentKind.CONCEPT,
        by=w.clerk,
        at=now(),
    )
    application = ask(w, world.file(application, w.signatory, now()), Step.ANLAGEN)
    services.remove_document(application=application, document=document, by=w.clerk, at=now())
    services.answer(application=application, by=w.signatory, at=now())
    client.force_login(w.reader)
    assert fetch(client, f"{WORKLIST}{application.pk}/anlagen/{document.pk}/")[:5] == b"%PDF-"


def test_pdfs_are_offered_once_they_are_made(client: Client) -> None:
    w = world.build(now())
    application = whole_case(w)
    letter = application.letters.get()
    client.force_login(w.reader)
    text = plain(client.get(case_address(application)))
    assert text.count("PDF wird erzeugt") == 3
    addresses = [
        f"{WORKLIST}{application.pk}/fassungen/1/antrag.pdf",
        f"{WORKLIST}{application.pk}/schreiben/{letter.pk}/",
    ]
    assert [client.get(address).status_code for address in addresses] == [404, 404]
    for job in Job.objects.all():
        rendering.JOBS[job.kind](job.argument, now())
    assert [fetch(client, address)[:5] for address in addresses] == [b"%PDF-", b"%PDF-"]
    assert "PDF wird erzeugt" not in plain(client.get(case_address(application)))
    letter.refresh_from_db()
    assert letter.first_opened_at is None  # the authority's own look is no retrieval


@pytest.mark.parametrize("role", [READ, REVIEW, SIGN, ADMINISTER])
def test_every_role_reads_the_whole_case(role: str, client: Client) -> None:
    w = world.build(now())
    application = world.in_check(w, now())
    client.force_login(StaffFactory(roles=[role]))
    assert client.get(case_address(application)).status_code == 200
    assert references(client) == ["0001"]
