"""Register, accounts and memberships at the review desk. Who may is said by the staff roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import get_fields_from_path, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from import_export.admin import ImportMixin
from simple_history.admin import SimpleHistoryAdmin

from kiv_portal.folding import search_terms
from municipalities.models import (
    District,
    Membership,
    Municipality,
    Population,
    RegisterImport,
    User,
)
from municipalities.permissions import may_administer, may_use_model
from municipalities.register import RegisterError
from municipalities.resources import (
    ConfirmRegisterForm,
    RegisterFormat,
    RegisterImportForm,
    RegisterResource,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

SHOWN_REASONS = 20
"""So many reasons stand in a message; the preview shows them all."""

LAST_YEAR = 2200
"""No record of ours is younger; `datetime` and the databases end later, each elsewhere."""


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


class DeskInline(RoleMixin):
    """Rows on the page of another record: locked while that page is saved."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return _locked(request, super().get_queryset(request))


class DeskBase(RoleMixin):
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
        if "\0" in str(value):  # PostgreSQL has no such text
            return False
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


@admin.register(District)
class DistrictAdmin(HistoryAdmin):
    list_display = ("name", "ags", "is_city", "court")
    list_filter = ("is_city", "court")
    search_fields = ("name", "ags")
    readonly_fields = ("ags", "name", "is_city")


class PopulationInline(DeskInline, admin.TabularInline):
    """Figures are added, never changed and never deleted."""

    model = Population
    extra = 0
    fields = ("as_of", "basis", "value", "source", "imported_at")
    readonly_fields = ("imported_at",)


@admin.register(Municipality)
class MunicipalityAdmin(ImportMixin, HistoryAdmin):
    list_display = (
        "short_name",
        "ags",
        "kind",
        "district",
        "newest_figure",
        "valid_from",
        "valid_to",
    )
    list_filter = ("kind", "district")
    list_select_related = ("district",)
    search_fields = ("search_key",)
    autocomplete_fields = ("successor",)
    fields = (
        ("ags", "kind"),
        ("official_name", "short_name"),
        "district",
        "postal_code",
        "area_km2",
        ("latitude", "longitude"),
        ("valid_from", "valid_to", "successor"),
        "territory_as_of",
        "source",
        "mail_domain",
    )
    readonly_fields = (
        "ags",
        "kind",
        "official_name",
        "short_name",
        "district",
        "postal_code",
        "area_km2",
        "latitude",
        "longitude",
        "territory_as_of",
        "source",
    )
    inlines = (PopulationInline,)

    import_formats = (RegisterFormat,)
    import_form_class = RegisterImportForm
    confirm_form_class = ConfirmRegisterForm
    resource_classes = (RegisterResource,)
    import_template_name = "admin/municipalities/municipality/import.html"
    import_export_change_list_template = "admin/municipalities/municipality/change_list.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        return may_administer(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Municipality]:
        newest = Population.objects.filter(municipality=OuterRef("pk")).order_by("-as_of", "basis")
        return super().get_queryset(request).annotate(figure=Subquery(newest.values("value")[:1]))

    @admin.display(description="neueste Einwohnerzahl", ordering="figure")
    def newest_figure(self, obj: Any) -> int | None:
        figure: int | None = obj.figure
        return figure

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = queryset
        for term in search_terms(search_term):
            found = found.filter(search_key__contains=term)
        return found, False

    # --- Import ------------------------------------------------------------------------------

    def get_import_formats(self) -> list[type[RegisterFormat]]:
        return list(self.import_formats)

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {"form": kwargs["form"], "at": getattr(kwargs["request"], "arrived_at", None)}

    def get_confirm_form_initial(
        self, request: HttpRequest, import_form: RegisterImportForm | None
    ) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_confirm_form_initial(request, import_form)
        if import_form is not None:
            initial |= ConfirmRegisterForm.initial_for(import_form, initial["import_file_name"])
        return initial

    def add_data_read_fail_error_to_form(self, form: RegisterImportForm, e: Exception) -> None:
        if not isinstance(e, RegisterError):
            raise e
        form.add_error("import_file", str(e))

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = super().import_action(request, **kwargs)
        response.context_data["title"] = "Gemeindeverzeichnis einlesen"
        return response

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            response = super().process_import(request, **kwargs)
        except FileNotFoundError:
            # Confirmed twice, or so late that the upload was tidied away.
            return self._back(request, ["Die hochgeladene Datei ist nicht mehr da."])
        if hasattr(response, "context_data"):  # the confirmation itself was not valid
            form = response.context_data["confirm_form"]
            return self._back(request, [text for texts in form.errors.values() for text in texts])
        return response

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        if result.reasons:
            return self._back(request, result.reasons)
        done = "; ".join(f"{label}: {count}" for label, count in result.plan.summary() if count)
        messages.success(request, f"Gemeindeverzeichnis eingelesen. {done}")
        return HttpResponseRedirect(reverse("admin:municipalities_municipality_changelist"))

    def _back(self, request: HttpRequest, reasons: list[str]) -> HttpResponse:
        messages.error(request, " ".join(["Nichts wurde eingelesen.", *reasons[:SHOWN_REASONS]]))
        return HttpResponseRedirect(reverse("admin:municipalities_municipality_import"))


