"""What a service refuses, as the page that says so."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from applications import services
from applications.admin.hindrances import CHANGED, FOUR_EYES, NOT_YOURS, Refused
from projects.services import AlreadyPublished, NotPublished

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the refusals of the one service call within into `Refused`.

    ReasonMissing, NothingRequested and DueDateTooEarly cannot come: the form asks for the same.
    """
    try:
        yield
    except services.NotAllowed as error:
        raise Refused(
            HTTPStatus.FORBIDDEN, NOT_YOURS, "Ihr Konto darf diese Handlung nicht vornehmen."
        ) from error
    except services.FourEyes as error:
        raise Refused(HTTPStatus.FORBIDDEN, NOT_YOURS, FOUR_EYES) from error
    except services.NotRecused as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Diese Person ist nicht mehr als befangen eingetragen."
        ) from error
    except services.NoReviewer as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Die gewählte Person prüft diesen Antrag nicht."
        ) from error
    except services.WrongState as error:
        raise Refused(HTTPStatus.CONFLICT, CHANGED, str(error)) from error
    except services.PartnerTaken as error:
        raise Refused(
            HTTPStatus.CONFLICT,
            "Eine Partnerkommune ist inzwischen anderswo beteiligt",
            "Die eingereichte Fassung lässt sich deshalb nicht wiederherstellen. Bitte klären Sie "
            "mit der Kommune, wer am Antrag beteiligt ist.",
        ) from error
    except services.ProposalChanged as error:
        raise Refused(
            HTTPStatus.CONFLICT,
            CHANGED,
            "Es liegt inzwischen ein anderer Vorschlag oder ein anderes Schreiben vor als das, das "
            "Sie gelesen haben.",
        ) from error
    except services.FileNumberFixed as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Inzwischen liegt ein Vorschlag vor."
        ) from error
    except (services.ConsentMissing, services.NothingToAgree) as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Das Schreiben wurde inzwischen bearbeitet."
        ) from error
    except (services.ProposalOpen, services.LetterNotOurs, services.NothingToChange) as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Der Vorschlag hat sich inzwischen geändert."
        ) from error
    except (services.UnknownTarget, services.NothingToSettle) as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Es liegt inzwischen eine andere Fassung vor."
        ) from error
    except (services.HearingOpen, services.NoHearing) as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Die Anhörung hat sich inzwischen geändert."
        ) from error
    except services.HearingStillRuns as error:
        raise Refused(
            HTTPStatus.CONFLICT,
            "Der Termin der Anhörung läuft noch",
            "Ohne Äußerung der Kommune endet die Anhörung erst nach dem Termin.",
        ) from error
    except services.OtherKind as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Vorgeschlagen ist eine Entscheidung anderer Art."
        ) from error
    except services.NotToldYet as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Der Bescheid ist noch nicht bekannt gegeben."
        ) from error
    except AlreadyPublished as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Das Projekt ist schon veröffentlicht."
        ) from error
    except NotPublished as error:
        raise Refused(
            HTTPStatus.CONFLICT, CHANGED, "Das Projekt steht nicht im öffentlichen Verzeichnis."
        ) from error
