"""Letters: which parts they need, what they say as plain values, and when they are rendered."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from applications.models import Application, ApplicationMember, Decision, Letter, LetterBlock
from applications.models.decisions import DecisionKind
from applications.models.letters import REQUIRED_BLOCKS, BlockKey, LetterKind
from applications.rules import CoverKind, ExpenseCategory, FinancingType, Plan, plan_totals
from applications.rules.plan import percent
from applications.services import checks
from applications.services.snapshots import addressee_lines
from kiv_portal.euro import format_euro
from kiv_portal.models import Authority
from kiv_portal.outbox import enqueue_job

if TYPE_CHECKING:
    from municipalities.models import User


class LetterIncomplete(Exception):
    """A part the letter must have is not there; `missing` names them in German."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__("Für das Schreiben fehlt noch: " + ", ".join(missing))
        self.missing = missing


def kind_of(decision: Decision) -> LetterKind:
    """The letter that tells this decision."""
    return LetterKind.GRANT if decision.kind == DecisionKind.GRANT else LetterKind.REJECTION


def blocks_for(kind: LetterKind, on: date) -> dict[BlockKey, LetterBlock]:
    """The texts valid that day, by part; of several the one that came into force last."""
    valid = LetterBlock.objects.valid(on).filter(kind=kind).order_by("valid_from")
    return {BlockKey(block.key): block for block in valid}


def court_of(application: Application) -> str:
    """Seat of the Verwaltungsgericht for the applicant, in a Verbund the lead; empty if unknown."""
    lead = _lead(application)
    return lead.municipality.district.court


def _lead(application: Application) -> ApplicationMember:
    return application.members.select_related("municipality__district").get(role="lead")


def missing_parts(decision: Decision, at: datetime) -> list[str]:
    """What the letter of this decision still lacks, in German; empty when nothing does.

    PROGRAMME §6: a letter that would need an empty field is not generated.
    """
    application = decision.application
    kind = kind_of(decision)
    blocks = blocks_for(kind, timezone.localdate(at))
    authority = Authority.load()
    lacking = [
        f"Textbaustein „{key.label}“ (gültig und bestätigt)"
        for key in REQUIRED_BLOCKS[kind]
        if key not in blocks
    ]
    if not application.file_number:
        lacking.append("Geschäftszeichen")
    if authority is None or not (authority.street and authority.postal_code and authority.city):
        lacking.append("Anschrift der Behörde")
    if not court_of(application):
        lacking.append("Verwaltungsgericht des Landkreises")
    if kind is LetterKind.GRANT and not application.call.financing_type:
        lacking.append("Finanzierungsart im Förderaufruf")
    if not application.call.guideline or not application.call.clause:
        lacking.append("Förderrichtlinie mit Nummer im Förderaufruf")
    if kind is LetterKind.GRANT and not application.call.purpose:
        lacking.append("Zuwendungszweck im Förderaufruf")
    return lacking


def require_parts(decision: Decision, at: datetime) -> None:
    """Raise LetterIncomplete unless the decision's letter could be generated."""
    if lacking := missing_parts(decision, at):
        raise LetterIncomplete(lacking)


def write(decision: Decision, *, by: User, at: datetime) -> Letter:
    """Freeze what the letter says and ask the worker for its PDF. Raises LetterIncomplete."""
    require_parts(decision, at)
    letter = Letter.objects.create(
        application=decision.application,
        decision=decision,
        kind=kind_of(decision),
        values=compose(decision, by=by, at=at),
        dated_on=timezone.localdate(at),
        created_at=at,
        created_by=by,
    )
    enqueue_job(kind="letter_pdf", argument=str(letter.pk), key=f"letter_pdf:{letter.pk}", at=at)
    return letter


