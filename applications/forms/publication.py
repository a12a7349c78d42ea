"""What a municipality wants the public to read of its project, and whom to ask."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from applications.forms.fields import MailField, PhoneField, TextField
from applications.services import Words

LONGEST_SUMMARY: Final = 2_000


class EntryForm(forms.Form):
    """Text and contact of the public entry. A person is named only by their own consent."""

    use_required_attribute = False

    text = TextField(
        label="Kurzbeschreibung",
        lines=6,
        max_length=LONGEST_SUMMARY,
        required=False,
        help_text="Worum es geht, in wenigen Sätzen für alle. Bitte keine Namen von Personen.",
    )
    stelle = TextField(
        label="Verantwortliche Stelle",
        max_length=200,
        required=False,
        help_text="Zum Beispiel: Fachstelle Integration.",
    )
    postfach = MailField(
        label="Funktionspostfach",
        max_length=254,
        help_text=(
            "Eine Adresse, die bleibt, wenn Personen wechseln, zum Beispiel "
            "integration@musterstadt.de."
        ),
    )
    telefon = PhoneField(label="Telefon der Stelle", max_length=50, required=False)
    person = TextField(
        label="Ansprechperson",
        max_length=200,
        required=False,
        help_text=(
            "Genannt wird sie erst, wenn sie selbst eingewilligt hat, und höchstens ein Jahr lang. "
            "Wir fragen sie per E-Mail."
        ),
    )
    person_email = MailField(
        label="E-Mail der Ansprechperson",
        max_length=254,
        required=False,
        help_text="Nur für unsere Frage; diese Adresse wird nie öffentlich.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("postfach") and "postfach" not in self.errors:
            self.add_error("postfach", "Bitte geben Sie ein Funktionspostfach an.")
        person, email = cleaned.get("person"), cleaned.get("person_email")
        if person and not email and "person_email" not in self.errors:
            self.add_error(
                "person_email", "Bitte geben Sie an, wo wir die Person um ihre Einwilligung bitten."
            )
        if email and not person and "person" not in self.errors:
            self.add_error("person", "Bitte geben Sie den Namen der Ansprechperson an.")
        return cleaned

    @property
    def words(self) -> Words:
        """What was typed, for the service."""
        typed = self.cleaned_data
        return Words(
            summary=typed["text"],
            unit=typed["stelle"],
            mailbox=typed["postfach"],
            phone=typed["telefon"],
            person=typed["person"],
            person_email=typed["person_email"],
        )

    @classmethod
    def initial_of(cls, words: Words) -> dict[str, str]:
        """The words as the form shows them."""
        return {
            "text": words.summary,
            "stelle": words.unit,
            "postfach": words.mailbox,
            "telefon": words.phone,
            "person": words.person,
            "person_email": words.person_email,
        }
