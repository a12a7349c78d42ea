"""Which parts a letter needs, and which of them are still missing (PROGRAMME §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Q
from django.utils import timezone

from applications.models import (
    Application,
    ApplicationMember,
    Decision,
    FundingCall,
    LetterBlock,
)
from applications.models.decisions import DecisionKind
from applications.models.letters import REQUIRED_BLOCKS, BlockKey, LetterKind
from kiv_portal.models import Authority

if TYPE_CHECKING:
    from datetime import date, datetime

_HEAD: Final = (
    ("file_number", "Geschäftszeichen"),
    ("date", "Datum"),
    ("addressee", "Anschrift an Magistrat oder Gemeindevorstand, nicht an eine Person"),
)
_FOOT: Final = (("signature", "Unterschrift"),)
_REMEDY: Final = (
    "remedy",
    "Rechtsbehelfsbelehrung mit Klage, Verwaltungsgericht, Sitz und Frist",
)
_CHANGE: Final = (
    *_HEAD,
    ("tenor", "Tenor: welcher Bescheid geändert wird und wie"),
    ("legal_basis", "Rechtsgrundlage"),
    ("reasons", "Begründung"),
    _REMEDY,
    *_FOOT,
)

PARTS_ELSEWHERE: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    LetterKind.GRANT: (
        *_HEAD,
        ("amount", "Tenor: bewilligter Betrag"),
        ("purpose", "Tenor: Zuwendungszweck"),
        ("financing", "Tenor: Projektförderung und Finanzierungsart"),
        ("period", "Tenor: Bewilligungszeitraum"),
        ("years", "Tenor: Beträge nach Haushaltsjahren"),
        ("plan", "zuwendungsfähige Gesamtausgaben mit verbindlichem Finanzierungsplan"),
        ("legal_basis", "Rechtsgrundlage: §§ 23, 44 LHO mit VV, Richtlinie mit Nummer"),
        ("conditions", "Nebenbestimmungen mit ANBest-GK"),
        ("reasons", "Begründung, auch einer Kürzung"),
        ("payment", "Auszahlung"),
        _REMEDY,
        ("annexes", "Anlagen"),
        *_FOOT,
    ),
    LetterKind.REJECTION: (
        *_HEAD,
        ("tenor", "Tenor: der Antrag wird abgelehnt"),
        ("legal_basis", "Rechtsgrundlage"),
        ("reasons", "Begründung"),
        _REMEDY,
        *_FOOT,
    ),
    LetterKind.CORRECTION: _CHANGE,
    LetterKind.AMENDMENT: _CHANGE,
    LetterKind.REVOCATION: _CHANGE,
}
"""What a person ticks for a letter made elsewhere: every part must be there."""


class LetterIncomplete(Exception):
    """A part the letter must have is not there; `missing` names them in German."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__("Für das Schreiben fehlt noch: " + ", ".join(missing))
        self.missing = missing


def kind_of(decision: Decision) -> LetterKind:
    """The letter that tells this decision."""
    return LetterKind(decision.kind)


def blocks_for(
    kind: LetterKind, on: date, call: FundingCall | None = None
) -> dict[BlockKey, LetterBlock]:
    """The texts valid that day, by part; one of the call goes before one for all calls.

    Of several the one counts that came into force last.
    """
    mine = Q(call__isnull=True) | Q(call=call) if call else Q(call__isnull=True)
    valid = LetterBlock.objects.valid(on).filter(mine, kind=kind).order_by("valid_from")
    ordered = sorted(valid, key=lambda block: block.call_id is not None)
    return {BlockKey(block.key): block for block in ordered}


def lead_of(application: Application) -> ApplicationMember:
    """The applicant: addressee and debtor, in a Verbund the lead alone."""
    return application.members.select_related("municipality__district").get(role="lead")


def court_of(application: Application) -> str:
    """Seat of the Verwaltungsgericht for the applicant, in a Verbund the lead; empty if unknown."""
    return lead_of(application).municipality.district.court


def missing_for(application: Application, kind: LetterKind, at: datetime) -> list[str]:
    """What a letter of that kind still lacks in this case, in German; empty when nothing does."""
    call = application.call
    blocks = blocks_for(kind, timezone.localdate(at), call)
    authority = Authority.load()
    lacking = [
        f"Textbaustein „{key.label}“ (gültig und bestätigt)"
        for key in REQUIRED_BLOCKS[kind]
        if key not in blocks
    ]
    if not application.file_number and kind is not LetterKind.RECEIPT:
        lacking.append("Geschäftszeichen")
    if authority is None or not (authority.street and authority.postal_code and authority.city):
        lacking.append("Anschrift der Behörde")
    if BlockKey.REMEDY in REQUIRED_BLOCKS[kind] and not court_of(application):
        lacking.append("Verwaltungsgericht des Landkreises")
    if kind is LetterKind.GRANT and not call.financing_type:
        lacking.append("Finanzierungsart im Förderaufruf")
    if kind in DecisionKind.values and not (call.guideline and call.clause):
        lacking.append("Förderrichtlinie mit Nummer im Förderaufruf")
    if kind is LetterKind.GRANT and not call.purpose:
        lacking.append("Zuwendungszweck im Förderaufruf")
    return lacking


def missing_parts(decision: Decision, at: datetime) -> list[str]:
    """What the letter of this decision still lacks, in German; empty when nothing does.

    PROGRAMME §6: a letter that would need an empty field is not generated. One made elsewhere
    needs nothing of ours: a person ticked its parts.
    """
    if decision.made_elsewhere:
        return []
    return missing_for(decision.application, kind_of(decision), at)


def require_parts(decision: Decision, at: datetime) -> None:
    """Raise LetterIncomplete unless the decision's letter could be generated."""
    if lacking := missing_parts(decision, at):
        raise LetterIncomplete(lacking)
