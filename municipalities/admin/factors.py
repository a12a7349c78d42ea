"""A lost second factor at the review desk: asked for with a reason, agreed to by a colleague."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from municipalities import services
from municipalities.admin.decisions import FourEyesAdmin, only_people
from municipalities.forms.desk import FactorResetForm
from municipalities.models import FactorReset, User
from municipalities.permissions import may_reset_factor

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.http import HttpRequest, HttpResponse


def reset_view(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Take away somebody's lost second factor, or ask a colleague to agree to it."""
    only_people(request)
    user = User.objects.filter(pk=pk).first()
    if user is None:
        raise Http404("Dieses Konto gibt es nicht.")
    back = reverse("admin:municipalities_user_change", args=[user.pk])
    form = FactorResetForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            row = services.reset_factor(
                user=user,
                reason=form.cleaned_data["reason"],
                by=request.user,
                at=request.arrived_at,
            )
        except (services.NotAllowed, services.NotPossible) as refusal:
            form.add_error("reason", str(refusal))
        else:
            messages.success(
                request,
                "Vorgeschlagen. Eine zweite Person mit der Rolle „Personen“ muss zustimmen."
                if row
                else "Der zweite Faktor ist zurückgesetzt. Die Person bekommt eine E-Mail.",
            )
            return HttpResponseRedirect(back)
    context = {
        **site.each_context(request),
        "title": f"Zweiter Faktor: {user}",
        "form": form,
        "person": user,
        "own": not may_reset_factor(request.user, user),
        "has_factor": Authenticator.objects.filter(user=user).exists(),
        "back": back,
    }
    return TemplateResponse(request, "admin/municipalities/factor.html", context, status=status)


@admin.register(FactorReset)
class FactorResetAdmin(FourEyesAdmin):
    """Lost second factors of colleagues: what waits for the second person, what was decided."""

    list_display = ("user", "state", "asked_by", "asked_at", "decided_by")
    list_filter = ("state",)
    agree = staticmethod(services.agree_to_reset)
    refuse = staticmethod(services.refuse_reset)
    waiting = "Verlorene zweite Faktoren, denen eine zweite Person zustimmt"
    words: ClassVar = {
        "slug": "zustimmen",
        "own": (
            "Dem stimmt eine zweite Person mit der Rolle „Personen“ zu: weder wer es vorgeschlagen "
            "hat noch wer den zweiten Faktor verloren hat."
        ),
        "look": (
            "Vergewissern Sie sich selbst bei der Person, etwa unter ihrer dienstlichen Nummer. "
            "Mit Ihrer Zustimmung werden zweiter Faktor und Passwort sofort entfernt."
        ),
        "agree": "Zustimmen und zurücksetzen",
        "refuse": "Nicht zurücksetzen",
        "agreed": "Der zweite Faktor ist zurückgesetzt. Die Person bekommt eine E-Mail.",
        "refused": "Der zweite Faktor bleibt.",
    }
