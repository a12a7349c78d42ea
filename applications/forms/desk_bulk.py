"""Which of several cases a person takes on at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING = "Bitte wählen Sie mindestens einen Antrag."
UNKNOWN = "Einer der gewählten Anträge ist nicht da. Bitte wählen Sie aus der Liste."


class TakeOnForm(forms.Form):
    """Cases by their key; one that is no longer on offer is told of, not refused unread."""

    use_required_attribute = False

    antraege = forms.TypedMultipleChoiceField(
        label="Anträge",
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": NOTHING, "invalid_choice": UNKNOWN},
    )

    def __init__(self, *args: Any, cases: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["antraege"].choices = list(cases)  # type: ignore[attr-defined]
