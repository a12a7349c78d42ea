"""The page on which a reviewer asks the applicant for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from applications.forms.desk import InformationForm
from applications.models import Application
from applications.rules import Step
from applications.services import snapshots
from kiv_portal.calendar import deadline

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import User

DAYS: Final = 21
"""The proposal for a date: so many days, moved off weekends and holidays. Staff may change it."""


def form(application: Application, data: Any, at: datetime) -> InformationForm:
    """The form, with what the rules found in each section as its hint."""
    today = timezone.localdate(at)
    return InformationForm(
        data,
        today=today,
        hints=_hints(application),
        initial={"due_on": deadline(today, days=DAYS)},
    )


def _hints(application: Application) -> dict[str, str]:
    last = application.snapshots.last()
    assert last is not None  # a filed application has one
    findings = snapshots.read(last)["findings"]
    said: dict[str, list[str]] = {}
    for finding in findings:
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


def open_request(application: Application, by: User, at: datetime) -> dict[str, Any]:
    """The request that is still open, and whether its date has passed."""
    request = application.information_requests.filter(closed_at__isnull=True).first()
    early = request is not None and request.due_on >= timezone.localdate(at)
    return {"open_request": request, "early": early}
