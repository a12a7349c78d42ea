"""Which table staff want, of which call, in which format."""

from __future__ import annotations

from typing import Any

from django import forms

from applications.models import FundingCall
from projects.resources.spreadsheets import FORMATS

CHOOSE = "Bitte wählen Sie eine der angebotenen Möglichkeiten."


class ExportForm(forms.Form):
    """Sent by GET: the address of a table can be kept."""

    use_required_attribute = False

    tabelle = forms.ChoiceField(
        label="Tabelle", error_messages={"invalid_choice": CHOOSE, "required": CHOOSE}
    )
    aufruf = forms.ModelChoiceField(
        label="Förderaufruf",
        queryset=FundingCall.objects.none(),
        required=False,
        empty_label="alle",
        help_text="Der Bericht gilt für einen Aufruf. Projekte und Kontakte: dessen Förderrunde.",
        error_messages={"invalid_choice": CHOOSE},
    )
    format = forms.ChoiceField(
        label="Format",
        choices=[(name, name.upper()) for name in FORMATS],
        error_messages={"invalid_choice": CHOOSE, "required": CHOOSE},
    )

    def __init__(
        self, *args: Any, tables: list[tuple[str, str]], needs_call: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.needs_call = needs_call
        self.fields["tabelle"].choices = tables  # type: ignore[attr-defined]
        calls = FundingCall.objects.filter(opened_at__isnull=False).select_related("round")
        self.fields["aufruf"].queryset = calls.order_by("-opens_at")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        wanted = cleaned.get("tabelle") == self.needs_call
        if wanted and not cleaned.get("aufruf") and "aufruf" not in self.errors:
            self.add_error("aufruf", "Bitte wählen Sie den Förderaufruf, über den berichtet wird.")
        return cleaned
