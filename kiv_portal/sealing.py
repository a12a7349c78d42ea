"""Text that the database keeps and only the portal can read, by a key from its secret.

The secret is changed by `SECRET_KEY_FALLBACKS` (docs/operations.md): what is sealed from then on
is sealed with the new one, what an older one sealed is still read.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def fernet(purpose: str, salt: str = "") -> MultiFernet:
    """The cipher for one purpose; with a `salt` only whoever has that too can open it.

    A text sealed for one purpose opens for no other.
    """
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_key(secret, purpose, salt)) for secret in secrets])


def is_sealed(text: str) -> bool:
    """Whether it looks like a sealed text: version and the first zeros of the time, in base64."""
    return text.startswith("gAAAA")


def renew(purpose: str, kept: str) -> str:
    """The same text sealed with the secret of now; what is so already stays as it is.

    Raises cryptography.fernet.InvalidToken where it was sealed with a secret that is not known, or
    is not sealed at all.
    """
    try:
        Fernet(_key(settings.SECRET_KEY, purpose, "")).decrypt(kept.encode())
    except InvalidToken:
        return seal(purpose, unseal(purpose, kept))
    return kept


def _key(secret: str, purpose: str, salt: str) -> bytes:
    key = HKDF(
        algorithm=SHA256(), length=32, salt=salt.encode(), info=f"kiv-portal {purpose}".encode()
    ).derive(secret.encode())
    return base64.urlsafe_b64encode(key)


def seal(purpose: str, text: str) -> str:
    """The text as it may lie in the database: it says nothing without the portal's secret."""
    return fernet(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """The text again.

    Raises cryptography.fernet.InvalidToken where it was sealed with a secret that is not known.
    """
    return fernet(purpose).decrypt(sealed.encode()).decode()
