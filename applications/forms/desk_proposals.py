"""Proposals at the desk: the first decision, and every later version of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms

from applications.forms.desk_letters import ElsewhereForm, TickedField
from applications.forms.fields import DayField, EuroField, TextField, with_blank
from applications.models.decisions import (
    CHANGE_KINDS,
    FIRST_KINDS,
    DecisionKind,
    PlanSide,
    RevocationBasis,
)
from applications.rules import CoverKind, ExpenseCategory
from applications.services import Before, Elsewhere, PlanLine, Proposal
from applications.services.decisions import faults_of
from applications.services.letters import PARTS_ELSEWHERE

MOST_YEARS: Final = 5
"""So many years apart may the days of a period be for its Haushaltsjahre to be offered."""

ONLY_THIS_CASE: Final = (
    "Nur, was diesen Fall betrifft; die Sätze darunter stehen im Bescheid ohnehin davor."
)

TO_BALANCE: Final = (
    "Ändern Sie hier die Zuwendung oder im Finanzierungsplan Eigenmittel oder Leistungen Dritter "
    "dieses Jahres."
)
"""What a year that does not balance may be mended with; who bears a cut is the reviewer's."""

SHORT: Final = 60
"""So many words of standard reasons are shown at once; more are folded."""

RECUT: Final = "recut"
"""The button that cuts the years anew and saves nothing."""


