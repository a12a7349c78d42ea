"""The review desk (Prüfdesk): Django's admin behind the portal's own sign-in."""

import ipaddress
from collections.abc import Callable
from typing import Any, Final

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

ROOMS: Final = frozenset({"portal", "municipalities", "projects", "applications"})
"""The apps whose models may stand at the desk."""
AGENDA: Final = 20
"""So many cases stand one by one on the first page, those with the earliest date first."""


def used_second_factor(request: HttpRequest) -> bool:
    """Whether the signed-in user gave a second factor in this very session.

    The demo does without for requests of this machine. It answers to the names of loopback only,
    but what a request calls its host is what its sender says.
    """
    if settings.PORTAL_DEMO and from_this_machine(request):
        return True
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


def from_this_machine(request: HttpRequest) -> bool:
    """Whether it comes from loopback and past no proxy."""
    if "X-Forwarded-For" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class DeskAdminSite(AdminSite):
    """The admin for staff of the authority; a password alone opens nothing here."""

    site_header = "KIV-Prüfdesk"
    site_title = "KIV-Prüfdesk"
    index_title = "Übersicht"
    empty_value_display = "–"  # type: ignore[assignment]
    site_url = "/"
    enable_nav_sidebar = False
    index_template = "admin/desk_index.html"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take in our own rooms only.

        Packages bring admin pages of their own, for groups, mail addresses and second factors
        with their secrets; nothing of that is a record of the desk.
        """
        models = (
            [model_or_iterable]
            if isinstance(model_or_iterable, ModelBase)
            else list(model_or_iterable)
        )
        ours = [model for model in models if model._meta.app_label in ROOMS]
        super().register(ours, admin_class, **options)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What waits for this person first; a room that knows of work has `desk_tasks`."""
        found = [
            task
            for model_admin in self._registry.values()
            if hasattr(model_admin, "desk_tasks")
            for task in model_admin.desk_tasks(request)
        ]
        for task in found:
            for name, value in {"word": "", "first": None, "cases": ()}.items():
                task.setdefault(name, value)
        agenda = [
            {"case": case, "label": task["label"], "word": task["word"]}
            for task in found
            for case in task["cases"]
        ]
        extra = {
            "agenda": sorted(agenda, key=lambda item: item["case"]["day"])[:AGENDA],
            "ways": [
                way
                for model_admin in self._registry.values()
                if hasattr(model_admin, "desk_ways")
                for way in model_admin.desk_ways(request)
            ],
            "to_do": [task for task in found if task["to_do"]],
            "waiting": [task for task in found if not task["to_do"]],
            "idle": [task for task in found if not task["count"]],
            "busy": any(task["to_do"] and task["count"] for task in found),
            "waits": any(not task["to_do"] and task["count"] for task in found),
        }
        return super().index(request, {**extra, **(extra_context or {})})

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and used_second_factor(request)

    @method_decorator(never_cache)
    @login_not_required
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send people to the portal's sign-in, or to the one step that is still missing."""
        wanted = self._wanted_address(request)
        if not request.user.is_authenticated:
            return redirect_to_login(wanted, reverse("account_login"))
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        if not (request.user.is_active and request.user.is_staff):
            raise PermissionDenied("Das Prüfdesk ist Beschäftigten der Behörde vorbehalten.")

        from allauth.mfa.utils import is_mfa_enabled  # its models: not at import time

        if is_mfa_enabled(request.user):
            return redirect_to_login(wanted, reverse("mfa_reauthenticate"))
        return HttpResponseRedirect(reverse("mfa_activate_totp"))

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Leave through the portal's own door, which also clears the sign-in records."""
        door: Callable[[HttpRequest], HttpResponse] = resolve(reverse("account_logout")).func
        return door(request)

    def _wanted_address(self, request: HttpRequest) -> str:
        index = reverse("admin:index", current_app=self.name)
        wanted = request.GET.get(REDIRECT_FIELD_NAME, index)
        safe = url_has_allowed_host_and_scheme(
            wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        return wanted if safe and wanted != request.path else index
