"""Textbausteine: dated texts of letters. One that stands in a letter is succeeded, not edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.urls import reverse

from applications.models import Letter, LetterBlock
from municipalities.admin import HistoryAdmin

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


def letters_with(block: LetterBlock) -> QuerySet[Letter]:
    """Letters written while the block was in force: its text may stand in them."""
    found = Letter.objects.filter(
        kind=block.kind, made_elsewhere=False, dated_on__gte=block.valid_from
    )
    if block.call_id:
        found = found.filter(application__call=block.call_id)
    return found.filter(dated_on__lte=block.valid_to) if block.valid_to else found


class LetterBlockForm(forms.ModelForm):
    """A block cannot end before the last letter in which it stands."""

    used_until: date | None = None

    def clean_valid_to(self) -> date | None:
        day: date | None = self.cleaned_data["valid_to"]
        if day and self.used_until and day < self.used_until:
            raise ValidationError(
                f"Ein Schreiben vom {self.used_until:%d.%m.%Y} enthält diesen Baustein."
            )
        return day


@admin.register(LetterBlock)
class LetterBlockAdmin(HistoryAdmin):
    form = LetterBlockForm
    list_display = (
        "kind",
        "key",
        "call",
        "valid_from",
        "valid_to",
        "confirmed_by_office",
        "is_sample",
    )
    list_display_links = ("kind", "key")
    list_select_related = ("call",)
    list_filter = ("kind", "key", "call", "is_sample")
    fields = (
        "kind",
        "key",
        "call",
        "text",
        "valid_from",
        "valid_to",
        "confirmed_by_office",
        "is_sample",
    )
    change_form_template = "admin/applications/letterblock_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: LetterBlock | None = None) -> Any:
        if obj is None or not letters_with(obj).exists():
            return ()
        return tuple(name for name in self.fields if name != "valid_to")

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        last = letters_with(obj).order_by("-dated_on").first() if obj else None
        form.used_until = last.dated_on if last else None
        return form

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        block = self.get_object(request, object_id)
        count = letters_with(block).count() if block else 0
        successor = reverse("admin:applications_letterblock_add")
        extra = {
            "used_in": count,
            "successor_href": (
                f"{successor}?{urlencode({'kind': block.kind, 'key': block.key})}"
                if block and self.has_add_permission(request)
                else ""
            ),
        }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})
