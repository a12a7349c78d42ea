"""Pages on the letter before it is signed, and on hearings: their forms and what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from applications.forms import desk_letters
from applications.models.decisions import DecisionState, HearingSubject
from applications.services import letters
from kiv_portal.calendar import deadline

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models import Application, Decision
    from municipalities.models import User

HEARING_DAYS = 28
"""How long a hearing runs, as the form proposes it."""


def _open(application: Application) -> Decision:
    return (
        application.decisions.filter(state=DecisionState.PROPOSED)
        .select_related("application__call", "previous", "corrected_by")
        .prefetch_related("years", "plan")
        .get()
    )


def parts_of(decision: Decision, at: datetime) -> list[tuple[str, str, str, str]]:
    """Each part that can be edited: key, heading, what the blocks say today, what stands now."""
    kept, decision.edits = decision.edits, {}
    plain = letters.compose(decision, by=None, at=at)
    decision.edits = kept
    now = letters.compose(decision, by=None, at=at)
    parts = [
        (
            letters.ADDRESSEE,
            "Anschrift",
            "\n".join(plain["addressee_lines"]),
            "\n".join(now["addressee_lines"]),
        )
    ]
    for before, after in zip(plain["sections"], now["sections"], strict=True):
        if before["key"] not in letters.FIXED:
            parts.append(
                (
                    before["key"],
                    before["heading"],
                    "\n\n".join(before["paragraphs"]),
                    "\n\n".join(after["paragraphs"]),
                )
            )
    return parts


def edit_form(application: Application, data: Any, at: datetime) -> desk_letters.LetterEditForm:
    """The parts of the letter as they stand."""
    decision = _open(application)
    if lacking := letters.missing_parts(decision, at):
        raise letters.LetterIncomplete(lacking)
    return desk_letters.LetterEditForm(
        data, parts=parts_of(decision, at), initial={"letter": decision.draft_sha256}
    )


def edit_values(form: Any) -> dict[str, Any]:
    return {"edits": form.edits, "seen": form.cleaned_data["letter"]}


def seal_form(application: Application, data: Any, at: datetime) -> desk_letters.SealForm:
    """A word on the draft as it stands."""
    return desk_letters.SealForm(data, initial={"letter": _open(application).draft_sha256})


def seal_value(form: Any) -> dict[str, Any]:
    return {"seen": form.cleaned_data["letter"]}


def hearing_form(application: Application, data: Any, at: datetime) -> desk_letters.HearingForm:
    """Four weeks from today, moved off weekends and holidays."""
    today = timezone.localdate(at)
    initial = {
        "due_on": deadline(today, days=HEARING_DAYS),
        "made": "elsewhere" if application.call.letters_elsewhere else "here",
    }
    return desk_letters.HearingForm(data, today=today, initial=initial)


def hearing_values(form: Any) -> dict[str, Any]:
    return {
        "text": form.cleaned_data["text"],
        "due_on": form.cleaned_data["due_on"],
        "elsewhere": form.elsewhere,
    }


def answer_form(application: Application, data: Any, at: datetime) -> Any:
    """What the municipality said, or nothing."""
    return desk_letters.HearingAnswerForm(data)


def answer_values(form: Any) -> dict[str, Any]:
    return {
        "answer": form.cleaned_data["answer"],
        "answered_on": form.cleaned_data["answered_on"],
    }


def running_hearing(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """The hearing that is running, for the page that ends it."""
    hearing = application.hearings.filter(closed_at__isnull=True).first()
    over = hearing is not None and timezone.localdate(at) > hearing.due_on
    return {"hearing": hearing, "over": over}


SUBJECTS = {
    "begin_hearing": HearingSubject.REJECTION,
    "begin_revocation_hearing": HearingSubject.REVOCATION,
}
