"""A lost second factor at the review desk: asked for with a reason, agreed to by a colleague."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from municipalities import services
from municipalities.admin.memberships import DecisionAdmin, only_people
from municipalities.forms.desk import FactorResetForm
from municipalities.models import FactorReset, GrantState, User
from municipalities.permissions import may_administer_people, may_reset_factor

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
class FactorResetAdmin(DecisionAdmin):
    """What waits for the second person, and what was decided."""

    list_display = ("user", "state", "asked_by", "asked_at", "decided_by")
    list_select_related = ("user", "asked_by", "decided_by")
    list_filter = ("state",)
    search_fields = ("user__email", "user__name")
    change_form_template = "admin/municipalities/factorreset_form.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "municipalities_factorreset"
        return [
            path("<int:pk>/zustimmen/", wrap(self.agree_view), name=f"{name}_agree"),
            path("<int:pk>/ablehnen/", wrap(self.refuse_view), name=f"{name}_refuse"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def agree_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The factor goes."""
        only_people(request)
        return self._move(
            request,
            pk,
            lambda row: services.agree_to_reset(reset=row, by=request.user, at=request.arrived_at),
            "Der zweite Faktor ist zurückgesetzt. Die Person bekommt eine E-Mail.",
        )

    @method_decorator(require_POST)
    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """It stays."""
        only_people(request)
        return self._move(
            request,
            pk,
            lambda row: services.refuse_reset(reset=row, by=request.user, at=request.arrived_at),
            "Der zweite Faktor bleibt.",
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        is_open = row is not None and row.state == GrantState.ASKED
        extra = {
            "decidable": is_open and may_administer_people(request.user),
            "own": row is not None and request.user.pk in {row.user_id, row.asked_by_id},
        }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def desk_tasks(self, request: HttpRequest) -> list[dict[str, Any]]:
        """What waits for a second person, for those who may agree."""
        if not may_administer_people(request.user):
            return []
        waiting = FactorReset.objects.filter(state=GrantState.ASKED)
        others = waiting.exclude(asked_by=request.user).exclude(user=request.user)
        changelist = reverse("admin:municipalities_factorreset_changelist")
        return [
            {
                "label": "Verlorene zweite Faktoren, denen eine zweite Person zustimmt",
                "count": others.count(),
                "href": f"{changelist}?state__exact={GrantState.ASKED}",
                "to_do": True,
            }
        ]
