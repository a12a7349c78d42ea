"""The lines of „Nächster Schritt": one literal table, in the order in which they count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from applications.admin import waiting
from applications.admin.standing import facts
from applications.admin.standing.facts import LETTER_COUNTS, Facts, So
from applications.admin.waiting import SLIGHT
from applications.models import Hearing, InformationRequest, PublicEntry
from applications.models.publication import EntryState
from applications.permissions import BEFORE_DECISION
from applications.services.entries import DECIDED
from applications.workflow import Actor, Status

NOBODY: Final = "niemand"
PROPOSAL_OPEN: Final = (Status.PROPOSED, *DECIDED)


@dataclass(frozen=True, slots=True)
class Standing:
    """One line: who acts next (None: nobody has to), the sentence with its `{day}`, when it is so.

    It can be so in its `states` only. Of a case in one of them `when` asks the facts, and `where`
    the database for a filter; they say the same.
    """

    name: str
    actor: Actor | None
    said: str
    states: Sequence[Status]
    when: Callable[[Facts, date], So] = lambda facts, today: True
    where: Callable[[date], Q] = lambda today: Q()
    ended: bool = False

    def holds(self, facts: Facts, today: date) -> So:
        """Whether the line holds for the case, and the day that its sentence names."""
        return facts.application.state in self.states and self.when(facts, today)

    def filter(self, today: date) -> Q:
        """The cases for which it holds."""
        return Q(status__in=self.states) & self.where(today)

    @property
    def turn(self) -> str:
        """Whose turn it is, in the words of the desk."""
        if self.actor is None:
            return "beendet" if self.ended else NOBODY
        return self.actor.label

    def sentence(self, day: date | None) -> str:
        """What the case page says; the day is the one of `read`."""
        return self.said.format(day=f"{day:%d.%m.%Y}" if day else "–")


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
        (Status.SUBMITTED,),
        lambda f, today: timezone.localdate(f.application.submitted_at),
    ),
    Standing(
        "not_effected",
        R,
        "Eine Bekanntgabe ist nicht bewirkt (festgestellt am {day}). Die Sachbearbeitung gibt das "
        "Schreiben auf anderem Weg bekannt.",
        LETTER_COUNTS,
        facts.failed,
        lambda today: Q(Exists(waiting.failed_letters().exclude(kind__in=SLIGHT))),
    ),
    Standing(
        "to_send",
        R,
        "Ein Schreiben vom {day} ist noch bekannt zu geben. Die Sachbearbeitung wählt den Weg: "
        "Abruf, Post oder Empfangsbekenntnis.",
        LETTER_COUNTS,
        facts.to_send,
        lambda today: Q(Exists(waiting.letters_to_send().exclude(kind__in=SLIGHT))),
    ),
    Standing(
        "answer_overdue",
        R,
        "Der Termin für die Unterlagen war am {day}. Die Sachbearbeitung verlängert ihn, nimmt "
        "eine Antwort auf Papier auf oder entscheidet nach Aktenlage.",
        (Status.INFORMATION_REQUESTED,),
        facts.overdue,
        lambda today: Q(Exists(_requests().filter(due_on__lt=today))),
    ),
    Standing(
        "correction",
        R,
        "Das Schreiben wurde am {day} korrigiert. Wer es geschrieben hat, muss einverstanden sein; "
        "danach wird gezeichnet.",
        PROPOSAL_OPEN,
        lambda f, today: f.corrected_on,
        lambda today: Q(Exists(waiting.corrected())),
    ),
    Standing(
        "to_sign",
        S,
        "Eine zweite Person zeichnet den Vorschlag vom {day} oder gibt ihn zurück.",
        PROPOSAL_OPEN,
        lambda f, today: f.proposed_on or f.application.state is Status.PROPOSED,
        lambda today: Q(status=Status.PROPOSED) | Q(Exists(waiting.proposals())),
    ),
    Standing(
        "hearing_over",
        R,
        "Der Termin für die Äußerung war am {day}. Die Sachbearbeitung beendet die Anhörung.",
        (Status.HEARING, *DECIDED),
        facts.heard,
        lambda today: Q(Exists(_hearings().filter(due_on__lt=today))),
    ),
    # From here on a letter to sign counts more: what else goes on in the case has no date yet.
    Standing(
        "letter_to_sign",
        S,
        "Eine zweite Person zeichnet die Zustimmung zum vorzeitigen Maßnahmenbeginn vom {day}. Die "
        "Bearbeitung geht daneben weiter.",
        (*BEFORE_DECISION,),
        facts.unsigned,
        lambda today: Q(Exists(waiting.unsigned_letters())),
    ),
    Standing(
        "formal",
        R,
        "Sind alle Unterlagen da? Die Sachbearbeitung fordert nach oder schließt die formale "
        "Prüfung ab.",
        (Status.FORMAL_CHECK,),
    ),
    Standing(
        "substance",
        R,
        "Die Sachbearbeitung prüft fachlich und schlägt eine Entscheidung vor.",
        (Status.SUBSTANTIVE_CHECK,),
    ),
    Standing(
        "answer_awaited",
        A,
        "Die Kommune reicht Unterlagen nach, spätestens am {day}. Kommt bis dahin nichts, geht es "
        "nach Aktenlage weiter.",
        (Status.INFORMATION_REQUESTED,),
        lambda f, today: f.due_on or True,
    ),
    Standing(
        "hearing",
        A,
        "Die Kommune kann sich bis zum {day} äußern; danach beendet die Sachbearbeitung die "
        "Anhörung.",
        (Status.HEARING, *DECIDED),
        lambda f, today: f.heard_on or f.application.state is Status.HEARING,
        lambda today: Q(status=Status.HEARING) | Q(Exists(_hearings())),
    ),
    Standing(
        "withdrawn",
        None,
        "Die Kommune hat den Antrag zurückgezogen. Es ist nichts mehr zu tun.",
        (Status.WITHDRAWN,),
        ended=True,
    ),
    Standing(
        "closed",
        None,
        "Das Verfahren ist als erledigt beendet. Es ist nichts mehr zu tun.",
        (Status.CLOSED,),
        ended=True,
    ),
    # From here on the case is decided, and no letter lies at the authority.
    Standing(
        "receipt_awaited",
        A,
        "Die Kommune sendet das Empfangsbekenntnis zurück (abgesandt am {day}). Ist es da, trägt "
        "die Sachbearbeitung sein Datum ein.",
        DECIDED,
        facts.receipt,
        lambda today: Q(Exists(waiting.receipts_awaited().exclude(letter__kind__in=SLIGHT))),
    ),
    Standing(
        "retrieval_awaited",
        A,
        "Die Kommune ruft das Schreiben ab, spätestens am {day}. Ohne Abruf gilt die Bekanntgabe "
        "als nicht bewirkt, und die Sachbearbeitung wählt einen anderen Weg.",
        DECIDED,
        facts.retrieval,
        lambda today: Q(Exists(waiting.retrievals_awaited().exclude(letter__kind__in=SLIGHT))),
    ),
    Standing(
        "on_its_way",
        None,
        "Das Schreiben gilt voraussichtlich am {day} als bekannt gegeben. Bis dahin hat niemand "
        "etwas zu tun.",
        DECIDED,
        facts.posted,
        lambda today: Q(Exists(waiting.on_their_way(today).exclude(letter__kind__in=SLIGHT))),
    ),
    Standing(
        "to_publish",
        R,
        "Der Bescheid ist abgerufen oder bekannt gegeben. Die Sachbearbeitung veröffentlicht das "
        "Projekt, in einem Schritt.",
        (Status.GRANTED,),
        facts.unpublished,
        waiting.to_publish,
    ),
    Standing(
        "report_to_check",
        R,
        "Der Verwendungsnachweis ist am {day} eingegangen. Die Sachbearbeitung prüft ihn und trägt "
        "das ein.",
        DECIDED,
        facts.to_check,
        lambda today: Q(Exists(waiting.reports_to_check())),
    ),
    Standing(
        "report_overdue",
        R,
        "Der Verwendungsnachweis war am {day} fällig. Die Sachbearbeitung fragt nach oder trägt "
        "ein, dass er da ist.",
        DECIDED,
        facts.report_late,
        lambda today: Q(Exists(waiting.reports_due().filter(on__lt=today))),
    ),
    Standing(
        "period_over",
        R,
        "Die Klagefrist ist voraussichtlich am {day} abgelaufen. Die Sachbearbeitung trägt ein, "
        "dass der Bescheid bestandskräftig ist, oder eine Klage.",
        DECIDED,
        facts.period_over,
        lambda today: Q(Exists(waiting.open_periods().filter(sue_until__lt=today))),
    ),
    Standing(
        "entry_asked",
        A,
        "Die Kommune kann Text und Kontakt im Projektverzeichnis bis zum {day} bestätigen; danach "
        "steht dort nur das Funktionspostfach.",
        DECIDED,
        facts.asked,
        _asked_where,
    ),
    Standing(
        "report_awaited",
        A,
        "Die Kommune legt den Verwendungsnachweis vor, spätestens am {day}.",
        DECIDED,
        facts.report,
        lambda today: Q(Exists(waiting.reports_due())),
    ),
    Standing(
        "action_pending",
        R,
        "Eine Klage ist anhängig (erhoben am {day}). Ist der Bescheid bestandskräftig, trägt die "
        "Sachbearbeitung das ein.",
        DECIDED,
        facts.action,
        lambda today: Q(Exists(waiting.actions_pending())),
    ),
    Standing(
        "period_to_sue",
        None,
        "Die Klagefrist läuft voraussichtlich bis zum {day}. Bis dahin hat niemand etwas zu tun; "
        "was vorher geschieht, wird eingetragen.",
        DECIDED,
        facts.period,
        lambda today: Q(Exists(waiting.open_periods())),
    ),
    Standing(
        "granted",
        None,
        "Zurzeit hat niemand etwas zu tun. Auszahlung und Verwendungsnachweis trägt die "
        "Sachbearbeitung ein, auch den Tag, an dem er fällig wird.",
        (Status.GRANTED,),
    ),
    Standing(
        "rejected",
        None,
        "Das Verfahren ist entschieden. Es ist nichts mehr zu tun.",
        (Status.REJECTED,),
        ended=True,
    ),
    Standing(
        "revoked",
        None,
        "Der Bescheid ist aufgehoben. Eine Erstattung setzt die Sachbearbeitung gesondert fest.",
        (Status.REVOKED,),
        ended=True,
    ),
)
"""In the order in which they count: the first that is so is the case's next step."""
del R, S, A

WAITS_FOR_LETTER: Final = frozenset(
    {"to_send", "not_effected", "receipt_awaited", "letter_to_sign"}
)
"""What is done with a letter, and with nothing else."""
AFTER_NOTICE: Final = frozenset(
    {"report_to_check", "report_overdue", "period_over", "action_pending"}
)
"""What is done with an entry after the notice."""


def possible(actor: Actor | None, today: date) -> Q:
    """Cases in which one of this one's lines is so: a filter looks no closer at the others.

    For the reviewer that is nearly every case, and the list's own order is the better index.
    """
    own = [row for row in STANDINGS if row.actor is actor]
    if any(Status.SUBMITTED in row.states and not row.where(today) for row in own):
        return Q()
    return reduce(or_, (row.filter(today) for row in own))
