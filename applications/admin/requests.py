"""The pages on which a reviewer asks for what is missing, and ticks off what has come."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from applications import services
from applications.admin.addresses import case_address
from applications.forms.desk_requests import (
    ExtendForm,
    InformationForm,
    PaperForm,
    PhoneForm,
    ProceedForm,
    SettleForm,
)
from applications.models import Application
from applications.rules import Step
from applications.services import snapshots, unlocking
from kiv_portal.calendar import deadline

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models import InformationRequest
    from municipalities.models import User

DAYS: Final = 21
"""The proposal for a date: so many days, moved off weekends and holidays. Staff may change it."""


def form(application: Application, data: Any, at: datetime) -> InformationForm:
    """The form, with what the rules found in each section as its hint.

    What the last answer left open is filled in: asking again is one click.
    """
    today = timezone.localdate(at)
    content = _last(application)
    last = services.answered_request(application)
    return InformationForm(
        data,
        today=today,
        targets=unlocking.targets_in(content),
        hints=_hints(content),
        again=_open_items(last) if last else (),
        initial={"due_on": deadline(today, days=DAYS)},
    )


def _last(application: Application) -> dict[str, Any]:
    last = application.snapshots.order_by("number").last()
    assert last is not None  # a filed application has one
    return snapshots.read(last)


def _open_items(request: InformationRequest) -> list[Any]:
    """What was not ticked off, once a person has looked at the answer at all."""
    items = list(request.items.all())
    open_items = [item for item in items if item.settled_at is None]
    return open_items if len(open_items) < len(items) else []


def _hints(content: dict[str, Any]) -> dict[str, str]:
    said: dict[str, list[str]] = {}
    for finding in content["findings"]:
        said.setdefault(finding["step"], []).append(finding["message"])
    return {
        step: "Prüfhinweise: " + " ".join(messages)
        for step, messages in said.items()
        if step in list(Step)
    }


def values(form: InformationForm) -> dict[str, Any]:
    """What the form holds, as the service takes it."""
    return {
        "items": form.items,
        "due_on": form.cleaned_data["due_on"],
        "message": form.cleaned_data["message"],
    }


def phone_form(application: Application, data: Any, at: datetime) -> PhoneForm:
    """The form for a Rückfrage by telephone."""
    today = timezone.localdate(at)
    return PhoneForm(
        data,
        today=today,
        targets=unlocking.targets_in(_last(application)),
        initial={"due_on": deadline(today, days=DAYS)},
    )


def phone_values(form: PhoneForm) -> dict[str, Any]:
    """What the form holds, as the service takes it."""
    return {
        "item": form.item,
        "note": form.cleaned_data["note"],
        "due_on": form.cleaned_data["due_on"],
    }


def _running(application: Application) -> InformationRequest:
    return application.information_requests.get(closed_at__isnull=True)


def extend_form(application: Application, data: Any, at: datetime) -> ExtendForm:
    """The form for a later date."""
    request = _running(application)
    return ExtendForm(
        data,
        today=timezone.localdate(at),
        before=request.due_on,
        initial={"request": request.number},
    )


def extend_values(form: ExtendForm) -> dict[str, Any]:
    """What the form holds, as the service takes it."""
    typed = form.cleaned_data
    return {"due_on": typed["due_on"], "reason": typed["reason"], "seen": typed["request"]}


def proceed_form(application: Application, data: Any, at: datetime) -> ProceedForm:
    """Going on without an answer to the very request on the page."""
    return ProceedForm(data, initial={"request": _running(application).number})


def proceed_values(form: ProceedForm) -> dict[str, Any]:
    """What the form holds, as the service takes it."""
    return {"reason": form.cleaned_data["reason"], "seen": form.cleaned_data["request"]}


def settle_form(application: Application, data: Any, at: datetime) -> SettleForm:
    """The points of the answered request."""
    request = services.answered_request(application)
    return SettleForm(data, items=request.items.all() if request else ())


def settle_values(form: SettleForm) -> dict[str, Any]:
    """What the form holds, as the service takes it."""
    return {"settled": {uuid.UUID(key) for key in form.cleaned_data["settled"]}}


def paper_form(application: Application, data: Any, at: datetime) -> PaperForm:
    """The points of the open request, and what came on paper."""
    request = _running(application)
    return PaperForm(data, items=request.items.all(), initial={"request": request.number})


def paper_values(form: PaperForm) -> dict[str, Any]:
    """What the form holds, as the service takes it."""
    typed = form.cleaned_data
    return {
        "upload": typed["upload"],
        "received_as": typed["received_as"],
        "arrived_on": typed["arrived_on"],
        "settled": {uuid.UUID(key) for key in typed["settled"]},
        "seen": typed["request"],
    }


def answered(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """Where the answer is compared with what was filed before."""
    return {"compare_href": case_address(application, "compare")}


def open_request(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """The request that is still open, and whether its date has passed."""
    request = application.information_requests.filter(closed_at__isnull=True).first()
    early = request is not None and request.due_on >= timezone.localdate(at)
    return {"open_request": request, "early": early}
