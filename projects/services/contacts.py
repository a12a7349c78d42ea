"""Contacts end: they ask for their renewal by mail, and without an answer nobody sees them.

The link in the mail is signed and holds no address. Whoever has it was reached at the contact's
own address; it serves until the contact is confirmed or gone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone

from kiv_portal.folding import clean_text
from kiv_portal.models import Authority, Erasure
from kiv_portal.outbox import enqueue_mail
from projects.models import ChangeSubject, Contact, Project
from projects.services import announce_change, confirm_contact

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

SALT: Final = "projects.contact"

AHEAD: Final = timedelta(days=60)
"""So long before the end a contact is asked."""

AGAIN: Final = timedelta(days=30)
"""So long after it was asked it is asked once more, where nobody answered."""

LONGEST_WISH: Final = 2_000


class ContactGone(Exception):
    """The link belongs to no contact that waits for an answer."""


def link_of(contact: Contact) -> str:
    """The address of the page on which it is confirmed, corrected or removed."""
    token = signing.dumps([contact.pk, contact.nonce], salt=SALT)
    return f"{settings.PORTAL_ADDRESS}/kontakt/bestaetigen/{token}/"


def contact_of(token: str) -> Contact:
    """The contact of a link that was sent. Raises ContactGone."""
    try:
        pk, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise ContactGone from error
    row = (
        Contact.objects.filter(pk=pk, nonce=nonce, asked_on__isnull=False, hidden=False)
        .select_related("project")
        .first()
    )
    if row is None:
        raise ContactGone
    return row


def to_ask(at: datetime) -> QuerySet[Contact]:
    """Contacts of public projects whose end is near and that were not asked lately."""
    today = timezone.localdate(at)
    near = Q(expires_on__lte=today + AHEAD)
    endless = Q(
        expires_on__isnull=True, confirmed_on__lte=today - timedelta(days=settings.CONTACT_DAYS)
    )
    return (
        Contact.objects.shown_on(today)
        .filter(near | endless)
        .filter(Q(asked_on__isnull=True) | Q(asked_on__lte=today - AGAIN))
        .filter(project__in=Project.objects.published())
        .exclude(email="")
        .select_related("project")
        .order_by("pk")
    )


def ask_for_renewal(argument: str, at: datetime) -> None:
    """Mail every contact that is due; one that never had an end gets one now."""
    today = timezone.localdate(at)
    for pk in list(to_ask(at).values_list("pk", flat=True)):
        with transaction.atomic():
            contact = Contact.objects.select_for_update().get(pk=pk)
            contact.asked_on = today
            if contact.expires_on is None:
                contact.expires_on = today + AHEAD
            # No version for the public: what it sees today is the same.
            Contact.objects.filter(pk=pk).update(
                asked_on=contact.asked_on, expires_on=contact.expires_on
            )
            subject, _, body = (
                render_to_string(
                    "mails/contact_renewal.txt",
                    {
                        "contact": contact,
                        "link": link_of(contact),
                        "authority": Authority.load(),
                        "portal": settings.PORTAL_ADDRESS,
                    },
                )
                .strip()
                .partition("\n")
            )
            enqueue_mail(
                key=f"contact_renewal:{contact.nonce}:{today}",
                recipient=contact.email,
                subject=subject,
                body=body.strip() + "\n",
                at=at,
                private=True,
            )


def confirm_by_link(*, token: str, at: datetime) -> Contact:
    """The contact says it is right as it stands: shown for another year. Raises ContactGone."""
    with transaction.atomic():
        contact = contact_of(token)
        confirm_contact(project=contact.project, on=timezone.localdate(at), by=None, at=at)
    return contact


def wish_by_link(*, token: str, wish: str, at: datetime) -> Contact:
    """The contact says what should be changed; staff do it and confirm. Raises ContactGone."""
    with transaction.atomic():
        contact = contact_of(token)
        locked = Contact.objects.select_for_update().get(pk=contact.pk)
        locked.wish = clean_text(wish).strip()[:LONGEST_WISH]
        locked.save(update_fields=["wish"])
    return contact


def remove_by_link(*, token: str, at: datetime) -> None:
    """The contact does not want to stand there: erased at once, history too.

    Raises ContactGone.
    """
    with transaction.atomic():
        contact = contact_of(token)
        erase_contact(contact=contact, rule="removed_by_contact", at=at)


def expired_contacts(at: datetime) -> list[Contact]:
    """Contacts the public has not seen for the period."""
    days = settings.RETENTION_DAYS["expired_contacts"]
    if days is None:
        return []
    before = timezone.localdate(at) - timedelta(days=days)
    return list(
        Contact.objects.filter(expires_on__lt=before).select_related("project").order_by("pk")
    )


def erase_contact(*, contact: Contact, rule: str, at: datetime) -> Erasure:
    """Delete the contact with its history, and tell the public where it stood until now."""
    with transaction.atomic():
        entry = Erasure.objects.note(contact, proof=contact.nonce, rule=rule, at=at, files=[])
        project = contact.project
        was_shown = Contact.objects.shown_on(timezone.localdate(at)).filter(pk=contact.pk).exists()
        Contact.history.filter(id=contact.pk).delete()
        Contact.objects.filter(pk=contact.pk).delete()
        if was_shown:
            announce_change(project, at, ChangeSubject.CONTACT)
    return entry
