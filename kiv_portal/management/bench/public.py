"""A public page, kept, against a bare Django view that returns the same bytes."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from kiv_portal.management.bench import Result, databases, median, processes

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

GOAL: Final = 0.45
PAGE: Final = "/projekte/"
CONNECTIONS: Final = 8


def measure(bench: Bench) -> list[Result]:
    """Requests per second of both, in turns; compressed as browsers take it, and as it is."""
    wrk = shutil.which("wrk")
    if wrk is None:
        bench.say("not measured: wrk is missing (apt-get install wrk)")
        return [Result("/projekte/ against a bare view", 0.0, "×", GOAL, True, "wrk is missing")]
    results = []
    with processes.web("kiv_portal.wsgi", DATABASE_URL=databases.url(databases.name())) as portal:
        for encoding, title in (("br", "compressed"), ("identity", "as it is")):
            body = bench.room / f"body-{encoding}"
            body.write_bytes(_get(portal, encoding))
            with processes.web("kiv_portal.management.bench.bare", BENCH_BODY=str(body)) as bare:
                rounds = bench.number(5, 3)
                seconds = bench.number(4, 2)
                pairs = []
                for number in range(rounds):
                    ours = _requests_per_second(wrk, portal, encoding, seconds)
                    theirs = _requests_per_second(wrk, bare, encoding, seconds)
                    pairs.append((ours, theirs))
                    bench.say(f"round {number + 1}: {ours:.0f}/s against {theirs:.0f}/s")
            ratio = median([ours / theirs for ours, theirs in pairs])
            detail = (
                f"{median([p[0] for p in pairs]):.0f}/s against "
                f"{median([p[1] for p in pairs]):.0f}/s, {body.stat().st_size} bytes"
            )
            results.append(
                Result(f"{PAGE} against a bare view, {title}", ratio, "×", GOAL, True, detail)
            )
    return results


def _get(port: int, encoding: str) -> bytes:
    talk = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    talk.request("GET", PAGE, headers={"Accept-Encoding": encoding})
    answer = talk.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{PAGE} answers {answer.status}")
    return body


def _requests_per_second(wrk: str, port: int, encoding: str, seconds: int) -> float:
    report = subprocess.run(  # noqa: S603 - found above
        [
            *(wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"),
            *("-H", f"Accept-Encoding: {encoding}", f"http://127.0.0.1:{port}{PAGE}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if "Non-2xx" in report or "Socket errors" in report:
        raise RuntimeError(f"not every request was answered:\n{report}")
    found = re.search(r"Requests/sec:\s+([0-9.]+)", report)
    assert found is not None
    return float(found[1])
