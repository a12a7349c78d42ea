"""What staff type at the review desk: reasons, requests for information, proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from applications.forms.fields import DayField, MailField, TextField, from_model
from applications.models.notes import NoteKind
from municipalities.models import User
from municipalities.permissions import REVIEW, may_administer
from projects.models import Project

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


class WithdrawProjectForm(ReasonForm):
    """Why a project leaves the directory, as long as its record there holds it."""

    reason = from_model(
        Project,
        "withdrawn_reason",
        kind=NeededText,
        label="Begründung",
        lines=5,
        error_messages={"required": "Bitte geben Sie eine Begründung an."},
    )


class PublishForm(forms.Form):
    """What is shown where the municipality does not answer: a mailbox, or nothing."""

    mailbox = MailField(
        label="Funktionspostfach, falls die Kommune nicht antwortet",
        max_length=254,
        required=False,
        help_text=(
            "Vorgeschlagen ist die Adresse aus dem Antrag. Ist es die einer Person, tragen Sie "
            "bitte ein Funktionspostfach ein oder lassen Sie das Feld leer."
        ),
    )


class FileNumberForm(forms.Form):
    """The Geschäftszeichen from the authority's own file system."""

    file_number = NeededText(
        label="Geschäftszeichen",
        max_length=100,
        help_text="Wie es in der Aktenführung der Behörde steht; es kommt auf jedes Schreiben.",
        error_messages={"required": "Bitte geben Sie das Geschäftszeichen an."},
    )


class BeginForm(forms.Form):
    """The Geschäftszeichen, where there is one already: it saves a step."""

    use_required_attribute = False
    file_number = TextField(
        label="Geschäftszeichen",
        required=False,
        max_length=100,
        help_text="Steht auf jedem Schreiben; eintragen lässt es sich auch später.",
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


class NoteForm(forms.Form):
    """A Vermerk, of one's own or about a telephone call."""

    kind = forms.ChoiceField(
        label="Art",
        choices=NoteKind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Bitte wählen Sie die Art des Vermerks."},
    )
    text = NeededText(
        label="Vermerk (nur für die Behörde)",
        lines=8,
        max_length=10_000,
        help_text="Bei einem Telefonat: mit wem, worüber, mit welchem Ergebnis.",
        error_messages={"required": "Bitte schreiben Sie den Vermerk."},
    )


class MessageForm(forms.Form):
    """A message to the municipality, and the word that it is meant for them."""

    text = NeededText(
        label="Nachricht an die Kommune",
        lines=8,
        max_length=10_000,
        error_messages={"required": "Bitte schreiben Sie die Nachricht."},
    )
    meant = forms.BooleanField(
        label="Die Kommune soll diesen Text lesen",
        error_messages={
            "required": "Bitte bestätigen Sie, dass der Text für die Kommune bestimmt ist."
        },
    )


class RecusalForm(forms.Form):
    """One tick."""

    recused = forms.BooleanField(
        label="Ich bin in diesem Fall befangen oder besorge, dafür gehalten zu werden",
        error_messages={"required": "Bitte kreuzen Sie das an, wenn Sie befangen sind."},
    )


class LiftForm(ReasonForm):
    """Whose Befangenheit ends, and why."""

    person = PersonField(queryset=User.objects.none(), label="Wer ist nicht befangen?")
    field_order = ("person", "reason")

    def __init__(self, data: Any, *, application: Application) -> None:
        super().__init__(data)
        self.fields["person"].queryset = User.objects.filter(pk__in=application.recused)


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


class ProposalSeenForm(forms.Form):
    """What holds for the very proposal that was on the page."""

    proposal = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=32767)


class SignatureForm(ProposalSeenForm):
    """The final signature; it holds for the very letter that was on the page, by its seal."""

    letter = forms.CharField(widget=forms.HiddenInput, max_length=64)


class ReturnForm(ProposalSeenForm, ReasonForm):
    """Giving back the very proposal that was on the page, with a reason."""
