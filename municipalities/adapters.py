"""How the sign-in package behaves in this portal."""

from typing import ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse


class AccountAdapter(DefaultAccountAdapter):
    """Accounts come from invitations only; everybody lands where their work is."""

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

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if request.user.is_staff:
            return reverse("admin:index")
        return str(super().get_login_redirect_url(request))

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return self.get_login_redirect_url(request)
