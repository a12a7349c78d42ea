"""Erase what is due, report it, and repeat it after a backup was restored.

`erase_expired` runs every night; with `dry_run` it only says what it would do. Each erasure
stands in a ledger, in the database and in a file outside of it (`kiv_portal.services.ledger`);
`repeat_erasures` reads that file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.conf import settings
from django.db import transaction

from applications.models import Application, PersonConsent
from applications.services import erasure as applications
from applications.services import persons
from kiv_portal.models import Erasure, ErasureRun, Job, OutboxMail, WorkState
from kiv_portal.outbox import enqueue_job
from kiv_portal.services import ledger, leftovers
from municipalities.models import User
from municipalities.services import LastManager
from municipalities.services import erasure as accounts
from municipalities.services.succession import check_successor
from projects.models import Contact
from projects.services.contacts import erase_contact, expired_contacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

HOUR: Final = timedelta(hours=3)
"""After midnight, in UTC, when the night's run is due."""


@dataclass
class Report:
    """What a run did, or would do: lines in German, and how many of what."""

    counts: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def add(self, rule: str, number: int, line: str) -> None:
        """Note `number` records of a rule; nothing where there are none."""
        if number:
            self.counts[rule] += number
            self.lines.append(line)


def erase_expired(*, at: datetime, dry_run: bool = False) -> Report:
    """Erase everything whose period is over; with `dry_run` change nothing and say the same.

    One record at a time: what fails is told in the report and stops nothing else.
    """
    report = Report()
    if settings.RETENTION_DAYS["case_files"] is None:
        report.lines.append(
            "Akten: keine Frist gesetzt (RETENTION_DAYS, case_files); nichts angeboten oder "
            "gelöscht."
        )
    _each(report, "Dateien, die zu nichts mehr gehören,", partial(_sweep, report, at, not dry_run))
    if dry_run:
        with transaction.atomic():
            _run(report, at, keep=False)
            transaction.set_rollback(True)
        return report
    _run(report, at, keep=True)
    try:
        ledger.copy(at)
    except ledger.LedgerFault as fault:
        report.lines.append(f"Außerhalb der Datenbank nicht vermerkt: {fault}")
    ErasureRun.objects.create(
        at=at, counts=dict(report.counts), report="\n".join(report.lines) or "Nichts war fällig."
    )
    return report


def _each(report: Report, what: str, act: Callable[[], object]) -> bool:
    """Do one; what goes wrong with it is told, and the next one has its turn."""
    try:
        act()
    except accounts.UsedSince:
        return False
    except LastManager:
        report.add(
            "held_back",
            1,
            f"{what} bleibt: Es verwaltet als einziges die Personen einer Kommune. Erst braucht "
            "es eine Nachfolge.",
        )
    except Exception as fault:  # whatever it is, staff see it in the report
        report.add("failed", 1, f"{what} nicht gelöscht: {type(fault).__name__}.")
    else:
        return True
    return False


def _run(report: Report, at: datetime, *, keep: bool) -> None:
    warned = applications.warn_of_drafts(at)
    report.add("warned", warned, f"Entwürfe: {warned} Ankündigungen der Löschung.")
    for case in applications.files_to_offer(at):
        offer = applications.offer(application=case, at=at)
        report.add("offered", 1, f"Dem Archiv angeboten: {offer}.")
    for draft in applications.drafts_to_erase(at):
        what = f"Entwurf Nummer {draft.pk}"
        _application(report, what, draft, "drafts", at, keep)
    for case in applications.files_to_erase(at):
        what = f"Akte {case.reference}"
        _application(report, what, case, "case_files", at, keep)
    told = accounts.warn_of_unused(at)
    report.add("told", told, f"Konten: {told} Ankündigungen der Löschung.")
    for rule, users in accounts.accounts_to_erase(at).items():
        for user in users:
            what = f"Konto Nummer {user.pk}"
            if _each(report, f"{what} ({_RULES[rule]})", partial(_unless_last, user, rule, at)):
                report.add(rule, 1, f"{what} gelöscht ({_RULES[rule]}).")
    for contact in expired_contacts(at):
        what = f"Kontakt zum Projekt {contact.project.slug}"
        rule = "expired_contacts"
        if _each(report, what, partial(erase_contact, contact=contact, rule=rule, at=at)):
            report.add(rule, 1, f"{what} gelöscht.")
    for name, number in (
        ("invitations", accounts.forget_invitations(at)),
        ("log", accounts.prune_log(at)),
        ("sessions", accounts.forget_sessions(at)),
        ("passing", applications.forget_passing(at)),
        ("mails", _forget_work(at)),
    ):
        report.add(name, number, f"{_RULES[name]}: {number}.")


_RULES: Final = {
    "closed_accounts": "selbst geschlossen",
    "unused_accounts": "lange nicht benutzt",
    "unverified_accounts": "Adresse nie bestätigt",
    "invitations": "Beendete Einladungen",
    "log": "Alte Zeilen der Protokolle",
    "sessions": "Beendete Sitzungen",
    "passing": "Anwesenheit, verwahrte Eingaben, frühere Gäste",
    "mails": "Erledigte E-Mails und Aufträge",
}


