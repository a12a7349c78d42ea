"""Writing an application: every step, two people at once, rows, bad input, no rights."""

from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from applications import services
from applications.models import Application, Expense, ParticipationFormat, Revision
from applications.rules import DocumentKind, Step
from applications.services import read_step
from kiv_portal.middleware import FILE_POLICY
from tests import world
from tests.applications.pages import names, place, sent, signed_in, words
from tests.factories import NOW, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

FILLED_IN = [step for step in Step if step not in (Step.KOMMUNE, Step.ANLAGEN)]


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def clerk(w: world.World) -> Client:
    return signed_in(w.clerk)


def picture(name: str = "Foto.png") -> SimpleUploadedFile:
    data = io.BytesIO()
    Image.new("RGB", (2, 2)).save(data, "PNG")
    return SimpleUploadedFile(name, data.getvalue())


class TestEveryStep:
    @pytest.mark.parametrize("step", Step)
    def test_a_page_takes_at_most_fifteen_queries(
        self, w, clerk, step, django_assert_max_num_queries: Any
    ):
        application = world.filled(w)
        world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
        with django_assert_max_num_queries(15):
            assert clerk.get(place(application, f"{step}/")).status_code == 200

    @pytest.mark.parametrize("step", FILLED_IN)
    def test_saving_leads_to_the_next_step_and_changes_only_this_one(self, w, clerk, step):
        full, application = world.filled(w), world.draft(w)
        before = {other: read_step(application, other) for other in Step}
        data = sent(application, step) | {
            name: value
            for name, value in sent(full, step).items()
            if name not in ("basis",) and not name.startswith("adoptions-")
        }
        if step is Step.BETEILIGUNG:  # rows of another application are no rows of this one
            data = {n: v for n, v in data.items() if not n.startswith("formats")}
        if step in (Step.ZEITPLAN, Step.FINANZIERUNG):
            data = {n: v for n, v in data.items() if not n.startswith(("miles", "exp", "cover"))}
        response = clerk.post(place(application, f"{step}/"), data)
        after = [*Step][[*Step].index(step) + 1 :][:1]
        assert response.status_code == 302
        assert response["Location"] == place(application, f"{after[0]}/" if after else "")
        application.refresh_from_db()
        for other in Step:
            if other is not step:
                assert read_step(application, other) == before[other]
        fields = services.drafts.STEP_FIELDS[step]
        assert {n: read_step(application, step)[n] for n in fields} == {
            n: read_step(full, step)[n] for n in fields
        }

    @pytest.mark.parametrize("step", FILLED_IN)
    def test_saving_leads_to_the_task_list_where_that_was_pressed(self, w, clerk, step):
        application = world.filled(w)
        response = clerk.post(
            place(application, f"{step}/"), sent(application, step, aktion="uebersicht")
        )
        assert response["Location"] == place(application)

    @pytest.mark.parametrize("step", FILLED_IN)
    def test_saving_without_a_change_leaves_no_trace(self, w, clerk, step):
        application = world.filled(w)
        before = Revision.objects.count()
        clerk.post(place(application, f"{step}/"), sent(application, step))
        assert Revision.objects.count() == before

    @pytest.mark.parametrize("step", FILLED_IN)
    def test_what_is_no_field_of_the_step_changes_nothing(self, w, clerk, step):
        application = world.filled(w)
        before = Application.objects.values().get()
        data = sent(
            application,
            step,
            status="granted",
            reference="KIV-2026-0009",
            revision="99",
            created_by="1",
            submitted_at="2026-01-01",
            uuid=str(uuid.uuid4()),
        )
        assert clerk.post(place(application, f"{step}/"), data).status_code == 302
        assert Application.objects.values().get() == before

    @pytest.mark.parametrize("step", Step)
    def test_a_stranger_gets_the_same_404_as_for_no_application(self, w, step):
        application = world.filled(w)
        stranger = signed_in(w.stranger)
        for address in (place(application, f"{step}/"), f"/antraege/{uuid.uuid4()}/{step}/"):
            assert stranger.get(address).status_code == 404
            assert (
                stranger.post(
                    address, sent(application, step) if step in FILLED_IN else {}
                ).status_code
                == 404
            )
        assert stranger.get(place(application, f"{step}/")).content.count(b"Musterstadt") == 0

    @pytest.mark.parametrize("step", Step)
    def test_a_member_without_the_right_reads_and_cannot_save(self, w, step):
        application = world.filled(w)
        member = UserFactory()
        MembershipFactory(
            user=member,
            municipality=w.town,
            may_edit=False,
            confirmed_at=NOW,
            confirmed_by=w.administrator,
        )
        browser = signed_in(member)
        page = browser.get(place(application, f"{step}/"))
        assert page.status_code == 200
        assert "Sie können diesen Abschnitt lesen" in words(page)
        assert b"<textarea" not in page.content
        before = Revision.objects.count()
        for data in ({}, {"hinzufuegen": w.small.ags, "basis": "99"}, {"basis": "99"}):
            assert browser.post(place(application, f"{step}/"), data).status_code == 403
        assert Revision.objects.count() == before

    @pytest.mark.parametrize("step", Step)
    def test_a_filed_application_is_closed_and_shows_what_was_filed(self, w, clerk, step):
        application = world.submitted(w)
        filed = f"{place(application, 'pruefen/')}#{step}"
        assert clerk.get(place(application, f"{step}/"))["Location"] == filed
        before = Revision.objects.count()
        response = clerk.post(place(application, f"{step}/"), {"basis": "99", "title": "Neu"})
        assert Revision.objects.count() == before
        if step in FILLED_IN:
            assert response.status_code == 409
            assert "Es wurde nichts geändert." in words(response)
            return
        assert response["Location"] == filed
        assert "Es wurde nichts geändert." in words(clerk.get(place(application)))

    def test_what_was_typed_into_a_closed_step_is_shown_to_be_copied(self, w, clerk):
        application = world.filled(w)
        texts = sent(application, Step.KONZEPTION, goals="Lang\nund breit", title="Neu")
        plan = sent(application, Step.FINANZIERUNG, vat_deductible="ja")
        world.file(application, w.signatory)
        text = words(clerk.post(place(application, "konzeption/"), texts))
        assert "Dieser Abschnitt ist geschlossen" in text
        assert "Projektname Neu" in text
        assert "Ziele Langund breit" in text
        text = words(clerk.post(place(application, "finanzierung/"), plan))
        assert "Ausgabe 1, Ausgabenart Prozessmoderation/Honorare" in text
        assert "Ausgabe 1, Betrag 10.000,00" in text
        assert "Ausgabe 1, zuwendungsfähig ja" in text
        assert "Ja, alle Beträge sind netto angegeben" in text
        empty = clerk.post(place(application, "konzeption/"), {})
        assert "Das Formular war leer." in words(empty)

    def test_who_lost_the_right_to_write_still_sees_what_was_typed(self, w, clerk):
        application = world.filled(w)
        page = clerk.get(place(application, "konzeption/"))
        data = sent(application, Step.KONZEPTION, title="Neu", siegel=page.context["seal"])
        w.clerk.memberships.update(may_edit=False)
        response = clerk.post(place(application, "konzeption/"), data)
        assert response.status_code == 409
        assert "Projektname Neu" in words(response)
        application.refresh_from_db()
        assert application.title == "Vielfalt in Musterstadt"

    def test_a_step_that_does_not_exist_is_not_found(self, w, clerk):
        application = world.draft(w)
        for name in ("anhang", "KOMMUNE", "konzeption2"):
            assert clerk.get(place(application, f"{name}/")).status_code == 404

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
    def test_other_methods_are_not_allowed(self, w, clerk, method):
        application = world.draft(w)
        assert getattr(clerk, method)(place(application, "konzeption/")).status_code == 405

    def test_whoever_looks_changes_nothing(self, w, clerk):
        application = world.filled(w)
        before = Application.objects.values().get()
        for step in Step:
            assert clerk.head(place(application, f"{step}/")).status_code == 200
            assert clerk.get(place(application, f"{step}/"), {"title": "x"}).status_code == 200
        assert Application.objects.values().get() == before

    def test_the_findings_of_a_step_are_folded_up_until_somebody_began_it(self, w, clerk):
        application = world.draft(w)
        address = place(application, "konzeption/")
        page = clerk.get(address).content.decode()
        assert page.count("Pflichtangabe noch nicht ausgefüllt: Ziele.") == 1
        folded = page.partition("<details")[2].partition("</details>")[0]
        assert "Pflichtangabe noch nicht ausgefüllt: Ziele." in folded
        assert "<details open" not in page
        clerk.post(address, sent(application, Step.KONZEPTION, summary="Kurz"))
        text = words(answer := clerk.get(address))
        assert b"<details" not in answer.content
        assert text.count("Pflichtangabe noch nicht ausgefüllt: Ziele.") == 1
        findings = text[: text.index("Das Projekt in Kürze")]
        assert findings.count("Grundlage: Förderrichtlinie Nr. 3.1") == 6
        assert "Beginn der Maßnahme" not in text


