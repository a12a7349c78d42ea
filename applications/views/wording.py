"""Instants, deadlines and states in the words the applicant reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.formats import date_format

from applications.models import ScanState
from applications.rules import Step
from applications.workflow import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from applications.models import Document, FundingCall, Presence

STEP_TEXTS: Final[dict[Step, str]] = {
    Step.KOMMUNE: "Wer den Antrag stellt: Ihre Kommune allein oder im Verbund.",
    Step.ANSPRECHPARTNER: "Wen das Regierungspräsidium bei Rückfragen erreicht und wer zeichnet.",
    Step.KONZEPTION: "Was Sie vorhaben, warum und mit welchem Ziel.",
    Step.BETEILIGUNG: "Wie die Menschen vor Ort, Gremien und WIR-Vielfaltszentrum mitwirken.",
    Step.ZEITPLAN: "Beginn, Dauer, Arbeitsschritte und der Beschluss am Ende.",
    Step.FINANZIERUNG: "Ausgaben und Deckung in jedem Haushaltsjahr.",
    Step.ANLAGEN: "Unterlagen, die zum Antrag gehören.",
    Step.ERKLAERUNGEN: "Was Sie für Ihre Kommune erklären.",
}

NEXT: Final[dict[Status, str]] = {
    Status.SUBMITTED: (
        "Das Regierungspräsidium beginnt mit der Prüfung der Unterlagen. Sie müssen nichts tun."
    ),
    Status.FORMAL_CHECK: (
        "Das Regierungspräsidium prüft, ob alle Unterlagen da sind. Sie müssen nichts tun. "
        "Fehlt etwas, erhalten Sie eine Nachricht mit einem Termin."
    ),
    Status.INFORMATION_REQUESTED: "Das Regierungspräsidium wartet auf Ihre Ergänzungen.",
    Status.SUBSTANTIVE_CHECK: (
        "Das Regierungspräsidium prüft Ihr Vorhaben fachlich. Sie müssen nichts tun."
    ),
    Status.PROPOSED: (
        "Das Regierungspräsidium bereitet die Entscheidung vor. Sie müssen nichts tun."
    ),
    Status.HEARING: (
        "Bevor das Regierungspräsidium entscheidet, können Sie sich äußern. Das Schreiben mit dem "
        "Termin steht unten oder geht Ihnen gesondert zu."
    ),
    Status.REVOKED: (
        "Der Bescheid ist aufgehoben. Bitte lesen Sie das Schreiben; dort stehen die Gründe und "
        "was Sie tun können."
    ),
    Status.GRANTED: (
        "Über Ihren Antrag ist entschieden. Bitte lesen Sie den Zuwendungsbescheid; dort steht, "
        "was als Nächstes zu tun ist."
    ),
    Status.REJECTED: (
        "Über Ihren Antrag ist entschieden. Bitte lesen Sie den Bescheid; dort stehen die Gründe "
        "und was Sie tun können."
    ),
    Status.WITHDRAWN: (
        "Das Verfahren ist beendet. Solange der Aufruf läuft, können Sie neu beantragen."
    ),
    Status.CLOSED: "Das Verfahren ist beendet. Fragen beantwortet das Regierungspräsidium.",
}

TONES: Final[dict[Status, str]] = {
    Status.DRAFT: "warning",
    Status.INFORMATION_REQUESTED: "warning",
    Status.GRANTED: "success",
    Status.REJECTED: "neutral",
    Status.WITHDRAWN: "neutral",
    Status.CLOSED: "neutral",
}
"""How a status looks; whatever is not here is information."""


def tone(status: Status) -> str:
    """The colour of a status."""
    return TONES.get(status, "info")


def instant(at: datetime) -> str:
    """An instant as people say it: „22. November 2026, 9:46 Uhr"."""
    return f"{date_format(timezone.localtime(at), 'j. F Y, G:i')} Uhr"


def arrival(at: datetime) -> str:
    """As `instant`; the day alone for what came by post or e-mail with a stamp without a time.

    Such a stamp is kept as the beginning of its day (`Recording.arrived_at`).
    """
    local = timezone.localtime(at)
    return instant(at) if local.time() != time(0) else date_format(local, "j. F Y")


def until(closes_at: datetime) -> str:
    """A closing instant as people say it: midnight belongs to the day that ends."""
    local = timezone.localtime(closes_at)
    if local.time() == time(0):
        eve = local.date() - timedelta(days=1)
        return f"{date_format(eve, 'l, j. F Y')}, 24:00 Uhr"
    return f"{date_format(local, 'l, j. F Y, G:i')} Uhr"


@dataclass(frozen=True, slots=True)
class Closing:
    """When a call closes, and how long that is: both in words."""

    text: str
    left: str
    is_over: bool


def closing(call: FundingCall, at: datetime) -> Closing:
    """Until when an application is in time."""
    if call.closes_at is None:
        return Closing("ohne Frist", "", is_over=False)
    if call.is_over(at):
        return Closing(until(call.closes_at), "", is_over=True)
    return Closing(until(call.closes_at), _left(call.closes_at - at), is_over=False)


def _left(span: timedelta) -> str:
    """A span ahead, never longer than it is: „noch 12 Tage", „noch 3 Stunden"."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "weniger als eine Minute"
    if minutes < 120:
        return f"noch {minutes} {'Minute' if minutes == 1 else 'Minuten'}"
    if minutes < 48 * 60:
        return f"noch {minutes // 60} Stunden"
    return f"noch {minutes // (24 * 60)} Tage"


def days_to(due_on: date, at: datetime) -> str:
    """How far a date told to the applicant is, as a sentence."""
    days = (due_on - timezone.localdate(at)).days
    if days < 0:
        return "Der Termin ist vorbei; Sie können trotzdem noch absenden."
    return {0: "Das ist heute.", 1: "Das ist morgen."}.get(days, f"Das sind noch {days} Tage.")


def number(value: int) -> str:
    """A whole number with German thousands separators."""
    return f"{value:,}".replace(",", ".")


def listed(names: list[str]) -> str:
    """„Hünfelden", „Hünfelden und Selters (Taunus)", „A, B und C"."""
    *first, last = names or [""]
    return f"{', '.join(first)} und {last}" if first else last


def present(rows: Iterable[Presence]) -> str:
    """Who is in a section right now, in one line; nothing where nobody else is."""
    who = [
        f"{row.user} (seit {date_format(timezone.localtime(row.since), 'G:i')} Uhr)" for row in rows
    ]
    return f"Gerade auch in diesem Abschnitt: {', '.join(who)}" if who else ""


def scan(document: Document) -> dict[str, str] | None:
    """The state of a document's virus scan as a badge with a sentence; None where there is none."""
    tones = {
        ScanState.PENDING: ("info", "Virenprüfung läuft; die Datei ist in Kürze zu öffnen."),
        ScanState.CLEAN: ("success", ""),
        ScanState.FOUND: (
            "danger",
            "Die Virenprüfung hat etwas gefunden. Die Datei wird nicht herausgegeben; bitte "
            "entfernen oder ersetzen Sie sie.",
        ),
        ScanState.FAILED: (
            "warning",
            "Die Datei ließ sich nicht auf Viren prüfen. Sie bleibt eingereicht und wird ungeprüft "
            "herausgegeben. Sie müssen nichts tun.",
        ),
    }
    if not document.scan:
        return None
    state = ScanState(document.scan)
    tone, text = tones[state]
    return {"tone": tone, "label": f"Virenprüfung: {state.label}", "text": text}
