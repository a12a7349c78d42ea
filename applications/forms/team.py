"""Inputs around the people of an application: guests, remarks, handing over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django import forms

from applications.forms.fields import (
    ChoiceField,
    DayField,
    MailField,
    TextField,
    TickField,
    with_blank,
)
from applications.models import GuestRole
from applications.rules import Step

if TYPE_CHECKING:
    from django.http import QueryDict

    from municipalities.models import User

LONGEST_COMMENT: Final = 4_000

GIVE_MAIL: Final = "Bitte geben Sie die E-Mail-Adresse der Person an, die Sie einladen möchten."
CHOOSE_ROLE: Final = "Bitte wählen Sie, was der Gast darf."
GIVE_END: Final = "Bitte geben Sie an, bis wann der Zugang gilt."
WRITE_COMMENT: Final = "Bitte schreiben Sie Ihren Kommentar."
CHOOSE_STEP: Final = "Bitte wählen Sie, zu welchem Abschnitt der Kommentar gehört."
CHOOSE_PERSON: Final = "Bitte wählen Sie, wer den Antrag übernimmt."

ROLES: Final = [(role.value, role.label.capitalize()) for role in GuestRole]


class AccessForm(forms.Form):
    """What a guest may do, and until when."""

    use_required_attribute = False

    rolle = ChoiceField(label="Was der Gast darf", choices=ROLES, widget=forms.RadioSelect)
    bis = DayField(
        label="Zugang bis",
        help_text="TT.MM.JJJJ, höchstens ein Jahr. Sie können ihn jederzeit beenden.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, message in (("rolle", CHOOSE_ROLE), ("bis", GIVE_END)):
            if name in cleaned and not cleaned[name]:
                self.add_error(name, message)
        return cleaned

    @property
    def role(self) -> GuestRole:
        """The role chosen; after `is_valid`."""
        return GuestRole(self.cleaned_data["rolle"])

    @property
    def until(self) -> date:
        """The last day of the access; after `is_valid`."""
        day: date = self.cleaned_data["bis"]
        return day


class GuestForm(AccessForm):
    """Whom to invite. Only that address can accept."""

    email = MailField(
        label="E-Mail-Adresse",
        max_length=254,
        help_text="Nur mit dieser Adresse kann die Einladung angenommen werden.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("email", "rolle", "bis")

    def clean_email(self) -> str:
        if not self.cleaned_data["email"]:
            raise forms.ValidationError(GIVE_MAIL)
        return str(self.cleaned_data["email"]).lower()


class CommentForm(forms.Form):
    """A remark on one section."""

    use_required_attribute = False

    abschnitt = ChoiceField(
        label="Abschnitt", choices=with_blank([(step.value, step.label) for step in Step])
    )
    text = TextField(label="Kommentar", lines=4, max_length=LONGEST_COMMENT)

    def __init__(
        self, data: QueryDict | None = None, *, steps: Sequence[Step], step: Step | None = None
    ) -> None:
        super().__init__(data, initial={"abschnitt": step.value if step else ""})
        self.fields["abschnitt"].choices = with_blank([(one.value, one.label) for one in steps])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, message in (("abschnitt", CHOOSE_STEP), ("text", WRITE_COMMENT)):
            if name in cleaned and not cleaned[name]:
                self.add_error(name, message)
        return cleaned

    @property
    def step(self) -> Step:
        """The section it is about; after `is_valid`."""
        return Step(self.cleaned_data["abschnitt"])


class HandOverForm(forms.Form):
    """Who takes charge."""

    use_required_attribute = False

    person = ChoiceField(label="Neue zuständige Person")
    kontakte = TickField(
        label="",
        help_text=(
            "Name und E-Mail-Adresse, und die Telefonnummer, wenn sie im Konto steht. Bitte "
            "prüfen Sie danach den Abschnitt „Kontakt und Bankverbindung“."
        ),
    )

    def __init__(
        self, data: QueryDict | None = None, *, people: Sequence[User], named: str = ""
    ) -> None:
        """`named`: who stands in the application as contact and is to be replaced there."""
        super().__init__(data)
        if named:
            self.fields[
                "kontakte"
            ].label = (
                f"{named} steht im Antrag als Ansprechperson. Dort auch die neue Person eintragen."
            )
        else:
            del self.fields["kontakte"]
        self.people = {str(person.pk): person for person in people}
        self.fields["person"].choices = with_blank(
            [(key, f"{person} ({person.email})") for key, person in self.people.items()]
        )

    def clean_person(self) -> User:
        person = self.people.get(self.cleaned_data["person"])
        if person is None:
            raise forms.ValidationError(CHOOSE_PERSON)
        return person
