"""What every page may know without asking who is looking at it."""

import tomllib
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest

from kiv_portal.structured import PAGES, graph, web_page

NAVIGATION: Final = (
    ("/foerder-check/", "Förder-Check"),
    ("/projekte/", "Projekte"),
    ("/antraege/", "Anträge"),
    ("/hilfe/", "Hilfe"),
)


@cache
def release() -> str:
    """The version this installation runs, as `pyproject.toml` states it."""
    text = (settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def _is_public(request: HttpRequest) -> bool:
    """Whether the address is one of the pages for everybody, and not an error or private."""
    match = request.resolver_match
    return match is not None and not getattr(match.func, "login_required", True)


def _structured(request: HttpRequest) -> dict[str, Any] | None:
    """The page for search engines, where it is one that stands for itself."""
    match = request.resolver_match
    name = match.url_name if match else None
    return graph(web_page(name)) if name in PAGES else None


def portal(request: HttpRequest) -> dict[str, Any]:
    """`portal` in templates. It never touches the user, the session or the database."""
    return {
        "portal": {
            "demo": settings.PORTAL_DEMO,
            "organisation": settings.OIDC_NAME,
            "address": settings.PORTAL_ADDRESS,
            "release": release(),
            "canonical": request.path if _is_public(request) else "",
            "structured": _structured(request),
            "navigation": [
                {
                    "href": href,
                    "label": label,
                    "current": ""
                    if not request.path.startswith(href)
                    else ("page" if request.path == href else "true"),
                }
                for href, label in NAVIGATION
            ],
        }
    }
