"""Form sheets and what a partner of a Verbund declares."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from applications import services
from applications.documents import sheet_in_words
from applications.forms.blank import blank_form, every_label
from applications.forms.steps import FORMS
from applications.models import Application, Cooperation, FormSheet, SheetKind
from applications.rules import CallTerms, DocumentKind, Step
from applications.services import checks, cooperation, rendering, sheets, snapshots
from applications.services.content import completed, read_step
from kiv_portal.models import Job
from tests import world
from tests.applications.pages import form
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def joint(w: world.World) -> Application:
    """A Verbund in which the partner pays in two lines of one year and brings something in."""
    application = world.filled(w)
    key = str(cooperation.key_of(application, w.small))
    world.save(
        application,
        Step.KOMMUNE,
        {
            "partners": [w.small.ags],
            "cooperations": [
                {"id": key, "municipality": w.small.ags, "contribution": "Stellt Räume"}
            ],
        },
        w.clerk,
    )
    lines = [
        world.row(year=2027, kind="own", text="", municipality=w.small.ags, amount=amount)
        for amount in ("1000.00", "234.50")
    ]
    cover = read_step(application, Step.FINANZIERUNG)["cover"] + lines
    world.save(application, Step.FINANZIERUNG, {"cover": cover}, w.clerk)
    adoptions = [
        *read_step(application, Step.ZEITPLAN)["adoptions"],
        world.row(municipality=w.small.ags, body="Gemeinderat", planned_on="2028-11-30"),
    ]
    return world.save(application, Step.ZEITPLAN, {"adoptions": adoptions}, w.clerk)


def confirm(application: Application, w: world.World) -> Cooperation:
    """As a partner's own account does."""
    row = cooperation.row_of(application, w.small)
    row.confirmed_at, row.confirmed_by = NOW, w.stranger
    row.statement_sha256 = cooperation.statement_sha256(application, w.small)
    row.save()
    return row


# --- What a partner declares ----------------------------------------------------------------------


def test_a_partner_declares_mandate_share_and_body(w, joint):
    said = cooperation.statement(joint, w.small)
    assert {**said, "mandate": ""} == {
        "call": "Testaufruf",
        "title": "Vielfalt in Musterstadt",
        "lead": "Magistrat der Stadt Musterstadt",
        "partner": "Magistrat der Stadt Kleinheim",
        "mandate": "",
        "shares": [[2027, "1234.50"]],
        "contribution": "Stellt Räume",
        "body": "Gemeinderat",
        "planned_on": "2028-11-30",
    }
    assert said["mandate"].startswith(
        "Kleinheim beteiligt sich am Antrag von Musterstadt und bevollmächtigt Musterstadt"
    )


def test_a_body_nobody_named_is_the_one_of_the_kind(w):
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    said = cooperation.statement(application, w.small)
    assert (said["body"], said["planned_on"], said["shares"], said["contribution"]) == (
        "Stadtverordnetenversammlung",
        None,
        [],
        "",
    )


def test_a_confirmation_stands_for_a_signed_sheet_until_the_words_change(w, joint):
    def missing() -> bool:
        found = services.findings_of(Application.objects.get(pk=joint.pk), NOW)
        return any(f.field == DocumentKind.COOPERATION for f in found)

    assert missing()
    confirm(joint, w)
    assert not missing()
    assert cooperation.confirmed(joint) == {w.small.ags: "2026-11-16T09:30:00+00:00"}
    world.save(joint, Step.KONZEPTION, {"title": "Ein anderes Projekt"}, w.clerk)
    assert missing()


def test_a_confirmation_is_frozen_with_the_member(w, joint):
    confirm(joint, w)
    filed = world.file(joint, w.signatory)
    lead, partner = snapshots.read(filed.first_snapshot)["members"]
    assert (lead["confirmed_at"], partner["confirmed_at"]) == (None, "2026-11-16T09:30:00+00:00")


def test_what_is_typed_never_takes_a_confirmation_away(w, joint):
    row = confirm(joint, w)
    world.save(joint, Step.KOMMUNE, {"cooperations": []}, w.clerk)
    row.refresh_from_db()
    assert (row.contribution, row.confirmed_by) == ("", w.stranger)
    assert read_step(joint, Step.KOMMUNE)["cooperations"] == []


def test_without_a_confirmation_an_emptied_row_is_gone(w, joint):
    world.save(joint, Step.KOMMUNE, {"cooperations": []}, w.clerk)
    assert Cooperation.objects.count() == 0


def test_a_partner_that_leaves_takes_its_row_along(w, joint):
    confirm(joint, w)
    world.save(joint, Step.KOMMUNE, {"partners": []}, w.clerk)
    assert Cooperation.objects.count() == 0


@pytest.mark.parametrize("half", ["at", "by", "words"])
def test_a_confirmation_is_whole_or_not_there(w, joint, half):
    row = confirm(joint, w)
    if half == "at":
        row.confirmed_at = None
    elif half == "by":
        row.confirmed_by = None
    else:
        row.statement_sha256 = ""
    with pytest.raises(IntegrityError, match="cooperation_confirmed"), transaction.atomic():
        row.save()


