"""Erasure: nothing that was erased is found anywhere, chains hold, a restored backup follows."""

from __future__ import annotations

import io
import logging
import os
import shutil
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from botocore.exceptions import ClientError
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from applications import permissions, services
from applications.models import Application, ArchiveOffer, Document, SectionComment, triggers
from applications.rules import DocumentKind
from applications.services import erasure as files
from applications.services import log, snapshots, uploads
from kiv_portal import outbox
from kiv_portal.logs import json_formatter
from kiv_portal.models import Erasure, ErasureRun, LedgerMark, OutboxMail
from kiv_portal.services import datamap, erasure, ledger
from municipalities import services as accounts
from municipalities.models import AccountEvent, EventKind, FactorReset, Membership, User
from municipalities.services import erasure as ending
from projects.models import Contact
from tests import world
from tests.factories import (
    NOW,
    PASSWORD,
    ContactFactory,
    MembershipFactory,
    MunicipalityFactory,
    StaffFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

CANARY = "kanarienvogel"
YEARS = timedelta(days=365)


@pytest.fixture
def periods(settings: Settings) -> None:
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "case_files": 10 * 365}


def found_in(root: Path, stream: io.StringIO) -> list[str]:
    """Where the canary stands: every table as it lies in the database, every file, the log."""
    places = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names from the database
            for row in cursor.fetchall():
                text = " ".join(
                    bytes(v).decode("utf-8", "replace")
                    if isinstance(v, bytes | memoryview)
                    else str(v)
                    for v in row
                )
                if CANARY in text.lower():
                    places.append(table)
    for path in (*root.rglob("*"), Path(settings.ERASURE_LEDGER)):
        if path.is_file() and (CANARY.encode() in path.read_bytes() or CANARY in path.name):
            places.append(str(path))
    if CANARY in stream.getvalue().lower():
        places.append("log")
    return sorted(set(places))


def plant(application: Application) -> None:
    """The canary in every text and every file of a case, past all services."""
    triggers.remove(connection)
    for label, table in datamap.tables().items():
        model = apps.get_model(label)
        if table.use.title != "Antrag und Verfahrensakte" or not table.groups()["content"]:
            continue
        for row in model._default_manager.all():
            values: dict[str, Any] = {}
            for name in (*table.groups()["content"], *table.groups()["personal"]):
                field = model._meta.get_field(name)
                if isinstance(field, models.FileField):
                    if name in {"file", "pdf"} or getattr(row, name):
                        place = f"antraege/{label}-{row.pk}"
                        values[name] = default_storage.save(place, ContentFile(CANARY))
                    if label == "applications.Letter":
                        values["sha256"] = "0" * 64
                elif isinstance(field, models.JSONField):
                    values[name] = {"text": CANARY}
                elif isinstance(field, models.EmailField):
                    values[name] = f"{CANARY}@kommune.example"
                elif name == "payload":
                    text = log.canonical({"text": CANARY})
                    values |= {"payload": text, "sha256": log.sha256(text)}
                elif getattr(row, name):
                    values[name] = CANARY[: field.max_length or 99]
            if label == "applications.CaseLogPayload":
                continue  # its hash stands in the chain: what the services wrote stays
            if values:
                model._default_manager.filter(pk=row.pk).update(**values)
    triggers.install(connection)


def person(w: world.World) -> User:
    """An account whose name is the canary, with all that hangs on accounts."""
    user: User = UserFactory(email=f"{CANARY}@kommune.example", name=f"Stelle {CANARY}", phone="1")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    accounts.ask_membership(user=user, municipality=w.town, at=NOW)
    membership = Membership.objects.get(user=user)
    accounts.confirm_membership(
        membership=membership, rights={"may_read": True, "may_edit": True}, by=w.people, at=NOW
    )
    client = Client()
    client.post("/konto/anmelden/", {"login": user.email, "password": PASSWORD})
    client.get("/konto/daten/meine-daten.zip")
    # Twice the lost second factor: as a colleague (four eyes), and as somebody of a municipality.
    for staff in (True, False):
        User.objects.filter(pk=user.pk).update(is_staff=staff)
        Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
        user.refresh_from_db()
        reset = accounts.reset_factor(user=user, reason=f"{CANARY} weg", by=w.people, at=NOW)
        assert (reset is not None) == staff
        Authenticator.objects.filter(user=user).delete()
    LogEntry.objects.create(
        user=w.people,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=str(user),
        action_flag=CHANGE,
    )
    return user


