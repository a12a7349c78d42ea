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
from django.utils import timezone

from applications import documents, services
from applications.admin import acts, drafts, proposals, requests, standing, words
from applications.admin.addresses import case_address
from applications.admin.checklists import before_moving
from applications.admin.hindrances import (
    CHANGED,
    ON_LETTER,
    SIGNATURES,
    Refused,
    hindrance,
    holds_role,
    proposed_in,
    signs,
)
from applications.admin.refusals import refusals
from applications.forms import desk
from applications.models import Application, Decision, InformationRequest
from applications.workflow import BY_ACTION, TRANSITIONS, Actor, Transition

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse

    from municipalities.models import User

ACTIONS: Final = (
    *(move.action for move in TRANSITIONS if move.actor is not Actor.APPLICANT),
    *acts.NO_MOVES,
)
"""The moves of the desk, each with its own address."""


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


def _signed(form: Any) -> dict[str, Any]:
    return {"seen": form.cleaned_data["proposal"], "sealed": form.cleaned_data["letter"]}


def _return(application: Application, data: Any, at: datetime) -> forms.Form:
    return desk.ReturnForm(data, initial=proposals.seen(application))


def _signature(application: Application, data: Any, at: datetime) -> forms.Form:
    return desk.SignatureForm(data, initial=proposals.seen(application))


def _file_number(application: Application, data: Any, at: datetime) -> forms.Form:
    return desk.FileNumberForm(data, initial={"file_number": application.file_number})


def _begin(application: Application, data: Any, at: datetime) -> forms.Form:
    return desk.BeginForm(data, initial={"file_number": application.file_number})


def _file_number_value(form: Any) -> dict[str, Any]:
    return {"file_number": form.cleaned_data["file_number"]}


SIGN: Final = "admin/applications/move_sign.html"
PROJECT: Final = "admin/applications/move_project.html"
EDIT: Final = "admin/applications/move_edit.html"
HEARING: Final = "admin/applications/move_hearing.html"
PROPOSE: Final = "admin/applications/move_propose.html"


def _giving_back(call: Callable[..., Any]) -> Page:
    return Page(
        call,
        _return,
        lambda form: _seen(form) | _reason_value(form),
        proposals.before_signing,
        SIGN,
    )


def _signing(call: Callable[..., Any]) -> Page:
    return Page(call, _signature, _signed, proposals.before_signing, SIGN)


def _editing(call: Callable[..., Any]) -> Page:
    return Page(call, drafts.edit_form, drafts.edit_values, template=EDIT)


def _word(call: Callable[..., Any]) -> Page:
    return Page(call, drafts.seal_form, drafts.seal_value, proposals.before_signing, SIGN)


def _hearing(call: Callable[..., Any]) -> Page:
    return Page(call, drafts.hearing_form, drafts.hearing_values, template=HEARING)


def _hearing_over(call: Callable[..., Any]) -> Page:
    return Page(call, drafts.answer_form, drafts.answer_values, drafts.running_hearing, HEARING)


