"""Rows at the review desk that are decided by moves; and those that two persons decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from municipalities import services
from municipalities.admin.base import DeskModelAdmin
from municipalities.models import GrantState
from municipalities.permissions import may_administer_people

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


def only_people(request: HttpRequest) -> None:
    """Raises PermissionDenied without the role „Personen"."""
    if not may_administer_people(request.user):
        raise PermissionDenied("Das ist der Rolle „Personen“ vorbehalten.")


class DecisionAdmin(DeskModelAdmin):
    """Rows with moves of their own, each one POST to a service."""

    def _move(
        self, request: HttpRequest, pk: int, act: Any, done: str, *, gone: bool = False
    ) -> HttpResponse:
        """Call the service for the row; its refusal is told, never thrown."""
        row = self.get_queryset(request).filter(pk=pk).first()
        if row is None:
            raise Http404("Diesen Eintrag gibt es nicht.")
        base = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        try:
            act(row)
        except (services.NotAllowed, services.NotPossible, services.RoleRefused) as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse(f"{base}_change", args=[pk]))
        messages.success(request, done)
        if gone:
            return HttpResponseRedirect(reverse(f"{base}_changelist"))
        return HttpResponseRedirect(reverse(f"{base}_change", args=[pk]))


class FourEyesAdmin(DecisionAdmin):
    """What one person asked for and a second one agrees to: a list, a page, two moves.

    A subclass names the services that agree and refuse, with the row as their first argument,
    and says in `words` what the page tells: `slug` of the address, `own` for whoever may not
    agree, `look` for whoever may, the two buttons, and what was done.
    """

    list_select_related = ("user", "asked_by", "decided_by")
    search_fields = ("user__email", "user__name")
    change_form_template = "admin/municipalities/four_eyes_form.html"
    agree: Callable[..., Any]
    refuse: Callable[..., Any]
    words: ClassVar[dict[str, str]]
    waiting: str
    """What the desk's first page calls the rows that wait."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path(f"<int:pk>/{self.words['slug']}/", wrap(self.agree_view), name=f"{name}_agree"),
            path("<int:pk>/ablehnen/", wrap(self.refuse_view), name=f"{name}_refuse"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def agree_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The second person agrees."""
        return self._decide(request, pk, self.agree, self.words["agreed"])

    @method_decorator(require_POST)
    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """It does not happen; whoever asked may so take it back."""
        return self._decide(request, pk, self.refuse, self.words["refused"])

    def _decide(
        self, request: HttpRequest, pk: int, act: Callable[..., Any], done: str
    ) -> HttpResponse:
        only_people(request)
        who = {"by": request.user, "at": request.arrived_at}
        return self._move(request, pk, lambda row: act(row, **who), done)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        base = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        is_open = row is not None and row.state == GrantState.ASKED
        extra: dict[str, Any] = {"decidable": is_open and may_administer_people(request.user)}
        if extra["decidable"]:
            extra |= {
                "own": request.user.pk in {row.user_id, row.asked_by_id},
                "words": self.words,
                "agree_href": reverse(f"{base}_agree", args=[row.pk]),
                "refuse_href": reverse(f"{base}_refuse", args=[row.pk]),
            }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def desk_tasks(self, request: HttpRequest) -> list[dict[str, Any]]:
        """What waits for a second person, for those who may agree."""
        if not may_administer_people(request.user):
            return []
        waiting = self.model._default_manager.filter(state=GrantState.ASKED)
        others = waiting.exclude(asked_by=request.user).exclude(user=request.user)
        changelist = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return [
            {
                "label": self.waiting,
                "count": others.count(),
                "href": f"{changelist}?state__exact={GrantState.ASKED}",
                "to_do": True,
            }
        ]
