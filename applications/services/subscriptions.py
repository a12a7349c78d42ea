"""„Tell me when a call opens": an address without an account, kept for nothing else.

A subscription's link is signed and holds no address; it serves to confirm and to leave.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core import signing
from django.db import transaction

from applications import mails
from applications.models import CallSubscription, FundingCall

if TYPE_CHECKING:
    from datetime import datetime

SALT: Final = "applications.call_subscription"

UNCONFIRMED_KEPT: Final = timedelta(days=2)
"""How long an address nobody confirmed is kept."""

BATCH: Final = 200
"""So many are told in one transaction."""


class SubscriptionGone(Exception):
    """The link belongs to no address we still keep: it was told, has left, or never confirmed."""


def subscribe(*, email: str, at: datetime) -> None:
    """Note an address and mail it the link to confirm; a known one gets the link to leave.

    Whoever asks is told the same in either case.
    """
    address = email.strip().lower()
    with transaction.atomic():
        row, _ = CallSubscription.objects.get_or_create(
            email=address, defaults={"requested_at": at}
        )
        if row.confirmed_at is None:
            row.requested_at = at
            row.save(update_fields=["requested_at"])
        link = link_of(row)
        mails.tell(
            address,
            "mails/call_subscription.txt",
            key=f"call_subscription:{row.nonce}:{at.isoformat()}",
            at=at,
            private=True,
            forget=True,
            link=link,
            confirmed=row.confirmed_at is not None,
        )


def link_of(row: CallSubscription) -> str:
    """The address of the page on which it is confirmed or left; without the e-mail address."""
    token = signing.dumps([row.pk, row.nonce], salt=SALT)
    return f"{settings.PORTAL_ADDRESS}/benachrichtigung/{token}/"


def subscription(token: str) -> CallSubscription:
    """The subscription of a link. Raises SubscriptionGone."""
    try:
        pk, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise SubscriptionGone from error
    row = CallSubscription.objects.filter(pk=pk, nonce=nonce).first()
    if row is None:
        raise SubscriptionGone
    return row


def confirm_subscription(*, token: str, at: datetime) -> CallSubscription:
    """Confirm the address; twice changes nothing more. Raises SubscriptionGone."""
    row = subscription(token)
    CallSubscription.objects.filter(pk=row.pk, confirmed_at__isnull=True).update(confirmed_at=at)
    row.refresh_from_db()
    return row


def unsubscribe(*, token: str) -> None:
    """Erase the address at once. Raises SubscriptionGone."""
    subscription(token).delete()


def tell_subscribers(argument: str, at: datetime) -> None:
    """Mail everybody who asked and confirmed that the call is open, and erase their addresses.

    An address and its row go in one transaction, so that nobody is told twice, whatever
    happens to the worker. A call that is not open at that instant is told to nobody.
    """
    call = FundingCall.objects.get(pk=int(argument))
    if not call.is_open(at):
        return
    while True:
        with transaction.atomic():
            rows = list(
                CallSubscription.objects.select_for_update()
                .filter(confirmed_at__isnull=False, confirmed_at__lte=at)
                .order_by("pk")[:BATCH]
            )
            for row in rows:
                mails.tell(
                    row.email,
                    "mails/call_opened.txt",
                    key=f"call_opened:{call.pk}:{row.nonce}",
                    at=at,
                    private=True,
                    forget=True,
                    call=call,
                )
            CallSubscription.objects.filter(pk__in=[row.pk for row in rows]).delete()
        if len(rows) < BATCH:
            return


def erase_unconfirmed(at: datetime) -> None:
    """Erase addresses that nobody confirmed in time."""
    CallSubscription.objects.filter(
        confirmed_at__isnull=True, requested_at__lte=at - UNCONFIRMED_KEPT
    ).delete()
