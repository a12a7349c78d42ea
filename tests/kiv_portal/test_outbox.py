"""The outbox: every event once, every try noted, nothing lost, nothing private kept."""

import io
import re
import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pikepdf
import pytest
from allauth.account.models import EmailAddress
from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core import mail
from django.core.mail import EmailMultiAlternatives, send_mail
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from applications import services
from applications.models import GuestRole, Letter
from applications.services import reminders
from applications.services.rendering import JOBS
from kiv_portal import outbox
from kiv_portal import settings as portal_settings
from kiv_portal.models import Job, OutboxMail, WorkState
from municipalities import services as accounts
from projects.services import contacts
from tests import world
from tests.factories import NOW, PASSWORD, ContactFactory

pytestmark = pytest.mark.django_db

MINUTES = (1, 5, 15, 60, 240, 720, 1440)
SECOND = timedelta(seconds=1)


def write(key: str = "receipt:1", **changes: Any) -> OutboxMail:
    values = {"recipient": "a@kommune.example", "subject": "Betreff", "body": "Text\n", "at": NOW}
    outbox.enqueue_mail(key=key, **values | changes)
    return OutboxMail.objects.order_by("pk").last()


def ask(key: str = "letter_pdf:1", at: datetime = NOW, **changes: Any) -> Job:
    outbox.enqueue_job(**{"kind": "letter_pdf", "argument": "1"} | changes, key=key, at=at)
    return Job.objects.order_by("pk").last()


# --- Writing --------------------------------------------------------------------------------------


def test_a_mail_waits_from_the_instant_of_its_event():
    row = write(subject=" Ein\r\nBcc: x@fremd.example ")
    assert (row.state, row.attempts, row.created_at, row.next_try_at) == (
        WorkState.WAITING,
        0,
        NOW,
        NOW,
    )
    assert (row.recipient, row.subject, row.body, row.private) == (
        "a@kommune.example",
        "Ein Bcc: x@fremd.example",
        "Text\n",
        False,
    )


def test_the_same_key_is_the_same_mail():
    first = write()
    write(body="Anderer Text", recipient="b@kommune.example")
    assert list(OutboxMail.objects.values_list("pk", "body")) == [(first.pk, "Text\n")]


def test_each_mail_has_a_message_id_of_its_own_at_the_senders_domain(settings):
    settings.DEFAULT_FROM_EMAIL = "KIV-Portal <portal@rp.example>"
    ids = [write(key=str(n)).message_id for n in range(3)]
    assert len(set(ids)) == 3
    assert all(i.startswith("<") and i.endswith("@rp.example>") for i in ids)


def test_the_same_key_is_the_same_job():
    first = ask()
    ask(argument="2")
    assert list(Job.objects.values_list("pk", "kind", "argument")) == [
        (first.pk, "letter_pdf", "1")
    ]


def test_a_key_longer_than_its_column_still_tells_one_event_from_another():
    keys = [f"receipt:1:{'a' * 240}{n}" for n in (1, 2, 2)]
    for key in keys:
        write(key=key)
        ask(key=key)
    assert (OutboxMail.objects.count(), Job.objects.count()) == (2, 2)
    # What the event begins with stays readable, the address does not.
    assert {row.key[:-64] for row in OutboxMail.objects.all()} == {"receipt:1:"}
    assert len(write(key="k" * 201).key) == len(write(key=f"{'k' * 136}:{'a' * 99}").key) == 64
    whole = write(key="k" * 200)
    assert whole.key == "k" * 200


def test_mails_of_an_event_are_found_by_its_beginning_however_long_the_address_is():
    for event in ("letter_ready:1:", "letter_ready:2:"):
        write(key=f"{event}{'a' * 240}@kommune.example")
    outbox.drop_waiting("letter_ready:1:")
    assert [row.key[:15] for row in OutboxMail.objects.all()] == ["letter_ready:2:"]
    OutboxMail.objects.update(state=WorkState.DONE)
    assert (outbox.take_back("letter_ready:1:"), outbox.take_back("letter_ready:2:")) == (
        False,
        True,
    )


