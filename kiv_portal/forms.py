"""Forms of the portal as a whole: the report of a barrier, and the entry of a download."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.core.files.uploadedfile import UploadedFile

from applications.documents.uploads import UploadRefused, inspect
from kiv_portal.models import Download

MESSAGE_LENGTH: Final = 5000
"""Characters a report may have: long enough for a page of text."""


class BarrierForm(forms.Form):
    """What hinders somebody, where, and (only if wanted) where the answer may go."""

    message = forms.CharField(
        label="Was hat nicht geklappt?",
        help_text="Schreiben Sie so kurz oder lang, wie Sie möchten. "
        "Bitte nennen Sie keine Gesundheitsdaten.",
        max_length=MESSAGE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={
            "required": "Bitte beschreiben Sie, was nicht geklappt hat.",
            "max_length": "Bitte kürzen Sie den Text auf 5.000 Zeichen.",
        },
    )
    page = forms.CharField(
        label="Auf welcher Seite?",
        help_text="Die Adresse oder der Name der Seite, zum Beispiel „Projekte“.",
        max_length=300,
        required=False,
        error_messages={"max_length": "Bitte kürzen Sie die Angabe auf 300 Zeichen."},
    )
    reply_to = forms.EmailField(
        label="Ihre E-Mail-Adresse",
        help_text="Nur, wenn Sie eine Antwort möchten.",
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "invalid": "Diese E-Mail-Adresse ist nicht richtig geschrieben. "
            "Sie besteht aus einem Namen, dem Zeichen @ und einer Domain."
        },
    )
    website = forms.CharField(
        label="Dieses Feld bitte leer lassen",
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    """Nobody sees this field; programs that fill in everything give themselves away."""

    @property
    def is_from_a_program(self) -> bool:
        """Whether the field nobody sees was filled in."""
        return bool(self.data.get("website"))


class DownloadForm(forms.ModelForm):
    """An entry of the download page; what its file is, is told by the content."""

    address = forms.URLField(
        label="Adresse",
        required=False,
        max_length=500,
        assume_scheme="https",
        widget=AdminURLFieldWidget,
        help_text="Wenn das Dokument auf einer anderen Website steht. Dann ohne Datei.",
    )

    class Meta:
        model = Download
        fields = (
            "title",
            "kind",
            "description",
            "file",
            "address",
            "dated_on",
            "accessible",
            "accessibility_note",
            "alternative",
            "is_public",
            "position",
        )

    def clean_file(self) -> Any:
        """Raises ValidationError with the reason, in German, for what cannot be offered."""
        file = self.cleaned_data["file"]
        if not file:
            self.instance.content_type, self.instance.size = "", 0
        elif isinstance(file, UploadedFile):
            try:
                found = inspect(file)
            except UploadRefused as refused:
                raise forms.ValidationError(str(refused)) from refused
            self.instance.content_type, self.instance.size = found.content_type, found.size
        return file

    def clean(self) -> dict[str, Any]:
        """What stands in the way of an entry is said beside the field it concerns."""
        data = super().clean() or {}
        if data.get("file") and data.get("address"):
            self.add_error(
                "address", "Bitte geben Sie eine Datei oder eine Adresse an, nicht beides."
            )
        if data.get("accessible") is False and not data.get("accessibility_note"):
            self.add_error(
                "accessibility_note",
                "Bitte schreiben Sie, warum der Inhalt nicht barrierefrei ist.",
            )
        address = data.get("address") or ""
        if address and not address.startswith(("https://", "http://")):
            self.add_error("address", "Die Adresse beginnt mit https://.")
        return data
