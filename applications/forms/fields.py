"""What people type in a town hall, read without loss: texts, days, amounts, choices.

A draft is saved at any time, so no field here refuses to be empty. `required=True` only says
that it is a Pflichtangabe: its label then goes without „(freiwillig)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from applications.rules import parse_iban
from kiv_portal.euro import format_euro, parse_euro
from kiv_portal.folding import clean_text

LONGEST_TEXT: Final = 20_000
"""Characters a long text may have; about eight printed pages."""
LONGEST_ROW_TEXT: Final = 1_000
"""Characters a text in a row may have where its column sets no limit: a cell of a table has to
be read beside the others."""
FIRST_YEAR: Final = 2020
LAST_YEAR: Final = 2050
MOST_MONTHS: Final = 60

TOO_LONG: Final = (
    "Bitte kürzen Sie den Text auf höchstens %(limit_value)d Zeichen. "
    "Im Augenblick sind es %(show_value)d."
)
WRITE_DAY: Final = "Bitte geben Sie das Datum als TT.MM.JJJJ ein, zum Beispiel 01.03.2027."
NO_SUCH_DAY: Final = "Den %(day)s gibt es nicht. Bitte prüfen Sie das Datum."
YEAR_OUT_OF_RANGE: Final = (
    f"Bitte prüfen Sie das Jahr. Möglich sind die Jahre {FIRST_YEAR} bis {LAST_YEAR}."
)
WRITE_MONTHS: Final = (
    "Bitte geben Sie die Dauer in ganzen Monaten mit den Ziffern 0 bis 9 ein, zum Beispiel 15."
)
MONTHS_OUT_OF_RANGE: Final = f"Bitte geben Sie eine Dauer von 1 bis {MOST_MONTHS} Monaten ein."
WRITE_MAIL: Final = (
    "Bitte geben Sie eine vollständige E-Mail-Adresse ein, zum Beispiel integration@musterstadt.de."
)
WRITE_PHONE: Final = "Bitte geben Sie eine Telefonnummer ein, zum Beispiel 06151 12-3456."
WRITE_POSTAL_CODE: Final = (
    "Bitte geben Sie die Postleitzahl mit fünf Ziffern ein, zum Beispiel 64283."
)
NO_SUCH_CHOICE: Final = "Bitte wählen Sie eine der angebotenen Möglichkeiten."

_GERMAN_DAY: Final = re.compile(r"([0-9]{1,2})\.\s*([0-9]{1,2})\.\s*([0-9]{4})")
_ISO_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class SavedEmpty:
    """Says what is a Pflichtangabe and is saved without it all the same."""

    empty_values: Any

    def validate(self, value: Any) -> None:
        if value not in self.empty_values:
            super().validate(value)  # type: ignore[misc]


class TextField(SavedEmpty, forms.CharField):
    """A text in one line or several. What is too long is said, never cut off."""

    def __init__(self, *, lines: int = 1, max_length: int = LONGEST_TEXT, **options: Any) -> None:
        self.lines = lines
        if lines > 1:
            options.setdefault("widget", forms.Textarea(attrs={"rows": lines}))
        options.setdefault("error_messages", {})
        options["error_messages"] = {"max_length": TOO_LONG, **options["error_messages"]}
        super().__init__(max_length=max_length, **options)

    def to_python(self, value: Any) -> str:
        text = clean_text(str(value or ""))
        if self.lines == 1:
            text = " ".join(text.split())
        return str(super().to_python(text))

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        # A browser cuts a pasted text at `maxlength` without a word.
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs


class MailField(TextField):
    """An e-mail address; a function mailbox will do."""

    widget = forms.EmailInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._checks = forms.EmailField().default_validators

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        for check in self._checks if value else ():
            try:
                check(value)
            except ValidationError as error:
                raise ValidationError(WRITE_MAIL) from error


class PhoneField(TextField):
    """A telephone number as people write it."""

    widget = forms.TextInput

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        if value and not re.search(r"[0-9]{2}", value):
            raise ValidationError(WRITE_PHONE)


class PostalCodeField(TextField):
    """A German postal code."""

    widget = forms.TextInput

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        if value and not re.fullmatch(r"[0-9]{5}", value):
            raise ValidationError(WRITE_POSTAL_CODE)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return super().widget_attrs(widget) | {"inputmode": "numeric", "class": "input-short"}


class IbanField(TextField):
    """An IBAN with or without blanks, kept without; structure and check digits are looked at."""

    widget = forms.TextInput

    def clean(self, value: Any) -> str:
        text = self.to_python(value)
        if text in self.empty_values:
            return ""
        try:
            return parse_iban(text)
        except ValueError as error:
            raise ValidationError(str(error)) from error


class DayField(SavedEmpty, forms.Field):
    """A day typed as TT.MM.JJJJ; 2027-03-01 is understood as well."""

    def __init__(self, **options: Any) -> None:
        options.setdefault(
            "widget", forms.TextInput(attrs={"inputmode": "numeric", "class": "input-day"})
        )
        super().__init__(**options)

    def to_python(self, value: Any) -> date | None:
        text = clean_text(str(value or "")).strip()
        if not text:
            return None
        if found := _GERMAN_DAY.fullmatch(text):
            day, month, year = map(int, found.groups())
        elif found := _ISO_DAY.fullmatch(text):
            year, month, day = map(int, found.groups())
        else:
            raise ValidationError(WRITE_DAY)
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValidationError(YEAR_OUT_OF_RANGE)
        try:
            return date(year, month, day)
        except ValueError as error:
            raise ValidationError(
                NO_SUCH_DAY, params={"day": f"{day:02}.{month:02}.{year}"}
            ) from error

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%d.%m.%Y}" if isinstance(value, date) else value


class MonthsField(SavedEmpty, forms.Field):
    """A duration in whole months."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "numeric", "class": "input-short"})
        widget.suffix = "Monate"  # type: ignore[attr-defined]
        options.setdefault("widget", widget)
        super().__init__(**options)

    def to_python(self, value: Any) -> int | None:
        text = clean_text(str(value if value is not None else "")).strip()
        if not text:
            return None
        found = re.fullmatch(r"([0-9]{1,6})(\s*Monate?)?", text)
        if not found:
            raise ValidationError(WRITE_MONTHS)
        months = int(found[1])
        if not 1 <= months <= MOST_MONTHS:
            raise ValidationError(MONTHS_OUT_OF_RANGE)
        return months


