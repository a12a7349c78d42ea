"""What several hundred tests need first is made once and then written down again as it was.

A function marked `@remembered` is called the first time; the statements by which it writes are kept
together with what it returned. The next test that calls it in the same situation gets the same
statements, in the same order, with the same numbers for its rows: the database holds what the
services wrote (and its triggers ran), but nobody computed it a second time.

The situation is the same when nothing else has written to the database since the test began, or
since another remembered call. In all other cases, and in tests that commit, the function simply
runs.
"""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, is_dataclass
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model

WRITES: Final = ("INSERT", "UPDATE", "DELETE")

P = ParamSpec("P")
R = TypeVar("R")
Statement: TypeAlias = tuple[str, Any, bool]


@dataclass
class _Test:
    """How the database came to be what it is in this test."""

    situation: tuple[Any, ...] | None = ()  # remembered calls so far; None: somebody else wrote
    logs: list[list[Statement]] = field(default_factory=list)  # of the calls that run just now
    numbering: bool = False


@dataclass(frozen=True)
class _Memory:
    numbers: tuple[tuple[str, int | None], ...]  # each sequence before
    statements: tuple[Statement, ...]
    returned: bytes


_test = _Test()
_memories: dict[tuple[Any, ...], _Memory] = {}


def begin_test() -> None:
    """A test begins, its database is as the migrations left it."""
    global _test  # one test at a time
    _test = _Test()
    if _watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(_watch)


def _watch(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    if not _test.numbering and sql.lstrip()[:6].upper() in WRITES:
        _test.situation = None
        for log in _test.logs:
            log.append((sql, params, many))
    return execute(sql, params, many, context)


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that makes rows from its arguments alone, and touches only the database.

    Objects it is given count by their number: whoever changed one saves it first.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if _test.situation is None or not connection.in_atomic_block:
            return function(*args, **kwargs)
        here = (function.__name__, _key(args), _key(sorted(kwargs.items())))
        situation = (*(_test.situation or _beginning()), here)
        memory = _memories.get(situation)
        if memory is None:
            numbers = _numbers()
            log: list[Statement] = []
            _test.logs.append(log)
            try:
                returned = function(*args, **kwargs)
            finally:
                _test.logs.pop()
            _memories[situation] = _Memory(numbers, tuple(log), pickle.dumps(returned))
        else:
            _write_again(memory)
            returned = pickle.loads(memory.returned)  # noqa: S301 - written above
        _test.situation = situation
        return returned

    return call


def _beginning() -> tuple[Any, ...]:
    """What the migrations wrote is gone after a test that commits."""
    return (tuple(Group.objects.order_by("pk").values_list("pk", "name")),)


def _key(value: Any) -> Any:
    if isinstance(value, Model):
        return (value._meta.label, value.pk)
    if isinstance(value, list | tuple):
        return tuple(_key(item) for item in value)
    if is_dataclass(value) and hasattr(value, "clerk"):  # the world itself: the situation tells
        return "world"
    return repr(value)


def _write_again(memory: _Memory) -> None:
    if _numbers() != memory.numbers:
        _set_numbers(memory.numbers)
    with connection.cursor() as cursor:
        for sql, params, many in memory.statements:
            if many:
                cursor.executemany(sql, params)
            else:
                cursor.execute(sql, params)


def _numbers() -> tuple[tuple[str, int | None], ...]:
    """The last number that each table gave a row; a rolled back test does not give them back."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
        else:
            cursor.execute("SELECT name, seq FROM sqlite_sequence ORDER BY 1")
        return tuple(cursor.fetchall())


def _set_numbers(numbers: tuple[tuple[str, int | None], ...]) -> None:
    _test.numbering = True
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            calls = ", ".join("setval(%s::regclass, %s, %s)" for _ in numbers)
            params: list[Any] = []
            for name, number in numbers:
                params += [f'"{name}"', number or 1, number is not None]
            cursor.execute(f"SELECT {calls}", params)
        else:
            cursor.execute("DELETE FROM sqlite_sequence")
            cursor.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", numbers)
    _test.numbering = False
