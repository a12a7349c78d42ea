"""What the portal holds about a person, for that person (Art. 15 and 20 DSGVO).

Follows the data maps: a field that stands there as personal, in a row that is about the person,
occurs; of a row that only names them as who did something, when and what kind of thing. Never
what is about others: other people's names are left out, texts of a file are read in the file.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format

from applications.models import Application
from kiv_portal.datamap import HISTORY
from kiv_portal.services import datamap
from municipalities.models import EventKind, Municipality
from municipalities.services import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kiv_portal.datamap import Table
    from municipalities.models import User

FORMAT: Final = 1
"""Version of the JSON file."""

Kind = Literal["about", "did"]


@dataclass(frozen=True)
class Holding:
    """What one table holds: its rows as German name → value, plain JSON values."""

    purpose: str
    table: str
    title: str
    kind: Kind
    rows: list[dict[str, Any]]
    withheld: list[str]

    @property
    def readable(self) -> list[list[tuple[str, str]]]:
        """The rows for people: German dates, „ja“ and „nein“, without what is empty."""
        return [
            [(name, _said(value)) for name, value in row.items() if value not in (None, "", [])]
            for row in self.rows
        ]


def holdings(user: User) -> list[Holding]:
    """Everything the portal holds about the person, table by table, in the maps' order."""
    found: list[Holding] = []
    known = datamap.tables()
    histories = {datamap.base_of(m): m for m in apps.get_models() if datamap.base_of(m) is not m}
    for label, table in known.items():
        model = apps.get_model(label)
        for each in filter(None, (model, histories.get(model))):
            found += _holdings_of(each, table, user)
    return found


def _holdings_of(model: type[models.Model], table: Table, user: User) -> Iterator[Holding]:
    title = datamap.title_of(datamap.base_of(model), table)
    if datamap.base_of(model) is not model:
        title = f"{title}, frühere Fassungen"
    withheld = [datamap.label_of(model, table, name) for name in table.withheld.split()]
    rows = list(_about(model, table, user))
    if rows:
        yield Holding(table.use.title, model._meta.label, title, "about", rows, withheld)
    rows = list(_did(model, table, user))
    if rows:
        yield Holding(table.use.title, model._meta.label, title, "did", rows, [])


def _about(model: type[models.Model], table: Table, user: User) -> Iterator[dict[str, Any]]:
    manager = model._default_manager
    mine = Q()
    for name in table.own.split():
        mine |= Q(**{name: user.pk})
    if mine:
        groups = table.groups()
        names = [name for key in ("own", "personal", "neutral", "acts") for name in groups[key]]
        for row in manager.filter(mine).order_by("pk"):
            yield _values(row, table, names, user)
    for address, belonging in table.mail.items():
        names = [address, *belonging.split(), *_told(model, table)]
        of_address = manager.filter(**{f"{address}__iexact": user.email})
        for row in of_address.exclude(mine).order_by("pk") if mine else of_address.order_by("pk"):
            yield _reference(row) | _values(row, table, names, user)


def _did(model: type[models.Model], table: Table, user: User) -> Iterator[dict[str, Any]]:
    is_history = datamap.base_of(model) is not model
    names = [*table.acts.split(), *(HISTORY["acts"].split() if is_history else [])]
    told = _told(model, table) + (["history_date", "history_type"] if is_history else [])
    for name in names:
        rows = model._default_manager.filter(**{name: user.pk})
        # What is the person's own stands there in full already.
        for own in table.own.split():
            rows = rows.exclude(**{own: user.pk})
        for row in rows.order_by("pk"):
            as_whom = {"Ihr Anteil": _label(model, table, name)}
            yield as_whom | _reference(row) | _values(row, table, told, user)


def _told(model: type[models.Model], table: Table) -> list[str]:
    """Of fields about nobody those that say when, and what kind of thing it was."""
    fields = [model._meta.get_field(name) for name in table.neutral.split() if name != "id"]
    return [
        field.name
        for field in fields
        if isinstance(field, models.DateTimeField) or getattr(field, "choices", None)
    ]


def _reference(row: models.Model) -> dict[str, Any]:
    """Which application and municipality it belongs to, where it belongs to one."""
    found = {}
    if isinstance(row, Application):
        found["Antrag"] = _plain(row, None)
    for name, label in (("application", "Antrag"), ("municipality", "Kommune")):
        related = getattr(row, name, None)
        if isinstance(related, Application | Municipality):
            found[label] = _plain(related, None)
    return found


def _label(model: type[models.Model], table: Table, name: str) -> str:
    own = {"history_date": "am", "history_type": "Vorgang", "history_user": "geändert von"}
    return own.get(name) or datamap.label_of(model, table, name)


def _values(row: models.Model, table: Table, names: list[str], user: User) -> dict[str, Any]:
    many = {field.name for field in datamap.base_of(type(row))._meta.local_many_to_many}
    missing = many - {field.name for field in type(row)._meta.local_many_to_many}
    values: dict[str, Any] = {}
    for name in names:
        if name in missing:  # a history has no links to many
            continue
        field = row._meta.get_field(name)
        if name in many:
            value: Any = [str(each) for each in getattr(row, name).all()]
        elif getattr(field, "choices", None):
            value = getattr(row, f"get_{name}_display")()
        elif field.is_relation and field.related_model is get_user_model():
            value = _person(getattr(row, field.attname), user)
        elif name == "actor_id":
            value = _person(getattr(row, name), user)
        else:
            value = _plain(getattr(row, name), user)
        values[_label(type(row), table, name)] = value
    return values


def _person(pk: int | None, user: User) -> str | None:
    if pk is None:
        return None
    return "Sie" if pk == user.pk else "eine andere Person"


def _plain(value: Any, user: User | None) -> Any:
    """A value as JSON knows it; of an application only its number, whatever it says today."""
    if isinstance(value, Application):
        return value.reference or f"Entwurf {value.uuid}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool | int | None):
        return value
    return str(value)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return value
        if len(value) == len("2026-11-25"):
            return date_format(instant.date(), "j. F Y")
        if instant.tzinfo is not None:
            return date_format(timezone.localtime(instant), "j. F Y, H:i") + " Uhr"
    return str(value)


def export(*, user: User, at: datetime) -> bytes:
    """The same as one ZIP: `meine-daten.json` for programs, `meine-daten.html` for people.

    Put on record in the sign-in log: whoever had the session had the data.
    """
    found = holdings(user)
    record(EventKind.DATA_EXPORTED, user=user, by=user, at=at)
    content = {
        "format": FORMAT,
        "stand": at.isoformat(),
        "konto": user.email,
        "angaben": [
            {
                "zweck": holding.purpose,
                "tabelle": holding.table,
                "titel": holding.title,
                "art": "über Sie" if holding.kind == "about" else "von Ihnen getan",
                "eintraege": holding.rows,
                "nicht_ausgegeben": holding.withheld,
            }
            for holding in found
        ],
    }
    page = render_to_string(
        "kiv_portal/own_data_file.html", {"holdings": found, "person": user, "at": at}
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meine-daten.json", json.dumps(content, ensure_ascii=False, indent=2))
        archive.writestr("meine-daten.html", page)
    return packed.getvalue()
