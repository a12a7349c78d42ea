"""Register, accounts and memberships at the review desk. Who may is said by the staff roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import OuterRef, Subquery
from django.http import HttpResponseRedirect
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
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

SHOWN_REASONS = 20
"""So many reasons stand in a message; the preview shows them all."""


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


class DeskModelAdmin(RoleMixin, admin.ModelAdmin):
    """A model at the review desk: rights by role, no bulk actions."""

    actions = None


class HistoryAdmin(RoleMixin, SimpleHistoryAdmin):
    """Reference data with its history, which is read and never rolled back from here."""

    actions = None

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


class PopulationInline(RoleMixin, admin.TabularInline):
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


class MembershipInline(RoleMixin, admin.TabularInline):
    model = Membership
    fk_name = "user"
    extra = 0
    autocomplete_fields = ("municipality",)
    fields = ("municipality", "may_read", "may_edit", "may_sign", "may_manage", "confirmed_at")
    readonly_fields = ("confirmed_at",)


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
        fixed = ["created_at", "last_login"]
        if obj is not None:
            fixed.append("email")  # the address is the login and is changed by its owner
        if not request.user.is_superuser:
            fixed.append("is_superuser")
        return fixed

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)


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
