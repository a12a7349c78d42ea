"""How a letter reaches the applicant, and when it counts as notified (PROGRAMME §4).

Every day here is an expectation („voraussichtlich"): the portal computes, a court decides.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from applications import mails, permissions
from applications.models import Application, Delivery, Letter, RetrievalConsent
from applications.models.delivery import NOTICE
from applications.models.letters import LetterKind
from applications.models.members import MemberRole
from applications.services import following, log
from applications.services.drafts import NotAllowed
from applications.services.issuing import LetterDiscarded, LetterNotReady
from applications.workflow import Status
from kiv_portal.calendar import add_working_days, deadline, is_working_day
from kiv_portal.models import Authority, DeliveryWay
from kiv_portal.outbox import enqueue_job

if TYPE_CHECKING:
    from municipalities.models import Municipality, User

TOLD_BY_LETTER: Final = (Status.GRANTED, Status.REJECTED, Status.REVOKED)
"""States of which the applicant learns by a letter and not by the portal."""

RETRIEVAL_DAYS: Final = 10
"""Calendar days after the notice within which a letter must be retrieved (§ 41 Abs. 2a VwVfG)."""


class LetterNotSigned(Exception):
    """A second person has still to sign the letter."""


class AlreadyDelivered(Exception):
    """The letter is on its way, or has been notified."""


class ConsentNotOnFile(Exception):
    """Notifying by retrieval needs the municipality's consent on file."""


class PostDaysUnknown(Exception):
    """The authority's record does not say on which day after posting a letter is notified."""


class NotRetrievable(Exception):
    """The letter is not offered for retrieval, or no longer: it comes another way."""


class NoSuchDelivery(Exception):
    """There is no delivery of that kind under way."""


class DayOutOfPlace(Exception):
    """The day lies ahead, or before what it follows."""


class AlreadyOnFile(Exception):
    """The municipality's consent is on file already."""


# --- Consent --------------------------------------------------------------------------------------


def consent_of(municipality: Municipality) -> RetrievalConsent | None:
    """The municipality's consent to be notified by retrieval, as far as it is on file."""
    return RetrievalConsent.objects.filter(municipality=municipality, ended_on__isnull=True).first()


def record_consent(
    *, application: Application, given_on: date, note: str, by: User, at: datetime
) -> RetrievalConsent:
    """Put on record that the applicant consented to retrieval; `note` says where it is filed.

    Raises DayOutOfPlace, AlreadyOnFile, NotAllowed.
    """
    if given_on > timezone.localdate(at) or not note.strip():
        raise DayOutOfPlace
    with transaction.atomic():
        row = _locked(application, by)
        lead = _lead(row)
        if consent_of(lead) is not None:
            raise AlreadyOnFile
        consent = RetrievalConsent.objects.create(
            municipality=lead, given_on=given_on, note=note.strip(), recorded_at=at, recorded_by=by
        )
        log.record(
            row, "record_consent", by=by, at=at, given_on=given_on.isoformat(), note=note.strip()
        )
    return consent


def end_consent(*, application: Application, ended_on: date, by: User, at: datetime) -> None:
    """Put on record that the consent was withdrawn; letters on their way stay as they are.

    Raises DayOutOfPlace, ConsentNotOnFile, NotAllowed.
    """
    with transaction.atomic():
        row = _locked(application, by)
        consent = consent_of(_lead(row))
        if consent is None:
            raise ConsentNotOnFile
        if not consent.given_on <= ended_on <= timezone.localdate(at):
            raise DayOutOfPlace
        consent.ended_on = ended_on
        consent.save(update_fields=["ended_on"])
        log.record(row, "end_consent", by=by, at=at, ended_on=ended_on.isoformat())


# --- Sending --------------------------------------------------------------------------------------


