"""Projects from a table: what would change, and the change itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from municipalities.models import Municipality
from projects.models import AmountClass, ChangeSubject, FundingRound, Project, ProjectMember
from projects.services import open_project, settle_edit
from projects.services.tables.plans import (
    Fault,
    Row,
    TablePlan,
    Value,
    add,
    by_slug,
    check_address,
    keys_of,
    line_of,
    missing,
    note,
    note_read,
    planned,
    reason_of,
    save,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from municipalities.models import User
    from projects.services.tables.plans import Change


def plan_projects(rows: Iterable[Row]) -> TablePlan:
    """What the rows would change of the projects on record; rows without an address are new."""
    plan = TablePlan()
    projects = by_slug()
    there = {(one.title, keys_of(one)) for one in projects.values()}
    rounds = {one.number: one for one in FundingRound.objects.all()}
    towns = {one.ags: one for one in Municipality.objects.all()}
    seen: dict[str, int] = {}
    for row in rows:
        faults: list[Fault] = []
        slug = row.values.get("adresse")
        project = projects.get(str(slug)) if slug else None
        values = dict(row.values)
        _check_project(row, values, rounds, towns, faults)
        if slug:
            check_address(row, str(slug), project, seen, faults)
        else:
            faults += missing(row, ("projekt", "runde", "ags", "amif"), values)
            if (values.get("projekt"), values.get("ags")) in there:
                faults.append(Fault(row.line, "projekt", "Dieses Projekt gibt es schon."))
            there.add((str(values.get("projekt")), values.get("ags")))  # type: ignore[arg-type]
        now = _of_project(project) if project else {}
        _check_fixed(row, values, now, towns, faults)
        _check_period(row, {**now, **values}, faults)
        wanted = {name: values[name] for name in PROJECT_FIELDS if name in values}
        add(plan, row, project, now, wanted, faults, str(values.get("projekt") or project or ""))
    return plan


@transaction.atomic
def apply_projects(
    rows: Sequence[Row], *, fingerprint: str, name: str, by: User, at: datetime
) -> TablePlan:
    """Read the rows in, as planned under that fingerprint; new projects are not public yet.

    `name` is the file's, for the history. Raises TableRefused, and then nothing has changed.
    """
    list(Project.objects.select_for_update().order_by("pk"))
    plan = planned(plan_projects(rows), fingerprint)
    reason = reason_of(name)
    rounds = {one.number: one for one in FundingRound.objects.all()}
    for change in plan.changes:
        towns = _towns(change.values)
        if change.project is None:
            _open(change, rounds, towns, by, at, reason)
            continue
        project = change.project
        for column in (one.column for one in change.differences):
            if column == "runde":
                project.round = rounds[change.values["runde"]]  # type: ignore[index]
            elif column == "ags":
                _set_members(project, towns, by, at, reason)
            else:
                setattr(project, PROJECT_FIELDS[column], change.values[column])
        save(project, by, at, reason)
        settle_edit(project=project, at=at, subjects=[ChangeSubject.PROJECT])
    note_read("Projekte", name, plan, by, at)
    return plan


PROJECT_FIELDS: Final = {
    "projekt": "title",
    "runde": "round",
    "ags": "members",
    "amif": "amif",
    "zuwendung": "amount_class",
    "beginn": "starts_on",
    "ende": "ends_on",
    "stand": "as_of",
    "quelle": "source",
}
"""Columns that change a project, with the field each fills."""

PUBLIC_DAYS: Final = {
    "veroeffentlicht": "published_at",
    "zurueckgezogen": "withdrawn_at",
}


def _of_project(project: Project) -> dict[str, Value]:
    """The project as the table shows it."""
    return {
        "projekt": line_of(project.title),
        "runde": project.round.number,
        "kommunen": ", ".join(one.municipality.short_name for one in project.members.all()),
        "ags": keys_of(project),
        "kreise": ", ".join(str(district) for district in project.districts),
        "amif": project.amif,
        "zuwendung": project.amount_class,
        "beginn": project.starts_on,
        "ende": project.ends_on,
        "stand": project.as_of,
        "quelle": line_of(project.source),
        **{
            column: timezone.localdate(moment) if (moment := getattr(project, name)) else None
            for column, name in PUBLIC_DAYS.items()
        },
    }


def _check_project(
    row: Row,
    values: dict[str, Value],
    rounds: Mapping[int, FundingRound],
    towns: Mapping[str, Municipality],
    faults: list[Fault],
) -> None:
    for column, longest in (("projekt", 300), ("quelle", 200)):
        if column in values:
            values[column] = text_of(row, column, values[column], longest, faults)
    if "projekt" in values and not values["projekt"]:
        faults.append(Fault(row.line, "projekt", "Der Projektname fehlt."))
    number = values.get("runde")
    if "runde" in values and number not in rounds:
        text = (
            "Die Nummer der Förderrunde fehlt."
            if number is None
            else (f"Die Förderrunde {number} gibt es nicht.")
        )
        faults.append(Fault(row.line, "runde", text))
    if "amif" in values and values["amif"] is None:
        faults.append(Fault(row.line, "amif", "Bitte „ja“ oder „nein“ eintragen."))
    if "zuwendung" in values:
        labels = {"": "", **{label: value for value, label in AmountClass.choices}}
        label = line_of(str(values["zuwendung"] or ""))
        if label in labels:
            values["zuwendung"] = labels[label]
        else:
            allowed = ", ".join(f"„{one}“" for one in labels if one)
            faults.append(Fault(row.line, "zuwendung", f"Möglich sind {allowed} oder leer."))
    if "ags" in values:
        keys = values["ags"] or ()
        assert isinstance(keys, tuple)
        if not keys:
            faults.append(Fault(row.line, "ags", "Ohne Kommune steht kein Projekt im Verzeichnis."))
        for key in (one for one in keys if one not in towns):
            faults.append(Fault(row.line, "ags", f"Den Gemeindeschlüssel „{key}“ gibt es nicht."))
        if len(set(keys)) < len(keys):
            faults.append(Fault(row.line, "ags", "Eine Kommune steht zweimal da."))


def _check_fixed(
    row: Row,
    values: Mapping[str, Value],
    now: Mapping[str, Value],
    towns: Mapping[str, Municipality],
    faults: list[Fault],
) -> None:
    """Columns that follow from others may say what was or what will be, and nothing else."""
    chosen = [towns[key] for key in values.get("ags") or () if key in towns]
    districts = dict.fromkeys(str(town.district) for town in chosen)
    will_be = {
        "kommunen": ", ".join(town.short_name for town in chosen),
        "kreise": ", ".join(districts),
    }
    for column, name in (("kommunen", "Kommunen"), ("kreise", "Kreise")):
        said = line_of(str(values.get(column) or ""))
        if said and said not in (now.get(column), will_be[column]):
            text = f"{name} folgen aus der Spalte „ags“. Bitte dort ändern."
            faults.append(Fault(row.line, column, text))
    for column in PUBLIC_DAYS:
        if values.get(column) is not None and values[column] != now.get(column):
            text = "Keine Tabelle veröffentlicht oder zieht zurück. Das geschieht beim Projekt."
            faults.append(Fault(row.line, column, text))


def _check_period(row: Row, values: Mapping[str, Value], faults: list[Fault]) -> None:
    begin, end = values.get("beginn"), values.get("ende")
    if isinstance(begin, date) and isinstance(end, date) and end < begin:
        faults.append(Fault(row.line, "ende", "Das Ende liegt vor dem Beginn."))


def _open(
    change: Change,
    rounds: Mapping[int, FundingRound],
    towns: Sequence[Municipality],
    by: User,
    at: datetime,
    reason: str,
) -> None:
    said: dict[str, Any] = dict(change.values)
    project = open_project(
        title=said["projekt"],
        round=rounds[said["runde"]],
        amif=said["amif"],
        summary="",
        unit="",
        members=[{"municipality": town, "declared_population": None} for town in towns],
        starts_on=said.get("beginn"),
        ends_on=said.get("ende"),
        source=said.get("quelle", ""),
        amount_class=said.get("zuwendung", ""),
        by=by,
        at=at,
    )
    if said.get("stand") not in (None, project.as_of):
        project.as_of = said["stand"]
        save(project, by, at, reason)


def _towns(values: Mapping[str, Value]) -> list[Municipality]:
    """The municipalities of the column, in its order."""
    keys = values.get("ags") or ()
    assert isinstance(keys, tuple)
    found = Municipality.objects.in_bulk(keys, field_name="ags")
    return [found[key] for key in keys]


def _set_members(
    project: Project, towns: Sequence[Municipality], by: User, at: datetime, reason: str
) -> None:
    """Let these carry the project, in this order; who stays keeps what it declared."""
    stay = {one.municipality_id: one for one in project.members.all()}
    for place, town in enumerate(towns):
        member = stay.pop(town.pk, None) or ProjectMember(project=project, municipality=town)
        if member.pk is None or member.position != place:
            member.position = place
            save(member, by, at, reason)
    for member in stay.values():
        note(member, by, at, reason)
        member.delete()
