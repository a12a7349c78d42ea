"""Bank details as people type them: the IBAN and the bank behind it, without a network.

schwifty brings the structure of every country's IBAN and the list of banks; it takes half a
second to load and is therefore imported at the first use.
"""

import re
from dataclasses import dataclass
from typing import Final

BLANKS: Final = re.compile(r"[\s\u00a0\u202f\u2009\u200b-]+")

CHECK_AGAIN: Final = "Bitte vergleichen Sie sie mit einem Kontoauszug."
WRONG_CHARACTERS: Final = (
    "Eine IBAN besteht aus zwei Buchstaben für das Land und danach aus Ziffern, zum Beispiel "
    f"DE89 3704 0044 0532 0130 00. {CHECK_AGAIN}"
)
WRONG_COUNTRY: Final = f"Mit „{{country}}“ beginnt keine IBAN. {CHECK_AGAIN}"
WRONG_LENGTH: Final = (
    f"Eine IBAN, die mit {{country}} beginnt, hat {{wanted}} Stellen, diese hat {{given}}. "
    f"{CHECK_AGAIN}"
)
WRONG_DIGITS: Final = (
    "Die Prüfziffern dieser IBAN passen nicht zu den übrigen Stellen. Vermutlich ist eine Ziffer "
    f"vertauscht oder vergessen. {CHECK_AGAIN}"
)


@dataclass(frozen=True, slots=True)
class Bank:
    """The bank an IBAN leads to; both texts are empty where the list of banks has none."""

    name: str
    bic: str


def parse_iban(text: str) -> str:
    """The IBAN without blanks and in capitals, once structure and check digits are right.

    Raises ValueError with a German message.
    """
    from schwifty import IBAN, exceptions

    compact = BLANKS.sub("", text).upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}", compact):
        raise ValueError(WRONG_CHARACTERS)
    try:
        IBAN(compact)
    except exceptions.InvalidLength as error:
        country = compact[:2]
        wanted = IBAN(compact, allow_invalid=True).spec.iban_length
        message = WRONG_LENGTH.format(country=country, wanted=wanted, given=len(compact))
        raise ValueError(message) from error
    except exceptions.InvalidCountryCode as error:
        raise ValueError(WRONG_COUNTRY.format(country=compact[:2])) from error
    except exceptions.InvalidChecksumDigits as error:
        raise ValueError(WRONG_DIGITS) from error
    except exceptions.SchwiftyException as error:
        raise ValueError(WRONG_CHARACTERS) from error
    return compact


def format_iban(iban: str) -> str:
    """An IBAN in groups of four, as it stands on a bank card."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def bank_of(iban: str) -> Bank:
    """Name and BIC of the bank behind a stored IBAN, as far as the list of banks knows them."""
    from schwifty import IBAN, exceptions

    try:
        found = IBAN(iban)
    except exceptions.SchwiftyException:
        return Bank("", "")
    return Bank(found.bank_name or "", str(found.bic or ""))
