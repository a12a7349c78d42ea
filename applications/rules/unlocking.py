"""What may be written again after filing: whole sections, single fields, rows or documents.

A target names a place within a section: empty for the section as a whole, else the name of a
field (`goals`), a repeatable part with all its rows (`expenses`), one of its rows
(`expenses:<id>`), a document that is to be replaced (`document:<id>`) or a kind of document
that is to be added (`kind:<kind>`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

WHOLE: Final = ""
"""The target that opens a section as a whole."""
EVERYTHING: Final = frozenset({WHOLE})
"""The targets of a section nothing of which is closed."""


def opens(targets: frozenset[str], key: str) -> bool:
    """Whether these targets let a field, a row („part:id") or a document be written."""
    return WHOLE in targets or key in targets or key.partition(":")[0] in targets


def locked_changes(
    targets: frozenset[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[str]:
    """What differs between two contents of a section (flat, by field and row) and is closed."""
    return [
        key
        for key in {**before, **after}
        if before.get(key) != after.get(key) and not opens(targets, key)
    ]
