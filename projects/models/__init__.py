"""What is funded, and what the public sees of it."""

from projects.models.changes import (
    ChangeKind,
    ChangeSubject,
    DirectoryChange,
    DirectoryVersion,
    DirectoryVersionQuerySet,
)
from projects.models.contacts import Contact, ContactQuerySet, _nonce
from projects.models.records import (
    RESERVED_SLUGS,
    AmountClass,
    DocumentKind,
    FundingRound,
    Project,
    ProjectDocument,
    ProjectMember,
    ProjectQuerySet,
    pdf_only,
)

__all__ = [
    "RESERVED_SLUGS",
    "AmountClass",
    "ChangeKind",
    "ChangeSubject",
    "Contact",
    "ContactQuerySet",
    "DirectoryChange",
    "DirectoryVersion",
    "DirectoryVersionQuerySet",
    "DocumentKind",
    "FundingRound",
    "Project",
    "ProjectDocument",
    "ProjectMember",
    "ProjectQuerySet",
    "_nonce",
    "pdf_only",
]
