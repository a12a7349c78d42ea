"""„Nächster Schritt" of the case page: who must act and until when, and the buttons for it.

Whatever the state, there is a button or a sentence that says what is waited for; a letter is made
known from here as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils import timezone

from applications import permissions
from applications.admin import deliveries, moves, standing, words
from applications.admin.hindrances import is_told
from applications.admin.moves import Button
from applications.admin.waiting import SLIGHT
from applications.services import checklists
from applications.services.entries import DECIDED
from applications.workflow import Status
from kiv_portal.models import DeliveryWay
from municipalities.permissions import may_review

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from applications.models import Application, Decision, Delivery, Letter
    from municipalities.models import User

PDF_COMES: Final = (
    "Das PDF wird gerade erzeugt. Bitte laden Sie die Seite gleich neu: Ist es da, lässt sich das "
    "Schreiben {then}."
)


def build(
    facts: standing.Facts, user: User, at: datetime, proposed: Decision | None
) -> dict[str, Any]:
    """What the panel shows of a case; `proposed` is its open proposal with its hands."""
    application = facts.application
    row, day = standing.read(facts, timezone.localdate(at))
    recused = permissions.is_recused(user, application)
    found = moves.buttons(application, user, at, proposed)
    of_letters = [] if recused else _of_letters(facts, user)
    offered = {button.action for button in found if not button.reason}
    # A move stands out only where it is this one's turn, as the list has it.
    buttons = [
        replace(button, primary=button.primary and _brings_on(button, row))
        for button in found
        if not button.reason and words.COVERED.get(button.action) not in offered
    ]
    if checklists.may_check(user, application) and checklists.is_untouched(application):
        # Nobody has looked at anything: that comes before the end of a check.
        buttons = [replace(button, primary=False) for button in buttons]
        href = reverse("admin:applications_application_checks", args=[application.pk])
        buttons.append(Button(href, "Prüfliste und Ausgaben", "", primary=True))
    if row.name not in standing.WAITS_FOR_LETTER:
        of_letters = [replace(button, primary=False) for button in of_letters]
    if may_review(user) and not recused and application.state in DECIDED:
        buttons.append(_entry(application, primary=row.name in standing.AFTER_NOTICE))
    return {
        "turn": row.turn,
        "next": _sentences(facts, row, day, at),
        "buttons": sorted(
            of_letters + buttons,
            key=lambda button: (not button.primary, button.action in words.GRAVE),
        ),
        # Whoever is befangen is told so once, at the top.
        "out_of_reach": [button for button in found if button.reason and not recused],
    }


def _brings_on(button: Button, row: standing.Standing) -> bool:
    """Whether the case waits for this move, and not for a letter or somebody else."""
    if row.name in standing.WAITS_FOR_LETTER:
        return False
    return moves.move_of(button.action).actor is row.actor


def _sentences(
    facts: standing.Facts, row: standing.Standing, day: date | None, at: datetime
) -> list[str]:
    coming = ""
    if any(not letter.file for letter in facts.unsigned()):
        coming = PDF_COMES.format(then="zeichnen")
    if any(not letter.file for letter, _ in facts.lying()):
        coming = PDF_COMES.format(then="bekannt geben")
    directory = _directory(facts.application, row, at)
    said = [row.sentence(day), coming, directory]
    return [sentence for sentence in said if sentence]


def _directory(application: Application, row: standing.Standing, at: datetime) -> str:
    """How it stands with the public entry, where the sentence before does not say it."""
    project = application.project
    if project is None or application.state is not Status.GRANTED or row.name == "to_publish":
        return ""
    if project.is_public:
        return "Das Projekt steht im öffentlichen Verzeichnis."
    if project.withdrawn_at:
        return "Das Projekt ist aus dem öffentlichen Verzeichnis genommen."
    if not is_told(application, at):
        return (
            "Das Projekt ist nicht öffentlich. Veröffentlichen lässt es sich nach der Bekanntgabe."
        )
    return "Das Projekt ist nicht öffentlich; die Kommune hat dem nicht zugestimmt."


def _of_letters(facts: standing.Facts, user: User) -> list[Button]:
    """The next step of each letter that has one, the oldest first."""
    lying = {letter.pk for letter, _ in facts.lying()}
    waited_for = {letter.pk for letter, _ in facts.open_letters() if letter.kind not in SLIGHT}
    found = []
    for letter, sent in facts.letters:
        label, primary = _step(letter, sent, user, lies=letter.pk in lying)
        if label:
            keys = [facts.application.pk, letter.pk]
            href = reverse("admin:applications_application_delivery", args=keys)
            found.append(Button(href, label, "", primary=primary and letter.pk in waited_for))
    return found


def _step(letter: Letter, sent: Sequence[Delivery], user: User, *, lies: bool) -> tuple[str, bool]:
    """What this person can do about a letter now, and whether the case waits for that.

    Nobody signs or sends what cannot be read yet.
    """
    under_way = next((row for row in sent if row.failed_at is None), None)
    if under_way is None and not letter.file:
        return "", False
    if letter.waits_for_signature and under_way is None:
        return (f"{letter} zeichnen", True) if deliveries.may_sign(letter, user) else ("", False)
    if not may_review(user):
        return "", False
    if lies:
        how = "auf anderem Weg bekannt geben" if sent else "bekannt geben"
        return f"{letter} {how}", True
    if under_way is None:
        return "", False
    if under_way.way == DeliveryWay.RECEIPT and under_way.received_on is None:
        return f"{letter}: Empfangsbekenntnis eintragen", True
    if under_way.notified_on is None:
        return f"{letter}: Stand der Bekanntgabe", False
    return "", False


def _entry(application: Application, *, primary: bool) -> Button:
    href = reverse("admin:applications_application_entries", args=[application.pk])
    return Button(href, "Eintrag nach dem Bescheid", "", primary=primary)
