"""My applications: the list, a new one, the task list, the receipt and the way ahead."""

from __future__ import annotations

import re
import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from applications import services
from applications.models import Application, FundingCall
from applications.rules import Step
from applications.workflow import Status
from tests import world
from tests.applications.pages import place, signed_in, words
from tests.factories import NOW, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


class Clock:
    """The instant at which requests arrive."""

    at = NOW


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock.at)
    return clock


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def clerk(w: world.World) -> Client:
    return signed_in(w.clerk)


class TestTheList:
    def test_without_an_application_there_is_a_way_to_begin(self, w, clerk):
        text = words(clerk.get("/antraege/"))
        assert "Sie haben noch keinen Antrag begonnen." in text
        assert "Antrag beginnen Testaufruf: Freitag, 15. Januar 2027, 10:30 Uhr" in text

    def test_whoever_belongs_nowhere_is_told_what_to_do(self, w):
        text = words(signed_in(UserFactory()).get("/antraege/"))
        assert "Ihr Konto ist noch keiner Kommune zugeordnet" in text
        assert "Antrag beginnen" not in text

    def test_what_i_must_do_stands_first(self, w, clerk):
        drafted = world.draft(w)
        services.withdraw(application=world.submitted(w), reason="Anders", by=w.signatory, at=NOW)
        asked = world.requested(w)
        html = clerk.get("/antraege/").content.decode()
        order = [
            "Unterlagen nachreichen</span>" in part or part[:40] for part in html.split("<li")[1:]
        ]
        assert len(order) >= 3
        first, second, third = (
            html.index(place(asked, "nachreichen/")),
            html.index(f'"{place(drafted)}"'),
            html.index("Von Ihnen zurückgezogen"),
        )
        assert first < second < third
        text = words(clerk.get("/antraege/"))
        assert "Bitte bis zum 15.12.2026 ergänzen und absenden." in text
        assert "Bitte bis Freitag, 15. Januar 2027, 10:30 Uhr einreichen, noch 60 Tage." in text

    def test_strangers_see_nothing_of_it(self, w):
        world.filled(w)
        text = words(signed_in(w.stranger).get("/antraege/"))
        assert "Musterstadt" not in text
        assert "Sie haben noch keinen Antrag begonnen." in text

    def test_more_applications_cost_no_more_queries(
        self, w, clerk, django_assert_num_queries: DjangoAssertNumQueries
    ):
        world.filled(w)
        with django_assert_num_queries(8):
            clerk.get("/antraege/")
        for _ in range(2):
            partners = {"partners": [w.small.ags]}
            world.save(world.filled(w), Step.KOMMUNE, partners, w.clerk)
        with django_assert_num_queries(8):
            page = clerk.get("/antraege/")
        assert words(page).count("Antrag bearbeiten") == 3

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_it_is_only_read(self, clerk, method):
        assert getattr(clerk, method)("/antraege/").status_code == 405