def end_of(case: Application, w: world.World, at: datetime) -> None:
    """Ten years later: offered, declined by the archive, erased; unused accounts after them."""
    erasure.erase_expired(at=at)
    offer = ArchiveOffer.objects.get(application=case)
    offer.answer, offer.answered_on = "declined", timezone.localdate(at)
    offer.save()
    erasure.erase_expired(at=at + timedelta(days=1))
    for days in (23, 30):
        erasure.erase_expired(at=at + timedelta(days=days))


def test_of_all_that_hangs_on_an_application_it_is_decided_whether_it_is_erased() -> None:
    """A new relation stands in `erasure.ROWS`, or here: erased in its own way, or staying."""
    own_way = {"letters", "decisions", "snapshots", "members", "log", "archive_offer"}
    own_way |= {"public_entry", "person_consent", "recording"}
    shown = {one.get_accessor_name() for one in Application._meta.related_objects if not one.hidden}
    assert shown == set(files.ROWS) | own_way


@pytest.mark.usefixtures("periods")
def test_after_an_erasure_no_canary_is_left_and_a_restored_backup_follows(
    media_root: Path, tmp_path: Path
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)
    w = world.build()
    user = person(w)
    case = world.revoked(w)
    SectionComment.objects.create(application=case, step="zeitplan", text=CANARY, at=NOW, by=user)
    log.record(case, "note", by=w.reviewer, at=NOW, text=CANARY)
    plant(case)
    outbox.enqueue_mail(key="x", recipient=user.email, subject=CANARY, body=CANARY, at=NOW)
    ContactFactory(person=CANARY, expires_on=NOW.date(), project=case.project)
    accounts.close_account(user=user, at=NOW)
    before = found_in(media_root, stream)
    assert len(before) > 20
    assert {"municipalities_factorreset", "municipalities_accountevent"} < set(before)
    assert "log" not in before

    backup = tmp_path / "sicherung"
    shutil.copytree(media_root, backup)
    point = transaction.savepoint()
    later = NOW + 10 * YEARS + timedelta(days=30)
    dry = erasure.erase_expired(at=later, dry_run=True)
    assert (found_in(media_root, stream), ErasureRun.objects.count()) == (before, 0)
    end_of(case, w, later)
    assert found_in(media_root, stream) == []
    reports = "\n".join(ErasureRun.objects.values_list("report", flat=True))
    for line in dry.lines:
        assert line in reports
    assert f"Akte {case.reference} gelöscht." in reports
    case.refresh_from_db()
    assert (log.verify(case), [snapshots.is_whole(s) for s in case.snapshots.all()]) == ([], [True])
    call_command("verify_case_log")
    assert (case.title, case.reference != "") == ("", True)
    for people in (w.reviewer, w.signatory):
        assert not permissions.visible_at_desk(people).filter(pk=case.pk).exists()
        assert not permissions.visible_to(people).filter(pk=case.pk).exists()
    lines = {line["subject"]: line["rule"] for line in ledger.read().lines}
    assert (
        lines[f"municipalities.User:{user.pk}"],
        lines[f"applications.Application:{case.pk}"],
    ) == (
        "closed_accounts",
        "case_files",
    )
    assert set(lines.values()) == {
        "closed_accounts",
        "unused_accounts",
        "expired_contacts",
        "case_files",
    }

    # The backup of before comes back: database, files; the ledger stands outside of both.
    transaction.savepoint_rollback(point)
    shutil.copytree(backup, media_root, dirs_exist_ok=True)
    shutil.rmtree(backup)
    assert found_in(media_root, stream) == before
    report = erasure.repeat_erasures(later + timedelta(days=2))
    assert report.counts == {"repeated": len(lines)}
    assert found_in(media_root, stream) == []
    call_command("verify_case_log")
    assert erasure.repeat_erasures(later + timedelta(days=3)).counts == {}
    assert len(ledger.read().lines) == len(lines)
    logging.getLogger().removeHandler(handler)


def test_a_record_that_only_has_the_number_of_an_erased_one_is_left_alone(
    settings: Settings,
) -> None:
    w = world.build()
    draft = world.draft(w)
    for record, proof in ((draft, "another"), (w.clerk, "another")):
        Erasure.objects.note(record, proof=proof, rule="drafts", at=NOW, files=[])
    ledger.copy(NOW)
    Erasure.objects.all().delete()
    assert erasure.repeat_erasures(NOW).counts == {}
    draft.refresh_from_db()
    assert draft.erased_at is None


# --- The ledger -----------------------------------------------------------------------------------


def refused(client: Client) -> str:
    """Why a repetition is refused; `/health/ready` warns, and nothing has changed."""
    before = ErasureRun.objects.count(), Erasure.objects.count()
    with pytest.raises(CommandError) as refusal:
        call_command("repeat_erasures")
    assert (ErasureRun.objects.count(), Erasure.objects.count()) == before
    said, rest = str(refusal.value).split(" Es wurde nichts wiederholt.")
    assert "--rewrite-ledger" in rest
    return said


