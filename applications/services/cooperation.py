"""The Kooperationserklärung of each partner of a Verbund (PROGRAMME §6).

The lead alone is applicant, addressee and debtor. A partner declares its share, its Vollmacht
and the body that is to adopt the strategy: on a sheet it signs, or with an account of its own.
Both say the same words, `statement`; a confirmation holds for exactly these.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from applications.models import Application, Cooperation
from applications.rules import CoverKind, Step
from applications.services.content import plain, rows_of
from applications.services.log import canonical, sha256

if TYPE_CHECKING:
    from municipalities.models import Municipality

MANDATE: Final = (
    "{partner} beteiligt sich am Antrag von {lead} und bevollmächtigt {lead}, den Antrag auch in "
    "ihrem Namen zu stellen, im Verfahren für den Verbund zu handeln, Schreiben entgegenzunehmen "
    "und die Zuwendung zu empfangen. Antragstellerin, Empfängerin der Schreiben und der "
    "Zuwendung und für deren Verwendung verantwortlich ist allein {lead}."
)
"""The Vollmacht; the lead alone is applicant, addressee and debtor."""


def key_of(application: Application, municipality: Municipality) -> uuid.UUID:
    """The id of a partner's row: always the same, so that two people write into one row."""
    return uuid.uuid5(application.uuid, municipality.ags)


def statement(application: Application, partner: Municipality) -> dict[str, Any]:
    """What a partner declares, as plain values: Vollmacht, share per Haushaltsjahr, body.

    The share is the partner's Eigenmittel in the Finanzierungsplan, in euro as exact text. A
    partner that pays nothing says so with a line of 0.
    """
    lead = application.lead
    assert lead is not None
    shares: dict[int, Decimal] = {}
    for row in rows_of(application, "cover"):
        if row.kind == CoverKind.OWN and row.municipality_id == partner.pk:
            if row.amount is None:
                continue
            shares[row.year] = shares.get(row.year, Decimal("0.00")) + row.amount
    adoptions = [
        row for row in rows_of(application, "adoptions") if row.municipality_id == partner.pk
    ]
    adoption = adoptions[0] if adoptions else None
    texts = [
        row.contribution
        for row in rows_of(application, "cooperations")
        if row.municipality_id == partner.pk
    ]
    return {
        "call": application.call.title,
        "title": application.title,
        "lead": lead.municipality.body,
        "partner": partner.body,
        "mandate": MANDATE.format(partner=partner.short_name, lead=lead.municipality.short_name),
        "shares": [[year, plain(shares[year])] for year in sorted(shares)],
        "contribution": texts[0] if texts else "",
        "body": (adoption.body if adoption else "") or partner.council,
        "planned_on": plain(adoption.planned_on) if adoption else None,
    }


@dataclass(frozen=True, slots=True)
class Lack:
    """What a declaration does not say yet, and the step where the lead writes it."""

    label: str
    step: Step


class StatementIncomplete(Exception):
    """The declaration does not say yet what it is about; `lacking` tells what is to come."""

    def __init__(self, lacking: list[Lack]) -> None:
        super().__init__("; ".join(lack.label for lack in lacking))
        self.lacking = lacking


def lacking(said: dict[str, Any], partner: Municipality) -> list[Lack]:
    """What has to stand in a declaration before it is printed or confirmed (PROGRAMME §6).

    The project and the share; Vollmacht and body always do. What a partner brings in besides its
    share is its own choice.
    """
    found = []
    if not said["title"].strip():
        found.append(Lack("der Projektname (Abschnitt Konzeption)", Step.KONZEPTION))
    if not said["shares"]:
        share = f"der Anteil von {partner.short_name} (Eigenmittel im Finanzierungsplan; "
        found.append(Lack(f"{share}0,00 € gilt auch)", Step.FINANZIERUNG))
    return found


def complete_statement(application: Application, partner: Municipality) -> dict[str, Any]:
    """As `statement`, of a declaration that may be printed. Raises StatementIncomplete."""
    said = statement(application, partner)
    if lacks := lacking(said, partner):
        raise StatementIncomplete(lacks)
    return said


def statement_sha256(application: Application, partner: Municipality) -> str:
    """The hash of what a partner declares: a confirmation holds for exactly these words."""
    return sha256(canonical(statement(application, partner)))


def confirmed(application: Application) -> dict[str, str]:
    """When each partner confirmed what is declared now, by its AGS, as ISO text in UTC.

    A confirmation of other words counts no longer: share, body or title changed since.
    """
    found: dict[str, str] = {}
    if not application.partners:
        return found
    for row in rows_of(application, "cooperations"):
        if row.confirmed_at is None:
            continue
        if row.statement_sha256 == statement_sha256(application, row.municipality):
            found[row.municipality.ags] = row.confirmed_at.astimezone(UTC).isoformat()
    return found


def row_of(application: Application, partner: Municipality) -> Cooperation:
    """The partner's row, made where there is none; the caller holds the application's lock."""
    row, _ = Cooperation.objects.get_or_create(
        application=application,
        municipality=partner,
        defaults={"id": key_of(application, partner)},
    )
    return row
