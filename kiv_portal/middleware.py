"""What happens to every request before and after the view."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_cache_control

from applications.views.steps.kept import keep
from kiv_portal.models import PublicVersion
from kiv_portal.public import Page, PageStore, address_of, parameters_at

PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)

Handler = Callable[[HttpRequest], HttpResponseBase]


class PublicPagesMiddleware:
    """Answer public pages from what this process has kept, as long as that is still true.

    The first of all: what is kept is the answer with every header the others add, so a page
    given again is the same byte for byte. Each request asks the database once, for the version
    of what the public sees. The release needs no place in the key: the store is the process's
    own and begins empty.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.store = PageStore()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        parameters = parameters_at(request.path_info)
        if parameters is None or (settings.SECURE_SSL_REDIRECT and not request.is_secure()):
            return self.get_response(request)
        at = timezone.now()
        try:
            address = address_of(request, parameters)
            # Read before the page is made: a change in between makes the page new again.
            version = PublicVersion.objects.current()
        except SuspiciousOperation:  # a wrong host, too many fields: refused further in
            return self.get_response(request)
        except (OperationalError, InterfaceError) as fault:
            request.database_fault = fault  # raised in the view's place: the others add headers
            return self.get_response(request)
        if not version:
            return self.get_response(request)
        page = self.store.find(address, version, at)
        if page is None:
            return self._made(request, address, version)
        forms = len(page.bodies)
        response = page.answer(request)
        if len(page.bodies) != forms:
            self.store.keep(address, page)
        return response

    def _made(
        self, request: HttpRequest, address: tuple[str, str, str], version: str
    ) -> HttpResponseBase:
        asked, request.method = request.method, "GET"  # a HEAD is told what a GET would be
        response = self.get_response(request)
        request.method = asked
        page = Page.of(response, version)
        if page is None:
            return response
        answer = page.answer(request)
        self.store.keep(address, page)
        return answer


class ArrivalMiddleware:
    """Note the instant the request arrived: the one that decides whether it is in time."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.arrived_at = timezone.now()
        return self.get_response(request)


class SignInMiddleware(LoginRequiredMiddleware):
    """Every view needs a signed-in user unless it is marked `login_not_required`.

    Django's own class looks at the user first. On a public page that alone reads the
    session and makes the answer differ by cookie, so here the mark is looked at first.
    """

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseBase:
        """To the sign-in; what somebody had typed into an application comes back afterwards."""
        return keep(request) or super().handle_no_permission(request, view_func)


class PrivacyMiddleware:
    """Nobody stores what belongs to a person, and no page may use the visitor's devices."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        session = getattr(request, "session", None)
        if (session is not None and session.accessed) or response.cookies:
            patch_cache_control(response, no_store=True, private=True)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
