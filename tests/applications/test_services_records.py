"""Case log, its triggers, and snapshots: the risky parts that everything else rests on."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from applications import documents, services
from applications.models import CaseLogEntry, CaseLogPayload, Snapshot, triggers
from applications.rules import Step
from applications.services import drafts, letters, log, snapshots
from applications.services.content import empty_step
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def _refused(queryset: QuerySet, **changes: object) -> bool:
    """Whether the database refuses to change these rows, or without changes to delete them."""
    try:
        with transaction.atomic():
            if changes:
                queryset.update(**changes)
            else:
                queryset._raw_delete(queryset.db)
    except DatabaseError:
        return True
    return False


def test_every_move_adds_one_link_to_the_chain():
    application = world.proposed(world.build())
    actions = list(application.log.order_by("sequence").values_list("action", flat=True))
    assert actions == [
        "start",
        "submit",
        "begin_check",
        "set_file_number",
        "accept_formally",
        "propose",
    ]
    assert log.verify(application) == []


def test_each_link_names_the_hash_of_the_one_before():
    entries = list(world.in_check(world.build()).log.order_by("sequence"))
    assert [entry.previous_hash for entry in entries] == [
        log.GENESIS,
        *(entry.hash for entry in entries[:-1]),
    ]


def test_the_triggers_are_in_force():
    assert triggers.installed(connection) >= triggers.expected()


def test_the_database_refuses_to_change_or_delete_an_entry():
    world.draft(world.build())
    assert _refused(CaseLogEntry.objects.all(), action="other")
    assert _refused(CaseLogEntry.objects.all())


def test_the_content_of_an_entry_cannot_be_changed_but_erased_and_the_chain_stays_whole():
    application = world.in_check(world.build())
    entry = application.log.order_by("sequence").first()
    assert _refused(CaseLogPayload.objects.filter(entry=entry), data="{}")
    CaseLogPayload.objects.filter(entry=entry).delete()
    assert log.verify(application) == []


def test_a_frozen_copy_cannot_be_changed_or_deleted():
    world.submitted(world.build())
    assert _refused(Snapshot.objects.all(), payload="{}")
    assert _refused(Snapshot.objects.all(), sha256="")
    assert _refused(Snapshot.objects.all())


def test_verification_names_what_was_tampered_with(capsys):
    application = world.in_check(world.build())
    triggers.remove(connection)
    try:
        application.log.filter(sequence=2).update(action="other")
        CaseLogPayload.objects.filter(entry__sequence=3).update(data="{}")
        application.log.filter(sequence=4).update(sequence=5)
    finally:
        triggers.install(connection)
    assert log.verify(application) == [
        "KIV-2026-0001 Eintrag 2: Angaben passen nicht zum Prüfwert.",
        "KIV-2026-0001 Eintrag 3: Inhalt passt nicht zum Prüfwert.",
        "KIV-2026-0001 Eintrag 5: erwartet war Eintrag 4.",
        "KIV-2026-0001 Eintrag 5: Angaben passen nicht zum Prüfwert.",
    ]
    with pytest.raises(CommandError, match="4 Fehler in 1 Protokollen"):
        call_command("verify_case_log")


def test_a_missing_link_is_noticed():
    application = world.in_check(world.build())
    triggers.remove(connection)
    try:
        CaseLogPayload.objects.filter(entry__sequence=2).delete()
        application.log.filter(sequence=2).delete()
    finally:
        triggers.install(connection)
    assert log.verify(application) == [
        "KIV-2026-0001 Eintrag 3: erwartet war Eintrag 2.",
        "KIV-2026-0001 Eintrag 3: schließt nicht an den vorigen Eintrag an.",
        "KIV-2026-0001 Eintrag 4: erwartet war Eintrag 3.",
    ]


def test_a_broken_snapshot_is_named_by_the_command():
    application = world.submitted(world.build())
    triggers.remove(connection)
    try:
        application.snapshots.update(payload="{}")
    finally:
        triggers.install(connection)
    with pytest.raises(CommandError, match="1 Fehler in 1 Protokollen"):
        call_command("verify_case_log")


def test_whole_chains_are_reported_as_such(capsys):
    world.submitted(world.build())
    call_command("verify_case_log")
    assert capsys.readouterr().out == "1 Protokolle geprüft, alle unversehrt.\n"


def test_a_snapshot_holds_everything_that_was_filed():
    w = world.build()
    application = world.submitted(w)
    snapshot = application.first_snapshot
    content = snapshots.read(snapshot)
    assert content["version"] == 2
    assert content["reference"] == "KIV-2026-0001"
    assert content["submitted_at"] == "2026-11-16T09:30:00.000000+00:00"
    assert content["late"] is False
    assert content["steps"] == {step.value: drafts.read_step(application, step) for step in Step}
    assert content["members"] == [
        {
            "role": "lead",
            "ags": w.town.ags,
            "name": "Musterstadt",
            "official_name": "Musterstadt, Stadt",
            "kind": "town",
            "district": "Landkreis Bergstraße",
            "population": 20_000,
            "population_as_of": "2023-12-31",
            "population_basis": "Zensus 2011",
            "population_source": "Statistisches Bundesamt (Destatis), Gemeindeverzeichnis",
            "confirmed_at": None,
        }
    ]
    assert content["addressee"] == [
        "Magistrat der Stadt Musterstadt",
        "Marktplatz 1",
        "64283 Musterstadt",
    ]
    assert content["bank"] == {"name": "Commerzbank", "bic": "COBADEFFXXX"}
    assert content["declaration"] == "Ich bin befugt, diesen Antrag für Musterstadt einzureichen."
    assert snapshots.is_whole(snapshot)


def test_the_rows_of_a_snapshot_keep_their_ids():
    w = world.build()
    application = world.filled(w)
    ids = [str(pk) for pk in application.expenses.values_list("pk", flat=True)]
    application = world.file(application, w.signatory)
    frozen = snapshots.read(application.first_snapshot)["steps"]["finanzierung"]["expenses"]
    assert [line["id"] for line in frozen] == ids


def test_a_snapshot_of_an_unknown_format_is_refused():
    snapshot = world.submitted(world.build()).first_snapshot
    snapshot.version = 99
    with pytest.raises(snapshots.UnknownVersion):
        snapshots.read(snapshot)


def test_the_hash_is_over_the_very_text_that_is_stored():
    snapshot = world.submitted(world.build()).first_snapshot
    assert snapshot.payload == log.canonical(json.loads(snapshot.payload))
    assert log.sha256(snapshot.payload) == snapshot.sha256
    assert snapshot.content == snapshots.read(snapshot)


def test_an_answer_adds_a_version_and_leaves_the_first_as_it_was():
    w = world.build()
    application = world.requested(w)
    before = application.first_snapshot.payload
    world.save(application, Step.KONZEPTION, {"goals": "Neue Ziele"}, w.clerk)
    services.answer(application=application, by=w.signatory, at=NOW + timedelta(days=1))
    first, second = application.snapshots.order_by("number")
    assert first.payload == before
    assert snapshots.read(second)["steps"]["konzeption"]["goals"] == "Neue Ziele"


# --- What a letter says ---------------------------------------------------------------------------


def _letter(proposal: services.Proposal | None = None, rate: str | None = "0.9000") -> dict:
    w = world.build()
    w.town.postal_code = "64999"
    w.town.save()
    type(w.call).objects.filter(pk=w.call.pk).update(rate=rate)
    application = world.proposed(w, proposal)
    application = type(application).objects.get(pk=application.pk)
    return letters.compose(application.decisions.get(), by=w.signer, at=NOW)


def _section(letter: dict, heading: str) -> dict:
    return next(part for part in letter["sections"] if part["heading"] == heading)


def test_a_grant_names_rate_highest_amount_and_day_of_the_application():
    letter = _letter()
    first = letter["sections"][0]
    day = f"{timezone.localdate(NOW):%d.%m.%Y}"
    assert first["heading"] == ""
    assert first["paragraphs"][0] == (
        f"auf Ihren Antrag {letter['reference']} vom {day} bewilligen wir Ihnen (Magistrat der "
        "Stadt Musterstadt) eine Zuwendung als Projektförderung in Form der Anteilfinanzierung in "
        "Höhe von 90 v. H. der zuwendungsfähigen Ausgaben, höchstens 18.000,00 €."
    )
    assert letter["addressee_lines"] == [
        "Magistrat der Stadt Musterstadt",
        "Marktplatz 1",
        "64283 Musterstadt",
    ]


def test_a_grant_of_a_call_without_a_rate_names_the_amount_alone():
    assert _letter(rate=None)["sections"][0]["paragraphs"][0].endswith(
        "eine Zuwendung als Projektförderung in Form der Anteilfinanzierung in Höhe von "
        "18.000,00 €."
    )


def test_a_plan_granted_as_asked_is_binding_and_shows_what_is_granted():
    section = _section(_letter(), "Verbindlicher Finanzierungsplan")
    rows = {row[0]: row[1:] for row in section["table"]["rows"]}
    assert rows["Deckung: bewilligte Zuwendung"] == ["9.000,00 €", "9.000,00 €", "18.000,00 €"]


def test_less_than_asked_for_never_contradicts_the_plan():
    letter = _letter(
        world.grant_proposal(
            amount=Decimal("17000.00"),
            years={2027: Decimal("9000.00"), 2028: Decimal("8000.00")},
            reduction_reasons="Weniger.",
            plan=world.plan_for(
                {2027: Decimal("9000.00"), 2028: Decimal("8000.00")},
                {2027: Decimal("1000.00"), 2028: Decimal("2000.00")},
                "06431901",
            ),
        )
    )
    assert letter["sections"][0]["table"]["rows"] == [
        ["2027", "9.000,00 €", "9.000,00 €"],
        ["2028", "9.000,00 €", "8.000,00 €"],
    ]
    assert letter["sections"][0]["table"]["total_row"] == ["Summe", "18.000,00 €", "17.000,00 €"]
    plan = _section(letter, "Verbindlicher Finanzierungsplan")
    rows = {row[0]: row[1:] for row in plan["table"]["rows"]}
    assert rows["Deckung: bewilligte Zuwendung"] == ["9.000,00 €", "8.000,00 €", "17.000,00 €"]
    assert rows["Deckung: Eigenmittel"] == ["1.000,00 €", "2.000,00 €", "3.000,00 €"]


def test_the_binding_plan_names_a_partner_that_left_and_whose_money_is_still_in_it():
    years = {2027: Decimal("9000.00"), 2028: Decimal("9000.00")}
    own = {2027: Decimal("1000.00"), 2028: Decimal("1000.00")}
    letter = _letter(world.grant_proposal(plan=world.plan_for(years, own, "06431903")))
    labels = [
        row[0] for row in _section(letter, "Verbindlicher Finanzierungsplan")["table"]["rows"]
    ]
    assert "Deckung: Eigenmittel Kleinheim (nicht mehr im Verbund)" in labels


# --- Copies of earlier releases -------------------------------------------------------------------

VERSION_1 = """{"application":"6f1f2a0e-6f0f-4e0e-9c53-0c6f0a3f4b11",
"call":{"clause":"2.6","guideline":"WIR-Richtlinie","id":1,"title":"Testaufruf"},
"confirmation_reason":"Weil.","documents":[],
"findings":[{"code":"field_missing","message":"Pflichtangabe.","severity":"warning",
"source":"Antragsformular","step":"zeitplan","way_out":"Bitte ergänzen."}],
"late":false,"members":[{"ags":"06431901","district":"Landkreis Bergstraße","kind":"town",
"name":"Musterstadt","official_name":"Musterstadt, Stadt","population":20000,
"population_as_of":"2023-12-31","population_basis":"Zensus 2011",
"population_source":"Register","role":"lead"}],"reference":"KIV-2026-0001",
"steps":{"anlagen":{},"ansprechpartner":{"contact_email":"a@b.example","contact_person":"",
"contact_phone":"1","contact_unit":"Amt","signatory_function":"","signatory_name":""},
"beteiligung":{"bodies":"Gremien","formats":[{"barriers":"","id":"f1","name":"Werkstatt",
"reaches":"alle","when":"Herbst"}],"social_space":"Ortsteile","wir_centre":"Zentrum"},
"erklaerungen":{"authority_declared":true,"consents_publication":null,"declares_correct":true,
"declares_financing_secured":true,"declares_not_started":true},
"finanzierung":{"budget_situation":"approved","cover":[{"amount":"9000.00","id":"c1",
"kind":"grant","municipality":null,"text":"","year":2027}],"expenses":[{"amount":"9000.00",
"category":"moderation","eligible":true,"id":"e1","text":"","year":2027}],
"vat_deductible":false},"kommune":{"partners":[]},"konzeption":{"approach":"Weg",
"goals":"Ziele","situation":"Lage","summary":"Kurz","title":"Vielfalt"},
"zeitplan":{"adoptions":[{"id":"a1","municipality":"06431901","planned_on":"2028-12-01"}],
"milestones":[{"due_on":null,"id":"m1","text":"Auftakt"}],"months":18,
"starts_on":"2027-07-01"}},"submitted_at":"2026-11-16T09:30:00.000000+00:00","version":1}"""
"""A frozen copy as the first release wrote it, word for word but for line breaks."""


def _as_version_1(snapshot):
    snapshot.version, snapshot.payload = 1, VERSION_1.replace("\n", "")
    return snapshot


def test_a_copy_of_version_1_is_read_whole_and_nothing_is_guessed():
    content = snapshots.read(_as_version_1(world.submitted(world.build()).first_snapshot))
    assert (content["version"], content["addressee"], content["declaration"]) == (2, [], "")
    assert content["bank"] == {"name": "", "bic": ""}
    assert content["members"][0]["confirmed_at"] is None
    assert content["former_members"] == []
    assert content["steps"]["kommune"] == {"partners": [], "cooperations": []}
    assert content["steps"]["beteiligung"]["formats"] == [
        {
            "id": "f1",
            "name": "Werkstatt",
            "reaches": "alle",
            "when": "Herbst",
            "how_many": "",
            "barriers": "",
        }
    ]
    assert content["steps"]["zeitplan"]["adoptions"] == [
        {"id": "a1", "municipality": "06431901", "body": "", "planned_on": "2028-12-01"}
    ]
    told = content["steps"]["konzeption"]
    assert (told["title"], told["topics"], told["procurement_way"]) == ("Vielfalt", "", "")
    assert content["steps"]["erklaerungen"]["other_funding"] is None
    for step in Step:
        assert content["steps"][step.value].keys() == empty_step(step).keys()


def test_a_copy_of_version_1_can_be_shown():
    content = snapshots.read(_as_version_1(world.submitted(world.build()).first_snapshot))
    shown = documents.presentation(content, sha256="abc")
    assert (shown["title"], shown["addressee_lines"]) == ("Vielfalt", [])
    answers = {a["name"]: a["value_lines"] for s in shown["sections"] for a in s["answers"]}
    assert (answers["topics"], answers["goals"], answers["iban"]) == (["–"], ["Ziele"], ["–"])
    assert "bank" not in answers
