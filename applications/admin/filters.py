"""Filters of the worklist. Each offers only what filed cases really have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.utils import timezone

from applications import permissions
from applications.admin import tasks
from applications.models import ApplicationMember, FundingCall
from applications.workflow import Actor, Status, turn
from municipalities.models import District, User

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

ENDED = "ended"


class CaseFilter(admin.SimpleListFilter):
    """A filter of filed cases by one value of the address."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        value = self.value()
        if not value:
            return None
        known = {str(key) for key, _ in self.lookup_choices}
        return self.only(request, queryset, value) if value in known else queryset.none()

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        raise NotImplementedError

    def has_output(self) -> bool:
        return bool(self.lookup_choices) or bool(self.value())


class TaskFilter(CaseFilter):
    title = "Aufgabe"
    parameter_name = "aufgabe"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(task.name, task.label) for task in tasks.TASKS if task.role(request.user)]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        today = timezone.localdate(request.arrived_at)
        return tasks.BY_NAME[value].cases(queryset, request.user, today)


class TurnFilter(CaseFilter):
    title = "Am Zug"
    parameter_name = "am_zug"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [
            *((actor.value, actor.label) for actor in Actor),
            (ENDED, "niemand, beendet"),
        ]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        wanted = None if value == ENDED else Actor(value)
        return queryset.filter(status__in=[status for status in Status if turn(status) is wanted])


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
        cases = permissions.visible_at_desk(request.user)
        calls = FundingCall.objects.filter(pk__in=cases.order_by().values("call"))
        return [(str(pk), title) for pk, title in calls.values_list("pk", "title")]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(call=int(value))


class DistrictFilter(CaseFilter):
    title = "Landkreis/kreisfreie Stadt"
    parameter_name = "landkreis"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        cases = permissions.visible_at_desk(request.user)
        found = District.objects.filter(municipalities__applications__in=cases).distinct()
        return [(district.ags, district.label) for district in found]

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
        cases = permissions.visible_at_desk(request.user).order_by()
        people = User.objects.filter(pk__in=cases.values("reviewer")).exclude(pk=request.user.pk)
        return [self.ME, self.NOBODY, *((str(user.pk), str(user)) for user in people)]

    def only(self, request: HttpRequest, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == self.NOBODY[0]:
            return queryset.filter(reviewer__isnull=True)
        return queryset.filter(reviewer=request.user.pk if value == self.ME[0] else int(value))
