"""The plain values the rules on an application work on: what was filed, and the call's terms.

Codes are what the database and the JSON hold; every choice has its German label beside it.
Amounts are `Decimal` in euro, years are calendar years (= Haushaltsjahre).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from municipalities.eligibility import Finding, Member


class Step(StrEnum):
    """The steps of the application form, in their order; the value is part of the address."""

    KOMMUNE = "kommune"
    ANSPRECHPARTNER = "ansprechpartner"
    KONZEPTION = "konzeption"
    BETEILIGUNG = "beteiligung"
    ZEITPLAN = "zeitplan"
    FINANZIERUNG = "finanzierung"
    ANLAGEN = "anlagen"
    ERKLAERUNGEN = "erklaerungen"

    @property
    def label(self) -> str:
        """The German heading of the step."""
        return {
            "kommune": "Antragstellende Kommune",
            "ansprechpartner": "Kontakt und Bankverbindung",
            "konzeption": "Konzeption",
            "beteiligung": "Beteiligung",
            "zeitplan": "Zeitplan",
            "finanzierung": "Finanzierungsplan",
            "anlagen": "Anlagen",
            "erklaerungen": "Erklärungen",
        }[self.value]


class ExpenseCategory(StrEnum):
    """What an item of expense is spent on (Ausgaben)."""

    MODERATION = "moderation"
    EVENTS = "events"
    PUBLICITY = "publicity"
    MATERIALS = "materials"
    STAFF = "staff"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The German name of the category."""
        return {
            "moderation": "Prozessmoderation/Honorare",
            "events": "Veranstaltungen/Beteiligung",
            "publicity": "Öffentlichkeitsarbeit",
            "materials": "Sachausgaben",
            "staff": "Personalausgaben",
            "other": "Sonstiges",
        }[self.value]


class CoverKind(StrEnum):
    """Where the money comes from (Deckung)."""

    OWN = "own"
    THIRD_PARTY = "third_party"
    OTHER_PUBLIC = "other_public"
    INCOME = "income"
    GRANT = "grant"

    @property
    def label(self) -> str:
        """The German name of the kind."""
        return {
            "own": "Eigenmittel",
            "third_party": "Leistungen Dritter",
            "other_public": "andere öffentliche Zuwendungen",
            "income": "Einnahmen",
            "grant": "beantragte Zuwendung",
        }[self.value]


class BudgetSituation(StrEnum):
    """How it stands with the municipality's budget (Haushaltslage)."""

    APPROVED = "approved"
    NOT_YET_APPROVED = "not_yet_approved"
    PROVISIONAL = "provisional"
    CONSOLIDATION = "consolidation"

    @property
    def label(self) -> str:
        """The German name of the situation."""
        return {
            "approved": "Haushalt beschlossen und genehmigt",
            "not_yet_approved": "Haushalt noch nicht genehmigt",
            "provisional": "vorläufige Haushaltsführung",
            "consolidation": "Haushaltssicherungskonzept",
        }[self.value]


class ProcurementWay(StrEnum):
    """How the external Prozessmoderation is to be awarded (Vergabe).

    Only the ways there are: up to which value which of them is allowed is not known here.
    """

    DIRECT = "direct"
    QUOTES = "quotes"
    RESTRICTED = "restricted"
    PUBLIC = "public"
    OTHER = "other"
    UNDECIDED = "undecided"

    @property
    def label(self) -> str:
        """The German name of the way."""
        return {
            "direct": "Direktauftrag",
            "quotes": "Vergleich mehrerer Angebote",
            "restricted": "beschränkte Ausschreibung",
            "public": "öffentliche Ausschreibung",
            "other": "anderer Weg",
            "undecided": "noch nicht entschieden",
        }[self.value]


class FinancingType(StrEnum):
    """How the grant is measured (Finanzierungsart). An empty text stands for „not known"."""

    SHARE = "share"
    SHORTFALL = "shortfall"
    FIXED = "fixed"

    @property
    def label(self) -> str:
        """The German name of the Finanzierungsart."""
        return {
            "share": "Anteilfinanzierung",
            "shortfall": "Fehlbedarfsfinanzierung",
            "fixed": "Festbetragsfinanzierung",
        }[self.value]


class SignatureForm(StrEnum):
    """How the call wants an application signed (PROGRAMME §6). The portal checks no signature."""

    NONE = "none"
    SHEET = "sheet"
    ACCOUNT = "account"
    QUALIFIED = "qualified"

    @property
    def label(self) -> str:
        """The German name of the form."""
        return {
            "none": "keine besondere Form",
            "sheet": "unterschriebenes Unterschriftsblatt, hochgeladen",
            "account": "Einreichen durch das Konto einer zeichnungsberechtigten Person",
            "qualified": "qualifizierte elektronische Signatur, hochgeladen",
        }[self.value]