@admin.register(RegisterImport)
class RegisterImportAdmin(DeskModelAdmin):
    list_display = (
        "at",
        "file_name",
        "territory_as_of",
        "population_as_of",
        "basis",
        "created_count",
        "changed_count",
        "dissolved_count",
        "figures_count",
        "by",
    )
    list_select_related = ("by",)


class MembershipForm(forms.ModelForm):
    """A confirmation holds for one person and one municipality: neither is exchanged later."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "municipality" in self.fields:
            self.fields["municipality"].disabled = True


class MembershipInline(DeskInline, admin.TabularInline):
    model = Membership
    form = MembershipForm
    fk_name = "user"
    extra = 0
    autocomplete_fields = ("municipality",)
    fields = ("municipality", "may_read", "may_edit", "may_sign", "may_manage", "confirmed_at")
    readonly_fields = ("confirmed_at",)


OWN_FIXED = ("is_active", "is_staff", "groups")
"""Nobody gives a role to themselves, nor takes their own desk away."""


@admin.register(User)
class UserAdmin(DeskModelAdmin):
    """Accounts without their password: whoever needs one asks for a link by e-mail."""

    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "name")
    filter_horizontal = ("groups",)
    fields = (
        "email",
        "name",
        "phone",
        "is_active",
        "is_staff",
        "groups",
        "is_superuser",
        "created_at",
        "last_login",
    )
    inlines = (MembershipInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fixed = ["is_superuser", "created_at", "last_login"]
        if obj is not None:
            fixed.append("email")  # the address is the login and is changed by its owner
        if obj == request.user:
            fixed += OWN_FIXED
        return fixed

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        """The admin's own message, and which roles the person had before and has now."""
        message: list[dict[str, Any]] = super().construct_change_message(
            request, form, formsets, add
        )
        if "groups" in form.changed_data:
            before = _names(form.initial.get("groups", ()))
            now = _names(form.cleaned_data["groups"])
            message.append({"changed": {"fields": [f"Rollen: vorher {before}, jetzt {now}"]}})
        return message


def _names(groups: Iterable[Any]) -> str:
    return " + ".join(sorted(group.name for group in groups)) or "keine"


@admin.register(Membership)
class MembershipAdmin(HistoryAdmin):
    list_display = (
        "user",
        "municipality",
        "may_read",
        "may_edit",
        "may_sign",
        "may_manage",
        "confirmed_at",
    )
    list_select_related = ("user", "municipality")
    search_fields = ("user__email", "user__name", "municipality__search_key")
    autocomplete_fields = ("user", "municipality")
    readonly_fields = ("confirmed_at", "confirmed_by", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, *(("user", "municipality") if obj is not None else ()))