def warning(client: Client) -> str:
    return " ".join(client.get("/health/ready").json()["warnings"])


def note(number: int) -> Erasure:
    """An erasure of an account whose number nobody has."""
    return Erasure.objects.create(
        subject=f"municipalities.User:{10**9 + number}", proof="x", rule="closed_accounts", at=NOW
    )


def test_an_empty_ledger_in_which_nothing_had_to_stand_is_told_from_one_that_is_lost(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(settings.ERASURE_LEDGER)
    # Nothing was begun: no warning, and yet nothing that a repetition could rely on.
    assert (warning(client), refused(client)) == ("", ledger.MISSING)
    erasure.erase_expired(at=NOW)
    call_command("repeat_erasures")
    assert capsys.readouterr().out == "Nichts war zu wiederholen.\n"
    whole = path.read_text(encoding="utf-8")
    for text in (None, "", "\n"):
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text, encoding="utf-8")
        expected = ledger.OTHER if text == "\n" else ledger.MISSING
        assert (warning(client), refused(client)) == (expected, expected)
    path.write_text(whole, encoding="utf-8")
    assert warning(client) == ""


def test_a_ledger_that_is_older_shortened_or_anothers_repeats_nothing(client: Client) -> None:
    path = Path(settings.ERASURE_LEDGER)
    note(1)
    ledger.copy(NOW)
    older = path.read_text(encoding="utf-8")
    note(2)
    assert (ledger.copy(NOW), ledger.copy(NOW)) == (1, 0)
    newest = path.read_text(encoding="utf-8")
    path.write_text(older, encoding="utf-8")
    assert (warning(client), refused(client)) == (ledger.OLDER, ledger.OLDER)
    # As long as before, and yet a line of it is another: found by reading it.
    path.write_text(newest.replace("1000000002", "1000000003"), encoding="utf-8")
    assert (warning(client), refused(client)) == ("", ledger.OLDER)
    path.write_text(f"{newest}{{halb", encoding="utf-8")
    assert refused(client) == ledger.UNREADABLE.format(4)
    head, _, rest = newest.partition("\n")
    anothers = head.replace(LedgerMark.objects.get().token, "0" * 32)
    path.write_text(f"{anothers}\n{rest}", encoding="utf-8")
    assert (warning(client), refused(client)) == (ledger.OTHER, ledger.OTHER)
    # The night erases and says that it could not write it down; it adds nothing to a false one.
    note(3)
    report = erasure.erase_expired(at=NOW)
    assert report.lines[-1] == f"Außerhalb der Datenbank nicht vermerkt: {ledger.OTHER}"
    assert Erasure.objects.filter(copied=False).count() == 1
    path.write_text(newest, encoding="utf-8")
    assert ledger.copy(NOW) == 1
    path.unlink()
    path.mkdir()
    assert warning(client) == ledger.UNREADABLE.format(1)
    path.rmdir()


