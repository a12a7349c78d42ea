"""Handing an application over when the person in charge of it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction

from applications import mails, permissions
from applications.models import Application
from applications.rules import Step
from applications.rules.unlocking import opens
from applications.services import log, unlocking
from applications.services.content import read_step
from applications.services.drafts import (
    NotAllowed,
    lock_for_edit,
    refuse_locked,
    touch,
    write_step,
)
from kiv_portal.folding import fold
from municipalities.models import Membership, User

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet


CONTACTS: Final = ("contact", "finance")
"""The contacts of an application, by how the names of their fields begin."""

PARTS: Final = ("person", "email", "phone")
"""What of a contact names a person, by how the names of the fields end."""


class CannotTakeOver(Exception):
    """Only confirmed, active people who write for the municipality can take an application over."""


def successors(application: Application) -> QuerySet[User]:
    """Who could take charge: confirmed people who write for the municipality, in order of name."""
    able = Membership.objects.filter(
        municipality__application_members__application=application,
        municipality__application_members__role="lead",
        confirmed_at__isnull=False,
        may_edit=True,
        may_read=True,
        user__is_active=True,
    )
    return (
        User.objects.filter(pk__in=able.values("user"))
        .exclude(pk=application.created_by_id)
        .order_by("name", "email")
    )


def contacts_naming(application: Application, person: User) -> list[str]:
    """Which of `CONTACTS` name this person, by name or by e-mail address."""
    return [
        contact
        for contact in CONTACTS
        if _names(getattr(application, f"{contact}_person"), person.name)
        or _names(getattr(application, f"{contact}_email"), person.email)
    ]


def _names(given: str, own: str) -> bool:
    return bool(given.strip()) and fold(given) == fold(own)


def may_change_contacts(application: Application, by: User) -> bool:
    """Whether the contacts can be written now, all of them, by this person."""
    targets = unlocking.opened(application).get(Step.ANSPRECHPARTNER, unlocking.CLOSED)
    is_open = all(opens(targets, f"{contact}_{part}") for contact in CONTACTS for part in PARTS)
    return is_open and permissions.may_edit(by, application)


def hand_over(
    *, application: Application, to: User, contacts: bool = False, by: User, at: datetime
) -> Application:
    """Put another person in charge: they get its mails and are named as who to ask.

    With `contacts` the contacts in the application that name who was in charge name the new
    person: name, e-mail address, and the telephone number where the account has one.
    Handing it to who has it already changes nothing.
    Raises NotAllowed, CannotTakeOver; NotEditable where the contacts cannot be written, NotUnlocked
    where an open request asks for something else of them.
    """
    with transaction.atomic():
        row = Application.objects.select_for_update().get(pk=application.pk)
        if not permissions.may_manage_team(by, row):
            raise NotAllowed
        if row.created_by_id == to.pk:
            return row
        if not successors(row).filter(pk=to.pk).exists():
            raise CannotTakeOver
        if contacts:
            _rename_contacts(lock_for_edit(row, Step.ANSPRECHPARTNER, by), to, by=by, at=at)
            row.refresh_from_db()
        before = row.created_by_id
        row.created_by = to
        row.save(update_fields=["created_by"])
        entry = log.record(row, "hand_over", by=by, at=at, before=before, after=to.pk)
        if to.pk != by.pk:
            mails.tell(
                to.email,
                "mails/handed_over.txt",
                key=f"handed_over:{entry.pk}",
                at=at,
                application=row,
                private=True,
                by=by,
            )
    return row


def _rename_contacts(row: Application, to: User, *, by: User, at: datetime) -> None:
    """Name the new person wherever a contact names who was in charge; the caller holds the lock."""
    before = read_step(row, Step.ANSPRECHPARTNER)
    data = dict(before)
    named = contacts_naming(row, row.created_by)
    for contact in named:
        data[f"{contact}_person"] = to.name
        data[f"{contact}_email"] = to.email
        data[f"{contact}_phone"] = to.phone or data[f"{contact}_phone"]
    if named:
        refuse_locked(row, Step.ANSPRECHPARTNER, before, data)
        write_step(row, Step.ANSPRECHPARTNER, data)
        touch(row, Step.ANSPRECHPARTNER, by=by, at=at)
