"""`./portal bench`: what the portal costs, side by side with what it is compared with.

One module per measure, each with `measure(bench) -> list[Result]`. Both sides of a ratio are
taken in turns in the same run, so a busy machine slows both. It runs on a throw-away PostgreSQL
only; each measure says which copy of the prepared database it needs.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """One line of the table: a figure, its goal, and the two sides where it is a ratio."""

    measure: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    detail: str = ""

    @property
    def met(self) -> bool:
        """Whether the goal is reached; what has none always is."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def as_data(self) -> dict[str, Any]:
        """For bench.json."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class Bench:
    """What every measure gets: how much is wanted, where it may write, how it tells progress."""

    scale: float
    room: Path
    say: Callable[[str], None]
    register_file: Path | None = None

    def number(self, full: int, least: int) -> int:
        """A number of rows or requests, smaller in a short run."""
        return max(least, round(full * self.scale))


def median(values: list[float]) -> float:
    """The middle value: one slow round does not count."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def milliseconds(seconds: float) -> str:
    """„12.3 ms"."""
    return f"{seconds * 1000:.1f} ms"


def collect(
    measures: Mapping[str, Callable[[Bench], list[Result]]],
    run: Bench,
    prepared: Callable[[str], AbstractContextManager[object]],
) -> tuple[list[tuple[str, Result]], dict[str, str]]:
    """The results of the measures by name, and why those failed that did.

    `prepared` makes ready what a measure of that name needs. One that fails takes nothing from
    the others.
    """
    results: list[tuple[str, Result]] = []
    failed: dict[str, str] = {}
    for name, measure in measures.items():
        run.say(f"{name}: {(measure.__doc__ or '').strip()}")
        try:
            with prepared(name):
                found = measure(run)
        except Exception as error:  # whatever it is, it is told and the others are measured
            failed[name] = f"{type(error).__name__}: {error}".splitlines()[0]
            run.say(f"{name} failed\n{traceback.format_exc()}")
        else:
            results += [(name, result) for result in found]
    return results, failed
