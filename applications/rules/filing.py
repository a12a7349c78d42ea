"""The clauses on what has to be there: applicant, texts, contacts, documents, declarations.

Four of them are blocking, and only these: without them there is no application that the
authority could receive (PROGRAMME §3, § 24 Abs. 3 VwVfG).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from applications.rules.plan import requested
from applications.rules.values import (
    REQUIRED_TEXTS,
    CallTerms,
    CoverKind,
    Declaration,
    DocumentKind,
    Filing,
    SignatureForm,
    Step,
)
from municipalities.eligibility import Finding, Severity

SOURCE_FORM: Final = "Antragsformular"
SOURCE_PLAN: Final = "Förderrichtlinie Nr. 3.2"

FILL_IN: Final = "Bitte ergänzen Sie die Angabe."


# --- What makes it an application at all: blocking -------------------------------------


def _needed(code: str, message: str, step: Step, field: str) -> Finding:
    way_out = "Ohne diese Angabe kann der Antrag nicht eingereicht werden."
    return Finding(code, Severity.BLOCKING, SOURCE_FORM, message, way_out, step, field)


def lead_present(filing: Filing) -> Finding | None:
    """There is an applicant; else `lead_missing`, blocking."""
    if filing.lead is not None:
        return None
    message = "Bitte geben Sie an, welche Kommune den Antrag stellt."
    return _needed("lead_missing", message, Step.KOMMUNE, "lead")


def title_present(filing: Filing) -> Finding | None:
    """The project has a title; else `title_missing`, blocking."""
    if filing.title.strip():
        return None
    message = "Bitte geben Sie den Projektnamen an."
    return _needed("title_missing", message, Step.KONZEPTION, "title")


def requested_amount_present(filing: Filing) -> Finding | None:
    """A grant above 0 euro is asked for; else `requested_amount_missing`, blocking."""
    if requested(filing.plan) > 0:
        return None
    message = "Bitte geben Sie an, welche Zuwendung Sie beantragen."
    return _needed("requested_amount_missing", message, Step.FINANZIERUNG, "cover")


def authority_declared(filing: Filing) -> Finding | None:
    """Whoever submits declares to represent the applicant; else `authority_not_declared`."""
    if filing.authority_declared:
        return None
    message = "Es fehlt noch die Erklärung, dass die antragstellende Kommune befugt vertreten wird."
    return _needed("authority_not_declared", message, Step.ERKLAERUNGEN, "authority_declared")


def authority_sentence(applicant: str) -> str:
    """What whoever submits declares of the own authority, for the applicant of that name."""
    return f"Ich bin befugt, diesen Antrag für {applicant} einzureichen."


def own_authority_declared(given: bool) -> list[Finding]:
    """Whoever submits declares to be entitled to; else `submitter_authority_not_declared`."""
    if given:
        return []
    message = "Bitte bestätigen Sie, dass Sie befugt sind, diesen Antrag einzureichen."
    return [_needed("submitter_authority_not_declared", message, Step.ERKLAERUNGEN, "befugt")]


# --- What the call asks for besides ----------------------------------------------------


def contact_complete(filing: Filing) -> Finding | None:
    """A contact with unit or person, e-mail and telephone; else `contact_incomplete`."""
    if any((c.unit or c.person) and c.email and c.phone for c in filing.contacts):
        return None
    return Finding(
        "contact_incomplete",
        Severity.WARNING,
        SOURCE_FORM,
        "Für Rückfragen braucht das Regierungspräsidium eine Stelle oder eine Person mit "
        "E-Mail-Adresse und Telefonnummer.",
        "Bitte ergänzen Sie die fehlenden Angaben. Ein Funktionspostfach genügt.",
        Step.ANSPRECHPARTNER,
        "contacts",
    )


def finance_contact_complete(filing: Filing) -> Finding | None:
    """Unit or person, e-mail and telephone for the money; else `finance_contact_incomplete`."""
    contact = filing.finance_contact
    if (contact.unit or contact.person) and contact.email and contact.phone:
        return None
    return Finding(
        "finance_contact_incomplete",
        Severity.WARNING,
        SOURCE_FORM,
        "Für Fragen zum Finanzierungsplan braucht das Regierungspräsidium eine Stelle oder eine "
        "Person mit E-Mail-Adresse und Telefonnummer.",
        "Bitte ergänzen Sie die fehlenden Angaben. Es kann dieselbe Stelle sein.",
        Step.ANSPRECHPARTNER,
        "finance_unit",
    )


def bank_details_complete(filing: Filing) -> Finding | None:
    """The account to pay a grant to: holder and IBAN; else `bank_details_missing`."""
    wanted = {"Kontoinhaberin": filing.account_holder, "IBAN": filing.iban}
    names = [label for label, given in wanted.items() if not given]
    if not names:
        return None
    return Finding(
        "bank_details_missing",
        Severity.WARNING,
        SOURCE_FORM,
        f"Zur Bankverbindung fehlt noch: {', '.join(names)}.",
        "Bitte ergänzen Sie das Konto, auf das eine Zuwendung gezahlt werden soll.",
        Step.ANSPRECHPARTNER,
        "account_holder" if not filing.account_holder else "iban",
    )


def other_funding_named(filing: Filing) -> Finding | None:
    """Whoever has other funding says which; else `other_funding_unnamed`."""
    if not filing.other_funding or filing.other_funding_text.strip():
        return None
    return Finding(
        "other_funding_unnamed",
        Severity.WARNING,
        SOURCE_PLAN,
        "Sie haben andere Fördermittel angegeben. Es fehlt noch, welche das sind.",
        "Bitte nennen Sie Geldgeber, Programm, Betrag und Stand.",
        Step.ERKLAERUNGEN,
        "other_funding_text",
    )


def other_funding_as_in_plan(filing: Filing) -> Finding | None:
    """The declaration fits the Finanzierungsplan; else `other_funding_contradicts_plan`."""
    in_plan = any(
        line.kind == CoverKind.OTHER_PUBLIC and line.amount > 0 for line in filing.plan.cover
    )
    if filing.other_funding is not False or not in_plan:
        return None
    return Finding(
        "other_funding_contradicts_plan",
        Severity.WARNING,
        SOURCE_PLAN,
        "Im Finanzierungsplan stehen andere öffentliche Zuwendungen, hier haben Sie andere "
        "Fördermittel verneint.",
        "Bitte prüfen Sie beide Angaben.",
        Step.ERKLAERUNGEN,
        "other_funding",
    )


def documents_present(filing: Filing, terms: CallTerms) -> list[Finding]:
    """Every document the call requires is uploaded; one `document_missing` for each that is not.

    Kooperationserklärung and Unterschriftsblatt have rules of their own.
    """
    present = {document.kind for document in filing.documents}
    elsewhere = {DocumentKind.COOPERATION}
    if terms.signature_form in (SignatureForm.SHEET, SignatureForm.QUALIFIED):
        elsewhere.add(DocumentKind.SIGNATURE_SHEET)
    return [
        _document_missing(f"Es fehlt die Anlage „{DocumentKind(kind).label}“.", kind, terms)
        for kind in terms.required_documents
        if kind not in present and kind not in elsewhere
    ]


def cooperation_declared(filing: Filing, terms: CallTerms) -> Finding | None:
    """Each partner's Kooperationserklärung is there; else `document_missing` (PROGRAMME §6).

    Signed on its sheet and uploaded, or confirmed with the partner's own account.
    """
    signed = {d.member_ags for d in filing.documents if d.kind == DocumentKind.COOPERATION}
    present = signed | filing.confirmed_partners
    names = [partner.title for partner in filing.partners if partner.ags not in present]
    if not names:
        return None
    message = f"Es fehlt die Kooperationserklärung von: {', '.join(names)}."
    way_out = (
        "Bitte laden Sie die unterschriebene Erklärung hoch, oder lassen Sie sie von der "
        "Partnerkommune im Portal bestätigen: Den Link dafür finden Sie unter „Team und Gäste“."
    )
    return _document_missing(message, DocumentKind.COOPERATION, terms, way_out)


def _document_missing(
    message: str, kind: str, terms: CallTerms, way_out: str = "Bitte laden Sie die Unterlage hoch."
) -> Finding:
    return Finding(
        "document_missing",
        Severity.WARNING,
        terms.source_documents,
        message,
        way_out,
        Step.ANLAGEN,
        str(kind),
    )


def signature_present(filing: Filing, terms: CallTerms) -> Finding | None:
    """The signature the call wants uploaded is there; else `signature_missing` (PROGRAMME §6).

    Where the signatory's account signs, filing is the signature: a matter of permission.
    """
    said = {
        SignatureForm.SHEET: (
            "Es fehlt das unterschriebene Unterschriftsblatt.",
            "Bitte drucken Sie es aus, lassen Sie es von der zeichnungsberechtigten Person "
            "unterschreiben und laden Sie es bei den Anlagen hoch.",
        ),
        SignatureForm.QUALIFIED: (
            "Es fehlt das Unterschriftsblatt mit qualifizierter elektronischer Signatur.",
            "Bitte lassen Sie das Unterschriftsblatt von der zeichnungsberechtigten Person "
            "qualifiziert elektronisch signieren und laden Sie es bei den Anlagen hoch.",
        ),
    }.get(SignatureForm(terms.signature_form))
    if said is None or DocumentKind.SIGNATURE_SHEET in {d.kind for d in filing.documents}:
        return None
    return Finding(
        "signature_missing",
        Severity.WARNING,
        terms.source_signature,
        *said,
        Step.ANLAGEN,
        DocumentKind.SIGNATURE_SHEET,
    )


def declarations_given(filing: Filing, terms: CallTerms) -> list[Finding]:
    """Every declaration the call requires is given; one `declaration_missing` for each not."""
    return [
        Finding(
            "declaration_missing",
            Severity.WARNING,
            terms.source_declarations,
            f"Es fehlt die Erklärung: „{Declaration(code).label}“",
            "Bitte geben Sie die Erklärung ab, wenn sie zutrifft.",
            Step.ERKLAERUNGEN,
            str(code),
        )
        for code in terms.required_declarations
        if code not in filing.declarations
    ]


# --- Required fields -------------------------------------------------------------------


def missing(filing: Filing) -> list[Finding]:
    """One `field_missing` for every required field that is empty, named in words.

    Left out is what a rule of its own says: the four blocking ones, contacts, adoptions,
    documents and declarations. „Alle Pflichtangaben ausgefüllt" is therefore told from
    the whole of `check`, not from here.
    """
    return list(_missing(filing))


def _missing(filing: Filing) -> Iterator[Finding]:
    for text in REQUIRED_TEXTS:
        if not filing.texts.get(text.key, "").strip():
            yield _empty(text.label, text.source, text.step, text.key)
    for row in filing.rows:
        if empty := [name for name, text in row.cells if not text.strip()]:
            yield _empty(f"{row.name} ({', '.join(empty)})", row.source, row.step, row.field)
    if filing.period.starts_on is None:
        yield _empty("Beginn der Maßnahme", SOURCE_FORM, Step.ZEITPLAN, "starts_on")
    if filing.period.months is None:
        yield _empty("Dauer in Monaten", SOURCE_FORM, Step.ZEITPLAN, "months")
    plan = filing.plan
    if not plan.expenses:
        yield _empty("Ausgaben", SOURCE_PLAN, Step.FINANZIERUNG, "expenses")
    if not plan.cover:
        yield _empty("Deckung", SOURCE_PLAN, Step.FINANZIERUNG, "cover")
    for line in plan.expenses:
        if not line.text.strip():
            label = f"Bezeichnung einer Ausgabe im Haushaltsjahr {line.year}"
            yield _empty(label, SOURCE_PLAN, Step.FINANZIERUNG, f"expenses-{line.id}")
    if plan.vat_deductible is None:
        label = "Berechtigung zum Vorsteuerabzug"
        yield _empty(label, SOURCE_PLAN, Step.FINANZIERUNG, "vat_deductible")
    if not plan.budget_situation:
        yield _empty("Haushaltslage", SOURCE_PLAN, Step.FINANZIERUNG, "budget_situation")
    if filing.other_funding is None:
        yield _empty("Andere Förderung", SOURCE_PLAN, Step.ERKLAERUNGEN, "other_funding")


def _empty(label: str, source: str, step: Step, field: str) -> Finding:
    message = f"Pflichtangabe noch nicht ausgefüllt: {label}."
    return Finding("field_missing", Severity.WARNING, source, message, FILL_IN, step, field)


def eligibility_in_form(filing: Filing) -> list[Finding]:
    """What the eligibility check found, placed in the step where the members are chosen."""
    return [replace(finding, step=Step.KOMMUNE, field="members") for finding in filing.eligibility]
