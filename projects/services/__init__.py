"""What happens in the directory: projects are opened, published, withdrawn; contacts renewed.

`at` is the instant the request arrived, `by` the person who acts (None: the portal itself).
Whatever changes what the public sees raises the directory's version in its own transaction
and leaves a line among the changes the public can read; the version's row is locked last.
"""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Final, NotRequired, TypedDict

import phonenumbers
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kiv_portal.folding import clean_text, fold
from kiv_portal.models import Erasure
from projects.models import (
    RESERVED_SLUGS,
    ChangeKind,
    ChangeSubject,
    Contact,
    DirectoryChange,
    DirectoryVersion,
    Project,
    ProjectMember,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from municipalities.models import Municipality, User
    from projects.models import FundingRound

SLUG_LENGTH: Final = 90
"""Of an address, before a number makes it unique: the column holds 120."""


class MemberEntry(TypedDict):
    """A municipality of a project; the first one leads."""

    municipality: Municipality
    declared_population: int | None


class ContactEntry(TypedDict):
    """Whom to ask: a function mailbox, a person only with that person's consent as `basis`.

    `person_until` is the last day of that consent, where it has one.
    """

    person: NotRequired[str]
    person_until: NotRequired[date | None]
    email: NotRequired[str]
    phone: NotRequired[str]
    basis: str


class NoMunicipality(Exception):
    """A project without a municipality has no place in the directory."""


class AlreadyPublished(Exception):
    """The public sees this project already."""


class NotPublished(Exception):
    """The public does not see this project, so it cannot be taken from it."""


class ReasonMissing(Exception):
    """Taking a project from the public needs a reason."""


class NoContact(Exception):
    """This project has no contact."""


class ConfirmedInFuture(Exception):
    """A contact cannot have been confirmed on a day that is still to come."""


# --- Projects -------------------------------------------------------------------------------------


@transaction.atomic
def open_project(
    *,
    title: str,
    round: FundingRound,
    amif: bool,
    summary: str,
    unit: str,
    members: Sequence[MemberEntry],
    starts_on: date | None,
    ends_on: date | None,
    source: str,
    by: User | None,
    at: datetime,
    contact: ContactEntry | None = None,
    from_application: bool = False,
    amount_class: str = "",
) -> Project:
    """Put a funded project on record; the public does not see it before `publish`.

    One `from_application` is published and withdrawn with its case, not at the desk's list.
    Raises NoMunicipality.
    """
    if not members:
        raise NoMunicipality
    # Whoever opens a project at the same time waits here, so the address stays free.
    _locked_version(at)
    title = _line(title)
    project = Project(
        slug=_free_slug(f"{members[0]['municipality'].short_name} {title}"),
        title=title,
        round=round,
        amif=amif,
        summary=clean_text(summary).strip(),
        unit=_line(unit),
        starts_on=starts_on,
        ends_on=ends_on,
        as_of=timezone.localdate(at),
        source=_line(source),
        from_application=from_application,
        amount_class=amount_class,
    )
    _save(project, by, at, "angelegt")
    ProjectMember.objects.bulk_create(
        ProjectMember(
            project=project,
            municipality=entry["municipality"],
            declared_population=entry["declared_population"],
            position=position,
        )
        for position, entry in enumerate(members)
    )
    refresh_keys(project)
    if contact is not None:
        _write_contact(Contact(project=project), contact, by, at, "angelegt")
    return project


@transaction.atomic
def publish(*, project: Project, by: User | None, at: datetime) -> None:
    """Show the project to the public. Raises AlreadyPublished, NoMunicipality."""
    _lock(project)
    if project.is_public:
        raise AlreadyPublished
    if not project.members.exists():
        raise NoMunicipality
    project.published_at = at
    project.published_month_only = False
    project.withdrawn_at = None
    project.withdrawn_reason = ""
    project.fill_keys()
    _save(project, by, at, "veröffentlicht")
    _announce(project, ChangeKind.NEW, at)


@transaction.atomic
def withdraw_from_public(*, project: Project, reason: str, by: User | None, at: datetime) -> None:
    """Take the project from the public directory; its record stays.

    Raises NotPublished, ReasonMissing.
    """
    _lock(project)
    if not project.is_public:
        raise NotPublished
    reason = _line(reason)
    if not reason:
        raise ReasonMissing
    project.withdrawn_at = at
    project.withdrawn_reason = reason
    _save(project, by, at, "aus dem Verzeichnis genommen")
    _announce(project, ChangeKind.WITHDRAWN, at)


@transaction.atomic
def follow_decision(
    *,
    project: Project,
    starts_on: date | None,
    ends_on: date | None,
    amount_class: str,
    by: User | None,
    at: datetime,
) -> None:
    """Let period and amount be as the decision says now; nothing happens where they are already.

    `amount_class` is a value of `AmountClass`, or empty.
    """
    _lock(project)
    now = (starts_on, ends_on, amount_class)
    if (project.starts_on, project.ends_on, project.amount_class) == now:
        return
    project.starts_on, project.ends_on, project.amount_class = now
    _save(project, by, at, "Zeitraum oder Größenklasse geändert")
    raise_version(at)


@transaction.atomic
def set_words(
    *,
    project: Project,
    summary: str,
    unit: str,
    contact: ContactEntry | None,
    by: User | None,
    at: datetime,
) -> None:
    """Put the municipality's own words and its contact into the entry, instead of what was there.

    Without a contact the one that stood there is erased, with its history. A contact that staff
    have hidden stays hidden. What differs is told among the directory's changes.
    """
    _lock(project)
    summary, unit = clean_text(summary).strip(), _line(unit)
    subjects = []
    if (project.summary, project.unit) != (summary, unit):
        project.summary, project.unit = summary, unit
        _save(project, by, at, "Text und Stelle geändert")
        refresh_keys(project)
        subjects.append(ChangeSubject.PROJECT)
    there = Contact.objects.select_for_update().filter(project=project).first()
    hidden = there is not None and there.hidden
    if contact is not None:
        _write_contact(there or Contact(project=project), contact, by, at, "bestätigt")
    elif there is not None:
        Erasure.objects.note(there, proof=there.nonce, rule="taken_back", at=at, files=[])
        Contact.history.filter(id=there.pk).delete()
        Contact.objects.filter(pk=there.pk).delete()
    if touched := contact is not None or there is not None:
        subjects += [] if hidden else [ChangeSubject.CONTACT]  # nobody sees a hidden one change
    if subjects or touched:
        _announce(project, ChangeKind.CHANGED, at, *subjects)


@transaction.atomic
def name_person(
    *, project: Project, person: str, until: date | None, by: User | None, at: datetime
) -> None:
    """Name a person beside the contact until that day, by their own consent. Raises NoContact.

    Without a name nobody is named any more, at once. No earlier version of the contact names
    anybody else either.
    """
    contact = _locked_contact(project)
    contact.person, contact.person_until = _line(person), until
    contact.forget_persons_before()
    _save(contact, by, at, "Person genannt" if contact.person else "Person nicht mehr genannt")
    _announce(project, ChangeKind.CHANGED, at, *([] if contact.hidden else [ChangeSubject.CONTACT]))


def refresh_keys(project: Project) -> None:
    """Make what search and order rest on anew: title, unit, summary or members changed."""
    project.fill_keys()
    Project.objects.filter(pk=project.pk).update(
        search_key=project.search_key,
        sort_key=project.sort_key,
        places_key=project.places_key,
        declared_total=project.declared_total,
    )


@transaction.atomic
def settle_edit(
    *,
    project: Project,
    at: datetime,
    subjects: Iterable[ChangeSubject] = (ChangeSubject.PROJECT,),
) -> None:
    """Staff changed the record by hand: the keys follow, and the public's copy is out of date.

    `subjects` is what the public sees of it; nothing, where only a hidden contact changed.
    """
    refresh_keys(project)
    _announce(project, ChangeKind.CHANGED, at, *subjects)


@transaction.atomic
def settle_round(*, round: FundingRound, at: datetime) -> None:
    """Staff changed a round: it stands beside every project of the round."""
    seen = Project.objects.published().filter(round=round).exists()
    version = raise_version(at)
    if seen:
        DirectoryChange.objects.create(
            kind=ChangeKind.CHANGED, subject=ChangeSubject.ROUND, at=at, version=version
        )


@transaction.atomic
def raise_version(at: datetime) -> int:
    """Say that the public directory has changed, and return its new version."""
    version = _locked_version(at)
    version.number += 1
    # Two requests may get the lock in another order than they arrived.
    version.changed_at = max(version.changed_at, at)
    version.save()
    return version.number


# --- Contacts -------------------------------------------------------------------------------------


@transaction.atomic
def hide_contact(*, project: Project, by: User | None, at: datetime) -> None:
    """Show the contact no longer; nothing happens where it is hidden. Raises NoContact."""
    _set_hidden(project, True, by, at)


@transaction.atomic
def show_contact(*, project: Project, by: User | None, at: datetime) -> None:
    """Show a hidden contact again; nothing happens where it is shown. Raises NoContact."""
    _set_hidden(project, False, by, at)


@transaction.atomic
def confirm_contact(*, project: Project, on: date, by: User | None, at: datetime) -> None:
    """Note that the contact was right on that day; it is shown for another CONTACT_DAYS.

    A hidden contact stays hidden; a wish for changes is taken as met.

    Raises NoContact, ConfirmedInFuture.
    """
    if on > timezone.localdate(at):
        raise ConfirmedInFuture
    contact = _locked_contact(project)
    contact.confirmed_on = on
    contact.expires_on = on + timedelta(days=settings.CONTACT_DAYS)
    contact.asked_on, contact.wish = None, ""
    _save(contact, by, at, "bestätigt")
    if contact.hidden:
        raise_version(at)
    else:
        _announce(project, ChangeKind.CHANGED, at, ChangeSubject.CONTACT)


def international(phone: str) -> str:
    """The telephone number for `tel:` links (E.164), empty where it cannot be one."""
    try:
        number = phonenumbers.parse(phone, "DE")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


# --- Within ---------------------------------------------------------------------------------------


def _locked_version(at: datetime) -> DirectoryVersion:
    version, _ = DirectoryVersion.objects.select_for_update().get_or_create(
        pk=1, defaults={"changed_at": at}
    )
    return version


def announce_change(project: Project, at: datetime, subject: ChangeSubject) -> None:
    """Raise the directory's version and say among its changes what of an entry was changed."""
    _announce(project, ChangeKind.CHANGED, at, subject)


def _announce(project: Project, kind: ChangeKind, at: datetime, *subjects: ChangeSubject) -> None:
    """Raise the version, and say in the list of changes what happened to a public entry.

    What nobody could see and nobody can see now is no change to the public.
    """
    version = raise_version(at)
    told: Sequence[str] = subjects if kind is ChangeKind.CHANGED else ("",)
    if kind is ChangeKind.CHANGED and not Project.objects.published().filter(pk=project.pk):
        return
    DirectoryChange.objects.bulk_create(
        DirectoryChange(project=project, kind=kind, subject=subject, at=at, version=version)
        for subject in told
    )


def _lock(project: Project) -> None:
    """Read the project anew and let nobody else change it until the transaction ends."""
    project.refresh_from_db(from_queryset=Project.objects.select_for_update())


def _locked_contact(project: Project) -> Contact:
    contact = Contact.objects.select_for_update().filter(project=project).first()
    if contact is None:
        raise NoContact
    return contact


def _write_contact(
    contact: Contact, said: ContactEntry, by: User | None, at: datetime, reason: str
) -> None:
    """Fill the contact and save it: right as of today, and shown for CONTACT_DAYS."""
    phone = _line(said.get("phone", ""))
    contact.person = _line(said.get("person", ""))
    contact.person_until = said.get("person_until")
    contact.email = _line(said.get("email", ""))
    contact.phone, contact.phone_e164 = phone, international(phone)
    contact.basis = _line(said["basis"])
    contact.confirmed_on = timezone.localdate(at)
    contact.expires_on = contact.confirmed_on + timedelta(days=settings.CONTACT_DAYS)
    contact.asked_on, contact.wish = None, ""
    contact.forget_persons_before()
    _save(contact, by, at, reason)


def _set_hidden(project: Project, hidden: bool, by: User | None, at: datetime) -> None:
    contact = _locked_contact(project)
    if contact.hidden == hidden:
        return
    contact.hidden = hidden
    _save(contact, by, at, "ausgeblendet" if hidden else "wieder eingeblendet")
    _announce(project, ChangeKind.CHANGED, at, ChangeSubject.CONTACT)


def _save(record: Project | Contact, by: User | None, at: datetime, reason: str) -> None:
    """Save with an entry in the record's history that names person, instant and reason."""
    record._history_user = by
    record._history_date = at
    record._change_reason = reason
    record.save()


def _line(text: str) -> str:
    """Text for one line: clean, without line breaks, single blanks between words."""
    return " ".join(clean_text(text).split())


def _free_slug(text: str) -> str:
    """An address in German transliteration that no project has and no page of ours needs."""
    words = re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-") or "projekt"
    if len(words) > SLUG_LENGTH:
        # At the end of a word, unless a single word is longer than all that is allowed.
        words = words[: SLUG_LENGTH + 1].rpartition("-")[0] or words[:SLUG_LENGTH]
    taken = {*RESERVED_SLUGS} | set(
        Project.objects.filter(slug__startswith=words).values_list("slug", flat=True)
    )
    if words not in taken:
        return words
    return next(slug for slug in (f"{words}-{n}" for n in count(2)) if slug not in taken)
