"""The steps of an application as forms. They read and check what was typed and never save.

`step_data()` gives the plain values that `services.save_step` takes. A field added here, to
the model and to `services.drafts.STEP_FIELDS` is a field of the application.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.utils import timezone

from applications.documents import LABELS
from applications.forms import fields
from applications.forms.rows import RowForm, Rows, initial_value, plain
from applications.models import Application, Expense, Milestone, ParticipationFormat
from applications.rules import (
    BudgetSituation,
    CallTerms,
    CoverKind,
    Declaration,
    ExpenseCategory,
    Step,
)

if TYPE_CHECKING:
    from django.http import QueryDict


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


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the fields, or the repeatable part, that stand below it."""

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
            self.initial[name] = initial_value(field, sheet.values[name])

    def prepare(self) -> None:
        """Set what depends on the application: choices, hints, rows."""

    @property
    def basis(self) -> int:
        """The revision that what was typed started from; 0 where none can be read."""
        if not self.is_bound:
            return self.sheet.revision
        typed = self.data.get("basis", "")
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0

    def is_valid(self) -> bool:
        # Everything is looked at, so that every error is told at once.
        valid = [super().is_valid(), *(rows.is_valid() for rows in self.rows.values())]
        return all(valid)

    def step_data(self) -> dict[str, Any]:
        """The step as plain values for `services.save_step`; after `is_valid`."""
        data = {name: plain(value) for name, value in self.cleaned_data.items()}
        return data | {part: rows.row_data() for part, rows in self.rows.items()}

    def parts(self) -> Iterator[dict[str, Any]]:
        """Sections with their fields and rows, in the order of the page."""
        for section in self.sections:
            yield {
                "section": section,
                "fields": [self[name] for name in section.fields],
                "rows": self.rows.get(section.part),
            }

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

    def inputs(self) -> list[tuple[str, str]]:
        """All that the form holds as names and values of hidden inputs; of an unbound form."""
        found = list(_inputs(self))
        for part, rows in self.rows.items():
            for row in rows.forms:
                if rows.addable:
                    found.append((part, row.row_id))
                found += _inputs(row)
        return found


def short(label: str) -> str:
    """A label before an error: a whole declaration is cut after its first words."""
    return label if len(label) <= 70 else f"{label[:67].rstrip()} …"


def _target(field: forms.BoundField) -> str:
    one = isinstance(field.field.widget, forms.RadioSelect)
    return f"#{field.auto_id}_0" if one else f"#{field.auto_id}"


def _inputs(form: forms.Form) -> Iterator[tuple[str, str]]:
    for field in form:
        value = field.value()
        if isinstance(field.field, forms.BooleanField):
            if value:
                yield field.html_name, "on"
        else:
            yield field.html_name, "" if value is None else str(value)


# --- Ansprechpersonen ----------------------------------------------------------------------------


class ContactForm(StepForm):
    step = Step.ANSPRECHPARTNER
    sections = (
        Section(
            "Für Rückfragen",
            ("contact_unit", "contact_person", "contact_email", "contact_phone"),
            intro=(
                "Eine Stelle oder eine Person genügt. Mails zum Antrag gehen an die Adresse, "
                "die Sie hier angeben."
            ),
            source="Antragsformular",
        ),
        Section(
            "Wer für Ihre Kommune zeichnet",
            ("signatory_name", "signatory_function"),
            intro="Die Person, die Ihre Kommune bei diesem Antrag vertritt.",
        ),
    )

    contact_unit = fields.from_model(
        Application,
        "contact_unit",
        help_text="Zum Beispiel: Amt für Soziales und Integration",
    )
    contact_person = fields.from_model(
        Application, "contact_person", required=False, help_text="Vorname und Name"
    )
    contact_email = fields.from_model(
        Application,
        "contact_email",
        kind=fields.MailField,
        help_text="Ein Funktionspostfach genügt, zum Beispiel integration@musterstadt.de.",
    )
    contact_phone = fields.from_model(
        Application,
        "contact_phone",
        kind=fields.PhoneField,
        help_text="Mit Vorwahl, zum Beispiel 06151 12-3456",
    )
    signatory_name = fields.from_model(
        Application, "signatory_name", required=False, help_text="Vorname und Name"
    )
    signatory_function = fields.from_model(
        Application,
        "signatory_function",
        required=False,
        help_text="Zum Beispiel: Bürgermeisterin",
    )

    def prepare(self) -> None:
        self.fields["contact_email"].widget.attrs["autocomplete"] = "email"
        self.fields["contact_phone"].widget.attrs |= {"autocomplete": "tel", "type": "tel"}