def test_djangos_own_mails_are_queued_as_private_ones_one_for_each_recipient(settings):
    settings.EMAIL_BACKEND = portal_settings.EMAIL_BACKEND  # Django's tests put in their own
    message = EmailMultiAlternatives(
        "Kennwort\nneu", "Text", to=["a@x.example", "b@x.example"], bcc=["c@x.example"]
    )
    assert outbox.OutboxBackend().send_messages([message]) == 1
    rows = OutboxMail.objects.order_by("pk")
    assert [(row.recipient, row.subject, row.read(), row.private) for row in rows] == [
        (f"{who}@x.example", "Kennwort neu", "Text", True) for who in "abc"
    ]
    assert send_mail("Betreff", "Text", None, ["d@x.example"]) == 1
    assert OutboxMail.objects.count() == 4
    assert str(OutboxMail.objects.last()) == "An d@x.example"


def test_the_list_of_mails_does_not_show_what_private_mails_are_about():
    assert str(write()) == "Betreff – a@kommune.example"
    assert str(write(key="2", private=True)) == "An a@kommune.example"


# --- Claiming -------------------------------------------------------------------------------------


def test_the_oldest_due_row_is_claimed_first():
    first, second = write("1"), write("2")
    write("3", at=NOW + SECOND)
    assert outbox.claim(OutboxMail, NOW) == first
    assert outbox.claim(OutboxMail, NOW) == second
    assert outbox.claim(OutboxMail, NOW) is None


def test_a_claimed_row_is_left_alone_until_its_lease_ends():
    row = write()
    claimed = outbox.claim(OutboxMail, NOW)
    assert (claimed.attempts, claimed.next_try_at) == (1, NOW + timedelta(minutes=10))
    row.refresh_from_db()
    assert (row.attempts, row.state) == (1, WorkState.WAITING)
    assert outbox.claim(OutboxMail, NOW + outbox.LEASE - SECOND) is None
    again = outbox.claim(OutboxMail, NOW + outbox.LEASE)
    assert (again, again.attempts) == (row, 2)


def test_finished_and_failed_rows_are_not_claimed():
    OutboxMail.objects.filter(pk=write("1").pk).update(state=WorkState.DONE)
    OutboxMail.objects.filter(pk=write("2").pk).update(state=WorkState.FAILED)
    assert outbox.claim(OutboxMail, NOW + timedelta(days=9)) is None


def test_what_ends_the_worker_every_time_has_failed_after_the_last_try():
    row, next_row = ask("1"), ask("2", NOW + timedelta(days=3))
    at = NOW
    for number in range(1, len(MINUTES) + 2):
        assert outbox.claim(Job, at).attempts == number
        at += outbox.LEASE
    assert outbox.claim(Job, at) is None
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error) == (
        WorkState.FAILED,
        8,
        "Der letzte Versuch brach ab, ohne einen Fehler zu melden.",
    )
    assert outbox.claim(Job, NOW + timedelta(days=3)) == next_row


# --- Success and failure --------------------------------------------------------------------------


def test_success_is_noted_and_keeps_the_text_of_an_ordinary_mail():
    row = outbox.claim(OutboxMail, write().next_try_at)
    row.last_error = "vorher"
    outbox.succeed(row, NOW + SECOND)
    row.refresh_from_db()
    assert (row.state, row.done_at, row.last_error, row.body) == (
        WorkState.DONE,
        NOW + SECOND,
        "",
        "Text\n",
    )


def test_success_clears_the_text_of_a_private_mail():
    row = write(private=True)
    outbox.succeed(row, NOW)
    row.refresh_from_db()
    assert (row.state, row.body, row.sealed) == (WorkState.DONE, "", "")


def test_success_of_a_job_is_noted():
    row = ask()
    outbox.succeed(row, NOW)
    row.refresh_from_db()
    assert (row.state, row.done_at) == (WorkState.DONE, NOW)


def test_after_each_failure_comes_a_longer_pause_and_after_the_last_none():
    row = write()
    at = NOW
    for minutes in MINUTES:
        row = outbox.claim(OutboxMail, at)
        outbox.fail(row, OSError("Verbindung abgelehnt"), at)
        row.refresh_from_db()
        assert (row.state, row.next_try_at) == (WorkState.WAITING, at + timedelta(minutes=minutes))
        assert outbox.claim(OutboxMail, row.next_try_at - SECOND) is None
        at = row.next_try_at
    row = outbox.claim(OutboxMail, at)
    outbox.fail(row, OSError("Verbindung abgelehnt"), at)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error) == (
        WorkState.FAILED,
        8,
        "OSError: Verbindung abgelehnt",
    )
    assert outbox.claim(OutboxMail, at + timedelta(days=9)) is None


