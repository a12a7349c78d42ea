"""What of a case waits: its rows, each as a subquery of the case (`OuterRef("pk")`)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, TruncDate

from applications.models import CaseEntry, Decision, Delivery, Letter, LetterKind
from applications.models.decisions import DecisionState
from applications.models.delivery import EntryKind
from applications.models.letters import SIGNED_BY_TWO
from applications.services.delivery import RETRIEVAL_DAYS
from applications.services.entries import DECIDED
from applications.workflow import Status
from kiv_portal.models import DeliveryWay

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from applications.models.delivery import DeliveryQuerySet

RETRIEVAL: Final = timedelta(days=RETRIEVAL_DAYS)

SLIGHT: Final = (LetterKind.RECEIPT,)
"""Letters for which nothing waits: they confirm, and the case goes on without them."""

MOOT: Final = (*SLIGHT, LetterKind.HEARING, LetterKind.REQUEST, LetterKind.EARLY_START)
"""Letters that mean nothing any more once a case has ended without a decision."""

ENDED: Final = (Status.WITHDRAWN, Status.CLOSED)


def moot_in(status: Status) -> tuple[LetterKind, ...]:
    """Kinds of letters that nobody has to send any more in this state."""
    if status in ENDED:
        return MOOT
    return SLIGHT if status in DECIDED else ()


def first(rows: QuerySet[Any], field: str) -> Subquery:
    """A day of the earliest of these rows of a case."""
    return Subquery(rows.order_by(field, "pk").values(field)[:1])


def proposals() -> QuerySet[Decision]:
    """The open proposal of a case."""
    return Decision.objects.filter(application=OuterRef("pk"), state=DecisionState.PROPOSED)


def corrected() -> QuerySet[Decision]:
    """The open proposal of a case, where the signer corrected it and the writer has to agree."""
    return proposals().filter(corrected_at__isnull=False, agreed_at__isnull=True)


def unsigned_letters() -> QuerySet[Letter]:
    """Letters of a case that go out only when a second person has signed, and have not yet.

    Some went out before a second person had to sign: there is nothing left to sign in those.
    """
    return Letter.objects.filter(
        ~Exists(_under_way()),
        application=OuterRef("pk"),
        kind__in=SIGNED_BY_TWO,
        signed_at__isnull=True,
        discarded_at__isnull=True,
    )


# --- Letters on their way -------------------------------------------------------------------------


def _matter_open(letter: str = "") -> Q:
    """Of letters (at this path): no end of the hearing or request that they are about.

    Once it has ended nothing hangs on their Bekanntgabe, and the case goes on without it. A
    decision and a consent to an early start have effect by theirs, however late.
    """
    about = {f"{letter}{matter}__closed_at__isnull": True for matter in ("hearing", "request")}
    return Q(**about)


def _under_way() -> QuerySet[Delivery]:
    return Delivery.objects.filter(letter=OuterRef("pk"), failed_at__isnull=True)


def _lying() -> QuerySet[Letter]:
    """Letters of a case on no way, signed where they must be.

    Where a case ended without a decision nobody is still heard or asked for documents, and a
    Bescheid says by itself that the application came.
    """
    moot = Q(application__status__in=ENDED, kind__in=MOOT)
    moot |= Q(application__status__in=DECIDED, kind__in=SLIGHT)
    return (
        Letter.objects.filter(
            ~Exists(_under_way()),
            _matter_open(),
            application=OuterRef("pk"),
            discarded_at__isnull=True,
        )
        .exclude(kind__in=SIGNED_BY_TWO, signed_at__isnull=True)
        .exclude(moot)
    )


def letters_to_send() -> QuerySet[Letter]:
    """Letters of a case that have never been sent."""
    return _lying().filter(deliveries__isnull=True)


def failed_letters() -> QuerySet[Letter]:
    """Letters of a case that did not arrive and are to be sent another way."""
    return _lying().filter(deliveries__isnull=False)


def failed_on() -> Subquery:
    """The day on which it was noted, last, that a letter did not arrive."""
    rows = failed_letters().order_by("-deliveries__failed_at")
    return Subquery(rows.annotate(day=TruncDate("deliveries__failed_at")).values("day")[:1])


def _deliveries() -> DeliveryQuerySet:
    return Delivery.objects.filter(
        _matter_open("letter__"), letter__application=OuterRef("pk"), failed_at__isnull=True
    )


def retrievals_awaited() -> DeliveryQuerySet:
    """Letters of a case that the municipality has still to open, with `noticed_on`."""
    rows = _deliveries().filter(way=DeliveryWay.RETRIEVAL, opened_at__isnull=True)
    return rows.with_notice()


def receipts_awaited() -> QuerySet[Delivery]:
    """Letters of a case whose Empfangsbekenntnis is not back."""
    return _deliveries().filter(way=DeliveryWay.RECEIPT, received_on__isnull=True)


def on_their_way(today: date) -> QuerySet[Delivery]:
    """Letters by post that count as notified on a later day."""
    return _deliveries().filter(way=DeliveryWay.POST, notified_on__gt=today)


# --- After the notice -----------------------------------------------------------------------------


def to_publish(today: date) -> Q:
    """Granted cases of which the municipality knows, and the public does not yet."""
    told = Delivery.objects.filter(
        Q(opened_at__isnull=False) | Q(notified_on__lte=today),
        letter__application=OuterRef("pk"),
        letter__kind=LetterKind.GRANT,
        notified_on__isnull=False,
    )
    # Whoever did not want to be published is no task; staff may still do so at the case.
    return (
        Q(Exists(told))
        & Q(status=Status.GRANTED, project__published_at__isnull=True)
        & ~Q(consents_publication=False)
    )


def open_periods() -> QuerySet[Delivery]:
    """Bescheide of a case whose period to sue runs or ran, with no entry of how it ended."""
    settled = CaseEntry.objects.filter(
        application=OuterRef("letter__application"),
        kind__in=(EntryKind.WAIVER, EntryKind.FINAL, EntryKind.ACTION),
        on__gte=OuterRef("sent_on"),  # a waiver may come on the day of the retrieval
        struck_at__isnull=True,
    )
    return _deliveries().filter(
        ~Exists(settled), letter__decision__isnull=False, sue_until__isnull=False
    )


def actions_pending() -> QuerySet[CaseEntry]:
    """Klagen of a case after which no entry says that the Bescheid is bestandskräftig."""
    standing = CaseEntry.objects.filter(struck_at__isnull=True)
    final = standing.filter(
        application=OuterRef("application"), kind=EntryKind.FINAL, on__gte=OuterRef("on")
    )
    return standing.filter(~Exists(final), application=OuterRef("pk"), kind=EntryKind.ACTION)


def _unmatched(kind: EntryKind, by: EntryKind) -> QuerySet[CaseEntry]:
    """Entries of one kind in a case that none of the other, made later, settles.

    Each settles the earliest that is open when it is made. So an entry is settled where one made
    later leaves nothing as early open, from whichever entry on one counts.
    """
    rows = CaseEntry.objects.filter(struck_at__isnull=True)
    same = rows.filter(application=OuterRef("application"))

    def as_early(level: int) -> Q:
        on, pk = OuterRef("on"), OuterRef("pk")
        for _ in range(level - 1):
            on, pk = OuterRef(on), OuterRef(pk)
        return Q(on__lt=on) | Q(on=on, pk__lte=pk)

    def number(rows: QuerySet[CaseEntry]) -> Coalesce:
        counted = rows.order_by().values("application").annotate(n=Count("pk")).values("n")
        return Coalesce(Subquery(counted), 0, output_field=IntegerField())

    settling = OuterRef(OuterRef("pk"))
    opened = same.filter(as_early(3), kind=kind, pk__gte=OuterRef("pk"), pk__lt=settling)
    closed = same.filter(kind=by, pk__gt=OuterRef("pk"), pk__lte=settling)
    left = (
        same.filter(as_early(2), kind=kind, pk__lt=OuterRef("pk"))
        .alias(opened=number(opened), closed=number(closed))
        .filter(opened__gt=F("closed"))
    )
    settled = same.filter(~Exists(left), kind=by, pk__gt=OuterRef("pk"))
    return rows.filter(~Exists(settled), application=OuterRef("pk"), kind=kind)


def reports_due() -> QuerySet[CaseEntry]:
    """Days on which a Verwendungsnachweis is due that has not come in."""
    return _unmatched(EntryKind.REPORT_DUE, EntryKind.REPORT_RECEIVED)


def reports_to_check() -> QuerySet[CaseEntry]:
    """Verwendungsnachweise that came in and are not checked."""
    return _unmatched(EntryKind.REPORT_RECEIVED, EntryKind.REPORT_CHECKED)
