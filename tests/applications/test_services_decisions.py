"""Proposal, final signature by a second person, and what the letter says."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from applications import services
from applications.models import Application, DecisionHand, Letter, LetterBlock
from applications.models.letters import REQUIRED_BLOCKS, BlockKey, LetterKind
from applications.rules import Step
from applications.services import letters, log
from applications.services.decisions import (
    Before,
    FourEyes,
    OtherKind,
    ProposalChanged,
    ProposalIncomplete,
    RoundMissing,
    faults_of,
)
from applications.services.letters import LetterIncomplete
from applications.workflow import Status
from kiv_portal.models import Authority, Job, OutboxMail
from municipalities import permissions
from municipalities.eligibility import Kind
from municipalities.models import Municipality
from projects.models import Project
from tests import world
from tests.factories import NOW, DistrictFactory

ADDRESS = ["Marktplatz 1", "64283 Musterstadt"]

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)
ASKED = Decimal("18000.00")


@pytest.fixture
def w() -> world.World:
    return world.build()


def both_roles() -> Any:
    """A person who may review and sign."""
    person = world.staff(permissions.REVIEW)
    person.groups.add(world.staff(permissions.SIGN).groups.get())
    return person


def propose(application: Application, by: Any, proposal: Any = None, at: datetime = NOW) -> Any:
    return services.propose(
        application=application, proposal=proposal or world.grant_proposal(), by=by, at=at
    )


def last_entry(application: Application) -> tuple[str, dict[str, Any]]:
    entry = application.log.order_by("sequence").last()
    return entry.action, entry.content.values


# --- What a proposal lacks ------------------------------------------------------------------------


def test_a_whole_proposal_lacks_nothing():
    assert faults_of(world.grant_proposal(), ASKED) == {}
    assert faults_of(world.REJECTION, ASKED) == {}


NOT_HEARD = (
    "Die Kommune wurde nicht angehört. Bitte hören Sie sie an oder begründen Sie, warum davon "
    "abgesehen wird."
)
YEARS = "Die Beträge der Haushaltsjahre ergeben {}, bewilligt werden sollen {}."


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"reasons": " \n"}, {"reasons": "Bitte begründen Sie die Entscheidung."}),
        ({"amount": None}, {"amount": "Bitte geben Sie die bewilligte Zuwendung an."}),
        (
            {"amount": Decimal(0), "years": {}},
            {"amount": "Bitte geben Sie die bewilligte Zuwendung an."},
        ),
        (
            {"amount": Decimal("-1.00"), "years": {2027: Decimal("-1.00")}},
            {
                "amount": "Bitte geben Sie die bewilligte Zuwendung an.",
                "years": "Ein Haushaltsjahr hat keinen Betrag unter 0 €.",
            },
        ),
        (
            {"amount": Decimal("18000.01"), "years": {2027: Decimal("18000.01")}},
            {"amount": "Beantragt sind 18.000,00 €; mehr kann nicht bewilligt werden."},
        ),
        (
            {
                "amount": Decimal("17999.99"),
                "years": {2027: Decimal("17999.99")},
                "reduction_reasons": " ",
            },
            {
                "reduction_reasons": "Es wird weniger bewilligt als beantragt. Bitte begründen "
                "Sie die Kürzung."
            },
        ),
        (
            {"eligible_costs": None},
            {"eligible_costs": "Bitte geben Sie die zuwendungsfähigen Gesamtausgaben an."},
        ),
        (
            {"eligible_costs": Decimal("17999.99")},
            {
                "eligible_costs": "Die Zuwendung darf die zuwendungsfähigen Gesamtausgaben nicht "
                "übersteigen."
            },
        ),
        ({"eligible_costs": ASKED}, {}),
        (
            {"starts_on": None},
            {"starts_on": "Bitte geben Sie den Beginn des Bewilligungszeitraums an."},
        ),
        ({"ends_on": None}, {"ends_on": "Bitte geben Sie das Ende des Bewilligungszeitraums an."}),
        (
            {"ends_on": date(2027, 6, 30), "years": {2027: ASKED}},
            {"ends_on": "Das Ende liegt vor dem Beginn."},
        ),
        ({"ends_on": date(2027, 7, 1), "years": {2027: ASKED}}, {}),
        ({"years": None}, {"years": YEARS.format("0,00 €", "18.000,00 €")}),
        (
            {"years": {2027: Decimal("9000.00"), 2028: Decimal("9000.01")}},
            {"years": YEARS.format("18.000,01 €", "18.000,00 €")},
        ),
        (
            {"years": {2027: Decimal("-0.01"), 2028: Decimal("18000.01")}},
            {"years": "Ein Haushaltsjahr hat keinen Betrag unter 0 €."},
        ),
        (
            {"years": {2026: Decimal("9000.00"), 2028: Decimal("9000.00")}},
            {
                "years": "Ein Betrag liegt in einem Haushaltsjahr außerhalb des "
                "Bewilligungszeitraums."
            },
        ),
        (
            {"years": {2027: Decimal("9000.00"), 2029: Decimal("9000.00")}},
            {
                "years": "Ein Betrag liegt in einem Haushaltsjahr außerhalb des "
                "Bewilligungszeitraums."
            },
        ),
        ({"years": {2027: ASKED, 2029: Decimal(0)}}, {}),
        (
            {"amount": None, "years": None, "eligible_costs": None, "starts_on": None},
            {
                "amount": "Bitte geben Sie die bewilligte Zuwendung an.",
                "eligible_costs": "Bitte geben Sie die zuwendungsfähigen Gesamtausgaben an.",
                "starts_on": "Bitte geben Sie den Beginn des Bewilligungszeitraums an.",
            },
        ),
        ({"kind": "anything"}, {"kind": "Diese Art der Entscheidung gibt es nicht."}),
    ],
)
def test_each_fault_is_named_at_its_field(changes, faults):
    assert faults_of(world.grant_proposal(**changes), ASKED) == faults


def test_a_rejection_needs_reasons_and_nothing_else():
    bare = services.Proposal(kind="rejection", reasons=" ")
    assert faults_of(bare, ASKED) == {
        "reasons": "Bitte begründen Sie die Entscheidung.",
        "hearing_skipped": NOT_HEARD,
    }
    assert faults_of(bare, ASKED, Before(heard=True)) == {
        "reasons": "Bitte begründen Sie die Entscheidung."
    }


def test_less_than_asked_for_is_granted_with_its_own_reason():
    partly = world.grant_proposal(
        amount=Decimal("10000.00"),
        years={2027: Decimal("10000.00")},
        reduction_reasons="Nicht alles ist zuwendungsfähig.",
    )
    assert faults_of(partly, ASKED) == {}


# --- Proposing ------------------------------------------------------------------------------------


def test_a_proposal_holds_what_was_asked_for_and_who_wrote_it(w):
    application = world.in_substance(w)
    decision = propose(
        application,
        w.reviewer,
        world.grant_proposal(reasons=" Überzeugt. ", special_conditions=" Bericht. "),
    )
    decision.refresh_from_db()
    application.refresh_from_db()
    assert application.status == Status.PROPOSED
    assert (decision.number, decision.kind, decision.state) == (1, "grant", "proposed")
    assert (decision.requested, decision.amount, decision.eligible_costs) == (
        ASKED,
        ASKED,
        Decimal("20000.00"),
    )
    assert (decision.reasons, decision.special_conditions, decision.is_partial) == (
        "Überzeugt.",
        "Bericht.",
        False,
    )
    assert list(decision.years.values_list("year", "amount")) == [
        (2027, ASKED / 2),
        (2028, ASKED / 2),
    ]
    assert list(decision.hands.values_list("user", "role", "at")) == [(w.reviewer.pk, "wrote", NOW)]
    assert last_entry(application) == (
        "propose",
        {
            "from": "substantive_check",
            "to": "proposed",
            "decision": 1,
            "kind": "grant",
            "amount": "18000.00",
            "letter": decision.draft_sha256,
        },
    )


def test_a_rejection_holds_no_figures(w):
    application = world.in_substance(w)
    decision = propose(
        application,
        w.reviewer,
        world.grant_proposal(
            kind="rejection", special_conditions="x", reduction_reasons="y", hearing_skipped="z"
        ),
    )
    decision.refresh_from_db()
    assert (decision.amount, decision.eligible_costs, decision.starts_on, decision.ends_on) == (
        None,
        None,
        None,
        None,
    )
    assert (decision.special_conditions, decision.reduction_reasons, decision.is_partial) == (
        "",
        "",
        False,
    )
    assert decision.years.count() == 0
    assert last_entry(application)[1]["amount"] is None


def test_an_incomplete_proposal_is_refused_whole(w):
    application = world.in_substance(w)
    with pytest.raises(ProposalIncomplete) as refused:
        propose(application, w.reviewer, world.grant_proposal(reasons="", amount=None))
    assert refused.value.faults == {
        "reasons": "Bitte begründen Sie die Entscheidung.",
        "amount": "Bitte geben Sie die bewilligte Zuwendung an.",
    }
    assert str(refused.value) == (
        "Bitte begründen Sie die Entscheidung. Bitte geben Sie die bewilligte Zuwendung an."
    )
    application.refresh_from_db()
    assert (application.status, application.decisions.count()) == (Status.SUBSTANTIVE_CHECK, 0)


def test_there_is_one_proposal_at_a_time_and_only_from_the_substantive_check(w):
    application = world.proposed(w)
    with pytest.raises(services.WrongState):
        propose(application, w.reviewer)
    for person in (w.clerk, w.signatory, w.reader, w.signer, w.administrator):
        with pytest.raises(services.NotAllowed):
            propose(application, person)


def test_a_proposal_whose_letter_could_not_be_written_is_refused_whole(w):
    application = world.in_substance(w)
    LetterBlock.objects.filter(kind="grant", key="payment").delete()
    with pytest.raises(LetterIncomplete) as refused:
        propose(application, w.reviewer)
    assert refused.value.missing == ["Textbaustein „Auszahlung“ (gültig und bestätigt)"]
    assert str(refused.value) == (
        "Für das Schreiben fehlt noch: Textbaustein „Auszahlung“ (gültig und bestätigt)"
    )
    application.refresh_from_db()
    assert (application.status, application.decisions.count()) == (Status.SUBSTANTIVE_CHECK, 0)


# --- Four eyes ------------------------------------------------------------------------------------


def test_whoever_wrote_the_proposal_cannot_sign_it(w):
    person = both_roles()
    application = world.in_substance(w)
    propose(application, person)
    for sign in (services.grant, services.reject):
        with pytest.raises(FourEyes):
            sign(application=application, by=person, at=LATER)
    with pytest.raises(services.NotAllowed):
        services.return_proposal(application=application, reason="x", by=person, at=LATER)
    application.refresh_from_db()
    assert application.status == Status.PROPOSED
    assert Letter.objects.count() == Project.objects.count() == 0


def test_whoever_wrote_an_earlier_proposal_of_the_case_cannot_sign_a_later_one(w):
    person = both_roles()
    application = world.in_substance(w)
    propose(application, person)
    services.return_proposal(application=application, reason="Unklar", by=w.signer, at=NOW)
    second = propose(application, w.reviewer)
    assert sorted(second.hands.values_list("user", "role")) == sorted(
        [(person.pk, "wrote"), (w.reviewer.pk, "wrote")]
    )
    with pytest.raises(FourEyes):
        services.grant(application=application, by=person, at=LATER)


def test_whoever_returned_a_proposal_may_sign_the_next_one(w):
    application = world.proposed(w)
    services.return_proposal(application=application, reason="Unklar", by=w.signer, at=NOW)
    propose(application, w.reviewer)
    granted = services.grant(application=application, by=w.signer, at=LATER)
    assert granted.status == Status.GRANTED


def test_the_database_itself_refuses_the_second_hand_of_one_person(w):
    decision = world.proposed(w).decisions.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        DecisionHand.objects.create(decision=decision, user=w.reviewer, role="signed", at=NOW)
    DecisionHand.objects.create(decision=decision, user=w.signer, role="signed", at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        DecisionHand.objects.create(
            decision=decision, user=world.staff(permissions.SIGN), role="signed", at=NOW
        )


def test_a_hand_that_only_the_database_knows_of_refuses_the_signature_too(w):
    application = world.proposed(w)
    decision = application.decisions.get()
    DecisionHand.objects.create(
        decision=decision, user=world.staff(permissions.SIGN), role="signed", at=NOW
    )
    with pytest.raises(FourEyes):
        services.grant(application=application, by=w.signer, at=LATER)
    decision.refresh_from_db()
    assert (decision.state, decision.settled_at) == ("proposed", None)


@pytest.mark.parametrize("who", ["clerk", "signatory", "reader", "administrator"])
def test_only_signers_sign(w, who):
    application = world.proposed(w)
    person = getattr(w, who)
    for act in (services.grant, services.reject):
        with pytest.raises(services.NotAllowed):
            act(application=application, by=person, at=LATER)
    with pytest.raises(services.NotAllowed):
        services.return_proposal(application=application, reason="x", by=person, at=LATER)


# --- Giving back ----------------------------------------------------------------------------------


def test_a_returned_proposal_goes_back_with_its_reason(w):
    application = world.proposed(w)
    services.return_proposal(application=application, reason=" Unklar ", by=w.signer, at=LATER)
    application.refresh_from_db()
    decision = application.decisions.get()
    assert application.status == Status.SUBSTANTIVE_CHECK
    assert (decision.state, decision.return_reason, decision.settled_at) == (
        "returned",
        "Unklar",
        LATER,
    )
    assert last_entry(application) == (
        "return_proposal",
        {"from": "proposed", "to": "substantive_check", "decision": 1, "reason": "Unklar"},
    )
    assert propose(application, w.reviewer).number == 2


def test_giving_back_needs_a_reason_and_a_proposal(w):
    application = world.proposed(w)
    with pytest.raises(services.ReasonMissing):
        services.return_proposal(application=application, reason=" ", by=w.signer, at=LATER)
    services.return_proposal(application=application, reason="x", by=w.signer, at=LATER)
    with pytest.raises(services.WrongState):
        services.return_proposal(application=application, reason="x", by=w.signer, at=LATER)


# --- Signing --------------------------------------------------------------------------------------


def test_a_grant_makes_letter_project_and_mail_at_once(w):
    application = world.proposed(w)
    services.grant(application=application, by=w.signer, at=LATER, seen=1)
    application.refresh_from_db()
    decision = application.decisions.get()
    project = application.project
    letter = Letter.objects.get()
    assert (application.status, application.decided_at) == (Status.GRANTED, LATER)
    assert (decision.state, decision.settled_at) == ("signed", LATER)
    assert sorted(decision.hands.values_list("user", "role")) == sorted(
        [(w.reviewer.pk, "wrote"), (w.signer.pk, "signed")]
    )
    assert (letter.decision, letter.kind, letter.created_by, letter.created_at) == (
        decision,
        "grant",
        w.signer,
        LATER,
    )
    assert (letter.dated_on, letter.file.name, letter.made_elsewhere) == (
        date(2026, 11, 17),
        "",
        False,
    )
    assert (project.title, project.summary, project.unit, project.round) == (
        "Vielfalt in Musterstadt",
        "",  # until the municipality says what of it may be public
        "",
        w.call.round,
    )
    assert (project.starts_on, project.ends_on, project.published_at, project.amif) == (
        date(2027, 7, 1),
        date(2028, 12, 31),
        None,
        False,
    )
    assert project.source == "Zuwendungsbescheid"
    assert [member.municipality for member in project.members.all()] == [w.town]
    assert Job.objects.get(kind="letter_pdf").argument == str(letter.pk)
    assert not OutboxMail.objects.filter(key__startswith="letter_ready").exists()
    assert last_entry(application) == (
        "grant",
        {
            "from": "proposed",
            "to": "granted",
            "decision": 1,
            "amount": "18000.00",
            "letter": letter.seal,
        },
    )
    assert log.verify(application) == []
    # It still counts as the one live application of the town.
    assert application.members.get().live is True


def test_a_rejection_makes_its_letter_and_no_project(w):
    application = world.proposed(w, world.REJECTION)
    services.reject(application=application, by=w.signer, at=LATER, seen=1)
    application.refresh_from_db()
    assert (application.status, application.decided_at, application.project) == (
        Status.REJECTED,
        LATER,
        None,
    )
    assert Letter.objects.get().kind == "rejection"
    assert Project.objects.count() == 0
    assert application.members.get().live is False
    assert last_entry(application) == (
        "reject",
        {
            "from": "proposed",
            "to": "rejected",
            "decision": 1,
            "letter": Letter.objects.get().seal,
        },
    )


def test_a_joint_project_has_all_its_municipalities_the_lead_first(w):
    application = _joint(w)
    services.grant(application=application, by=w.signer, at=LATER)
    application.refresh_from_db()
    assert [member.municipality for member in application.project.members.all()] == [
        w.town,
        w.small,
        w.other_town,
    ]


def _nothing_happened(application: Application) -> bool:
    application.refresh_from_db()
    decision = application.decisions.get()
    return (
        application.status == Status.PROPOSED
        and (decision.state, decision.settled_at) == ("proposed", None)
        and not decision.hands.filter(role="signed").exists()
        and Letter.objects.count() == Project.objects.count() == 0
    )


def test_a_proposal_is_not_signed_as_the_other_kind(w):
    application = world.proposed(w)
    with pytest.raises(OtherKind):
        services.reject(application=application, by=w.signer, at=LATER)
    assert _nothing_happened(application)


def test_a_rejection_is_not_signed_as_a_grant(w):
    application = world.proposed(w, world.REJECTION)
    with pytest.raises(OtherKind):
        services.grant(application=application, by=w.signer, at=LATER)
    assert _nothing_happened(application)


def test_a_call_without_a_round_grants_nothing(w):
    application = world.proposed(w)
    w.call.round = None
    w.call.save()
    with pytest.raises(RoundMissing):
        services.grant(application=application, by=w.signer, at=LATER)
    assert _nothing_happened(application)


def test_a_text_that_ended_before_the_signature_stops_it(w):
    application = world.proposed(w)
    LetterBlock.objects.filter(kind="grant", key="remedy").update(valid_to=date(2026, 11, 16))
    with pytest.raises(LetterIncomplete) as refused:
        services.grant(application=application, by=w.signer, at=LATER)
    assert refused.value.missing == ["Textbaustein „Rechtsbehelfsbelehrung“ (gültig und bestätigt)"]
    assert _nothing_happened(application)


@pytest.mark.parametrize("act", ["grant", "reject", "return_proposal"])
def test_nobody_decides_on_a_proposal_they_have_not_seen(w, act):
    application = world.proposed(w)
    services.return_proposal(application=application, reason="x", by=w.signer, at=NOW)
    propose(application, w.reviewer)
    extra = {"reason": "x"} if act == "return_proposal" else {}
    with pytest.raises(ProposalChanged):
        getattr(services, act)(application=application, by=w.signer, at=LATER, seen=1, **extra)
    application.refresh_from_db()
    assert application.status == Status.PROPOSED


def test_a_case_is_decided_once(w):
    application = world.granted(w)
    for act in (services.grant, services.reject):
        with pytest.raises(services.WrongState):
            act(application=application, by=world.staff(permissions.SIGN), at=LATER)
    assert Letter.objects.count() == 1


@pytest.mark.parametrize("first", ["granted", "rejected"])
def test_a_correction_is_a_version_of_its_own_signed_by_two(w, first):
    if first == "granted":
        application = world.granted(w)
        as_it_was = {"kind": "correction", "ends_on": date(2028, 12, 31)}
        proposal = world.extension(application, reasons="Schreibfehler.", **as_it_was)
    else:
        application = world.proposed(w, world.REJECTION)
        services.reject(application=application, by=w.signer, at=NOW)
        proposal = services.Proposal(kind="correction", reasons="Schreibfehler.")
    writer = both_roles()
    services.propose_change(application=application, proposal=proposal, by=writer, at=LATER)
    with pytest.raises(FourEyes):
        services.sign_change(application=application, by=writer, at=LATER)
    services.sign_change(application=application, by=w.signer, at=LATER)
    before, after = application.decisions.order_by("number")
    application.refresh_from_db()
    assert (application.status, before.state, after.previous) == (first, "signed", before)
    assert (after.kind, after.state, after.amount) == ("correction", "signed", before.amount)
    assert set(after.hands.values_list("user", "role")) == {
        (writer.pk, "wrote"),
        (w.signer.pk, "signed"),
    }
    values = application.letters.get(decision=after).values
    assert [part["key"] for part in values["sections"]] == [
        "tenor",
        *(["plan"] if first == "granted" else []),
        "legal_basis",
        "reasons",
        "remedy",
    ]
    assert values["sections"][0]["paragraphs"][0].endswith("wird wie folgt berichtigt.")


# --- What the letter needs ------------------------------------------------------------------------


def missing(application: Application, at: datetime = LATER) -> list[str]:
    application = Application.objects.get(pk=application.pk)
    return services.missing_parts(application.decisions.get(), at)


def test_nothing_is_missing_where_all_is_there(w):
    assert missing(world.proposed(w)) == []


@pytest.mark.parametrize("kind", [LetterKind.GRANT, LetterKind.REJECTION])
def test_every_text_the_letter_needs_is_named(w, kind):
    application = world.proposed(w, None if kind is LetterKind.GRANT else world.REJECTION)
    LetterBlock.objects.all().delete()
    assert missing(application) == [
        f"Textbaustein „{key.label}“ (gültig und bestätigt)" for key in REQUIRED_BLOCKS[kind]
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"valid_from": date(2026, 11, 18)},
        {"valid_to": date(2026, 11, 16)},
        {"confirmed_by_office": ""},
    ],
)
def test_a_text_counts_only_while_valid_and_confirmed(w, change):
    application = world.proposed(w)
    LetterBlock.objects.filter(kind="grant", key="reasons").update(**change)
    assert missing(application) == ["Textbaustein „Begründung (einleitend)“ (gültig und bestätigt)"]


def test_a_text_counts_on_its_first_and_on_its_last_german_day(w):
    application = world.proposed(w)
    LetterBlock.objects.update(valid_from=date(2026, 11, 18), valid_to=date(2026, 11, 18))
    first_second = datetime(2026, 11, 17, 23, 0, tzinfo=UTC)
    after_last = datetime(2026, 11, 18, 23, 0, tzinfo=UTC)
    assert missing(application, first_second) == []
    assert missing(application, after_last - timedelta(seconds=1)) == []
    assert len(missing(application, first_second - timedelta(seconds=1))) == 6
    assert len(missing(application, after_last)) == 6


@pytest.mark.parametrize(
    ("model", "change", "part"),
    [
        ("application", {"file_number": ""}, "Geschäftszeichen"),
        ("authority", {"street": ""}, "Anschrift der Behörde"),
        ("authority", {"postal_code": ""}, "Anschrift der Behörde"),
        ("authority", {"city": ""}, "Anschrift der Behörde"),
        ("district", {"court": ""}, "Verwaltungsgericht des Landkreises"),
        ("call", {"financing_type": ""}, "Finanzierungsart im Förderaufruf"),
        ("call", {"guideline": ""}, "Förderrichtlinie mit Nummer im Förderaufruf"),
        ("call", {"clause": ""}, "Förderrichtlinie mit Nummer im Förderaufruf"),
        ("call", {"purpose": ""}, "Zuwendungszweck im Förderaufruf"),
    ],
)
def test_each_field_the_letter_needs_is_named(w, model, change, part):
    application = world.proposed(w)
    record = {
        "application": application,
        "authority": Authority.load(),
        "district": w.town.district,
        "call": w.call,
    }[model]
    type(record).objects.filter(pk=record.pk).update(**change)
    assert missing(application) == [part]


def test_without_an_authority_its_address_is_missing(w):
    application = world.proposed(w)
    Authority.objects.all().delete()
    assert missing(application) == ["Anschrift der Behörde"]


def test_a_rejection_needs_neither_financing_type_nor_purpose(w):
    application = world.proposed(w, world.REJECTION)
    type(w.call).objects.update(financing_type="", purpose="")
    assert missing(application) == []


def test_of_two_valid_texts_the_newer_one_counts(w):
    LetterBlock.objects.create(
        kind="grant",
        key="payment",
        text="Neu.",
        valid_from=date(2026, 11, 17),
        confirmed_by_office="Stelle",
    )
    assert letters.blocks_for(LetterKind.GRANT, date(2026, 11, 16))[BlockKey.PAYMENT].text != "Neu."
    assert letters.blocks_for(LetterKind.GRANT, date(2026, 11, 17))[BlockKey.PAYMENT].text == "Neu."


# --- What the letter says -------------------------------------------------------------------------


def _joint(w: world.World) -> Application:
    """A proposed Verbund of three; its partners' district has another court."""
    kassel = DistrictFactory(ags="06633", name="Kassel", court="Kassel")
    Municipality.objects.filter(pk__in=[w.small.pk, w.other_town.pk]).update(district=kassel)
    application = world.filled(w)
    keys = [w.small.ags, w.other_town.ags]
    world.save(application, Step.KOMMUNE, {"partners": keys}, w.clerk)
    application = world.file(application, w.signatory)
    services.begin_check(application=application, by=w.reviewer, at=NOW)
    services.set_file_number(
        application=application, file_number="II 25 – 1", by=w.reviewer, at=NOW
    )
    services.accept_formally(application=application, by=w.reviewer, at=NOW)
    propose(application, w.reviewer)
    application.refresh_from_db()
    return application


