"""The municipality's page of its public entry, and the page on which a person agrees."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from applications import permissions, services
from applications.forms.publication import EntryForm
from applications.models import PublicEntry
from applications.services import persons, publication
from applications.views import case
from projects.models import Contact
from projects.services import NotPublished

if TYPE_CHECKING:
    from applications.models import Application
    from projects.models import Project


@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What the public reads: a preview, to confirm, to change, or to take back."""
    application = case.find(request, key)
    user, at = case.person(request), case.arrived(request)
    if not permissions.is_on_team(user, application):
        raise Http404
    may_speak = permissions.may_speak_publicly(user, application)
    if request.method == "POST" and not may_speak:
        raise PermissionDenied
    project = application.project
    if project is None or not project.is_public:
        messages.info(request, "Dieser Antrag steht nicht im öffentlichen Projektverzeichnis.")
        return redirect(application)
    action = request.POST.get("aktion", "vorschau") if request.method == "POST" else ""
    words = publication.words_of(application)
    # What the form began with, through every preview, so that nobody else's words are replaced.
    stand = request.POST.get("stand") or publication.stand_of(words)
    status = HTTPStatus.OK
    form = EntryForm(
        request.POST if action in ("vorschau", "bestaetigen") else None,
        initial=EntryForm.initial_of(words),
    )
    try:
        if action == "zuruecknehmen":
            services.take_back_entry(application=application, by=user, at=at)
            messages.success(
                request, "Text und Kontakt stehen ab sofort nicht mehr im Verzeichnis."
            )
            return redirect(request.path)
        if action == "bestaetigen" and form.is_valid():
            services.confirm_entry(
                application=application, words=form.words, seen=stand, by=user, at=at
            )
            messages.success(request, "Text und Kontakt stehen jetzt im Verzeichnis.")
            return redirect(request.path)
    except services.EntryChanged:
        stand, status = publication.stand_of(words), HTTPStatus.CONFLICT
        messages.warning(
            request,
            "Inzwischen hat jemand anderes etwas am Eintrag geändert. Oben steht, was jetzt im "
            "Verzeichnis steht, unten Ihre Eingabe. Ihre Eingabe ist noch nicht öffentlich.",
        )
    except NotPublished:  # withdrawn since this request read the case
        messages.info(request, "Das Projekt ist inzwischen nicht mehr öffentlich.")
        return redirect(application)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    preview = action == "vorschau" and form.is_valid()
    typed = form.words if preview else None
    context = {
        "application": application,
        "project": project,
        "amount_class": project.get_amount_class_display(),
        "names": ", ".join(case.names_of(application).values()),
        "form": form,
        "stand": stand,
        "may_speak": may_speak,
        "entry": PublicEntry.objects.filter(application=application).first(),
        "is_preview": preview,
        "shown": _shown(application, project, typed, timezone.localdate(at)),
        "named": persons.named(application),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else status
    return render(request, "applications/publication.html", context, status=status)


def _shown(
    application: Application, project: Project, words: services.Words | None, day: Any
) -> dict[str, Any]:
    """Text, unit and contact as the public reads them: typed just now, or as they stand."""
    if words is None:
        contact = Contact.objects.shown_on(day).filter(project=project).first()
        return {"summary": project.summary, "unit": project.unit, "contact": contact}
    named = persons.named(application)
    agreed = named is not None and named.until is not None and named.name == words.person
    return {
        "summary": words.summary,
        "unit": words.unit,
        "contact": {
            "person_shown": words.person if agreed else "",
            "email": words.mailbox,
            "phone": words.phone,
        },
    }


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: HttpRequest, token: str) -> HttpResponse:
    """The page a person's link leads to: agree, or disappear. Looking alone changes nothing."""
    at = case.arrived(request)
    action = request.POST.get("aktion")
    context: dict[str, Any] = {"state": "open", "consent": None, "last_day": persons.last_day(at)}
    status = HTTPStatus.OK
    try:
        context["consent"] = persons.consent_of(token)
        if action == "einwilligen":
            context |= {"consent": persons.agree_by_link(token=token, at=at), "state": "agreed"}
        elif action == "entfernen":
            persons.refuse_by_link(token=token, at=at)
            context |= {"consent": None, "state": "removed"}
        elif request.method == "POST":
            status = HTTPStatus.UNPROCESSABLE_ENTITY
    except services.ConsentGone:
        context |= {"consent": None, "state": "gone"}
        status = HTTPStatus.NOT_FOUND
    return render(request, "applications/consent.html", context, status=status)
