"""Every status × move × role over HTTP, and what a move does when it may be made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone

from applications import services
from applications.admin import moves, proposals
from applications.admin.hindrances import Refused
from applications.admin.refusals import refusals
from applications.models import Application, DecisionHand, InformationRequest, Letter
from applications.rules import Step
from applications.workflow import Status
from kiv_portal.calendar import add_working_days
from municipalities.models import User
from municipalities.permissions import ADMINISTER, READ, REVIEW, SIGN
from projects.services import withdraw_from_public
from tests import world
from tests.applications.test_letters_pdf import text as text_of
from tests.factories import NOW, StaffFactory, UserFactory

# The moves themselves are tried on both databases where the services are.
pytestmark = [pytest.mark.django_db, pytest.mark.sweep]


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings):
    """What a second factor protects is tested elsewhere; here somebody is signed in."""
    settings.PORTAL_DEMO = True


def now() -> datetime:
    """The pages act at the instant they are asked; the cases are a little older."""
    return timezone.now() - timedelta(minutes=5)


# --- Cases in every state -------------------------------------------------------------------------


def asked(w: world.World, at: datetime, days: int = 10) -> Application:
    application = world.in_check(w, at)
    services.request_information(
        application=application,
        items=[(Step.KONZEPTION, "Bitte ergänzen Sie die Ziele.")],
        due_on=timezone.localdate(at) + timedelta(days=days),
        by=w.reviewer,
        at=at,
    )
    application.refresh_from_db()
    return application


def answered(w: world.World, at: datetime) -> Application:
    return services.answer(application=asked(w, at), by=w.signatory, at=at)


def rejected(w: world.World, at: datetime) -> Application:
    application = world.proposed(w, world.REJECTION, at)
    return services.reject(application=application, by=w.signer, at=at)


def published(w: world.World, at: datetime) -> Application:
    return world.published(w, at)


def withdrawn(w: world.World, at: datetime) -> Application:
    return services.withdraw(
        application=world.submitted(w, at), reason="Anders geplant.", by=w.signatory, at=at
    )


def closed(w: world.World, at: datetime) -> Application:
    return services.close(
        application=world.submitted(w, at), reason="Doppelt.", by=w.reviewer, at=at
    )


CASES: dict[str, Callable[[world.World, datetime], Application]] = {
    "submitted": world.submitted,
    "formal_check": world.in_check,
    "information_requested": asked,
    "answered": answered,
    "substantive_check": world.in_substance,
    "hearing": world.heard,
    "grant proposed": lambda w, at: world.proposed(w, at=at),
    "rejection proposed": lambda w, at: world.proposed(w, world.REJECTION, at),
    "granted": world.notified,
    "published": published,
    "change proposed": world.change_proposed,
    "rejected": rejected,
    "revoked": world.revoked,
    "withdrawn": withdrawn,
    "closed": closed,
}

# --- What may be done, by whom --------------------------------------------------------------------

OPEN_LETTER = {"edit_letter", "correct_letter"}
POSSIBLE = {
    "submitted": {"begin_check", "close"},
    "formal_check": {"request_information", "ask_by_phone", "accept_formally", "close"},
    "answered": {"request_information", "ask_by_phone", "settle_items", "accept_formally", "close"},
    "information_requested": {
        "extend_request",
        "record_answer",
        "proceed_without_answer",
        "close",
    },
    "substantive_check": {
        "request_information",
        "ask_by_phone",
        "begin_hearing",
        "propose",
        "close",
    },
    "hearing": {"end_hearing", "close"},
    "grant proposed": {"grant", "return_proposal", "retract_proposal"} | OPEN_LETTER,
    "rejection proposed": {"reject", "return_proposal", "retract_proposal"} | OPEN_LETTER,
    "granted": {"publish_project", "begin_revocation_hearing", "propose_change"},
    "published": {"withdraw_project", "begin_revocation_hearing", "propose_change"},
    # Nobody has been told of this grant yet, so it is not published.
    "change proposed": {
        "begin_revocation_hearing",
        "return_change",
        "retract_change",
        "sign_change",
    }
    | OPEN_LETTER,
    "rejected": {"propose_change"},
    "revoked": set[str](),
    "withdrawn": set[str](),
    "closed": set[str](),
}
PROPOSED = {case for case in POSSIBLE if "proposed" in case}
"""Cases with an open proposal: its writer does not countersign, its letter bears the number."""

MAKERS = {
    "confirm_recording": REVIEW,
    "begin_check": REVIEW,
    "request_information": REVIEW,
    "ask_by_phone": REVIEW,
    "extend_request": REVIEW,
    "settle_items": REVIEW,
    "record_answer": REVIEW,
    "proceed_without_answer": REVIEW,
    "accept_formally": REVIEW,
    "begin_hearing": REVIEW,
    "end_hearing": REVIEW,
    "propose": REVIEW,
    "return_proposal": SIGN,
    "retract_proposal": REVIEW,
    "edit_letter": REVIEW,
    "correct_letter": SIGN,
    "agree": REVIEW,
    "countersign": REVIEW,
    "grant": SIGN,
    "reject": SIGN,
    "begin_revocation_hearing": REVIEW,
    "end_revocation_hearing": REVIEW,
    "propose_change": REVIEW,
    "return_change": SIGN,
    "retract_change": REVIEW,
    "sign_change": SIGN,
    "revoke": SIGN,
    "close": REVIEW,
    "publish_project": REVIEW,
    "withdraw_project": REVIEW,
    "set_file_number": REVIEW,
}
ROLES = (READ, REVIEW, SIGN, ADMINISTER)


def expected(case: str, action: str, role: str) -> int:
    if MAKERS[action] != role:
        return 403
    if action == "countersign" and case in PROPOSED:
        return 403
    if action == "set_file_number":
        return 409 if case in PROPOSED else 200
    return 200 if action in POSSIBLE[case] else 409


def address(application: Application, action: str) -> str:
    return f"/admin/applications/application/{application.pk}/{action}/"


def state_of(application: Application) -> tuple[str, int]:
    application.refresh_from_db()
    return application.status, application.log.count()


@pytest.mark.parametrize("case", CASES)
def test_each_move_opens_for_its_role_in_its_state_and_for_nobody_else(
    case: str, client: Client
) -> None:
    w = world.build(now())
    application = CASES[case](w, now())
    before = state_of(application)
    people = {READ: w.reader, REVIEW: w.reviewer, SIGN: w.signer, ADMINISTER: w.administrator}
    for role in ROLES:
        client.force_login(people[role])
        answers = {action: client.get(address(application, action)) for action in MAKERS}
        assert {action: answer.status_code for action, answer in answers.items()} == {
            action: expected(case, action, role) for action in MAKERS
        }, role
    assert state_of(application) == before


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_open_does_not_happen_by_post_either(case: str, client: Client) -> None:
    w = world.build(now())
    application = CASES[case](w, now())
    before = state_of(application)
    people = {READ: w.reader, REVIEW: w.reviewer, SIGN: w.signer, ADMINISTER: w.administrator}
    everything = {"reason": "Grund", "file_number": "II 1", "proposal": 1, "kind": "rejection"}
    for role in ROLES:
        client.force_login(people[role])
        for action in MAKERS:
            if expected(case, action, role) == 200:
                continue
            answer = client.post(address(application, action), everything)
            assert answer.status_code == expected(case, action, role), (role, action)
            assert "Es wurde nichts geändert." in answer.content.decode()
    assert state_of(application) == before


@pytest.mark.parametrize("case", CASES)
def test_the_case_page_offers_exactly_the_moves_of_person_and_state(
    case: str, client: Client
) -> None:
    w = world.build(now())
    application = CASES[case](w, now())
    people = {READ: w.reader, REVIEW: w.reviewer, SIGN: w.signer, ADMINISTER: w.administrator}
    for role in ROLES:
        client.force_login(people[role])
        page = client.get(address(application, "change")).content.decode()
        offered = {action for action in MAKERS if f'href="{address(application, action)}"' in page}
        assert offered == {a for a in MAKERS if expected(case, a, role) == 200}, role


@pytest.mark.parametrize("role", ROLES)
def test_a_draft_has_no_page_and_no_move_at_the_desk(role: str, client: Client) -> None:
    w = world.build(now())
    draft = world.filled(w, now())
    client.force_login(StaffFactory(roles=[role]))
    pages = [*MAKERS, "change", "history", "delete", "entwurf.pdf"]
    answers = {page: client.get(address(draft, page).replace(".pdf/", ".pdf")) for page in pages}
    assert {page: answer.status_code for page, answer in answers.items()} == dict.fromkeys(
        pages, 404
    )
    assert {action: client.post(address(draft, action)).status_code for action in MAKERS} == (
        dict.fromkeys(MAKERS, 404)
    )


def test_applicants_and_strangers_reach_nothing(client: Client) -> None:
    w = world.build(now())
    application = world.in_check(w, now())
    pages = [address(application, page) for page in (*MAKERS, "change", "history")]
    pages.append("/admin/applications/application/")
    for page in pages:
        assert client.get(page).headers["Location"] == f"/konto/anmelden/?next={page}"
    for user in (w.clerk, w.signatory, UserFactory()):
        client.force_login(user)
        for page in pages:
            assert client.get(page, follow=True).status_code == 403, page
            assert client.post(page, {"reason": "x"}, follow=True).status_code == 403, page
    client.force_login(StaffFactory(roles=[]))
    for page in pages:
        assert client.get(page).status_code == 403, page
        assert client.post(page, {"reason": "x"}).status_code == 403, page


# --- What happens ---------------------------------------------------------------------------------

REASON = {"reason": "Aus gutem Grund."}


def answered_form(**changes: Any) -> dict[str, Any]:
    day = add_working_days(timezone.localdate() + timedelta(days=14), 1)
    return {
        "step_konzeption": "on",
        "sentence_konzeption": "Die Ziele fehlen.",
        "due_on": f"{day:%d.%m.%Y}",
        "message": "Vielen Dank für Ihren Antrag.",
        **changes,
    }


GRANT = {
    "kind": "grant",
    "reasons": "Überzeugt.",
    "amount": "18.000,00",
    "year_2027": "9.000,00",
    "year_2028": "9000",
    "eligible_costs": "20.000,00 €",
    "starts_on": "01.07.2027",
    "ends_on": "31.12.2028",
}


def sealed(application: Application, number: int) -> dict[str, Any]:
    """What the page of a signature sends: the proposal and the letter that were on it."""
    decision = application.decisions.get(number=number)
    return {"proposal": number, "letter": decision.draft_sha256}


SEAL = "the seal of the letter on the page"
REJECTION = {"kind": "rejection", "reasons": "x", "hearing_skipped": "Nur versagt."}


def in_weeks(weeks: int) -> str:
    """A working day about so many weeks from today, as it is typed."""
    day = add_working_days(timezone.localdate() + timedelta(weeks=weeks), 1)
    return f"{day:%d.%m.%Y}"


PHONE = {
    "note": "Mit dem Amt für Soziales gesprochen.",
    "place": "konzeption/goals",
    "sentence": "Bitte ergänzen Sie die Ziele.",
    "due_on": in_weeks(3),
}
LATER = {"due_on": in_weeks(6), "reason": "Der Ausschuss tagt erst im nächsten Monat."}
HEARING = {"text": "Wir beabsichtigen, den Antrag abzulehnen.", "due_on": in_weeks(4)}
ANSWER = {"answer": "Wir bleiben dabei.", "answered_on": f"{timezone.localdate():%d.%m.%Y}"}
CHANGE = {
    **GRANT,
    "kind": "amendment",
    "ends_on": "31.03.2029",
    **{
        f"plan_{line}_{year}": amount
        for year in (2027, 2028)
        for line, amount in (("expense_moderation_", "10.000"), ("cover_own_06431901", "1.000"))
    },
}


PAPER = {
    "received_as": "post",
    "arrived_on": f"{timezone.localdate():%d.%m.%Y}",
    "upload": SimpleUploadedFile("Antwort.pdf", world.pdf_bytes(), "application/pdf"),
}


@pytest.mark.parametrize(
    ("case", "action", "data", "status"),
    [
        ("submitted", "begin_check", {"file_number": ""}, Status.FORMAL_CHECK),
        ("submitted", "close", REASON, Status.CLOSED),
        ("formal_check", "request_information", answered_form(), Status.INFORMATION_REQUESTED),
        ("formal_check", "ask_by_phone", PHONE, Status.INFORMATION_REQUESTED),
        ("information_requested", "extend_request", LATER, Status.INFORMATION_REQUESTED),
        ("answered", "settle_items", {}, Status.FORMAL_CHECK),
        ("formal_check", "accept_formally", {}, Status.SUBSTANTIVE_CHECK),
        ("formal_check", "close", REASON, Status.CLOSED),
        ("information_requested", "proceed_without_answer", REASON, Status.FORMAL_CHECK),
        ("information_requested", "record_answer", PAPER, Status.FORMAL_CHECK),
        ("information_requested", "close", REASON, Status.CLOSED),
        ("substantive_check", "request_information", answered_form(), "information_requested"),
        ("substantive_check", "propose", GRANT, Status.PROPOSED),
        ("substantive_check", "propose", REJECTION, Status.PROPOSED),
        ("substantive_check", "begin_hearing", HEARING, Status.HEARING),
        ("hearing", "end_hearing", ANSWER, Status.SUBSTANTIVE_CHECK),
        ("hearing", "close", REASON, Status.CLOSED),
        ("substantive_check", "close", REASON, Status.CLOSED),
        ("grant proposed", "return_proposal", {**REASON, "proposal": 1}, "substantive_check"),
        ("grant proposed", "retract_proposal", {**REASON, "proposal": 1}, "substantive_check"),
        ("grant proposed", "grant", {"proposal": 1, "letter": SEAL}, Status.GRANTED),
        ("rejection proposed", "return_proposal", {**REASON, "proposal": 1}, "substantive_check"),
        ("rejection proposed", "reject", {"proposal": 1, "letter": SEAL}, Status.REJECTED),
        ("granted", "begin_revocation_hearing", HEARING, Status.GRANTED),
        ("granted", "propose_change", CHANGE, Status.GRANTED),
        ("change proposed", "return_change", {**REASON, "proposal": 2}, Status.GRANTED),
        ("change proposed", "retract_change", {**REASON, "proposal": 2}, Status.GRANTED),
        ("change proposed", "sign_change", {"proposal": 2, "letter": SEAL}, Status.GRANTED),
        ("granted", "publish_project", {}, Status.GRANTED),
        ("published", "withdraw_project", REASON, Status.GRANTED),
        *(
            (case, "set_file_number", {"file_number": "II 25 – 7"}, None)
            for case in CASES
            if case not in PROPOSED
        ),
    ],
)
def test_a_move_is_made_logged_and_leads_back_to_the_case(
    case: str, action: str, data: dict[str, Any], status: str | None, client: Client
) -> None:
    w = world.build(now())
    application = CASES[case](w, now())
    before, entries = state_of(application)
    maker = w.signer if MAKERS[action] == SIGN else w.reviewer
    client.force_login(maker)
    if "letter" in data:
        data = {**data, "letter": application.decisions.get(state="proposed").draft_sha256}
    answer = client.post(address(application, action), data)
    assert (answer.status_code, answer.headers.get("Location")) == (
        302,
        address(application, "change"),
    )
    letters = 1 if "hearing" in action and "begin" in action else 0
    assert state_of(application) == (status or before, entries + 1 + letters)
    last = application.log.last()
    assert (last.action, last.actor_id) == (action, maker.pk)
    page = client.get(address(application, "change"))
    assert page.status_code == 200
    assert len(list(page.context["messages"])) == 1
    again = client.post(address(application, action), data)
    assert (again.status_code, state_of(application)[1]) == (
        {
            "set_file_number": (302, entries + 1),
            "settle_items": (302, entries + 2),
            "extend_request": (422, entries + 1),
        }.get(action, (409, entries + 1 + letters))
    )


@pytest.mark.parametrize(
    ("case", "action"),
    [
        ("submitted", "close"),
        ("information_requested", "proceed_without_answer"),
        ("grant proposed", "return_proposal"),
        ("grant proposed", "retract_proposal"),
        ("published", "withdraw_project"),
    ],
)
def test_without_a_reason_nothing_happens_and_the_page_says_so(
    case: str, action: str, client: Client
) -> None:
    w = world.build(now())
    application = CASES[case](w, now())
    before = state_of(application)
    client.force_login(w.signer if MAKERS[action] == SIGN else w.reviewer)
    answer = client.post(address(application, action), {"reason": "  \u200b ", "proposal": 1})
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"reason": ["Bitte geben Sie eine Begründung an."]}
    assert answer.content.decode().count("<title>Fehler: ") == 1
    assert state_of(application) == before


# --- Asking for what is missing -------------------------------------------------------------------


def test_the_date_proposed_is_three_weeks_away_and_a_working_day(client: Client) -> None:
    w = world.build(now())
    application = world.in_check(w, now())
    client.force_login(w.reviewer)
    page = client.get(address(application, "request_information"))
    proposed = page.context["form"].initial["due_on"]
    assert proposed == add_working_days(timezone.localdate() + timedelta(days=20), 1)


def test_what_was_asked_for_is_kept_as_typed(client: Client) -> None:
    w = world.build(now())
    application = world.in_check(w, now())
    client.force_login(w.reviewer)
    client.post(
        address(application, "request_information"),
        answered_form(step_anlagen="on", sentence_anlagen="Bitte das Angebot."),
    )
    request = InformationRequest.objects.get()
    assert list(request.items.values_list("step", "sentence")) == [
        ("konzeption", "Die Ziele fehlen."),
        ("anlagen", "Bitte das Angebot."),
    ]
    assert request.message == "Vielen Dank für Ihren Antrag."


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        (
            {"step_konzeption": "", "sentence_konzeption": ""},
            {"__all__": ["Bitte kreuzen Sie mindestens eine Angabe oder einen Abschnitt an."]},
        ),
        (
            {"sentence_konzeption": ""},
            {
                "sentence_konzeption": [
                    "Bitte schreiben Sie in einem Satz, was fehlt oder zu ändern ist."
                ]
            },
        ),
        (
            {"step_konzeption": ""},
            {"step_konzeption": ["Bitte kreuzen Sie den Abschnitt an oder löschen Sie den Satz."]},
        ),
        ({"due_on": ""}, {"due_on": ["Bitte geben Sie einen Termin an."]}),
        ({"due_on": "01.02.2021"}, {"due_on": ["Der Termin muss nach dem heutigen Tag liegen."]}),
        (
            {"due_on": "01.01.2049"},
            {
                "due_on": [
                    "Dieser Tag ist ein Samstag, Sonntag oder Feiertag in Hessen. Der nächste "
                    "Werktag ist der 04.01.2049."
                ]
            },
        ),
    ],
)
def test_an_incomplete_request_is_told_beside_its_fields(
    changes: dict[str, str], errors: dict[str, list[str]], client: Client
) -> None:
    w = world.build(now())
    application = world.in_check(w, now())
    client.force_login(w.reviewer)
    answer = client.post(address(application, "request_information"), answered_form(**changes))
    assert answer.status_code == 422
    assert answer.context["form"].errors == errors
    assert "Vielen Dank für Ihren Antrag." in answer.content.decode()
    assert not InformationRequest.objects.exists()


def test_what_the_rules_found_stands_at_its_section(client: Client) -> None:
    w = world.build(now())
    application = world.filled(w, now())
    application = world.save(application, Step.KONZEPTION, {"goals": ""}, w.clerk, now())
    application = world.file(application, w.signatory, now())
    services.begin_check(application=application, by=w.reviewer, at=now())
    client.force_login(w.reviewer)
    form = client.get(address(application, "request_information")).context["form"]
    hints = {section["label"]: section["hint"] for section in form.sections}
    said = {label for label, text in hints.items() if text.startswith("Prüfhinweise: ")}
    assert said == {Step.KONZEPTION.label, Step.FINANZIERUNG.label}


def test_what_came_before_the_request_is_refused_at_its_day_and_no_answer_in_words(
    client: Client,
) -> None:
    w = world.build(now())
    application = asked(w, now())
    client.force_login(w.reviewer)
    page = address(application, "record_answer")
    upload = SimpleUploadedFile("Antwort.pdf", world.pdf_bytes(), "application/pdf")
    early = client.post(page, {**PAPER, "upload": upload, "arrived_on": "02.01.2026"})
    assert (early.status_code, early.context["form"].errors) == (
        422,
        {"arrived_on": ["An diesem Tag war noch nicht nachgefordert. Bitte prüfen Sie das Datum."]},
    )
    with pytest.raises(Refused) as refused, refusals():
        raise services.NotSubmittable([])
    assert (refused.value.status, refused.value.title) == (
        409,
        "So lässt sich die Antwort nicht aufnehmen",
    )


# --- Proposing ------------------------------------------------------------------------------------


def test_the_proposal_is_prefilled_with_what_was_asked_for(client: Client) -> None:
    w = world.build(now())
    application = world.in_substance(w, now())
    client.force_login(w.reviewer)
    form = client.get(address(application, "propose")).context["form"]
    shown = {name: form[name].value() for name in form.fields if form[name].value()}
    assert shown == {
        "amount": "18.000,00",
        "year_2027": "9.000,00",
        "year_2028": "9.000,00",
        "eligible_costs": "20.000,00",
        "starts_on": "01.07.2027",
        "ends_on": "31.12.2028",
        "made": "here",
        "version": 1,
        "plan_expense_moderation__2027": "10.000,00",
        "plan_expense_moderation__2028": "10.000,00",
        "plan_cover_own_06431901_2027": "1.000,00",
        "plan_cover_own_06431901_2028": "1.000,00",
    }
    assert form.years == [2027, 2028]
    # The standard reasons stand beside the field, so that nobody writes the same twice.
    court = "Verwaltungsgericht Darmstadt, Sitz Darmstadt."
    assert form.opening == [
        ("Bewilligung", [f"Begründung (einleitend): {court}"]),
        ("Ablehnung", [f"Rechtsgrundlage: {court}", f"Begründung (einleitend): {court}"]),
    ]
    assert form["reasons"].help_text == (
        "Nur, was diesen Fall betrifft; die Sätze darunter stehen im Bescheid ohnehin davor."
    )


def test_the_plan_of_a_proposal_keeps_what_a_partner_that_left_was_to_pay() -> None:
    w = world.build()
    draft = world.shared(world.filled(w), w, w.small)
    case = world.file(world.save(draft, Step.KOMMUNE, {"partners": []}, w.clerk), w.signatory)
    services.begin_check(application=case, by=w.reviewer, at=NOW)
    case = services.accept_formally(application=case, by=w.reviewer, at=NOW)
    form = proposals.form(case, None, NOW)
    own = {label: [cell.value() for cell in cells] for label, cells in form.plan_table}
    assert {label: values for label, values in own.items() if "Eigenmittel" in label} == {
        "Deckung: Eigenmittel Musterstadt": ["1.000,00", "1.000,00"],
        "Deckung: Eigenmittel Kleinheim (nicht mehr im Verbund)": ["500,00", None],
    }


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"kind": ""}, {"kind": ["Bitte wählen Sie, was Sie vorschlagen."]}),
        ({"reasons": ""}, {"reasons": ["Bitte begründen Sie die Entscheidung."]}),
        (
            {"amount": "1.234.56"},
            {
                "amount": [
                    "Bitte geben Sie den Betrag nur mit den Ziffern 0 bis 9 und einem Komma ein, "
                    "zum Beispiel 1234,56 oder 1.234,56."
                ]
            },
        ),
        (
            {"amount": "18.000,01"},
            {
                "amount": ["Beantragt sind 18.000,00 €; mehr kann nicht bewilligt werden."],
                "year_2027": [
                    "Die Beträge der Haushaltsjahre ergeben 18.000,00 €, bewilligt werden sollen "
                    "18.000,01 €."
                ],
            },
        ),
        (
            {"amount": "17.000", "year_2028": "8.000"},
            {
                "reduction_reasons": [
                    "Es wird weniger bewilligt als beantragt. Bitte begründen Sie die Kürzung."
                ]
            },
        ),
        (
            {"ends_on": "31.12.2027"},
            {
                "year_2027": [
                    "Ein Betrag liegt in einem Haushaltsjahr außerhalb des Bewilligungszeitraums."
                ]
            },
        ),
    ],
)
def test_an_incomplete_proposal_is_told_beside_its_fields_and_nothing_typed_is_lost(
    changes: dict[str, str], errors: dict[str, list[str]], client: Client
) -> None:
    w = world.build(now())
    application = world.in_substance(w, now())
    client.force_login(w.reviewer)
    typed = {**GRANT, "special_conditions": "Monatlicher Bericht.", **changes}
    answer = client.post(address(application, "propose"), typed)
    assert answer.status_code == 422
    form = answer.context["form"]
    assert form.errors == errors
    assert {name: form[name].value() for name in typed} == typed
    assert not application.decisions.exists()


def test_all_that_is_wrong_is_told_at_once(client: Client) -> None:
    w = world.build(now())
    application = world.in_substance(w, now())
    client.force_login(w.reviewer)
    typed = {**GRANT, "amount": "1.234.56", "reasons": "", "starts_on": ""}
    form = client.post(address(application, "propose"), typed).context["form"]
    assert set(form.errors) == {"amount", "reasons", "starts_on"}


def test_only_the_years_of_the_period_are_offered_and_another_period_brings_its_own(
    client: Client,
) -> None:
    w = world.build(now())
    application = world.in_substance(w, now())
    client.force_login(w.reviewer)
    page = client.get(address(application, "propose"))
    assert page.content.decode().count("(freiwillig)") == 1  # Nebenbestimmungen
    typed = {**GRANT, "ends_on": "31.03.2029", "year_2028": "5.000"}
    form = client.post(address(application, "propose"), typed).context["form"]
    assert form.years == [2027, 2028, 2029]
    assert set(form.errors) == {"year_2027"}
    typed |= {"year_2029": "4.000"}
    answer = client.post(address(application, "propose"), typed)
    assert set(answer.context["form"].errors) == {"__all__"}  # the plan follows the years
    typed |= {
        f"plan_{line}_{year}": amount
        for line, amounts in (
            ("expense_moderation_", ("10.000", "6.000", "4.000")),
            ("cover_own_06431901", ("1.000", "1.000", "")),
        )
        for year, amount in zip((2027, 2028, 2029), amounts, strict=True)
    }
    assert client.post(address(application, "propose"), typed).status_code == 302


def test_what_the_letter_lacks_is_named_with_the_place_to_fill_it_in(client: Client) -> None:
    w = world.build(now())
    application = world.submitted(w, now())
    services.begin_check(application=application, by=w.reviewer, at=now())
    services.accept_formally(application=application, by=w.reviewer, at=now())
    w.town.district.court = ""
    w.town.district.save()
    client.force_login(w.reviewer)
    lacking = [
        {"text": "Geschäftszeichen", "href": address(application, "set_file_number")},
        {
            "text": "Verwaltungsgericht des Landkreises",
            "href": f"/admin/municipalities/district/{w.town.district_id}/change/",
        },
    ]
    before = client.get(address(application, "propose"))
    assert before.context["letters"] == [
        {"label": "Bewilligung und Ablehnung", "lacking": lacking},
    ]
    answer = client.post(address(application, "propose"), GRANT)
    assert answer.status_code == 422
    assert answer.context["lacking"] == lacking
    assert answer.context["form"]["reasons"].value() == "Überzeugt."
    assert state_of(application)[0] == Status.SUBSTANTIVE_CHECK


# --- Signing --------------------------------------------------------------------------------------


def both(**fields: Any) -> User:
    user: User = StaffFactory(roles=[REVIEW, SIGN], **fields)
    return user


def proposed_by(w: world.World, writer: User) -> Application:
    application = world.in_substance(w, now())
    services.propose(application=application, proposal=world.grant_proposal(), by=writer, at=now())
    return application


FOUR_EYES = (
    "Sie haben an diesem Vorschlag mitgeschrieben. Wer geschrieben hat, kann nicht zeichnen "
    "(Vier-Augen-Prinzip)."
)


@pytest.mark.parametrize("action", ["grant", "reject", "return_proposal"])
def test_whoever_wrote_the_proposal_cannot_sign_it(action: str, client: Client) -> None:
    w = world.build(now())
    writer = both()
    application = proposed_by(w, writer)
    before = state_of(application)
    client.force_login(writer)
    for answer in (
        client.get(address(application, action)),
        client.post(address(application, action), {"proposal": 1, "reason": "x"}),
    ):
        assert answer.status_code == 403
        assert answer.context["reason"] == FOUR_EYES
    assert state_of(application) == before
    assert not DecisionHand.objects.filter(role="signed").exists()


def test_the_writer_sees_the_signature_disabled_with_the_reason(client: Client) -> None:
    w = world.build(now())
    writer = both()
    application = proposed_by(w, writer)
    client.force_login(writer)
    page = client.get(address(application, "change"))
    assert [(b.label, b.reason) for b in page.context["out_of_reach"]] == [
        ("Vorschlag zurückgeben", FOUR_EYES),
        ("Bewilligung schlusszeichnen", FOUR_EYES),
    ]
    assert page.content.decode().count('type="button" disabled') == 2


def test_whoever_may_sign_is_warned_before_proposing(client: Client) -> None:
    w = world.build(now())
    application = world.in_substance(w, now())
    warning = "Wenn Sie selbst vorschlagen, muss eine andere Person zeichnen"
    client.force_login(both())
    assert warning in client.get(address(application, "propose")).content.decode()
    client.force_login(w.reviewer)
    assert warning not in client.get(address(application, "propose")).content.decode()


def test_a_proposal_taken_back_is_returned_and_its_writer_still_cannot_sign(
    client: Client,
) -> None:
    w = world.build(now())
    writer = both()
    application = proposed_by(w, writer)
    client.force_login(writer)
    data = {"proposal": 1, "reason": "Betrag vertippt."}
    assert client.post(address(application, "retract_proposal"), data).status_code == 302
    decision = application.decisions.get()
    assert (decision.state, decision.return_reason) == ("returned", "Betrag vertippt.")
    services.propose(
        application=application, proposal=world.grant_proposal(), by=w.reviewer, at=now()
    )
    assert client.post(address(application, "grant"), sealed(application, 2)).status_code == 403


def test_whoever_wrote_an_earlier_proposal_of_the_case_cannot_sign_a_later_one(
    client: Client,
) -> None:
    w = world.build(now())
    first, second = both(), both()
    application = proposed_by(w, first)
    services.return_proposal(application=application, reason="x", by=w.signer, at=now())
    services.propose(application=application, proposal=world.grant_proposal(), by=second, at=now())
    for user in (first, second):
        client.force_login(user)
        answer = client.post(address(application, "grant"), sealed(application, 2))
        assert answer.status_code == 403
    client.force_login(w.signer)
    assert client.post(address(application, "grant"), sealed(application, 2)).status_code == 302


@pytest.mark.parametrize("action", ["grant", "return_proposal"])
def test_nobody_signs_another_proposal_than_the_one_they_read(action: str, client: Client) -> None:
    w = world.build(now())
    application = proposed_by(w, w.reviewer)
    client.force_login(w.signer)
    read = client.get(address(application, action)).context["form"].initial["proposal"]
    services.return_proposal(application=application, reason="x", by=both(), at=now())
    services.propose(
        application=application, proposal=world.grant_proposal(), by=w.reviewer, at=now()
    )
    before = state_of(application)
    answer = client.post(address(application, action), {**sealed(application, read), "reason": "x"})
    assert answer.status_code == 409
    assert answer.context["reason"] == (
        "Es liegt inzwischen ein anderer Vorschlag oder ein anderes Schreiben vor als das, das "
        "Sie gelesen haben."
    )
    assert state_of(application) == before


@pytest.mark.parametrize("action", ["grant", "return_proposal"])
def test_a_signature_without_naming_the_proposal_is_refused(action: str, client: Client) -> None:
    w = world.build(now())
    application = proposed_by(w, w.reviewer)
    client.force_login(w.signer)
    answer = client.post(address(application, action), {"reason": "x"})
    assert answer.status_code == 422
    assert state_of(application)[0] == Status.PROPOSED


def test_the_signer_reads_the_letter_as_a_draft_before_signing(client: Client) -> None:
    w = world.build(now())
    application = world.proposed(w, at=now())
    client.force_login(w.signer)
    page = client.get(address(application, "grant"))
    href = page.context["draft_href"]
    assert f'href="{href}"' in page.content.decode()
    answer = client.get(href)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="Entwurf-KIV-' + (
        f'{timezone.localdate().year}-0001.pdf"'
    )
    assert "Entwurf" in text_of(answer.content)
    assert not Letter.objects.exists()


def test_a_letter_whose_parts_went_missing_is_not_signed(client: Client) -> None:
    w = world.build(now())
    application = world.proposed(w, at=now())
    w.town.district.court = ""
    w.town.district.save()
    client.force_login(w.signer)
    answer = client.post(address(application, "grant"), sealed(application, 1))
    assert answer.status_code == 422
    assert [part["text"] for part in answer.context["lacking"]] == [
        "Verwaltungsgericht des Landkreises"
    ]
    assert client.get(f"{address(application, 'entwurf.pdf')[:-1]}").status_code == 404
    assert state_of(application)[0] == Status.PROPOSED


def test_a_call_without_a_round_is_named_when_a_grant_is_signed(client: Client) -> None:
    w = world.build(now())
    application = world.proposed(w, at=now())
    w.call.round = None
    w.call.save()
    client.force_login(w.signer)
    answer = client.post(address(application, "grant"), sealed(application, 1))
    assert answer.status_code == 422
    assert answer.context["lacking"] == [
        {
            "text": "Förderrunde im Förderaufruf",
            "href": f"/admin/applications/fundingcall/{w.call.pk}/change/",
        }
    ]


# --- Publishing -----------------------------------------------------------------------------------


def test_before_publishing_the_page_shows_what_the_public_will_see(client: Client) -> None:
    w = world.build(now())
    application = world.notified(w, now())
    client.force_login(w.reviewer)
    page = client.get(address(application, "publish_project"))
    assert page.context["form"]["mailbox"].value() == "integration@musterstadt.example"
    assert page.context["agreed"] is True
    assert dict(page.context["facts"]) == {
        "Projektname": "Vielfalt in Musterstadt",
        "Kommunen": "Musterstadt (Landkreis Bergstraße)",
        "Förderrunde": "KIV IV (2026/2027)",
        "AMIF-WIR-Projekt": "Nein",
        "Zeitraum": "01.07.2027 bis 31.12.2028",
        "Bewilligte Zuwendung": "über 10.000 bis 20.000 €",
        "Adresse": f"/projekte/{application.project.slug}/",
    }


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (None, "nichts zur Veröffentlichung der Projektdaten gesagt"),
        (False, "der Veröffentlichung der Projektdaten nicht zugestimmt"),
    ],
)
def test_a_missing_consent_is_said_before_publishing(
    said: bool | None, text: str, client: Client
) -> None:
    w = world.build(now())
    application = world.filled(w, now())
    application = world.save(
        application, Step.ERKLAERUNGEN, {"consents_publication": said}, w.clerk, now()
    )
    application = world.file(application, w.signatory, now())
    services.begin_check(application=application, by=w.reviewer, at=now())
    services.set_file_number(application=application, file_number="II 1", by=w.reviewer, at=now())
    services.accept_formally(application=application, by=w.reviewer, at=now())
    services.propose(
        application=application, proposal=world.grant_proposal(), by=w.reviewer, at=now()
    )
    services.grant(application=application, by=w.signer, at=now())
    letter = world.with_pdf(application.letters.get(), now())
    services.deliver(letter=letter, way="receipt", by=w.reviewer, at=now())
    services.acknowledge(
        letter=letter, received_on=timezone.localdate(now()), by=w.reviewer, at=now()
    )
    client.force_login(w.reviewer)
    page = client.get(address(application, "publish_project")).content.decode()
    assert text in " ".join(page.split())


def test_a_reason_longer_than_the_projects_record_is_said_and_kept(client: Client) -> None:
    w = world.build(now())
    application = published(w, now())
    client.force_login(w.reviewer)
    place, longest = address(application, "withdraw_project"), "x" * 300
    answer = client.post(place, {"reason": f"{longest}y"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["reason"])
    assert f"{longest}y" in answer.content.decode()
    assert client.post(place, {"reason": longest}).status_code == 302
    application.project.refresh_from_db()
    assert application.project.withdrawn_reason == longest


def test_a_project_withdrawn_by_its_own_room_can_be_published_again(client: Client) -> None:
    w = world.build(now())
    application = published(w, now())
    withdraw_from_public(project=application.project, reason="Fehler", by=w.reviewer, at=now())
    client.force_login(w.reviewer)
    assert client.get(address(application, "withdraw_project")).status_code == 409
    assert client.post(address(application, "publish_project")).status_code == 302


# --- Two people at once ---------------------------------------------------------------------------


def meanwhile(case: str, w: world.World) -> tuple[Application, Callable[[], Any]]:
    """A case as one person's request read it, and what another person does just then."""
    application = CASES[case](w, now())
    read = Application.objects.select_related("project").get(pk=application.pk)
    others = {
        "submitted": lambda: services.begin_check(application=application, by=both(), at=now()),
        "grant proposed": lambda: services.grant(application=application, by=both(), at=now()),
        "granted": lambda: services.publish_project(
            application=application, by=w.reviewer, at=now()
        ),
        "published": lambda: services.withdraw_project(
            application=application, reason="x", by=w.reviewer, at=now()
        ),
    }
    return read, others[case]


