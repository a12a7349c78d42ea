"""Put KERN's style sheet and slim web fonts where `collectstatic` finds them."""

import io
import logging
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from fontTools.subset import Options, Subsetter, parse_unicodes
from fontTools.ttLib import TTFont

# Latin as Germany's registers use it (also names from other countries), quotes, dashes, €,
# arrows and the minus sign. KERN's own files hold 2.600 glyphs and weigh 130 KB each.
CHARACTERS: Final = (
    "U+0020-007E,U+00A0-017E,U+0218-021B,U+1E9E,U+2012-2015,U+2018-201A,U+201C-201E,"
    "U+2020-2022,U+2026,U+2030,U+2039,U+203A,U+20AC,U+2190-2193,U+2212,U+2248,U+2264,U+2265"
)
FAMILY: Final = "KIV Sans"
FACES: Final = {"Regular": 400, "SemiBold": 600}


class Command(BaseCommand):
    help = "Writes KERN's style sheet and the web fonts to var/assets (before collectstatic)."

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = settings.KERN_DIST
        if not source.is_dir():
            raise CommandError(f"{source} is missing: run „npm ci --ignore-scripts“ first.")
        written = [
            self._write("kern/kern.min.css", (source / "kern.min.css").read_bytes()),
            *(
                self._write(
                    f"fonts/kiv-sans-{weight}.woff2",
                    slim_font(source / "fonts" / "fira-sans" / f"FiraSans-{face}.woff2", face),
                )
                for face, weight in FACES.items()
            ),
        ]
        self.stdout.write(f"{sum(written)} of {len(written)} assets renewed.")

    def _write(self, name: str, content: bytes) -> bool:
        """Write the file only when it differs, so that nothing downstream is done again."""
        file: Path = settings.ASSETS_DIR / name
        if file.is_file() and file.read_bytes() == content:
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return True


def slim_font(file: Path, face: str) -> bytes:
    """The same letters, fewer of them, under another name.

    Fira Sans is under the SIL Open Font License with the reserved name „Fira": a changed
    version must be called something else. Copyright and licence stay in the file, the
    licence's text is delivered beside it (static/fonts/OFL.txt).
    """
    font = TTFont(io.BytesIO(file.read_bytes()), recalcTimestamp=False)
    options = Options()
    options.hinting = False
    options.layout_features = ["ccmp", "kern", "liga", "locl", "mark", "mkmk", "tnum"]
    options.name_IDs = [0, 5, 13, 14]
    options.notdef_outline = True
    options.recalc_timestamp = False
    options.drop_tables += ["GlyphOrder"]
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells every glyph otherwise
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=parse_unicodes(CHARACTERS))
    subsetter.subset(font)
    for name_id, text in (
        (1, f"{FAMILY} {face}"),
        (2, "Regular"),
        (3, f"{FAMILY} {face}"),
        (4, f"{FAMILY} {face}"),
        (6, f"{FAMILY}-{face}".replace(" ", "")),
    ):
        font["name"].setName(text, name_id, 3, 1, 0x409)
    font["OS/2"].fsSelection &= 0x7F  # bits that this version of the table does not have
    font.flavor = "woff2"
    target = io.BytesIO()
    font.save(target)
    return target.getvalue()
