"""Applications received otherwise: recorded by one person, confirmed by a second (PROGRAMME §6).

Until it is confirmed the recording is a draft that only staff see; confirmed, it is a case like
any other. The day it came counts as stamped, so also whether it came in time (§ 4).
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from applications import mails, permissions
from applications.models import (
    Application,
    ApplicationMember,
    CaseLogEntry,
    FundingCall,
    Recording,
    RecordingHand,
    RecordingRole,
)
from applications.models.application import ReceivedAs
from applications.models.letters import LetterKind
from applications.models.members import MemberRole
from applications.rules import DocumentKind, Finding, Step, blocking
from applications.services import (
    checks,
    content,
    drafts,
    erasure,
    issuing,
    letters,
    log,
    moves,
    snapshots,
    submission,
    uploads,
    worklist,
)
from applications.services.drafts import CallNotOpen, NotAllowed
from applications.services.submission import NotSubmittable
from municipalities.permissions import may_review

if TYPE_CHECKING:
    from datetime import date

    from django.core.files.uploadedfile import UploadedFile

    from municipalities.models import Municipality, User

DECLARATION: Final = (
    "Eingegangen {how} am {day} und durch die Bewilligungsbehörde erfasst. Die Erklärungen stehen "
    "im eingegangenen Antrag, der beiliegt."
)


SHOWN_DISCARDED: Final = 50

AT_WORK: Final = timedelta(hours=1)
"""Whoever wrote in a recording so lately may well be writing still."""


class ArrivedAhead(Exception):
    """What is recorded has come already."""


class TimeNeeded(Exception):
    """On the day the call opens or closes, a stamp without a time does not say which side of it."""


class SamePerson(Exception):
    """Whoever recorded does not confirm."""


class LeadIsPartner(Exception):
    """The municipality stands among the partners already."""


class HasApplied(Exception):
    """The municipality stands in another live application of the call; `references` name it."""

    def __init__(self, references: list[str]) -> None:
        super().__init__(", ".join(references))
        self.references = references


class StillAtWork(Exception):
    """Its recorder did something to the recording within the last hour."""


class RecordingChanged(Exception):
    """The recording is not, or no longer, the one the person read."""


def arrival(call: FundingCall, on: date, at_time: time | None) -> datetime:
    """The instant as stamped. Raises TimeNeeded where the day alone does not tell."""
    for edge in (call.opens_at, call.closes_at) if at_time is None else ():
        local = timezone.localtime(edge) if edge is not None else None
        if local is not None and local.date() == on and local.time() != time():
            raise TimeNeeded
    return timezone.make_aware(datetime.combine(on, at_time or time()))


def start_recording(
    *,
    call: FundingCall,
    lead: Municipality,
    received_as: str,
    arrived_at: datetime,
    reason: str,
    upload: UploadedFile,
    although_applied: bool = True,
    by: User,
    at: datetime,
) -> Application:
    """Begin to record what came; `upload` is the application as it came, kept as a document.

    `although_applied` False asks first where the municipality has applied in this call already.
    Raises HasApplied, ArrivedAhead, CallNotOpen (it came before the call's start),
    documents.UploadRefused, NotAllowed.
    """
    if not may_review(by):
        raise NotAllowed
    with transaction.atomic():
        call = _call_on(call, arrived_at, at)
        if not although_applied and (there := applied_in(call, lead)):
            raise HasApplied(there)
        application = Application.objects.create(
            call=call,
            created_by=by,
            created_at=at,
            changed_at=at,
            received_as=ReceivedAs(received_as),
        )
        ApplicationMember.objects.create(
            application=application, municipality=lead, role=MemberRole.LEAD, call=call
        )
        row = Recording.objects.create(
            application=application,
            arrived_at=arrived_at,
            reason=reason.strip(),
            recorded_by=by,
            recorded_at=at,
        )
        _hand(row, by, RecordingRole.WROTE, at)
        log.record(
            application,
            "start_recording",
            by=by,
            at=at,
            lead=lead.ags,
            call=call.pk,
            received_as=received_as,
            arrived_at=arrived_at.isoformat(),
            reason=reason.strip(),
        )
        uploads.add_document(
            application=application, upload=upload, kind=DocumentKind.OTHER, by=by, at=at
        )
    return application


def applied_in(call: FundingCall, town: Municipality) -> list[str]:
    """The numbers of live applications of the call in which the municipality stands."""
    rows = ApplicationMember.objects.filter(call=call, municipality=town, live=True)
    numbers = rows.order_by("pk").values_list("application__reference", flat=True)
    return [number for number in numbers if number]


def take_over_recording(
    *, application: Application, although_at_work: bool = True, by: User, at: datetime
) -> None:
    """Go on with what a colleague began; whoever wrote in it so far does not confirm it either.

    `although_at_work` False asks first where the colleague may be writing still. Raises
    StillAtWork, NotAllowed.
    """
    with transaction.atomic():
        row = _locked(application)
        if not permissions.may_take_recording_over(by, row):
            raise NotAllowed
        if not although_at_work and at - row.recording.last_at_work() < AT_WORK:
            raise StillAtWork
        before = row.recording.recorded_by_id
        Recording.objects.filter(application=row).update(recorded_by=by)
        Application.objects.filter(pk=row.pk).update(created_by=by)
        _hand(row.recording, by, RecordingRole.WROTE, at)
        log.record(row, "take_over_recording", by=by, at=at, before=before)


def correct_recording(
    *,
    application: Application,
    call: FundingCall,
    lead: Municipality,
    received_as: str,
    arrived_at: datetime,
    reason: str,
    by: User,
    at: datetime,
) -> None:
    """Set right what was said of the arrival: whose it is, for which call, how and when it came.

    What was transcribed stays; what belonged to the lead municipality belongs to the new one.
    Raises LeadIsPartner, ArrivedAhead, CallNotOpen, NotAllowed.
    """
    with transaction.atomic():
        row = _locked(application)
        if not permissions.may_record(by, row):
            raise NotAllowed
        call = _call_on(call, arrived_at, at)
        member = row.members.select_related("municipality").get(role=MemberRole.LEAD)
        before = member.municipality
        if row.members.filter(municipality=lead).exclude(pk=member.pk).exists():
            raise LeadIsPartner
        row.call, row.received_as = call, ReceivedAs(received_as)
        row.save(update_fields=["call", "received_as"])
        row.members.update(call=call)
        if lead != before:
            row.members.filter(pk=member.pk).update(municipality=lead)
            for rows in (row.cover, row.adoptions, row.documents):
                rows.filter(municipality=before).update(municipality=lead)
        Recording.objects.filter(application=row).update(
            arrived_at=arrived_at, reason=reason.strip()
        )
        drafts.touch(row, Step.KOMMUNE, by=by, at=at)  # what was read before is not this
        log.record(
            row,
            "correct_recording",
            by=by,
            at=at,
            lead=lead.ags,
            lead_before=before.ags,
            call=call.pk,
            received_as=received_as,
            arrived_at=arrived_at.isoformat(),
            reason=reason.strip(),
        )


def findings_of_recording(application: Application) -> list[Finding]:
    """What the rules say of what is recorded so far, as of the day it came.

    Also who has applied already: staff may know, from the first day on.
    """
    return [*told_elsewhere(application), *_ruled(application)]


def _ruled(application: Application) -> list[Finding]:
    row = content.with_parts(application)
    return checks.rules.check(checks.filing_of(row, row.recording.arrived_at), row.call.terms())


def told_elsewhere(application: Application) -> list[Finding]:
    """Members that stand in other live applications of the call: it cannot be confirmed beside."""
    taken = submission.taken_elsewhere(application)
    return submission.told_applied([row.municipality for row in taken], application)


def present_recording(*, application: Application, by: User, at: datetime) -> None:
    """Lay the finished recording before a second person; nobody writes in it meanwhile.

    Raises NotSubmittable (what is missing makes it no application at all), NotAllowed.
    """
    with transaction.atomic():
        row = _locked(application)
        if not permissions.may_record(by, row):
            raise NotAllowed
        if stopping := blocking(_ruled(row)):
            raise NotSubmittable(stopping)
        Recording.objects.filter(application=row).update(ready_at=at, return_reason="")
        log.record(row, "present_recording", by=by, at=at)


def return_recording(*, application: Application, reason: str, by: User, at: datetime) -> None:
    """Give it back to whoever recorded it, or take it back oneself. Raises NotAllowed,
    ReasonMissing, RecordingChanged."""
    if not reason.strip():
        raise moves.ReasonMissing
    with transaction.atomic():
        row = _locked(application)
        if not may_review(by):
            raise NotAllowed
        if not row.is_draft or row.recording.ready_at is None:
            raise RecordingChanged
        Recording.objects.filter(application=row).update(
            ready_at=None, return_reason=reason.strip()
        )
        log.record(row, "return_recording", by=by, at=at, reason=reason.strip())


def confirm_recording(
    *, application: Application, seen: int | None = None, by: User, at: datetime
) -> Application:
    """The second person confirms: number, frozen copy, log, receipt; a case from now on.

    `seen` is the revision the person compared with what came. Filed is it on the day it came.
    The receipt goes to the address given; without one a letter is made, where its texts are
    there. Raises SamePerson, RecordingChanged, NotSubmittable, NotAllowed, WrongState.
    """
    try:
        return _confirm(application, seen, by, at)
    except IntegrityError as error:
        towns = [row.municipality for row in submission.taken_elsewhere(application)]
        if not towns:
            raise
        # Staff may know who has applied.
        raise NotSubmittable(submission.told_applied(towns, application)) from error


def _confirm(application: Application, seen: int | None, by: User, at: datetime) -> Application:
    with transaction.atomic():
        wrote = RecordingHand.objects.filter(role=RecordingRole.WROTE, user=by)
        if wrote.filter(recording__application=application).exists():
            raise SamePerson
        row = moves.locked(application, "confirm_recording", by=by)
        recording = Recording.objects.get(application=row)
        if recording.ready_at is None or seen not in (None, row.revision):
            raise RecordingChanged
        members = list(content.with_parts(row, lock=True).members.all())
        arrived = recording.arrived_at
        filing = checks.filing_of(row, arrived)
        findings = checks.rules.check(filing, row.call.terms())
        if stopping := blocking(findings):
            raise NotSubmittable(stopping)
        recording.confirmed_by, recording.confirmed_at = by, at
        recording.save(update_fields=["confirmed_by", "confirmed_at"])
        _hand(recording, by, RecordingRole.CONFIRMED, at)
        reference = submission.next_reference(at)
        submission.freeze(members, filing.members)
        late = row.call.is_over(arrived)
        how = ReceivedAs(row.received_as).label
        day = f"{timezone.localdate(arrived):%d.%m.%Y}"
        frozen = snapshots.build(
            row,
            reference=reference,
            filed_at=arrived,
            late=late,
            findings=findings,
            reason="",
            declaration=DECLARATION.format(how=how, day=day),
        )
        snapshot = snapshots.take(row, frozen, number=1, by=by, at=at)
        moves.make(
            row,
            "confirm_recording",
            by=by,
            at=at,
            fields={
                "submitted_at": arrived,
                "reference": reference,
                "first_snapshot": snapshot,
                "received_late": late,
                "search_key": submission.search_key_of(row, reference),
                "matters_on": timezone.localdate(arrived),
                **worklist.of_version(row, frozen),
            },
            reference=reference,
            late=late,
            recorded_by=recording.recorded_by_id,
            received_as=row.received_as,
            arrived=day,
            how=how,
            snapshot=snapshot.sha256,
        )
        submission.render_later(snapshot, at)
        if not mails.recipients(row) and not letters.missing_for(row, LetterKind.RECEIPT, at):
            issuing.issue(row, LetterKind.RECEIPT, paragraphs=[], by=by, at=at)
    return row


def discard_recording(*, application: Application, reason: str, by: User, at: datetime) -> None:
    """Erase a recording that should not have been begun; its log stays without content.

    Kept is why, with what came and whose it was said to be: a municipality is no person.
    Raises NotAllowed, ReasonMissing.
    """
    if not reason.strip():
        raise moves.ReasonMissing
    with transaction.atomic():
        row = _locked(application)
        if not permissions.may_record(by, row):
            raise NotAllowed
        lead, told = row.lead, row.recording
        kept = {
            "lead": lead.municipality.short_name if lead else "",
            "call": str(row.call),
            "received_as": row.received_as,
            "arrived_at": told.arrived_at.isoformat(),
            "reason": reason.strip(),
        }
        files = erasure.erase_application(application=row, rule="recording_discarded", at=at).files
        log.record(row, "discard_recording", by=by, at=at, **kept)
        transaction.on_commit(lambda: _delete(files))


def _delete(names: list[str]) -> None:
    for name in names:
        default_storage.delete(name)


def discarded_recordings() -> list[CaseLogEntry]:
    """What was thrown away, the last first: when, by whom and why stands in its log."""
    rows = CaseLogEntry.objects.filter(action="discard_recording")
    return list(rows.select_related("content").order_by("-at", "-pk")[:SHOWN_DISCARDED])


def open_recordings() -> list[Recording]:
    """What is being recorded or waits for the second person, the oldest first."""
    return list(
        permissions.recordings()
        .select_related("application__call", "recorded_by")
        .prefetch_related("application__members__municipality")
    )


def _locked(application: Application) -> Application:
    row = Application.objects.select_for_update().get(pk=application.pk)
    if not row.received_as or not Recording.objects.filter(application=row).exists():
        raise NotAllowed
    return row


def _hand(recording: Recording, by: User, role: RecordingRole, at: datetime) -> None:
    """Note that this person had a hand in it; who wrote in it before stays who wrote in it."""
    RecordingHand.objects.get_or_create(
        recording=recording, user=by, role=role, defaults={"at": at}
    )


def _call_on(call: FundingCall, arrived_at: datetime, at: datetime) -> FundingCall:
    """The call, read anew. Raises ArrivedAhead, CallNotOpen (it came before the call's start)."""
    if arrived_at > at:
        raise ArrivedAhead
    call = FundingCall.objects.get(pk=call.pk)
    if not call.is_open(arrived_at) and not call.is_over(arrived_at):
        raise CallNotOpen
    return call
