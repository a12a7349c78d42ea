"""Keys for searching and sorting that answer alike on every database, and clean text.

SQLite does not find Ä when asked for ä, and both databases sort Ä after Z. So a record
stores keys made here, and a query is folded the same way before it is compared.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})

# Letters that Unicode does not take apart into a base letter and a mark. ß is not among
# them: casefold() has made it ss.
_LETTERS: Final = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ı": "i"}
)

_LINE_BREAKS: Final = re.compile("\r\n|[\r\x85\u2028\u2029]")

_LAST_ASCII: Final = "\x7f"


def clean_text(text: str) -> str:
    r"""Text as it is stored: NFC, line breaks as \n, nothing invisible.

    Dropped are NUL (which PostgreSQL refuses and SQLite keeps) and all other control
    characters but \n and \t, bidi controls, zero-width and other format characters such
    as the soft hyphen, and lone surrogates, which no database can encode.
    """
    if text.replace("\n", "").isprintable() and unicodedata.is_normalized("NFC", text):
        return text  # as nearly every text is
    visible = _without_invisible(_LINE_BREAKS.sub("\n", text))
    # Only now, for a zero-width character may have stood between a letter and its mark.
    return unicodedata.normalize("NFC", visible)


def _without_invisible(text: str) -> str:
    return "".join(
        char for char in text if char in "\n\t" or unicodedata.category(char) not in _INVISIBLE
    )


_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs"})


def fold(text: str) -> str:
    """The search key of a text: „Groß-Umstadt" becomes „gross umstadt".

    Lower case, ä ö ü as ae oe ue, ß as ss, other letters without their marks (é as e),
    everything that is neither letter nor digit as a single blank, invisible characters
    left out. The same for composed and decomposed input. Folding twice changes nothing.
    """
    return _plain(_lowered(text).translate(_UMLAUTS))


def _fold_bare(text: str) -> str:
    """As `fold`, but with ä ö ü as a o u: what people type without umlauts on their keys."""
    return _plain(_lowered(text))


def _lowered(text: str) -> str:
    # Casefolding can take a letter apart, hence NFC once more.
    return unicodedata.normalize("NFC", clean_text(text).casefold())


def _plain(lowered: str) -> str:
    """Bare letters and digits of a lower-case text, with single blanks between the words."""
    # Compatibility forms come apart too (ﬁ, ² and full-width letters), some into capitals.
    parts = unicodedata.normalize("NFKD", lowered).casefold().translate(_LETTERS)
    return " ".join("".join(map(_letter_or_blank, parts)).split())


def _letter_or_blank(char: str) -> str:
    kind = unicodedata.category(char)
    if kind[0] in "LN":
        return char
    return "" if kind[0] == "M" or kind in _INVISIBLE - {"Cc"} else " "


def search_terms(query: str) -> list[str]:
    """The folded words of a query, each once, in the order typed.

    A record answers the query when its `search_key` contains every one of them.
    """
    return list(dict.fromkeys(fold(query).split()))


def search_key(*texts: str) -> str:
    """What a record stores so that `search_terms` finds it by substring.

    Holds every text twice where it has an umlaut, as „huenfelden" and as „hunfelden",
    because visitors type „Hünfelden", „Huenfelden" and „Hunfelden".
    """
    return " ".join(dict.fromkeys(_forms(texts)))


def _forms(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield from filter(None, (fold(text), _fold_bare(text)))


def sort_key(text: str) -> str:
    """The key that sorts a text as DIN 5007-1 does: ä as a, ß as ss, words before longer words.

    Only blanks, lower-case ASCII letters, digits and „~", so that a comparison byte by
    byte (SQLite; PostgreSQL with collation "C") gives the order. Letters of other
    scripts come after z, as „~" and their code point. Different texts have different
    keys: after two blanks, which sort before everything, follows the text itself as
    hexadecimal UTF-8, so „Bar" comes before „Bär". The key is several times as long as
    the text: store it in a column without a limit.
    """
    bare = "".join(c if c <= _LAST_ASCII else f"~{ord(c):06x}" for c in _fold_bare(text))
    return f"{bare}  {clean_text(text).encode().hex()}"
