"""The guards every other test relies on: strict templates, no network, own files."""

import json
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.template import Context, Origin, Template, engines

from tests.dangers import dangers, template_dangers
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


# --- Dangerous calls ------------------------------------------------------------------------------

PLANTED = {
    "html without escaping": ["mark_safe(text)", "format_html(text)", "SafeString(text)"],
    "sql put together": [
        'cursor.execute(f"SELECT {name}")',
        'cursor.execute("SELECT %s" % name)',
        'cursor.execute("SELECT {}".format(name))',
        "cursor.execute(query)",
    ],
    "sql by hand": ['rows.extra(where=["1"])', 'Model.objects.raw("SELECT 1")', 'RawSQL("1", [])'],
    "program from text": [
        "eval(text)",
        "exec(text)",
        "import pickle",
        "from yaml import load",
        "import marshal",
    ],
    "shell": ["subprocess.run(line, shell=True)", "os.system(line)", "run(line, shell=maybe)"],
    "csrf_exempt": ["@csrf_exempt\ndef view(request): ...", "view = csrf_exempt(view)"],
    "login_not_required": [
        "@login_not_required\ndef view(request): ...",
        "@method_decorator(login_not_required)\ndef view(request): ...",
    ],
    "application past visible_to": [
        "Application.objects.get(uuid=key)",
        "get_object_or_404(Application, uuid=key)",
        "models.Application.objects.filter(pk=1)",
    ],
    "all fields": ['class Meta:\n    fields = "__all__"', 'modelform_factory(M, fields="__all__")'],
    "calls other machines": [
        "import requests",
        "from urllib.request import urlopen",
        "from urllib import request",
        "import httpx",
    ],
    "file or program named by what was sent": [
        'open(request.GET["datei"])',
        'FileResponse(Path("/srv") / request.POST["name"]).open()',
        'subprocess.run(["qpdf", request.FILES_NAME, request.GET.get("art")])',
        "render_to_string(request.GET['vorlage'])",
    ],
    "redirect to what was sent": [
        'redirect(request.GET["next"])',
        'HttpResponseRedirect(request.POST.get("weiter", "/"))',
        "redirect(self.request.headers.get('referer'))",
    ],
}
"""Each rule and faults it must catch."""

HARMLESS = """
cursor.execute("SELECT 1", [name])
cursor.execute(NEXT_NUMBER, [year])
format_html("<b>{}</b>", text)
subprocess.run([program], shell=False)
redirect("account")
redirect(request.path)
application.information_requests.filter(pk=1)
visible_to(user).get(uuid=key)
class Meta:
    fields = ("title",)
"""

OPEN = "login_not_required"
ALLOWED = {
    # Sums of all that was filed.
    ("applications/admin/figures.py", "application past visible_to"): 1,
    # The very case that was found already, once more with what is counted of it.
    ("applications/admin/standing/__init__.py", "application past visible_to"): 1,
    ("applications/services/parts.py", "sql put together"): 1,  # our own tables and columns
    # Triggers: names of our own tables, and nothing anybody types.
    ("applications/models/triggers.py", "sql put together"): 7,
    ("kiv_portal/management/public_version.py", "sql put together"): 4,
    ("municipalities/services/register/apply.py", "sql put together"): 1,  # our own column names
    ("kiv_portal/services/backup.py", "sql put together"): 1,  # which files our own tables name
    # Texts that were escaped piece by piece: tags of our own, the map's links, JSON for searchers.
    ("kiv_portal/templatetags/kern.py", "html without escaping"): 2,
    ("kiv_portal/widgets.py", "html without escaping"): 1,
    ("projects/views/hesse.py", "html without escaping"): 1,
    ("applications/forms/desk_calls.py", "all fields"): 1,  # the admin names them
    ("municipalities/admin/memberships.py", "redirect to what was sent"): 1,  # to itself, /admin/…
    # The Förder-Check changes nothing: whoever posts learns 405, not „cookie missing".
    ("applications/views/check.py", "csrf_exempt"): 3,
    # Open without a sign-in, by name.
    ("applications/views/notices.py", OPEN): 3,
    ("applications/views/publication.py", OPEN): 1,
    ("applications/views/sheets.py", OPEN): 1,
    ("applications/views/team.py", OPEN): 1,  # a helper's invitation, which makes the account
    ("kiv_portal/desk.py", OPEN): 1,
    ("kiv_portal/public.py", OPEN): 1,
    ("kiv_portal/views/downloads.py", OPEN): 1,
    ("kiv_portal/views/feedback.py", OPEN): 1,
    ("kiv_portal/views/health.py", OPEN): 3,
    ("municipalities/adapters/oidc.py", OPEN): 2,
    ("municipalities/views/account.py", OPEN): 1,
    ("municipalities/views/confirmation.py", OPEN): 1,
    ("projects/views/project.py", OPEN): 1,
    ("projects/views/renewal.py", OPEN): 1,
}
"""Where a rule may be broken, and how often."""


def test_each_rule_for_dangerous_calls_catches_its_planted_faults() -> None:
    for rule, faults in PLANTED.items():
        for fault in faults:
            assert dangers(fault) == [rule], fault
    assert dangers(HARMLESS) == []
    for fault in ("{{ text|safe }}", "{{ text | safeseq }}", "{% autoescape off %}"):
        assert template_dangers(fault) == ["html without escaping"]


def test_each_call_on_ruffs_list_is_caught_where_it_is_planted() -> None:
    """The list is our own (`banned-api` in pyproject.toml); that nothing breaks it is a check."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    banned = set(project["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])
    assert len(banned) > 10
    planted = "".join(
        f"from {module} import {name}\n" if module else f"import {name}\n"
        for module, _, name in (one.rpartition(".") for one in sorted(banned))
    )
    ruff = [Path(sys.executable).with_name("ruff"), "check", "--no-cache", "--select=TID251"]
    done = subprocess.run(
        [*ruff, "--output-format=json", "--stdin-filename=projects/planted.py", "-"],
        input=planted,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    caught = [found["message"].split("`")[1] for found in json.loads(done.stdout)]
    assert sorted(caught) == sorted(banned)


def test_no_dangerous_call_stands_where_it_may_not() -> None:
    root = Path(settings.BASE_DIR)
    found: dict[tuple[str, str], int] = {}
    for app in ("kiv_portal", "municipalities", "projects", "applications"):
        for path in sorted((root / app).rglob("*.py")):
            if {"migrations", "bench"} & set(path.parts):
                continue
            name = path.relative_to(root).as_posix()
            is_edge = bool({"views", "admin", "forms", "resources"} & set(path.parts))
            for rule in dangers(path.read_text(encoding="utf-8"), is_edge=is_edge):
                found[name, rule] = found.get((name, rule), 0) + 1
    assert found == ALLOWED
    pages = [
        path.relative_to(root).as_posix()
        for path in (root / "templates").rglob("*.html")
        if template_dangers(path.read_text(encoding="utf-8"))
    ]
    assert pages == []
