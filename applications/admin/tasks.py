"""What waits for whom: the counts on the desk's first page and the filter behind each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from django.db.models import Exists, OuterRef, Subquery

from applications.models import (
    Decision,
    DecisionHand,
    Delivery,
    Hearing,
    InformationRequest,
    Letter,
)
from applications.models.application import ApplicationQuerySet
from applications.models.decisions import DecisionState
from applications.workflow import Status
from municipalities.permissions import may_review, may_sign_decisions

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from municipalities.models import User

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


def _overdue(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return _open_request(cases, due_on__lt=today)


def _mine(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(status__in=CHECKING, reviewer=user)


def _hands(user: User) -> Exists:
    return Exists(
        DecisionHand.objects.filter(
            decision__application=OuterRef("pk"),
            decision__state=DecisionState.PROPOSED,
            user=user,
        )
    )


def _to_sign(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(Exists(_proposed()), ~_hands(user))


def _with_signer(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(_hands(user))


def _proposed() -> QuerySet[Decision]:
    return Decision.objects.filter(application=OuterRef("pk"), state=DecisionState.PROPOSED)


def _corrected(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    waiting = _proposed().filter(
        corrected_at__isnull=False, agreed_at__isnull=True, hands__user=user, hands__role="wrote"
    )
    return cases.filter(Exists(waiting.exclude(corrected_by=user)))


def _under_way() -> QuerySet[Delivery]:
    return Delivery.objects.filter(letter=OuterRef("pk"), failed_at__isnull=True)


def _to_send(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    waiting = Letter.objects.filter(~Exists(_under_way()), application=OuterRef("pk"))
    return cases.filter(Exists(waiting.filter(deliveries__isnull=True)))


def _not_effected(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    failed = Letter.objects.filter(
        ~Exists(_under_way()), application=OuterRef("pk"), deliveries__isnull=False
    )
    return cases.filter(Exists(failed))


def _heard(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    over = Hearing.objects.filter(
        application=OuterRef("pk"), closed_at__isnull=True, due_on__lt=today
    )
    return cases.filter(Exists(over))


@dataclass(frozen=True, slots=True)
class Task:
    """One line of „Was ich tun muss": which cases, for which role, and what to call them."""

    name: str
    label: str
    role: Callable[[User], bool]
    cases: Callable[[ApplicationQuerySet, User, date], ApplicationQuerySet]
    to_do: bool = True


TASKS: Final = (
    Task("neu", "Neu eingegangen, noch von niemandem übernommen", may_review, _new),
    Task("beantwortet", "Unterlagen sind nachgereicht", may_review, _answered),
    Task("ueberfaellig", "Termin für Unterlagen ist überschritten", may_review, _overdue),
    Task("meine", "Von mir übernommen und in Prüfung", may_review, _mine),
    Task("anhoerung", "Termin einer Anhörung ist vorbei", may_review, _heard),
    Task("einverstanden", "Korrektur wartet auf mein Einverständnis", may_review, _corrected),
    Task("bekanntgabe", "Schreiben ist noch bekannt zu geben", may_review, _to_send),
    Task(
        "nicht-bewirkt",
        "Bekanntgabe nicht bewirkt: auf anderem Weg bekannt geben",
        may_review,
        _not_effected,
    ),
    Task("zeichnen", "Wartet auf meine Schlusszeichnung", may_sign_decisions, _to_sign),
    Task("frist", "Kommune reicht nach, Termin läuft noch", may_review, _running, False),
    Task("vorgelegt", "Von mir vorgeschlagen, noch zu zeichnen", may_review, _with_signer, False),
)
"""In the order in which they are shown; without `to_do` it is somebody else's turn."""

BY_NAME: Final = {task.name: task for task in TASKS}
