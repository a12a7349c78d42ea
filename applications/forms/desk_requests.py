"""What staff type when something is missing: what is asked for, until when, what has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from django import forms

from applications.forms.desk import NeededDay, NeededText, ReasonForm
from applications.forms.fields import ChoiceField, SavedEmpty, TextField, with_blank
from applications.models.application import ReceivedAs
from applications.rules import Step
from applications.rules.unlocking import WHOLE
from applications.services import Wanted
from kiv_portal.calendar import add_working_days, is_working_day

if TYPE_CHECKING:
    from applications.models import RequestItem
    from applications.services.unlocking import Target

SENTENCE: Final = "Bitte schreiben Sie in einem Satz, was fehlt oder zu ändern ist."
TICK_SECTION: Final = "Bitte kreuzen Sie den Abschnitt an oder löschen Sie den Satz."
TICK_PLACE: Final = "Bitte kreuzen Sie die Stelle an oder löschen Sie den Satz."
NOTHING: Final = "Bitte kreuzen Sie mindestens eine Angabe oder einen Abschnitt an."
LONGEST_SENTENCE: Final = 500


class UntilForm(forms.Form):
    """One date told to people; it is the date that counts, so a working day (§ 193 BGB)."""

    use_required_attribute = False
    due_on = NeededDay(
        label="Termin für die Kommune",
        help_text="TT.MM.JJJJ. Vorgeschlagen sind 21 Tage; Sie können den Termin ändern.",
        error_messages={"required": "Bitte geben Sie einen Termin an."},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_due_on(self) -> date:
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


@dataclass(frozen=True, slots=True)
class Place:
    """A place that can be asked for, with the names of its two inputs."""

    target: Target

    @property
    def tick(self) -> str:
        """The input by which it is chosen."""
        return self._name("step", "pick")

    @property
    def sentence(self) -> str:
        """The input for what is missing there."""
        return self._name("sentence", "say")

    def _name(self, whole: str, part: str) -> str:
        if self.target.key == WHOLE:
            return f"{whole}_{self.target.step}"
        return f"{part}_{self.target.step}_{self.target.key}".replace(":", "_")


class InformationForm(UntilForm):
    """What the applicant is to hand in: sections, fields, rows, documents, until one date."""

    message = TextField(
        lines=5,
        label="Nachricht an die Kommune",
        required=False,
        max_length=4000,
        help_text="Steht über der Liste. Sie müssen hier nichts wiederholen.",
    )

    def __init__(
        self,
        *args: Any,
        targets: Iterable[Target],
        hints: Mapping[str, str],
        again: Iterable[RequestItem] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        due_on, message = self.fields.pop("due_on"), self.fields.pop("message")
        self.places = [Place(target) for target in targets]
        for place in self.places:
            label = place.target.label or f"{place.target.step.label}"
            whole = place.target.key == WHOLE
            self.fields[place.tick] = forms.BooleanField(
                label=f"Abschnitt {label} ganz freigeben" if whole else label, required=False
            )
            self.fields[place.sentence] = TextField(
                label=f"Was fehlt bei „{label}“?",
                max_length=LONGEST_SENTENCE,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
        self.hints = hints
        self.fields |= {"due_on": due_on, "message": message}
        by_key = {(place.target.step.value, place.target.key): place for place in self.places}
        for item in again:
            if place := by_key.get((item.step, item.target)):
                self.initial |= {place.tick: True, place.sentence: item.sentence}

    @property
    def sections(self) -> list[dict[str, Any]]:
        """The bound fields of each section: single places, and the section as a whole."""
        return [self._section(step, [*places]) for step, places in self._by_step()]

    def _by_step(self) -> Iterable[tuple[Step, Iterable[Place]]]:
        return groupby(self.places, key=lambda place: place.target.step)

    def _section(self, step: Step, places: Sequence[Place]) -> dict[str, Any]:
        pairs = [
            {
                "tick": self[place.tick],
                "sentence": self[place.sentence],
                "chosen": bool(self[place.tick].value() or self[place.sentence].value()),
            }
            for place in places
        ]
        return {
            "label": step.label,
            "hint": self.hints.get(step, ""),
            "whole": pairs[0],
            "parts": pairs[1:],
            "chosen": sum(pair["chosen"] for pair in pairs[1:]),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        asked = False
        for place in self.places:
            tick, sentence = cleaned.get(place.tick), cleaned.get(place.sentence)
            asked = asked or bool(tick or sentence or place.sentence in self.errors)
            if tick and not sentence and place.sentence not in self.errors:
                self.add_error(place.sentence, SENTENCE)
            if sentence and not tick:
                whole = place.target.key == WHOLE
                self.add_error(place.tick, TICK_SECTION if whole else TICK_PLACE)
        if not asked:
            self.add_error(None, NOTHING)
        return cleaned

    @property
    def items(self) -> list[Wanted]:
        """What is asked for, as the service takes it."""
        return [
            Wanted(place.target.step, self.cleaned_data[place.sentence], place.target.key)
            for place in self.places
            if self.cleaned_data[place.tick]
        ]


class PhoneForm(UntilForm):
    """A Rückfrage by telephone: what was said, and the one place that it opens."""

    note = NeededText(
        label="Telefonvermerk",
        lines=5,
        max_length=4000,
        help_text="Mit wem, worüber, was ist vereinbart? Nur für die Behörde; die Kommune sieht "
        "ihn nie.",
        error_messages={"required": "Bitte halten Sie das Gespräch fest."},
    )
    place = ChoiceField(label="Was die Kommune ändern kann")
    sentence = NeededText(
        label="Worum die Kommune gebeten ist",
        max_length=LONGEST_SENTENCE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Ein Satz. Die Kommune liest ihn über dem Feld.",
        error_messages={"required": SENTENCE},
    )
    field_order = ("note", "place", "sentence", "due_on")

    def __init__(self, *args: Any, targets: Iterable[Target], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parts = [target for target in targets if target.key != WHOLE]
        self.targets = {f"{target.step}/{target.key}": target for target in parts}
        groups: dict[str, list[tuple[str, str]]] = {}
        for key, target in self.targets.items():
            groups.setdefault(target.step.label, []).append((key, target.label))
        self.fields["place"].choices = [("", "Bitte wählen"), *groups.items()]

    def clean_place(self) -> str:
        if not self.cleaned_data["place"]:
            raise forms.ValidationError("Bitte wählen Sie, was die Kommune ändern kann.")
        return str(self.cleaned_data["place"])

    @property
    def item(self) -> Wanted:
        """What is asked for, as the service takes it."""
        target = self.targets[self.cleaned_data["place"]]
        return Wanted(target.step, self.cleaned_data["sentence"], target.key)


class RequestSeenForm(forms.Form):
    """What holds for the very request that was on the page, by its number."""

    request = forms.IntegerField(
        required=False, widget=forms.HiddenInput, min_value=1, max_value=32767
    )


class ProceedForm(RequestSeenForm, ReasonForm):
    """Going on without an answer, and why."""


class ExtendForm(RequestSeenForm, UntilForm, ReasonForm):
    """A later date, and why."""

    field_order = ("due_on", "reason")

    def __init__(self, *args: Any, before: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = before
        self.fields["due_on"].label = "Neuer Termin für die Kommune"
        self.fields["due_on"].help_text = f"TT.MM.JJJJ, nach dem {before:%d.%m.%Y}"

    def clean_due_on(self) -> date:
        day = super().clean_due_on()
        if day <= self.before:
            raise forms.ValidationError(
                f"Der neue Termin muss nach dem bisherigen liegen ({self.before:%d.%m.%Y})."
            )
        return day


class SettledField(SavedEmpty, forms.MultipleChoiceField):
    """The points that are ticked off; none is an answer too."""

    widget = forms.CheckboxSelectMultiple


class SettleForm(forms.Form):
    """Which points of the answered request are settled."""

    use_required_attribute = False
    settled = SettledField(
        label="Erledigt",
        help_text="Was Sie nicht ankreuzen, bleibt offen und lässt sich erneut nachfordern.",
    )

    def __init__(self, *args: Any, items: Iterable[RequestItem], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        items = list(items)
        self.fields["settled"].choices = [
            (str(item.pk), f"{item.place} – {item.sentence}") for item in items
        ]
        self.initial["settled"] = [str(item.pk) for item in items if item.settled_at]


class PaperForm(RequestSeenForm, SettleForm):
    """An answer that came on paper: how, when, the thing itself, and what it settles."""

    field_order = ("received_as", "arrived_on", "upload", "settled")
    received_as = ChoiceField(label="Wie eingegangen", choices=with_blank(ReceivedAs.choices))
    arrived_on = NeededDay(
        label="Eingegangen am",
        help_text="TT.MM.JJJJ, wie auf dem Eingangsstempel oder in der E-Mail.",
        error_messages={"required": "Bitte geben Sie den Tag des Eingangs an."},
    )
    upload = forms.FileField(
        label="Die Antwort, wie sie eingegangen ist",
        help_text="Scan oder Anhang, in einer Datei. Sie wird eine Anlage des Antrags.",
        widget=forms.FileInput(),
        error_messages={
            "required": "Bitte laden Sie hoch, was eingegangen ist.",
            "empty": "Diese Datei ist leer.",
        },
    )

    def __init__(self, *args: Any, items: Iterable[RequestItem], **kwargs: Any) -> None:
        super().__init__(*args, items=items, **kwargs)
        self.fields["settled"].label = "Damit erledigt"

    def clean_received_as(self) -> str:
        value: str = self.cleaned_data["received_as"]
        if not value:
            raise forms.ValidationError("Bitte wählen Sie, wie die Antwort gekommen ist.")
        return value
