"""The benchmark: what a goal means, and the file it makes; it is run by `./portal bench`."""

import json
import time
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from kiv_portal.context_processors import release
from kiv_portal.management.bench import (
    Bench,
    Result,
    collect,
    filing,
    letters,
    median,
    memory,
    percentile,
    public,
    register,
    search,
    worklist,
)
from kiv_portal.management.commands.bench import BY_NAME, MEASURES, Command, chosen
from municipalities.register import read


@pytest.mark.parametrize(
    ("value", "goal", "at_least", "met"),
    [
        (0.45, 0.45, True, True),
        (0.44, 0.45, True, False),
        (3.0, 3.0, False, True),
        (3.01, 3.0, False, False),
        (99.0, None, False, True),
    ],
)
def test_a_goal_is_met_or_not(value: float, goal: float | None, at_least: bool, met: bool) -> None:
    result = Result("x", value, "×", goal, at_least)
    assert result.met is met
    assert result.as_data()["met"] is met


def test_one_slow_round_does_not_count() -> None:
    assert median([1.0, 99.0, 1.1]) == 1.1
    assert percentile([float(number) for number in range(101)], 0.95) == 95.0
    assert percentile([7.0], 0.95) == 7.0


def test_the_invented_register_has_the_size_of_the_german_one(tmp_path: Path) -> None:
    path = tmp_path / "GV100AD.ASC"
    text = register.synthetic(register.RECORDS)
    path.write_text(text, encoding="utf-8", newline="")
    assert {len(line) for line in text.split("\r\n")[:-1]} == {220}
    assert text.count("\r\n") == 16_060
    assert read(path).errors == []


def test_a_measure_that_fails_is_told_and_takes_nothing_from_the_others(tmp_path: Path) -> None:
    def works(bench: Bench) -> list[Result]:
        """It works."""
        return [Result("x", bench.number(10, 2), "s")]

    def fails(bench: Bench) -> list[Result]:
        """It fails."""
        raise ZeroDivisionError("nothing to divide\nby")

    said: list[str] = []
    run = Bench(0.1, tmp_path, said.append)
    results, failed = collect(
        {"first": fails, "second": works, "third": fails}, run, lambda name: nullcontext()
    )
    assert results == [("second", Result("x", 2, "s"))]
    assert failed == dict.fromkeys(("first", "third"), "ZeroDivisionError: nothing to divide")
    assert said[0] == "first: It fails."
    assert said[1].startswith("first failed\nTraceback")


def test_the_peak_of_a_command_is_its_own_and_not_that_of_who_started_it() -> None:
    ballast = bytearray(300 * 1024**2)
    ballast[::4096] = b"x" * len(ballast[::4096])  # every page of it is really there
    assert register.peak_megabytes(["-c", "pass"], {}) < 100


@pytest.mark.django_db
def test_it_refuses_a_database_that_holds_anything() -> None:
    with pytest.raises(CommandError, match=r"use \./portal bench"):
        call_command("bench")


def test_the_table_names_what_falls_short_and_the_file_holds_all(
    tmp_path: Path, settings: Any
) -> None:
    release()  # read once, from where the code lies
    settings.BASE_DIR = tmp_path
    out = StringIO()
    command = Command(stdout=out)
    command._begun = time.monotonic() - 61
    command._say("public: a round")
    results = [
        ("public", Result("a page", 0.4, "×", 0.45, True, "4/s against 10/s")),
        ("pdf", Result("a PDF", 1.2, "×", 1.3)),
        ("filing", Result("a size", 42.0, "KB")),
    ]
    command._table(results)
    command._write(results, {"search": "it failed"}, True)
    said = out.getvalue()
    assert said.startswith("   61 s  public: a round\n")
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[2:] == [
        "measured goal",
        "a page 0.4 × ≥ 0.45 4/s against 10/s ← short of its goal",
        "a PDF 1.2 × ≤ 1.3",
        "a size 42 KB",
        "",
        "1 of 3 fall short of their goal:",
        "a page: 0.4 ×",
        "",
        "Written to bench.json.",
    ]
    kept = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert [(row["group"], row["met"]) for row in kept["results"]] == [
        ("public", False),
        ("pdf", True),
        ("filing", True),
    ]
    assert (kept["failed"], kept["short"]) == ({"search": "it failed"}, True)


def test_the_goals_are_those_that_were_set() -> None:
    """Whoever loosens one says so here; that each is measured is seen in the table."""
    assert (public.GOAL, register.GOAL, letters.GOAL, memory.GOAL) == (0.45, 3.0, 1.3, 1.05)
    assert (memory.REQUESTS, filing.APPLICATIONS, filing.CLIENTS) == (1000, 300, 20)
    assert (search.GOAL, worklist.GOAL, filing.SECONDS, filing.P95) == (2.0, 1.5, 60.0, 1.5)
    assert {*chosen([])} >= {
        *("public", "filing", "worklist", "register", "pdf", "search", "queries", "memory")
    }
    assert {*chosen([]), *BY_NAME} == {*MEASURES}
    assert chosen(["signin", "public"]) == ["public", "signin"]
