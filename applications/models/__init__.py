"""From draft to decision: what an application, its records and its letters are made of."""

from applications.models.application import Application, ReceivedAs
from applications.models.calls import CallBudget, FundingCall, NumberRange
from applications.models.checks import CheckItem, CheckResult, ExpenseRuling, Opinion
from applications.models.decisions import (
    Decision,
    DecisionHand,
    DecisionPlanLine,
    DecisionYear,
    Hearing,
)
from applications.models.delivery import CaseEntry, Delivery, RetrievalConsent
from applications.models.deputies import Deputy
from applications.models.documents import Document, ScanState
from applications.models.editing import KeptInput, Presence
from applications.models.letters import Letter, LetterBlock, LetterKind
from applications.models.members import ApplicationMember, Cooperation
from applications.models.notes import CaseMessage, CaseNote, NoteKind, Recusal
from applications.models.parts import (
    Adoption,
    CoverItem,
    Expense,
    Milestone,
    ParticipationFormat,
)
from applications.models.publication import EntryState, PersonConsent, PublicEntry
from applications.models.recordings import Recording, RecordingHand, RecordingRole
from applications.models.records import (
    CaseLogEntry,
    CaseLogPayload,
    InformationRequest,
    RequestItem,
    Revision,
    Snapshot,
)
from applications.models.reminders import CallSubscription, ReminderOff, ReminderSent
from applications.models.retention import ArchiveAnswer, ArchiveOffer, RetentionHold
from applications.models.sheets import FormSheet, SheetKind
from applications.models.team import (
    ApplicationGuest,
    GuestRole,
    SectionComment,
)

__all__ = [
    "Adoption",
    "Application",
    "ApplicationGuest",
    "ApplicationMember",
    "ArchiveAnswer",
    "ArchiveOffer",
    "CallBudget",
    "CallSubscription",
    "CaseEntry",
    "CaseLogEntry",
    "CaseLogPayload",
    "CaseMessage",
    "CaseNote",
    "CheckItem",
    "CheckResult",
    "Cooperation",
    "CoverItem",
    "Decision",
    "DecisionHand",
    "DecisionPlanLine",
    "DecisionYear",
    "Delivery",
    "Deputy",
    "Document",
    "EntryState",
    "Expense",
    "ExpenseRuling",
    "FormSheet",
    "FundingCall",
    "GuestRole",
    "Hearing",
    "InformationRequest",
    "KeptInput",
    "Letter",
    "LetterBlock",
    "LetterKind",
    "Milestone",
    "NoteKind",
    "NumberRange",
    "Opinion",
    "ParticipationFormat",
    "PersonConsent",
    "Presence",
    "PublicEntry",
    "ReceivedAs",
    "Recording",
    "RecordingHand",
    "RecordingRole",
    "Recusal",
    "ReminderOff",
    "ReminderSent",
    "RequestItem",
    "RetentionHold",
    "RetrievalConsent",
    "Revision",
    "ScanState",
    "SectionComment",
    "SheetKind",
    "Snapshot",
]
