"""German words of the desk: tones of states, whose turn it is, what the log's actions mean."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone

from applications.models.application import ReceivedAs
from applications.models.checks import Body, Verdict
from applications.models.decisions import DecisionKind
from applications.models.delivery import EntryKind
from applications.models.letters import LetterKind
from applications.rules import ExpenseCategory, Step
from applications.workflow import Status
from kiv_portal.euro import format_euro
from kiv_portal.models import DeliveryWay

TONES: Final = {
    Status.DRAFT: "neutral",
    Status.SUBMITTED: "info",
    Status.FORMAL_CHECK: "info",
    Status.INFORMATION_REQUESTED: "warning",
    Status.SUBSTANTIVE_CHECK: "info",
    Status.HEARING: "warning",
    Status.PROPOSED: "warning",
    Status.GRANTED: "success",
    Status.REJECTED: "danger",
    Status.REVOKED: "danger",
    Status.WITHDRAWN: "neutral",
    Status.CLOSED: "neutral",
}
"""Colour of a state's badge; its text says the same."""

DONE: Final = {
    "confirm_recording": "Der Antrag ist bestätigt und hat seine Antragsnummer.",
    "begin_check": "Sie haben den Fall übernommen. Er ist jetzt in der formalen Prüfung.",
    "set_file_number": "Das Geschäftszeichen ist eingetragen.",
    "assign": "Die Sachbearbeitung ist geändert.",
    "add_note": "Der Vermerk steht in der Akte. Die Kommune sieht ihn nicht.",
    "send_message": "Die Nachricht ist an die Kommune gesendet.",
    "recuse": "Sie sind als befangen eingetragen und wirken an diesem Fall nicht mehr mit.",
    "lift_recusal": "Die Befangenheit ist aufgehoben.",
    "request_information": "Die Kommune ist gebeten, Unterlagen nachzureichen.",
    "ask_by_phone": "Die Rückfrage ist festgehalten, die Stelle für die Kommune freigegeben.",
    "extend_request": "Der Termin ist verlängert; die Kommune erhält eine E-Mail.",
    "settle_items": "Gespeichert. Was offen ist, können Sie erneut nachfordern.",
    "record_answer": "Die Antwort ist beim Antrag. Was offen ist, können Sie erneut nachfordern.",
    "proceed_without_answer": "Die Nachforderung ist beendet; entschieden wird nach Aktenlage.",
    "accept_formally": "Die formale Prüfung ist abgeschlossen; es folgt die fachliche Prüfung.",
    "begin_hearing": "Die Anhörung läuft. Bitte geben Sie das Anhörungsschreiben bekannt.",
    "end_hearing": "Die Anhörung ist beendet; der Antrag ist wieder in fachlicher Prüfung.",
    "begin_revocation_hearing": "Die Anhörung läuft. Bitte geben Sie das Schreiben bekannt.",
    "end_revocation_hearing": "Die Anhörung ist beendet.",
    "edit_letter": "Das Schreiben ist geändert. Was abweicht, sieht auch, wer zeichnet.",
    "correct_letter": "Ihre Korrektur liegt zum Einverständnis vor. Zeichnen muss jemand anderes.",
    "agree": "Sie sind einverstanden. Jetzt kann zeichnen, wer nicht mitgeschrieben hat.",
    "countersign": "Sie haben mitgezeichnet.",
    "propose_change": "Ihr Vorschlag liegt einer zweiten Person zur Schlusszeichnung vor.",
    "return_change": "Der Vorschlag ist zurückgegeben; der Bescheid gilt unverändert weiter.",
    "retract_change": "Der Vorschlag ist zurückgeholt; der Bescheid gilt unverändert weiter.",
    "sign_change": "Die Änderung ist schlussgezeichnet. Bitte geben Sie das Schreiben bekannt.",
    "revoke": "Die Aufhebung ist schlussgezeichnet. Bitte geben Sie das Schreiben bekannt.",
    "propose": "Ihr Vorschlag liegt einer zweiten Person zur Schlusszeichnung vor.",
    "return_proposal": "Der Vorschlag ist an die Sachbearbeitung zurückgegeben.",
    "retract_proposal": "Der Vorschlag ist zurückgeholt; der Antrag ist in fachlicher Prüfung.",
    "grant": "Die Bewilligung ist schlussgezeichnet; der Zuwendungsbescheid wird erzeugt.",
    "reject": "Die Ablehnung ist schlussgezeichnet; der Ablehnungsbescheid wird erzeugt.",
    "close": "Das Verfahren ist als erledigt beendet.",
    "publish_project": (
        "Das Projekt steht jetzt im öffentlichen Verzeichnis. Die Kommune ist nach Text und "
        "Kontakt gefragt."
    ),
    "withdraw_project": "Das Projekt steht nicht mehr im öffentlichen Verzeichnis.",
}
"""What the person reads after a move was made."""

