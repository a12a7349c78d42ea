"""A new application: begun from nothing, or from an old one."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from applications import permissions, services
from applications.forms.members import MOST_PARTNERS, AnewForm, StartForm
from applications.models import FundingCall
from applications.views import case, wording
from municipalities.models import Membership, Municipality


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Choose the call and the municipality; the POST begins a draft."""
    user, at = case.person(request), case.arrived(request)
    calls = list(FundingCall.objects.open_at(at))
    mine = _municipalities(user)
    asked = request.GET.get("kommune", "")
    typed = request.POST if request.method == "POST" else request.GET
    partners, unknown = _partners(typed.getlist("partner"), at)
    form = StartForm(
        request.POST if request.method == "POST" else None,
        calls=[(call, _closing_words(call, at)) for call in calls],
        municipalities=mine,
        preselected=asked,
    )
    if request.method == "POST" and calls and mine and form.is_valid():
        keys = [row.ags for row in partners if row != form.municipality]
        limits = form.call.limits()
        keys = keys[: limits.max_partners] if limits.joint_allowed else []
        try:
            application, is_new = services.begin(
                call=form.call, lead=form.municipality, partners=keys, by=user, at=at
            )
        except services.CallNotOpen:
            messages.error(request, "Der Förderaufruf nimmt gerade keine Anträge an.")
            return redirect("application_start")
        except services.NotAllowed as error:
            raise PermissionDenied from error
        if is_new:
            messages.success(request, "Ihr Entwurf ist angelegt.")
            if len(keys) < len(set(typed.getlist("partner"))):
                messages.warning(
                    request,
                    "Nicht alle Partnerkommunen wurden übernommen. Bitte prüfen Sie den "
                    "Abschnitt „Kommune“.",
                )
        return redirect(application)
    following = (
        FundingCall.objects.announced()
        .filter(opens_at__gt=at, display_only=False)
        .order_by("opens_at")
        .first()
    )
    return render(
        request,
        "applications/start.html",
        {
            "form": form,
            "calls": calls,
            "municipalities": mine,
            "following": following,
            "following_from": wording.instant(following.opens_at) if following else "",
            "partners": partners,
            "unknown_partners": unknown,
            "foreign": bool(asked) and asked not in {row.ags for row in mine},
        },
    )


def _municipalities(user: Any) -> list[Municipality]:
    rows = Membership.objects.filter(user=user, may_edit=True).select_related("municipality")
    return [row.municipality for row in rows.order_by("municipality__sort_key")]


def _partners(keys: list[str], at: datetime) -> tuple[list[Municipality], bool]:
    """The partners an address names, in its order, and whether it names any that cannot be one."""
    wanted = list(dict.fromkeys(keys))[:MOST_PARTNERS]
    wanted = [key for key in wanted if re.fullmatch(r"[0-9]{8}", key)]
    known = {}
    if wanted:
        rows = Municipality.objects.in_force(timezone.localdate(at)).able_to_apply()
        known = {row.ags: row for row in rows.filter(ags__in=wanted)}
    found = [known[key] for key in wanted if key in known]
    return found, len(found) < len(set(keys))


def _closing_words(call: FundingCall, at: datetime) -> str:
    closing = wording.closing(call, at)
    return f"{closing.text} ({closing.left})" if closing.left else closing.text


@require_http_methods(["GET", "HEAD", "POST"])
def anew(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Take an old application into a call that is open now, as a new draft."""
    source = case.find(request, key)
    user, at = case.person(request), case.arrived(request)
    if not permissions.is_on_team(user, source):
        raise Http404
    lead = source.lead
    may_start = lead is not None and permissions.may_start(user, lead.municipality)
    if request.method == "POST" and not may_start:
        raise PermissionDenied
    # A draft moves to another call; what was filed may be filed anew in its own, too.
    calls = [
        call
        for call in FundingCall.objects.open_at(at)
        if not (source.is_draft and call.pk == source.call_id)
    ]
    form = AnewForm(
        request.POST if request.method == "POST" else None,
        calls=[(call, _closing_words(call, at)) for call in calls],
        documents=services.documents_to_copy(source),
    )
    if request.method == "POST" and form.is_valid():
        try:
            new = services.start_anew(
                source=source,
                call=form.cleaned_data["aufruf"],
                key=form.cleaned_data["schluessel"],
                documents=form.documents,
                by=user,
                at=at,
            )
        except services.CallNotOpen:
            messages.error(request, "Der Förderaufruf nimmt gerade keine Anträge an.")
            return redirect(source)
        except services.NotAllowed as error:
            raise PermissionDenied from error
        messages.success(
            request,
            "Ihr neuer Entwurf ist angelegt. Bitte prüfen Sie alle Angaben, vor allem Zeitplan "
            "und Finanzierungsplan; Erklärungen und Unterschriften geben Sie neu ab.",
        )
        return redirect(new)
    return render(
        request,
        "applications/anew.html",
        {"application": source, "form": form, "calls": calls, "may_start": may_start},
    )