PAGES: Final[dict[str, Page]] = {
    # Made on the recording's own page: a case has been confirmed already.
    "confirm_recording": Page(services.confirm_recording),
    "begin_check": Page(services.begin_check, _begin, _file_number_value),
    "set_file_number": Page(services.set_file_number, _file_number, _file_number_value),
    "assign": Page(
        services.assign,
        lambda application, data, at: desk.AssignForm(data, application=application),
        lambda form: {"reviewer": form.cleaned_data["reviewer"]},
    ),
    "add_note": Page(
        services.add_note,
        lambda application, data, at: desk.NoteForm(data, initial={"kind": "note"}),
        lambda form: form.cleaned_data,
        template="admin/applications/move_note.html",
    ),
    "send_message": Page(
        services.send_message,
        lambda application, data, at: desk.MessageForm(data),
        lambda form: {"text": form.cleaned_data["text"]},
        template="admin/applications/move_message.html",
    ),
    "recuse": Page(services.recuse, lambda application, data, at: desk.RecusalForm(data)),
    "lift_recusal": Page(
        services.lift_recusal,
        lambda application, data, at: desk.LiftForm(data, application=application),
        lambda form: form.cleaned_data,
    ),
    "request_information": Page(
        services.request_information,
        requests.form,
        requests.values,
        template="admin/applications/move_request.html",
    ),
    "ask_by_phone": Page(services.ask_by_phone, requests.phone_form, requests.phone_values),
    "extend_request": Page(
        services.extend_request,
        requests.extend_form,
        requests.extend_values,
        requests.open_request,
    ),
    "settle_items": Page(
        services.settle_items,
        requests.settle_form,
        requests.settle_values,
        requests.answered,
        "admin/applications/move_settle.html",
    ),
    "record_answer": Page(
        services.record_answer,
        requests.paper_form,
        requests.paper_values,
        template="admin/applications/move_paper.html",
    ),
    "proceed_without_answer": Page(
        services.proceed_without_answer,
        requests.proceed_form,
        requests.proceed_values,
        requests.open_request,
        "admin/applications/move_proceed.html",
    ),
    "accept_formally": Page(services.accept_formally, context=before_moving),
    "begin_hearing": _hearing(services.begin_hearing),
    "end_hearing": _hearing_over(services.end_hearing),
    "propose": Page(
        services.propose,
        proposals.form,
        lambda form: {"proposal": form.proposal, "seen": form.cleaned_data["version"]},
        proposals.before_proposing,
        PROPOSE,
    ),
    "return_proposal": _giving_back(services.return_proposal),
    "retract_proposal": _giving_back(services.retract_proposal),
    "edit_letter": _editing(services.edit_letter),
    "correct_letter": _editing(services.correct_letter),
    "agree": _word(services.agree),
    "countersign": _word(services.countersign),
    "grant": _signing(services.grant),
    "reject": _signing(services.reject),
    "begin_revocation_hearing": _hearing(services.begin_revocation_hearing),
    "end_revocation_hearing": _hearing_over(services.end_revocation_hearing),
    "propose_change": Page(
        services.propose_change,
        proposals.change_form,
        lambda form: {"proposal": form.proposal},
        proposals.before_changing,
        PROPOSE,
    ),
    "return_change": _giving_back(services.return_change),
    "retract_change": _giving_back(services.retract_change),
    "sign_change": _signing(services.sign_change),
    "revoke": _signing(services.revoke),
    "close": Page(services.close, _reason, _reason_value),
    "publish_project": Page(
        services.publish_project,
        lambda application, data, at: desk.PublishForm(
            data, initial={"mailbox": application.contact_email}
        ),
        lambda form: {"mailbox": form.cleaned_data["mailbox"]},
        proposals.public_view,
        PROJECT,
    ),
    "withdraw_project": Page(
        services.withdraw_project,
        lambda a, data, at: desk.WithdrawProjectForm(data),
        _reason_value,
        proposals.public_view,
        PROJECT,
    ),
}


def move_of(action: str) -> Transition:
    """The move of that name, or what works like one."""
    return acts.NO_MOVES.get(action) or BY_ACTION[action]


@dataclass(frozen=True, slots=True)
class Button:
    """A move on the case page; `reason` says why it is out of reach.

    `effect` tells it in a few words from another that sounds alike.
    """

    href: str
    label: str
    help: str
    reason: str = ""
    primary: bool = False
    action: str = ""
    effect: str = ""