def deliver(
    *, letter: Letter, way: str, sent_on: date | None = None, by: User, at: datetime
) -> Delivery:
    """Send a letter by the chosen way; without a default, and never twice at a time.

    By retrieval the applicant is told that there is a letter, never what it says, and the
    portal looks after ten days whether it was retrieved. `sent_on` is the day of posting,
    today where nothing is said. Raises LetterNotReady, LetterDiscarded, LetterNotSigned,
    AlreadyDelivered, ConsentNotOnFile, PostDaysUnknown, DayOutOfPlace, NotAllowed.
    """
    today = timezone.localdate(at)
    day = today if way == DeliveryWay.RETRIEVAL else sent_on or today
    with transaction.atomic():
        row = _locked(letter.application, by)
        letter = Letter.objects.select_for_update().get(pk=letter.pk)
        if letter.discarded_at is not None:
            raise LetterDiscarded
        if not letter.file:
            raise LetterNotReady
        if letter.waits_for_signature:
            raise LetterNotSigned
        if letter.deliveries.filter(failed_at__isnull=True).exists():
            raise AlreadyDelivered
        if not timezone.localdate(letter.created_at) <= day <= today:
            raise DayOutOfPlace
        delivery = Delivery(
            letter=letter,
            number=letter.deliveries.count() + 1,
            way=DeliveryWay(way),
            sent_on=day,
            sent_at=at,
            sent_by=by,
        )
        if way == DeliveryWay.RETRIEVAL:
            delivery.consent = consent_of(_lead(row))
            if delivery.consent is None:
                raise ConsentNotOnFile
        if way == DeliveryWay.POST:
            _post(delivery)
        delivery.save()
        log.record(
            row,
            "deliver",
            by=by,
            at=at,
            letter=str(letter.pk),
            kind=letter.kind,
            way=way,
            sent_on=day.isoformat(),
            notified_on=_iso(delivery.notified_on),
            sue_until=_iso(delivery.sue_until),
            sha256=letter.sha256,
        )
        if way == DeliveryWay.RETRIEVAL:
            mails.tell_applicant(
                row,
                NOTICE,
                at=at,
                event=str(delivery.pk),
                letter_address=f"schreiben/{letter.pk}/",
            )
            _look_again(delivery)
    return delivery


def _post(delivery: Delivery) -> None:
    authority = Authority.load()
    if authority is None or authority.post_days is None:
        raise PostDaysUnknown
    delivery.post_days = authority.post_days
    day = delivery.sent_on + timedelta(days=authority.post_days)
    if authority.post_moves_off_weekends and not is_working_day(day):
        day = add_working_days(day, 1)
    _notified(delivery, day)


def _notified(delivery: Delivery, day: date) -> None:
    """Expect the notification on that day; for a Bescheid the period to sue runs from it.

    One month (§ 74 VwGO), counted by §§ 187 Abs. 1, 188, 193 BGB.
    """
    delivery.notified_on = day
    delivery.sue_until = deadline(day, months=1) if delivery.letter.is_notice else None


def _look_again(delivery: Delivery) -> None:
    """Ask the worker to look when the days for retrieval are over."""
    first_day_after = last_day(delivery) + timedelta(days=1)
    enqueue_job(
        kind="retrieval_over",
        argument=str(delivery.pk),
        key=f"retrieval_over:{delivery.pk}:{first_day_after}",
        at=timezone.make_aware(datetime.combine(first_day_after, time())),
    )


# --- Retrieval ------------------------------------------------------------------------------------


def open_letter(*, letter: Letter, by: User, at: datetime) -> Letter:
    """Hand out a letter to the applicant; the first time is the retrieval (PROGRAMME §4).

    Only the municipality's confirmed people come this way, never staff or guests. A letter
    that goes by post is here to be read again: opening it notifies nothing. Raises NotAllowed,
    LetterNotReady while there is no PDF, NotRetrievable before it is sent and after the days
    are over.
    """
    with transaction.atomic():
        application = Application.objects.select_for_update().get(pk=letter.application_id)
        if not permissions.may_retrieve(by, application):
            raise NotAllowed
        row = Letter.objects.get(pk=letter.pk)
        delivery = row.deliveries.filter(failed_at__isnull=True).last()
        if delivery is None or is_over(delivery, at):
            raise NotRetrievable
        if not row.file:
            raise LetterNotReady
        if row.first_opened_at is None:
            row.first_opened_at = at
            row.save(update_fields=["first_opened_at"])
            log.record(application, "letter_opened", by=by, at=at, letter=str(row.pk))
        if delivery.way == DeliveryWay.RETRIEVAL and delivery.opened_at is None:
            delivery.opened_at, delivery.opened_by = at, by
            _notified(delivery, timezone.localdate(at) + timedelta(days=1))
            delivery.save(update_fields=["opened_at", "opened_by", "notified_on", "sue_until"])
            log.record(
                application,
                "retrieved",
                by=by,
                at=at,
                letter=str(row.pk),
                notified_on=_iso(delivery.notified_on),
                sue_until=_iso(delivery.sue_until),
            )
            following.keep_up(application, by=None, at=at)
    return row


def offered(letter: Letter, at: datetime) -> bool:
    """Whether the applicant may open the letter now."""
    under_way = [row for row in letter.deliveries.all() if row.failed_at is None]
    return any(not is_over(delivery, at) for delivery in under_way)


def last_day(delivery: Delivery) -> date:
    """The last day on which the letter can be retrieved: the tenth after the notice went out."""
    return delivery.noticed_on + timedelta(days=RETRIEVAL_DAYS)


