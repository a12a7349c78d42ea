"""OpenID Connect: off without an issuer; with one, what a small provider of our own can do.

The setting decides which apps, tables and addresses there are, so its tests run in a process of
their own (`oidc_run.py`), on SQLite whatever the others use.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse

RUN = Path(__file__).with_name("oidc_run.py")


@pytest.mark.django_db
def test_without_an_issuer_nothing_of_it_is_there() -> None:
    assert not apps.is_installed("allauth.socialaccount")
    assert b"/konto/organisation" not in Client().get("/konto/anmelden/").content
    for name, arguments in (("identity_disconnect", []), ("openid_connect_login", ["x"])):
        with pytest.raises(NoReverseMatch):
            reverse(name, args=arguments)
    assert Client().post("/konto/organisation/organisation/").status_code == 404


def test_with_an_issuer_it_opens_what_its_owner_has_connected_and_nothing_else(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "static").mkdir()
    given = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(RUN)],
        cwd=settings.BASE_DIR,
        env=given
        | {
            "OIDC_ISSUER": f"http://127.0.0.1:{port}",
            "OIDC_CLIENT_ID": "kiv",
            "OIDC_CLIENT_SECRET": "geheim",
            "OIDC_NAME": "Testkonto",
            "PORTAL_TEST_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
