"""What of a filed application may be written again, and the places a request can name.

How a target is read says `applications.rules.unlocking`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from applications.documents.wording import names_in, sections
from applications.models import Application, Document, RequestItem
from applications.rules import DocumentKind, Step
from applications.rules.unlocking import EVERYTHING, WHOLE, opens
from applications.services.content import STEP_ROWS
from applications.workflow import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LABEL: Final = 200
CLOSED: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """A place a request can name: within which section, and its words."""

    step: Step
    key: str
    label: str


def asked_for(application: Application) -> list[RequestItem]:
    """All that an open request asks for, in its order; one query at most."""
    if application.is_draft or application.state is not Status.INFORMATION_REQUESTED:
        return []
    return list(
        RequestItem.objects.filter(
            request__application=application, request__closed_at__isnull=True
        )
    )


def opened(
    application: Application, asked: Sequence[RequestItem] | None = None
) -> dict[Step, frozenset[str]]:
    """The sections that may be written now, each with its targets: all of a draft, else what
    the open request names. `asked` is what `asked_for` says, where the caller has it."""
    if application.is_draft:
        return dict.fromkeys(Step, EVERYTHING)
    found: dict[Step, set[str]] = {}
    for item in asked_for(application) if asked is None else asked:
        found.setdefault(Step(item.step), set()).add(item.target)
    return {step: frozenset(targets) for step, targets in found.items()}


def targets_in(content: Mapping[str, Any]) -> list[Target]:
    """Every place of a snapshot's content that can be asked for, in the order of the form."""
    return [
        target
        for step, section in zip(Step, sections(dict(content)), strict=True)
        for target in _targets(step, section, content)
    ]


def _targets(step: Step, section: dict[str, Any], content: Mapping[str, Any]) -> Iterator[Target]:
    yield Target(step, WHOLE, "")
    if step is Step.KOMMUNE:  # who takes part is one matter: what belongs to it goes along
        return
    if step is Step.ANLAGEN:
        names = names_in(content)
        for row in content["documents"]:
            kind = DocumentKind(row["kind"]).label
            town = names.get(row["municipality"] or "", "")
            words = " ".join(part for part in (kind, town) if part)
            yield Target(step, f"document:{row['id']}", _cut(f"„{row['name']}“ ersetzen ({words})"))
        for document_kind in DocumentKind:
            yield Target(step, f"kind:{document_kind}", f"{document_kind.label} hinzufügen")
        return
    data = content["steps"][step.value]
    for answer in section["answers"]:
        if answer["name"] in data:
            yield Target(step, answer["name"], answer["label"])
    for part, table in zip(STEP_ROWS.get(step, {}), section["tables"], strict=True):
        yield Target(step, part, f"{table['caption']}: alle Zeilen, auch neue")
        for key, cells in zip(table["ids"], table["rows"], strict=True):
            words = ", ".join(cell for cell in cells if cell != "–")
            yield Target(step, f"{part}:{key}", _cut(f"{table['caption']}: {words}"))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 2].rstrip()} …"


# --- Documents ------------------------------------------------------------------------------------


def may_add(targets: frozenset[str], kind: str) -> bool:
    """Whether a document of this kind may be added."""
    return opens(targets, f"kind:{kind}")


@dataclass(frozen=True, slots=True)
class DocumentRights:
    """Which documents may be replaced, and which taken out.

    A document that was asked for is replaced, as often as it takes; what was handed in stays.
    What was added since is the applicant's to change.
    """

    targets: frozenset[str]
    filed: frozenset[str] = frozenset()
    replaces: Mapping[str, str | None] = field(default_factory=dict)

    def may_replace(self, document: Document) -> bool:
        """Whether a new version may take this document's place."""
        if WHOLE in self.targets:
            return True
        asked = any(f"document:{key}" in self.targets for key in self._versions(document))
        return asked or self._is_new(document)

    def may_remove(self, document: Document) -> bool:
        """Whether it may be taken out."""
        return WHOLE in self.targets or self._is_new(document)

    def _is_new(self, document: Document) -> bool:
        """Added since the last version handed in, and not in the place of what stands there."""
        handed_in = any(key in self.filed for key in self._versions(document))
        return not handed_in and may_add(self.targets, document.kind)

    def _versions(self, document: Document) -> Iterator[str]:
        """The document and those in whose place it stands, one after the other."""
        key: str | None = str(document.pk)
        while key:
            yield key
            key = self.replaces.get(key)


def document_rights(application: Application, targets: frozenset[str]) -> DocumentRights:
    """What may be done with the documents of an application under these targets."""
    if WHOLE in targets:
        return DocumentRights(targets)
    last = application.snapshots.order_by("number").last()
    filed = last.content["documents"] if last else []
    return DocumentRights(
        targets,
        frozenset(row["id"] for row in filed),
        {
            str(row.pk): str(row.replaces_id) if row.replaces_id else None
            for row in application.documents.all()
        },
    )
