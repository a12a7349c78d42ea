"""What holds for every model at the review desk: rights by role, locks, lookups, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path, unquote
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.forms.models import _get_foreign_key
from django.http import Http404
from simple_history.admin import SimpleHistoryAdmin

from municipalities.permissions import may_use_model

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

LAST_YEAR = 2200
"""No record of ours is younger; `datetime` and the databases end later, each elsewhere."""

MOST_ROWS = 100


class RoleMixin:
    """Who may what comes from DESK_RIGHTS alone, also for superusers."""

    def _may(self, request: HttpRequest, verb: str) -> bool:
        return may_use_model(request.user, self.opts.label_lower, verb)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "view")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "delete")


class _ChosenBefore(AutocompleteSelect):
    """A list that is searched: it offers as well what was chosen before the session was over."""

    def __init__(self, *args: Any, given_back: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.given_back = given_back

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        typed = [key for key in self.given_back.getlist(name) if key.isascii() and key.isdigit()]
        return super().optgroups(name, typed or value, attrs)


class GivenBackMixin:
    """What a fresh page needs so that all of what was typed finds a field (`given_back.py`)."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        given_back = getattr(request, "given_back", None)
        if given_back is not None and db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs["widget"] = _ChosenBefore(
                db_field,
                self.admin_site,  # type: ignore[attr-defined]
                given_back=given_back,
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class DeskInline(RoleMixin, GivenBackMixin):
    """Rows on the page of another record: locked while that page is saved."""

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """As many empty rows as there were when the session was over."""
        extra: int = super().get_extra(request, obj, **kwargs)  # type: ignore[misc]
        typed = getattr(request, "given_back", None)
        if typed is None:
            return extra
        key = _get_foreign_key(self.parent_model, self.model, fk_name=self.fk_name)  # type: ignore[attr-defined]
        prefix = key.remote_field.get_accessor_name(model=self.model)  # type: ignore[attr-defined]
        total, first = (
            int(number) if number.isdecimal() else 0
            for number in (typed.get(f"{prefix}-{part}_FORMS", "") for part in ("TOTAL", "INITIAL"))
        )
        return max(extra, min(total - first, MOST_ROWS))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return _locked(request, super().get_queryset(request))


class DeskBase(RoleMixin, GivenBackMixin):
    """What holds for every model at the desk."""

    actions = None

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """The record; while it is saved, locked and read anew: nothing done meanwhile is undone."""
        found = super().get_object(request, object_id, from_field)
        if found is None or not _is_saving(request):
            return found
        return _locked(request, self.get_queryset(request)).filter(pk=found.pk).first()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only what the list's own filters ask: any other lookup reads fields nobody is shown."""
        hierarchy = self.date_hierarchy
        if hierarchy and lookup in {f"{hierarchy}__{part}" for part in ("year", "month", "day")}:
            text = str(value)
            return text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= LAST_YEAR
        return any(lookup in _parameters(self.model, f) for f in self.get_list_filter(request))


def _parameters(model: type[models.Model], list_filter: Any) -> set[str]:
    """The parameters by which a filter of a list is set in the address."""
    if isinstance(list_filter, type):
        return {list_filter.parameter_name}
    path = list_filter[0] if isinstance(list_filter, (list, tuple)) else list_filter
    field = get_fields_from_path(model, path)[-1]
    if field.is_relation:
        return {f"{path}__{field.target_field.name}__exact", f"{path}__isnull"}
    if isinstance(field, models.DateField):
        return {f"{path}__gte", f"{path}__lt", f"{path}__isnull"}
    return {path, f"{path}__exact", f"{path}__isnull"}


def _is_saving(request: HttpRequest) -> bool:
    return request.method == "POST" and transaction.get_connection().in_atomic_block


def _locked(request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
    return queryset.select_for_update(of=("self",)) if _is_saving(request) else queryset


class DeskModelAdmin(DeskBase, admin.ModelAdmin):
    """A model at the review desk: rights by role, no bulk actions."""


class HistoryAdmin(DeskBase, SimpleHistoryAdmin):
    """Reference data with its history, which is read and never rolled back from here."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._check_keys(object_id)
        return super().history_view(request, object_id, extra_context)

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):  # the package would save the earlier state
            raise PermissionDenied("Ein früherer Stand wird nur gelesen.")
        self._check_keys(object_id, version_id)
        return super().history_form_view(request, object_id, version_id, extra_context)

    def _check_keys(self, *keys: str) -> None:
        """Raises Http404 for what cannot be a key."""
        for key in keys:
            try:
                self.opts.pk.to_python(unquote(key))
            except ValidationError as error:
                raise Http404("Diesen Eintrag gibt es nicht.") from error

    def history_view_title(self, request: HttpRequest, obj: Any) -> str:
        return f"Verlauf: {obj}"

    def history_form_view_title(self, request: HttpRequest, obj: Any) -> str:
        return f"Früherer Stand: {obj}"

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True
