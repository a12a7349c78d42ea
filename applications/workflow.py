"""Where an application is in its life: states, moves between them, and whose turn it is.

Pure. `TRANSITIONS` is the one table that drives the buttons, the review desk's moves, the
mails, the diagram in the README and the test matrix. After PROGRAMME §6.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """State of an application; three German names each: for staff, applicant, timeline."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    FORMAL_CHECK = "formal_check"
    INFORMATION_REQUESTED = "information_requested"
    SUBSTANTIVE_CHECK = "substantive_check"
    PROPOSED = "proposed"
    GRANTED = "granted"
    REJECTED = "rejected"
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
    Status.PROPOSED: ("Schlusszeichnung offen", "In Prüfung", "Entscheidung vorbereiten"),
    Status.GRANTED: ("bewilligt", "Bewilligt", "Entscheidung"),
    Status.REJECTED: ("abgelehnt", "Abgelehnt", "Entscheidung"),
    Status.WITHDRAWN: ("zurückgezogen", "Von Ihnen zurückgezogen", "Antrag zurückgezogen"),
    Status.CLOSED: ("erledigt", "Erledigt", "Verfahren beendet"),
}

LIVE: Final = frozenset(
    {
        Status.SUBMITTED,
        Status.FORMAL_CHECK,
        Status.INFORMATION_REQUESTED,
        Status.SUBSTANTIVE_CHECK,
        Status.PROPOSED,
        Status.GRANTED,
    }
)
"""States that count for „one live application per municipality and call" (PROGRAMME §3).
A case settled otherwise („erledigt") no longer stands in the way of a new application."""


class Actor(StrEnum):
    """Who makes a move. Whether this very person may is told by `permissions`."""

    APPLICANT = "applicant"
    REVIEWER = "reviewer"
    SIGNER = "signer"

    @property
    def label(self) -> str:
        """The German name, as in the diagram."""
        return {
            "applicant": "Kommune",
            "reviewer": "Sachbearbeitung",
            "signer": "Schlusszeichnung",
        }[self.value]


@dataclass(frozen=True, slots=True)
class Transition:
    """One move: its name (also the service and the log action), who makes it, whom it tells.

    `mail` is the template below templates/mails/ that goes to the applicant, empty where
    the applicant is told nothing. `reason` says whether the move needs one.
    """

    action: str
    label: str
    sources: tuple[Status, ...]
    target: Status
    actor: Actor
    mail: str = ""
    reason: bool = False
    help: str = ""


