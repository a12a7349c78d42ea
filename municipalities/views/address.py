"""A new address for one's own account: it counts when the link sent to it is opened."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.internal import ratelimit
from django.contrib import messages
from django.core import signing
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from municipalities import services
from municipalities.forms.account import NewAddressForm
from municipalities.views.account import arrived, person

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

SALT: Final = "new-address"
TYPED: Final = "portal_new_address"
VALID: Final = timedelta(days=3)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest) -> HttpResponse:
    """Name the new address; who does so has just proven again who they are.

    Where that has to be done first, what was typed is there again afterwards.
    """
    account = person(request)
    if not did_recently_reauthenticate(request):
        request.session[TYPED] = request.POST.get("email", "")[:254]
        return redirect(f"{reverse('account_reauthenticate')}?next={reverse('account_address')}")
    typed = {"email": request.session.pop(TYPED, "")}
    form = NewAddressForm(request.POST or None, initial=typed, current=account.email)
    if request.method == "POST" and form.is_valid():
        refused = ratelimit.consume_or_429(
            request, app="allauth.account", action="manage_email", user=account
        )
        if refused:
            return refused
        email = form.cleaned_data["email"]
        token = signing.dumps([account.pk, account.email, email], salt=SALT)
        services.ask_address(user=account, email=email, token=token, at=arrived(request))
        messages.success(
            request,
            f"Wir haben einen Link an {email} geschickt. Erst wenn Sie ihn öffnen, gilt die neue "
            "Adresse.",
        )
        return redirect("account")
    status = 422 if request.method == "POST" else 200
    return render(request, "municipalities/address.html", {"form": form}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail, opened by the account it is for: one press, and it counts.

    Another account, and nobody signed in, changes nothing: whoever gets the mail by mistake
    cannot be made the owner of somebody else's account, nor the other way round.
    """
    old, new = _read(request, token)
    if not new:
        return render(request, "municipalities/address_over.html", status=410)
    if request.method == "POST":
        try:
            services.change_address(user=person(request), old=old, new=new, at=arrived(request))
        except services.NotPossible:
            return render(request, "municipalities/address_over.html", status=410)
        messages.success(request, f"Ihr Konto hat jetzt die Adresse {new}.")
        return redirect("account")
    context = {"old": old, "new": new}
    return render(request, "municipalities/address_confirm.html", context)


def _read(request: HttpRequest, token: str) -> tuple[str, str]:
    """Old and new address; empty when the link is not for this account or too old."""
    try:
        found: Any = signing.loads(token, salt=SALT, max_age=VALID)
    except signing.BadSignature:
        return "", ""
    pk, old, new = found
    account = person(request)
    return (old, new) if (account.pk, account.email) == (pk, old) else ("", "")
