"""What staff type when they check: the checklist, Ausgaben line by line, Beteiligung."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django import forms

from applications.forms.desk import NeededDay, NeededText
from applications.forms.desk_letters import UploadField
from applications.forms.fields import ChoiceField, EuroField, TextField, with_blank
from applications.models.checks import Body, CheckKind, Verdict
from applications.rules import ExpenseCategory
from applications.services.checklists import Allowed, Said

if TYPE_CHECKING:
    from applications.services.checklists import ExpenseLine, Line

NO_AMOUNT: Final = "Bitte geben Sie an, wie viel zuwendungsfähig ist; nichts ist 0,00."


class ChecklistForm(forms.Form):
    """The checklist; a line without a result and without a text is not looked at yet."""

    use_required_attribute = False

    def __init__(self, *args: Any, lines: Iterable[Line], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = list(lines)
        for line in self.lines:
            key, result = line.item.pk, line.result
            criterion = line.item.kind == CheckKind.CRITERION
            if not criterion:
                self.fields[f"verdict_{key}"] = ChoiceField(
                    label=line.item.text,
                    choices=Verdict.choices,
                    widget=forms.RadioSelect,
                )
                self.initial[f"verdict_{key}"] = result.verdict if result else line.machine
            self.fields[f"text_{key}"] = TextField(
                label=_label(line),
                required=criterion or bool(line.machine),
                lines=3 if criterion else 2,
                max_length=2000,
            )
            self.initial[f"text_{key}"] = result.text if result else ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines with their bound fields, for the page."""
        return [
            {
                "line": line,
                "verdict": self[f"verdict_{line.item.pk}"]
                if f"verdict_{line.item.pk}" in self.fields
                else None,
                "text": self[f"text_{line.item.pk}"],
                "machine_label": Verdict(line.machine).label if line.machine else "",
            }
            for line in self.lines
        ]

    @property
    def said(self) -> dict[int, Said]:
        """What was said, as the service takes it."""
        found = {
            line.item.pk: Said(
                self.cleaned_data.get(f"verdict_{line.item.pk}", ""),
                self.cleaned_data[f"text_{line.item.pk}"],
            )
            for line in self.lines
        }
        return {key: said for key, said in found.items() if any(said)}

    def show_faults(self, faults: Mapping[str, str]) -> None:
        """Put what the service says beside its line; what is no line of it belongs elsewhere."""
        for line in self.lines:
            key = str(line.item.pk)
            if key in faults:
                missing = self.cleaned_data.get(f"verdict_{key}", "x") == ""
                self.add_error(f"verdict_{key}" if missing else f"text_{key}", faults[key])


def _label(line: Line) -> str:
    """What to write beside a line: an assessment, or reasons where they are wanted or needed."""
    if line.item.kind == CheckKind.CRITERION:
        return f"Einschätzung: {line.item.text}"
    return "Begründung einer Abweichung" if line.machine else "Begründung"


class ExpensesForm(forms.Form):
    """How much of each line of Ausgaben counts, and why less than all."""

    use_required_attribute = False

    def __init__(self, *args: Any, lines: Iterable[ExpenseLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = list(lines)
        for line in self.lines:
            # The line itself is the legend around both.
            self.fields[f"allowed_{line.row}"] = EuroField(label="Zuwendungsfähig")
            self.fields[f"reason_{line.row}"] = TextField(
                label="Begründung einer Kürzung",
                lines=2,
                max_length=500,
            )
            self.initial[f"allowed_{line.row}"] = line.allowed
            self.initial[f"reason_{line.row}"] = line.ruling.reason if line.ruling else ""
        if self.lines:
            self.fields["rest"] = forms.BooleanField(
                label="Die unveränderten Zeilen sind geprüft und zählen wie angegeben",
                required=False,
                help_text="Ohne diesen Haken werden nur die Zeilen entschieden, die Sie ändern.",
            )
            self.initial["rest"] = all(line.ruling and not line.stale for line in self.lines)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for line in self.lines:
            name = f"allowed_{line.row}"
            if name in cleaned and cleaned[name] is None:
                self.add_error(name, f"{named(line)}: {NO_AMOUNT}")
        return cleaned

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines with their bound fields, for the page."""
        return [
            {
                "line": line,
                "category": _category(line),
                "allowed": self[f"allowed_{line.row}"],
                "reason": self[f"reason_{line.row}"],
            }
            for line in self.lines
        ]

    @property
    def allowed(self) -> dict[str, Allowed]:
        """What was decided, as the service takes it: what was changed, and with a tick the rest."""
        changed = set(self.changed_data)
        return {
            line.row: Allowed(
                Decimal(self.cleaned_data[f"allowed_{line.row}"]),
                self.cleaned_data[f"reason_{line.row}"],
            )
            for line in self.lines
            if self.cleaned_data["rest"] or changed & {f"allowed_{line.row}", f"reason_{line.row}"}
        }

    def show_faults(self, faults: Mapping[str, str]) -> None:
        """Put what the service says beside its line; what is no line of it belongs elsewhere."""
        for line in self.lines:
            if line.row in faults:
                too_much = not 0 <= self.cleaned_data[f"allowed_{line.row}"] <= line.claimed
                name = f"allowed_{line.row}" if too_much else f"reason_{line.row}"
                self.add_error(name, f"{named(line)}: {faults[line.row]}")


def named(line: ExpenseLine) -> str:
    """A line of Ausgaben in words: its year, its kind, and what it is for where that is said."""
    parts = (str(line.year), _category(line), line.text)
    return ", ".join(part for part in parts if part)


def _category(line: ExpenseLine) -> str:
    return ExpenseCategory(line.category).label


class AskOpinionForm(forms.Form):
    """Whom the authority asked, and what."""

    use_required_attribute = False
    body = ChoiceField(label="Wer beteiligt wird", choices=with_blank(Body.choices))
    asked_on = NeededDay(
        label="Gefragt am",
        help_text="TT.MM.JJJJ",
        error_messages={"required": "Bitte geben Sie den Tag an."},
    )
    question = TextField(label="Frage", required=False, lines=3, max_length=2000)

    def show_faults(self, faults: Mapping[str, str]) -> None:
        """Put what the service says beside its field."""
        for name, message in faults.items():
            self.add_error(name, message)


class OpinionForm(forms.Form):
    """What came of it."""

    use_required_attribute = False
    answered_on = NeededDay(
        label="Geantwortet am",
        help_text="TT.MM.JJJJ",
        error_messages={"required": "Bitte geben Sie den Tag an."},
    )
    result = NeededText(
        label="Ergebnis",
        lines=4,
        max_length=4000,
        error_messages={"required": "Bitte halten Sie das Ergebnis fest."},
    )
    upload = UploadField(
        label="Dokument",
        required=False,
        help_text="Die Stellungnahme selbst, wenn sie vorliegt.",
        widget=forms.FileInput(),
    )

    def show_faults(self, faults: Mapping[str, str]) -> None:
        """Put what the service says beside its field."""
        for name, message in faults.items():
            self.add_error(name, message)
