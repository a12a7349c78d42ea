"""The step with the period, its milestones and the planned adoptions."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from applications.documents import LABELS
from applications.forms import fields
from applications.forms.rows import RowForm, Rows
from applications.models import Milestone
from applications.rules import (
    Step,
)

if TYPE_CHECKING:
    from django.http import QueryDict

from applications.forms.steps.base import Section, Sheet, StepForm
from applications.forms.steps.texts import CONCEPT_SOURCE


class MilestoneRow(RowForm):
    title = "Arbeitsschritt"
    content = ("text", "due_on")
    cells = "rows__row rows__row--milestone"

    text = fields.from_model(Milestone, "text")
    due_on = fields.DayField(label="fertig bis")


class AdoptionRow(RowForm):
    """The planned adoption of one member: the row is always there."""

    title = "Beschluss"
    content = ("planned_on",)

    planned_on = fields.DayField(label="Geplanter Beschluss", help_text="TT.MM.JJJJ")

    def choose(self, values: Mapping[str, Any], **choices: Any) -> None:
        self.ags, self.name = choices["member"]
        if choices["several"]:
            self.fields["planned_on"].label = f"Geplanter Beschluss in {self.name}"

    def row_data(self) -> dict[str, Any]:
        return {**super().row_data(), "municipality": self.ags}


class AdoptionRows(Rows):
    """One row for every member. Its id follows from application and key, so that two people
    who write at the same time write into the same row."""

    addable = False

    def __init__(
        self, *, data: QueryDict | None, values: Sequence[Mapping[str, Any]], sheet: Sheet
    ) -> None:
        self.form_class, self.part, self.error = AdoptionRow, "adoptions", ""
        stored = {row["municipality"]: row for row in values}
        self.forms: list[RowForm] = []
        for ags, name in sheet.members:
            row = stored.get(ags)
            self.forms.append(
                AdoptionRow(
                    data,
                    part=self.part,
                    row_id=row["id"] if row else str(uuid.uuid5(sheet.application, ags)),
                    values=row,
                    member=(ags, name),
                    several=len(sheet.members) > 1,
                )
            )


class ScheduleForm(StepForm):
    step = Step.ZEITPLAN
    sections = (
        Section("Dauer", ("starts_on", "months")),
        Section(
            "Arbeitsschritte",
            part="milestones",
            intro=(
                "Die wichtigsten Schritte bis zum Beschluss der Strategie, etwa Auftakt, "
                "Bestandsaufnahme, Beteiligung, Entwurf, Beschluss."
            ),
            source=CONCEPT_SOURCE,
        ),
        Section(
            "Beschluss der Strategie",
            part="adoptions",
            intro=(
                "Am Ende soll die Gemeindevertretung/Stadtverordnetenversammlung die Strategie "
                "beschließen, im Verbund in jeder Kommune."
            ),
            source="Programmseite",
        ),
    )

    starts_on = fields.DayField(
        label=LABELS["starts_on"],
        help_text=(
            "TT.MM.JJJJ. Beginnen dürfen Sie erst, wenn der Zuwendungsbescheid da ist. Als "
            "Beginn gilt schon der Abschluss eines Vertrags, auch mit der Prozessmoderation."
        ),
    )
    months = fields.MonthsField(label=LABELS["months"])

    def prepare(self) -> None:
        terms = self.sheet.terms
        if terms.duration_min and terms.duration_max:
            self.fields["months"].help_text = (
                f"Vorgesehen sind {terms.duration_min} bis {terms.duration_max} Monate "
                f"(Grundlage: {terms.source_duration})."
            )
        data = self.data if self.is_bound else None
        self.rows["milestones"] = Rows(
            MilestoneRow,
            "milestones",
            data=data,
            values=self.sheet.values["milestones"],
            blank=3,
        )
        self.rows["adoptions"] = AdoptionRows(
            data=data, values=self.sheet.values["adoptions"], sheet=self.sheet
        )
