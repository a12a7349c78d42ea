"""The step in which documents are uploaded and taken out."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from applications import documents, rules, services
from applications.forms.filing import DocumentForm
from applications.rules import DocumentKind
from applications.services.uploads import MAX_DOCUMENTS
from applications.views import case

if TYPE_CHECKING:
    pass

from applications.views.steps.page import Page, files_of


def documents_step(page: Page) -> HttpResponse:
    if page.request.method == "POST" and "entfernen" in page.request.POST:
        return _remove_document(page)
    names = [*case.names_of(page.application).items()]
    limit = settings.UPLOAD_MAX_BYTES // documents.MEGABYTE
    form = DocumentForm(
        page.request.POST if page.request.method == "POST" else None,
        page.request.FILES if page.request.method == "POST" else None,
        partners=names[1:],
        hint=f"Eine Datei, höchstens {limit} MB. Möglich sind: {documents.ALLOWED}.",
    )
    if page.request.method == "POST" and form.is_valid() and _add_document(page, form):
        return redirect(page.href)
    files = files_of(page.application)
    asked = page.request.GET.get("entfernen", "")
    return page.render(
        "applications/step_anlagen.html",
        page.context(
            rules.check(page.filing(), page.application.call.terms()),
            form=form,
            files=files,
            leaving=next((row for row in files if str(row["document"].pk) == asked), None),
            required=[
                DocumentKind(kind).label for kind in page.application.call.required_documents
            ],
            several=len(names) > 1,
            full=len(files) >= MAX_DOCUMENTS,
        ),
    )


def _add_document(page: Page, form: DocumentForm) -> bool:
    """Keep the document; False where the form has to say why not."""
    kind = DocumentKind(form.cleaned_data["art"])
    whose = form.cleaned_data.get("kommune") if kind is DocumentKind.COOPERATION else ""
    town = next(
        (
            row.municipality
            for row in page.application.members.all()
            if row.municipality.ags == whose
        ),
        None,
    )
    try:
        added = services.add_document(
            application=page.application,
            upload=form.cleaned_data["datei"],
            kind=kind,
            municipality=town,
            by=page.user,
            at=page.at,
        )
    except documents.UploadRefused as error:
        form.add_error("datei", str(error))
        return False
    except services.TooManyDocuments:
        form.add_error("datei", "Mehr Anlagen sind nicht möglich. Bitte entfernen Sie zuerst eine.")
        return False
    except services.NotEditable:
        messages.error(page.request, "Der Antrag wurde inzwischen eingereicht oder abgesendet.")
        return True
    except services.NotAllowed as error:
        raise PermissionDenied from error
    messages.success(page.request, f"„{added.name}“ ist hochgeladen.")
    return True


def _remove_document(page: Page) -> HttpResponse:
    try:
        wanted = uuid.UUID(page.request.POST["entfernen"])
    except ValueError as error:
        raise Http404 from error
    document = page.application.documents.filter(pk=wanted).first()
    if document is None:
        raise Http404
    try:
        services.remove_document(
            application=page.application, document=document, by=page.user, at=page.at
        )
    except services.NotEditable:
        messages.error(page.request, "Der Antrag wurde inzwischen eingereicht oder abgesendet.")
        return redirect(page.application)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    messages.success(page.request, f"„{document.name}“ ist entfernt.")
    return redirect(page.href)
