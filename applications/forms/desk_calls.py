"""Forms of the funding call at the desk: its fields, and its extension."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from applications.forms.desk import NeededText
from applications.forms.fields import EuroField
from applications.models import CallBudget, CheckItem, FundingCall
from applications.rules import DocumentKind


class FundingCallForm(forms.ModelForm):
    """A call; amounts are typed the German way, documents are ticked."""

    cap = EuroField(label="Höchstbetrag in Euro", required=False)
    rate = forms.DecimalField(
        label="Fördersatz (0 bis 1)",
        required=False,
        localize=True,
        max_digits=5,
        decimal_places=4,
        min_value=0,
        max_value=1,
        help_text="Zum Beispiel 0,9 für 90 vom Hundert.",
    )
    required_documents = forms.MultipleChoiceField(
        label="verlangte Anlagen",
        choices=[(kind.value, kind.label) for kind in DocumentKind],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django leaves the two halves of an instant without a name.
        for name in {"opens_at", "closes_at"} & self.fields.keys():
            field = self.fields[name]
            halves = getattr(field.widget, "widgets", ())
            for part, half in zip(halves, ("Tag", "Uhrzeit"), strict=False):
                part.attrs["aria-label"] = f"{field.label}: {half}"

    class Meta:
        model = FundingCall
        fields = "__all__"  # noqa: DJ007  # the admin names them


class CallBudgetForm(forms.ModelForm):
    """A Haushaltsjahr of a call; amounts are typed the German way, empty means not entered."""

    year = forms.IntegerField(label="Haushaltsjahr", min_value=2020, max_value=2050)
    funds = EuroField(label="Haushaltsmittel", required=False)
    commitment = EuroField(
        label="Verpflichtungsermächtigung",
        required=False,
        help_text="Was in früheren Jahren für dieses Haushaltsjahr bewilligt werden darf.",
    )

    class Meta:
        model = CallBudget
        fields = ("year", "funds", "commitment", "source")


class CheckItemForm(forms.ModelForm):
    """A line of a call's checklist."""

    class Meta:
        model = CheckItem
        fields = ("kind", "position", "text", "source", "findings")


class ExtensionForm(forms.Form):
    """A later end, and the notice that tells the public why."""

    closes_at = forms.SplitDateTimeField(
        label="Neues Ende",
        input_date_formats=["%d.%m.%Y", "%Y-%m-%d"],
        input_time_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.SplitDateTimeWidget(
            date_format="%d.%m.%Y",
            time_format="%H:%M",
            date_attrs={"inputmode": "numeric", "aria-label": "Neues Ende: Tag"},
            time_attrs={"inputmode": "numeric", "aria-label": "Neues Ende: Uhrzeit"},
        ),
        help_text="Tag als TT.MM.JJJJ, Uhrzeit als HH:MM; in diesem Augenblick endet der Aufruf.",
        error_messages={
            "required": "Bitte geben Sie Tag und Uhrzeit des neuen Endes an.",
            "invalid_date": "Bitte geben Sie den Tag als TT.MM.JJJJ an.",
            "invalid_time": "Bitte geben Sie die Uhrzeit als HH:MM an.",
        },
    )
    notice = NeededText(
        label="Öffentlicher Hinweis zur Frist",
        lines=3,
        max_length=300,
        help_text="Steht auf den öffentlichen Seiten, mit dem Grund der Verlängerung.",
        error_messages={"required": "Bitte geben Sie den öffentlichen Hinweis an."},
    )

    def __init__(self, *args: Any, after: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.after = after

    def clean_closes_at(self) -> datetime:
        closes_at: datetime = self.cleaned_data["closes_at"]
        if closes_at <= self.after:
            raise forms.ValidationError(
                "Das neue Ende muss nach dem bisherigen und nach dem jetzigen Zeitpunkt liegen."
            )
        return closes_at
