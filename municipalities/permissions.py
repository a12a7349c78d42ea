"""Who may: roles of staff, and what a person may do for a municipality. Each returns a bool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from municipalities.models import Membership, Municipality, StaffRole

if TYPE_CHECKING:
    from collections.abc import Collection

    from municipalities.models import FactorReset, RoleGrant, User

READ: Final = StaffRole.READ.value
AUDIT: Final = StaffRole.AUDIT.value
REVIEW: Final = StaffRole.REVIEW.value
SIGN: Final = StaffRole.SIGN.value
ADMINISTER: Final = StaffRole.ADMINISTER.value
PEOPLE: Final = StaffRole.PEOPLE.value
STAFF_GROUPS: Final = (READ, AUDIT, REVIEW, SIGN, ADMINISTER, PEOPLE)
"""The staff roles; a person may hold several. Four eyes is kept by the database per decision."""

SUPERUSER_ROLES: Final = frozenset({READ, AUDIT, ADMINISTER, PEOPLE})
"""What a superuser, who is made at the server's console, may: set everything up, decide nothing."""

NEVER_TOGETHER: Final[dict[frozenset[str], str]] = {
    frozenset({PEOPLE, REVIEW}): (
        "Wer Konten und Rollen verwaltet, prüft keine Anträge: Mit einem zweiten eigenen Konto "
        "könnte diese Person allein entscheiden."
    ),
    frozenset({PEOPLE, SIGN}): (
        "Wer Konten und Rollen verwaltet, zeichnet keine Entscheidungen: Mit einem zweiten eigenen "
        "Konto könnte diese Person allein entscheiden."
    ),
    **{
        frozenset({AUDIT, role}): (
            f"Die Revision sieht alles und ändert nichts: Sie prüft auch, was die Rolle „{role}“ "
            "tut."
        )
        for role in (REVIEW, SIGN, ADMINISTER, PEOPLE)
    },
}
"""Roles one person never holds at once, and why. „Prüfung“ and „Schlusszeichnung“ may meet in one
person: for each decision the database keeps writer and signer apart."""


def conflicts(roles: Collection[str]) -> list[str]:
    """Why these roles may not be held by one person; empty when they may."""
    held = frozenset(roles)
    return [reason for pair, reason in NEVER_TOGETHER.items() if pair <= held]


def staff_roles(user: User | AnonymousUser) -> frozenset[str]:
    """The staff roles the person holds; empty for everybody who is no active staff.

    Read once per request and kept on the user object.
    """
    if isinstance(user, AnonymousUser) or not (user.is_active and user.is_staff):
        return frozenset()
    if user.is_superuser:
        return SUPERUSER_ROLES
    if not hasattr(user, "_staff_roles"):
        user._staff_roles = frozenset(  # type: ignore[attr-defined]
            user.groups.filter(name__in=STAFF_GROUPS).values_list("name", flat=True)
        )
    roles: frozenset[str] = user._staff_roles  # type: ignore[attr-defined]
    return roles


def may_read_desk(user: User | AnonymousUser) -> bool:
    """May see filed applications at the review desk."""
    return bool(staff_roles(user) - {PEOPLE})


def may_review(user: User | AnonymousUser) -> bool:
    """May check applications and propose decisions."""
    return REVIEW in staff_roles(user)


def may_sign_decisions(user: User | AnonymousUser) -> bool:
    """May put the final signature under a decision somebody else wrote."""
    return SIGN in staff_roles(user)


def may_administer(user: User | AnonymousUser) -> bool:
    """May keep register, calls, texts and projects."""
    return ADMINISTER in staff_roles(user)


def may_administer_people(user: User | AnonymousUser) -> bool:
    """May keep accounts, memberships and the roles of staff."""
    return PEOPLE in staff_roles(user)


def may_read_account_log(user: User | AnonymousUser) -> bool:
    """May search the sign-in log."""
    return bool(staff_roles(user) & {PEOPLE, AUDIT})


def may_decide_role(user: User | AnonymousUser, grant: RoleGrant) -> bool:
    """May grant a role somebody else has asked for: not for oneself, not one's own wish."""
    return may_administer_people(user) and user.pk not in {grant.user_id, grant.asked_by_id}


def may_reset_factor(user: User | AnonymousUser, person: User) -> bool:
    """May ask that somebody's lost second factor is taken away, never one's own."""
    return may_administer_people(user) and user.pk != person.pk


def may_decide_reset(user: User | AnonymousUser, reset: FactorReset) -> bool:
    """May agree to what somebody else has asked for, not for oneself."""
    return may_reset_factor(user, reset.user) and user.pk != reset.asked_by_id


