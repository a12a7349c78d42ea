"""What all step forms share: they read and check what was typed and never save."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms

from applications.forms.rows import Rows, initial_value, plain
from applications.rules import (
    CallTerms,
    Finding,
    Step,
)
from applications.rules.unlocking import EVERYTHING, opens

if TYPE_CHECKING:
    from django.http import QueryDict

MOST_OWN: Final = 1000
"""So many revisions of its own a page names; after that a reload begins anew."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a form has to know of its application: plain values, nothing to write to.

    `values` is the step as `services.read_step` gives it, `members` the AGS and name of
    everybody in the application, the lead first, `years` the Haushaltsjahre of the period.
    """

    application: uuid.UUID
    revision: int
    values: Mapping[str, Any]
    members: tuple[tuple[str, str], ...]
    years: tuple[int, ...]
    terms: CallTerms
    at: datetime
    councils: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The elected body of each member, by its AGS."""
    former: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The names of municipalities that left the Verbund and still have rows, by AGS."""
    suggested: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What the register knows, for a step into which nobody has written yet."""
    opened: frozenset[str] = EVERYTHING
    """What may be written, see `rules.unlocking`; nothing else is asked or taken."""
    on_paper: bool = False
    """It is printed without answers: what only a page can do is not spoken of."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the fields, or the repeatable part, that stand below it.

    `source` is what the questions rest on; it stands with the help of every field.
    """

    title: str
    fields: tuple[str, ...] = ()
    part: str = ""
    intro: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of the error summary and the place it leads to."""

    href: str
    message: str


CONCEPT_SOURCE: Final = "Förderrichtlinie Nr. 3.1"
PLAN_SOURCE: Final = "Förderrichtlinie Nr. 3.2"
FORM_SOURCE: Final = "Antragsformular"


class StepForm(forms.Form):
    """A step: fields, repeatable rows, and the revision the person's page showed."""

    step: ClassVar[Step]
    sections: ClassVar[tuple[Section, ...]]
    use_required_attribute = False

    def __init__(self, data: QueryDict | None = None, *, sheet: Sheet) -> None:
        self.sheet = sheet
        super().__init__(data)
        self.rows: dict[str, Rows] = {}
        self.prepare()
        for name, field in self.fields.items():
            self.initial[name] = initial_value(
                field, sheet.values[name] or sheet.suggested.get(name, sheet.values[name])
            )
        self._leave_out_what_is_closed()
        for section in self.sections:
            for name in self._open_fields(section) if section.source else ():
                hint = self.fields[name].help_text
                dot = "" if not hint or hint[-1] in ".?!" else "."
                self.fields[name].help_text = f"{hint}{dot} Grundlage: {section.source}.".strip()

    def prepare(self) -> None:
        """Set what depends on the application: choices, hints, rows."""

    def _leave_out_what_is_closed(self) -> None:
        """After filing only what was asked for is on the page, and nothing else is read."""
        for name in [name for name in self.fields if not opens(self.sheet.opened, name)]:
            del self.fields[name]
        for part, rows in self.rows.items():
            if not opens(self.sheet.opened, part):
                rows.only({str(row["id"]) for row in self.open_rows(part)})

    def _open_fields(self, section: Section) -> list[str]:
        return [name for name in section.fields if name in self.fields]

    def open_rows(self, part: str) -> list[Mapping[str, Any]]:
        """The stored rows of a part that may be written."""
        rows = self.sheet.values[part]
        return [row for row in rows if opens(self.sheet.opened, f"{part}:{row['id']}")]

    def closed_rows(self, part: str) -> list[Mapping[str, Any]]:
        """The stored rows of a part that stay as they are."""
        shown = {row["id"] for row in self.open_rows(part)}
        return [row for row in self.sheet.values[part] if row["id"] not in shown]

    def _whole(self, part: str, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """All rows of a part: those on the page as typed, between those that are closed."""
        if opens(self.sheet.opened, part):
            return shown
        typed: dict[str, Any] = {row["id"]: row for row in shown}
        typed |= {row["id"]: dict(row) for row in self.closed_rows(part)}
        order = [row["id"] for row in self.sheet.values[part]]
        return [typed[key] for key in order if key in typed]

    @property
    def basis(self) -> int:
        """The revision that what was typed started from; 0 where none can be read."""
        if not self.is_bound:
            return self.sheet.revision
        typed = self.data.get("basis", "")
        return revision_number(typed)

    @property
    def own(self) -> tuple[int, ...]:
        """The revisions this page has saved by itself since `basis`."""
        typed = self.data.get("eigene", "") if self.is_bound else ""
        numbers = [revision_number(text) for text in typed.split(",")[:MOST_OWN] if text]
        return tuple(number for number in numbers if number)

    def is_valid(self) -> bool:
        # Everything is looked at, so that every error is told at once.
        valid = [super().is_valid(), *(rows.is_valid() for rows in self.rows.values())]
        return all(valid)

    def step_data(self) -> dict[str, Any]:
        """The step as plain values for `services.save_step`; after `is_valid`."""
        data = {name: plain(value) for name, value in self.cleaned_data.items()}
        return data | {part: self._whole(part, r.row_data()) for part, r in self.rows.items()}

    def savable_data(self) -> dict[str, Any]:
        """What can be saved of what was typed; after `is_valid`, whatever that said.

        A field that cannot be read is left out, so that what is stored stays; in a row it
        keeps what is stored for it.
        """
        data = {name: plain(value) for name, value in self.cleaned_data.items()}
        return data | {
            part: self._whole(part, rows.savable_data())
            for part, rows in self.rows.items()
            if not rows.error
        }

    def unread_rows(self) -> list[str]:
        """The rows, as „part:id", of which a field cannot be read; after `is_valid`."""
        return [
            f"{part}:{row.row_id}"
            for part, rows in self.rows.items()
            for row in rows.forms
            if not row.is_blank and row.errors
        ]

    def faults(self) -> list[tuple[str, str]]:
        """The id and the message of every field that cannot be read; after `is_valid`."""
        rows = [row for part in self.rows.values() for row in part.forms if not row.is_blank]
        return [
            (field.auto_id, str(error))
            for form in (self, *rows)
            for field in form.visible_fields()
            for error in field.errors
        ]

    def remark(self, findings: Iterable[Finding]) -> None:
        """Show what the rules say of one stored row beside it, as long as it stands as stored.

        An empty field of a row needs no remark: it is to be seen, and listed above the form.
        """
        if self.is_bound:
            return
        for finding in findings:
            part, _, row_id = finding.field.partition("-")
            if part in self.rows and finding.code != "field_missing":
                for row in self.rows[part].forms:
                    if row.row_id == row_id:
                        row.remarks.append(finding)

    def typed(self) -> list[tuple[str, str]]:
        """All that was typed, with its labels, as people read it; of a bound form."""
        found: list[tuple[str, str]] = []
        for part in self.parts():
            found += [(str(field.label), _shown(field)) for field in part["fields"]]
            rows = part["rows"].forms if part["rows"] else []
            for number, row in enumerate(rows, start=1):
                if not row.is_blank:
                    found += [
                        (f"{row.title} {number}, {field.label}", _shown(field))
                        for field in row.visible_fields()
                    ]
        return [(label, text) for label, text in found if text]

    def parts(self) -> Iterator[dict[str, Any]]:
        """Sections with their fields and rows, in the order of the page."""
        for section in self.sections:
            names, rows = self._open_fields(section), self.rows.get(section.part)
            if rows is not None and rows.is_closed:
                rows = None
            if names or rows is not None:
                yield {"section": section, "fields": [self[name] for name in names], "rows": rows}

    def problems(self) -> list[Problem]:
        """Every error with its place, in the order of the page."""
        found: list[Problem] = []
        for part in self.parts():
            for field in part["fields"]:
                found += [
                    Problem(_target(field), f"{short(field.label)} – {error}")
                    for error in field.errors
                ]
            rows = part["rows"]
            if rows is None:
                continue
            if rows.error:
                found.append(Problem(f"#{rows.part}", rows.error))
            for number, row in enumerate(rows.forms, start=1):
                if row.is_blank:
                    continue
                found += [
                    Problem(_target(field), f"{row.title} {number}, {field.label} – {error}")
                    for field in row.visible_fields()
                    for error in field.errors
                ]
        return found

    @property
    def opened(self) -> str:
        """What the page was drawn for, as its hidden input says it; empty for everything."""
        return ",".join(sorted(self.sheet.opened))

    @property
    def is_for_what_is_open(self) -> bool:
        """Whether what was sent comes from a page that asked for what is open now.

        Else a field that is open now and was not on that page would look as if emptied.
        """
        return bool(self.data.get("frei", "") == self.opened)

    def inputs(self) -> list[tuple[str, str]]:
        """All that the form holds as names and values of hidden inputs; of an unbound form."""
        found = list(_inputs(self))
        if self.opened:
            found.append(("frei", self.opened))
        for part, rows in self.rows.items():
            for row in rows.forms:
                if rows.addable:
                    found.append((part, row.row_id))
                found += _inputs(row)
        return found


def revision_number(typed: str) -> int:
    """A revision as it stands in a form; 0 where none can be read."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0


def short(label: str) -> str:
    """A label before an error: a whole declaration is cut after its first words."""
    return label if len(label) <= 70 else f"{label[:67].rstrip()} …"


def _target(field: forms.BoundField) -> str:
    one = isinstance(field.field.widget, forms.RadioSelect)
    return f"#{field.auto_id}_0" if one else f"#{field.auto_id}"


def _shown(field: forms.BoundField) -> str:
    """What was typed or chosen, in words."""
    value = field.value()
    if isinstance(field.field, forms.BooleanField):
        return "ja" if value else "nein"
    if isinstance(field.field, forms.ChoiceField):
        labels = {str(key): str(label) for key, label in field.field.choices}
        return labels.get(str(value or ""), str(value or ""))
    return str(value or "").strip()


def _inputs(form: forms.Form) -> Iterator[tuple[str, str]]:
    for field in form:
        value = field.value()
        if isinstance(field.field, forms.BooleanField):
            if value:
                yield field.html_name, "on"
        else:
            yield field.html_name, "" if value is None else str(value)
