"""Public pages: the same for everybody, so one process may keep an answer and give it again.

A view opts in with `@public_page(…)` and says which parameters it reads; `PublicPagesMiddleware`
keeps its answers. Nothing kept is ever out of date: it counts for one `PublicVersion` only, which
every write to a table the public sees changes in its own transaction (the triggers of
`kiv_portal.management.public_version`), and until the instant the page changes by itself.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache, wraps
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import brotli
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from collections.abc import Callable

    View = Callable[..., HttpResponse]

MAX_PAGES: Final = 500
MAX_BYTES: Final = 16 * 1024 * 1024
"""What one process keeps at most. Whatever was not asked for longest goes first."""

SMALLEST_TO_COMPRESS: Final = 300  # bytes
COMPRESSED_ALREADY: Final = ("image/png", "image/jpeg", "font/", "application/zip")


# --- For views ------------------------------------------------------------------------------------


def public_page(*parameters: str) -> Callable[[View], View]:
    """Mark a view whose answer depends on its address, these parameters and the database only.

    It needs no sign-in, takes only GET and HEAD, and sees no other parameter than the named
    ones, so that nothing else can get into what is kept. A view whose answer changes by itself
    says when (`changes_at`). With the database away the answer is 503, never an old page.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            request.GET = known(request.GET, parameters)  # type: ignore[assignment]
            request.META["QUERY_STRING"] = request.GET.urlencode()
            if fault := getattr(request, "database_fault", None):
                raise fault
            response = view(request, *args, **kwargs)
            response.is_public_page = True  # type: ignore[attr-defined]
            return response

        marked: View = login_not_required(require_safe(page))
        marked.public_parameters = parameters  # type: ignore[attr-defined]
        return marked

    return decorate


def changes_at(response: HttpResponse, after: datetime, *instants: datetime | None) -> HttpResponse:
    """Say when this page changes by itself: at the first of `instants` that lies after `after`.

    `after` is the instant the page was made for (`request.arrived_at`). May be called again.
    """
    known_so_far = getattr(response, "changes_at", None)
    coming = [one for one in (known_so_far, *instants) if one is not None and one > after]
    response.changes_at = min(coming, default=None)  # type: ignore[attr-defined]
    return response


def end_of_day(at: datetime) -> datetime:
    """The next midnight in Hesse, when a page that depends on the day changes."""
    tomorrow = timezone.localdate(at) + timedelta(days=1)
    return timezone.make_aware(datetime.combine(tomorrow, time.min))


# --- Which page is meant --------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def parameters_at(path: str) -> tuple[str, ...] | None:
    """The parameters of the public page at this address; None where there is none."""
    try:
        view = resolve(path).func
    except Resolver404:
        return None
    return getattr(view, "public_parameters", None)


def known(query: QueryDict, parameters: tuple[str, ...]) -> QueryDict:
    """The same query with the named parameters only, in the order of their names."""
    kept = QueryDict(mutable=True, encoding=query.encoding)
    for name in sorted(parameters):
        if name in query:
            kept.setlist(name, query.getlist(name))
    kept._mutable = False
    return kept


def address_of(request: HttpRequest, parameters: tuple[str, ...]) -> tuple[str, str, str]:
    """What tells a page from others: host, path, and the query written one way only.

    The host is there because it is the visitor who sends it.
    """
    query = ""
    if parameters and request.META.get("QUERY_STRING"):
        given = request.GET
        query = urlencode([(n, given.getlist(n)) for n in sorted(parameters) if n in given], True)
    return f"{request.scheme}://{request.get_host()}", request.path, query


# --- What is kept ---------------------------------------------------------------------------------


