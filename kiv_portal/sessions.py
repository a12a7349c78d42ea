"""How long somebody stays signed in: an end after a pause, and an end in any case.

Both are settings, for staff and for municipalities. What a page needs to warn in time stands in
`request.session_ends`; what a view needs when the session was over, in `request.lapsed`. What
was typed comes back (`given_back.py`). Here is as well what carries the notices a page shows once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.sessions.backends.base import SessionBase

BEGAN: Final = "portal_began_at"
SEEN: Final = "portal_seen_at"

STEP: Final = timedelta(seconds=60)
"""So often at most an activity is written down; each writing is one to the database."""

View = TypeVar("View", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """When this session ends: after a pause, and at the latest."""

    idle_at: datetime
    ends_at: datetime
    idle_minutes: int

    @property
    def next_at(self) -> datetime:
        """Whichever comes first."""
        return min(self.idle_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A session that was over when its next request came, and whose it was."""

    user: Any
    idle: bool
    minutes: int

    @property
    def message(self) -> str:
        """What the person is told."""
        if self.idle:
            return (
                f"Ihre Sitzung wurde nach {self.minutes} Minuten ohne Eingabe beendet. Bitte "
                "melden Sie sich wieder an. Was Sie gespeichert hatten, ist noch da."
            )
        return (
            f"Ihre Sitzung wurde nach {self.minutes // 60} Stunden beendet. Bitte melden Sie sich "
            "wieder an. Was Sie gespeichert hatten, ist noch da."
        )


class SessionStore(DatabaseStore):
    """Django's sessions in the database; one that is there is written in one statement.

    Django opens a transaction around it. An activity is written down about once a minute, so
    for most people at every page they open.
    """

    def save(self, must_create: bool = False) -> None:
        """Write the session down. Raises UpdateError where it was ended in the meantime."""
        if must_create or self.session_key is None:
            super().save(must_create=must_create)
            return
        row = self.create_model_instance(dict(self.items()))
        found = self.model.objects.filter(session_key=row.session_key)
        if not found.update(session_data=row.session_data, expire_date=row.expire_date):
            raise UpdateError


def not_an_activity(view: View) -> View:
    """Mark a view that pages call by themselves: it does not keep a session alive."""
    view.not_an_activity = True  # type: ignore[attr-defined]
    return view


def holds_for_people(view: View) -> View:
    """Mark a page for everybody that acts for whoever is signed in.

    It stays open without a sign-in; with one, its end and the second factor hold as elsewhere.
    """
    view.holds_for_people = True  # type: ignore[attr-defined]
    return view


def check(session: SessionBase, user: Any, at: datetime, *, activity: bool) -> SessionEnds | Lapsed:
    """When the session ends, or that it is over. An activity is written down into it.

    A session that does not know when it began (made before this rule) begins now.
    """
    idle, longest = (
        timedelta(minutes=minutes)
        for minutes in settings.SESSION_LIMITS["staff" if user.is_staff else "municipality"]
    )
    began = _read(session, BEGAN) or at
    seen = _read(session, SEEN) or at
    if at - seen >= idle:
        return Lapsed(user=user, idle=True, minutes=int(idle.total_seconds() // 60))
    if at - began >= longest:
        return Lapsed(user=user, idle=False, minutes=int(longest.total_seconds() // 60))
    if BEGAN not in session:
        session[BEGAN] = int(at.timestamp())
        session[SEEN] = int(at.timestamp())
    elif activity and at - seen >= STEP:
        session[SEEN] = int(at.timestamp())
        seen = at
    return SessionEnds(
        idle_at=seen + idle,
        ends_at=began + longest,
        idle_minutes=int(idle.total_seconds() // 60),
    )


def keep_alive(session: SessionBase, at: datetime) -> None:
    """The person wants to go on: the pause begins anew, the longest time does not."""
    session[SEEN] = int(at.timestamp())


def _read(session: SessionBase, key: str) -> datetime | None:
    value = session.get(key)
    return None if value is None else datetime.fromtimestamp(value, UTC)


class NoticeCookie(CookieStorage):
    """Django's cookie of notices under a name that binds it to this host behind TLS."""

    cookie_name = settings.MESSAGE_COOKIE


class Notices(FallbackStorage):
    """Notices wait in a cookie, and where they are too long for one in the session."""

    storage_classes = (NoticeCookie, SessionStorage)
