"""Letters at the desk: uploaded, edited, corrected, sent; consent; entries; texts; the budget."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from applications import services
from applications.models import Application, CallBudget, CaseEntry, Letter, LetterBlock
from applications.services.letters import PARTS_ELSEWHERE
from applications.workflow import Status
from kiv_portal.models import Authority
from municipalities import permissions
from tests import world
from tests.applications.test_admin_moves import GRANT, address, sealed

pytestmark = pytest.mark.django_db
page = pytest.mark.sweep  # no matter of the database; it opens on both in test_access

LONGEST = "Irrtum" * 666 + "Ende"
"""As many characters as a reason may have; one more is refused."""


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings: Any) -> None:
    settings.PORTAL_DEMO = True


@pytest.fixture
def w() -> world.World:
    return world.build(now())


def now() -> datetime:
    return timezone.now() - timedelta(minutes=5)


def today() -> str:
    return f"{timezone.localdate():%d.%m.%Y}"


def pdf() -> SimpleUploadedFile:
    return SimpleUploadedFile("Bescheid.pdf", world.pdf_bytes(), "application/pdf")


# --- Made elsewhere -------------------------------------------------------------------------------


def uploaded(**changes: Any) -> dict[str, Any]:
    return {
        **GRANT,
        "made": "elsewhere",
        "upload": pdf(),
        "letter_dated_on": today(),
        "parts_grant": [code for code, _ in PARTS_ELSEWHERE["grant"]],
        **changes,
    }


@page
def test_a_letter_made_elsewhere_goes_from_proposal_to_signature(w, client: Client) -> None:
    LetterBlock.objects.all().delete()
    application = world.in_substance(w, now())
    client.force_login(w.reviewer)
    assert client.post(address(application, "propose"), uploaded()).status_code == 302
    client.force_login(w.signer)
    page = client.get(address(application, "grant"))
    assert len(page.context["parts"]) == len(PARTS_ELSEWHERE["grant"])
    read = client.get(page.context["draft_href"])
    assert b"".join(read.streaming_content) == world.pdf_bytes()
    assert client.post(address(application, "grant"), sealed(application, 1)).status_code == 302
    letter = application.letters.get()
    assert (letter.made_elsewhere, letter.created_by) == (True, w.signer)


@page
@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"upload": ""}, {"upload": ["Bitte laden Sie das unterschriebene Schreiben hoch."]}),
        ({"letter_dated_on": ""}, {"letter_dated_on": ["Bitte geben Sie den Tag an."]}),
        (
            {"parts_grant": [code for code, _ in PARTS_ELSEWHERE["grant"] if code != "years"]},
            {
                "parts_grant": [
                    "Bitte prüfen Sie das Schreiben. Noch nicht bestätigt: Tenor: Beträge nach "
                    "Haushaltsjahren"
                ]
            },
        ),
        (
            {"upload": SimpleUploadedFile("x.pdf", b"%PDF-", "application/pdf")},
            {
                "upload": [
                    "Das PDF ist beschädigt und lässt sich nicht öffnen. Bitte erzeugen Sie es neu."
                ]
            },
        ),
    ],
)
def test_what_such_a_letter_lacks_is_told_beside_the_field(
    w, changes: dict[str, Any], errors: dict[str, list[str]], client: Client
) -> None:
    application = world.in_substance(w, now())
    client.force_login(w.reviewer)
    answer = client.post(address(application, "propose"), uploaded(**changes))
    assert (answer.status_code, answer.context["form"].errors) == (422, errors)
    assert application.decisions.count() == 0


# --- The adjusted plan ----------------------------------------------------------------------------


@page
def test_less_is_proposed_with_a_plan_that_balances(w, client: Client) -> None:
    application = world.in_substance(w, now())
    client.force_login(w.reviewer)
    less = {
        **GRANT,
        "amount": "16.000",
        "year_2028": "7.000",
        "reduction_reasons": "Weniger Veranstaltungen.",
        "plan_expense_moderation__2027": "10.000",
        "plan_expense_moderation__2028": "10.000",
        "plan_cover_own_06431901_2027": "1.000",
        "plan_cover_own_06431901_2028": "1.000",
    }
    answer = client.post(address(application, "propose"), less)
    form = answer.context["form"]
    assert form.errors == {
        "year_2028": [
            "Im Haushaltsjahr 2028 fehlen noch 2.000,00 € Deckung. Ändern Sie hier die Zuwendung "
            "oder im Finanzierungsplan Eigenmittel oder Leistungen Dritter dieses Jahres."
        ]
    }
    assert '<a href="#id_year_2028">Haushaltsjahr 2028 – Im Haushaltsjahr' in (
        answer.content.decode()
    )
    assert {name: form[name].value() for name in less} == less
    # What the check cut from the Ausgaben leaves too much Deckung.
    cut = less | {
        "eligible_costs": "19.500",
        "plan_expense_moderation__2027": "9.500",
        "plan_cover_own_06431901_2028": "3.000",
    }
    (year,) = client.post(address(application, "propose"), cut).context["form"].errors.items()
    assert (year[0], year[1][0].partition(". ")[0]) == (
        "year_2027",
        "Im Haushaltsjahr 2027 übersteigt die Deckung die Ausgaben um 500,00 €",
    )
    less["plan_cover_own_06431901_2028"] = "3.000"
    assert client.post(address(application, "propose"), less).status_code == 302
    assert application.decisions.get().plan.count() == 6


@page
def test_another_period_cuts_the_years_anew_and_keeps_what_was_typed(w, client: Client) -> None:
    application = world.in_substance(w, now())
    client.force_login(w.reviewer)
    typed = {**GRANT, "ends_on": "31.03.2029", "reasons": "Länger.", "recut": "1"}
    answer = client.post(address(application, "propose"), typed)
    form = answer.context["form"]
    assert (answer.status_code, form.years) == (200, [2027, 2028, 2029])
    assert (form["reasons"].value(), form["year_2028"].value()) == ("Länger.", "9000")
    assert application.decisions.count() == 0
    shorter = {**GRANT, "ends_on": "31.12.2027", "year_2028": "", "recut": "1"}
    assert client.post(address(application, "propose"), shorter).context["form"].years == [2027]


# --- Edited and corrected -------------------------------------------------------------------------


def edit_form(client: Client, application: Application, action: str) -> dict[str, str]:
    form = client.get(address(application, action)).context["form"]
    return {name: form[name].value() for name in form.fields}


@page
def test_a_letter_is_edited_and_the_signer_sees_what_differs(w, client: Client) -> None:
    application = world.proposed(w, at=now())
    client.force_login(w.reviewer)
    typed = edit_form(client, application, "edit_letter")
    assert set(typed) == {
        "letter",
        *(
            f"part_{key}"
            for key in (
                "addressee",
                "legal_basis",
                "conditions",
                "reasons",
                "payment",
                "remedy",
            )
        ),
    }
    typed["part_payment"] = "In zwei Teilen."
    assert client.post(address(application, "edit_letter"), typed).status_code == 302
    assert application.decisions.get().edits == {"payment": "In zwei Teilen."}
    client.force_login(w.signer)
    page = client.get(address(application, "grant"))
    assert [(edit["heading"], edit["after"]) for edit in page.context["edits"]] == [
        ("Auszahlung", "In zwei Teilen.")
    ]
    assert "In zwei Teilen." in page.content.decode()


@page
def test_an_empty_part_is_told_beside_it_and_nothing_typed_is_lost(w, client: Client) -> None:
    application = world.proposed(w, at=now())
    client.force_login(w.reviewer)
    typed = {**edit_form(client, application, "edit_letter"), "part_remedy": " "}
    answer = client.post(
        address(application, "edit_letter"), {**typed, "part_reasons": "Neue Gründe."}
    )
    assert answer.context["form"].errors == {"part_remedy": ["Dieser Teil darf nicht leer sein."]}
    assert "Neue Gründe." in answer.content.decode()


@page
def test_a_correction_goes_back_to_the_writer_for_one_click(w, client: Client) -> None:
    application = world.proposed(w, at=now())
    client.force_login(w.signer)
    typed = edit_form(client, application, "correct_letter")
    typed["part_reasons"] = "Besser begründet."
    assert client.post(address(application, "correct_letter"), typed).status_code == 302
    other = world.staff(permissions.SIGN)
    client.force_login(other)
    assert client.get(address(application, "grant")).status_code == 409
    client.force_login(w.reviewer)
    page = client.get(address(application, "agree"))
    seal = {"letter": page.context["form"]["letter"].value()}
    assert client.post(address(application, "agree"), seal).status_code == 302
    client.force_login(w.signer)
    assert client.get(address(application, "grant")).status_code == 403
    client.force_login(other)
    assert client.post(address(application, "grant"), sealed(application, 1)).status_code == 302


@page
def test_a_letter_that_changed_since_the_proposal_is_not_signed(w, client: Client) -> None:
    application = world.proposed(w, at=now())
    LetterBlock.objects.filter(kind="grant", key="payment").update(text="Neu.")
    client.force_login(w.signer)
    assert client.get(address(application, "grant")).context["changed"] == ["Auszahlung"]
    answer = client.post(address(application, "grant"), sealed(application, 1))
    assert (answer.status_code, answer.context["changed"]) == (422, ["Auszahlung"])
    application.refresh_from_db()
    assert application.status == Status.PROPOSED


@page
def test_money_that_does_not_reach_is_told_before_and_at_the_signature(w, client: Client) -> None:
    application = world.proposed(w, at=now())
    for year in (2027, 2028):
        CallBudget.objects.create(
            call=w.call, year=year, funds=Decimal("8999.99"), commitment=Decimal("8999.99")
        )
    client.force_login(w.signer)
    assert len(client.get(address(application, "grant")).context["exceeded"]) == 2
    answer = client.post(address(application, "grant"), sealed(application, 1))
    assert (answer.status_code, len(answer.context["exceeded"])) == (422, 2)


# --- Sending --------------------------------------------------------------------------------------


def delivery(application: Application) -> str:
    letter = application.letters.get()
    return address(application, f"schreiben/{letter.pk}/bekanntgabe")


@page
def test_a_letter_is_sent_by_the_way_that_is_chosen(w, client: Client) -> None:
    application = world.granted(w, now())
    client.force_login(w.reviewer)
    page = client.get(delivery(application))
    assert page.context["forms"] == {}  # nobody sends what cannot be read yet
    assert "Das PDF wird gerade erzeugt" in page.content.decode()
    world.with_pdf(application.letters.get())
    page = client.get(delivery(application))
    way = page.context["forms"]["deliver"]["way"]
    assert way.value() == ""  # no default
    assert [option.data["value"] for option in way] == ["receipt"]  # the page says why
    answer = client.post(delivery(application), {"act": "deliver"})
    assert answer.context["forms"]["deliver"].errors == {
        "way": ["Bitte wählen Sie den Weg der Bekanntgabe."]
    }
    for way in ("retrieval", "post"):  # neither consent nor days are on record
        answer = client.post(delivery(application), {"act": "deliver", "way": way})
        assert answer.status_code == 422
    Authority.objects.update(post_days=3, delivery_way="post")
    page = client.get(delivery(application))
    way = page.context["forms"]["deliver"]["way"]
    assert way.value() == "post"
    assert [option.data["value"] for option in way] == ["post", "receipt"]
    answer = client.post(delivery(application), {"act": "deliver", "way": "post"})
    assert answer.status_code == 302
    assert list(client.get(delivery(application)).context["forms"]) == ["fail"]
    answer = client.post(delivery(application), {"act": "deliver", "way": "post"})
    assert answer.status_code == 409
    answer = client.post(delivery(application), {"act": "fail", "fail-reason": LONGEST + "x"})
    assert answer.context["forms"]["fail"]["reason"].value() == LONGEST + "x"
    assert (answer.status_code, list(answer.context["forms"]["fail"].errors)) == (422, ["reason"])
    answer = client.post(delivery(application), {"act": "fail", "fail-reason": LONGEST})
    assert answer.status_code == 302
    assert application.letters.get().deliveries.get().failed_reason == LONGEST
    assert list(client.get(delivery(application)).context["forms"]) == ["deliver"]


@page
def test_an_empfangsbekenntnis_is_sent_and_entered(w, client: Client) -> None:
    application = world.granted(w, now())
    world.with_pdf(application.letters.get())
    client.force_login(w.reviewer)
    client.post(delivery(application), {"act": "deliver", "way": "receipt"})
    assert list(client.get(delivery(application)).context["forms"]) == ["acknowledge", "fail"]
    answer = client.post(delivery(application), {"act": "acknowledge", "received_on": today()})
    assert answer.status_code == 302
    page = client.get(delivery(application))
    assert (page.context["forms"], page.status_code) == ({}, 200)
    assert page.context["under_way"].notified_on == timezone.localdate()


def test_a_consent_is_recorded_and_ended(w, client: Client) -> None:
    application = world.in_check(w, now())
    client.force_login(w.reviewer)
    page = address(application, "einwilligung")
    assert client.post(page, {"given_on": today(), "note": "Blatt 3"}).status_code == 302
    assert services.consent_of(w.town).note == "Blatt 3"
    assert client.post(page, {"ended_on": today()}).status_code == 302
    assert services.consent_of(w.town) is None


def _sent_before_it_had_to_be_signed(
    w: world.World, application: Application, client: Client
) -> None:
    """Such a letter is on nobody's list once it is on its way, and is again where that failed."""
    letter, place = application.letters.get(kind="early_start"), address(application, "change")
    task = "/admin/applications/application/?aufgabe=zeichnen"

    def told() -> tuple[bool, int]:
        client.force_login(w.reviewer)
        waits = "noch zu zeichnen" in client.get(place).content.decode()
        client.force_login(w.signer)
        return waits, len(client.get(task).context["cl"].result_list)

    assert told() == (True, 1)
    sent = letter.deliveries.create(
        number=1, way="receipt", sent_on=timezone.localdate(), sent_at=now(), sent_by=w.reviewer
    )
    assert told() == (False, 0)
    letter.deliveries.update(failed_at=now(), failed_reason="Zurückgekommen")
    assert told() == (True, 1)
    sent.delete()
    client.force_login(w.reviewer)


