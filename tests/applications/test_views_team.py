"""The pages around the people of an application: team, guests, remarks, beginning anew, notices."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from applications import services
from applications.models import Application, ApplicationGuest, CallSubscription, GuestRole
from applications.rules import ReminderKind, SignatureForm, Step
from applications.services import reminders
from kiv_portal.models import OutboxMail
from municipalities.models import User
from tests import world
from tests.applications.pages import place, signed_in, words
from tests.applications.test_services_team import admitted, helper, invite, token
from tests.factories import NOW, PASSWORD, FundingCallFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


class Clock:
    """The instant at which requests arrive."""

    at = NOW


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock.at)
    return clock


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """Nobody has asked for anything yet; the cache outlives a test."""
    cache.clear()


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def clerk(w: world.World) -> Client:
    return signed_in(w.clerk)


INVITED = {
    "aktion": "einladen",
    "email": "helferin@beratung.example",
    "rolle": "comment",
    "bis": "31.12.2026",
}


class TestTheTeam:
    def test_it_names_people_rights_and_the_form_of_signature(self, w, clerk):
        w.call.signature_form = SignatureForm.SHEET
        w.call.save()
        new = UserFactory()
        MembershipFactory(user=new, municipality=w.town)
        page = clerk.get(place(world.draft(w), "team/"))
        text = words(page)
        for sentence in (
            f"{w.clerk} ({w.clerk.email}) erhält die Nachrichten zu diesem Antrag.",
            f"{w.signatory} {w.signatory.email} Darf: lesen, bearbeiten, zeichnen und einreichen",
            "Darf: lesen, bearbeiten – noch nicht bestätigt, sieht nur selbst begonnene Entwürfe",
            "verlangt ein unterschriebenes Unterschriftsblatt",
            "Wer einen Auftrag erhalten soll, darf nicht Gast sein",
            "Dieser Antrag hat keine Gäste.",
        ):
            assert sentence in text
        assert "unterschriftsblatt/" in page.content.decode()

    def test_a_guest_is_invited_changed_and_ended(self, w, clerk):
        application = world.draft(w)
        address = place(application, "team/")
        assert clerk.post(address, INVITED)["Location"] == address
        text = words(clerk.get(address))
        assert "Die Einladung an helferin@beratung.example ist unterwegs." in text
        assert "Darf lesen und kommentieren, bis 31.12.2026" in text
        guest = ApplicationGuest.objects.get()
        page = clerk.get(address, {"gast": str(guest.pk)})
        assert "Zugang von helferin@beratung.example ändern" in words(page)
        assert 'value="31.12.2026"' in page.content.decode()
        changed = {"aktion": "aendern", "gast": str(guest.pk), "rolle": "read"}
        page = clerk.post(address, {**changed, "bis": "31.12.2036"})
        assert "höchstens ein Jahr" in words(page)
        clerk.post(address, {**changed, "bis": "01.12.2026"})
        guest.refresh_from_db()
        assert guest.role == GuestRole.READ
        clerk.post(address, {"aktion": "beenden", "gast": str(guest.pk)})
        assert "Dieser Antrag hat keine Gäste." in words(clerk.get(address))
        clerk.post(address, {**changed, "bis": "01.12.2026"})
        assert "Der Zugang ist inzwischen beendet." in words(clerk.get(address))

    @pytest.mark.parametrize(
        ("typed", "message"),
        [
            ({"email": ""}, "Bitte geben Sie die E-Mail-Adresse der Person an"),
            ({"email": "x"}, "Bitte geben Sie eine vollständige E-Mail-Adresse ein"),
            ({"rolle": ""}, "Bitte wählen Sie, was der Gast darf."),
            ({"bis": ""}, "Bitte geben Sie an, bis wann der Zugang gilt."),
            ({"bis": "15.11.2026"}, "Bitte geben Sie einen Tag an, der vor uns liegt"),
            ({"email": "CLERK"}, "Diese Person arbeitet schon für Ihre Kommune am Antrag."),
            ({"email": "da@beratung.example"}, "Diese Adresse ist schon eingeladen."),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, w, clerk, typed, message):
        application = world.draft(w)
        invite(application, w.signatory, email="da@beratung.example")
        if typed.get("email") == "CLERK":
            typed = {"email": w.clerk.email}
        page = clerk.post(place(application, "team/"), INVITED | typed)
        assert page.status_code == 200
        assert message in words(page)
        assert words(page).startswith("Fehler: ")
        assert ApplicationGuest.objects.count() == 1

    def test_too_many_guests_are_said(self, w, clerk, monkeypatch):
        monkeypatch.setattr("applications.services.guests.MOST_GUESTS", 0)
        page = clerk.post(place(world.draft(w), "team/"), INVITED)
        assert "Mehr Gäste sind nicht möglich." in words(page)

    @pytest.mark.parametrize("key", ["", "x", "00000000-0000-4000-8000-000000000001"])
    def test_a_guest_of_another_application_is_not_found(self, w, clerk, key):
        data = {"aktion": "beenden", "gast": key}
        assert clerk.post(place(world.draft(w), "team/"), data).status_code == 404

    def test_states_of_invitations_are_told(self, w, clerk, clock):
        application = world.draft(w)
        invite(application, w.signatory)
        invite(application, w.clerk, email="b@c.example")
        rights = w.signatory.memberships
        rights.update(may_sign=False, may_manage=False)
        text = words(signed_in(w.clerk).get(place(application, "team/")))
        gone = ["helferin@beratung.example Einladung gilt nicht mehr", "b@c.example eingeladen"]
        assert [line in text for line in gone] == [True, True], text
        page = signed_in(helper()).get(f"/antraege/gast/{'x' * 43}/")
        assert (page.status_code, "betreut den Antrag nicht mehr" in words(page)) == (404, True)
        rights.update(may_sign=True)
        clock.at = NOW + timedelta(days=15)
        browser = signed_in(w.clerk)
        assert "Einladung abgelaufen" in words(browser.get(place(application, "team/")))
        clock.at = NOW + timedelta(days=50)
        browser = signed_in(w.clerk)
        assert "Zugang abgelaufen" in words(browser.get(place(application, "team/")))

    def test_it_is_handed_over(self, w, clerk):
        application = world.draft(w)
        address = place(application, "team/")
        page = clerk.post(address, {"aktion": "uebergeben", "person": ""})
        assert "Bitte wählen Sie, wer den Antrag übernimmt." in words(page)
        response = clerk.post(address, {"aktion": "uebergeben", "person": str(w.signatory.pk)})
        assert response["Location"] == place(application)
        application.refresh_from_db()
        assert application.created_by == w.signatory

    def test_whoever_hands_it_over_is_offered_to_change_the_contacts(self, w, clerk):
        application = world.filled(w)
        address = place(application, "team/")
        offer = "steht im Antrag als Ansprechperson. Dort auch die neue Person eintragen."
        assert offer not in words(clerk.get(address))
        named = {"contact_email": w.clerk.email}
        world.save(application, Step.ANSPRECHPARTNER, named, w.clerk)
        assert offer in words(clerk.get(address))
        typed = {"aktion": "uebergeben", "kontakte": "on"}
        refused = clerk.post(address, typed | {"person": ""}).content.decode()
        assert re.search(r'name="kontakte"[^>]* checked', refused)
        clerk.post(address, typed | {"person": str(w.signatory.pk)})
        application.refresh_from_db()
        assert application.contact_email == w.signatory.email
        assert application.created_by == w.signatory
        world.file(application, w.signatory)
        text = words(clerk.get(address))
        assert offer not in text
        assert "steht im eingereichten Antrag als Ansprechperson." in text

    def test_somebody_gone_is_told_and_replaced_by_who_signs(self, w):
        application = world.draft(w)
        w.clerk.memberships.all().delete()
        page = signed_in(w.signatory).get(place(application, "team/"))
        assert "Diese Person arbeitet nicht mehr für Ihre Kommune" in words(page)

    def test_more_people_cost_no_more_queries(
        self, w, clerk, django_assert_num_queries: DjangoAssertNumQueries
    ):
        application = world.draft(w)
        invite(application, w.signatory)
        for count in (1, 3):
            while application.guests.count() < count:
                invite(application, w.signatory, email=f"{uuid.uuid4()}@beratung.example")
                MembershipFactory(user=UserFactory(), municipality=w.town)
            with django_assert_num_queries(9):
                clerk.get(place(application, "team/"))

    def test_the_sheet_to_sign_says_what_is_signed(self, w, clerk):
        application = world.filled(w)
        text = words(clerk.get(place(application, "unterschriftsblatt/")))
        for part in (
            "Magistrat der Stadt Musterstadt",
            "Vielfalt in Musterstadt",
            "01.07.2027 bis 31.12.2028",
            "18.000,00 €",
            "Zeichnende Person, Bürgermeisteramt",
        ):
            assert part in text
        filed = world.file(application, w.signatory)
        assert clerk.get(place(filed, "unterschriftsblatt/")).status_code == 302


class TestTheGuest:
    def test_an_invitation_is_accepted_after_the_sign_in(self, w):
        application = world.filled(w)
        invite(application, w.signatory)
        address = f"/antraege/gast/{token()}/"
        guest = signed_in(helper())
        response = Client().get(address)
        assert response["Location"] == f"/konto/anmelden/?next={address}"
        assert "Einladung annehmen" in words(guest.get(address))
        assert guest.post(address)["Location"] == place(application)
        assert "Sie sind Gast dieses Antrags" in words(guest.get(place(application)))
        assert guest.get(address).status_code == 404

    def test_a_helper_without_an_account_makes_one_with_the_invitation(self, w):
        application = world.filled(w)
        invite(application, w.signatory)
        browser, address = Client(), f"/antraege/gast/{token()}/"
        page = browser.get(address)
        assert page.status_code == 200
        assert "helferin@beratung.example" in words(page)
        refused = browser.post(address, {"name": "Fachstelle", "password": "kurz"})
        assert refused.status_code == 422
        made = browser.post(address, {"name": "Fachstelle", "password": PASSWORD})
        assert made["Location"] == "/konto/anmelden/?next=/antraege/"
        person = User.objects.get(email="helferin@beratung.example")
        assert person.memberships.count() == 0
        assert "Sie sind Gast dieses Antrags" in words(signed_in(person).get(place(application)))
        # The link is used up, and tells nobody more than a wrong one does.
        for gone in (address, "/antraege/gast/abc/"):
            assert Client().get(gone)["Location"] == f"/konto/anmelden/?next={gone}"

    def test_another_account_is_told_what_to_do(self, w):
        invite(world.draft(w), w.signatory)
        other = signed_in(helper("andere@beratung.example"))
        for method in (other.get, other.post):
            page = method(f"/antraege/gast/{token()}/")
            assert page.status_code == 403
            assert "Diese Einladung ist nicht für dieses Konto" in words(page)
            assert "helferin@" not in words(page)

    def test_every_page_can_be_read_and_none_written(self, w):
        application = world.filled(w)
        guest = signed_in(admitted(application, w.signatory))
        for rest in ("", "pruefen/", "kommentare/", *(f"{step}/" for step in Step)):
            assert guest.get(place(application, rest)).status_code == 200, rest
        for rest in ("team/", "neu-beginnen/", "unterschriftsblatt/"):
            assert guest.get(place(application, rest)).status_code == 404, rest
        for rest in ("konzeption/", "einreichen/"):
            assert guest.post(place(application, rest), {"befugt": "on"}).status_code == 403
        assert Application.objects.get().is_draft
        assert "Musterstadt – Sie sind Gast" in words(guest.get("/antraege/"))

    def test_a_remark_is_seen_by_the_team_and_marked_as_done(self, w, clerk):
        application = world.filled(w)
        guest = signed_in(admitted(application, w.signatory))
        section = place(application, "konzeption/")
        assert "Kommentar speichern" in words(guest.get(section))
        address = place(application, "kommentare/")
        data = {"von": "abschnitt", "abschnitt": "konzeption", "text": "Wer ist die Zielgruppe?"}
        assert guest.post(address, data)["Location"] == f"{section}#kommentare"
        assert "1 offener Kommentar" in words(clerk.get(place(application)))
        text = words(clerk.get(section))
        assert "Wer ist die Zielgruppe?" in text
        assert "(Gast), 16. November 2026, 10:30 Uhr" in text
        comment = application.comments.get()
        done = {"aktion": "erledigt", "kommentar": str(comment.pk)}
        assert guest.post(address, done).status_code == 403
        assert clerk.post(address, done)["Location"] == address
        assert "Wer ist die Zielgruppe?" not in words(clerk.get(section))
        assert "erledigt 16. November 2026, 10:30 Uhr von" in words(clerk.get(address))

    def test_a_guest_who_only_reads_writes_no_remark(self, w):
        application = world.filled(w)
        guest = signed_in(admitted(application, w.signatory, role=GuestRole.READ))
        assert "Kommentar speichern" not in words(guest.get(place(application, "konzeption/")))
        data = {"abschnitt": "konzeption", "text": "Hm"}
        assert guest.post(place(application, "kommentare/"), data).status_code == 403

    def test_a_filed_application_is_read_without_its_letters(self, w):
        application = world.granted(w)
        guest = signed_in(admitted(application, w.signatory))
        letter = application.letters.get()
        page = guest.get(place(application))
        assert f"schreiben/{letter.pk}/" not in page.content.decode()
        assert guest.get(place(application, f"schreiben/{letter.pk}/")).status_code == 404
        assert guest.head(place(application, f"schreiben/{letter.pk}/")).status_code == 404


class TestComments:
    @pytest.mark.parametrize(
        ("typed", "message"),
        [
            ({"text": ""}, "Bitte schreiben Sie Ihren Kommentar."),
            ({"abschnitt": ""}, "Bitte wählen Sie, zu welchem Abschnitt der Kommentar gehört."),
            ({"abschnitt": "x"}, "Bitte wählen Sie eine der angebotenen Möglichkeiten."),
            ({"text": "x" * 4001}, "Bitte kürzen Sie den Text auf höchstens 4000 Zeichen."),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_typed_is_lost(self, w, clerk, typed, message):
        data = {"abschnitt": "konzeption", "text": "Frage"} | typed
        page = clerk.post(place(world.draft(w), "kommentare/"), data)
        assert page.status_code == 200
        assert message in words(page)
        assert data["text"] in page.content.decode()

    def test_too_many_are_said(self, w, clerk, monkeypatch):
        monkeypatch.setattr("applications.services.comments.MOST_COMMENTS", 0)
        page = clerk.post(
            place(world.draft(w), "kommentare/"), {"abschnitt": "konzeption", "text": "Frage"}
        )
        assert "Mehr Kommentare sind nicht möglich." in words(page)

    @pytest.mark.parametrize("key", ["", "x", "00000000-0000-4000-8000-000000000001"])
    def test_a_remark_on_another_application_is_not_found(self, w, clerk, key):
        data = {"aktion": "erledigt", "kommentar": key}
        assert clerk.post(place(world.draft(w), "kommentare/"), data).status_code == 404

    def test_staff_never_see_one(self, w, settings):
        settings.PORTAL_DEMO = True
        application = world.filled(w)
        services.add_comment(
            application=application, step=Step.KONZEPTION, text="Geheimsache", by=w.clerk, at=NOW
        )
        world.file(application, w.signatory)
        desk = signed_in(w.administrator)
        page = desk.get(f"/admin/applications/application/{application.pk}/change/")
        assert page.status_code == 200
        assert "Geheimsache" not in page.content.decode()


class TestAnew:
    def test_a_late_application_becomes_a_draft_of_a_later_call(self, w, clock):
        filed = world.file(world.filled(w), w.signatory, w.call.closes_at)
        later = FundingCallFactory(title="Späterer Aufruf")
        clock.at = w.call.closes_at + timedelta(days=1)
        browser = signed_in(w.clerk)
        assert "in einen späteren Förderaufruf übernehmen" in words(browser.get(place(filed)))
        address = place(filed, "neu-beginnen/")
        page = browser.get(address)
        found = re.search(r'name="schluessel" value="([\w-]+)"', page.content.decode())
        data = {"schluessel": found[1], "aufruf": str(later.pk)}
        first, second = (browser.post(address, data) for _ in range(2))
        assert first["Location"] == second["Location"] == f"/antraege/{found[1]}/"
        assert Application.objects.get(uuid=found[1]).call == later
        assert "Erklärungen und Unterschriften geben Sie neu ab" in words(
            browser.get(first["Location"])
        )

    def test_without_another_call_there_is_word_of_the_next(self, w, clerk):
        page = clerk.get(place(world.draft(w), "neu-beginnen/"))
        assert "Zurzeit ist kein anderer Förderaufruf geöffnet" in words(page)
        assert "/benachrichtigung/" in page.content.decode()

    def test_the_call_is_chosen(self, w, clerk):
        filed = world.submitted(w)
        FundingCallFactory()
        page = clerk.post(place(filed, "neu-beginnen/"), {"schluessel": str(uuid.uuid4())})
        assert "Bitte wählen Sie den Förderaufruf." in words(page)

    def test_whoever_only_reads_begins_nothing(self, w):
        member = UserFactory()
        MembershipFactory(
            user=member,
            municipality=w.town,
            may_edit=False,
            confirmed_at=NOW,
            confirmed_by=w.administrator,
        )
        address = place(world.submitted(w), "neu-beginnen/")
        browser = signed_in(member)
        assert "Neu beginnen dürfen Sie für diese Kommune nicht" in words(browser.get(address))
        assert browser.post(address, {}).status_code == 403


class TestNotices:
    def test_known_and_unknown_addresses_get_the_same_answer(self, w, clock):
        browser = Client()
        answers = []
        for minutes in range(2):
            clock.at = NOW + timedelta(minutes=minutes)
            response = browser.post("/benachrichtigung/", {"email": "amt@kommune.example"})
            answers.append((response.status_code, response["Location"]))
        assert answers == [(302, "/benachrichtigung/?gesendet=1")] * 2
        assert "Bitte sehen Sie in Ihr Postfach" in words(browser.get(answers[0][1]))
        assert CallSubscription.objects.count() == 1
        assert OutboxMail.objects.count() == 2

    def test_one_address_is_not_flooded(self, w):
        browser = Client()
        codes = [
            browser.post("/benachrichtigung/", {"email": "flut@kommune.example"}).status_code
            for _ in range(4)
        ]
        assert codes == [302, 302, 302, 429]

    @pytest.mark.parametrize("typed", ["", "x@", "kein Postfach"])
    def test_what_is_no_address_is_said(self, w, typed):
        page = Client().post("/benachrichtigung/", {"email": typed})
        assert page.status_code == 422
        assert words(page).startswith("Fehler: ")
        assert CallSubscription.objects.count() == 0

    def test_nobody_stores_the_page(self, w):
        assert "no-store" in Client().get("/benachrichtigung/")["Cache-Control"]

    def test_the_link_confirms_and_leaves_by_its_buttons_only(self, w):
        browser = Client()
        browser.post("/benachrichtigung/", {"email": "amt@kommune.example"})
        found = re.search(r"/benachrichtigung/[^/\s]+/", OutboxMail.objects.get().read())
        assert "Möchten Sie eine Nachricht" in words(browser.get(found[0]))
        assert CallSubscription.objects.get().confirmed_at is None
        assert "vorgemerkt" in words(browser.post(found[0], {"aktion": "bestaetigen"}))
        assert "vorgemerkt" in words(browser.get(found[0]))
        assert "Sie sind abgemeldet" in words(browser.post(found[0], {"aktion": "abmelden"}))
        assert browser.get(found[0]).status_code == 404

    def test_a_reminder_is_switched_off_without_a_sign_in_by_the_button_only(self, w):
        address = f"/erinnerung-abbestellen/{reminders.token_of(w.clerk, ReminderKind.IDLE)}/"
        browser = Client()
        assert "Ein Entwurf liegt länger unverändert" in words(browser.get(address))
        assert reminders.reminders_off(w.clerk) == set()
        assert "Diese Erinnerung ist abbestellt" in words(browser.post(address))
        assert reminders.reminders_off(w.clerk) == {"idle"}

    def test_my_reminders_are_chosen(self, w, clerk):
        address = "/konto/erinnerungen/"
        assert clerk.get(address).content.decode().count(" checked") == 2
        assert clerk.post(address, {"erinnerungen": ["idle"]})["Location"] == address
        assert reminders.reminders_off(w.clerk) == {"closing"}
        page = clerk.get(address)
        assert "Ihre Auswahl ist gespeichert." in words(page)
        assert page.content.decode().count(" checked") == 1
        assert clerk.post(address, {"erinnerungen": ["x"]}).status_code == 200