def letter_of(application: Application, by: Any) -> dict[str, Any]:
    decision = application.decisions.get()
    sign = services.grant if decision.kind == "grant" else services.reject
    sign(application=application, by=by, at=LATER)
    values: dict[str, Any] = Letter.objects.get().values
    return values


FILED = f"{timezone.localtime(NOW):%d.%m.%Y}"


def section(values: dict[str, Any], heading: str) -> dict[str, Any]:
    (found,) = [part for part in values["sections"] if part["heading"] == heading]
    return found


def test_the_head_of_the_letter(w):
    values = letter_of(world.proposed(w), w.signer)
    del values["sections"], values["decision"]
    assert values == {
        "authority": {
            "name": "Regierungspräsidium Darmstadt",
            "department": "",
            "street": "Wilhelminenstr. 1–3",
            "postal_code": "64283",
            "city": "Darmstadt",
            "phone": "",
            "email": "",
        },
        "addressee_lines": ["Magistrat der Stadt Musterstadt", *ADDRESS],
        "file_number": "II 25 – 1",
        "reference": "KIV-2026-0001",
        "dated_on": "2026-11-17",
        "subject": "Zuwendungsbescheid: Vielfalt in Musterstadt",
        "salutation": "Sehr geehrte Damen und Herren,",
        "closing": "Mit freundlichen Grüßen",
        "signatory_lines": ["Im Auftrag", w.signer.name],
        "annexes": ["Anlagen: Verwaltungsgericht Darmstadt, Sitz Darmstadt."],
        "sample": False,
    }