def compose(decision: Decision, *, by: User | None, at: datetime) -> dict[str, Any]:
    """The letter as plain values for `templates/pdf/letter.html`; needs all parts to be there.

    Without `by`, or if the account holds no name, a line is left for the signature.
    """
    application = decision.application
    kind = kind_of(decision)
    blocks = blocks_for(kind, timezone.localdate(at))
    authority = Authority.objects.get(pk=1)
    lead = _lead(application).municipality
    call = application.call
    places = {
        "gericht": f"Verwaltungsgericht {court_of(application)}",
        "sitz": court_of(application),
        "richtlinie": call.guideline,
        "nummer": call.clause,
        "zweck": call.purpose,
        "betrag": format_euro(decision.amount) if decision.amount is not None else "",
        "projekt": application.title,
    }

    def text(key: BlockKey) -> list[str]:
        return _filled(blocks[key].text, places)

    sections = (
        _grant_sections(decision, text)
        if kind is LetterKind.GRANT
        else _rejection_sections(decision, text)
    )
    return {
        "authority": {
            "name": authority.name,
            "department": authority.department,
            "street": authority.street,
            "postal_code": authority.postal_code,
            "city": authority.city,
            "phone": authority.phone,
            "email": authority.email,
        },
        "addressee_lines": addressee_lines(application, lead),
        "file_number": application.file_number,
        "reference": application.reference,
        "dated_on": timezone.localdate(at).isoformat(),
        "subject": f"{kind.label}: {application.title}",
        "salutation": "Sehr geehrte Damen und Herren,",
        "sections": sections,
        "closing": "Mit freundlichen Grüßen",
        "signatory_lines": ["Im Auftrag", (by.name if by else "") or "_" * 30],
        "annexes": text(BlockKey.ANNEXES) if BlockKey.ANNEXES in blocks else [],
        "sample": any(block.is_sample for block in blocks.values()) or authority.is_sample,
    }


def _filled(text: str, places: dict[str, str]) -> list[str]:
    """The paragraphs of a block with its placeholders filled; unknown braces stay as they are."""
    for name, value in places.items():
        text = text.replace("{" + name + "}", value)
    text = "\n".join(line.strip() for line in text.splitlines())  # browsers send \r\n
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else ""


def _filed_on(application: Application) -> str:
    day = application.submitted_at
    return f" vom {timezone.localtime(day):%d.%m.%Y}" if day else ""


def _measure(decision: Decision) -> str:
    """Finanzierungsart, Fördersatz where the call has one, and the amount granted."""
    call = decision.application.call
    financing = FinancingType(call.financing_type)
    amount = format_euro(decision.amount or Decimal(0))
    if call.rate is None:
        return f"{financing.label} in Höhe von {amount}"
    rate = f"{percent(call.rate).removesuffix('%').strip()} v. H. der zuwendungsfähigen Ausgaben"
    if financing is FinancingType.SHARE:
        return f"{financing.label} in Höhe von {rate}, höchstens {amount}"
    return f"{financing.label} in Höhe von {amount}, höchstens jedoch {rate}"


def _as_asked(decision: Decision, plan: Plan) -> bool:
    """Whether what is granted is the plan's own: every year's grant and the eligible costs."""
    totals = plan_totals(plan)
    asked = {year.year: year.requested for year in totals.years if year.requested}
    granted = {year.year: year.amount for year in decision.years.all() if year.amount}
    return asked == granted and decision.eligible_costs == totals.total.eligible


def _grant_sections(decision: Decision, text: Any) -> list[dict[str, Any]]:
    application = decision.application
    call = application.call
    plan = checks.plan_of(application)
    as_asked = _as_asked(decision, plan)
    addressee = addressee_lines(application, _lead(application).municipality)[0]
    return [
        {
            "heading": "",  # goes on from the salutation
            "paragraphs": [
                f"auf Ihren Antrag {application.reference}{_filed_on(application)} bewilligen wir "
                f"Ihnen ({addressee}) eine Zuwendung als Projektförderung in Form der "
                f"{_measure(decision)}.",
                f"Zuwendungszweck: {call.purpose}",
                f"Bewilligungszeitraum: {_day(decision.starts_on)} bis {_day(decision.ends_on)}.",
                "Zuwendungsfähige Gesamtausgaben: "
                f"{format_euro(decision.eligible_costs or Decimal(0))}."
                + (" Der unten abgedruckte Finanzierungsplan ist verbindlich." if as_asked else ""),
            ],
            "table": _years_table(decision, plan, as_asked),
        },
        {
            "heading": "Verbindlicher Finanzierungsplan",
            "paragraphs": [],
            "table": _plan_table(plan, "bewilligte Zuwendung"),
        }
        if as_asked
        # How the plan is to be adjusted is not decided here: it is printed as it was filed.
        else {
            "heading": "Finanzierungsplan laut Antrag",
            "paragraphs": [
                "Verbindlich sind die bewilligten Beträge nach Haushaltsjahren und die "
                "zuwendungsfähigen Gesamtausgaben, die oben genannt sind. Der Finanzierungsplan "
                "ist abgedruckt, wie Sie ihn eingereicht haben; wo er davon abweicht, gelten die "
                "oben genannten Beträge."
            ],
            "table": _plan_table(plan, CoverKind.GRANT.label),
        },
        {"heading": "Rechtsgrundlage", "paragraphs": text(BlockKey.LEGAL_BASIS), "table": None},
        {
            "heading": "Nebenbestimmungen",
            "paragraphs": [
                *text(BlockKey.CONDITIONS),
                *_filled(decision.special_conditions, {}),
            ],
            "table": None,
        },
        {
            "heading": "Begründung",
            "paragraphs": [
                *text(BlockKey.REASONS),
                *_filled(decision.reasons, {}),
                *_filled(decision.reduction_reasons, {}),
            ],
            "table": None,
        },
        {"heading": "Auszahlung", "paragraphs": text(BlockKey.PAYMENT), "table": None},
        {"heading": "Rechtsbehelfsbelehrung", "paragraphs": text(BlockKey.REMEDY), "table": None},
    ]