class TestBadInput:
    def test_a_bad_amount_keeps_everything_that_was_typed(self, w, clerk):
        application = world.filled(w)
        before = read_step(application, Step.FINANZIERUNG)
        first, second = names(application, Step.FINANZIERUNG, "expenses", "amount")
        data = sent(
            application,
            Step.FINANZIERUNG,
            **{first: "1234.56", second: "2.000,10 €", "budget_situation": "provisional"},
        )
        page = clerk.post(place(application, "finanzierung/"), data)
        assert page.status_code == 200
        assert "Fehler: Finanzierungsplan" in words(page)
        assert "Bitte geben Sie den Betrag mit Komma ein, zum Beispiel 1234,56." in words(page)
        html = page.content.decode()
        assert f'name="{first}" value="1234.56"' in html
        assert f'name="{second}" value="2.000,10 €"' in html
        assert html.count('value="provisional"') == html.count('value="provisional" ') == 1
        assert read_step(application, Step.FINANZIERUNG) == before

    @pytest.mark.parametrize("step", [Step.ANSPRECHPARTNER, Step.KONZEPTION, Step.BETEILIGUNG])
    def test_a_text_that_is_too_long_is_told_and_kept(self, w, clerk, step):
        application = world.filled(w)
        [name, *_] = services.drafts.STEP_FIELDS[step]
        long = "ä" * 20_001
        page = clerk.post(place(application, f"{step}/"), sent(application, step, **{name: long}))
        assert page.status_code == 200
        assert "Im Augenblick sind es 20001." in words(page)
        assert page.content.decode().count(long) == 1

    def test_a_choice_nobody_offered_is_refused(self, w, clerk):
        application = world.filled(w)
        [name, _] = names(application, Step.FINANZIERUNG, "expenses", "category")
        page = clerk.post(
            place(application, "finanzierung/"),
            sent(application, Step.FINANZIERUNG, **{name: "yacht"}),
        )
        assert page.status_code == 200
        assert "Bitte wählen Sie eine der angebotenen Möglichkeiten." in words(page)

    def test_what_somebody_typed_is_never_taken_for_markup(self, w, clerk):
        application = world.filled(w)
        evil = "<script>alert(1)</script>"
        clerk.post(
            place(application, "konzeption/"), sent(application, Step.KONZEPTION, title=evil)
        )
        for rest in ("", "konzeption/", "pruefen/"):
            assert evil not in clerk.get(place(application, rest)).content.decode()

    def test_a_row_of_another_application_is_not_found(self, w, clerk):
        mine, other = world.draft(w), world.filled(w)
        row = Expense.objects.first()
        assert row.application == other
        response = clerk.post(
            place(mine, "finanzierung/"),
            {
                "basis": "0",
                "expenses": str(row.pk),
                f"expenses-{row.pk}-year": "2026",
                f"expenses-{row.pk}-category": "other",
                f"expenses-{row.pk}-text": "Meins",
            },
        )
        assert response.status_code == 404
        row.refresh_from_db()
        assert row.text == ""


