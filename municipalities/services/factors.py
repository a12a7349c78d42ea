"""The keys of second factors lie sealed in the database, and with the secret of now."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.db import transaction

from kiv_portal.sealing import renew

logger = logging.getLogger(__name__)

PURPOSE: Final = "factor"
"""What the keys of second factors are sealed for."""

KEYS: Final = ("secret", "seed")
"""Where the package keeps them: of an app, and of the recovery codes. A passkey's is public."""


@dataclass(frozen=True)
class Resealed:
    """How many keys were sealed anew, and how many no secret of the settings opens."""

    done: int = 0
    unreadable: int = 0


def reseal_factors() -> Resealed:
    """Seal with the secret of now what is sealed with a secret of before.

    After it no key needs `SECRET_KEY_FALLBACKS`. Each row for itself, locked while it is written:
    a recovery code used in this very moment stays used. A key that lies open was written by
    somebody else than the portal: it counts as unreadable and is never made one that is valid.
    """
    done = unreadable = 0
    for pk in list(Authenticator.objects.order_by("pk").values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                for row in Authenticator.objects.select_for_update().filter(pk=pk):
                    done += _reseal(row)
        except InvalidToken:
            unreadable += 1
    if unreadable:
        logger.error("Second factors that no known secret opens: %d", unreadable)
    return Resealed(done, unreadable)


def _reseal(row: Authenticator) -> bool:
    """Seal the row's keys with the secret of now; whether any was not yet."""
    keys = {key: renew(PURPOSE, str(row.data[key])) for key in KEYS if key in row.data}
    if row.data | keys == row.data:
        return False
    row.data |= keys
    row.save(update_fields=["data"])
    return True
