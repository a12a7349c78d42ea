"""What waits for whom: the counts on the desk's first page and the filter behind each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Exists, Min, OuterRef, Q, Subquery

from applications.models import (
    ApplicationMember,
    Decision,
    DecisionHand,
    Delivery,
    Deputy,
    Hearing,
    InformationRequest,
    Letter,
    LetterKind,
)
from applications.models.application import ApplicationQuerySet
from applications.models.decisions import DecisionState, HandRole
from applications.models.letters import SIGNED_BY_TWO
from applications.models.members import MemberRole
from applications.permissions import BEFORE_DECISION
from applications.workflow import Status
from kiv_portal.models import DeliveryWay
from municipalities.permissions import may_review, may_sign_decisions

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from municipalities.models import User

SOON: Final = timedelta(days=7)
CHECKING: Final = (Status.FORMAL_CHECK, Status.SUBSTANTIVE_CHECK)


def _new(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(status=Status.SUBMITTED)


def _answered(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    last = InformationRequest.objects.filter(application=OuterRef("pk")).order_by("-number")
    answered = Subquery(last.values("answered")[:1])
    return cases.filter(status=Status.FORMAL_CHECK).alias(answered=answered).filter(answered=True)


def _open_request(cases: ApplicationQuerySet, **due: date) -> ApplicationQuerySet:
    asked = InformationRequest.objects.filter(
        application=OuterRef("pk"), closed_at__isnull=True, **due
    )
    return cases.filter(Exists(asked), status=Status.INFORMATION_REQUESTED)


def _running(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return _open_request(cases, due_on__gte=today)


def _soon(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return _open_request(cases, due_on__gte=today, due_on__lte=today + SOON)


def _overdue(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return _open_request(cases, due_on__lt=today)


def _mine(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(_of(user, today), status__in=CHECKING)


def _of(user: User, today: date) -> Q:
    """Handled by the person, or by somebody they stand in for today."""
    away = Deputy.objects.in_force(today).filter(deputy=user)
    return Q(reviewer=user) | Q(reviewer__in=away.values("absent"))


def _hands(user: User) -> Exists:
    return Exists(
        DecisionHand.objects.filter(
            decision__application=OuterRef("pk"),
            decision__state=DecisionState.PROPOSED,
            user=user,
        )
    )


def _to_sign(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    letters = _unsigned().exclude(created_by=user)
    own = Q(status__in=BEFORE_DECISION) & ~Q(reviewer=user) & Exists(letters)
    return cases.filter((Exists(_proposed()) & ~_hands(user)) | own)


def _unsigned() -> QuerySet[Letter]:
    """Letters of a case that go out only when a second person has signed, and have not yet.

    Some went out before a second person had to sign: there is nothing left to sign in those.
    """
    return Letter.objects.filter(
        ~Exists(_under_way()),
        application=OuterRef("pk"),
        kind__in=SIGNED_BY_TWO,
        signed_at__isnull=True,
    )


def _with_signer(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(_hands(user))


def _proposed() -> QuerySet[Decision]:
    return Decision.objects.filter(application=OuterRef("pk"), state=DecisionState.PROPOSED)


def _corrected(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    away = Deputy.objects.in_force(today).filter(deputy=user).values("absent")
    wrote = DecisionHand.objects.filter(
        Q(user=user) | Q(user__in=away), decision=OuterRef("pk"), role=HandRole.WROTE
    )
    waiting = _proposed().filter(Exists(wrote), corrected_at__isnull=False, agreed_at__isnull=True)
    return cases.filter(Exists(waiting.exclude(corrected_by=user)))


def _under_way() -> QuerySet[Delivery]:
    return Delivery.objects.filter(letter=OuterRef("pk"), failed_at__isnull=True)


def _to_send(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    waiting = Letter.objects.filter(~Exists(_under_way()), application=OuterRef("pk")).exclude(
        kind__in=SIGNED_BY_TWO, signed_at__isnull=True
    )
    return cases.filter(Exists(waiting.filter(deliveries__isnull=True)))


def _not_effected(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    failed = Letter.objects.filter(
        ~Exists(_under_way()), application=OuterRef("pk"), deliveries__isnull=False
    )
    return cases.filter(Exists(failed))


def _unread(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    waiting = Delivery.objects.filter(
        letter__application=OuterRef("pk"),
        way=DeliveryWay.RETRIEVAL,
        opened_at__isnull=True,
        failed_at__isnull=True,
    )
    return cases.filter(Exists(waiting))


def _heard(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    over = Hearing.objects.filter(
        application=OuterRef("pk"), closed_at__isnull=True, due_on__lt=today
    )
    return cases.filter(Exists(over))


def _to_publish(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    told = Delivery.objects.filter(
        Q(opened_at__isnull=False) | Q(notified_on__lte=today),
        letter__application=OuterRef("pk"),
        letter__kind=LetterKind.GRANT,
        notified_on__isnull=False,
    )
    # Whoever did not want to be published is no task; staff may still do so at the case.
    return cases.filter(
        Exists(told), status=Status.GRANTED, project__published_at__isnull=True
    ).exclude(consents_publication=False)


@dataclass(frozen=True, slots=True)
class Task:
    """One line of „Was ich tun muss": which cases, for which role, and what to call them."""

    name: str
    label: str
    role: Callable[[User], bool]
    cases: Callable[[ApplicationQuerySet, User, date], ApplicationQuerySet]
    to_do: bool = True
    word: str = "seit"


