"""The states of an application. Pure. After PROGRAMME §6."""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """State of an application; three German names each: for staff, applicant, timeline."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    FORMAL_CHECK = "formal_check"
    INFORMATION_REQUESTED = "information_requested"
    SUBSTANTIVE_CHECK = "substantive_check"
    HEARING = "hearing"
    PROPOSED = "proposed"
    GRANTED = "granted"
    REJECTED = "rejected"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The name staff use."""
        return _NAMES[self][0]

    @property
    def applicant_label(self) -> str:
        """The name shown to the applicant."""
        return _NAMES[self][1]

    @property
    def timeline_label(self) -> str:
        """The name of the step in the timeline ahead."""
        return _NAMES[self][2]


_NAMES: Final = {
    Status.DRAFT: ("Entwurf", "Entwurf – noch nicht eingereicht", "Antrag ausfüllen"),
    Status.SUBMITTED: ("eingereicht", "Eingereicht", "Antrag einreichen"),
    Status.FORMAL_CHECK: ("formale Prüfung", "In Prüfung", "Prüfung der Unterlagen"),
    Status.INFORMATION_REQUESTED: (
        "Nachforderung",
        "Bitte Unterlagen nachreichen",
        "Unterlagen nachreichen",
    ),
    Status.SUBSTANTIVE_CHECK: ("fachliche Prüfung", "In Prüfung", "Fachliche Prüfung"),
    Status.HEARING: ("Anhörung", "Anhörung – bitte äußern Sie sich", "Anhörung"),
    Status.PROPOSED: ("Schlusszeichnung offen", "In Prüfung", "Entscheidung vorbereiten"),
    Status.GRANTED: ("bewilligt", "Bewilligt", "Entscheidung"),
    Status.REJECTED: ("abgelehnt", "Abgelehnt", "Entscheidung"),
    Status.REVOKED: ("aufgehoben", "Bescheid aufgehoben", "Aufhebung"),
    Status.WITHDRAWN: ("zurückgezogen", "Von Ihnen zurückgezogen", "Antrag zurückgezogen"),
    Status.CLOSED: ("erledigt", "Erledigt", "Verfahren beendet"),
}

LIVE: Final = frozenset(
    {
        Status.SUBMITTED,
        Status.FORMAL_CHECK,
        Status.INFORMATION_REQUESTED,
        Status.SUBSTANTIVE_CHECK,
        Status.HEARING,
        Status.PROPOSED,
        Status.GRANTED,
    }
)
"""States that count for „one live application per municipality and call" (PROGRAMME §3).
A case settled otherwise („erledigt") no longer stands in the way of a new application."""
