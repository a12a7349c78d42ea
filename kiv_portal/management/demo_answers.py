"""What the demonstration's municipalities answer in each step: roles only, no people."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from applications.rules import Step

if TYPE_CHECKING:
    from applications.models import Application


def _row(**values: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), **values}


def answers(application: Application, title: str, now: datetime) -> dict[Step, dict[str, Any]]:
    """What the demonstration writes into each step."""
    members = [row.municipality for row in application.members.select_related("municipality").all()]
    lead = members[0]
    start = date(timezone.localdate(now).year + 1, 7, 1)
    own = Decimal("3400.00") / len(members)
    slug = application.created_by.email.partition("@")[2]
    cover = [
        _row(
            year=year,
            kind="own",
            text="",
            municipality=member.ags,
            amount=f"{own / 2:.2f}",
        )
        for year in (start.year, start.year + 1)
        for member in members
    ] + [
        _row(year=year, kind="grant", text="", municipality=None, amount="13800.00")
        for year in (start.year, start.year + 1)
    ]
    return {
        Step.ANSPRECHPARTNER: {
            "addressee": lead.body,
            "street": "Marktplatz 1",
            "postal_code": lead.postal_code,
            "city": lead.short_name,
            "contact_unit": "Fachstelle Zusammenleben",
            "contact_email": f"zusammenleben@{slug}",
            "contact_phone": "06033 000-0",
            "signatory_name": "Zeichnungsberechtigte Person (Demonstration)",
            "signatory_function": "Bürgermeisteramt",
            "finance_unit": "Kämmerei",
            "finance_email": f"kaemmerei@{slug}",
            "finance_phone": "06033 000-1",
            "account_holder": f"Kasse {lead.short_name}",
            # The specimen IBAN that banks print in their leaflets; no account of anybody.
            "iban": "DE89370400440532013000",
            "payment_reference": "5.0123.000000.1",
        },
        Step.KONZEPTION: {
            "title": title,
            "summary": (
                "Wir erarbeiten mit den Menschen vor Ort eine Strategie, die Vielfalt als Stärke "
                "begreift und Teilhabe im Alltag erleichtert."
            ),
            "situation": (
                f"In {lead.short_name} leben Menschen aus vielen Ländern und in sehr "
                "unterschiedlichen Lebenslagen. Vereine, Verwaltung und Ehrenamt arbeiten bisher "
                "nebeneinander; eine gemeinsame Grundlage fehlt."
            ),
            "goals": (
                "Am Ende steht eine beschlossene Strategie mit Maßnahmen, Zuständigkeiten und "
                "einem einfachen Verfahren, das jedes Jahr zeigt, was erreicht ist."
            ),
            "target_groups": (
                "Alle Einwohnerinnen und Einwohner; besonders Menschen, die neu zugezogen sind, "
                "junge Leute und Familien mit wenig Zeit."
            ),
            "topics": "Ankommen, Sprache, Bildung, Begegnung in den Ortsteilen, Engagement.",
            "approach": (
                "Bestandsaufnahme, Befragung, Ortsteilgespräche, zwei Zukunftswerkstätten, "
                "Entwurf, Rückmeldung, Beschluss. Eine externe Prozessmoderation begleitet den "
                "Weg; sie wird nach der Bewilligung frei ausgewählt."
            ),
            "procurement_way": "quotes",
            "procurement_text": (
                "Leistungsbeschreibung, drei Angebote, Auswahl nach Konzept, Erfahrung und Preis. "
                "Der Auftrag wird erst nach dem Zuwendungsbescheid erteilt."
            ),
            "continuation": (
                "Die Steuerungsgruppe bleibt bestehen und berichtet jedes Jahr; die Maßnahmen "
                "stehen mit Zuständigkeit im Haushalt."
            ),
        },
        Step.BETEILIGUNG: {
            "social_space": (
                "Jeder Ortsteil erhält ein eigenes Gespräch an einem Ort, den die Menschen kennen."
            ),
            "bodies": (
                f"Die {lead.council} wird zu Beginn, zur Hälfte und am Ende beteiligt; der "
                "Ausländerbeirat wirkt in der Steuerungsgruppe mit."
            ),
            "wir_centre": "Das WIR-Vielfaltszentrum des Landkreises berät die Steuerungsgruppe.",
            "formats": [
                _row(
                    name="Ortsteilgespräche",
                    reaches="alle Einwohnerinnen und Einwohner",
                    when="im Herbst",
                    how_many="ein Gespräch je Ortsteil, je etwa 30 Personen",
                    barriers="abends und mit Kinderbetreuung, Sprachmittlung auf Anfrage",
                ),
                _row(
                    name="Befragung",
                    reaches="zufällig ausgewählte Haushalte",
                    when="im Winter",
                    how_many="eine Befragung, 1.500 Haushalte",
                    barriers="auf Papier und online, in fünf Sprachen",
                ),
            ],
        },
        Step.ZEITPLAN: {
            "starts_on": start.isoformat(),
            "months": 18,
            "milestones": [
                _row(text="Auswahl der Prozessmoderation", due_on=f"{start.year}-09-30"),
                _row(text="Bestandsaufnahme und Befragung", due_on=f"{start.year + 1}-02-28"),
                _row(text="Entwurf der Strategie", due_on=f"{start.year + 1}-09-30"),
            ],
            "adoptions": [
                _row(
                    municipality=member.ags,
                    body=member.council,
                    planned_on=f"{start.year + 1}-12-10",
                )
                for member in members
            ],
        },
        Step.FINANZIERUNG: {
            "vat_deductible": False,
            "budget_situation": "approved",
            "expenses": [
                _row(
                    year=year,
                    category=category,
                    text=text,
                    amount=amount,
                    eligible=True,
                )
                for year in (start.year, start.year + 1)
                for category, text, amount in (
                    ("moderation", "Externe Prozessmoderation", "12000.00"),
                    ("events", "Räume, Sprachmittlung, Kinderbetreuung", "2500.00"),
                    ("publicity", "Einladungen und Dokumentation", "1000.00"),
                )
            ],
            "cover": cover,
        },
        Step.ERKLAERUNGEN: {
            "authority_declared": True,
            "declares_correct": True,
            "declares_not_started": True,
            "declares_financing_secured": True,
            "other_funding": False,
            "consents_publication": True,
        },
    }
