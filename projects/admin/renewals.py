"""What of the contacts waits at the desk: counts with their earliest day, and the lists behind."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Count, Min, Q
from django.urls import reverse

from projects.models import Contact

SOON: Final = timedelta(days=30)
"""So near an end stands among what there is to do."""


def tasks(today: date) -> list[dict[str, Any]]:
    """Contacts that want a change, that end soon, and that nobody has confirmed in time."""
    later = today + SOON + timedelta(days=1)
    ending = Q(expires_on__gte=today, expires_on__lt=later)
    ended = Q(expires_on__lt=today)
    found = Contact.objects.shown().aggregate(
        wishes=Count("pk", filter=~Q(wish="")),
        ending=Count("pk", filter=ending),
        until=Min("expires_on", filter=ending),
        ended=Count("pk", filter=ended),
        since=Min("expires_on", filter=ended),
    )
    changelist = reverse("admin:projects_contact_changelist")
    return [
        {
            "label": "Kontakte: Änderung gewünscht",
            "count": found["wishes"],
            "href": f"{changelist}?wunsch=ja",
            "to_do": True,
        },
        {
            "label": "Kontakte: zu erneuern, enden in den nächsten 30 Tagen",
            "count": found["ending"],
            "href": f"{changelist}?expires_on__gte={today}&expires_on__lt={later}",
            "to_do": True,
            "word": "bis",
            "first": found["until"],
        },
        {
            "label": "Kontakte: abgelaufen, nicht mehr gezeigt",
            "count": found["ended"],
            "href": f"{changelist}?expires_on__lt={today}",
            "to_do": True,
            "word": "gezeigt bis",
            "first": found["since"],
        },
    ]
