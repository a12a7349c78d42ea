"""Every rule's finding in the same words: at its step, on the check page and as it was filed."""

from __future__ import annotations

import json
import re
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from applications import services
from applications.models import Application, FundingCall
from applications.rules import Finding, Step, own_authority_declared
from applications.services import snapshots
from municipalities.models import Municipality, Population
from tests import world
from tests.applications.pages import place, sent, signed_in, words
from tests.factories import NOW, ProjectFactory
from tests.world import row

pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

MEMBERS = [  # what is wrong with call or register, the partners, and what is found then
    ({"joint_allowed": False}, ["small"], {"joint_application_not_allowed"}),
    ({"max_partners": 1}, ["small", "other_town"], {"too_many_partners"}),
    ({"min_partners": 2}, ["small"], {"too_few_partners"}),
    ({"joint_minimum_sum": 90_000}, ["small"], {"joint_population_too_small"}),
    ({}, ["other_town"], {"no_small_member"}),
    (
        {"minimum_population": 5_000, "maximum_population": 9_000},
        ["other_town"],
        {"population_too_large", "partner_too_large", "no_small_member"},
    ),
    ({"minimum_population": 30_000}, [], {"population_too_small"}),
    ({"population_as_of": date(2025, 12, 31)}, [], {"population_outdated"}),
]


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def clerk(w: world.World) -> Client:
    return signed_in(w.clerk)


def told(finding: Finding) -> str:
    """A finding as it stands on a page."""
    way_out = f" {finding.way_out}" if finding.way_out else ""
    return f"{finding.message}{way_out} Grundlage: {finding.source}"


def found_everywhere(clerk: Client, application: Application) -> set[str]:
    """The codes of all findings, each seen with its source at its step and on the check page."""
    application = Application.objects.get(pk=application.pk)
    findings = services.findings_of(application, NOW)
    pages = {
        step: words(clerk.get(place(application, f"{step}/")))
        for step in sorted({finding.step for finding in findings})
    }
    check = words(clerk.get(place(application, "pruefen/")))
    for finding in findings:
        assert told(finding) in pages[finding.step], finding
        assert told(finding) in check, finding
        assert finding.source, finding
    return {finding.code for finding in findings}


def test_what_is_found_of_the_members_is_told_in_the_same_words(w, clerk):
    application = world.filled(w)
    usual = FundingCall.objects.values(*{name for change, *_ in MEMBERS for name in change}).get()
    codes: set[str] = set()
    for change, partners, wanted in MEMBERS:
        FundingCall.objects.update(**usual | change)
        keys = [getattr(w, name).ags for name in partners]
        world.save(application, Step.KOMMUNE, {"partners": keys}, w.clerk)
        found = found_everywhere(clerk, application)
        assert wanted <= found, (change, found)
        codes |= wanted
    FundingCall.objects.update(**usual)
    world.save(application, Step.KOMMUNE, {"partners": []}, w.clerk)
    ProjectFactory(towns=[w.town])
    for change, wanted in (
        ({}, {"already_funded"}),
        ({"kind": "unincorporated_area"}, {"not_a_municipality", "already_funded"}),
        (
            {"kind": w.town.kind, "valid_to": date(2026, 1, 1)},
            {"not_in_force", "already_funded"},
        ),
    ):
        Municipality.objects.filter(pk=w.town.pk).update(**change)
        assert found_everywhere(clerk, application) - {"field_missing"} == wanted
        codes |= wanted
    Municipality.objects.filter(pk=w.town.pk).update(valid_to=None)
    Population.objects.all().delete()
    assert "population_unknown" in found_everywhere(clerk, application)