class EuroInput(forms.TextInput):
    """One line for an amount, with „€" behind it."""

    suffix = "€"


class EuroField(SavedEmpty, forms.Field):
    """An amount typed the German way (PROGRAMME §5), exact to the cent."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", EuroInput(attrs={"inputmode": "decimal"}))
        super().__init__(**options)

    def to_python(self, value: Any) -> Decimal | None:
        text = clean_text(str(value or ""))
        if not text.strip():
            return None
        try:
            return parse_euro(text)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> Any:
        # Only what is stored is a Decimal; what somebody typed is shown as it was typed.
        return format_euro(value).removesuffix(" €") if isinstance(value, Decimal) else value


class ChoiceField(SavedEmpty, forms.ChoiceField):
    """One of several; the value is the code that is stored."""

    def __init__(self, **options: Any) -> None:
        options["error_messages"] = {"invalid_choice": NO_SUCH_CHOICE}
        super().__init__(**options)


class YesNoField(SavedEmpty, forms.TypedChoiceField):
    """Yes, no, or not said yet (None)."""

    def __init__(self, *, yes: str = "Ja", no: str = "Nein", **options: Any) -> None:
        super().__init__(
            choices=[("ja", yes), ("nein", no)],
            coerce=lambda value: value == "ja",
            empty_value=None,
            widget=forms.RadioSelect,
            error_messages={"invalid_choice": NO_SUCH_CHOICE},
            **options,
        )

    def prepare_value(self, value: Any) -> Any:
        return {True: "ja", False: "nein", None: ""}.get(value, value)


class TickField(forms.BooleanField):
    """A box to tick, saved unticked as well."""

    def validate(self, value: Any) -> None:
        """A box without its tick is an answer, too."""


def years_to_choose(years: Iterable[int]) -> list[tuple[str, str]]:
    """Haushaltsjahre as choices: text, so that nothing groups their digits."""
    return [(str(year), str(year)) for year in sorted(set(years))]


def from_model(
    model: type[models.Model], name: str, *, label: str = "", lines: int = 1, **options: Any
) -> TextField:
    """A text as its column holds it: label and longest length are the model's."""
    column = model._meta.get_field(name)
    assert isinstance(column, models.CharField | models.TextField)
    if column.max_length:
        options["max_length"] = column.max_length
    kind = options.pop("kind", TextField)
    field: TextField = kind(label=label or str(column.verbose_name), lines=lines, **options)
    return field


def with_blank(
    choices: Sequence[tuple[str, str]], blank: str = "Bitte wählen"
) -> list[tuple[str, str]]:
    """Choices of a select that starts without an answer."""
    return [("", blank), *choices]
