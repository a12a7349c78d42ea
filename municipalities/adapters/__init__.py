"""How the sign-in package behaves in this portal."""

import hashlib
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from municipalities import services
from municipalities.models import EventKind, User

KNOWN_BROWSER_DAYS: Final = 180


class AddressBackend(AuthenticationBackend):
    """An account has one address: it is found, or not, by one and the same statement.

    The package looks in one more table for an address nobody has, which takes longer.
    """

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        user = User.objects.filter(email=email.strip().lower()).first()
        found: User | None = self._check_password(user, password)
        return found


class AccountAdapter(DefaultAccountAdapter):
    """Everybody lands where their work is; tries are counted so that nobody is locked out.

    Wrong passwords are counted by address, by account together with address, and by account
    alone. Only the last could be used against somebody from far away: it does not count for a
    browser in which that person has signed in before.
    """

    # The package's German says „du" in places; here people are addressed with „Sie".
    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": "Dieses Konto ist gesperrt.",
        "email_password_mismatch": "Die E-Mail-Adresse oder das Passwort stimmt nicht.",
        "enter_current_password": "Das ist nicht Ihr aktuelles Passwort.",
        "incorrect_code": "Der Code stimmt nicht oder gilt nicht mehr.",
        "incorrect_password": "Das Passwort stimmt nicht.",
        "invalid_or_expired_key": "Der Link stimmt nicht oder gilt nicht mehr.",
        "invalid_password_reset": "Der Link stimmt nicht oder gilt nicht mehr.",
        "rate_limited": "Zu viele Versuche. Bitte warten Sie einige Minuten.",
        "same_as_current": "Die neue Angabe gleicht der bisherigen.",
        "too_many_login_attempts": "Zu viele Versuche. Bitte warten Sie einige Minuten.",
        "unverified_primary_email": "Bitte bestätigen Sie zuerst Ihre E-Mail-Adresse.",
    }

    # --- Tries ------------------------------------------------------------------------------------

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        login = str(credentials.get("email") or "").strip().lower()
        return f"{login}|{self.get_client_ip(request)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        super().pre_authenticate(request, **credentials)
        self._account_usage = None
        login = str(credentials.get("email") or "").strip().lower()
        if self._is_known_browser(request, login):
            return
        self._account_usage = ratelimit.consume(
            request, app="allauth.account", action="login_failed_account", key=login
        )
        if not self._account_usage:
            raise self.validation_error("too_many_login_attempts")

    def _rollback_login_failed_rl_usage(self) -> None:
        super()._rollback_login_failed_rl_usage()
        if getattr(self, "_account_usage", None):
            self._account_usage.rollback()

    def _is_known_browser(self, request: HttpRequest, login: str) -> bool:
        """Whether this person has signed in in this browser before."""
        try:
            known = signing.loads(
                request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE, ""),
                salt="known-browser",
                max_age=KNOWN_BROWSER_DAYS * 24 * 3600,
            )
        except signing.BadSignature:
            return False
        secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        return known in [_fingerprint(login, secret) for secret in secrets]

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """On record for known and unknown addresses alike; an unknown one is not kept."""
        login = str(credentials.get("email") or "").strip().lower()
        user = User.objects.filter(email=login).first()
        services.record(
            EventKind.SIGN_IN_FAILED,
            user=user,
            at=getattr(request, "arrived_at", None) or timezone.now(),
            address=self.get_client_ip(request),
        )

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        response.set_cookie(
            settings.KNOWN_BROWSER_COOKIE,
            signing.dumps(_fingerprint(user.email, settings.SECRET_KEY), salt="known-browser"),
            max_age=KNOWN_BROWSER_DAYS * 24 * 3600,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    # --- Mails ------------------------------------------------------------------------------------

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Links lead to the portal's own address: the host of a request is what its sender says."""
        super().send_mail(
            template_prefix,
            email,
            {
                name: _at_home(value) if name.endswith("url") else value
                for name, value in context.items()
            },
        )

    # --- Ways ------------------------------------------------------------------------------------

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return True

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if request.user.is_staff:
            return reverse("admin:index")
        return str(super().get_login_redirect_url(request))

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)


def _at_home(address: str) -> str:
    """The same page at `PORTAL_ADDRESS`."""
    parts = urlsplit(address)
    return settings.PORTAL_ADDRESS + urlunsplit(("", "", parts.path, parts.query, ""))


def _fingerprint(login: str, secret: str) -> str:
    """What the browser's cookie says about whom it knows: nothing readable."""
    return hashlib.sha256(f"{secret}|{login}".encode()).hexdigest()[:32]
