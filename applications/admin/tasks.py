"""What waits for whom: the counts on the desk's first page and the filter behind each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Exists, F, Min, OuterRef, Q, Subquery
from django.db.models.functions import TruncDate

from applications.admin import waiting
from applications.models import (
    ApplicationMember,
    DecisionHand,
    Deputy,
    Hearing,
    InformationRequest,
    Recusal,
)
from applications.models.application import ApplicationQuerySet
from applications.models.decisions import DecisionState, HandRole
from applications.models.members import MemberRole
from applications.permissions import BEFORE_DECISION
from applications.services.entries import DECIDED
from applications.workflow import Status
from municipalities.permissions import may_review, may_sign_decisions

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from municipalities.models import User

SOON: Final = timedelta(days=7)
CHECKING: Final = (Status.FORMAL_CHECK, Status.SUBSTANTIVE_CHECK)


def _new(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(status=Status.SUBMITTED)


def _last_request() -> QuerySet[InformationRequest]:
    return InformationRequest.objects.filter(application=OuterRef("pk")).order_by("-number")


def _answered(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    answered = Subquery(_last_request().values("answered")[:1])
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
    letters = waiting.unsigned_letters().exclude(created_by=user)
    own = Q(status__in=BEFORE_DECISION) & ~Q(reviewer=user) & Exists(letters)
    return cases.filter((Exists(waiting.proposals()) & ~_hands(user)) | own)


def _with_signer(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(_hands(user))


def _corrected(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    away = Deputy.objects.in_force(today).filter(deputy=user).values("absent")
    wrote = DecisionHand.objects.filter(
        Q(user=user) | Q(user__in=away),
        decision=OuterRef("pk"),
        role=HandRole.WROTE,
        at__lte=OuterRef("corrected_at"),
    )
    unagreed = waiting.corrected().filter(Exists(wrote))
    return cases.filter(Exists(unagreed.exclude(corrected_by=user)))


def _to_send(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(Exists(waiting.letters_to_send()))


def _not_effected(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(Exists(waiting.failed_letters()))


def _unread(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(Exists(waiting.retrievals_awaited()))


def _unacknowledged(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(Exists(waiting.receipts_awaited()))


def _heard(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    over = Hearing.objects.filter(
        application=OuterRef("pk"), closed_at__isnull=True, due_on__lt=today
    )
    return cases.filter(Exists(over))


def _to_publish(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(waiting.to_publish(today))


def _period_over(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    over = waiting.open_periods().filter(sue_until__lt=today)
    return cases.filter(Exists(over), status__in=DECIDED)


def _reports_due(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    soon = waiting.reports_due().filter(on__lte=today + SOON)
    return cases.filter(Exists(soon), status__in=DECIDED)


def _reports_to_check(cases: ApplicationQuerySet, user: User, today: date) -> ApplicationQuerySet:
    return cases.filter(Exists(waiting.reports_to_check()), status__in=DECIDED)


def open_to(cases: ApplicationQuerySet, user: User) -> ApplicationQuerySet:
    """Without those in which the person is befangen: nothing of them waits for them."""
    ticked = Recusal.objects.filter(application=OuterRef("pk"), user=user, lifted_at__isnull=True)
    return cases.filter(~Exists(ticked))


@dataclass(frozen=True, slots=True)
class Task:
    """One line of „Was ich tun muss": which cases, for which role, and what to call them.

    `on` gives the day that matters for this task, `plus` comes on top, `word` says what it means.
    """

    name: str
    label: str
    role: Callable[[User], bool]
    cases: Callable[[ApplicationQuerySet, User, date], ApplicationQuerySet]
    to_do: bool = True
    word: str = "seit"
    on: Callable[[], Any] = lambda: F("matters_on")
    plus: timedelta = timedelta()


TASKS: Final = (
    Task("neu", "Neu eingegangen, noch von niemandem übernommen", may_review, _new),
    Task(
        "beantwortet",
        "Unterlagen sind nachgereicht",
        may_review,
        _answered,
        on=lambda: Subquery(_last_request().annotate(d=TruncDate("closed_at")).values("d")[:1]),
    ),
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
    Task(
        "bekanntgabe",
        "Schreiben ist noch bekannt zu geben",
        may_review,
        _to_send,
        word="Schreiben vom",
        on=lambda: waiting.first(waiting.letters_to_send(), "dated_on"),
    ),
    Task(
        "nicht-bewirkt",
        "Bekanntgabe nicht bewirkt: auf anderem Weg bekannt geben",
        may_review,
        _not_effected,
        on=waiting.failed_on,
    ),
    Task(
        "veroeffentlichen",
        "Bewilligt, Bescheid abgerufen oder bekannt gegeben, noch nicht im Verzeichnis",
        may_review,
        _to_publish,
        word="entschieden am",
    ),
    Task(
        "klagefrist",
        "Klagefrist ist vorbei: Bestandskraft oder Klage eintragen",
        may_review,
        _period_over,
        word="Frist bis",
        on=lambda: waiting.first(waiting.open_periods(), "sue_until"),
    ),
    Task(
        "nachweis",
        "Verwendungsnachweis ist fällig oder in den nächsten 7 Tagen",
        may_review,
        _reports_due,
        word="fällig am",
        on=lambda: waiting.first(waiting.reports_due(), "on"),
    ),
    Task(
        "nachweis-pruefen",
        "Verwendungsnachweis ist zu prüfen",
        may_review,
        _reports_to_check,
        word="eingegangen am",
        on=lambda: waiting.first(waiting.reports_to_check(), "on"),
    ),
    Task("zeichnen", "Wartet auf meine Schlusszeichnung", may_sign_decisions, _to_sign),
    Task("frist", "Kommune reicht nach, Termin läuft noch", may_review, _running, False, "bis"),
    Task(
        "abruf",
        "Schreiben ist noch nicht abgerufen",
        may_review,
        _unread,
        False,
        "bis",
        lambda: waiting.first(waiting.retrievals_awaited(), "noticed_on"),
        waiting.RETRIEVAL,
    ),
    Task(
        "empfang",
        "Empfangsbekenntnis ist noch nicht zurück",
        may_review,
        _unacknowledged,
        False,
        "abgesandt am",
        lambda: waiting.first(waiting.receipts_awaited(), "sent_on"),
    ),
    Task("vorgelegt", "Von mir vorgeschlagen, noch zu zeichnen", may_review, _with_signer, False),
)
"""In the order in which they are shown; without `to_do` it is somebody else's turn."""

BY_NAME: Final = {task.name: task for task in TASKS}


FIRST: Final = 5
"""So many cases of a task stand on the desk's first page; the rest is one click away."""


def overview(cases: ApplicationQuerySet, user: User, today: date) -> list[dict[str, Any]]:
    """Each task of this person with its count, its earliest date and its first cases."""
    lead = ApplicationMember.objects.filter(application=OuterRef("pk"), role=MemberRole.LEAD)
    cases = open_to(cases, user)
    found = []
    for task in TASKS:
        if not task.role(user):
            continue
        rows = task.cases(cases, user, today).annotate(day=task.on())
        sums = rows.aggregate(count=Count("pk"), first=Min("day"))
        first = (
            rows.annotate(town=Subquery(lead.values("municipality__short_name")[:1]))
            .order_by("day", "pk")
            .values("pk", "reference", "town", "day")[:FIRST]
            if sums["count"] and task.to_do
            else ()
        )
        sums["first"] = sums["first"] + task.plus if sums["first"] else None
        found.append({"task": task, **sums, "cases": list(first)})
    return found
