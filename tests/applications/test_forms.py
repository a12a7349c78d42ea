"""What people type into the steps: understood, or refused in a sentence and kept."""

import re
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.forms import CheckboxInput, RadioSelect
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from applications.forms import conflict, fields
from applications.forms.filing import DocumentForm, SubmitForm
from applications.forms.members import PartnersForm, StartForm
from applications.forms.rows import MOST_ROWS
from applications.forms.steps import FORMS
from applications.models import Application
from applications.rules import Step
from applications.services import read_step
from tests import world
from tests.applications.pages import form, names, sent, sheet

EXAMPLE = re.compile(r"[Zz]um Beispiel|TT\.MM\.JJJJ|Vorname und Name|„Magistrat der Stadt …“")
PICKED = {"year", "eligible", "municipality"}
"""Of a row what is picked from what is on offer."""


def posted(data: dict[str, Any]) -> QueryDict:
    """A POST with these values."""
    query = QueryDict(mutable=True)
    for name, value in data.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    return query


def complaint(field: Any, text: str) -> str:
    """What a field says about a text."""
    with pytest.raises(ValidationError) as refused:
        field.clean(text)
    return " ".join(refused.value.messages)


class TestFields:
    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("01.03.2027", date(2027, 3, 1)),
            ("1.3.2027", date(2027, 3, 1)),
            (" 1. 3. 2027 ", date(2027, 3, 1)),
            ("2027-03-01", date(2027, 3, 1)),
            ("29.02.2028", date(2028, 2, 29)),
            ("", None),
            ("   ", None),
        ],
    )
    def test_a_day_is_read_as_people_write_it(self, text, day):
        assert fields.DayField(label="Tag").clean(text) == day

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("31.02.2027", "Den 31.02.2027 gibt es nicht. Bitte prüfen Sie das Datum."),
            ("2027-13-01", "Den 01.13.2027 gibt es nicht. Bitte prüfen Sie das Datum."),
            ("29.02.2027", "Den 29.02.2027 gibt es nicht. Bitte prüfen Sie das Datum."),
            ("01.03.27", fields.WRITE_DAY),
            ("März 2027", fields.WRITE_DAY),
            ("03/01/2027", fields.WRITE_DAY),
            ("１.3.2027", fields.WRITE_DAY),
            ("01.03.1927", fields.YEAR_OUT_OF_RANGE),
            ("01.03.2202", fields.YEAR_OUT_OF_RANGE),
        ],
    )
    def test_what_is_no_day_is_told_so(self, text, message):
        assert complaint(fields.DayField(label="Tag"), text) == message

    @pytest.mark.parametrize(
        ("text", "amount"),
        [
            ("1.234,56", Decimal("1234.56")),
            ("1234,5 €", Decimal("1234.50")),
            ("0", Decimal("0.00")),
            ("", None),
        ],
    )
    def test_an_amount_is_read_the_german_way(self, text, amount):
        assert fields.EuroField(label="Betrag").clean(text) == amount

    def test_a_stored_amount_is_shown_the_german_way_and_a_typed_one_as_typed(self):
        field = fields.EuroField(label="Betrag")
        assert field.prepare_value(Decimal("1234.50")) == "1.234,50"
        assert field.prepare_value("1234.50") == "1234.50"

    @pytest.mark.parametrize(
        ("text", "months"), [("15", 15), (" 15 Monate", 15), ("1 Monat", 1), ("", None)]
    )
    def test_a_duration_is_read_in_months(self, text, months):
        assert fields.MonthsField(label="Dauer").clean(text) == months

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("1,5", fields.WRITE_MONTHS),
            ("-3", fields.WRITE_MONTHS),
            ("ein Jahr", fields.WRITE_MONTHS),
            ("0", fields.MONTHS_OUT_OF_RANGE),
            ("61", fields.MONTHS_OUT_OF_RANGE),
            ("999999", fields.MONTHS_OUT_OF_RANGE),
        ],
    )
    def test_what_is_no_duration_is_told_so(self, text, message):
        assert complaint(fields.MonthsField(label="Dauer"), text) == message

    def test_a_text_loses_what_nobody_sees_and_keeps_its_lines(self):
        field = fields.TextField(lines=5)
        assert field.clean("a\u200b\x00\r\nb\u0308 ") == "a\nb̈"
        assert fields.TextField().clean(" eine \r\n Zeile ") == "eine Zeile"

    def test_lines_pasted_from_windows_count_as_they_are_stored(self):
        field = fields.TextField(lines=4, max_length=fields.LONGEST_ROW_TEXT)
        pasted = "ä" * 499 + "\r\n" + "b" * 500
        assert len(field.clean(pasted)) == 1_000
        with pytest.raises(ValidationError, match=r"höchstens 1000 Zeichen.*sind es 1001\."):
            field.clean(pasted + "c")

    def test_a_text_that_is_too_long_is_told_its_length(self):
        message = complaint(fields.TextField(max_length=5), "sieben!")
        assert message == (
            "Bitte kürzen Sie den Text auf höchstens 5 Zeichen. Im Augenblick sind es 7."
        )

    def test_no_browser_cuts_off_what_is_too_long(self):
        field = fields.TextField(max_length=5)
        assert "maxlength" not in field.widget_attrs(field.widget)

    @pytest.mark.parametrize("text", ["anna", "anna@", "@b.de", "a b@c.de", "a@b@c.de"])
    def test_what_is_no_mail_address_is_told_so(self, text):
        assert complaint(fields.MailField(), text) == fields.WRITE_MAIL

    def test_a_telephone_number_has_digits(self):
        assert fields.PhoneField().clean("06151 12-3456 (Büro)") == "06151 12-3456 (Büro)"
        assert complaint(fields.PhoneField(), "siehe Webseite") == fields.WRITE_PHONE

    def test_yes_no_and_not_said_yet_are_three_answers(self):
        field = fields.YesNoField(label="?")
        assert [field.clean(text) for text in ("ja", "nein", "")] == [True, False, None]
        assert complaint(field, "vielleicht") == fields.NO_SUCH_CHOICE

    def test_years_are_choices_without_dots(self):
        assert fields.years_to_choose([2028, 2026, 2028]) == [("2026", "2026"), ("2028", "2028")]

    @given(st.text(max_size=30))
    def test_whatever_is_typed_gets_an_answer(self, text):
        for field in (
            fields.DayField(label="Tag"),
            fields.EuroField(label="Betrag"),
            fields.MonthsField(label="Dauer"),
            fields.MailField(),
            fields.PhoneField(),
            fields.TextField(),
        ):
            try:
                field.clean(text)
            except ValidationError:
                continue


