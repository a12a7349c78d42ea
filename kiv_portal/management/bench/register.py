"""The register of all Germany: reading it in against bare bulk inserts of the same rows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import date
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from kiv_portal.management.bench import Result, databases, median

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

GOAL: Final = 3.0
MEMORY_GOAL: Final = 150.0
RECORDS: Final = 16_060
EMPTY: Final = "without_register"
MODELS: Final = ("District", "Municipality", "Population", "RegisterImport")


def measure(bench: Bench) -> list[Result]:
    """Time against bare inserts of the rows it wrote, and the peak memory of the command."""
    file = bench.register_file
    if file is None:
        file = bench.room / "GV100AD.ASC"
        file.write_text(synthetic(bench.number(RECORDS, 2_000)), encoding="utf-8", newline="")
    arguments = ["import_register", str(file), "--population-as-of", "2024-12-31"]
    arguments += ["--basis", "Zensus 2022", "--land", "alle"]
    imports, inserts = [], []
    written: list[list[Any]] = []
    for number in range(bench.number(3, 1)):
        with databases.a_copy(EMPTY, "register_read"):
            start = time.perf_counter()
            call_command(*arguments, stdout=StringIO())
            imports.append(time.perf_counter() - start)
            written = _written()
        with databases.a_copy(EMPTY, "register_inserted"):
            start = time.perf_counter()
            with transaction.atomic():
                for rows in written:
                    type(rows[0])._base_manager.bulk_create(rows, batch_size=1000)
            inserts.append(time.perf_counter() - start)
        bench.say(f"round {number + 1}: {imports[-1]:.1f} s against {inserts[-1]:.1f} s")
    with databases.a_copy(EMPTY, "register_weighed") as copy:
        peak = peak_megabytes(["manage.py", *arguments], {"DATABASE_URL": databases.url(copy)})
    total = sum(map(len, written))
    return [
        Result(
            f"register import of {total} rows against bare inserts",
            median([ours / theirs for ours, theirs in zip(imports, inserts, strict=True)]),
            "×",
            GOAL,
            detail=f"{median(imports):.1f} s against {median(inserts):.1f} s",
        ),
        Result("register import, peak memory of the command", peak, "MB", MEMORY_GOAL),
    ]


def _written() -> list[list[Any]]:
    """All rows the import wrote, histories included, in an order that can be inserted."""
    models = [apps.get_model("municipalities", name) for name in MODELS]
    models += [
        apps.get_model("municipalities", f"Historical{name}")
        for name in MODELS
        if f"historical{name.lower()}" in apps.all_models["municipalities"]
    ]
    found = [list(model._base_manager.all()) for model in models]
    return [rows for rows in found if rows]


LAUNCHER: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A process starts as a copy of who starts it, and Linux counts that copy in its peak: started
from here, every command would have used what the benchmark itself holds. So a small process of
its own starts the command and says what it used."""


def peak_megabytes(arguments: list[str], environment: dict[str, str]) -> float:
    """The most memory that Python with these arguments takes, in MB, and nothing of ours."""
    said = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", LAUNCHER, sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(said.stdout) / 1024


# --- A file of that size --------------------------------------------------------------------------


def synthetic(records: int) -> str:
    """GV100AD with invented places: 16 Länder, 400 districts, and as many associations as fit."""
    lands = range(1, 17)
    lines = [_line("10", f"{land:02}", f"Land {land}") for land in lands]
    districts = [
        f"{land:02}{1 + number // 10}{number % 10:02}" for land in lands for number in range(25)
    ]
    lines += [_line("40", key, f"Kreis {key}", "44") for key in districts]
    rest = records - len(lines)
    associations = rest * 3 // 10
    for number in range(associations):
        key = districts[number % len(districts)]
        lines.append(_line("50", key, f"Verband {number}", "50", f"{number % 9000 + 1:04}"))
    for number in range(rest - associations):
        key = f"{districts[number % len(districts)]}{number // len(districts) + 1:03}"
        name, size = f"Musterort {number}", (1000 + number, 500 + number)
        lines.append(_line("60", key, name, "64", f"{number % 9000 + 1:04}", size))
    return "".join(f"{line}\r\n" for line in lines)


def _line(
    kind: str,
    key: str,
    name: str,
    text_code: str = "",
    association: str = "",
    size: tuple[int, int] | None = None,
) -> str:
    """One record; `size` is the area in hectares and the population."""
    day = date(2024, 12, 31)
    text = f"{kind}{day:%Y%m%d}{key:<8}{association:<4}{name:<50}{'':<50}{text_code}"
    if size is not None:
        area, population = size
        text = f"{text:<128}{area:011}{population:011}{population // 2:011}"
        text = f"{text:<165}12345"
    return text.ljust(220)
