"""What a contact of the directory wants changed."""

from django import forms

from projects.services.contacts import LONGEST_WISH


class WishForm(forms.Form):
    """Free words: staff change the contact, so that nobody publishes through a link."""

    wunsch = forms.CharField(
        label="Was soll geändert werden?",
        help_text="Zum Beispiel eine neue Funktionsadresse oder Telefonnummer.",
        max_length=LONGEST_WISH,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Bitte schreiben Sie, was geändert werden soll."},
    )