def test_a_grant_has_all_the_parts_it_must_have_in_their_order(w):
    values = letter_of(world.proposed(w), w.signer)
    assert [part["heading"] for part in values["sections"]] == [
        "",
        "Verbindlicher Finanzierungsplan",
        "Rechtsgrundlage",
        "Nebenbestimmungen",
        "Begründung",
        "Auszahlung",
        "Rechtsbehelfsbelehrung",
    ]


def test_the_tenor_names_amount_kind_purpose_period_and_years(w):
    tenor = section(letter_of(world.proposed(w), w.signer), "")
    assert tenor["paragraphs"] == [
        f"auf Ihren Antrag KIV-2026-0001 vom {FILED} bewilligen wir Ihnen (Magistrat der Stadt "
        "Musterstadt) eine Zuwendung als Projektförderung in Form der Anteilfinanzierung in Höhe "
        "von 18.000,00 €.",
        "Zuwendungszweck: Entwicklung einer Strategie",
        "Bewilligungszeitraum: 01.07.2027 bis 31.12.2028.",
        "Zuwendungsfähige Gesamtausgaben: 20.000,00 €. Der unten abgedruckte Finanzierungsplan "
        "ist verbindlich.",
    ]
    assert tenor["table"]["rows"] == [["2027", "9.000,00 €"], ["2028", "9.000,00 €"]]
    assert tenor["table"]["total_row"] == ["Summe", "18.000,00 €"]