def asked_for(application: Application, step: Step) -> dict[str, Any]:
    """What a step holds, but for the partners: they are chosen, not written."""
    return {k: v for k, v in read_step(application, step).items() if k != "partners"}


@pytest.mark.django_db
class TestSteps:
    @pytest.fixture
    def application(self) -> Application:
        return world.filled(world.build())

    @pytest.mark.parametrize("step", FORMS)
    def test_an_unchanged_form_gives_back_what_is_stored(self, application, step):
        data = posted(sent(application, step))
        bound = form(application, step, data)
        assert bound.is_valid(), bound.problems()
        assert bound.step_data() == asked_for(application, step)

    @pytest.mark.parametrize("step", FORMS)
    def test_an_empty_form_is_saved_empty(self, step):
        application = world.draft(world.build())
        bound = form(application, step, posted({"basis": "0"}))
        assert bound.is_valid()
        assert bound.step_data() == asked_for(application, step)

    @pytest.mark.parametrize("step", FORMS)
    def test_every_field_of_a_step_stands_in_a_section(self, application, step):
        unbound = form(application, step)
        shown = [name for section in unbound.sections for name in section.fields]
        parts = [section.part for section in unbound.sections if section.part]
        assert sorted(shown) == sorted(unbound.fields)
        assert sorted(parts) == sorted(unbound.rows)
        # Help, an example where one writes or picks from a list, and the source, at each of them.
        for section in unbound.sections:
            assert section.source, section.title
        for name, field in unbound.fields.items():
            text, source = field.help_text.split(" Grundlage: ")
            assert source.endswith("."), name
            is_choice = isinstance(field.widget, CheckboxInput | RadioSelect)
            assert text if is_choice else EXAMPLE.search(text), name
        for part, rows in unbound.rows.items():
            for name, field in rows.forms[0].fields.items() if rows.forms else ():
                text = field.help_text or rows.form_class.explains.get(name, "")
                assert EXAMPLE.search(text) or (text and name in PICKED), (part, name)

    @pytest.mark.parametrize("basis", ["", "-1", "1e3", "x", "９", "99999999999999999999"])
    def test_a_basis_that_cannot_be_read_is_the_beginning(self, application, basis):
        data = posted(sent(application, Step.KONZEPTION, basis=basis))
        assert form(application, Step.KONZEPTION, data).basis == 0

    def test_every_error_is_told_with_the_place_it_leads_to(self, application):
        amounts = names(application, Step.FINANZIERUNG, "expenses", "amount")
        data = posted(
            sent(
                application,
                Step.FINANZIERUNG,
                **{amounts[1]: "1234.56", "vat_deductible": "vielleicht"},
            )
        )
        bound = form(application, Step.FINANZIERUNG, data)
        assert not bound.is_valid()
        assert [(p.href, p.message) for p in bound.problems()] == [
            (
                f"#id_{amounts[1]}",
                "Ausgabe 2, Betrag – Bitte geben Sie den Betrag mit Komma ein, "
                "zum Beispiel 1234,56.",
            ),
            (
                "#id_vat_deductible_0",
                "Sind Sie für diese Maßnahme zum Vorsteuerabzug berechtigt? – "
                f"{fields.NO_SUCH_CHOICE}",
            ),
        ]


