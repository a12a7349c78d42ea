"""Mails to applicants: composed from templates/mails, queued in the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string

from kiv_portal.models import Authority
from kiv_portal.outbox import enqueue_mail

if TYPE_CHECKING:
    from applications.models import Application


def recipients(application: Application) -> list[str]:
    """Who is told: the contact named in the application and whoever began it; each once."""
    addresses = [application.contact_email, application.created_by.email]
    return list(dict.fromkeys(address.lower() for address in addresses if address))


def tell_applicant(
    application: Application, name: str, *, at: datetime, event: str, **context: Any
) -> None:
    """Queue the mail `templates/mails/<name>.txt` to the applicant, once per event.

    The template's first line is the subject. A mail never holds what a letter or a form says,
    only that there is something to see.
    """
    text = render_to_string(
        f"mails/{name}.txt",
        {
            "application": application,
            "address": f"{settings.PORTAL_ADDRESS}/antraege/{application.uuid}/",
            "authority": Authority.load(),
            "at": at,
            **context,
        },
    )
    subject, _, body = text.strip().partition("\n")
    for recipient in recipients(application):
        enqueue_mail(
            key=f"{name}:{event}:{recipient}",
            recipient=recipient,
            subject=subject,
            body=body.strip() + "\n",
            at=at,
        )
