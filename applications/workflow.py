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
    the applicant is told nothing. `reason` says whether the move needs one. Without a
    `target` the state stays as it is.
    """

    action: str
    label: str
    sources: tuple[Status, ...]
    target: Status | None
    actor: Actor
    mail: str = ""
    reason: bool = False
    help: str = ""

    def leads_to(self, source: Status) -> Status:
        """The state after the move, made in the state `source`."""
        return self.target or source


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
        (
            S.SUBMITTED,
            S.FORMAL_CHECK,
            S.INFORMATION_REQUESTED,
            S.SUBSTANTIVE_CHECK,
            S.HEARING,
            S.PROPOSED,
        ),
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
        "begin_hearing",
        "Anhörung beginnen",
        (S.SUBSTANTIVE_CHECK,),
        S.HEARING,
        Actor.REVIEWER,
        help="Die Kommune kann sich zur beabsichtigten Ablehnung äußern; so lange ruht der Fall.",
    ),
    Transition(
        "end_hearing",
        "Anhörung beenden",
        (S.HEARING,),
        S.SUBSTANTIVE_CHECK,
        Actor.REVIEWER,
        help="Sie halten die Äußerung fest, oder dass bis zum Termin keine kam.",
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
        "edit_letter",
        "Schreiben bearbeiten",
        (S.PROPOSED, S.GRANTED, S.REJECTED),
        None,
        Actor.REVIEWER,
        help="Nur für dieses Schreiben; die Abweichung von den Textbausteinen bleibt sichtbar.",
    ),
    Transition(
        "correct_letter",
        "Schreiben korrigieren",
        (S.PROPOSED, S.GRANTED, S.REJECTED),
        None,
        Actor.SIGNER,
        help=(
            "Wer korrigiert, schreibt mit und kann nicht mehr zeichnen; wer vorgeschlagen hat, "
            "muss einverstanden sein."
        ),
    ),
    Transition(
        "agree",
        "Mit der Korrektur einverstanden",
        (S.PROPOSED, S.GRANTED, S.REJECTED),
        None,
        Actor.REVIEWER,
        help="Danach kann eine Person zeichnen, die nicht mitgeschrieben hat.",
    ),
    Transition(
        "countersign",
        "Mitzeichnen",
        (S.PROPOSED, S.GRANTED, S.REJECTED),
        None,
        Actor.REVIEWER,
        help="Sie zeichnen mit; die Schlusszeichnung bleibt einer weiteren Person vorbehalten.",
    ),
    Transition(
        "grant",
        "Bewilligung schlusszeichnen",
        (S.PROPOSED,),
        S.GRANTED,
        Actor.SIGNER,
        help="Der Zuwendungsbescheid wird erzeugt und ein Projekt angelegt; danach folgt die "
        "Bekanntgabe.",
    ),
    Transition(
        "reject",
        "Ablehnung schlusszeichnen",
        (S.PROPOSED,),
        S.REJECTED,
        Actor.SIGNER,
        help="Der Ablehnungsbescheid wird erzeugt; danach folgt die Bekanntgabe.",
    ),
    Transition(
        "begin_revocation_hearing",
        "Anhörung zur Aufhebung beginnen",
        (S.GRANTED,),
        None,
        Actor.REVIEWER,
        help="Vor Rücknahme, Widerruf und Erstattung wird die Kommune immer angehört.",
    ),
    Transition(
        "end_revocation_hearing",
        "Anhörung zur Aufhebung beenden",
        (S.GRANTED,),
        None,
        Actor.REVIEWER,
        help="Sie halten die Äußerung fest, oder dass bis zum Termin keine kam.",
    ),
    Transition(
        "propose_change",
        "Änderung des Bescheids vorschlagen",
        (S.GRANTED, S.REJECTED),
        None,
        Actor.REVIEWER,
        help="Berichtigung, Änderung oder Aufhebung; eine zweite Person zeichnet.",
    ),
    Transition(
        "return_change",
        "Änderungsvorschlag zurückgeben",
        (S.GRANTED, S.REJECTED),
        None,
        Actor.SIGNER,
        reason=True,
        help="Der Vorschlag geht mit Ihrer Begründung zurück; der Bescheid gilt weiter.",
    ),
    Transition(
        "retract_change",
        "Änderungsvorschlag zurückholen",
        (S.GRANTED, S.REJECTED),
        None,
        Actor.REVIEWER,
        reason=True,
        help="Der Vorschlag wird ungezeichnet zurückgenommen; der Bescheid gilt weiter.",
    ),
    Transition(
        "sign_change",
        "Änderung schlusszeichnen",
        (S.GRANTED, S.REJECTED),
        None,
        Actor.SIGNER,
        help="Der Bescheid über die Änderung wird erzeugt; danach folgt die Bekanntgabe.",
    ),
    Transition(
        "revoke",
        "Aufhebung schlusszeichnen",
        (S.GRANTED,),
        S.REVOKED,
        Actor.SIGNER,
        help="Der Bescheid ist ganz aufgehoben; das Projekt verlässt das Verzeichnis.",
    ),
    Transition(
        "close",
        "Verfahren als erledigt beenden",
        (
            S.SUBMITTED,
            S.FORMAL_CHECK,
            S.INFORMATION_REQUESTED,
            S.SUBSTANTIVE_CHECK,
            S.HEARING,
        ),
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


@dataclass(frozen=True, slots=True)
class Act:
    """Something done with a case that leaves its state alone; `mail` as with a Transition."""

    action: str
    label: str
    mail: str = ""
    help: str = ""


ACTS: Final[tuple[Act, ...]] = (
    Act("issue_letter", "Schreiben erstellen", help="Ein Schreiben, das keine Entscheidung ist."),
    Act(
        "deliver",
        "Schreiben bekannt geben",
        mail="letter_ready",
        help="Sie wählen den Weg: Abruf, Post oder Empfangsbekenntnis.",
    ),
    Act("acknowledge", "Empfangsbekenntnis eintragen"),
    Act("fail_delivery", "Bekanntgabe als nicht bewirkt eintragen"),
    Act("record_consent", "Einwilligung in den Abruf eintragen"),
    Act("end_consent", "Einwilligung in den Abruf beenden"),
    Act("add_entry", "Eintrag nach dem Bescheid"),
    Act("strike_entry", "Eintrag streichen"),
)
"""What reviewers do with letters and after a notice; each is a service and a log action."""

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
        Status.HEARING: Actor.APPLICANT,
        Status.PROPOSED: Actor.SIGNER,
    }.get(status)


def diagram() -> str:
    """The states and moves as a Mermaid diagram; the README holds exactly this text."""
    lines = ["stateDiagram-v2", "    [*] --> draft"]
    lines += [f'    state "{status.label}" as {status.value}' for status in Status]
    lines += [
        f"    {source.value} --> {move.leads_to(source).value}: {move.label} ({move.actor.label})"
        for move in TRANSITIONS
        for source in move.sources
    ]
    ends = [status for status in Status if turn(status) is None]
    lines += [f"    {status.value} --> [*]" for status in ends]
    return "\n".join(lines) + "\n"