def test_where_the_financing_is_no_share_the_rate_is_a_ceiling(w):
    type(w.call).objects.update(financing_type="shortfall", rate="0.9000")
    w.call.refresh_from_db()
    application = world.proposed(w)
    first = section(letter_of(application, w.signer), "")["paragraphs"][0]
    assert first.endswith(
        "Fehlbedarfsfinanzierung in Höhe von 18.000,00 €, höchstens jedoch 90 v. H. der "
        "zuwendungsfähigen Ausgaben."
    )


def test_a_signer_without_a_name_leaves_a_line_and_no_address(w):
    w.signer.name = ""
    w.signer.save()
    values = letter_of(world.proposed(w), w.signer)
    assert values["signatory_lines"] == ["Im Auftrag", "_" * 30]


def test_the_finance_plan_stands_in_the_letter_year_by_year(w):
    plan = section(letter_of(world.proposed(w), w.signer), "Verbindlicher Finanzierungsplan")
    assert [column["label"] for column in plan["table"]["columns"]] == [
        "Position",
        "2027",
        "2028",
        "Summe",
    ]
    ten, twenty = "10.000,00 €", "20.000,00 €"
    assert plan["table"]["rows"] == [
        ["Ausgaben: Prozessmoderation/Honorare", ten, ten, twenty],
        ["Summe der Ausgaben", ten, ten, twenty],
        ["Deckung: Eigenmittel", "1.000,00 €", "1.000,00 €", "2.000,00 €"],
        ["Deckung: bewilligte Zuwendung", "9.000,00 €", "9.000,00 €", "18.000,00 €"],
    ]
    assert plan["table"]["total_row"] == ["Summe der Deckung", ten, ten, twenty]


