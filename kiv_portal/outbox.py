"""Outgoing mail and jobs as rows: written with their event, taken on by the one worker."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from kiv_portal.models import MAIL_SEAL, Job, OutboxMail, Work, WorkState
from kiv_portal.sealing import unseal

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=10)
"""How long a claimed row is left alone; whoever claimed it is taken for dead afterwards."""

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
"""Growing pauses between tries; after the last one the row has failed and staff see it."""

LONGEST_KEY: Final = 200

BROKEN_OFF: Final = "Der letzte Versuch brach ab, ohne einen Fehler zu melden."

Row = TypeVar("Row", bound=Work)


def _message_id() -> str:
    domain = settings.DEFAULT_FROM_EMAIL.rsplit("@", 1)[-1].strip(">")
    return f"<{uuid.uuid4().hex}@{domain}>"


def _short(key: str) -> str:
    """The key as it fits its column; addresses may be longer than that.

    It still begins as the event does, up to the last colon: by that the event's mails are found.
    """
    if len(key) <= LONGEST_KEY:
        return key
    event, colon, _ = key.rpartition(":")
    digest = hashlib.sha256(key.encode()).hexdigest()
    short = event + colon + digest
    return short if len(short) <= LONGEST_KEY else digest


def enqueue_mail(
    *,
    key: str,
    recipient: str,
    subject: str,
    body: str,
    at: datetime,
    private: bool = False,
    forget: bool = False,
) -> None:
    """Write one mail into the outbox, in the transaction of the caller's event.

    `key` names the event: the same key again is the same mail and changes nothing. The
    Message-ID is fixed here, so that a mail sent twice after a crash can be recognised.
    The text of a `private` mail is sealed and goes once it is sent; with `forget` its address
    goes as well.
    """
    enqueue_mails(
        {key: recipient}, subject=subject, body=body, at=at, private=private, forget=forget
    )


def enqueue_mails(
    recipients: Mapping[str, str],
    *,
    subject: str,
    body: str,
    at: datetime,
    private: bool = False,
    forget: bool = False,
) -> None:
    """Write the same mail to several addresses, each under its own key, in one statement."""
    rows = [
        OutboxMail(
            key=_short(key),
            message_id=_message_id(),
            recipient=recipient,
            subject=" ".join(subject.split()),
            private=private,
            forget=forget,
            created_at=at,
            next_try_at=at,
        )
        for key, recipient in recipients.items()
    ]
    for row in rows:
        row.write(body)
    OutboxMail.objects.bulk_create(rows, ignore_conflicts=True)


def drop_waiting(*keys: str) -> None:
    """Delete mails of these events that have not gone yet: what they ask for is over.

    A key is the event's, whole, or its beginning where it ends with a colon.
    """
    for key in keys:
        found = Q(key__startswith=key) if key.endswith(":") else Q(key=_short(key))
        OutboxMail.objects.filter(found).exclude(state=WorkState.DONE).delete()


def take_back(key: str) -> bool:
    """Delete mails of an event that nobody has tried to send; whether others of it are left.

    `key` is the beginning of the event's keys. What was tried may have arrived and stays.
    """
    found = OutboxMail.objects.filter(key__startswith=key)
    found.filter(state=WorkState.WAITING, attempts=0).delete()
    return found.exists()


def drop_mails_naming(text: str) -> None:
    """Delete every mail whose text holds this one, sealed or not: what it is about is erased."""
    OutboxMail.objects.filter(body__contains=text).delete()
    for pk, sealed in OutboxMail.objects.exclude(sealed="").values_list("pk", "sealed"):
        try:
            told = unseal(MAIL_SEAL, sealed)
        except InvalidToken:  # nobody can read it any more, so nobody can send it
            continue
        if text in told:
            OutboxMail.objects.filter(pk=pk).delete()


def enqueue_job(*, kind: str, argument: str, key: str, at: datetime) -> None:
    """Ask the worker for something, in the transaction of the caller's event; once per key.

    It is due at that instant, which may lie ahead.
    """
    job = Job(key=_short(key), kind=kind, argument=argument, created_at=at, next_try_at=at)
    Job.objects.bulk_create([job], ignore_conflicts=True)


class OutboxBackend(BaseEmailBackend):
    """Django's mails (sign-in, password reset) go through the outbox too, as private ones."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Enqueue one row per recipient; returns the number of messages."""
        for message in email_messages:
            for recipient in message.recipients():
                enqueue_mail(
                    key=f"account:{uuid.uuid4().hex}",
                    recipient=recipient,
                    subject=str(message.subject),
                    body=str(message.body),
                    at=timezone.now(),
                    private=True,
                )
        return len(email_messages)


