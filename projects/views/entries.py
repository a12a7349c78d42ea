"""What a list says of each project: where and what, both figures, and whom to ask.

Ready to be shown, word for word: a page holds thirty of them, and a template that had to put
each together would take most of the time of a search.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.urls import reverse

from projects.models import Contact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from municipalities.services.places import Gazetteer
    from projects.models import Project, ProjectMember


@dataclass(frozen=True, slots=True)
class Entry:
    """A project in a list. `contact` is None where none is shown that day."""

    project: Project
    href: str
    places: str
    facts: list[str]
    whole: bool = False
    """Whether figures, unit, contact and film are to be told as well."""
    figures: str = ""
    contact: Contact | None = None

    @property
    def title(self) -> str:
        return self.project.title


def entries(projects: Sequence[Project], gazetteer: Gazetteer, on: date) -> list[Entry]:
    """The projects (fetched `with_members`) as the directory shows them that day, in one query.

    The official figures are those of one common day, which the list names once.
    """
    contacts = {one.project_id: one for one in Contact.objects.shown_on(on).of(projects)}
    return [entry(project, gazetteer, contacts.get(project.pk)) for project in projects]


def entry(
    project: Project, gazetteer: Gazetteer | None = None, contact: Contact | None = None
) -> Entry:
    """One project, with the figures of its municipalities where the gazetteer is given."""
    members = list(project.members.all())
    facts = [*map(str, project.districts), str(project.round)]
    if project.amif:
        facts.append("AMIF-WIR-Projekt")
    if len(members) > 1:
        facts.append("im Verbund")
    figures = ""
    if gazetteer is not None:
        figures = "; ".join(_figures(member, gazetteer, len(members) > 1) for member in members)
    return Entry(
        project=project,
        href=reverse("project", args=[project.slug]),
        places=project.places,
        facts=facts,
        whole=gazetteer is not None,
        figures=figures,
        contact=contact,
    )


def _figures(member: ProjectMember, gazetteer: Gazetteer, named: bool) -> str:
    """What a municipality said of its size itself and the official figure, each so called."""
    declared = member.declared_population
    official = gazetteer.places[member.municipality.ags].population
    parts = [] if declared is None else [f"ca.\u00a0{_dotted(declared)} (eigene\u00a0Angabe)"]
    parts.append(
        "amtliche Zahl liegt nicht vor" if official is None else f"{_dotted(official)} (amtlich)"
    )
    return f"{member.municipality.short_name} " * named + ", ".join(parts)


def _dotted(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def next_expiry(shown: Sequence[Entry]) -> date | None:
    """The first day on which a contact in the list, or its person, is shown no longer."""
    ends = (one.contact.next_change for one in shown if one.contact is not None)
    last_day = min((day for day in ends if day is not None), default=None)
    return None if last_day is None else last_day + timedelta(days=1)
