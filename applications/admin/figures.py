"""The money of each call by Haushaltsjahr, and the lists of cases behind each number."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone

from applications.models import Application, Decision, DecisionYear, FundingCall
from applications.models.decisions import DecisionKind, DecisionState
from applications.services.decisions import budget
from applications.workflow import Status
from kiv_portal.euro import format_euro

if TYPE_CHECKING:
    from django.db.models import QuerySet

LISTS: Final = {
    "beantragt": "Beantragt für",
    "bewilligt": "Bewilligt für",
    "verpflichtet": "Aus Verpflichtungsermächtigung für",
}
"""The lists of cases behind the figures."""

GONE: Final = (Status.WITHDRAWN, Status.CLOSED)
"""Cases that ask for nothing any more."""

WIDTH: Final = 400
NOTHING: Final = Decimal("0.00")


def cases_behind(cases: QuerySet[Any], kind: str, year: int) -> QuerySet[Any]:
    """The cases whose amounts make up a figure of that year."""
    if kind == "beantragt":
        return cases.filter(asked_by_year__has_key=str(year)).exclude(status__in=GONE)
    counts = (
        Decision.objects.filter(application=OuterRef("pk"), state=DecisionState.SIGNED)
        .exclude(kind=DecisionKind.REJECTION)
        .exclude(amount__isnull=True)
        .order_by("-number")
    )
    parts = DecisionYear.objects.filter(
        decision=OuterRef("version_in_force"), year=year, amount__gt=0
    )
    if kind == "verpflichtet":
        new_year = timezone.make_aware(datetime.combine(date(year, 1, 1), time.min))
        parts = parts.filter(decision__settled_at__lt=new_year)
    return cases.alias(version_in_force=Subquery(counts.values("pk")[:1])).filter(Exists(parts))


def build() -> dict[str, Any]:
    """Every opened call with a row per Haushaltsjahr; amounts as text, each with its list."""
    asked = _asked()
    calls = []
    for call in FundingCall.objects.filter(opened_at__isnull=False):
        money = {row.year: row for row in budget.years_of_call(call)}
        years = sorted({*money, *asked.get(call.pk, {})})
        rows = [
            _row(call, year, money.get(year), asked.get(call.pk, {}).get(year, NOTHING))
            for year in years
        ]
        calls.append({"call": call, "name": f"Beträge: {call}", "rows": rows, "width": WIDTH})
    return {"title": "Mittel und Bewilligungen", "calls": calls}


def _asked() -> dict[int, dict[int, Decimal]]:
    """Euro asked for by call and year; equal requests are counted by the database."""
    found: dict[int, dict[int, Decimal]] = {}
    equal = (
        Application.objects.submitted()
        .exclude(status__in=GONE)
        .order_by()
        .values_list("call", "asked_by_year")
        .annotate(times=Count("pk"))
    )
    for call, by_year, times in equal:
        years = found.setdefault(call, {})
        for year, cents in by_year.items():
            years[int(year)] = years.get(int(year), NOTHING) + Decimal(cents * times) / 100
    return found


def _row(
    call: FundingCall, year: int, money: budget.BudgetYear | None, asked: Decimal
) -> dict[str, Any]:
    entered = f"{reverse('admin:applications_fundingcall_change', args=[call.pk])}#budgets-group"
    funds = money.funds if money else None
    commitment = money.commitment if money else None
    granted = money.granted if money else NOTHING
    committed = money.committed if money else NOTHING
    return {
        "year": year,
        "cells": [
            _cell("Mittel", funds, entered),
            _cell("Verpflichtungsermächtigung", commitment, entered),
            _cell("beantragt", asked, _list(call, "beantragt", year)),
            _cell("bewilligt", granted, _list(call, "bewilligt", year)),
            _cell("davon aus VE", committed, _list(call, "verpflichtet", year)),
            _cell(
                "Mittel frei",
                money.funds_free if money else None,
                _list(call, "bewilligt", year),
            ),
            _cell(
                "VE frei",
                money.commitment_free if money else None,
                _list(call, "verpflichtet", year),
            ),
        ],
        "bars": [
            _bar("Mittel", funds, granted, asked, year),
            _bar("Verpflichtungsermächtigung", commitment, committed, None, year),
        ],
    }


def _list(call: FundingCall, kind: str, year: int) -> str:
    query = urlencode({"aufruf": call.pk, "haushalt": f"{kind}-{year}"})
    return f"{reverse('admin:applications_application_changelist')}?{query}"


def _cell(label: str, amount: Decimal | None, href: str) -> dict[str, str]:
    text = "nicht eingetragen" if amount is None else format_euro(amount)
    return {"label": label, "text": text, "href": href}


def _bar(
    label: str, given: Decimal | None, used: Decimal, asked: Decimal | None, year: int
) -> dict[str, Any]:
    """A bar in whole units of its drawing, and the sentence that says the same."""
    whole = max(given or NOTHING, used, asked or NOTHING)
    said = [f"{label} {year}:"]
    said.append("nicht eingetragen," if given is None else f"{format_euro(given)} eingetragen,")
    said.append(f"{format_euro(used)} bewilligt")
    if given:
        said.append(f"({round(used * 100 / given)} %)")
    if asked is not None:
        said.append(f"und {format_euro(asked)} beantragt")

    def units(amount: Decimal | None) -> int:
        return round((amount or NOTHING) * WIDTH / whole) if whole else 0

    return {
        "label": label,
        "given": units(given),
        "used": units(used),
        "asked": units(asked),
        "text": " ".join(said) + ".",
    }
