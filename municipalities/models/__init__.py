"""Who applies: municipalities with their official figures, and the people who act for them."""

from municipalities.models.people import (
    RIGHTS,
    FactorReset,
    GrantState,
    Invitation,
    Membership,
    RoleGrant,
    StaffRole,
    User,
)
from municipalities.models.records import AccountEvent, EventKind
from municipalities.models.register import (
    KIND_CHOICES,
    REGISTER_SOURCE,
    District,
    Municipality,
    MunicipalityQuerySet,
    Population,
    RegisterImport,
)

__all__ = [
    "KIND_CHOICES",
    "REGISTER_SOURCE",
    "RIGHTS",
    "AccountEvent",
    "District",
    "EventKind",
    "FactorReset",
    "GrantState",
    "Invitation",
    "Membership",
    "Municipality",
    "MunicipalityQuerySet",
    "Population",
    "RegisterImport",
    "RoleGrant",
    "StaffRole",
    "User",
]