class TestRows:
    def test_adding_a_row_saves_nothing_and_keeps_all(self, w, clerk):
        application = world.draft(w)
        data = sent(application, Step.BETEILIGUNG, social_space="Alle Ortsteile")
        [name] = [key for key in data if key.endswith("-name")]
        page = clerk.post(
            place(application, "beteiligung/"),
            {**data, name: "Werkstatt", "zeile_hinzufuegen": "formats"},
        )
        html = page.content.decode()
        assert page.status_code == 200
        assert f'name="{name}" value="Werkstatt"' in html
        assert "Alle Ortsteile" in html
        assert html.count('<input type="hidden" name="formats"') == 2
        assert html.count("autofocus") == 1
        assert Revision.objects.count() == ParticipationFormat.objects.count() == 0

    def test_removing_a_row_takes_effect_with_the_next_save(self, w, clerk):
        application = world.filled(w)
        data = sent(application, Step.BETEILIGUNG)
        [row_id] = data["formats"]
        page = clerk.post(
            place(application, "beteiligung/"),
            {**data, "zeile_entfernen": f"formats:{row_id}"},
        )
        assert "Die Zeile ist entfernt, sobald Sie speichern." in words(page)
        assert row_id not in page.content.decode()
        assert ParticipationFormat.objects.count() == 1
        gone = {n: v for n, v in data.items() if not n.startswith("formats")}
        clerk.post(place(application, "beteiligung/"), gone)
        assert ParticipationFormat.objects.count() == 0

    def test_sending_a_page_twice_makes_one_row(self, w, clerk):
        application = world.draft(w)
        data = sent(application, Step.BETEILIGUNG)
        [name] = [key for key in data if key.endswith("-name")]
        for _ in range(2):
            response = clerk.post(place(application, "beteiligung/"), {**data, name: "Werkstatt"})
            assert response.status_code == 302
        assert [row.name for row in ParticipationFormat.objects.all()] == ["Werkstatt"]

    @pytest.mark.parametrize("part", ["adoptions", "nonsense", "", "__class__"])
    def test_a_part_that_takes_no_rows_takes_none(self, w, clerk, part):
        application = world.filled(w)
        before = read_step(application, Step.ZEITPLAN)
        for button in ("zeile_hinzufuegen", "zeile_entfernen"):
            clerk.post(
                place(application, "zeitplan/"),
                {**sent(application, Step.ZEITPLAN), button: f"{part}:x"},
            )
        assert read_step(application, Step.ZEITPLAN) == before