def test_a_restored_backup_waits_for_its_repetition_and_a_lost_ledger_can_be_begun_anew(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(settings.ERASURE_LEDGER)
    ledger.copy(NOW)
    backup = LedgerMark.objects.values("token", "size").get()
    note(1)
    ledger.copy(NOW)
    # The database of before: it knows the ledger, and not how far it goes.
    Erasure.objects.all().delete()
    for mark in (backup, None):
        LedgerMark.objects.all().delete()
        if mark:
            LedgerMark.objects.create(pk=1, **mark)
        assert warning(client) == ledger.AHEAD
        assert erasure.erase_expired(at=NOW).lines[-1].endswith(ledger.AHEAD)
        erasure.repeat_erasures(NOW)
        assert warning(client) == ""
    note(2)
    ledger.copy(NOW)
    path.write_text("verloren", encoding="utf-8")
    call_command("repeat_erasures", "--rewrite-ledger")
    assert capsys.readouterr().out.endswith("Neues Löschverzeichnis: 1 Löschungen.\n")
    assert (warning(client), len(ledger.read().lines)) == ("", 1)
    assert [one.read_text() for one in path.parent.glob(f"{path.name}.2*")] == ["verloren"]


def test_a_ledger_begun_before_ledgers_had_heads_gets_one_and_keeps_its_lines(
    client: Client,
) -> None:
    path, row = Path(settings.ERASURE_LEDGER), note(1)
    path.write_text(f"{row.line()}\n", encoding="utf-8")
    Erasure.objects.update(copied=True)
    assert warning(client) == ""
    note(2)
    assert ledger.copy(NOW) == 1
    found = ledger.read()
    assert (len(found.token), len(found.lines), warning(client)) == (32, 2, "")
    path.unlink()
    LedgerMark.objects.all().delete()
    assert warning(client) == ledger.MISSING  # the database says that it was there


def test_without_a_period_no_file_is_offered_or_erased() -> None:
    w = world.build()
    case = world.submitted(w)
    services.withdraw(application=case, reason="Zurück.", by=w.signatory, at=NOW)
    report = erasure.erase_expired(at=NOW + 50 * YEARS, dry_run=True)
    assert report.lines[0].startswith("Akten: keine Frist gesetzt")
    assert (report.counts["offered"], files.files_to_offer(NOW + 50 * YEARS)) == (0, [])


@pytest.mark.usefixtures("periods")
def test_a_file_is_erased_only_when_the_archive_had_its_say_and_nothing_holds_it() -> None:
    w = world.build()
    case = world.submitted(w)
    later = NOW + 10 * YEARS + timedelta(days=1)
    assert files.files_to_offer(later) == []  # not over yet
    services.withdraw(application=case, reason="Zurück.", by=w.signatory, at=NOW)
    assert files.files_to_offer(later - timedelta(days=3)) == []
    assert files.files_to_offer(later) == [case]
    with pytest.raises(files.NotForYou):
        files.hold(application=case, reason="Klage", by=w.reviewer, at=NOW)
    files.hold(application=case, reason="Klage", by=w.administrator, at=NOW)
    with pytest.raises(files.HoldExists):
        files.hold(application=case, reason="Klage", by=w.administrator, at=NOW)
    assert files.files_to_offer(later) == []
    with pytest.raises(files.NotForYou):
        files.lift_hold(application=case, by=w.reviewer, at=NOW)
    files.lift_hold(application=case, by=w.administrator, at=NOW)
    with pytest.raises(files.NotHeld):
        files.lift_hold(application=case, by=w.administrator, at=NOW)
    offer = files.offer(application=case, at=later)
    assert files.offer(application=case, at=later) == offer
    assert (offer.municipality, offer.outcome) == ("Musterstadt", "zurückgezogen")
    assert (files.files_to_offer(later), files.files_to_erase(later)) == ([], [])
    offer.answer, offer.answered_on = "taken", later.date()
    offer.save()
    assert files.files_to_erase(later) == []  # taken, and not handed over yet
    offer.handed_over_on = later.date()
    offer.save()
    assert files.files_to_erase(later) == [case]
    first = files.erase_application(application=case, rule="case_files", at=later)
    assert files.erase_application(application=case, rule="case_files", at=later) == first
    entries = case.log.count()
    assert (log.verify(case), entries) == ([], case.log.count())
    assert ArchiveOffer.objects.get().reference == case.reference


def test_a_draft_is_erased_only_when_its_people_were_told_a_month_before(
    settings: Settings,
) -> None:
    w = world.build()
    draft = world.filled(w)
    month_before = NOW + timedelta(days=2 * 365 - 30)
    assert erasure.erase_expired(at=month_before - timedelta(days=1)).counts["warned"] == 0
    # The worker stood still: due already, but nobody was told.
    late = NOW + 3 * YEARS
    User.objects.update(last_login=late)
    report = erasure.erase_expired(at=late)
    assert (report.counts["warned"], report.counts["drafts"]) == (2, 0)
    mail = OutboxMail.objects.filter(key__startswith="draft_ends").first()
    assert mail is not None
    assert (mail.subject, mail.private) == ("Ihr Entwurf wird bald gelöscht", True)
    assert erasure.erase_expired(at=late + timedelta(days=29)).counts["drafts"] == 0
    assert erasure.erase_expired(at=late + timedelta(days=30)).counts["drafts"] == 1
    draft.refresh_from_db()
    assert (draft.erased_at is not None, draft.title, draft.revisions.count()) == (True, "", 0)
    assert log.verify(draft) == []
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "drafts": None}
    assert list(files.drafts_due(late + 50 * YEARS)) == []


def test_accounts_end_by_their_rules_and_staff_never_by_themselves() -> None:
    w = world.build()
    unverified = UserFactory(created_at=NOW)
    EmailAddress.objects.create(user=unverified, email=unverified.email, verified=False)
    due = accounts_due(NOW + timedelta(days=14))
    assert due == {
        "closed_accounts": [],
        "unused_accounts": [],
        "unverified_accounts": [unverified],
    }
    late = NOW + 3 * YEARS
    assert accounts_due(late)["unused_accounts"] == []  # nobody was told
    told = ending.warn_of_unused(late), ending.warn_of_unused(late + timedelta(days=23))
    years = accounts_due(late + timedelta(days=30))["unused_accounts"]
    users = {w.clerk, w.signatory, w.stranger, unverified}
    assert (told, set(years)) == ((4, 4), users)