# --- Konzeption ----------------------------------------------------------------------------------

CONCEPT_SOURCE: Final = "Förderrichtlinie Nr. 3.1"


class ConceptForm(StepForm):
    step = Step.KONZEPTION
    sections = (
        Section("Das Projekt in Kürze", ("title", "summary")),
        Section(
            "Die Konzeption",
            ("situation", "goals", "approach"),
            intro=(
                "Sie können den Text hier eingeben oder aus einem vorbereiteten Dokument "
                "einfügen. Eine ausführliche Konzeption können Sie bei den Anlagen beifügen."
            ),
            source=CONCEPT_SOURCE,
        ),
    )

    title = fields.from_model(
        Application,
        "title",
        help_text=(
            "Unter diesem Namen steht das Projekt nach einer Bewilligung im Verzeichnis, "
            "zum Beispiel: Vielfalt in Musterstadt gemeinsam gestalten."
        ),
    )
    summary = fields.from_model(
        Application,
        "summary",
        lines=5,
        help_text="Drei bis fünf Sätze: Was haben Sie vor, und was ist am Ende anders?",
    )
    situation = fields.from_model(
        Application,
        "situation",
        lines=8,
        help_text=(
            "Wie leben die Menschen bei Ihnen zusammen? Welche Angebote und Gremien gibt es "
            "schon, und wo sehen Sie Bedarf? Zahlen helfen."
        ),
    )
    goals = fields.from_model(
        Application,
        "goals",
        lines=8,
        help_text="Was soll die Strategie erreichen, und woran erkennen Sie das?",
    )
    approach = fields.from_model(
        Application,
        "approach",
        lines=8,
        help_text=(
            "Wie entsteht die Strategie, und was übernimmt die Prozessmoderation: zum Beispiel "
            "Bestandsaufnahme, Befragung, Beteiligung, Auswertung. Die Prozessmoderation wählen "
            "Sie frei. Schließen Sie den Vertrag bitte erst, wenn der Zuwendungsbescheid da ist."
        ),
    )


# --- Beteiligung ---------------------------------------------------------------------------------


class FormatRow(RowForm):
    title = "Beteiligungsformat"
    content = ("name", "reaches", "when", "barriers")
    cells = "rows__row rows__row--two"

    name = fields.from_model(
        ParticipationFormat, "name", help_text="Zum Beispiel: Zukunftswerkstatt im Stadtteil Nord"
    )
    reaches = fields.from_model(
        ParticipationFormat,
        "reaches",
        help_text="Zum Beispiel: alle im Stadtteil, besonders Familien",
    )
    when = fields.from_model(
        ParticipationFormat, "when", help_text="Zum Beispiel: Herbst 2027, zwei Termine"
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
        help_text="Auf welche Ortsteile, Quartiere oder Nachbarschaften bezieht sie sich?",
    )
    bodies = fields.from_model(
        Application,
        "bodies",
        lines=5,
        help_text=(
            "Wie sind Gemeindevertretung/Stadtverordnetenversammlung, Ausschüsse, Ortsbeiräte "
            "und Ausländerbeirat oder Integrations-Kommission beteiligt?"
        ),
    )
    wir_centre = fields.from_model(
        Application,
        "wir_centre",
        lines=5,
        help_text="Wie arbeiten Sie mit dem WIR-Vielfaltszentrum zusammen, das für Sie da ist?",
    )

    def prepare(self) -> None:
        self.rows["formats"] = Rows(
            FormatRow,
            "formats",
            data=self.data if self.is_bound else None,
            values=self.sheet.values["formats"],
        )


