"""Search keys, sort keys and clean text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiv_portal.folding import clean_text, fold, search_key, search_terms, sort_key

WORDS = st.text(max_size=30)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hünfelden", "huenfelden"),
        ("Groß-Umstadt", "gross umstadt"),
        ("GROẞ-UMSTADT", "gross umstadt"),
        ("Rödermark", "roedermark"),
        ("Café Olé", "cafe ole"),
        ("Allendorf (Eder)", "allendorf eder"),
        ("Selters/Ts.", "selters ts"),
        ("St. Goar\t\n am  Rhein", "st goar am rhein"),
        ("Flücht\u00adlinge", "fluechtlinge"),
        ("\u202eBad\u200b Camberg\u202c\ufeff", "bad camberg"),
        ("Łódź, Øre, Ærø, Þór", "lodz ore aero thor"),
        ("ﬁnden ² ＡＢ ℡", "finden 2 ab tel"),
        ("İzmir", "izmir"),
        ("Москва", "москва"),
        ("2.6 – 30 %", "2 6 30"),
        ("a\u200b\u0308", "ae"),
        ("", ""),
        ("…/-", ""),
    ],
)
def test_a_text_is_folded_for_searching(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(WORDS)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(WORDS)
def test_composed_and_decomposed_text_fold_alike(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert fold(decomposed) == fold(text)
    assert search_key(decomposed) == search_key(text)
    assert sort_key(decomposed) == sort_key(text)
    assert clean_text(decomposed) == clean_text(text)


@pytest.mark.parametrize(
    "query",
    [
        "Hünfelden",
        "Hunfelden",
        "huenfelden",
        "HÜNFELDEN",
        "hu\u0308nf",
        "groß umstadt",
        "gross-umstadt",
        "GROẞ",
        "umstadt hunf",
        "",
    ],
)
def test_a_visitor_finds_the_name_however_it_is_typed(query: str) -> None:
    key = search_key("Hünfelden", "Groß-Umstadt")
    assert [term for term in search_terms(query) if term not in key] == []


def test_a_visitor_does_not_find_another_name() -> None:
    key = search_key("Hünfelden", "Groß-Umstadt")
    assert [term for term in search_terms("Hünstetten Umstadt") if term not in key] == [
        "huenstetten"
    ]


def test_the_words_of_a_query_come_once_and_in_order() -> None:
    assert search_terms("Groß-Umstadt, gross St. GOAR") == ["gross", "umstadt", "st", "goar"]


def test_a_search_key_holds_both_forms_of_an_umlaut_and_nothing_twice() -> None:
    assert search_key("Rödermark", "Bensheim", "", "Bensheim") == "roedermark rodermark bensheim"


@given(WORDS)
def test_a_text_is_found_by_itself(text: str) -> None:
    key = search_key(text)
    assert [term for term in search_terms(text) if term not in key] == []


@pytest.mark.parametrize(
    "in_order",
    [
        ["Alsfeld", "Ärger", "Aßlar", "Bad Arolsen", "Bad Camberg", "Badenhausen", "Bär", "Zell"],
        ["Bar", "Bär", "Bare"],
        ["Groß-Bieberau", "Groß-Gerau", "Große Aue", "Grossen", "Großen-Linden"],
        ["Oberursel", "Öd", "Offenbach", "Zwingenberg", "Ωmega", "Яma"],
        ["Runde 1", "Runde 2", "Rundenlos"],
    ],
)
def test_names_sort_as_in_a_german_dictionary(in_order: list[str]) -> None:
    assert sorted(set(in_order), key=sort_key) == in_order


@given(WORDS)
def test_a_sort_key_is_lower_ascii(text: str) -> None:
    assert set(sort_key(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789~ ")


@given(WORDS, WORDS)
def test_different_texts_have_different_sort_keys(one: str, other: str) -> None:
    assert (sort_key(one) == sort_key(other)) == (clean_text(one) == clean_text(other))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Zeile 1\r\nZeile 2\rZeile 3\nZeile 4", "Zeile 1\nZeile 2\nZeile 3\nZeile 4"),
        ("a\u2028b\u2029c\x85d", "a\nb\nc\nd"),
        ("a\x00b\x0bc\x7f\td", "abc\td"),
        ("u\u0308", "ü"),
        ("\u202eevil\u2066x\u2069", "evilx"),
        ("a\u200bb\u200dc\ufeffd\u00ade\ud800", "abcde"),
        ("  bleibt stehen  ", "  bleibt stehen  "),
        ("a\u00a0b – „c“ €", "a\u00a0b – „c“ €"),
    ],
)
def test_a_text_is_cleaned_before_it_is_stored(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@given(st.text())
def test_a_clean_text_stays_as_it_is_and_can_be_stored(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert "\x00" not in clean
    assert clean.encode().decode() == clean