PRIMARY: Final = {
    "begin_check",
    "accept_formally",
    "propose",
    "end_hearing",
    "agree",
    "grant",
    "reject",
    "sign_change",
    "revoke",
    "publish_project",
}
"""Moves that bring a case on: their buttons stand out."""

EFFECTS: Final = {
    "return_proposal": "Die Sachbearbeitung überarbeitet ihn.",
    "return_change": "Die Sachbearbeitung überarbeitet ihn.",
    "retract_proposal": "Sie überarbeiten ihn; niemand zeichnet.",
    "retract_change": "Sie überarbeiten ihn; niemand zeichnet.",
    "edit_letter": "Als Sachbearbeitung; zeichnen können Sie dann nicht.",
    "correct_letter": (
        "Als Schlusszeichnung; die Sachbearbeitung muss zustimmen, eine andere Person zeichnet."
    ),
    "countersign": "Zusätzlich; ersetzt die Schlusszeichnung nicht.",
}
"""What follows from a move whose name sounds like another's, in a few words beside its button."""

GRAVE: Final = frozenset({"begin_revocation_hearing", "close"})
"""Moves against a case: their buttons come last."""

COVERED: Final = {"retract_proposal": "return_proposal", "retract_change": "return_change"}
"""Moves that do the same as another: whoever can make that one is not offered both."""

