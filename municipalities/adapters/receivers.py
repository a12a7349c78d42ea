"""The sign-in log's receivers: what the sign-in package and Django tell, as lines of the log.

The one place where signals are heard (`MunicipalitiesConfig.ready`): the packages that know of
these events have no other way to tell of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import signals as account
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from kiv_portal.sessions import BEGAN, SEEN
from municipalities import services
from municipalities.models import EventKind

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from municipalities.models import User

FACTORS = {"totp": "Authenticator-App", "webauthn": "Passkey", "recovery_codes": "Codes"}


def connect() -> None:
    """Hear from now on; the same receiver is never heard twice."""
    for signal, receiver in (
        (user_logged_in, begin_session),
        (user_logged_out, signed_out),
        (account.user_logged_in, signed_in),
        (account.user_signed_up, registered),
        (account.email_confirmed, email_confirmed),
        (account.password_changed, password_changed),
        (account.password_set, password_changed),
        (account.password_reset, password_reset),
        (mfa.authenticator_added, factor_added),
        (mfa.authenticator_removed, factor_removed),
        (mfa.authenticator_reset, codes_made),
        (mfa.authenticator_used, factor_used),
        (mfa.authentication_failed, factor_failed),
    ):
        signal.connect(receiver, dispatch_uid=receiver.__qualname__ + str(id(signal)))


def note(kind: EventKind, request: HttpRequest | None, user: User | None, detail: str = "") -> None:
    """One line about the person of this request."""
    services.record(
        kind, user=user, by=user, at=_at(request), detail=detail, address=_address(request)
    )


def _at(request: HttpRequest | None) -> datetime:
    return getattr(request, "arrived_at", None) or timezone.now()


def _address(request: HttpRequest | None) -> str | None:
    """Where the request comes from; None where that cannot be told."""
    try:
        return get_adapter().get_client_ip(request) if request is not None else None
    except PermissionDenied:
        return None


def begin_session(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """The session knows from the start when it began, and so when it ends."""
    now = int(_at(request).timestamp())
    request.session[BEGAN] = request.session[SEEN] = now


def signed_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    note(EventKind.SIGNED_IN, request, user)


def signed_out(sender: Any, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None and user.is_authenticated:
        note(EventKind.SIGNED_OUT, request, user)


def registered(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    note(EventKind.REGISTERED, request, user)


def email_confirmed(sender: Any, request: HttpRequest, email_address: Any, **_: Any) -> None:
    """From now on it is known who it is: the municipality they named is told."""
    note(EventKind.EMAIL_CONFIRMED, request, email_address.user)
    services.announce(user=email_address.user, at=_at(request))


def password_changed(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    note(EventKind.PASSWORD_CHANGED, request, user)


def password_reset(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """The link came by mail: whoever used it has the mailbox, and chose the password."""
    note(EventKind.PASSWORD_RESET, request, user)
    own, _created = EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"primary": True}
    )
    if not own.verified:
        get_adapter().confirm_email(request, own)


def factor_added(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    """Who has just set up a factor has used it: the session counts as signed in with it."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        note(EventKind.CODES_MADE, request, user)
        return
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
    note(EventKind.FACTOR_ADDED, request, user, FACTORS[authenticator.type])


def factor_removed(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    note(EventKind.FACTOR_REMOVED, request, user, FACTORS[authenticator.type])


def codes_made(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    note(EventKind.CODES_MADE, request, user)


def factor_used(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    note(EventKind.FACTOR_USED, request, user, FACTORS[authenticator.type])


def factor_failed(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any
) -> None:
    note(EventKind.FACTOR_FAILED, request, user, FACTORS[authenticator.type])
