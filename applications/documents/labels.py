"""The German names of an application's fields, and its plain values as people read them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from applications.rules import BudgetSituation, ProcurementWay, format_iban
from kiv_portal.euro import format_euro

LABELS: Final = {
    "addressee": "Anschrift",
    "street": "Straße und Hausnummer",
    "postal_code": "Postleitzahl",
    "city": "Ort",
    "contact_unit": "Verantwortliche Stelle",
    "contact_person": "Ansprechperson",
    "contact_email": "E-Mail",
    "contact_phone": "Telefon",
    "finance_unit": "Stelle für die Finanzen",
    "finance_person": "Ansprechperson für die Finanzen",
    "finance_email": "E-Mail der Stelle für die Finanzen",
    "finance_phone": "Telefon der Stelle für die Finanzen",
    "signatory_name": "Zeichnungsberechtigte Person",
    "signatory_function": "Funktion",
    "account_holder": "Kontoinhaberin",
    "iban": "IBAN",
    "bank": "Bank und BIC",  # follows from the IBAN, frozen with the copy
    "payment_reference": "Kassenzeichen",
    "title": "Projektname",
    "summary": "Kurzbeschreibung",
    "situation": "Ausgangslage",
    "goals": "Ziele",
    "target_groups": "Zielgruppen",
    "topics": "Themen",
    "approach": "Vorgehen und Prozessmoderation",
    "procurement_way": "Vergabe der Prozessmoderation",
    "procurement_text": "Erläuterung zur Vergabe",
    "continuation": "Verstetigung",
    "social_space": "Bezug zum Sozialraum",
    "bodies": "Einbindung der politischen Gremien",
    "wir_centre": "Einbindung des WIR-Vielfaltszentrums",
    "starts_on": "Beginn der Maßnahme",
    "months": "Dauer in Monaten",
    "vat_deductible": "Zum Vorsteuerabzug berechtigt",
    "budget_situation": "Haushaltslage",
    "authority_declared": "Vertretungsbefugnis erklärt",
    "declares_correct": "Richtigkeit der Angaben erklärt",
    "declares_not_started": "Maßnahme noch nicht begonnen",
    "declares_financing_secured": "Gesamtfinanzierung gesichert",
    "other_funding": "Andere Förderung für dieselbe Maßnahme",
    "other_funding_text": "Welche andere Förderung",
    "consents_publication": "Einwilligung in die Veröffentlichung der Projektdaten",
}
"""German names of the application's fields in a snapshot; the same in PDF and review."""


CHOICES: Final[dict[str, Any]] = {
    "budget_situation": BudgetSituation,
    "procurement_way": ProcurementWay,
}
"""Fields that hold the code of a choice, and where its label stands."""


def shown(name: str, value: Any) -> str:
    """A plain value of a snapshot as people read it; „–" where nothing was said."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "Ja" if value else "Nein"
    if name.endswith("_on"):
        return f"{date.fromisoformat(value):%d.%m.%Y}"
    if name == "amount":
        return format_euro(Decimal(value))
    if name == "iban":
        return format_iban(value)
    if name in CHOICES:
        return CHOICES[name](value).label
    return str(value)