# --- The worker's pulse ---------------------------------------------------------------------------

BEAT_KEY: Final = "portal:worker-beat"


def beat(at: datetime) -> None:
    """The worker says that it lives."""
    cache.set(BEAT_KEY, at.isoformat(), timeout=None)


def last_beat() -> datetime | None:
    """When the worker was last heard of; None if never."""
    told = cache.get(BEAT_KEY)
    return None if told is None else datetime.fromisoformat(told)


# --- The worker's side ----------------------------------------------------------------------------


def claim(model: type[Row], at: datetime) -> Row | None:
    """Take the oldest due row for this worker alone, or None; the claim is on disk at once.

    A row whose last try ended with the worker itself has failed: what kills the worker is not
    taken on for ever.
    """
    with transaction.atomic():
        due = model.objects.due(at)
        due.filter(attempts__gt=len(PAUSES)).update(state=WorkState.FAILED, last_error=BROKEN_OFF)
        row: Row | None = due.select_for_update(skip_locked=True).first()  # type: ignore[assignment]
        if row is None:
            return None
        row.attempts += 1
        row.next_try_at = at + LEASE
        row.save(update_fields=["attempts", "next_try_at"])
    return row


def succeed(row: Work, at: datetime) -> None:
    """Mark a claimed row as done. The text of a private mail is not kept."""
    row.state, row.done_at, row.last_error = WorkState.DONE, at, ""
    fields = ["state", "done_at", "last_error"]
    if isinstance(row, OutboxMail) and row.private:
        row.sealed = ""
        fields.append("sealed")
    if isinstance(row, OutboxMail) and row.forget:
        row.recipient = ""
        fields.append("recipient")
    row.save(update_fields=fields)


def fail(row: Work, error: Exception, at: datetime) -> None:
    """Note the error and try again after a growing pause; after the last pause it has failed."""
    row.last_error = _told(row, error)
    if row.attempts > len(PAUSES):
        row.state = WorkState.FAILED
    else:
        row.next_try_at = at + PAUSES[row.attempts - 1]
    row.save(update_fields=["last_error", "state", "next_try_at"])
    logger.warning("%s %s: %s", type(row).__name__, row.pk, type(error).__name__)


def _told(row: Work, error: Exception) -> str:
    """What staff read of an error. A mail server may cite the mail it refuses, link and all:
    of a private one only the kind of error and the server's number are kept.
    """
    if isinstance(row, OutboxMail) and row.private:
        code = getattr(error, "smtp_code", None)
        return type(error).__name__ + (f" ({code})" if isinstance(code, int) else "")
    return f"{type(error).__name__}: {error}"[:1000]


def retry(row: Work, at: datetime) -> None:
    """Put a row back to the front of the queue, on a person's wish; done ones stay done."""
    waiting = type(row)._default_manager.filter(pk=row.pk).exclude(state=WorkState.DONE)
    waiting.update(state=WorkState.WAITING, attempts=0, next_try_at=at)
    row.refresh_from_db()


def send(mail: OutboxMail) -> None:
    """Hand one mail to the mail server, with the Message-ID fixed when it was written."""
    options: dict[str, Any] = dict(settings.DELIVERY_EMAIL)
    connection = get_connection(options.pop("backend"), **options)
    EmailMessage(
        subject=mail.subject,
        body=mail.read(),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.recipient],
        headers={"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"},
        connection=connection,
    ).send()


def work_once(jobs: Mapping[str, Callable[[str, datetime], None]], at: datetime) -> bool:
    """Carry out one due mail and one due job; whether there was anything to do.

    `jobs` maps a job's kind to what carries it out with its argument. An error is noted at
    the row and never stops the worker.
    """
    busy = False
    if mail := claim(OutboxMail, at):
        busy = True
        _attempt(mail, lambda: send(mail), at)
    if job := claim(Job, at):
        busy = True
        _attempt(job, lambda: jobs[job.kind](job.argument, at), at)
    return busy


def _attempt(row: Work, carry_out: Callable[[], None], at: datetime) -> None:
    try:
        carry_out()
    except Exception as error:  # whatever it is, staff see it at the row
        fail(row, error, at)
    else:
        succeed(row, at)