class DocumentKind(StrEnum):
    """What an uploaded document is (Anlage)."""

    CONCEPT = "concept"
    COOPERATION = "cooperation"
    SIGNATURE_SHEET = "signature_sheet"
    AUTHORITY = "authority"
    RESOLUTION = "resolution"
    OFFER = "offer"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The German name of the kind of document."""
        return {
            "concept": "Konzeption",
            "cooperation": "Kooperationserklärung",
            "signature_sheet": "Unterschriftsblatt",
            "authority": "Nachweis der Vertretungsbefugnis",
            "resolution": "Beschluss der Vertretungskörperschaft",
            "offer": "Angebot der Prozessmoderation",
            "other": "Sonstige Unterlage",
        }[self.value]


class Declaration(StrEnum):
    """What the applicant declares, besides the authority to represent (Erklärungen)."""

    CORRECT = "correct"
    NOT_STARTED = "not_started"
    FINANCING_SECURED = "financing_secured"

    @property
    def label(self) -> str:
        """The German wording of the declaration."""
        return {
            "correct": "Die Angaben in diesem Antrag sind richtig.",
            "not_started": (
                "Mit der Maßnahme wurde noch nicht begonnen. Uns ist bekannt, dass schon der "
                "Abschluss eines Liefer- oder Leistungsvertrags als Beginn gilt, auch mit der "
                "Prozessmoderation."
            ),
            "financing_secured": (
                "Die Gesamtfinanzierung ist gesichert, gegebenenfalls vorbehaltlich der "
                "Genehmigung des Haushalts."
            ),
        }[self.value]


@dataclass(frozen=True, slots=True)
class RequiredText:
    """A text that has to be filled in: its key, step, German name, and what asks for it."""

    key: str
    step: Step
    label: str
    source: str = "Förderrichtlinie Nr. 3.1"


REQUIRED_TEXTS: Final = (
    RequiredText("addressee", Step.ANSPRECHPARTNER, "Empfänger", "§§ 65, 66 HGO"),
    RequiredText("street", Step.ANSPRECHPARTNER, "Straße und Hausnummer", "Antragsformular"),
    RequiredText("postal_code", Step.ANSPRECHPARTNER, "Postleitzahl", "Antragsformular"),
    RequiredText("city", Step.ANSPRECHPARTNER, "Ort", "Antragsformular"),
    RequiredText(
        "signatory_name", Step.ANSPRECHPARTNER, "Zeichnungsberechtigte Person", "Antragsformular"
    ),
    RequiredText(
        "signatory_function",
        Step.ANSPRECHPARTNER,
        "Funktion der zeichnungsberechtigten Person",
        "Antragsformular",
    ),
    RequiredText("summary", Step.KONZEPTION, "Kurzbeschreibung"),
    RequiredText("situation", Step.KONZEPTION, "Ausgangslage"),
    RequiredText("goals", Step.KONZEPTION, "Ziele"),
    RequiredText("target_groups", Step.KONZEPTION, "Zielgruppen"),
    RequiredText("topics", Step.KONZEPTION, "Themen"),
    RequiredText("approach", Step.KONZEPTION, "Vorgehen und Prozessmoderation"),
    RequiredText("continuation", Step.KONZEPTION, "Verstetigung"),
    RequiredText(
        "procurement_way", Step.KONZEPTION, "Vergabe der Prozessmoderation", "Förderrichtlinie"
    ),
    RequiredText(
        "procurement_text", Step.KONZEPTION, "Erläuterung zur Vergabe", "Förderrichtlinie"
    ),
    RequiredText("social_space", Step.BETEILIGUNG, "Bezug zum Sozialraum"),
    RequiredText("formats", Step.BETEILIGUNG, "Beteiligungsformate"),
    RequiredText("bodies", Step.BETEILIGUNG, "Einbindung der politischen Gremien"),
    RequiredText("wir_centre", Step.BETEILIGUNG, "Einbindung des WIR-Vielfaltszentrums"),
    RequiredText("milestones", Step.ZEITPLAN, "Arbeitsschritte"),
)
"""Mostly the Konzeption (Richtlinie Nr. 3.1) in its parts, after what the programme page asks for:
participation open to all residents, relation to the social space, bodies involved."""


@dataclass(frozen=True, slots=True)
class PartRow:
    """A repeatable row that somebody began: what it is called, and its cells by their names.

    `field` is where it stands in the form, `cells` holds only those that have to be filled in.
    """

    step: Step
    field: str
    name: str
    cells: tuple[tuple[str, str], ...]
    source: str = "Programmseite"


@dataclass(frozen=True, slots=True)
class ExpenseLine:
    """One Ausgabe: `amount` in euro, in the Haushaltsjahr `year`; `eligible` = zuwendungsfähig."""

    year: int
    category: str
    text: str
    amount: Decimal
    eligible: bool = True
    id: str = ""


@dataclass(frozen=True, slots=True)
class CoverLine:
    """One Deckung: `amount` in euro; `member_ags` names whose Eigenmittel they are.

    `member_name` is the name behind it, for a municipality that left the Verbund as well.
    """

    year: int
    kind: str
    text: str
    amount: Decimal
    member_ags: str | None = None
    id: str = ""
    member_name: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A Finanzierungsplan. `vat_deductible` and `budget_situation` are empty until answered."""

    expenses: tuple[ExpenseLine, ...] = ()
    cover: tuple[CoverLine, ...] = ()
    vat_deductible: bool | None = None
    budget_situation: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a plan, of one `year` or (year None) of all, in euro.

    `gap` is what the Deckung lacks; negative where it exceeds the Ausgaben.
    """

    year: int | None
    expenses: Decimal
    eligible: Decimal
    cover: Mapping[str, Decimal]
    cover_total: Decimal
    requested: Decimal
    gap: Decimal


@dataclass(frozen=True, slots=True)
class PlanTotals:
    """The sums per Haushaltsjahr, in order, and over the whole plan."""

    years: tuple[Totals, ...]
    total: Totals


@dataclass(frozen=True, slots=True)
class Period:
    """The planned duration: first day and number of months, None until given."""

    starts_on: date | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """Whom the authority may turn to. A unit or a person; a function mailbox will do."""

    unit: str = ""
    person: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """An uploaded document: its kind and, for a Kooperationserklärung, whose it is."""

    kind: str
    member_ags: str | None = None


@dataclass(frozen=True, slots=True)
class Adoption:
    """When which body of a member is to adopt the strategy."""

    member_ags: str
    body: str = ""
    planned_on: date | None = None


@dataclass(frozen=True, slots=True)
class CallTerms:
    """The terms of a funding call. None or an empty text = not set, so nothing is checked.

    Durations in months, `cap` in euro, `rate` as a share from 0 to 1, `closes_at` aware.
    `earliest_decision_weeks` counts from the close of the call, or from the day of filing
    where it is open-ended. Every `source_*` names where the term comes from.
    """

    title: str = ""
    duration_min: int | None = None
    duration_max: int | None = None
    cap: Decimal | None = None
    rate: Decimal | None = None
    financing_type: str = ""
    closes_at: datetime | None = None
    earliest_decision_weeks: int | None = None
    required_documents: tuple[str, ...] = ()
    signature_form: str = SignatureForm.NONE
    required_declarations: tuple[str, ...] = tuple(Declaration)
    source_duration: str = "Programmseite"
    source_cap: str = "Förderaufruf"
    source_rate: str = "Förderaufruf"
    source_financing: str = "Förderaufruf"
    source_plan: str = "Förderrichtlinie Nr. 3.2"
    source_start: str = "Förderrichtlinie"
    source_adoption: str = "Programmseite"
    source_documents: str = "Förderaufruf"
    source_signature: str = "Förderaufruf"
    source_declarations: str = "Förderaufruf"


@dataclass(frozen=True, slots=True)
class Filing:
    """An application as it stands at the moment of a check, in plain values.

    `texts` holds the texts by the keys of `REQUIRED_TEXTS`, `declarations` the codes of
    those given, `confirmed_partners` the AGS of partners that confirmed their
    Kooperationserklärung with an account of their own, `eligibility` what
    `municipalities.eligibility.assess` found on the day. `filed_on` is the day of the check
    in Germany.
    """

    title: str = ""
    lead: Member | None = None
    partners: tuple[Member, ...] = ()
    contacts: tuple[ContactPoint, ...] = ()
    finance_contact: ContactPoint = ContactPoint()
    account_holder: str = ""
    iban: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    period: Period = Period()
    adoptions: tuple[Adoption, ...] = ()
    plan: Plan = Plan()
    rows: tuple[PartRow, ...] = ()
    documents: tuple[Document, ...] = ()
    confirmed_partners: frozenset[str] = frozenset()
    declarations: frozenset[str] = frozenset()
    other_funding: bool | None = None
    other_funding_text: str = ""
    authority_declared: bool = False
    eligibility: tuple[Finding, ...] = ()
    filed_on: date | None = None

    @property
    def members(self) -> tuple[Member, ...]:
        """The lead, where there is one, and its partners."""
        return (*((self.lead,) if self.lead else ()), *self.partners)
