"""The help page's pictures are there, small, and as large as the page says."""

from pathlib import Path
from typing import Final

import lxml.html
import pytest
from django.conf import settings
from django.test import Client
from PIL import Image

pytestmark = pytest.mark.django_db

WIDTH, HEIGHT = 1000, 640
"""Pixels of every picture."""

MOST_BYTES: Final = 40 * 1024

HELP_PICTURES: Final = (
    "foerder-check",
    "entwurf",
    "finanzierung",
    "pruefen",
    "eingereicht",
    "nachreichen",
)
"""In the order of the steps; `./portal pictures` takes them."""


def test_every_picture_the_help_names_exists_and_is_small(client: Client) -> None:
    page = lxml.html.document_fromstring(client.get("/hilfe/").content.decode())
    pictures = page.xpath("//main//img")
    assert [picture.get("src") for picture in pictures] == [
        f"/static/img/hilfe/{name}.webp" for name in HELP_PICTURES
    ]
    for picture, name in zip(pictures, HELP_PICTURES, strict=True):
        file = Path(settings.BASE_DIR) / "static" / "img" / "hilfe" / f"{name}.webp"
        assert file.stat().st_size <= MOST_BYTES, name
        with Image.open(file) as image:
            assert (image.format, image.size) == ("WEBP", (WIDTH, HEIGHT)), name
        assert (picture.get("width"), picture.get("height")) == (str(WIDTH), str(HEIGHT)), name
        assert picture.get("loading") == "lazy"
        assert len(picture.get("alt")) > 40, name


def test_no_picture_lies_there_that_nobody_shows() -> None:
    folder = Path(settings.BASE_DIR) / "static" / "img" / "hilfe"
    assert {path.name for path in folder.iterdir()} == {f"{name}.webp" for name in HELP_PICTURES}
