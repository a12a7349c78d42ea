"""New from old: a draft in a call that is open, from what an earlier application says."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from applications import permissions
from applications.models import Application, Document
from applications.rules import DocumentKind, Step
from applications.services import drafts, log, snapshots
from applications.services.beginning import wait_for_the_first
from applications.services.content import read_step
from applications.services.drafts import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from applications.models import FundingCall
    from municipalities.models import User

NEVER_COPIED: Final = frozenset({"vat_deductible", "budget_situation"})
"""Besides the whole step of the declarations: what is declared is declared for one application."""

SIGNED: Final = frozenset({DocumentKind.SIGNATURE_SHEET, DocumentKind.COOPERATION})
"""Documents somebody signed for the old application; they count for no other."""


def documents_to_copy(source: Application) -> list[Document]:
    """What may be taken along: documents nobody signed for the old application, safe to open."""
    return [
        row
        for row in source.documents.current().select_related("municipality")
        if row.kind not in SIGNED and row.may_be_opened
    ]


def start_anew(
    *,
    source: Application,
    call: FundingCall,
    key: uuid.UUID,
    documents: Collection[uuid.UUID] = (),
    by: User,
    at: datetime,
) -> Application:
    """Begin a draft in `call` with what `source` says: as filed last, or as a draft stands.

    Rows get new ids; declarations, frozen figures and signatures are never copied, documents
    only those named. `key` becomes the new draft's id, so that a page sent twice begins one.
    Raises NotAllowed, CallNotOpen.
    """
    if not permissions.is_on_team(by, source):
        raise NotAllowed
    lead = source.lead
    assert lead is not None
    chosen = [row for row in documents_to_copy(source) if row.pk in documents]
    copies = list(_copied(chosen, key, by=by, at=at))
    is_new = False
    try:
        with transaction.atomic():
            wait_for_the_first(by, lead.municipality)
            made = permissions.visible_to_team(by).filter(uuid=key).first()
            if made is not None:
                return made
            new = drafts.start(call=call, lead=lead.municipality, key=key, by=by, at=at)
            for step, data in _content(source, key).items():
                new = drafts.save_step(
                    application=new,
                    step=step,
                    data=data,
                    base_revision=new.revision,
                    by=by,
                    at=at,
                )
            for copy in copies:
                copy.application = new
                copy.save(force_insert=True)
            if copies:
                drafts.touch(new, Step.ANLAGEN, by=by, at=at)
            log.record(new, "start_anew", by=by, at=at, source=str(source.uuid))
        is_new = True
    finally:
        if not is_new:
            for copy in copies:
                copy.file.storage.delete(copy.file.name)
    return new


def _content(source: Application, key: uuid.UUID) -> dict[Step, dict[str, Any]]:
    """What is taken along, step by step, in the shape `save_step` reads."""
    last = source.snapshots.order_by("-number").first()
    if source.is_draft or last is None:
        steps = {step: read_step(source, step) for step in Step}
    else:
        filed = snapshots.read(last)["steps"]
        steps = {step: filed[step.value] for step in Step}
    return {
        step: {
            name: _fresh(name, value, key)
            for name, value in data.items()
            if name not in NEVER_COPIED
        }
        for step, data in steps.items()
        if step is not Step.ERKLAERUNGEN
    }


def _fresh(name: str, value: Any, key: uuid.UUID) -> Any:
    """A value as it is; rows with new ids, so that no row of two applications is the same."""
    if not isinstance(value, list):
        return value
    return [
        {
            **row,
            # A partner's row has an id of its own in every application: `cooperation.key_of`.
            "id": str(
                uuid.uuid5(key, row["municipality"]) if name == "cooperations" else uuid.uuid4()
            ),
        }
        if isinstance(row, dict)
        else row
        for row in value
    ]


def _copied(
    rows: Collection[Document], key: uuid.UUID, *, by: User, at: datetime
) -> Iterator[Document]:
    """Copies of documents, their files on disk before any row names them."""
    for row in rows:
        copy = Document(
            id=uuid.uuid4(),
            # Until the draft is there, only its id is known: it is part of the file's place.
            application=Application(uuid=key),
            kind=row.kind,
            municipality=row.municipality,
            name=row.name,
            content_type=row.content_type,
            size=row.size,
            sha256=row.sha256,
            uploaded_at=at,
            uploaded_by=by,
            scan=row.scan,
            scanned_at=row.scanned_at,
        )
        with row.file.open("rb") as content:
            copy.file.save(str(copy.pk), content, save=False)
        yield copy
