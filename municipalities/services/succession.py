"""Who looks after a municipality's people when its last manager does not come back.

Nobody leaves such a place empty: an unused account stays until somebody else looks after the
people, or the municipality's access is closed. Staff see it as a task of theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from municipalities.models import Membership, Municipality, User
from municipalities.services.people import LastManager, managers

if TYPE_CHECKING:
    from django.db.models import QuerySet


def without_successor() -> QuerySet[Membership]:
    """Managers who are blocked, or were told that their unused account ends, with none beside them.

    Oldest first. What stands here is for staff to settle with the municipality.
    """
    managing = Membership.objects.filter(confirmed_at__isnull=False, may_manage=True)
    told = Q(user__end_told_at__gte=Coalesce("user__last_login", "user__created_at"))
    away = Q(user__is_active=False) | told
    there = managing.filter(municipality=OuterRef("municipality")).exclude(
        pk__in=managing.filter(away).values("pk")
    )
    return (
        managing.filter(away)
        .filter(~Exists(there))
        .select_related("user", "municipality")
        .order_by("created_at", "pk")
    )


def managed_alone_by(user: User) -> list[Municipality]:
    """The municipalities whose people nobody else could look after, by key."""
    rows = Municipality.objects.filter(
        memberships__user=user,
        memberships__confirmed_at__isnull=False,
        memberships__may_manage=True,
    ).order_by("ags")
    return [town for town in rows if not [one for one in managers(town) if one.pk != user.pk]]


def check_successor(user: User) -> None:
    """Raises LastManager where the person alone looks after a municipality's people.

    Account and municipalities are locked, so that the last two do not go at once; call it in the
    transaction in which the person goes.
    """
    User.objects.select_for_update().get(pk=user.pk)
    towns = Municipality.objects.filter(memberships__user=user).order_by("pk")
    list(towns.select_for_update(of=("self",)))
    if managed_alone_by(user):
        raise LastManager
