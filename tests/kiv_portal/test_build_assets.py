"""What `manage.py build_assets` makes of KERN's files."""

import io
from pathlib import Path

import pytest
from django.conf import settings as portal_settings
from django.core.management import CommandError, call_command
from fontTools.ttLib import TTFont
from pytest_django import Settings

pytestmark = pytest.mark.skipif(
    not portal_settings.KERN_DIST.is_dir(), reason="KERN is not installed (npm ci)"
)
WOFF2_KILOBYTES = 20


def build(folder: Path, settings: Settings) -> str:
    settings.ASSETS_DIR = folder
    said = io.StringIO()
    call_command("build_assets", stdout=said)
    return said.getvalue()


def test_the_sheet_is_kerns_own_and_the_fonts_are_slim(tmp_path: Path, settings: Settings) -> None:
    assert build(tmp_path, settings) == "3 of 3 assets renewed.\n"
    sheet = tmp_path / "kern" / "kern.min.css"
    assert sheet.read_bytes() == (settings.KERN_DIST / "kern.min.css").read_bytes()
    for weight in (400, 600):
        file = tmp_path / "fonts" / f"kiv-sans-{weight}.woff2"
        assert file.stat().st_size < WOFF2_KILOBYTES * 1024
        font = TTFont(io.BytesIO(file.read_bytes()))
        names = {str(record) for record in font["name"].names if record.nameID in (1, 3, 4, 6)}
        assert not any("Fira" in name for name in names)  # the licence reserves the name
        assert any("Mozilla" in str(record) for record in font["name"].names)
        letters = font.getBestCmap()
        assert all(ord(letter) in letters for letter in "AZaz09ÄÖÜäöüßẞ€„“–…çğışŁžŞ×−→")


def test_it_writes_nothing_twice(tmp_path: Path, settings: Settings) -> None:
    build(tmp_path, settings)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.*")}
    assert build(tmp_path, settings) == "0 of 3 assets renewed.\n"
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.*")}


def test_it_says_what_is_missing(tmp_path: Path, settings: Settings) -> None:
    settings.KERN_DIST = tmp_path / "nowhere"
    with pytest.raises(CommandError, match="npm ci"):
        build(tmp_path, settings)