@pytest.mark.parametrize(
    ("case", "action", "state", "reason"),
    [
        (
            "submitted",
            "begin_check",
            "formale Prüfung",
            "„Formale Prüfung beginnen“ ist im Stand „formale Prüfung“ nicht möglich.",
        ),
        ("grant proposed", "grant", "bewilligt", "Es liegt kein Vorschlag mehr vor."),
        ("grant proposed", "return_proposal", "bewilligt", "Es liegt kein Vorschlag mehr vor."),
        ("granted", "publish_project", "bewilligt", "Das Projekt ist schon veröffentlicht."),
        (
            "published",
            "withdraw_project",
            "bewilligt",
            "Das Projekt steht nicht im öffentlichen Verzeichnis.",
        ),
    ],
)
def test_whoever_comes_second_learns_that_the_state_has_changed(
    case: str, action: str, state: str, reason: str, rf: RequestFactory
) -> None:
    w = world.build(now())
    read, another_person_acts = meanwhile(case, w)
    another_person_acts()
    entries = read.log.count()
    request = rf.post(address(read, action), {"reason": "x", "proposal": 1})
    request.user = w.signer if MAKERS[action] == SIGN else w.reviewer
    request.arrived_at = timezone.now()
    answer = moves.respond(admin.site._registry[Application], request, read, action)
    assert answer.status_code == 409
    assert {name: answer.context_data[name] for name in ("title", "reason", "state")} == {
        "title": "Der Stand hat sich inzwischen geändert",
        "reason": reason,
        "state": state,
    }
    assert f'href="{address(read, "change")}"' in answer.render().content.decode()
    assert read.log.count() == entries
