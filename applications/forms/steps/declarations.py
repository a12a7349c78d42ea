"""The step with the declarations of PROGRAMME §§ 5 and 6."""

from __future__ import annotations

from applications.forms import fields
from applications.forms.steps.base import FORM_SOURCE, PLAN_SOURCE, Section, StepForm
from applications.models import Application
from applications.rules import Declaration, Step


class DeclarationForm(StepForm):
    step = Step.ERKLAERUNGEN
    sections = (
        Section("Vertretung", ("authority_declared",), source=FORM_SOURCE),
        Section(
            "Richtigkeit",
            ("declares_correct",),
            intro="Bitte geben Sie hier und im Folgenden nur Erklärungen ab, die zutreffen.",
            source="Förderaufruf",
        ),
        Section(
            "Noch nicht begonnen",
            ("declares_not_started",),
            intro=(
                "Beginnen dürfen Sie erst, wenn der Zuwendungsbescheid da ist. Begonnen haben "
                "Sie schon, sobald Sie einen Vertrag über Lieferungen oder Leistungen schließen, "
                "zum Beispiel die Prozessmoderation beauftragen oder fest buchen. Die "
                "Eingangsbestätigung für diesen Antrag ist keine Erlaubnis."
            ),
            source="Förderrichtlinie",
        ),
        Section(
            "Finanzierung",
            ("declares_financing_secured", "other_funding", "other_funding_text"),
            intro=(
                "Haushaltslage und Vorsteuerabzug haben Sie im Abschnitt „Finanzierungsplan“ "
                "angegeben."
            ),
            source=PLAN_SOURCE,
        ),
        Section("Veröffentlichung", ("consents_publication",), source=FORM_SOURCE),
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
    declares_correct = fields.TickField(
        label=Declaration.CORRECT.label,
        help_text=(
            "Bitte sehen Sie den Antrag vorher noch einmal durch, zum Beispiel auf der Seite "
            "„Angaben prüfen“."
        ),
    )
    declares_not_started = fields.TickField(
        label=Declaration.NOT_STARTED.label,
        help_text=(
            "Haben Sie schon einen Vertrag geschlossen oder müssen Sie früher anfangen? Dann "
            "geben Sie die Erklärung nicht ab und sprechen Sie bitte vorher mit dem "
            "Regierungspräsidium: Es kann einen vorzeitigen Maßnahmenbeginn erlauben."
        ),
    )
    declares_financing_secured = fields.TickField(
        label=Declaration.FINANCING_SECURED.label,
        help_text=(
            "Das heißt: Mit der beantragten Zuwendung ist alles bezahlt, was im Finanzierungsplan "
            "steht. Ist der Haushalt noch nicht genehmigt, gilt die Erklärung unter diesem "
            "Vorbehalt."
        ),
    )
    other_funding = fields.YesNoField(
        label=(
            "Haben Sie für diese Maßnahme andere Fördermittel beantragt oder erhalten, oder "
            "haben Sie es vor?"
        ),
        help_text="Zum Beispiel vom Bund, von der Europäischen Union oder vom Landkreis.",
    )
    other_funding_text = fields.from_model(
        Application,
        "other_funding_text",
        lines=3,
        required=False,
        label="Wenn ja: welche?",
        help_text=(
            "Geldgeber, Programm, Betrag und Stand, zum Beispiel: Landkreis, Integrationsfonds, "
            "2.000 €, beantragt im Mai 2027. Der Betrag gehört auch in die Deckung."
        ),
    )
    consents_publication = fields.YesNoField(
        label="Dürfen wir das Projekt nach einer Bewilligung im Projektverzeichnis zeigen?",
        required=False,
        help_text=(
            "Öffentlich sind dann Projektname, Kommunen, Förderrunde, Laufzeit und die "
            "Größenklasse der Zuwendung, keine Namen von Personen und kein Finanzierungsplan. "
            "Kurzbeschreibung und Kontakt erst, wenn Sie sie nach der Bewilligung bestätigen. "
            "Ihre Antwort hat keinen Einfluss auf die Entscheidung."
        ),
    )