def test_conditions_and_reasons_follow_their_texts_paragraph_by_paragraph(w):
    application = world.proposed(
        w,
        world.grant_proposal(
            amount=Decimal("9000.00"),
            years={2027: Decimal("9000.00")},
            plan=world.plan_for(
                {2027: Decimal("9000.00")}, {2027: Decimal("11000.00")}, w.town.ags
            ),
            reasons="Erstens.\n\nZweitens\nund drittens.",
            reduction_reasons="Gekürzt.\n\n\n\nEndgültig.",
            special_conditions="Bericht.\r\n\r\nBesuch.",
        ),
    )
    values = letter_of(application, w.signer)
    text = "{}: Verwaltungsgericht Darmstadt, Sitz Darmstadt."
    assert section(values, "Nebenbestimmungen")["paragraphs"] == [
        text.format("Nebenbestimmungen"),
        "Bericht.",
        "Besuch.",
    ]
    assert section(values, "Begründung")["paragraphs"] == [
        text.format("Begründung (einleitend)"),
        "Erstens.",
        "Zweitens und drittens.",
        "Gekürzt.",
        "Endgültig.",
    ]


def test_placeholders_are_filled_and_other_braces_stay(w):
    application = world.in_substance(w)
    LetterBlock.objects.filter(kind="grant", key="legal_basis").update(
        text="{richtlinie} Nr. {nummer}, {betrag} für {projekt}: {zweck} {fremd} {gericht}/{sitz}"
    )
    propose(application, w.reviewer)
    assert section(letter_of(application, w.signer), "Rechtsgrundlage")["paragraphs"] == [
        "WIR-Richtlinie Nr. 2.6, 18.000,00 € für Vielfalt in Musterstadt: Entwicklung einer "
        "Strategie {fremd} Verwaltungsgericht Darmstadt/Darmstadt"
    ]