def test_a_failed_private_mail_keeps_its_text_for_another_try():
    row = outbox.claim(OutboxMail, write(private=True).next_try_at)
    outbox.fail(row, OSError("weg"), NOW)
    row.refresh_from_db()
    assert (row.body, row.read()) == ("", "Text\n")


def test_what_a_mail_server_says_of_a_private_mail_is_not_kept():
    said = "554 verweigert wegen https://portal.example/konto/einladung/geheim/"
    told = {False: f"SMTPDataError: (554, b'{said}')", True: "SMTPDataError (554)"}
    for private, text in told.items():
        row = write(key=f"mail:{private}", private=private)
        outbox.fail(row, smtplib.SMTPDataError(554, said.encode()), NOW)
        row.refresh_from_db()
        assert row.last_error == text


def test_a_long_error_is_cut():
    row = outbox.claim(OutboxMail, write().next_try_at)
    outbox.fail(row, ValueError("x" * 5_000), NOW)
    row.refresh_from_db()
    assert len(row.last_error) == 1_000


def test_a_person_can_put_a_failed_row_back_with_all_its_tries():
    row = write()
    OutboxMail.objects.update(state=WorkState.FAILED, attempts=8)
    outbox.retry(row, NOW + SECOND)
    assert (row.state, row.attempts, row.next_try_at) == (WorkState.WAITING, 0, NOW + SECOND)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (WorkState.WAITING, 0)
    assert outbox.claim(OutboxMail, NOW + SECOND) == row


def test_what_is_done_is_not_done_again_even_where_the_page_was_old():
    stale = write(private=True)
    OutboxMail.objects.update(state=WorkState.FAILED)
    stale.refresh_from_db()
    outbox.succeed(OutboxMail.objects.get(), NOW)
    outbox.retry(stale, NOW)
    assert OutboxMail.objects.get().state == WorkState.DONE
    assert outbox.claim(OutboxMail, NOW + SECOND) is None


# --- Private texts --------------------------------------------------------------------------------


def _asked(w: world.World, settings: Any) -> None:
    """Every mail of the portal that carries a link with a secret."""
    settings.EMAIL_BACKEND = portal_settings.EMAIL_BACKEND
    EmailAddress.objects.create(user=w.clerk, email=w.clerk.email, verified=True, primary=True)
    client = Client()
    client.post("/konto/passwort/vergessen/", {"email": w.clerk.email})
    new = {"email": "neu@musterstadt.example", "name": "Amt", "password1": PASSWORD}
    client.post("/konto/registrieren/", new | {"kommune": w.town.ags})
    client.post("/benachrichtigung/", {"email": "amt@musterstadt.example"})
    client = Client()
    client.post("/konto/anmelden/", {"login": w.clerk.email, "password": PASSWORD})
    client.post("/konto/bestaetigen/", {"password": PASSWORD})
    client.post("/konto/adresse/", {"email": "anders@musterstadt.example"})
    accounts.invite(
        municipality=w.town, email="b@x.example", rights={"may_read": True}, by=w.people, at=NOW
    )
    draft = world.filled(w)
    services.invite_guest(
        application=draft,
        email="c@x.example",
        role=GuestRole.READ,
        until=NOW.date() + timedelta(days=30),
        by=w.clerk,
        at=NOW,
    )
    reminders.remind("", NOW + timedelta(days=21))
    ContactFactory(expires_on=NOW.date())
    contacts.ask_for_renewal("", NOW)


def _tables() -> str:
    """Every value of every table, as whoever has a dump of the database reads it."""
    with connection.cursor() as cursor:
        values = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names from the database
            values += [str(value) for row in cursor.fetchall() for value in row]
    return "\n".join(values)


