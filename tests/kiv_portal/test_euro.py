"""Money as people type it in German, and as it is shown to them."""

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiv_portal.euro import (
    DIGITS_ONLY,
    EMPTY,
    NOT_NEGATIVE,
    TOO_HIGH,
    TWO_DECIMALS,
    WITH_COMMA,
    format_euro,
    parse_euro,
)

CENTS = st.integers(min_value=0, max_value=9_999_999_999)


def refusal(text: str) -> str:
    with pytest.raises(ValueError) as caught:
        parse_euro(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1.234,56", "1234.56"),
        ("1234,56", "1234.56"),
        ("1.234", "1234.00"),
        ("1234", "1234.00"),
        ("1234,5", "1234.50"),
        ("0", "0.00"),
        ("0,01", "0.01"),
        ("007", "7.00"),
        ("1.234.567,50", "1234567.50"),
        ("99.999.999,99", "99999999.99"),
        ("99999999,99", "99999999.99"),
    ],
)
def test_an_amount_is_read_the_german_way(typed: str, amount: str) -> None:
    assert str(parse_euro(typed)) == amount


@pytest.mark.parametrize(
    "typed",
    [
        " 1.234,56 ",
        "1.234,56€",
        "1.234,56 €",
        "1.234,56\u00a0€",
        "1.234,56\u202f€",
        "\u00a01.234,56\u202f€ ",
        "\u202f 1.234,56 \u00a0€\u00a0",
    ],
)
def test_spaces_around_an_amount_and_a_trailing_sign_are_taken(typed: str) -> None:
    assert parse_euro(typed) == Decimal("1234.56")


@pytest.mark.parametrize("typed", ["", " ", "\u00a0\u202f", "€", " €"])
def test_nothing_typed_asks_for_an_amount(typed: str) -> None:
    assert refusal(typed) == EMPTY


@pytest.mark.parametrize(
    "typed", ["1234.56", "1.23", "1,234.56", "0.123", "1234.5", "5.", "1234.567"]
)
def test_a_decimal_point_asks_for_a_comma(typed: str) -> None:
    assert refusal(typed) == WITH_COMMA


@pytest.mark.parametrize("typed", ["1,234", "1.234,567", "12,3456", "0,001"])
def test_more_than_two_decimals_are_refused(typed: str) -> None:
    assert refusal(typed) == TWO_DECIMALS


@pytest.mark.parametrize(
    "typed",
    [
        "12.34,5",
        "1.2345",
        "1234.567,00",
        "1..234",
        ".234",
        "1,234,567",
        "1e3",
        "1_000",
        "１２３",
        "١٢٣",
        "1²",
        "NaN",
        "Infinity",
        "-Infinity",
        "inf",
        ",50",
        "5,",
        "+5",
        "--5",
        "€ 5",
        "5 € €",
        "5 EUR",
        "1 234,56",
        "1\u00a0234",
        "5\n",
        "\t5",
        "0x10",
        "5'000",
        "abc",
        "\u22125",
        "5-",
        "5\x00",
    ],
)
def test_what_could_be_misread_is_refused(typed: str) -> None:
    assert refusal(typed) in {DIGITS_ONLY, WITH_COMMA}


@pytest.mark.parametrize("typed", ["100.000.000", "100000000", "99.999.999.999", "9" * 1_000_000])
def test_an_amount_above_the_highest_is_refused(typed: str) -> None:
    assert refusal(typed) == TOO_HIGH


@pytest.mark.parametrize("typed", ["-1", "-0", "-1.234,56 €"])
def test_a_negative_amount_is_refused(typed: str) -> None:
    assert refusal(typed) == NOT_NEGATIVE


def test_a_negative_amount_is_read_where_it_makes_sense() -> None:
    assert parse_euro("-1.234,50 €", allow_negative=True) == Decimal("-1234.50")


def test_minus_zero_is_zero() -> None:
    assert str(parse_euro("-0,00", allow_negative=True)) == "0.00"


def test_every_refusal_shows_how_it_is_done() -> None:
    assert WITH_COMMA == "Bitte geben Sie den Betrag mit Komma ein, zum Beispiel 1234,56."


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("1234567.5", "1.234.567,50 €"),
        ("0", "0,00 €"),
        ("-0.001", "0,00 €"),
        ("0.005", "0,01 €"),
        ("0.015", "0,02 €"),
        ("999", "999,00 €"),
        ("1E+3", "1.000,00 €"),
        ("-1250", "-1.250,00 €"),
    ],
)
def test_an_amount_is_shown_the_german_way(amount: str, shown: str) -> None:
    assert format_euro(Decimal(amount)) == shown


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_amount_is_not_shown(amount: str) -> None:
    with pytest.raises(ValueError, match="kein Geldbetrag"):
        format_euro(Decimal(amount))


def test_a_callers_precision_changes_no_amount() -> None:
    with decimal.localcontext(prec=3):
        assert format_euro(parse_euro("12.345.678,91")) == "12.345.678,91 €"


@given(CENTS)
def test_what_is_shown_can_be_typed_again(cents: int) -> None:
    amount = Decimal(cents).scaleb(-2)
    assert parse_euro(format_euro(amount)) == amount
    assert parse_euro(format_euro(-amount), allow_negative=True) == -amount


@given(st.text(alphabet="0123456789.,-+ €e_\u00a0\u202f１NaI\n"))
def test_whatever_is_typed_is_an_amount_to_the_cent_or_a_sentence(text: str) -> None:
    sentences = {EMPTY, WITH_COMMA, TWO_DECIMALS, DIGITS_ONLY, NOT_NEGATIVE, TOO_HIGH}
    try:
        amount = parse_euro(text)
    except ValueError as error:
        said = str(error)
    else:
        said = EMPTY
        assert amount.as_tuple().exponent == -2
        assert Decimal(0) <= amount <= Decimal("99999999.99")
    assert said in sentences
