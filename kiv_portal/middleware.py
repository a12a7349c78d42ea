"""What happens to every request before and after the view."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django_structlog.middlewares import RequestMiddleware

from applications.views.steps.kept import keep
from kiv_portal import given_back, replica, sessions
from kiv_portal.desk import used_second_factor
from kiv_portal.folding import clean_text
from kiv_portal.logs import route_of
from kiv_portal.models import PublicVersion
from kiv_portal.public import Page, PageStore, address_of, parameters_at
from municipalities import services
from municipalities.models import EventKind

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

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,36}")
"""What a proxy in front may send as the id of a request."""

PROVING: Final = frozenset(
    {
        "account_logout",
        "logout",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "session",
    }
)
"""Open to staff who have a second factor and have not given it in this session."""

ENROLMENT: Final = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "logout",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_index",
        "session",
    }
)
"""Open to staff who have no second factor yet."""

Handler = Callable[[HttpRequest], HttpResponseBase]


class LogMiddleware(RequestMiddleware):
    """One line for each request, with an id that every line of it bears.

    The line has route, status and duration. It never has what an address says besides the route,
    nor an IP address; of a person it has the account's number, and only behind the sign-in.
    """

    def prepare(self, request: HttpRequest) -> None:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        request.began = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=request.request_id)

    def handle_response(self, request: HttpRequest, response: HttpResponseBase) -> None:
        duration = (time.perf_counter() - request.began) * 1000
        structlog.contextvars.bind_contextvars(duration_ms=round(duration, 1))
        if response.status_code >= 500:  # whoever reports a fault can name its request
            response.headers["X-Request-ID"] = request.request_id
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {route_of(request)}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Only where the view has looked at the person anyway: public pages stay without."""
        user = getattr(request, "_cached_user", None)
        if user is not None and user.is_authenticated:
            structlog.contextvars.bind_contextvars(user_id=user.pk)


class PublicPagesMiddleware:
    """Answer public pages from what this process has kept, as long as that is still true.

    The first of all: what is kept is the answer with every header the others add, so a page given
    again is the same byte for byte. Each request asks the database once, for the version of what
    the public sees. The release needs no place in the key: the store is the process's own and
    begins empty.

    A page given again leaves no line in the portal's log: nothing happened that a line could
    explain, nobody's reading is on record, and the access log of the server in front counts it.
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
        response = replica.made(version, lambda: self.get_response(request))
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


class TypedTextMiddleware:
    """What people type reaches every view as it is stored: `clean_text`, on both databases alike.

    Behind the form's protection, which has read the form. A password is left as it was typed, and
    an address with something invisible in it is the address of nothing.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: dict[str, Any]
    ) -> None:
        for name in (*view_args, *view_kwargs.values()):
            if isinstance(name, str) and clean_text(name) != name:
                raise Http404
        request.GET = _cleaned(request.GET)
        if request.method == "POST":
            request.POST = _cleaned(request.POST)


def _cleaned(typed: QueryDict) -> QueryDict:
    found = QueryDict(mutable=True)
    for name, values in typed.lists():
        is_secret = "password" in name
        found.setlist(name, values if is_secret else [clean_text(value) for value in values])
    found._mutable = False
    return found


class SignInMiddleware(LoginRequiredMiddleware):
    """Every view needs a signed-in user unless it is marked `login_not_required`.

    Django's own class looks at the user first. On a public page that alone reads the
    session and makes the answer differ by cookie, so here the mark is looked at first.
    """

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if not getattr(view_func, "login_required", True) and not (
            getattr(view_func, "holds_for_people", False) and request.user.is_authenticated
        ):
            return None
        if request.user.is_authenticated:
            activity = not getattr(view_func, "not_an_activity", False)
            found = sessions.check(
                request.session, request.user, request.arrived_at, activity=activity
            )
            if isinstance(found, sessions.Lapsed):
                return self._lapsed(request, view_func, found)
            request.session_ends = found
            if request.user.is_staff and not used_second_factor(request):
                return self._second_factor(request)
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseBase:
        """To the sign-in; what somebody had typed is kept, or given back for after it."""
        return (
            keep(request)
            or given_back.give_back(request)
            or super().handle_no_permission(request, view_func)
        )

    def _lapsed(self, request: HttpRequest, view: Any, lapsed: sessions.Lapsed) -> HttpResponseBase:
        """The session is over: told, on record, and treated like any other missing sign-in."""
        services.record(
            EventKind.SESSION_LAPSED,
            user=lapsed.user,
            at=request.arrived_at,
            detail="ohne Eingabe" if lapsed.idle else "längste Dauer",
        )
        request.lapsed = lapsed
        request.session.flush()
        request.user = AnonymousUser()
        messages.warning(request, lapsed.message)
        return self.handle_no_permission(request, view)

    def _second_factor(self, request: HttpRequest) -> HttpResponseBase | None:
        """The one place where staff without a second factor in this session are stopped.

        Whoever has none yet may set one up and nothing else; whoever has one must give it.
        """
        from allauth.mfa.utils import is_mfa_enabled  # its models: not at import time

        name = request.resolver_match.url_name
        if is_mfa_enabled(request.user):
            if name in PROVING:
                return None
            return redirect_to_login(request.get_full_path(), reverse("mfa_reauthenticate"))
        if name in ENROLMENT:
            return None
        messages.warning(
            request,
            "Für Beschäftigte der Bewilligungsbehörde ist ein zweiter Faktor Pflicht. Bitte "
            "richten Sie ihn jetzt ein.",
        )
        return HttpResponseRedirect(reverse("mfa_index"))


class GivenBackMiddleware:
    """What a form held that came without its session is filled into the form of a fresh page.

    The last of all: what is sealed turns the request into a question for that page before anybody
    asks who may, so that every right and the second factor hold as for any other.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        found = given_back.take_up(request)
        response = self.get_response(request)
        return response if found is None else given_back.fill(request, *found, response)


PRIVATE: Final = (
    "/admin/",
    "/antraege/",
    "/benachrichtigung/",
    "/erinnerung-abbestellen/",
    "/konto/",
    "/kooperation/",
)
"""Below these addresses nothing is for everybody: pages of a person, and links with a token."""


class RefusedMethodMiddleware:
    """Django's refusal of a method is blank; people get a page.

    They come here when a sign-in leads them back to an address that only takes forms. TRACE, which
    pages that ask for no method in particular would answer like a GET, nobody gets.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase
        if request.method == "TRACE":
            response = HttpResponseNotAllowed(["GET", "HEAD", "POST", "OPTIONS"])
        else:
            response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            response.content = render_to_string("405.html", request=request)
        return response


FILE_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
"""What every answer with a file carries, saved or looked at: nothing in it is carried out.

Chromium 150 shows a PDF and a picture under it just as without any policy (measured).
"""


class PrivacyMiddleware:
    """Nobody stores what belongs to a person, no page uses devices, no file acts."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        session = getattr(request, "session", None)
        personal = session is not None and session.accessed
        if personal or response.cookies or request.path_info.startswith(PRIVATE):
            patch_cache_control(response, no_store=True, private=True)
        if "Content-Disposition" in response.headers:
            response.headers["Content-Security-Policy"] = FILE_POLICY
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
