"""What search engines read in every page for everybody: its name and place, as schema.org has it.

No Django view is needed for it: the context processor asks for it by the name of the address, and
`components/meta.html` writes it into each page that has nothing richer to tell.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse

PAGES: Final = {
    # name of the address: (what the page is called, the page above it)
    "check": ("Förder-Check", ""),
    "programme_numbers": ("Zahlen", "projects"),
    "project_changes": ("Änderungen", "projects"),
    "projects": ("Projekte", ""),
    "data": ("Offene Daten", ""),
    "help": ("Hilfe", ""),
    "contact": ("Kontakt", ""),
    "downloads": ("Downloads", ""),
    "imprint": ("Impressum", ""),
    "privacy": ("Datenschutz", ""),
    "accessibility": ("Barrierefreiheit", ""),
    "report_barrier": ("Barriere melden", "accessibility"),
    "easy_language": ("Leichte Sprache", ""),
    "sign_language": ("Gebärdensprache", ""),
    "call_subscription": ("Nachricht zum Aufruf", ""),
}
"""The pages of one address each, in the words of their breadcrumbs."""


def absolute(path: str) -> str:
    """The address with the portal's own name in front."""
    return urljoin(settings.PORTAL_ADDRESS, path)


def graph(*entries: dict[str, Any]) -> dict[str, Any]:
    """Several things of one page."""
    return {"@context": "https://schema.org", "@graph": list(entries)}


def trail(*steps: tuple[str, str]) -> dict[str, Any]:
    """The way from the start page: names and paths, the page itself last."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": number, "name": name, "item": absolute(path)}
            for number, (name, path) in enumerate((("Startseite", "/"), *steps), start=1)
        ],
    }


def web_page(name: str) -> dict[str, Any]:
    """The page of `PAGES` at this address, with the way to it."""
    label, above = PAGES[name]
    steps = [(PAGES[above][0], reverse(above))] if above else []
    address = absolute(reverse(name))
    return {
        "@type": "WebPage",
        "@id": address,
        "url": address,
        "name": label,
        "inLanguage": "de",
        "isPartOf": {"@id": absolute("/#portal")},
        "breadcrumb": trail(*steps, (label, reverse(name))),
    }
