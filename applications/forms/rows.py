"""Repeatable rows that work without a script: added, removed and kept by their stable ids.

A row's inputs are named after its id (`expenses-<uuid>-amount`) and the hidden inputs named
after the part list the ids in their order. A blank row already has its id, so sending a page
twice, or going back and sending it again, never doubles a row.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms

from applications.forms.fields import DayField, EuroField, IbanField
from applications.rules import Finding, format_iban

if TYPE_CHECKING:
    from django.http import QueryDict

MOST_ROWS: Final = 60
FULL: Final = f"Mehr als {MOST_ROWS} Zeilen sind nicht möglich. Bitte fassen Sie Zeilen zusammen."


def plain(value: Any) -> Any:
    """A cleaned value as the plain value that is stored: ISO days, exact amounts."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, date):
        return value.isoformat()
    return value


def initial_value(field: forms.Field, value: Any) -> Any:
    """A stored plain value as its field shows it."""
    if value is None:
        return None
    if isinstance(field, EuroField):
        return Decimal(value)
    if isinstance(field, DayField):
        return date.fromisoformat(value)
    if isinstance(field, IbanField):
        return format_iban(value)
    return value


class RowForm(forms.Form):
    """One row. `content` names the fields that make it more than a blank one."""

    use_required_attribute = False
    content: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = "Eintrag"
    cells: ClassVar[str] = "rows__row"
    """The class that gives the row its columns."""
    explains: ClassVar[Mapping[str, str]] = {}
    """Help by field that stands once above all rows, where it would only repeat in each."""

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        part: str,
        row_id: str,
        values: Mapping[str, Any] | None = None,
        **choices: Any,
    ) -> None:
        self.row_id = row_id
        self.part = part
        self.is_new = values is None
        self.focus = False
        self.remarks: list[Finding] = []
        super().__init__(data, prefix=f"{part}-{row_id}")
        self.choose(values or {}, **choices)
        for name, field in self.fields.items():
            if name in (values or {}):
                self.initial[name] = initial_value(field, (values or {})[name])

    def choose(self, values: Mapping[str, Any], **choices: Any) -> None:
        """Set the choices of this row's fields; `values` is what it holds already."""

    @property
    def is_blank(self) -> bool:
        """Nothing was written into this row."""
        if not self.is_bound:
            return self.is_new
        return not any(
            (self.data.get(self.add_prefix(name)) or "").strip() for name in self.content
        )

    def row_data(self) -> dict[str, Any]:
        """The row as plain values with its id; after `is_valid`."""
        return {"id": self.row_id, **{k: plain(v) for k, v in self.cleaned_data.items()}}

    def savable_data(self) -> dict[str, Any] | None:
        """The row with what can be read of it; None where not even its kind can be.

        After `is_valid`. What cannot be read keeps what is stored, or stays empty.
        """
        for name, field in self.fields.items():
            if name in self.cleaned_data:
                continue
            if name not in self.initial and isinstance(field, forms.ChoiceField):
                return None
            empty = "" if isinstance(field, forms.CharField) else None
            self.cleaned_data[name] = self.initial.get(name, empty)
        return self.row_data()

    def summary(self) -> str:
        """What the row says, in a line: for headings and buttons."""
        return ""