def _rejection_sections(decision: Decision, text: Any) -> list[dict[str, Any]]:
    return [
        {
            "heading": "",
            "paragraphs": [
                f"Ihren Antrag {decision.application.reference}{_filed_on(decision.application)} "
                f"auf eine Zuwendung in Höhe von {format_euro(decision.requested)} lehnen wir ab."
            ],
            "table": None,
        },
        {
            "heading": "Begründung",
            "paragraphs": [
                *text(BlockKey.LEGAL_BASIS),
                *text(BlockKey.REASONS),
                *_filled(decision.reasons, {}),
            ],
            "table": None,
        },
        {"heading": "Rechtsbehelfsbelehrung", "paragraphs": text(BlockKey.REMEDY), "table": None},
    ]


def _years_table(decision: Decision, plan: Plan, as_asked: bool) -> dict[str, Any]:
    """What is granted in each Haushaltsjahr, beside what was asked for where they differ."""
    granted = {year.year: year.amount for year in decision.years.all()}
    asked = {year.year: year.requested for year in plan_totals(plan).years if year.year}
    columns = ["Betrag"] if as_asked else ["beantragt", "bewilligt"]
    sums: list[dict[int, Decimal]] = [granted] if as_asked else [asked, granted]
    years = sorted(granted if as_asked else {*granted, *asked})
    nothing = Decimal(0)
    return {
        "caption": "Bewilligte Zuwendung nach Haushaltsjahren",
        "columns": [
            {"label": "Haushaltsjahr", "numeric": False},
            *({"label": label, "numeric": True} for label in columns),
        ],
        "rows": [
            [str(year), *(format_euro(part.get(year, nothing)) for part in sums)] for year in years
        ],
        "total_row": ["Summe", *(format_euro(sum(part.values(), nothing)) for part in sums)],
    }


def _plan_table(plan: Plan, grant_label: str) -> dict[str, Any]:
    """The Finanzierungsplan as a table: Ausgaben and Deckung by kind and Haushaltsjahr."""
    totals = plan_totals(plan)
    years = [year.year for year in totals.years]
    rows: list[list[str]] = []
    for category in ExpenseCategory:
        amounts = [
            sum(
                (e.amount for e in plan.expenses if e.year == y and e.category == category),
                Decimal(0),
            )
            for y in years
        ]
        if any(amounts):
            rows.append([f"Ausgaben: {category.label}", *_money(amounts)])
    rows.append(["Summe der Ausgaben", *_money([year.expenses for year in totals.years])])
    for kind in CoverKind:
        amounts = [year.cover[kind.value] for year in totals.years]
        if any(amounts):
            label = grant_label if kind is CoverKind.GRANT else kind.label
            rows.append([f"Deckung: {label}", *_money(amounts)])
    return {
        "caption": "Finanzierungsplan nach Haushaltsjahren",
        "columns": [
            {"label": "Position", "numeric": False},
            *({"label": str(year), "numeric": True} for year in years),
            {"label": "Summe", "numeric": True},
        ],
        "rows": rows,
        "total_row": [
            "Summe der Deckung",
            *_money([year.cover_total for year in totals.years]),
        ],
    }


def _money(amounts: list[Decimal]) -> list[str]:
    return [format_euro(amount) for amount in [*amounts, sum(amounts, Decimal(0))]]
