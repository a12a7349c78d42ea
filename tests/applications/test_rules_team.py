"""The rules on signatures and reminders."""

from __future__ import annotations

from datetime import date

import pytest

from applications import rules
from applications.rules import (
    CallTerms,
    Document,
    DocumentKind,
    Filing,
    Reminder,
    ReminderKind,
    SignatureForm,
)

SHEET = Filing(documents=(Document(DocumentKind.SIGNATURE_SHEET),))


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (SignatureForm.NONE, None),
        (SignatureForm.ACCOUNT, None),
        (SignatureForm.SHEET, "Es fehlt das unterschriebene Unterschriftsblatt."),
        (
            SignatureForm.QUALIFIED,
            "Es fehlt das Unterschriftsblatt mit qualifizierter elektronischer Signatur.",
        ),
    ],
)
def test_a_signature_is_asked_for_in_the_form_of_the_call(
    form: SignatureForm, message: str | None
) -> None:
    terms = CallTerms(signature_form=form, required_declarations=())
    found = rules.signature_present(Filing(), terms)
    assert (found.message if found else None) == message
    assert rules.signature_present(SHEET, terms) is None
    if found:
        assert (found.code, found.severity, found.step, found.source) == (
            "signature_missing",
            rules.Severity.WARNING,
            "anlagen",
            "Förderaufruf",
        )
        assert "hoch" in found.way_out


def test_a_sheet_that_is_required_twice_is_told_once() -> None:
    wanted = (DocumentKind.SIGNATURE_SHEET, DocumentKind.RESOLUTION)
    terms = CallTerms(required_documents=wanted, signature_form=SignatureForm.SHEET)
    assert [f.field for f in rules.documents_present(Filing(), terms)] == [DocumentKind.RESOLUTION]
    terms = CallTerms(required_documents=wanted, signature_form=SignatureForm.ACCOUNT)
    assert [f.field for f in rules.documents_present(Filing(), terms)] == list(wanted)


def test_every_form_of_signature_has_its_german_name() -> None:
    assert {form.label for form in SignatureForm} == {
        "keine besondere Form",
        "unterschriebenes Unterschriftsblatt, hochgeladen",
        "Einreichen durch das Konto einer zeichnungsberechtigten Person",
        "qualifizierte elektronische Signatur, hochgeladen",
    }
    assert [kind.label for kind in ReminderKind] == [
        "Die Frist eines Förderaufrufs endet bald",
        "Ein Entwurf liegt länger unverändert",
    ]


CLOSES = date(2027, 1, 15)
"""A Friday; ten working days before are the 31.12. (New Year lies between), three the 12.1."""


@pytest.mark.parametrize(
    ("today", "occasions"),
    [
        (date(2026, 12, 30), []),
        (date(2026, 12, 31), ["closing:2027-01-15:10"]),
        (date(2027, 1, 11), ["closing:2027-01-15:10"]),
        (date(2027, 1, 12), ["closing:2027-01-15:3"]),
        (date(2027, 1, 15), ["closing:2027-01-15:3"]),
        (date(2027, 1, 16), []),
    ],
)
def test_before_the_end_the_nearer_reminder_is_due(today: date, occasions: list[str]) -> None:
    found = rules.due_reminders(today=today, closes_on=CLOSES, changed_on=today, revision=4)
    assert [reminder.occasion for reminder in found] == occasions


@pytest.mark.parametrize(
    ("today", "due"),
    [(date(2026, 12, 4), False), (date(2026, 12, 7), True), (date(2027, 6, 1), True)],
)
def test_a_draft_is_left_alone_after_three_weeks_of_work(today: date, due: bool) -> None:
    found = rules.due_reminders(
        today=today, closes_on=None, changed_on=date(2026, 11, 16), revision=4
    )
    assert found == ([Reminder(ReminderKind.IDLE, "idle:4")] if due else [])


def test_one_reminder_a_day_is_enough() -> None:
    found = rules.due_reminders(
        today=date(2027, 1, 13), closes_on=CLOSES, changed_on=date(2026, 10, 1), revision=4
    )
    assert [reminder.kind for reminder in found] == [ReminderKind.CLOSING]


def test_nothing_is_due_after_the_end() -> None:
    found = rules.due_reminders(
        today=date(2027, 1, 16), closes_on=CLOSES, changed_on=date(2026, 10, 1), revision=4
    )
    assert found == []
