"""Forms on the way in and about one's own account."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from allauth.account.forms import ResetPasswordForm, default_token_generator
from allauth.account.forms import SignupForm as PackageSignupForm
from allauth.account.models import EmailAddress
from allauth.account.signals import user_signed_up
from django import forms
from django.contrib.auth import password_validation
from django.db import IntegrityError, transaction
from django.utils import timezone

from municipalities import services
from municipalities.models import RIGHTS, Municipality, User

if TYPE_CHECKING:
    from django.http import HttpRequest

REGISTERED = "portal_registered"
"""In the session: the account that was made in this browser."""

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
        """An address that has an account already costs the same time and gets the same answer.

        The browser remembers which account it made: there alone the link in the mail confirms
        the password as well.
        """
        try:
            user, response = self._try_save(request)
        except IntegrityError:  # made at the same moment: answered as a moment later
            email = self.cleaned_data["email"]
            self.account_already_exists = User.objects.filter(email=email).exists()
            user, response = self._try_save(request)
        request.session[REGISTERED] = user.pk if user else 0
        return user, response

    @transaction.atomic
    def _try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            self._rehearse(request)
        return super().try_save(request)

    def _rehearse(self, request: HttpRequest) -> None:
        """Do all that a new account takes, and undo it: the answer comes after the same time."""
        typed = self.cleaned_data
        self.cleaned_data = {**typed, "email": f"{uuid.uuid4().hex}@niemand.invalid"}
        self.account_already_exists = False
        with transaction.atomic():
            user = self.save(request)
            user_signed_up.send(sender=User, request=request, user=user)
            # What the package looks up before it sends the link that confirms the address.
            EmailAddress.objects.get_for_user(user, user.email)
            EmailAddress.objects.filter(user=user).first()
            transaction.set_rollback(True)
        self.cleaned_data, self.account_already_exists = typed, True

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


class ResetForm(ResetPasswordForm):
    """Whom the link for a new password goes to: one statement, whether there is an account."""

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip().lower()
        self.users = list(User.objects.filter(email=email, is_active=True))
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        if not self.users:  # a link nobody gets, so that the answer takes the same time
            default_token_generator.make_token(User(pk=0, email=self.cleaned_data["email"]))
        email: str = super().save(request, **kwargs)
        return email


class NewAddressForm(forms.Form):
    """The address the account shall have."""

    email = forms.EmailField(
        label="Neue E-Mail-Adresse",
        help_text="Ihre dienstliche Adresse. Dorthin schicken wir einen Link zur Bestätigung.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, current: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.current = current

    def clean_email(self) -> str:
        """Raises ValidationError for the address it has already."""
        email: str = self.cleaned_data["email"].strip().lower()
        if email == self.current:
            raise forms.ValidationError("Das ist schon die Adresse Ihres Kontos.")
        return email


class OwnPasswordForm(forms.Form):
    """The password of an account whose address is proven by a link in a mail."""

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


class InvitedForm(OwnPasswordForm):
    """What an invited person without an account tells: name and password."""

    field_order = ("name", "password")

    name = forms.CharField(
        label="Name oder Funktion",
        max_length=200,
        help_text="Unter diesem Namen sehen Kolleginnen und Kollegen Sie.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


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
