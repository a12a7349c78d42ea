"""The official register at the review desk, and the reading of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery

from kiv_portal.folding import search_terms
from municipalities.admin.base import DeskInline, DeskModelAdmin, HistoryAdmin
from municipalities.admin.imports import PlannedImport
from municipalities.models import District, Municipality, Population, RegisterImport
from municipalities.permissions import may_administer
from municipalities.register import RegisterError
from municipalities.resources import (
    ConfirmRegisterForm,
    RegisterFormat,
    RegisterImportForm,
    RegisterResource,
)

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


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
class MunicipalityAdmin(PlannedImport, HistoryAdmin):
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
    import_title = "Gemeindeverzeichnis einlesen"
    unreadable = RegisterError
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

    def done(self, request: HttpRequest, result: Any) -> str:
        done = "; ".join(f"{label}: {count}" for label, count in result.plan.summary() if count)
        return f"Gemeindeverzeichnis eingelesen. {done}"


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
