"""The public entry follows a decision once the applicant has been told of it, and not before.

What is signed is not yet known to anybody: a later version (correction, amendment, revocation)
shows in the directory when its letter counts as notified, as the first one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from applications.models import Application, Decision
from applications.models.decisions import DecisionKind, DecisionState
from applications.services import log, persons
from projects import services as projects
from projects.models import AmountClass

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import User

REVOKED: Final = "Der Bescheid ist aufgehoben."


def version_told(row: Application, at: datetime) -> Decision | None:
    """The latest signed version whose letter the applicant has opened or counts as notified of."""
    today = timezone.localdate(at)
    told = Q(letter__deliveries__opened_at__isnull=False) | Q(
        letter__deliveries__notified_on__lte=today
    )
    return (
        Decision.objects.filter(
            told,
            Q(amount__isnull=False) | Q(kind=DecisionKind.REVOCATION),
            application=row,
            state=DecisionState.SIGNED,
            letter__deliveries__notified_on__isnull=False,
        )
        .order_by("number")
        .last()
    )


def keep_up(row: Application, *, by: User | None, at: datetime) -> None:
    """Let the entry's period and class of amount be those the applicant knows.

    A revocation that leaves nothing takes a published project out of the directory, with text,
    contact and person. The caller holds the lock on the case. Does nothing where all is so already.
    """
    project = row.project
    decision = version_told(row, at) if project is not None else None
    if project is None or decision is None:
        return
    if decision.kind == DecisionKind.REVOCATION and not decision.amount:
        if project.is_public:
            projects.withdraw_from_public(project=project, reason=REVOKED, by=by, at=at)
            persons.forget(row, at)
            projects.set_words(project=project, summary="", unit="", contact=None, by=by, at=at)
            log.record(row, "entry_follows", by=by, at=at, reason=REVOKED)
        return
    projects.follow_decision(
        project=project,
        starts_on=decision.starts_on,
        ends_on=decision.ends_on,
        amount_class=AmountClass.of(decision.amount),
        by=by,
        at=at,
    )


def catch_up(at: datetime) -> None:
    """The worker's daily look: letters by post count as notified on a day on which nobody acts."""
    published = Application.objects.filter(
        project__published_at__isnull=False, project__withdrawn_at__isnull=True
    )
    for pk in list(published.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            keep_up(Application.objects.select_for_update().get(pk=pk), by=None, at=at)
