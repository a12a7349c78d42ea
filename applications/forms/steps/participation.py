"""The step with the participation: social space, formats, bodies, WIR-Vielfaltszentrum."""

from __future__ import annotations

from applications.forms import fields
from applications.forms.rows import RowForm, Rows
from applications.forms.steps.base import Section, StepForm
from applications.models import Application, ParticipationFormat
from applications.rules import Step


class FormatRow(RowForm):
    title = "Beteiligungsformat"
    content = ("name", "reaches", "when", "how_many", "barriers")
    cells = "rows__row rows__row--two"

    name = fields.from_model(
        ParticipationFormat, "name", help_text="Zum Beispiel: Zukunftswerkstatt im Stadtteil Nord"
    )
    reaches = fields.from_model(
        ParticipationFormat,
        "reaches",
        help_text="Zum Beispiel: alle im Stadtteil, besonders Familien",
    )
    when = fields.from_model(ParticipationFormat, "when", help_text="Zum Beispiel: Herbst 2027")
    how_many = fields.from_model(
        ParticipationFormat,
        "how_many",
        help_text="Zum Beispiel: zwei Termine mit je etwa 40 Personen",
    )
    barriers = fields.from_model(
        ParticipationFormat,
        "barriers",
        help_text="Zum Beispiel: Kinderbetreuung, mehrere Sprachen",
    )


class ParticipationForm(StepForm):
    step = Step.BETEILIGUNG
    sections = (
        Section("Sozialraum", ("social_space",), source="Programmseite"),
        Section(
            "Beteiligungsformate",
            part="formats",
            intro=(
                "Wie wirken die Menschen an der Strategie mit? Gefördert wird Beteiligung, die "
                "allen Einwohnerinnen und Einwohnern offensteht. Mindestens ein Format ist "
                "Pflichtangabe."
            ),
            source="Programmseite",
        ),
        Section(
            "Gremien und WIR-Vielfaltszentrum", ("bodies", "wir_centre"), source="Programmseite"
        ),
    )

    social_space = fields.from_model(
        Application,
        "social_space",
        lines=5,
        help_text=(
            "Auf welche Ortsteile, Quartiere oder Nachbarschaften bezieht sich die Strategie? "
            "Zum Beispiel: Kernstadt mit dem Quartier am Bahnhof und vier Ortsteile"
        ),
    )
    bodies = fields.from_model(
        Application,
        "bodies",
        lines=5,
        help_text=(
            "Wie sind Gemeindevertretung/Stadtverordnetenversammlung, Ausschüsse, Ortsbeiräte "
            "und Ausländerbeirat oder Integrations-Kommission beteiligt? Zum Beispiel: Der "
            "Sozialausschuss berät zweimal über den Zwischenstand, der Ausländerbeirat arbeitet in "
            "der Steuerungsgruppe mit."
        ),
    )
    wir_centre = fields.from_model(
        Application,
        "wir_centre",
        lines=5,
        help_text=(
            "Wie arbeiten Sie mit dem WIR-Vielfaltszentrum Ihres Landkreises oder Ihrer "
            "kreisfreien Stadt zusammen? Zum Beispiel: Mitarbeit in der Steuerungsgruppe"
        ),
    )

    def prepare(self) -> None:
        self.rows["formats"] = Rows(
            FormatRow,
            "formats",
            data=self.data if self.is_bound else None,
            values=self.sheet.values["formats"],
        )
