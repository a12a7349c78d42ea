"""One's own account: the way in, invitations, the session, municipalities one works for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from allauth.account.views import SignupView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from kiv_portal.folding import search_terms
from kiv_portal.sessions import SessionEnds, holds_for_people, keep_alive, not_an_activity
from municipalities import services
from municipalities.forms.account import InvitedForm, find_municipality
from municipalities.models import Membership, Municipality, User

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

SHOWN = 20
"""So many municipalities a search shows."""


def person(request: HttpRequest) -> User:
    """Who is signed in; the pages that ask are private."""
    return cast("User", request.user)


def arrived(request: HttpRequest) -> datetime:
    """When the request arrived."""
    return cast("datetime", request.arrived_at)  # type: ignore[attr-defined]


# --- Choosing a municipality ----------------------------------------------------------------------


def _picker(request: HttpRequest, action: str) -> dict[str, Any]:
    """What the search for a municipality shows, as in the Förder-Check."""
    search = " ".join(request.GET.get("suche", "")[:100].split())
    terms = search_terms(search)
    found: list[Municipality] = []
    more = 0
    if terms:
        rows = (
            Municipality.objects.in_force(timezone.localdate(arrived(request)))
            .able_to_apply()
            .matching(terms)
            .select_related("district")
        )
        found, more = list(rows[:SHOWN]), max(rows.count() - SHOWN, 0)
    empty = "suche" in request.GET and not search
    error = "Bitte geben Sie den Namen oder den Gemeindeschlüssel Ihrer Kommune ein."
    return {
        "action": action,
        "search": search,
        "found": found,
        "more": more,
        "error": error if empty else "",
        "unknown": "kommune" in request.GET,
    }


class RegisterView(SignupView):
    """First the municipality, then name, address and password."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self._municipality() is None:
            picker = _picker(request, reverse("account_signup"))
            return render(request, "municipalities/register.html", {"picker": picker})
        answer: HttpResponse = super().get(request, *args, **kwargs)
        return answer

    def _municipality(self) -> Municipality | None:
        given = self.request.POST.get("kommune") or self.request.GET.get("kommune", "")
        return find_municipality(given[:8], arrived(self.request))

    def get_initial(self) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_initial()
        return initial | {"kommune": self.request.GET.get("kommune", "")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"municipality": self._municipality()}


register = RegisterView.as_view()


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Name a further municipality one works for."""
    given = request.POST.get("kommune") or request.GET.get("kommune", "")
    municipality = find_municipality(given[:8], arrived(request))
    if request.method == "POST" and municipality is not None:
        try:
            services.ask_membership(
                user=person(request), municipality=municipality, at=arrived(request)
            )
        except services.NotPossible as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(
                request,
                f"Sie sind für {municipality} eingetragen. Bis das jemand bestätigt, sehen Sie "
                "nur Anträge, die Sie selbst begonnen haben.",
            )
        return redirect("account")
    picker = _picker(request, reverse("account_join"))
    context = {"picker": picker, "municipality": municipality}
    return render(request, "municipalities/join.html", context)


# --- The account ----------------------------------------------------------------------------------


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What belongs to the account: address, password, factors, sessions, municipalities."""
    rows = Membership.objects.filter(user=person(request)).select_related("municipality")
    context = {
        "memberships": rows.order_by("municipality__sort_key"),
        "identities": bool(settings.OIDC_ISSUER) and person(request).socialaccount_set.exists(),
    }
    return render(request, "municipalities/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest) -> HttpResponse:
    """Close the own account; asked for once more, because it cannot be undone from here."""
    user, status, error = person(request), 200, ""
    if request.method == "POST":
        if request.POST.get("sicher") == "ja":
            try:
                services.close_account(user=user, at=arrived(request))
            except services.NotPossible as refusal:
                status, error = 409, str(refusal)
            else:
                logout(request)
                messages.success(request, "Ihr Konto ist geschlossen.")
                return redirect("account_login")
        else:
            status, error = 422, "Bitte bestätigen Sie, dass Sie das Konto schließen möchten."
    days = settings.RETENTION_DAYS["closed_accounts"]
    context = {"error": error, "days": days, "asked": status == 422}
    return render(request, "municipalities/close_account.html", context, status=status)


@not_an_activity
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """When this session ends; a POST begins the pause anew („weiter arbeiten").

    People who come here by a sign-in are told that it worked.
    """
    ends: SessionEnds = request.session_ends  # type: ignore[attr-defined]
    if request.method == "POST":
        keep_alive(request.session, arrived(request))
        limits = settings.SESSION_LIMITS["staff" if person(request).is_staff else "municipality"]
        idle = arrived(request).timestamp() + limits[0] * 60
    else:
        idle = ends.idle_at.timestamp()
    if request.method == "POST" and "html" in request.headers.get("Accept", ""):
        messages.success(request, "Ihre Sitzung läuft weiter.")
        return redirect("account")
    if "html" in request.headers.get("Accept", ""):
        onwards = reverse("admin:index") if person(request).is_staff else reverse("applications")
        return render(request, "municipalities/session.html", {"onwards": onwards})
    return JsonResponse({"idle_at": int(idle), "ends_at": int(ends.ends_at.timestamp())})


# --- Invitations ----------------------------------------------------------------------------------


@holds_for_people
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Take an invitation: signed in with its address, or by making the account it is for."""
    found = services.find_invitation(token, arrived(request))
    if found is None:
        return render(request, "municipalities/invitation_over.html", status=410)
    if request.user.is_authenticated:
        return _accept(request, found, token)
    if User.objects.filter(email=found.email).exists():
        login = f"{reverse('account_login')}?next={reverse('invitation', args=[token])}"
        if request.method == "POST":
            return HttpResponseRedirect(login)
        context = {"invitation": found, "login": login}
        return render(request, "municipalities/invitation_login.html", context)
    form = InvitedForm(request.POST or None, email=found.email)
    if request.method == "POST" and form.is_valid():
        try:
            services.register_invited(
                token=token,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
                at=arrived(request),
            )
        except services.NotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Ihr Konto ist angelegt. Bitte melden Sie sich an.")
            return redirect("account_login")
    status = 422 if request.method == "POST" else 200
    context = {"invitation": found, "form": form}
    return render(request, "municipalities/invitation_register.html", context, status=status)


def _accept(request: HttpRequest, found: Any, token: str) -> HttpResponse:
    own = person(request).email == found.email
    if request.method == "POST":
        try:
            services.accept_invitation(token=token, by=person(request), at=arrived(request))
        except (services.NotAllowed, services.NotPossible) as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"Sie arbeiten jetzt für {found.municipality}.")
        return redirect("account")
    context = {"invitation": found, "own": own}
    return render(request, "municipalities/invitation_accept.html", context)


def not_here() -> Http404:
    """What somebody without the right is told: nothing."""
    return Http404("Diese Seite gibt es nicht.")
