"""The page on which a partner municipality confirms its Kooperationserklärung itself."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from applications import permissions, services
from applications.rules import Step
from applications.services import cooperation, partnership
from applications.views import case
from kiv_portal.euro import format_euro, parse_euro


@require_http_methods(["GET", "HEAD", "POST"])
def cooperate(request: HttpRequest, token: str) -> HttpResponse:
    """What the partner declares, word for word; whoever signs for it confirms or takes it back."""
    user, at = case.person(request), case.arrived(request)
    try:
        application, partner = partnership.read_token(token)
    except services.NoPartner as error:
        raise Http404 from error
    if not permissions.may_confirm_cooperation(user, partner):
        context = {"partner": partner, "allowed": False}
        return render(request, "applications/cooperate.html", context, status=HTTPStatus.FORBIDDEN)
    if request.method == "POST":
        try:
            if request.POST.get("aktion") == "zuruecknehmen":
                services.revoke_cooperation(
                    application=application, partner=partner, by=user, at=at
                )
                messages.success(request, "Ihre Bestätigung ist zurückgenommen.")
            else:
                services.confirm_cooperation(
                    application=application,
                    partner=partner,
                    seen=request.POST.get("wortlaut", ""),
                    by=user,
                    at=at,
                )
                messages.success(request, "Ihre Bestätigung ist gespeichert.")
        except services.StatementChanged:
            messages.warning(
                request,
                "Der Wortlaut hat sich geändert, seit Sie diese Seite geöffnet haben. Bitte "
                "lesen Sie ihn noch einmal.",
            )
        except services.StatementIncomplete:
            messages.warning(
                request, "In der Erklärung fehlt noch etwas. Sie ist noch nicht bestätigt."
            )
        except services.NoPartner:
            messages.info(request, "Der Antrag ist inzwischen eingereicht.")
        return redirect(request.path)
    said = cooperation.statement(application, partner)
    return render(
        request,
        "applications/cooperate.html",
        {
            "partner": partner,
            "allowed": True,
            "said": said,
            "lacking": [lack.label for lack in cooperation.lacking(said, partner)],
            "shares": [
                (year, format_euro(parse_euro(f"{amount}".replace(".", ","))))
                for year, amount in said["shares"]
            ],
            "seen": cooperation.statement_sha256(application, partner),
            "confirmed": partner.ags in cooperation.confirmed(application),
            "is_open": Step.KOMMUNE in services.editable_steps(application),
        },
    )
