"""The pictures of the help page: taken of the pages as they are.

`./portal pictures` takes them anew and puts them into `static/img/hilfe/`; as a test they are
taken as well, to see that it can be done, and go to a folder that is thrown away.
"""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, expect

from applications import services
from applications.models import Application, FundingCall
from applications.rules import Step
from municipalities.models import User
from tests import world
from tests.factories import PASSWORD
from tests.kiv_portal.test_help import HEIGHT, HELP_PICTURES, MOST_BYTES, WIDTH

pytestmark = pytest.mark.django_db(transaction=True)

MARGIN: Final = 6
"""Pixels left free above what a picture begins with."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    wanted = os.environ.get("PORTAL_PICTURES")
    return Path(wanted) if wanted else tmp_path


def sign_in(page: Page, user: User) -> None:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    page.goto("/antraege/")
    page.get_by_label("E-Mail").fill(user.email)
    page.get_by_label("Passwort").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ihre Anträge")).to_be_visible()


def take(page: Page, folder: Path, name: str, address: str, start: str = "main h1") -> None:
    """Photograph a page from where it gets interesting, without head and account."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    top = page.evaluate(
        "s => document.querySelector(s).getBoundingClientRect().top + window.scrollY", start
    )
    shot = page.screenshot(
        full_page=True,
        animations="disabled",
        caret="hide",
        clip={"x": 0, "y": max(0, top - MARGIN), "width": WIDTH, "height": HEIGHT},
    )
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    assert picture.size == (WIDTH, HEIGHT), f"{address} is too short for a picture"
    for quality in (80, 70, 60, 50):
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= MOST_BYTES:
            break
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.webp").write_bytes(file.getvalue())


def test_every_step_of_the_procedure_has_its_picture(page: Page, folder: Path) -> None:
    at = timezone.now()
    w = world.build(at=at)
    FundingCall.objects.update(title="Beispiel")
    page.set_viewport_size({"width": WIDTH, "height": 1400})
    take(page, folder, "foerder-check", f"/foerder-check/?kommune={w.town.ags}")

    sign_in(page, w.signatory)
    application = world.draft(w, at, w.signatory)
    content = world.content(w.town)
    for expense in content[Step.FINANZIERUNG]["expenses"]:
        expense["text"] = "Prozessmoderation"
    for step, data in content.items():
        if step not in {Step.ANLAGEN, Step.ERKLAERUNGEN}:
            world.save(application, step, data, w.signatory, at)
    base = f"/antraege/{application.uuid}/"
    take(page, folder, "entwurf", base)
    take(page, folder, "finanzierung", f"{base}finanzierung/")
    take(page, folder, "pruefen", f"{base}pruefen/")

    for step, data in content.items():
        world.save(application, step, data, w.signatory, at)
    filed = world.file(application, w.signatory, at)
    take(page, folder, "eingereicht", base)

    ask(filed, w)
    take(page, folder, "nachreichen", f"{base}nachreichen/")
    taken = {path.stem for path in folder.glob("*.webp")}
    assert taken >= set(HELP_PICTURES)
    for name in HELP_PICTURES:
        assert (folder / f"{name}.webp").stat().st_size <= MOST_BYTES


def ask(application: Application, w: world.World) -> None:
    """The authority asks for something, as in a case where the concept is short."""
    at = timezone.now()
    services.begin_check(application=application, by=w.reviewer, at=at)
    application.refresh_from_db()
    services.set_file_number(application=application, file_number="II 25 – 1", by=w.reviewer, at=at)
    application.refresh_from_db()
    services.request_information(
        application=application,
        items=[(Step.KONZEPTION, "Bitte beschreiben Sie die Ausgangslage genauer.")],
        due_on=timezone.localdate(at) + timedelta(days=30),
        by=w.reviewer,
        at=at,
    )
