"""Text that the database keeps and only the portal can read, by a key from its secret."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def fernet(purpose: str, salt: str = "") -> Fernet:
    """The cipher for one purpose; with a `salt` only whoever has that too can open it.

    A text sealed for one purpose opens for no other.
    """
    key = HKDF(
        algorithm=SHA256(), length=32, salt=salt.encode(), info=f"kiv-portal {purpose}".encode()
    ).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def seal(purpose: str, text: str) -> str:
    """The text as it may lie in the database: it says nothing without the portal's secret."""
    return fernet(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """The text again.

    Raises cryptography.fernet.InvalidToken where it was sealed with another secret.
    """
    return fernet(purpose).decrypt(sealed.encode()).decode()
