"""Filters of the worklist. None of them looks through all cases for what it offers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.utils import timezone

from applications import permissions
from applications.admin import figures, standing, tasks
from applications.forms.fields import DayField, EuroField
from applications.models import ApplicationMember, FundingCall
from applications.workflow import Actor, Status
from municipalities.models import District, User

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

ENDED = "ended"
SIDES: Final = ("von", "bis")


class CaseFilter(ABC, admin.SimpleListFilter):
    """A filter of filed cases by one value of the address."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        value = self.value()
        if not value:
            return None
        known = {str(key) for key, _ in self.lookup_choices}
        return self.only(request, queryset, value) if value in known else queryset.none()

    @abstractmethod
    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """The cases of that value, one of those on offer."""

    def has_output(self) -> bool:
        return bool(self.lookup_choices) or bool(self.value())


class TaskFilter(CaseFilter):
    title = "Aufgabe"
    parameter_name = "aufgabe"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(task.name, task.label) for task in tasks.TASKS if task.role(request.user)]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        today = timezone.localdate(request.arrived_at)
        cases = tasks.open_to(queryset, request.user)
        return tasks.BY_NAME[value].cases(cases, request.user, today)


class TurnFilter(CaseFilter):
    title = "Am Zug"
    parameter_name = "am_zug"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [
            *((actor.value, actor.label) for actor in Actor),
            (ENDED, "niemand"),
        ]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        wanted = None if value == ENDED else Actor(value)
        return standing.whose_turn(queryset, wanted, timezone.localdate(request.arrived_at))


class StatusFilter(CaseFilter):
    title = "Status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(status.value, status.label) for status in Status if status is not Status.DRAFT]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(status=value)


class CallFilter(CaseFilter):
    title = "Förderaufruf"
    parameter_name = "aufruf"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        calls = FundingCall.objects.filter(opened_at__isnull=False)
        return [(str(pk), title) for pk, title in calls.values_list("pk", "title")]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(call=int(value))


class DistrictFilter(CaseFilter):
    title = "Landkreis/kreisfreie Stadt"
    parameter_name = "landkreis"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(district.ags, district.label) for district in District.objects.all()]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        members = ApplicationMember.objects.filter(
            application=OuterRef("pk"), municipality__district__ags=value
        )
        return queryset.filter(Exists(members))


class ReviewerFilter(CaseFilter):
    title = "Sachbearbeitung"
    parameter_name = "sachbearbeitung"
    NOBODY: ClassVar = ("niemand", "noch niemand")
    ME: ClassVar = ("ich", "ich")

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        mine = permissions.visible_at_desk(request.user).filter(reviewer=OuterRef("pk"))
        staff = User.objects.filter(is_staff=True).exclude(pk=request.user.pk)
        people = staff.filter(Exists(mine.order_by()))
        return [self.ME, self.NOBODY, *((str(user.pk), str(user)) for user in people)]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == self.NOBODY[0]:
            return queryset.filter(reviewer__isnull=True)
        return queryset.filter(reviewer=request.user.pk if value == self.ME[0] else int(value))


class HouseholdFilter(CaseFilter):
    """The cases behind a number of the figures; offered only where one of them was clicked."""

    title = "Haushalt"
    parameter_name = "haushalt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        found = re.fullmatch(r"([a-z]+)-([0-9]{4})", self.value() or "")
        label = figures.LISTS.get(found.group(1)) if found else None
        return [(found.group(), f"{label} {found.group(2)}")] if found and label else []

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        kind, year = value.split("-")
        return figures.cases_behind(queryset, kind, int(year))


class RangeFilter(ABC, admin.ListFilter):
    """A filter from one value to another, both typed. What cannot be read is said beside it."""

    is_range = True
    parameter_name: ClassVar[str]
    field: ClassVar[forms.Field]

    def __init__(self, request: Any, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.ends = [self._end(params, side) for side in SIDES]
        self.error = next((end["error"] for end in self.ends if end["error"]), "")

    def _end(self, params: Any, side: str) -> dict[str, Any]:
        name = f"{self.parameter_name}_{side}"
        typed = params.pop(name, [""])[-1]
        if typed:
            self.used_parameters[name] = typed
        value, error = None, ""
        try:
            value = self.field.clean(typed)
        except ValidationError as refused:
            error = " ".join(refused.messages)
        return {"name": name, "label": side, "typed": typed, "value": value, "error": error}

    def has_output(self) -> bool:
        return True

    def value(self) -> dict[str, Any] | None:
        return self.used_parameters or None

    def expected_parameters(self) -> list[str]:
        return [end["name"] for end in self.ends]

    def choices(self, changelist: Any) -> Iterable[Any]:
        return ()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.error:
            return queryset.none()
        first, last = (end["value"] for end in self.ends)
        if first is not None:
            queryset = self.since(queryset, first)
        return queryset if last is None else self.until(queryset, last)

    @abstractmethod
    def since(self, queryset: QuerySet[Any], first: Any) -> QuerySet[Any]:
        """The cases from that end on, itself included."""

    @abstractmethod
    def until(self, queryset: QuerySet[Any], last: Any) -> QuerySet[Any]:
        """The cases up to that end, itself included."""


class ArrivalFilter(RangeFilter):
    title = "Eingegangen"
    parameter_name = "eingang"
    field = DayField(required=False)

    def since(self, queryset: QuerySet[Any], first: date) -> QuerySet[Any]:
        return queryset.filter(submitted_at__gte=_midnight(first))

    def until(self, queryset: QuerySet[Any], last: date) -> QuerySet[Any]:
        return queryset.filter(submitted_at__lt=_midnight(last + timedelta(days=1)))


class DateFilter(RangeFilter):
    title = "Datum in der Liste"
    parameter_name = "datum"
    field = DayField(required=False)

    def since(self, queryset: QuerySet[Any], first: date) -> QuerySet[Any]:
        return queryset.filter(matters_on__gte=first)

    def until(self, queryset: QuerySet[Any], last: date) -> QuerySet[Any]:
        return queryset.filter(matters_on__lte=last)


class AmountFilter(RangeFilter):
    title = "Beantragt (Euro)"
    parameter_name = "betrag"
    field = EuroField(required=False)

    def since(self, queryset: QuerySet[Any], first: Decimal) -> QuerySet[Any]:
        return queryset.filter(asked__gte=first)

    def until(self, queryset: QuerySet[Any], last: Decimal) -> QuerySet[Any]:
        return queryset.filter(asked__lte=last)


RANGE_NAMES: Final = frozenset(
    f"{range_.parameter_name}_{side}"
    for range_ in (ArrivalFilter, DateFilter, AmountFilter)
    for side in SIDES
)
"""The ends of all ranges; the admin lets no other words into the address."""


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
