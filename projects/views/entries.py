"""What the list says of each project: both figures of its municipalities, and whom to ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from projects.models import Contact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from municipalities.services.places import Gazetteer
    from projects.models import Project


@dataclass(frozen=True, slots=True)
class Carrier:
    """A municipality of a project: what it said of its size itself, and the official figure."""

    name: str
    declared: int | None
    official: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A project in the list. `contact` is None where none is shown that day."""

    project: Project
    carriers: list[Carrier]
    contact: Contact | None


def entries(projects: Sequence[Project], gazetteer: Gazetteer, on: date) -> list[Entry]:
    """The projects (fetched `with_members`) as the list shows them that day, in one query.

    The official figures are those of one common day, which the list names once.
    """
    contacts = {one.project_id: one for one in Contact.objects.shown_on(on).of(projects)}
    return [
        Entry(
            project,
            [
                Carrier(
                    member.municipality.short_name,
                    member.declared_population,
                    gazetteer.places[member.municipality.ags].population,
                )
                for member in project.members.all()
            ],
            contacts.get(project.pk),
        )
        for project in projects
    ]


def next_expiry(shown: Sequence[Entry]) -> date | None:
    """The first day on which a contact in the list is shown no longer."""
    ends = (one.contact.expires_on for one in shown if one.contact is not None)
    last_day = min((day for day in ends if day is not None), default=None)
    return None if last_day is None else last_day + timedelta(days=1)