def test_what_is_found_in_the_steps_is_told_and_filed_in_the_same_words(w, clerk):
    FundingCall.objects.update(
        earliest_decision_weeks=40,
        required_documents=["concept"],
        signature_form="sheet",
        rate=Decimal("0.8"),
        financing_type="shortfall",
    )
    application = world.filled(w)
    partner = w.small.ags
    own = world.content(w.town)
    world.save(application, Step.KOMMUNE, {"partners": [partner]}, w.clerk)
    steps: dict[Step, dict[str, Any]] = {
        Step.ANSPRECHPARTNER: {"contact_email": "", "finance_phone": "", "iban": ""},
        Step.KONZEPTION: {"title": "", "goals": ""},
        Step.ZEITPLAN: {
            "months": 24,
            "adoptions": [row(municipality=w.town.ags, body="", planned_on="2027-01-04")],
        },
        Step.FINANZIERUNG: {
            "budget_situation": "provisional",
            "expenses": [
                row(year=2027, category="moderation", text="a", amount="30000.00", eligible=True),
                row(year=2031, category="other", text="b", amount="5000.00", eligible=False),
            ],
            "cover": [row(year=2027, kind="grant", text="", municipality=None, amount="40000.00")],
        },
        Step.ERKLAERUNGEN: {
            "authority_declared": False,
            "declares_correct": False,
            "other_funding": True,
        },
    }
    for step, data in steps.items():
        world.save(application, step, data, w.clerk)
    assert found_everywhere(clerk, application) == {
        "adoption_before_start",
        "adoption_not_planned",
        "authority_not_declared",
        "bank_details_missing",
        "budget_not_approved",
        "contact_incomplete",
        "declaration_missing",
        "document_missing",
        "field_missing",
        "finance_contact_incomplete",
        "other_funding_unnamed",
        "own_contribution_missing",
        "period_outside_limits",
        "plan_unbalanced",
        "plan_year_outside_period",
        "plan_year_unbalanced",
        "requested_above_cap",
        "requested_above_ceiling",
        "requested_above_eligible",
        "requested_above_rate",
        "signature_missing",
        "start_before_decision",
        "title_missing",
    }
    # What is left once the plan asks for nothing, covers one year only and one member pays.
    plan = {
        "expenses": [
            row(year=2027, category="moderation", text="a", amount="3000.00", eligible=True)
        ],
        "cover": [
            row(year=2027, kind="own", text="", municipality=w.town.ags, amount="1000.00"),
            row(year=2027, kind="other_public", text="", municipality=None, amount="2000.00"),
        ],
    }
    world.save(application, Step.FINANZIERUNG, plan, w.clerk)
    world.save(application, Step.ERKLAERUNGEN, {"other_funding": False}, w.clerk)
    assert found_everywhere(clerk, application) >= {
        "member_contribution_missing",
        "other_funding_contradicts_plan",
        "plan_year_empty",
        "requested_amount_missing",
    }
    # Money that is nobody's, or of a municipality that left, is told beside its row as well.
    plan["cover"][1] = row(year=2027, kind="own", text="", municipality=None, amount="2000.00")
    plan["cover"].append(
        row(year=2027, kind="grant", text="", municipality=w.small.ags, amount="0.01")
    )
    world.save(application, Step.FINANZIERUNG, plan, w.clerk)
    world.save(application, Step.KOMMUNE, {"partners": [w.other_town.ags]}, w.clerk)
    told_here = {"contribution_unassigned", "cover_of_former_member"}
    assert found_everywhere(clerk, application) >= told_here
    page = clerk.get(place(application, "finanzierung/")).content.decode()
    found = services.findings_of(Application.objects.get(pk=application.pk), NOW)
    for finding in (one for one in found if one.code in told_here):
        row_of = page.split(f'id="zeile-{finding.field.partition("-")[2]}"')[1]
        assert finding.message in row_of.split("</fieldset>")[0]
    left = "Kleinheim (nicht mehr im Verbund)"
    assert f'value="{w.small.ags}" selected>{left}</option>' in page
    assert left in words(clerk.get(place(application, "pruefen/")))
    world.save(application, Step.KOMMUNE, {"partners": [partner]}, w.clerk)
    # Filed, each stands in the snapshot as it was read before.
    plan["cover"].append(row(year=2027, kind="grant", text="", municipality=None, amount="500.00"))
    world.save(application, Step.FINANZIERUNG, plan, w.clerk)
    world.save(application, Step.KONZEPTION, {"title": own[Step.KONZEPTION]["title"]}, w.clerk)
    world.save(application, Step.ERKLAERUNGEN, {"authority_declared": True}, w.clerk)
    found_everywhere(clerk, application)
    application.refresh_from_db()
    read = [told(finding) for finding in services.findings_of(application, NOW)]
    filed = world.file(application, w.signatory)
    kept = snapshots.read(filed.snapshots.get())["findings"]
    assert [told(Finding(**finding)) for finding in kept] == read


def test_an_earlier_application_is_told_as_filing_will_tell_it_to_whoever_may_know(w, clerk):
    world.submitted(w)
    second = world.filled(w)
    signatory = signed_in(w.signatory)
    [finding] = services.applied_before(second, by=w.clerk)
    assert (finding.code, finding.severity.value) == ("application_exists", "blocking")
    assert services.applied_before(second, by=w.stranger) == []
    step = clerk.get(place(second, "kommune/"))
    assert told(finding) in words(step)
    beside = step.content.decode().split(f'id="mitglied-{w.town.ags}"')[1].split("</li>")[0]
    assert finding.message in beside
    check = signatory.get(place(second, "pruefen/"))
    assert words(check).count(told(finding)) == 1
    assert words(_refused(signatory, second)).count(told(finding)) == 1


def _refused(client: Client, application: Application) -> Any:
    """The answer to an attempt to file, which is refused."""
    seen = services.confirmation_key(services.findings_of(application, NOW))
    data = {"befugt": "on", "trotzdem": "on", "grund": "Weil.", "bestaetigung": seen}
    refused = client.post(place(application, "einreichen/"), data)
    assert refused.status_code == 409
    application.refresh_from_db()
    assert application.is_draft
    return refused


