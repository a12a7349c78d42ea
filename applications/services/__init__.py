"""What happens: every move of an application, one call each.

A service takes `by=` and `at=`, locks, checks, writes, logs, and queues mail and rendering in
the same transaction. Anything a page does, a command or a test can do with the same call.
"""

from applications.services.autosave import Autosaved, save_typed
from applications.services.calls import (
    AlreadyOpen,
    CallIncomplete,
    NotAnExtension,
    extend_call,
    missing_for_opening,
    open_call,
)
from applications.services.checks import confirmation_key, findings_of, plan_of, to_confirm
from applications.services.decisions import (
    FourEyes,
    OtherKind,
    Proposal,
    ProposalChanged,
    ProposalIncomplete,
    RoundMissing,
    grant,
    propose,
    reject,
    retract_proposal,
    return_proposal,
)
from applications.services.drafts import (
    CallNotOpen,
    Conflict,
    EditConflict,
    NotAllowed,
    NotEditable,
    PartnerTaken,
    RowNotFound,
    editable_steps,
    read_step,
    save_step,
    start,
)
from applications.services.letters import LetterIncomplete, missing_parts
from applications.services.moves import ReasonMissing, WrongState
from applications.services.publication import publish_project, withdraw_project
from applications.services.review import (
    DueDateTooEarly,
    NothingRequested,
    accept_formally,
    begin_check,
    close,
    proceed_without_answer,
    request_information,
    set_file_number,
)
from applications.services.submission import (
    AlreadySubmitted,
    NotConfirmed,
    NotSubmittable,
    answer,
    submit,
    withdraw,
)
from applications.services.uploads import (
    DocumentGone,
    Received,
    TooManyDocuments,
    add_document,
    add_documents,
    remove_document,
    replace_document,
)
from applications.services.years import move_rows

__all__ = [
    "AlreadyOpen",
    "AlreadySubmitted",
    "Autosaved",
    "CallIncomplete",
    "CallNotOpen",
    "Conflict",
    "DocumentGone",
    "DueDateTooEarly",
    "EditConflict",
    "FourEyes",
    "LetterIncomplete",
    "NotAllowed",
    "NotAnExtension",
    "NotConfirmed",
    "NotEditable",
    "NotSubmittable",
    "NothingRequested",
    "OtherKind",
    "PartnerTaken",
    "Proposal",
    "ProposalChanged",
    "ProposalIncomplete",
    "ReasonMissing",
    "Received",
    "RoundMissing",
    "RowNotFound",
    "TooManyDocuments",
    "WrongState",
    "accept_formally",
    "add_document",
    "add_documents",
    "answer",
    "begin_check",
    "close",
    "confirmation_key",
    "editable_steps",
    "extend_call",
    "findings_of",
    "grant",
    "missing_for_opening",
    "missing_parts",
    "move_rows",
    "open_call",
    "plan_of",
    "proceed_without_answer",
    "propose",
    "publish_project",
    "read_step",
    "reject",
    "remove_document",
    "replace_document",
    "request_information",
    "retract_proposal",
    "return_proposal",
    "save_step",
    "save_typed",
    "set_file_number",
    "start",
    "submit",
    "to_confirm",
    "withdraw",
    "withdraw_project",
]
