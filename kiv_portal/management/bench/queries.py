"""How many queries each page takes when nothing of it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from applications.models import Application
from applications.rules import Step
from kiv_portal.management.bench import Result, pages
from kiv_portal.management.bench.cast import drafts
from municipalities.models import User

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

PUBLIC: Final = {
    "/": 8,
    "/hilfe/": 1,
    "/kontakt/": 2,
    # Projects, members and contacts; what the filters offer and count; the map with its figures.
    "/projekte/": 13,
    "/projekte/?q=bensheim&sort=runde": 13,
    "/projekte.json": 8,
    "/projekte.csv": 8,
    "/foerder-check/": 4,
    "/foerder-check/?kommune=06431002": 8,
    "/foerder-check.json?kommune=06431002": 8,
}
"""Addresses and the most queries they may take, the one for the version included."""


def measure(bench: Bench) -> list[Result]:
    """Public pages, a page that is kept, the applicant's pages, the desk."""
    results = [_result(address, pages.queries(address), most) for address, most in PUBLIC.items()]
    client = pages.visitor()
    pages.ask(client, "/projekte/")
    with CaptureQueriesContext(connection) as captured:
        pages.ask(client, "/projekte/")
    results.append(_result("/projekte/ when it is kept", len(captured), 1))

    [draft] = drafts(1, timezone.now())
    application = Application.objects.get(uuid=draft.uuid)
    clerk = application.created_by
    base = f"/antraege/{draft.uuid}/"
    for name, most in {"/antraege/": 8, base: 18, f"{base}pruefen/": 20}.items():
        title = name.replace(draft.uuid, "…")
        results.append(_result(title, pages.queries(name, clerk), most))
    for step in Step:
        count = pages.queries(f"{base}{step.value}/", clerk)
        results.append(_result(f"/antraege/…/{step.value}/", count, 15))

    reviewer = User.objects.get(email="pruefung@rp.example")
    case = Application.objects.filter(submitted_at__isnull=False).order_by("pk")[0]
    desk = "/admin/applications/application/"
    # The page's cases, their number, the filters' choices; who acts next needs letters, reports
    # and requests of the page's cases, each at once.
    results.append(_result(desk, pages.queries(desk, reviewer), 11))
    results.append(
        _result(f"{desk}…/change/", pages.queries(f"{desk}{case.pk}/change/", reviewer), 20)
    )
    return results


def _result(page: str, count: int, most: int) -> Result:
    return Result(f"queries of {page}", float(count), "queries", float(most))