def test_an_unused_account_is_told_30_and_7_days_before_and_one_sign_in_keeps_it(
    settings: Settings,
) -> None:
    user, blocked = UserFactory(created_at=NOW), UserFactory(created_at=NOW, is_active=False)
    closed = UserFactory(created_at=NOW, is_active=False, closed_at=NOW + 3 * YEARS)
    end = NOW + 3 * YEARS

    def runs(*days: int) -> list[tuple[int, int]]:
        """Mails and erasures of the nights so many days before or after the end, each run twice."""
        made = []
        for day in days:
            reports = [erasure.erase_expired(at=end + timedelta(days=day)) for _ in range(2)]
            counts = [sum((one.counts for one in reports), start=Counter[str]())]
            made += [(count["told"], count["unused_accounts"]) for count in counts]
        return made

    assert runs(-31, -30, -29, -8, -7, -6, -1) == [
        (0, 0),
        (2, 0),
        (0, 0),
        (0, 0),
        (2, 0),
        (0, 0),
        (0, 0),
    ]
    mails = OutboxMail.objects.order_by("pk")
    assert [(mail.recipient, mail.private) for mail in mails] == 2 * [
        (user.email, True),
        (blocked.email, True),
    ]
    says = "Das Portal löscht es nach dem 15. November 2029. "
    assert [says in mail.read() for mail in mails] == [True] * 4
    ways = ["/konto/anmelden/" in mail.read() for mail in mails]
    assert ways == [True, False, True, False]  # whoever is blocked cannot sign in

    User.objects.filter(pk=user.pk).update(last_login=end - timedelta(hours=1))
    assert runs(0, 1) == [(0, 1), (0, 0)]  # the blocked one; not the one that signed in
    user.refresh_from_db()
    closed.refresh_from_db()
    assert (user.is_active, closed.email.endswith(ending.ERASED_DOMAIN)) == (True, False)

    # After another three years it begins anew. The worker stood still: nobody has less time.
    assert runs(3 * 365 + 90, 3 * 365 + 112, 3 * 365 + 113, 3 * 365 + 119, 3 * 365 + 120) == [
        (1, 0),
        (0, 0),
        (1, 0),
        (0, 0),
        (0, 1),
    ]
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "unused_accounts": None}
    assert ending.warn_of_unused(end + 50 * YEARS) == 0


def test_whoever_signs_in_while_the_night_runs_keeps_the_account() -> None:
    user = UserFactory(created_at=NOW)
    User.objects.filter(pk=user.pk).update(last_login=NOW + 3 * YEARS)  # after it was found due
    with pytest.raises(ending.UsedSince):
        erasure._unless_last(user, "unused_accounts", NOW + 3 * YEARS)
    assert Erasure.objects.count() == 0


def test_the_last_manager_is_not_erased_before_there_is_a_successor() -> None:
    town, keeper = MunicipalityFactory(), StaffFactory()
    who = {"municipality": town, "confirmed_at": NOW, "confirmed_by": keeper}
    last = MembershipFactory(user=UserFactory(created_at=NOW), may_manage=True, **who)
    reader = MembershipFactory(user=UserFactory(created_at=NOW), **who)
    nights = [NOW + 3 * YEARS + timedelta(days=day) for day in (-30, -7, 0)]
    assert list(accounts.without_successor()) == []
    *_, night = [erasure.erase_expired(at=at) for at in nights]
    assert (night.counts["held_back"], night.counts["unused_accounts"]) == (1, 1)
    assert [line for line in night.lines if "bleibt" in line] == [
        f"Konto Nummer {last.user_id} (lange nicht benutzt) bleibt: Es verwaltet als einziges die "
        "Personen einer Kommune. Erst braucht es eine Nachfolge."
    ]
    says = f"Sie verwalten als einzige Person, wer für {town} im Portal arbeitet."
    told = [(mail.recipient, says in mail.read()) for mail in OutboxMail.objects.order_by("pk")]
    assert told == [(last.user.email, True)] * 2  # what was sent to an erased address is gone
    assert not Membership.objects.filter(pk=reader.pk).exists()
    assert list(accounts.without_successor()) == [last]  # a task of staff

    MembershipFactory(user=UserFactory(last_login=nights[-1]), may_manage=True, **who)
    assert list(accounts.without_successor()) == []
    late = erasure.erase_expired(at=nights[-1] + timedelta(days=1))
    assert (late.counts["held_back"], late.counts["unused_accounts"]) == (0, 1)
    assert not Membership.objects.filter(pk=last.pk).exists()


def accounts_due(at: datetime) -> dict[str, list[User]]:
    return ending.accounts_to_erase(at)