class TestStart:
    def test_one_call_and_one_municipality_are_chosen_already(self, w, clerk):
        html = clerk.get("/antraege/neu/").content.decode()
        assert html.count(" checked") == 2

    def test_a_draft_is_begun(self, w, clerk):
        response = clerk.post("/antraege/neu/", {"aufruf": str(w.call.pk), "kommune": w.town.ags})
        application = Application.objects.get()
        assert response["Location"] == place(application)
        assert (application.lead.municipality, application.call) == (w.town, w.call)
        assert application.created_by == w.clerk
        assert application.created_at == NOW

    def test_sending_twice_begins_one_draft(self, w, clerk):
        data = {"aufruf": str(w.call.pk), "kommune": w.town.ags}
        first, second = (clerk.post("/antraege/neu/", data) for _ in range(2))
        assert first["Location"] == second["Location"]
        assert Application.objects.count() == 1

    def test_a_second_draft_may_be_begun_once_the_first_holds_something(self, w, clerk):
        world.filled(w)
        clerk.post("/antraege/neu/", {"aufruf": str(w.call.pk), "kommune": w.town.ags})
        assert Application.objects.count() == 2

    def test_the_municipality_of_the_address_is_chosen(self, w, clerk):
        MembershipFactory(user=w.clerk, municipality=w.small)
        html = clerk.get("/antraege/neu/", {"kommune": w.small.ags}).content.decode()
        assert html.count(" checked") == 2
        at = html.index(" checked", html.index("kommune"))
        assert w.small.ags in html[at - 200 : at]

    def test_partners_of_the_address_go_into_the_draft(self, w, clerk):
        address = f"/antraege/neu/?kommune={w.town.ags}&partner={w.small.ags}"
        page = clerk.get(address)
        assert "als Partnerkommunen in den Entwurf übernommen" in words(page)
        assert re.search(rf'name="partner"\s+value="{w.small.ags}"', page.content.decode())
        data = {"aufruf": str(w.call.pk), "kommune": w.town.ags, "partner": [w.small.ags]}
        first, second = (clerk.post("/antraege/neu/", data) for _ in range(2))
        assert first["Location"] == second["Location"]
        application = Application.objects.get()
        assert [row.municipality for row in application.partners] == [w.small]

    def test_a_partner_nobody_knows_is_left_out_with_a_note(self, w, clerk):
        page = clerk.get("/antraege/neu/?partner=x&partner=99999999")
        assert "Eine Partnerkommune wurde nicht erkannt" in words(page)
        data = {"aufruf": str(w.call.pk), "kommune": w.town.ags, "partner": ["x"]}
        page = clerk.post("/antraege/neu/", data, follow=True)
        assert "Nicht alle Partnerkommunen wurden übernommen." in words(page)
        assert Application.objects.get().partners == []

    def test_another_municipality_is_told_to_be_none_of_mine(self, w, clerk):
        page = clerk.get("/antraege/neu/", {"kommune": w.other_town.ags})
        assert "Für die gewünschte Kommune dürfen Sie keinen Antrag schreiben" in words(page)

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"aufruf": "1"},
            {"aufruf": "x", "kommune": "x"},
            {"aufruf": "1", "kommune": "06431902"},
        ],
    )
    def test_without_a_choice_nothing_is_begun(self, w, clerk, data):
        page = clerk.post("/antraege/neu/", data)
        assert page.status_code == 200
        assert "Fehler: Neuer Antrag" in words(page)
        assert Application.objects.count() == 0

    def test_whoever_only_reads_cannot_begin(self, w):
        member = UserFactory()
        MembershipFactory(user=member, municipality=w.town, may_edit=False)
        browser = signed_in(member)
        data = {"aufruf": str(w.call.pk), "kommune": w.town.ags}
        assert browser.post("/antraege/neu/", data).status_code == 200
        assert Application.objects.count() == 0

    def test_no_open_call_is_said(self, w, clock):
        clock.at = w.call.closes_at
        clerk = signed_in(w.clerk)
        assert "Zurzeit ist kein Förderaufruf geöffnet" in words(clerk.get("/antraege/neu/"))
        data = {"aufruf": str(w.call.pk), "kommune": w.town.ags}
        assert "Zurzeit ist kein" in words(clerk.post("/antraege/neu/", data))
        assert Application.objects.count() == 0

    def test_the_next_call_is_announced(self, w, clerk, clock):
        FundingCall.objects.update(opens_at=NOW + timedelta(days=14))
        text = words(clerk.get("/antraege/neu/"))
        assert "Der nächste Aufruf „Testaufruf“ beginnt am 30. November 2026, 10:30 Uhr." in text


