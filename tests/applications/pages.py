"""Pages of the applicant as a browser uses them: signed in, with all that a form sends."""

from __future__ import annotations

from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils.html import strip_tags

from applications.forms.steps import FORMS, Sheet, StepForm
from applications.models import Application
from applications.rules import Period, Step, years_of
from applications.services import read_step
from municipalities.models import User
from tests.factories import NOW


def signed_in(user: User) -> Client:
    """A browser of this person."""
    client = Client()
    client.force_login(user)
    return client


def sheet(application: Application, step: Step, **changes: Any) -> Sheet:
    """What the form of a step knows of its application."""
    members = application.members.select_related("municipality")
    values: dict[str, Any] = {
        "application": application.uuid,
        "revision": application.revision,
        "values": read_step(application, step),
        "members": tuple((m.municipality.ags, m.municipality.short_name) for m in members),
        "years": years_of(Period(application.starts_on, application.months)),
        "terms": application.call.terms(),
        "at": NOW,
        "councils": {m.municipality.ags: m.municipality.council for m in members},
    }
    return Sheet(**values | changes)


def form(application: Application, step: Step, data: Any = None) -> StepForm:
    """The form of a step, as it stands or with what was typed."""
    return FORMS[step](data, sheet=sheet(application, step))


def sent(application: Application, step: Step, **typed: Any) -> dict[str, Any]:
    """What a browser sends that opened the page now and then typed something."""
    application.refresh_from_db()
    data: dict[str, Any] = {"basis": str(application.revision), "aktion": "weiter"}
    for name, value in form(application, step).inputs():
        data.setdefault(name, []).append(value)
    for name, value in typed.items():
        data[name] = value
    return {name: value for name, value in data.items() if value is not None}


def names(application: Application, step: Step, part: str, field: str) -> list[str]:
    """The names of a field in every row of a part, in the order of the page."""
    return [row.add_prefix(field) for row in form(application, step).rows[part].forms]


def words(response: HttpResponse) -> str:
    """The text of a page in one line."""
    html = response.content.decode().replace("</td>", " ").replace("</th>", " ")
    return " ".join(unescape(strip_tags(html)).split())


def place(application: Application, rest: str = "") -> str:
    """An address of the application."""
    return f"/antraege/{application.uuid}/{rest}"
