"""Forms about people at the review desk."""

from __future__ import annotations

from django import forms

from municipalities.models import User
from municipalities.permissions import STAFF_GROUPS

MEANINGS = {
    "Lesen": "sieht eingereichte Anträge",
    "Revision": "sieht alles, auch Konten und Protokolle, und ändert nichts",
    "Prüfung": "prüft Anträge und schlägt Entscheidungen vor",
    "Schlusszeichnung": "zeichnet Entscheidungen, die jemand anderes vorgeschlagen hat",
    "Verwaltung": "pflegt Gemeindeverzeichnis, Förderaufrufe, Texte und Projekte",
    "Personen": "verwaltet Konten, Zugehörigkeiten und Rollen",
}
"""What each role may, for whoever gives it."""


class RolesForm(forms.Form):
    """The roles a colleague shall hold."""

    roles = forms.MultipleChoiceField(
        label="Rollen",
        required=False,
        choices=[(role, f"{role}: {MEANINGS[role]}") for role in STAFF_GROUPS],
        widget=forms.CheckboxSelectMultiple,
    )


class FactorResetForm(forms.Form):
    """Why a second factor is taken away."""

    reason = forms.CharField(
        label="Grund",
        max_length=200,
        help_text=(
            "Wie haben Sie geprüft, dass die Person es selbst ist? Etwa: „Diensthandy verloren, "
            "Rückruf unter der dienstlichen Nummer“. Der Grund steht im Anmeldeprotokoll."
        ),
    )


class AccountForm(forms.ModelForm):
    """An account at the desk; the page names its fields."""

    class Meta:
        model = User
        fields = ("email", "name", "phone", "is_active", "is_staff")

    def clean_is_staff(self) -> bool:
        """Raises ValidationError for whoever acts for a municipality."""
        is_staff: bool = self.cleaned_data["is_staff"]
        if is_staff and self.instance.pk and self.instance.memberships.exists():
            raise forms.ValidationError(
                "Dieses Konto handelt für eine Kommune. Beenden Sie zuerst die Zugehörigkeit, oder "
                "legen Sie für die Arbeit in der Behörde ein eigenes Konto an."
            )
        return is_staff
