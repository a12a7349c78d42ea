"""The step with the period, its milestones and the planned adoptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from applications.documents import LABELS
from applications.forms import fields
from applications.forms.rows import MemberRow, MemberRows, RowForm, Rows
from applications.forms.steps.base import CONCEPT_SOURCE, Section, StepForm
from applications.models import Adoption, Milestone
from applications.rules import Step


class MilestoneRow(RowForm):
    title = "Arbeitsschritt"
    content = ("text", "due_on")
    cells = "rows__row rows__row--milestone"

    text = fields.from_model(Milestone, "text", help_text="Zum Beispiel: Auftaktveranstaltung")
    due_on = fields.DayField(label="fertig bis", help_text="TT.MM.JJJJ, zum Beispiel 30.09.2027")


class AdoptionRow(MemberRow):
    """The planned adoption of one member, by the body it names."""

    title = "Beschluss"
    cells = "rows__row rows__row--two"

    body = fields.from_model(
        Adoption,
        "body",
        label="Beschließendes Gremium",
        help_text="Aus der Art der Kommune, zum Beispiel: Gemeindevertretung",
    )
    planned_on = fields.DayField(
        label="Geplanter Beschluss am", help_text="TT.MM.JJJJ, zum Beispiel 15.06.2028"
    )

    def choose(self, values: Mapping[str, Any], **choices: Any) -> None:
        super().choose(values, **choices)
        self.council = choices["councils"].get(self.ags, "")
        self.initial["body"] = self.council

    @property
    def is_blank(self) -> bool:
        """The body alone, as it follows from the kind, says nothing yet."""
        if not self.is_bound:
            return self.is_new
        typed = {name: (self.data.get(self.add_prefix(name)) or "").strip() for name in self.fields}
        return not typed["planned_on"] and typed["body"] in ("", self.council)


class ScheduleForm(StepForm):
    step = Step.ZEITPLAN
    sections = (
        Section("Dauer", ("starts_on", "months"), source="Programmseite"),
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
                "beschließen, im Verbund in jeder Kommune. Bitte nennen Sie das Gremium und den "
                "geplanten Tag."
            ),
            source="Programmseite",
        ),
    )

    starts_on = fields.DayField(
        label=LABELS["starts_on"],
        help_text=(
            "TT.MM.JJJJ, zum Beispiel 01.07.2027. Beginnen dürfen Sie erst, wenn der "
            "Zuwendungsbescheid da ist. Als Beginn gilt schon der Abschluss eines Vertrags, auch "
            "mit der Prozessmoderation."
        ),
    )
    months = fields.MonthsField(
        label=LABELS["months"], help_text="In ganzen Monaten, zum Beispiel 15"
    )

    def prepare(self) -> None:
        terms = self.sheet.terms
        if terms.duration_min and terms.duration_max:
            self.fields["months"].help_text = (
                f"In ganzen Monaten, vorgesehen sind {terms.duration_min} bis "
                f"{terms.duration_max} Monate, zum Beispiel {terms.duration_max}."
            )
        data = self.data if self.is_bound else None
        self.rows["milestones"] = Rows(
            MilestoneRow,
            "milestones",
            data=data,
            values=self.sheet.values["milestones"],
            blank=3,
        )
        self.rows["adoptions"] = MemberRows(
            AdoptionRow,
            "adoptions",
            application=self.sheet.application,
            members=self.sheet.members,
            data=data,
            values=self.sheet.values["adoptions"],
            councils=self.sheet.councils,
        )
