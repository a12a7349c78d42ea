"""Register, accounts and memberships at the review desk. Who may is said by the staff roles."""

from municipalities.admin.accounts import AccountEventAdmin, RoleGrantAdmin, UserAdmin
from municipalities.admin.base import DeskBase, DeskInline, DeskModelAdmin, HistoryAdmin
from municipalities.admin.factors import FactorResetAdmin
from municipalities.admin.memberships import InvitationAdmin, MembershipAdmin
from municipalities.admin.register import DistrictAdmin, MunicipalityAdmin, RegisterImportAdmin

__all__ = [
    "AccountEventAdmin",
    "DeskBase",
    "DeskInline",
    "DeskModelAdmin",
    "DistrictAdmin",
    "FactorResetAdmin",
    "HistoryAdmin",
    "InvitationAdmin",
    "MembershipAdmin",
    "MunicipalityAdmin",
    "RegisterImportAdmin",
    "RoleGrantAdmin",
    "UserAdmin",
]
