"""What came by post or e-mail: recorded by one person, confirmed by a second, then a case."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from applications import documents, mails, permissions, services
from applications.admin import words
from applications.models import Application, Recording, ScanState
from applications.rules import Step
from applications.services import erasure, log, recording, snapshots
from applications.services.reminders import people_of
from applications.workflow import Status
from kiv_portal.models import OutboxMail
from municipalities.permissions import ADMINISTER, AUDIT, READ, REVIEW, SIGN
from tests import world
from tests.factories import NOW, FundingCallFactory, UserFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
BEGIN = "/admin/applications/application/erfassen/"


@pytest.fixture
def w(settings: Any) -> world.World:
    settings.PORTAL_DEMO = True
    return world.build()


def scan() -> SimpleUploadedFile:
    return SimpleUploadedFile("Antrag.pdf", world.pdf_bytes(), "application/pdf")


def started(w: world.World, **changes: Any) -> Application:
    """A recording of what came by post three hours ago, nothing typed yet."""
    values: dict[str, Any] = {
        "call": w.call,
        "lead": w.town,
        "received_as": "post",
        "arrived_at": NOW - timedelta(hours=3),
        "reason": "Kein Internet im Rathaus.",
        "upload": scan(),
        "by": w.reviewer,
        "at": NOW,
    }
    return services.start_recording(**values | changes)


def typed(w: world.World, email: str = "integration@musterstadt.example", **changes: Any) -> Any:
    """A recording into which everything was transcribed."""
    application = started(w, **changes)
    by, at = application.created_by, changes.get("at", NOW)
    for step, data in world.content(w.town).items():
        if step is Step.ANSPRECHPARTNER:
            data |= {"contact_email": email}
        application = world.save(application, step, data, by, at)
    return application


def presented(w: world.World, **changes: Any) -> Application:
    application = typed(w, **changes)
    services.present_recording(
        application=application, by=application.created_by, at=changes.get("at", NOW)
    )
    return application


# --- From the letter to the case ------------------------------------------------------------------


def test_confirmed_by_a_second_person_it_is_a_case_like_any_other(w):
    application = presented(w)
    mails = set(OutboxMail.objects.values_list("pk", flat=True))
    case = services.confirm_recording(
        application=application, seen=application.revision, by=w.other_reviewer, at=NOW + DAY
    )
    case.refresh_from_db()
    assert (case.status, case.reference, case.submitted_at, case.received_late) == (
        Status.SUBMITTED,
        "KIV-2026-0001",
        NOW - timedelta(hours=3),
        False,
    )
    assert set(case.members.values_list("live", "population")) == {(True, 20_000)}
    row = case.recording
    assert (row.recorded_by, row.confirmed_by, row.confirmed_at) == (
        w.reviewer,
        w.other_reviewer,
        NOW + DAY,
    )
    frozen = snapshots.read(case.first_snapshot)
    assert frozen["declaration"] == (
        "Eingegangen per Post am 16.11.2026 und durch die Bewilligungsbehörde erfasst. Die "
        "Erklärungen stehen im eingegangenen Antrag, der beiliegt."
    )
    assert [row["name"] for row in frozen["documents"]] == ["Antrag.pdf"]
    (mail,) = OutboxMail.objects.exclude(pk__in=mails)
    assert (mail.recipient, mail.subject) == (
        "integration@musterstadt.example",
        "Antrag KIV-2026-0001 ist eingegangen",
    )
    assert "ist am 16.11.2026 per Post bei uns eingegangen" in mail.body
    entry = case.log.last()
    assert (entry.action, entry.actor_id) == ("confirm_recording", w.other_reviewer.pk)
    assert (entry.content.values["recorded_by"], log.verify(case)) == (w.reviewer.pk, [])
    # And on it goes.
    assert services.begin_check(application=case, by=w.reviewer, at=NOW + DAY).status == (
        Status.FORMAL_CHECK
    )
    assert list(permissions.visible_to(w.clerk)) == [case]


def test_what_has_no_address_gets_its_receipt_as_a_letter(w):
    case = services.confirm_recording(
        application=presented(w, email=""), by=w.other_reviewer, at=NOW
    )
    assert [letter.kind for letter in case.letters.all()] == ["receipt"]
    assert not OutboxMail.objects.filter(key__startswith="recorded:").exists()


def test_whether_it_came_in_time_is_told_by_the_stamp(w):
    closes = w.call.closes_at
    for arrived, number, late in (
        (closes - timedelta(minutes=1), 0, False),
        (closes, 1, True),
    ):
        w.town = [w.town, w.other_town][number]
        application = presented(w, arrived_at=arrived, at=closes + 2 * DAY)
        case = services.confirm_recording(
            application=application, by=w.other_reviewer, at=closes + 3 * DAY
        )
        assert (case.received_late, case.submitted_at) == (late, arrived)


def test_a_stamp_without_a_time_does_where_the_day_tells_and_else_is_asked_for(w):
    closes = timezone.localtime(w.call.closes_at)
    before = closes.date() - DAY
    assert recording.arrival(w.call, before, None) == timezone.make_aware(
        datetime.combine(before, time())
    )
    with pytest.raises(services.TimeNeeded):
        recording.arrival(w.call, closes.date(), None)
    assert recording.arrival(w.call, closes.date(), time(8)) < w.call.closes_at
    w.call.closes_at = timezone.make_aware(datetime.combine(closes.date(), time()))
    assert recording.arrival(w.call, closes.date(), None) == w.call.closes_at
    w.call.opens_at = timezone.make_aware(datetime.combine(before, time(9)))
    with pytest.raises(services.TimeNeeded):
        recording.arrival(w.call, before, None)
    assert recording.arrival(w.call, before, time(9, 30)) > w.call.opens_at
    w.call.closes_at = None
    assert timezone.localdate(recording.arrival(w.call, date(2026, 1, 1), None)) == date(2026, 1, 1)


def test_only_what_has_come_is_recorded_and_only_for_a_call_that_was_open(w):
    with pytest.raises(services.ArrivedAhead):
        started(w, arrived_at=NOW + timedelta(minutes=1))
    with pytest.raises(services.CallNotOpen):
        started(w, arrived_at=w.call.opens_at - DAY)
    for person in (w.clerk, w.reader, w.signer, w.administrator, w.auditor):
        with pytest.raises(services.NotAllowed):
            started(w, by=person)
    assert Application.objects.count() == 0


def test_what_is_no_application_at_all_is_not_presented(w):
    application = started(w)
    with pytest.raises(services.NotSubmittable):
        services.present_recording(application=application, by=w.reviewer, at=NOW)
    assert application.recording.ready_at is None


def test_a_municipality_that_has_applied_is_told_to_the_second_person(w):
    world.submitted(w)
    application = presented(w)
    with pytest.raises(services.NotSubmittable, match="Musterstadt"):
        services.confirm_recording(application=application, by=w.other_reviewer, at=NOW)
    application.refresh_from_db()
    assert (application.status, application.recording.confirmed_by) == (Status.DRAFT, None)


# --- Four eyes ------------------------------------------------------------------------------------


def test_whoever_recorded_never_confirms_and_the_database_refuses_it_too(w):
    application = presented(w)
    with pytest.raises(services.SamePerson):
        services.confirm_recording(application=application, by=w.reviewer, at=NOW)
    with pytest.raises(IntegrityError, match="recording_four_eyes"), transaction.atomic():
        Recording.objects.update(confirmed_by=w.reviewer, confirmed_at=NOW)
    for values in (
        {"confirmed_by": w.other_reviewer},
        {"confirmed_by": w.other_reviewer, "confirmed_at": NOW, "ready_at": None},
        {"arrived_at": NOW + DAY},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Recording.objects.update(**values)
    for person in (w.clerk, w.signatory, w.signer, w.reader, w.administrator):
        with pytest.raises(services.NotAllowed):
            services.confirm_recording(application=application, by=person, at=NOW)


def test_confirmed_is_only_what_was_presented_and_read(w):
    application = typed(w)
    with pytest.raises(services.NotAllowed):
        services.confirm_recording(application=application, by=w.other_reviewer, at=NOW)
    services.present_recording(application=application, by=w.reviewer, at=NOW)
    read = application.revision
    with pytest.raises(services.NotAllowed):  # nobody writes in what is presented
        world.save(application, Step.KONZEPTION, {"title": "Anders"}, w.reviewer)
    services.return_recording(
        application=application, reason="Zahlendreher", by=w.other_reviewer, at=NOW
    )
    application = world.save(application, Step.KONZEPTION, {"title": "Anders"}, w.reviewer)
    services.present_recording(application=application, by=w.reviewer, at=NOW)
    with pytest.raises(services.RecordingChanged):
        services.confirm_recording(application=application, seen=read, by=w.other_reviewer, at=NOW)
    services.confirm_recording(
        application=application, seen=application.revision, by=w.other_reviewer, at=NOW
    )
    with pytest.raises((services.NotAllowed, services.WrongState)):
        services.confirm_recording(application=application, by=w.other_reviewer, at=NOW)


def test_a_colleague_takes_over_and_none_of_those_who_wrote_confirms(w):
    application = typed(w)
    for person in (w.reviewer, w.signer, w.clerk):
        with pytest.raises(services.NotAllowed):
            services.take_over_recording(application=application, by=person, at=NOW)
    services.take_over_recording(application=application, by=w.other_reviewer, at=NOW)
    with pytest.raises(services.NotAllowed):
        world.save(application, Step.KONZEPTION, {"title": "Alt"}, w.reviewer)
    application = world.save(application, Step.KONZEPTION, {"title": "Neu"}, w.other_reviewer)
    services.present_recording(application=application, by=w.other_reviewer, at=NOW)
    with pytest.raises(services.NotAllowed):
        services.take_over_recording(application=application, by=w.reviewer, at=NOW)
    for person in (w.reviewer, w.other_reviewer):
        assert not permissions.may_confirm_recording(person, application)
        with pytest.raises(services.SamePerson):
            services.confirm_recording(application=application, by=person, at=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            application.recording.hands.create(user=person, role="confirmed", at=NOW)
    third = world.staff(REVIEW)
    case = services.confirm_recording(application=application, by=third, at=NOW)
    assert [(hand.user, hand.role) for hand in case.recording.hands.all()] == [
        (w.reviewer, "wrote"),
        (w.other_reviewer, "wrote"),
        (third, "confirmed"),
    ]
    assert (case.in_charge, "take_over_recording" in words.LOGGED) == (None, True)


def test_taking_over_from_somebody_who_may_still_be_writing_asks_for_a_tick(w, client):
    at = timezone.now().replace(microsecond=0) - timedelta(minutes=30)
    application = typed(w, at=at, arrived_at=at - DAY)
    page = f"{BEGIN}{application.pk}/"
    client.force_login(w.other_reviewer)
    local = timezone.localtime(at)
    said = f"hat zuletzt am {local:%d.%m.%Y} um {local:%H:%M} Uhr daran gearbeitet."
    assert said in client.get(page).content.decode()
    asked = client.post(page, {"aktion": "uebernehmen"})
    assert (asked.status_code, asked.context["take_over_form"].errors) == (
        422,
        {
            "agreed": [
                "Hier wurde in der letzten Stunde noch geschrieben. Bitte sprechen Sie sich ab und "
                "kreuzen Sie das an."
            ]
        },
    )
    assert client.post(page, {"aktion": "uebernehmen", "agreed": "on"}).status_code == 302
    row = Recording.objects.get()
    assert (row.recorded_by, row.last_at_work() > at) == (w.other_reviewer, True)
    # An hour after the last word nobody needs to ask.
    hour = timedelta(hours=1)
    last = row.last_at_work()
    take = {"application": application, "although_at_work": False, "by": w.reviewer}
    with pytest.raises(services.StillAtWork):
        services.take_over_recording(**take, at=last + hour - timedelta(seconds=1))
    services.take_over_recording(**take, at=last + hour)


def test_what_was_said_of_the_arrival_is_set_right_until_it_is_presented(w):
    application = typed(w)
    town = world.another(w, 1).lead.municipality
    other = FundingCallFactory(opened_at=NOW - 9 * DAY, opens_at=NOW - 9 * DAY, round=w.call.round)
    said = {
        "call": other,
        "lead": town,
        "received_as": "mail",
        "arrived_at": NOW - DAY,
        "reason": "Zeitweise kein Netz.",
    }
    with pytest.raises(services.ArrivedAhead):
        services.correct_recording(
            application=application, **{**said, "arrived_at": NOW + DAY}, by=w.reviewer, at=NOW
        )
    with pytest.raises(services.NotAllowed):
        services.correct_recording(application=application, **said, by=w.other_reviewer, at=NOW)
    services.correct_recording(application=application, **said, by=w.reviewer, at=NOW)
    application = Application.objects.get(pk=application.pk)
    row = application.recording
    assert (application.call, application.lead.municipality, application.lead.call) == (
        other,
        town,
        other,
    )
    assert (application.received_as, row.arrived_at, row.reason) == (
        "mail",
        NOW - DAY,
        "Zeitweise kein Netz.",
    )
    assert set(application.cover.values_list("municipality", flat=True)) == {town.pk, None}
    assert application.log.last().content.values["lead_before"] == "06431901"
    application.members.create(municipality=w.town, role="partner", call=other, position=1)
    with pytest.raises(services.LeadIsPartner):
        services.correct_recording(
            application=application, **{**said, "lead": w.town}, by=w.reviewer, at=NOW
        )


def test_who_has_applied_already_is_told_before_anything_is_begun(w, client):
    case = world.submitted(w)
    with pytest.raises(services.HasApplied) as told:
        started(w, although_applied=False)
    assert told.value.references == [case.reference]
    application = started(w)
    first = recording.findings_of_recording(application)[0]
    assert (first.code, "Musterstadt" in first.message) == ("application_exists", True)
    client.force_login(w.reviewer)
    day = timezone.localdate(NOW)
    data = {
        "call": w.call.pk,
        "lead": w.town.pk,
        "received_as": "post",
        "arrived_on": f"{day:%d.%m.%Y}",
        "arrived_time": "08:00",
        "reason": "x",
    }
    asked = client.post(BEGIN, {**data, "upload": scan()})
    assert asked.status_code == 422
    assert case.reference in asked.context["form"].errors["lead"][0]
    assert 'type="checkbox" name="anyway"' in asked.content.decode()
    assert Recording.objects.count() == 1
    assert client.post(BEGIN, {**data, "upload": scan(), "anyway": "on"}).status_code == 302


def test_only_whoever_records_writes_and_no_municipality_sees_it(w):
    application = typed(w)
    for person in (w.other_reviewer, w.clerk, w.signatory, w.signer):
        with pytest.raises(services.NotAllowed):
            world.save(application, Step.KONZEPTION, {"title": "Fremd"}, person)
    for person in (w.clerk, w.signatory, w.other_reviewer):
        assert not permissions.visible_to(person).exists()
        assert permissions.may_see(person, application, at=NOW) is False
    assert permissions.may_see(w.reviewer, application, at=NOW) is True
    assert not permissions.visible_at_desk(w.reader).exists()
    with pytest.raises(services.NotAllowed):
        world.file(application, w.signatory)
    assert people_of(application) == []
    # It is in nobody's way.
    world.submitted(w)


def test_a_recording_begun_by_mistake_is_erased_and_why_is_kept(w, client):
    application = typed(w)
    with pytest.raises(services.ReasonMissing):
        services.discard_recording(application=application, reason=" ", by=w.reviewer, at=NOW)
    with pytest.raises(services.NotAllowed):
        services.discard_recording(application=application, reason="x", by=w.signer, at=NOW)
    services.discard_recording(application=application, reason="Doppelt", by=w.reviewer, at=NOW)
    application.refresh_from_db()
    assert (application.title, application.documents.count(), Recording.objects.count()) == (
        "",
        0,
        0,
    )
    assert application.erased_at == NOW
    last = application.log.last()
    assert (last.action, last.actor_id, last.content.values["reason"]) == (
        "discard_recording",
        w.reviewer.pk,
        "Doppelt",
    )
    assert log.verify(application) == []
    client.force_login(w.other_reviewer)
    page = client.get(BEGIN)
    (told,) = page.context["discarded"]
    assert (told["values"]["lead"], told["by"]) == ("Musterstadt", w.reviewer)
    assert "Begründung: Doppelt" in " ".join(page.content.decode().split())


def test_what_came_is_never_erased_as_a_draft_nobody_filed(w, settings):
    application = typed(w)
    later = NOW + timedelta(days=settings.RETENTION_DAYS["drafts"] + 1)
    assert list(erasure.drafts_due(later)) == []
    Application.objects.filter(pk=application.pk).update(received_as="")
    assert list(erasure.drafts_due(later)) == [application]


def test_a_stamp_without_a_time_is_nowhere_told_as_midnight(w, client):
    arrived = recording.arrival(w.call, timezone.localdate(NOW), None)
    case = services.confirm_recording(
        application=presented(w, arrived_at=arrived), by=w.other_reviewer, at=NOW
    )
    content = snapshots.read(case.first_snapshot)
    context = {"title": "", "snapshot": documents.presentation(content, sha256="")}
    paper = render_to_string("pdf/application.html", context)
    client.force_login(w.clerk)
    page = client.get(f"/antraege/{case.uuid}/")
    began = words.log_details("start_recording", case.log.first().content.values)
    assert page.context["received"] == "16. November 2026"
    assert began == [
        "eingegangen per Post am 16.11.2026",
        "Begründung: Kein Internet im Rathaus.",
    ]
    assert '<p class="value">16. November 2026</p>' in paper


def test_nobody_is_in_charge_before_the_municipality_names_somebody_who_is_then_told(w, client):
    case = services.confirm_recording(application=presented(w), by=w.other_reviewer, at=NOW)
    client.force_login(w.signatory)
    page = client.get(f"/antraege/{case.uuid}/team/")
    text = page.content.decode()
    assert page.context["in_charge"] is None
    assert [word for word in (w.reviewer.email, "arbeitet nicht mehr") if word in text] == []
    assert mails.recipients(case) == ["integration@musterstadt.example"]
    case = services.hand_over(application=case, to=w.clerk, by=w.signatory, at=NOW)
    assert mails.recipients(case) == ["integration@musterstadt.example", w.clerk.email]


# --- The pages ------------------------------------------------------------------------------------


def form(w: world.World, **changes: Any) -> dict[str, Any]:
    day = timezone.localdate(timezone.now())
    values = {
        "call": w.call.pk,
        "lead": w.town.pk,
        "received_as": "mail",
        "arrived_on": f"{day:%d.%m.%Y}",
        "arrived_time": "",
        "reason": "Störung",
        "upload": scan(),
    }
    return values | changes


def test_from_the_form_to_the_number(settings: Any, client: Client) -> None:
    settings.PORTAL_DEMO = True
    w = world.build(timezone.now())
    client.force_login(w.reviewer)
    wrong = client.post(BEGIN, form(w, received_as="", arrived_time="25:00", upload=""))
    assert (wrong.status_code, set(wrong.context["form"].errors)) == (
        422,
        {"received_as", "arrived_time", "upload"},
    )
    answer = client.post(BEGIN, form(w))
    application = Application.objects.get()
    page = f"{BEGIN}{application.pk}/"
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert client.get(f"/antraege/{application.uuid}/")["Location"] == page
    # Its recorder writes on the very pages applicants use.
    step = f"/antraege/{application.uuid}/konzeption/"
    assert client.get(step).status_code == 200
    for place, data in world.content(w.town).items():
        world.save(application, place, data, w.reviewer, timezone.now())
    assert client.post(page, {"aktion": "vorlegen"}).status_code == 302
    assert client.get(step).status_code == 404
    assert client.post(page, {"aktion": "bestaetigen", "fassung": "8"}).status_code == 422
    application.refresh_from_db()
    client.force_login(w.other_reviewer)
    task = client.get("/admin/").context["to_do"][0]
    assert (task["label"], task["word"], task["first"]) == (
        "Erfasste Anträge zu bestätigen",
        "vorgelegt am",
        timezone.localdate(),
    )
    shown = client.get(page)
    assert "Vielfalt in Musterstadt" in shown.content.decode()
    document = application.documents.get()
    scanned = client.get(f"{page}anlagen/{document.pk}/")
    assert (b"".join(scanned)[:5], scanned["Content-Disposition"]) == (
        b"%PDF-",
        'attachment; filename="Antrag.pdf"',
    )
    old = client.post(page, {"aktion": "bestaetigen", "fassung": "1"})
    assert "hat sich geändert" in old.content.decode()
    done = client.post(page, {"aktion": "bestaetigen", "fassung": application.revision})
    assert done["Location"] == f"/admin/applications/application/{application.pk}/change/"
    case = client.get(done["Location"]).content.decode()
    assert f"erfasst von {w.reviewer}, bestätigt von {w.other_reviewer}" in case
    assert client.get(page).status_code == 404
    assert client.get(f"{page}anlagen/{document.pk}/").status_code == 404


def test_the_pages_are_for_reviewers_and_ask_as_much_for_one_as_for_three(
    settings: Any, client: Client, django_assert_num_queries: Any
) -> None:
    settings.PORTAL_DEMO = True
    w = world.build()
    first = typed(w)
    for role in (READ, SIGN, ADMINISTER, AUDIT):
        client.force_login(world.staff(role))
        assert client.get(BEGIN).status_code == 403
        assert client.get(f"{BEGIN}{first.pk}/").status_code == 403
        assert client.post(f"{BEGIN}{first.pk}/", {"aktion": "bestaetigen"}).status_code == 403
    client.force_login(UserFactory())
    assert client.get(BEGIN).status_code == 302
    client.force_login(world.staff(REVIEW))
    client.get(BEGIN)
    with django_assert_num_queries(9):
        client.get(BEGIN)
    started(w, lead=w.other_town)
    started(w, lead=w.small)
    with django_assert_num_queries(9):
        client.get(BEGIN)


def test_a_file_that_is_not_handed_out_is_no_link_and_says_why(w, client):
    application = started(w)
    document = application.documents.get()
    page = f"{BEGIN}{application.pk}/"
    client.force_login(w.reviewer)
    for scan_state, linked in ((ScanState.CLEAN, True), (ScanState.FOUND, False)):
        application.documents.update(scan=scan_state)
        text = client.get(page).content.decode()
        assert (f"{page}anlagen/{document.pk}/" in text) is linked
        assert (f"Virenprüfung: {ScanState.FOUND.label}" in text) is not linked
