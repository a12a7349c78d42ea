"""The step with the Finanzierungsplan: Ausgaben and Deckung per Haushaltsjahr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.utils import timezone

from applications.documents import LABELS, left
from applications.forms import fields
from applications.forms.rows import RowForm, Rows
from applications.forms.steps.base import PLAN_SOURCE, Section, Sheet, StepForm
from applications.models import Expense
from applications.rules import (
    BudgetSituation,
    CoverKind,
    CoverLine,
    ExpenseCategory,
    ExpenseLine,
    Plan,
    Step,
)
from applications.rules.unlocking import opens

NOTHING: Final = Decimal("0.00")


class MoneyRow(RowForm):
    """A line of the plan: a Haushaltsjahr and an amount."""

    content = ("text", "amount")

    def choose(self, values: Mapping[str, Any], **choices: Any) -> None:
        years = {*choices["years"]}
        typed = self.data.get(self.add_prefix("year"), "") if self.is_bound else ""
        # A year that was on offer when the page was opened is not lost when it no longer is.
        if len(typed) == 4 and typed.isascii() and typed.isdigit():
            years |= {int(typed)} & {*range(fields.FIRST_YEAR, fields.LAST_YEAR + 1)}
        self.fields["year"].choices = fields.years_to_choose(years)

    def row_data(self) -> dict[str, Any]:
        data = super().row_data()
        return {**data, "year": int(data["year"])}


class ExpenseRow(MoneyRow):
    title = "Ausgabe"
    cells = "rows__row rows__row--expense"
    explains: ClassVar = {
        "year": "das Kalenderjahr, in dem die Ausgabe anfällt",
        "category": (
            "zum Beispiel „Prozessmoderation/Honorare“; was nirgends passt, gehört zu „Sonstiges“"
        ),
        "text": "zum Beispiel „Honorar der Prozessmoderation, 25 Tage“",
        "amount": "zum Beispiel 20.000,00",
        "eligible": "Ihr Vorschlag; darüber entscheidet das Regierungspräsidium",
    }

    year = fields.ChoiceField(label="Haushaltsjahr")
    category = fields.ChoiceField(
        label="Ausgabenart", choices=[(kind.value, kind.label) for kind in ExpenseCategory]
    )
    text = fields.from_model(Expense, "text", label="Wofür")
    amount = fields.EuroField(label="Betrag")
    eligible = fields.TickField(label="zuwendungsfähig", initial=True)


class CoverRow(MoneyRow):
    title = "Deckung"
    cells = "rows__row rows__row--cover"
    explains: ClassVar = {
        "year": "das Kalenderjahr, in dem das Geld gebraucht wird",
        "kind": "zum Beispiel „Eigenmittel“ oder „beantragte Zuwendung“",
        "municipality": "bei Eigenmitteln: welche Kommune sie aufbringt",
        "text": "freiwillig, zum Beispiel „Haushaltsstelle Integration“",
        "amount": "zum Beispiel 5.000,00",
    }

    year = fields.ChoiceField(label="Haushaltsjahr")
    kind = fields.ChoiceField(
        label="Woher", choices=[(kind.value, kind.label) for kind in CoverKind]
    )
    municipality = fields.ChoiceField(label="Kommune", required=False)
    text = fields.from_model(Expense, "text", label="Erläuterung", required=False)
    amount = fields.EuroField(label="Betrag")

    def choose(self, values: Mapping[str, Any], **choices: Any) -> None:
        super().choose(values, **choices)
        members = dict(choices["members"])
        self.held = held = values.get("municipality")
        if held and held not in members:
            members[held] = left(choices["former"].get(held) or f"Schlüssel {held}")
        if len(members) > 1:
            self.fields["municipality"].choices = fields.with_blank([*members.items()], "–")
        else:
            del self.fields["municipality"]
            self.cells = "rows__row rows__row--cover-alone"

    def row_data(self) -> dict[str, Any]:
        data = super().row_data()
        return {**data, "municipality": data.get("municipality", self.held) or None}


class PlanForm(StepForm):
    step = Step.FINANZIERUNG
    sections = (
        Section(
            "Ausgaben",
            part="expenses",
            intro=("Alle Ausgaben der Maßnahme, jede in dem Haushaltsjahr, in dem sie anfällt."),
            source=PLAN_SOURCE,
        ),
        Section(
            "Deckung",
            part="cover",
            intro=(
                "Woher das Geld kommt. In jedem Haushaltsjahr und insgesamt muss die Deckung "
                "auf den Cent so hoch sein wie die Ausgaben."
            ),
            source=PLAN_SOURCE,
        ),
        Section("Angaben zum Haushalt", ("vat_deductible", "budget_situation"), source=PLAN_SOURCE),
    )

    vat_deductible = fields.YesNoField(
        label="Sind Sie für diese Maßnahme zum Vorsteuerabzug berechtigt?",
        yes="Ja, alle Beträge sind netto angegeben",
        no="Nein, alle Beträge sind einschließlich Umsatzsteuer angegeben",
        help_text=(
            "Das trifft zu, wenn das Finanzamt Ihrer Kommune die Umsatzsteuer aus Rechnungen für "
            "diese Maßnahme erstattet. Ihre Kämmerei weiß es."
        ),
    )
    budget_situation = fields.ChoiceField(
        label=LABELS["budget_situation"],
        help_text=(
            "Federführende Kommune, im laufenden Haushaltsjahr. Zum Beispiel „Haushalt noch nicht "
            "genehmigt“, solange die Genehmigung der Aufsicht aussteht."
        ),
        choices=[(situation.value, situation.label) for situation in BudgetSituation],
        widget=forms.RadioSelect,
    )

    def prepare(self) -> None:
        sheet = self.sheet
        values = sheet.values
        used = {row["year"] for part in ("expenses", "cover") for row in values[part]}
        years = sheet.years or tuple(range(_year(sheet), _year(sheet) + 3))
        data = self.data if self.is_bound else None
        self.rows["expenses"] = Rows(
            ExpenseRow,
            "expenses",
            data=data,
            values=values["expenses"],
            suggestions=[{"year": year, "category": "moderation"} for year in sheet.years],
            years={*years} | used,
        )
        self.rows["cover"] = Rows(
            CoverRow,
            "cover",
            data=data,
            values=values["cover"],
            suggestions=_usual_cover(sheet),
            years={*years} | used,
            members=sheet.members,
            former=sheet.former,
        )

    def step_data(self) -> dict[str, Any]:
        return _by_year(super().step_data(), self.rows)

    def savable_data(self) -> dict[str, Any]:
        return _by_year(super().savable_data(), self.rows)

    def plan(self) -> Plan:
        """The plan as it stands in the form; after `is_valid`, whatever that said.

        Rows whose amount or Haushaltsjahr cannot be read count as nothing, see `unread`.
        """
        answers = {
            name: self.cleaned_data.get(name) if name in self.fields else self.sheet.values[name]
            for name in self.base_fields
        }
        return Plan(
            expenses=tuple(
                ExpenseLine(
                    int(row["year"]),
                    row["category"],
                    row.get("text", ""),
                    row["amount"] or NOTHING,
                    row["eligible"],
                    row_id,
                )
                for row_id, row in self._read("expenses", "category")
            ),
            cover=tuple(
                CoverLine(
                    int(row["year"]),
                    row["kind"],
                    row.get("text", ""),
                    row["amount"] or NOTHING,
                    row["municipality"],
                    row_id,
                    self.sheet.former.get(row["municipality"] or "", ""),
                )
                for row_id, row in self._read("cover", "kind")
            ),
            vat_deductible=answers["vat_deductible"],
            budget_situation=answers["budget_situation"] or "",
        )

    @property
    def unread(self) -> int:
        """How many rows of the form are not in its sums; after `is_valid`."""
        written = [row for rows in self.rows.values() for row in rows.forms if not row.is_blank]
        read = [*self._typed("expenses", "category"), *self._typed("cover", "kind")]
        return len(written) - len(read)

    def _read(self, part: str, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows as typed, and those that are closed as they are stored."""
        yield from self._typed(part, kind)
        if not opens(self.sheet.opened, part):
            for row in self.closed_rows(part):
                yield row["id"], {**row, "amount": Decimal(row["amount"] or 0)}

    def _typed(self, part: str, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for form in self.rows[part].forms:
            found = form.cleaned_data if not form.is_blank else {}
            if "amount" in found and found.get("year") and found.get(kind):
                held = getattr(form, "held", None)
                yield form.row_id, {**found, "municipality": found.get("municipality") or held}


def _by_year(data: dict[str, Any], parts: Iterable[str]) -> dict[str, Any]:
    """The rows of each part in the order of their Haushaltsjahre."""
    for part in parts:
        if part in data:
            data[part] = sorted(data[part], key=lambda row: row["year"])
    return data


def _year(sheet: Sheet) -> int:
    return timezone.localdate(sheet.at).year


def _usual_cover(sheet: Sheet) -> list[dict[str, Any]]:
    """In each Haushaltsjahr the Eigenmittel of every member and the grant asked for."""
    several = len(sheet.members) > 1
    return [
        line
        for year in sheet.years
        for line in (
            *(
                {"year": year, "kind": CoverKind.OWN.value}
                | ({"municipality": ags} if several else {})
                for ags, _ in sheet.members
            ),
            {"year": year, "kind": CoverKind.GRANT.value},
        )
    ]
