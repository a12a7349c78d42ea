"""Who may: roles of staff, and what a person may do for a municipality. Each returns a bool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import AnonymousUser

if TYPE_CHECKING:
    from municipalities.models import Municipality, User

READ: Final = "Lesen"
REVIEW: Final = "Prüfung"
SIGN: Final = "Schlusszeichnung"
ADMINISTER: Final = "Verwaltung"
STAFF_GROUPS: Final = (READ, REVIEW, SIGN, ADMINISTER)
"""The staff roles; a person may hold several. Four eyes is kept by the database per decision."""


def staff_roles(user: User | AnonymousUser) -> frozenset[str]:
    """The staff roles the person holds; empty for everybody who is no active staff.

    A superuser holds all of them. Read once per request and kept on the user object.
    """
    if isinstance(user, AnonymousUser) or not (user.is_active and user.is_staff):
        return frozenset()
    if user.is_superuser:
        return frozenset(STAFF_GROUPS)
    if not hasattr(user, "_staff_roles"):
        user._staff_roles = frozenset(  # type: ignore[attr-defined]
            user.groups.filter(name__in=STAFF_GROUPS).values_list("name", flat=True)
        )
    roles: frozenset[str] = user._staff_roles  # type: ignore[attr-defined]
    return roles


def may_read_desk(user: User | AnonymousUser) -> bool:
    """May see filed applications at the review desk."""
    return bool(staff_roles(user) & {READ, REVIEW, SIGN, ADMINISTER})


def may_review(user: User | AnonymousUser) -> bool:
    """May check applications and propose decisions."""
    return REVIEW in staff_roles(user)


def may_sign_decisions(user: User | AnonymousUser) -> bool:
    """May put the final signature under a decision somebody else wrote."""
    return SIGN in staff_roles(user)


def may_administer(user: User | AnonymousUser) -> bool:
    """May keep register, calls, texts, projects and accounts."""
    return ADMINISTER in staff_roles(user)


_ALL: Final = frozenset(STAFF_GROUPS)
_KEEPERS: Final = frozenset({ADMINISTER})
_KEPT: Final = {"view": _ALL, "add": _KEEPERS, "change": _KEEPERS}
_ACCOUNTS: Final = {"view": _KEEPERS, "add": _KEEPERS, "change": _KEEPERS}

DESK_RIGHTS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "applications.application": {"view": _ALL},
    "applications.fundingcall": _KEPT,
    "applications.letterblock": _KEPT,
    "municipalities.district": {"view": _ALL, "change": _KEEPERS},
    "municipalities.membership": _ACCOUNTS,
    "municipalities.municipality": {"view": _ALL, "change": _KEEPERS},
    "municipalities.population": {"view": _ALL, "add": _KEEPERS},
    "municipalities.registerimport": {"view": _ALL},
    "municipalities.user": _ACCOUNTS,
    "portal.authority": _KEPT,
    "portal.download": {**_KEPT, "delete": _KEEPERS},
    "portal.job": {"view": _KEEPERS},
    "portal.outboxmail": {"view": _KEEPERS},
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


def may_sign_for(user: User | AnonymousUser, municipality: Municipality) -> bool:
    """Confirmed member who may file and withdraw for the municipality."""
    return _membership_allows(user, municipality, "may_sign")