def test_whoever_reads_the_whole_database_finds_no_link_that_a_mail_carries(settings):
    w = world.build()
    _asked(w, settings)
    links = {
        kind: secret
        for row in OutboxMail.objects.all()
        for kind, secret in re.findall(r"https?://[^/]+(/\S*?/)([^/\s]{20,})/\s", row.read())
        if not re.fullmatch(r"[0-9a-f-]{36}", secret)  # a case's number, behind the sign-in
    }
    assert sorted(links) == [
        "/antraege/gast/",
        "/benachrichtigung/",
        "/erinnerung-abbestellen/",
        "/kontakt/bestaetigen/",
        "/konto/adresse/",
        "/konto/e-mail/",
        "/konto/einladung/",
        "/konto/passwort/neu/",
    ]
    dump = _tables()
    assert [kind for kind, secret in links.items() if secret in dump] == []

    settings.SECRET_KEY = "ein anderes Geheimnis, das nicht zu dieser Datenbank gehört"
    for row in OutboxMail.objects.filter(private=True):
        with pytest.raises(InvalidToken):
            row.read()


def test_the_database_takes_no_private_text_in_clear_and_none_after_sending():
    row = write(private=True)
    for name, values in (
        ("outbox_private_text_is_sealed", {"body": "Text"}),
        ("outbox_private_text_is_sealed", {"private": False}),
        ("outbox_private_text_goes_once_sent", {"state": WorkState.DONE}),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            OutboxMail.objects.filter(pk=row.pk).update(**values)


def test_a_mail_sealed_with_another_secret_is_noted_and_stops_nothing(settings):
    write("1", private=True), write("2")
    settings.SECRET_KEY = "ein anderes Geheimnis, das nicht zu dieser Datenbank gehört"
    while work():
        pass
    assert list(OutboxMail.objects.order_by("pk").values_list("state", "last_error")) == [
        (WorkState.WAITING, "InvalidToken"),
        (WorkState.DONE, ""),
    ]


def test_mails_about_what_is_erased_go_sealed_or_not():
    for key, private in (("1", False), ("2", True)):
        write(key, body="Zum Antrag 4711", private=private)
    rest = [write("3", body="Zum Antrag 4712", private=True).pk]
    outbox.drop_mails_naming("4711")
    assert list(OutboxMail.objects.values_list("pk", flat=True)) == rest


def test_mails_that_waited_before_texts_were_sealed_are_sealed():
    waits, sent = write("1", private=True), write("2", private=True)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints=ON")
        else:
            cursor.execute(
                "ALTER TABLE portal_outboxmail DROP CONSTRAINT outbox_private_text_is_sealed"
            )
        OutboxMail.objects.update(body="Text", sealed="")
        OutboxMail.objects.filter(pk=sent.pk).update(state=WorkState.DONE)
        migration = import_module("kiv_portal.migrations.0003_sealed_mails")
        migration.seal_waiting(apps, connection.schema_editor())
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints=OFF")
    waits.refresh_from_db()
    sent.refresh_from_db()
    assert (waits.body, waits.read(), sent.body, sent.sealed) == ("", "Text", "", "")


# --- Working --------------------------------------------------------------------------------------


def work(jobs: dict[str, Callable[[str, datetime], None]] | None = None, at: Any = NOW) -> bool:
    return outbox.work_once(jobs or {}, at)


def test_a_mail_is_sent_with_its_message_id_and_noted_as_done():
    row = write()
    assert work() is True
    (sent,) = mail.outbox
    assert (sent.to, sent.subject, sent.body) == (["a@kommune.example"], "Betreff", "Text\n")
    assert sent.extra_headers == {
        "Message-ID": row.message_id,
        "Auto-Submitted": "auto-generated",
    }
    row.refresh_from_db()
    assert (row.state, row.done_at, row.attempts) == (WorkState.DONE, NOW, 1)
    assert work() is False
    assert len(mail.outbox) == 1


def test_a_mail_sent_twice_after_a_crash_has_the_same_message_id():
    write()
    outbox.send(outbox.claim(OutboxMail, NOW))
    work(at=NOW + outbox.LEASE)
    assert len({sent.extra_headers["Message-ID"] for sent in mail.outbox}) == 1
    assert len(mail.outbox) == 2


def test_a_mail_that_cannot_be_sent_is_noted_and_stops_nothing(settings, caplog):
    settings.DELIVERY_EMAIL = {"backend": "es.gibt.keine.Backend"}
    row = write()
    done: list[str] = []
    ask()
    assert work({"letter_pdf": lambda argument, at: done.append(argument)}) is True
    row.refresh_from_db()
    assert (row.state, row.last_error) == (
        WorkState.WAITING,
        "ModuleNotFoundError: No module named 'es'",
    )
    assert done == ["1"]
    assert caplog.messages == [f"OutboxMail {row.pk}: ModuleNotFoundError"]


def test_a_job_gets_its_argument_and_the_instant():
    row = ask(argument="17")
    calls: list[Any] = []
    assert work({"letter_pdf": lambda *given: calls.append(given)}) is True
    assert calls == [("17", NOW)]
    row.refresh_from_db()
    assert (row.state, str(row)) == (WorkState.DONE, "letter_pdf 17")


def test_a_job_that_fails_is_tried_again_and_the_others_go_on():
    ask("1"), ask("2", argument="2")
    done: list[str] = []

    def render(argument: str, at: datetime) -> None:
        if argument == "1" and at == NOW:
            raise ValueError("kaputt")
        done.append(argument)

    jobs = {"letter_pdf": render}
    while work(jobs):
        pass
    assert done == ["2"]
    assert Job.objects.get(key="1").last_error == "ValueError: kaputt"
    assert work(jobs, NOW + timedelta(minutes=1)) is True
    assert done == ["2", "1"]
    assert list(Job.objects.values_list("state", "last_error")) == [(WorkState.DONE, "")] * 2


def test_a_job_of_an_unknown_kind_is_noted():
    row = ask(kind="tanzen")
    assert work() is True
    row.refresh_from_db()
    assert (row.state, row.last_error) == (WorkState.WAITING, "KeyError: 'tanzen'")


def test_with_nothing_to_do_nothing_happens():
    assert work() is False


# --- The worker -----------------------------------------------------------------------------------


def _text_of(stored: Any) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(stored.read()))


