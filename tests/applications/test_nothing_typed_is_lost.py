"""Nothing typed is lost: refused inputs are told beside their field, no button takes the rest.

Refused is what PROGRAMME §§ 3 to 5 refuse, each at its own page.
"""

from __future__ import annotations

import uuid
from typing import Any

import lxml.html
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from applications.forms import fields
from applications.models import Application, Revision
from applications.rules import Step
from applications.services import read_step
from tests import world
from tests.applications.pages import form, place, sent, signed_in
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

AMOUNT = ", zum Beispiel 1234,56."
WITH_COMMA = f"Bitte geben Sie den Betrag mit Komma ein{AMOUNT}"
TWO_DECIMALS = (
    f"Bitte geben Sie höchstens zwei Stellen nach dem Komma ein{AMOUNT} "
    "Tausender trennen Sie mit einem Punkt oder gar nicht."
)
DIGITS = (
    "Bitte geben Sie den Betrag nur mit den Ziffern 0 bis 9 und einem Komma ein, "
    "zum Beispiel 1234,56 oder 1.234,56."
)
TOO_HIGH = "Bitte geben Sie einen Betrag bis höchstens 99.999.999,99 € ein."
NO_MINUS = "Bitte geben Sie einen Betrag ohne Minuszeichen ein."
DAY = "Bitte geben Sie das Datum als TT.MM.JJJJ ein, zum Beispiel 01.03.2027."
YEAR = "Bitte prüfen Sie das Jahr. Möglich sind die Jahre 2020 bis 2050."
MONTHS = "Bitte geben Sie die Dauer in ganzen Monaten mit den Ziffern 0 bis 9 ein, zum Beispiel 15."
MONTHS_RANGE = "Bitte geben Sie eine Dauer von 1 bis 60 Monaten ein."
MAIL = (
    "Bitte geben Sie eine vollständige E-Mail-Adresse ein, zum Beispiel integration@musterstadt.de."
)
NO_DAY = "Den 30.02.2028 gibt es nicht. Bitte prüfen Sie das Datum."
POSTCODE = "Bitte geben Sie die Postleitzahl mit fünf Ziffern ein, zum Beispiel 64283."
PHONE = "Bitte geben Sie eine Telefonnummer ein, zum Beispiel 06151 12-3456."
STATEMENT = "Bitte vergleichen Sie sie mit einem Kontoauszug."
IBAN = (
    "Eine IBAN besteht aus zwei Buchstaben für das Land und danach aus Ziffern, zum Beispiel "
    f"DE89 3704 0044 0532 0130 00. {STATEMENT}"
)
CHOICE = "Bitte wählen Sie eine der angebotenen Möglichkeiten."

K, A, Z, F, E = (
    Step.KONZEPTION,
    Step.ANSPRECHPARTNER,
    Step.ZEITPLAN,
    Step.FINANZIERUNG,
    Step.ERKLAERUNGEN,
)

