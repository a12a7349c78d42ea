"""Check, submit, answer and withdraw: one move each, and never twice."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from applications import services
from applications.models import Application, KeptInput, Snapshot
from applications.rules import Step
from applications.workflow import Status
from tests import world
from tests.applications.pages import place, sent, signed_in, words
from tests.factories import NOW, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

SIGNED = {"befugt": "on"}
MOVES = ("pruefen/", "einreichen/", "nachreichen/", "zurueckziehen/")


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
def signatory(w: world.World) -> Client:
    return signed_in(w.signatory)


def complete(w: world.World) -> Application:
    """A draft about which no rule has anything to say."""
    application = world.filled(w)
    plan = world.content(w.town)[Step.FINANZIERUNG]
    for row in plan["expenses"]:
        row["text"] = "Prozessmoderation"
    return world.save(application, Step.FINANZIERUNG, plan, w.clerk)


def key(application: Application, at: Any = NOW) -> str:
    """What the check page puts into its form."""
    return services.confirmation_key(services.findings_of(application, at))


class TestChecking:
    def test_every_answer_is_there_with_a_way_to_change_it(self, w, signatory):
        application = complete(w)
        page = signatory.get(place(application, "pruefen/"))
        html, text = page.content.decode(), words(page)
        for step in Step:
            assert html.count(f'<a href="{place(application, step)}/">Ändern') == 1
        for answer in (
            "Vielfalt in Musterstadt",
            "integration@musterstadt.example",
            "01.07.2027",
            "Werkstatt alle Herbst zwei Termine abends",
            "2027 Prozessmoderation/Honorare Prozessmoderation Ja 10.000,00 €",
            "Haushalt beschlossen und genehmigt",
        ):
            assert answer in text
        assert "Alle Pflichtangaben sind ausgefüllt." in text
        assert "trotzdem" not in html

    def test_findings_come_with_source_way_out_and_place(self, w, signatory):
        application = complete(w)
        world.save(application, Step.ZEITPLAN, {"months": 30}, w.clerk)
        text = words(signatory.get(place(application, "pruefen/")))
        assert "Die Laufzeit beträgt 30 Monate. Vorgesehen sind 12 bis 18 Monate." in text
        assert "Bitte passen Sie die Laufzeit an." in text
        assert "Grundlage: Programmseite · Ändern im Abschnitt: Zeitplan" in text
        assert "Ich reiche trotzdem ein." in text

    def test_what_makes_it_no_application_is_named_and_there_is_no_button(self, w, signatory):
        application = world.draft(w)
        page = signatory.get(place(application, "pruefen/"))
        assert "Ohne diese Angaben ist es kein Antrag" in words(page)
        assert "Bitte geben Sie den Projektnamen an." in words(page)
        assert place(application, "einreichen/") not in page.content.decode()

    def test_whoever_may_not_sign_is_told_so(self, w):
        page = signed_in(w.clerk).get(place(complete(w), "pruefen/"))
        assert "Einreichen dürfen Sie diesen Antrag nicht" in words(page)

    def test_afterwards_it_shows_what_was_filed_word_for_word(self, w, signatory):
        application = world.submitted(w)
        page = signatory.get(place(application, "pruefen/"))
        text = words(page)
        assert "Antrag KIV-2026-0001, Fassung 1 vom 16. November 2026, 10:30 Uhr" in text
        assert "20.000 Einwohnerinnen und Einwohner, Stand 31.12.2023, Zensus 2011" in text
        assert Snapshot.objects.get().sha256 in text
        assert "„Ich bin befugt, diesen Antrag für Musterstadt einzureichen.“" in text
        assert b"<form" not in page.content.split(b"<main")[1].split(b"</main>")[0]

    @pytest.mark.parametrize("number", ["0", "2", "x", "-1", "１", "99999999"])
    def test_a_version_that_does_not_exist_is_not_found(self, w, signatory, number):
        application = world.submitted(w)
        address = place(application, "pruefen/")
        assert signatory.get(address, {"fassung": number}).status_code == 404
        assert signatory.get(address, {"fassung": "1"}).status_code == 200


class TestSubmitting:
    def test_a_complete_application_is_filed_with_one_press(self, w, signatory):
        application = complete(w)
        response = signatory.post(place(application, "einreichen/"), {"bestaetigung": "", **SIGNED})
        assert response["Location"] == place(application)
        application.refresh_from_db()
        assert (application.status, application.reference) == (
            Status.SUBMITTED,
            "KIV-2026-0001",
        )
        assert application.submitted_at == NOW
        assert "Ihr Antrag KIV-2026-0001 ist eingegangen." in words(
            signatory.get(place(application))
        )

    def test_a_partner_that_has_applied_is_told_beside_it_and_the_reason_waits(self, w):
        world.submitted(w)
        MembershipFactory(
            user=w.stranger,
            municipality=w.small,
            may_edit=True,
            may_sign=True,
            confirmed_at=NOW,
            confirmed_by=w.administrator,
        )
        draft = services.start(call=w.call, lead=w.small, by=w.stranger, at=NOW)
        for step, data in world.content(w.small).items():
            world.save(draft, step, data, w.stranger)
        world.save(draft, Step.KOMMUNE, {"partners": [w.town.ags]}, w.stranger)
        browser, check = signed_in(w.stranger), place(draft, "pruefen/")
        message = "Musterstadt ist in diesem Förderaufruf bereits an einem eingereichten Antrag"
        # Before, nobody is told: a draft is free to make.
        for address in (check, place(draft, "kommune/")):
            assert message not in words(browser.get(address))
        sent_in = {"befugt": "on", "trotzdem": "on", "grund": "Weil\nwir müssen."}
        refused = browser.post(place(draft, "einreichen/"), {**sent_in, "bestaetigung": key(draft)})
        assert refused.status_code == 409
        page, text = refused.content.decode(), words(refused)
        section = page[page.index('id="kommune"') : page.index('id="ansprechpartner"')]
        assert message in section
        assert f'href="{place(draft, "kommune/")}#mitglied-{w.town.ags}">Ändern' in page
        assert (
            f'id="mitglied-{w.town.ags}"' in browser.get(place(draft, "kommune/")).content.decode()
        )
        assert "Bitte sprechen Sie mit der Partnerkommune, oder wählen Sie eine andere." in text
        assert "<p>Weil<br>wir müssen.</p>" in page
        # Only this browser has the reason again, once the partner is another one.
        world.save(draft, Step.KOMMUNE, {"partners": [w.other_town.ags]}, w.stranger)
        assert ">\nWeil\nwir müssen.</textarea>" in browser.get(check).content.decode()
        assert "Weil" not in words(signed_in(w.stranger).get(check))
        filed = browser.post(place(draft, "einreichen/"), {**sent_in, "bestaetigung": key(draft)})
        assert filed["Location"] == place(draft)
        assert not KeptInput.objects.exists()

    def test_whoever_files_confirms_to_be_allowed_to(self, w, signatory):
        application = complete(w)
        world.save(application, Step.ZEITPLAN, {"months": 30}, w.clerk)
        application.refresh_from_db()
        label = "Ich bin befugt, diesen Antrag für Musterstadt einzureichen."
        assert label in words(signatory.get(place(application, "pruefen/")))
        data = {"bestaetigung": key(application), "trotzdem": "on", "grund": "Der Rat tagt spät."}
        page = signatory.post(place(application, "einreichen/"), data)
        assert page.status_code == 200
        assert "Bitte bestätigen Sie, dass Sie befugt sind" in words(page)
        assert "Der Rat tagt spät." in page.content.decode()
        assert page.context["form"]["trotzdem"].value()
        assert Application.objects.get().is_draft

    def test_findings_are_confirmed_with_a_reason(self, w, signatory):
        application = complete(w)
        world.save(application, Step.ZEITPLAN, {"months": 30}, w.clerk)
        application.refresh_from_db()
        data = {"bestaetigung": key(application), **SIGNED, "grund": "Der Rat tagt spät."}
        page = signatory.post(place(application, "einreichen/"), data)
        assert page.status_code == 200
        assert "Bitte bestätigen Sie, dass Sie den Antrag trotz der Hinweise" in words(page)
        assert "Der Rat tagt spät." in page.content.decode()
        assert Application.objects.get().is_draft
        response = signatory.post(place(application, "einreichen/"), {**data, "trotzdem": "on"})
        assert response.status_code == 302
        assert Snapshot.objects.get().content["confirmation_reason"] == "Der Rat tagt spät."

    def test_findings_that_came_since_are_shown_before_anything_is_filed(self, w, signatory):
        application = complete(w)
        world.save(application, Step.ZEITPLAN, {"months": 30}, w.clerk)
        application.refresh_from_db()
        seen = key(application)
        world.save(application, Step.ZEITPLAN, {"months": 31}, w.clerk)
        page = signatory.post(
            place(application, "einreichen/"),
            {"bestaetigung": seen, **SIGNED, "trotzdem": "on", "grund": "Darum."},
        )
        assert page.status_code == 409
        assert "Die Hinweise haben sich geändert" in words(page)
        assert "Die Laufzeit beträgt 31 Monate." in words(page)
        assert "Darum." in page.content.decode()
        assert Application.objects.get().is_draft

    def test_submitting_twice_leads_to_the_one_receipt(self, w, signatory):
        application = complete(w)
        first, second = (
            signatory.post(place(application, "einreichen/"), {"bestaetigung": "", **SIGNED})
            for _ in range(2)
        )
        assert first["Location"] == second["Location"] == place(application)
        assert Snapshot.objects.count() == 1
        text = words(signatory.get(place(application)))
        assert "Dieser Antrag ist schon eingereicht: KIV-2026-0001." in text

    def test_what_is_no_application_is_not_filed(self, w, signatory):
        application = world.draft(w)
        data = {"bestaetigung": key(application), "trotzdem": "on", **SIGNED}
        page = signatory.post(place(application, "einreichen/"), data)
        assert page.status_code == 409
        assert "So kann der Antrag noch nicht eingereicht werden:" in words(page)
        assert Application.objects.get().is_draft

    def test_a_second_live_application_is_told_in_words(self, w, signatory):
        world.submitted(w)
        second = complete(w)
        page = signatory.post(place(second, "einreichen/"), {"bestaetigung": "", **SIGNED})
        assert page.status_code == 409
        assert (
            "Musterstadt ist in diesem Förderaufruf bereits an einem eingereichten Antrag"
            in words(page)
        )

    def test_what_arrives_late_is_kept_whole_and_told_so(self, w, clock):
        application = complete(w)
        clock.at = w.call.closes_at
        browser = signed_in(w.signatory)
        assert "als „nach Fristende eingegangen“ gekennzeichnet" in words(
            browser.get(place(application, "pruefen/"))
        )
        browser.post(
            place(application, "einreichen/"),
            {"bestaetigung": key(application, clock.at), "trotzdem": "on", **SIGNED},
        )
        application.refresh_from_db()
        assert (application.status, application.received_late) == (Status.SUBMITTED, True)

    def test_before_the_call_begins_nothing_is_filed(self, w, clock):
        application = complete(w)
        clock.at = w.call.opens_at.replace(day=1)
        browser = signed_in(w.signatory)
        data = {"bestaetigung": key(application, clock.at), "trotzdem": "on", **SIGNED}
        page = browser.post(place(application, "einreichen/"), data)
        assert page.status_code == 409
        assert "Der Förderaufruf hat noch nicht begonnen." in words(page)

    def test_looking_files_nothing(self, w, signatory):
        application = complete(w)
        for method in (signatory.get, signatory.head):
            response = method(place(application, "einreichen/"), {"bestaetigung": ""})
            assert response["Location"] == place(application, "pruefen/")
        assert Application.objects.get().is_draft

    def test_whoever_may_not_sign_cannot_file(self, w):
        application = complete(w)
        data = {"bestaetigung": key(application)}
        assert signed_in(w.clerk).post(place(application, "einreichen/"), data).status_code == 403
        assert Application.objects.get().is_draft


class TestAnswering:
    def test_what_is_asked_for_is_listed_with_its_date(self, w, signatory):
        application = world.requested(w, (Step.KONZEPTION, Step.ANLAGEN))
        page = signatory.get(place(application, "nachreichen/"))
        html, text = page.content.decode(), words(page)
        assert "Bitte ergänzen Sie bis Dienstag, 15. Dezember 2026." in text
        assert [step for step in Step if f'href="{place(application, step)}/"' in html] == [
            Step.KONZEPTION,
            Step.ANLAGEN,
        ]
        assert text.count("noch nichts geändert") == 3  # one for each step, one for all

    def test_it_is_sent_after_a_confirmation(self, w, signatory):
        application = world.requested(w)
        address = place(application, "nachreichen/")
        signatory.post(
            place(application, "konzeption/"), sent(application, Step.KONZEPTION, goals="Mehr")
        )
        page = signatory.post(address, {})
        assert page.status_code == 200
        assert "Bitte bestätigen Sie, dass Sie Ihre Ergänzungen jetzt absenden" in words(page)
        assert signatory.post(address, {"absenden": "on"})["Location"] == place(application)
        application.refresh_from_db()
        assert application.status == Status.FORMAL_CHECK
        newest = application.snapshots.order_by("number").last()
        assert newest.content["steps"]["konzeption"]["goals"] == "Mehr"
        text = words(signatory.get(place(application)))
        assert "Ihre Ergänzungen sind eingegangen." in text
        assert "Fassung 2" in text

    def test_sending_twice_sends_once(self, w, signatory):
        application = world.requested(w)
        for _ in range(2):
            response = signatory.post(place(application, "nachreichen/"), {"absenden": "on"})
            assert response["Location"] == place(application)
        assert application.snapshots.count() == 2

    def test_where_nothing_is_asked_for_there_is_nothing_to_send(self, w, signatory):
        for application in (world.draft(w), world.submitted(w)):
            address = place(application, "nachreichen/")
            assert signatory.get(address)["Location"] == place(application)
            assert signatory.post(address, {"absenden": "on"})["Location"] == place(application)

    def test_whoever_may_not_sign_sees_and_cannot_send(self, w):
        application = world.requested(w)
        browser = signed_in(w.clerk)
        assert "Absenden darf, wer für Ihre Kommune zeichnen darf." in words(
            browser.get(place(application, "nachreichen/"))
        )
        assert (
            browser.post(place(application, "nachreichen/"), {"absenden": "on"}).status_code == 403
        )


class TestWithdrawing:
    def test_it_takes_a_reason(self, w, signatory):
        application = world.submitted(w)
        address = place(application, "zurueckziehen/")
        assert signatory.get(address).status_code == 200
        page = signatory.post(address, {"grund": "  "})
        assert "Bitte geben Sie kurz an, warum Sie den Antrag zurückziehen." in words(page)
        assert signatory.post(address, {"grund": "Anders"})["Location"] == place(application)
        application.refresh_from_db()
        assert application.status == Status.WITHDRAWN

    def test_what_has_ended_or_not_begun_is_not_withdrawn(self, w, signatory):
        for application in (world.draft(w), world.granted(w)):
            address = place(application, "zurueckziehen/")
            before = application.status
            assert signatory.get(address)["Location"] == place(application)
            assert signatory.post(address, {"grund": "x"})["Location"] == place(application)
            application.refresh_from_db()
            assert application.status == before

    def test_whoever_may_not_sign_cannot_withdraw(self, w):
        application = world.submitted(w)
        browser = signed_in(w.clerk)
        address = place(application, "zurueckziehen/")
        assert "Zurückziehen darf, wer" in words(browser.get(address))
        assert browser.post(address, {"grund": "x"}).status_code == 403


class TestDoors:
    @pytest.mark.parametrize("rest", MOVES)
    def test_a_stranger_gets_the_same_404_as_for_no_application(self, w, rest):
        stranger = signed_in(w.stranger)
        addresses = [place(world.draft(w), rest), place(world.submitted(w), rest)]
        for address in [*addresses, f"/antraege/{uuid.uuid4()}/{rest}"]:
            assert stranger.get(address).status_code == 404
            expected = 405 if rest == "pruefen/" else 404
            assert stranger.post(address, {"grund": "x"}).status_code == expected

    @pytest.mark.parametrize("rest", MOVES)
    def test_whoever_is_not_signed_in_is_sent_to_the_door(self, w, rest):
        address = place(world.draft(w), rest)
        response = Client().get(address)
        assert response["Location"] == f"/konto/anmelden/?next={address}"

    @pytest.mark.parametrize("rest", MOVES)
    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_other_methods_are_not_allowed(self, w, signatory, rest, method):
        address = place(world.draft(w), rest)
        assert getattr(signatory, method)(address).status_code == 405

    def test_a_reading_member_makes_no_move(self, w):
        member = UserFactory()
        MembershipFactory(
            user=member,
            municipality=w.town,
            may_edit=False,
            confirmed_at=NOW,
            confirmed_by=w.administrator,
        )
        browser = signed_in(member)
        application = world.requested(w)
        for rest in ("einreichen/", "nachreichen/", "zurueckziehen/"):
            assert browser.post(place(application, rest), {"grund": "x"}).status_code == 403


@pytest.mark.django_db
def test_an_answer_that_leaves_no_title_is_not_sent_and_says_why():
    w = world.build()
    application = world.requested(w)
    world.save(application, Step.KONZEPTION, {"title": ""}, w.clerk)
    browser = signed_in(w.signatory)
    address = place(application, "nachreichen/")
    response = browser.post(address, {"absenden": "on"}, follow=True)
    assert "Noch nicht abgesendet." in response.content.decode()
    application.refresh_from_db()
    assert application.status == "information_requested"
