"""Checks: the portal's finding confirmed or overruled, Ausgaben line by line, Beteiligung, jury."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from applications import documents, rules, services
from applications.admin import proposals, words
from applications.admin.checklists import before_moving
from applications.models import CheckItem, CheckResult, ExpenseRuling
from applications.rules import Step
from applications.services import checklists, log, snapshots
from applications.services.checklists import Allowed, Said
from kiv_portal.management.demo_cases import checklist as demo_checklist
from kiv_portal.pdf import check_structure
from tests import world
from tests.applications import pages
from tests.factories import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)
ROOT = Path(__file__).resolve().parents[2]
RULES = [
    *(ROOT / "applications/rules").glob("*.py"),
    *(ROOT / "municipalities/eligibility").glob("*.py"),
]


@pytest.fixture
def w() -> world.World:
    return world.build()


def item(w: world.World, **fields: Any) -> CheckItem:
    return CheckItem.objects.create(call=w.call, **{"text": "Die Laufzeit passt"} | fields)


def record(application: Any, by: Any, said: dict[int, Said], at: Any = NOW) -> list[CheckResult]:
    return checklists.record_checks(application=application, said=said, by=by, at=at)


def without_goals(w: world.World) -> Any:
    """A case in whose application a text is missing."""
    application = world.save(world.filled(w), Step.KONZEPTION, {"goals": ""}, w.clerk)
    return services.begin_check(
        application=world.file(application, w.signatory), by=w.reviewer, at=NOW
    )


# --- The checklist --------------------------------------------------------------------------------


def test_what_the_portal_checked_is_there_with_its_finding(w):
    complete = item(w, text="Alles ausgefüllt", findings="field_missing document_missing")
    period = item(w, text="Die Laufzeit passt", findings="period_outside_limits")
    by_hand = item(w, text="Die Person darf vertreten")
    lines = {line.item: line for line in checklists.checklist(without_goals(w))}
    assert (lines[complete].machine, "Ziele" in lines[complete].machine_text) == ("not_met", True)
    assert (lines[period].machine, lines[period].machine_text) == ("met", "Keine Beanstandung.")
    assert (lines[by_hand].machine, lines[by_hand].machine_text) == ("", "")


def test_a_finding_is_confirmed_without_a_reason_and_overruled_only_with_one(w):
    period = item(w, findings="period_outside_limits")
    criterion = item(w, kind="criterion", text="Sozialraum")
    application = world.in_check(w)
    for said in ({period.pk: Said("not_met")}, {period.pk: Said("")}, {criterion.pk: Said("met")}):
        with pytest.raises(services.CheckIncomplete) as refused:
            record(application, w.reviewer, said)
        assert list(refused.value.faults) == [str(*said)]
    assert not CheckResult.objects.exists()
    record(application, w.reviewer, {period.pk: Said("met"), criterion.pk: Said("", " Gut. ")})
    assert application.check_results.get(item=criterion).text == "Gut."
    first = application.check_results.get(item=period)
    assert (first.overrules, first.by) == (False, w.reviewer)
    record(application, w.other_reviewer, {period.pk: Said("not_met", "Der Beginn ist unklar.")})
    overruled = application.check_results.get(item=period)
    assert (overruled.overrules, overruled.machine, overruled.by) == (True, "met", w.other_reviewer)
    entry = application.log.order_by("sequence").last()
    assert entry.content.values["checks"] == [
        {
            "item": "Die Laufzeit passt",
            "machine": "met",
            "verdict": "not_met",
            "text": "Der Beginn ist unklar.",
        }
    ]
    before = application.log.count()
    record(application, w.reviewer, {period.pk: Said("not_met", "Der Beginn ist unklar.")})
    assert application.log.count() == before
    assert application.check_results.get(item=period).by == w.other_reviewer
    assert log.verify(application) == []


def test_a_newer_version_asks_for_another_look(w):
    period = item(w, findings="period_outside_limits")
    application = world.requested(w)
    record(application, w.reviewer, {period.pk: Said("met")})
    application = services.answer(application=application, by=w.signatory, at=LATER)
    assert [line.stale for line in checklists.checklist(application)] == [True]
    record(application, w.reviewer, {period.pk: Said("met")}, LATER)
    assert [line.stale for line in checklists.checklist(application)] == [False]


def test_checks_are_written_by_reviewers_while_the_case_is_checked(w):
    period = item(w)
    said = {period.pk: Said("met")}
    application = world.in_substance(w)
    for person in (w.signer, w.reader, w.clerk):
        with pytest.raises(services.NotAllowed):
            record(application, person, said)
    services.propose(
        application=application, proposal=world.grant_proposal(), by=w.reviewer, at=NOW
    )
    with pytest.raises(services.NotBeingChecked):
        record(application, w.reviewer, said)


def test_the_demonstrations_checklist_names_findings_that_exist(w):
    demo_checklist(w.call)
    sources = "".join(path.read_text() for path in RULES)
    codes = {code for line in CheckItem.objects.all() for code in line.codes}
    assert [code for code in sorted(codes) if f'"{code}"' not in sources] == []
    assert CheckItem.objects.filter(kind="criterion").count() == 4


# --- Ausgaben -------------------------------------------------------------------------------------


def test_lines_are_decided_one_by_one_and_feed_the_proposal(w, settings):
    settings.PORTAL_DEMO = True
    application = world.in_check(w)
    first, second = checklists.expenses(application)
    for wrong in (
        Allowed(Decimal("10000.01"), "x"),
        Allowed(Decimal("-1"), "x"),
        Allowed(Decimal(1)),
    ):
        with pytest.raises(services.CheckIncomplete):
            checklists.rule_expenses(
                application=application, allowed={first.row: wrong}, by=w.reviewer, at=NOW
            )
    assert not ExpenseRuling.objects.exists()
    checklists.rule_expenses(
        application=application,
        allowed={
            first.row: Allowed(Decimal("7500.00"), "Die Tagessätze sind zu hoch."),
            second.row: Allowed(second.claimed),
        },
        by=w.reviewer,
        at=NOW,
    )
    assert checklists.eligible_costs(application) == Decimal("17500.00")
    said = [words.log_details(e.action, e.content.values) for e in application.log.all()][-1]
    assert said == [
        "2027, Prozessmoderation/Honorare: 7.500,00 € von 10.000,00 € – Die Tagessätze sind zu "
        "hoch.",
        "2028, Prozessmoderation/Honorare: 10.000,00 € von 10.000,00 €",
    ]
    application = services.accept_formally(application=application, by=w.reviewer, at=NOW)
    client = pages.signed_in(w.reviewer)
    form = client.get(f"/admin/applications/application/{application.pk}/propose/").context["form"]
    assert (form.initial["amount"], form.initial["eligible_costs"]) == (
        Decimal("17500.00"),
        Decimal("17500.00"),
    )
    planned = {n: v for n, v in form.initial.items() if n.startswith("plan_expense")}
    assert planned == {
        "plan_expense_moderation__2027": Decimal("7500.00"),
        "plan_expense_moderation__2028": Decimal("10000.00"),
    }


def test_a_line_that_changed_since_counts_as_it_is_claimed_until_it_is_decided_anew(w):
    application = world.in_check(w)
    first, second = checklists.expenses(application)
    checklists.rule_expenses(
        application=application,
        allowed={line.row: Allowed(Decimal("5000.00"), "Zu hoch.") for line in (first, second)},
        by=w.reviewer,
        at=NOW,
    )
    services.request_information(
        application=application,
        items=[services.Wanted(Step.FINANZIERUNG, "Bitte teilen.", "expenses")],
        due_on=date(2026, 12, 15),
        by=w.reviewer,
        at=NOW,
    )
    application.refresh_from_db()
    rows = services.read_step(application, Step.FINANZIERUNG)["expenses"]
    rows[0]["amount"] = "6000.00"
    rows[1]["text"] = "Etwas anderes für dasselbe Geld"
    world.save(application, Step.FINANZIERUNG, {"expenses": rows}, w.clerk)
    application = services.answer(application=application, by=w.signatory, at=LATER)
    now = checklists.expenses(application)
    assert [(line.stale, line.allowed) for line in now] == [
        (True, Decimal("6000.00")),
        (True, second.claimed),
    ]
    assert rules.plan_totals(services.plan_of(application)).total.eligible == Decimal("16000.00")
    again = {second.row: Allowed(Decimal("5000.00"), "Zu hoch.")}  # as before, of the new line
    checklists.rule_expenses(application=application, allowed=again, by=w.reviewer, at=LATER)
    assert [line.stale for line in checklists.expenses(application)] == [True, False]


# --- Beteiligung ----------------------------------------------------------------------------------


def test_whom_the_authority_asked_is_answered_once_with_result_and_document(w):
    application = world.in_check(w)
    asked = services.ask_opinion(
        application=application,
        body="supervision",
        asked_on=NOW.date(),
        question="Ist der Haushalt genehmigt?",
        by=w.reviewer,
        at=NOW,
    )
    given: dict[str, Any] = {"opinion": asked, "by": w.reviewer, "at": LATER}
    for wrong in (
        {"answered_on": NOW.date(), "result": " "},
        {"answered_on": NOW.date() - timedelta(days=1), "result": "Ja"},
        {"answered_on": LATER.date() + timedelta(days=1), "result": "Ja"},
    ):
        with pytest.raises(services.CheckIncomplete):
            services.record_opinion(**given | wrong)
    upload = SimpleUploadedFile("Stellungnahme.pdf", world.pdf_bytes())
    answer = given | {"answered_on": LATER.date(), "result": "Ja, genehmigt."}
    opinion = services.record_opinion(**answer, upload=upload)
    assert (opinion.name, len(opinion.sha256)) == ("Stellungnahme.pdf", 64)
    with pytest.raises(type(opinion).DoesNotExist):
        services.record_opinion(**answer)
    assert [entry.action for entry in application.log.order_by("-sequence")[:2]] == [
        "record_opinion",
        "ask_opinion",
    ]
    with pytest.raises(services.CheckIncomplete):
        services.ask_opinion(
            application=application,
            body="council",
            asked_on=LATER.date() + timedelta(days=9),
            by=w.reviewer,
            at=NOW,
        )


def text_of(pdf: bytes) -> str:
    """The text of a PDF in reading order."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    run = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    return run.stdout.decode()


