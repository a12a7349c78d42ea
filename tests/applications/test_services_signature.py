"""The signature refers to the letter: its seal, its edits, its correction, one made elsewhere."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from applications import documents, services
from applications.admin.hindrances import hindrance
from applications.admin.tasks import BY_NAME
from applications.models import Application, CallBudget, Decision, FundingCall, Letter, LetterBlock
from applications.models.letters import LetterKind, unknown_placeholders
from applications.services import letters
from applications.services.letters import PARTS_ELSEWHERE
from applications.workflow import Status, transition
from kiv_portal.models import Authority
from municipalities import permissions
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)


@pytest.fixture
def w() -> world.World:
    return world.build()


def open_one(application: Application) -> Decision:
    return application.decisions.get(state="proposed")


def edit(application: Application, by: Any, action: str = "edit_letter", **edits: str) -> Decision:
    return getattr(services, action)(
        application=application,
        edits=edits or {"reasons": "Anders begründet."},
        seen=open_one(application).draft_sha256,
        by=by,
        at=NOW,
    )


def sign(application: Application, by: Any, **more: Any) -> Application:
    return services.grant(application=application, by=by, at=LATER, **more)


# --- The seal -------------------------------------------------------------------------------------


def test_the_letter_signed_is_the_letter_proposed(w):
    application = world.proposed(w)
    decision = open_one(application)
    sign(application, w.signer, seen=1, sealed=decision.draft_sha256)
    letter = Letter.objects.get()
    assert letter.seal == decision.draft_sha256 == letters.seal(letter.values)
    assert decision.hands.get(role="signed").sha256 == letter.seal
    assert (letter.values["dated_on"], letter.values["signatory_lines"]) == (
        "2026-11-17",
        ["Im Auftrag", w.signer.name],
    )


def test_nobody_signs_a_letter_they_have_not_seen(w):
    application = world.proposed(w)
    read = open_one(application).draft_sha256
    edit(application, w.other_reviewer)
    with pytest.raises(services.ProposalChanged):
        sign(application, w.signer, seen=1, sealed=read)
    application.refresh_from_db()
    assert application.status == Status.PROPOSED


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (
            lambda w: LetterBlock.objects.filter(kind="grant", key="payment").update(text="Neu."),
            ["Auszahlung"],
        ),
        (
            lambda w: Authority.objects.update(phone="06151 1"),
            ["Briefkopf und Angaben zum Vorgang"],
        ),
        (
            lambda w: FundingCall.objects.update(purpose="Anderer Zweck"),
            ["Tenor"],
        ),
        (
            lambda w: LetterBlock.objects.create(
                kind="grant",
                key="remedy",
                text="Neu.",
                valid_from=date(2026, 11, 17),
                confirmed_by_office="Stelle",
            ),
            ["Rechtsbehelfsbelehrung"],
        ),
    ],
)
def test_what_changed_since_the_proposal_is_noticed_and_named(w, change, parts):
    application = world.proposed(w)
    change(w)
    with pytest.raises(services.LetterChanged) as refused:
        sign(application, w.signer)
    assert refused.value.parts == parts
    application.refresh_from_db()
    assert (application.status, Letter.objects.count()) == (Status.PROPOSED, 0)
    # Saved anew without a change, the letter says what is true today, and can be signed.
    services.edit_letter(
        application=application,
        edits={},
        seen=open_one(application).draft_sha256,
        by=w.reviewer,
        at=LATER,
    )
    assert sign(application, w.signer).status == Status.GRANTED


def test_the_file_number_stays_while_a_letter_is_proposed(w):
    application = world.proposed(w)
    with pytest.raises(services.FileNumberFixed):
        services.set_file_number(
            application=application, file_number="II 26", by=w.reviewer, at=NOW
        )
    services.return_proposal(application=application, reason="x", by=w.signer, at=NOW)
    services.set_file_number(application=application, file_number="II 26", by=w.reviewer, at=NOW)


# --- Edited by hand -------------------------------------------------------------------------------


def test_an_edit_is_in_the_letter_and_its_difference_is_kept(w):
    application = world.proposed(w)
    edit(application, w.reviewer, payment="Erst nach Rücksprache.", addressee="Magistrat\nRathaus")
    sign(application, w.signer)
    letter = Letter.objects.get()
    payment = next(part for part in letter.values["sections"] if part["key"] == "payment")
    assert payment["paragraphs"] == ["Erst nach Rücksprache."]
    assert letter.values["addressee_lines"] == ["Magistrat", "Rathaus"]
    assert letter.differences == [
        {
            "key": "addressee",
            "heading": "Anschrift",
            "before": "Magistrat der Stadt Musterstadt\nMarktplatz 1\n64283 Musterstadt",
            "after": "Magistrat\nRathaus",
        },
        {
            "key": "payment",
            "heading": "Auszahlung",
            "before": "Auszahlung: Verwaltungsgericht Darmstadt, Sitz Darmstadt.",
            "after": "Erst nach Rücksprache.",
        },
    ]


def test_figures_are_not_edited_as_text(w):
    application = world.proposed(w)
    decision = edit(application, w.reviewer, tenor="Eine Million Euro.", plan="Frei.")
    assert decision.edits == {}
    assert "Eine Million" not in str(decision.draft)


def test_a_part_of_a_letter_does_not_stay_empty(w):
    application = world.proposed(w)
    with pytest.raises(services.PartEmpty) as refused:
        edit(application, w.reviewer, remedy=" ", reasons="x")
    assert refused.value.keys == ["remedy"]


def test_whoever_edits_has_written_and_cannot_sign(w):
    person = world.staff(permissions.REVIEW)
    person.groups.add(*w.signer.groups.all())
    application = world.proposed(w)
    edit(application, person)
    with pytest.raises(services.FourEyes):
        sign(application, person)
    assert sign(application, w.signer).status == Status.GRANTED


def test_two_people_do_not_edit_over_each_other(w):
    application = world.proposed(w)
    read = open_one(application).draft_sha256
    edit(application, w.other_reviewer)
    with pytest.raises(services.ProposalChanged):
        services.edit_letter(
            application=application, edits={"reasons": "x"}, seen=read, by=w.reviewer, at=NOW
        )


# --- Corrected by the signer ----------------------------------------------------------------------


def test_a_correction_waits_for_the_writer_and_then_for_a_third_person(w):
    application = world.proposed(w)
    edit(application, w.signer, "correct_letter")
    other = world.staff(permissions.SIGN)
    for person, refusal in ((w.signer, services.FourEyes), (other, services.ConsentMissing)):
        with pytest.raises(refusal):
            sign(application, person)
    seal = open_one(application).draft_sha256
    with pytest.raises(services.FourEyes):  # wrote nothing of it
        services.agree(application=application, seen=seal, by=w.other_reviewer, at=NOW)
    with pytest.raises(services.ProposalChanged):
        services.agree(application=application, seen="another", by=w.reviewer, at=NOW)
    services.agree(application=application, seen=seal, by=w.reviewer, at=NOW)
    with pytest.raises(services.NothingToAgree):
        services.agree(application=application, seen=seal, by=w.reviewer, at=NOW)
    for person in (w.signer, w.reviewer):
        with pytest.raises((services.FourEyes, services.NotAllowed)):
            sign(application, person)
    assert sign(application, other).status == Status.GRANTED


def test_a_new_correction_needs_a_new_agreement(w):
    application = world.proposed(w)
    edit(application, w.signer, "correct_letter")
    services.agree(
        application=application, seen=open_one(application).draft_sha256, by=w.reviewer, at=NOW
    )
    edit(application, w.signer, "correct_letter", reasons="Noch einmal anders.")
    assert open_one(application).awaits_consent is True


def test_who_takes_the_corrected_text_on_while_writing_has_agreed(w):
    application = world.proposed(w)
    edit(application, w.signer, "correct_letter")
    edit(application, w.reviewer, reasons="Gemeinsam begründet.")
    assert open_one(application).awaits_consent is False
    assert sign(application, world.staff(permissions.SIGN)).status == Status.GRANTED


def test_who_wrote_nothing_before_a_correction_agrees_neither_by_writing_on_nor_afterwards(w):
    application = world.proposed(w)
    edit(application, w.signer, "correct_letter")
    services.edit_letter(
        application=application,
        edits={"reasons": "Noch anders."},
        seen=open_one(application).draft_sha256,
        by=w.other_reviewer,
        at=LATER,
    )
    seal = open_one(application).draft_sha256
    other = world.staff(permissions.SIGN)
    with pytest.raises(services.ConsentMissing):
        sign(application, other)
    with pytest.raises(services.FourEyes):
        services.agree(application=application, seen=seal, by=w.other_reviewer, at=LATER)
    agree, cases = transition("agree"), Application.objects.all()
    proposed, task = open_one(application), BY_NAME["einverstanden"]
    for person, may in ((w.other_reviewer, False), (w.reviewer, True)):
        assert (hindrance(application, person, agree, proposed, LATER) is None) is may
        assert task.cases(cases, person, LATER.date()).exists() is may
    services.agree(application=application, seen=seal, by=w.reviewer, at=LATER)
    assert sign(application, other).status == Status.GRANTED


def test_the_database_itself_refuses_a_signature_before_the_agreement(w):
    application = world.proposed(w)
    edit(application, w.signer, "correct_letter")
    with pytest.raises(IntegrityError), transaction.atomic():
        application.decisions.update(state="signed", settled_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        application.decisions.update(agreed_by=w.signer, agreed_at=NOW)


# --- Mitzeichnung ---------------------------------------------------------------------------------


def test_who_countersigns_does_neither_write_nor_sign(w):
    application = world.proposed(w)
    seal = open_one(application).draft_sha256
    with pytest.raises(services.FourEyes):
        services.countersign(application=application, seen=seal, by=w.reviewer, at=NOW)
    person = world.staff(permissions.REVIEW)
    person.groups.add(*w.signer.groups.all())
    for at in (NOW, LATER):
        services.countersign(application=application, seen=seal, by=person, at=at)
    hand = open_one(application).hands.get(user=person)
    assert (hand.role, hand.at, hand.sha256) == ("countersigned", LATER, seal)
    with pytest.raises(services.FourEyes):
        edit(application, person)
    with pytest.raises(services.FourEyes):
        sign(application, person)
    with pytest.raises(services.ProposalChanged):
        services.countersign(application=application, seen="x", by=w.other_reviewer, at=NOW)


# --- Made elsewhere -------------------------------------------------------------------------------


def made(kind: str = "grant", **changes: Any) -> services.Elsewhere:
    values: dict[str, Any] = {
        "upload": SimpleUploadedFile("Bescheid.pdf", world.pdf_bytes(), "application/pdf"),
        "dated_on": date(2026, 11, 13),
        "parts": frozenset(code for code, _ in PARTS_ELSEWHERE[kind]),
    }
    return services.Elsewhere(**values | changes)


def test_a_letter_made_elsewhere_is_signed_without_any_text_of_ours(w):
    LetterBlock.objects.all().delete()
    FundingCall.objects.update(letters_elsewhere=True, financing_type="", purpose="")
    application = world.proposed(w, world.grant_proposal(elsewhere=made()))
    decision = open_one(application)
    assert services.missing_parts(decision, NOW) == []
    sign(application, w.signer, seen=1, sealed=decision.draft_sha256)
    letter = Letter.objects.get()
    assert (letter.made_elsewhere, letter.kind, letter.dated_on) == (
        True,
        "grant",
        date(2026, 11, 13),
    )
    assert letter.sha256 == letter.values["file_sha256"] == decision.elsewhere_sha256
    with letter.file.open() as file:
        assert file.read() == world.pdf_bytes()
    assert letter.values["years"] == {"2027": "9000.00", "2028": "9000.00"}
    logged = application.log.get(action="letter_uploaded").content.values
    assert logged["sha256"] == letter.sha256
    # The same delivery as any other letter.
    services.deliver(letter=letter, way="receipt", by=w.reviewer, at=LATER)


def test_a_rejection_made_elsewhere_is_signed_too(w):
    LetterBlock.objects.all().delete()
    proposal = services.Proposal(
        kind="rejection", reasons="x", hearing_skipped="x", elsewhere=made("rejection")
    )
    application = world.proposed(w, proposal)
    services.reject(application=application, by=w.signer, at=LATER)
    assert Letter.objects.get().made_elsewhere is True


def test_every_required_part_is_ticked_by_a_person(w):
    application = world.in_substance(w)
    ticked = made().parts - {"remedy", "years"}
    with pytest.raises(services.ProposalIncomplete) as refused:
        services.propose(
            application=application,
            proposal=world.grant_proposal(elsewhere=made(parts=ticked, dated_on=None)),
            by=w.reviewer,
            at=NOW,
        )
    assert refused.value.faults == {
        "dated_on": "Bitte geben Sie das Datum an, das auf dem Schreiben steht.",
        "parts": "Bitte prüfen Sie das Schreiben. Noch nicht bestätigt: Tenor: Beträge nach "
        "Haushaltsjahren; Rechtsbehelfsbelehrung mit Klage, Verwaltungsgericht, Sitz und Frist",
    }


@pytest.mark.parametrize(
    "upload",
    [
        SimpleUploadedFile("Bescheid.pdf", b"no PDF at all", "application/pdf"),
        SimpleUploadedFile("Bescheid.txt", b"x", "text/plain"),
    ],
)
def test_what_is_no_pdf_is_refused_and_leaves_nothing_behind(w, upload):
    application = world.in_substance(w)
    with pytest.raises(documents.UploadRefused):
        services.propose(
            application=application,
            proposal=world.grant_proposal(elsewhere=made(upload=upload)),
            by=w.reviewer,
            at=NOW,
        )
    assert not default_storage.exists("schreiben/vorgelegt")


def test_a_refused_proposal_leaves_no_file_behind(w):
    application = world.in_substance(w)
    with pytest.raises(services.ProposalIncomplete):
        services.propose(
            application=application,
            proposal=world.grant_proposal(elsewhere=made(), reasons=""),
            by=w.reviewer,
            at=NOW,
        )
    assert default_storage.listdir("schreiben/vorgelegt")[1] == []


def test_a_letter_made_elsewhere_is_not_edited_here(w):
    application = world.proposed(w, world.grant_proposal(elsewhere=made()))
    with pytest.raises(services.LetterNotOurs):
        edit(application, w.reviewer)


# --- The adjusted plan ----------------------------------------------------------------------------

LESS = {
    "amount": Decimal("9000.00"),
    "years": {2027: Decimal("9000.00")},
    "reduction_reasons": "Nicht alles ist zuwendungsfähig.",
    "eligible_costs": Decimal("10000.00"),
}


def test_less_than_asked_needs_a_plan_that_balances(w):
    application = world.in_substance(w)
    nine, one = Decimal("9000.00"), Decimal("1000.00")

    def propose(plan: Any) -> Decision:
        proposal = world.grant_proposal(**LESS, plan=plan)
        return services.propose(application=application, proposal=proposal, by=w.reviewer, at=NOW)

    with pytest.raises(services.ProposalIncomplete) as refused:
        propose(None)
    assert list(refused.value.faults) == ["plan"]
    gap = world.plan_for({2027: nine}, {2027: one}, w.town.ags)[:-1]
    with pytest.raises(services.ProposalIncomplete) as refused:
        propose(gap)
    assert refused.value.faults == {
        "plan_2027": "Im Haushaltsjahr 2027 fehlen noch 1.000,00 € Deckung."
    }
    decision = propose(world.plan_for({2027: nine}, {2027: one}, w.town.ags))
    assert list(decision.plan.values_list("side", "kind", "ags", "year", "amount")) == [
        ("expense", "moderation", "", 2027, Decimal("10000.00")),
        ("cover", "grant", "", 2027, nine),
        ("cover", "own", w.town.ags, 2027, one),
    ]
    plan = next(part for part in decision.draft["sections"] if part["key"] == "plan")
    assert plan["table"]["total_row"] == ["Summe der Deckung", "10.000,00 €", "10.000,00 €"]
    tenor = decision.draft["sections"][0]["table"]
    assert tenor["rows"] == [["2027", "9.000,00 €", "9.000,00 €"], ["2028", "9.000,00 €", "0,00 €"]]


@pytest.mark.parametrize(
    ("lines", "place", "said"),
    [
        (
            [("expense", "moderation", 2027, 9000), ("cover", "grant", 2027, 9000)],
            "plan",
            "Die Ausgaben des Finanzierungsplans ergeben 9.000,00 €; zuwendungsfähig kann nicht "
            "mehr sein.",
        ),
        (
            [("expense", "moderation", 2027, 10000), ("cover", "own", 2027, 10000)],
            "plan",
            "Im Haushaltsjahr 2027 enthält der Finanzierungsplan 0,00 € Zuwendung, bewilligt "
            "werden 9.000,00 €.",
        ),
        (
            [
                ("expense", "moderation", 2027, 10000),
                ("cover", "grant", 2027, 9000),
                ("cover", "own", 2027, 2000),
            ],
            "plan_2027",
            "Im Haushaltsjahr 2027 übersteigt die Deckung die Ausgaben um 1.000,00 €.",
        ),
    ],
)
def test_the_plan_says_what_does_not_fit(w, lines, place, said):
    plan = [
        services.PlanLine(side, kind, year, Decimal(amount)) for side, kind, year, amount in lines
    ]
    with pytest.raises(services.ProposalIncomplete) as refused:
        services.propose(
            application=world.in_substance(w),
            proposal=world.grant_proposal(**LESS, plan=plan),
            by=w.reviewer,
            at=NOW,
        )
    assert refused.value.faults == {place: said}


def test_the_ceilings_of_the_call_hold_for_a_grant(w):
    FundingCall.objects.update(rate=Decimal("0.5"))
    application = world.in_substance(w)
    with pytest.raises(services.ProposalIncomplete) as refused:
        services.propose(
            application=application, proposal=world.grant_proposal(), by=w.reviewer, at=NOW
        )
    assert refused.value.faults == {
        "amount": "Der Fördersatz von 50 % der zuwendungsfähigen Gesamtausgaben ergibt höchstens "
        "10.000,00 €."
    }


# --- Budget ---------------------------------------------------------------------------------------


def budget(w: world.World, **rows: tuple[str | None, str | None]) -> None:
    for year, (funds, commitment) in rows.items():
        CallBudget.objects.create(
            call=w.call, year=int(year[1:]), funds=funds, commitment=commitment
        )


def test_what_is_not_entered_is_a_notice_and_stops_nobody(w):
    from applications.services.decisions import budget as money

    decision = open_one(world.proposed(w))
    assert money.check(decision, LATER.date()) == [
        "Haushaltsjahr 2027: Verpflichtungsermächtigung nicht eingetragen, also nicht geprüft.",
        "Haushaltsjahr 2028: Verpflichtungsermächtigung nicht eingetragen, also nicht geprüft.",
    ]
    budget(w, y2027=("1.00", "9000.00"), y2028=(None, "9000.00"))
    assert money.check(decision, LATER.date()) == []


def test_later_years_need_verpflichtungsermaechtigung(w):
    application = world.proposed(w)
    budget(w, y2027=("99999.00", "8999.99"), y2028=("99999.00", "0.00"))
    with pytest.raises(services.BudgetExceeded) as refused:
        sign(application, w.signer)
    assert refused.value.faults == [
        "Haushaltsjahr 2027: Verpflichtungsermächtigung reicht nicht. Frei sind 8.999,99 €, "
        "gebraucht werden 9.000,00 €.",
        "Haushaltsjahr 2028: Verpflichtungsermächtigung reicht nicht. Frei sind 0,00 €, gebraucht "
        "werden 9.000,00 €.",
    ]
    application.refresh_from_db()
    assert (application.status, open_one(application).hands.count()) == (Status.PROPOSED, 1)


def test_the_current_year_needs_haushaltsmittel(w):
    from applications.services.decisions import budget as money

    decision = open_one(world.proposed(w))
    budget(w, y2027=("8999.99", None), y2028=(None, "9000.00"))
    with pytest.raises(services.BudgetExceeded) as refused:
        money.check(decision, date(2027, 1, 4))
    assert refused.value.faults == [
        "Haushaltsjahr 2027: Haushaltsmittel reicht nicht. Frei sind 8.999,99 €, gebraucht werden "
        "9.000,00 €."
    ]


def test_what_is_granted_binds_the_money_and_a_revocation_frees_it(w):
    from applications.services.decisions import years_of_call

    budget(w, y2027=("20000.00", "9000.00"), y2028=(None, "9000.00"))
    application = world.granted(w)
    years = {row.year: row for row in years_of_call(w.call)}
    assert (years[2027].funds_free, years[2027].commitment_free) == (Decimal("11000.00"), 0)
    assert (years[2028].funds_free, years[2028].commitment_free) == (None, 0)
    services.begin_revocation_hearing(
        application=application, text="x", due_on=date(2026, 12, 15), by=w.reviewer, at=NOW
    )
    services.end_revocation_hearing(
        application=application, answer="x", answered_on=NOW.date(), by=w.reviewer, at=NOW
    )
    services.propose_change(
        application=application, proposal=world.revocation(), by=w.reviewer, at=NOW
    )
    services.revoke(application=application, by=w.signer, at=NOW)
    assert [(row.granted, row.committed) for row in years_of_call(w.call)] == [(0, 0), (0, 0)]


# --- Texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("Ohne Platzhalter.", []),
        ("{gericht} {sitz} {termin}", []),
        ("{Gericht}", ["{Gericht}"]),
        ("{gericht } und {x} und {x}", ["{gericht }", "{x}"]),
        ("offen { und zu }", ["{ und zu }"]),
        ("nur { offen", ["{"]),
        ("{}", ["{}"]),
    ],
)
def test_a_placeholder_nobody_fills_is_found(text, unknown):
    assert unknown_placeholders(text) == unknown


def test_a_text_of_the_call_goes_before_one_for_all_calls(w):
    own = LetterBlock.objects.create(
        call=w.call,
        kind="grant",
        key="payment",
        text="Eigener Text.",
        valid_from=date(2020, 1, 1),
        confirmed_by_office="Stelle",
    )
    found = letters.blocks_for(LetterKind.GRANT, NOW.date(), w.call)
    assert found["payment"] == own
    assert letters.blocks_for(LetterKind.GRANT, NOW.date())["payment"] != own


def test_what_a_value_holds_is_never_taken_for_a_placeholder(w):
    FundingCall.objects.update(purpose="Zweck {gericht}")
    w.call.refresh_from_db()
    LetterBlock.objects.filter(kind="grant", key="payment").update(text="{zweck}")
    draft = open_one(world.proposed(w)).draft
    payment = next(part for part in draft["sections"] if part["key"] == "payment")
    assert payment["paragraphs"] == ["Zweck {gericht}"]


def test_what_a_revocation_leaves_is_a_plan_that_balances_and_stands_in_its_letter(w):
    application = world.revocation_heard(w)
    ags = w.town.ags
    half = {2027: Decimal("4500.00"), 2028: Decimal("4500.00")}
    own = {2027: Decimal("1000.00"), 2028: Decimal("1000.00")}
    left = {"amount": Decimal("9000.00"), "years": half}
    for plan, said in (
        ([], "Bitte tragen Sie den verringerten Finanzierungsplan ein."),
        (None, "Bitte tragen Sie den verringerten Finanzierungsplan ein."),
        (
            world.plan_for({2027: half[2027]}, own, ags),
            "Im Haushaltsjahr 2028 enthält der Finanzierungsplan 0,00 € Zuwendung, bewilligt "
            "werden 4.500,00 €.",
        ),
    ):
        with pytest.raises(services.ProposalIncomplete) as refused:
            services.propose_change(
                application=application,
                proposal=world.revocation(**left, plan=plan),
                by=w.reviewer,
                at=NOW,
            )
        assert refused.value.faults == {"plan": said}
    decision = services.propose_change(
        application=application,
        proposal=world.revocation(**left, plan=world.plan_for(half, own, ags)),
        by=w.reviewer,
        at=NOW,
    )
    lines = decision.plan.order_by("side", "kind", "year")
    assert {(line.side, line.kind, line.year): line.amount for line in lines} == {
        (side, kind, year): Decimal(amount)
        for year in (2027, 2028)
        for side, kind, amount in (
            ("expense", "moderation", "5500.00"),
            ("cover", "grant", "4500.00"),
            ("cover", "own", "1000.00"),
        )
    }
    services.sign_change(application=application, by=w.signer, at=NOW)
    letter = application.letters.get(kind="revocation")
    plan = next(part for part in letter.values["sections"] if part["key"] == "plan")
    assert plan["table"]["total_row"] == [
        "Summe der Deckung",
        "5.500,00 €",
        "5.500,00 €",
        "11.000,00 €",
    ]


def test_an_amendment_says_what_the_grant_may_be_spent_on_from_now_on(w):
    application = world.granted(w)
    changed = world.extension(application, purpose=" Nur noch Befragung. ")
    decision = services.propose_change(
        application=application, proposal=changed, by=w.reviewer, at=NOW
    )
    said = [text for part in decision.draft["sections"] for text in part.get("paragraphs", [])]
    assert "Zuwendungszweck: Nur noch Befragung." in said