class TestTwoAtOnce:
    """The clerk's page is open while the signatory saves."""

    @pytest.fixture
    def application(self, w: world.World) -> Application:
        return world.filled(w)

    def typed(self, application: Application, **fields: Any) -> dict[str, Any]:
        return sent(application, Step.KONZEPTION, **fields)

    def test_different_fields_are_merged(self, w, clerk, application):
        mine = self.typed(application, goals="Meine Ziele")
        world.save(application, Step.KONZEPTION, {"summary": "Ihre Worte"}, w.signatory)
        assert clerk.post(place(application, "konzeption/"), mine).status_code == 302
        stored = read_step(Application.objects.get(), Step.KONZEPTION)
        assert (stored["goals"], stored["summary"]) == ("Meine Ziele", "Ihre Worte")

    def test_both_texts_stand_side_by_side_and_nothing_is_lost(self, w, clerk, application):
        mine = self.typed(application, title="Mein Titel", goals="Meine\nZiele")
        theirs = {"title": "Ihr Titel", "summary": "Ihre Worte"}
        world.save(application, Step.KONZEPTION, theirs, w.signatory)
        page = clerk.post(place(application, "konzeption/"), mine)
        assert page.status_code == 409
        text = words(page)
        assert f"wurde dieser Abschnitt von {w.signatory} gespeichert" in text
        assert "Projektname Ihre Fassung Mein Titel" in text
        assert f"Zwischenzeitlich gespeichert von {w.signatory} Ihr Titel" in text
        html = page.content.decode()
        assert '<input type="hidden" name="goals" value="Meine\nZiele">' in html
        assert '<input type="hidden" name="summary" value="Ihre Worte">' in html
        assert '<input type="hidden" name="title" value="Mein Titel">' in html
        assert html.count('name="strittig"') == 1
        assert Application.objects.get().title == "Ihr Titel"

    @pytest.mark.parametrize(
        ("choice", "title"), [("meine", "Mein Titel"), ("andere", "Ihr Titel")]
    )
    def test_a_choice_is_saved_with_all_the_rest(self, w, clerk, application, choice, title):
        mine = self.typed(application, title="Mein Titel", goals="Meine Ziele")
        theirs = {"title": "Ihr Titel", "summary": "Ihre Worte"}
        world.save(application, Step.KONZEPTION, theirs, w.signatory)
        clerk.post(place(application, "konzeption/"), mine)
        settled = {
            **mine,
            "summary": "Ihre Worte",
            "basis": str(Application.objects.get().revision),
            "strittig": "title",
            "fassung:title": choice,
        }
        assert clerk.post(place(application, "konzeption/"), settled).status_code == 302
        stored = read_step(Application.objects.get(), Step.KONZEPTION)
        assert (stored["title"], stored["goals"], stored["summary"]) == (
            title,
            "Meine Ziele",
            "Ihre Worte",
        )

    def test_without_a_choice_both_stay_and_nothing_is_saved(self, w, clerk, application):
        mine = self.typed(application, title="Mein Titel")
        world.save(application, Step.KONZEPTION, {"title": "Ihr Titel"}, w.signatory)
        basis = str(Application.objects.get().revision)
        page = clerk.post(
            place(application, "konzeption/"), {**mine, "basis": basis, "strittig": "title"}
        )
        assert page.status_code == 409
        text = words(page)
        assert "Bitte wählen Sie bei jeder Angabe eine Fassung." in text
        assert "Mein Titel" in text
        assert "Ihr Titel" in text
        assert Application.objects.get().title == "Ihr Titel"

    def test_two_windows_of_the_same_person_are_told_so(self, w, clerk, application):
        mine = self.typed(application, title="Zweites Fenster")
        world.save(application, Step.KONZEPTION, {"title": "Erstes Fenster"}, w.clerk)
        page = clerk.post(place(application, "konzeption/"), mine)
        assert page.status_code == 409
        assert "von Ihnen selbst, in einem anderen Fenster gespeichert" in words(page)

    def test_a_row_in_dispute_is_told_in_words_and_settled(self, w, clerk, application):
        stored = read_step(application, Step.FINANZIERUNG)
        [row, other] = stored["expenses"]
        [name, _] = names(application, Step.FINANZIERUNG, "expenses", "amount")
        mine = sent(application, Step.FINANZIERUNG, **{name: "11.000"})
        theirs = {**stored, "expenses": [{**row, "amount": "12000.00"}, other]}
        world.save(application, Step.FINANZIERUNG, theirs, w.signatory)
        page = clerk.post(place(application, "finanzierung/"), mine)
        assert page.status_code == 409
        assert "2027 · Prozessmoderation/Honorare · 11.000,00 € · zuwendungsfähig" in words(page)
        assert "2027 · Prozessmoderation/Honorare · 12.000,00 € · zuwendungsfähig" in words(page)
        key = f"expenses:{row['id']}"
        settled = {
            **mine,
            "basis": str(Application.objects.get().revision),
            "strittig": key,
            f"fassung:{key}": "andere",
        }
        assert clerk.post(place(application, "finanzierung/"), settled).status_code == 302
        assert read_step(application, Step.FINANZIERUNG) == theirs | {
            "expenses": [{**row, "amount": "12000.00"}, other]
        }

    def test_two_partners_at_once_are_told(self, w, clerk, application):
        mine = {"basis": str(application.revision), "hinzufuegen": w.small.ags}
        world.save(application, Step.KOMMUNE, {"partners": [w.other_town.ags]}, w.signatory)
        page = clerk.post(place(application, "kommune/"), mine)
        assert page.status_code == 409
        assert "Ihre Kommune wurde noch nicht hinzugefügt." in words(page)
        assert read_step(Application.objects.get(), Step.KOMMUNE) == {
            "partners": [w.other_town.ags],
            "cooperations": [],
        }

    def test_what_was_filed_meanwhile_is_not_changed(self, w, clerk, application):
        mine = self.typed(application, title="Zu spät")
        world.file(application, w.signatory)
        response = clerk.post(place(application, "konzeption/"), mine)
        assert response.status_code == 409
        assert "Projektname Zu spät" in words(response)
        assert Application.objects.get().title == "Vielfalt in Musterstadt"


