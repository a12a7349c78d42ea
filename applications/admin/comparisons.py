"""Two versions of a case beside each other: what came back, and what it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404

from applications import documents
from applications.services import snapshots

if TYPE_CHECKING:
    from django.http import QueryDict

    from applications.models import Application, Snapshot


def build(application: Application, query: QueryDict) -> dict[str, Any]:
    """The page's context: `von` and `bis` name the versions, else the last two.

    404 where there is nothing to compare.
    """
    versions = {row.number: row for row in application.snapshots.select_related("taken_by")}
    if len(versions) < 2:
        raise Http404("Es gibt erst eine Fassung.")
    newest, before = sorted(versions)[-1], sorted(versions)[-2]
    older = _asked(versions, query.get("von", ""), before)
    newer = _asked(versions, query.get("bis", ""), newest)
    sections = documents.compare(snapshots.read(older), snapshots.read(newer))
    changed = [section for section in sections if section.changed]
    return {
        "title": f"{application.reference}: Fassungen vergleichen",
        "application": application,
        "versions": list(versions.values()),
        "older": older,
        "newer": newer,
        "changed": changed,
        "same": [section for section in sections if not section.changed],
    }


def _asked(versions: dict[int, Snapshot], number: str, default: int) -> Snapshot:
    """The version a query names."""
    if not number:
        return versions[default]
    if not (number.isascii() and number.isdigit()) or int(number[:6]) not in versions:
        raise Http404("Diese Fassung gibt es nicht.")
    return versions[int(number[:6])]
