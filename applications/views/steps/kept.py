"""A form that comes in after its session is over: what was typed is kept and put back."""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone

from applications.rules import Step
from applications.services import kept
from applications.views import case

if TYPE_CHECKING:
    from django.db.models import Subquery

    from applications.models import Application
    from applications.services.kept import Typed
    from applications.views.steps.page import Page

STEP_ROUTE: Final = "application_step"
LEFT_OUT: Final = frozenset({"csrfmiddlewaretoken", "siegel"})


def keep(request: HttpRequest) -> HttpResponse | None:
    """Keep what a step's form holds that was sent without its session; None where it is not.

    For a request that was refused for want of a session or of its form's protection. The form
    says whose it is by its seal; the browser gets a cookie that opens nothing by itself.
    """
    match = request.resolver_match
    if request.method != "POST" or match is None or match.url_name != STEP_ROUTE:
        return None
    application, place = match.kwargs["key"], match.kwargs["step"]
    if place not in list(Step):
        return None
    at = getattr(request, "arrived_at", None) or timezone.now()
    step = Step(place)
    owner = kept.owner_of(request.POST.get("siegel", ""), application=application, step=step, at=at)
    if owner is None:
        return None
    token = token_of(request) or secrets.token_urlsafe(32)
    inputs = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in LEFT_OUT
    ]
    files = [str(file.name)[:300] for name in request.FILES for file in request.FILES.getlist(name)]
    typed = kept.Typed(inputs, files[:100])
    if not kept.keep(
        owner=owner, application=application, step=step, typed=typed, token=token, at=at
    ):
        return None
    return _remembering(_onwards(request, owner), token)


def _remembering(response: HttpResponse, token: str) -> HttpResponse:
    """The answer with the cookie that, with the portal's secret, opens what is kept."""
    response.set_cookie(
        settings.KEPT_INPUT_COOKIE,
        token,
        max_age=kept.KEPT_FOR,
        secure=settings.PORTAL_TLS,
        httponly=True,
        samesite="Lax",
    )
    return response


def _onwards(request: HttpRequest, owner: int) -> HttpResponse:
    """To the section again, through the sign-in where nobody is signed in."""
    if request.user.is_authenticated:
        if request.user.pk == owner:
            return redirect(request.path)
        return render(request, "applications/kept_for_other.html", status=HTTPStatus.FORBIDDEN)
    messages.info(
        request,
        "Ihre Anmeldung war beendet. Was Sie zuletzt eingegeben haben, ist sicher verwahrt und "
        "steht nach der Anmeldung wieder im Formular.",
    )
    return redirect(
        f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': request.path}, safe='/')}"
    )


def token_of(request: HttpRequest) -> str:
    """What opens this browser's kept inputs, or nothing."""
    token = request.COOKIES.get(settings.KEPT_INPUT_COOKIE, "")
    return token if re.fullmatch(r"[A-Za-z0-9_-]{43}", token) else ""


def asked_for(request: HttpRequest, step: str) -> dict[str, Subquery]:
    """What to read with the application, so that `found` asks for nothing; only with a cookie."""
    token = token_of(request)
    if not token:
        return {}
    by, at = case.person(request), case.arrived(request)
    return {"kept_input": kept.sealed_for(step=step, token=token, by=by, at=at)}


def found(page: Page) -> Typed | None:
    """What this person had typed into this section, of an application read with `asked_for`."""
    token = token_of(page.request)
    return kept.opened(page.application.kept_input, token) if token else None  # type: ignore[attr-defined]


def forget(page: Page) -> None:
    """Erase it once it is saved or not wanted."""
    if token := token_of(page.request):
        kept.forget(application=page.application, step=page.place, token=token, by=page.user)


def keep_reason(
    request: HttpRequest, application: Application, reason: str, response: HttpResponse
) -> HttpResponse:
    """Keep the reason given for filing all the same: filing was refused, and it is asked again."""
    token = token_of(request) or secrets.token_urlsafe(32)
    typed = kept.Typed([("grund", reason)])
    kept.keep(
        owner=request.user.pk,
        application=application.uuid,
        step=kept.CHECK_PAGE,
        typed=typed,
        token=token,
        at=request.arrived_at,  # type: ignore[attr-defined]
    )
    return _remembering(response, token)


def reason(request: HttpRequest, application: Application) -> str:
    """The reason kept for the check page; asked for only where there is a cookie."""
    token = token_of(request)
    found = token and kept.find(
        application=application,
        step=kept.CHECK_PAGE,
        token=token,
        by=request.user,  # type: ignore[arg-type]
        at=request.arrived_at,  # type: ignore[attr-defined]
    )
    return dict(found.inputs).get("grund", "") if found else ""


def forget_reason(request: HttpRequest, application: Application) -> None:
    """Erase it: the application is filed, and the reason stands in its frozen copy."""
    if token := token_of(request):
        kept.forget(
            application=application,
            step=kept.CHECK_PAGE,
            token=token,
            by=request.user,  # type: ignore[arg-type]
        )


def as_post(typed: Typed) -> QueryDict:
    """The inputs as they were sent."""
    data = QueryDict(mutable=True)
    for name, value in typed.inputs:
        data.appendlist(name, value)
    return data
