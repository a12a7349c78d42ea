"""Erasing files: when a file may go, that the archive was asked first, and what stays.

Of an erased application there stay its number, its municipalities, the chain of its log and the
hashes of its versions; everything anybody wrote goes, with the files (PROGRAMME §9). A period
that is not set erases nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone

from applications import mails
from applications.datamap import TABLES
from applications.models import (
    Application,
    ApplicationGuest,
    ArchiveOffer,
    CallSubscription,
    CaseEntry,
    CaseLogPayload,
    Delivery,
    FormSheet,
    KeptInput,
    Presence,
    PublicEntry,
    Recording,
    ReminderOff,
    ReminderSent,
    RetentionHold,
    SectionComment,
)
from applications.models.delivery import EntryKind
from applications.services import log, persons
from applications.services.reminders import people_of
from applications.workflow import Status
from kiv_portal import outbox
from kiv_portal.models import Erasure
from municipalities.permissions import may_administer

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from municipalities.models import User

WARNED: Final = timedelta(days=30)
"""So long before a draft is erased its people are told, and not less."""

OVER: Final = (Status.REJECTED, Status.WITHDRAWN, Status.CLOSED, Status.REVOKED)
"""States in which a case is over; a granted one is when its Verwendungsnachweis is checked."""

ROWS: Final = (
    "check_results",
    "expense_rulings",
    "opinions",
    "hearings",
    "entries",
    "information_requests",
    "notes",
    "messages",
    "recusals",
    "documents",
    "cooperations",
    "adoptions",
    "formats",
    "milestones",
    "expenses",
    "cover",
    "revisions",
    "guests",
    "comments",
    "presences",
    "reminders",
    "sheets",
    "holds",
)
"""What hangs on an application and goes with it, besides what is named in `_erase_rows`."""

BLANKED: Final = (
    "starts_on",
    "months",
    "vat_deductible",
    "budget_situation",
    "procurement_way",
    "postal_code",
    "city",
    "authority_declared",
    "declares_correct",
    "declares_not_started",
    "declares_financing_secured",
    "other_funding",
    "consents_publication",
    "submission_token",
    "asked",
    "asked_by_year",
    "refused_members",
    "file_number",
)
"""Answers that go besides the texts the data map names."""


class HoldExists(Exception):
    """The file is held already."""


class NotHeld(Exception):
    """There is no hold to lift."""


class NotForYou(Exception):
    """Holds are set and lifted by staff with the role „Verwaltung“."""


# --- What is due ----------------------------------------------------------------------------------


def drafts_due(at: datetime, ahead: timedelta = timedelta(0)) -> QuerySet[Application]:
    """Drafts nobody filed or touched for the period, or will not have `ahead` from now.

    What staff are recording has come, whether it is confirmed or not: it is none of them.
    """
    days = settings.RETENTION_DAYS["drafts"]
    if days is None:
        return Application.objects.none()
    drafts = Application.objects.drafts().filter(received_as="").exclude(Exists(_holds()))
    return drafts.filter(changed_at__lte=at + ahead - timedelta(days=days)).order_by("pk")


def drafts_to_erase(at: datetime) -> list[Application]:
    """Drafts that are due and whose people, where there are any, were told in time."""
    return [draft for draft in drafts_due(at) if _was_told(draft, at)]


def _was_told(draft: Application, at: datetime) -> bool:
    if not people_of(draft):
        return True
    told = ReminderSent.objects.filter(application=draft, occasion=_occasion(draft))
    return told.filter(at__lte=at - WARNED).exists()


def _occasion(draft: Application) -> str:
    return f"erasure:{timezone.localdate(draft.changed_at)}"


def warn_of_drafts(at: datetime) -> int:
    """Tell the people of drafts that will be erased, once for each; the number of drafts."""
    told = 0
    for draft in drafts_due(at, ahead=WARNED):
        with transaction.atomic():
            for person in people_of(draft):
                _, is_new = ReminderSent.objects.get_or_create(
                    application=draft, user=person, occasion=_occasion(draft), defaults={"at": at}
                )
                if is_new:
                    told += 1
                    mails.tell(
                        person.email,
                        "mails/draft_ends.txt",
                        key=f"draft_ends:{draft.pk}:{person.pk}:{_occasion(draft)}",
                        at=at,
                        application=draft,
                        private=True,
                        ends_on=timezone.localdate(at + WARNED),
                    )
    return told


def concluded(at: datetime) -> QuerySet[Application]:
    """Filed cases that are over for the period, and kept by no hold and no court."""
    days = settings.RETENTION_DAYS["case_files"]
    if days is None:
        return Application.objects.none()
    entries = CaseEntry.objects.filter(application=OuterRef("pk"), struck_at__isnull=True)
    checked = Exists(entries.filter(kind=EntryKind.REPORT_CHECKED))
    before_court = Exists(entries.filter(kind=EntryKind.ACTION)) & ~Exists(
        entries.filter(kind=EntryKind.FINAL)
    )
    return (
        Application.objects.submitted()
        .filter(Q(status__in=OVER) | (Q(status=Status.GRANTED) & checked))
        .exclude(before_court)
        .exclude(Exists(_holds()))
        .annotate(concluded_at=Max("log__at"))
        .filter(concluded_at__lte=at - timedelta(days=days))
        .order_by("reference")
    )


def files_to_offer(at: datetime) -> list[Application]:
    """Cases whose period is over and that the archive has not been offered."""
    return list(concluded(at).filter(archive_offer__isnull=True))


def files_to_erase(at: datetime) -> list[Application]:
    """Cases whose period is over and that the archive does not want, or has."""
    found = concluded(at).filter(archive_offer__isnull=False).select_related("archive_offer")
    return [case for case in found if case.archive_offer.may_be_erased]


def _holds() -> QuerySet[RetentionHold]:
    return RetentionHold.objects.filter(application=OuterRef("pk"), lifted_at__isnull=True)


# --- Archive and holds ----------------------------------------------------------------------------


def offer(*, application: Application, at: datetime) -> ArchiveOffer:
    """Put the file on the list for the archive, as it is told of it; no person is named."""
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=application.pk)
        last = locked.log.aggregate(last=Max("at"))["last"]
        lead = locked.lead
        row, _ = ArchiveOffer.objects.get_or_create(
            application=locked,
            defaults={
                "offered_at": at,
                "reference": locked.reference,
                "file_number": locked.file_number,
                "municipality": lead.municipality.short_name if lead else "",
                "call": locked.call.title,
                "outcome": locked.get_status_display(),
                "concluded_on": timezone.localdate(last),
            },
        )
    return row


def hold(*, application: Application, reason: str, by: User, at: datetime) -> RetentionHold:
    """Keep the file from being erased until the hold is lifted. Raises NotForYou, HoldExists."""
    if not may_administer(by):
        raise NotForYou
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=application.pk)
        if locked.holds.filter(lifted_at__isnull=True).exists():
            raise HoldExists
        row = RetentionHold.objects.create(application=locked, reason=reason, since=at, by=by)
        log.record(locked, "hold", by=by, at=at, reason=reason)
    return row


def lift_hold(*, application: Application, by: User, at: datetime) -> None:
    """Let the file's period count again. Raises NotForYou, NotHeld."""
    if not may_administer(by):
        raise NotForYou
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=application.pk)
        row = locked.holds.filter(lifted_at__isnull=True).first()
        if row is None:
            raise NotHeld
        row.lifted_at, row.lifted_by = at, by
        row.save()
        log.record(locked, "lift_hold", by=by, at=at)


