"""The Atom feed of a search: one entry for each project, with an id that stays.

A reader shows an entry again when its date is newer: so a change is told. A project that was
withdrawn keeps its id and loses everything else, so readers overwrite what they had stored. In
the feed of a narrower search, where even „withdrawn" would tell that it was in it, there are
tombstones (RFC 6721) instead: only a reader that knew the entry understands them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.feedgenerator import Atom1Feed, rfc3339_date
from django.utils.html import escape

from kiv_portal.folding import clean_text
from kiv_portal.models import Authority
from projects.models import (
    ChangeKind,
    ChangeSubject,
    DirectoryChange,
    Project,
)
from projects.resources import LICENCE, source_of

if TYPE_CHECKING:
    from projects.models import ProjectQuerySet

NAMESPACE: Final = uuid5(NAMESPACE_URL, "kiv-portal:projekt")
TOMBSTONES: Final = "http://purl.org/atompub/tombstones/1.0"
BEFORE_ALL: Final = datetime(2018, 1, 1, tzinfo=UTC)
"""The programme's beginning: the date of a feed in which nothing has happened yet."""

WITHDRAWN_TITLE: Final = "Ein Projekt wurde aus dem Verzeichnis genommen"


def entry_id(project: int) -> str:
    """The entry's id for ever; it tells nothing about the project."""
    return uuid5(NAMESPACE, str(project)).urn


class DirectoryFeed(Atom1Feed):
    """Django's Atom with tombstones, and with the directory's date instead of the clock's."""

    tombstones: list[tuple[str, datetime]] = []

    def latest_post_date(self) -> datetime:
        newest = [item["updateddate"] for item in self.items]
        return max([*newest, *(at for _, at in self.tombstones)], default=BEFORE_ALL)

    def add_root_elements(self, handler: Any) -> None:
        super().add_root_elements(handler)
        # For programs (RFC 4946); `rights` says the same to people.
        handler.addQuickElement("link", "", {"rel": "license", "href": LICENCE})

    def root_attributes(self) -> dict[str, str]:
        return {**super().root_attributes(), "xmlns:at": TOMBSTONES}

    def write_items(self, handler: Any) -> None:
        super().write_items(handler)
        for ref, when in self.tombstones:
            handler.addQuickElement(
                "at:deleted-entry", "", {"ref": ref, "when": rfc3339_date(when)}
            )


def as_atom(found: ProjectQuerySet, *, query: str, everything: bool) -> str:
    """The feed as text. `query` is the search, `everything` whether it is the whole directory."""
    suffix = f"?{query}" if query else ""
    authority = Authority.load()
    feed = DirectoryFeed(
        title="KIV-Portal: geförderte Projekte" + ("" if everything else " (Auswahl)"),
        link=_absolute(reverse("projects") + suffix),
        description=None,
        subtitle="Neue, geänderte und zurückgezogene Projekte im Verzeichnis",
        language="de",
        author_name=str(authority or "KIV-Portal"),
        feed_url=_absolute(reverse("projects_atom") + suffix),
        feed_guid=uuid5(NAMESPACE, f"feed?{query}").urn,
        feed_copyright=(
            f"Datenlizenz Deutschland – Namensnennung – Version 2.0 ({LICENCE}). "
            f"Quelle: {clean_text(source_of(authority))}"
        ),
    )
    changed = _last_changes()
    items = [_item(project, changed.get(project.pk)) for project in found.with_members()]
    gone = Project.objects.filter(published_at__isnull=False, withdrawn_at__isnull=False)
    withdrawn = list(gone.order_by("-withdrawn_at", "pk").values_list("pk", "withdrawn_at"))
    if everything:
        items += [_withdrawn(pk, at) for pk, at in withdrawn]
    else:
        feed.tombstones = [(entry_id(pk), at) for pk, at in withdrawn]
    for item in sorted(items, key=lambda item: item["updateddate"], reverse=True):
        feed.add_item(**item)
    return str(feed.writeString("utf-8"))


def _last_changes() -> dict[int, tuple[datetime, str]]:
    """By project: when it changed last since it was published, and what."""
    rows = DirectoryChange.objects.filter(kind=ChangeKind.CHANGED, project__isnull=False)
    return {
        pk: (at, subject)
        for pk, at, subject in rows.order_by("at", "version").values_list(
            "project", "at", "subject"
        )
    }


def _item(project: Project, change: tuple[datetime, str] | None) -> dict[str, Any]:
    assert project.published_at is not None
    at, kind, what = project.published_at, ChangeKind.NEW, "Neu im Verzeichnis."
    if project.published_month_only:
        month = date_format(timezone.localtime(at), "F Y")
        what = f"Im Verzeichnis seit {month} (nur der Monat ist bekannt)."
    if change is not None and change[0] > project.published_at:
        at, kind = change[0], ChangeKind.CHANGED
        what = f"Geändert: {ChangeSubject(change[1]).label}."
    districts = ", ".join(str(one) for one in project.districts)
    granted = project.get_amount_class_display()
    facts = [
        str(project.round),
        districts,
        "AMIF-WIR-Projekt" if project.amif else "",
        f"Zuwendung {granted}" if granted else "",
    ]
    return {
        "title": clean_text(f"{project.places}: {project.title}"),
        "link": _absolute(reverse("project", args=[project.slug])),
        # Django calls a summary HTML, so what is text has to be written as HTML.
        "description": escape(clean_text(f"{what} {' · '.join(filter(None, facts))}")),
        "unique_id": entry_id(project.pk),
        "pubdate": project.published_at,
        "updateddate": at,
        "categories": [
            kind.value,
            clean_text(project.round.title),
            *(f"ags:{member.municipality.ags}" for member in project.members.all()),
        ],
    }


def _withdrawn(pk: int, at: datetime) -> dict[str, Any]:
    return {
        "title": WITHDRAWN_TITLE,
        "link": _absolute(reverse("project_changes")),
        "description": "Zurückgezogen. Was hier stand, ist nicht mehr öffentlich.",
        "unique_id": entry_id(pk),
        "updateddate": at,
        "categories": [ChangeKind.WITHDRAWN.value],
    }


def _absolute(path: str) -> str:
    return urljoin(settings.PORTAL_ADDRESS, path)
