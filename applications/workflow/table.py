"""The moves of a case, one literal table, and what is done with it besides. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from applications.workflow.states import Status


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
UNDER_WAY: Final = (
    S.SUBMITTED,
    S.FORMAL_CHECK,
    S.INFORMATION_REQUESTED,
    S.SUBSTANTIVE_CHECK,
    S.HEARING,
)
"""Filed, and nothing proposed or decided."""
CHECKING: Final = (S.FORMAL_CHECK, S.SUBSTANTIVE_CHECK)
DECIDED: Final = (S.GRANTED, S.REJECTED)
LETTER_OPEN: Final = (S.PROPOSED, *DECIDED)
"""A proposal may be open, and its letter written on."""

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
        "confirm_recording",
        "Erfassung bestätigen",
        (S.DRAFT,),
        S.SUBMITTED,
        Actor.REVIEWER,
        mail="recorded",
        help="Ein Antrag, der per Post oder E-Mail kam, erhält seine Antragsnummer.",
    ),
    Transition(
        "withdraw",
        "Antrag zurückziehen",
        (*UNDER_WAY, S.PROPOSED),
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
        CHECKING,
        S.INFORMATION_REQUESTED,
        Actor.REVIEWER,
        mail="information_requested",
        help="Die Kommune erhält eine Liste mit einem Termin; nur was darin steht, wird frei.",
    ),
    Transition(
        "ask_by_phone",
        "Rückfrage am Telefon festhalten",
        CHECKING,
        S.INFORMATION_REQUESTED,
        Actor.REVIEWER,
        mail="question_by_phone",
        help="Sie halten das Gespräch fest und geben eine Stelle frei, ohne Schreiben.",
    ),
    Transition(
        "extend_request",
        "Termin verlängern",
        (S.INFORMATION_REQUESTED,),
        None,
        Actor.REVIEWER,
        mail="request_extended",
        reason=True,
        help="Die Kommune hat bis zu einem späteren Tag Zeit; frei bleibt, was frei ist.",
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
        "record_answer",
        "Antwort auf Papier aufnehmen",
        (S.INFORMATION_REQUESTED,),
        S.FORMAL_CHECK,
        Actor.REVIEWER,
        mail="answer_recorded",
        help="Was per Post oder E-Mail kam, laden Sie hoch und haken ab, was damit erledigt ist.",
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
        "settle_items",
        "Nachgereichtes abhaken",
        CHECKING,
        None,
        Actor.REVIEWER,
        help="Punkt für Punkt: Was ist erledigt? Was offen bleibt, lässt sich erneut nachfordern.",
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
        LETTER_OPEN,
        None,
        Actor.REVIEWER,
        help="Nur für dieses Schreiben; die Abweichung von den Textbausteinen bleibt sichtbar.",
    ),
    Transition(
        "correct_letter",
        "Schreiben korrigieren",
        LETTER_OPEN,
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
        LETTER_OPEN,
        None,
        Actor.REVIEWER,
        help="Danach kann eine Person zeichnen, die nicht mitgeschrieben hat.",
    ),
    Transition(
        "countersign",
        "Mitzeichnen",
        LETTER_OPEN,
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
        DECIDED,
        None,
        Actor.REVIEWER,
        help="Berichtigung, Änderung oder Aufhebung; eine zweite Person zeichnet.",
    ),
    Transition(
        "return_change",
        "Änderungsvorschlag zurückgeben",
        DECIDED,
        None,
        Actor.SIGNER,
        reason=True,
        help="Der Vorschlag geht mit Ihrer Begründung zurück; der Bescheid gilt weiter.",
    ),
    Transition(
        "retract_change",
        "Änderungsvorschlag zurückholen",
        DECIDED,
        None,
        Actor.REVIEWER,
        reason=True,
        help="Der Vorschlag wird ungezeichnet zurückgenommen; der Bescheid gilt weiter.",
    ),
    Transition(
        "sign_change",
        "Änderung schlusszeichnen",
        DECIDED,
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
        UNDER_WAY,
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
        help="Das Projekt erscheint im öffentlichen Verzeichnis; die Kommune wird nach Text und "
        "Kontakt gefragt.",
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
    Act("record_checks", "Prüfliste ausfüllen"),
    Act("rule_expenses", "Über zuwendungsfähige Ausgaben entscheiden"),
    Act("ask_opinion", "Beteiligung eintragen"),
    Act("record_opinion", "Ergebnis einer Beteiligung eintragen"),
    Act("issue_letter", "Schreiben erstellen", help="Ein Schreiben, das keine Entscheidung ist."),
    Act(
        "deliver",
        "Schreiben bekannt geben",
        mail="letter_ready",
        help="Sie wählen den Weg: Abruf, Post oder Empfangsbekenntnis.",
    ),
    Act(
        "discard_letter",
        "Schreiben verwerfen",
        mail="letter_discarded",
        help="Nur ein Schreiben, das nichts entscheidet und nicht unterwegs ist.",
    ),
    Act("acknowledge", "Empfangsbekenntnis eintragen"),
    Act("fail_delivery", "Bekanntgabe als nicht bewirkt eintragen"),
    Act("record_consent", "Einwilligung in den Abruf eintragen"),
    Act("end_consent", "Einwilligung in den Abruf beenden"),
    Act("add_entry", "Eintrag nach dem Bescheid"),
    Act("strike_entry", "Eintrag streichen"),
    Act("assign", "Sachbearbeitung ändern"),
    Act("add_note", "Vermerk schreiben", help="Nur für die Behörde."),
    Act("send_message", "Nachricht an die Kommune senden", mail="message"),
    Act("recuse", "Sich für befangen erklären"),
    Act("lift_recusal", "Befangenheit aufheben"),
    Act("start_recording", "Antrag erfassen"),
    Act("present_recording", "Erfassung vorlegen"),
    Act("return_recording", "Erfassung zurückgeben"),
    Act("confirm_entry", "Text und Kontakt für das Verzeichnis bestätigen"),
    Act("take_back_entry", "Text und Kontakt aus dem Verzeichnis nehmen"),
)
"""What is done beside the moves; each is a service and a log action."""