def test_a_rejection_says_so_with_its_reasons_and_the_remedy(w):
    values = letter_of(world.proposed(w, world.REJECTION), w.signer)
    text = "{}: Verwaltungsgericht Darmstadt, Sitz Darmstadt."
    assert [
        (part["heading"], part["paragraphs"], part["table"]) for part in values["sections"]
    ] == [
        (
            "",
            [
                f"Ihren Antrag KIV-2026-0001 vom {FILED} auf eine Zuwendung in Höhe von "
                "18.000,00 € lehnen wir ab."
            ],
            None,
        ),
        (
            "Begründung",
            [
                text.format("Rechtsgrundlage"),
                text.format("Begründung (einleitend)"),
                "Die Mittel reichen nicht.",
            ],
            None,
        ),
        ("Rechtsbehelfsbelehrung", [text.format("Rechtsbehelfsbelehrung")], None),
    ]
    assert (values["subject"], values["annexes"]) == (
        "Ablehnungsbescheid: Vielfalt in Musterstadt",
        [],
    )


def test_the_court_is_that_of_the_leads_district_in_a_joint_application_too(w):
    application = _joint(w)
    assert letters.court_of(application) == "Darmstadt"
    values = letter_of(application, w.signer)
    assert section(values, "Rechtsbehelfsbelehrung")["paragraphs"] == [
        "Rechtsbehelfsbelehrung: Verwaltungsgericht Darmstadt, Sitz Darmstadt."
    ]
    assert values["addressee_lines"] == ["Magistrat der Stadt Musterstadt", *ADDRESS]


