"""What staff type about letters: their text, hearings, how they are sent, what follows."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import date
from typing import Any, Final

from django import forms

from applications.forms.desk import NeededDay, NeededText
from applications.forms.fields import ChoiceField, DayField, EuroField, SavedEmpty, TextField
from applications.models.delivery import EntryKind
from applications.models.letters import LetterKind
from applications.services import Elsewhere
from kiv_portal.calendar import add_working_days, is_working_day
from kiv_portal.models import DeliveryWay

NO_DAY: Final = "Bitte geben Sie den Tag an."
MADE: Final = (
    ("here", "im Portal, aus den Textbausteinen"),
    ("elsewhere", "außerhalb des Portals; ich lade das unterschriebene PDF hoch"),
)


class UploadField(SavedEmpty, forms.FileField):
    """A PDF from outside; what it really is, the service looks into."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.FileInput(attrs={"accept": "application/pdf"}))
        super().__init__(**options)


class TickedField(SavedEmpty, forms.MultipleChoiceField):
    """What a person ticks; what must be ticked is said by the service."""

    widget = forms.CheckboxSelectMultiple


class SignForm(forms.Form):
    """The hash of the letter that the person read."""

    seen = forms.CharField(widget=forms.HiddenInput(), required=False)


class ElsewhereForm(forms.Form):
    """The choice between the portal's letter and one made elsewhere."""

    use_required_attribute = False
    made = ChoiceField(
        label="Wie entsteht das Schreiben?",
        choices=MADE,
        widget=forms.RadioSelect,
        initial="here",
    )
    upload = UploadField(label="Unterschriebenes Schreiben (PDF)")
    letter_dated_on = DayField(label="Datum des Schreibens", help_text="TT.MM.JJJJ")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("made") == "elsewhere":
            if not cleaned.get("upload") and "upload" not in self.errors:
                self.add_error("upload", "Bitte laden Sie das unterschriebene Schreiben hoch.")
            if not cleaned.get("letter_dated_on") and "letter_dated_on" not in self.errors:
                self.add_error("letter_dated_on", NO_DAY)
        return cleaned

    @property
    def elsewhere(self) -> Elsewhere | None:
        """The uploaded letter, as the services take it; None where the portal makes it."""
        if self.cleaned_data.get("made") != "elsewhere":
            return None
        return Elsewhere(self.cleaned_data["upload"], self.cleaned_data["letter_dated_on"])


class HearingForm(ElsewhereForm):
    """What is intended and why, and until when the municipality may answer."""

    text = NeededText(
        label="Was beabsichtigt ist und warum",
        lines=8,
        help_text="Steht im Anhörungsschreiben. Absätze trennen Sie durch eine Leerzeile.",
        error_messages={"required": "Bitte schreiben Sie, was beabsichtigt ist und warum."},
    )
    due_on = NeededDay(
        label="Termin für die Äußerung",
        help_text="TT.MM.JJJJ. Vorgeschlagen sind vier Wochen; Sie können den Termin ändern.",
        error_messages={"required": "Bitte geben Sie einen Termin an."},
    )
    field_order = ("text", "due_on", "made", "upload", "letter_dated_on")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_due_on(self) -> date:
        """The date told to people is the date that counts, so it must be a working day (§ 193)."""
        day: date = self.cleaned_data["due_on"]
        if day <= self.today:
            raise forms.ValidationError("Der Termin muss nach dem heutigen Tag liegen.")
        try:
            if not is_working_day(day):
                raise forms.ValidationError(
                    "Dieser Tag ist ein Samstag, Sonntag oder Feiertag in Hessen. Der nächste "
                    f"Werktag ist der {add_working_days(day, 1):%d.%m.%Y}."
                )
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return day


class HearingAnswerForm(forms.Form):
    """What the municipality said; both fields stay empty where nothing came."""

    use_required_attribute = False
    answer = TextField(
        label="Äußerung der Kommune",
        lines=8,
        help_text="Wörtlich oder zusammengefasst. Leer lassen, wenn bis zum Termin keine kam.",
    )
    answered_on = DayField(label="Eingegangen am", help_text="TT.MM.JJJJ")

    def show_faults(self, faults: dict[str, str]) -> None:
        """Put what the service says beside the fields it is about."""
        for name, message in faults.items():
            self.add_error(name, message)


