"""What the portal as a whole does: pass on the report of a barrier, forget what has expired."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.template.loader import render_to_string

from kiv_portal import outbox
from kiv_portal.models import Authority

if TYPE_CHECKING:
    from datetime import datetime


class NobodyToTell(Exception):
    """The authority has named no address for reports about barriers."""


def report_barrier(*, message: str, page: str, reply_to: str, at: datetime) -> None:
    """Send the report to the authority (§ 14 HessBGG: a way to report barriers).

    It is kept only as this mail: once sent, its text goes from the outbox, and staff never see
    it there. Raises NobodyToTell.
    """
    authority = Authority.load()
    if authority is None or not authority.barrier_email:
        raise NobodyToTell
    context = {"message": message, "page": page, "reply_to": reply_to}
    subject, _, body = render_to_string("kiv_portal/barrier_mail.txt", context).partition("\n")
    with transaction.atomic():
        outbox.enqueue_mail(
            key=f"barrier:{uuid.uuid4().hex}",
            recipient=authority.barrier_email,
            subject=subject,
            body=body.strip() + "\n",
            at=at,
            private=True,
        )


def forget_expired(at: datetime) -> int:
    """Delete what the shared cache keeps beyond its time, and return how many rows that was.

    Limits of tries hold internet addresses in their keys. Django's cache does not give out what
    has expired, but leaves it in its table until there is a lot of it.
    """
    with connection.cursor() as cursor:
        instant = connection.ops.adapt_datetimefield_value(at.replace(microsecond=0))
        cursor.execute("DELETE FROM portal_cache WHERE expires < %s", [instant])
        return int(cursor.rowcount)
