"""What the partners of a Verbund bring in: part of the step with the municipalities."""

from __future__ import annotations

from typing import Any

from applications.forms import fields
from applications.forms.rows import MemberRow, MemberRows
from applications.forms.steps.base import Section, StepForm
from applications.models import Cooperation
from applications.rules import Step


class CooperationRow(MemberRow):
    """What one partner brings in besides its Eigenmittel, for its Kooperationserklärung."""

    title = "Partnerkommune"
    content = ("contribution",)

    contribution = fields.from_model(
        Cooperation,
        "contribution",
        lines=4,
        max_length=fields.LONGEST_ROW_TEXT,
        required=False,
        help_text=(
            "Freiwillig: was diese Partnerkommune außer ihren Eigenmitteln beiträgt, zum Beispiel: "
            "stellt Räume, arbeitet in der Steuerungsgruppe mit, lädt in ihren Ortsteilen ein."
        ),
    )


class PartnersForm(StepForm):
    """Who the partners are is chosen on the page itself; here stands what each brings in."""

    step = Step.KOMMUNE
    sections = (
        Section(
            "Was die Partnerkommunen beitragen",
            part="cooperations",
            intro=(
                "Der Text steht in der Kooperationserklärung. Den Anteil in Euro übernimmt sie "
                "aus dem Finanzierungsplan (Eigenmittel je Kommune), das Gremium aus dem Zeitplan."
            ),
            source="Programmseite",
        ),
    )

    def prepare(self) -> None:
        self.rows["cooperations"] = MemberRows(
            CooperationRow,
            "cooperations",
            application=self.sheet.application,
            members=self.sheet.members[1:],
            data=self.data if self.is_bound else None,
            values=self.sheet.values["cooperations"],
        )

    def step_data(self) -> dict[str, Any]:
        """Only what was asked here: the partners themselves stay as they are."""
        return {part: rows.row_data() for part, rows in self.rows.items()}
