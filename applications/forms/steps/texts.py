"""Steps that are mostly text: contacts, Konzeption, participation, declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from applications.forms import fields
from applications.forms.rows import RowForm, Rows
from applications.models import Application, ParticipationFormat
from applications.rules import (
    Declaration,
    Step,
)

if TYPE_CHECKING:
    pass

from applications.forms.steps.base import Section, StepForm


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
