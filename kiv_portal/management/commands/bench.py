"""`bench`: measure the portal on a throw-away PostgreSQL; see kiv_portal.management.bench."""

import json
import logging
import os
import platform
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from kiv_portal.context_processors import release
from kiv_portal.management import bench
from kiv_portal.management.bench import (
    cast,
    databases,
    filing,
    letters,
    memory,
    public,
    queries,
    register,
    search,
    signin,
    visit,
    worklist,
)
from kiv_portal.management.commands.demo import FIXTURES

MEASURES = {
    "public": public.measure,
    "visit": visit.measure,
    "search": search.measure,
    "queries": queries.measure,
    "pdf": letters.measure,
    "filing": filing.measure,
    "worklist": worklist.measure,
    "register": register.measure,
    "signin": signin.measure,
    "memory": memory.measure,
}
BY_NAME = ("signin",)
"""Only when named: 1.200 tries with the real hashing take minutes by themselves."""
BASE = "prepared"
SHORT = 0.1


def chosen(measures: Sequence[str]) -> list[str]:
    """The measures to take, in their order: those named, or all that take no minutes alone."""
    return [name for name in MEASURES if (name in measures if measures else name not in BY_NAME)]


class Command(BaseCommand):
    help = "Measures the portal on a throw-away PostgreSQL: ./portal bench starts one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "measures",
            nargs="*",
            metavar="MEASURE",
            help=f"of {', '.join(MEASURES)}; none: all but {', '.join(BY_NAME)}",
        )
        parser.add_argument(
            "--short", action="store_true", help="fewer rows and rounds: does it run at all?"
        )
        parser.add_argument(
            "--register",
            type=Path,
            metavar="FILE",
            help="a real GV100AD, not an invented one",
        )

    def handle(
        self, *args: Any, measures: list[str], short: bool, register: Path | None, **options: Any
    ) -> None:
        if connection.vendor != "postgresql" or connection.introspection.table_names():
            raise CommandError("Only on an empty PostgreSQL of its own: use ./portal bench")
        unknown = set(measures) - MEASURES.keys()
        if unknown:
            raise CommandError(f"There is no measure {', '.join(sorted(unknown))}")
        self._begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kiv-portal-bench-") as room:
            settings.MEDIA_ROOT = Path(room) / "media"
            logging.disable(logging.WARNING)
            run = bench.Bench(SHORT if short else 1.0, Path(room), self._say, register)
            self._prepare()
            wanted = {name: MEASURES[name] for name in chosen(measures)}
            results, failed = bench.collect(
                wanted, run, lambda name: databases.a_copy(BASE, f"for_{name}")
            )
        self._table(results)
        self._write(results, failed, short)
        if not measures:
            self.stdout.write(f"Measured only by name: ./portal bench {' '.join(BY_NAME)}")
        if failed:
            said = "".join(f"\n  {name}: {error}" for name, error in failed.items())
            raise CommandError(f"{len(failed)} of {len(wanted)} measures failed:{said}")

    def _prepare(self) -> None:
        self._say("preparing the database")
        empty = databases.name()
        databases.use(empty)
        call_command("migrate", verbosity=0)
        databases.copy(empty, register.EMPTY)
        databases.copy(empty, BASE)
        databases.use(BASE)
        call_command("loaddata", *FIXTURES, verbosity=0)
        cast.set_the_stage(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def _say(self, text: str) -> None:
        self.stdout.write(f"{time.monotonic() - self._begun:5.0f} s  {text}")
        self.stdout.flush()

    def _table(self, results: list[tuple[str, bench.Result]]) -> None:
        if not results:
            return
        width = max(len(result.measure) for _, result in results)
        self.stdout.write(f"\n{'':{width}}  {'measured':>12}  {'goal':>10}")
        for _, result in results:
            goal = ""
            if result.goal is not None:
                goal = f"{'≥' if result.at_least else '≤'} {result.goal:g}"
            value = f"{result.value:.4g} {result.unit}"
            mark = "" if result.met else "  ← short of its goal"
            self.stdout.write(
                f"{result.measure:{width}}  {value:>12}  {goal:>10}  {result.detail}{mark}"
            )
        short = [result for _, result in results if not result.met]
        self.stdout.write("")
        if not short:
            self.stdout.write("Every goal is met.")
            return
        self.stdout.write(f"{len(short)} of {len(results)} fall short of their goal:")
        for result in short:
            self.stdout.write(f"  {result.measure}: {result.value:.4g} {result.unit}")

    def _write(
        self, results: list[tuple[str, bench.Result]], failed: dict[str, str], short: bool
    ) -> None:
        data = {
            "at": timezone.localtime().isoformat(timespec="seconds"),
            "release": release(),
            "short": short,
            "machine": {
                "processors": os.cpu_count(),
                "load_at_the_end": os.getloadavg()[0],
                "python": platform.python_version(),
            },
            "results": [{"group": name, **result.as_data()} for name, result in results],
            "failed": failed,
        }
        path = Path(settings.BASE_DIR) / "bench.json"
        path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        self.stdout.write(f"\nWritten to {path.name}.")