def _signed_by_a_second_person(w: world.World, application: Any, client: Client) -> None:
    """The consent to an early start goes out only when somebody else has signed it."""
    letter = application.letters.get(kind="early_start")
    page = address(application, f"schreiben/{letter.pk}/bekanntgabe")
    with pytest.raises(services.LetterNotReady):
        services.sign_letter(letter=letter, seen="", by=w.signer, at=now())
    letter.file, letter.sha256 = "letters/x.pdf", "a" * 64
    letter.save()
    for person in (w.reviewer, w.other_reviewer, w.administrator):
        with pytest.raises(services.SecondPersonNeeded):
            services.sign_letter(letter=letter, seen="a" * 64, by=person, at=now())
    with pytest.raises(services.LetterNotSigned):
        services.deliver(letter=letter, way="receipt", by=w.reviewer, at=now())
    with pytest.raises(IntegrityError, match="letter_four_eyes"), transaction.atomic():
        Letter.objects.filter(pk=letter.pk).update(signed_by=w.reviewer, signed_at=now())
    assert list(client.get(page).context["forms"]) == ["discard"]
    client.force_login(w.signer)
    assert list(client.get(page).context["forms"]) == ["sign", "discard"]
    assert client.post(page, {"act": "sign", "seen": "b" * 64}).status_code == 422
    assert client.post(page, {"act": "sign", "seen": "a" * 64}).status_code == 302
    letter.refresh_from_db()
    assert (letter.signed_by, application.log.last().action) == (w.signer, "letter_signed")
    with pytest.raises(services.AlreadySigned):
        services.sign_letter(letter=letter, seen="a" * 64, by=w.signer, at=now())
    client.force_login(w.reviewer)
    assert list(client.get(page).context["forms"]) == ["deliver"]  # it is a Bescheid now
    assert client.post(page, {"act": "discard", "discard-reason": "x"}).status_code == 409
    with pytest.raises(services.LetterDiscarded):
        services.discard_letter(letter=letter, reason="x", by=w.reviewer, at=now())
    with pytest.raises(IntegrityError, match="discarded_with_a_reason"), transaction.atomic():
        Letter.objects.filter(pk=letter.pk).update(
            discarded_by=w.reviewer, discarded_at=now(), discarded_reason="x"
        )
    services.deliver(letter=letter, way="receipt", by=w.reviewer, at=now())


