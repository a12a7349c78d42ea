"""The review desk's pages for applications, funding calls and the texts of letters."""

from applications.admin.calls import FundingCallAdmin
from applications.admin.cases import ApplicationAdmin
from applications.admin.letters import LetterBlockAdmin
from applications.admin.retention import ArchiveOfferAdmin, RetentionHoldAdmin

__all__ = [
    "ApplicationAdmin",
    "ArchiveOfferAdmin",
    "FundingCallAdmin",
    "LetterBlockAdmin",
    "RetentionHoldAdmin",
]