def buttons(
    application: Application, user: User, at: datetime, proposed: Decision | None
) -> list[Button]:
    """The moves that the state allows, those out of this person's reach with the reason.

    Moves of a role the person does not hold are left out. `proposed` is the open proposal.
    """
    found: list[Button] = []
    signature = signs(proposed) if proposed else ""
    for action in ACTIONS:
        move = move_of(action)
        if (
            action in acts.BESIDE
            or not holds_role(user, move)
            or application.state not in move.sources
        ):
            continue
        refused = hindrance(application, user, move, proposed, at)
        if refused and (refused.status is HTTPStatus.CONFLICT or action in ON_LETTER):
            continue
        if refused and action in SIGNATURES and action != signature:
            continue  # nobody signs a grant as a rejection: that button would only mislead
        found.append(
            Button(
                case_address(application, action),
                move.label,
                move.help,
                str(refused) if refused else "",
                action in words.PRIMARY,
                action,
                words.EFFECTS.get(action, ""),
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
        if action in acts.BESIDE:
            acts.check_may_write(application, request.user)
        elif refused := hindrance(application, request.user, move, proposed_in(application), at):
            raise refused
        form = page.form(application, request.POST if request.method == "POST" else None, at)
        form.files = request.FILES
        if action == "add_note" and request.GET.get("art") == "phone":
            form.initial["kind"] = "phone"
        further: dict[str, Any] = {}
        typed = getattr(request, "given_back", None)
        if typed is not None and hasattr(form, "recut"):
            # The years of the period typed before the session was over; the version is today's.
            version = form.initial.get("version")
            form = type(form).recut(page.form(application, typed, at))
            form.initial["version"] = version
        elif getattr(form, "recuts", False):
            form = type(form).recut(form)
        elif request.method == "POST" and form.is_valid():
            try:
                _make(page, application, form, request.user, at)
            except services.ProposalIncomplete as error:
                form.show_faults(error.faults)
            except services.LetterIncomplete as error:
                further["lacking"] = proposals.with_places(application, error.missing)
            except services.PartEmpty as error:
                form.show_empty(error.keys)
            except services.AnswerIncomplete as error:
                form.show_faults(error.faults)
            except services.ArrivedAhead:
                form.add_error("arrived_on", "Dieser Tag liegt in der Zukunft.")
            except services.ArrivedBeforeAsked:
                form.add_error(
                    "arrived_on",
                    "An diesem Tag war noch nicht nachgefordert. Bitte prüfen Sie das Datum.",
                )
            except documents.UploadRefused as error:
                form.add_error("upload", str(error))
            except services.BudgetExceeded as error:
                further["exceeded"] = error.faults
            except services.LetterChanged as error:
                further["changed"] = error.parts
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
            "target": move.leads_to(application.state).label,
            "state_changes": move.leads_to(application.state) is not application.state,
            "case_href": case_address(application),
            "title": move.label,
            "still_open": [],
            "cuts": [],
            "lacking": [],
            "exceeded": [],
            "changed": [],
            **page.context(application, request.user, at),
            **further,
        }
        status = HTTPStatus.OK if not (form.errors or further) else HTTPStatus.UNPROCESSABLE_ENTITY
        return admin.render(request, page.template, context, status=status)
    except Refused as refusal:
        return _refuse(admin, request, application, move, refusal)
    except InformationRequest.DoesNotExist:  # answered since this request read the case
        gone = Refused(HTTPStatus.CONFLICT, CHANGED, "Es ist keine Nachforderung mehr offen.")
        return _refuse(admin, request, application, move, gone)
    except services.LetterIncomplete as error:  # already the page needs the letter
        lacking = Refused(HTTPStatus.CONFLICT, "Für das Schreiben fehlt noch etwas", str(error))
        return _refuse(admin, request, application, move, lacking)
    except Decision.DoesNotExist:  # settled by somebody else since this request read the case
        gone = Refused(HTTPStatus.CONFLICT, CHANGED, "Es liegt kein Vorschlag mehr vor.")
        return _refuse(admin, request, application, move, gone)


def _make(page: Page, application: Application, form: Any, by: User, at: datetime) -> None:
    """The one service call, its refusals as `Refused`."""
    with refusals():
        page.call(application=application, by=by, at=at, **page.values(form))


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
        "turn": standing.of(application, timezone.localdate(request.arrived_at)).turn,
        "case_href": case_address(application),
    }
    return admin.render(request, "admin/applications/refused.html", context, refusal.status)
