"""Reporting a barrier: a public form, at its own address that nobody stores.

It is the form that needs a cookie, against requests forged on other sites (CSRF), so it comes with
the page of the form and with no other: neither the pages that lead here nor the page after
sending set one. The other public form, `/benachrichtigung/`, does likewise.
"""

from http import HTTPStatus
from typing import Final

from allauth.core import ratelimit
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kiv_portal import services
from kiv_portal.forms import BarrierForm
from kiv_portal.models import Authority
from kiv_portal.public import public_page

ACTION: Final = "report_barrier"
"""The limit's name in ACCOUNT_RATE_LIMITS."""

NOBODY: Final = (
    "Ihre Meldung konnte nicht abgeschickt werden: Die Behörde hat dafür noch keine Adresse "
    "hinterlegt. Ihr Text steht noch unten. Bitte nutzen Sie die Kontaktangaben."
)
ONCE_MORE: Final = (
    "Ihre Meldung ist noch nicht abgeschickt: Die Seite war zu lange offen, oder Ihr Browser "
    "nimmt keine Cookies an. Dieses Formular braucht eines zu seinem Schutz. Ihr Text steht noch "
    "unten. Bitte schicken Sie ihn noch einmal ab."
)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report_barrier(request: HttpRequest) -> HttpResponse:
    """The form; a report that was sent leads to a page that can be loaded again safely."""
    form = BarrierForm(request.POST) if request.method == "POST" else BarrierForm()
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    if not form.is_from_a_program:
        if not ratelimit.consume(request, action=ACTION, key="everybody"):
            return _page(request, form, HTTPStatus.TOO_MANY_REQUESTS)
        try:
            services.report_barrier(
                message=form.cleaned_data["message"],
                page=form.cleaned_data["page"],
                reply_to=form.cleaned_data["reply_to"],
                at=request.arrived_at,
            )
        except services.NobodyToTell:
            form.add_error(None, NOBODY)
            return _page(request, form, HTTPStatus.CONFLICT)
    # A program learns nothing: it sees what everybody sees.
    return HttpResponseRedirect(reverse("barrier_reported"))


def again(request: HttpRequest) -> HttpResponse:
    """The same form with all that was typed, when it came without its protection."""
    form = BarrierForm(request.POST)
    form.is_valid()
    form.add_error(None, ONCE_MORE)
    return _page(request, form, HTTPStatus.FORBIDDEN)


@public_page()
def barrier_reported(request: HttpRequest) -> HttpResponse:
    """The report is on its way."""
    return render(request, "kiv_portal/barrier_reported.html")


def _page(
    request: HttpRequest, form: BarrierForm, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    authority = Authority.load()
    context = {
        "form": form,
        "authority": authority,
        "can_be_sent": bool(authority and authority.barrier_email),
        "too_many": status == HTTPStatus.TOO_MANY_REQUESTS,
    }
    return render(request, "kiv_portal/barrier.html", context, status=status)
