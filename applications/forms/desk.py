"""What staff type at the review desk: reasons, requests for information, proposals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django import forms

from applications.forms.fields import DayField, TextField
from applications.rules import Step
from kiv_portal.calendar import add_working_days, is_working_day
from municipalities.models import User
from municipalities.permissions import REVIEW, may_administer

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from applications.models import Application


class Needed:
    """A field that must not stay empty: at the desk nothing is saved half."""

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)  # type: ignore[arg-type]


class NeededText(Needed, TextField):
    """A text that must be there."""


class NeededDay(Needed, DayField):
    """A day that must be there."""


class PlainForm(forms.Form):
    """A move that needs nothing but the person's word."""


class ReasonForm(forms.Form):
    """A move that needs a reason."""

    reason = NeededText(
        label="Begründung",
        lines=5,
        max_length=4000,
        error_messages={"required": "Bitte geben Sie eine Begründung an."},
    )


class FileNumberForm(forms.Form):
    """The Geschäftszeichen from the authority's own file system."""

    file_number = NeededText(
        label="Geschäftszeichen",
        max_length=100,
        help_text="Wie es in der Aktenführung der Behörde steht; es kommt auf jedes Schreiben.",
        error_messages={"required": "Bitte geben Sie das Geschäftszeichen an."},
    )


class PersonField(forms.ModelChoiceField):
    """Somebody of the authority; what is not on offer is refused in one sentence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            empty_label="bitte wählen",
            error_messages={
                "required": "Bitte wählen Sie eine Person.",
                "invalid_choice": "Bitte wählen Sie eine Person aus der Liste.",
            },
            **options,
        )


class AssignForm(forms.Form):
    """Who is to handle the case."""

    reviewer = PersonField(queryset=User.objects.none(), label="Sachbearbeitung")

    def __init__(self, data: Any, *, application: Application) -> None:
        super().__init__(data, initial={"reviewer": application.reviewer_id})
        self.fields["reviewer"].queryset = reviewers()


def reviewers() -> QuerySet[User]:
    """The people who may check applications."""
    return User.objects.filter(is_staff=True, is_active=True, groups__name=REVIEW).order_by("email")


class DeputyForm(forms.Form):
    """Who is away, who stands in, and on which days."""

    absent = PersonField(queryset=User.objects.none(), label="Wer ist abwesend?")
    deputy = PersonField(queryset=User.objects.none(), label="Wer vertritt?")
    from_on = NeededDay(
        label="Von",
        help_text="TT.MM.JJJJ, erster Tag der Vertretung.",
        error_messages={"required": "Bitte geben Sie den ersten Tag an."},
    )
    to_on = NeededDay(
        label="Bis",
        help_text="TT.MM.JJJJ, letzter Tag der Vertretung.",
        error_messages={"required": "Bitte geben Sie den letzten Tag an."},
    )

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        self.fields["deputy"].queryset = reviewers()
        absent = reviewers()
        if not may_administer(user):
            absent = absent.filter(pk=user.pk)
            self.fields["absent"].initial = user.pk
        self.fields["absent"].queryset = absent


class InformationForm(forms.Form):
    """What the applicant is to hand in, section by section, until one date."""

    due_on = NeededDay(
        label="Termin für die Kommune",
        help_text="TT.MM.JJJJ. Vorgeschlagen sind 21 Tage; Sie können den Termin ändern.",
        error_messages={"required": "Bitte geben Sie einen Termin an."},
    )
    message = TextField(
        lines=5,
        label="Nachricht an die Kommune",
        required=False,
        max_length=4000,
        help_text="Steht über der Liste. Sie müssen hier nichts wiederholen.",
    )

    use_required_attribute = False  # a sentence is needed where the section is ticked

    SENTENCE: Final = "Bitte schreiben Sie in einem Satz, was fehlt oder zu ändern ist."
    TICK: Final = "Bitte kreuzen Sie den Abschnitt an oder löschen Sie den Satz."

    def __init__(self, *args: Any, today: date, hints: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        due_on, message = self.fields.pop("due_on"), self.fields.pop("message")
        for step in Step:
            self.fields[f"step_{step}"] = forms.BooleanField(
                label=f"{step.label} freigeben", required=False
            )
            self.fields[f"sentence_{step}"] = TextField(
                label=f"Was fehlt bei „{step.label}“?",
                max_length=500,
                widget=forms.Textarea(attrs={"rows": 2}),
                help_text=hints.get(step, ""),
            )
        self.fields |= {"due_on": due_on, "message": message}

    @property
    def sections(self) -> list[dict[str, Any]]:
        """The bound fields of each step, for the page."""
        return [
            {
                "label": step.label,
                "tick": self[f"step_{step}"],
                "sentence": self[f"sentence_{step}"],
            }
            for step in Step
        ]

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

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for step in Step:
            tick, sentence = cleaned.get(f"step_{step}"), cleaned.get(f"sentence_{step}")
            if tick and not sentence and f"sentence_{step}" not in self.errors:
                self.add_error(f"sentence_{step}", self.SENTENCE)
            if sentence and not tick:
                self.add_error(f"step_{step}", self.TICK)
        if not any(
            self.data.get(self.add_prefix(f"{part}_{step}"))
            for step in Step
            for part in ("step", "sentence")
        ):
            self.add_error(None, "Bitte kreuzen Sie mindestens einen Abschnitt an.")
        return cleaned

    @property
    def items(self) -> list[tuple[Step, str]]:
        """What is asked for, as the service takes it."""
        return [
            (step, self.cleaned_data[f"sentence_{step}"])
            for step in Step
            if self.cleaned_data[f"step_{step}"]
        ]


class ProposalSeenForm(forms.Form):
    """What holds for the very proposal that was on the page."""

    proposal = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=32767)


class SignatureForm(ProposalSeenForm):
    """The final signature; it holds for the very letter that was on the page, by its seal."""

    letter = forms.CharField(widget=forms.HiddenInput, max_length=64)


class ReturnForm(ProposalSeenForm, ReasonForm):
    """Giving back the very proposal that was on the page, with a reason."""
