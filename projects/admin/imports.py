"""Tables of projects and contacts read in at the desk; who may change by hand may do this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from municipalities.admin.imports import PlannedImport
from projects.resources.imports import (
    ConfirmTableForm,
    ContactFormat,
    ContactResource,
    ProjectFormat,
    ProjectResource,
    TableImportForm,
)
from projects.resources.sheets import SheetRefused

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class TableImport(PlannedImport):
    """What the two have in common."""

    import_form_class = TableImportForm
    confirm_form_class = ConfirmTableForm
    import_template_name = "projects/admin_import.html"
    import_export_change_list_template = "projects/admin_list.html"
    unreadable = SheetRefused

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "change") and self._may(request, "add")

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = super().import_action(request, **kwargs)
        table = self.import_formats[0].table
        response.context_data |= {
            "columns": table.columns.items(),
            "table": table.title,
            "export_query": f"?tabelle={table.name}&format=xlsx",
        }
        return response

    def done(self, request: HttpRequest, result: Any) -> str:
        return f"Tabelle eingelesen. {result.plan.counts}."


class ProjectImport(TableImport):
    import_formats = (ProjectFormat,)
    resource_classes = (ProjectResource,)
    import_title = "Projekte einlesen"


class ContactImport(TableImport):
    import_formats = (ContactFormat,)
    resource_classes = (ContactResource,)
    import_title = "Kontakte einlesen"
