"""The dates of a call as a calendar file."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from applications import services
from tests.factories import NOW, FundingCallFactory, StaffFactory

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


def entries(client, call) -> list:
    response = client.get(f"/foerder-aufrufe/{call.pk}.ics")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(response.content).walk("VEVENT")


@pytest.mark.parametrize(
    ("closes_at", "end"),
    [
        # Summer and winter time: midnight in Hesse is another instant in UTC.
        (datetime(2027, 7, 1, tzinfo=BERLIN), b"DTEND:20270630T220000Z"),
        (datetime(2027, 1, 1, tzinfo=BERLIN), b"DTEND:20261231T230000Z"),
        (datetime(2027, 3, 28, 3, tzinfo=BERLIN), b"DTEND:20270328T010000Z"),
        (datetime(2026, 12, 1, 12, tzinfo=BERLIN), b"DTEND:20261201T110000Z"),
    ],
)
def test_the_end_of_a_call_is_the_right_instant_in_summer_and_in_winter(client, closes_at, end):
    call = FundingCallFactory(closes_at=closes_at)
    assert end in client.get(f"/foerder-aufrufe/{call.pk}.ics").content
    assert entries(client, call)[1].decoded("dtend") == closes_at


def test_a_call_that_ends_at_midnight_stands_on_its_last_day(client):
    call = FundingCallFactory(title="KIV IV", closes_at=datetime(2027, 7, 1, tzinfo=BERLIN))
    end = entries(client, call)[1]
    assert end.decoded("dtstart").astimezone(BERLIN).date().isoformat() == "2027-06-30"
    assert end["summary"] == "Antragsfrist endet: KIV IV"
    assert end["description"] == "Anträge gehen bis 30. Juni 2027, 24:00 Uhr ein."


def test_a_call_without_an_end_has_its_beginning_alone(client):
    call = FundingCallFactory(title="KIV IV")
    assert [(one["summary"], one.decoded("dtstart")) for one in entries(client, call)] == [
        ("Antragstellung möglich: KIV IV", datetime(2026, 1, 1, 8, tzinfo=UTC))
    ]


def test_an_extended_call_keeps_the_ids_of_its_entries_and_counts_the_change(client):
    call = FundingCallFactory(closes_at=NOW + timedelta(days=30))
    before = entries(client, call)
    keeper = StaffFactory(roles=["Verwaltung"])
    services.extend_call(
        call=call,
        closes_at=NOW + timedelta(days=60),
        notice="Verlängert, „Grund“; siehe Hinweis",
        by=keeper,
        at=NOW,
    )
    after = entries(client, call)
    assert [one["uid"] for one in after] == [one["uid"] for one in before]
    assert [one["sequence"] for one in before + after] == [0, 0, 1, 1]
    assert after[1].decoded("dtend") == NOW + timedelta(days=60)
    assert after[1]["description"].endswith("ein. Verlängert, „Grund“; siehe Hinweis")


def test_the_file_is_the_same_each_time(client):
    call = FundingCallFactory()
    address = f"/foerder-aufrufe/{call.pk}.ics"
    assert client.get(address).content == client.get(address).content


@pytest.mark.parametrize(
    "changes", [{"opened_at": None}, {"display_only": True, "opened_at": None}]
)
def test_a_call_that_is_not_public_has_no_calendar(client, changes):
    call = FundingCallFactory(**changes)
    assert client.get(f"/foerder-aufrufe/{call.pk}.ics").status_code == 404
