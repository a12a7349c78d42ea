"""Two versions beside each other: words marked, rows by their ids, nothing lost, nothing folded
away that differs."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from applications import services
from applications.documents import comparison
from applications.documents.comparison import Piece, RowKind, compare, marked
from applications.models import Application
from applications.rules import Step
from applications.services import snapshots
from tests import world

CASE = "/admin/applications/application/"


def joined(pieces: comparison.Text) -> str:
    return "".join(piece.text for piece in pieces)


def words(pieces: comparison.Text) -> list[str]:
    """The marked stretches."""
    return [piece.text for piece in pieces if piece.changed]


def unmarked(pieces: comparison.Text) -> str:
    """What is on both sides; a blank may be marked on one side only."""
    return "".join("".join(piece.text for piece in pieces if not piece.changed).split())


# --- Words ----------------------------------------------------------------------------------------


def test_equal_texts_have_nothing_marked():
    assert marked("Ein Satz. Noch einer.", "Ein Satz. Noch einer.") == (
        (Piece("Ein Satz. Noch einer."),),
        (Piece("Ein Satz. Noch einer."),),
    )


def test_a_changed_word_is_marked_and_its_sentence_stands():
    before, after = marked("Wir fragen alle Menschen. Danke.", "Wir fragen alle Leute. Danke.")
    assert before == (Piece("Wir fragen alle "), Piece("Menschen", True), Piece(". Danke."))
    assert after == (Piece("Wir fragen alle "), Piece("Leute", True), Piece(". Danke."))


def test_words_changed_next_to_each_other_are_one_stretch():
    _, after = marked("Eins zwei drei.", "Eins ganz anders drei.")
    assert words(after) == ["ganz anders"]


def test_what_was_empty_is_new_as_a_whole():
    assert marked("", "Neu.") == ((), (Piece("Neu.", True),))
    assert marked("Alt.", "") == ((Piece("Alt.", True),), ())


@given(st.text(alphabet="ab .\n", max_size=60), st.text(alphabet="ab .\n", max_size=60))
def test_the_pieces_joined_are_the_texts(before: str, after: str):
    left, right = marked(before, after)
    assert (joined(left), joined(right)) == (before, after)
    assert unmarked(left) == unmarked(right)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a. " * 6600, "b. " + "a. " * 6599),
        ("und " * 5000, "oder " * 4000),
        ("wort " * 4000, "wort " * 3999 + "ende"),
        (" ".join(f"w{n % 97}" for n in range(4000)), " ".join(f"w{n % 89}" for n in range(4000))),
    ],
)
def test_a_text_turned_upside_down_takes_no_time(before: str, after: str):
    begun = time.process_time()
    left, right = marked(before, after)
    assert time.process_time() - begun < 3
    assert (joined(left), joined(right)) == (before, after)


# --- Versions -------------------------------------------------------------------------------------


@pytest.fixture
def content(db: None) -> dict[str, Any]:
    application = world.submitted(world.build())
    return snapshots.read(application.first_snapshot)


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[comparison.Section]:
    return [section for section in compare(before, after) if section.changed]


def test_a_version_does_not_differ_from_itself(content: dict[str, Any]):
    sections = compare(content, deepcopy(content))
    assert [section.step for section in sections] == [step.value for step in Step]
    assert [section for section in sections if section.changed] == []


def test_a_changed_answer_stands_with_both_texts_and_the_rest_is_folded(content: dict[str, Any]):
    after = deepcopy(content)
    after["steps"]["konzeption"]["goals"] = "Neue Ziele"
    (section,) = changed(content, after)
    (field,) = section.changed_fields
    assert (section.heading, field.label) == ("Konzeption", "Ziele")
    assert (joined(field.before), joined(field.after)) == ("Ziele", "Neue Ziele")
    assert len(section.same_fields) == len(content["steps"]["konzeption"]) - 1


def test_rows_are_matched_by_their_id_and_not_by_their_place(content: dict[str, Any]):
    after = deepcopy(content)
    rows = after["steps"]["finanzierung"]["expenses"]
    rows[1]["amount"] = "12345.67"
    rows.insert(
        0, world.row(year=2027, category="events", text="Fest", amount="1.00", eligible=True)
    )
    (section,) = changed(content, after)
    (table,) = [table for table in section.tables if table.changes]
    assert [(row.kind, [joined(cell) for cell in row.after]) for row in table.changes] == [
        (RowKind.NEW, ["2027", "Veranstaltungen/Beteiligung", "Fest", "Ja", "1,00 €"]),
        (RowKind.CHANGED, ["2028", "Prozessmoderation/Honorare", "–", "Ja", "12.345,67 €"]),
    ]
    assert [words(cell) for cell in table.changes[1].before] == [[], [], [], [], ["10.000,00"]]
    assert (table.caption, table.same) == ("Ausgaben", 1)


def test_a_row_that_is_gone_is_shown_as_it_was(content: dict[str, Any]):
    after = deepcopy(content)
    (gone,) = after["steps"]["beteiligung"]["formats"]
    after["steps"]["beteiligung"]["formats"] = []
    (section,) = changed(content, after)
    (row,) = section.tables[0].changes
    assert (row.kind, row.kind.label, row.after) == (RowKind.GONE, "entfallen", ())
    assert joined(row.before[0]) == gone["name"]


def document(key: str, name: str, kind: str = "concept") -> dict[str, Any]:
    return {
        "id": key,
        "kind": kind,
        "municipality": None,
        "name": name,
        "content_type": "application/pdf",
        "size": 2048,
        "sha256": key * 4,
    }


def test_a_replaced_file_stands_beside_the_one_it_replaces(content: dict[str, Any]):
    before, after = deepcopy(content), deepcopy(content)
    before["documents"] = [document("a", "alt.pdf"), document("b", "bleibt.pdf", "offer")]
    after["documents"] = [document("b", "bleibt.pdf", "offer"), document("c", "neu.pdf")]
    (section,) = changed(before, after)
    (table,) = section.tables
    (row,) = table.changes
    assert [joined(cell) for cell in row.before] == ["Konzeption", "alt.pdf", "2 KB", "aaaa"]
    assert [joined(cell) for cell in row.after] == ["Konzeption", "neu.pdf", "2 KB", "cccc"]
    assert (row.kind, table.same) == (RowKind.CHANGED, 1)


def test_a_file_more_is_new_and_the_last_file_may_go(content: dict[str, Any]):
    one = deepcopy(content)
    one["documents"] = [document("a", "eins.pdf")]
    (there,) = changed(content, one)
    (back,) = changed(one, content)
    assert [row.kind for row in there.tables[0].changes] == [RowKind.NEW]
    assert [row.kind for row in back.tables[0].changes] == [RowKind.GONE]


def test_a_partner_that_left_is_a_row_of_the_kommunen(content: dict[str, Any]):
    before = deepcopy(content)
    before["members"].append(
        before["members"][0] | {"ags": "06439999", "official_name": "Kleinheim", "role": "partner"}
    )
    (section,) = changed(before, content)
    (row,) = section.tables[0].changes
    assert (section.step, row.kind) == ("kommune", RowKind.GONE)
    assert [joined(cell) for cell in row.before][:2] == ["Kleinheim", "Partnerkommune"]


# --- The page -------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings):
    settings.PORTAL_DEMO = True


def answered(w: world.World, text: str = "Neue <b>Lage</b>") -> Application:
    """Asked for its Konzeption, and answered."""
    application = world.requested(w)
    application = world.save(application, Step.KONZEPTION, {"situation": text}, w.clerk)
    return services.answer(application=application, by=w.signatory, at=world.NOW)


@pytest.mark.django_db
def test_the_page_shows_the_last_two_versions_and_escapes_what_was_typed(client: Client):
    w = world.build()
    application = answered(w)
    client.force_login(w.reader)
    page = client.get(f"{CASE}{application.pk}/vergleich/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "<ins>Neue &lt;b&gt;</ins>Lage<ins>&lt;/b&gt;</ins>" in text
    assert [section.step for section in page.context["changed"]] == ["konzeption"]
    assert len(page.context["same"]) == len(Step) - 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["?von=0", "?bis=7", "?von=x", "?von=²", "?bis=99999999999999999"]
)
def test_a_version_that_is_not_there_is_a_404(client: Client, query: str):
    w = world.build()
    application = answered(w)
    client.force_login(w.reader)
    assert client.get(f"{CASE}{application.pk}/vergleich/{query}").status_code == 404


@pytest.mark.django_db
def test_one_version_alone_has_no_comparison(client: Client):
    w = world.build()
    application = world.in_check(w)
    client.force_login(w.reader)
    assert client.get(f"{CASE}{application.pk}/vergleich/").status_code == 404


@pytest.mark.django_db
def test_the_case_page_leads_to_the_comparison(client: Client):
    w = world.build()
    application = answered(w)
    client.force_login(w.reader)
    text = client.get(f"{CASE}{application.pk}/change/").content.decode()
    assert f'href="{CASE}{application.pk}/vergleich/?von=1&amp;bis=2"' in text
    assert text.count("Mit der vorigen Fassung vergleichen") == 2
