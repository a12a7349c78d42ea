"""The public entry of a granted case: published at once, its own words when they are confirmed.

Municipality, title, round, period and the class of the amount are the authority's to publish, as
soon as the applicant has been told of the decision. Free text, unit and contact come when the
municipality says so; a person only when that person says so too (`persons`). Without an answer
the entry shows the function mailbox alone. What is taken back is gone at once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from applications import permissions
from applications.models import Application, EntryState, PublicEntry
from applications.services import following, log, moves, persons
from applications.services.delivery import told_state
from applications.services.drafts import NotAllowed
from applications.workflow import Status
from kiv_portal.calendar import deadline
from kiv_portal.folding import clean_text
from projects import services as projects
from projects.models import Contact

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import User
    from projects.models import Project

ANSWER_DAYS: Final = 14
"""So long the municipality has to confirm text and contact; afterwards the mailbox alone."""


class NotToldYet(Exception):
    """The applicant does not know of the decision yet, so nobody else may."""


class MailboxMissing(Exception):
    """A contact without an address is none."""


class EntryChanged(Exception):
    """Somebody else has said something else of the entry since the person read it."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a municipality says of its project. `person` is named once that person agrees."""

    summary: str
    unit: str
    mailbox: str
    phone: str = ""
    person: str = ""
    person_email: str = ""


# --- The authority --------------------------------------------------------------------------------


def publish_project(
    *, application: Application, mailbox: str = "", by: User, at: datetime
) -> Application:
    """Show the granted project in the public directory, and ask the municipality for its words.

    Public are municipality, title, round, period and class of amount. `mailbox` is the function
    mailbox that is shown where the municipality has not answered by then; without one, nothing.
    Raises NotToldYet, projects.services.AlreadyPublished, NotAllowed, WrongState.
    """
    with transaction.atomic():
        row = moves.locked(application, "publish_project", by=by)
        project = _project_of(row)
        if told_state(row, at) is not Status.GRANTED:
            raise NotToldYet
        following.keep_up(row, by=by, at=at)
        persons.forget(row, at)
        projects.set_words(project=project, summary="", unit="", contact=None, by=by, at=at)
        projects.publish(project=project, by=by, at=at)
        due_on = deadline(timezone.localdate(at), days=ANSWER_DAYS)
        PublicEntry.objects.update_or_create(
            application=row,
            defaults={
                "state": EntryState.ASKED,
                "asked_at": at,
                "due_on": due_on,
                "mailbox": mailbox.strip(),
                "settled_at": None,
                "settled_by": None,
            },
        )
        moves.make(
            row,
            "publish_project",
            by=by,
            at=at,
            public_address=f"{settings.PORTAL_ADDRESS}/projekte/{project.slug}/",
            due_on=due_on.isoformat(),
            answer_until=f"{due_on:%d.%m.%Y}",
            shows_mailbox=bool(mailbox.strip()),
        )
    return row


def withdraw_project(
    *, application: Application, reason: str, by: User, at: datetime
) -> Application:
    """Take the project out of the public directory, at once, with all its twins and feeds.

    Text and contact go as well: published again, the municipality is asked again.
    Raises projects.services.NotPublished, NotAllowed, WrongState, ReasonMissing.
    """
    with transaction.atomic():
        row = moves.locked(application, "withdraw_project", by=by, reason=reason)
        project = _project_of(row)
        projects.withdraw_from_public(project=project, reason=reason.strip(), by=by, at=at)
        persons.forget(row, at)
        projects.set_words(project=project, summary="", unit="", contact=None, by=by, at=at)
        moves.make(
            row,
            "withdraw_project",
            by=by,
            at=at,
            project=project.slug,
            reason=reason.strip(),
        )
    return row


# --- The municipality -----------------------------------------------------------------------------


def confirm_entry(
    *, application: Application, words: Words, seen: str | None = None, by: User, at: datetime
) -> PublicEntry:
    """Put the municipality's own text, unit and mailbox into the public entry, at once.

    A person it names is asked at their own address and shown when they agree; one that is named
    no longer disappears at once. `seen` is the `stand_of` of the words the person began with.
    Raises NotAllowed, projects.services.NotPublished, EntryChanged, MailboxMissing.
    """
    with transaction.atomic():
        row, project = _open(application, by)
        if seen not in (None, stand_of(words_of(row))):
            raise EntryChanged
        if not words.mailbox.strip():
            raise MailboxMissing
        named = persons.named(row)
        same = (
            named is not None
            and named.name == clean_text(words.person).strip()
            and named.email.lower() == words.person_email.strip().lower()
        )
        if not same:
            persons.forget(row, at)
        today = timezone.localdate(at)
        shown = named if same and named is not None and named.until else None
        projects.set_words(
            project=project,
            summary=words.summary,
            unit=words.unit,
            contact={
                "person": shown.name if shown else "",
                "person_until": shown.until if shown else None,
                "email": words.mailbox,
                "phone": words.phone,
                "basis": f"Angabe der Kommune vom {today:%d.%m.%Y}",
            },
            by=by,
            at=at,
        )
        asking = bool(words.person.strip()) and not same
        if asking:
            persons.ask(row, name=words.person, email=words.person_email, by=by, at=at)
        entry = _settle(row, EntryState.CONFIRMED, by, at)
        log.record(row, "confirm_entry", by=by, at=at, person_asked=asking)
    return entry


