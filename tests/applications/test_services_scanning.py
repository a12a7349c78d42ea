"""The virus scan against a real server that speaks clamd's protocol: INSTREAM over a socket."""

from __future__ import annotations

import io
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from applications import services
from applications.documents import scan
from applications.models import Document
from applications.rules import DocumentKind
from applications.services import rendering
from kiv_portal import outbox
from kiv_portal.models import Job, WorkState
from tests import world
from tests.applications.pages import place, signed_in, words
from tests.factories import NOW

pytestmark = pytest.mark.django_db

EVIL = b"for this test only: pretend this is a virus"


class Clamd(socketserver.ThreadingTCPServer):
    """What clamd does with INSTREAM: pieces with their length before them, then one line."""

    allow_reuse_address = True
    daemon_threads = True
    limit = 1_000_000
    silent = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[bytes] = []


class Handler(socketserver.StreamRequestHandler):
    server: Clamd

    def handle(self) -> None:
        if self.server.silent:
            return
        command = b""
        while not command.endswith((b"\0", b"\n")):
            command += self.rfile.read(1)
        assert command.strip(b"zn\0\n") == b"INSTREAM"
        data = b""
        while length := struct.unpack("!L", self.rfile.read(4))[0]:
            data += self.rfile.read(length)
        self.server.seen.append(data)
        end = command[-1:]
        if len(data) > self.server.limit:
            self.wfile.write(b"INSTREAM size limit exceeded. ERROR" + end)
        elif EVIL in data:
            self.wfile.write(b"stream: Test-Signature FOUND" + end)
        else:
            self.wfile.write(b"stream: OK" + end)


@pytest.fixture
def clamd(settings: Any) -> Iterator[Clamd]:
    with Clamd() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        settings.CLAMD = f"tcp://127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def w() -> world.World:
    return world.build()


def picture(extra: bytes = b"") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (1, 1)).save(data, "PNG")
    return data.getvalue() + extra


def add(w: world.World, application: Any, content: bytes) -> Document:
    return services.add_document(
        application=application,
        upload=SimpleUploadedFile("Plan.png", content),
        kind=DocumentKind.OTHER,
        by=w.clerk,
        at=NOW,
    )


def work(at: Any = NOW) -> None:
    while outbox.work_once(rendering.JOBS, at):
        pass


def state(document: Document) -> tuple[str, Any]:
    document.refresh_from_db()
    return document.scan, document.scanned_at


def test_without_a_scanner_there_is_no_state_and_no_job(w):
    document = add(w, world.draft(w), picture())
    assert state(document) == ("", None)
    assert not Job.objects.filter(kind="scan_document").exists()
    text = words(signed_in(w.clerk).get(place(document.application, "anlagen/")))
    assert "Virenprüfung" not in text


def test_a_clean_file_waits_is_scanned_and_then_handed_out(w, clamd):
    content = picture()
    document = add(w, world.draft(w), content)
    browser = signed_in(w.clerk)
    address = place(document.application, f"anlagen/{document.pk}/")
    assert state(document) == ("pending", None)
    text = words(browser.get(place(document.application, "anlagen/")))
    assert "Virenprüfung: wird geprüft" in text
    waiting = browser.get(address)
    assert waiting.status_code == 409
    assert "Virenprüfung läuft; die Datei ist in Kürze zu öffnen." in words(waiting)
    work()
    assert clamd.seen == [content]
    assert state(document) == ("clean", NOW)
    assert b"".join(browser.get(address).streaming_content) == content
    assert "Virenprüfung: geprüft" in words(browser.get(place(document.application, "anlagen/")))


def test_a_find_is_told_and_never_handed_out(w, clamd):
    document = add(w, world.draft(w), picture(EVIL))
    work()
    assert state(document) == ("found", NOW)
    browser = signed_in(w.clerk)
    response = browser.get(place(document.application, f"anlagen/{document.pk}/"))
    assert response.status_code == 409
    assert "Die Virenprüfung hat etwas gefunden." in words(response)
    assert "bitte entfernen oder ersetzen Sie sie" in words(
        browser.get(place(document.application, "anlagen/"))
    )


