"""What stands in `deploy/`: nginx with TLS in front of the real web server, units, settings."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from django.conf import settings
from django.db import connection

from kiv_portal import settings as portal_settings

DEPLOY = settings.BASE_DIR / "deploy"
HOST = "localhost"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
HERE = "/srv/kiv-portal/current"


class Front:
    """nginx as `deploy/nginx/kiv-portal.conf` has it, on other ports, before a gunicorn."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.web: subprocess.Popen[bytes] | None = None
        self.nginx: subprocess.Popen[bytes] | None = None
        authority = trustme.CA()
        authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(room / "both.pem")
        self.trusted = ssl.create_default_context()
        authority.configure_trust(self.trusted)
        self.tls, self.plain = _free(), _free()

    def start(self) -> None:
        site = (DEPLOY / "nginx" / "kiv-portal.conf").read_text(encoding="utf-8")
        for given, here in (
            ("listen 80;", f"listen 127.0.0.1:{self.plain};"),
            ("listen [::]:80;", ""),
            ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.tls} ssl http2;"),
            ("listen [::]:443 ssl http2;", ""),
            ("portal.example", HOST),
            ("/etc/ssl/kiv-portal/fullchain.pem", f"{self.room}/both.pem"),
            ("/etc/ssl/kiv-portal/privkey.pem", f"{self.room}/both.pem"),
            ("/run/kiv-portal/web.sock", f"{self.room}/web.sock"),
            ("/var/log/nginx/kiv-portal.log", f"{self.room}/access.log"),
            ("/var/log/nginx/kiv-portal.error.log", f"{self.room}/error.log"),
            (f"{HERE}/staticfiles/", f"{self.room}/static/"),
            (f"{HERE}/deploy/nginx", f"{DEPLOY}/nginx"),
        ):
            assert given in site, given
            site = site.replace(given, here)
        assert HERE not in site
        (self.room / "site.conf").write_text(site, encoding="utf-8")
        paths = "".join(
            f"{kind}_temp_path {self.room}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.getuid() == 0 else ""
        (self.room / "nginx.conf").write_text(
            f"{user}daemon off;\nworker_processes 1;\npid {self.room}/pid;\n"
            f"error_log {self.room}/error.log;\nevents {{ worker_connections 512; }}\n"
            f"http {{\n{paths}include {self.room}/site.conf;\n}}\n"
        )
        words = [str(NGINX), "-p", str(self.room), "-c", f"{self.room}/nginx.conf"]
        tried = subprocess.run([*words, "-t"], capture_output=True, text=True)
        assert "test is successful" in tried.stderr, tried.stderr
        assert "[warn]" not in tried.stderr, tried.stderr
        self.nginx = subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL)
        self.start_web()

    def start_web(self) -> None:
        database = connection.settings_dict
        url = (
            f"sqlite:///{database['NAME']}"
            if connection.vendor == "sqlite"
            else re.sub(r"/[^/]*$", f"/{database['NAME']}", os.environ["DATABASE_URL"])
        )
        self.web = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--config", "python:kiv_portal.serving"),
                *("kiv_portal.wsgi", "--bind", f"unix:{self.room}/web.sock"),
                *("--no-control-socket", "--log-level", "error"),
            ],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATABASE_URL": url,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "PORTAL_TEST_TLS": "1",
            },
            start_new_session=True,
        )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if self.ask("GET", "/health/live")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise TimeoutError("nothing answers behind nginx")

    def stop_web(self) -> None:
        if self.web is not None:
            os.killpg(self.web.pid, signal.SIGKILL)
            self.web.wait()
            self.web = None

    def stop(self) -> None:
        self.stop_web()
        if self.nginx is not None:
            os.killpg(self.nginx.pid, signal.SIGTERM)
            self.nginx.wait()

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        talk = http.client.HTTPSConnection(HOST, self.tls, timeout=20, context=self.trusted)
        try:
            talk.request(method, path, headers={"Host": HOST, **headers})
            answer = talk.getresponse()
            said = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, said, answer.read().decode("utf-8", "replace")
        finally:
            talk.close()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def front(tmp_path: Path, transactional_db: None) -> Iterator[Front]:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    static = tmp_path / "static" / "css"
    static.mkdir(parents=True)
    (static / "portal.0123456789ab.css").write_text("body { color: black }")
    (static / "portal.css").write_text("body { color: black }")
    found = Front(tmp_path)
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.mark.sweep
def test_nginx_in_front_of_the_portal(front: Front, measured: Callable[[str], None]) -> None:
    """One start for all of it: a server takes seconds to come up."""
    status, headers, page = front.ask("GET", "/")
    assert (status, "<h1" in page) == (200, True)
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains; preload"
    assert "server" not in headers or headers["server"] == "nginx"
    assert "default-src 'none'" in headers["content-security-policy"]

    # Plain HTTP only leads to TLS.
    talk = http.client.HTTPConnection("127.0.0.1", front.plain, timeout=10)
    talk.request("GET", "/projekte/?q=a", headers={"Host": HOST})
    answer = talk.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/projekte/?q=a")
    talk.close()

    # Collected files: kept for good where the name bears their hash, and asked for otherwise.
    for name, kept in (
        ("portal.0123456789ab.css", "public, max-age=31536000, immutable"),
        ("portal.css", "no-cache"),
    ):
        status, headers, _ = front.ask("GET", f"/static/css/{name}")
        assert (status, headers["cache-control"]) == (200, kept)
        assert headers["content-type"] == "text/css; charset=utf-8"
        assert headers["x-content-type-options"] == "nosniff"

    # Too much is refused before it is read, in German.
    status, headers, page = front.ask("POST", "/antraege/", **{"Content-Length": "300000000"})
    assert (status, headers["cache-control"]) == (413, "no-store")
    assert "Das war zu viel auf einmal" in page
    assert front.ask("GET", "/away.html")[0] == 404

    # Fifty who send a word and then nothing: everybody else is answered at once.
    with ExitStack() as slow:
        for number in range(50):
            raw = slow.enter_context(socket.create_connection(("127.0.0.1", front.tls), 10))
            sock = slow.enter_context(front.trusted.wrap_socket(raw, server_hostname=HOST))
            head = f"POST /konto/anmelden/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n"
            sock.sendall(f"{head}{'' if number % 2 else chr(13) + chr(10)}".encode())
        took = {}
        for path in ("/projekte/", "/foerder-check/", "/konto/anmelden/"):
            began = time.monotonic()
            assert front.ask("GET", path)[0] == 200
            took[path] = time.monotonic() - began
        measured(f"beside 50 slow sockets: {max(took.values()):.2f} s at most")
        assert max(took.values()) < 2, took

    # The log names neither an address in full nor what an address carries.
    front.ask("GET", "/konto/einladung/geheim-0123456789/?q=Musterfrau")
    log = (front.room / "access.log").read_text()
    assert '"network":"127.0.0.0"' in log
    assert '"area":"/konto/"' in log
    assert [word for word in ("127.0.0.1", "geheim", "Musterfrau") if word in log] == []

    # The portal is gone: a page that says so, no acknowledgement; and it comes back by itself.
    front.stop_web()
    status, headers, page = front.ask("POST", "/konto/einladung/geheim-0123456789/")
    assert (status, headers["retry-after"]) == (503, "60")
    log = (front.room / "error.log").read_text()
    assert [line for line in log.splitlines() if "geheim" in line or "client:" in line] == []
    assert "Das Portal ist gerade nicht erreichbar" in page
    assert "default-src 'none'" in headers["content-security-policy"]

    # A machine that asks hundreds of times in a second is told to wait; people never ask so often.
    talk = http.client.HTTPSConnection(HOST, front.tls, timeout=20, context=front.trusted)
    seen = []
    for _ in range(400):
        talk.request("GET", "/projekte/", headers={"Host": HOST})
        answer = talk.getresponse()
        seen.append((answer.status, answer.headers["Retry-After"]))
        page = answer.read().decode()
    talk.close()
    assert (seen[0], seen[150], seen[-1]) == ((503, "60"), (503, "60"), (429, "60"))
    assert "Zu viele Anfragen" in page
    front.start_web()
    assert front.ask("GET", "/projekte/")[0] == 200