def take_back_entry(*, application: Application, by: User, at: datetime) -> PublicEntry:
    """Take text, unit, contact and person out of the public entry, at once.

    What the authority publishes by itself stays. Raises NotAllowed, projects.services.NotPublished.
    """
    with transaction.atomic():
        row, project = _open(application, by)
        persons.forget(row, at)
        projects.set_words(project=project, summary="", unit="", contact=None, by=by, at=at)
        entry = _settle(row, EntryState.TAKEN_BACK, by, at)
        log.record(row, "take_back_entry", by=by, at=at)
    return entry


def entries_unanswered(argument: str, at: datetime) -> None:
    """The worker's daily look: who has not answered in time is shown with the mailbox alone."""
    today = timezone.localdate(at)
    late = PublicEntry.objects.filter(state=EntryState.ASKED, due_on__lt=today)
    for pk in list(late.order_by("pk").values_list("application", flat=True)):
        with transaction.atomic():
            row = Application.objects.select_for_update().get(pk=pk)
            entry = PublicEntry.objects.filter(application=row, state=EntryState.ASKED).first()
            if entry is None or row.project is None or not row.project.is_public:
                continue
            # A contact there can only be one that staff have entered by hand since.
            by_hand = Contact.objects.filter(project=row.project).exists()
            if entry.mailbox and not by_hand:
                projects.set_words(
                    project=row.project,
                    summary=row.project.summary,
                    unit=row.project.unit,
                    contact={
                        "email": entry.mailbox,
                        "basis": f"Funktionspostfach; keine Antwort bis {entry.due_on:%d.%m.%Y}",
                    },
                    by=None,
                    at=at,
                )
            _settle(row, EntryState.UNANSWERED, None, at)
            log.record(row, "entry_unanswered", by=None, at=at, by_hand=by_hand)
    following.catch_up(at)


def words_of(application: Application) -> Words:
    """What the entry says now, or, before the municipality has answered, what was filed.

    The proposal of a contact is the unit and its mailbox, never the person the application names.
    """
    project = _project_of(application)
    named = persons.named(application)
    person = {"person": named.name, "person_email": named.email} if named else {}
    if is_answered(application):
        contact = Contact.objects.filter(project=project).first()
        return Words(
            summary=project.summary,
            unit=project.unit,
            mailbox=contact.email if contact else "",
            phone=contact.phone if contact else "",
            **person,
        )
    entry = PublicEntry.objects.filter(application=application).first()
    return Words(
        summary=application.summary,
        unit=application.contact_unit,
        mailbox=entry.mailbox if entry and entry.mailbox else application.contact_email,
        **person,
    )


def stand_of(words: Words) -> str:
    """What tells these words from others: two people may have the page open."""
    return log.sha256(log.canonical(asdict(words)))


def is_answered(application: Application) -> bool:
    """Whether the municipality has confirmed what its entry says."""
    return PublicEntry.objects.filter(application=application, state=EntryState.CONFIRMED).exists()


# --- Within ---------------------------------------------------------------------------------------


def _open(application: Application, by: User) -> tuple[Application, Project]:
    """The locked case and its project, once this person may speak for the municipality."""
    row = Application.objects.select_for_update().get(pk=application.pk)
    if not permissions.may_speak_publicly(by, row):
        raise NotAllowed
    if row.state is not Status.GRANTED or row.project is None or not row.project.is_public:
        raise projects.NotPublished
    return row, row.project


def _project_of(row: Application) -> Project:
    assert row.project is not None  # a granted application has one
    return row.project


def _settle(row: Application, state: EntryState, by: User | None, at: datetime) -> PublicEntry:
    day: date = timezone.localdate(at)
    entry, _ = PublicEntry.objects.update_or_create(
        application=row,
        defaults={"state": state, "settled_at": at, "settled_by": by},
        create_defaults={
            "state": state,
            "settled_at": at,
            "settled_by": by,
            "asked_at": at,
            "due_on": day,
        },
    )
    return entry
