"""The guards every other test relies on: strict templates, no network, own files."""

import socket
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.template import Context, Origin, Template, engines

from tests.strict_templates import OWN

Failed = pytest.fail.Exception


def render(text: str, file: Path | str = OWN / "seite.html", **values: Any) -> str:
    engine = engines["django"].engine  # type: ignore[attr-defined]
    template = Template(text, origin=Origin(str(file)), name=str(file), engine=engine)
    return template.render(Context(values))


@pytest.mark.parametrize(
    "text",
    [
        "{{ unknown }}",
        "{{ case.unknown }}",
        "{{ nothing.title }}",
        "{{ unknown|default:'–' }}",
        "{% for row in unknown %}{% endfor %}",
        "{% for row in case.unknown|slice:'2' %}{% endfor %}",
        "{% with title=unknown %}{% endwith %}",
    ],
)
def test_an_unknown_variable_in_an_own_template_fails(text: str) -> None:
    with pytest.raises(Failed, match=r"seite\.html, line 2"):
        render(f"\n{text}", case={}, nothing=None)


def test_a_template_may_say_that_something_can_be_missing() -> None:
    text = "{% if unknown or case.unknown == 3 %}x{% endif %}{% firstof unknown '–' %}"
    assert render(text, case={}) == "–"


def test_loops_still_loop() -> None:
    assert render("{% for row in rows %}{{ row }},{% endfor %}", rows=[1, 2, 3]) == "1,2,3,"


@pytest.mark.parametrize("file", ["/elsewhere/page.html", OWN / "admin" / "index.html"])
def test_templates_of_packages_and_copies_of_them_are_left_alone(file: Path | str) -> None:
    text = "{{ unknown }}{{ unknown|default:'–' }}{% for row in unknown %}x{% empty %}y{% endfor %}"
    assert render(text, file) == "–y"


def test_an_own_template_beside_the_copies_is_strict() -> None:
    with pytest.raises(Failed):
        render("{{ unknown }}", OWN / "admin" / "vorgang.html")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "portal.example"])
def test_no_test_leaves_this_machine(host: str) -> None:
    with pytest.raises(Failed):
        socket.create_connection((host, 443), timeout=1)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


@pytest.mark.parametrize("run", [1, 2])
def test_every_test_has_files_of_its_own(run: int, media_root: Path) -> None:
    assert default_storage.save("anlage.txt", ContentFile(b"x")) == "anlage.txt"
    assert (media_root / "anlage.txt").is_file()
    assert Path(settings.MEDIA_ROOT) == media_root