def test_the_worker_renders_and_sends_all_there_is_and_then_ends():
    now = timezone.now()  # the command takes its time from the clock
    w = world.build(now)
    application = world.granted(w, now - SECOND)
    call_command("worker", "--until-idle")
    by_the_clock = (
        "call_opened",
        "contact_renewals",
        "entries_unanswered",
        "erase_expired",
        "persons_over",
        "request_reminders",
        "reminders",
        "seals",
        "tidy",
    )
    assert set(Job.objects.exclude(kind__in=by_the_clock).values_list("kind", "state")) == {
        ("application_pdf", "done"),
        ("letter_pdf", "done"),
    }
    assert set(OutboxMail.objects.values_list("state", flat=True)) == {"done"}
    # The receipt, once; no word of the decision.
    assert len(mail.outbox) == OutboxMail.objects.count() == 1

    snapshot = application.first_snapshot
    snapshot.refresh_from_db()
    with snapshot.pdf.open() as stored, _text_of(stored) as made:
        attached = made.attachments[f"{application.reference}.json"].get_file().read_bytes()
        assert attached == snapshot.payload.encode()
        assert str(made.docinfo["/Title"]) == f"Antrag {application.reference}"
    letter = Letter.objects.get()
    with letter.file.open() as stored, _text_of(stored) as made:
        assert list(made.attachments) == ["schreiben.json"]
        assert str(made.docinfo["/Title"]) == "Zuwendungsbescheid: Vielfalt in Musterstadt"
    assert [entry.action for entry in application.log.order_by("sequence")][-2:] in (
        ["application_rendered", "letter_rendered"],
        ["letter_rendered", "application_rendered"],
    )


def test_what_was_rendered_is_not_rendered_again():
    now = timezone.now()
    application = world.granted(world.build(now), now - SECOND)
    for kind, argument in Job.objects.values_list("kind", "argument"):
        JOBS[kind](argument, now)
    before = application.log.count()
    hashes = (Letter.objects.get().sha256, application.snapshots.get().pdf_sha256)
    for kind, argument in Job.objects.values_list("kind", "argument"):
        JOBS[kind](argument, now)
    assert application.log.count() == before
    assert hashes == (Letter.objects.get().sha256, application.snapshots.get().pdf_sha256)
    assert all(len(digest) == 64 for digest in hashes)


def test_a_worker_with_nothing_to_do_ends_at_once():
    call_command("worker", "--until-idle")
    assert mail.outbox == []