@pytest.mark.django_db
class TestRows:
    @pytest.fixture
    def application(self) -> Application:
        return world.draft(world.build())

    def test_a_blank_row_has_its_id_already_and_is_dropped(self, application):
        rows = form(application, Step.BETEILIGUNG).rows["formats"]
        assert [row.is_blank for row in rows.forms] == [True]
        bound = form(application, Step.BETEILIGUNG, posted(sent(application, Step.BETEILIGUNG)))
        assert bound.is_valid()
        assert bound.step_data()["formats"] == []

    def test_the_same_post_twice_is_the_same_row(self, application):
        row_id = str(uuid.uuid4())
        data = posted(
            {"basis": "0", "formats": [row_id, row_id], f"formats-{row_id}-name": "Werkstatt"}
        )
        bound = form(application, Step.BETEILIGUNG, data)
        assert bound.is_valid()
        assert [row["id"] for row in bound.step_data()["formats"]] == [row_id]

    def test_what_is_no_id_is_left_out(self, application):
        data = posted({"basis": "0", "formats": ["1", "", "x'; --"], "formats-1-name": "x"})
        bound = form(application, Step.BETEILIGUNG, data)
        assert bound.is_valid()
        assert bound.step_data()["formats"] == []

    def test_too_many_rows_are_refused_in_words(self, application):
        ids = [str(uuid.uuid4()) for _ in range(MOST_ROWS + 5)]
        data = posted(
            {"basis": "0", "formats": ids, **{f"formats-{one}-name": "Werkstatt" for one in ids}}
        )
        bound = form(application, Step.BETEILIGUNG, data)
        assert not bound.is_valid()
        assert [(p.href, p.message) for p in bound.problems()] == [
            (
                "#formats",
                "Mehr als 60 Zeilen sind nicht möglich. Bitte fassen Sie Zeilen zusammen.",
            )
        ]

    def test_a_row_added_keeps_all_that_was_typed(self, application):
        data = sent(application, Step.BETEILIGUNG)
        [name] = [key for key in data if key.endswith("-name")]
        bound = form(application, Step.BETEILIGUNG, posted({**data, name: "Werkstatt"}))
        bound.rows["formats"].add()
        assert [row["name"].value() for row in bound.rows["formats"].forms] == ["Werkstatt", None]
        assert [row.focus for row in bound.rows["formats"].forms] == [False, True]

    def test_the_years_of_the_period_are_on_offer_and_those_in_use(self):
        w = world.build()
        application = world.filled(w)
        world.save(application, Step.ZEITPLAN, {"starts_on": "2029-01-01", "months": 12}, w.clerk)
        application.refresh_from_db()
        row = form(application, Step.FINANZIERUNG).rows["expenses"].forms[0]
        assert row.fields["year"].choices == [
            ("2027", "2027"),
            ("2028", "2028"),
            ("2029", "2029"),
        ]

    def test_without_a_period_the_coming_years_are_on_offer(self, application):
        row = form(application, Step.FINANZIERUNG).rows["expenses"].forms[0]
        assert [year for year, _ in row.fields["year"].choices] == ["2026", "2027", "2028"]

    def test_a_year_that_is_no_longer_on_offer_is_not_lost(self, application):
        row_id = str(uuid.uuid4())
        data = posted(
            {
                "basis": "0",
                "expenses": row_id,
                f"expenses-{row_id}-year": "2031",
                f"expenses-{row_id}-category": "moderation",
                f"expenses-{row_id}-amount": "1.000",
            }
        )
        bound = form(application, Step.FINANZIERUNG, data)
        assert bound.is_valid()
        assert bound.step_data()["expenses"] == [
            {
                "id": row_id,
                "year": 2031,
                "category": "moderation",
                "text": "",
                "amount": "1000.00",
                "eligible": False,
            }
        ]

    def test_in_a_verbund_every_member_has_a_line_for_its_own_money(self):
        w = world.build()
        application = world.draft(w)
        world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
        world.save(application, Step.ZEITPLAN, {"starts_on": "2027-01-01", "months": 12}, w.clerk)
        application.refresh_from_db()
        rows = form(application, Step.FINANZIERUNG).rows["cover"].forms
        assert [(r["kind"].value(), r["municipality"].value()) for r in rows] == [
            ("own", w.town.ags),
            ("own", w.small.ags),
            ("grant", None),
        ]

    def test_everybody_who_writes_at_once_writes_into_the_same_row_of_an_adoption(
        self, application
    ):
        first, second = (form(application, Step.ZEITPLAN).rows["adoptions"] for _ in range(2))
        assert [r.row_id for r in first.forms] == [r.row_id for r in second.forms]

    def test_the_plan_is_stored_by_year(self, application):
        ids = sorted(str(uuid.uuid4()) for _ in range(3))
        data: dict[str, Any] = {"basis": "0", "expenses": ids}
        for row_id, year in zip(ids, ("2028", "2026", "2027"), strict=True):
            data |= {
                f"expenses-{row_id}-year": year,
                f"expenses-{row_id}-category": "other",
                f"expenses-{row_id}-text": year,
            }
        bound = form(application, Step.FINANZIERUNG, posted(data))
        assert bound.is_valid()
        assert [row["year"] for row in bound.step_data()["expenses"]] == [2026, 2027, 2028]


