"""The only door to WeasyPrint: letters and applications as tagged PDF/A-3b.

    render(template, context, title=…, created_at=…, attachments=…, draft=…) -> bytes
    check_structure(pdf) -> the problems found, none for what `render` returns

WeasyPrint lays out the pages and tags them; pikepdf then mends what a screen reader would
stumble over (`structure.mend`). A file claims only what was tested: PDF/UA if `check_structure` has
nothing to say, PDF/A if pikepdf's validator approves. Neither replaces a certified checker.

WeasyPrint is imported at the first rendering (it takes seconds). It is not safe for threads
that share fonts, yet sharing them halves the time: one lock, one font configuration, one
compiled style sheet for each process.
"""

import atexit
import gc
import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

import pikepdf
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from django.utils import timezone, translation
from pikepdf import Name, Pdf, pdfa

from kiv_portal.pdf import structure

if TYPE_CHECKING:
    from weasyprint.urls import URLFetcher

logger = logging.getLogger(__name__)

LANGUAGE: Final = "de-DE"
STYLE_SHEET: Final = "pdf/print.css"
FONTS: Final = ("Regular", "Italic", "Medium", "SemiBold")

Relationship = Literal["Source", "Data", "Alternative", "Supplement", "Unspecified"]

_lock = threading.RLock()


class ForeignAssetError(Exception):
    """Something outside the portal's own style sheet and fonts was to be loaded."""


@dataclass(frozen=True)
class Attachment:
    """A file carried inside the PDF, for instance the application's data as JSON."""

    name: str
    data: bytes
    mime: str
    description: str
    relationship: Relationship = "Unspecified"

    def __post_init__(self) -> None:
        if not self.name or re.search(r"[/\\\x00-\x1f\x7f]", self.name):
            raise ValueError(f"Not a plain file name: {self.name!r}")
        if not re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", self.mime):
            raise ValueError(f"Not a MIME type: {self.mime!r}")
        if self.relationship not in get_args(Relationship):
            raise ValueError(f"Not an AFRelationship: {self.relationship!r}")


def render(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    attachments: Sequence[Attachment] = (),
    draft: bool = False,
    created_at: datetime,
) -> bytes:
    """`template` (which extends `pdf/base.html`) as PDF; the same input gives the same bytes."""
    if timezone.is_naive(created_at):
        raise ValueError("created_at needs a time zone")
    if len({a.name for a in attachments}) != len(attachments):
        raise ValueError("Two attachments bear the same name")
    title = " ".join(_printable(title).split())
    with translation.override("de"):
        html = render_to_string(template, {**context, "title": title, "draft": draft})
    with _without_collector():
        with _lock:
            raw = _typeset(html, title, timezone.localtime(created_at))
        return _finish(raw, attachments, timezone.localtime(created_at))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Python's search for cycles waits: it would go through a hundred thousand boxes, all in use.

    A quarter of the time. What is left over is found by the first search after it.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def check_structure(pdf: bytes) -> list[str]:
    """What keeps the file from being read aloud in order; German sentences, none is good."""
    with Pdf.open(BytesIO(pdf)) as opened:
        return structure.problems(opened)


# --- Laying out: WeasyPrint ------------------------------------------------------------------


class _Press(NamedTuple):
    fetcher_class: "type[URLFetcher]"
    fonts: Any
    style: Any
    srgb: bytes


@lru_cache(maxsize=1)
def _press() -> _Press:
    """Fonts and style sheet, once per process; called under the lock."""
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    _require_fonts()
    for chatty in ("weasyprint.progress", "fontTools"):  # every step of every page
        logging.getLogger(chatty).setLevel(logging.WARNING)
    atexit.register(_press.cache_clear)  # removes the unpacked fonts while Python still can
    fetcher_class = fetcher()
    loader, fonts = fetcher_class(), FontConfiguration()
    sheet = _asset(f"asset:{STYLE_SHEET}").read_text(encoding="utf-8")
    style = CSS(string=sheet, font_config=fonts, url_fetcher=loader)
    srgb = (files("weasyprint.pdf") / "sRGB2014.icc").read_bytes()
    return _Press(fetcher_class, fonts, style, srgb)


def _typeset(html: str, title: str, created_at: datetime, loader: Any = None) -> bytes:
    from weasyprint import HTML
    from weasyprint.css import ColorProfile

    press = _press()
    source = HTML(string=_printable(html), url_fetcher=loader or press.fetcher_class())
    for element in source.etree_element.iter():
        if element.tag != "style":
            element.text, element.tail = _breakable(element.text), _breakable(element.tail)
    # Left to itself, WeasyPrint opens this file for every document and never closes it. A
    # profile is used once: it grows each time it is written.
    profile = BytesIO(press.srgb)
    colours = ColorProfile(profile, "sRGB2014.icc", "relative-colorimetric", ("r", "g", "b"))
    document = source.render(
        font_config=press.fonts,
        stylesheets=[press.style],
        color_profiles={"srgb": colours},
        output_intent="srgb",
    )
    document.metadata.title = title
    document.metadata.lang = LANGUAGE
    document.metadata.created = document.metadata.modified = created_at.isoformat("T", "seconds")
    pdf: bytes = document.write_pdf(
        pdf_variant="pdf/a-3b", pdf_tags=True, output_intent="of the document"
    )
    return pdf