def plan_rows(members: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """The lines of a plan: side, kind, AGS, German label. The grant follows from the years.

    `members` by AGS; in a Verbund each has its own line of Eigenmittel.
    """
    rows = [
        (PlanSide.EXPENSE.value, kind.value, "", f"Ausgaben: {kind.label}")
        for kind in ExpenseCategory
    ]
    for kind in CoverKind:
        if kind is CoverKind.GRANT:
            continue
        if kind is CoverKind.OWN:
            rows += [
                (
                    PlanSide.COVER.value,
                    kind.value,
                    ags,
                    f"Deckung: {kind.label}" + (f" {name}" if len(members) > 1 else ""),
                )
                for ags, name in members.items()
            ]
        else:
            rows.append((PlanSide.COVER.value, kind.value, "", f"Deckung: {kind.label}"))
    return rows


def plan_field(side: str, kind: str, ags: str, year: int) -> str:
    """The name of a cell of the plan."""
    return f"plan_{side}_{kind}_{ags}_{year}"


class ProposalForm(ElsewhereForm):
    """A proposal; what the service would say of it is told beside the fields, all at once."""

    KINDS: Sequence[DecisionKind] = FIRST_KINDS

    kind = forms.ChoiceField(
        label="Vorschlag",
        widget=forms.RadioSelect,
        error_messages={"required": "Bitte wählen Sie, was Sie vorschlagen."},
    )
    # Needed for a grant, empty for a rejection: the fields take both (see forms.fields).
    amount = EuroField(label="Zuwendung insgesamt")
    eligible_costs = EuroField(label="Zuwendungsfähige Gesamtausgaben")
    starts_on = DayField(label="Beginn des Bewilligungszeitraums", help_text="TT.MM.JJJJ")
    ends_on = DayField(label="Ende des Bewilligungszeitraums", help_text="TT.MM.JJJJ")
    reasons = TextField(
        label="Begründung der Entscheidung",
        lines=6,
        help_text="Steht im Bescheid unter „Begründung“.",
    )
    reduction_reasons = TextField(
        label="Begründung der Kürzung",
        lines=4,
        help_text="Nötig, wenn weniger bewilligt wird als beantragt.",
    )
    special_conditions = TextField(
        label="Besondere Nebenbestimmungen",
        required=False,
        lines=4,
        help_text="Zusätzlich zu denen des Textbausteins.",
    )
    hearing_skipped = TextField(
        label="Grund, von einer Anhörung abzusehen",
        lines=3,
        help_text="Nur nötig, wenn die Kommune zu dieser Ablehnung nicht angehört wurde.",
    )

    # Of the application, as it was handed in: the proposal holds for what was read.
    version = forms.IntegerField(required=False, widget=forms.HiddenInput, max_value=32767)

    def __init__(
        self,
        *args: Any,
        years: Iterable[int],
        requested: Decimal,
        members: Mapping[str, str] | None = None,
        before: Before | None = None,
        opening: Sequence[tuple[str, Sequence[str]]] = (),
        plan_open: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.plan_open = plan_open or self.is_bound
        self.opening = opening
        """What the letter's Begründung says by itself: kind of decision, paragraphs."""
        if opening:
            self.fields["reasons"].help_text = ONLY_THIS_CASE
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in self.KINDS]  # type: ignore[attr-defined]
        self.requested = requested
        self.before = before
        self.members = members or {}
        self.rows = plan_rows(self.members)
        self.years = self._cut(sorted({*years}))
        for year in self.years:
            self.fields[f"year_{year}"] = EuroField(label=f"Haushaltsjahr {year}")
        for side, kind, ags, label in self.rows:
            for year in self.years:
                self.fields[plan_field(side, kind, ags, year)] = EuroField(label=f"{label}, {year}")
        for kind in self.KINDS:
            self.fields[f"parts_{kind}"] = TickedField(
                label=f"Im Schreiben „{kind.label}“ habe ich gefunden",
                choices=PARTS_ELSEWHERE[kind],
            )

    def _cut(self, years: list[int]) -> list[int]:
        """The Haushaltsjahre of the period that was typed; a year that holds an amount stays."""
        typed = self._years_typed()
        if not typed:
            return years
        filled = {
            year
            for year in years
            if any(
                str(value).strip() not in ("", "0", "0,00")
                for name, value in self.data.items()
                if name.endswith(f"_{year}")
            )
        }
        return sorted({*typed} | filled)

    def _years_typed(self) -> range:
        """The Haushaltsjahre of the period that was typed, where it is another one."""
        try:
            start, end = (
                self.fields[name].clean(self.data.get(name)) for name in ("starts_on", "ends_on")
            )
        except forms.ValidationError:
            return range(0)
        if start is None or end is None or not 0 <= end.year - start.year <= MOST_YEARS:
            return range(0)
        return range(start.year, end.year + 1)

    @property
    def recuts(self) -> bool:
        """Whether only the years are to be cut anew."""
        return RECUT in self.data

    def recut(self) -> ProposalForm:
        """The form with the years of the typed period, everything typed kept, nothing checked."""
        typed = {
            name: self.data.get(name, "")
            for name in self.fields
            if not isinstance(self.fields[name], forms.MultipleChoiceField | forms.FileField)
        }
        return type(self)(
            None,
            years=self.years,
            requested=self.requested,
            members=self.members,
            before=self.before,
            opening=self.opening,
            plan_open=True,
            initial=typed,
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        # Not said: then only what every kind needs counts.
        kind = cleaned.get("kind", DecisionKind.REJECTION)
        unreadable = set(self.errors)
        for name, message in self._faults(self._proposal(cleaned, kind)).items():
            # A sum with a line that could not be read would be wrong on top of it.
            if name == "years" and unreadable & {f"year_{year}" for year in self.years}:
                continue
            if name.partition("_")[0] in {"years", "plan"} and "amount" in unreadable:
                continue
            if name.startswith("plan") and any(field.startswith("plan_") for field in unreadable):
                continue
            if name not in unreadable and not ("kind" in unreadable and name == "hearing_skipped"):
                self.show_faults({name: message})
        return cleaned

    def _faults(self, proposal: Proposal) -> dict[str, str]:
        faults = faults_of(proposal, self.requested, self.before)
        # The form's own field says so already.
        return {name: text for name, text in faults.items() if name not in {"upload", "dated_on"}}

    @property
    def opening_is_short(self) -> bool:
        """Whether the standard reasons of the first kind are read at a glance."""
        return sum(len(part.split()) for part in self.opening[0][1]) <= SHORT

    @property
    def year_fields(self) -> list[Any]:
        """The bound fields of the Haushaltsjahre, for the page."""
        return [self[f"year_{year}"] for year in self.years]

    @property
    def parts_fields(self) -> list[Any]:
        """The bound fields of the ticked parts, one for each kind."""
        return [self[f"parts_{kind}"] for kind in self.KINDS]

    @property
    def plan_table(self) -> list[tuple[str, list[Any]]]:
        """The rows of the plan with their bound fields, for the page."""
        return [
            (label, [self[plan_field(side, kind, ags, year)] for year in self.years])
            for side, kind, ags, label in self.rows
        ]

    @property
    def proposal(self) -> Proposal:
        """What was typed, as the service takes it; a rejection has no figures."""
        return self._proposal(self.cleaned_data, self.cleaned_data["kind"])

    def _elsewhere(self, data: Mapping[str, Any], kind: str) -> Elsewhere | None:
        if data.get("made") != "elsewhere":
            return None
        return Elsewhere(
            data.get("upload"),
            data.get("letter_dated_on"),
            frozenset(data.get(f"parts_{kind}") or ()),
        )

    def _proposal(self, data: Mapping[str, Any], kind: str) -> Proposal:
        made = self._elsewhere(data, kind)
        if kind == DecisionKind.REJECTION:
            return Proposal(
                kind=kind,
                reasons=data.get("reasons", ""),
                hearing_skipped=data.get("hearing_skipped", ""),
                elsewhere=made,
            )
        years = {year: data.get(f"year_{year}") for year in self.years}
        years = {year: amount for year, amount in years.items() if amount is not None}
        return Proposal(
            kind=kind,
            reasons=data.get("reasons", ""),
            amount=data.get("amount"),
            years=years,
            eligible_costs=data.get("eligible_costs"),
            starts_on=data.get("starts_on"),
            ends_on=data.get("ends_on"),
            reduction_reasons=data.get("reduction_reasons", ""),
            special_conditions=data.get("special_conditions", ""),
            plan=self._plan(data, years),
            elsewhere=made,
            basis=data.get("basis", ""),
            purpose=data.get("purpose", ""),
        )

    def _plan(self, data: Mapping[str, Any], years: Mapping[int, Decimal]) -> list[PlanLine] | None:
        """The lines that were typed with the grant of each year; None where none was."""
        lines = [
            PlanLine(side, kind, year, amount, ags)
            for side, kind, ags, _ in self.rows
            for year in self.years
            if (amount := data.get(plan_field(side, kind, ags, year))) is not None
        ]
        if not lines:
            return None
        return lines + [
            PlanLine(PlanSide.COVER.value, CoverKind.GRANT.value, year, amount)
            for year, amount in years.items()
        ]

    def show_faults(self, faults: Mapping[str, str]) -> None:
        """Put what the service says beside the fields it is about."""
        kind = self.cleaned_data.get("kind", "")
        places = {
            "years": f"year_{self.years[0]}" if self.years else "amount",
            "parts": f"parts_{kind}",
            "dated_on": "letter_dated_on",
            "plan": None,
            "hearing": None,
        }
        for name, message in faults.items():
            # A year that does not balance is told at the first field that can mend it.
            field = name.replace("plan_", "year_") if name.startswith("plan_") else ""
            if field in self.fields:
                self.add_error(field, f"{message} {TO_BALANCE}")
            else:
                self.add_error(places.get(name, None if field else name), message)


class ChangeForm(ProposalForm):
    """A version that changes what was signed: all figures as they are to be afterwards."""

    KINDS = CHANGE_KINDS

    basis = forms.ChoiceField(
        label="Rechtsgrund der Aufhebung",
        choices=with_blank(RevocationBasis.choices),
        required=False,
        help_text="Nur bei einer Aufhebung.",
    )
    purpose = TextField(
        label="Geänderter Zuwendungszweck",
        required=False,
        lines=3,
        help_text="Nur bei einer Umwidmung; sonst leer lassen.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["hearing_skipped"]
        self.fields[
            "special_conditions"
        ].help_text = "Bei einer Aufhebung steht hier, was zu erstatten ist (§ 49a HVwVfG)."

    def _faults(self, proposal: Proposal) -> dict[str, str]:
        return {}  # measured by the version before: the service says what is missing
