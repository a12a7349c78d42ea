"""Forms about people at the review desk."""

from __future__ import annotations

from django import forms

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
