"""Förder-Check: whether a municipality may expect to be eligible, without an account.

The answer is the same for everybody and sets no cookie, so nobody learns here who has
applied: the rules are always asked without a person.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt  # noqa: TID251 (it changes nothing)

from applications.forms.check import NEED_LEAD, NO_SUCH_CALL, Asked, read_asked
from applications.models import FundingCall
from applications.services.eligibility import (
    CallForCheck,
    UnknownCall,
    assess_for_call,
    call_for_check,
    municipalities_to_choose,
)
from applications.views import check_page
from kiv_portal.public import changes_at, end_of_day, public_page

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import Municipality

ASKED: Final = ("kommune", "partner", "aufruf")
MOST_CHOICES: Final = 10
SHORTEST_CHOICE: Final = 2


@csrf_exempt  # nothing can be changed here: whoever posts learns 405, not „cookie missing"
@public_page(*ASKED, "suche")
def check(request: HttpRequest) -> HttpResponse:
    """The page: choose a municipality and partners, read the answer; its address keeps both."""
    asked = read_asked(request.GET)
    errors = dict(asked.errors)
    at = request.arrived_at  # type: ignore[attr-defined]
    chosen = _call(asked, errors, at)
    assessment = None
    if chosen and asked.lead and not errors.keys() - {"suche"}:
        assessment = assess_for_call(
            asked.lead, asked.partners, call=chosen.call, on=timezone.localdate(at)
        )
    context = {
        "error_entries": check_page.error_entries(asked, errors),
        "picker": check_page.picker(asked, chosen, assessment, errors, at) if chosen else None,
        "limits": check_page.limits(chosen.limits) if chosen else [],
        "calendar": check_page.call_with_dates(chosen, at) if chosen else None,
        "call_text": check_page.call_text(chosen, asked, at) if chosen else "",
        "result": check_page.result(asked, chosen, assessment, at)
        if chosen and assessment
        else None,
    }
    return _until(at, render(request, "applications/check.html", context))


@csrf_exempt
@public_page(*ASKED)
def check_json(request: HttpRequest) -> HttpResponse:
    """The same answer as JSON, by the same rules.

    `eligible` is null where the figure that counts is not there; `call` is the one whose
    limits were used (it takes applications only between `opens` and `closes`), null as long
    as no call was ever announced. Without `kommune`, or with a parameter that cannot be
    understood, the answer is HTTP 400 and `errors` says by parameter what is needed.
    """
    asked = read_asked(request.GET)
    errors = {name: text for name, text in asked.errors.items() if name != "suche"}
    if not asked.lead:
        errors.setdefault("kommune", NEED_LEAD)
    at = request.arrived_at  # type: ignore[attr-defined]
    chosen = _call(asked, errors, at)
    if chosen is None or errors:
        return _json({"errors": errors}, status=HTTPStatus.BAD_REQUEST)
    assessment = assess_for_call(
        asked.lead, asked.partners, call=chosen.call, on=timezone.localdate(at)
    )
    response = _json(
        {
            "eligible": assessment.answer,
            "call": _call_as_data(chosen.call) if chosen.call else None,
            "members": [
                {
                    "ags": member.ags,
                    "name": member.name,
                    "population": member.population,
                    "population_as_of": member.population_as_of,
                    "basis": member.population_basis,
                }
                for member in assessment.members
            ],
            "findings": [
                {
                    "code": finding.code,
                    "severity": finding.severity,
                    "source": finding.source,
                    "message": finding.message,
                }
                for finding in assessment.findings
            ],
            "suggestions": [
                {
                    "ags": suggestion.member.ags,
                    "name": suggestion.member.name,
                    "population": suggestion.member.population,
                    "distance_km": suggestion.distance_km,
                }
                for suggestion in assessment.suggestions
            ],
        }
    )
    return _until(at, response)


@csrf_exempt
@public_page("q")
def check_choices(request: HttpRequest) -> HttpResponse:
    """Municipalities whose name or key holds what was typed (`q`), for the page's script."""
    text = request.GET.get("q", "")[:100]
    at = request.arrived_at  # type: ignore[attr-defined]
    found: list[Municipality] = []
    if len(text.strip()) >= SHORTEST_CHOICE:
        found = municipalities_to_choose(text, on=timezone.localdate(at))
    response = _json(
        {
            "results": [
                {"ags": row.ags, "name": row.short_name, "note": check_page.note(row)}
                for row in found[:MOST_CHOICES]
            ],
            "more": len(found) > MOST_CHOICES,
        }
    )
    return changes_at(response, at, end_of_day(at))


def _until(at: datetime, response: HttpResponse) -> HttpResponse:
    """The answer counts until a call opens or closes, or the register's day is over."""
    return changes_at(response, at, FundingCall.objects.next_change(at), end_of_day(at))


def _json(data: dict[str, Any], status: int = HTTPStatus.OK) -> JsonResponse:
    return JsonResponse(data, status=status, json_dumps_params={"ensure_ascii": False})


def _call(asked: Asked, errors: dict[str, str], at: datetime) -> CallForCheck | None:
    """The call whose limits count; None, and an error, where there is none to be found."""
    if "aufruf" in errors:
        return None
    try:
        return call_for_check(asked.call_id, at)
    except UnknownCall:
        errors["aufruf"] = NO_SUCH_CALL
        return None


def _call_as_data(call: FundingCall) -> dict[str, Any]:
    return {
        "id": call.pk,
        "title": call.title,
        "opens": timezone.localtime(call.opens_at).isoformat() if call.opens_at else None,
        "closes": timezone.localtime(call.closes_at).isoformat() if call.closes_at else None,
    }
