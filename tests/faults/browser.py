"""A person at a browser, over real HTTP: cookies, forms with all their fields, and patience."""

from __future__ import annotations

import http.client
import uuid
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from django.conf import settings
from django.test import Client

from kiv_portal.management.bench.forms import Form, forms_of
from municipalities.models import User
from tests import world

TIMEOUT = 40


class Away(Exception):
    """No answer, or one that promises nothing: whatever was sent may or may not have counted.

    Says what was asked and what came: `POST 503`, `GET ConnectionRefusedError`.
    """


@dataclass(frozen=True)
class Answer:
    """What came back; an answer that acknowledges or refuses, never a fault."""

    status: int
    page: str
    leads_to: str

    def form(self, action: str) -> Form:
        """The form that is sent to this address."""
        return next(form for form in forms_of(self.page) if form.action.endswith(action))


class Browser:
    """One person's browser. `faults` collects what nobody should ever see."""

    def __init__(self, port: int, session: str, faults: list[str]) -> None:
        self.port = port
        self.cookies = {settings.SESSION_COOKIE_NAME: session}
        self.faults = faults

    def get(self, address: str) -> Answer:
        """Look at a page; raises Away."""
        return self._ask("GET", address, None, {})

    def post(self, address: str, values: dict[str, str]) -> Answer:
        """Send these values and no others; raises Away."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", address, urlencode(values, doseq=True).encode(), kind)

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
            raise Away(f"{method} {type(error).__name__}") from error
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
            raise Away(f"{method} 503")
        return Answer(got.status, page, urlsplit(got.headers.get("Location", "")).path)


def session_of(person: User, *, second_factor: bool = False) -> str:
    """A session that this person has signed in to, with both factors where wanted."""
    client = Client()
    client.force_login(person)
    if second_factor:
        world.give_second_factor(client, person)
    assert client.session.session_key is not None
    return client.session.session_key


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