def test_a_partners_application_is_told_to_others_once_filing_is_refused_and_then_everywhere(w):
    world.submitted(w)
    draft = services.start(call=w.call, lead=w.other_town, by=w.stranger, at=NOW)
    steps = {**world.content(w.other_town), Step.KOMMUNE: {"partners": [w.town.ags]}}
    for step, data in steps.items():
        draft = world.save(draft, step, data, w.stranger)
    stranger = signed_in(w.stranger)
    pages = ("kommune/", "pruefen/", "")
    before = [words(stranger.get(place(draft, page))) for page in pages]
    refused = _refused(stranger, draft)
    [finding] = services.applied_before(draft, by=w.stranger)
    assert finding.code == "application_exists"
    assert words(refused).count(told(finding)) == 1
    after = [words(stranger.get(place(draft, page))) for page in pages]
    assert [finding.message in page for page in before] == [False, False, False]
    assert [told(finding) in page for page in after[:2]] == [True, True]
    assert finding.message in after[2]


def test_what_is_found_of_an_empty_draft_is_told_in_the_same_words(w, clerk):
    assert found_everywhere(clerk, world.draft(w)) >= {"title_missing", "field_missing"}


def test_what_no_row_can_hold_is_refused_in_words_where_it_is_chosen(w, clerk):
    """`partner_is_lead`, `partner_repeated`, `unknown_municipality`: of the Förder-Check alone.

    A draft's members are rows of the register, each once: its step says why it takes none.
    """
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    application.refresh_from_db()
    basis = {"basis": str(application.revision), "partner": w.small.ags}
    for key, said in (
        (w.town.ags, "Musterstadt ist die antragstellende Kommune."),
        ("06999999", "Diese Kommune gibt es im Gemeindeverzeichnis nicht."),
    ):
        page = clerk.post(place(application, "kommune/"), basis | {"hinzufuegen": key})
        assert said in words(page)
    clerk.post(place(application, "kommune/"), basis | {"hinzufuegen": w.small.ags})
    found = clerk.get(place(application, "kommune/"), {"suche": w.small.short_name})
    assert "Kleinheim ist schon Partnerkommune." in words(found)
    assert services.read_step(application, Step.KOMMUNE)["partners"] == [w.small.ags]
    for partners, code in (
        ([w.town.ags], "partner_is_lead"),
        ([w.small.ags, w.small.ags], "partner_repeated"),
        (["06999999"], "unknown_municipality"),
    ):
        asked = {"kommune": w.town.ags, "partner": partners}
        answer = clerk.get("/foerder-check.json", asked).json()
        [finding] = [one for one in answer["findings"] if one["code"] == code]
        assert finding["message"] in words(clerk.get("/foerder-check/", asked))
    # Of another Land: a row may hold it, and then it is a finding like all others.
    Municipality.objects.filter(pk=w.small.pk).update(ags="07999999")
    assert "unknown_municipality" in found_everywhere(clerk, application)


def test_what_is_declared_while_filing_is_asked_for_on_the_check_page(w):
    application = world.filled(w)
    signatory = signed_in(w.signatory)
    sent_back = signatory.post(place(application, "einreichen/"), {"vorgang": str(uuid.uuid4())})
    [finding] = own_authority_declared(given=False)
    assert finding.code == "submitter_authority_not_declared"
    assert finding.message in words(sent_back)


def test_every_code_of_the_rules_is_told_here():
    sources = (
        *Path("applications/rules").glob("*.py"),
        Path("municipalities/eligibility/clauses.py"),
    )
    text = "".join((Path(settings.BASE_DIR) / source).read_text() for source in sources)
    codes = set(re.findall(r'(?:Finding|_needed|_document_missing)\(\s*"([a-z_]+)"', text))
    here = Path(__file__).read_text()
    # No page leads to an application without its lead: the draft is made together with it.
    assert [code for code in sorted(codes - {"lead_missing"}) if f'"{code}"' not in here] == []


def test_while_somebody_writes_the_answer_to_saving_tells_the_findings_anew(w, clerk):
    application = world.filled(w)
    for step, typed, wanted in (
        (Step.ZEITPLAN, {"months": "24"}, "period_outside_limits"),
        (Step.KONZEPTION, {"goals": ""}, "field_missing"),
        (Step.ANSPRECHPARTNER, {"iban": ""}, "bank_details_missing"),
        (Step.ERKLAERUNGEN, {"other_funding": "ja"}, "other_funding_unnamed"),
    ):
        data = sent(application, step, **typed)
        answer = clerk.post(place(application, f"{step}/speichern/"), data)
        application.refresh_from_db()
        findings = services.findings_of(application, NOW)
        [finding] = [one for one in findings if one.step == step]
        assert finding.code == wanted
        page = clerk.get(place(application, f"{step}/")).content.decode()
        assert answer.json()["findings"].strip() in page
        assert json.loads(answer.content)["state"] == "saved"
    right = sent(application, Step.ZEITPLAN, months="18")
    answer = clerk.post(place(application, "zeitplan/speichern/"), right).json()
    assert (
        "Alle Pflichtangaben dieses Abschnitts sind ausgefüllt und gespeichert."
        in (answer["findings"])
    )
