"""Mails to applicants: composed from templates/mails, queued in the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.template.loader import render_to_string

from kiv_portal.models import Authority
from kiv_portal.outbox import enqueue_mail, enqueue_mails

if TYPE_CHECKING:
    from applications.models import Application


RECEIPT: Final = "receipt"


def recipients(application: Application) -> list[str]:
    """Who is told: the contact named in the application and who is in charge of it; each once."""
    addresses = [application.contact_email]
    if application.in_charge is not None:
        addresses.append(application.in_charge.email)
    return list(dict.fromkeys(address.lower() for address in addresses if address))


def tell_applicant(
    application: Application, name: str, *, at: datetime, event: str, **context: Any
) -> None:
    """Queue the mail `templates/mails/<name>.txt` to the applicant, once per event.

    The receipt is one mail, to the address the application names for it: whoever files reads
    the same on the page, and an address that fails is then seen as such in the outbox.

    The template's first line is the subject. A mail never holds what a letter or a form says,
    only that there is something to see.
    """
    subject, body = _composed(f"mails/{name}.txt", _about(application), at, context)
    told = recipients(application)
    enqueue_mails(
        {
            f"{name}:{event}:{recipient}": recipient
            for recipient in (told[:1] if name == RECEIPT else told)
        },
        subject=subject,
        body=body,
        at=at,
    )


def tell(
    recipient: str,
    template: str,
    *,
    key: str,
    at: datetime,
    application: Application | None = None,
    private: bool = False,
    forget: bool = False,
    **context: Any,
) -> None:
    """Queue the mail of `template` to one address, once per `key`.

    `private` for mails with a token: their text is never shown and goes once they are sent;
    `forget` lets the address go with it.
    """
    about = _about(application) if application else {}
    subject, body = _composed(template, about, at, context)
    enqueue_mail(
        key=key,
        recipient=recipient,
        subject=subject,
        body=body,
        at=at,
        private=private,
        forget=forget,
    )


def _about(application: Application) -> dict[str, Any]:
    address = f"{settings.PORTAL_ADDRESS}/antraege/{application.uuid}/"
    return {"application": application, "address": address}


def _composed(
    template: str, about: dict[str, Any], at: datetime, context: dict[str, Any]
) -> tuple[str, str]:
    """Subject and body; the template's first line is the subject."""
    values = {**about, "authority": Authority.load(), "portal": settings.PORTAL_ADDRESS, "at": at}
    text = render_to_string(template, {**values, **context})
    subject, _, body = text.strip().partition("\n")
    return subject, body.strip() + "\n"
