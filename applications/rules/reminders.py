"""When somebody is reminded of a draft: pure, in Hessian working days."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from kiv_portal.calendar import add_working_days


class ReminderKind(StrEnum):
    """What a reminder is about; each kind can be switched off."""

    CLOSING = "closing"
    IDLE = "idle"

    @property
    def label(self) -> str:
        """The German name of the reminder."""
        return {
            "closing": "Die Frist eines Förderaufrufs endet bald",
            "idle": "Ein Entwurf liegt länger unverändert",
        }[self.value]


BEFORE_CLOSING: Final = (10, 3)
"""So many working days before the call closes its drafts are reminded of, the earlier first."""

LEFT_ALONE: Final = 15
"""So many working days without a change are a draft left alone."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder that is due. `occasion` is its name: each is sent once."""

    kind: ReminderKind
    occasion: str


def due_reminders(
    *, today: date, closes_on: date | None, changed_on: date, revision: int
) -> list[Reminder]:
    """What a draft is to be reminded of on that day.

    `closes_on` is the last day of the call, None where it is open-ended; a call extended
    later is a new occasion. Of two reminders of the same end only the nearer one is due, so
    that a draft begun late is not reminded twice on one day. Nothing is due after the end.
    """
    if closes_on is not None and today > closes_on:
        return []
    due: list[Reminder] = []
    if closes_on is not None:
        reached = [n for n in BEFORE_CLOSING if today >= add_working_days(closes_on, -n)]
        if reached:
            nearest = min(reached)
            due.append(Reminder(ReminderKind.CLOSING, f"closing:{closes_on.isoformat()}:{nearest}"))
    if not due and today >= add_working_days(changed_on, LEFT_ALONE):
        due.append(Reminder(ReminderKind.IDLE, f"idle:{revision}"))
    return due