S = Status
TRANSITIONS: Final[tuple[Transition, ...]] = (
    Transition(
        "submit",
        "Antrag einreichen",
        (S.DRAFT,),
        S.SUBMITTED,
        Actor.APPLICANT,
        mail="receipt",
        help="Der Antrag geht beim Regierungspräsidium ein und erhält eine Antragsnummer.",
    ),
    Transition(
        "withdraw",
        "Antrag zurückziehen",
        (S.SUBMITTED, S.FORMAL_CHECK, S.INFORMATION_REQUESTED, S.SUBSTANTIVE_CHECK, S.PROPOSED),
        S.WITHDRAWN,
        Actor.APPLICANT,
        mail="withdrawn",
        reason=True,
        help="Das Verfahren endet. Für denselben Aufruf kann neu beantragt werden.",
    ),
    Transition(
        "begin_check",
        "Formale Prüfung beginnen",
        (S.SUBMITTED,),
        S.FORMAL_CHECK,
        Actor.REVIEWER,
        help="Sie übernehmen den Fall und prüfen, ob alle Unterlagen da sind.",
    ),
    Transition(
        "request_information",
        "Unterlagen nachfordern",
        (S.FORMAL_CHECK, S.SUBSTANTIVE_CHECK),
        S.INFORMATION_REQUESTED,
        Actor.REVIEWER,
        mail="information_requested",
        help="Die Kommune erhält eine Liste mit einem Termin; nur diese Abschnitte werden frei.",
    ),
    Transition(
        "answer",
        "Unterlagen absenden",
        (S.INFORMATION_REQUESTED,),
        S.FORMAL_CHECK,
        Actor.APPLICANT,
        mail="answered",
        help="Ihre Ergänzungen gehen ein; der Antrag ist danach wieder geschlossen.",
    ),
    Transition(
        "proceed_without_answer",
        "Entscheidung nach Aktenlage",
        (S.INFORMATION_REQUESTED,),
        S.FORMAL_CHECK,
        Actor.REVIEWER,
        mail="proceeding_without_answer",
        reason=True,
        help="Die Nachforderung endet ohne Antwort; entschieden wird nach dem, was vorliegt.",
    ),
    Transition(
        "accept_formally",
        "Formale Prüfung abschließen",
        (S.FORMAL_CHECK,),
        S.SUBSTANTIVE_CHECK,
        Actor.REVIEWER,
        help="Die Unterlagen sind da; es folgt die fachliche Prüfung.",
    ),
    Transition(
        "propose",
        "Entscheidung vorschlagen",
        (S.SUBSTANTIVE_CHECK,),
        S.PROPOSED,
        Actor.REVIEWER,
        help="Ihr Vorschlag wird einer zweiten Person zur Schlusszeichnung vorgelegt.",
    ),
    Transition(
        "return_proposal",
        "Vorschlag zurückgeben",
        (S.PROPOSED,),
        S.SUBSTANTIVE_CHECK,
        Actor.SIGNER,
        reason=True,
        help="Der Vorschlag geht mit Ihrer Begründung an die Sachbearbeitung zurück.",
    ),
    Transition(
        "retract_proposal",
        "Vorschlag zurückholen",
        (S.PROPOSED,),
        S.SUBSTANTIVE_CHECK,
        Actor.REVIEWER,
        reason=True,
        help="Der Vorschlag kommt ungezeichnet zurück in die fachliche Prüfung.",
    ),
    Transition(
        "grant",
        "Bewilligung schlusszeichnen",
        (S.PROPOSED,),
        S.GRANTED,
        Actor.SIGNER,
        mail="decided",
        help="Der Zuwendungsbescheid wird erzeugt und ein Projekt angelegt.",
    ),
    Transition(
        "reject",
        "Ablehnung schlusszeichnen",
        (S.PROPOSED,),
        S.REJECTED,
        Actor.SIGNER,
        mail="decided",
        help="Der Ablehnungsbescheid wird erzeugt.",
    ),
    Transition(
        "close",
        "Verfahren als erledigt beenden",
        (S.SUBMITTED, S.FORMAL_CHECK, S.INFORMATION_REQUESTED, S.SUBSTANTIVE_CHECK),
        S.CLOSED,
        Actor.REVIEWER,
        mail="closed",
        reason=True,
        help="Nur wenn keine Entscheidung mehr zu treffen ist, etwa bei doppelten Anträgen.",
    ),
    Transition(
        "publish_project",
        "Projekt veröffentlichen",
        (S.GRANTED,),
        S.GRANTED,
        Actor.REVIEWER,
        mail="published",
        help="Das Projekt erscheint im öffentlichen Verzeichnis.",
    ),
    Transition(
        "withdraw_project",
        "Projekt aus dem Verzeichnis nehmen",
        (S.GRANTED,),
        S.GRANTED,
        Actor.REVIEWER,
        reason=True,
        help="Das Projekt verschwindet sofort aus dem öffentlichen Verzeichnis.",
    ),
)
del S

BY_ACTION: Final = {transition.action: transition for transition in TRANSITIONS}


def transition(action: str) -> Transition:
    """The move of that name. Raises KeyError for a name that is not in the table."""
    return BY_ACTION[action]


def moves_from(status: Status, actor: Actor | None = None) -> Iterator[Transition]:
    """The moves that leave `status`, all or those of one actor, in the table's order."""
    for move in TRANSITIONS:
        if status in move.sources and actor in (None, move.actor):
            yield move


def turn(status: Status) -> Actor | None:
    """Whose turn it is: on whom the next step waits; None where the case has ended."""
    return {
        Status.DRAFT: Actor.APPLICANT,
        Status.SUBMITTED: Actor.REVIEWER,
        Status.FORMAL_CHECK: Actor.REVIEWER,
        Status.INFORMATION_REQUESTED: Actor.APPLICANT,
        Status.SUBSTANTIVE_CHECK: Actor.REVIEWER,
        Status.PROPOSED: Actor.SIGNER,
    }.get(status)


def diagram() -> str:
    """The states and moves as a Mermaid diagram; the README holds exactly this text."""
    lines = ["stateDiagram-v2", "    [*] --> draft"]
    lines += [f'    state "{status.label}" as {status.value}' for status in Status]
    lines += [
        f"    {source.value} --> {move.target.value}: {move.label} ({move.actor.label})"
        for move in TRANSITIONS
        for source in move.sources
    ]
    ends = [status for status in Status if turn(status) is None]
    lines += [f"    {status.value} --> [*]" for status in ends]
    return "\n".join(lines) + "\n"