class Rows:
    """All rows of one repeatable part of a step."""

    addable = True

    def __init__(
        self,
        form_class: type[RowForm],
        part: str,
        *,
        data: QueryDict | None,
        values: Sequence[Mapping[str, Any]],
        blank: int = 1,
        suggestions: Sequence[Mapping[str, Any]] = (),
        **choices: Any,
    ) -> None:
        self.form_class = form_class
        self.part = part
        self.choices = choices
        self.error = ""
        self.may_add = True
        stored = {str(row["id"]): row for row in values}
        if data is not None:
            ids = _ids(data.getlist(part))
            if len(ids) > MOST_ROWS:
                self.error = FULL
            self.forms = [
                form_class(data, part=part, row_id=i, values=stored.get(i), **choices) for i in ids
            ]
            return
        self.forms = [
            form_class(part=part, row_id=i, values=row, **choices) for i, row in stored.items()
        ]
        if not self.forms:
            for suggestion in suggestions:
                self._append(suggestion)
            for _ in range(blank if not suggestions else 0):
                self._append({})

    def only(self, ids: Collection[str]) -> None:
        """Leave only these rows on the page: the others are closed, and none may be added."""
        self.forms = [form for form in self.forms if form.row_id in ids]
        self.may_add = False

    @property
    def is_closed(self) -> bool:
        """Nothing of this part may be written."""
        return not self.may_add and not self.forms

    def _append(self, suggestion: Mapping[str, Any]) -> RowForm:
        form = self.form_class(part=self.part, row_id=str(uuid.uuid4()), **self.choices)
        form.initial.update(suggestion)
        self.forms.append(form)
        return form

    @property
    def title(self) -> str:
        """What a row is called."""
        return self.form_class.title

    @property
    def columns(self) -> list[Any]:
        """The fields of a row, for the heads of the columns."""
        return [field for form in self.forms[:1] for field in form.visible_fields()]

    @property
    def explained(self) -> list[tuple[str, str]]:
        """Label and help of each field that is explained once above the rows."""
        texts = self.form_class.explains
        return [(str(b.label), texts[b.name]) for b in self.columns if b.name in texts]

    @property
    def cells(self) -> str:
        """The class that gives rows their columns."""
        return self.form_class.cells

    def add(self) -> None:
        """One blank row more, and the cursor in it."""
        if len(self.forms) >= MOST_ROWS:
            self.error = FULL
            return
        form = self._append({})
        form.focus = True
        first = next(iter(form.fields.values()))
        first.widget.attrs["autofocus"] = True

    def remove(self, row_id: str) -> bool:
        """Leave a row out; whether there was one."""
        kept = [form for form in self.forms if form.row_id != row_id]
        gone = len(kept) < len(self.forms)
        self.forms = kept
        return gone

    def is_valid(self) -> bool:
        # All are looked at, so that every error is told at once.
        valid = [form.is_valid() for form in self.forms if not form.is_blank]
        return all(valid) and not self.error

    def savable_data(self) -> list[dict[str, Any]]:
        """The rows that say something, as far as they can be read; after `is_valid`."""
        rows = [form.savable_data() for form in self.forms if not form.is_blank]
        return [row for row in rows if row is not None]

    def row_data(self) -> list[dict[str, Any]]:
        """The rows that say something, as plain values; after `is_valid`."""
        return [form.row_data() for form in self.forms if not form.is_blank]


class MemberRow(RowForm):
    """The row of one member: it is always there, and its member is no input."""

    def choose(self, values: Mapping[str, Any], **choices: Any) -> None:
        self.ags, self.name = choices["member"]
        self.several = choices["several"]

    def row_data(self) -> dict[str, Any]:
        return {**super().row_data(), "municipality": self.ags}


class MemberRows(Rows):
    """One row for every member given. Its id follows from application and key, so that two
    people who write at the same time write into the same row."""

    addable = False

    def __init__(
        self,
        form_class: type[MemberRow],
        part: str,
        *,
        application: uuid.UUID,
        members: Sequence[tuple[str, str]],
        data: QueryDict | None,
        values: Sequence[Mapping[str, Any]],
        **choices: Any,
    ) -> None:
        self.form_class, self.part, self.choices, self.error = form_class, part, choices, ""
        self.may_add = True
        stored = {row["municipality"]: row for row in values}
        self.forms: list[RowForm] = []
        for ags, name in members:
            row = stored.get(ags)
            self.forms.append(
                form_class(
                    data,
                    part=part,
                    row_id=row["id"] if row else str(uuid.uuid5(application, ags)),
                    values=row,
                    member=(ags, name),
                    several=len(members) > 1,
                    **choices,
                )
            )


def _ids(given: Sequence[str]) -> list[str]:
    """The row ids of a POST, each once; what is no id is left out.

    Too many are refused, but none is cut off: two people together may have made more rows than
    one page takes. How many inputs a request may hold is a setting.
    """
    ids: dict[str, None] = {}
    for text in given:
        try:
            ids[str(uuid.UUID(text))] = None
        except ValueError:
            continue
    return list(ids)
