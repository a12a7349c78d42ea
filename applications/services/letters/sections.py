"""What each decision says, section by section: Tenor, plan, law, reasons, remedy."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from applications.models import Letter
from applications.models.letters import BlockKey, LetterKind
from applications.rules import FinancingType
from applications.rules.plan import percent
from applications.services import checks
from applications.services.letters.parts import lead_of
from applications.services.letters.places import filed_on, filled, on_day, section
from applications.services.letters.tables import (
    asked_by_year,
    granted_by_year,
    plan_table,
    years_table,
)
from applications.services.snapshots import addressee_lines
from kiv_portal.euro import format_euro

if TYPE_CHECKING:
    from collections.abc import Callable

    from applications.models import Application, Decision
    from applications.services.letters.places import Section, Text


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


def _names(application: Application) -> dict[str, str]:
    members = application.members.select_related("municipality")
    return {member.municipality.ags: member.municipality.short_name for member in members}


OPENING: Final[dict[LetterKind, tuple[BlockKey, ...]]] = {
    LetterKind.GRANT: (BlockKey.REASONS,),
    LetterKind.REJECTION: (BlockKey.LEGAL_BASIS, BlockKey.REASONS),
    LetterKind.REVOCATION: (BlockKey.REASONS,),
}
"""The blocks with which the reasons of a letter begin, before those of this case."""


def _reasons(kind: LetterKind, text: Text, *own: str) -> Section:
    """The standard reasons of this kind, then what was written for this case."""
    opening = [paragraph for key in OPENING.get(kind, ()) for paragraph in text(key)]
    return section(
        "reasons", "Begründung", opening + [part for one in own for part in filled(one, {})]
    )


def _grant(decision: Decision, text: Text) -> list[Section]:
    application = decision.application
    addressee = addressee_lines(application, lead_of(application).municipality)[0]
    return [
        section(
            "tenor",
            "",  # goes on from the salutation
            [
                f"auf Ihren Antrag {application.reference}{filed_on(application)} bewilligen wir "
                f"Ihnen ({addressee}) eine Zuwendung als Projektförderung in Form der "
                f"{_measure(decision)}.",
                f"Zuwendungszweck: {application.call.purpose}",
                f"Bewilligungszeitraum: {on_day(decision.starts_on)} bis "
                f"{on_day(decision.ends_on)}.",
                "Zuwendungsfähige Gesamtausgaben: "
                f"{format_euro(decision.eligible_costs or Decimal(0))}. Der unten abgedruckte "
                "Finanzierungsplan ist verbindlich.",
            ],
            years_table(decision, asked_by_year(checks.plan_of(application)), "beantragt"),
        ),
        section(
            "plan",
            "Verbindlicher Finanzierungsplan",
            [],
            plan_table(decision, _names(application)),
        ),
        section("legal_basis", "Rechtsgrundlage", text(BlockKey.LEGAL_BASIS)),
        section(
            "conditions",
            "Nebenbestimmungen",
            [*text(BlockKey.CONDITIONS), *filled(decision.special_conditions, {})],
        ),
        _reasons(LetterKind.GRANT, text, decision.reasons, decision.reduction_reasons),
        section("payment", "Auszahlung", text(BlockKey.PAYMENT)),
        section("remedy", "Rechtsbehelfsbelehrung", text(BlockKey.REMEDY)),
    ]


def _rejection(decision: Decision, text: Text) -> list[Section]:
    return [
        section(
            "tenor",
            "",
            [
                f"Ihren Antrag {decision.application.reference}{filed_on(decision.application)} "
                f"auf eine Zuwendung in Höhe von {format_euro(decision.requested)} lehnen wir ab."
            ],
        ),
        _reasons(LetterKind.REJECTION, text, decision.reasons),
        section("remedy", "Rechtsbehelfsbelehrung", text(BlockKey.REMEDY)),
    ]


def _notice_before(decision: Decision) -> str:
    """The notice that is changed, in words: kind, day, Geschäftszeichen."""
    previous = decision.previous
    assert previous is not None  # a constraint
    letter = Letter.objects.filter(decision=previous).first()
    label = LetterKind(previous.kind).label
    day = f" vom {on_day(letter.dated_on)}" if letter else ""
    number = decision.application.file_number
    return f"{label}{day}" + (f" (Geschäftszeichen {number})" if number else "")


def _changes(decision: Decision) -> list[str]:
    """What is other than in the version before, sentence by sentence."""
    previous = decision.previous
    assert previous is not None
    said = []
    if (decision.starts_on, decision.ends_on) != (previous.starts_on, previous.ends_on):
        said.append(
            f"Bewilligungszeitraum: {on_day(decision.starts_on)} bis {on_day(decision.ends_on)} "
            f"(bisher {on_day(previous.starts_on)} bis {on_day(previous.ends_on)})."
        )
    if decision.amount != previous.amount:
        said.append(
            f"Zuwendung: {format_euro(decision.amount or Decimal(0))} "
            f"(bisher {format_euro(previous.amount or Decimal(0))})."
        )
    if decision.eligible_costs != previous.eligible_costs:
        said.append(
            "Zuwendungsfähige Gesamtausgaben: "
            f"{format_euro(decision.eligible_costs or Decimal(0))} "
            f"(bisher {format_euro(previous.eligible_costs or Decimal(0))})."
        )
    if decision.purpose:
        said.append(f"Zuwendungszweck: {decision.purpose}")
    return said


def _change(decision: Decision, text: Text, verb: str) -> list[Section]:
    previous = decision.previous
    assert previous is not None
    money = decision.amount is not None
    return [
        section(
            "tenor",
            "",
            [
                f"unser {_notice_before(decision)} wird {verb}.",
                *_changes(decision),
                "Im Übrigen bleibt der Bescheid unverändert.",
            ],
            years_table(decision, granted_by_year(previous), "bisher") if money else None,
        ),
        *(
            [
                section(
                    "plan",
                    "Verbindlicher Finanzierungsplan",
                    [],
                    plan_table(decision, _names(decision.application)),
                )
            ]
            if money
            else []
        ),
        section("legal_basis", "Rechtsgrundlage", text(BlockKey.LEGAL_BASIS)),
    ]


def _amendment(decision: Decision, text: Text) -> list[Section]:
    return [
        *_change(decision, text, "wie folgt geändert"),
        section(
            "conditions",
            "Nebenbestimmungen",
            [*text(BlockKey.CONDITIONS), *filled(decision.special_conditions, {})],
        ),
        _reasons(LetterKind.AMENDMENT, text, decision.reasons),
        section("remedy", "Rechtsbehelfsbelehrung", text(BlockKey.REMEDY)),
    ]


def _correction(decision: Decision, text: Text) -> list[Section]:
    return [
        *_change(decision, text, "wie folgt berichtigt"),
        _reasons(LetterKind.CORRECTION, text, decision.reasons),
        section("remedy", "Rechtsbehelfsbelehrung", text(BlockKey.REMEDY)),
    ]


def _revocation(decision: Decision, text: Text) -> list[Section]:
    previous = decision.previous
    assert previous is not None
    before, now = previous.amount or Decimal(0), decision.amount or Decimal(0)
    verb = "zurückgenommen" if decision.basis == "48" else "widerrufen"
    extent = (
        f"in vollem Umfang {verb}."
        if not now
        else f"teilweise {verb}. Die Zuwendung beträgt nun {format_euro(now)} "
        f"(bisher {format_euro(before)})."
    )
    return [
        section(
            "tenor",
            "",
            [f"unser {_notice_before(decision)} wird {extent}"],
            years_table(decision, granted_by_year(previous), "bisher") if now else None,
        ),
        *(
            [
                section(
                    "plan",
                    "Verbindlicher Finanzierungsplan",
                    [],
                    plan_table(decision, _names(decision.application)),
                )
            ]
            if now and decision.plan.exists()
            else []
        ),
        section("legal_basis", "Rechtsgrundlage", text(BlockKey.LEGAL_BASIS)),
        *(
            [section("repayment", "Erstattung", filled(decision.special_conditions, {}))]
            if decision.special_conditions
            else []
        ),
        _reasons(LetterKind.REVOCATION, text, decision.reasons),
        section("remedy", "Rechtsbehelfsbelehrung", text(BlockKey.REMEDY)),
    ]


SECTIONS: Final[dict[LetterKind, Callable[[Decision, Text], list[Section]]]] = {
    LetterKind.GRANT: _grant,
    LetterKind.REJECTION: _rejection,
    LetterKind.AMENDMENT: _amendment,
    LetterKind.CORRECTION: _correction,
    LetterKind.REVOCATION: _revocation,
}
