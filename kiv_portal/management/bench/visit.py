"""A first visit: what goes over the wire until a page is whole, fonts included."""

from __future__ import annotations

import http.client
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import brotli

from kiv_portal.management.bench import Result, databases, processes

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

GOAL: Final = 150.0
"""KB, of 1,024 bytes."""

PAGES: Final = ("/", "/projekte/")
RELATIONS: Final = frozenset({"stylesheet", "preload", "icon"})
IN_SHEETS: Final = re.compile(r"url\([\"']?(?!data:)([^)\"']+)")


class _Parts(HTMLParser):
    """The addresses of what a browser fetches by itself to show the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and (given.get("rel") or "") in RELATIONS:
            self.found.append(given.get("href") or "")
        elif tag in {"script", "img", "iframe", "source"} and given.get("src"):
            self.found.append(given["src"] or "")


def measure(bench: Bench) -> list[Result]:
    """With gunicorn and WhiteNoise as in production; nothing may come from elsewhere."""
    results = []
    with processes.web("kiv_portal.wsgi", DATABASE_URL=databases.url(databases.name())) as portal:
        for page in PAGES:
            text, size = _get(portal, page)
            waiting, seen = [urljoin(page, part) for part in _Parts(text).found], {page}
            while waiting:
                address = waiting.pop()
                if address in seen:
                    continue
                if urlsplit(address).netloc:
                    raise RuntimeError(f"{page} wants something from elsewhere: {address}")
                seen.add(address)
                content, more = _get(portal, address)
                size += more
                if address.endswith(".css"):
                    waiting += [urljoin(address, part) for part in IN_SHEETS.findall(content)]
            detail = f"{len(seen)} requests, none elsewhere"
            results.append(Result(f"first visit of {page}", size / 1024, "KB", GOAL, detail=detail))
    return results


def _get(port: int, address: str) -> tuple[str, int]:
    """The text, where it is text, and the bytes that went over the wire, headers included."""
    talk = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    talk.request("GET", address, headers={"Accept-Encoding": "gzip, deflate, br"})
    answer = talk.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{address} answers {answer.status}")
    size = len(body) + sum(len(f"{name}: {value}\r\n") for name, value in answer.getheaders())
    if answer.getheader("Content-Encoding") == "br":
        body = brotli.decompress(body)
    kind = answer.getheader("Content-Type") or ""
    return (body.decode() if kind.startswith("text/") else ""), size
