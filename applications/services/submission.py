"""Filing an application, answering a request, withdrawing: the applicant's moves."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from applications.models import Application, ApplicationMember, InformationRequest, Snapshot
from applications.rules import (
    Finding,
    Step,
    authority_sentence,
    blocking,
    own_authority_declared,
)
from applications.services import checks, content, drafts, moves, snapshots, worklist
from applications.services.drafts import CallNotOpen
from applications.workflow import Status
from kiv_portal.folding import search_key
from kiv_portal.outbox import enqueue_job
from municipalities.eligibility import Member, application_exists
from municipalities.models import REGISTER_SOURCE, Membership

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from municipalities.models import Municipality, User


NEXT_NUMBER: Final = (
    "INSERT INTO applications_numberrange (year, last) VALUES (%s, 1) ON CONFLICT (year) "
    "DO UPDATE SET last = applications_numberrange.last + 1 RETURNING last"
)
"""One statement instead of four, which the ORM has no words for; both databases know it."""
UNNAMED: Final = "Eine der beteiligten Kommunen"
"""Who has applied before, where the reader may not know it and several may be meant."""
ASK_PARTNER: Final = (
    "Bitte sprechen Sie mit der Partnerkommune, oder wählen Sie eine andere. Lässt sich das so "
    "nicht klären, schreiben Sie bitte dem Regierungspräsidium. Ihr Entwurf bleibt gespeichert."
)
ASK_PARTNERS: Final = (
    "Welche es ist, darf das Portal Ihnen nicht sagen. Bitte sprechen Sie mit Ihren "
    "Partnerkommunen, oder wählen Sie andere. Lässt sich das so nicht klären, schreiben Sie "
    "bitte dem Regierungspräsidium. Ihr Entwurf bleibt gespeichert."
)


class AlreadySubmitted(Exception):
    """The application was filed before; `application` carries its number."""

    def __init__(self, application: Application) -> None:
        super().__init__(f"Schon eingereicht: {application.reference}")
        self.application = application


class NotSubmittable(Exception):
    """What is missing makes it no application at all; `findings` says what."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(" ".join(finding.message for finding in findings))
        self.findings = findings


class NotConfirmed(Exception):
    """There are findings the applicant has not seen and confirmed; `findings` are all."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("Es gibt Hinweise, die noch nicht bestätigt sind.")
        self.findings = findings


class PageUsed(Exception):
    """The check page's token filed another application: a page files one, once."""


def applied_before(
    application: Application, *, by: User, members: Iterable[Any] | None = None
) -> list[Finding]:
    """What filing this draft would be refused for, as far as this person may know it.

    Its members that stand in another live application of the call, told to the confirmed people
    of these members alone (PROGRAMME §3): a draft is free to make, so whoever named a partner in
    one would else learn at once whether it has applied. What the applicant's people may not know
    is told once filing was refused, for then the database has refused it, and as long as it
    would be refused again for the same members: see `_told`. `members` are the application's as
    `members_seen_by` reads them, where the caller has them already.
    """
    if not application.is_draft:
        return []
    if members is None:
        members = members_seen_by(by).filter(application=application)
    seen = list(members)
    refused = application.refused_members
    refused_so = bool(refused) and refused == _keys(seen) and seen[0].is_known
    return _told(application, seen, refused=refused_so)


def members_seen_by(by: User) -> QuerySet[ApplicationMember]:
    """Members of applications; of each whether it `is_taken` by another and `is_known`.

    Taken: it stands in another live application of the call. Known: this person may know.
    """
    known = Membership.objects.filter(
        user=by,
        user__is_active=True,
        municipality=OuterRef("municipality"),
        confirmed_at__isnull=False,
        may_read=True,
    )
    return _members().annotate(is_known=Exists(known))


def _members() -> QuerySet[ApplicationMember]:
    """Members of applications; of each whether it `is_taken`, see `members_seen_by`."""
    elsewhere = ApplicationMember.objects.filter(
        call=OuterRef("call"), live=True, municipality=OuterRef("municipality")
    ).exclude(application=OuterRef("application"))
    rows = ApplicationMember.objects.select_related("municipality__district")
    return rows.annotate(is_taken=Exists(elsewhere))


def _keys(members: Iterable[ApplicationMember]) -> list[str]:
    return sorted(member.municipality.ags for member in members)


def told_applied(towns: Iterable[Municipality], application: Application) -> list[Finding]:
    """A finding for each of these members, which stand in another live application, beside it."""
    lead, limits = application.lead, application.call.limits()
    return [
        replace(
            application_exists(town.short_name, limits)
            if lead and lead.municipality_id == town.pk
            else application_exists(town.short_name, limits, ASK_PARTNER),
            step=Step.KOMMUNE,
            field=f"members-{town.ags}",
        )
        for town in towns
    ]


