"""The crispy pack `kern`: every widget labelled, described, grouped and reachable."""

from typing import Any

import lxml.html
import pytest
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Button, ButtonHolder, Column, Div, Fieldset, Layout, Row, Submit
from crispy_forms.utils import render_crispy_form
from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.template import Context, Template

from kiv_portal.templatetags import kern

CHOICES = [("a", "Dorfplatzgespräche"), ("b", "Umfrage")]


class EuroInput(forms.TextInput):
    suffix = "€"


class StoredFile:
    """What a model's file field gives a form for a file that is there."""

    url = "/antraege/1/anlagen/1/"

    def __str__(self) -> str:
        return "konzeption.pdf"


class EveryWidget(forms.Form):
    title = forms.CharField(label="Titel", help_text="Höchstens 200 Zeichen.")
    email = forms.EmailField(
        label="E-Mail", required=False, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    amount = forms.CharField(label="Betrag", widget=EuroInput(attrs={"inputmode": "decimal"}))
    start = forms.DateField(label="Beginn", help_text="TT.MM.JJJJ")
    text = forms.CharField(label="Ausgangslage", widget=forms.Textarea)
    kind = forms.ChoiceField(label="Art", choices=[("", "Bitte wählen"), *CHOICES])
    several = forms.MultipleChoiceField(label="Mehrere", choices=CHOICES, required=False)
    household = forms.ChoiceField(
        label="Haushaltslage", choices=CHOICES, widget=forms.RadioSelect, help_text="Stand heute"
    )
    formats = forms.MultipleChoiceField(
        label="Formate", choices=CHOICES, widget=forms.CheckboxSelectMultiple
    )
    agreed = forms.BooleanField(label="Ich darf vertreten", help_text="§ 71 HGO")
    concept = forms.FileField(label="Konzeption")
    annex = forms.FileField(label="Anlage", required=False)
    day = forms.SplitDateTimeField(label="Termin", required=False)
    revision = forms.CharField(widget=forms.HiddenInput, required=False)


Page = lxml.html.HtmlElement


def parsed(shown: str) -> Page:
    return lxml.html.document_fromstring(f"<!DOCTYPE html><html><body>{shown}</body></html>")


def page(form: forms.Form, helper: FormHelper | None = None) -> Page:
    # A helper without a layout is falsy.
    return parsed(render_crispy_form(form, FormHelper() if helper is None else helper))


@pytest.fixture
def empty() -> Page:
    return page(EveryWidget(initial={"annex": StoredFile()}))


@pytest.fixture
def wrong() -> Page:
    return page(EveryWidget(data={}, initial={"annex": StoredFile()}))


def by_id(page: Page, name: str) -> Page:
    found = page.xpath("//*[@id=$id]", id=name)
    assert len(found) == 1, f"#{name} stands {len(found)} times"
    return found[0]


def visible_controls(page: Page) -> list[Page]:
    return page.xpath("//input[not(@type='hidden')] | //select | //textarea")


def text(element: Page) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize("state", ["empty", "wrong"])
def test_every_control_has_a_name(state: str, request: pytest.FixtureRequest) -> None:
    shown = request.getfixturevalue(state)
    controls = visible_controls(shown)
    assert len(controls) == 17
    for control in controls:
        labels = shown.xpath("//label[@for=$id]", id=control.get("id"))
        assert len(labels) == 1 or control.get("aria-label"), control.get("name")


@pytest.mark.parametrize("state", ["empty", "wrong"])
def test_ids_are_unique_and_descriptions_exist(state: str, request: pytest.FixtureRequest) -> None:
    shown = request.getfixturevalue(state)
    ids = shown.xpath("//@id")
    assert sorted(ids) == sorted(set(ids))
    for description in shown.xpath("//@aria-describedby"):
        assert set(description.split()) <= set(ids)


def test_hints_and_errors_describe_their_control(wrong: Page) -> None:
    assert by_id(wrong, "id_title").get("aria-describedby") == "id_title_helptext id_title_error"
    assert text(by_id(wrong, "id_title_helptext")) == "Höchstens 200 Zeichen."
    assert text(by_id(wrong, "id_title_error")) == "Fehler: Dieses Feld ist zwingend erforderlich."
    assert by_id(wrong, "id_agreed").get("aria-describedby") == (
        "id_agreed_helptext id_agreed_error"
    )


def test_only_wrong_controls_are_invalid(empty: Page, wrong: Page) -> None:
    assert empty.xpath("//@aria-invalid") == []
    assert by_id(wrong, "id_title").get("aria-invalid") == "true"
    assert by_id(wrong, "id_email").get("aria-invalid") is None
    assert "kern-form-input__input--error" in by_id(wrong, "id_title").get("class")


@pytest.mark.parametrize(("name", "box"), [("household", "radio"), ("formats", "checkbox")])
def test_groups_are_fieldsets_with_a_legend(wrong: Page, name: str, box: str) -> None:
    group = by_id(wrong, f"div_id_{name}")
    assert group.tag == "fieldset"
    assert text(group[0]) == EveryWidget.base_fields[name].label
    assert group[0].tag == "legend"
    assert f"id_{name}_error" in group.get("aria-describedby").split()
    assert [text(label) for label in group.xpath(".//label")] == [label for _, label in CHOICES]
    for option in group.xpath(".//input"):
        assert option.get("type") == box
        assert f"kern-form-check__{box}" in option.get("class").split()


def test_optional_fields_say_so_and_required_ones_say_nothing(empty: Page) -> None:
    (email,) = empty.xpath("//label[@for='id_email']")
    (title,) = empty.xpath("//label[@for='id_title']")
    (agreed,) = empty.xpath("//label[@for='id_agreed']")
    assert text(email) == "E-Mail (freiwillig)"
    assert text(title) == "Titel"
    assert text(agreed) == "Ich darf vertreten"
    assert "*" not in empty.text_content()


def test_the_summary_links_to_every_wrong_control(wrong: Page) -> None:
    (summary,) = wrong.xpath("//*[@role='alert']")
    links = {link.get("href"): text(link) for link in summary.xpath(".//a")}
    assert links == {
        f"#{target}": f"{label} – Dieses Feld ist zwingend erforderlich."
        for target, label in (
            ("id_title", "Titel"),
            ("id_amount", "Betrag"),
            ("id_start", "Beginn"),
            ("id_text", "Ausgangslage"),
            ("id_kind", "Art"),
            ("id_household_0", "Haushaltslage"),
            ("id_formats_0", "Formate"),
            ("id_agreed", "Ich darf vertreten"),
            ("id_concept", "Konzeption"),
        )
    }
    for target in links:
        assert by_id(wrong, target.removeprefix("#")).tag in {"input", "select", "textarea"}
    assert summary.get("tabindex") == "-1"


def test_a_form_without_errors_has_no_summary(empty: Page) -> None:
    assert empty.xpath("//*[@role='alert']") == []


def test_errors_of_the_form_as_a_whole_stand_in_the_summary() -> None:
    form = EveryWidget(data={})
    form.add_error(None, "Die Summen gehen nicht auf.")
    (summary,) = page(form).xpath("//*[@role='alert']")
    assert text(summary.xpath(".//li")[0]) == "Die Summen gehen nicht auf."


def test_money_names_its_unit(empty: Page) -> None:
    (label,) = empty.xpath("//label[@for='id_amount']")
    assert text(label) == "Betrag in €"
    group = by_id(empty, "id_amount").getparent()
    assert "kern-input-group" in group.get("class").split()
    assert text(group) == "€"


def test_a_stored_file_is_named_and_may_be_removed_where_it_is_optional(empty: Page) -> None:
    assert "Hinterlegt: konzeption.pdf" in text(by_id(empty, "div_id_annex"))
    assert by_id(empty, "id_annex_clear").get("name") == "annex-clear"
    assert by_id(empty, "id_annex").get("type") == "file"
    assert empty.xpath("//*[@id='id_concept_clear']") == []


def test_what_forms_say_about_themselves_stays(empty: Page) -> None:
    assert by_id(empty, "id_email").get("autocomplete") == "email"
    assert by_id(empty, "id_amount").get("inputmode") == "decimal"
    assert by_id(empty, "id_revision").get("type") == "hidden"


def test_a_form_posts_files_and_leaves_checking_to_the_server(empty: Page) -> None:
    (form,) = empty.xpath("//form")
    assert form.get("method") == "post"
    assert form.get("enctype") == "multipart/form-data"
    assert form.get("novalidate") is not None


def test_placeholders_do_not_stand_in_for_labels() -> None:
    class Named(forms.Form):
        name = forms.CharField(widget=forms.TextInput(attrs={"placeholder": "Name"}))

    assert page(Named()).xpath("//@placeholder") == []


def test_a_layout_becomes_sections_rows_and_buttons() -> None:
    helper = FormHelper()
    helper.layout = Layout(
        Fieldset("Vorhaben", "title", Row(Column("email"), Column("amount")), css_id="vorhaben"),
        Div("start", css_class="stack"),
        ButtonHolder(
            Submit("save", "Speichern"),
            Submit("next", "Weiter", css_class="kern-btn--secondary"),
            Button("cancel", "Abbrechen", css_class="kern-btn--tertiary"),
        ),
    )
    shown = page(EveryWidget(), helper)
    section = by_id(shown, "vorhaben")
    assert section.tag == "fieldset"
    assert text(section.xpath("./legend")[0]) == "Vorhaben"
    assert [control.get("name") for control in visible_controls(shown)] == [
        "title",
        "email",
        "amount",
        "start",
    ]
    buttons = shown.xpath("//button")
    assert [(button.get("name"), button.get("type"), text(button)) for button in buttons] == [
        ("save", "submit", "Speichern"),
        ("next", "submit", "Weiter"),
        ("cancel", "button", "Abbrechen"),
    ]
    assert [button.get("class").split()[-1] for button in buttons][:2] == [
        "kern-btn--primary",
        "kern-btn--secondary",
    ]


class Expense(forms.Form):
    what = forms.CharField(label="Bezeichnung")
    amount = forms.CharField(label="Betrag", widget=EuroInput)
    eligible = forms.BooleanField(label="zuwendungsfähig", required=False)


ExpenseSet = forms.formset_factory(Expense, extra=2)
ExpenseSet.row_title = "Ausgabe"
FILLED = {
    "form-TOTAL_FORMS": "2",
    "form-INITIAL_FORMS": "0",
    "form-0-what": "Moderation",
    "form-0-amount": "",
    "form-1-what": "",
    "form-1-amount": "5",
}


def test_rows_of_a_formset_are_named_groups() -> None:
    shown = page(ExpenseSet(FILLED))
    rows = shown.xpath("//fieldset")
    assert [text(row.xpath("./legend")[0]) for row in rows] == ["Ausgabe 1", "Ausgabe 2"]
    assert [(link.get("href"), text(link)) for link in shown.xpath("//*[@role='alert']//a")] == [
        ("#id_form-0-amount", "Ausgabe 1 – Betrag: Dieses Feld ist zwingend erforderlich."),
        ("#id_form-1-what", "Ausgabe 2 – Bezeichnung: Dieses Feld ist zwingend erforderlich."),
    ]
    assert by_id(shown, "id_form-TOTAL_FORMS").get("value") == "2"


def test_a_formset_as_a_table_names_every_cell() -> None:
    helper = FormHelper()
    helper.template = "kern/table_inline_formset.html"
    shown = page(ExpenseSet(FILLED), helper)
    assert [text(head) for head in shown.xpath("//th[@scope='col']")] == [
        "Bezeichnung",
        "Betrag in €",
        "zuwendungsfähig",
    ]
    labels = {label.get("for"): text(label) for label in shown.xpath("//label")}
    assert labels["id_form-1-amount"] == "Betrag in €, Ausgabe 2"
    assert len(labels) == 6
    (region,) = shown.xpath("//section[@class='scroll']")
    assert region.get("tabindex") == "0"
    assert region.get("aria-label")


def render(source: str, **context: Any) -> Page:
    shown = Template("{% load crispy_forms_tags kern %}" + source).render(Context(context))
    return parsed(shown)


def test_filters_draw_a_form_and_a_single_field() -> None:
    whole = render("{{ form|crispy }}", form=EveryWidget(data={}))
    assert len(whole.xpath("//*[@role='alert']")) == 1
    assert whole.xpath("//form") == []
    single = render("{{ form.title|as_crispy_field }}", form=EveryWidget())
    assert [control.get("name") for control in visible_controls(single)] == ["title"]


def test_a_notice_has_a_tone_a_heading_and_speaks_up_only_when_asked() -> None:
    quiet = render('{% notice "warning" title="Frist" level=3 %}<p>Bald.</p>{% endnotice %}')
    (box,) = quiet.xpath("//*[contains(@class, 'kern-alert--warning')]")
    assert box.get("role") is None
    assert [text(heading) for heading in box.xpath(".//h3")] == ["Frist"]
    loud = render('{% notice "danger" title="Halt" live=True %} {% endnotice %}')
    (box,) = loud.xpath("//*[@role='alert']")
    assert text(box) == "Halt"
    assert box.xpath(".//h2") == []
    with pytest.raises(Exception, match="unknown tone"):
        render('{% notice "pink" title="Nein" %}{% endnotice %}')


def test_a_browser_is_named_as_people_know_it() -> None:
    gecko = "Mozilla/5.0 ({}) Gecko/20100101 Firefox/140.0"
    webkit = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) {}Safari/537.36"
    named = {
        gecko.format("Windows NT 10.0; Win64; x64; rv:140.0"): "Firefox auf Windows",
        webkit.format("X11; Linux x86_64", "Chrome/140.0 "): "Chrome auf Linux",
        webkit.format("Linux; Android 15", "Chrome/140.0 Mobile "): "Chrome auf Android",
        webkit.format("Windows NT 10.0", "Chrome/140.0 ") + " Edg/140.0": "Edge auf Windows",
        webkit.format("Macintosh; Intel Mac OS X 10_15", "Version/18 "): "Safari auf Mac",
        webkit.format("iPhone; CPU iPhone OS 18_0 like Mac OS X", ""): "Safari auf iPhone",
        "curl/8.0": "Unbekannter Browser",
        "": "Unbekannter Browser",
    }
    assert {sign: kern.browser_name(sign) for sign in named} == named


@pytest.mark.parametrize("widget", [forms.TextInput, forms.CheckboxInput])
def test_a_help_text_is_text_unless_its_maker_marked_it_as_html(widget: Any) -> None:
    form_class = type(
        "F",
        (forms.Form,),
        {
            "plain": forms.CharField(help_text="<script>1 & 2</script>", widget=widget),
            "rules": forms.CharField(help_text=password_validators_help_text_html(), widget=widget),
        },
    )
    page = render_crispy_form(form_class())
    assert "&lt;script&gt;1 &amp; 2&lt;/script&gt;" in page
    assert "<ul><li>" in page
