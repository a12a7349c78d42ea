"""All data maps together: complete or the checks fail, and readable for the notice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import Error

from applications import datamap as applications
from kiv_portal import datamap as portal
from kiv_portal.datamap import HISTORY, LABELS, Table, Use
from municipalities import datamap as municipalities
from projects import datamap as projects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Field, Model

MAPS: Final = (municipalities.TABLES, applications.TABLES, projects.TABLES, portal.TABLES)
"""The maps in the order in which people read of them."""

MISSING: Final = "[Angabe fehlt: Frist, von der Behörde zu bestätigen]"
"""What stands for a period that the authority has still to set."""


def tables() -> dict[str, Table]:
    """Every mapped table by its model's label."""
    return {label: table for part in MAPS for label, table in part.items()}


def base_of(model: type[Model]) -> type[Model]:
    """The model itself; of a history table the model whose changes it holds."""
    return getattr(model, "instance_type", model)


def fields_of(model: type[Model]) -> list[Field[Any, Any]]:
    """Every column of the model's table, and its links to many."""
    return [*model._meta.local_fields, *model._meta.local_many_to_many]


def faults() -> list[str]:
    """What is not in the maps, or in them and nowhere else; German, empty if all is well."""
    known, found = tables(), []
    models = list(apps.get_models())
    labels = {model._meta.label for model in models}
    found += [f"{label}: Diese Tabelle gibt es nicht." for label in sorted(known.keys() - labels)]
    for model in models:
        label = model._meta.label
        table = known.get(base_of(model)._meta.label)
        if table is None:
            found.append(f"{label}: fehlt im Datenverzeichnis seiner App (datamap.py).")
            continue
        found += [f"{label}{fault}" for fault in _faults_of(model, table)]
    uses = {table.use for table in known.values()} | set(portal.WITHOUT_MODEL.values())
    for use in uses:
        if not all((use.title, use.purpose, use.basis, use.retention, use.recipients)):
            found.append(f"„{use.title}“: Zweck, Grundlage, Dauer und Empfänger gehören dazu.")
        try:
            use.retention.format_map(settings.RETENTION_DAYS)
        except KeyError as error:
            found.append(f"„{use.title}“: die Frist {error} fehlt in RETENTION_DAYS.")
    return found


def _faults_of(model: type[Model], table: Table) -> Iterator[str]:
    groups = table.groups()
    is_history = base_of(model) is not model
    if is_history:
        groups = {name: [*names, *HISTORY.get(name, "").split()] for name, names in groups.items()}
    count = Counter(name for names in groups.values() for name in names)
    fields = {field.name: field for field in fields_of(model)}
    for name in fields.keys() - count.keys():
        yield f".{name}: fehlt im Datenverzeichnis seiner App (datamap.py)."
    many = {field.name for field in base_of(model)._meta.local_many_to_many}
    for name in sorted(count.keys() - fields.keys() - (many if is_history else set())):
        yield f".{name}: Dieses Feld gibt es nicht."
    for name in sorted(name for name, times in count.items() if times > 1):
        yield f".{name}: steht mehrfach im Datenverzeichnis."
    for name, field in fields.items():
        leads_to_account = field.many_to_one and field.related_model is get_user_model()
        if leads_to_account and name not in (*groups["own"], *groups["acts"]):
            yield f".{name}: führt zu einem Konto, gehört also zu „own“ oder „acts“."


def check(app_configs: Any, **_: Any) -> list[Error]:
    """Django's system check: the maps are complete."""
    return [
        Error(fault, hint="Siehe kiv_portal/datamap.py.", id="portal.E001") for fault in faults()
    ]


# --- For the notice -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """What one table keeps about people: its German name and those of its fields."""

    title: str
    fields: list[str]
    says_who: bool
    """Whether it also says who did it."""


@dataclass(frozen=True)
class Processing:
    """A purpose as the notice tells it, with what is kept for it."""

    use: Use
    retention: str
    kept: list[Kept]
    open_basis: bool
    open_retention: bool
    """Whether the authority has still to confirm it."""


def duration(days: int | None) -> str:
    """A period as people say it: „30 Tage“, „2 Jahre“."""
    if days is None:
        return MISSING
    if days and days % 365 == 0:
        return "ein Jahr" if days == 365 else f"{days // 365} Jahre"
    return "einen Tag" if days == 1 else f"{days} Tage"


def retention_of(use: Use) -> str:
    """How long, with the periods that are set."""
    periods = {name: duration(days) for name, days in settings.RETENTION_DAYS.items()}
    return use.retention.format_map(periods)


def label_of(model: type[Model], table: Table, name: str) -> str:
    """A field's German name."""
    if name in table.labels:
        return table.labels[name]
    label = LABELS.get(name) or str(model._meta.get_field(name).verbose_name)
    return label[:1].upper() + label[1:]


def title_of(model: type[Model], table: Table) -> str:
    """A table's German name."""
    return table.title or str(model._meta.verbose_name_plural)


def notice(*, approved: bool = False) -> list[Processing]:
    """Every purpose in order, with the fields that hold something about people.

    `approved`: the authority has confirmed the notice, and with it what was a proposal.
    """
    kept: dict[Use, list[Kept]] = {}
    for label, table in tables().items():
        model = apps.get_model(label)
        groups = table.groups()
        names = [
            name for group in ("own", "personal", "content", "withheld") for name in groups[group]
        ]
        rows = kept.setdefault(table.use, [])
        if names or table.acts:
            # Forms have several fields of one name; people read it once.
            labels = dict.fromkeys(label_of(model, table, name) for name in names)
            rows.append(Kept(title_of(model, table), list(labels), bool(table.acts)))
    for use in portal.WITHOUT_MODEL.values():
        kept.setdefault(use, [])
    found = []
    for use, rows in kept.items():
        retention, fixed = retention_of(use), use.fixed.split()
        waits = [not (approved or name in fixed) for name in ("basis", "retention")]
        # A period that is not set says so itself.
        waits[1] = waits[1] and MISSING not in retention
        found.append(Processing(use, retention, rows, *waits))
    return found
