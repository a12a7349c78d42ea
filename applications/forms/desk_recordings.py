"""What staff say of an application that came otherwise."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError

from applications.forms.desk import NeededDay, NeededText
from applications.forms.fields import ChoiceField, TextField, with_blank
from applications.models import FundingCall
from applications.models.application import ReceivedAs
from municipalities.models import Municipality

if TYPE_CHECKING:
    from datetime import date

CHOOSE: Final = "Bitte wählen Sie eine der angebotenen Möglichkeiten."
WRITE_TIME: Final = "Bitte geben Sie die Uhrzeit als HH:MM ein, zum Beispiel 09:30."


class TimeField(TextField):
    """A time of day typed as HH:MM; may stay empty."""

    def clean(self, value: Any) -> time | None:
        text = self.to_python(value)
        if not text:
            return None
        try:
            return datetime.strptime(text.removesuffix("Uhr").strip(), "%H:%M").time()  # noqa: DTZ007
        except ValueError as error:
            raise ValidationError(WRITE_TIME) from error


class ArrivalForm(forms.Form):
    """Who applied, how and when it came, and why not through the portal."""

    use_required_attribute = False

    call = forms.ModelChoiceField(
        label="Förderaufruf",
        queryset=FundingCall.objects.none(),
        empty_label="Bitte wählen",
        error_messages={"required": CHOOSE, "invalid_choice": CHOOSE},
    )
    lead = forms.ModelChoiceField(
        label="Antragstellende Kommune",
        queryset=Municipality.objects.none(),
        empty_label="Bitte wählen",
        help_text="Im Verbund die federführende Kommune.",
        error_messages={"required": CHOOSE, "invalid_choice": CHOOSE},
    )
    received_as = ChoiceField(label="Wie eingegangen", choices=with_blank(ReceivedAs.choices))
    arrived_on = NeededDay(
        label="Eingegangen am",
        help_text="TT.MM.JJJJ, wie auf dem Eingangsstempel oder in der E-Mail.",
        error_messages={"required": "Bitte geben Sie den Tag des Eingangs an."},
    )
    arrived_time = TimeField(
        label="Uhrzeit des Eingangs",
        required=False,
        help_text="HH:MM, wenn sie bekannt ist.",
        widget=forms.TextInput(attrs={"class": "input-short"}),
    )
    reason = NeededText(
        label="Warum nicht über das Portal",
        max_length=500,
        lines=2,
        error_messages={"required": "Bitte geben Sie den Grund an."},
    )

    def __init__(self, *args: Any, on: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        calls = FundingCall.objects.filter(opened_at__isnull=False, display_only=False)
        towns = Municipality.objects.in_force(on).able_to_apply().order_by("sort_key")
        self.fields["call"].queryset = calls.order_by("-opens_at")  # type: ignore[attr-defined]
        self.fields["lead"].queryset = towns  # type: ignore[attr-defined]

    def clean_received_as(self) -> str:
        value: str = self.cleaned_data["received_as"]
        if not value:
            raise ValidationError("Bitte wählen Sie, wie der Antrag gekommen ist.")
        return value


class RecordingForm(ArrivalForm):
    """The same with what came. Who has applied already is told before anything is begun."""

    upload = forms.FileField(
        label="Der Antrag, wie er eingegangen ist",
        help_text="Scan oder Anhang. Weitere Anlagen kommen danach dazu.",
        widget=forms.FileInput(),
        error_messages={
            "required": "Bitte laden Sie den eingegangenen Antrag hoch.",
            "empty": "Diese Datei ist leer.",
        },
    )

    anyway = forms.BooleanField(
        label="Trotzdem erfassen",
        required=False,
        widget=forms.HiddenInput(),
        help_text="Bestätigen lässt er sich erst, wenn der andere Antrag nicht mehr läuft.",
    )

    def ask_anyway(self, references: list[str]) -> None:
        """Say which application there is, and let the person go on all the same."""
        town, numbers = self.cleaned_data["lead"].short_name, " und ".join(references)
        self.fields["anyway"].widget = forms.CheckboxInput()
        self.add_error(
            "lead",
            f"{town} steht in diesem Aufruf schon im Antrag {numbers}. Bitte vergleichen Sie. "
            "Soll trotzdem erfasst werden, kreuzen Sie das unten an und wählen die Datei erneut.",
        )


class TakeOverForm(forms.Form):
    """Taking a recording over from somebody who may be writing in it at this moment."""

    use_required_attribute = False
    agreed = forms.BooleanField(
        label="Die Person schreibt gerade nicht weiter, oder wir haben uns abgesprochen.",
        required=False,
        help_text="Was sie noch nicht gespeichert hat, geht sonst verloren.",
    )

    def ask(self) -> None:
        """Say that the tick is needed."""
        text = (
            "Hier wurde in der letzten Stunde noch geschrieben. Bitte sprechen Sie sich ab und "
            "kreuzen Sie das an."
        )
        self.add_error("agreed", text)


class RecordingReasonForm(forms.Form):
    """Why a recording is given back or thrown away."""

    use_required_attribute = False
    reason = NeededText(
        label="Begründung",
        max_length=500,
        lines=2,
        error_messages={"required": "Bitte geben Sie eine Begründung an."},
    )