TASKS: Final = (
    Task("neu", "Neu eingegangen, noch von niemandem übernommen", may_review, _new),
    Task("beantwortet", "Unterlagen sind nachgereicht", may_review, _answered),
    Task(
        "ueberfaellig",
        "Termin für Unterlagen ist überschritten",
        may_review,
        _overdue,
        word="Termin war am",
    ),
    Task("bald", "Termin für Unterlagen in den nächsten 7 Tagen", may_review, _soon, word="bis"),
    Task("meine", "Bei mir oder in Vertretung in Prüfung", may_review, _mine),
    Task("anhoerung", "Termin einer Anhörung ist vorbei", may_review, _heard, word="Termin war am"),
    Task("einverstanden", "Korrektur wartet auf mein Einverständnis", may_review, _corrected),
    Task("bekanntgabe", "Schreiben ist noch bekannt zu geben", may_review, _to_send),
    Task(
        "nicht-bewirkt",
        "Bekanntgabe nicht bewirkt: auf anderem Weg bekannt geben",
        may_review,
        _not_effected,
    ),
    Task(
        "veroeffentlichen",
        "Bewilligt und bekannt gegeben, noch nicht im Verzeichnis",
        may_review,
        _to_publish,
        word="entschieden am",
    ),
    Task("zeichnen", "Wartet auf meine Schlusszeichnung", may_sign_decisions, _to_sign),
    Task("frist", "Kommune reicht nach, Termin läuft noch", may_review, _running, False, "bis"),
    Task("abruf", "Schreiben ist noch nicht abgerufen", may_review, _unread, False),
    Task("vorgelegt", "Von mir vorgeschlagen, noch zu zeichnen", may_review, _with_signer, False),
)
"""In the order in which they are shown; without `to_do` it is somebody else's turn. `word` says
what the case's date in the list (`matters_on`) means here."""

BY_NAME: Final = {task.name: task for task in TASKS}


FIRST: Final = 5
"""So many cases of a task stand on the desk's first page; the rest is one click away."""


def overview(cases: ApplicationQuerySet, user: User, today: date) -> list[dict[str, Any]]:
    """Each task of this person with its count, its earliest date and its first cases."""
    lead = ApplicationMember.objects.filter(application=OuterRef("pk"), role=MemberRole.LEAD)
    found = []
    for task in TASKS:
        if not task.role(user):
            continue
        rows = task.cases(cases, user, today)
        sums = rows.aggregate(count=Count("pk"), first=Min("matters_on"))
        first = (
            rows.annotate(town=Subquery(lead.values("municipality__short_name")[:1]))
            .order_by("matters_on", "pk")
            .values("pk", "reference", "town", "matters_on")[:FIRST]
            if sums["count"] and task.to_do
            else ()
        )
        found.append({"task": task, **sums, "cases": list(first)})
    return found