@pytest.mark.parametrize(
    ("kind", "addressee"),
    [
        (Kind.TOWN, "Magistrat der Stadt Musterstadt"),
        (Kind.CITY_DISTRICT, "Magistrat der Stadt Musterstadt"),
        (Kind.MUNICIPALITY, "Gemeindevorstand der Gemeinde Musterstadt"),
    ],
)
def test_the_addressee_follows_from_the_kind_and_is_never_a_person(w, kind, addressee):
    w.town.kind = kind
    w.town.save()
    assert letter_of(world.proposed(w), w.signer)["addressee_lines"] == [addressee, *ADDRESS]


@pytest.mark.parametrize("sample", ["block", "authority"])
def test_a_letter_of_sample_texts_says_that_it_is_a_sample(w, sample):
    if sample == "block":
        LetterBlock.objects.filter(kind="grant", key="annexes").update(is_sample=True)
    else:
        Authority.objects.update(is_sample=True)
    assert letter_of(world.proposed(w), w.signer)["sample"] is True


def test_a_sample_text_of_another_letter_does_not_matter(w):
    LetterBlock.objects.filter(kind="rejection").update(is_sample=True)
    assert letter_of(world.proposed(w), w.signer)["sample"] is False


def test_a_letter_stays_as_it_was_written(w):
    application = world.proposed(w)
    before = letter_of(application, w.signer)
    LetterBlock.objects.update(text="Anders")
    Authority.objects.update(name="Andere Behörde")
    assert Letter.objects.get().values == before
