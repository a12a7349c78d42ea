"""Roles of staff: taken at once, given by two persons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import transaction

from municipalities.models import EventKind, GrantState, RoleGrant, User
from municipalities.permissions import (
    STAFF_GROUPS,
    conflicts,
    may_administer_people,
    may_decide_role,
)
from municipalities.services.records import record

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


class RoleRefused(Exception):
    """The role cannot be asked for, given or taken; says why, in German."""


def held_roles(user: User) -> frozenset[str]:
    """The roles the account has as groups, whether or not it may use them now."""
    return frozenset(user.groups.filter(name__in=STAFF_GROUPS).values_list("name", flat=True))


def asked_roles(user: User) -> frozenset[str]:
    """The roles that wait for the second person."""
    return frozenset(user.role_grants.filter(state=GrantState.ASKED).values_list("role", flat=True))


def set_roles(*, user: User, roles: Collection[str], by: User, at: datetime) -> list[RoleGrant]:
    """Take away at once the roles not named, and ask for those that are new.

    Returns the new rows that wait for the second person. Raises RoleRefused: for one's own
    account, without the role „Personen", for an account that is no active staff, for roles that
    do not exist or may not meet in one person. A try for oneself stands in the sign-in log.
    """
    wanted = frozenset(roles)
    names = ", ".join(role for role in STAFF_GROUPS if role in wanted) or "keine"
    reason = _refusal(user, wanted, by)
    if reason:
        record(EventKind.ROLE_FORBIDDEN, user=user, by=by, at=at, detail=names)
        raise RoleRefused(reason)
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        held, asked = held_roles(person), asked_roles(person)
        for role in sorted(held - wanted):
            person.groups.remove(Group.objects.get(name=role))
            record(EventKind.ROLE_WITHDRAWN, user=person, by=by, at=at, detail=role)
        for grant in person.role_grants.filter(state=GrantState.ASKED).exclude(role__in=wanted):
            _close(grant, GrantState.REFUSED, by, at)
            record(EventKind.ROLE_REFUSED, user=person, by=by, at=at, detail=grant.role)
        rows = []
        for role in sorted(wanted - held - asked):
            rows.append(RoleGrant.objects.create(user=person, role=role, asked_by=by, asked_at=at))
            record(EventKind.ROLE_ASKED, user=person, by=by, at=at, detail=role)
    return rows


def _refusal(user: User, wanted: frozenset[str], by: User) -> str:
    """Why the roles cannot be set; empty when they can."""
    if not may_administer_people(by):
        return "Rollen vergibt nur, wer die Rolle „Personen“ hat."
    if user.pk == by.pk:
        return "Niemand gibt oder nimmt sich selbst eine Rolle. Bitten Sie eine zweite Person."
    if wanted and not (user.is_active and user.is_staff):
        return (
            "Rollen bekommen nur aktive Konten von Beschäftigten der Bewilligungsbehörde. "
            "Kennzeichnen Sie das Konto zuerst so."
        )
    if not wanted <= set(STAFF_GROUPS):
        return "Diese Rolle gibt es nicht."
    return " ".join(conflicts(wanted))


def grant_role(grant: RoleGrant, *, by: User, at: datetime) -> RoleGrant:
    """Give the role somebody else has asked for: the second pair of eyes.

    Raises RoleRefused: for whoever asked or gets it, when it was decided already, when the
    account lost its standing, or when the role no longer fits the others.
    """
    if not may_decide_role(by, grant):
        record(EventKind.ROLE_FORBIDDEN, user=grant.user, by=by, at=at, detail=grant.role)
        raise RoleRefused(
            "Eine Rolle erteilt eine zweite Person mit der Rolle „Personen“: weder wer sie "
            "vorgeschlagen hat noch wer sie bekommt."
        )
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=grant.user_id)
        row = _open(grant)
        if not (person.is_active and person.is_staff):
            raise RoleRefused("Das Konto ist nicht mehr aktiv oder gehört nicht zur Behörde.")
        reasons = conflicts({*held_roles(person), row.role})
        if reasons:
            raise RoleRefused(" ".join(reasons))
        person.groups.add(Group.objects.get(name=row.role))
        _close(row, GrantState.GRANTED, by, at)
        record(EventKind.ROLE_GRANTED, user=person, by=by, at=at, detail=row.role)
    return row


def refuse_role(grant: RoleGrant, *, by: User, at: datetime) -> RoleGrant:
    """Do not give the role; whoever asked may so take the wish back.

    Raises RoleRefused without the role „Personen", or when it was decided already.
    """
    if not may_administer_people(by):
        raise RoleRefused("Das ist der Rolle „Personen“ vorbehalten.")
    with transaction.atomic():
        row = _open(grant)
        _close(row, GrantState.REFUSED, by, at)
        record(EventKind.ROLE_REFUSED, user=row.user, by=by, at=at, detail=row.role)
    return row


def _open(grant: RoleGrant) -> RoleGrant:
    """The row, locked. Raises RoleRefused when it is decided."""
    row = RoleGrant.objects.select_for_update().get(pk=grant.pk)
    if row.state != GrantState.ASKED:
        raise RoleRefused("Darüber ist schon entschieden.")
    return row


def _close(row: RoleGrant, state: GrantState, by: User, at: datetime) -> None:
    row.state, row.decided_by, row.decided_at = state, by, at
    row.save(update_fields=["state", "decided_by", "decided_at"])