def _put_away(w: world.World, application: Any, client: Client) -> None:
    """What was made by mistake is no task for ever: it is put away with a reason, and stays."""
    letter = application.letters.get(kind="request")
    page = address(application, f"schreiben/{letter.pk}/bekanntgabe")
    tasks = "/admin/applications/application/?aufgabe=bekanntgabe"
    assert client.post(page, {"act": "discard", "discard-reason": " "}).status_code == 422
    assert len(client.get(tasks).context["cl"].result_list) == 1
    assert client.post(page, {"act": "discard", "discard-reason": LONGEST + "x"}).status_code == 422
    assert client.post(page, {"act": "discard", "discard-reason": LONGEST}).status_code == 302
    services.discard_letter(
        letter=application.letters.get(kind="receipt"), reason="Irrtum.", by=w.reviewer, at=now()
    )
    assert len(client.get(tasks).context["cl"].result_list) == 0
    letter.refresh_from_db()
    assert (letter.discarded_by, application.log.last().action) == (w.reviewer, "discard_letter")
    shown = client.get(page)
    told = f"Begründung: „{LONGEST}“" in shown.content.decode()
    assert (shown.context["forms"], letter.discarded_reason, told) == ({}, LONGEST, True)
    assert "verworfen</strong>" in client.get(address(application, "change")).content.decode()
    with pytest.raises(services.LetterDiscarded):
        services.deliver(letter=letter, way="receipt", by=w.reviewer, at=now())
    with pytest.raises(services.LetterDiscarded):
        services.sign_letter(letter=letter, seen="", by=w.signer, at=now())
    with pytest.raises(services.LetterDiscarded):
        services.discard_letter(letter=letter, reason="x", by=w.reviewer, at=now())
    with pytest.raises(services.DiscardReasonMissing):
        services.discard_letter(letter=letter, reason=" ", by=w.reviewer, at=now())
    with pytest.raises(services.NotAllowed):
        services.discard_letter(letter=letter, reason="x", by=w.reader, at=now())
    with pytest.raises(IntegrityError, match="discarded_with_a_reason"), transaction.atomic():
        Letter.objects.filter(pk=letter.pk).update(discarded_reason="")
    again = services.issue_letter(
        application=application, kind="request", text="Neu.", by=w.reviewer, at=now()
    )
    assert again.request == letter.request == application.information_requests.get()
    with pytest.raises(services.AlreadyIssued):
        services.issue_letter(application=application, kind="request", by=w.reviewer, at=now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Letter.objects.filter(kind="receipt").update(
            request=again.request, discarded_at=None, discarded_by=None, discarded_reason=""
        )


@page
def test_a_letter_without_a_decision_is_made_or_uploaded(w, client: Client) -> None:
    application = world.requested(w, at=now())
    client.force_login(w.reviewer)
    page = address(application, "schreiben/neu")
    assert client.post(page, {"kind": "request", "made": "here"}).status_code == 302
    assert client.post(page, {"kind": "request", "made": "here"}).status_code == 422
    answer = client.post(
        page,
        {"kind": "receipt", "made": "elsewhere", "upload": pdf(), "letter_dated_on": today()},
    )
    assert answer.status_code == 302
    assert list(application.letters.values_list("kind", "made_elsewhere")) == [
        ("request", False),
        ("receipt", True),
    ]
    early = {"kind": "early_start", "made": "here"}
    Application.objects.update(reviewer=None)
    refused = client.post(page, early)
    assert (refused.status_code, refused.context["form"].non_field_errors()) == (
        422,
        [
            "Bitte zuerst eine zuständige Person eintragen: Wer zeichnet, darf den Fall nicht "
            "selbst bearbeiten."
        ],
    )
    Application.objects.update(reviewer=w.reviewer)
    assert client.post(page, early).status_code == 302
    _sent_before_it_had_to_be_signed(w, application, client)
    _signed_by_a_second_person(w, application, client)
    _put_away(w, application, client)
    client.force_login(w.reader)
    assert client.get(page).status_code == 403


# --- After the notice -----------------------------------------------------------------------------


@page
def test_entries_are_added_and_struck(w, client: Client) -> None:
    application = world.granted(w, now())
    client.force_login(w.reviewer)
    page = address(application, "eintraege")
    answer = client.post(page, {"kind": "payment", "on": today()})
    assert answer.context["form"].errors == {
        "amount": ["Bitte geben Sie den ausgezahlten Betrag an."]
    }
    answer = client.post(page, {"kind": "payment", "on": today(), "amount": "9.000"})
    assert answer.status_code == 302
    entry = CaseEntry.objects.get()
    assert client.post(page, {"strike": entry.pk, "strike-reason": " "}).status_code == 422
    too_long = {"strike": entry.pk, "strike-reason": LONGEST + "x"}
    assert client.post(page, too_long).status_code == 422
    assert client.post(page, {"strike": entry.pk, "strike-reason": LONGEST}).status_code == 302
    assert "9.000,00 €" in client.get(page).content.decode()
    entry.refresh_from_db()
    assert entry.struck_reason == LONGEST
    assert client.post(page, {"strike": 0, "strike-reason": "x"}).status_code == 404


@page
def test_there_are_no_entries_before_a_decision(w, client: Client) -> None:
    application = world.in_check(w, now())
    client.force_login(w.reviewer)
    assert client.get(address(application, "eintraege")).status_code == 409


# --- Texts ----------------------------------------------------------------------------------------


@page
def test_a_text_with_an_unknown_placeholder_is_not_saved(w, client: Client) -> None:
    client.force_login(w.administrator)
    block = LetterBlock.objects.get(kind="hearing", key="legal_basis")
    data = {
        "kind": block.kind,
        "key": block.key,
        "text": "Beim {Gericht} in {sitz}.",
        "valid_from": "01.01.2020",
        "confirmed_by_office": "Stelle",
    }
    answer = client.post(f"/admin/applications/letterblock/{block.pk}/change/", data)
    (error,) = answer.context["adminform"].form.errors["text"]
    assert error.startswith("Diese Platzhalter gibt es nicht: {Gericht}. Möglich sind: {gericht}, ")
    data["text"] = "Beim {gericht} in {sitz}."
    answer = client.post(f"/admin/applications/letterblock/{block.pk}/change/", data)
    assert answer.status_code == 302


@page
def test_the_tasks_say_what_is_still_to_be_sent(w, client: Client) -> None:
    application = world.granted(w, now())
    client.force_login(w.reviewer)
    counts = lambda: {  # noqa: E731
        parse_qs(task["href"].partition("?")[2]).get("aufgabe", [""])[0]: task["count"]
        for task in client.get("/admin/").context["to_do"]
    }
    assert (counts()["bekanntgabe"], counts()["nicht-bewirkt"]) == (1, 0)
    home = client.get("/admin/").context
    day, said = timezone.localdate(), "Schreiben ist noch bekannt zu geben"
    assert [(i["word"], i["case"]["day"], i["label"]) for i in home["agenda"]] == [
        ("Schreiben vom", day, said)
    ]
    letter = world.with_pdf(application.letters.get())
    services.deliver(letter=letter, way="receipt", by=w.reviewer, at=now())
    waiting = [task for task in client.get("/admin/").context["waiting"] if task["count"]]
    assert [(task["label"], task["word"], task["first"]) for task in waiting] == [
        ("Empfangsbekenntnis ist noch nicht zurück", "abgesandt am", day)
    ]
    assert (counts()["bekanntgabe"], counts()["nicht-bewirkt"]) == (0, 0)
    services.fail_delivery(letter=letter, reason="x", by=w.reviewer, at=now())
    assert (counts()["bekanntgabe"], counts()["nicht-bewirkt"]) == (0, 1)
