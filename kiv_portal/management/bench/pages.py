"""A page's time on a small and on a large database, in turns, and how many queries it takes."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kiv_portal.management.bench import databases, median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from municipalities.models import User


def visitor(user: User | None = None) -> Client:
    """A visitor whose portal has kept nothing; signed in where a user is named."""
    client = Client(headers={"host": "127.0.0.1"})
    if user is not None:
        client.force_login(user)
    client.get("/health/live")  # middleware and addresses are read at the first request
    return client


def ask(client: Client, address: str) -> Any:
    """The answer; anything but 200 ends the measure."""
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answers {answer.status_code}")
    return answer


def queries(address: str, user: User | None = None) -> int:
    """How many queries this page takes when nothing of it is kept."""
    ask(visitor(user), address)  # content types and the like are read once in a process
    client = visitor(user)
    with CaptureQueriesContext(connection) as captured:
        ask(client, address)
    return len(captured)


def times(
    addresses: Sequence[str], sides: Sequence[str], rounds: int, user: User | None = None
) -> dict[str, list[float]]:
    """Seconds of each page, by address: the median on each database, taken in turns.

    What the process holds anyhow is left out of the garbage collector, and it runs between the
    pages: a sweep would fall on any of them by chance, and takes longer than the page.
    """
    taken: dict[str, dict[str, list[float]]] = {
        address: {side: [] for side in sides} for address in addresses
    }
    gc.collect()
    gc.freeze()
    try:
        for number in range(rounds + 1):
            for side in sides:
                databases.use(side)
                for address in addresses:
                    client = visitor(user)
                    gc.collect()
                    gc.disable()
                    start = time.perf_counter()
                    ask(client, address)
                    if number:  # the first round warms up
                        taken[address][side].append(time.perf_counter() - start)
                    gc.enable()
    finally:
        gc.enable()
        gc.unfreeze()
    return {address: [median(taken[address][side]) for side in sides] for address in addresses}