class TestSettlement:
    def test_a_choice_takes_the_other_text_and_leaves_the_rest(self):
        settled = conflict.Settlement(
            posted(
                {
                    "strittig": ["title", "goals"],
                    "fassung:title": "andere",
                    "fassung:goals": "meine",
                }
            )
        )
        assert settled.is_complete
        data = {"title": "mein Titel", "goals": "meine Ziele", "summary": "kurz"}
        assert settled.apply(data, {}) == {"goals": "meine Ziele", "summary": "kurz"}

    @pytest.mark.parametrize(
        ("saved", "result"),
        [
            ([{"id": "a", "text": "ihre"}], [{"id": "a", "text": "ihre"}]),
            ([], []),
        ],
    )
    def test_the_other_row_is_taken_or_gone(self, saved, result):
        settled = conflict.Settlement(
            posted({"strittig": "milestones:a", "fassung:milestones:a": "andere"})
        )
        data = {"milestones": [{"id": "a", "text": "meine"}]}
        assert settled.apply(data, {"milestones": saved}) == {"milestones": result}

    def test_a_row_i_had_removed_comes_back_at_the_end(self):
        settled = conflict.Settlement(
            posted({"strittig": "milestones:a", "fassung:milestones:a": "andere"})
        )
        saved = {"milestones": [{"id": "a", "text": "ihre"}]}
        assert settled.apply({"milestones": [{"id": "b", "text": "b"}]}, saved) == {
            "milestones": [{"id": "b", "text": "b"}, {"id": "a", "text": "ihre"}]
        }

    def test_a_field_without_a_choice_is_not_settled(self):
        settled = conflict.Settlement(
            posted({"strittig": ["title", "goals"], "fassung:title": "x"})
        )
        assert settled.chosen == {}
        assert not settled.is_complete

    @pytest.mark.parametrize(
        ("key", "value", "text"),
        [
            ("title", "", "–"),
            ("starts_on", "2027-03-01", "01.03.2027"),
            ("vat_deductible", False, "Nein"),
            ("milestones:a", None, "Zeile entfernt"),
            ("milestones:a", {"text": "Auftakt", "due_on": None}, "Auftakt · bis –"),
            (
                "adoptions:a",
                {"municipality": "06431901", "body": "Rat", "planned_on": "2028-03-01"},
                "Musterstadt · Rat · 01.03.2028",
            ),
            (
                "expenses:a",
                {
                    "year": 2027,
                    "category": "other",
                    "text": "Druck",
                    "amount": "1234.50",
                    "eligible": False,
                },
                "2027 · Sonstiges · Druck · 1.234,50 € · nicht zuwendungsfähig",
            ),
            (
                "cover:a",
                {
                    "year": 2027,
                    "kind": "own",
                    "text": "",
                    "amount": None,
                    "municipality": "06431901",
                },
                "2027 · Eigenmittel · Musterstadt · ohne Betrag",
            ),
            (
                "formats:a",
                {
                    "name": "Werkstatt",
                    "reaches": "",
                    "when": "Herbst",
                    "how_many": "zwei",
                    "barriers": "",
                },
                "Werkstatt · Herbst · zwei",
            ),
            (
                "cooperations:a",
                {"municipality": "06431901", "contribution": "Räume"},
                "Musterstadt · Räume",
            ),
        ],
    )
    def test_both_texts_are_said_in_words(self, key, value, text):
        assert conflict.in_words(key, value, {"06431901": "Musterstadt"}) == text


