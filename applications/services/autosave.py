"""Saving while somebody writes: what can be saved is saved, and nothing of anybody is lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from applications.services import drafts
from applications.services.content import completed

if TYPE_CHECKING:
    from datetime import datetime

    from applications.models import Application
    from applications.rules import Step
    from applications.services.drafts import Conflict
    from municipalities.models import User


@dataclass(frozen=True, slots=True)
class Autosaved:
    """What became of it, and what the form carries from now on.

    `basis` and `own` go back with the next save: the revision the form shows, and those it
    has saved by itself since. `conflicts` were left as others wrote them; `unseen` are the
    fields and rows (`drafts.flat`) that others changed and the form does not show yet.
    """

    application: Application
    basis: int
    own: tuple[int, ...]
    conflicts: list[Conflict]
    unseen: list[str]


def save_typed(
    *,
    application: Application,
    step: Step,
    data: Mapping[str, Any],
    base_revision: int,
    own_revisions: Collection[int] = (),
    unread: Collection[str] = (),
    by: User,
    at: datetime,
) -> Autosaved:
    """Save what a form holds while it stays open; a field in dispute is left as it is.

    Like `save_step`, but a conflict keeps only its own field from being saved: the person
    settles it with the next ordinary save, which meets the same conflict again. As long as
    others changed something the form does not show, the form keeps its basis: moved on, its
    old values would look like changes and undo theirs. `unread` names rows of which a field
    could not be read; fields that cannot be read are not in `data`.
    Raises NotAllowed, NotEditable, NotUnlocked, RowNotFound.
    """
    with transaction.atomic():
        locked = drafts.lock_for_edit(application, step, by)
        current = drafts.read_step(locked, step)
        mine = completed(step, {**current, **data})
        base = drafts.base_of(locked, step, base_revision, own_revisions, by)
        merged, conflicts = drafts.merge(base, current, mine)
        now, typed = drafts.flat(current), drafts.flat(mine)

        def is_shown(key: str) -> bool:
            """Whether the form holds what is stored."""
            part = key.partition(":")[0]
            return part in data and key not in unread and typed.get(key) == now.get(key)

        unseen = [
            key for key in {**base, **now} if now.get(key) != base.get(key) and not is_shown(key)
        ]
        written = merged != current
        if written:
            drafts.refuse_locked(locked, step, current, merged)
            drafts.write_step(locked, step, merged)
            drafts.touch(locked, step, by=by, at=at, autosaved=True)
    if not unseen:
        return Autosaved(locked, locked.revision, (), conflicts, unseen)
    own = tuple(sorted({*own_revisions, *([locked.revision] if written else [])}))
    return Autosaved(locked, base_revision, own, conflicts, unseen)