def _told(application: Application, members: list[Any], *, refused: bool) -> list[Finding]:
    """What a person is told of its members' other live applications.

    By name those of which the person may know. If there are none and filing was refused, the
    one member left that it can be: the refusal says as much, and without the name nobody could
    act on it. Where it may be this or that member, none is named: which of them has applied is
    the partners' own to tell.
    """
    taken = [row for row in members if row.is_taken]
    if (known := [row.municipality for row in taken if row.is_known]) or not (refused and taken):
        return told_applied(known, application)
    possible = [row.municipality for row in members if not row.is_known]
    if len(possible) == 1:
        return told_applied(possible, application)
    unnamed = application_exists(UNNAMED, application.call.limits(), ASK_PARTNERS)
    return [replace(unnamed, step=Step.KOMMUNE, field="members")]


def submit(
    *,
    application: Application,
    confirmed: str,
    declares_authority: bool,
    reason: str = "",
    token: uuid.UUID | None = None,
    by: User,
    at: datetime,
) -> Application:
    """File the application: number, frozen copy, log entry, receipt mail, all or nothing.

    `confirmed` is `checks.confirmation_key` of the findings the person saw; findings on
    substance never stand in the way (§ 24 Abs. 3 VwVfG), they only have to be confirmed.
    `declares_authority`: the person declared to be entitled to file for the applicant; the
    words go into the frozen copy, the fact into the case log.
    `token` names the check page it comes from: a page files one application, once.
    `at` is the instant the request arrived: later than the call's end means „nach Fristende
    eingegangen", kept whole all the same. Raises AlreadySubmitted, NotSubmittable,
    NotConfirmed, CallNotOpen (before the call's start), NotAllowed, PageUsed.
    """
    token = token or uuid.uuid4()
    try:
        return _submit(application, confirmed, declares_authority, reason, token, by, at)
    except IntegrityError as error:
        if Application.objects.filter(submission_token=token).exists():
            raise PageUsed from error
        members = list(members_seen_by(by).filter(application=application))
        found = _told(application, members, refused=True)
        if not found:
            raise
        # From now on the step and the check page say the same to the applicant's people.
        draft = Application.objects.filter(pk=application.pk, status=Status.DRAFT)
        draft.update(refused_members=_keys(members))
        raise NotSubmittable(found) from error


def _submit(
    application: Application,
    confirmed: str,
    declares_authority: bool,
    reason: str,
    token: uuid.UUID,
    by: User,
    at: datetime,
) -> Application:
    """The transaction of `submit`: every part is read once, whatever its size."""
    with transaction.atomic():
        try:
            row = moves.locked(application, "submit", by=by)
        except moves.WrongState as error:
            raise AlreadySubmitted(error.application) from error
        call = row.call
        if not call.is_open(at) and not call.is_over(at):
            raise CallNotOpen
        members = list(content.with_parts(row, lock=True).members.all())
        filing = checks.filing_of(row, at)
        findings = checks.rules.check(filing, call.terms())
        if stopping := blocking([*findings, *own_authority_declared(declares_authority)]):
            raise NotSubmittable(stopping)
        if checks.to_confirm(findings) and confirmed != checks.confirmation_key(findings):
            raise NotConfirmed(findings)

        # All that can be done before is done before the number's row is locked: everybody who
        # files waits for it.
        late = call.is_over(at)
        _hold(members, filing.members)
        frozen = snapshots.build(
            row,
            reference="",
            filed_at=at,
            late=late,
            findings=findings,
            reason=reason,
            declaration=authority_sentence(str(row.lead)),
        )
        # The number's row, the last lock, comes before the figures are frozen: two applications
        # that share municipalities then cannot wait for each other.
        frozen["reference"] = reference = next_reference(at)
        ApplicationMember.objects.bulk_update(members, ["live", *drafts.FROZEN])
        snapshot = snapshots.take(row, frozen, number=1, by=by, at=at)
        moves.make(
            row,
            "submit",
            by=by,
            at=at,
            fields={
                "submitted_at": at,
                "reference": reference,
                "first_snapshot": snapshot,
                "submission_token": token,
                "received_late": late,
                "search_key": search_key_of(row, reference),
                "matters_on": timezone.localdate(at),
                "refused_members": [],
                **worklist.of_version(row, frozen),
            },
            reference=reference,
            late=late,
            declares_authority=declares_authority,
            snapshot=snapshot.sha256,
        )
        render_later(snapshot, at)
    return row


def freeze(rows: Iterable[ApplicationMember], members: Iterable[Member]) -> None:
    """Keep the figures that counted, and let the rows stand for a live application."""
    held = _hold(rows, members)
    ApplicationMember.objects.bulk_update(held, ["live", *drafts.FROZEN])


def _hold(rows: Iterable[ApplicationMember], members: Iterable[Member]) -> list[ApplicationMember]:
    """The rows with the figures that counted, not written yet."""
    figures = {member.ags: member for member in members}
    changed = []
    for row in rows:
        member = figures[row.municipality.ags]
        row.live = True
        row.population = member.population
        row.population_as_of = member.population_as_of
        row.population_basis = member.population_basis
        row.population_source = REGISTER_SOURCE if member.population is not None else ""
        changed.append(row)
    return changed


