"""A search of the directory that is not kept: 10.000 projects against 100."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kiv_portal.management.bench import Result, databases, milliseconds, pages, rows

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

GOAL: Final = 2.0
SEARCHES: Final = (
    "/projekte/",
    "/projekte/?q=Gro%C3%9F-Umstadt",
    "/projekte/?q=rodgau",
    "/projekte/?q=vielfalt+gemeinsam",
    "/projekte/?q=vielfalt&landkreis=06438",
    "/projekte/?landkreis=06432",
    "/projekte/?sort=einwohner",
    "/projekte/?sort=einwohner&verbund=1",
    "/projekte/?groesse=10000-19999",
    "/projekte/?runde=2&amif=1&sort=runde",
)


def measure(bench: Bench) -> list[Result]:
    """Every kind of search on both; the slowest counts."""
    base = databases.name()
    few, many = 100, bench.number(10_000, 1000)
    with databases.a_copy(base, "few_projects") as small:
        rows.projects(few)
        with databases.a_copy(base, "many_projects") as large:
            bench.say(f"writing {many} projects")
            rows.projects(many)
            taken = pages.times(SEARCHES, (small, large), bench.number(15, 3))
            databases.use(small)
    return [
        Result(
            f"{address}, {many} projects against {few}",
            large_time / small_time,
            "×",
            GOAL,
            detail=f"{milliseconds(large_time)} against {milliseconds(small_time)}",
        )
        for address, (small_time, large_time) in taken.items()
    ]
