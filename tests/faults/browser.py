"""A person at a browser, over real HTTP: cookies, forms with all their fields, and patience."""

from __future__ import annotations

import http.client
import uuid
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from django.conf import settings

TIMEOUT = 40


class Away(Exception):
    """No answer, or one that promises nothing: whatever was sent may or may not have counted."""


@dataclass
class Form:
    """A form as it stands in a page."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    """Every form with the values a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._text: tuple[str, list[str]] | None = None
        self._choice: tuple[str, list[tuple[str, bool]]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        if self._open is None:
            return
        name = given.get("name", "")
        if tag == "input" and name and "disabled" not in given:
            kind = given.get("type", "text")
            if kind in {"checkbox", "radio"} and "checked" not in given:
                return
            if kind == "submit":
                self._open.buttons.append((name, given.get("value", "")))
            elif kind != "file":
                empty = "on" if kind in {"checkbox", "radio"} else ""
                self._open.fields.append((name, given.get("value", empty)))
        elif tag == "button" and name:
            self._open.buttons.append((name, given.get("value", "")))
        elif tag == "textarea" and name:
            self._text = (name, [])
        elif tag == "select" and name:
            self._choice = (name, [])
        elif tag == "option" and self._choice is not None:
            self._choice[1].append((given.get("value", ""), "selected" in given))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea" and self._text is not None and self._open is not None:
            name, parts = self._text
            self._open.fields.append((name, "".join(parts).removeprefix("\n")))
            self._text = None
        elif tag == "select" and self._choice is not None and self._open is not None:
            name, options = self._choice
            chosen = [value for value, selected in options if selected]
            if chosen or options:
                self._open.fields.append((name, chosen[0] if chosen else options[0][0]))
            self._choice = None


@dataclass(frozen=True)
class Answer:
    """What came back; an answer that acknowledges or refuses, never a fault."""

    status: int
    page: str
    leads_to: str

    def form(self, action: str) -> Form:
        """The form that is sent to this address."""
        return next(form for form in forms_of(self) if form.action.endswith(action))


def forms_of(answer: Answer) -> list[Form]:
    """Every form of a page."""
    forms = _Forms()
    forms.feed(answer.page)
    return forms.forms


class Browser:
    """One person's browser. `faults` collects what nobody should ever see."""

    def __init__(self, port: int, session: str, faults: list[str]) -> None:
        self.port = port
        self.cookies = {settings.SESSION_COOKIE_NAME: session}
        self.faults = faults

    def get(self, address: str) -> Answer:
        """Look at a page; raises Away."""
        return self._ask("GET", address, None, {})

    def send(
        self,
        form: Form,
        at: str,
        values: dict[str, str],
        *,
        files: dict[str, tuple[str, bytes]] | None = None,
    ) -> Answer:
        """Send a form of the page at `at` with some values changed; raises Away."""
        fields = [(name, value) for name, value in form.fields if name not in values]
        fields += list(values.items())
        address = urljoin(at, form.action) if form.action else at
        if files is None:
            kind, body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        else:
            kind, body = _multipart(fields, files)
        return self._ask("POST", address, body, {"Content-Type": kind})

    def _ask(self, method: str, address: str, body: bytes | None, more: dict[str, str]) -> Answer:
        talk = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            talk.request(method, address, body, {"Cookie": cookies, "Host": "localhost", **more})
            got = talk.getresponse()
            page = got.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise Away(type(error).__name__) from error
        finally:
            talk.close()
        for header in got.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
        if got.status >= 500:
            if "Traceback" in page or got.status != 503 or "Retry-After" not in got.headers:
                self.faults.append(f"{method} {address} answers {got.status}: {page[:300]}")
            elif "Das Portal ist gerade nicht erreichbar" not in page:
                self.faults.append(f"{method} {address} answers 503 without a German page")
            raise Away("503")
        return Answer(got.status, page, urlsplit(got.headers.get("Location", "")).path)


def _multipart(
    fields: list[tuple[str, str]], files: dict[str, tuple[str, bytes]]
) -> tuple[str, bytes]:
    edge = uuid.uuid4().hex
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    for name, (file_name, data) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"'
        parts.append(f"--{edge}\r\n{head}\r\nContent-Type: image/png\r\n\r\n".encode())
        parts += [data, b"\r\n"]
    parts.append(f"--{edge}--\r\n".encode())
    return f"multipart/form-data; boundary={edge}", b"".join(parts)
