"""What staff do beside the moves of the workflow; each has its page, as a move has."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from applications import permissions
from applications.admin.hindrances import NOT_YOURS, RECUSED, Refused
from applications.workflow import Actor, Status, Transition

if TYPE_CHECKING:
    from applications.models import Application
    from municipalities.models import User

SET_FILE_NUMBER: Final = Transition(
    "set_file_number",
    "Geschäftszeichen eintragen",
    tuple(status for status in Status if status is not Status.DRAFT),
    None,
    Actor.REVIEWER,
    help="Das Geschäftszeichen aus der Aktenführung der Behörde steht auf jedem Schreiben.",
)

ASSIGN: Final = Transition(
    "assign",
    "Sachbearbeitung ändern",
    SET_FILE_NUMBER.sources,
    None,
    Actor.REVIEWER,
    help="Der Fall steht danach in der Liste der gewählten Person.",
)

ADD_NOTE: Final = Transition(
    "add_note", "Vermerk schreiben", SET_FILE_NUMBER.sources, None, Actor.REVIEWER
)
SEND_MESSAGE: Final = Transition(
    "send_message",
    "Nachricht an die Kommune senden",
    SET_FILE_NUMBER.sources,
    None,
    Actor.REVIEWER,
    mail="message",
)
RECUSE: Final = Transition(
    "recuse",
    "Ich bin befangen",
    SET_FILE_NUMBER.sources,
    None,
    Actor.REVIEWER,
    help=(
        "Wer befangen ist, wirkt am Fall nicht mit (§§ 20, 21 HVwVfG): Sie können hier danach "
        "weder schreiben noch zeichnen. Waren Sie zuständig, ist es niemand mehr."
    ),
)
LIFT_RECUSAL: Final = Transition(
    "lift_recusal",
    "Befangenheit aufheben",
    SET_FILE_NUMBER.sources,
    None,
    Actor.REVIEWER,
    help="Eine andere Person als die befangene stellt fest, dass kein Grund besteht.",
)

BESIDE: Final = frozenset({"add_note", "send_message", "recuse", "lift_recusal"})
"""What stands in a place of its own on the case page, for everybody who checks or signs."""

NO_MOVES: Final = {
    move.action: move
    for move in (SET_FILE_NUMBER, ASSIGN, ADD_NOTE, SEND_MESSAGE, RECUSE, LIFT_RECUSAL)
}
"""What works like a move and leaves the state as it is."""


def check_may_write(application: Application, user: User) -> None:
    """Raises Refused for whoever neither checks nor signs, or is befangen."""
    if permissions.is_recused(user, application):
        raise Refused(HTTPStatus.FORBIDDEN, NOT_YOURS, RECUSED)
    if not permissions.may_take_part(user, application):
        raise Refused(
            HTTPStatus.FORBIDDEN, NOT_YOURS, "Das ist Prüfung und Schlusszeichnung vorbehalten."
        )
