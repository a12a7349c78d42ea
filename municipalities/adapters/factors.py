"""How the package for second factors behaves in this portal: its words, and what it keeps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.shortcuts import render

from kiv_portal.sealing import seal, unseal
from municipalities.services.factors import PURPOSE

if TYPE_CHECKING:
    from municipalities.models import User

logger = logging.getLogger(__name__)


class FactorAdapter(DefaultMFAAdapter):
    """German that says what to do, names by which people know their passkeys, sealed keys."""

    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": (
            "Der Code stimmt nicht oder gilt nicht mehr. Bitte geben Sie den neuesten ein."
        ),
        "unverified_email": "Bitte bestätigen Sie zuerst Ihre E-Mail-Adresse.",
    }

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """What a passkey is called until its owner names it: „Passkey 1“."""
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"

    # --- What the database keeps of an app and of recovery codes ----------------------------------

    def encrypt(self, text: str) -> str:
        """As the key lies in the database: the portal's secret is needed to make codes of it."""
        return seal(PURPOSE, text)

    def decrypt(self, encrypted_text: str) -> str:
        """The key again.

        Raises ImmediateHttpResponse where the secret it was sealed with is gone, and where it
        lies there open: then somebody else than the portal has written it.
        """
        try:
            return unseal(PURPOSE, encrypted_text)
        except InvalidToken as fault:
            logger.error("A second factor cannot be opened with any known secret")
            page = render(context.request, "municipalities/factor_unreadable.html", status=403)
            raise ImmediateHttpResponse(page) from fault
