"""The portal's own records at the review desk: authority, downloads, outgoing mail, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from kiv_portal import outbox
from kiv_portal.forms import DownloadForm
from kiv_portal.models import (
    Authority,
    Download,
    Erasure,
    ErasureRun,
    Job,
    OutboxMail,
    WorkState,
)
from municipalities.admin import DeskModelAdmin, HistoryAdmin
from municipalities.permissions import may_administer

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@admin.register(Authority)
class AuthorityAdmin(HistoryAdmin):
    """One row: whoever may add it may do so once."""

    list_display = ("name", "department", "city", "delivery_way", "is_sample")
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "department",
                    "street",
                    "postal_code",
                    "city",
                    "phone",
                    "email",
                    "source",
                    "is_sample",
                )
            },
        ),
        (
            "Hilfe bei technischen Schwierigkeiten",
            {"fields": ("help_name", "help_phone", "help_email")},
        ),
        (
            "Bekanntgabe",
            {"fields": ("delivery_way", "post_days", "post_moves_off_weekends")},
        ),
        (
            "Impressum",
            {
                "fields": (
                    "represented_by",
                    "vat_id",
                    "supervised_by",
                    "editor",
                    "operator",
                    "imprint_approved_on",
                )
            },
        ),
        (
            "Datenschutzhinweise",
            {
                "fields": (
                    "data_protection_officer",
                    "legal_basis",
                    "log_retention",
                    "account_retention",
                    "file_retention",
                    "privacy_approved_on",
                )
            },
        ),
        (
            "Barrierefreiheit",
            {
                "fields": (
                    "accessibility_email",
                    "enforcement_address",
                    "enforcement_phone",
                    "enforcement_email",
                    "sign_language_film",
                    "accessibility_confirmed_on",
                )
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and not Authority.objects.exists()

    def save_model(self, request: HttpRequest, obj: Authority, form: Any, change: bool) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)


@admin.register(Download)
class DownloadAdmin(HistoryAdmin):
    """Entries of the download page. What a file is and how large, the portal finds out."""

    form = DownloadForm
    list_display = ("title", "kind", "is_shown", "what", "dated_on", "accessible", "position")
    readonly_fields = ("what",)
    fieldsets = (
        (None, {"fields": ("title", "kind", "description", "dated_on")}),
        ("Datei oder Adresse", {"fields": ("file", "address", "what")}),
        ("Barrierefreiheit", {"fields": ("accessible", "accessibility_note", "alternative")}),
        ("Auf der Seite", {"fields": ("is_public", "position")}),
    )

    @admin.display(description="wird gezeigt", boolean=True)
    def is_shown(self, obj: Download) -> bool:
        return obj.is_public and bool(obj.file or obj.address)

    @admin.display(description="Dateityp und Größe")
    def what(self, obj: Download) -> str:
        return f"{obj.file_kind}, {filesizeformat(obj.size)}" if obj.file else ""


class WorkAdmin(DeskModelAdmin):
    """Rows the worker takes on: only looked at, and what failed can be tried again."""

    list_filter = ("state",)
    ordering = ("-pk",)
    show_full_result_count = False
    change_form_template = "admin/portal/work_form.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"portal_{self.opts.model_name}_retry"
        view = self.admin_site.admin_view(self.retry_view)
        return [path("<int:pk>/erneut/", view, name=name), *super().get_urls()]

    @method_decorator(require_POST)
    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put a failed row back into the queue."""
        if not may_administer(request.user):
            raise PermissionDenied("Das ist der Rolle „Verwaltung“ vorbehalten.")
        row = self.model._default_manager.filter(pk=pk).first()
        if row is None:
            raise Http404("Diesen Eintrag gibt es nicht.")
        if row.state == WorkState.FAILED:
            outbox.retry(row, request.arrived_at)
            messages.success(request, "Der Eintrag wird noch einmal versucht.")
        else:
            messages.warning(
                request, "Nur Fehlgeschlagenes wird noch einmal versucht; dieser Eintrag nicht."
            )
        return HttpResponseRedirect(
            reverse(f"admin:portal_{self.opts.model_name}_change", args=[row.pk])
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        failed = row is not None and row.state == WorkState.FAILED
        href = (
            reverse(f"admin:portal_{self.opts.model_name}_retry", args=[row.pk]) if failed else ""
        )
        extra = {"retry_href": href, "retry_error": row.last_error if failed else ""}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def desk_tasks(self, request: HttpRequest) -> list[dict[str, Any]]:
        """How many rows failed, for those who look after the portal."""
        if not may_administer(request.user):
            return []
        failed = self.model._default_manager.filter(state=WorkState.FAILED).count()
        changelist = reverse(f"admin:portal_{self.opts.model_name}_changelist")
        return [
            {
                "label": f"{self.opts.verbose_name_plural}: fehlgeschlagen",
                "count": failed,
                "href": f"{changelist}?state__exact={WorkState.FAILED}",
                "to_do": True,
            }
        ]


@admin.register(OutboxMail)
class OutboxMailAdmin(WorkAdmin):
    """Outgoing mail. What a mail about an account says is shown to nobody."""

    list_display = ("recipient", "shown_subject", "state", "created_at", "done_at")
    search_fields = ("recipient",)
    fields = (
        "recipient",
        "shown_subject",
        "shown_text",
        "private",
        "state",
        "attempts",
        "next_try_at",
        "created_at",
        "done_at",
        "last_error",
        "message_id",
    )

    @admin.display(description="Betreff")
    def shown_subject(self, obj: OutboxMail) -> str:
        return "vertraulich" if obj.private else obj.subject

    @admin.display(description="Text")
    def shown_text(self, obj: OutboxMail) -> str:
        return "vertraulich" if obj.private else obj.body


@admin.register(Job)
class JobAdmin(WorkAdmin):
    list_display = ("kind", "argument", "state", "attempts", "created_at", "done_at")
    fields = (
        "kind",
        "argument",
        "state",
        "attempts",
        "next_try_at",
        "created_at",
        "done_at",
        "last_error",
    )


@admin.register(ErasureRun)
class ErasureRunAdmin(DeskModelAdmin):
    """What each night's run erased and offered to the archive."""

    list_display = ("at", "shown_counts")
    fields = ("at", "report")

    @admin.display(description="Anzahl")
    def shown_counts(self, obj: ErasureRun) -> int:
        return sum(obj.counts.values())


@admin.register(Erasure)
class ErasureAdmin(DeskModelAdmin):
    """Every erasure by number; names and contents are gone."""

    list_display = ("at", "subject", "rule", "copied")
    list_filter = ("rule",)
    search_fields = ("subject",)
    fields = ("at", "subject", "rule", "copied")
