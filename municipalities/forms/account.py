"""Forms on the way in and about one's own account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.forms import SignupForm as PackageSignupForm
from django import forms
from django.contrib.auth import password_validation
from django.db import transaction
from django.utils import timezone

from municipalities import services
from municipalities.models import RIGHTS, Municipality, User

if TYPE_CHECKING:
    from django.http import HttpRequest

HOW_LONG = (
    "Mindestens 12 Zeichen. Länge zählt mehr als Sonderzeichen: Ein Satz ist gut. Einfügen aus "
    "einem Passwortspeicher ist erlaubt."
)


def find_municipality(ags: str, at: Any) -> Municipality | None:
    """The municipality of that key that can act on that day."""
    return (
        Municipality.objects.in_force(timezone.localdate(at))
        .able_to_apply()
        .filter(ags=ags)
        .first()
    )


class SignupForm(PackageSignupForm):
    """A person makes an account and names the municipality they work for."""

    field_order = ("name", "email", "password1", "kommune")

    name = forms.CharField(
        label="Name oder Funktion",
        max_length=200,
        help_text=(
            "Unter diesem Namen sehen Kolleginnen und Kollegen Sie, etwa „Fachstelle Integration“."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    kommune = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-Mail-Adresse"
        self.fields[
            "email"
        ].help_text = "Ihre dienstliche Adresse. Dorthin schicken wir einen Link zur Bestätigung."
        self.fields["password1"].label = "Passwort"
        self.fields["password1"].help_text = HOW_LONG
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)

    def clean_kommune(self) -> Municipality:
        """Raises ValidationError for what is no municipality today."""
        found = find_municipality(self.cleaned_data["kommune"], timezone.now())
        if found is None:
            raise forms.ValidationError("Bitte wählen Sie Ihre Kommune noch einmal aus.")
        return found

    def try_save(self, request: HttpRequest) -> Any:
        """An address that has an account already costs the same time and gets the same answer."""
        with transaction.atomic():
            if self.account_already_exists:
                User().set_password(self.cleaned_data["password1"])
            return super().try_save(request)

    def signup(self, request: HttpRequest, user: User) -> None:
        """Called by the package once the account is written: name and municipality."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
        services.ask_membership(
            user=user,
            municipality=self.cleaned_data["kommune"],
            at=request.arrived_at,
            tell_managers=False,  # once the address is verified
        )


class InvitedForm(forms.Form):
    """What an invited person without an account tells: name and password."""

    name = forms.CharField(
        label="Name oder Funktion",
        max_length=200,
        help_text="Unter diesem Namen sehen Kolleginnen und Kollegen Sie.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label="Passwort",
        strip=False,
        help_text=HOW_LONG,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        """Raises ValidationError for a password that is too short, too common or too like."""
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password, User(email=self.email))
        return password


class RightsForm(forms.Form):
    """What a person may do for the municipality."""

    rights = forms.MultipleChoiceField(
        label="Rechte",
        required=False,
        choices=[(name, label[0].upper() + label[1:]) for name, label in RIGHTS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="„Zeichnen und einreichen“ heißt: darf Anträge für die Kommune absenden.",
    )

    def given(self) -> dict[str, bool]:
        """The rights as the services take them."""
        return {name: name in self.cleaned_data["rights"] for name in RIGHTS}


class InviteForm(RightsForm):
    """Whom to invite, and with which rights."""

    email = forms.EmailField(
        label="E-Mail-Adresse",
        help_text="Die dienstliche Adresse der Person. Nur sie kann die Einladung annehmen.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("email", "rights")


class HandOverForm(forms.Form):
    """Who follows, and whether the person goes."""

    person = forms.ChoiceField(label="Wer übernimmt?", widget=forms.RadioSelect)
    leave = forms.BooleanField(
        label="Ich scheide aus und brauche keinen Zugang mehr.", required=False
    )

    def __init__(self, *args: Any, people: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = people
