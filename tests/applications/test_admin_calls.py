"""Funding calls and the texts of letters at the desk."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from applications.models import FundingCall, LetterBlock
from municipalities.permissions import ADMINISTER, READ, REVIEW, SIGN
from tests import world
from tests.factories import StaffFactory

# Pages alone; that each opens on PostgreSQL too is tried in test_access.
pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

CALLS = "/admin/applications/fundingcall/"
BLOCKS = "/admin/applications/letterblock/"


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings):
    """What a second factor protects is tested elsewhere; here somebody is signed in."""
    settings.PORTAL_DEMO = True


def now() -> datetime:
    return timezone.now() - timedelta(minutes=5)


NO_ROWS = {
    f"{rows}-{count}_FORMS": "0"
    for rows in ("budgets", "check_items")
    for count in ("TOTAL", "INITIAL")
}


def sent(form: Any, **changes: Any) -> dict[str, Any]:
    """What a browser would send of this form, unless changed, and of no further rows."""
    data: dict[str, Any] = {**NO_ROWS}
    for field in form:
        value = field.value()
        widget = field.field.widget
        if hasattr(widget, "widgets"):
            parts = value if isinstance(value, list) else widget.decompress(value)
            for number, part in enumerate(parts):
                shown = widget.widgets[number].format_value(part)
                data[f"{field.html_name}_{number}"] = "" if shown is None else shown
        elif value is not None and value is not False:
            data[field.html_name] = value
    return data | changes


# --- Funding calls --------------------------------------------------------------------------------


def test_a_call_in_preparation_is_written_with_german_amounts(client: Client) -> None:
    w = world.build(now())
    client.force_login(w.administrator)
    call = world.call_in_preparation(now(), title="Neuer Aufruf", cap=None)
    form = client.get(f"{CALLS}{call.pk}/change/").context["adminform"].form
    answer = client.post(
        f"{CALLS}{call.pk}/change/",
        sent(form, cap="30.000,50", rate="0,9", required_documents=["concept", "offer"]),
    )
    assert answer.status_code == 302
    call.refresh_from_db()
    assert (str(call.cap), str(call.rate), call.required_documents) == (
        "30000.50",
        "0.9000",
        ["concept", "offer"],
    )
    last = call.history.first()
    assert (last.history_user, last.history_type) == (w.administrator, "~")


def test_the_limits_of_an_opened_call_cannot_be_changed(client: Client) -> None:
    w = world.build(now())
    client.force_login(w.administrator)
    page = client.get(f"{CALLS}{w.call.pk}/change/")
    assert list(page.context["adminform"].form.fields) == []
    before = FundingCall.objects.values().get(pk=w.call.pk)
    client.post(
        f"{CALLS}{w.call.pk}/change/",
        {"title": "Anders", "cap": "1,00", "minimum_population": "1", "closes_at_0": "01.01.2040"},
    )
    assert FundingCall.objects.values().get(pk=w.call.pk) == before


def test_the_rate_is_said_in_percent_and_the_end_in_public_words(client: Client) -> None:
    w = world.build(now())
    end = datetime(2027, 4, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    FundingCall.objects.filter(pk=w.call.pk).update(rate="0.9000", closes_at=end)
    client.force_login(w.administrator)
    page = client.get(f"{CALLS}{w.call.pk}/change/").content.decode()
    assert "Das sind 90 % der zuwendungsfähigen Ausgaben." in page.replace("\xa0", " ")
    assert "Öffentlich: 31. März 2027, 24:00 Uhr." in page


def test_the_financing_type_may_still_be_filled_in_but_not_changed(client: Client) -> None:
    w = world.build(now())
    FundingCall.objects.filter(pk=w.call.pk).update(financing_type="")
    client.force_login(w.administrator)
    address = f"{CALLS}{w.call.pk}/change/"
    assert list(client.get(address).context["adminform"].form.fields) == ["financing_type"]
    client.post(address, {"financing_type": "shortfall", **NO_ROWS})
    w.call.refresh_from_db()
    assert w.call.financing_type == "shortfall"
    assert list(client.get(address).context["adminform"].form.fields) == []


def test_a_call_opens_only_when_nothing_is_missing(client: Client) -> None:
    w = world.build(now())
    call = world.call_in_preparation(now(), title="Neuer Aufruf", cap=None, cap_source="")
    LetterBlock.objects.filter(kind="grant", key="remedy").delete()
    client.force_login(w.administrator)
    address = f"{CALLS}{call.pk}/freischalten/"
    lacking = [
        "Höchstbetrag in Euro",
        "Quelle zum Höchstbetrag",
        "Textbaustein „Rechtsbehelfsbelehrung“ für „Zuwendungsbescheid“",
    ]
    assert client.get(address).context["lacking"] == lacking
    answer = client.post(address)
    assert (answer.status_code, answer.context["lacking"]) == (422, lacking)
    FundingCall.objects.filter(pk=call.pk).update(
        cap=30_000, cap_source="Förderaufruf", letters_elsewhere=True
    )
    assert client.get(address).context["lacking"] == []
    answer = client.post(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{CALLS}{call.pk}/change/")
    call.refresh_from_db()
    assert call.opened_by == w.administrator
    assert call.history.first().history_change_reason == "freigeschaltet"
    assert client.post(address).status_code == 409


def test_a_call_for_display_is_never_opened(client: Client) -> None:
    w = world.build(now())
    call = world.call_in_preparation(now(), title="Früher", display_only=True)
    client.force_login(w.administrator)
    assert client.get(f"{CALLS}{call.pk}/freischalten/").status_code == 409
    assert "freischalten" not in client.get(f"{CALLS}{call.pk}/change/").content.decode()


def test_a_call_is_extended_with_a_public_notice_and_never_shortened(client: Client) -> None:
    w = world.build(now())
    client.force_login(w.administrator)
    address = f"{CALLS}{w.call.pk}/verlaengern/"
    later = timezone.localtime(w.call.closes_at + timedelta(days=7)).replace(
        second=0, microsecond=0
    )
    data = {
        "closes_at_0": f"{later:%d.%m.%Y}",
        "closes_at_1": f"{later:%H:%M}",
        "notice": "Verlängert, weil das Portal nicht erreichbar war.",
    }
    for changes, errors in (
        ({"notice": " "}, {"notice": ["Bitte geben Sie den öffentlichen Hinweis an."]}),
        (
            {"closes_at_0": "01.01.2021"},
            {
                "closes_at": [
                    "Das neue Ende muss nach dem bisherigen und nach dem jetzigen Zeitpunkt liegen."
                ]
            },
        ),
        ({"closes_at_1": "25:00"}, {"closes_at": ["Bitte geben Sie die Uhrzeit als HH:MM an."]}),
    ):
        answer = client.post(address, data | changes)
        assert (answer.status_code, answer.context["form"].errors) == (422, errors)
    assert client.post(address, data).status_code == 302
    w.call.refresh_from_db()
    assert (w.call.closes_at, w.call.closing_note) == (later, data["notice"])
    assert client.post(address, data).status_code == 422


def test_a_call_without_an_end_has_nothing_to_extend(client: Client) -> None:
    w = world.build(now())
    FundingCall.objects.filter(pk=w.call.pk).update(closes_at=None)
    client.force_login(w.administrator)
    assert client.get(f"{CALLS}{w.call.pk}/verlaengern/").status_code == 409


@pytest.mark.parametrize("role", [READ, REVIEW, SIGN])
def test_only_the_administration_writes_calls_and_texts(role: str, client: Client) -> None:
    w = world.build(now())
    block = LetterBlock.objects.first()
    client.force_login(StaffFactory(roles=[role]))
    assert client.get(CALLS).status_code == 200
    assert client.get(f"{CALLS}{w.call.pk}/change/").status_code == 200
    assert client.get(f"{BLOCKS}{block.pk}/change/").status_code == 200
    for address in (
        f"{CALLS}add/",
        f"{CALLS}{w.call.pk}/delete/",
        f"{CALLS}{w.call.pk}/freischalten/",
        f"{CALLS}{w.call.pk}/verlaengern/",
        f"{BLOCKS}add/",
        f"{BLOCKS}{block.pk}/delete/",
    ):
        assert client.get(address).status_code == 403, address
        assert client.post(address, {"title": "x"}).status_code == 403, address
    assert client.post(f"{CALLS}{w.call.pk}/change/", {"title": "x"}).status_code == 403
    assert client.post(f"{BLOCKS}{block.pk}/change/", {"text": "x"}).status_code == 403


def test_nobody_deletes_calls_and_texts(client: Client) -> None:
    w = world.build(now())
    block = LetterBlock.objects.first()
    for user in (w.administrator, StaffFactory(is_superuser=True)):
        client.force_login(user)
        assert client.post(f"{CALLS}{w.call.pk}/delete/", {"post": "yes"}).status_code == 403
        assert client.post(f"{BLOCKS}{block.pk}/delete/", {"post": "yes"}).status_code == 403
    client.force_login(StaffFactory(roles=[ADMINISTER]))
    assert client.get(f"{CALLS}{w.call.pk}/history/").status_code == 200


# --- Texts of letters -----------------------------------------------------------------------------


def test_a_text_no_letter_holds_yet_can_be_edited(client: Client) -> None:
    w = world.build(now())
    block = LetterBlock.objects.get(kind="grant", key="remedy")
    client.force_login(w.administrator)
    address = f"{BLOCKS}{block.pk}/change/"
    form = client.get(address).context["adminform"].form
    answer = client.post(address, sent(form, text="Neu.", valid_from="01.01.2020", valid_to=""))
    assert answer.status_code == 302
    block.refresh_from_db()
    assert block.text == "Neu."


def test_a_text_that_stands_in_a_letter_is_succeeded_not_edited(client: Client) -> None:
    w = world.build(now())
    world.granted(w, now())
    block = LetterBlock.objects.get(kind="grant", key="remedy")
    client.force_login(w.administrator)
    address = f"{BLOCKS}{block.pk}/change/"
    page = client.get(address)
    assert list(page.context["adminform"].form.fields) == ["valid_to"]
    successor = page.context["successor_href"]
    assert successor == f"{BLOCKS}add/?kind=grant&key=remedy"
    initial = client.get(successor).context["adminform"].form.initial
    assert (initial["kind"], initial["key"]) == ("grant", "remedy")
    text = block.text
    answer = client.post(address, {"text": "Anders", "valid_to": "01.01.2021"})
    assert answer.context["adminform"].form.errors == {
        "valid_to": [f"Ein Schreiben vom {timezone.localdate():%d.%m.%Y} enthält diesen Baustein."]
    }
    last = timezone.localdate() + timedelta(days=30)
    assert (
        client.post(address, {"text": "Anders", "valid_to": f"{last:%d.%m.%Y}"}).status_code == 302
    )
    block.refresh_from_db()
    assert (block.text, block.valid_to, block.valid_from) == (text, last, date(2020, 1, 1))
    rejection = LetterBlock.objects.get(kind="rejection", key="remedy")
    page = client.get(f"{BLOCKS}{rejection.pk}/change/")
    assert page.context["used_in"] == 0
