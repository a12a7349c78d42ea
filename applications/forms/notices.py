"""Inputs of whoever wants to hear of something, or no longer."""

from __future__ import annotations

from django import forms

from applications.forms.fields import MailField
from applications.rules import ReminderKind


class SubscribeForm(forms.Form):
    """An address that is to be told when a call opens."""

    use_required_attribute = False

    email = MailField(
        label="E-Mail-Adresse",
        max_length=254,
        help_text="Ein Funktionspostfach genügt.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_email(self) -> str:
        if not self.cleaned_data["email"]:
            raise forms.ValidationError("Bitte geben Sie Ihre E-Mail-Adresse an.")
        return str(self.cleaned_data["email"])


class RemindersForm(forms.Form):
    """The reminders a person wants."""

    use_required_attribute = False

    erinnerungen = forms.MultipleChoiceField(
        label="Erinnern Sie mich per E-Mail, wenn",
        choices=[(kind.value, kind.label) for kind in ReminderKind],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