LOGGED: Final = {
    "start": "Entwurf angelegt",
    "start_anew": "Entwurf aus einem früheren Antrag angelegt",
    "invite_guest": "Gast eingeladen",
    "accept_invitation": "Einladung als Gast angenommen",
    "change_guest": "Zugang eines Gastes geändert",
    "end_guest": "Zugang eines Gastes beendet",
    "hand_over": "Zuständigkeit in der Kommune übergeben",
    "confirm_cooperation": "Kooperationserklärung von der Partnerkommune bestätigt",
    "revoke_cooperation": "Bestätigung der Kooperationserklärung zurückgenommen",
    "submit": "Antrag eingereicht",
    "start_recording": "Eingegangenen Antrag erfasst",
    "present_recording": "Erfassung zur Bestätigung vorgelegt",
    "take_over_recording": "Erfassung übernommen",
    "correct_recording": "Angaben zum Eingang berichtigt",
    "return_recording": "Erfassung zurückgegeben",
    "discard_recording": "Erfassung verworfen",
    "confirm_recording": "Erfassung von zweiter Person bestätigt",
    "withdraw": "Antrag zurückgezogen",
    "begin_check": "Formale Prüfung begonnen",
    "set_file_number": "Geschäftszeichen eingetragen",
    "assign": "Sachbearbeitung geändert",
    "add_note": "Interner Vermerk geschrieben",
    "send_message": "Nachricht an die Kommune gesendet",
    "recuse": "Für befangen erklärt",
    "lift_recusal": "Befangenheit aufgehoben",
    "request_information": "Unterlagen nachgefordert",
    "ask_by_phone": "Rückfrage am Telefon",
    "extend_request": "Termin verlängert",
    "remind_of_request": "An die Unterlagen erinnert",
    "answer": "Unterlagen nachgereicht",
    "record_answer": "Antwort auf Papier aufgenommen",
    "settle_items": "Nachgereichtes abgehakt",
    "record_checks": "Prüfliste ausgefüllt",
    "rule_expenses": "Über zuwendungsfähige Ausgaben entschieden",
    "ask_opinion": "Beteiligung begonnen",
    "record_opinion": "Ergebnis einer Beteiligung",
    "proceed_without_answer": "Nachforderung ohne Antwort beendet, Entscheidung nach Aktenlage",
    "accept_formally": "Formale Prüfung abgeschlossen",
    "propose": "Entscheidung vorgeschlagen",
    "return_proposal": "Vorschlag zurückgegeben",
    "retract_proposal": "Vorschlag zurückgeholt",
    "grant": "Bewilligung schlussgezeichnet",
    "reject": "Ablehnung schlussgezeichnet",
    "begin_hearing": "Anhörung begonnen",
    "end_hearing": "Anhörung beendet",
    "begin_revocation_hearing": "Anhörung zur Aufhebung begonnen",
    "end_revocation_hearing": "Anhörung zur Aufhebung beendet",
    "edit_letter": "Schreiben bearbeitet",
    "correct_letter": "Schreiben von der zeichnenden Person korrigiert",
    "agree": "Mit der Korrektur einverstanden",
    "countersign": "Mitgezeichnet",
    "propose_change": "Änderung des Bescheids vorgeschlagen",
    "return_change": "Änderungsvorschlag zurückgegeben",
    "retract_change": "Änderungsvorschlag zurückgeholt",
    "sign_change": "Änderung des Bescheids schlussgezeichnet",
    "revoke": "Aufhebung schlussgezeichnet",
    "letter_written": "Schreiben angelegt",
    "letter_uploaded": "außerhalb erstelltes Schreiben hochgeladen",
    "letter_signed": "Schreiben von zweiter Person gezeichnet",
    "discard_letter": "Schreiben verworfen",
    "deliver": "Schreiben auf den Weg gegeben",
    "retrieved": "Schreiben abgerufen, Bekanntgabe voraussichtlich am folgenden Tag",
    "acknowledge": "Empfangsbekenntnis eingetragen",
    "fail_delivery": "Bekanntgabe nicht bewirkt",
    "record_consent": "Einwilligung in den Abruf eingetragen",
    "end_consent": "Einwilligung in den Abruf beendet",
    "add_entry": "Eintrag nach dem Bescheid",
    "strike_entry": "Eintrag gestrichen",
    "close": "Verfahren als erledigt beendet",
    "publish_project": "Projekt veröffentlicht",
    "withdraw_project": "Projekt aus dem Verzeichnis genommen",
    "confirm_entry": "Text und Kontakt für das Verzeichnis bestätigt",
    "take_back_entry": "Text und Kontakt aus dem Verzeichnis genommen",
    "entry_follows": "Öffentlicher Eintrag dem bekannt gegebenen Bescheid angepasst",
    "entry_unanswered": "Keine Antwort zum Eintrag der Kommune",
    "person_agreed": "Ansprechperson hat eingewilligt, genannt zu werden",
    "person_refused": "Ansprechperson wird nicht (mehr) genannt",
    "application_rendered": "PDF des Antrags erzeugt",
    "letter_rendered": "PDF des Schreibens erzeugt",
    "letter_opened": "Schreiben von der Kommune zuerst abgerufen",
}
"""The actions of the Verfahrensprotokoll; one that is not here is shown by its own name."""

_KINDS: Final = {kind.value: kind.label for kind in DecisionKind}
_LETTERS: Final = {kind.value: kind.label for kind in LetterKind}
_WAYS: Final = {way.value: way.label for way in DeliveryWay}
_VERDICTS: Final = {verdict.value: verdict.label for verdict in Verdict}
_BODIES: Final = {body.value: body.label for body in Body}
_ENTRIES: Final = {kind.value: kind.label for kind in EntryKind}


_DAYS: Final = {
    "asked_on": "gefragt am",
    "sent_on": "abgesandt am",
    "received_on": "Datum des Empfangsbekenntnisses",
    "answered_on": "Äußerung eingegangen am",
    "notified_on": "voraussichtlich bekannt gegeben am",
    "sue_until": "Klagefrist voraussichtlich bis",
    "given_on": "erteilt am",
    "ended_on": "widerrufen am",
    "until": "genannt bis",
    "on": "am",
}


def _check_words(one: dict[str, Any]) -> str:
    """A line of the checklist as it was recorded."""
    verdict = _VERDICTS.get(one["verdict"], "")
    if one["machine"] and one["machine"] != one["verdict"]:
        verdict += f" (Portal: {_VERDICTS.get(one['machine'], '')})"
    return ": ".join(part for part in (one["item"], verdict, one["text"]) if part)