def test_the_desk_sees_the_state_and_gets_no_file_before_the_scan(w, clamd, settings):
    settings.PORTAL_DEMO = True
    application = world.filled(w)
    document = add(w, application, picture())
    application = world.file(application, w.signatory)
    desk = signed_in(w.reviewer)
    case = f"/admin/applications/application/{application.pk}/change/"
    assert "Virenprüfung: wird geprüft" in words(desk.get(case))
    [href] = [
        row["href"] for row in desk.get(case).context["documents"] if row["name"] == "Plan.png"
    ]
    held = desk.get(href)
    assert held.status_code == 409
    assert "Die Virenprüfung dieser Anlage läuft noch." in words(held)
    Document.objects.filter(pk=document.pk).update(scan="found")
    assert "hat in dieser Anlage etwas gefunden" in words(desk.get(href))
    for state_, sentence in (
        ("found", "Virenprüfung: Fund Wird nicht herausgegeben."),
        ("failed", "Virenprüfung: nicht prüfbar Wird ungeprüft herausgegeben."),
        ("clean", "Virenprüfung: geprüft SHA-256"),
    ):
        Document.objects.filter(pk=document.pk).update(scan=state_)
        assert sentence in words(desk.get(case))
    assert b"".join(desk.get(href).streaming_content) == picture()


def test_what_the_scanner_cannot_look_into_is_told_and_handed_out(w, clamd):
    clamd.limit = 10
    document = add(w, world.draft(w), picture())
    work()
    assert state(document) == ("failed", NOW)
    browser = signed_in(w.clerk)
    assert (
        "Virenprüfung: nicht prüfbar Die Datei ließ sich nicht auf Viren prüfen. Sie bleibt "
        "eingereicht und wird ungeprüft herausgegeben."
    ) in words(browser.get(place(document.application, "anlagen/")))
    response = browser.get(place(document.application, f"anlagen/{document.pk}/"))
    assert b"".join(response.streaming_content) == picture()


def test_a_scanner_that_is_away_is_asked_again_and_told_of_after_three_tries(w, clamd, settings):
    there = settings.CLAMD
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.CLAMD = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
        document = add(w, world.draft(w), picture())
        for minutes, expected in ((0, "pending"), (2, "pending"), (10, "failed")):
            work(NOW + timedelta(minutes=minutes))
            assert state(document)[0] == expected
        job = Job.objects.get(kind="scan_document")
        assert (job.state, job.attempts) == (WorkState.WAITING, 3)
        assert job.last_error.startswith("ScannerAway")
    settings.CLAMD = there
    work(NOW + timedelta(hours=1))
    assert state(document) == ("clean", NOW + timedelta(hours=1))


def test_an_answer_that_breaks_off_is_no_answer(w, clamd):
    clamd.silent = True
    document = add(w, world.draft(w), picture())
    work()
    assert state(document)[0] == "pending"
    assert "ScannerAway" in Job.objects.get(kind="scan_document").last_error


def test_done_before_means_done_and_a_scanner_taken_away_leaves_no_state(w, clamd, settings):
    first, second = (add(w, world.draft(w), picture()) for _ in range(2))
    work()
    seen = len(clamd.seen)
    rendering.JOBS["scan_document"](str(first.pk), NOW)
    assert len(clamd.seen) == seen
    Document.objects.filter(pk=second.pk).update(scan="pending")
    settings.CLAMD = ""
    rendering.JOBS["scan_document"](str(second.pk), NOW)
    assert state(second) == ("", None)


def test_a_scanner_may_be_a_socket_of_this_machine(settings, tmp_path):
    place_of_it = tmp_path / "s"

    class Local(socketserver.UnixStreamServer):
        silent, limit, seen = False, 1000, []

    with Local(str(place_of_it), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        settings.CLAMD = f"unix://{place_of_it}"
        assert scan.find_in(io.BytesIO(EVIL)) == "Test-Signature"
        thread.join()
    assert Path(place_of_it).exists()
