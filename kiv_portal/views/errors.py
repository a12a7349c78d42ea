"""When something went wrong: pages in German, in the look of the portal, without traces."""

import errno
import sys
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from applications.views.steps.kept import keep
from kiv_portal import given_back
from kiv_portal.files import object_store_faults
from kiv_portal.views import feedback

RETRY_AFTER = 60
"""After how many seconds it is worth asking again while the database does not answer."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
READ_ONLY = "25006"
"""PostgreSQL's `read_only_sql_transaction`, which Django calls an InternalError."""


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its protection: mostly a page left open for too long.

    Who reports a barrier has no sign-in that could have ended, and gets the words back. What
    was typed into an application is kept, where the form can tell whose it is; what else a browser
    says it sent from a page behind the sign-in can be filled into its form again.
    """
    if request.path == reverse("report_barrier"):
        return feedback.again(request)
    answer = keep(request)
    match = request.resolver_match
    is_private = match is not None and getattr(match.func, "login_required", True)
    if answer is None and is_private and "Origin" in request.headers:
        answer = given_back.give_back(request)
    return answer or render(request, "403_csrf.html", status=HTTPStatus.FORBIDDEN)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django calls a request that is too large a bad one as well; people are told which."""
    if isinstance(exception, RequestDataTooBig):
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return render(request, "413.html", status=status)
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    context: dict[str, Any] = {"explanation": str(exception)}
    return render(request, "403.html", context, status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """At the desk its people stay in the desk; everybody else sees the public page."""
    status = HTTPStatus.NOT_FOUND
    if request.path.startswith(reverse("admin:index")) and hasattr(request, "user"):
        site = admin.site
        if site.has_permission(request):
            context = {**site.each_context(request), "title": "Diese Seite gibt es nicht"}
            return render(request, "admin/not_found.html", context, status=status)
    return render(request, "404.html", status=status)


def passes(fault: BaseException | None) -> bool:
    """Whether a fault is the machine's and not ours.

    A database that does not answer or takes nothing (read-only, as a standby is before it takes
    over), a disk that is full or read-only, an object store that does not answer.
    """
    if isinstance(fault, object_store_faults()):
        return True
    if isinstance(fault, OSError):
        return fault.errno in FULL
    read_only = getattr(fault.__cause__, "sqlstate", "") == READ_ONLY if fault else False
    return isinstance(fault, (OperationalError, InterfaceError)) or (
        isinstance(fault, InternalError) and read_only
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Our own fault: say so, even when the ordinary page cannot be built either.

    What `passes` by itself or by somebody's hand is 503, with the time to wait. Neither page asks
    the database for anything.
    """
    away = passes(sys.exc_info()[1])
    status = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.INTERNAL_SERVER_ERROR
    try:
        page = render_to_string(f"{status.value}.html", request=request)
    except Exception:
        page = (
            "<!DOCTYPE html><html lang=de><meta charset=utf-8><title>Technischer Fehler</title>"
            "<h1>Technischer Fehler</h1><p>Das KIV-Portal kann diese Seite gerade nicht zeigen. "
            "Bitte versuchen Sie es in einigen Minuten noch einmal.</p>"
        )
    response = HttpResponse(page, status=status)
    response["Cache-Control"] = "no-store"
    if away:
        response["Retry-After"] = str(RETRY_AFTER)
    return response
