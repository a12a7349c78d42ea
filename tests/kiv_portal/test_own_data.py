"""The own-data export: complete by the data map, and nothing of anybody else."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.test import Client

from applications.models import (
    ApplicationGuest,
    CallSubscription,
    KeptInput,
    PersonConsent,
    Presence,
    ReminderOff,
    ReminderSent,
    SectionComment,
)
from kiv_portal import outbox
from kiv_portal.services import datamap, own_data
from municipalities.models import (
    AccountEvent,
    EventKind,
    FactorReset,
    Invitation,
    RoleGrant,
    User,
)
from tests import world
from tests.factories import NOW, ContactFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=3)


def _known_everywhere(w: world.World, word: str) -> User:
    """A person with a row in every table that can be about one; `word` stands wherever text is."""
    person: User = UserFactory(
        email=f"{word}@kommune.example", name=f"Stelle {word}", phone=f"06151 {word}"
    )
    other = w.administrator
    person.last_login = NOW
    person.save()
    MembershipFactory(
        user=person, municipality=w.town, confirmed_at=NOW, confirmed_by=other
    ).save()  # saved twice: a history of two
    Invitation.objects.create(
        municipality=w.town,
        email=person.email,
        token_hash=f"geheim-{word}",
        created_by=w.clerk,
        created_at=NOW,
        expires_at=LATER,
    )
    FactorReset.objects.create(
        user=person, reason=f"Gerät verloren {word}", asked_by=other, asked_at=NOW
    )
    RoleGrant.objects.create(user=person, role="Lesen", asked_by=other, asked_at=NOW)
    AccountEvent.objects.create(
        at=NOW,
        kind=EventKind.SIGNED_IN,
        user=person,
        by=person,
        municipality=w.town,
        detail=f"Einzelheit {word}",
        address="192.0.2.7",
    )
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    Authenticator.objects.create(
        user=person, type="totp", data={"secret": f"geheim-{word}"}, last_used_at=NOW
    )
    UserSession.objects.create(
        user=person, ip="192.0.2.7", session_key=f"geheim-{word}", user_agent=f"Browser {word}"
    )
    draft = world.draft(w, by=person)
    draft.contact_email, draft.contact_person = person.email.upper(), f"Fach {word}"
    draft.contact_unit, draft.contact_phone = f"Amt {word}", f"06151 1 {word}"
    draft.finance_email, draft.finance_person = person.email, f"Kasse {word}"
    draft.finance_unit, draft.finance_phone = f"Kämmerei {word}", f"06151 2 {word}"
    draft.save()
    ApplicationGuest.objects.create(
        application=draft,
        email=person.email,
        role="read",
        invited_at=NOW,
        invited_by=w.clerk,
        expires_at=LATER,
        accepted_at=NOW,
        user=person,
    )
    SectionComment.objects.create(
        application=draft, step="zeitplan", text=f"Kommentar {word}", at=NOW, by=person
    )
    Presence.objects.create(
        application=draft, step="zeitplan", user=person, since=NOW, seen_at=NOW, expires_at=LATER
    )
    KeptInput.objects.create(
        application=draft,
        step="zeitplan",
        user=person,
        token_hash=f"geheim-{word}",
        sealed=b"geheim",
        kept_at=NOW,
        expires_at=LATER,
    )
    ReminderOff.objects.create(user=person, kind="closing", since=NOW)
    ReminderSent.objects.create(application=draft, user=person, occasion=f"Anlass {word}", at=NOW)
    PersonConsent.objects.create(
        application=draft,
        name=f"Genannte {word}",
        email=person.email,
        nonce=f"geheim-{word}",
        asked_at=NOW,
        asked_by=w.clerk,
        given_at=NOW,
        until=LATER.date(),
    )
    CallSubscription.objects.create(email=person.email, requested_at=NOW, confirmed_at=NOW)
    outbox.enqueue_mail(
        key=word, recipient=person.email, subject=f"Betreff {word}", body=f"geheim-{word}", at=NOW
    )
    ContactFactory(
        email=person.email,
        person=f"Ansprechperson {word}",
        phone=f"06151 3 {word}",
        basis=f"Einwilligung {word}",
        wish=f"Wunsch {word}",
    ).save()
    return person


def test_every_field_about_the_person_occurs_and_nothing_about_others() -> None:
    w = world.build()
    person, other = _known_everywhere(w, "merlan"), _known_everywhere(w, "zander")
    found = {
        (holding.table, name)
        for holding in own_data.holdings(person)
        if holding.kind == "about"
        for row in holding.rows
        for name, value in row.items()
        if value not in (None, "")
    }
    expected = set()
    for model in apps.get_models():
        table = datamap.tables()[datamap.base_of(model)._meta.label]
        by_address = [name for key, names in table.mail.items() for name in (key, *names.split())]
        names = [*table.own.split(), *(table.personal.split() if table.own else []), *by_address]
        expected |= {(model._meta.label, datamap.label_of(model, table, name)) for name in names}
    assert expected - found == set()

    packed = own_data.export(user=person, at=NOW)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["meine-daten.json", "meine-daten.html"]
        data, page = (archive.read(name).decode() for name in archive.namelist())
    for text in (data, page):
        assert "Kommentar merlan" in text
        for foreign in ("zander", "geheim-", w.clerk.email, w.clerk.name, w.administrator.name):
            assert foreign not in text
    assert json.loads(data)["konto"] == person.email
    assert "zuletzt gesehen am: 16. November 2026, 10:30 Uhr" in page.replace("Zuletzt", "zuletzt")
    last = AccountEvent.objects.latest("pk")
    assert (last.kind, last.user_id) == (EventKind.DATA_EXPORTED, person.pk)
    assert other.email not in page


def test_what_a_person_did_is_told_without_what_it_said() -> None:
    w = world.build()
    filed = world.submitted(w)
    did: dict[str, Any] = {
        holding.title: holding.rows
        for holding in own_data.holdings(w.signatory)
        if holding.kind == "did"
    }
    (snapshot,) = did["Fassungen"]
    assert snapshot["Antrag"] == filed.reference
    assert {row["Antrag"] for row in did["Verfahrensprotokoll"]} == {filed.reference}
    text = json.dumps(did, ensure_ascii=False)
    for content in (filed.title, filed.iban, w.clerk.name):
        assert content
        assert content not in text


def test_the_page_counts_and_the_file_comes_as_a_download(client: Client) -> None:
    person = UserFactory(email="wer@kommune.example")
    client.force_login(person)
    assert "Angaben über Sie" in client.get("/konto/daten/").content.decode()
    response = client.get("/konto/daten/meine-daten.zip")
    assert response.headers["Content-Disposition"] == 'attachment; filename="meine-daten.zip"'
    assert "no-store" in response.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert "wer@kommune.example" in archive.read("meine-daten.html").decode()
