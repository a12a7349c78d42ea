"""Writing a draft: start, save a step, settle what two people wrote at the same time.

What each step holds, and in which shape, says `applications.services.content`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, models, transaction

from applications import permissions
from applications.models import (
    Application,
    ApplicationMember,
    Cooperation,
    FundingCall,
    Revision,
)
from applications.models.members import MemberRole
from applications.rules import Step
from applications.rules.unlocking import locked_changes
from applications.services import log, unlocking
from applications.services.content import (
    STEP_FIELDS,
    STEP_ROWS,
    Data,
    Rows,
    completed,
    read_step,
)
from municipalities.models import Municipality

if TYPE_CHECKING:
    from municipalities.models import User

FROZEN: Final = ("population", "population_as_of", "population_basis", "population_source")
"""What a member holds of the figure that counted when the application was filed."""


class NotAllowed(Exception):
    """The person may not do this with this application."""


class NotEditable(Exception):
    """The step is closed: the application was filed and this part was not asked for."""


class NotUnlocked(NotEditable):
    """What was written is not what was asked for: `keys` names the fields and rows."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(f"Nicht freigegeben: {', '.join(keys)}")
        self.keys = keys


class CallNotOpen(Exception):
    """The call takes no applications at that instant."""


class PartnerTaken(Exception):
    """A partner added after filing is in another live application of the call."""


class RowNotFound(Exception):
    """A row with this id belongs to another application."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field or row that two people changed differently; None = row not there."""

    key: str
    base: Any
    theirs: Any
    mine: Any


class EditConflict(Exception):
    """Somebody else saved other content for the same fields in the meantime.

    Nothing was written. `conflicts` names each field with both texts; to settle them, save
    again with the chosen content and `revision` as base.
    """

    def __init__(self, conflicts: list[Conflict], revision: int, merged: Data) -> None:
        super().__init__("Zwischenzeitlich wurde anderes gespeichert.")
        self.conflicts = conflicts
        self.revision = revision
        self.merged = merged


def start(
    *, call: FundingCall, lead: Municipality, key: uuid.UUID | None = None, by: User, at: datetime
) -> Application:
    """Begin a draft for a municipality in an open call; `key` is its id where one is given.

    Raises CallNotOpen, and NotAllowed unless the person may write for the municipality.
    """
    if not permissions.may_start(by, lead):
        raise NotAllowed
    with transaction.atomic():
        call = FundingCall.objects.get(pk=call.pk)
        if not call.is_open(at):
            raise CallNotOpen
        application = Application.objects.create(
            uuid=key or uuid.uuid4(), call=call, created_by=by, created_at=at, changed_at=at
        )
        ApplicationMember.objects.create(
            application=application, municipality=lead, role=MemberRole.LEAD, call=call
        )
        log.record(application, "start", by=by, at=at, lead=lead.ags, call=call.pk)
    return application


def editable_steps(application: Application) -> frozenset[Step]:
    """The steps that may be written now: all of a draft, else those of an open request."""
    return frozenset(unlocking.opened(application))