class TestMembers:
    def test_the_lead_stands_there_with_its_figure(self, w, clerk):
        text = words(clerk.get(place(world.draft(w), "kommune/")))
        assert "Musterstadt, Stadt" in text
        assert "20.000 Einwohnerinnen und Einwohner, Stand 31.12.2023, Zensus 2011" in text
        assert "Quelle: Statistisches Bundesamt (Destatis), Gemeindeverzeichnis" in text

    def test_a_partner_is_found_added_and_removed(self, w, clerk):
        application = world.draft(w)
        address = place(application, "kommune/")
        page = clerk.get(address, {"suche": "klein"})
        assert re.search(rf'name="hinzufuegen"\s+value="{w.small.ags}"', page.content.decode())
        basis = {"basis": str(application.revision)}
        added = clerk.post(address, {**basis, "hinzufuegen": w.small.ags})
        assert added["Location"] == address
        application.refresh_from_db()
        assert read_step(application, Step.KOMMUNE) == {
            "partners": [w.small.ags],
            "cooperations": [],
        }
        again = clerk.get(address, {"suche": "klein"})
        assert "Kleinheim ist schon Partnerkommune." in words(again)
        lead = clerk.get(address, {"suche": "muster"})
        assert "Musterstadt ist die antragstellende Kommune." in words(lead)
        assert "gibt es keine hessische" in words(clerk.get(address, {"suche": "xyz"}))
        basis = {"basis": str(application.revision), "partner": w.small.ags}
        clerk.post(address, {**basis, "entfernen": w.small.ags})
        application.refresh_from_db()
        assert read_step(application, Step.KOMMUNE) == {
            "partners": [],
            "cooperations": [],
        }

    @pytest.mark.parametrize("text", ["", "   ", "x" * 5000, "%", "'; --", "\x00", "\ud83d"])
    def test_whatever_is_searched_for_gets_an_answer(self, w, clerk, text):
        address = place(world.draft(w), "kommune/")
        try:
            page = clerk.get(address, {"suche": text})
        except UnicodeEncodeError:
            return
        assert page.status_code == 200

    def test_a_municipality_nobody_knows_is_not_added(self, w, clerk):
        application = world.draft(w)
        clerk.post(place(application, "kommune/"), {"basis": "0", "hinzufuegen": "99999999"})
        assert read_step(Application.objects.get(), Step.KOMMUNE) == {
            "partners": [],
            "cooperations": [],
        }

    def test_a_full_verbund_takes_no_more(self, w, clerk):
        application = world.draft(w)
        partners = {"partners": [w.small.ags, w.other_town.ags]}
        world.save(application, Step.KOMMUNE, partners, w.clerk)
        text = words(clerk.get(place(application, "kommune/")))
        assert "Ein Verbund hat höchstens 2 Partnerkommunen." in text


