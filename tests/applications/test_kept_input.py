"""A session that ends keeps what was typed, for that person in that browser and nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from applications.models import Application, KeptInput, Revision
from applications.rules import Step
from applications.services import kept
from municipalities.models import User
from tests import world
from tests.applications.pages import names, place, sent, signed_in, words
from tests.factories import NOW

pytestmark = pytest.mark.django_db

KONZEPTION = "konzeption/"
COOKIE = "kiv-eingaben"
BACK = "Wieder da, noch nicht gespeichert: Bitte prüfen und speichern"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def application(w: world.World) -> Application:
    return world.filled(w)


def opened(client: Client, application: Application, step: Step, **typed: Any) -> dict[str, Any]:
    """What the browser sends that opened the page now and then typed something."""
    seal = client.get(place(application, f"{step}/")).context["seal"]
    return sent(application, step, **typed) | {"siegel": seal}


def lapse(client: Client, application: Application, step: Step, data: Any) -> Any:
    """The session ends, and the form is sent."""
    client.cookies.pop("sessionid", None)
    return client.post(place(application, f"{step}/"), data)


class TestAfterTheSession:
    def test_the_same_person_finds_what_was_typed_not_saved_yet(self, w, application):
        client = signed_in(w.clerk)
        data = opened(
            client, application, Step.KONZEPTION, title="Neuer Titel", goals="Zeile\nZwei"
        )
        before = Revision.objects.count()
        response = lapse(client, application, Step.KONZEPTION, data)
        assert response.status_code == 302
        assert response["Location"] == (
            f"/konto/anmelden/?next=/antraege/{application.uuid}/konzeption/"
        )
        assert "ist sicher verwahrt" in words(client.get(response["Location"]))
        client.force_login(w.clerk)
        page = client.get(place(application, KONZEPTION))
        html = page.content.decode()
        assert BACK in words(page)
        assert 'value="Neuer Titel"' in html
        assert page.context["form"]["goals"].value() == "Zeile\nZwei"
        assert "data-hold" in html
        application.refresh_from_db()
        assert application.title == "Vielfalt in Musterstadt"
        assert Revision.objects.count() == before

    def test_it_is_there_again_after_a_reload_and_gone_once_saved(self, w, application):
        client = signed_in(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Neuer Titel")
        lapse(client, application, Step.KONZEPTION, data)
        client.force_login(w.clerk)
        for _ in range(2):
            assert BACK in words(client.get(place(application, KONZEPTION)))
        client.post(place(application, KONZEPTION), data)
        application.refresh_from_db()
        assert application.title == "Neuer Titel"
        assert KeptInput.objects.count() == 0
        assert BACK not in words(client.get(place(application, KONZEPTION)))

    def test_it_can_be_thrown_away(self, w, application):
        client = signed_in(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Neuer Titel")
        lapse(client, application, Step.KONZEPTION, data)
        client.force_login(w.clerk)
        response = client.post(place(application, KONZEPTION), {"eingaben_verwerfen": "1"})
        assert response["Location"] == place(application, KONZEPTION)
        assert KeptInput.objects.count() == 0
        application.refresh_from_db()
        assert application.title == "Vielfalt in Musterstadt"

    def test_rows_and_what_cannot_be_read_come_back_as_well(self, w, application):
        client = signed_in(w.clerk)
        [first, _] = names(application, Step.FINANZIERUNG, "expenses", "amount")
        data = opened(client, application, Step.FINANZIERUNG, **{first: "1234.56"})
        lapse(client, application, Step.FINANZIERUNG, data)
        client.force_login(w.clerk)
        page = client.get(place(application, "finanzierung/"))
        assert f'name="{first}" value="1234.56"' in page.content.decode()
        assert "Bitte geben Sie den Betrag mit Komma ein" in words(page)

    def test_what_others_saved_meanwhile_is_a_conflict_as_ever(self, w, application):
        client = signed_in(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Mein Titel")
        lapse(client, application, Step.KONZEPTION, data)
        world.save(application, Step.KONZEPTION, {"title": "Ihr Titel"}, w.signatory)
        client.force_login(w.clerk)
        client.get(place(application, KONZEPTION))
        assert client.post(place(application, KONZEPTION), data).status_code == 409
        application.refresh_from_db()
        assert application.title == "Ihr Titel"

    def test_a_choice_between_two_texts_is_asked_for_again(self, w, application):
        client = signed_in(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Mein Titel")
        world.save(application, Step.KONZEPTION, {"title": "Ihr Titel"}, w.signatory)
        application.refresh_from_db()
        data |= {
            "basis": str(application.revision),
            "strittig": "title",
            "fassung:title": "andere",
        }
        lapse(client, application, Step.KONZEPTION, data)
        client.force_login(w.clerk)
        page = client.get(place(application, KONZEPTION))
        assert "Zwei Fassungen: Konzeption" in words(page)
        assert {"Mein Titel", "Ihr Titel"} == {
            text for choice in page.context["choices"] for text in (choice.mine, choice.theirs)
        }

    def test_several_sections_of_one_browser_are_kept(self, w, application):
        client = signed_in(w.clerk)
        first = opened(client, application, Step.KONZEPTION, title="Neuer Titel")
        second = opened(client, application, Step.ZEITPLAN, months="15")
        lapse(client, application, Step.KONZEPTION, first)
        lapse(client, application, Step.ZEITPLAN, second)
        client.force_login(w.clerk)
        for step in ("konzeption/", "zeitplan/"):
            assert BACK in words(client.get(place(application, step)))
        assert BACK not in words(client.get(place(application, "beteiligung/")))

    def test_files_have_to_be_chosen_again_and_the_page_says_which(self, w, application):
        client = signed_in(w.clerk)
        data = opened_documents(client, application)
        lapse(client, application, Step.ANLAGEN, data)
        client.force_login(w.clerk)
        page = client.get(place(application, "anlagen/"))
        text = words(page)
        assert "Dateien kann der Browser nicht behalten." in text
        assert "Übersicht „Ä“.pdf" in text
        assert '<option value="concept" selected>' in page.content.decode()
        assert application.documents.count() == 0


def opened_documents(client: Client, application: Application) -> dict[str, Any]:
    seal = client.get(place(application, "anlagen/")).context["seal"]
    file = SimpleUploadedFile("Übersicht „Ä“.pdf", b"%PDF-1.4")
    return {"siegel": seal, "art": "concept", "datei": file}


class TestWithoutItsProtection:
    def test_signed_in_anew_in_another_window_the_form_is_there_again(self, w, application):
        client = Client(enforce_csrf_checks=True)
        client.force_login(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Neuer Titel")
        client.force_login(w.clerk)
        response = client.post(place(application, KONZEPTION), data)
        assert response["Location"] == place(application, KONZEPTION)
        assert BACK in words(client.get(response["Location"]))

    def test_another_person_in_the_same_browser_sees_nothing_of_it(self, w, application):
        client = Client(enforce_csrf_checks=True)
        client.force_login(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Geheimer Titel")
        client.force_login(w.signatory)
        response = client.post(place(application, KONZEPTION), data)
        assert response.status_code == 403
        assert "Das Formular gehört einer anderen Person" in words(response)
        page = client.get(place(application, KONZEPTION))
        assert BACK not in words(page)
        assert "Geheimer Titel" not in page.content.decode()
        client.force_login(w.clerk)
        assert "Geheimer Titel" in client.get(place(application, KONZEPTION)).content.decode()

    def test_a_form_sent_from_elsewhere_keeps_nothing(self, w, application):
        client = Client(enforce_csrf_checks=True)
        client.force_login(w.clerk)
        response = client.post(place(application, KONZEPTION), {"title": "Untergeschoben"})
        assert response.status_code == 403
        assert KeptInput.objects.count() == 0
        assert COOKIE not in response.cookies


class TestNothingForStrangers:
    def test_without_a_seal_nothing_is_kept(self, w, application):
        client = Client()
        for seal in ("", "x", "gAAAAA", "ü"):
            data = {"siegel": seal, "title": "Fremd"}
            response = client.post(place(application, KONZEPTION), data)
            assert response["Location"].startswith("/konto/anmelden/")
        assert KeptInput.objects.count() == 0

    def test_a_seal_holds_for_its_section_its_application_and_two_weeks(self, w, application):
        seal = kept.seal(user=w.clerk, application=application.uuid, step=Step.KONZEPTION, at=NOW)
        other = world.draft(w).uuid
        late = NOW + timedelta(days=14, seconds=1)

        def owner(key=application.uuid, step=Step.KONZEPTION, at=NOW):
            return kept.owner_of(seal, application=key, step=step, at=at)

        assert owner() == owner(at=NOW + timedelta(days=14)) == w.clerk.pk
        assert [owner(key=other), owner(step=Step.ZEITPLAN), owner(at=late)] == [None] * 3

    def test_another_browser_does_not_get_it(self, w, application):
        client = signed_in(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Neuer Titel")
        lapse(client, application, Step.KONZEPTION, data)
        other = signed_in(w.clerk)
        assert BACK not in words(other.get(place(application, KONZEPTION)))
        other.cookies[COOKIE] = "x" * 43
        assert BACK not in words(other.get(place(application, KONZEPTION)))
        other.cookies[COOKIE] = "../../etc"
        assert BACK not in words(other.get(place(application, KONZEPTION)))

    def test_the_row_holds_nothing_that_can_be_read(self, w, application):
        client = signed_in(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Sehr geheimer Titel")
        response = lapse(client, application, Step.KONZEPTION, data)
        row = KeptInput.objects.get()
        token = response.cookies[COOKIE].value
        assert b"geheim" not in bytes(row.sealed)
        assert token not in (row.token_hash, bytes(row.sealed).decode())
        assert (row.user, row.expires_at) == (w.clerk, NOW + timedelta(hours=24))
        cookie = response.cookies[COOKIE]
        assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 86400)

    def test_with_another_secret_it_stays_closed(self, w, application, settings):
        token = "t" * 43
        keep(application, w.clerk, token)
        assert found(application, w.clerk, token) is not None
        settings.SECRET_KEY = "another secret of more than thirty-two characters"
        assert found(application, w.clerk, token) is None

    def test_after_a_day_it_is_over_and_erased_with_the_next(self, w, application):
        keep(application, w.clerk, "t" * 43)
        late = NOW + timedelta(hours=24)
        assert found(application, w.clerk, "t" * 43, at=late) is None
        keep(application, w.clerk, "u" * 43, at=late)
        assert KeptInput.objects.count() == 1

    def test_it_is_not_larger_than_a_form_and_not_without_end(self, w, application):
        assert not keep(application, w.clerk, "t" * 43, text="x" * kept.MOST_BYTES)
        for number in range(kept.MOST_PER_PERSON + 2):
            at = NOW + timedelta(minutes=number)
            assert keep(application, w.clerk, f"{number:043}", at=at)
        assert KeptInput.objects.count() == kept.MOST_PER_PERSON
        assert found(application, w.clerk, f"{0:043}") is None
        assert found(application, w.clerk, f"{2:043}") is not None

    def test_nothing_is_kept_for_those_who_may_no_longer_write(self, w, application):
        assert not keep(application, w.stranger, "t" * 43)
        User.objects.filter(pk=w.clerk.pk).update(is_active=False)
        assert not keep(application, w.clerk, "t" * 43)
        application.uuid = "00000000-0000-4000-8000-000000000000"
        assert not keep(application, w.signatory, "t" * 43)

    def test_other_addresses_keep_nothing(self, w, application):
        client = signed_in(w.clerk)
        data = opened(client, application, Step.KONZEPTION, title="Neu")
        client.logout()
        for address in ("konzeption/speichern/", "zeitplan/", "unsinn/", "einreichen/"):
            client.post(place(application, address), data)
        assert KeptInput.objects.count() == 0


def keep(application: Application, by: User, token: str, text: str = "Text", at=NOW) -> bool:
    return kept.keep(
        owner=by.pk,
        application=application.uuid,
        step=Step.KONZEPTION,
        typed=kept.Typed([("title", text)]),
        token=token,
        at=at,
    )


def found(application: Application, by: User, token: str, at=NOW) -> Any:
    return kept.find(application=application, step=Step.KONZEPTION, token=token, by=by, at=at)
