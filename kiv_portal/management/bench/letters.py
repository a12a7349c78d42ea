"""The PDF of a full application against what bare WeasyPrint needs for the same HTML."""

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pikepdf
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone

from applications import documents
from applications.services import snapshots
from kiv_portal import pdf
from kiv_portal.management.bench import Result, full, median

if TYPE_CHECKING:
    from kiv_portal.management.bench import Bench

GOAL: Final = 1.3


def measure(bench: Bench) -> list[Result]:
    """Both in turns with warm fonts and the style sheet read once, the same variant and tags."""
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    filed = full.application(
        timezone.now(),
        longest=bench.number(full.TEXT, 500),
        rows=bench.number(full.ROWS, 3),
    )
    snapshot = filed.first_snapshot
    assert snapshot is not None
    content = snapshots.read(snapshot)
    html = render_to_string(
        "pdf/application.html",
        {
            "snapshot": documents.presentation(content, sha256=snapshot.sha256),
            "title": f"Antrag {content['reference']}",
            "draft": False,
        },
    )
    loader, fonts = pdf.fetcher()(), FontConfiguration()
    sheet = Path(finders.find(pdf.STYLE_SHEET) or "").read_text(encoding="utf-8")
    style = CSS(string=sheet, font_config=fonts, url_fetcher=loader)
    ours, theirs = [], []
    for number in range(bench.number(3, 1) + 1):
        start = time.perf_counter()
        made = documents.render_application(snapshot, content)
        between = time.perf_counter()
        HTML(string=html, url_fetcher=pdf.fetcher()()).write_pdf(
            stylesheets=[style], font_config=fonts, pdf_variant="pdf/a-3b", pdf_tags=True
        )
        end = time.perf_counter()
        if number:  # the first one reads the fonts
            ours.append(between - start)
            theirs.append(end - between)
            bench.say(f"round {number}: {ours[-1]:.2f} s against {theirs[-1]:.2f} s")
    with pikepdf.open(BytesIO(made)) as opened:
        pages = len(opened.pages)
    return [
        Result(
            "PDF of a full application against bare WeasyPrint",
            median([a / b for a, b in zip(ours, theirs, strict=True)]),
            "×",
            GOAL,
            detail=(
                f"{median(ours):.2f} s against {median(theirs):.2f} s, "
                f"{pages} pages, {len(made) / 1000:.0f} KB"
            ),
        )
    ]
