"""The worklist of the review desk: 100.000 cases against 1.000, in time and in queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from applications.models import Application
from kiv_portal.management.bench import Result, databases, milliseconds, pages, rows
from municipalities.models import User

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

GOAL: Final = 1.5
WORKLIST: Final = "/admin/applications/application/"
PAGES: Final = (
    "",
    "?p=2",
    "?p=20",
    "?q=Vielfalt",  # in every case
    "?q=m777x",  # in one
    "?q=Vielfalt+gibtesnicht",  # in none
    "?o=2",
    "?o=6",
    "?o=-8",
    "?status=submitted",
    "?am_zug=reviewer",
    "?am_zug=applicant",
    "?am_zug=signer",
    "?landkreis=06431",
    "?sachbearbeitung=niemand",
    "?betrag_von=10.000&betrag_bis=20.000",
)


def measure(bench: Bench) -> list[Result]:
    """The list as it opens, its second page, searches, other orders, filters."""
    base = databases.name()
    few, many = 1_000, bench.number(100_000, 3_000)
    addresses = [f"{WORKLIST}{query}" for query in PAGES]
    counted: dict[str, list[int]] = {address: [] for address in addresses}
    with databases.a_copy(base, "few_cases") as small:
        rows.cases(_pattern(), few)
        with databases.a_copy(base, "many_cases") as large:
            bench.say(f"writing {many} cases")
            rows.cases(_pattern(), many)
            reviewer = User.objects.get(email="pruefung@rp.example")
            for side in (small, large):
                databases.use(side)
                for address in addresses:
                    counted[address].append(pages.queries(address, reviewer))
            taken = pages.times(addresses, (small, large), bench.number(9, 3), reviewer)
            databases.use(small)
    results = []
    for address, (small_time, large_time) in taken.items():
        title = f"worklist {address.removeprefix(WORKLIST) or 'as it opens'}"
        results.append(
            Result(
                f"{title}, {many} cases against {few}",
                large_time / small_time,
                "×",
                GOAL,
                detail=f"{milliseconds(large_time)} against {milliseconds(small_time)}",
            )
        )
        fewer, more = counted[address]
        results.append(
            Result(
                f"{title}, queries more than with {few}",
                more - fewer,
                "queries",
                0.0,
                detail=f"{more} against {fewer}",
            )
        )
    return results


def _pattern() -> Application:
    return Application.objects.filter(submitted_at__isnull=False).order_by("pk")[0]
