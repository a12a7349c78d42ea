"""Holds on files, and what the archive says to the files it was offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.urls import reverse

from applications.models import ArchiveAnswer, ArchiveOffer, RetentionHold
from applications.permissions import visible_at_desk
from applications.services import erasure
from municipalities.admin import DeskModelAdmin, HistoryAdmin

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class HoldForm(forms.ModelForm):
    """The case is named by its number, as it stands on every letter."""

    reference = forms.CharField(label="Antragsnummer", max_length=20)

    class Meta:
        model = RetentionHold
        fields = ("reason",)

    def clean_reference(self) -> str:
        reference = self.cleaned_data["reference"].strip()
        case = visible_at_desk(self.person).filter(reference=reference).first()
        if case is None:
            raise forms.ValidationError("Diese Antragsnummer gibt es nicht.")
        if case.holds.filter(lifted_at__isnull=True).exists():
            raise forms.ValidationError("Für diesen Antrag gilt schon eine Löschsperre.")
        self.instance.application = case
        return reference


@admin.register(RetentionHold)
class RetentionHoldAdmin(DeskModelAdmin):
    """Löschsperren: set with a reason, lifted by a person, never deleted by hand."""

    list_display = ("application", "reason", "since", "by", "lifted_at", "lifted_by")
    list_select_related = ("application", "by", "lifted_by")
    list_filter = ("since",)
    search_fields = ("application__reference", "reason")
    actions = ("lift",)
    fields = ("application", "reason", "since", "by", "lifted_at", "lifted_by")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return type("HoldForm", (HoldForm,), {"person": request.user})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is not None else ("reference", "reason")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = erasure.hold(
            application=obj.application,
            reason=obj.reason,
            by=request.user,  # type: ignore[arg-type]
            at=request.arrived_at,  # type: ignore[attr-defined]
        )
        obj.pk = made.pk

    @admin.action(description="Löschsperre aufheben", permissions=["add"])
    def lift(self, request: HttpRequest, queryset: QuerySet[RetentionHold]) -> None:
        count = 0
        for row in queryset.filter(lifted_at__isnull=True).select_related("application"):
            erasure.lift_hold(
                application=row.application,
                by=request.user,  # type: ignore[arg-type]
                at=request.arrived_at,  # type: ignore[attr-defined]
            )
            count += 1
        self.message_user(request, f"{count} aufgehoben.", messages.SUCCESS)


@admin.register(ArchiveOffer)
class ArchiveOfferAdmin(HistoryAdmin):
    """Anbietungen: the list for the archive, and its answers; made by the night's run alone."""

    list_display = (
        "reference",
        "file_number",
        "municipality",
        "outcome",
        "answer",
        "handed_over_on",
    )
    list_filter = ("answer", "offered_at")
    search_fields = ("reference", "file_number", "municipality")
    told = ("reference", "file_number", "municipality", "call", "outcome", "concluded_on")
    readonly_fields = (*told, "offered_at", "recorded_by")
    fields = (*readonly_fields, "answer", "answered_on", "handed_over_on")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.recorded_by = request.user
        super().save_model(request, obj, form, change)

    def desk_tasks(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Offers whose answer nobody has entered, for those who may."""
        if not self.has_change_permission(request):
            return []
        changelist = reverse("admin:applications_archiveoffer_changelist")
        waiting = ArchiveOffer.objects.filter(answer=ArchiveAnswer.OPEN)
        return [
            {
                "label": "Anbietungen an das Archiv: Antwort offen",
                "count": waiting.count(),
                "href": f"{changelist}?answer__exact={ArchiveAnswer.OPEN}",
                "to_do": True,
            }
        ]
