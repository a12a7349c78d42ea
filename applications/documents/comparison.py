"""Two versions of an application beside each other: by field and row, the words marked.

Rows are matched by their stable ids, never by their place. What did not change is named, so
that a page can fold it away and nobody has to wonder whether it was looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from applications.documents import wording
from applications.rules import Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_COMPARISONS: Final = 250_000
"""Pairs of sentences or words looked at for one passage; beyond that it is marked as a whole."""

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])(?=\s)|(?<=\n)")
_WORD: Final = re.compile(r"\w+(?:[.,:/-]\w+)*|\s+|[^\w\s]")
"""An amount, a day and a compound with a hyphen are one word each."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, and whether it is on this side only."""

    text: str
    changed: bool = False


Text = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """An answer in both versions."""

    label: str
    before: Text
    after: Text

    @property
    def changed(self) -> bool:
        """Whether the two differ."""
        return _changed(self.before, self.after)


class RowKind(StrEnum):
    """What became of a row."""

    SAME = "same"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"

    @property
    def label(self) -> str:
        """The German word for it."""
        return {
            "same": "unverändert",
            "changed": "geändert",
            "new": "neu",
            "gone": "entfallen",
        }[self.value]


@dataclass(frozen=True, slots=True)
class Row:
    """A row in both versions; one that is new has no cells before, one that went none after."""

    kind: RowKind
    before: tuple[Text, ...]
    after: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A repeatable part in both versions."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    numeric: tuple[bool, ...] = ()

    @property
    def changes(self) -> list[Row]:
        """The rows that differ, in the order of the page."""
        return [row for row in self.rows if row.kind is not RowKind.SAME]

    @property
    def same(self) -> int:
        """How many rows are as they were."""
        return len(self.rows) - len(self.changes)


@dataclass(frozen=True, slots=True)
class Section:
    """A step in both versions."""

    step: str
    heading: str
    fields: tuple[Field, ...]
    tables: tuple[Table, ...]

    @property
    def changed_fields(self) -> list[Field]:
        """The answers that differ."""
        return [one for one in self.fields if one.changed]

    @property
    def same_fields(self) -> list[Field]:
        """The answers that are as they were."""
        return [one for one in self.fields if not one.changed]

    @property
    def changed(self) -> bool:
        """Whether anything in this step differs."""
        return bool(self.changed_fields) or any(table.changes for table in self.tables)


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Section]:
    """Two contents of snapshots (as `services.snapshots.read` gives them), step by step.

    Labels, choices, days and amounts stand as people read them; the order is the form's.
    """
    was = {section["step"]: section for section in wording.sections(before)}
    now = {section["step"]: section for section in wording.sections(after)}
    return [_section(was[step.value], now[step.value]) for step in Step]


def _section(was: Mapping[str, Any], now: Mapping[str, Any]) -> Section:
    old = {answer["name"]: "\n".join(answer["value_lines"]) for answer in was["answers"]}
    before = {table["caption"]: table for table in was["tables"]}
    after = {table["caption"]: table for table in now["tables"]}
    return Section(
        step=now["step"],
        heading=now["heading"],
        fields=tuple(
            Field(answer["label"], *marked(old[answer["name"]], "\n".join(answer["value_lines"])))
            for answer in now["answers"]
        ),
        tables=tuple(
            _table(before.get(caption, _none_of(table)), after.get(caption, _none_of(table)))
            for caption, table in {**before, **after}.items()
        ),
    )


def _none_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """The same table without a row."""
    return {**table, "ids": [], "rows": [], "stands_for": []}


def _table(was: Mapping[str, Any], now: Mapping[str, Any]) -> Table:
    old = dict(zip(was["ids"], was["rows"], strict=True))
    new = dict(zip(now["ids"], now["rows"], strict=True))
    replaced = _replaced(was, now)
    rows = []
    for key, cells in new.items():
        before = old.get(replaced.get(key, key))
        if before is None:
            rows.append(Row(RowKind.NEW, (), tuple((Piece(cell, True),) for cell in cells)))
        else:
            pairs = [marked(a, b) for a, b in zip(before, cells, strict=True)]
            kind = RowKind.SAME if before == cells else RowKind.CHANGED
            rows.append(Row(kind, tuple(a for a, _ in pairs), tuple(b for _, b in pairs)))
    gone = [key for key in old if key not in new and key not in replaced.values()]
    rows += [Row(RowKind.GONE, tuple((Piece(c, True),) for c in old[key]), ()) for key in gone]
    return Table(
        caption=now["caption"],
        columns=tuple(column["label"] for column in now["columns"]),
        rows=tuple(rows),
        numeric=tuple(column["numeric"] for column in now["columns"]),
    )


def _replaced(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """New files by the old ones they stand for: the same kind of document of the same Kommune."""
    waiting: dict[str, list[str]] = {}
    for key, name in zip(was["ids"], was.get("stands_for", ()), strict=False):
        if key not in now["ids"]:
            waiting.setdefault(name, []).append(key)
    found = {}
    for key, name in zip(now["ids"], now.get("stands_for", ()), strict=False):
        if key not in was["ids"] and waiting.get(name):
            found[key] = waiting[name].pop(0)
    return found


def _changed(before: Text, after: Text) -> bool:
    return any(piece.changed for piece in (*before, *after))


# --- Words ----------------------------------------------------------------------------------------


def marked(before: str, after: str) -> tuple[Text, Text]:
    """Both texts in pieces, with what stands on one side only marked; joined they are the texts.

    Sentences are matched first and words only within a passage that differs, both within
    bounds, so that a long text that was turned upside down costs little more than a short one.
    """
    left: list[Piece] = []
    right: list[Piece] = []
    for same, a, b in _aligned(_SENTENCE_END.split(before), _SENTENCE_END.split(after)):
        parts = [(True, a, b)] if same else _aligned(_WORD.findall(a), _WORD.findall(b))
        for alike, c, d in parts:
            left.append(Piece(c, not alike))
            right.append(Piece(d, not alike))
    return _joined(left), _joined(right)


def _aligned(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    """The passages that are alike and those that are not, in turn and as text."""
    alike = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    start = min(len(a), len(b)) if alike is None else alike
    yield True, "".join(a[:start]), "".join(b[:start])
    a, b = a[start:], b[start:]
    if len(a) * len(b) > MOST_COMPARISONS:
        yield False, "".join(a), "".join(b)
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        yield tag == "equal", "".join(a[i1:i2]), "".join(b[j1:j2])


def _joined(pieces: Sequence[Piece]) -> Text:
    """The same text in as few pieces as possible; a blank between two changes counts as changed."""
    texts: list[tuple[str, bool]] = [(p.text, p.changed) for p in pieces if p.text]
    for place in range(1, len(texts) - 1):
        text, changed = texts[place]
        if not changed and text.isspace() and texts[place - 1][1] and texts[place + 1][1]:
            texts[place] = (text, True)
    joined: list[Piece] = []
    for text, changed in texts:
        if joined and joined[-1].changed == changed:
            joined[-1] = Piece(joined[-1].text + text, changed)
        else:
            joined.append(Piece(text, changed))
    return tuple(joined)