def test_a_forwarded_address_is_not_what_a_client_says() -> None:
    site = (DEPLOY / "nginx" / "kiv-portal.conf").read_text(encoding="utf-8")
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in site
    assert "proxy_add_x_forwarded_for" not in site


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda p: p.stem)
def test_the_units_are_whole_and_shut_off(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    text = unit.read_text(encoding="utf-8").replace(HERE, str(settings.BASE_DIR))
    text = text.replace(f"{settings.BASE_DIR}/.venv/bin/", f"{Path(sys.executable).parent}/")
    for one in DEPLOY.glob("systemd/*"):
        (tmp_path / one.name).write_text(text if one == unit else one.read_text(encoding="utf-8"))
    timers = [tmp_path / unit.with_suffix(".timer").name]
    files = [tmp_path / unit.name, *(timer for timer in timers if timer.exists())]
    done = subprocess.run(
        [program, "verify", "--man=no", "--recursive-errors=no", *map(str, files)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shut = subprocess.run(
        [program, "security", "--offline=true", "--threshold=15", "--no-pager", str(files[0])],
        capture_output=True,
        text=True,
    )
    assert shut.returncode == 0, shut.stdout[-300:]


def test_old_backups_go_once_a_newer_one_is_whole_whatever_else_was_told(tmp_path: Path) -> None:
    unit = (DEPLOY / "systemd" / "kiv-portal-backup.service").read_text(encoding="utf-8")
    # After a success and after a failure: a lost file that is told of each night is one.
    (line,) = re.findall(r"^ExecStopPost=-(.+)$", unit, re.MULTILINE)
    line = line.replace("$$", "$").replace("/var/lib/kiv-portal-backup", str(tmp_path))
    old, new = tmp_path / "old", tmp_path / "new"
    for place in (old, new):
        place.mkdir()
    (old / "manifest.json").touch()
    for path in (old / "manifest.json", old):
        os.utime(path, (time.time() - settings.BACKUP_DAYS * 86_400,) * 2)
    subprocess.run(shlex.split(line))
    assert old.exists(), "the new one has not come to its end"
    (new / "manifest.json").touch()
    subprocess.run(shlex.split(line), check=True)
    assert (old.exists(), new.exists()) == (False, True)


def test_every_setting_in_the_example_is_one_the_portal_reads() -> None:
    example = (DEPLOY / "portal.env.example").read_text(encoding="utf-8")
    names = set(re.findall(r"(?m)^([A-Z_]+)=", example))
    assert "SECRET_KEY=\n" in example
    source = Path(portal_settings.__file__).read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f'"{name}"' not in source] == []


@pytest.mark.django_db
def test_postgresql_knows_every_setting_it_is_given() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("asks a PostgreSQL")
    text = (DEPLOY / "postgresql" / "kiv-portal.conf").read_text(encoding="utf-8")
    found = re.findall(r"(?m)^(\w+) = (?:'([^']*)'|(\S+))", text)
    given = {name: quoted or plain for name, quoted, plain in found}
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, vartype, enumvals FROM pg_settings")
        known = {name: (kind, allowed) for name, kind, allowed in cursor.fetchall()}
    assert [name for name in given if name not in known] == []
    wrong = [
        name
        for name, value in given.items()
        if (known[name][0] == "bool" and value not in {"on", "off"})
        or (known[name][0] == "enum" and value not in known[name][1])
    ]
    assert wrong == []
