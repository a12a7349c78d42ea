"""Pages of plain text: help, contact, legal pages, explanations for everybody."""

from datetime import date
from typing import Any, Final

import phonenumbers
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kiv_portal.models import Authority
from kiv_portal.public import public_page
from kiv_portal.services import datamap

ASSESSED_ON: Final = date(2026, 11, 25)
"""Day of the self-assessment that the declaration on accessibility reports."""


def explained() -> dict[str, Any]:
    """What the declaration and its explanations have to say alike."""
    return {"authority": Authority.load(), "assessed_on": ASSESSED_ON}


def dial(number: str) -> str:
    """A telephone number as a `tel:` link needs it; empty where it cannot be told."""
    try:
        parsed = phonenumbers.parse(number, "DE")
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@public_page()
def help_page(request: HttpRequest) -> HttpResponse:
    """The online procedure, step by step, and the words it uses."""
    return render(request, "kiv_portal/help.html")


@public_page()
def contact(request: HttpRequest) -> HttpResponse:
    """Who helps when the online way does not work, by telephone, e-mail or post."""
    authority = Authority.load()
    context = {"authority": authority, "dial": dial(authority.help_phone) if authority else ""}
    return render(request, "kiv_portal/contact.html", context)


@public_page()
def imprint(request: HttpRequest) -> HttpResponse:
    """Impressum (§ 5 DDG)."""
    return render(request, "kiv_portal/imprint.html", {"authority": Authority.load()})


@public_page()
def privacy(request: HttpRequest) -> HttpResponse:
    """Datenschutzhinweise (Art. 13 DSGVO)."""
    authority = Authority.load()
    context = {
        "authority": authority,
        "processings": datamap.notice(approved=bool(authority and authority.privacy_approved_on)),
        "backup_days": settings.BACKUP_DAYS,
    }
    return render(request, "kiv_portal/privacy.html", context)


@public_page()
def accessibility(request: HttpRequest) -> HttpResponse:
    """Erklärung zur Barrierefreiheit (§ 14 HessBGG)."""
    return render(request, "kiv_portal/accessibility.html", explained())


@public_page()
def easy_language(request: HttpRequest) -> HttpResponse:
    """Erläuterungen in Leichter Sprache (HVBIT)."""
    return render(request, "kiv_portal/easy_language.html", explained())


@public_page()
def sign_language(request: HttpRequest) -> HttpResponse:
    """Erläuterungen in Deutscher Gebärdensprache: the film's place, and what it will say."""
    return render(request, "kiv_portal/sign_language.html", explained())
