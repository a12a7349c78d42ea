"""Tables that staff read in: projects and contacts, planned first, then all of it or nothing.

A table changes what staff may change by hand, and nothing else: it publishes nothing, withdraws
nothing and deletes nothing; what came from an application changes through its case alone.
"""

from __future__ import annotations

from projects.services.tables.contacts import apply_contacts, plan_contacts
from projects.services.tables.plans import Fault, Row, TablePlan, TableRefused
from projects.services.tables.projects import apply_projects, plan_projects

__all__ = [
    "Fault",
    "Row",
    "TablePlan",
    "TableRefused",
    "apply_contacts",
    "apply_projects",
    "plan_contacts",
    "plan_projects",
]
