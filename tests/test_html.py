"""Every public page and error page is valid HTML (html-validate, its own rules on access too)."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests import public_pages

pytestmark = pytest.mark.django_db
ROOT = Path(settings.BASE_DIR)
VALIDATOR = ROOT / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
CONFIG = ROOT / "tests" / "htmlvalidate.json"


def faults(folder: Path) -> list[str]:
    """What html-validate finds in the files of a folder, and where."""
    node = shutil.which("node") or shutil.which(str(ROOT / ".tools" / "bin" / "node"))
    if node is None or not VALIDATOR.is_file():
        pytest.skip("html-validate is missing (npm ci --ignore-scripts)")
    report = folder / "report.json"  # a pipe would be cut off where the program ends itself
    subprocess.run(
        [
            node,
            VALIDATOR,
            "--config",
            CONFIG,
            "--formatter",
            f"json={report}",
            *sorted(folder.glob("*.html")),
        ],
        capture_output=True,
        check=False,
    )
    return [
        f"{Path(file['filePath']).name}:{m['line']}: {m['ruleId']}: {m['message']}"
        for file in json.loads(report.read_text(encoding="utf-8"))
        for m in file["messages"]
    ]


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        else:
            yield pattern


def test_no_public_page_is_left_out() -> None:
    """A new one gets its line in `tests/public_pages.py`, and with it axe and this check."""
    pages = [address for address, status in public_pages.build().items() if status == 200]
    seen = {resolve(address.partition("?")[0]).func for address in pages}
    assert [
        str(route.pattern)
        for route in routes(get_resolver().url_patterns)
        if hasattr(route.callback, "public_parameters")
        and "." not in str(route.pattern)
        and route.callback not in seen
    ] == []


@pytest.mark.sweep
def test_every_public_page_is_valid(client: Client, tmp_path: Path) -> None:
    for address in public_pages.EMPTY:
        empty = client.get(address)
        assert empty.status_code == 200, address
        (tmp_path / f"leer{address.replace('/', '_')}.html").write_bytes(empty.content)
    for number, (address, status) in enumerate(public_pages.build().items()):
        response = client.get(address)
        assert response.status_code == status, address
        name = f"{number:02}{address.replace('/', '_').replace('?', '_')}.html"
        (tmp_path / name).write_bytes(response.content)
    forms = {
        "/barrierefreiheit/melden/": {"message": "", "reply_to": "x"},
        "/benachrichtigung/": {"email": "x"},
    }
    client.cookies["kiv-browser"] = signing.dumps("x", salt="known-browser")
    lapsed = client.post(
        "/antraege/neu/", {"text": "Ein Satz.", "file": SimpleUploadedFile("a", b"x")}
    )
    assert lapsed.status_code == 403
    (tmp_path / "sitzung.html").write_bytes(lapsed.content)
    for address, wrong in forms.items():
        sent = client.post(address, wrong)
        assert sent.context["form"].errors, address
        (tmp_path / f"fehler{address.replace('/', '_')}.html").write_bytes(sent.content)
    assert faults(tmp_path) == []


def test_every_error_page_is_valid(tmp_path: Path) -> None:
    request = RequestFactory().get("/")
    for path in sorted((ROOT / "templates").glob("[45]*.html")):
        page = render_to_string(path.name, {"explanation": "Nur für die Behörde."}, request)
        (tmp_path / path.name).write_text(page, encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 9
    assert faults(tmp_path) == []