# --- Sheets ---------------------------------------------------------------------------------------


def test_the_same_sheet_is_made_once_and_another_takes_its_place(w, joint):
    first = sheets.cooperation_sheet(application=joint, partner=w.small, at=NOW)
    again = sheets.cooperation_sheet(
        application=joint, partner=w.small, at=NOW + timedelta(hours=1)
    )
    assert first == again
    rendering.render_sheet_pdf(str(first.pk), NOW)
    first.refresh_from_db()
    path = Path(first.file.path)
    assert path.read_bytes()[:5] == b"%PDF-"
    world.save(joint, Step.KONZEPTION, {"title": "Neu"}, w.clerk)
    joint.refresh_from_db()
    with transaction.atomic():
        second = sheets.cooperation_sheet(application=joint, partner=w.small, at=NOW)
    assert [*FormSheet.objects.filter(kind=SheetKind.COOPERATION)] == [second]
    assert Job.objects.filter(kind="sheet_pdf").count() == 2


def test_a_sheet_that_is_made_or_gone_is_not_made_again(w):
    sheet = sheets.signature_sheet(application=world.filled(w), at=NOW)
    FormSheet.objects.filter(pk=sheet.pk).update(file="formulare/x.pdf")
    rendering.render_sheet_pdf(str(sheet.pk), NOW)
    sheet.refresh_from_db()
    assert sheet.file.name == "formulare/x.pdf"
    gone = str(sheet.pk)
    sheet.delete()
    rendering.render_sheet_pdf(gone, NOW)


def test_the_signature_sheet_says_what_is_applied_for_and_declared(w):
    application = world.filled(w)
    world.save(application, Step.ERKLAERUNGEN, {"declares_not_started": False}, w.clerk)
    application.refresh_from_db()
    sheet = sheets.signature_sheet(application=application, at=NOW)
    words = sheet_in_words(sheet.values)
    assert words["applicant"] == [
        "Magistrat der Stadt Musterstadt",
        "Marktplatz 1",
        "64283 Musterstadt",
    ]
    assert (words["requested"], words["starts_on"], words["ends_on"]) == (
        "18.000,00 €",
        "01.07.2027",
        "31.12.2028",
    )
    assert [text.split()[0] for text in words["declarations"]] == ["Die", "Die"]


def test_only_the_blank_form_belongs_to_no_application():
    with pytest.raises(IntegrityError, match="sheet_belongs"), transaction.atomic():
        FormSheet.objects.create(kind=SheetKind.SIGNATURE, key="x", values={}, created_at=NOW)


# --- The blank form -------------------------------------------------------------------------------


def test_the_blank_form_asks_every_question_of_every_step_in_its_words(w):
    application = world.filled(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    values = blank_form(w.call.terms(), w.call.title, 20)
    assert [step["heading"] for step in values["steps"]] == [step.label for step in Step]
    labels = list(every_label(values))
    for step in FORMS:
        shown = form(application, step)
        wanted = [str(field.label) for part in shown.parts() for field in part["fields"]]
        wanted += [str(c.label) for rows in shown.rows.values() for c in rows.columns]
        missing = [label for label in wanted if not any(said.startswith(label) for said in labels)]
        assert missing == []
    assert "12 bis 18 Monate" in str(values)
    assert "Speichern" not in str(values)  # paper saves nothing


def test_the_blank_form_names_every_kind_of_document_and_what_is_asked_for():
    values = blank_form(CallTerms(required_documents=("offer",)), "", 20)
    (section,) = values["steps"][[*Step].index(Step.ANLAGEN)]["sections"]
    assert section["fields"][0]["options"] == [
        f"{kind.label} (verlangt)" if kind is DocumentKind.OFFER else kind.label
        for kind in DocumentKind
    ]


# --- Copies of an earlier release -----------------------------------------------------------------


def test_a_step_saved_by_an_earlier_release_is_no_conflict(w):
    application = world.draft(w)
    old = {"title": "Alt", "summary": "", "situation": "", "goals": "", "approach": ""}
    application = world.save(application, Step.KONZEPTION, old, w.clerk)
    application.revisions.update(data=old)
    saved = services.save_step(
        application=application,
        step=Step.KONZEPTION,
        data={"topics": "Sprache"},
        base_revision=application.revision,
        by=w.clerk,
        at=NOW,
    )
    assert (saved.title, saved.topics) == ("Alt", "Sprache")


def test_rows_of_an_earlier_release_have_its_fields_and_blanks_for_the_others():
    row = {"id": "1", "name": "Werkstatt", "reaches": "", "when": "", "barriers": ""}
    whole = completed(Step.BETEILIGUNG, {"formats": [row], "gone": "x"})
    assert whole == {
        "social_space": "",
        "bodies": "",
        "wir_centre": "",
        "formats": [row | {"how_many": ""}],
    }


def test_the_plan_of_rules_sees_a_draft_without_partners_as_before(w):
    assert checks.filing_of(world.filled(w), NOW).confirmed_partners == frozenset()