# --- Zeitplan ------------------------------------------------------------------------------------


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


# --- Finanzierungsplan ---------------------------------------------------------------------------


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
            members[held] = f"{held} (nicht mehr beteiligt)"
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
            intro=(
                "Alle Ausgaben der Maßnahme, jede in dem Haushaltsjahr, in dem sie anfällt. "
                "„Zuwendungsfähig“ ist Ihr Vorschlag; darüber entscheidet das "
                "Regierungspräsidium."
            ),
            source="Förderrichtlinie Nr. 3.2",
        ),
        Section(
            "Deckung",
            part="cover",
            intro=(
                "Woher das Geld kommt. In jedem Haushaltsjahr und insgesamt muss die Deckung "
                "auf den Cent so hoch sein wie die Ausgaben."
            ),
            source="Förderrichtlinie Nr. 3.2",
        ),
        Section("Angaben zum Haushalt", ("vat_deductible", "budget_situation")),
    )

    vat_deductible = fields.YesNoField(
        label="Sind Sie für diese Maßnahme zum Vorsteuerabzug berechtigt?",
        yes="Ja, alle Beträge sind netto angegeben",
        no="Nein, alle Beträge sind einschließlich Umsatzsteuer angegeben",
    )
    budget_situation = fields.ChoiceField(
        label=LABELS["budget_situation"],
        help_text="Federführende Kommune, im laufenden Haushaltsjahr",
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
        )

    def step_data(self) -> dict[str, Any]:
        data = super().step_data()
        for part in self.rows:
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


# --- Erklärungen ---------------------------------------------------------------------------------


class DeclarationForm(StepForm):
    step = Step.ERKLAERUNGEN
    sections = (
        Section("Vertretung", ("authority_declared",)),
        Section(
            "Erklärungen zum Antrag",
            ("declares_correct", "declares_not_started", "declares_financing_secured"),
            intro="Bitte geben Sie nur Erklärungen ab, die zutreffen.",
            source="Förderaufruf",
        ),
        Section("Veröffentlichung", ("consents_publication",)),
    )

    authority_declared = fields.TickField(
        label=(
            "Die antragstellende Kommune wird bei diesem Antrag von einer Person vertreten, die "
            "dazu befugt ist."
        ),
        help_text=(
            "Ohne diese Erklärung der Kommune kann der Antrag nicht eingereicht werden. Wer ihn "
            "einreicht, bestätigt dabei die eigene Befugnis."
        ),
    )
    declares_correct = fields.TickField(label=Declaration.CORRECT.label)
    declares_not_started = fields.TickField(
        label=Declaration.NOT_STARTED.label,
        help_text=(
            "Haben Sie schon einen Vertrag geschlossen oder müssen Sie früher anfangen? Dann "
            "geben Sie die Erklärung nicht ab und sprechen Sie bitte vorher mit dem "
            "Regierungspräsidium: Es kann einen vorzeitigen Maßnahmenbeginn erlauben."
        ),
    )
    declares_financing_secured = fields.TickField(label=Declaration.FINANCING_SECURED.label)
    consents_publication = fields.YesNoField(
        label="Dürfen wir das Projekt nach einer Bewilligung im Projektverzeichnis zeigen?",
        required=False,
        help_text=(
            "Öffentlich sind dann Projektname, Kurzbeschreibung, Kommunen, Förderrunde, "
            "verantwortliche Stelle und Laufzeit, keine Namen von Personen und kein "
            "Finanzierungsplan. Ihre Antwort hat keinen Einfluss auf die Entscheidung."
        ),
    )


FORMS: Final[dict[Step, type[StepForm]]] = {
    form.step: form
    for form in (
        ContactForm,
        ConceptForm,
        ParticipationForm,
        ScheduleForm,
        PlanForm,
        DeclarationForm,
    )
}
"""The steps that are filled in. Municipalities and documents are chosen and uploaded."""
