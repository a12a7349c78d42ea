"""Form sheets to print: the blank form for everybody, sheets to sign for an application."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from applications import documents
from applications.forms.blank import blank_form as blank_form_values
from applications.models import FormSheet, FundingCall, SheetKind
from applications.rules import CallTerms
from applications.services import sheets
from applications.services.cooperation import StatementIncomplete
from applications.views import case
from applications.views.files import SECONDS, not_yet
from kiv_portal import files

if TYPE_CHECKING:
    from datetime import datetime


def blank_sheet(at: datetime) -> FormSheet:
    """The blank form, with the limits of the call that closes next, if one is open."""
    call = FundingCall.objects.open_at(at).first()
    values = blank_form_values(
        call.terms() if call else CallTerms(),
        call.title if call else "",
        settings.UPLOAD_MAX_BYTES // documents.MEGABYTE,
    )
    return sheets.ask(kind=SheetKind.BLANK_FORM, values=values, at=at)


@login_not_required
@require_safe
def blank_form(request: HttpRequest) -> HttpResponseBase:
    """All questions and documents before anybody has an account; 202 until the worker made it."""
    sheet = blank_sheet(case.arrived(request))
    if not sheet.file:
        response = render(
            request,
            "applications/form_waiting.html",
            {"seconds": SECONDS},
            status=HTTPStatus.ACCEPTED,
        )
        response["Refresh"] = str(SECONDS)
        response["Cache-Control"] = "no-store"
        return response
    found = files.answer(
        sheet.file, "Antragsformular zum Ansehen.pdf", "application/pdf", show=True
    )
    found["Cache-Control"] = "public, max-age=600"
    return found


@require_safe
def cooperation(request: HttpRequest, key: uuid.UUID, ags: str) -> HttpResponseBase:
    """The Kooperationserklärung of a partner, filled in, to sign and upload.

    409 with what is lacking while it does not say project and share.
    """
    application = case.find(request, key)
    partner = next(
        (row.municipality for row in application.partners if row.municipality.ags == ags), None
    )
    if partner is None:
        raise Http404
    try:
        sheet = sheets.cooperation_sheet(
            application=application, partner=partner, at=case.arrived(request)
        )
    except StatementIncomplete as error:
        lacking = case.where_it_lacks(application, error.lacking)
        context = {"application": application, "partner": partner, "lacking": lacking}
        return render(
            request, "applications/cooperation_lacks.html", context, status=HTTPStatus.CONFLICT
        )
    if not sheet.file:
        return not_yet(request, application, "Die Kooperationserklärung")
    name = f"Kooperationserklärung {partner.short_name}.pdf"
    return files.answer(sheet.file, name, "application/pdf")


@require_safe
def signature(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """The Unterschriftsblatt, filled in, to sign and upload."""
    application = case.find(request, key)
    sheet = sheets.signature_sheet(application=application, at=case.arrived(request))
    if not sheet.file:
        return not_yet(request, application, "Das Unterschriftsblatt")
    return files.answer(sheet.file, "Unterschriftsblatt.pdf", "application/pdf")