class TestTheTaskList:
    def states(self, page: Any) -> list[str]:
        return [task.state for task, *_ in page.context["tasks"]]

    def test_every_step_has_its_state_in_words(self, w, clerk):
        application = world.draft(w)
        world.save(application, Step.KONZEPTION, {"title": "Neu"}, w.signatory)
        content = world.content(w.town)
        world.save(application, Step.ZEITPLAN, content[Step.ZEITPLAN], w.clerk)
        plan = content[Step.FINANZIERUNG]
        for row in plan["expenses"]:
            row["text"] = "Prozessmoderation"
        plan["cover"].pop()
        world.save(application, Step.FINANZIERUNG, plan, w.clerk)
        page = clerk.get(place(application))
        assert self.states(page) == [
            "alle Pflichtangaben ausgefüllt",
            "nicht begonnen",
            "Angaben fehlen",
            "nicht begonnen",
            "alle Pflichtangaben ausgefüllt",
            "Hinweis",
            "alle Pflichtangaben ausgefüllt",
            "nicht begonnen",
        ]
        text = words(page)
        assert "4 von 8 ohne fehlende Pflichtangaben" in text
        assert "Pflichtangaben noch nicht ausgefüllt: Kurzbeschreibung, Ausgangslage, Ziele" in text
        assert "Im Haushaltsjahr 2028 fehlen noch 1.000,00 € Deckung." in text
        assert "Noch nicht eingereicht" in text
        assert "bis Freitag, 15. Januar 2027, 10:30 Uhr (noch 60 Tage)" in text
        assert (
            f"Zuletzt geändert: Finanzierungsplan, von {w.clerk}, 16. November 2026, 10:30 Uhr"
            in text
        )
        who = f"Einreichen kann, wer für Ihre Kommune zeichnen darf: {w.signatory}. Bitte geben Sie"
        assert who in text
        assert "Einreichen kann" not in words(signed_in(w.signatory).get(place(application)))
        w.signatory.memberships.update(may_sign=False)
        assert "Noch hat niemand dieses Recht." in words(clerk.get(place(application)))
        at = "16. November 2026, 10:30 Uhr"
        assert text.count(f"Zuletzt geändert von {w.signatory}, {at}") == 1  # the Konzeption
        assert text.count(f"Zuletzt geändert von {w.clerk}, {at}") == 2

    @pytest.mark.parametrize(
        ("left", "words_"),
        [
            (timedelta(days=3), "noch 3 Tage"),
            (timedelta(days=2), "noch 2 Tage"),
            (timedelta(hours=47), "noch 47 Stunden"),
            (timedelta(hours=2), "noch 2 Stunden"),
            (timedelta(minutes=119), "noch 119 Minuten"),
            (timedelta(minutes=1), "noch 1 Minute"),
            (timedelta(seconds=59), "weniger als eine Minute"),
        ],
    )
    def test_the_time_left_is_never_more_than_it_is(self, w, clerk, clock, left, words_):
        application = world.draft(w)
        clock.at = w.call.closes_at - left
        browser = signed_in(w.clerk)
        assert f"({words_})" in words(browser.get(place(application)))

    def test_midnight_belongs_to_the_day_that_ends(self, w, clerk):
        w.call.closes_at = "2027-01-31T23:00:00+00:00"
        w.call.save()
        text = words(clerk.get(place(world.draft(w))))
        assert "bis Sonntag, 31. Januar 2027, 24:00 Uhr" in text

    def test_a_call_may_have_no_closing_date(self, w, clerk):
        w.call.closes_at = None
        w.call.save()
        assert "Der Förderaufruf ist ohne Frist." in words(clerk.get(place(world.draft(w))))

    def test_after_the_close_it_can_be_filed_and_is_told_what_that_means(self, w, clock):
        application = world.draft(w)
        clock.at = w.call.closes_at
        text = words(signed_in(w.clerk).get(place(application)))
        assert "Er wird dann als „nach Fristende eingegangen“ gekennzeichnet" in text

    def test_a_stranger_gets_the_same_404_as_for_no_application(self, w):
        stranger = signed_in(w.stranger)
        for application in (world.draft(w), world.submitted(w)):
            assert stranger.get(place(application)).status_code == 404
        assert stranger.get(f"/antraege/{uuid.uuid4()}/").status_code == 404
        assert stranger.get("/antraege/1/").status_code == 404

    def test_staff_have_no_look_into_drafts(self, w):
        application = world.draft(w)
        for person in (w.reviewer, w.signer, w.administrator, w.reader):
            browser = signed_in(person)
            world.give_second_factor(browser, person)
            assert browser.get(place(application)).status_code == 404

    def test_somebody_not_confirmed_sees_what_they_began(self, w):
        newcomer = UserFactory()
        MembershipFactory(user=newcomer, municipality=w.town)
        mine, theirs = world.draft(w, by=newcomer), world.draft(w)
        browser = signed_in(newcomer)
        assert browser.get(place(mine)).status_code == 200
        assert browser.get(place(theirs)).status_code == 404

    def test_it_takes_as_many_queries_whatever_it_holds(
        self, w, clerk, django_assert_num_queries: DjangoAssertNumQueries
    ):
        for application in (world.draft(w), world.filled(w)):
            with django_assert_num_queries(12):
                clerk.get(place(application))


