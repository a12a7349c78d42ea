"""How the package for second factors behaves in this portal: its words."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator

if TYPE_CHECKING:
    from municipalities.models import User


class FactorAdapter(DefaultMFAAdapter):
    """German that says what to do, and names by which people know their passkeys again."""

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
