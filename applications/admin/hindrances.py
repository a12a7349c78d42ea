"""Why a person cannot make a move now: role, state, four eyes, what is open and what is not."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone

from applications import permissions
from applications.models import Delivery, Letter
from applications.models.decisions import (
    FIRST_KINDS,
    DecisionKind,
    DecisionState,
    HandRole,
    HearingSubject,
)
from applications.services import answered_request
from applications.services.decisions.drafting import wrote_before_correction
from applications.services.delivery import told_state
from applications.workflow import Actor, Status, Transition
from municipalities.permissions import may_review, may_sign_decisions

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models import Application, Decision
    from municipalities.models import User

CHANGED: Final = "Der Stand hat sich inzwischen geändert"
NOT_YOURS: Final = "Diese Handlung steht Ihrem Konto nicht zu"
FOUR_EYES: Final = (
    "Sie haben an diesem Vorschlag mitgeschrieben. Wer geschrieben hat, kann nicht zeichnen "
    "(Vier-Augen-Prinzip)."
)
ONLY_WRITERS: Final = (
    "Einverstanden erklären kann sich nur, wer vorher mitgeschrieben und nicht selbst korrigiert "
    "hat, oder wer diese Person vertritt."
)
OTHER_HAND: Final = "Sie haben an diesem Vorschlag schon auf andere Weise mitgewirkt."
RECUSED: Final = (
    "Sie haben sich in diesem Fall für befangen erklärt. Wer befangen ist, schreibt und zeichnet "
    "hier nicht (§§ 20, 21 HVwVfG)."
)
NO_PROPOSAL: Final = "Es liegt kein Vorschlag mehr vor."

SIGNATURES: Final = {"grant", "reject", "sign_change", "revoke"}
ON_LETTER: Final = {"edit_letter", "correct_letter", "agree", "countersign"}
ON_FIRST: Final = {"return_proposal", "retract_proposal"}
ON_CHANGE: Final = {"return_change", "retract_change"}


class Refused(Exception):
    """The move is not possible: HTTP status, heading and reason for the page that says so."""

    def __init__(self, status: HTTPStatus, title: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.title, self.reason = status, title, reason


def holds_role(user: User, move: Transition) -> bool:
    """Whether the person has the role that makes this move at all."""
    if move.actor is Actor.SIGNER:
        return may_sign_decisions(user)
    return move.actor is Actor.REVIEWER and may_review(user)


def proposed_in(application: Application) -> Decision | None:
    """The open proposal with its hands, or None."""
    found = application.decisions.filter(state=DecisionState.PROPOSED).prefetch_related("hands")
    return found.first()


def hindrance(
    application: Application,
    user: User,
    move: Transition,
    proposed: Decision | None,
    at: datetime,
) -> Refused | None:
    """Why this person cannot make this move now; None if they can. Role, state, four eyes.

    `proposed` is the case's open proposal (`proposed_in`).
    """
    if not holds_role(user, move):
        return Refused(
            HTTPStatus.FORBIDDEN,
            NOT_YOURS,
            f"„{move.label}“ ist der Rolle „{move.actor.label}“ vorbehalten."
            if move.actor is Actor.SIGNER
            else f"„{move.label}“ ist der Sachbearbeitung vorbehalten (Rolle „Prüfung“).",
        )
    if permissions.is_recused(user, application):
        return Refused(HTTPStatus.FORBIDDEN, NOT_YOURS, RECUSED)
    if application.state not in move.sources:
        return _conflict(f"„{move.label}“ ist im Stand „{application.state.label}“ nicht möglich.")
    return (
        _of_request(application, move)
        or _of_hearing(application, move)
        or _of_proposal(application, user, move, proposed, at)
        or _of_project(application, move, at)
    )


def _conflict(reason: str) -> Refused:
    return Refused(HTTPStatus.CONFLICT, CHANGED, reason)


def _forbidden(reason: str) -> Refused:
    return Refused(HTTPStatus.FORBIDDEN, NOT_YOURS, reason)


def _of_request(application: Application, move: Transition) -> Refused | None:
    if move.action == "settle_items" and answered_request(application) is None:
        return _conflict("Es liegt keine Antwort auf eine Nachforderung vor.")
    return None


def _of_hearing(application: Application, move: Transition) -> Refused | None:
    if move.action not in {"begin_revocation_hearing", "end_revocation_hearing"}:
        return None
    running = any(
        hearing.closed_at is None and hearing.subject == HearingSubject.REVOCATION
        for hearing in application.hearings.all()
    )
    if move.action == "begin_revocation_hearing" and running:
        return _conflict("Es läuft schon eine Anhörung.")
    if move.action == "end_revocation_hearing" and not running:
        return _conflict("Es läuft keine Anhörung.")
    return None


def _of_proposal(
    application: Application,
    user: User,
    move: Transition,
    proposed: Decision | None,
    at: datetime,
) -> Refused | None:
    action = move.action
    if action == "set_file_number":
        return (
            _conflict(
                "Auf dem vorgeschlagenen Schreiben steht das Geschäftszeichen. Es lässt sich erst "
                "wieder ändern, wenn der Vorschlag gezeichnet, zurückgegeben oder zurückgeholt ist."
            )
            if proposed
            else None
        )
    if action == "propose_change":
        return _conflict("Es liegt schon ein Vorschlag vor.") if proposed else None
    if action not in SIGNATURES | ON_LETTER | ON_FIRST | ON_CHANGE:
        return None
    if proposed is None:
        return _conflict(NO_PROPOSAL)
    if move.actor is Actor.SIGNER:  # a writer learns that first, whatever else is the matter
        return _of_hands(application, proposed, user, move, at) or _of_kind(proposed, action)
    return _of_kind(proposed, action) or _of_hands(application, proposed, user, move, at)


def _of_kind(proposed: Decision, action: str) -> Refused | None:
    first = proposed.kind in FIRST_KINDS
    if action in ON_CHANGE and first:
        return _conflict(NO_PROPOSAL)
    if action in SIGNATURES and action != signs(proposed):
        return other_kind(DecisionKind(proposed.kind).label)
    if action in {"edit_letter", "correct_letter"} and proposed.made_elsewhere:
        return _conflict("Das Schreiben ist außerhalb des Portals entstanden.")
    if action == "agree" and not proposed.awaits_consent:
        return _conflict("Es gibt keine Korrektur, die auf ein Einverständnis wartet.")
    if action in SIGNATURES and proposed.awaits_consent:
        return _conflict(
            "Das Schreiben wurde korrigiert. Zuerst muss einverstanden sein, wer es "
            "vorgeschlagen hat."
        )
    return None


def _of_hands(
    application: Application, proposed: Decision, user: User, move: Transition, at: datetime
) -> Refused | None:
    if move.action == "correct_letter":
        if not permissions.may_correct_letter(user, application):
            return _forbidden(OTHER_HAND)
        return None
    if move.actor is Actor.SIGNER:
        if not permissions.may_sign_decision(user, application):
            return _forbidden(FOUR_EYES)
        return None
    roles = {hand.role for hand in proposed.hands.all() if hand.user_id == user.pk}
    if move.action == "agree":
        mine = {user.pk, *permissions.stood_in_for(user, on=timezone.localdate(at))}
        if not wrote_before_correction(proposed, mine) or proposed.corrected_by_id == user.pk:
            return _forbidden(ONLY_WRITERS)
        if roles - {HandRole.WROTE}:
            return _forbidden(OTHER_HAND)
    if move.action == "edit_letter" and roles - {HandRole.WROTE}:
        return _forbidden(OTHER_HAND)
    if move.action == "countersign" and roles - {HandRole.COUNTERSIGNED}:
        return _forbidden(OTHER_HAND)
    return None


def _of_project(application: Application, move: Transition, at: datetime) -> Refused | None:
    project = application.project
    if move.action == "publish_project" and project and project.is_public:
        return _conflict("Das Projekt ist schon veröffentlicht.")
    if move.action == "publish_project" and not is_told(application, at):
        return _conflict(
            "Der Bescheid ist noch nicht bekannt gegeben. Öffentlich wird das Projekt erst, wenn "
            "die Kommune von der Bewilligung weiß."
        )
    if move.action == "withdraw_project" and project and not project.is_public:
        return _conflict("Das Projekt steht nicht im öffentlichen Verzeichnis.")
    return None


def is_told(application: Application, at: datetime) -> bool:
    """Whether the applicant knows by then that the case is granted."""
    return told_state(with_letters(application), at) is Status.GRANTED


def with_letters(application: Application) -> Application:
    """The case with its letters and their deliveries, read once for a page."""
    letters = Letter.objects.select_related("created_by", "hearing", "request")
    sent = Prefetch("letters__deliveries", Delivery.objects.with_notice())
    prefetch_related_objects([application], Prefetch("letters", letters), sent)
    return application


def signs(decision: Decision) -> str:
    """The move that signs a proposal of this kind."""
    if decision.kind == DecisionKind.GRANT:
        return "grant"
    if decision.kind == DecisionKind.REJECTION:
        return "reject"
    whole = decision.kind == DecisionKind.REVOCATION and not decision.amount
    return "revoke" if whole and decision.application.state is Status.GRANTED else "sign_change"


def other_kind(label: str) -> Refused:
    """The proposal is of another kind than the move signs."""
    return _conflict(f"Vorgeschlagen ist eine {label}, nichts anderes.")
