"""The step with the Konzeption: what, why, for whom, and how the Prozessmoderation is found."""

from __future__ import annotations

from typing import Any

from django import forms

from applications.forms import fields
from applications.forms.steps.base import CONCEPT_SOURCE, FORM_SOURCE, Section, StepForm
from applications.models import Application
from applications.rules import ProcurementWay, Step


def _text(name: str, **options: Any) -> fields.TextField:
    return fields.from_model(Application, name, **options)


class ConceptForm(StepForm):
    step = Step.KONZEPTION
    sections = (
        Section("Das Projekt in Kürze", ("title", "summary"), source=FORM_SOURCE),
        Section(
            "Die Konzeption",
            ("situation", "goals", "target_groups", "topics", "approach", "continuation"),
            intro=(
                "Sie können den Text hier eingeben oder aus einem vorbereiteten Dokument "
                "einfügen. Eine ausführliche Konzeption können Sie bei den Anlagen beifügen. "
                "Nach Sozialraum, Beteiligung, Gremien und WIR-Vielfaltszentrum fragen wir im "
                "Abschnitt „Beteiligung“, nach dem Beschluss am Ende im „Zeitplan“."
            ),
            source=CONCEPT_SOURCE,
        ),
        Section(
            "Wie Sie die Prozessmoderation auswählen",
            ("procurement_way", "procurement_text"),
            intro=(
                "Die externe Prozessmoderation wählen Sie frei. Welche Vergaberegeln gelten, "
                "richtet sich nach dem Recht Ihrer Kommune und dem Zuwendungsbescheid. "
                "Schließen Sie den Vertrag bitte erst, wenn der Bescheid da ist."
            ),
            source="Förderrichtlinie",
        ),
    )

    title = _text(
        "title",
        help_text=(
            "Unter diesem Namen steht das Projekt nach einer Bewilligung im Verzeichnis, "
            "zum Beispiel: Vielfalt in Musterstadt gemeinsam gestalten"
        ),
    )
    summary = _text(
        "summary",
        lines=5,
        help_text=(
            "Drei bis fünf Sätze: Was haben Sie vor, und was ist am Ende anders? Zum Beispiel: "
            "Musterstadt erarbeitet mit allen, die hier leben, eine Strategie für Vielfalt und "
            "Integration. Am Ende soll die Stadtverordnetenversammlung sie beschließen."
        ),
    )
    situation = _text(
        "situation",
        lines=8,
        help_text=(
            "Wie leben die Menschen bei Ihnen zusammen? Welche Angebote und Gremien gibt es "
            "schon, und wo sehen Sie Bedarf? Zahlen helfen. Zum Beispiel: Es gibt Sprachkurse und "
            "ein Begegnungscafé, aber im Ortsteil Nord keine Anlaufstelle."
        ),
    )
    goals = _text(
        "goals",
        lines=8,
        help_text=(
            "Was soll die Strategie erreichen, und woran erkennen Sie das? Zum Beispiel: Wer neu "
            "zuzieht, findet alle Angebote an einer Stelle; wir zählen, wie viele sie nutzen."
        ),
    )
    target_groups = _text(
        "target_groups",
        lines=5,
        help_text=(
            "Für wen ist die Strategie, und wen wollen Sie besonders erreichen? Zum Beispiel: "
            "alle Einwohnerinnen und Einwohner, besonders Neuzugewanderte und Alleinerziehende"
        ),
    )
    topics = _text(
        "topics",
        lines=5,
        help_text=(
            "Womit befasst sich die Strategie? Zum Beispiel: Ankommen, Sprache, Bildung, Arbeit, "
            "Wohnen, Begegnung, Schutz vor Diskriminierung"
        ),
    )
    approach = _text(
        "approach",
        lines=8,
        help_text=(
            "Wie entsteht die Strategie, und was übernimmt die Prozessmoderation: zum Beispiel "
            "Bestandsaufnahme, Befragung, Beteiligung, Auswertung."
        ),
    )
    continuation = _text(
        "continuation",
        lines=5,
        help_text=(
            "Wie geht es nach dem Beschluss weiter? Zum Beispiel: wer die Maßnahmen umsetzt, wie "
            "sie im Haushalt stehen, wann Sie die Strategie überprüfen."
        ),
    )
    procurement_way = fields.ChoiceField(
        label="Auf welchem Weg vergeben Sie den Auftrag?",
        choices=[(way.value, way.label) for way in ProcurementWay],
        widget=forms.RadioSelect,
        help_text=(
            "Zum Beispiel „Vergleich mehrerer Angebote“. Ist das noch offen, wählen Sie „noch "
            "nicht entschieden“."
        ),
    )
    procurement_text = _text(
        "procurement_text",
        lines=5,
        help_text=(
            "Wie gehen Sie vor, und wonach wählen Sie aus? Zum Beispiel: Leistungsbeschreibung, "
            "drei Angebote, Auswahl nach Konzept, Erfahrung und Preis."
        ),
    )
