"""What a step's script asks for: sums of the plan, saving while somebody writes, new years."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from applications import services
from applications.models import Application, Revision
from applications.rules import Step
from applications.services import read_step
from tests import world
from tests.applications.pages import names, place, sent, signed_in, words
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def clerk(w: world.World) -> Client:
    return signed_in(w.clerk)


class TestSums:
    def ask(self, client: Client, application: Application, **typed: Any) -> Any:
        return client.post(
            place(application, "finanzierung/summen/"),
            sent(application, Step.FINANZIERUNG, **typed),
        )

    def test_they_are_those_of_what_is_typed_and_nothing_is_saved(self, w, clerk):
        application = world.filled(w)
        [name, _] = names(application, Step.FINANZIERUNG, "expenses", "amount")
        before = Revision.objects.count()
        response = self.ask(clerk, application, **{name: "11.250,00"})
        text = words(response)
        assert "Im Haushaltsjahr 2027 fehlen noch 1.250,00 € Deckung." in text
        assert "Summe der Ausgaben 11.250,00 € 10.000,00 € 21.250,00 €" in text
        assert response.context["plan"]["short"] == (
            "2027: 1.250,00 € fehlen · 2028: ausgeglichen · Summe: 1.250,00 € fehlen"
        )
        assert "2.027" not in text
        assert "no-store" in response["Cache-Control"]
        assert Revision.objects.count() == before

    def test_they_say_word_for_word_what_the_saved_plan_says(self, w, clerk):
        application = world.filled(w)
        [name, _] = names(application, Step.FINANZIERUNG, "expenses", "amount")
        live = self.ask(clerk, application, **{name: "9.999,99"})
        data = sent(application, Step.FINANZIERUNG, **{name: "9.999,99"})
        clerk.post(place(application, "finanzierung/"), data)
        saved = clerk.get(place(application, "finanzierung/")).context
        assert live.context["plan"] == saved["plan"]
        assert live.context["findings"] == saved["findings"] != []

    def test_an_amount_nobody_can_read_is_left_out_and_that_is_said(self, w, clerk):
        application = world.filled(w)
        [first, second] = names(application, Step.FINANZIERUNG, "expenses", "amount")
        text = words(self.ask(clerk, application, **{first: "1234.56"}))
        assert "Eine Zeile mit unlesbarem Betrag ist nicht mitgerechnet." in text
        assert "Summe der Ausgaben 0,00 € 10.000,00 € 10.000,00 €" in text
        text = words(self.ask(clerk, application, **{first: "1e3", second: "１２"}))
        assert "2 Zeilen mit unlesbarem Betrag sind nicht mitgerechnet." in text

    def test_an_empty_plan_has_no_sums(self, w, clerk):
        response = self.ask(clerk, world.draft(w))
        assert response.status_code == 200
        assert "Summe der Ausgaben" not in words(response)

    def test_they_take_as_many_queries_for_three_rows_as_for_one(
        self, w, clerk, django_assert_num_queries
    ):
        application = world.filled(w)
        for rows in (1, 3):
            cover = [
                world.row(year=2027, kind="own", text="", municipality=w.town.ags, amount="1.00")
                for _ in range(rows)
            ]
            world.save(application, Step.FINANZIERUNG, {"cover": cover}, w.clerk)
            data = sent(application, Step.FINANZIERUNG)
            with django_assert_num_queries(7):
                clerk.post(place(application, "finanzierung/summen/"), data)


def autosave(client: Client, application: Application, step: Step, **typed: Any) -> Any:
    data = typed.pop("data", None) or sent(application, step)
    return client.post(place(application, f"{step}/speichern/"), data | typed)


class TestAutosave:
    def test_the_answer_says_when_it_was_saved_and_carries_the_new_basis(self, w, clerk):
        application = world.filled(w)
        response = autosave(clerk, application, Step.KONZEPTION, title="Neu")
        application.refresh_from_db()
        answer = response.json()
        assert "ausgefüllt und gespeichert." in answer.pop("findings")
        assert answer == {
            "state": "saved",
            "status": "Gespeichert um 10:30 Uhr",
            "basis": str(application.revision),
            "eigene": "",
            "errors": [],
            "others": "",
        }
        assert application.title == "Neu"
        assert "no-store" in response["Cache-Control"]

    def test_what_can_be_read_is_saved_and_the_rest_has_its_message(self, w, clerk):
        application = world.filled(w)
        [amount, _] = names(application, Step.FINANZIERUNG, "expenses", "amount")
        [text, _] = names(application, Step.FINANZIERUNG, "expenses", "text")
        typed = {amount: "1234.56", text: "Moderation", "vat_deductible": "ja"}
        answer = autosave(clerk, application, Step.FINANZIERUNG, **typed).json()
        assert answer["status"] == "Gespeichert um 10:30 Uhr, bis auf eine Angabe mit Fehler"
        assert answer["errors"] == [
            {
                "id": f"id_{amount}",
                "message": "Bitte geben Sie den Betrag mit Komma ein, zum Beispiel 1234,56.",
            }
        ]
        application.refresh_from_db()
        row = read_step(application, Step.FINANZIERUNG)["expenses"][0]
        assert (row["text"], row["amount"]) == ("Moderation", "10000.00")
        assert application.vat_deductible is True

    def test_several_errors_are_counted(self, w, clerk):
        application = world.filled(w)
        typed = {"starts_on": "31.02.2027", "months": "zwölf"}
        answer = autosave(clerk, application, Step.ZEITPLAN, **typed).json()
        assert answer["status"] == "Gespeichert um 10:30 Uhr, bis auf 2 Angaben mit Fehler"
        assert [error["id"] for error in answer["errors"]] == ["id_starts_on", "id_months"]
        application.refresh_from_db()
        assert (application.starts_on, application.months) == (date(2027, 7, 1), 18)

    def test_a_new_row_is_saved_as_far_as_it_can_be_read(self, w, clerk):
        application = world.draft(w)
        row = "5f0c5f0e-0000-4000-8000-000000000001"
        other = "5f0c5f0e-0000-4000-8000-000000000002"
        data = {
            "basis": "0",
            "expenses": [row, other],
            f"expenses-{row}-year": "2027",
            f"expenses-{row}-category": "moderation",
            f"expenses-{row}-text": "Moderation",
            f"expenses-{row}-amount": "viel",
            f"expenses-{other}-text": "Ohne Haushaltsjahr",
            f"expenses-{other}-year": "das nächste",
        }
        answer = autosave(clerk, application, Step.FINANZIERUNG, data=data).json()
        assert len(answer["errors"]) == 2
        [saved] = read_step(application, Step.FINANZIERUNG)["expenses"]
        assert (saved["id"], saved["text"], saved["amount"]) == (row, "Moderation", None)

    def test_saved_twice_a_row_stays_one_row(self, w, clerk):
        application = world.filled(w)
        data = sent(application, Step.BETEILIGUNG)
        [name] = names(application, Step.BETEILIGUNG, "formats", "name")
        for text in ("Eins", "Zwei"):
            answer = autosave(clerk, application, Step.BETEILIGUNG, data=data, **{name: text})
            data |= {"basis": answer.json()["basis"]}
        assert [row.name for row in application.formats.all()] == ["Zwei"]

    def test_what_somebody_else_changed_is_told_and_kept(self, w, clerk):
        application = world.filled(w)
        data = sent(application, Step.KONZEPTION)
        world.save(application, Step.KONZEPTION, {"goals": "Ihre Ziele"}, w.signatory)
        answer = autosave(clerk, application, Step.KONZEPTION, data=data, title="Mein Titel").json()
        assert answer["state"] == "saved"
        assert answer["others"] == (
            f"{w.signatory} hat in diesem Abschnitt inzwischen etwas geändert: „Ziele“. Diese "
            "Seite zeigt dort noch den früheren Stand; überschrieben wird nichts."
        )
        data |= {"basis": answer["basis"], "eigene": answer["eigene"], "title": "Zweiter"}
        clerk.post(place(application, "konzeption/"), data)
        application.refresh_from_db()
        assert (application.title, application.goals) == ("Zweiter", "Ihre Ziele")

    def test_a_conflict_is_told_leaves_theirs_and_leads_to_both_texts(self, w, clerk):
        application = world.filled(w)
        data = sent(application, Step.KONZEPTION)
        world.save(application, Step.KONZEPTION, {"title": "Ihr Titel"}, w.signatory)
        typed = {"title": "Mein Titel", "summary": "Mein Text"}
        answer = autosave(clerk, application, Step.KONZEPTION, data=data, **typed).json()
        assert (answer["state"], answer["others"]) == ("conflict", "")
        assert answer["status"] == (
            f"Noch nicht ganz gespeichert: {w.signatory} hat dasselbe geändert wie Sie "
            "(„Projektname“). Ihre Eingaben bleiben auf dieser Seite."
        )
        application.refresh_from_db()
        assert (application.title, application.summary) == ("Ihr Titel", "Mein Text")
        data |= typed | {"basis": answer["basis"], "eigene": answer["eigene"]}
        page = clerk.post(place(application, "konzeption/"), data)
        assert page.status_code == 409
        assert "Mein Titel" in words(page)
        assert "Ihr Titel" in words(page)

    def test_the_other_may_be_oneself_in_another_window(self, w, clerk):
        application = world.filled(w)
        data = sent(application, Step.KONZEPTION)
        world.save(application, Step.KONZEPTION, {"title": "Anders"}, w.clerk)
        answer = autosave(clerk, application, Step.KONZEPTION, data=data, title="Hier").json()
        assert "Ein anderes Fenster von Ihnen hat dasselbe geändert" in answer["status"]

    def test_a_filed_application_is_closed_and_says_so(self, w, clerk):
        application = world.filled(w)
        data = sent(application, Step.KONZEPTION)
        world.file(application, w.signatory)
        response = autosave(clerk, application, Step.KONZEPTION, data=data, title="Zu spät")
        assert response.status_code == 409
        assert response.json() == {
            "state": "closed",
            "status": (
                "Speichern nicht möglich: Der Antrag wurde inzwischen eingereicht oder "
                "abgesendet. Ihre Eingaben bleiben auf dieser Seite."
            ),
        }

    def test_rows_of_another_application_are_not_touched(self, w, clerk):
        application, other = world.filled(w), world.filled(w)
        data = sent(other, Step.BETEILIGUNG) | {"basis": str(application.revision)}
        response = autosave(clerk, application, Step.BETEILIGUNG, data=data)
        assert response.status_code == 404
        assert other.formats.count() == 1

    @pytest.mark.parametrize("step", ["anlagen", "unsinn"])
    def test_steps_without_a_form_are_not_saved_this_way(self, w, clerk, step):
        application = world.draft(w)
        assert clerk.post(place(application, f"{step}/speichern/")).status_code == 404

    def test_it_takes_a_known_number_of_queries(self, w, clerk, django_assert_num_queries):
        application = world.filled(w)
        data = sent(application, Step.KONZEPTION, title="Neu")
        with django_assert_num_queries(16):
            clerk.post(place(application, "konzeption/speichern/"), data)

    def test_whatever_is_sent_as_own_revisions_breaks_nothing(self, w, clerk):
        application = world.filled(w)
        for text in ("x", ",,,", "-1", "9" * 40, "1,2,³"):
            response = autosave(clerk, application, Step.KONZEPTION, eigene=text, title=text)
            assert response.status_code == 200


class TestChangedPeriod:
    def shift(self, client: Client, application: Application, **typed: Any) -> Any:
        data = sent(application, Step.ZEITPLAN, starts_on="01.02.2028", months="12", **typed)
        return client.post(place(application, "zeitplan/"), data)

    def test_saving_it_asks_what_becomes_of_the_rows(self, w, clerk):
        application = world.filled(w)
        response = self.shift(clerk, application)
        assert response["Location"] == place(application, "finanzierung/haushaltsjahre/")
        page = clerk.get(response["Location"])
        text = words(page)
        assert "Ihre Maßnahme fällt jetzt in die Haushaltsjahre 2028, 2029." in text
        assert "Haushaltsjahr 2027" in text
        assert "Ausgabe: Prozessmoderation/Honorare · 10.000,00 €" in text
        assert "2.028" not in text
        assert application.expenses.filter(year=2027).count() == 1

    def test_a_period_that_holds_all_rows_asks_nothing(self, w, clerk):
        application = world.filled(w)
        data = sent(application, Step.ZEITPLAN, starts_on="01.06.2027")
        response = clerk.post(place(application, "zeitplan/"), data)
        assert response["Location"] == place(application, "finanzierung/")
        asked = clerk.get(place(application, "finanzierung/haushaltsjahre/"))
        assert asked["Location"] == place(application, "finanzierung/")

    def choose(self, client: Client, application: Application, **choices: str) -> Any:
        application.refresh_from_db()
        data = {"basis": str(application.revision)} | choices
        return client.post(place(application, "finanzierung/haushaltsjahre/"), data)

    def test_a_choice_for_the_year_holds_for_all_rows_but_those_with_their_own(self, w, clerk):
        application = world.filled(w)
        self.shift(clerk, application)
        plan = read_step(application, Step.FINANZIERUNG)
        grant, own = plan["cover"][:2]
        choices = {"jahr-2027": "2029", f"zeile-{own['id']}": "weg"}
        response = self.choose(clerk, application, **choices)
        assert response["Location"] == place(application, "finanzierung/")
        assert "2 Zeilen sind verschoben, 1 Zeile ist entfernt." in words(
            clerk.get(response["Location"])
        )
        now = read_step(application, Step.FINANZIERUNG)
        assert [row["year"] for row in now["expenses"]] == [2028, 2029]
        assert {row["id"]: row["year"] for row in now["cover"]} == {
            grant["id"]: 2029,
            **{row["id"]: 2028 for row in plan["cover"][2:]},
        }

    def test_kept_rows_stay_and_are_told_on_both_pages(self, w, clerk):
        application = world.filled(w)
        self.shift(clerk, application)
        before = read_step(application, Step.FINANZIERUNG)
        response = self.choose(clerk, application, **{"jahr-2027": "bleibt"})
        assert "Die Zeilen bleiben vorerst stehen." in words(clerk.get(response["Location"]))
        assert read_step(application, Step.FINANZIERUNG) == before
        for step in ("zeitplan", "finanzierung"):
            assert "Beträge außerhalb der Laufzeit" in words(
                clerk.get(place(application, step + "/"))
            )

    def test_without_a_choice_nothing_happens_and_it_is_said(self, w, clerk):
        application = world.filled(w)
        self.shift(clerk, application)
        before = read_step(application, Step.FINANZIERUNG)
        response = self.choose(clerk, application)
        assert response.status_code == 200
        assert "Bitte wählen Sie, was mit den Zeilen dieses Haushaltsjahres" in words(response)
        response = self.choose(clerk, application, **{"jahr-2027": "1999"})
        assert "Bitte wählen Sie eine der angebotenen Möglichkeiten." in words(response)
        assert read_step(application, Step.FINANZIERUNG) == before

    def test_choices_for_every_row_are_enough(self, w, clerk):
        application = world.filled(w)
        self.shift(clerk, application)
        plan = read_step(application, Step.FINANZIERUNG)
        rows = [r["id"] for part in ("expenses", "cover") for r in plan[part] if r["year"] == 2027]
        self.choose(clerk, application, **{f"zeile-{row}": "weg" for row in rows})
        assert [row["year"] for row in read_step(application, Step.FINANZIERUNG)["cover"]] == [
            2028,
            2028,
        ]

    def test_rows_that_somebody_changed_meanwhile_are_asked_for_again(self, w, clerk):
        application = world.filled(w)
        self.shift(clerk, application)
        old = str(Application.objects.get(pk=application.pk).revision)
        plan = read_step(application, Step.FINANZIERUNG)
        changed = [{**row, "amount": "1.00"} for row in plan["expenses"]]
        world.save(application, Step.FINANZIERUNG, {"expenses": changed}, w.signatory)
        response = self.choose(clerk, application, **{"basis": old, "jahr-2027": "weg"})
        assert response.status_code == 409
        assert "inzwischen von jemand anderem geändert" in words(response)
        assert application.expenses.filter(year=2027).count() == 1

    def test_it_is_not_asked_where_the_plan_was_not_asked_for(self, w, clerk):
        application = world.requested(w, (Step.ZEITPLAN,))
        response = self.shift(clerk, application)
        assert response["Location"] == place(application, "nachreichen/")
        response = clerk.get(place(application, "finanzierung/haushaltsjahre/"))
        assert response["Location"] == place(application, "")


@pytest.mark.parametrize("address", ["finanzierung/summen/", "konzeption/speichern/"])
def test_none_of_it_is_for_those_who_only_read_or_are_strangers(w, address):
    application = world.filled(w)
    assert signed_in(w.stranger).post(place(application, address)).status_code == 404
    w.clerk.memberships.update(may_edit=False)
    assert signed_in(w.clerk).post(place(application, address)).status_code == 403
    assert services.read_step(application, Step.KONZEPTION)["title"] == "Vielfalt in Musterstadt"


class TestPresence:
    def test_the_page_says_who_else_is_there_and_since_when(self, w, clerk):
        application = world.draft(w)
        other = signed_in(w.signatory)
        assert "Gerade auch in diesem Abschnitt" not in words(
            other.get(place(application, "konzeption/"))
        )
        text = words(clerk.get(place(application, "konzeption/")))
        assert f"Gerade auch in diesem Abschnitt: {w.signatory} (seit 10:30 Uhr)" in text
        assert "Gerade auch" not in words(clerk.get(place(application, "zeitplan/")))

    def test_a_sign_of_life_is_answered_by_who_else_is_there(self, w, clerk):
        application = world.draft(w)
        signed_in(w.signatory).get(place(application, "konzeption/"))
        address = place(application, "konzeption/anwesend/")
        assert clerk.post(address).json() == {
            "text": f"Gerade auch in diesem Abschnitt: {w.signatory} (seit 10:30 Uhr)"
        }
        signed_in(w.signatory).post(address, {"weg": "1"})
        assert clerk.post(address).json() == {"text": ""}

    def test_who_only_reads_sees_who_is_there_and_is_not_counted(self, w, clerk):
        application = world.draft(w)
        clerk.get(place(application, "konzeption/"))
        w.signatory.memberships.update(may_edit=False)
        reader = signed_in(w.signatory)
        assert f"{w.clerk} (seit 10:30 Uhr)" in words(reader.get(place(application, "konzeption/")))
        assert "Gerade auch" not in words(clerk.get(place(application, "konzeption/")))
        assert reader.post(place(application, "konzeption/anwesend/")).status_code == 403

    def test_strangers_learn_nothing(self, w, clerk):
        application = world.draft(w)
        address = place(application, "konzeption/anwesend/")
        assert signed_in(w.stranger).post(address).status_code == 404
