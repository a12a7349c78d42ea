"""The few inputs of the applicant's moves: documents, confirming, answering, withdrawing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from django import forms

from applications.forms.fields import ChoiceField, TextField, TickField, with_blank
from applications.rules import DocumentKind, authority_sentence

if TYPE_CHECKING:
    from django.http import QueryDict
    from django.utils.datastructures import MultiValueDict

LONGEST_REASON: Final = 4_000

CHOOSE_KIND: Final = "Bitte wählen Sie, um welche Art von Unterlage es sich handelt."
CHOOSE_PARTNER: Final = "Bitte wählen Sie, von welcher Kommune die Kooperationserklärung ist."
CHOOSE_FILE: Final = "Bitte wählen Sie eine Datei aus."
CONFIRM_ALL: Final = (
    "Bitte bestätigen Sie, dass Sie den Antrag trotz der Hinweise einreichen, oder ändern Sie "
    "die Angaben."
)
CONFIRM_AUTHORITY: Final = "Bitte bestätigen Sie, dass Sie befugt sind, diesen Antrag einzureichen."
CONFIRM_ANSWER: Final = "Bitte bestätigen Sie, dass Sie Ihre Ergänzungen jetzt absenden möchten."
GIVE_REASON: Final = "Bitte geben Sie kurz an, warum Sie den Antrag zurückziehen."


class FilesInput(forms.FileInput):
    """Several files at once."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class FilesField(forms.FileField):
    """The files that were chosen, at least one; what each is, nobody asks here."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = [file for file in (data if isinstance(data, list) else [data]) if file]
        if not files:
            raise forms.ValidationError(CHOOSE_FILE, code="required")
        return files


class ReplacementForm(forms.Form):
    """The new version of one document."""

    use_required_attribute = False

    neu = FilesField(label="Neue Fassung", widget=forms.FileInput)

    def __init__(self, *args: Any, hint: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["neu"].help_text = hint


class DocumentForm(forms.Form):
    """Files of one kind. What each is, `documents.inspect` looks at, not its name."""

    use_required_attribute = False

    art = ChoiceField(
        label="Art der Unterlage",
        choices=with_blank([(kind.value, kind.label) for kind in DocumentKind]),
        help_text=(
            "Zum Beispiel „Konzeption“ für eine ausführliche Konzeption. Was nirgends passt, "
            "ist eine „Sonstige Unterlage“."
        ),
    )
    kommune = ChoiceField(
        label="Kommune",
        required=False,
        help_text="Nur bei einer Kooperationserklärung: von welcher Partnerkommune sie ist.",
    )
    datei = FilesField(label="Dateien", required=True)

    def __init__(
        self,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        partners: Sequence[tuple[str, str]],
        kinds: Sequence[DocumentKind] = tuple(DocumentKind),
        hint: str,
        initial: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data, files, initial=initial)
        self.fields["datei"].help_text = hint
        self.kinds = kinds
        self.fields["art"].choices = with_blank([(kind.value, kind.label) for kind in kinds])
        if partners and DocumentKind.COOPERATION in kinds:
            self.fields["kommune"].choices = with_blank(partners)
        else:
            del self.fields["kommune"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "art" in cleaned and not cleaned["art"]:
            self.add_error("art", CHOOSE_KIND)
        if (
            cleaned.get("art") == DocumentKind.COOPERATION
            and "kommune" in self.fields
            and not cleaned.get("kommune")
        ):
            self.add_error("kommune", CHOOSE_PARTNER)
        return cleaned


class SubmitForm(forms.Form):
    """Confirming one's own authority and what the rules found, with a reason if there is one.

    `applicant` names whom the person files for; without it nobody is asked, as long as
    something is missing without which it is no application.
    """

    use_required_attribute = False

    bestaetigung = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    vorgang = forms.UUIDField(required=False, widget=forms.HiddenInput)
    trotzdem = TickField(
        label="Ich reiche trotzdem ein. Die Hinweise oben habe ich zur Kenntnis genommen."
    )
    grund = TextField(
        label="Begründung",
        lines=4,
        required=False,
        max_length=LONGEST_REASON,
        help_text="Sie liegt der Sachbearbeitung zusammen mit den Hinweisen vor.",
    )
    befugt = TickField(label="")

    def __init__(
        self, data: QueryDict | None = None, *, key: str, to_confirm: bool, applicant: str = ""
    ) -> None:
        super().__init__(data, initial={"bestaetigung": key, "vorgang": uuid.uuid4()})
        self.to_confirm = to_confirm
        self.applicant = applicant
        if applicant:
            self.fields["befugt"].label = authority_sentence(applicant)
        else:
            del self.fields["befugt"]
        if not to_confirm:
            del self.fields["trotzdem"]
            del self.fields["grund"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.to_confirm and not cleaned.get("trotzdem"):
            self.add_error("trotzdem", CONFIRM_ALL)
        if self.applicant and not cleaned.get("befugt"):
            self.add_error("befugt", CONFIRM_AUTHORITY)
        return cleaned

    @property
    def confirmed(self) -> str:
        """The key of the findings the person saw."""
        return str(self.cleaned_data["bestaetigung"])

    @property
    def declares_authority(self) -> bool:
        """Whether the person declared to be entitled to file."""
        return bool(self.cleaned_data.get("befugt"))

    @property
    def token(self) -> uuid.UUID | None:
        """Which check page this is."""
        token: uuid.UUID | None = self.cleaned_data.get("vorgang")
        return token

    @property
    def given_reason(self) -> str:
        """The reason as it stands in the field, checked or not; nothing where none is asked for."""
        return str(self["grund"].value() or "") if "grund" in self.fields else ""

    @property
    def reason(self) -> str:
        """The reason given, if any."""
        return str(self.cleaned_data.get("grund", ""))


class AnswerForm(forms.Form):
    """Sending what was asked for."""

    use_required_attribute = False

    absenden = TickField(
        label="Ich habe die Angaben ergänzt und möchte sie jetzt absenden.",
        help_text="Danach können Sie hier nichts mehr ändern.",
    )
    # The number of the request on the page; one from before a release that asks for it has none.
    bitte = forms.IntegerField(
        required=False, widget=forms.HiddenInput, min_value=1, max_value=32767
    )

    def clean_absenden(self) -> bool:
        if not self.cleaned_data["absenden"]:
            raise forms.ValidationError(CONFIRM_ANSWER)
        return True


class WithdrawForm(forms.Form):
    """Why an application is withdrawn."""

    use_required_attribute = False

    grund = TextField(
        label="Grund",
        lines=4,
        max_length=LONGEST_REASON,
        help_text="Ein Satz genügt, zum Beispiel: Wir verschieben das Vorhaben.",
    )

    def clean_grund(self) -> str:
        if not self.cleaned_data["grund"]:
            raise forms.ValidationError(GIVE_REASON)
        return str(self.cleaned_data["grund"])
