"""Choosing: the call and municipality of a new draft, and the partners of a Verbund."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django import forms

from applications.forms.fields import ChoiceField
from kiv_portal.folding import clean_text

if TYPE_CHECKING:
    from django.http import QueryDict

    from applications.models import Document, FundingCall
    from municipalities.models import Municipality

CHOOSE_CALL: Final = "Bitte wählen Sie den Förderaufruf."
CHOOSE_MUNICIPALITY: Final = "Bitte wählen Sie die Kommune, für die Sie den Antrag stellen."
MOST_PARTNERS: Final = 20
LONGEST_SEARCH: Final = 100


class StartForm(forms.Form):
    """Which call, which municipality. One choice alone is made already."""

    use_required_attribute = False

    aufruf = ChoiceField(label="Förderaufruf", widget=forms.RadioSelect)
    kommune = ChoiceField(label="Kommune", widget=forms.RadioSelect)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        calls: Sequence[tuple[FundingCall, str]],
        municipalities: Sequence[Municipality],
        preselected: str = "",
    ) -> None:
        super().__init__(data)
        self.calls = {str(call.pk): call for call, _ in calls}
        self.municipalities = {row.ags: row for row in municipalities}
        self.fields["aufruf"].choices = [
            (str(call.pk), f"{call.title}, {closing}") for call, closing in calls
        ]
        self.fields["kommune"].choices = [(row.ags, row.short_name) for row in municipalities]
        if len(calls) == 1:
            self.initial["aufruf"] = str(calls[0][0].pk)
        if len(municipalities) == 1:
            self.initial["kommune"] = municipalities[0].ags
        if preselected in self.municipalities:
            self.initial["kommune"] = preselected

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, message in (("aufruf", CHOOSE_CALL), ("kommune", CHOOSE_MUNICIPALITY)):
            if name in cleaned and not cleaned[name]:
                self.add_error(name, message)
        return cleaned

    @property
    def call(self) -> FundingCall:
        """The call chosen; after `is_valid`."""
        return self.calls[self.cleaned_data["aufruf"]]

    @property
    def municipality(self) -> Municipality:
        """The municipality chosen; after `is_valid`."""
        return self.municipalities[self.cleaned_data["kommune"]]


class AnewForm(forms.Form):
    """Into which call an old application is taken, and which of its documents go along."""

    use_required_attribute = False

    schluessel = forms.UUIDField(widget=forms.HiddenInput)
    aufruf = ChoiceField(label="Förderaufruf", widget=forms.RadioSelect)
    anlagen = forms.MultipleChoiceField(
        label="Anlagen übernehmen",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Unterschriebene Unterlagen gelten nur für den alten Antrag.",
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        calls: Sequence[tuple[FundingCall, str]],
        documents: Sequence[Document],
    ) -> None:
        super().__init__(data, initial={"schluessel": uuid.uuid4()})
        self.calls = {str(call.pk): call for call, _ in calls}
        self.fields["aufruf"].choices = [
            (str(call.pk), f"{call.title}, {closing}") for call, closing in calls
        ]
        if len(calls) == 1:
            self.initial["aufruf"] = str(calls[0][0].pk)
        if documents:
            self.fields["anlagen"].choices = [
                (str(row.pk), f"{row.name} ({row.get_kind_display()})") for row in documents
            ]
        else:
            del self.fields["anlagen"]

    def clean_aufruf(self) -> FundingCall:
        call = self.calls.get(self.cleaned_data["aufruf"])
        if call is None:
            raise forms.ValidationError(CHOOSE_CALL)
        return call

    @property
    def documents(self) -> set[uuid.UUID]:
        """The documents chosen; after `is_valid`."""
        return {uuid.UUID(key) for key in self.cleaned_data.get("anlagen", ())}


class PartnersForm:
    """One partner added or removed, on top of the partners the person's page showed."""

    def __init__(self, data: QueryDict) -> None:
        self.adds = data.get("hinzufuegen", "")
        self.removes = data.get("entfernen", "")
        self.shown = [key for key in data.getlist("partner") if _is_key(key)][:MOST_PARTNERS]
        typed = data.get("basis", "")
        self.basis = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0

    def is_valid(self) -> bool:
        return _is_key(self.adds) != _is_key(self.removes) and len(self.shown) < MOST_PARTNERS

    @property
    def key(self) -> str:
        """Whose place changes."""
        return self.adds or self.removes

    def step_data(self) -> dict[str, Any]:
        """The partners after the change, as plain values for `services.save_step`."""
        if self.adds:
            return {"partners": list(dict.fromkeys([*self.shown, self.adds]))}
        return {"partners": [key for key in self.shown if key != self.removes]}


def _is_key(text: str) -> bool:
    return re.fullmatch(r"[0-9]{8}", text) is not None


def search_text(parameters: QueryDict) -> str:
    """What was typed into the search field."""
    return " ".join(clean_text(parameters.get("suche", "")).split())[:LONGEST_SEARCH]
