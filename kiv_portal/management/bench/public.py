"""Public pages, kept, against a bare Django view that returns the same bytes."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from kiv_portal.management.bench import Result, databases, median, processes
from projects.models import Project

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

GOAL: Final = 0.45
CONNECTIONS: Final = 8


def measure(bench: Bench) -> list[Result]:
    """Requests per second of both, in turns: the directory, compressed as browsers take it and as
    it is, and for half as long the front page, a project and the check.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        bench.say("not measured: wrk is missing (apt-get install wrk)")
        return [Result("public pages against a bare view", 0.0, "×", GOAL, True, "wrk is missing")]
    project = Project.objects.order_by("pk")[0]
    asked = (
        ("/projekte/", "br", "compressed", 1.0),
        ("/projekte/", "identity", "as it is", 1.0),
        ("/", "br", "compressed", 0.5),
        (f"/projekte/{project.slug}/", "br", "compressed", 0.5),
        ("/foerder-check/", "br", "compressed", 0.5),
    )
    results = []
    with processes.web("kiv_portal.wsgi", DATABASE_URL=databases.url(databases.name())) as portal:
        for page, encoding, how, share in asked:
            body = bench.room / "body"
            body.write_bytes(_get(portal, page, encoding))
            with processes.web("kiv_portal.management.bench.bare", BENCH_BODY=str(body)) as bare:
                rounds = bench.number(5, 3)
                seconds = bench.number(round(4 * share), 2)
                pairs = []
                for number in range(rounds):
                    ours = _requests_per_second(wrk, portal, page, encoding, seconds)
                    theirs = _requests_per_second(wrk, bare, page, encoding, seconds)
                    pairs.append((ours, theirs))
                    bench.say(f"{page}, round {number + 1}: {ours:.0f}/s against {theirs:.0f}/s")
            ratio = median([ours / theirs for ours, theirs in pairs])
            detail = (
                f"{median([p[0] for p in pairs]):.0f}/s against "
                f"{median([p[1] for p in pairs]):.0f}/s, {body.stat().st_size} bytes"
            )
            results.append(
                Result(f"{page} against a bare view, {how}", ratio, "×", GOAL, True, detail)
            )
    return results


def _get(port: int, page: str, encoding: str) -> bytes:
    talk = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    talk.request("GET", page, headers={"Accept-Encoding": encoding})
    answer = talk.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{page} answers {answer.status}")
    return body


def _requests_per_second(wrk: str, port: int, page: str, encoding: str, seconds: int) -> float:
    report = subprocess.run(  # noqa: S603 - found above
        [
            *(wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"),
            *("-H", f"Accept-Encoding: {encoding}", f"http://127.0.0.1:{port}{page}"),
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