def test_of_a_text_for_the_jury_only_numbers_of_telephones_and_accounts_are_left_out():
    phone, bank = "[Telefonnummer ausgelassen]", "[Bankverbindung ausgelassen]"
    for typed, told in (
        (
            "Tel. (06151) 77 70-03, +49 6127/903-174 oder 0170/1234567",
            f"Tel. {phone}, {phone} oder {phone}",
        ),
        ("IBAN: de89370400440532013000.", f"IBAN: {bank}."),
        ("DE89 3704 0044 0532 0130 00, BIC COBADEFF370", f"{bank}, {bank}"),
        ("Kontonummer 532013000, BLZ 370 400 44", f"{bank}, {bank}"),
        *(
            (text, text)
            for text in (
                "Vom 03.04.2028 bis 06.11.2028, 08.00 bis 12.00 Uhr; 10.000,00 € für 0,5 Stellen.",
                "§ 44 LHO, 64283 Darmstadt, KIV-2026-0001, 2028-12-01, 1.200 von 20.000 Menschen",
                "GEMEINDEVERTRETUNG und BEHOERDEN der STADT",
            )
        ),
    ):
        assert documents.jury.left_out(typed) == told


def _is_part(one: Any) -> bool:
    """Whether an object of a PDF is a part of its structure: a heading, a paragraph, a table."""
    return isinstance(one, pikepdf.Dictionary) and "/S" in one and "/P" in one