class TestTheReceipt:
    def test_number_time_state_and_turn_are_told(self, w, clerk):
        text = words(clerk.get(place(world.submitted(w))))
        for sentence in (
            "Antragsnummer KIV-2026-0001",
            "Eingegangen am 16. November 2026, 10:30 Uhr",
            "Eingereicht",
            "Das Regierungspräsidium ist am Zug.",
            "keine Zusage und keine Zustimmung zum vorzeitigen Maßnahmenbeginn",
            "Regierungspräsidium Darmstadt Wilhelminenstr. 1–3 64283 Darmstadt",
            "Fassung 1 vom 16. November 2026, 10:30 Uhr",
        ):
            assert sentence in text

    def test_a_late_one_is_told_so(self, w):
        application = world.file(world.filled(w), w.signatory, w.call.closes_at)
        text = words(signed_in(w.clerk).get(place(application)))
        assert "nach Fristende eingegangen." in text
        assert "verfristet" not in text

    @pytest.mark.parametrize(
        ("make", "stations"),
        [
            (
                world.submitted,
                ["done", "done", "here", "ahead", "ahead", "ahead"],
            ),
            (
                world.in_check,
                ["done", "done", "here", "ahead", "ahead", "ahead"],
            ),
            (
                world.requested,
                ["done", "done", "here", "ahead", "ahead", "ahead", "ahead"],
            ),
            (
                world.in_substance,
                ["done", "done", "done", "here", "ahead", "ahead"],
            ),
            (
                world.proposed,
                ["done", "done", "done", "done", "here", "ahead"],
            ),
            (
                world.granted,  # signed, but nobody has been told yet
                ["done", "done", "done", "done", "here", "ahead"],
            ),
            (
                world.notified,
                ["done", "done", "done", "done", "done", "done"],
            ),
        ],
    )
    def test_the_way_ahead_shows_where_it_stands(self, w, clerk, make, stations):
        page = clerk.get(place(make(w)))
        assert [station.state for station in page.context["stations"]] == stations
        assert page.context["stations"][1].when == "16. November 2026, 10:30 Uhr"

    def test_a_withdrawn_one_has_come_to_its_end(self, w, clerk):
        application = services.withdraw(
            application=world.submitted(w), reason="Anders", by=w.signatory, at=NOW
        )
        page = clerk.get(place(application))
        assert [(s.label, s.state) for s in page.context["stations"]] == [
            ("Antrag ausfüllen", "done"),
            ("Antrag einreichen", "done"),
            ("Antrag zurückgezogen", "done"),
        ]

    def test_every_status_has_words_for_what_comes_next(self):
        from applications.views.wording import NEXT

        assert set(NEXT) == set(Status) - {Status.DRAFT}

    def test_what_is_asked_for_has_one_date(self, w, clerk):
        text = words(clerk.get(place(world.requested(w))))
        assert "Ergänzungen bis Dienstag, 15. Dezember 2026. Das sind noch 29 Tage." in text
        assert "Sie sind am Zug." in text

    @pytest.mark.parametrize(
        ("day", "sentence"),
        [
            (date(2026, 12, 14), "Das ist morgen."),
            (date(2026, 12, 15), "Das ist heute."),
            (date(2026, 12, 16), "Der Termin ist vorbei; Sie können trotzdem noch absenden."),
        ],
    )
    def test_the_date_comes_nearer(self, w, clock, day, sentence):
        application = world.requested(w)
        clock.at = NOW.replace(month=day.month, day=day.day)
        assert sentence in words(signed_in(w.clerk).get(place(application)))

    def test_a_decision_comes_with_its_letter(self, w, clerk):
        letter = world.offered(w)
        application = letter.application
        page = clerk.get(place(application))
        # What it says is told by opening it, which is the retrieval, and by nothing before.
        assert "Schreiben vom 16.11.2026 (PDF)" in words(page)
        assert (page.context["status"], page.context["stations"][-1].state) == (
            "In Prüfung",
            "ahead",
        )
        assert place(application, f"schreiben/{letter.pk}/") in page.content.decode()
        assert "Antrag zurückziehen" not in words(page)
        services.open_letter(letter=letter, by=w.clerk, at=NOW)
        page = clerk.get(place(application))
        assert "Zuwendungsbescheid vom 16.11.2026 (PDF)" in words(page)
        assert "Voraussichtlich bekannt gegeben am 17.11.2026." in words(page)
        assert page.context["status"] == "Bewilligt"
