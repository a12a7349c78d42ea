"""Letters: which parts they need, what they say as plain values, and when they are rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from applications.models import Letter
from applications.services import log
from applications.services.letters.compose import (
    ADDRESSEE,
    FIXED,
    compose,
    compose_plain,
    current,
    data_of,
    differences,
    opening_reasons,
    seal,
)
from applications.services.letters.parts import (
    PARTS_ELSEWHERE,
    LetterIncomplete,
    blocks_for,
    court_of,
    kind_of,
    lead_of,
    missing_for,
    missing_parts,
    require_parts,
)
from applications.services.letters.places import filled
from kiv_portal.outbox import enqueue_job

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models import Decision
    from municipalities.models import User

__all__ = [
    "ADDRESSEE",
    "FIXED",
    "PARTS_ELSEWHERE",
    "LetterIncomplete",
    "blocks_for",
    "compose",
    "compose_plain",
    "court_of",
    "current",
    "data_of",
    "differences",
    "edits_of",
    "kind_of",
    "lead_of",
    "missing_for",
    "missing_parts",
    "opening_reasons",
    "paragraphs_of",
    "render_later",
    "require_parts",
    "seal",
    "write",
]


def paragraphs_of(text: str) -> list[str]:
    """The paragraphs of a text that somebody typed; braces in it are no placeholders."""
    return filled(text, {})


def edits_of(decision: Decision, at: datetime) -> list[dict[str, str]]:
    """What was changed by hand in the decision's letter, beside what the blocks say.

    Empty for a letter made elsewhere, which has no blocks, and one that nobody changed.
    """
    if decision.made_elsewhere or not decision.edits:
        return []
    kept, decision.edits = decision.edits, {}
    plain = compose(decision, by=None, at=at)
    decision.edits = kept
    return differences(plain, compose(decision, by=None, at=at))


def write(decision: Decision, *, by: User, at: datetime) -> Letter:
    """Freeze what the letter says and ask the worker for its PDF. Raises LetterIncomplete.

    A letter made elsewhere is its uploaded file from the start.
    """
    require_parts(decision, at)
    values = compose(decision, by=by, at=at)
    letter = Letter(
        application=decision.application,
        decision=decision,
        kind=kind_of(decision),
        values=values,
        seal=seal(values),
        made_elsewhere=decision.made_elsewhere,
        differences=edits_of(decision, at),
        dated_on=decision.elsewhere_dated_on or timezone.localdate(at),
        created_at=at,
        created_by=by,
    )
    if decision.made_elsewhere:
        letter.file = decision.elsewhere_file.name
        letter.sha256 = decision.elsewhere_sha256
        letter.save()
        log.record(
            decision.application,
            "letter_uploaded",
            by=by,
            at=at,
            letter=str(letter.pk),
            kind=letter.kind,
            sha256=letter.sha256,
        )
        return letter
    letter.save()
    render_later(letter, at)
    return letter


def render_later(letter: Letter, at: datetime) -> None:
    """Ask the worker for the letter's PDF, in the transaction that wrote it."""
    enqueue_job(kind="letter_pdf", argument=str(letter.pk), key=f"letter_pdf:{letter.pk}", at=at)
