"""The step in which documents are uploaded, replaced and taken out."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect

from applications import documents, rules, services
from applications.forms.filing import DocumentForm, ReplacementForm
from applications.rules import DocumentKind, SignatureForm
from applications.services import unlocking
from applications.services.uploads import MAX_DOCUMENTS
from applications.views import case
from applications.views.steps import kept
from applications.views.steps.page import Page, files_of

if TYPE_CHECKING:
    from applications.models import Document

SIGNATURE_SHEETS: Final = {
    SignatureForm.SHEET: "Unterschriftsblatt, von der zeichnungsberechtigten Person unterschrieben",
    SignatureForm.QUALIFIED: (
        "Unterschriftsblatt, von der zeichnungsberechtigten Person qualifiziert elektronisch "
        "signiert"
    ),
}
"""What belongs to an application by the form of signature its call wants."""
FILED: Final = "Der Antrag wurde inzwischen eingereicht oder abgesendet."
NOT_KEPT: Final = "Ein Browser behält gewählte Dateien nicht, wenn die Seite neu geladen wird."
NOT_ASKED: Final = (
    "Danach hat das Regierungspräsidium nicht gefragt; es wurde nichts geändert. Frei ist nur, was "
    "oben genannt ist."
)
GONE: Final = "Diese Anlage wurde inzwischen entfernt oder ersetzt. Bitte prüfen Sie die Liste."


def documents_step(page: Page) -> HttpResponse:
    post = page.request.POST if page.request.method == "POST" else None
    if post is not None:
        if "eingaben_verwerfen" in post:
            kept.forget(page)
            return redirect(page.href)
        if "entfernen" in post:
            return _remove_document(page, post["entfernen"])
    limit = f"höchstens {settings.UPLOAD_MAX_BYTES // documents.MEGABYTE} MB"
    names = [*case.names_of(page.application).items()]
    replacing = _asked_for(page, post or page.request.GET, "ersetzen")
    replacement = ReplacementForm(
        post if replacing else None,
        page.request.FILES if post and replacing else None,
        hint=f"Eine Datei, {limit}. Möglich sind: {documents.ALLOWED}.",
    )
    typed = kept.found(page) if post is None else None
    form = DocumentForm(
        None if replacing else post,
        None if replacing or post is None else page.request.FILES,
        partners=names[1:],
        kinds=[kind for kind in DocumentKind if unlocking.may_add(page.targets, kind)],
        hint=f"Auch mehrere auf einmal, jede {limit}. Möglich sind: {documents.ALLOWED}.",
        initial=dict(typed.inputs) if typed else None,
    )
    if post is not None:
        answer = _replace(page, replacing, replacement) if replacing else _add(page, form)
        if answer is not None:
            return answer
    page.typed = typed
    return _documents_page(page, form, replacement, replacing)


def _documents_page(
    page: Page,
    form: DocumentForm,
    replacement: ReplacementForm,
    replacing: Document | None,
) -> HttpResponse:
    rights = unlocking.document_rights(page.application, page.targets)
    files = [
        file
        | {
            "may_replace": rights.may_replace(file["document"]),
            "may_remove": rights.may_remove(file["document"]),
        }
        for file in files_of(page.application)
    ]
    leaving = _asked_for(page, page.request.GET, "entfernen")
    errors = replacement if replacement.errors else form
    return page.render(
        "applications/step_anlagen.html",
        page.context(
            rules.check(page.filing(), page.application.call.terms()),
            form=form,
            errors=errors,
            files=files,
            leaving=next((row for row in files if row["document"] == leaving), None),
            replacing=next((row for row in files if row["document"] == replacing), None),
            replacement=replacement,
            source=page.application.call.terms().source_documents,
            required=[
                DocumentKind(kind).label for kind in page.application.call.required_documents
            ],
            several=len(page.application.members.all()) > 1,
            cooperation_sheets=case.cooperation_sheets(page.application),
            signature_sheet_wanted=SIGNATURE_SHEETS.get(page.application.call.signature_form, ""),
            may_add=bool(form.kinds),
            full=len(files) >= MAX_DOCUMENTS,
            limit=str(settings.UPLOAD_MAX_BYTES),
        ),
    )


def _asked_for(page: Page, given: Any, name: str) -> Document | None:
    """The document an address or a form names, of those that belong to the application now."""
    wanted = given.get(name, "")
    found = (row for row in case.documents_of(page.application) if str(row.pk) == wanted)
    return next(found, None)


# --- Adding --------------------------------------------------------------------------------------


def _add(page: Page, form: DocumentForm) -> HttpResponse | None:
    """Keep what can be kept; None where the page has to say something of a file or field."""
    as_json = "application/json" in page.request.headers.get("Accept", "")
    if "ersetzen" in page.request.POST:  # and the document is not there any more
        messages.error(page.request, GONE)
        return redirect(page.href)
    if not form.is_valid():
        if as_json:  # the script still has the files
            return _faults(form)
        if chosen := form.cleaned_data.get("datei"):
            names = ", ".join(f"„{documents.file_name(file.name or '')}“" for file in chosen)
            form.add_error("datei", f"Bitte wählen Sie noch einmal aus: {names}. {NOT_KEPT}")
        return None
    kind = DocumentKind(form.cleaned_data["art"])
    whose = form.cleaned_data.get("kommune") if kind is DocumentKind.COOPERATION else ""
    towns = [row.municipality for row in page.application.members.all()]
    try:
        received = services.add_documents(
            application=page.application,
            uploads=form.cleaned_data["datei"],
            kind=kind,
            municipality=next((town for town in towns if town.ags == whose), None),
            by=page.user,
            at=page.at,
        )
    except services.NotUnlocked:
        messages.error(page.request, NOT_ASKED)
        return redirect(page.href)
    except services.NotEditable:
        messages.error(page.request, FILED)
        return redirect(page.href)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    kept.forget(page)
    if as_json:
        return JsonResponse(
            {
                "added": [document.name for document in received.added],
                "known": [document.name for document in received.known],
                "refused": [{"name": name, "reason": why} for name, why in received.refused],
            }
        )
    for document in received.added:
        messages.success(page.request, f"„{document.name}“ ist hochgeladen.")
    for document in received.known:
        messages.info(page.request, f"„{document.name}“ war schon hochgeladen.")
    for name, reason in received.refused:
        form.add_error("datei", f"„{name}“: {reason}")
    if not received.refused:
        return redirect(page.href)
    # The list shows what was just kept.
    case.documents_anew(page.application)
    return None


def _faults(form: DocumentForm) -> JsonResponse:
    errors = [
        {"id": form[name].auto_id, "message": str(error)}
        for name, told in form.errors.items()
        for error in told
    ]
    return JsonResponse({"errors": errors}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


# --- Replacing and removing ----------------------------------------------------------------------


def _replace(page: Page, document: Document, form: ReplacementForm) -> HttpResponse | None:
    """Put the new version in the document's place; None where the page says why not."""
    if not form.is_valid():
        return None
    try:
        new = services.replace_document(
            application=page.application,
            document=document,
            upload=form.cleaned_data["neu"][0],
            by=page.user,
            at=page.at,
        )
    except documents.UploadRefused as error:
        form.add_error("neu", str(error))
        return None
    except services.DocumentGone:
        messages.error(page.request, GONE)
    except services.NotUnlocked:
        messages.error(page.request, NOT_ASKED)
    except services.NotEditable:
        messages.error(page.request, FILED)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    else:
        messages.success(page.request, f"„{document.name}“ ist durch „{new.name}“ ersetzt.")
    return redirect(page.href)


def _remove_document(page: Page, text: str) -> HttpResponse:
    try:
        wanted = uuid.UUID(text)
    except ValueError as error:
        raise Http404 from error
    document = page.application.documents.filter(pk=wanted).first()
    if document is None:
        raise Http404
    try:
        services.remove_document(
            application=page.application, document=document, by=page.user, at=page.at
        )
    except services.NotUnlocked:
        messages.error(page.request, NOT_ASKED)
        return redirect(page.href)
    except services.NotEditable:
        messages.error(page.request, FILED)
        return redirect(page.application)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    messages.success(page.request, f"„{document.name}“ ist entfernt.")
    return redirect(page.href)
