"""What somebody had typed when the session was over: sealed for that person and put back.

A form carries a seal that says, readable to the portal only, whose it is. When it is sent
without a session, what was typed is encrypted with a key that needs the portal's secret *and* a
token which only that browser gets. Nobody but the same person in the same browser can open it.

In the same way the reason survives that somebody gave on the check page when filing was refused.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import OuterRef, Subquery

from applications import permissions
from applications.models import Application, KeptInput
from kiv_portal.sealing import fernet
from municipalities.models import User

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from applications.rules import Step

SEAL_LASTS: Final = timedelta(days=14)
"""So long a form may stay open and still be told whose it is."""
KEPT_FOR: Final = timedelta(hours=24)
MOST_BYTES: Final = 1_000_000
"""More than this no form of ours holds; it is not kept."""
MOST_PER_PERSON: Final = 20
CHECK_PAGE: Final = "pruefen"
"""Stands for a step where the reason of the check page is kept."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form held: its inputs in their order, and the names of files chosen in it."""

    inputs: Sequence[tuple[str, str]]
    files: Sequence[str] = ()


def seal(*, user: User, application: uuid.UUID, step: Step, at: datetime) -> str:
    """Whose form it is, of which application and section; only the portal can read or make it."""
    text = f"{user.pk}:{application}:{step.value}".encode()
    return fernet("seal").encrypt_at_time(text, int(at.timestamp())).decode()


def owner_of(text: str, *, application: uuid.UUID, step: Step, at: datetime) -> int | None:
    """The primary key of the person a seal names, or None where it is no seal of this form."""
    cipher = fernet("seal")
    try:
        opened = cipher.decrypt(text.encode())
        # The package's own limit refuses as well what a faster clock has sealed.
        age = int(at.timestamp()) - cipher.extract_timestamp(text.encode())
    except (InvalidToken, UnicodeEncodeError):
        return None
    if age > SEAL_LASTS.total_seconds():
        return None
    owner, key, place = opened.decode().split(":")
    return int(owner) if (key, place) == (str(application), step.value) else None


def keep(
    *, owner: int, application: uuid.UUID, step: str, typed: Typed, token: str, at: datetime
) -> bool:
    """Keep what the owner of a sealed form had typed; whether it is kept.

    Not kept is what belongs to nobody who may write there, and what is larger than any form.
    `token` is what only this browser has. The newest input of a section takes the place of an
    older one, and a person has a limited number of them.
    """
    text = json.dumps([list(typed.inputs), list(typed.files)], ensure_ascii=False).encode()
    found = Application.objects.filter(uuid=application).first()
    person = User.objects.filter(pk=owner, is_active=True).first()
    if len(text) > MOST_BYTES or found is None or person is None:
        return False
    may_write = permissions.may_file if step == CHECK_PAGE else permissions.may_edit
    if not may_write(person, found):
        return False
    with transaction.atomic():
        KeptInput.objects.filter(expires_at__lte=at).delete()
        KeptInput.objects.update_or_create(
            token_hash=_hash(token),
            application=found,
            step=step,
            user=person,
            defaults={
                "sealed": fernet("kept", token).encrypt(zlib.compress(text)),
                "kept_at": at,
                "expires_at": at + KEPT_FOR,
            },
        )
        mine = KeptInput.objects.filter(user=person).order_by("-kept_at", "-pk")
        too_many = list(mine.values_list("pk", flat=True)[MOST_PER_PERSON:])
        if too_many:
            KeptInput.objects.filter(pk__in=too_many).delete()
    return True


def find(
    *, application: Application, step: str, token: str, by: User, at: datetime
) -> Typed | None:
    """What this person had typed into this section in this browser, or None."""
    row = _rows(application, step, token, by).filter(expires_at__gt=at).first()
    return opened(row.sealed if row else None, token)


def sealed_for(*, step: str, token: str, by: User, at: datetime) -> Subquery:
    """What `opened` opens of an application, for a query that reads the application anyway."""
    rows = _rows(OuterRef("pk"), step, token, by).filter(expires_at__gt=at)
    return Subquery(rows.values("sealed")[:1])


def opened(sealed: bytes | memoryview | None, token: str) -> Typed | None:
    """What was typed, or None where there is nothing that this browser's token opens."""
    if sealed is None:
        return None
    try:
        text = zlib.decompress(fernet("kept", token).decrypt(bytes(sealed)))
    except InvalidToken:  # the portal's secret has changed since
        return None
    inputs, files = json.loads(text)
    return Typed([(name, value) for name, value in inputs], files)


def forget(*, application: Application, step: str, token: str, by: User) -> None:
    """Erase it: it is saved, or the person does not want it."""
    _rows(application, step, token, by).delete()


def _rows(application: Application | OuterRef, step: str, token: str, by: User):
    return KeptInput.objects.filter(
        token_hash=_hash(token), application=application, step=step, user=by
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
