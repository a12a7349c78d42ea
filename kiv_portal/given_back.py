"""What a form held that came without its session comes back whole, each value in its own field.

It is sealed for the person whose session was over and for the page the form stands on, and goes to
the browser: the portal keeps nothing. After the sign-in the browser sends it to that page. This is
a question like any GET, rights and all; the page's own form is filled, and nothing is saved.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core import signing
from django.http import QueryDict, UnreadablePostError
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.http import escape_leading_slashes, url_has_allowed_host_and_scheme

from kiv_portal import filling
from kiv_portal.folding import clean_text
from kiv_portal.sealing import fernet

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponseBase

FIELD: Final = "eingaben"
"""The input that carries what was sealed."""
PURPOSE: Final = "given back"
LASTS: Final = timedelta(hours=24)
MOST_BYTES: Final = 2_000_000
"""More than this no form of ours holds."""

SECRET: Final = re.compile(r".*(?:password|csrfmiddlewaretoken|siegel)|code|credential")
"""Names of inputs that go nowhere but to the page that asked for them."""
BUTTON: Final = re.compile(r"_\w+|next|aktion|action|act|.*-(?:TOTAL|INITIAL|M\w+_NUM)_FORMS")
KEY: Final = re.compile(r"on|[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{8}")
"""What a box sends, or a form brings along: where that is all, nobody has typed anything."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form held: whose it is, on which page it stands, where it was sent."""

    owner: int | None
    """None where no session tells."""
    browser: str
    """Then it is of whoever signed in last in this browser: what its cookie says of that."""
    page: str
    address: str
    ended: bool
    """Whether it was the session that was missing, and not the form's protection."""
    inputs: list[list[str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def give_back(request: HttpRequest) -> HttpResponseBase | None:
    """The page from which what was typed goes back into its form, after a sign-in.

    None where nobody typed anything, where a page asks by itself, in a browser in which nobody ever
    signed in, and for forms that come from elsewhere: what others wrote is no text of the portal.
    """
    home = request.build_absolute_uri("/")[:-1]
    if (
        request.method != "POST"
        or "text/html" not in request.headers.get("Accept", "text/html")
        or request.headers.get("Origin", home) != home
    ):
        return None
    inputs = [
        [name, clean_text(value)]
        for name, values in request.POST.lists()
        for value in values
        if not SECRET.fullmatch(name)
    ]
    files = [str(file.name)[:300] for name in request.FILES for file in request.FILES.getlist(name)]
    if not files and not any(
        value.strip() and not BUTTON.fullmatch(name) and not KEY.fullmatch(value)
        for name, value in inputs
    ):
        return None
    lapsed = getattr(request, "lapsed", None)
    signed_in = request.user.is_authenticated
    owner = lapsed.user.pk if lapsed else request.user.pk
    browser = _browser_of(request)
    if owner is None and not browser:
        return None
    typed = Typed(
        owner=owner,
        browser=browser,
        page=_page_of(request),
        address=request.get_full_path(),
        ended=not signed_in,
        inputs=inputs,
        files=files[:100],
    )
    sealed = _seal(typed, request.arrived_at)  # type: ignore[attr-defined]
    return None if sealed is None else _asking(request, typed, sealed)


def take_up(request: HttpRequest) -> tuple[Typed, str] | None:
    """What a page sends to be filled into its form; the request is then one for that page.

    Asked of every POST; None where it carries nothing sealed for this page, and then nothing about
    the request is changed.
    """
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return None
    try:
        sealed = request.POST.get(FIELD, "")
    except UnreadablePostError:  # who reads it next has an answer for that
        return None
    typed = _open(sealed, request.arrived_at) if sealed else None  # type: ignore[attr-defined]
    if typed is None or typed.page != request.get_full_path():
        return None
    request.method = request.META["REQUEST_METHOD"] = "GET"
    request.POST = QueryDict()
    request._files = MultiValueDict()  # type: ignore[attr-defined]
    inputs = QueryDict(mutable=True)
    for name, value in typed.inputs:
        inputs.appendlist(name, value)
    request.given_back = inputs  # type: ignore[attr-defined]
    return typed, sealed


def fill(
    request: HttpRequest, typed: Typed, sealed: str, answer: HttpResponseBase
) -> HttpResponseBase:
    """The answer with its form filled; the way to it while somebody still has to sign in.

    Where the form is no more, all it held to be copied. Nobody else gets any of it.
    """
    if not request.user.is_authenticated:
        return _asking(request, typed, sealed)
    theirs = typed.owner == request.user.pk
    if typed.owner is None:
        theirs = typed.browser == _browser_of(request)
    if not theirs:
        return render(request, "kiv_portal/given_back_other.html", status=HTTPStatus.FORBIDDEN)
    way = answer.headers.get("Location", "")
    if way and urlsplit(way).path.startswith(reverse("account")):
        return _asking(request, typed, sealed, way)
    inputs = [(name, value) for name, value in typed.inputs]
    is_page = answer.status_code == HTTPStatus.OK and "html" in answer.headers["Content-Type"]
    filled = None
    if is_page and not answer.streaming:
        html = answer.content.decode()  # type: ignore[attr-defined]
        filled = filling.fill(html, page=typed.page, address=typed.address, inputs=inputs)
    if filled is None:
        texts = filling.written(inputs)
        context = {"typed": typed, "texts": texts, "others": _others(inputs, texts)}
        gone = "kiv_portal/given_back_list.html"
        return render(request, gone, context, status=HTTPStatus.CONFLICT)
    if filled.count or filled.left or typed.files:
        told = {"typed": typed, "filled": filled}
        page = filled.below(render_to_string("kiv_portal/_given_back.html", told, request=request))
        answer.content = page.encode()  # type: ignore[attr-defined]
    return answer


def _others(inputs: list[tuple[str, str]], texts: list[str]) -> list[str]:
    """What else a form held that is gone: single words, whole numbers, what lists offered."""
    return [
        value
        for name, value in inputs
        if value.strip()
        and value not in texts
        and not (BUTTON.fullmatch(name) or KEY.fullmatch(value) or filling.by_itself(name))
    ]


def _asking(request: HttpRequest, typed: Typed, sealed: str, way: str = "") -> HttpResponseBase:
    """What is to be done first, and the button behind it."""
    if not way and not request.user.is_authenticated:
        ahead = urlencode({"next": reverse("session")}, safe="/")
        way = f"{resolve_url(settings.LOGIN_URL)}?{ahead}"
    context: dict[str, Any] = {"typed": typed, "sealed": sealed, "way": way, "field": FIELD}
    return render(request, "kiv_portal/given_back.html", context, status=HTTPStatus.FORBIDDEN)


def _browser_of(request: HttpRequest) -> str:
    """What this browser knows of who signed in last, readable to nobody; empty if nobody did."""
    cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE, "")
    try:
        return str(signing.loads(cookie, salt="known-browser"))
    except signing.BadSignature:
        return ""


def _page_of(request: HttpRequest) -> str:
    """The address of the page the form stands on, as the browser says, or else the form's own."""
    said = request.headers.get("Referer", "")
    if said and url_has_allowed_host_and_scheme(said, {request.get_host()}):
        parts = urlsplit(said)
        return escape_leading_slashes(urlunsplit(("", "", parts.path or "/", parts.query, "")))
    return request.get_full_path()


def _seal(typed: Typed, at: datetime) -> str | None:
    text = json.dumps(asdict(typed), ensure_ascii=False).encode()
    if len(text) > MOST_BYTES:
        return None
    return fernet(PURPOSE).encrypt_at_time(zlib.compress(text), int(at.timestamp())).decode()


def _open(sealed: str, at: datetime) -> Typed | None:
    cipher = fernet(PURPOSE)
    try:
        text = cipher.decrypt(sealed.encode())
        age = at.timestamp() - cipher.extract_timestamp(sealed.encode())
    except (InvalidToken, UnicodeEncodeError):
        return None
    return Typed(**json.loads(zlib.decompress(text))) if age <= LASTS.total_seconds() else None
