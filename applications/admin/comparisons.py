"""Two versions of a case beside each other: what came back, and what it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404

from applications import documents, permissions, services
from applications.admin.addresses import case_address
from applications.services import snapshots
from applications.workflow import transition

if TYPE_CHECKING:
    from django.http import QueryDict

    from applications.models import Application, Snapshot
    from municipalities.models import User


def build(application: Application, query: QueryDict, user: User) -> dict[str, Any]:
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
        **_asked_for(application, newer, user),
        "same": [section for section in sections if not section.changed],
    }


def _asked_for(application: Application, newer: Snapshot, user: User) -> dict[str, Any]:
    """The points of the request that the later version answers, and where they are ticked off."""
    request = (
        application.information_requests.filter(answered=True, closed_at=newer.taken_at)
        .prefetch_related("items")
        .first()
    )
    last = services.answered_request(application)
    open_now = permissions.may_review_application(user, application) and application.state in (
        transition("settle_items").sources
    )
    is_last = request is not None and last is not None and request.pk == last.pk
    return {
        "points": list(request.items.all()) if request else [],
        "settle_href": case_address(application, "settle_items") if open_now and is_last else "",
        "again_href": case_address(application, "request_information"),
    }


def _asked(versions: dict[int, Snapshot], number: str, default: int) -> Snapshot:
    """The version a query names."""
    if not number:
        return versions[default]
    if not (number.isascii() and number.isdigit()) or int(number[:6]) not in versions:
        raise Http404("Diese Fassung gibt es nicht.")
    return versions[int(number[:6])]
