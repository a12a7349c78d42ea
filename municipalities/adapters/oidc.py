"""Sign-in with an organisation's account: OpenID Connect, there only when it is set.

An identity opens an account of the portal only after its owner, signed in, has connected the
two. It never makes an account, never finds one by address, and replaces no second factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from municipalities import services
from municipalities.models import EventKind
from municipalities.views.account import arrived, person

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialApp, SocialLogin
    from django.http import HttpRequest

PROVIDER = "organisation"


class SignedAdapter(OpenIDConnectOAuth2Adapter):
    """Who it is stands in a token whose signature is looked at, also where TLS would do."""

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        found: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
            verify_signature=True,
        )
        return found


class OrganisationAdapter(DefaultSocialAccountAdapter):
    """What becomes of an identity that arrives."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Raises ImmediateHttpResponse for an identity nobody has connected with an account."""
        process = sociallogin.state.get("process")
        if process == AuthProcess.LOGIN and sociallogin.is_existing:
            return
        if process == AuthProcess.CONNECT and request.user.is_authenticated:
            if not sociallogin.is_existing:
                services.record(
                    EventKind.IDENTITY_CONNECTED,
                    user=request.user,
                    by=request.user,
                    at=arrived(request),
                )
                return
            messages.error(request, "Dieses Organisationskonto ist schon verbunden.")
            raise ImmediateHttpResponse(redirect("account"))
        raise ImmediateHttpResponse(refused(request))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("account")

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Raises ImmediateHttpResponse: whatever it was, people get a page of the portal."""
        raise ImmediateHttpResponse(refused(request))


def refused(request: HttpRequest) -> HttpResponse:
    """The identity opens nothing."""
    return render(request, "municipalities/identity_refused.html", status=403)


@login_not_required
@never_cache
@require_POST
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Go to the organisation's sign-in; to connect an account only who has just proven it."""
    connect = request.POST.get("process") == AuthProcess.CONNECT
    if connect and not did_recently_reauthenticate(request):
        return redirect(f"{reverse('account_reauthenticate')}?next={reverse('account')}")
    answer: HttpResponse = OAuth2LoginView.adapter_view(SignedAdapter(request, PROVIDER))(request)
    return answer


@login_not_required
@never_cache
@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from there."""
    view = OAuth2CallbackView.adapter_view(SignedAdapter(request, PROVIDER))
    answer: HttpResponse = view(request)
    return answer


@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    """The identity opens this account no more."""
    if SocialAccount.objects.filter(user=person(request)).delete()[0]:
        services.record(
            EventKind.IDENTITY_REMOVED,
            user=person(request),
            by=person(request),
            at=arrived(request),
        )
        messages.success(request, "Die Verbindung ist gelöst.")
    return redirect("account")
