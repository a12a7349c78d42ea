"""The dates of a call as a calendar file (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from icalendar import Calendar, Event

from applications.models import FundingCall
from kiv_portal.public import public_page

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

SHOWN: Final = timedelta(minutes=30)
"""How long an entry is in a calendar. The end of a call is the end of its entry: with midnight as
its beginning it would stand on the day after the last."""


@public_page()
def call_dates(request: HttpRequest, pk: int) -> HttpResponse:
    """Beginning and end of an opened call. Instants are in UTC, so they are right in any zone.

    Nothing but the call: a period to sue has no calendar file (PROGRAMME §4).
    """
    call = get_object_or_404(FundingCall.objects.with_dates(), pk=pk)
    return HttpResponse(
        calendar_of(call),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="foerderaufruf-{call.pk}.ics"'},
    )


def calendar_of(call: FundingCall) -> bytes:
    """The file. An extended call keeps the ids of its entries, with a higher number of changes."""
    assert call.opened_at is not None
    assert call.opens_at is not None
    calendar = Calendar()
    calendar.add("prodid", "-//KIV-Portal//Förderaufrufe//DE")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    versions = list(call.history.order_by("history_date").values_list("history_date", flat=True))
    stamp = max([call.opened_at, *versions[-1:]])
    entries: list[tuple[str, str, datetime, str]] = [
        ("beginn", f"Antragstellung möglich: {call.title}", call.opens_at, "")
    ]
    if call.closes_at is not None:
        note = f"Anträge gehen bis {call.until()} ein."
        entries.append(
            (
                "ende",
                f"Antragsfrist endet: {call.title}",
                call.closes_at - SHOWN,
                f"{note} {call.closing_note}".strip(),
            )
        )
    host = urlsplit(settings.PORTAL_ADDRESS).hostname or "kiv-portal"
    for name, summary, start, description in entries:
        event = Event()
        event.add("uid", f"foerderaufruf-{call.pk}-{name}@{host}")
        event.add("dtstamp", _utc(stamp))
        event.add("sequence", max(len(versions) - 1, 0))
        event.add("dtstart", _utc(start))
        event.add("dtend", _utc(start + SHOWN))
        event.add("summary", summary)
        if description:
            event.add("description", description)
        event.add("url", urljoin(settings.PORTAL_ADDRESS, reverse("check")))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
