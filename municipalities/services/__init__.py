"""What happens to municipalities and their people: the only writers of these records."""

from municipalities.services.register import (
    Change,
    Conflict,
    Dissolution,
    DistrictChange,
    FieldChange,
    ImportPlan,
    ImportRefused,
    ImportReport,
    Skipped,
    apply_import,
    plan_import,
)

__all__ = [
    "Change",
    "Conflict",
    "Dissolution",
    "DistrictChange",
    "FieldChange",
    "ImportPlan",
    "ImportRefused",
    "ImportReport",
    "Skipped",
    "apply_import",
    "plan_import",
]