_ALL: Final = frozenset(STAFF_GROUPS)
_DESK: Final = _ALL - {PEOPLE}
_KEEPERS: Final = frozenset({ADMINISTER})
_PEOPLE: Final = frozenset({PEOPLE})
_KEPT: Final = {"view": _ALL, "add": _KEEPERS, "change": _KEEPERS}
_WATCHED: Final = {"view": frozenset({ADMINISTER, AUDIT})}

DESK_RIGHTS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "applications.application": {"view": _DESK},
    "applications.archiveoffer": {**_WATCHED, "change": _KEEPERS},
    "applications.retentionhold": {**_WATCHED, "add": _KEEPERS},
    "applications.callbudget": _KEPT,
    "applications.checkitem": _KEPT,
    "applications.fundingcall": _KEPT,
    "applications.letterblock": _KEPT,
    "municipalities.district": {"view": _ALL, "change": _KEEPERS},
    "municipalities.accountevent": {"view": frozenset({PEOPLE, AUDIT})},
    "municipalities.invitation": {"view": frozenset({PEOPLE, AUDIT})},
    "municipalities.membership": {
        "view": frozenset({PEOPLE, AUDIT}),
        "add": _PEOPLE,
        "change": _PEOPLE,
    },
    "municipalities.municipality": {"view": _ALL, "change": _KEEPERS},
    "municipalities.population": {"view": _ALL, "add": _KEEPERS},
    "municipalities.registerimport": {"view": _ALL},
    "municipalities.factorreset": {"view": frozenset({PEOPLE, AUDIT})},
    "municipalities.rolegrant": {"view": frozenset({PEOPLE, AUDIT})},
    "municipalities.user": {
        "view": frozenset({PEOPLE, AUDIT}),
        "add": _PEOPLE,
        "change": _PEOPLE,
    },
    "portal.authority": _KEPT,
    "portal.download": {**_KEPT, "delete": _KEEPERS},
    "portal.erasure": _WATCHED,
    "portal.erasurerun": _WATCHED,
    "portal.job": _WATCHED,
    "portal.outboxmail": _WATCHED,
    "projects.contact": _KEPT,
    "projects.fundinground": _KEPT,
    "projects.project": _KEPT,
    "projects.projectdocument": _KEPT,
    "projects.projectmember": _KEPT,
}
"""Model × verb: the staff roles that may. What is not in it, nobody may at the desk; moves of an
application are no verbs of this table (`applications.permissions.may_make`)."""


def may_use_model(user: User | AnonymousUser, model: str, verb: str) -> bool:
    """May view, add, change or delete records of the model („app.model") at the desk."""
    return bool(staff_roles(user) & DESK_RIGHTS.get(model, {}).get(verb, frozenset()))


def _membership_allows(user: User | AnonymousUser, municipality: Municipality, right: str) -> bool:
    if isinstance(user, AnonymousUser) or not user.is_active:
        return False
    return user.memberships.filter(
        municipality=municipality, confirmed_at__isnull=False, **{right: True}
    ).exists()


def may_read_for(user: User | AnonymousUser, municipality: Municipality) -> bool:
    """Confirmed member of the municipality who may read its applications."""
    return _membership_allows(user, municipality, "may_read")


def may_edit_for(user: User | AnonymousUser, municipality: Municipality) -> bool:
    """Confirmed member who may write in the municipality's applications."""
    return _membership_allows(user, municipality, "may_edit")


def may_manage_for(user: User | AnonymousUser, municipality: Municipality) -> bool:
    """Confirmed member who may look after the municipality's people."""
    return _membership_allows(user, municipality, "may_manage")


def managed_by(user: User) -> QuerySet[Municipality]:
    """Those of which `may_manage_for` is true, asked in one statement.

    So an address that names a municipality takes the same work whether it exists or not.
    """
    return Municipality.objects.filter(
        memberships__user=user,
        memberships__user__is_active=True,
        memberships__confirmed_at__isnull=False,
        memberships__may_manage=True,
    )


def endable_by(user: User) -> QuerySet[Membership]:
    """One's own memberships, and those of the municipalities whose people one looks after."""
    return Membership.objects.filter(Q(user=user) | Q(municipality__in=managed_by(user)))


def may_look_after(user: User | AnonymousUser, municipality: Municipality) -> bool:
    """May confirm, refuse, change and end memberships: its managers, and staff with that role."""
    return may_manage_for(user, municipality) or may_administer_people(user)


def may_sign_for(user: User | AnonymousUser, municipality: Municipality) -> bool:
    """Confirmed member who may file and withdraw for the municipality."""
    return _membership_allows(user, municipality, "may_sign")