class TestDocuments:
    def test_a_document_is_kept_under_its_name(self, w, clerk):
        application = world.draft(w)
        response = clerk.post(
            place(application, "anlagen/"),
            {"art": "concept", "datei": picture("Größe „neu“.png")},
        )
        assert response.status_code == 302
        document = application.documents.get()
        assert (document.kind, document.name) == (DocumentKind.CONCEPT, "Größe „neu“.png")
        assert "Größe „neu“.png" in words(clerk.get(place(application, "anlagen/")))

    def test_a_cooperation_names_its_partner(self, w, clerk):
        application = world.draft(w)
        world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
        clerk.post(
            place(application, "anlagen/"),
            {"art": "cooperation", "kommune": w.small.ags, "datei": picture()},
        )
        assert application.documents.get().municipality == w.small

    @pytest.mark.parametrize(
        ("name", "data", "message"),
        [
            ("leer.pdf", b"", "Die Datei ist leer."),
            ("text.txt", b"Hallo", "Diese Art von Datei können wir nicht annehmen."),
            ("text.PDF", b"Hallo", "Der Inhalt der Datei passt nicht zur Endung „.pdf“"),
            ("text.docx", b"Hallo", "Der Inhalt der Datei passt nicht zur Endung „.docx“"),
            ("kaputt.pdf", b"%PDF-1.7 kaputt", "Das PDF ist beschädigt"),
        ],
    )
    def test_a_file_that_cannot_be_taken_is_told_beside_the_field(
        self, w, clerk, name, data, message
    ):
        application = world.draft(w)
        page = clerk.post(
            place(application, "anlagen/"),
            {"art": "concept", "datei": SimpleUploadedFile(name, data)},
        )
        assert page.status_code == 200
        assert f"Fehler: „{name}“: {message}" in words(page)
        assert application.documents.count() == 0

    def test_of_several_files_the_good_ones_are_kept_and_the_others_told(self, w, clerk):
        application = world.draft(w)
        files = [picture("a.png"), SimpleUploadedFile("leer.pdf", b""), picture("b.png")]
        data = {"art": "concept", "datei": files}
        page = clerk.post(place(application, "anlagen/"), data)
        text = words(page)
        assert "„a.png“ ist hochgeladen." in text
        assert "„b.png“ ist hochgeladen." in text
        assert "Fehler: „leer.pdf“: Die Datei ist leer." in text
        assert [row["document"].name for row in page.context["files"]] == ["a.png", "b.png"]
        again = clerk.post(
            place(application, "anlagen/"), {"art": "concept", "datei": picture("a.png")}
        )
        assert "„a.png“ war schon hochgeladen." in words(clerk.get(again["Location"]))
        assert application.documents.count() == 2

    def test_the_script_is_answered_file_by_file(self, w, clerk):
        application = world.draft(w)
        address = place(application, "anlagen/")
        json = {"Accept": "application/json"}
        for answer in (
            {"added": ["a.png"], "known": [], "refused": []},
            {"added": [], "known": ["a.png"], "refused": []},
        ):
            data = {"art": "concept", "datei": picture("a.png")}
            assert clerk.post(address, data, headers=json).json() == answer
        bad = {"art": "concept", "datei": SimpleUploadedFile("ü.pdf", b"")}
        assert clerk.post(address, bad, headers=json).json()["refused"] == [
            {
                "name": "ü.pdf",
                "reason": "Die Datei ist leer. Bitte wählen Sie sie noch einmal aus.",
            }
        ]
        response = clerk.post(address, {"datei": picture()}, headers=json)
        assert (response.status_code, response.json()["errors"][0]["id"]) == (422, "id_art")

    def test_a_document_is_replaced_by_a_new_version(self, w, clerk):
        application = world.draft(w)
        clerk.post(place(application, "anlagen/"), {"art": "concept", "datei": picture("Alt.png")})
        old = application.documents.get()
        page = clerk.get(place(application, "anlagen/"), {"ersetzen": old.pk})
        assert "„Alt.png“ ersetzen" in words(page)
        data = {"ersetzen": str(old.pk)}
        page = clerk.post(
            place(application, "anlagen/"), data | {"neu": SimpleUploadedFile("x.pdf", b"")}
        )
        assert "Die Datei ist leer." in words(page)
        page = clerk.post(place(application, "anlagen/"), data)
        assert "Bitte wählen Sie eine Datei aus." in words(page)
        response = clerk.post(place(application, "anlagen/"), data | {"neu": picture("Neu.png")})
        assert "„Alt.png“ ist durch „Neu.png“ ersetzt." in words(clerk.get(response["Location"]))
        [new] = application.documents.current()
        assert (new.name, new.replaces) == ("Neu.png", old)
        response = clerk.post(place(application, "anlagen/"), data | {"neu": picture("Neu.png")})
        assert "inzwischen entfernt oder ersetzt" in words(clerk.get(response["Location"]))
        assert application.documents.current().count() == 1

    def test_a_download_ends_as_what_it_is_and_runs_nothing(self, w, clerk):
        application = world.draft(w)
        data = {"art": "concept", "datei": picture('Grüße „alt" & neu.html')}
        clerk.post(place(application, "anlagen/"), data)
        document = application.documents.get()
        response = clerk.get(place(application, f"anlagen/{document.pk}/"))
        response.close()
        assert document.name == 'Grüße „alt" & neu.html'
        assert response["Content-Disposition"] == (
            "attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe%20%E2%80%9Ealt%22%20%26%20neu.html.png"
        )
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == FILE_POLICY

    def test_without_a_file_nothing_happens(self, w, clerk):
        application = world.draft(w)
        page = clerk.post(place(application, "anlagen/"), {"art": "concept"})
        assert "Dateien – Bitte wählen Sie eine Datei aus." in words(page)

    def test_removing_asks_first(self, w, clerk):
        application = world.draft(w)
        address = place(application, "anlagen/")
        clerk.post(address, {"art": "concept", "datei": picture()})
        document = application.documents.get()
        page = clerk.get(address, {"entfernen": str(document.pk)})
        assert "Anlage entfernen?" in words(page)
        assert application.documents.current().count() == 1
        assert clerk.post(address, {"entfernen": str(document.pk)}).status_code == 302
        assert application.documents.current().count() == 0
        assert clerk.post(address, {"entfernen": str(document.pk)}).status_code == 302

    @pytest.mark.parametrize("key", ["x", str(uuid.UUID(int=1)), ""])
    def test_what_is_no_document_of_this_application_is_not_found(self, w, clerk, key):
        address = place(world.draft(w), "anlagen/")
        assert clerk.post(address, {"entfernen": key}).status_code == 404

    def test_the_types_and_the_size_are_named_before(self, w, clerk):
        text = words(clerk.get(place(world.draft(w), "anlagen/")))
        assert (
            "Auch mehrere auf einmal, jede höchstens 20 MB. Möglich sind: PDF, JPEG, PNG, DOCX, "
            "XLSX, ODT, ODS."
        ) in text


