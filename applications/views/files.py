"""Downloads: the application as PDF, its documents, the letters; each is saved, never shown."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from applications import documents, permissions
from applications.models import Letter
from applications.services import snapshots
from applications.services.delivery import (
    LetterNotReady,
    NotRetrievable,
    is_over,
    offered,
    open_letter,
)
from applications.views import case, overview, wording
from kiv_portal import files

if TYPE_CHECKING:
    from applications.models import Application, Document

NOT_CONFIRMED: Final = (
    "Schreiben rufen nur Personen ab, deren Zugehörigkeit zur Kommune bestätigt ist."
)

SECONDS: Final = 10
"""After how long a page that waits for a PDF looks again."""


@require_safe
def application_pdf(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """The filed version as PDF, the newest or `?fassung=N`; 202 until the worker has made it."""
    application = case.find(request, key)
    if application.is_draft:
        context = {"application": application}
        return render(request, "applications/pdf_draft.html", context, status=HTTPStatus.NOT_FOUND)
    snapshot = overview.version_asked(request, application)
    if not snapshot.pdf:
        return not_yet(request, application, "Das PDF Ihres Antrags")
    number = f", Fassung {snapshot.number}" if snapshot.number > 1 else ""
    name = f"Antrag {application.reference}{number}.pdf"
    return files.answer(snapshot.pdf, name, "application/pdf")


@require_safe
def letter(request: HttpRequest, key: uuid.UUID, letter: uuid.UUID) -> HttpResponseBase:
    """A letter to the applicant. Its first download is the retrieval, so a HEAD is none."""
    application = case.find(request, key)
    if not permissions.is_on_team(case.person(request), application):
        raise Http404  # a guest retrieving it would set a deadline running
    found = application.letters.filter(pk=letter).first()
    if found is None:
        raise Http404
    if not offered(found, case.arrived(request)):
        return _not_offered(request, application, found)
    if not permissions.may_retrieve(request.user, application):
        raise PermissionDenied(NOT_CONFIRMED)
    if request.method == "GET":
        try:
            found = open_letter(letter=found, by=case.person(request), at=case.arrived(request))
        except NotRetrievable:  # the days ended, or it came back, since this request looked
            return _not_offered(request, application, found)
        except LetterNotReady:
            return not_yet(request, application, f"Das Schreiben „{found.get_kind_display()}“")
    elif not found.file:
        return not_yet(request, application, f"Das Schreiben „{found.get_kind_display()}“")
    return files.answer(found.file, _letter_name(found), "application/pdf")


def _not_offered(request: HttpRequest, application: Application, letter: Letter) -> HttpResponse:
    """Nothing is said of a letter that was never sent; of another, why and what follows."""
    last = letter.deliveries.last()
    if last is None:
        raise Http404
    context = {
        "application": application,
        "discarded": letter.discarded_at is not None,
        "not_retrieved": is_over(last, last.failed_at or case.arrived(request)),
    }
    return render(request, "applications/letter_over.html", context, status=HTTPStatus.GONE)


def _letter_name(letter: Letter) -> str:
    return f"{letter.get_kind_display()} {letter.application.reference}.pdf"


@require_safe
def document(request: HttpRequest, key: uuid.UUID, document: uuid.UUID) -> HttpResponseBase:
    """An uploaded document, under the name it came with."""
    application = case.find(request, key)
    found = application.documents.filter(pk=document).first()
    if found is None or not (found.removed_at is None or _was_filed(application, found)):
        raise Http404
    if not found.may_be_opened:
        context = {"application": application, "document": found, "scan": wording.scan(found)}
        return render(request, "applications/file_held.html", context, status=HTTPStatus.CONFLICT)
    name = documents.download_name(found.name, found.content_type)
    return files.answer(found.file, name, found.content_type)


def _was_filed(application: Application, document: Document) -> bool:
    """Whether a filed version names the document, which then stays to be had."""
    wanted = str(document.pk)
    return any(
        row["id"] == wanted
        for snapshot in application.snapshots.all()
        for row in snapshots.read(snapshot)["documents"]
    )


def not_yet(request: HttpRequest, application: Any, what: str) -> HttpResponse:
    response = render(
        request,
        "applications/pdf_waiting.html",
        {"application": application, "what": what, "seconds": SECONDS},
        status=HTTPStatus.ACCEPTED,
    )
    response["Refresh"] = str(SECONDS)
    return response
