"""The page from which staff take tables: what, of which call, in which format."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.utils import timezone

from applications.forms.desk_exports import ExportForm
from applications.resources import CaseTable, PlanTable, ReportTable
from municipalities.models import EventKind
from municipalities.services import record
from projects.resources.spreadsheets import FORMATS, Table
from projects.resources.tables import ContactTable, ProjectTable

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest

    from applications.models import FundingCall

TABLES: Final[tuple[type[Table], ...]] = (
    CaseTable,
    PlanTable,
    ProjectTable,
    ContactTable,
    ReportTable,
)


def table_of(name: str, call: FundingCall | None, on: date) -> Table:
    """The table of that name, of one call where one is given."""
    funding_round = call.round if call else None
    if name == ProjectTable.name:
        return ProjectTable(funding_round)
    if name == ContactTable.name:
        return ContactTable(on, funding_round)
    if name == PlanTable.name:
        return PlanTable(call)
    if name == ReportTable.name:
        assert call is not None  # the form asks for it
        return ReportTable(call)
    return CaseTable(call)


def respond(admin: ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """The choice; with a choice made, the file. Everybody who reads the desk may take it."""
    if not admin.has_view_permission(request):
        raise PermissionDenied("Ihr Konto hat am Prüfdesk keine Rolle.")
    form = ExportForm(
        request.GET if "tabelle" in request.GET else None,
        tables=[(table.name, table.title) for table in TABLES],
        needs_call=ReportTable.name,
    )
    if form.is_bound and form.is_valid():
        chosen = form.cleaned_data
        on = timezone.localdate(request.arrived_at)
        table = table_of(chosen["tabelle"], chosen["aufruf"], on)
        kind = FORMATS[chosen["format"]]()
        data = table.export()
        answer = HttpResponse(kind.export_data(data), content_type=kind.get_content_type())
        _note(request, table, chosen, len(data))
        name = f"kiv-{table.name}-{on.isoformat()}.{chosen['format']}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer
    context = {
        "title": "Tabellen ausgeben",
        "form": form,
        "tables": [{"title": table.title, "columns": table.columns.items()} for table in TABLES],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return admin.render(request, "admin/applications/exports.html", context, status=status)


def _note(request: HttpRequest, table: Table, chosen: dict[str, Any], rows: int) -> None:
    """Who took which table, when, and how many rows: in the log that staff search."""
    call = f", {chosen['aufruf']}" if chosen["aufruf"] else ""
    record(
        EventKind.TABLE_TAKEN,
        user=request.user,
        by=request.user,
        at=request.arrived_at,
        detail=f"{table.title} ({chosen['format'].upper()}){call}; Zeilen: {rows}",
    )
