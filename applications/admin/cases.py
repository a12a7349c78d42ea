"""Applications at the review desk: the worklist, and the addresses of a case. Never a draft."""

from __future__ import annotations

from datetime import date
from functools import partial, update_wrapper
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from applications import permissions
from applications.admin import (
    akte,
    bulk,
    case_page,
    checklists,
    comparisons,
    deliveries,
    deputies,
    exports,
    figures,
    files,
    filters,
    lists,
    moves,
    recordings,
    standing,
    tasks,
)
from applications.admin.filed import filed_in
from applications.admin.words import TONES
from applications.models import Application, Snapshot
from applications.services import worklist
from kiv_portal.euro import format_euro
from kiv_portal.folding import search_terms
from municipalities.admin import DeskModelAdmin
from municipalities.permissions import may_review

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

CASES: Final = "admin:applications_application"
DATE_COLUMN: Final = 6


@admin.register(Application)
class ApplicationAdmin(DeskModelAdmin):
    """The worklist. The case page and the moves are pages of their own."""

    list_display = (
        "number",
        "filed_under",
        "municipalities",
        "filed_title",
        "state_badge",
        "turn",
        "matters",
        "handled_by",
        "requested",
    )
    list_display_links = ("number",)
    list_filter = (
        filters.TaskFilter,
        filters.TurnFilter,
        filters.StatusFilter,
        filters.CallFilter,
        filters.DistrictFilter,
        filters.ReviewerFilter,
        filters.ArrivalFilter,
        filters.DateFilter,
        filters.AmountFilter,
        filters.HouseholdFilter,
    )
    list_per_page = 50
    list_max_show_all = 0
    list_select_related = ("call", "reviewer", "project", "public_entry")
    ordering = ("-submitted_at", "-pk")
    search_fields = ("search_key",)
    search_help_text = (
        "Antragsnummer, Geschäftszeichen, Kommune, Landkreis, Gemeindeschlüssel (AGS), Projektname"
    )
    show_full_result_count = False
    paginator = lists.BoundedPaginator
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "admin/applications/worklist.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        last = Snapshot.objects.filter(application=OuterRef("pk")).order_by("-number")
        return (
            worklist.with_dates(permissions.visible_at_desk(request.user))
            .annotate(
                filed_version=Subquery(last.values("version")[:1]),
                filed_payload=Subquery(last.values("payload")[:1]),
            )
            .order_by("-submitted_at", "-pk")
        )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in filters.RANGE_NAMES or super().lookup_allowed(lookup, value, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return lists.CaseList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Anträge", **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        terms = search_terms(search_term)
        if search_term.strip() and not terms:
            return queryset.none(), False
        for term in terms:
            queryset = queryset.filter(search_key__contains=term)
        return queryset, False

    # --- Columns -----------------------------------------------------------------------------

    @admin.display(description="Antragsnummer", ordering="reference")
    def number(self, obj: Any) -> str:
        return obj.reference

    @admin.display(description="Geschäftszeichen")
    def filed_under(self, obj: Any) -> str:
        return obj.file_number

    @admin.display(description="Kommune", ordering="lead_key")
    def municipalities(self, obj: Any) -> str:
        return self._filed(obj).names

    @admin.display(description="Projektname")
    def filed_title(self, obj: Any) -> str:
        # One below the other: beside it the last column would be cut on a small screen.
        return format_html("{}<span class='desk-under'>{}</span>", self._filed(obj).title, obj.call)

    @admin.display(description="Status", ordering="status")
    def state_badge(self, obj: Any) -> str:
        late = " nach Fristende eingegangen" if obj.received_late else ""
        return format_html(
            '<span class="desk-badge desk-badge--{}">{}</span>{}',
            TONES[obj.state],
            obj.state.label,
            format_html('<span class="desk-late">{}</span>', late.strip()) if late else "",
        )

    @admin.display(description="Am Zug")
    def turn(self, obj: Any) -> str:
        return obj.standing.turn

    @admin.display(description="Datum", ordering="matters_on")
    def matters(self, obj: Any) -> str:
        due: date | None = obj.due_on or obj.heard_on
        if due:
            late = due < timezone.localdate()
            word, day = ("Termin überschritten" if late else "Termin"), due
        elif obj.proposed_at:
            word, day = "vorgeschlagen", timezone.localdate(obj.proposed_at)
        elif obj.decided_at:
            word, day = "entschieden", timezone.localdate(obj.decided_at)
        else:
            word, day = "eingereicht", timezone.localdate(obj.submitted_at)
        return format_html("{} <span class='desk-nowrap'>{}</span>", word, f"{day:%d.%m.%Y}")

    @admin.display(description="Sachbearbeitung")
    def handled_by(self, obj: Any) -> str:
        return str(obj.reviewer) if obj.reviewer else ""

    @admin.display(description="beantragt", ordering="asked")
    def requested(self, obj: Any) -> str:
        amount = format_euro(self._filed(obj).requested)
        return format_html("<span class='desk-amount'>{}</span>", amount)

    def _filed(self, obj: Any) -> Any:
        if not hasattr(obj, "_filed"):
            obj._filed = filed_in(Snapshot(version=obj.filed_version, payload=obj.filed_payload))
        return obj._filed

    # --- Addresses ---------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def page(view: Any) -> Any:
            def wrapper(*args: Any, **kwargs: Any) -> HttpResponse:
                return self.admin_site.admin_view(view)(*args, **kwargs)

            wrapper.model_admin = self
            return update_wrapper(wrapper, view)

        def named(route: str, view: Any, name: str) -> URLPattern:
            return path(route, page(view), name=f"applications_application_{name}")

        case = "<int:pk>/"
        return [
            named("", self.changelist_view, "changelist"),
            named("vertretung/", self.deputies_view, "deputies"),
            named("zahlen/", self.figures_view, "figures"),
            named("uebernehmen/", self.bulk_view, "bulk"),
            named("ausgabe/", self.exports_view, "exports"),
            named("erfassen/", self.recordings_view, "recordings"),
            named("erfassen/<int:pk>/", self.recording_view, "recording"),
            named(
                "erfassen/<int:pk>/anlagen/<uuid:document_id>/",
                self.recording_document_view,
                "recording_document",
            ),
            named(case, self.to_case, "case"),
            named(f"{case}change/", self.case_view, "change"),
            named(f"{case}history/", self.to_log, "history"),
            named(f"{case}anlagen/<uuid:document_id>/", self.document_view, "document"),
            named(f"{case}fassungen/<int:number>/antrag.pdf", self.snapshot_view, "snapshot_pdf"),
            named(f"{case}schreiben/<uuid:letter_id>/", self.letter_view, "letter_pdf"),
            named(f"{case}vergleich/", self.compare_view, "compare"),
            named(f"{case}akte.zip", self.akte_view, "akte"),
            named(f"{case}entwurf.pdf", self.draft_letter_view, "draft_letter"),
            *(
                named(f"{case}{route}", partial(self.letters_page, page=name), name)
                for route, name in deliveries.PAGES
            ),
            *(
                named(f"{case}{route}", partial(self.checks_page, page=name), name)
                for route, name in checklists.PAGES
            ),
            *(
                named(f"{case}{action}/", partial(self.move_view, action=action), action)
                for action in moves.ACTIONS
            ),
        ]

    def _case(self, request: HttpRequest, pk: int) -> Application:
        """The filed application, else 404: a draft is not there for anybody at the desk."""
        if not self.has_view_permission(request):
            raise PermissionDenied("Ihr Konto hat am Prüfdesk keine Rolle.")
        found = permissions.visible_at_desk(request.user).select_related(
            "call__round",
            "reviewer",
            "project__round",
            "project__contact",
            "first_snapshot",
            "public_entry",
            "person_consent",
            "recording__recorded_by",
            "recording__confirmed_by",
        )
        application = found.filter(pk=pk).first()
        if application is None:
            raise Http404("Diesen Vorgang gibt es nicht.")
        return application

    def to_case(self, request: HttpRequest, pk: int) -> HttpResponse:
        return HttpResponseRedirect(case_page.address(self._case(request, pk)))

    def to_log(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the admin calls history is the Verfahrensprotokoll on the case page."""
        return HttpResponseRedirect(f"{case_page.address(self._case(request, pk))}#protokoll")

    def case_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        application = self._case(request, pk)
        context = case_page.build(application, request.user, request.arrived_at)
        return self.render(request, "admin/applications/case.html", context)

    def compare_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        context = comparisons.build(self._case(request, pk), request.GET, request.user)
        return self.render(request, "admin/applications/compare.html", context)

    def move_view(self, request: HttpRequest, pk: int, action: str) -> HttpResponse:
        return moves.respond(self, request, self._case(request, pk), action)

    def letters_page(self, request: HttpRequest, pk: int, page: str, **keys: Any) -> HttpResponse:
        case = self._case(request, pk)
        if permissions.is_recused(request.user, case):
            return deliveries.refuse_recused(self, request, case)
        answer: HttpResponse = getattr(deliveries, page)(self, request, case, **keys)
        return answer

    def checks_page(self, request: HttpRequest, pk: int, page: str, **keys: Any) -> HttpResponse:
        answer: HttpResponse = getattr(checklists, page)(
            self, request, self._case(request, pk), **keys
        )
        return answer

    def document_view(self, request: HttpRequest, pk: int, document_id: Any) -> HttpResponse:
        application = self._case(request, pk)
        try:
            view = "ansehen" in request.GET
            return files.document(application, document_id, view=view)
        except files.FileHeld as held:
            context = {
                "application": application,
                "title": "Anlage nicht verfügbar",
                "reason": str(held),
                "state": application.state.label,
                "turn": standing.of(application, timezone.localdate(request.arrived_at)).turn,
                "case_href": case_page.address(application),
            }
            refused = "admin/applications/refused.html"
            return self.render(request, refused, context, HTTPStatus.CONFLICT)

    def snapshot_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        return files.snapshot_pdf(self._case(request, pk), number)

    def letter_view(self, request: HttpRequest, pk: int, letter_id: Any) -> HttpResponse:
        return files.letter_pdf(self._case(request, pk), letter_id)

    def akte_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return akte.respond(self._case(request, pk), by=request.user, at=request.arrived_at)

    def draft_letter_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return files.draft_letter(self._case(request, pk), by=request.user, at=request.arrived_at)

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        """A page of the desk around this context."""
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole, status=status)

    # --- The desk's first page ---------------------------------------------------------------

    def desk_tasks(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Counts of what waits, each with the list behind it, for the roles of this person."""
        cases = permissions.visible_at_desk(request.user).order_by()
        today = timezone.localdate(request.arrived_at)
        worklist = reverse("admin:applications_application_changelist")
        return [
            *recordings.tasks(request.user),
            *self._case_tasks(request.user, cases, today, worklist),
        ]

    def _case_tasks(
        self, user: Any, cases: QuerySet[Any], today: date, worklist: str
    ) -> list[dict[str, Any]]:
        return [
            {
                "label": found["task"].label,
                "count": found["count"],
                "href": f"{worklist}?aufgabe={found['task'].name}&o={DATE_COLUMN}",
                "to_do": found["task"].to_do,
                "word": found["task"].word,
                "first": found["first"],
                "cases": [
                    {**case, "href": reverse(f"{CASES}_change", args=[case["pk"]])}
                    for case in found["cases"]
                ],
            }
            for found in tasks.overview(cases, user, today)
        ]

    def desk_ways(self, request: HttpRequest) -> list[dict[str, str]]:
        """What else the desk's first page leads to."""
        if not self.has_view_permission(request):
            return []
        return [
            {"label": label, "href": reverse(f"{CASES}_{name}")}
            for name, label in (
                ("changelist", "Alle Anträge"),
                ("figures", "Mittel und Bewilligungen nach Haushaltsjahr"),
                ("deputies", "Vertretung"),
                ("exports", "Tabellen ausgeben"),
                ("bulk", "Mehrere neue Anträge übernehmen"),
                ("recordings", "Antrag erfassen, der per Post oder E-Mail kam"),
            )
            if name not in ("bulk", "recordings") or may_review(request.user)
        ]

    def deputies_view(self, request: HttpRequest) -> HttpResponse:
        return deputies.respond(self, request)

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        return bulk.respond(self, request)

    def exports_view(self, request: HttpRequest) -> HttpResponse:
        return exports.respond(self, request)

    def recordings_view(self, request: HttpRequest) -> HttpResponse:
        return recordings.begin(self, request)

    def recording_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return recordings.one(self, request, pk)

    def recording_document_view(
        self, request: HttpRequest, pk: int, document_id: Any
    ) -> HttpResponse:
        return recordings.document(request, pk, document_id)

    def figures_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied("Ihr Konto hat am Prüfdesk keine Rolle.")
        return self.render(request, "admin/applications/figures.html", figures.build())