class LetterEditForm(forms.Form):
    """The parts of one letter as they are to be sent; the seal says which draft was on the page."""

    use_required_attribute = False
    letter = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(
        self, *args: Any, parts: Sequence[tuple[str, str, str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.parts = parts
        for key, heading, _, now in parts:
            self.fields[f"part_{key}"] = TextField(
                label=heading, lines=min(14, max(3, now.count("\n") + len(now) // 90 + 1))
            )
            self.initial[f"part_{key}"] = now

    @property
    def edits(self) -> dict[str, str]:
        """The parts that differ from what the blocks say, with their whole text."""
        return {
            key: self.cleaned_data[f"part_{key}"]
            for key, _, plain, _ in self.parts
            if self.cleaned_data[f"part_{key}"].split() != plain.split()
        }

    def show_empty(self, keys: Sequence[str]) -> None:
        """Say beside the fields which parts must not stay empty."""
        for key in keys:
            self.add_error(f"part_{key}", "Dieser Teil darf nicht leer sein.")


class SealForm(forms.Form):
    """A word on the very letter that was on the page."""

    letter = forms.CharField(widget=forms.HiddenInput, max_length=64)


class NewLetterForm(ElsewhereForm):
    """A letter that decides nothing."""

    kind = ChoiceField(label="Schreiben", widget=forms.RadioSelect)
    text = TextField(
        label="Zusätzlicher Text",
        required=False,
        lines=6,
        help_text="Steht nach der Einleitung. Absätze trennen Sie durch eine Leerzeile.",
    )
    field_order = ("kind", "text", "made", "upload", "letter_dated_on")

    def __init__(self, *args: Any, kinds: Sequence[LetterKind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]

    def clean_kind(self) -> str:
        if not self.cleaned_data["kind"]:
            raise forms.ValidationError("Bitte wählen Sie, welches Schreiben entstehen soll.")
        return str(self.cleaned_data["kind"])


class DeliverForm(forms.Form):
    """The way a letter goes; none is the default unless the authority's record names one."""

    use_required_attribute = False
    way = forms.ChoiceField(
        label="Weg der Bekanntgabe",
        choices=DeliveryWay.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Bitte wählen Sie den Weg der Bekanntgabe."},
    )
    sent_on = DayField(
        label="Zur Post gegeben oder abgesandt am",
        required=False,
        help_text="TT.MM.JJJJ. Nur bei Post und Empfangsbekenntnis; leer: heute.",
    )

    def offer(self, ways: Container[str]) -> None:
        """Show only these ways; why another is not possible, the page says and the service."""
        self.fields["way"].widget.choices = [
            (way, label) for way, label in DeliveryWay.choices if way in ways
        ]


class AcknowledgeForm(forms.Form):
    """The date on the Empfangsbekenntnis."""

    received_on = NeededDay(
        label="Datum auf dem Empfangsbekenntnis",
        help_text="TT.MM.JJJJ",
        error_messages={"required": NO_DAY},
    )


class ConsentForm(forms.Form):
    """The municipality's consent, as it lies on file."""

    given_on = NeededDay(
        label="Erteilt am", help_text="TT.MM.JJJJ", error_messages={"required": NO_DAY}
    )
    note = NeededText(
        label="Fundstelle in der Akte",
        max_length=300,
        error_messages={"required": "Bitte geben Sie an, wo die Einwilligung abgelegt ist."},
    )


class ConsentEndForm(forms.Form):
    """The day on which the municipality withdrew its consent."""

    ended_on = NeededDay(
        label="Widerrufen am", help_text="TT.MM.JJJJ", error_messages={"required": NO_DAY}
    )


class EntryForm(forms.Form):
    """A dated entry after the notice."""

    use_required_attribute = False
    kind = forms.ChoiceField(
        label="Eintrag",
        choices=EntryKind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Bitte wählen Sie, was Sie eintragen."},
    )
    on = DayField(label="Tag", help_text="TT.MM.JJJJ")
    amount = EuroField(label="Betrag", required=False, help_text="Nur bei einer Auszahlung.")
    court = TextField(
        label="Gericht", required=False, max_length=200, help_text="Nur bei einer Klage."
    )
    court_file = TextField(label="Aktenzeichen des Gerichts", required=False, max_length=100)
    note = TextField(label="Bemerkung", required=False, max_length=500, lines=2)

    def show_faults(self, faults: dict[str, str]) -> None:
        """Put what the service says beside the fields it is about."""
        for name, message in faults.items():
            if name not in self.errors:
                self.add_error(name, message)