REFUSED: list[tuple[Step, str, str, str]] = [
    # § 4: periods and days
    (Z, "starts_on", "1.3.27", DAY),
    (Z, "starts_on", "März 2027", DAY),
    (Z, "starts_on", "03/01/2027", DAY),
    (Z, "starts_on", "１.3.2027", DAY),
    (Z, "starts_on", "31.02.2027", "Den 31.02.2027 gibt es nicht. Bitte prüfen Sie das Datum."),
    (Z, "starts_on", "01.03.1927", YEAR),
    (Z, "months", "1,5", MONTHS),
    (Z, "months", "anderthalb Jahre", MONTHS),
    (Z, "months", "-12", MONTHS),
    (Z, "months", "0", MONTHS_RANGE),
    (Z, "months", "61", MONTHS_RANGE),
    (Z, "milestones/due_on", "bald", DAY),
    (Z, "milestones/due_on", "30.02.2028", NO_DAY),
    (Z, "adoptions/planned_on", "im Herbst", DAY),
    (Z, "adoptions/planned_on", "01.01.2051", YEAR),
    # § 5: amounts
    (F, "expenses/amount", "1234.56", WITH_COMMA),
    (F, "expenses/amount", "1.23", WITH_COMMA),
    (F, "expenses/amount", "1,234.56", WITH_COMMA),
    (F, "expenses/amount", "12.34,5", DIGITS),
    (F, "expenses/amount", "1e3", DIGITS),
    (F, "expenses/amount", "1_000", DIGITS),
    (F, "expenses/amount", "１２３", DIGITS),
    (F, "expenses/amount", "NaN", DIGITS),
    (F, "expenses/amount", "Infinity", DIGITS),
    (F, "expenses/amount", "1,234", TWO_DECIMALS),
    (F, "expenses/amount", "-5,00", NO_MINUS),
    (F, "expenses/amount", "100.000.000", TOO_HIGH),
    (F, "cover/amount", "99.999.999,999", TWO_DECIMALS),
    (F, "cover/amount", "99999999999", TOO_HIGH),
    (F, "cover/amount", "-1", NO_MINUS),
    # § 5: choices, which only a forged or old page sends otherwise
    (F, "expenses/year", "1999", CHOICE),
    (F, "expenses/category", "yacht", CHOICE),
    (F, "cover/kind", "lottery", CHOICE),
    (F, "cover/municipality", "06999999", CHOICE),
    (F, "vat_deductible", "vielleicht", CHOICE),
    (F, "budget_situation", "rosig", CHOICE),
    (E, "other_funding", "weiß nicht", CHOICE),
    (K, "procurement_way", "Losentscheid", CHOICE),
    # what the same form refuses besides
    (A, "contact_email", "integration(at)musterstadt.de", MAIL),
    (A, "finance_email", "kämmerei", MAIL),
    (A, "contact_phone", "keins", PHONE),
    (A, "finance_phone", "1", PHONE),
    (A, "postal_code", "6428", POSTCODE),
    (A, "iban", "Konto 12345", IBAN),
    (A, "iban", "XX89 3704 0044 0532 0130 00", f"Mit „XX“ beginnt keine IBAN. {STATEMENT}"),
    (
        A,
        "iban",
        "DE89 3704 0044 0532 0130",
        f"Eine IBAN, die mit DE beginnt, hat 22 Stellen, diese hat 20. {STATEMENT}",
    ),
    (
        A,
        "iban",
        "DE98 3704 0044 0532 0130 00",
        "Die Prüfziffern dieser IBAN passen nicht zu den übrigen Stellen. Vermutlich ist eine "
        f"Ziffer vertauscht oder vergessen. {STATEMENT}",
    ),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def clerk(w: world.World) -> Client:
    return signed_in(w.clerk)


@pytest.fixture
def application(w: world.World) -> Application:
    """A Verbund with everything filled in."""
    filled = world.filled(w)
    return world.save(filled, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)


def name_of(application: Application, step: Step, where: str) -> str:
    """The name of an input: a field of the step, or „part/field" in the first row of a part."""
    part, _, field = where.rpartition("/")
    return form(application, step).rows[part].forms[0].add_prefix(field) if part else field


def typed(application: Application, step: Step, **refused: str) -> dict[str, Any]:
    """The whole form as a browser sends it, every free text of it written anew."""
    data = sent(application, step)
    filled = form(application, step)
    rows = (row for rows in filled.rows.values() for row in rows.forms)
    for one in (filled, *rows):
        for field in one.visible_fields():
            if type(field.field) is fields.TextField:
                data[field.html_name] = [f"Neu: {field.label}"]
    return {**data, **{name: [value] for name, value in refused.items()}}


def pressed(data: dict[str, Any], **button: str) -> dict[str, Any]:
    """The same with another button pressed: a browser sends only the one."""
    return {name: value for name, value in data.items() if name != "aktion"} | button


def flat(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values as a browser sends them, without what is no input of a person."""
    own = {"csrfmiddlewaretoken", "aktion", "siegel", "eigene"}
    values = ((name, v if isinstance(v, list) else [v]) for name, v in data.items())
    return sorted((name, value) for name, all_ in values if name not in own for value in all_)


def shown_form(page: HttpResponse, name: str) -> Any:
    """The form of the page that holds this input."""
    shown = lxml.html.document_fromstring(page.content.decode())
    return next(form for form in shown.forms if name in {i.get("name") for i in form.iter()})


def sends(shown: Any) -> dict[str, list[str]]:
    """What a browser would send of a form on the page."""
    values: dict[str, list[str]] = {}
    for field in shown.iter("input"):
        if field.get("type") not in ("checkbox", "radio") and field.get("value") is None:
            field.set("value", "")
    for name, value in shown.form_values():
        # A browser leaves out the line break after <textarea>; the parser does not.
        values.setdefault(name, []).append(value.removeprefix("\n"))
    return values


def assert_told(page: HttpResponse, name: str, message: str, *, case: Any) -> None:
    """The message stands in the input's own box, named by it, and in the summary with a link."""
    shown = lxml.html.document_fromstring(page.content.decode())
    inputs = [i for i in shown.iter("input", "select", "textarea") if i.get("name") == name]
    assert inputs, case
    box = next(one for one in inputs[0].iterancestors() if (one.get("id") or "").startswith("div_"))
    holder = box if box.tag == "fieldset" else inputs[0]
    described = [box.find(f".//*[@id='{key}']") for key in holder.get("aria-describedby").split()]
    error = described[-1]
    assert error.get("id") == f"{box.get('id').removeprefix('div_')}_error", case
    assert " ".join(error.text_content().split()) == f"Fehler: {message}", case
    assert {i.get("aria-invalid") for i in inputs} == {"true"}, case
    [summary] = shown.find_class("error-summary")
    links = {link.get("href"): link.text_content() for link in summary.iter("a")}
    assert links[f"#{inputs[0].get('id')}"].endswith(f" – {message}"), case
    assert shown.find(".//title").text.strip().startswith("Fehler: "), case


def test_every_refused_input_is_told_beside_its_field_and_all_else_is_kept(clerk, application):
    before = {step: read_step(application, step) for step in Step}
    revisions = Revision.objects.count()
    for step, where, value, message in REFUSED:
        case = (step, where, value)
        name = name_of(application, step, where)
        data = typed(application, step, **{name: value})
        page = clerk.post(place(application, f"{step}/"), data)
        assert page.status_code == 200, case
        assert_told(page, name, message, case=case)
        posted, kept = flat(data), flat(sends(shown_form(page, name)))
        if message == CHOICE:  # what nobody offered cannot be shown as chosen
            posted = [pair for pair in posted if pair[0] != name]
            kept = [pair for pair in kept if pair[0] != name]
        assert kept == posted, case
    assert {step: read_step(application, step) for step in Step} == before
    assert Revision.objects.count() == revisions


def test_every_text_says_beside_itself_that_it_is_too_long(clerk, application):
    for step in (Step.KOMMUNE, A, K, Step.BETEILIGUNG, Z, F, E):
        filled = form(application, step)
        rows = (row for rows in filled.rows.values() for row in rows.forms)
        texts = {
            field.html_name: field.field.max_length
            for one in (filled, *rows)
            for field in one.visible_fields()
            if isinstance(field.field, fields.TextField) and field.name != "iban"
        }
        data = typed(application, step, **{name: "9" * (most + 1) for name, most in texts.items()})
        page = clerk.post(place(application, f"{step}/"), data)
        for name, most in texts.items():
            message = (
                f"Bitte kürzen Sie den Text auf höchstens {most} Zeichen. "
                f"Im Augenblick sind es {most + 1}."
            )
            assert_told(page, name, message, case=(step, name))
        assert flat(sends(shown_form(page, next(iter(texts))))) == flat(data), step


def test_more_rows_than_a_part_takes_are_told_at_the_part_and_none_is_cut_off(clerk, application):
    for step, part in ((Z, "milestones"), (F, "expenses"), (Step.BETEILIGUNG, "formats")):
        data = typed(application, step)
        [key, *_] = data[part]
        extra = [str(uuid.uuid4()) for _ in range(80)]
        for one in extra:
            data |= {
                n.replace(key, one): v for n, v in data.items() if n.startswith(f"{part}-{key}")
            }
        data[part] = [*data[part], *extra]
        for button in ({}, {"zeile_hinzufuegen": part}):
            page = clerk.post(
                place(application, f"{step}/"), pressed(data, **button) if button else data
            )
            shown = lxml.html.document_fromstring(page.content.decode())
            group = shown.get_element_by_id(part)
            error = shown.get_element_by_id(group.get("aria-describedby"))
            assert " ".join(error.text_content().split()) == (
                "Fehler: Mehr als 60 Zeilen sind nicht möglich. Bitte fassen Sie Zeilen zusammen."
            )
            [summary] = shown.find_class("error-summary")
            assert [link.get("href") for link in summary.iter("a")] == [f"#{part}"]
            assert flat(sends(shown_form(page, part))) == flat(data)


def test_what_a_search_for_a_partner_refuses_stands_beside_its_field(w, clerk, application):
    name = name_of(application, Step.KOMMUNE, "cooperations/contribution")
    for text, message in (
        (" ", "Bitte geben Sie den Namen oder den Gemeindeschlüssel einer Kommune ein."),
        ("Muster", "Musterstadt ist die antragstellende Kommune."),
        ("06431903", "Kleinheim ist schon Partnerkommune."),
        (
            "Frankfurt an der Oder",
            "Zu „Frankfurt an der Oder“ gibt es keine hessische Kommune. Bitte prüfen Sie die "
            "Schreibweise; ein Teil des Namens genügt.",
        ),
    ):
        data = typed(application, Step.KOMMUNE) | {"suche": text, "aktion": "suchen"}
        page = clerk.post(place(application, "kommune/"), data)
        assert_search_refused(page, message)
        assert f"Neu: {fields_label(page, name)}" in sends(shown_form(page, name))[name]
    for key, message in (
        (w.town.ags, "Musterstadt ist die antragstellende Kommune."),
        (
            "99999999",
            "Diese Kommune gibt es im Gemeindeverzeichnis nicht. Bitte suchen Sie sie noch einmal.",
        ),
        (
            "Hanau",
            "Diese Änderung war nicht möglich. Bitte wählen Sie die Kommune noch einmal.",
        ),
    ):
        data = pressed(typed(application, Step.KOMMUNE), hinzufuegen=key, partner=w.small.ags)
        page = clerk.post(place(application, "kommune/"), data)
        assert_search_refused(page, message)
        assert sends(shown_form(page, name))[name] == data[name]
    assert read_step(application, Step.KOMMUNE)["partners"] == [w.small.ags]


def fields_label(page: HttpResponse, name: str) -> str:
    shown = lxml.html.document_fromstring(page.content.decode())
    [field] = [one for one in shown.iter("textarea") if one.get("name") == name]
    [label] = [one for one in shown.iter("label") if one.get("for") == field.get("id")]
    return str(label.text_content()).strip().removesuffix(" (freiwillig)")


def assert_search_refused(page: HttpResponse, message: str) -> None:
    shown = lxml.html.document_fromstring(page.content.decode())
    search = shown.get_element_by_id("suche")
    hint, error = search.get("aria-describedby").split()
    assert (hint, search.get("aria-invalid")) == ("suche_hinweis", "true")
    said = " ".join(shown.get_element_by_id(error).text_content().split())
    assert said == f"Fehler: {message}"
    assert shown.find(".//title").text.strip().startswith("Fehler: ")


def test_what_is_refused_beside_a_file_keeps_the_other_choices(w, clerk, application):
    again = (
        "Bitte wählen Sie noch einmal aus: „Plan.pdf“. Ein Browser behält gewählte Dateien nicht, "
        "wenn die Seite neu geladen wird."
    )
    for data, told in (
        (
            {"art": "", "kommune": w.small.ags, "datei": b"x"},
            {
                "art": "Bitte wählen Sie, um welche Art von Unterlage es sich handelt.",
                "datei": again,
            },
        ),
        (
            {"art": "cooperation", "kommune": "", "datei": b"x"},
            {
                "kommune": "Bitte wählen Sie, von welcher Kommune die Kooperationserklärung ist.",
                "datei": again,
            },
        ),
        (
            {"art": "concept", "kommune": w.small.ags},
            {"datei": "Bitte wählen Sie eine Datei aus."},
        ),
        (
            {"art": "concept", "kommune": "", "datei": b""},
            {
                "datei": "„Plan.pdf“: Die Datei ist leer. Bitte wählen Sie sie noch einmal aus.",
            },
        ),
    ):
        sent_ = {
            name: SimpleUploadedFile("Plan.pdf", value) if isinstance(value, bytes) else value
            for name, value in data.items()
        }
        page = clerk.post(place(application, "anlagen/"), sent_)
        assert page.status_code == 200
        for name, message in told.items():
            assert_told(page, name, message, case=data)
        kept = {name: [value] for name, value in data.items() if isinstance(value, str)}
        shown = sends(shown_form(page, "art"))
        assert {name: shown[name] for name in kept} == kept
    assert application.documents.count() == 0


def test_what_is_not_confirmed_at_filing_is_told_beside_its_box(w, application):
    browser = signed_in(w.signatory)
    shown = sends(shown_form(browser.get(place(application, "pruefen/")), "befugt"))
    data = {name: values for name, values in shown.items() if name != "csrfmiddlewaretoken"}
    data |= {"grund": ["Die Erklärung von Kleinheim folgt."]}
    for ticked, told in (
        (
            {},
            {
                "trotzdem": "Bitte bestätigen Sie, dass Sie den Antrag trotz der Hinweise "
                "einreichen, oder ändern Sie die Angaben.",
                "befugt": "Bitte bestätigen Sie, dass Sie befugt sind, diesen Antrag einzureichen.",
            },
        ),
        (
            {"trotzdem": ["on"]},
            {"befugt": "Bitte bestätigen Sie, dass Sie befugt sind, diesen Antrag einzureichen."},
        ),
    ):
        page = browser.post(place(application, "einreichen/"), data | ticked)
        for name, message in told.items():
            assert_told(page, name, message, case=ticked)
        assert flat(sends(shown_form(page, "befugt"))) == flat(data | ticked)
    application.refresh_from_db()
    assert application.is_draft


def test_no_button_that_adds_or_removes_loses_what_is_typed_elsewhere(w, clerk, application):
    presses = 0
    for step in (Step.KOMMUNE, Step.BETEILIGUNG, Z, F):
        address = place(application, f"{step}/")
        found = clerk.post(
            address, typed(application, step) | {"aktion": "suchen", "suche": "Ander"}
        )
        opened = found if step is Step.KOMMUNE else clerk.get(address)
        shown = lxml.html.document_fromstring(opened.content.decode())
        whole = shown.get_element_by_id("eingaben")
        buttons = [
            (button.get("name"), button.get("value"))
            for button in shown.iter("button")
            if button.get("form") == "eingaben" or whole in button.iterancestors()
            if button.get("name") not in (None, "aktion")
        ]
        for name, value in buttons:
            data = pressed(typed(application, step), **{name: value})
            if step is Step.KOMMUNE:
                data["partner"] = [w.small.ags]
            before = read_step(application, step)
            page = clerk.post(address, data)
            gone = value.rpartition(":")[2] if name == "zeile_entfernen" else "-"
            if name == "entfernen":  # with it goes what it was to bring in
                assert page.status_code == 302
            else:
                kept = flat(sends(shown_form(page, "basis")))
                wanted = [
                    pair
                    for pair in flat(data)
                    if pair[0] not in (name, "partner", "suche") and gone not in "".join(pair)
                ]
                assert [pair for pair in wanted if pair not in kept] == [], (step, name)
                assert page.context["unsaved"]
            presses += 1
            after = read_step(Application.objects.get(), step)
            if step is not Step.KOMMUNE:
                assert after == before
                continue
            assert after["cooperations"] == before["cooperations"]
            partners = {"partners": [w.small.ags], "cooperations": []}
            application = world.save(application, step, partners, w.clerk)
    assert presses == 14
