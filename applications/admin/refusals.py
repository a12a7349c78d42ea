"""What a service refuses, as the page that says so."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from applications import services
from applications.admin.hindrances import CHANGED, FOUR_EYES, NOT_YOURS, Refused
from projects.services import AlreadyPublished, NotPublished

if TYPE_CHECKING:
    from collections.abc import Iterator


REFUSED: Final[dict[type[Exception], tuple[HTTPStatus, str, str]]] = {
    services.NotAllowed: (
        HTTPStatus.FORBIDDEN,
        NOT_YOURS,
        "Ihr Konto darf diese Handlung nicht vornehmen.",
    ),
    services.FourEyes: (HTTPStatus.FORBIDDEN, NOT_YOURS, FOUR_EYES),
    services.PartnerTaken: (
        HTTPStatus.CONFLICT,
        "Eine Partnerkommune ist inzwischen anderswo beteiligt",
        "Die eingereichte Fassung lässt sich deshalb nicht wiederherstellen. Bitte klären Sie mit "
        "der Kommune, wer am Antrag beteiligt ist.",
    ),
    services.NotSubmittable: (
        HTTPStatus.CONFLICT,
        "So lässt sich die Antwort nicht aufnehmen",
        "Der zuletzt eingereichten Fassung fehlt inzwischen etwas, ohne das sie kein Antrag ist. "
        "Was fehlt, steht im Fall bei den Prüfhinweisen. Bitte klären Sie es mit der Kommune.",
    ),
    services.HearingStillRuns: (
        HTTPStatus.CONFLICT,
        "Der Termin der Anhörung läuft noch",
        "Ohne Äußerung der Kommune endet die Anhörung erst nach dem Termin.",
    ),
}
OTHERWISE: Final[dict[type[Exception], str]] = {
    services.NotRecused: "Diese Person ist nicht mehr als befangen eingetragen.",
    services.NoReviewer: "Die gewählte Person prüft diesen Antrag nicht.",
    services.ProposalChanged: (
        "Es liegt inzwischen ein anderer Vorschlag oder ein anderes Schreiben vor als das, das Sie "
        "gelesen haben."
    ),
    services.RequestChanged: (
        "Nachgefordert ist inzwischen etwas anderes als das, was Sie gelesen haben."
    ),
    services.FileNumberFixed: "Inzwischen liegt ein Vorschlag vor.",
    services.ConsentMissing: "Das Schreiben wurde inzwischen bearbeitet.",
    services.NothingToAgree: "Das Schreiben wurde inzwischen bearbeitet.",
    services.ProposalOpen: "Der Vorschlag hat sich inzwischen geändert.",
    services.LetterNotOurs: "Der Vorschlag hat sich inzwischen geändert.",
    services.NothingToChange: "Der Vorschlag hat sich inzwischen geändert.",
    services.VersionChanged: "Es liegt inzwischen eine andere Fassung vor.",
    services.UnknownTarget: "Es liegt inzwischen eine andere Fassung vor.",
    services.NothingToSettle: "Es liegt inzwischen eine andere Fassung vor.",
    services.HearingOpen: "Die Anhörung hat sich inzwischen geändert.",
    services.NoHearing: "Die Anhörung hat sich inzwischen geändert.",
    services.OtherKind: "Vorgeschlagen ist eine Entscheidung anderer Art.",
    services.NotToldYet: "Der Bescheid ist noch nicht bekannt gegeben.",
    AlreadyPublished: "Das Projekt ist schon veröffentlicht.",
    NotPublished: "Das Projekt steht nicht im öffentlichen Verzeichnis.",
}
"""What has become of the case since the person read it."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the refusals of the one service call within into `Refused`.

    ReasonMissing, NothingRequested and DueDateTooEarly cannot come: the form asks for the same.
    """
    try:
        yield
    except services.WrongState as error:
        raise Refused(HTTPStatus.CONFLICT, CHANGED, str(error)) from error
    except tuple(REFUSED) as error:
        raise Refused(*_found(REFUSED, error)) from error
    except tuple(OTHERWISE) as error:
        raise Refused(HTTPStatus.CONFLICT, CHANGED, _found(OTHERWISE, error)) from error


def _found(table: dict[type[Exception], Any], error: Exception) -> Any:
    return next(table[kind] for kind in type(error).__mro__ if kind in table)