def is_over(delivery: Delivery, at: datetime) -> bool:
    """Whether the days for the retrieval are over without one, also before the worker looks."""
    if delivery.way != DeliveryWay.RETRIEVAL or delivery.opened_at is not None:
        return False
    return timezone.localdate(at) > last_day(delivery)


def end_retrieval(argument: str, at: datetime) -> None:
    """The worker's look after the days for retrieval; however often it comes, once is enough.

    Where the notice went out later than planned, it looks again later. Not retrieved means not
    effected: the letter is no longer offered, and staff have the task to notify otherwise.
    """
    found = Delivery.objects.select_related("letter").get(pk=int(argument))
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=found.letter.application_id)
        delivery = Delivery.objects.get(pk=found.pk)
        if delivery.opened_at is not None or delivery.failed_at is not None:
            return
        if not is_over(delivery, at):
            _look_again(delivery)
            return
        _fail(row, delivery, "nicht innerhalb von zehn Tagen abgerufen", None, at)


def _fail(row: Application, delivery: Delivery, reason: str, by: User | None, at: datetime) -> None:
    delivery.failed_at, delivery.failed_reason = at, reason
    delivery.notified_on = delivery.sue_until = None
    delivery.save(update_fields=["failed_at", "failed_reason", "notified_on", "sue_until"])
    log.record(
        row,
        "fail_delivery",
        by=by,
        at=at,
        letter=str(delivery.letter_id),
        way=delivery.way,
        reason=reason,
    )


# --- What staff learn afterwards ------------------------------------------------------------------


def acknowledge(*, letter: Letter, received_on: date, by: User, at: datetime) -> Delivery:
    """Enter the date on the Empfangsbekenntnis: on that day the letter is notified.

    Raises NoSuchDelivery, DayOutOfPlace, NotAllowed.
    """
    with transaction.atomic():
        row = _locked(letter.application, by)
        delivery = letter.deliveries.filter(
            failed_at__isnull=True, way=DeliveryWay.RECEIPT, received_on__isnull=True
        ).last()
        if delivery is None:
            raise NoSuchDelivery
        if not delivery.sent_on <= received_on <= timezone.localdate(at):
            raise DayOutOfPlace
        delivery.received_on = received_on
        _notified(delivery, received_on)
        delivery.save(update_fields=["received_on", "notified_on", "sue_until"])
        log.record(
            row,
            "acknowledge",
            by=by,
            at=at,
            letter=str(letter.pk),
            received_on=received_on.isoformat(),
            sue_until=_iso(delivery.sue_until),
        )
        following.keep_up(row, by=None, at=at)
    return delivery


def fail_delivery(*, letter: Letter, reason: str, by: User, at: datetime) -> Delivery:
    """Note that a letter by post or Empfangsbekenntnis did not arrive: it is sent another way.

    A retrieved letter has arrived. Raises NoSuchDelivery, DayOutOfPlace (no reason), NotAllowed.
    """
    if not reason.strip():
        raise DayOutOfPlace
    with transaction.atomic():
        row = _locked(letter.application, by)
        delivery = letter.deliveries.filter(
            failed_at__isnull=True, opened_at__isnull=True, received_on__isnull=True
        ).last()
        if delivery is None:
            raise NoSuchDelivery
        _fail(row, delivery, reason.strip(), by, at)
    return delivery


def told_state(application: Application, at: datetime) -> Status:
    """The state as far as the applicant may know it: a decision counts once it is notified.

    Before that the case is in check for them: nobody learns of a Bescheid from a page that
    merely mentions it. Uses prefetched `letters__deliveries`.
    """
    state = application.state
    if state not in TOLD_BY_LETTER:
        return state
    today = timezone.localdate(at)
    told = {
        letter.kind
        for letter in application.letters.all()
        for delivery in letter.deliveries.all()
        if delivery.notified_on
        and (delivery.opened_at is not None or delivery.notified_on <= today)
    }
    if state is Status.REVOKED and LetterKind.REVOCATION not in told:
        state = Status.GRANTED
    if state is Status.GRANTED and LetterKind.GRANT not in told:
        return Status.PROPOSED
    if state is Status.REJECTED and LetterKind.REJECTION not in told:
        return Status.PROPOSED
    return state


def _locked(application: Application, by: User) -> Application:
    row = Application.objects.select_for_update().get(pk=application.pk)
    if not permissions.may_review_application(by, row):
        raise NotAllowed
    return row


def _lead(application: Application) -> Municipality:
    member = application.members.select_related("municipality").get(role=MemberRole.LEAD)
    return member.municipality


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
