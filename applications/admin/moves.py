"""The moves of a case: for each a page that says what happens, and one service call.

Which moves there are, and from which state, comes from `workflow.TRANSITIONS`; entering the
Geschäftszeichen is no move of the workflow but works alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponseRedirect

from applications import permissions, services
from applications.admin import proposals, requests, words
from applications.admin.addresses import case_address
from applications.forms import desk
from applications.models import Application, Decision
from applications.models.decisions import DecisionKind, DecisionState
from applications.workflow import BY_ACTION, TRANSITIONS, Actor, Status, Transition
from municipalities.permissions import may_review, may_sign_decisions
from projects.services import AlreadyPublished, NotPublished

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse

    from municipalities.models import User

SET_FILE_NUMBER: Final = Transition(
    "set_file_number",
    "Geschäftszeichen eintragen",
    tuple(status for status in Status if status is not Status.DRAFT),
    Status.DRAFT,  # not used: the state stays
    Actor.REVIEWER,
    help="Das Geschäftszeichen aus der Aktenführung der Behörde steht auf jedem Schreiben.",
)

ACTIONS: Final = (
    *(move.action for move in TRANSITIONS if move.actor is not Actor.APPLICANT),
    SET_FILE_NUMBER.action,
)
"""The moves of the desk, each with its own address."""

CHANGED: Final = "Der Stand hat sich inzwischen geändert"
NOT_YOURS: Final = "Diese Handlung steht Ihrem Konto nicht zu"
FOUR_EYES: Final = (
    "Sie haben an diesem Vorschlag mitgeschrieben. Wer geschrieben hat, kann nicht zeichnen "
    "(Vier-Augen-Prinzip)."
)


class Refused(Exception):
    """The move is not possible: HTTP status, heading and reason for the page that says so."""

    def __init__(self, status: HTTPStatus, title: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.title, self.reason = status, title, reason


@dataclass(frozen=True, slots=True)
class Page:
    """What belongs to a move besides the table: its form, its call, its page."""

    call: Callable[..., Any]
    form: Callable[[Application, Any, datetime], forms.Form] = lambda a, data, at: desk.PlainForm(
        data
    )
    values: Callable[[Any], dict[str, Any]] = lambda form: {}
    context: Callable[[Application, User, datetime], dict[str, Any]] = lambda a, by, at: {}
    template: str = "admin/applications/move.html"


def _reason(application: Application, data: Any, at: datetime) -> forms.Form:
    return desk.ReasonForm(data)


def _reason_value(form: Any) -> dict[str, Any]:
    return {"reason": form.cleaned_data["reason"]}


def _seen(form: Any) -> dict[str, Any]:
    return {"seen": form.cleaned_data["proposal"]}


def _file_number(application: Application, data: Any, at: datetime) -> forms.Form:
    return desk.FileNumberForm(data, initial={"file_number": application.file_number})


SIGN: Final = "admin/applications/move_sign.html"
PROJECT: Final = "admin/applications/move_project.html"

PAGES: Final[dict[str, Page]] = {
    "begin_check": Page(services.begin_check),
    "set_file_number": Page(
        services.set_file_number,
        _file_number,
        lambda form: {"file_number": form.cleaned_data["file_number"]},
    ),
    "request_information": Page(
        services.request_information,
        requests.form,
        requests.values,
        template="admin/applications/move_request.html",
    ),
    "proceed_without_answer": Page(
        services.proceed_without_answer,
        _reason,
        _reason_value,
        requests.open_request,
        "admin/applications/move_proceed.html",
    ),
    "accept_formally": Page(services.accept_formally),
    "propose": Page(
        services.propose,
        proposals.form,
        lambda form: {"proposal": form.proposal},
        proposals.before_proposing,
        "admin/applications/move_propose.html",
    ),
    "return_proposal": Page(
        services.return_proposal,
        lambda a, data, at: desk.ReturnForm(data, initial=proposals.number(a)),
        lambda form: _seen(form) | _reason_value(form),
        proposals.before_signing,
        SIGN,
    ),
    "retract_proposal": Page(
        services.retract_proposal,
        lambda a, data, at: desk.ReturnForm(data, initial=proposals.number(a)),
        lambda form: _seen(form) | _reason_value(form),
        proposals.before_signing,
        SIGN,
    ),
    "grant": Page(
        services.grant,
        lambda a, data, at: desk.SignatureForm(data, initial=proposals.number(a)),
        _seen,
        proposals.before_signing,
        SIGN,
    ),
    "reject": Page(
        services.reject,
        lambda a, data, at: desk.SignatureForm(data, initial=proposals.number(a)),
        _seen,
        proposals.before_signing,
        SIGN,
    ),
    "close": Page(services.close, _reason, _reason_value),
    "publish_project": Page(
        services.publish_project, context=proposals.public_view, template=PROJECT
    ),
    "withdraw_project": Page(
        services.withdraw_project, _reason, _reason_value, proposals.public_view, PROJECT
    ),
}


def move_of(action: str) -> Transition:
    """The move of that name, or the entry of the Geschäftszeichen."""
    return BY_ACTION.get(action, SET_FILE_NUMBER)


def holds_role(user: User, move: Transition) -> bool:
    """Whether the person has the role that makes this move at all."""
    if move.actor is Actor.SIGNER:
        return may_sign_decisions(user)
    return move.actor is Actor.REVIEWER and may_review(user)


def hindrance(application: Application, user: User, move: Transition) -> Refused | None:
    """Why this person cannot make this move now; None if they can. Role, state, four eyes."""
    if not holds_role(user, move):
        return Refused(
            HTTPStatus.FORBIDDEN,
            NOT_YOURS,
            f"„{move.label}“ ist der Rolle „{move.actor.label}“ vorbehalten."
            if move.actor is Actor.SIGNER
            else f"„{move.label}“ ist der Sachbearbeitung vorbehalten (Rolle „Prüfung“).",
        )
    if application.state not in move.sources:
        return Refused(
            HTTPStatus.CONFLICT,
            CHANGED,
            f"„{move.label}“ ist im Stand „{application.state.label}“ nicht möglich.",
        )
    if move.actor is Actor.SIGNER:
        if not permissions.may_sign_decision(user, application):
            return Refused(HTTPStatus.FORBIDDEN, NOT_YOURS, FOUR_EYES)
        kind = application.decisions.get(state=DecisionState.PROPOSED).kind
        if move.action in ("grant", "reject") and move.action != _signs(kind):
            return _other_kind(DecisionKind(kind).label)
    project = application.project
    if move.action == "publish_project" and project and project.is_public:
        return Refused(HTTPStatus.CONFLICT, CHANGED, "Das Projekt ist schon veröffentlicht.")
    if move.action == "withdraw_project" and project and not project.is_public:
        return Refused(
            HTTPStatus.CONFLICT, CHANGED, "Das Projekt steht nicht im öffentlichen Verzeichnis."
        )
    return None


def _signs(kind: str) -> str:
    return "grant" if kind == DecisionKind.GRANT else "reject"


def _other_kind(label: str) -> Refused:
    return Refused(HTTPStatus.CONFLICT, CHANGED, f"Vorgeschlagen ist eine {label}, nichts anderes.")


@dataclass(frozen=True, slots=True)
class Button:
    """A move on the case page; `reason` says why it is out of reach."""

    href: str
    label: str
    help: str
    reason: str = ""
    primary: bool = False


PRIMARY: Final = {"begin_check", "accept_formally", "propose", "grant", "reject", "publish_project"}


def buttons(application: Application, user: User) -> list[Button]:
    """The moves that the state allows, those out of this person's reach with the reason.

    Moves of a role the person does not hold are left out.
    """
    found: list[Button] = []
    others = set[str]()  # nobody signs a grant as a rejection: that button would only mislead
    if application.state is Status.PROPOSED:
        open_ones = application.decisions.filter(state=DecisionState.PROPOSED)
        others = {"grant", "reject"} - {_signs(d.kind) for d in open_ones}
    for action in ACTIONS:
        move = move_of(action)
        if not holds_role(user, move) or application.state not in move.sources:
            continue
        if action in others:
            continue
        refused = hindrance(application, user, move)
        if refused and refused.status is HTTPStatus.CONFLICT:
            continue
        found.append(
            Button(
                case_address(application, action),
                move.label,
                move.help,
                str(refused) if refused else "",
                action in PRIMARY,
            )
        )
    return found


def respond(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application, action: str
) -> HttpResponse:
    """The page of a move (GET), or the move itself (POST): one service call, then the case."""
    move, page = move_of(action), PAGES[action]
    at = request.arrived_at
    try:
        if refused := hindrance(application, request.user, move):
            raise refused
        form = page.form(application, request.POST if request.method == "POST" else None, at)
        further: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            try:
                _make(page, application, form, request.user, at)
            except services.ProposalIncomplete as error:
                form.show_faults(error.faults)
            except services.LetterIncomplete as error:
                further["lacking"] = proposals.with_places(application, error.missing)
            except services.RoundMissing:
                further["lacking"] = proposals.with_places(
                    application, ["Förderrunde im Förderaufruf"]
                )
            else:
                messages.success(request, words.DONE[action])
                return HttpResponseRedirect(case_address(application))
        context = {
            "application": application,
            "move": move,
            "form": form,
            "target": "" if move is SET_FILE_NUMBER else move.target.label,
            "state_changes": move is not SET_FILE_NUMBER and move.target != application.state,
            "case_href": case_address(application),
            "title": move.label,
            "lacking": [],
            **page.context(application, request.user, at),
            **further,
        }
        status = HTTPStatus.OK if not (form.errors or further) else HTTPStatus.UNPROCESSABLE_ENTITY
        return admin.render(request, page.template, context, status=status)
    except Refused as refusal:
        return _refuse(admin, request, application, move, refusal)
    except Decision.DoesNotExist:  # settled by somebody else since this request read the case
        gone = Refused(HTTPStatus.CONFLICT, CHANGED, "Es liegt kein Vorschlag mehr vor.")
        return _refuse(admin, request, application, move, gone)


def _make(page: Page, application: Application, form: Any, by: User, at: datetime) -> None:
    """The one service call, its refusals as `Refused`.

    ReasonMissing, NothingRequested and DueDateTooEarly cannot come: the form asks for the same.
    """
    try:
        page.call(application=application, by=by, at=at, **page.values(form))
    except services.NotAllowed as error:
        raise Refused(
            HTTPStatus.FORBIDDEN, NOT_YOURS, "Ihr Konto darf diese Handlung nicht vornehmen."
        ) from error
    except services.FourEyes as error:
        raise Refused(HTTPStatus.FORBIDDEN, NOT_YOURS, FOUR_EYES) from error
    except services.WrongState as error:
        raise Refused(HTTPStatus.CONFLICT, CHANGED, str(error)) from error
    except services.PartnerTaken as error:
        raise Refused(
            HTTPStatus.CONFLICT,
            "Eine Partnerkommune ist inzwischen anderswo beteiligt",
            "Die eingereichte Fassung lässt sich deshalb nicht wiederherstellen. Bitte klären Sie "
            "mit der Kommune, wer am Antrag beteiligt ist.",
        ) from error
    except services.ProposalChanged as error:
        raise Refused(
            HTTPStatus.CONFLICT,
            CHANGED,
            "Es liegt inzwischen ein anderer Vorschlag vor als der, den Sie gelesen haben.",
        ) from error
    except services.OtherKind as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Vorgeschlagen ist eine Entscheidung anderer Art."
        ) from error
    except AlreadyPublished as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Das Projekt ist schon veröffentlicht."
        ) from error
    except NotPublished as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Das Projekt steht nicht im öffentlichen Verzeichnis."
        ) from error


def _refuse(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    application: Application,
    move: Transition,
    refusal: Refused,
) -> HttpResponse:
    application.refresh_from_db(fields=["status"])
    context = {
        "application": application,
        "move": move,
        "title": refusal.title,
        "reason": refusal.reason,
        "state": application.state.label,
        "turn": words.turn_label(application.state),
        "case_href": case_address(application),
    }
    return admin.render(request, "admin/applications/refused.html", context, refusal.status)
