"""Mails about accounts and rights. Staff see their recipient and state, never their text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from kiv_portal.models import Authority
from kiv_portal.outbox import enqueue_mail


def tell(recipient: str, template: str, *, at: datetime, event: str, **context: Any) -> None:
    """Queue the mail of that template to one address, once per event.

    The template's first line is the subject. The mail is private: its text goes after sending.
    """
    text = render_to_string(
        template,
        {"portal_address": settings.PORTAL_ADDRESS, "authority": Authority.load(), **context},
    )
    subject, _, body = text.strip().partition("\n")
    enqueue_mail(
        key=f"{template}:{event}:{recipient}",
        recipient=recipient,
        subject=subject,
        body=body.strip() + "\n",
        at=at,
        private=True,
    )
