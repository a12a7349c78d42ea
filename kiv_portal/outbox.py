"""Outgoing mail and jobs as rows: written with their event, taken on by the one worker."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from kiv_portal.models import Job, OutboxMail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


def _message_id() -> str:
    domain = settings.DEFAULT_FROM_EMAIL.rsplit("@", 1)[-1].strip(">")
    return f"<{uuid.uuid4().hex}@{domain}>"


def enqueue_mail(
    *,
    key: str,
    recipient: str,
    subject: str,
    body: str,
    at: datetime,
    private: bool = False,
) -> None:
    """Write one mail into the outbox, in the transaction of the caller's event.

    `key` names the event: the same key again is the same mail and changes nothing. The
    Message-ID is fixed here, so that a mail sent twice after a crash can be recognised.
    """
    OutboxMail.objects.get_or_create(
        key=key,
        defaults={
            "message_id": _message_id(),
            "recipient": recipient,
            "subject": " ".join(subject.split()),
            "body": body,
            "private": private,
            "created_at": at,
            "next_try_at": at,
        },
    )


def enqueue_job(*, kind: str, argument: str, key: str, at: datetime) -> None:
    """Ask the worker for something, in the transaction of the caller's event; once per key."""
    Job.objects.get_or_create(
        key=key,
        defaults={"kind": kind, "argument": argument, "created_at": at, "next_try_at": at},
    )


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