# --- Erasing --------------------------------------------------------------------------------------


def erase_application(*, application: Application, rule: str, at: datetime) -> Erasure:
    """Erase what the application says; number, chain and hashes stay.

    Enters it in the ledger with the files to delete, which the caller deletes after the commit.
    Erased twice, nothing more happens.
    """
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=application.pk)
        files = _files(locked)
        if locked.erased_at is None:
            _erase_rows(locked, at)
            _blank(locked, at)
            log.record(locked, "erase", by=None, at=at, rule=rule)
        return Erasure.objects.note(locked, proof=str(locked.uuid), rule=rule, at=at, files=files)


def _files(application: Application) -> list[str]:
    """The names of all files that belong to it, in the storage."""
    letters, sheets = application.letters, FormSheet.objects.filter(application=application)
    found: list[str] = [
        *application.documents.values_list("file", flat=True),
        *application.snapshots.values_list("pdf", flat=True),
        *letters.values_list("file", flat=True),
        *application.decisions.values_list("elsewhere_file", flat=True),
        *sheets.values_list("file", flat=True),
        *application.opinions.values_list("file", flat=True),
    ]
    return sorted({name for name in found if name})


def _erase_rows(application: Application, at: datetime) -> None:
    """Delete everything that hangs on it, what protects others first."""
    Delivery.objects.filter(letter__application=application).delete()
    application.letters.all().delete()
    for decision in application.decisions.order_by("-number"):  # each protects the one before
        decision.delete()
    application.documents.update(replaces=None)
    persons.forget(application, at)
    PublicEntry.objects.filter(application=application).delete()
    Recording.objects.filter(application=application).delete()
    for name in ROWS:
        getattr(application, name).all().delete()
    KeptInput.objects.filter(application=application).delete()
    CaseLogPayload.objects.filter(entry__application=application).delete()
    outbox.drop_mails_naming(str(application.uuid))
    application.snapshots.update(payload="", pdf="")
    application.members.update(live=False)


def _blank(application: Application, at: datetime) -> None:
    groups = TABLES["applications.Application"].groups()
    values: dict[str, Any] = {}
    for name in (*groups["personal"], *groups["content"], *BLANKED):
        field = application._meta.get_field(name)
        default = None if getattr(field, "null", False) else field.get_default()
        values[name] = default
    Application.objects.filter(pk=application.pk).update(**values, erased_at=at)
    application.refresh_from_db()


def forget_person(user: User, at: datetime) -> None:
    """Delete what belongs to a person and to no file: remarks, invitations as guest, reminders.

    The caller erases the account in the same transaction.
    """
    for model in (KeptInput, Presence, ReminderOff, ReminderSent):
        model.objects.filter(user=user).delete()
    SectionComment.objects.filter(by=user).delete()
    ApplicationGuest.objects.filter(Q(user=user) | Q(email__iexact=user.email)).delete()
    CallSubscription.objects.filter(email__iexact=user.email).delete()
    persons.forget_address(user.email, at)


def forget_passing(at: datetime) -> int:
    """Delete what only passes: signs of presence, kept input, guests whose time is over."""
    days = settings.RETENTION_DAYS["invitations"]
    before = at - timedelta(days=days or 0)
    guests = ApplicationGuest.objects.filter(Q(ended_at__lte=before) | Q(expires_at__lte=before))
    found: list[QuerySet[Any]] = [
        Presence.objects.filter(expires_at__lte=at),
        KeptInput.objects.filter(expires_at__lte=at),
        guests if days is not None else guests.none(),
    ]
    return sum(rows.delete()[0] for rows in found)
