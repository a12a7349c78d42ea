"""Money typed and shown the German way.

Amounts are `Decimal` in euro with two decimals, never float. What may be typed is laid
down in PROGRAMME §5. Whatever could be read in two ways is refused rather than guessed.
"""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

CENT: Final = Decimal("0.01")

# Own contexts, so that no caller's precision changes what an amount is.
_EXACT: Final = Context(prec=60)

# Ordinary, no-break and narrow no-break space: what people and word processors put in.
_SPACES: Final = " \u00a0\u202f"

# [0-9] and not \d, which also takes full-width and other digits. A group of thousands
# never starts with 0: „0.123" is far likelier a mistyped 0,123 than 123 euro.
_AMOUNT: Final = re.compile(r"(-?)([1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]{1,2}))?")
_DECIMAL_POINT: Final = re.compile(r"-?[0-9]+(?:,[0-9]{3})*\.[0-9]*")
_TOO_MANY_DECIMALS: Final = re.compile(r"-?[0-9.]+,[0-9]{3,}")

_EXAMPLE: Final = "zum Beispiel 1234,56"
EMPTY: Final = f"Bitte geben Sie einen Betrag ein, {_EXAMPLE}."
WITH_COMMA: Final = f"Bitte geben Sie den Betrag mit Komma ein, {_EXAMPLE}."
TWO_DECIMALS: Final = (
    f"Bitte geben Sie höchstens zwei Stellen nach dem Komma ein, {_EXAMPLE}. "
    "Tausender trennen Sie mit einem Punkt oder gar nicht."
)
DIGITS_ONLY: Final = (
    f"Bitte geben Sie den Betrag nur mit den Ziffern 0 bis 9 und einem Komma ein, {_EXAMPLE} "
    "oder 1.234,56."
)
NOT_NEGATIVE: Final = "Bitte geben Sie einen Betrag ohne Minuszeichen ein."
TOO_HIGH: Final = "Bitte geben Sie einen Betrag bis höchstens 99.999.999,99 € ein."


def parse_euro(text: str, *, allow_negative: bool = False) -> Decimal:
    """Read an amount in euro as people type it in German, e.g. „1.234,56 €".

    Returns a `Decimal` with exactly two decimals. Dots separate thousands („1.234" is
    1234), a comma the cents; spaces around it and one trailing „€" are allowed.
    Raises `ValueError` with a German sentence that says what to do. PROGRAMME §5.
    """
    typed = text.strip(_SPACES).removesuffix("€").rstrip(_SPACES)
    if not typed:
        raise ValueError(EMPTY)
    match = _AMOUNT.fullmatch(typed)
    if match is None:
        raise ValueError(_complaint(typed))
    sign, whole, cents = match.groups()
    if sign and not allow_negative:
        raise ValueError(NOT_NEGATIVE)
    whole = whole.replace(".", "").lstrip("0") or "0"
    # Counting digits first keeps a megabyte of them from ever becoming a number.
    if len(whole) > len("99999999"):
        raise ValueError(TOO_HIGH)
    amount = Decimal(f"{whole}.{(cents or '').ljust(2, '0')}")
    return -amount if sign and amount else amount


def _complaint(typed: str) -> str:
    """What to tell somebody whose input is no amount."""
    if _TOO_MANY_DECIMALS.fullmatch(typed):
        return TWO_DECIMALS
    if _DECIMAL_POINT.fullmatch(typed):
        return WITH_COMMA
    return DIGITS_ONLY


def format_euro(amount: Decimal) -> str:
    """Write an amount in euro the German way, e.g. „1.234.567,50 €" (ordinary space).

    More than two decimals are rounded half up, as merchants do. Raises `ValueError` for
    NaN and infinity, which are no amounts.
    """
    if not amount.is_finite():
        raise ValueError("Das ist kein Geldbetrag.")
    rounded = amount.quantize(CENT, rounding=ROUND_HALF_UP, context=_EXACT)
    # abs() for a zero, so that nobody reads „-0,00 €".
    english = f"{rounded if rounded else abs(rounded):,.2f}"
    return english.translate(str.maketrans(",.", ".,")) + " €"
