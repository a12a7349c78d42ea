"""How people get into their account: password, address, second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from municipalities.models import EventKind, User
from municipalities.services.records import record

if TYPE_CHECKING:
    from datetime import datetime


def choose_password(*, user: User, password: str, at: datetime) -> None:
    """Whoever opened the link in the mail to an unconfirmed address sets the password.

    It replaces the one the account was made with, which somebody else may know.
    """
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        person.set_password(password)
        person.save(update_fields=["password"])
        record(
            EventKind.PASSWORD_CHANGED,
            user=person,
            by=person,
            at=at,
            detail="mit der Bestätigung der Adresse",
        )