def test_why_a_second_factor_was_reset_is_kept_no_longer_than_the_log_of_rights() -> None:
    w = world.build()
    FactorReset.objects.create(user=w.reader, reason="verloren", asked_by=w.people, asked_at=NOW)
    for days, left in ((10 * 365 - 1, 1), (10 * 365, 0)):
        ending.prune_log(NOW + timedelta(days=days))
        assert FactorReset.objects.count() == left


def test_what_cannot_be_erased_is_told_and_stops_nothing_else() -> None:
    """One account cannot go, one file cannot be deleted: all else goes, and the file later."""
    stuck, other = (UserFactory(created_at=NOW, is_active=False, closed_at=NOW) for _ in range(2))
    UserFactory(email=f"konto-{stuck.pk}{ending.ERASED_DOMAIN}")
    w = world.build()
    draft = world.draft(w)
    document = uploads.add_document(
        application=draft,
        upload=SimpleUploadedFile("Plan.pdf", world.pdf_bytes()),
        kind=DocumentKind.OTHER,
        by=w.clerk,
        at=NOW,
    )
    file, late = Path(document.file.path), NOW + 2 * YEARS
    strange = file.with_name("abgebrochen")  # an upload that broke off
    strange.write_bytes(b"x")
    os.utime(strange, ((late - timedelta(days=29)).timestamp(),) * 2)
    content = file.read_bytes()
    file.unlink()
    (file / "darin").mkdir(parents=True)  # is no file, and cannot be deleted as one
    document.refresh_from_db()
    plan(w)  # of a draft that stays: the database goes on naming a file
    Application.objects.exclude(pk=draft.pk).update(changed_at=late)
    erasure.erase_expired(at=late - timedelta(days=30))
    report = erasure.erase_expired(at=late)
    assert [line for line in report.lines if "Entwurf" in line or "Datei" in line] == [
        f"Entwurf Nummer {draft.pk} gelöscht.",
        f"Die Datei {document.file.name} liegt noch im Speicher. Die nächste Nacht versucht es "
        "wieder.",
    ]
    assert [line for line in report.lines if "nicht gelöscht" in line] == [
        f"Konto Nummer {stuck.pk} (selbst geschlossen) nicht gelöscht: IntegrityError."
    ]
    assert (report.counts["failed"], report.counts["drafts"]) == (1, 1)
    other.refresh_from_db()
    assert other.email.endswith(ending.ERASED_DOMAIN)

    shutil.rmtree(file)
    file.write_bytes(content)
    night = erasure.erase_expired(at=late + timedelta(hours=20))
    assert (night.counts["leftovers"], file.exists(), strange.exists()) == (1, False, True)
    night = erasure.erase_expired(at=late + timedelta(days=1))
    assert (night.counts["leftovers"], strange.exists()) == (1, False)


def plan(w: world.World) -> str:
    """The name of a file that the database names."""
    return uploads.add_document(
        application=world.draft(w),
        upload=SimpleUploadedFile("Plan.pdf", world.pdf_bytes()),
        kind=DocumentKind.OTHER,
        by=w.clerk,
        at=NOW,
    ).file.name


def lay(root: Path, count: int, at: datetime = NOW) -> list[Path]:
    """Files that are older than every backup and that nothing names."""
    files = [root / "antraege" / "fremd" / f"{number}" for number in range(count)]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
        os.utime(file, ((at - timedelta(days=30)).timestamp(),) * 2)
    return files


