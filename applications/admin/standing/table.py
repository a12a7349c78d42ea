"""The lines of „Nächster Schritt": one literal table, in the order in which they count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from applications.admin import waiting
from applications.admin.standing import facts
from applications.admin.standing.facts import ENDED, LETTER_COUNTS, Facts, So
from applications.models import Hearing, InformationRequest, PublicEntry
from applications.models.publication import EntryState
from applications.services.entries import DECIDED
from applications.workflow import Actor, Status

NOBODY: Final = "niemand"
LETTER_OPEN: Final = (Status.PROPOSED, *DECIDED)


@dataclass(frozen=True, slots=True)
class Standing:
    """One line: who acts next (None: nobody has to), the sentence with its `{day}`, when it is so.

    `when` asks the facts of one case, `where` the database for a filter; they say the same.
    """

    name: str
    actor: Actor | None
    said: str
    when: Callable[[Facts, date], So]
    where: Callable[[date], Q]
    ended: bool = False

    @property
    def turn(self) -> str:
        """Whose turn it is, in the words of the desk."""
        if self.actor is None:
            return "beendet" if self.ended else NOBODY
        return self.actor.label

    def sentence(self, day: date | None) -> str:
        """What the case page says; the day is the one of `read`."""
        return self.said.format(day=f"{day:%d.%m.%Y}" if day else "–")


def _in(*states: Status) -> Callable[[date], Q]:
    return lambda today: Q(status__in=states)


def _is(*states: Status) -> Callable[[Facts, date], So]:
    return lambda f, today: f.application.state in states


def _requests() -> Any:
    return InformationRequest.objects.filter(application=OuterRef("pk"), closed_at__isnull=True)


def _hearings() -> Any:
    return Hearing.objects.filter(application=OuterRef("pk"), closed_at__isnull=True)


def _asked_where(today: date) -> Q:
    asked = PublicEntry.objects.filter(application=OuterRef("pk"), state=EntryState.ASKED)
    public = Q(project__published_at__isnull=False, project__withdrawn_at__isnull=True)
    return public & Q(Exists(asked))


R, S, A = Actor.REVIEWER, Actor.SIGNER, Actor.APPLICANT

STANDINGS: Final[tuple[Standing, ...]] = (
    Standing(
        "new",
        R,
        "Die Sachbearbeitung übernimmt den Fall und beginnt die formale Prüfung; er liegt seit dem "
        "{day} vor.",
        lambda f, today: (
            timezone.localdate(f.application.submitted_at)
            if f.application.state is Status.SUBMITTED
            else None
        ),
        _in(Status.SUBMITTED),
    ),
    Standing(
        "formal",
        R,
        "Sind alle Unterlagen da? Die Sachbearbeitung fordert nach oder schließt die formale "
        "Prüfung ab.",
        _is(Status.FORMAL_CHECK),
        _in(Status.FORMAL_CHECK),
    ),
    Standing(
        "substance",
        R,
        "Die Sachbearbeitung prüft fachlich und schlägt eine Entscheidung vor.",
        _is(Status.SUBSTANTIVE_CHECK),
        _in(Status.SUBSTANTIVE_CHECK),
    ),
    Standing(
        "not_effected",
        R,
        "Eine Bekanntgabe ist nicht bewirkt (festgestellt am {day}). Die Sachbearbeitung gibt das "
        "Schreiben auf anderem Weg bekannt.",
        facts.failed,
        lambda today: Q(status__in=LETTER_COUNTS) & Q(Exists(waiting.failed_letters())),
    ),
    Standing(
        "to_send",
        R,
        "Ein Schreiben vom {day} ist noch bekannt zu geben. Die Sachbearbeitung wählt den Weg: "
        "Abruf, Post oder Empfangsbekenntnis.",
        facts.to_send,
        lambda today: Q(status__in=LETTER_COUNTS) & Q(Exists(waiting.letters_to_send())),
    ),
    Standing(
        "answer_overdue",
        R,
        "Der Termin für die Unterlagen war am {day}. Die Sachbearbeitung verlängert ihn, nimmt "
        "eine Antwort auf Papier auf oder entscheidet nach Aktenlage.",
        facts.overdue,
        lambda today: (
            Q(status=Status.INFORMATION_REQUESTED) & Q(Exists(_requests().filter(due_on__lt=today)))
        ),
    ),
    Standing(
        "answer_awaited",
        A,
        "Die Kommune reicht Unterlagen nach, spätestens am {day}. Kommt bis dahin nichts, geht es "
        "nach Aktenlage weiter.",
        lambda f, today: f.application.state is Status.INFORMATION_REQUESTED and (f.due_on or True),
        _in(Status.INFORMATION_REQUESTED),
    ),
    Standing(
        "correction",
        R,
        "Das Schreiben wurde am {day} korrigiert. Wer es geschrieben hat, muss einverstanden sein; "
        "danach wird gezeichnet.",
        lambda f, today: f.corrected_on if _is(*LETTER_OPEN)(f, today) else None,
        lambda today: Q(status__in=LETTER_OPEN) & Q(Exists(waiting.corrected())),
    ),
    Standing(
        "to_sign",
        S,
        "Eine zweite Person zeichnet den Vorschlag vom {day} oder gibt ihn zurück.",
        lambda f, today: (
            f.proposed_on or f.application.state is Status.PROPOSED
            if _is(*LETTER_OPEN)(f, today)
            else None
        ),
        lambda today: (
            Q(status=Status.PROPOSED) | Q(status__in=DECIDED) & Q(Exists(waiting.proposals()))
        ),
    ),
    Standing(
        "hearing_over",
        R,
        "Der Termin für die Äußerung war am {day}. Die Sachbearbeitung beendet die Anhörung.",
        facts.heard,
        lambda today: (
            Q(status__in=(Status.HEARING, *DECIDED))
            & Q(Exists(_hearings().filter(due_on__lt=today)))
        ),
    ),
    Standing(
        "hearing",
        A,
        "Die Kommune kann sich bis zum {day} äußern; danach beendet die Sachbearbeitung die "
        "Anhörung.",
        facts.hearing,
        lambda today: Q(status=Status.HEARING) | Q(status__in=DECIDED) & Q(Exists(_hearings())),
    ),
    Standing(
        "withdrawn",
        None,
        "Die Kommune hat den Antrag zurückgezogen. Es ist nichts mehr zu tun.",
        _is(Status.WITHDRAWN),
        _in(Status.WITHDRAWN),
        ended=True,
    ),
    Standing(
        "closed",
        None,
        "Das Verfahren ist als erledigt beendet. Es ist nichts mehr zu tun.",
        _is(Status.CLOSED),
        _in(Status.CLOSED),
        ended=True,
    ),
    # From here on the case is decided, and no letter lies at the authority.
    Standing(
        "receipt_awaited",
        A,
        "Die Kommune sendet das Empfangsbekenntnis zurück (abgesandt am {day}). Ist es da, trägt "
        "die Sachbearbeitung sein Datum ein.",
        facts.receipt,
        lambda today: Q(Exists(waiting.receipts_awaited())),
    ),
    Standing(
        "retrieval_awaited",
        A,
        "Die Kommune ruft das Schreiben ab, spätestens am {day}. Ohne Abruf gilt die Bekanntgabe "
        "als nicht bewirkt, und die Sachbearbeitung wählt einen anderen Weg.",
        facts.retrieval,
        lambda today: Q(Exists(waiting.retrievals_awaited())),
    ),
    Standing(
        "on_its_way",
        None,
        "Das Schreiben gilt voraussichtlich am {day} als bekannt gegeben. Bis dahin hat niemand "
        "etwas zu tun.",
        facts.posted,
        lambda today: Q(Exists(waiting.on_their_way(today))),
    ),
    Standing(
        "to_publish",
        R,
        "Der Bescheid ist bekannt gegeben. Die Sachbearbeitung veröffentlicht das Projekt, in "
        "einem Schritt.",
        facts.unpublished,
        waiting.to_publish,
    ),
    Standing(
        "report_to_check",
        R,
        "Der Verwendungsnachweis ist am {day} eingegangen. Die Sachbearbeitung prüft ihn und trägt "
        "das ein.",
        facts.to_check,
        lambda today: Q(Exists(waiting.reports_to_check())),
    ),
    Standing(
        "report_overdue",
        R,
        "Der Verwendungsnachweis war am {day} fällig. Die Sachbearbeitung fragt nach oder trägt "
        "ein, dass er da ist.",
        facts.report_late,
        lambda today: Q(Exists(waiting.reports_due().filter(on__lt=today))),
    ),
    Standing(
        "period_over",
        R,
        "Die Klagefrist ist voraussichtlich am {day} abgelaufen. Die Sachbearbeitung trägt ein, "
        "dass der Bescheid bestandskräftig ist, oder eine Klage.",
        facts.period_over,
        lambda today: Q(Exists(waiting.open_periods().filter(sue_until__lt=today))),
    ),
    Standing(
        "entry_asked",
        A,
        "Die Kommune kann Text und Kontakt im Projektverzeichnis bis zum {day} bestätigen; danach "
        "steht dort nur das Funktionspostfach.",
        facts.asked,
        _asked_where,
    ),
    Standing(
        "report_awaited",
        A,
        "Die Kommune legt den Verwendungsnachweis vor, spätestens am {day}.",
        facts.report,
        lambda today: Q(Exists(waiting.reports_due())),
    ),
    Standing(
        "action_pending",
        R,
        "Eine Klage ist anhängig (erhoben am {day}). Ist der Bescheid bestandskräftig, trägt die "
        "Sachbearbeitung das ein.",
        facts.action,
        lambda today: Q(Exists(waiting.actions_pending())),
    ),
    Standing(
        "period_to_sue",
        None,
        "Die Klagefrist läuft voraussichtlich bis zum {day}. Bis dahin hat niemand etwas zu tun; "
        "was vorher geschieht, wird eingetragen.",
        facts.period,
        lambda today: Q(Exists(waiting.open_periods())),
    ),
    Standing(
        "granted",
        None,
        "Zurzeit hat niemand etwas zu tun. Auszahlung und Verwendungsnachweis trägt die "
        "Sachbearbeitung ein, auch den Tag, an dem er fällig wird.",
        _is(Status.GRANTED),
        _in(Status.GRANTED),
    ),
    Standing(
        "rejected",
        None,
        "Das Verfahren ist entschieden. Es ist nichts mehr zu tun.",
        _is(Status.REJECTED),
        _in(Status.REJECTED),
        ended=True,
    ),
    Standing(
        "revoked",
        None,
        "Der Bescheid ist aufgehoben. Eine Erstattung setzt die Sachbearbeitung gesondert fest.",
        _is(Status.REVOKED),
        _in(Status.REVOKED),
        ended=True,
    ),
)
"""In the order in which they count: the first that is so is the case's next step."""
del R, S, A

WAITS_FOR_LETTER: Final = frozenset({"to_send", "not_effected", "receipt_awaited"})
"""What is done with a letter."""
AFTER_NOTICE: Final = frozenset(
    {"report_to_check", "report_overdue", "period_over", "action_pending"}
)
"""What is done with an entry after the notice."""

POSSIBLE: Final = {
    Actor.APPLICANT: Q(status__in=(Status.INFORMATION_REQUESTED, Status.HEARING, *DECIDED)),
    Actor.REVIEWER: Q(),
    Actor.SIGNER: Q(status__in=LETTER_OPEN),
    None: Q(status__in=(*DECIDED, *ENDED)),
}
"""States in which it can be somebody's turn at all: so a filter looks no closer at the others."""