def taken_elsewhere(application: Application) -> QuerySet[ApplicationMember]:
    """Its members that stand in another live application of the call; for staff, who may know."""
    return _members().filter(application=application, is_taken=True)


def next_reference(at: datetime) -> str:
    """The next Antragsnummer of the year, e.g. „KIV-2026-0001"; holds the number row's lock."""
    year = timezone.localdate(at).year
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER, [year])
        (last,) = cursor.fetchone()
    return f"KIV-{year}-{last:04d}"


def search_key_of(application: Application, reference: str) -> str:
    """The stored key by which the desk finds the case: numbers, municipalities, title."""
    names: list[str] = []
    for member in content.rows_of(application, "members"):
        municipality = member.municipality
        names += [municipality.official_name, municipality.ags, municipality.district.name]
    return search_key(reference, application.file_number, application.title, *names)


def render_later(snapshot: Snapshot, at: datetime) -> None:
    """Ask the worker for the PDF of a snapshot."""
    enqueue_job(
        kind="application_pdf",
        argument=str(snapshot.pk),
        key=f"application_pdf:{snapshot.pk}",
        at=at,
    )


def withdraw(*, application: Application, reason: str, by: User, at: datetime) -> Application:
    """Take a filed application back; an open request or proposal ends with it.

    Raises NotAllowed, WrongState, ReasonMissing.
    """
    with transaction.atomic():
        row = moves.locked(application, "withdraw", by=by, reason=reason)
        row.members.update(live=False)  # a partner put back may stand in another application now
        close_open_matters(row, by=by, at=at)
        moves.make(row, "withdraw", by=by, at=at, reason=reason.strip())
    return row


def close_open_matters(application: Application, *, by: User, at: datetime) -> None:
    """End what is still open when a case ends: a request, a proposal, a hearing.

    What was typed for an open request and never handed in is put back to the filed version.
    """
    request = application.information_requests.filter(closed_at__isnull=True).first()
    if request is not None:
        _close(request, at, answered=False)
        last = application.snapshots.order_by("number").last()
        assert last is not None
        drafts.restore(application, snapshots.read(last), by=by, at=at)
    application.decisions.filter(state="proposed").update(state="dropped", settled_at=at)
    application.hearings.filter(closed_at__isnull=True).update(closed_at=at, closed_by=by)


def _close(request: InformationRequest, at: datetime, *, answered: bool) -> None:
    """End a request; one that a faster clock sent ends when it was sent, as the database wants."""
    request.closed_at, request.answered = max(at, request.sent_at), answered
    request.save(update_fields=["closed_at", "answered"])


class RequestChanged(Exception):
    """The open request is not the one the person had before their eyes."""


def open_request(row: Application, seen: int | None = None) -> InformationRequest:
    """What is asked of the applicant now. `seen` is the number of the request on the page.

    The caller holds the lock, and the case is in that state. Raises RequestChanged.
    """
    request: InformationRequest = row.information_requests.get(closed_at__isnull=True)
    if seen not in (None, request.number):
        raise RequestChanged
    return request


def answer(
    *, application: Application, by: User, at: datetime, seen: int | None = None
) -> Application:
    """Hand in what was asked for: a new frozen copy, the case is closed again.

    `seen` as in `open_request`. Raises NotSubmittable where the changes left no application at
    all, RequestChanged, NotAllowed, WrongState.
    """
    with transaction.atomic():
        row = moves.locked(application, "answer", by=by)
        open_request(row, seen)
        hand_in(row, "answer", by=by, at=at, on=timezone.localdate(at))
    return row


def hand_in(
    row: Application, action: str, *, by: User, at: datetime, on: date, **told: Any
) -> None:
    """Freeze what stands there now as the answer to the open request; it came on that day.

    The caller holds the lock. Raises NotSubmittable.
    """
    members = list(content.with_parts(row, lock=True).members.all())
    filing = checks.filing_of(row, at)
    findings = checks.rules.check(filing, row.call.terms())
    if stopping := blocking(findings):
        raise NotSubmittable(stopping)
    # What was frozen at the submission stays; only a partner that came since is new.
    freeze([member for member in members if not member.population_source], filing.members)
    first = row.first_snapshot
    assert first is not None
    assert row.submitted_at is not None
    filed = snapshots.read(first)
    frozen = snapshots.build(
        row,
        reference=row.reference or "",
        filed_at=row.submitted_at,
        late=row.received_late,
        findings=findings,
        reason=filed["confirmation_reason"],
        declaration=filed["declaration"],
    )
    snapshot = snapshots.take(row, frozen, by=by, at=at)
    request = open_request(row)
    _close(request, at, answered=True)
    moves.make(
        row,
        action,
        by=by,
        at=at,
        fields={
            "search_key": search_key_of(row, row.reference or ""),
            **worklist.of_version(row, frozen),
        },
        request=request.number,
        late=on > request.due_on,
        snapshot=snapshot.sha256,
        **told,
    )
    render_later(snapshot, at)