def test_the_jurys_copy_has_no_bank_details_and_no_telephone_number(w):
    application = world.filled(w)
    canaries = {
        "account_holder": "Kontokanarie",
        "payment_reference": "7.7777.7",
        "contact_phone": "06151 777001",
        "finance_phone": "06151 777002",
    }
    application = world.save(application, Step.ANSPRECHPARTNER, canaries, w.clerk)
    typed = {
        "goals": "Fragen unter 06151 777003, gern vom 03.04.2027 an; für 250 Menschen.",
        "approach": "Auf DE89 3704 0044 0532 0130 00 (COBADEFFXXX), Konto-Nr. 777004.",
    }
    application = world.save(application, Step.KONZEPTION, typed, w.clerk)
    application = world.file(application, w.signatory)
    last = application.snapshots.get()
    content = snapshots.read(last)
    made = documents.render_for_jury(last, content)
    text = "".join(text_of(made).split())
    hidden = [*canaries.values(), "DE89370400440532013000", "Commerzbank", "COBADEFF"]
    hidden += ["777003", "777004"]  # typed into a text
    assert [word for word in hidden if "".join(word.split()) in text] == []
    assert "Fragenunter[Telefonnummerausgelassen],gernvom03.04.2027an;für250Menschen." in text
    assert "VielfaltinMusterstadt" in text
    assert "ohneBankverbindungundTelefonnummern" in text
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert not pdf.attachments
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == "de-DE"
        assert str(pdf.docinfo["/Title"])
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        kinds = [str(one.S) for one in pdf.objects if _is_part(one)]
    assert kinds.count("/H1") == 1
    assert {"/H2", "/P"} <= set(kinds)
    assert check_structure(made) == []
    assert content["steps"]["ansprechpartner"]["iban"]  # the copy left the file as it was


