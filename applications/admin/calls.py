"""Funding calls: written as rows, opened and extended by moves of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from applications import services
from applications.forms.desk import PlainForm
from applications.forms.desk_calls import (
    CallBudgetForm,
    CheckItemForm,
    ExtensionForm,
    FundingCallForm,
)
from applications.models import CallBudget, CheckItem, FundingCall
from applications.rules.plan import percent
from municipalities.admin import DeskInline, HistoryAdmin

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

FILLABLE: Final = ("financing_type",)
"""What may still be filled in, where it is empty, once a call is open: letters need it."""


class CallBudgetInline(DeskInline, admin.TabularInline):
    """The call's money year by year; kept up to date while the call runs, with its history."""

    model = CallBudget
    form = CallBudgetForm
    extra = 1
    fields = ("year", "funds", "commitment", "source")


class CheckItemInline(DeskInline, admin.TabularInline):
    """The call's checklist, with its history; kept up to date while the call runs."""

    model = CheckItem
    form = CheckItemForm
    extra = 1
    fields = ("kind", "position", "text", "source", "findings")


@admin.register(FundingCall)
class FundingCallAdmin(HistoryAdmin):
    form = FundingCallForm
    inlines = (CallBudgetInline, CheckItemInline)
    list_display = ("title", "round", "opens_at", "closes_at", "stage", "is_demo")
    list_select_related = ("round",)
    list_filter = ("display_only", "is_demo")
    search_fields = ("title",)
    change_form_template = "admin/applications/fundingcall_form.html"
    fieldsets = (
        (None, {"fields": ("title", "round", "is_demo", "display_only")}),
        (
            "Zeit",
            {
                "fields": (
                    "opens_at",
                    "closes_at",
                    "closing_note",
                    "earliest_decision_weeks",
                    "opened_at",
                    "opened_by",
                )
            },
        ),
        ("Grundlage", {"fields": ("guideline", "clause", "purpose")}),
        (
            "Wer beantragen kann",
            {
                "fields": (
                    ("minimum_population", "maximum_population"),
                    ("population_as_of", "population_basis"),
                    "population_source",
                    "joint_allowed",
                    ("min_partners", "max_partners"),
                    "joint_minimum_sum",
                    "joint_source",
                    "earlier_funding_excludes",
                )
            },
        ),
        (
            "Laufzeit und Geld",
            {
                "fields": (
                    ("duration_min", "duration_max"),
                    "duration_source",
                    "cap",
                    "cap_source",
                    "rate",
                    "financing_type",
                )
            },
        ),
        (
            "Unterlagen und Schreiben",
            {"fields": ("required_documents", "signature_form", "letters_elsewhere")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: FundingCall | None = None) -> Any:
        fixed = ("opened_at", "opened_by")
        if obj is None or obj.opened_at is None:
            return fixed
        names = [
            name
            for _, options in self.fieldsets
            for entry in options["fields"]
            for name in ((entry,) if isinstance(entry, str) else entry)
        ]
        return tuple(
            name for name in names if name not in FILLABLE or getattr(obj, name) not in ("", None)
        )

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The rate in percent and the end in public words, beside the values themselves."""
        form = super().get_form(request, obj, **kwargs)
        said = dict(form._meta.help_texts or {})
        if obj and obj.rate is not None:
            said["rate"] = f"Das sind {percent(obj.rate)} der zuwendungsfähigen Ausgaben."
        if obj and obj.closes_at:
            said["closes_at"] = f"Öffentlich: {obj.until()}."
        form._meta.help_texts = said
        return form

    @admin.display(description="Stand")
    def stage(self, obj: FundingCall) -> str:
        if obj.display_only:
            return "frühere Runde, nur zur Anzeige"
        return "freigeschaltet" if obj.opened_at else "in Vorbereitung"

    # --- Moves -------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/freischalten/",
                view(self.open_view),
                name="applications_fundingcall_open",
            ),
            path(
                "<int:pk>/verlaengern/",
                view(self.extend_view),
                name="applications_fundingcall_extend",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        call = self.get_object(request, object_id)
        extra: dict[str, Any] = {"open_href": "", "extend_href": "", "is_open": False}
        if call is not None and self.has_change_permission(request):
            extra["is_open"] = call.opened_at is not None
            if call.opened_at is None and not call.display_only:
                extra["open_href"] = reverse("admin:applications_fundingcall_open", args=[call.pk])
            elif call.opened_at is not None and call.closes_at is not None:
                extra["extend_href"] = reverse(
                    "admin:applications_fundingcall_extend", args=[call.pk]
                )
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def _call(self, request: HttpRequest, pk: int) -> FundingCall:
        if not self.has_change_permission(request):
            raise PermissionDenied(
                "Förderaufrufe freizuschalten und zu verlängern ist der Rolle „Verwaltung“ "
                "vorbehalten."
            )
        call = FundingCall.objects.filter(pk=pk).first()
        if call is None:
            raise Http404("Diesen Förderaufruf gibt es nicht.")
        return call

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is missing, or the button that opens the call."""
        call = self._call(request, pk)
        if call.opened_at is not None:
            return self._refused(request, call, "Der Förderaufruf ist schon freigeschaltet.")
        if call.display_only:
            return self._refused(
                request, call, "Dieser Aufruf steht für eine frühere Runde und nimmt nichts an."
            )
        lacking = services.missing_for_opening(call)
        form = PlainForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                services.open_call(call=call, by=request.user, at=request.arrived_at)
            except services.AlreadyOpen:
                return self._refused(request, call, "Der Förderaufruf ist schon freigeschaltet.")
            except services.CallIncomplete as error:
                lacking = error.missing
            else:
                messages.success(request, f"„{call}“ ist freigeschaltet.")
                return HttpResponseRedirect(self._address(call))
        status = 422 if request.method == "POST" else 200
        context = {"call": call, "lacking": lacking, "form": form}
        return self._page(request, call, "call_open.html", "Freischalten", context, status)

    def extend_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A later end with its public notice."""
        call = self._call(request, pk)
        if call.opened_at is None or call.closes_at is None:
            return self._refused(
                request,
                call,
                "Verlängern lässt sich nur ein freigeschalteter Aufruf, der ein Ende hat.",
            )
        at = request.arrived_at
        form = ExtensionForm(
            request.POST if request.method == "POST" else None,
            after=max(call.closes_at, at),
            initial={"closes_at": call.closes_at, "notice": call.closing_note},
        )
        if request.method == "POST" and form.is_valid():
            try:
                services.extend_call(
                    call=call,
                    closes_at=form.cleaned_data["closes_at"],
                    notice=form.cleaned_data["notice"],
                    by=request.user,
                    at=at,
                )
            except services.NotAnExtension:
                return self._refused(
                    request, call, "Inzwischen wurde ein späteres Ende festgelegt."
                )
            messages.success(request, f"„{call}“ ist verlängert.")
            return HttpResponseRedirect(self._address(call))
        status = 422 if form.errors else 200
        context = {"call": call, "form": form}
        return self._page(request, call, "call_extend.html", "Verlängern", context, status)

    def _address(self, call: FundingCall) -> str:
        return reverse("admin:applications_fundingcall_change", args=[call.pk])

    def _page(
        self,
        request: HttpRequest,
        call: FundingCall,
        template: str,
        title: str,
        context: dict[str, Any],
        status: int = 200,
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "call_href": self._address(call),
            **context,
        }
        return TemplateResponse(request, f"admin/applications/{template}", whole, status=status)

    def _refused(self, request: HttpRequest, call: FundingCall, reason: str) -> HttpResponse:
        context = {"call": call, "reason": reason}
        title = "Das ist zurzeit nicht möglich"
        return self._page(request, call, "call_refused.html", title, context, status=409)
