"""Opening and extending a call: what it needs, who may, and the instants at which it is open."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from applications import services
from applications.models import FundingCall, LetterBlock
from applications.models.letters import REQUIRED_BLOCKS
from applications.services.calls import AlreadyOpen, CallIncomplete, NotAnExtension
from municipalities import permissions
from tests import world
from tests.factories import NOW

LATER = NOW + timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator() -> Any:
    return world.staff(permissions.ADMINISTER)


def prepared(**changes: Any) -> FundingCall:
    """A call with its texts, ready to be opened."""
    world.texts()
    return world.call_in_preparation(**changes)


def open_(call: FundingCall, by: Any, at: datetime = NOW) -> FundingCall:
    opened = services.open_call(call=call, by=by, at=at)
    opened.refresh_from_db()
    return opened


# --- What a call needs ----------------------------------------------------------------------------


def test_a_prepared_call_lacks_nothing():
    assert services.missing_for_opening(prepared()) == []


@pytest.mark.parametrize(
    ("name", "empty", "words"),
    [
        ("opens_at", None, ["Beginn"]),
        ("round", None, ["Förderrunde"]),
        ("guideline", "", ["Förderrichtlinie"]),
        ("clause", "", ["Nummer der Richtlinie"]),
        ("purpose", "", ["Zuwendungszweck"]),
        ("minimum_population", None, ["Mindestzahl"]),
        ("maximum_population", None, ["Höchstzahl"]),
        ("population_source", "", ["Quelle der Grenzen"]),
        ("joint_allowed", None, ["Verbund zugelassen"]),
        ("duration_min", None, ["Laufzeit mindestens (Monate)"]),
        ("duration_max", None, ["Laufzeit höchstens (Monate)"]),
        ("duration_source", "", ["Quelle zur Laufzeit"]),
        ("cap", None, ["Höchstbetrag in Euro"]),
        ("cap_source", "", ["Quelle zum Höchstbetrag"]),
        ("joint_source", "", ["Quelle zum Verbund"]),
        ("population_basis", "", ["Zensusbasis"]),
        ("financing_type", "", ["Finanzierungsart"]),
    ],
)
def test_each_missing_field_is_named_and_stops_the_opening(administrator, name, empty, words):
    call = prepared(**{name: empty})
    assert services.missing_for_opening(call) == words
    with pytest.raises(CallIncomplete) as refused:
        open_(call, administrator)
    assert refused.value.missing == words
    assert str(refused.value) == f"Dem Aufruf fehlt noch: {words[0]}"
    call.refresh_from_db()
    assert (call.opened_at, call.opened_by) == (None, None)


@pytest.mark.parametrize(
    "values",
    [
        {"joint_allowed": False, "joint_source": ""},
        {"population_as_of": None, "population_basis": ""},
        {"closes_at": None},
        {"rate": None, "earliest_decision_weeks": None, "joint_minimum_sum": None},
        {"minimum_population": 0, "cap": Decimal("0.00")},
    ],
)
def test_what_is_not_known_or_does_not_apply_stops_nothing(administrator, values):
    assert open_(prepared(**values), administrator).opened_at == NOW


def test_every_text_of_every_letter_is_named():
    call = world.call_in_preparation()
    assert services.missing_for_opening(call) == [
        f"Textbaustein „{key.label}“ für „{letter}“"
        for letter, kind in (("Zuwendungsbescheid", "grant"), ("Ablehnungsbescheid", "rejection"))
        for key in REQUIRED_BLOCKS[kind]
    ]


def test_texts_count_on_the_day_the_call_begins():
    begins = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # the first of January in Germany
    call = prepared(opens_at=begins)
    LetterBlock.objects.update(valid_from=date(2027, 1, 1))
    assert services.missing_for_opening(call) == []
    LetterBlock.objects.update(valid_from=date(2027, 1, 2))
    assert len(services.missing_for_opening(call)) == 9


def test_an_authority_that_writes_its_letters_elsewhere_needs_no_texts(administrator):
    call = world.call_in_preparation(letters_elsewhere=True, financing_type="")
    assert open_(call, administrator).opened_at == NOW


# --- Opening --------------------------------------------------------------------------------------


def test_opening_notes_who_and_when_and_its_history(administrator):
    call = open_(prepared(), administrator)
    assert (call.opened_at, call.opened_by) == (NOW, administrator)
    assert call.history.first().history_change_reason == "freigeschaltet"


def test_a_call_is_opened_once(administrator):
    call = open_(prepared(), administrator)
    with pytest.raises(AlreadyOpen):
        open_(call, administrator, LATER)
    call.refresh_from_db()
    assert call.opened_at == NOW


def test_an_earlier_round_takes_no_applications(administrator):
    with pytest.raises(CallIncomplete) as refused:
        open_(prepared(display_only=True), administrator)
    assert refused.value.missing == ["ein Aufruf, der nicht nur zur Anzeige dient"]


@pytest.mark.parametrize("role", [permissions.READ, permissions.REVIEW, permissions.SIGN])
def test_only_the_administration_opens_and_extends(role):
    person, call = world.staff(role), prepared()
    with pytest.raises(services.NotAllowed):
        open_(call, person)
    with pytest.raises(services.NotAllowed):
        extend(call, call.closes_at + timedelta(days=1), person)


def test_a_call_is_open_from_one_instant_until_just_before_another(administrator):
    call = prepared()
    second = timedelta(seconds=1)
    assert call.is_open(NOW) is False
    call = open_(call, administrator)
    instants = [
        call.opens_at - second,
        call.opens_at,
        call.closes_at - second,
        call.closes_at,
    ]
    assert [call.is_open(at) for at in instants] == [False, True, True, False]
    assert [call.is_over(at) for at in instants] == [False, False, False, True]
    assert [list(FundingCall.objects.open_at(at)) for at in instants] == [[], [call], [call], []]


def test_a_call_without_an_end_is_never_over(administrator):
    call = open_(prepared(closes_at=None), administrator)
    far = NOW + timedelta(days=20_000)
    assert (call.is_open(far), call.is_over(far)) == (True, False)


# --- Extending ------------------------------------------------------------------------------------


def extend(
    call: FundingCall, closes_at: datetime, by: Any, notice: str = "Wegen Störung.", at: Any = NOW
) -> FundingCall:
    extended = services.extend_call(call=call, closes_at=closes_at, notice=notice, by=by, at=at)
    extended.refresh_from_db()
    return extended


def test_an_extended_call_ends_later_and_says_why(administrator):
    call = open_(prepared(), administrator)
    until = call.closes_at + timedelta(days=7)
    call = extend(call, until, administrator, " Wegen Störung verlängert. ")
    assert (call.closes_at, call.closing_note) == (until, "Wegen Störung verlängert.")
    assert call.history.first().history_change_reason == "Wegen Störung verlängert."


def test_a_call_that_is_over_can_be_opened_again_by_an_extension(administrator):
    call = open_(prepared(), administrator)
    at = call.closes_at + timedelta(days=3)
    call = extend(call, at + timedelta(seconds=1), administrator, at=at)
    assert call.is_open(at) is True


@pytest.mark.parametrize(
    ("after_end", "after_now", "notice"),
    [(0, 60, "Grund"), (-1, 59, "Grund"), (1, 61, " \n")],
)
def test_an_extension_ends_later_and_has_its_notice(administrator, after_end, after_now, notice):
    call = open_(prepared(), administrator)
    closes = call.closes_at
    assert closes + timedelta(days=after_end) == NOW + timedelta(days=after_now)
    with pytest.raises(NotAnExtension):
        extend(call, closes + timedelta(days=after_end), administrator, notice)
    call.refresh_from_db()
    assert (call.closes_at, call.closing_note) == (closes, "")


def test_an_extension_does_not_end_in_the_past(administrator):
    call = open_(prepared(), administrator)
    at = call.closes_at + timedelta(days=3)
    for until in (at, at - timedelta(days=1)):
        with pytest.raises(NotAnExtension):
            extend(call, until, administrator, at=at)


def test_a_call_without_an_end_cannot_be_extended(administrator):
    call = open_(prepared(closes_at=None), administrator)
    with pytest.raises(NotAnExtension):
        extend(call, LATER, administrator)


def test_a_long_notice_is_kept_whole(administrator):
    call = open_(prepared(), administrator)
    notice = "Grund " * 40
    call = extend(call, call.closes_at + timedelta(days=1), administrator, notice)
    assert call.closing_note == notice.strip()
    assert call.history.first().history_change_reason == notice.strip()[:100]