def test_with_another_database_the_files_of_the_portal_stay(
    media_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """More than uploads that broke off can be, or nothing named at all: told, and nothing goes."""

    def said(count: int, named: int) -> list[str]:
        return [
            f"Dateien, die diese Datenbank nicht nennt, bleiben liegen: {count} (sie nennt "
            f"{named}, davon liegen {named} im Speicher). Bitte prüfen Sie, ob Datenbank "
            "(DATABASE_URL) und Speicher (MEDIA_ROOT, MEDIA_STORE) zusammengehören. Wenn ja: "
            f"„manage.py erase_expired --release-files {count} --dry-run“ nennt die Dateien, ohne "
            "--dry-run löscht es sie."
        ]

    def lines(*, dry_run: bool) -> list[str]:
        return [
            line
            for line in erasure.erase_expired(at=NOW, dry_run=dry_run).lines
            if "Dateien" in line
        ]

    w = world.build()
    (alone,) = lay(media_root, 1)
    assert [lines(dry_run=dry) for dry in (True, False)] == [said(1, 0)] * 2
    assert ErasureRun.objects.get().counts["leftovers_held_back"] == 1
    plan(w)
    many = lay(media_root, 21)
    erased = many[0].with_name("geloescht")  # what an erasure left goes all the same
    erased.write_bytes(b"x")
    name = str(erased.relative_to(media_root))
    Erasure.objects.note(w.town, proof="x", rule="drafts", at=NOW - YEARS, files=[name])
    gone = ["Dateien, die zu nichts mehr gehören: 1."]
    assert lines(dry_run=True) == said(21, 1) + gone
    assert erased.exists()
    assert lines(dry_run=False) == said(21, 1) + gone
    assert ([file.exists() for file in many], erased.exists()) == ([True] * 21, False)
    assert [r.message for r in caplog.records if r.name == "kiv_portal.services.leftovers"] == [
        "Files that no record names were kept: 1, named: 0",
        "Files that no record names were kept: 1, named: 0",
        "Files that no record names were kept: 21, named: 1",
        "Files that no record names were kept: 21, named: 1",
    ]
    many[-1].unlink()
    gone = ["Dateien, die zu nichts mehr gehören: 20."]
    assert [lines(dry_run=dry) for dry in (True, False)] == [gone] * 2
    assert alone.parent.exists()
    assert list(alone.parent.iterdir()) == []


def test_what_was_still_being_written_when_the_machine_went_goes_after_a_day(
    media_root: Path,
) -> None:
    world.build()
    for folder in ("antraege/1", "projects"):  # where nothing else is swept as well
        (media_root / folder).mkdir(parents=True)
        for hours in (23, 25):
            file = media_root / folder / f"{hours}.teil"
            file.write_bytes(b"x")
            os.utime(file, ((NOW - timedelta(hours=hours)).timestamp(),) * 2)
    erasure.erase_expired(at=NOW)
    left = sorted(str(file.relative_to(media_root)) for file in media_root.rglob("*.teil"))
    assert left == ["antraege/1/23.teil", "projects/23.teil"]


def test_an_operator_who_has_looked_releases_the_files_that_were_held_back(
    media_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only as many as the night told, named first, and never with a foreign database."""

    def release(count: int, *more: str) -> str:
        call_command("erase_expired", "--release-files", f"{count}", *more)
        return capsys.readouterr().out

    named = media_root / plan(world.build())
    files = lay(media_root, 21, timezone.now())  # the command takes its time from the clock
    names = sorted(str(file.relative_to(media_root)) for file in files)
    assert release(21, "--dry-run") == "\n".join(["Probelauf: Nichts wird geändert.", *names, ""])
    with pytest.raises(CommandError, match=r"nicht 22\. Es wurde nichts gelöscht"):
        release(22)
    named.rename(named.with_name("woanders"))
    with pytest.raises(CommandError, match=r"Von 1 Dateien, .+ nur 0 im Speicher"):
        release(21)
    named.with_name("woanders").rename(named)
    assert [file.exists() for file in files] == [True] * 21
    assert not ErasureRun.objects.exists()
    said = "Zurückgehaltene Dateien, die zu nichts mehr gehören: 21."
    assert release(21) == f"{said}\n"
    assert ([file.exists() for file in files], named.exists()) == ([False] * 21, True)
    assert list(ErasureRun.objects.values_list("counts", "report")) == [
        ({"leftovers": 21}, f"Von der Betriebsführung freigegeben:\n{said}")
    ]
    for count in (21, 0):
        with pytest.raises(CommandError, match="keine Datei zurückgehalten"):
            release(count)


def test_nothing_is_released_while_the_database_is_empty_or_foreign(media_root: Path) -> None:
    """One file that happens to lie here does not make another portal's database the right one."""
    files = lay(media_root, 21, timezone.now())

    def refused(because: str) -> None:
        for more in ([], ["--dry-run"]):
            with pytest.raises(CommandError, match=because):
                call_command("erase_expired", "--release-files", "21", *more)
        assert [file.exists() for file in files] == [True] * 21

    refused("nennt keine Datei, .+ Es wurde nichts gelöscht")
    named = plan(world.build())
    folder = media_root / "antraege" / "anderswo"
    folder.mkdir()
    document = Document.objects.get(file=named)
    for number in range(99):
        document.pk, document.file.name = uuid4(), f"antraege/anderswo/{number}"
        document.save(force_insert=True)
    refused("Von 100 Dateien, .+ nur 1 im Speicher")
    for number in range(97):
        (folder / f"{number}").write_bytes(b"x")
    refused("Von 100 Dateien, .+ nur 98 im Speicher")
    # A single one as well stays in the night, and goes as soon as the two are a pair.
    (single,) = lay(media_root, 1)
    for file in files[1:]:
        file.unlink()
    assert erasure.erase_expired(at=timezone.now()).counts["leftovers_held_back"] == 1
    assert single.exists()
    (folder / "97").write_bytes(b"x")
    assert erasure.erase_expired(at=timezone.now()).counts["leftovers"] == 1
    assert not single.exists()
    files = lay(media_root, 21, timezone.now())
    (folder / "97").write_bytes(b"x")
    call_command("erase_expired", "--release-files", "21")
    assert [file.exists() for file in files] == [False] * 21


class Store(FileSystemStorage):
    """Answers as an object store does that refuses some things."""

    refused: ClassVar[set[str]] = set()

    def _ask(self, act: str, name: str) -> None:
        if f"{act} {name}" in self.refused:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, act)

    def delete(self, name: str) -> None:
        self._ask("delete", name)
        super().delete(name)

    def get_modified_time(self, name: str) -> datetime:
        self._ask("age", name)
        return super().get_modified_time(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        self._ask("list", path)
        return super().listdir(path)


def test_an_object_store_that_refuses_stops_no_erasure(
    media_root: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = {"BACKEND": f"{Store.__module__}.{Store.__qualname__}"}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    w = world.build()
    named = plan(w)
    files = lay(media_root, 3)
    first, second, _ = (str(file.relative_to(media_root)) for file in files)
    # One cannot be deleted, one is gone before its age is asked for.
    monkeypatch.setattr(Store, "refused", {f"delete {first}", f"age {second}"})
    report = erasure.erase_expired(at=NOW)
    assert [file.exists() for file in files] == [True, True, False]
    assert [line for line in report.lines if "Datei" in line] == [
        "Dateien, die zu nichts mehr gehören: 1.",
        f"Die Datei {first} liegt noch im Speicher. Die nächste Nacht versucht es wieder.",
    ]
    assert (report.counts["files_left"], report.counts["failed"]) == (1, 0)

    # No list of the files: all else is erased.
    monkeypatch.setattr(Store, "refused", {"list antraege/", f"delete {named}"})
    late = NOW + 2 * YEARS
    erasure.erase_expired(at=late - timedelta(days=30))
    report = erasure.erase_expired(at=late)
    assert [line for line in report.lines if "Datei" in line or "Entwurf" in line] == [
        "Dateien, die zu nichts mehr gehören, nicht gelöscht: ClientError.",
        f"Entwurf Nummer {Application.objects.get().pk} gelöscht.",
        f"Die Datei {named} liegt noch im Speicher. Die nächste Nacht versucht es wieder.",
    ]
    again = erasure.repeat_erasures(late)
    assert (again.counts, (media_root / named).exists()) == ({"files_left": 1}, True)
    monkeypatch.setattr(Store, "refused", set())
    assert erasure.repeat_erasures(late).counts == {}
    assert not (media_root / named).exists()


def test_a_person_closes_the_own_account(client: Client) -> None:
    w = world.build()
    client.force_login(w.clerk)
    assert client.post("/konto/schliessen/").status_code == 422
    response = client.post("/konto/schliessen/", {"sicher": "ja"})
    assert (response.status_code, response.headers["Location"]) == (302, "/konto/anmelden/")
    w.clerk.refresh_from_db()
    assert (w.clerk.is_active, w.clerk.closed_at is not None) == (False, True)
    assert not Membership.objects.filter(user=w.clerk).exists()
    assert AccountEvent.objects.filter(user=w.clerk, kind=EventKind.ACCOUNT_CLOSED).exists()
    assert client.get("/konto/").status_code == 302


def test_who_decides_or_looks_after_others_cannot_just_close_the_account(client: Client) -> None:
    w = world.build()
    Membership.objects.filter(user=w.signatory).update(may_manage=True)
    for user in (w.signatory, w.reviewer):
        with pytest.raises(accounts.NotPossible):
            accounts.close_account(user=user, at=NOW)
        user.refresh_from_db()
        assert user.is_active
    client.force_login(w.signatory)
    response = client.post("/konto/schliessen/", {"sicher": "ja"})
    assert (response.status_code, "Danach könnte niemand" in response.content.decode()) == (
        409,
        True,
    )


def test_the_night_asks_once_and_the_command_says_what_would_happen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    erasure.schedule(NOW)
    erasure.schedule(NOW + timedelta(hours=1))
    from kiv_portal.models import Job

    (job,) = Job.objects.filter(kind="erase_expired")
    erasure.run_job(job.argument, NOW)
    assert ErasureRun.objects.get().report.endswith("nichts angeboten oder gelöscht.")
    call_command("erase_expired", "--dry-run")
    assert capsys.readouterr().out.startswith("Probelauf: Nichts wird geändert.")
    call_command("repeat_erasures")
    assert capsys.readouterr().out == "Nichts war zu wiederholen.\n"
    assert Contact.objects.count() == 0