@lru_cache(maxsize=1)
def fetcher() -> "type[URLFetcher]":
    """A URL fetcher that knows the portal's own files and nothing else.

    Made at the first call, because its base class comes with WeasyPrint.
    """
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class AssetFetcher(URLFetcher):
        """Neither network nor file system: `asset:` addresses only, see `_asset`."""

        def __init__(self) -> None:
            super().__init__(allowed_protocols=("asset",), allow_redirects=False)
            self.fetched: list[str] = []
            self.refused: list[str] = []

        def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
            try:
                data = _asset(url).read_bytes()
            except ForeignAssetError:
                self.refused.append(url)
                logger.warning("A PDF template asked for %.200r; refused", url)
                raise
            self.fetched.append(url)
            kind = "text/css" if url.endswith(".css") else "font/woff2"
            return URLFetcherResponse(url, data, {"Content-Type": kind})

    return AssetFetcher


def _asset(url: str) -> Path:
    """`asset:fira-sans/….woff2` from KERN's files, `asset:pdf/….css` from our own static files."""
    match = re.fullmatch(r"asset:(fira-sans|pdf)/([A-Za-z-]+\.(?:woff2|css))", url)
    if match is None:
        raise ForeignAssetError(url)
    room, name = match.groups()
    places = [Path(settings.STATIC_ROOT) / room]
    if room == "fira-sans":
        places = [base / "fonts" / room for base in (settings.KERN_DIST, places[0].parent / "kern")]
    # The project's own file first: what was collected may be older.
    found = Path(finders.find(f"{room}/{name}") or "")
    if not found.is_file():
        found = next((place / name for place in places if (place / name).is_file()), found)
    if not found.is_file():
        raise ForeignAssetError(url)
    return found


def _require_fonts() -> None:
    """WeasyPrint would quietly set the text in whatever the machine has."""
    for weight in FONTS:
        try:
            _asset(f"asset:fira-sans/FiraSans-{weight}.woff2")
        except ForeignAssetError:
            raise ImproperlyConfigured(
                f"Die Schrift FiraSans-{weight}.woff2 fehlt unter {settings.KERN_DIST}. Sie kommt "
                "mit KERN: »npm ci« ausführen. Ohne sie entstehen keine PDF-Dokumente."
            ) from None


def _printable(text: str) -> str:
    """Without what no font draws and no XML holds: controls, lone surrogates, noncharacters."""
    return re.sub(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", text)


def _breakable(text: str | None) -> str | None:
    """With places to break in what no language has as a word: a code, a key, a long address.

    WeasyPrint seeks the end of each line in all that is left of the word: with 20.000 characters
    for minutes, in which nobody's letter is written. Accents stay with their letters.
    """
    return text and _ENDLESS.sub(lambda run: _PIECE.sub("\\g<0>\u200b", run[0]), text)


_ENDLESS: Final = re.compile(r"[^ \t\n\r\f\u200b]{100,}")
_PIECE: Final = re.compile(r".{50}(?![\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\u200d\ufe00-\ufe0f])")


# --- Finishing: pikepdf ------------------------------------------------------------------------


def _finish(raw: bytes, attachments: Sequence[Attachment], created_at: datetime) -> bytes:
    with Pdf.open(BytesIO(raw)) as pdf:
        structure.mend(pdf)
        _attach(pdf, attachments, created_at)
        options = pdfa.resolve_save_kwargs("3b", deterministic_id=True)
        # The validator does not know the UA identifier's extension schema: it goes first.
        report = pdfa.check(pdf, "3b", deterministic_id=True)
        problems = structure.problems(pdf)
        if not report.passed:
            logger.warning("PDF without PDF/A identifier: %s", report.summary(limit=5))
        if problems:
            logger.warning("PDF without PDF/UA identifier: %s", "; ".join(problems[:5]))
        _declare(pdf, archive=report.passed, accessible=not problems)
        out = BytesIO()
        pdf.save(out, **options)
        return out.getvalue()


def _attach(pdf: Pdf, attachments: Sequence[Attachment], created_at: datetime) -> None:
    stamp = pikepdf.models.metadata.encode_pdf_date(created_at)
    for attachment in attachments:
        spec = pikepdf.AttachedFileSpec(
            pdf,
            attachment.data,
            description=attachment.description,
            filename=attachment.name,
            mime_type=attachment.mime,
            creation_date=stamp,
            mod_date=stamp,
        )
        spec.obj.AFRelationship = Name(f"/{attachment.relationship}")
        pdf.attachments[attachment.name] = spec


_UA_IDENTIFIER: Final = b"""
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag>
<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>
<rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>PDF/UA version identifier</pdfaProperty:description></rdf:li>
</rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
"""


def _declare(pdf: Pdf, *, archive: bool, accessible: bool) -> None:
    """The identifiers in the metadata: only what was tested."""
    xmp = pdf.Root.Metadata.read_bytes()
    if accessible:
        xmp = xmp.replace(b"</rdf:RDF>", _UA_IDENTIFIER + b"</rdf:RDF>")
    if not archive:
        xmp = re.sub(rb' pdfaid:(?:part|conformance)="[^"]*"', b"", xmp)
    pdf.Root.Metadata.write(xmp)
    pdf.Root.Metadata.Type, pdf.Root.Metadata.Subtype = Name.Metadata, Name.XML
