"""The form by which somebody sets up an app for codes."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, get_totp_secret
from cryptography.fernet import InvalidToken

from kiv_portal.sealing import is_sealed, seal, unseal
from municipalities.services.factors import PURPOSE


class AppForm(ActivateTOTPForm):
    """The package's form; the new key waits sealed in the session until its first code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_sealed(self.secret):
            try:
                self.secret = unseal(PURPOSE, self.secret)
            except InvalidToken:  # the secret was changed in between: begin with a new key
                self.secret = get_totp_secret(regenerate=True)
        context.request.session[SECRET_SESSION_KEY] = seal(PURPOSE, self.secret)