def refuse_locked(
    application: Application, step: Step, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Raise NotUnlocked where a section's new content changes what was not asked for."""
    if application.is_draft:
        return
    targets = unlocking.opened(application)[step]
    if keys := locked_changes(targets, flat(before), flat(after)):
        raise NotUnlocked(keys)


def lock_for_edit(application: Application, step: Step, by: User) -> Application:
    """The application's row, locked, once the person may write into the step.

    Call inside a transaction. Raises NotAllowed and NotEditable.
    """
    locked = Application.objects.select_for_update().get(pk=application.pk)
    if not permissions.may_edit(by, locked):
        raise NotAllowed
    if step not in editable_steps(locked):
        raise NotEditable
    return locked


def save_step(
    *,
    application: Application,
    step: Step,
    data: Mapping[str, Any],
    base_revision: int,
    own_revisions: Collection[int] = (),
    by: User,
    at: datetime,
) -> Application:
    """Save what a person wrote into a step and append a revision; incomplete is fine.

    `data` holds plain values of this step (a missing key leaves its field alone),
    `base_revision` the revision the person's form showed and `own_revisions` those that the
    same form has saved since (see `autosave`). Fields that only one side changed are merged;
    where both changed one, EditConflict is raised and nothing is written.
    Also raises NotAllowed, NotEditable, NotUnlocked, RowNotFound.
    """
    with transaction.atomic():
        locked = lock_for_edit(application, step, by)
        current = read_step(locked, step)
        mine = completed(step, {**current, **data})
        base = base_of(locked, step, base_revision, own_revisions, by)
        merged, conflicts = merge(base, current, mine)
        if conflicts:
            raise EditConflict(conflicts, locked.revision, merged)
        if merged == current:
            return locked
        refuse_locked(locked, step, current, merged)
        write_step(locked, step, merged)
        touch(locked, step, by=by, at=at)
    return locked


def restore(
    application: Application, content: Mapping[str, Any], *, by: User, at: datetime
) -> None:
    """Put back what a snapshot holds, where somebody wrote on without handing it in.

    `content` is a snapshot's content; the caller holds the lock. Changed steps get a revision,
    so what was typed since is not lost from the record.
    """
    for step in Step:
        filed = content["steps"][step.value]
        if read_step(application, step) != filed:
            write_step(application, step, filed)
            touch(application, step, by=by, at=at)
    # A partner that was taken out and comes back brings the figure that was frozen.
    for member in content["members"]:
        application.members.filter(municipality__ags=member["ags"]).update(
            **{name: member[name] for name in FROZEN}
        )
    kept = [document["id"] for document in content["documents"]]
    added = application.documents.current().exclude(pk__in=kept).take_out(at)
    removed = application.documents.filter(pk__in=kept, removed_at__isnull=False)
    if removed.update(removed_at=None) or added:
        touch(application, Step.ANLAGEN, by=by, at=at)


def touch(
    application: Application, step: Step, *, by: User, at: datetime, autosaved: bool = False
) -> None:
    """Append a revision of a step that was just written; the caller holds the lock."""
    application.revision += 1
    application.changed_at = at
    application.save(update_fields=["revision", "changed_at"])
    Revision.objects.create(
        application=application,
        number=application.revision,
        step=step,
        data=read_step(application, step),
        at=at,
        by=by,
        autosaved=autosaved,
    )


UNKNOWN: Final = object()
"""Stands for what a form showed where that is no longer on record: it equals nothing."""


def base_of(
    application: Application, step: Step, number: int, own: Collection[int], by: User
) -> dict[str, Any]:
    """What a form shows where nothing was typed since, by field: see `flat`.

    That is the step at revision `number`, and on top of it what the form itself saved in the
    revisions `own`. What others saved in between is not in it: the person has not seen it.
    Where revisions that would say so are thinned out, every field is UNKNOWN: what differs from
    what is stored is then in dispute, and a person decides.
    """
    revisions = application.revisions.filter(step=step)
    newest = revisions.order_by("-number").first()
    if newest is None or newest.number <= number:
        return flat(completed(step, newest.data if newest else {}))
    saved = revisions.filter(number__lte=number).order_by("-number").first()
    if not _all_there(application, saved.number if saved else 0, max((number, *own))):
        return dict.fromkeys(flat(read_step(application, step)), UNKNOWN)
    base = flat(completed(step, saved.data if saved else {}))
    if not own:
        return base
    before = dict(base)
    later = revisions.filter(number__gt=number, number__lte=max(own))
    for revision in later.order_by("number"):
        now = flat(completed(step, revision.data))
        if revision.number in own and revision.by_id == by.pk:
            changed = (key for key in {**before, **now} if before.get(key) != now.get(key))
            base |= {key: now.get(key) for key in changed}
        before = now
    return base


def _all_there(application: Application, after: int, until: int) -> bool:
    """Whether no revision between the two numbers was thinned out."""
    until = min(until, application.revision)
    there = application.revisions.filter(number__gt=after, number__lte=until).count()
    return there == until - after


def flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """Content by field; each row counts as a field of its own, named „part:id“."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, list) and all(isinstance(row, Mapping) for row in value) and value:
            found |= {f"{key}:{row['id']}": dict(row) for row in value}
        else:
            found[key] = value if value != [] else None
    return found


def merge(
    was: Mapping[str, Any], theirs: Mapping[str, Any], mine: Mapping[str, Any]
) -> tuple[Data, list[Conflict]]:
    """Three-way merge by field and row; `was` is flat. Where there is a conflict, theirs stays."""
    now, new = flat(theirs), flat(mine)
    conflicts: list[Conflict] = []
    chosen: dict[str, Any] = {}
    for key in {**now, **new}:
        b, t, m = was.get(key), now.get(key), new.get(key)
        if m in (t, b):
            chosen[key] = t
        elif t == b:
            chosen[key] = m
        else:
            conflicts.append(Conflict(key, None if b is UNKNOWN else b, t, m))
            chosen[key] = t
    merged: Data = {}
    for key, value in mine.items():
        if key == "partners":
            merged[key] = chosen[key] or []
            continue
        if not isinstance(value, list):
            merged[key] = chosen[key]
            continue
        # Rows in the order of the person's form; what others added in between comes last.
        order = [row["id"] for row in value]
        order += [row["id"] for row in theirs[key] if row["id"] not in order]
        rows = (chosen.get(f"{key}:{row_id}") for row_id in dict.fromkeys(order))
        merged[key] = [row for row in rows if row is not None]
    return merged, conflicts


def write_step(application: Application, step: Step, data: Mapping[str, Any]) -> None:
    fields = STEP_FIELDS[step]
    for name in fields:
        field = application._meta.get_field(name)
        assert isinstance(field, models.Field)
        setattr(application, name, field.to_python(data[name]))
    if fields:
        application.save(update_fields=list(fields))
    for name, rows in STEP_ROWS.get(step, {}).items():
        _write_rows(application, rows, data[name])
    if step is Step.KOMMUNE:
        _write_partners(application, data["partners"])


def _write_partners(application: Application, keys: list[str]) -> None:
    lead = application.lead
    assert lead is not None
    wanted = [key for key in dict.fromkeys(keys) if key != lead.municipality.ags]
    known = {m.ags: m for m in Municipality.objects.filter(ags__in=wanted)}
    application.members.filter(role=MemberRole.PARTNER).exclude(
        municipality__in=known.values()
    ).delete()
    try:
        with transaction.atomic():
            for position, key in enumerate((key for key in wanted if key in known), start=1):
                ApplicationMember.objects.update_or_create(
                    application=application,
                    municipality=known[key],
                    defaults={
                        "role": MemberRole.PARTNER,
                        "position": position,
                        "call_id": application.call_id,
                        "live": lead.live,
                    },
                )
    except IntegrityError as error:
        raise PartnerTaken from error
    # A municipality that left adopts and brings in nothing; its money stays until a person
    # takes it out.
    left = application.members.values("municipality")
    application.adoptions.exclude(municipality__in=left).delete()
    application.cooperations.exclude(municipality__in=left).delete()


def _write_rows(application: Application, rows: Rows, data: list[dict[str, Any]]) -> None:
    ids = [uuid.UUID(row["id"]) for row in data]
    foreign = rows.model._default_manager.filter(pk__in=ids).exclude(application=application)
    if foreign.exists():
        raise RowNotFound
    keys = [row["municipality"] for row in data if row.get("municipality")]
    known = {m.ags: m for m in Municipality.objects.filter(ags__in=keys)} if keys else {}
    of_this = rows.model._default_manager.filter(application=application)
    gone = of_this.exclude(pk__in=ids)
    if rows.model is Cooperation:  # what a partner has confirmed stays, whatever is typed
        gone.exclude(confirmed_at=None).update(contribution="")
        gone = gone.filter(confirmed_at=None)
    gone.delete()
    existing = {row.pk: row for row in of_this}
    changed, added = [], []
    for position, values in enumerate(data):
        pk = uuid.UUID(values["id"])
        row = existing.get(pk) or rows.model(pk=pk, application=application)
        row.position = position
        for name in rows.fields:
            field = rows.model._meta.get_field(name)
            value = values.get(name)
            setattr(
                row,
                name,
                known.get(value or "") if name == "municipality" else field.to_python(value),
            )
        (changed if pk in existing else added).append(row)
    rows.model._default_manager.bulk_create(added)
    if changed:
        rows.model._default_manager.bulk_update(changed, ["position", *rows.fields])