def _sweep(report: Report, at: datetime, keep: bool) -> None:
    """Files that no record names go, or stay and are told where they are too many at once."""
    found = leftovers.find(at)
    held_back = len(found.held_back)
    report.add(
        "leftovers_held_back",
        held_back,
        f"Dateien, die diese Datenbank nicht nennt, bleiben liegen: {held_back} (sie nennt "
        f"{found.named}, davon liegen {found.there} im Speicher). Bitte prüfen Sie, ob Datenbank "
        "(DATABASE_URL) und Speicher (MEDIA_ROOT, MEDIA_STORE) zusammengehören. Wenn ja: "
        f"„manage.py erase_expired --release-files {held_back} --dry-run“ nennt die Dateien, ohne "
        "--dry-run löscht es sie.",
    )
    failed = leftovers.delete(found.due) if keep else []
    gone = len(found.due) - len(failed)
    report.add("leftovers", gone, f"Dateien, die zu nichts mehr gehören: {gone}.")
    _tell_left(report, failed)


def release_leftovers(count: int, *, at: datetime, dry_run: bool = False) -> Report:
    """Delete the files that nights have held back, or name them; reported like a night's run.

    `count` is the number the report told. Raises NotReleased, and deletes nothing, where it is
    another one by now or the database belongs to another store.
    """
    names = leftovers.release(count, at)
    report = Report()
    if dry_run:
        report.lines += names
        return report
    failed = leftovers.delete(names)
    gone = len(names) - len(failed)
    report.add("leftovers", gone, f"Zurückgehaltene Dateien, die zu nichts mehr gehören: {gone}.")
    _tell_left(report, failed)
    ErasureRun.objects.create(
        at=at,
        counts=dict(report.counts),
        report="\n".join(["Von der Betriebsführung freigegeben:", *report.lines]),
    )
    return report


def _tell_left(report: Report, names: list[str]) -> None:
    for name in names:
        report.add(
            "files_left",
            1,
            f"Die Datei {name} liegt noch im Speicher. Die nächste Nacht versucht es wieder.",
        )


def _application(
    report: Report, what: str, application: Application, rule: str, at: datetime, keep: bool
) -> None:
    """Its rows go in one transaction, which is told; then its files, of which any left is told."""
    erased: list[Erasure] = []

    def act() -> None:
        erased.append(applications.erase_application(application=application, rule=rule, at=at))

    if _each(report, what, act):
        report.add(rule, 1, f"{what} gelöscht.")
        if keep:
            _tell_left(report, leftovers.delete(erased[0].files))


def _unless_last(user: User, rule: str, at: datetime) -> None:
    with transaction.atomic():
        accounts.check_unchanged(user)
        check_successor(user)
        _account(user, rule, at)


def _account(user: User, rule: str, at: datetime) -> None:
    with transaction.atomic():
        applications.forget_person(user, at)
        accounts.erase_account(user=user, rule=rule, at=at)


def _forget_work(at: datetime) -> int:
    """Delete mails sent or given up, and jobs done, after their period."""
    days = settings.RETENTION_DAYS["mails"]
    if days is None:
        return 0
    before = at - timedelta(days=days)
    over = [WorkState.DONE, WorkState.FAILED]
    return sum(
        model.objects.filter(state__in=over, created_at__lte=before).delete()[0]
        for model in (OutboxMail, Job)
    )


def repeat_erasures(at: datetime) -> Report:
    """Erase again what a restored backup brought back, before people return.

    Reads the file outside the database. A record that is another than the one erased (it only has
    its number) is left alone, told by its proof. Raises LedgerFault, and changes nothing, where
    the file does not say for certain what was erased.
    """
    report = Report()
    known = ledger.read()
    for line in known.lines:
        label, _, key = line["subject"].partition(":")
        record = apps.get_model(label).objects.filter(pk=int(key)).first()
        left = leftovers.delete(line["files"])
        _tell_left(report, left)
        if isinstance(record, Application) and str(record.uuid) == line["proof"]:
            if record.erased_at is None:
                row = applications.erase_application(application=record, rule=line["rule"], at=at)
                report.add("repeated", 1, f"Antrag Nummer {key} erneut gelöscht.")
                _tell_left(report, [n for n in leftovers.delete(row.files) if n not in left])
        elif isinstance(record, User) and accounts.proof_of(record) == line["proof"]:
            if not Erasure.objects.filter(subject=line["subject"], proof=line["proof"]).exists():
                _account(record, line["rule"], at)
                report.add("repeated", 1, f"Konto Nummer {key} erneut gelöscht.")
        elif isinstance(record, Contact) and record.nonce == line["proof"]:
            erase_contact(contact=record, rule=line["rule"], at=at)
            report.add("repeated", 1, f"Kontakt Nummer {key} erneut gelöscht.")
        elif isinstance(record, PersonConsent) and record.nonce == line["proof"]:
            persons.repeat(record, rule=line["rule"], at=at)
            report.add("repeated", 1, f"Ansprechperson Nummer {key} erneut gelöscht.")
    ledger.catch_up(known, at)
    ErasureRun.objects.create(
        at=at,
        counts=dict(report.counts),
        report="\n".join(["Nach dem Einspielen einer Sicherung:", *report.lines])
        + ("" if report.lines else "\nNichts war zu wiederholen."),
    )
    return report


# --- Every night ----------------------------------------------------------------------------------


def schedule(at: datetime) -> None:
    """Ask the worker for the night's run; once a day by its key."""
    day: date = at.date()
    due = at.replace(hour=0, minute=0, second=0, microsecond=0) + HOUR
    if not Job.objects.filter(key=f"erase_expired:{day}").exists():
        enqueue_job(kind="erase_expired", argument=f"{day}", key=f"erase_expired:{day}", at=due)


def run_job(argument: str, at: datetime) -> None:
    """The night's run, as the worker does it."""
    erase_expired(at=at)
