"""Reading an official register file into the database: first a plan, then all of it or nothing.

What holds for every import:

- **All or nothing.** One broken line in scope, one contradiction, and nothing is written.
- **Figures are added, never overwritten.** The same day and basis with another value is a
  conflict that names both values.
- **Older files never win.** A file from before a record's own territory date changes neither
  its name nor its validity, and creates no municipality the newer register does not have.
  Its figures are welcome.
- **Dissolved** is what an older register had in force and the file no longer has. The file
  only proves that it is gone on its territory date, so the last day is set to the day before:
  the latest possible one. Staff enter the exact day and the successor.
- **New** ones are valid from the file's territory date, for the same reason; in a Land whose
  register was empty they have no known beginning.
- **A changed key** (as when a town becomes kreisfrei) is taken for one only where exactly one
  dissolved and one new record of a Land have the same official name and the same area, and
  the same centre where both are known. Then the new record becomes the successor of the old
  one. Everything else is left to staff: a name alone proves nothing.
- **A key that comes back** after its end is left to staff and named.
"""

from municipalities.services.register.apply import ImportReport, apply_import
from municipalities.services.register.plan import plan_import
from municipalities.services.register.values import (
    Change,
    Conflict,
    Dissolution,
    DistrictChange,
    FieldChange,
    ImportPlan,
    ImportRefused,
    Skipped,
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