class TestAfterFiling:
    def test_only_what_was_asked_for_is_open(self, w, clerk):
        application = world.requested(w, (Step.KONZEPTION, Step.ZEITPLAN))
        open_steps = [
            step for step in Step if clerk.get(place(application, f"{step}/")).status_code == 200
        ]
        assert open_steps == [Step.KONZEPTION, Step.ZEITPLAN]

    def test_saving_leads_back_to_what_was_asked_for(self, w, clerk):
        application = world.requested(w)
        page = clerk.get(place(application, "konzeption/"))
        assert "Das Regierungspräsidium bittet um: Bitte ergänzen." in words(page)
        response = clerk.post(
            place(application, "konzeption/"), sent(application, Step.KONZEPTION, goals="Mehr")
        )
        assert response["Location"] == place(application, "nachreichen/")
        text = words(clerk.get(response["Location"]))
        assert "Abgesendet ist noch nichts." in text
        assert "geändert, noch nicht abgesendet" in text


class TestThePlan:
    def test_sums_and_gaps_are_told_by_year(self, w, clerk):
        application = world.filled(w)
        [name, _] = names(application, Step.FINANZIERUNG, "expenses", "amount")
        response = clerk.post(
            place(application, "finanzierung/"),
            sent(application, Step.FINANZIERUNG, aktion="bleiben", **{name: "10.000,01"}),
        )
        assert response["Location"] == place(application, "finanzierung/#stand")
        text = words(clerk.get(place(application, "finanzierung/")))
        assert "Im Haushaltsjahr 2027 fehlen noch 0,01 € Deckung." in text
        assert "Summe der Ausgaben 10.000,01 € 10.000,00 € 20.000,01 €" in text
        assert "Deckung und Ausgaben 0,01 € fehlen ausgeglichen 0,01 € fehlen" in text
        assert "2.027" not in text

    def test_too_much_cover_is_told_as_well(self, w, clerk):
        application = world.filled(w)
        [name, *_] = names(application, Step.FINANZIERUNG, "expenses", "amount")
        clerk.post(
            place(application, "finanzierung/"),
            sent(application, Step.FINANZIERUNG, **{name: "9.999,99"}),
        )
        text = words(clerk.get(place(application, "finanzierung/")))
        assert "Deckung und Ausgaben 0,01 € zu viel ausgeglichen 0,01 € zu viel" in text

    def test_the_number_of_rows_costs_no_queries(
        self, w, clerk, django_assert_num_queries: DjangoAssertNumQueries
    ):
        application = world.filled(w)
        world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
        clerk.get(place(application, "finanzierung/"))  # noted to be here, once
        for rows in (1, 3):
            cover = [
                world.row(year=2027, kind="own", text="", municipality=w.town.ags, amount="1.00")
                for _ in range(rows)
            ]
            world.save(
                application, Step.FINANZIERUNG, {"cover": cover}, w.clerk, NOW + timedelta(rows)
            )
            with django_assert_num_queries(9):
                clerk.get(place(application, "finanzierung/"))