@dataclass
class Page:
    """An answer as it left the portal, headers included, and its compressed forms once made."""

    version: str
    changes_at: datetime | None
    headers: dict[str, str]
    body: bytes
    tag: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tag = hashlib.blake2b(self.body, digest_size=15).hexdigest()
        self.bodies = {"": self.body}

    @classmethod
    def of(cls, response: HttpResponse, version: str) -> Page | None:
        """What can be kept of an answer; None where it belongs to one visitor or is no page."""
        if (
            not getattr(response, "is_public_page", False)
            or response.status_code != HTTPStatus.OK
            or response.streaming
            or response.cookies
            or response.has_header("Content-Encoding")
            or "cookie" in response.headers.get("Vary", "").lower()
            or any(
                word in response.headers.get("Cache-Control", "").lower()
                for word in ("no-store", "private")
            )
        ):
            return None
        headers = dict(response.headers)
        headers.pop("Content-Length", None)
        # Whoever keeps a copy on the way or in the browser asks here before it is used.
        headers["Cache-Control"] = "no-cache"
        headers["Vary"] = "Accept-Encoding"
        return cls(version, getattr(response, "changes_at", None), headers, response.content)

    def counts(self, version: str, at: datetime) -> bool:
        """Whether it is still what the portal would say."""
        return self.version == version and (self.changes_at is None or at < self.changes_at)

    def in_form(self, encoding: str) -> tuple[str, bytes]:
        """The body in this encoding, or as it is where that would gain nothing."""
        if len(self.body) < SMALLEST_TO_COMPRESS or self.headers.get("Content-Type", "").startswith(
            COMPRESSED_ALREADY
        ):
            encoding = ""
        if encoding not in self.bodies:
            self.bodies[encoding] = _compress(self.body, encoding)
        return encoding, self.bodies[encoding]

    def size(self) -> int:
        """Bytes it takes, roughly."""
        return 1500 + sum(map(len, self.bodies.values()))

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The answer to this request: in an encoding it takes, 304 where it has it already."""
        encoding, body = self.in_form(accepted(request.headers.get("accept-encoding", "")))
        etag = f'"{self.tag}-{encoding or "id"}"'
        response = HttpResponse(body if request.method == "GET" else b"", headers=self.headers)
        response.headers["ETag"] = etag
        response.headers["Content-Length"] = str(len(body))
        if encoding:
            response.headers["Content-Encoding"] = encoding
        if "if-none-match" in request.headers or "if-match" in request.headers:
            return get_conditional_response(request, etag=etag, response=response) or response
        return response


def _compress(body: bytes, encoding: str) -> bytes:
    """Measured on the directory's page: beyond these levels the time grows faster than the gain."""
    if encoding == "br":
        compressed: bytes = brotli.compress(body, quality=5)
        return compressed
    return gzip.compress(body, compresslevel=6, mtime=0)


@lru_cache(maxsize=200)
def accepted(header: str) -> str:
    """The best encoding a browser takes by its Accept-Encoding: `br`, `gzip` or as it is (``)."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        name, _, rest = part.partition(";")
        try:
            weights[name.strip()] = float(rest.replace(" ", "").removeprefix("q=") or 1)
        except ValueError:
            continue  # not understood: not accepted
    others = weights.get("*", 0.0)
    best = max(("br", "gzip"), key=lambda name: weights.get(name, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else ""


class PageStore:
    """The pages one process keeps: few, small, and the least wanted go first. Thread-safe."""

    def __init__(self, *, pages: int = MAX_PAGES, size: int = MAX_BYTES) -> None:
        self._most_pages = pages
        self._most_bytes = size
        self._pages: OrderedDict[tuple[str, str, str], tuple[Page, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def find(self, address: tuple[str, str, str], version: str, at: datetime) -> Page | None:
        """The page kept for this address, if it still counts."""
        with self._lock:
            found = self._pages.get(address)
            if found is None or not found[0].counts(version, at):
                return None
            self._pages.move_to_end(address)
            return found[0]

    def keep(self, address: tuple[str, str, str], page: Page) -> None:
        """Keep a page, or weigh it anew; one that is too large for the store is not kept."""
        size = page.size() + 2 * sum(map(len, address))
        with self._lock:
            _, before = self._pages.pop(address, (None, 0))
            self._bytes -= before
            if size > self._most_bytes // 4:
                return
            self._pages[address] = page, size
            self._bytes += size
            while len(self._pages) > self._most_pages or self._bytes > self._most_bytes:
                _, (_, freed) = self._pages.popitem(last=False)
                self._bytes -= freed

    def __len__(self) -> int:
        return len(self._pages)

    @property
    def bytes(self) -> int:
        """What all pages take together."""
        return self._bytes