def _ruling_words(one: dict[str, Any]) -> str:
    """What was decided of a line of Ausgaben."""
    allowed, claimed = format_euro(Decimal(one["allowed"])), format_euro(Decimal(one["claimed"]))
    # Entries of earlier releases do not name the line.
    line = f"{one['year']}, {ExpenseCategory(one['category']).label}: " if "year" in one else ""
    return f"{line}{allowed} von {claimed}" + (f" – {one['reason']}" if one["reason"] else "")


def log_details(action: str, values: dict[str, Any]) -> list[str]:
    """What a log entry holds besides the move itself, as German sentences."""
    said: list[str] = []
    if values.get("reference"):
        said.append(f"Antragsnummer {values['reference']}")
    if action in ("submit", "confirm_recording") and values.get("late"):
        said.append("nach Fristende eingegangen")
    if action in ("start_recording", "correct_recording", "discard_recording"):
        stamp = timezone.localtime(datetime.fromisoformat(values["arrived_at"]))
        how = ReceivedAs(values["received_as"]).label
        # A stamp without a time is kept as the beginning of its day.
        clock = f", {stamp:%H:%M} Uhr" if stamp.time() != time(0) else ""
        said.append(f"eingegangen {how} am {stamp:%d.%m.%Y}{clock}")
    if action == "record_answer":
        said.append(f"eingegangen {values['how']} am {values['arrived']}: {values['document']}")
    if action in ("answer", "record_answer") and values.get("late"):
        said.append("nach dem gesetzten Termin")
    if action == "set_file_number":
        said.append(f"vorher „{values.get('before') or '–'}“, jetzt „{values.get('after')}“")
    if action == "extend_request":
        said.append(f"vorher {date.fromisoformat(values['before']):%d.%m.%Y}")
    if values.get("due_on"):
        word = "Antwort erbeten bis" if action == "publish_project" else "Termin"
        said.append(f"{word} {date.fromisoformat(values['due_on']):%d.%m.%Y}")
    said += [
        ": ".join(
            part for part in (Step(item["step"]).label, item.get("label"), item["sentence"]) if part
        )
        for item in values.get("items") or []
    ]
    said += [_check_words(one) for one in values.get("checks") or []]
    said += [_ruling_words(one) for one in values.get("rulings") or []]
    if values.get("body"):
        said.append(_BODIES.get(values["body"], ""))
    said += [values[name] for name in ("question", "result") if values.get(name)]
    if action in ("settle_items", "record_answer"):
        said += [f"erledigt: {place}" for place in values["settled"]]
        said += [f"offen: {place}" for place in values["open"]]
    if action in (
        "letter_written",
        "letter_uploaded",
        "letter_rendered",
        "letter_signed",
        "discard_letter",
        "deliver",
    ):
        said.append(_LETTERS.get(values.get("kind", ""), ""))
    if action in ("add_entry", "strike_entry"):
        said.append(_ENTRIES.get(values.get("kind", ""), ""))
    if values.get("way"):
        said.append(_WAYS.get(values["way"], ""))
    said += [
        f"{label} {date.fromisoformat(values[name]):%d.%m.%Y}"
        for name, label in _DAYS.items()
        if values.get(name)
    ]
    said += [values[name] for name in ("court", "court_file", "note") if values.get(name)]
    if values.get("sha256"):
        said.append(f"SHA-256 {values['sha256']}")
    if action in ("propose", "propose_change", "sign_change"):
        said.append(_KINDS.get(values.get("kind", ""), ""))
    if action == "entry_unanswered":
        by_hand = values.get("by_hand")
        said.append(
            "der von Hand eingetragene Kontakt bleibt"
            if by_hand
            else "nur das Funktionspostfach steht dort, wo eines angegeben ist"
        )
    if action == "confirm_entry" and values.get("person_asked"):
        said.append("eine Ansprechperson ist um ihre Einwilligung gebeten")
    if values.get("amount"):
        said.append(format_euro(Decimal(values["amount"])))
    if values.get("reason"):
        said.append(f"Begründung: {values['reason']}")
    return [text for text in said if text]