@pytest.mark.django_db
def test_no_text_in_a_row_is_longer_than_a_cell_can_show() -> None:
    w = world.build()
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    limits = {
        f"{part}.{name}": field.max_length
        for step in FORMS
        for part, rows in form(application, step).rows.items()
        for name, field in rows.forms[0].fields.items()
        if isinstance(field, fields.TextField)
    }
    assert limits == {
        "cooperations.contribution": fields.LONGEST_ROW_TEXT,
        "formats.name": 200,
        "formats.reaches": 300,
        "formats.when": 100,
        "formats.how_many": 100,
        "formats.barriers": 500,
        "milestones.text": 300,
        "adoptions.body": 200,
        "expenses.text": 300,
        "cover.text": 300,
    }


class TestSmallForms:
    def test_one_partner_more_stands_on_what_the_page_showed(self):
        data = posted({"basis": "3", "partner": ["06431001"], "hinzufuegen": "06431002"})
        asked = PartnersForm(data)
        assert asked.is_valid()
        assert asked.basis == 3
        assert asked.step_data() == {"partners": ["06431001", "06431002"]}

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"hinzufuegen": "x"},
            {"hinzufuegen": "06431002", "entfernen": "06431001"},
            {"hinzufuegen": "06431002", "partner": [f"064310{n}" for n in range(10, 30)]},
        ],
    )
    def test_what_is_no_change_of_partners_is_refused(self, data):
        assert not PartnersForm(posted(data)).is_valid()

    def test_a_cooperation_is_somebodys(self):
        data = posted({"art": "cooperation", "kommune": ""})
        asked = DocumentForm(data, {}, partners=[("06431903", "Kleinheim")], hint="")
        assert asked.errors == {
            "datei": ["Bitte wählen Sie eine Datei aus."],
            "kommune": ["Bitte wählen Sie, von welcher Kommune die Kooperationserklärung ist."],
        }

    def test_findings_are_confirmed_by_a_tick_and_a_reason_may_be_given(self):
        data = posted({"bestaetigung": "key", "grund": " weil \r\n so "})
        asked = SubmitForm(data, key="key", to_confirm=True)
        assert list(asked.errors) == ["trotzdem"]
        asked = SubmitForm(posted({**data.dict(), "trotzdem": "on"}), key="key", to_confirm=True)
        assert asked.is_valid()
        assert (asked.confirmed, asked.reason) == ("key", "weil \n so")

    def test_whoever_files_confirms_the_own_authority(self):
        data = {"bestaetigung": ""}
        asked = SubmitForm(posted(data), key="", to_confirm=False, applicant="Musterstadt")
        assert list(asked.errors) == ["befugt"]
        data["befugt"] = "on"
        asked = SubmitForm(posted(data), key="", to_confirm=False, applicant="Musterstadt")
        assert asked.is_valid()

    def test_where_nothing_is_to_be_confirmed_nothing_is_asked(self):
        asked = SubmitForm(posted({"bestaetigung": ""}), key="", to_confirm=False)
        assert asked.is_valid()
        assert list(asked.fields) == ["bestaetigung", "vorgang"]

    @pytest.mark.django_db
    def test_a_single_choice_is_made_already(self):
        w = world.build()
        start = StartForm(calls=[(w.call, "ohne Frist")], municipalities=[w.town])
        assert start["aufruf"].value() == str(w.call.pk)
        assert start["kommune"].value() == w.town.ags
        both = StartForm(
            calls=[(w.call, "ohne Frist")],
            municipalities=[w.town, w.small],
            preselected=w.small.ags,
        )
        assert both["kommune"].value() == w.small.ags

    @pytest.mark.django_db
    def test_a_municipality_that_is_not_mine_is_no_choice(self):
        w = world.build()
        data = posted({"aufruf": str(w.call.pk), "kommune": w.other_town.ags})
        asked = StartForm(data, calls=[(w.call, "ohne Frist")], municipalities=[w.town])
        assert asked.errors == {"kommune": [fields.NO_SUCH_CHOICE]}

    @pytest.mark.django_db
    def test_a_sheet_is_enough_to_build_every_form(self):
        application = world.draft(world.build())
        for step, form_class in FORMS.items():
            assert form_class(sheet=sheet(application, step)).step is step
