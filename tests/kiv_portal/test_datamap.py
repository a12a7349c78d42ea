"""The data map: complete, or the checks fail; told readably in the data protection notice."""

from __future__ import annotations

import dataclasses
from html import unescape

import pytest
from django.apps import apps
from django.core import checks
from django.db import connection
from django.test import Client
from lxml import html
from pytest_django import Settings

from applications import datamap as applications
from kiv_portal import datamap as portal
from kiv_portal.models import Authority
from kiv_portal.services import datamap
from municipalities import datamap as municipalities
from tests.factories import NOW


def test_every_field_of_every_table_stands_in_the_map() -> None:
    assert datamap.faults() == []
    assert datamap.check in checks.registry.registry.registered_checks


def test_a_field_nobody_entered_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted faults: a new field, one that is gone, one entered twice, a hidden account."""
    people = municipalities.TABLES["municipalities.Membership"]
    calls = applications.TABLES["applications.FundingCall"]
    monkeypatch.setitem(
        municipalities.TABLES,
        "municipalities.Membership",
        dataclasses.replace(people, own="", neutral=f"{people.neutral} user id alter"),
    )
    monkeypatch.setitem(
        applications.TABLES,
        "applications.FundingCall",
        dataclasses.replace(calls, neutral=calls.neutral.replace(" cap ", " ")),
    )
    monkeypatch.delitem(portal.TABLES, "portal.Job")
    missing = "fehlt im Datenverzeichnis seiner App (datamap.py)."
    account = "führt zu einem Konto, gehört also zu „own“ oder „acts“."
    assert sorted(error.msg for error in datamap.check(None)) == sorted(
        [
            f"portal.Job: {missing}",
            *(
                f"{label}.{fault}"
                for label in ("municipalities.Membership", "municipalities.HistoricalMembership")
                for fault in (
                    "alter: Dieses Feld gibt es nicht.",
                    "id: steht mehrfach im Datenverzeichnis.",
                    f"user: {account}",
                )
            ),
            f"applications.FundingCall.cap: {missing}",
            f"applications.HistoricalFundingCall.cap: {missing}",
        ]
    )


def test_a_purpose_without_its_ground_or_with_an_unknown_period_fails(
    settings: Settings,
) -> None:
    settings.RETENTION_DAYS = {
        name: days for name, days in settings.RETENTION_DAYS.items() if name != "mails"
    }
    assert datamap.faults() != []
    assert {fault for fault in datamap.faults() if "mails" not in fault} == set()


@pytest.mark.django_db
def test_every_table_of_the_database_is_mapped() -> None:
    models = {
        model._meta.db_table: datamap.base_of(model)._meta.label
        for model in apps.get_models(include_auto_created=True)
    }
    unknown = set(connection.introspection.table_names()) - models.keys()
    assert unknown - portal.WITHOUT_MODEL.keys() == set()


def test_periods_are_told_as_people_say_them() -> None:
    assert [datamap.duration(days) for days in (1, 14, 365, 730, None)] == [
        "einen Tag",
        "14 Tage",
        "ein Jahr",
        "2 Jahre",
        "[Angabe fehlt: Frist, von der Behörde zu bestätigen]",
    ]


@pytest.mark.django_db
def test_the_notice_tells_of_every_purpose(client: Client, settings: Settings) -> None:
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "sign_in_log": 77}
    page = unescape(client.get("/datenschutz/").content.decode())
    for processing in datamap.notice():
        use = processing.use
        for text in (use.title, use.purpose, use.basis, processing.retention, use.recipients):
            assert text in page
    # What the programme does not fix is a proposal until the authority confirms the notice.
    said = "(von der Behörde zu bestätigen)"
    rows = html.fromstring(page).xpath("//h2[@id='verzeichnis']/following-sibling::dl")
    told = [[said in " ".join(dd.text_content().split()) for dd in row.xpath("dd")] for row in rows]
    open_ones = {
        processing.use.title: row
        for processing, row in zip(datamap.notice(), told, strict=True)
        if row != [False, True, True, False]
    }
    assert open_ones == {
        "Antrag und Verfahrensakte": [False, True, False, False],  # a period that is not set
        "Ansprechpersonen im Projektverzeichnis": [False, False, True, False],  # own consent
    }
    assert "[Angabe fehlt: Frist, von der Behörde zu bestätigen] nach ihrem Abschluss" in page
    Authority.objects.update_or_create(pk=1, defaults={"privacy_approved_on": NOW.date()})
    approved = client.get("/datenschutz/").content.decode()
    assert (said in approved, "nach 30 Tagen gelöscht." in approved) == (False, True)
    assert "Anmeldungen 77 Tage; Änderungen an Konten, zweiten Faktoren" in page
    assert "<strong>Laufende Sitzungen:</strong> Konto, IP-Adresse, Kennung des Browsers" in page
