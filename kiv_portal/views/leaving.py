"""Signing out, and what ends with it besides the session."""

from typing import cast

from allauth.account.views import logout
from django.http import HttpRequest, HttpResponse

from applications.services import presence
from municipalities.models import User


def sign_out(request: HttpRequest) -> HttpResponse:
    """Ask (GET), or sign out (POST): whoever has left has no section open any more."""
    person = request.user
    response = cast("HttpResponse", logout(request))
    if person.is_authenticated and not request.user.is_authenticated:
        presence.end(by=cast("User", person))
    return response