def test_whoever_ends_a_check_is_told_that_nothing_is_left_and_nothing_cut(w):
    period = item(w, findings="period_outside_limits")
    draft = world.filled(w)
    rows = services.read_step(draft, Step.FINANZIERUNG)["expenses"]
    texts = {"expenses": [row | {"text": "Honorar"} for row in rows]}
    case = world.file(world.save(draft, Step.FINANZIERUNG, texts, w.clerk), w.signatory)
    case = services.begin_check(application=case, by=w.reviewer, at=NOW)
    lines = {one.row: Allowed(one.claimed) for one in checklists.expenses(case)}

    def told() -> dict[str, Any]:
        return before_moving(case, w.reviewer, NOW)

    checklists.rule_expenses(application=case, allowed=lines, by=w.reviewer, at=NOW)
    assert (told()["all_checked"], len(told()["still_open"])) == (False, 1)
    for verdict, whole in (("met", True), ("not_met", False)):
        said = {period.pk: Said(verdict, "Zu lang.")}
        checklists.record_checks(application=case, said=said, by=w.reviewer, at=NOW)
        assert told()["all_checked"] is whole, told()


# --- Pages ----------------------------------------------------------------------------------------


def test_the_pages_keep_what_is_typed_and_say_what_is_wrong_beside_it(w, settings):
    settings.PORTAL_DEMO = True
    period = item(w, findings="period_outside_limits")
    application = world.in_check(w)
    line = checklists.expenses(application)[0]
    base = f"/admin/applications/application/{application.pk}"
    client = pages.signed_in(w.reviewer)

    def outstanding() -> list[str]:
        buttons = client.get(f"{base}/change/").context["buttons"]
        return [button.label for button in buttons if button.primary]

    # Nobody has looked at anything yet: that comes first.
    assert outstanding() == ["Prüfliste und Ausgaben"]
    page = client.get(f"{base}/pruefung/")
    assert page.context["form"].initial[f"verdict_{period.pk}"] == "met"
    formal = f"{base}/accept_formally/"
    found = [
        finding["message"] for finding in snapshots.read(application.snapshots.get())["findings"]
    ]
    assert client.get(formal).context["still_open"] == [
        *found,
        f"Prüfliste: 1 von 1 Punkten ist noch nicht geprüft: {period.text}.",
        "Ausgaben: 2 von 2 Zeilen sind noch nicht entschieden; sie zählen, wie die Kommune sie "
        "angegeben hat.",
    ]
    costs = {f"allowed_{one.row}": "1.000,00" for one in checklists.expenses(application)}
    sent = {**costs, f"verdict_{period.pk}": "not_met", "stand": page.context["stand"]}
    wrong = client.post(f"{base}/pruefung/", sent)
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, [f"text_{period.pk}"])
    assert f"reason_{line.row}" in wrong.context["costs"].errors
    assert 'value="1.000,00"' in wrong.content.decode()
    assert not CheckResult.objects.exists()
    sent |= {f"text_{period.pk}": "Unklar."}
    for one in checklists.expenses(application):
        sent[f"allowed_{one.row}"] = str(one.allowed).replace(".", ",")
    assert client.post(f"{base}/pruefung/", sent).headers["Location"] == f"{base}/pruefung/"
    assert CheckResult.objects.get().overrules
    assert outstanding() == ["Formale Prüfung abschließen"]
    assert not application.expense_rulings.exists(), "nobody has looked at the Ausgaben yet"
    # Somebody who opened the page before is told, and both texts are there.
    late = client.post(f"{base}/pruefung/", sent | {f"text_{period.pk}": "Doch klar."})
    assert late.status_code == 409
    assert ["Doch klar." in late.content.decode(), "Unklar." in late.content.decode()] == [True] * 2
    assert CheckResult.objects.get().text == "Unklar."
    again = sent | {f"text_{period.pk}": "Klar.", "stand": late.context["stand"], "rest": "on"}
    again |= {f"allowed_{line.row}": "9.000,00", f"reason_{line.row}": "Zu hoch."}
    assert client.post(f"{base}/pruefung/", again).headers["Location"] == f"{base}/change/"
    again |= {"stand": client.get(f"{base}/pruefung/").context["stand"], "weiter": "1"}
    assert client.post(f"{base}/pruefung/", again).headers["Location"] == formal
    assert CheckResult.objects.get().text == "Klar."
    assert application.expense_rulings.count() == len(costs)
    before = client.get(formal).context
    assert (before["still_open"], before["cuts"], before["all_checked"]) == (
        [*found, f"Prüfliste: „nicht erfüllt“ ist festgehalten bei: {period.text}."],
        ["2027, Prozessmoderation/Honorare: 9.000,00 € statt 10.000,00 €. Zu hoch."],
        False,
    )
    assert proposals.before_proposing(application, w.reviewer, timezone.now())["gaps"] == [
        "Im Haushaltsjahr 2027 übersteigt die Deckung die Ausgaben um 1.000,00 €."
    ]
    today = f"{timezone.localdate():%d.%m.%Y}"
    asked = client.post(f"{base}/beteiligung/", {"body": "jury", "asked_on": today})
    assert asked.status_code == 302
    opinion = application.opinions.get()
    wrong = client.post(f"{base}/beteiligung/", {"opinion": str(opinion.pk), "result": "Gut"})
    assert wrong.status_code == 422
    answer = {
        "opinion": str(opinion.pk),
        "result": "Gut",
        "answered_on": today,
    }
    assert client.post(f"{base}/beteiligung/", answer).status_code == 302
    assert client.post(f"{base}/beteiligung/", answer).status_code == 409
    for person, status in ((w.reader, 403), (w.signer, 403)):
        other = pages.signed_in(person)
        assert other.get(f"{base}/pruefung/").status_code == 200
        assert other.post(f"{base}/pruefung/", again).status_code == status
        assert other.post(f"{base}/beteiligung/", answer).status_code == status
