"""The step with address, contacts, signatory and bank details."""

from __future__ import annotations

from typing import Any, Final

from applications.forms import fields
from applications.forms.steps.base import FORM_SOURCE, Section, StepForm
from applications.models import Application
from applications.rules import Step, bank_of

UNIT_HINT: Final = "Zum Beispiel: Amt für Soziales und Integration"
MAIL_HINT: Final = "Ein Funktionspostfach genügt, zum Beispiel integration@musterstadt.de"
PHONE_HINT: Final = "Mit Vorwahl, zum Beispiel 06151 12-3456"
NAME_HINT: Final = "Vorname und Name, wie sie in einem Schreiben stehen sollen"
IBAN_HINT: Final = "Mit oder ohne Leerzeichen, zum Beispiel DE89 3704 0044 0532 0130 00"


def _text(name: str, **options: Any) -> fields.TextField:
    return fields.from_model(Application, name, **options)


class ContactForm(StepForm):
    step = Step.ANSPRECHPARTNER
    sections = (
        Section(
            "Anschrift",
            ("addressee", "street", "postal_code", "city"),
            intro=(
                "An diese Anschrift richten sich Schreiben und Bescheid. Empfänger ist immer "
                "das Organ Ihrer Kommune, keine Person und keine Abteilung."
            ),
            source="§§ 65, 66 HGO",
        ),
        Section(
            "Für fachliche Fragen",
            ("contact_unit", "contact_person", "contact_email", "contact_phone"),
            intro=(
                "Eine Stelle oder eine Person genügt. Mails zum Antrag gehen an die Adresse, "
                "die Sie hier angeben."
            ),
            source=FORM_SOURCE,
        ),
        Section(
            "Für Fragen zum Geld",
            ("finance_unit", "finance_person", "finance_email", "finance_phone"),
            intro="Wer den Finanzierungsplan erklären kann, zum Beispiel Ihre Kämmerei.",
            source=FORM_SOURCE,
        ),
        Section(
            "Wer für Ihre Kommune zeichnet",
            ("signatory_name", "signatory_function"),
            intro="Die Person, die Ihre Kommune bei diesem Antrag vertritt.",
            source=FORM_SOURCE,
        ),
        Section(
            "Bankverbindung",
            ("account_holder", "iban", "payment_reference"),
            intro="Das Konto, auf das eine bewilligte Zuwendung gezahlt werden soll.",
            source=FORM_SOURCE,
        ),
    )

    addressee = _text(
        "addressee",
        label="Empfänger",
        help_text=(
            "Aus der Art Ihrer Kommune: „Magistrat der Stadt …“ oder „Gemeindevorstand der "
            "Gemeinde …“. Bitte ändern Sie ihn, wenn Ihre Kommune anders heißt, zum Beispiel "
            "„Magistrat der Kreisstadt …“."
        ),
    )
    street = _text("street", help_text="Zum Beispiel: Marktplatz 1")
    postal_code = _text(
        "postal_code", kind=fields.PostalCodeField, help_text="Fünf Ziffern, zum Beispiel 64283"
    )
    city = _text("city", help_text="Zum Beispiel: Musterstadt")

    contact_unit = _text("contact_unit", help_text=UNIT_HINT)
    contact_person = _text("contact_person", required=False, help_text=NAME_HINT)
    contact_email = _text("contact_email", kind=fields.MailField, help_text=MAIL_HINT)
    contact_phone = _text("contact_phone", kind=fields.PhoneField, help_text=PHONE_HINT)

    finance_unit = _text(
        "finance_unit", label="Zuständige Stelle", help_text="Zum Beispiel: Kämmerei"
    )
    finance_person = _text(
        "finance_person", label="Ansprechperson", required=False, help_text=NAME_HINT
    )
    finance_email = _text(
        "finance_email",
        label="E-Mail",
        kind=fields.MailField,
        help_text="Ein Funktionspostfach genügt, zum Beispiel kaemmerei@musterstadt.de",
    )
    finance_phone = _text(
        "finance_phone", label="Telefon", kind=fields.PhoneField, help_text=PHONE_HINT
    )

    signatory_name = _text("signatory_name", help_text=NAME_HINT)
    signatory_function = _text("signatory_function", help_text="Zum Beispiel: Bürgermeisterin")

    account_holder = _text("account_holder", help_text="Zum Beispiel: Stadtkasse Musterstadt")
    iban = _text("iban", kind=fields.IbanField, help_text=IBAN_HINT)
    payment_reference = _text(
        "payment_reference",
        required=False,
        help_text=(
            "Nummer, unter der Ihre Kasse die Zahlung zuordnet, zum Beispiel 5.0123.456789.0"
        ),
    )

    def prepare(self) -> None:
        for prefix in ("contact", "finance"):
            self.fields[f"{prefix}_phone"].widget.attrs["type"] = "tel"
        self.fields["contact_email"].widget.attrs["autocomplete"] = "email"
        self.fields["contact_phone"].widget.attrs["autocomplete"] = "tel"
        if not self.sheet.on_paper:
            self.fields["iban"].help_text = f"{IBAN_HINT}. {bank_words(self.sheet.values['iban'])}"


def bank_words(iban: str) -> str:
    """The bank behind a stored IBAN in a sentence; what the list of banks does not know is said."""
    if not iban:
        return "Bank und BIC zeigen wir nach dem Speichern."
    bank = bank_of(iban)
    if not bank.name and not bank.bic:
        return "Gespeichert; Bank und BIC stehen nicht in unserem Bankenverzeichnis."
    return f"Gespeichert, Bank: {', BIC '.join(text for text in (bank.name, bank.bic) if text)}."
