"""Reading the repeatable rows of an application: all parts in one statement, whatever its size.

A page or a submission needs nearly all of them; one query for each would be most of what it
asks of the database. Each part has a table of its own, so the statement is a UNION in which
every table gives its own columns and nothing for those of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connection

from municipalities.models import Municipality

if TYPE_CHECKING:
    from applications.models import Application
    from applications.models.parts import Part


def fetch(
    application: Application, models: Mapping[str, type[Part]], *, of_members: bool = False
) -> None:
    """Let the application hold the rows of these parts, as `prefetch_related` would.

    `models` are the parts' models by the names under which an application has them. A row names
    the municipality its members name; one that belongs to it no longer is asked for separately,
    or with `of_members` left alone: for who needs to know the members' rows only.
    """
    found: dict[str, list[Any]] = {name: [] for name in models}
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(tuple(models.items()), connection.vendor), [application.pk] * len(models)
        )
        for name, *values in cursor.fetchall():
            found[name].append(values)
    rows = {name: _rows(models[name], values, models) for name, values in found.items()}
    naming = [row for part in rows.values() for row in part]
    if of_members:
        members = {member.municipality_id for member in application.members.all()}
        naming = [row for row in naming if getattr(row, "municipality_id", None) in members]
    name_municipalities(application, naming)
    for name, part in rows.items():
        for row in part:
            row.application = application
        held = getattr(application, name).all()
        held._result_cache, held._prefetch_done = part, True
        application._prefetched_objects_cache[name] = held  # type: ignore[attr-defined]


def name_municipalities(application: Application, rows: Iterable[Any]) -> None:
    """Give rows the municipality they name, mostly one of the application's members."""
    known = {row.municipality_id: row.municipality for row in application.members.all()}
    naming = [row for row in rows if getattr(row, "municipality_id", None) is not None]
    left = {row.municipality_id for row in naming} - known.keys()
    if left:
        known |= Municipality.objects.select_related("district").in_bulk(left)
    for row in naming:
        row.municipality = known[row.municipality_id]


def _rows(model: type[Part], found: list[list[Any]], models: Mapping[str, type[Part]]) -> list[Any]:
    """Rows of a model, its values converted as Django does it for this database."""
    if not found:
        return []
    places = {column: place for place, column in enumerate(_columns(models.values()))}
    fields = model._meta.concrete_fields
    compiler = model._base_manager.all().query.get_compiler(connection=connection)
    converters = compiler.get_converters([field.get_col(model._meta.db_table) for field in fields])
    own = [[values[places[str(field.column)]] for field in fields] for values in found]
    names = [field.attname for field in fields]
    return [
        model.from_db(connection.alias, names, values)
        for values in compiler.apply_converters(own, converters)
    ]


def _columns(models: Any) -> dict[str, Any]:
    """Every column of these models once, with a field that has it."""
    return {str(field.column): field for model in models for field in model._meta.concrete_fields}


@cache
def _statement(models: tuple[tuple[str, type[Part]], ...], vendor: str) -> str:
    """The statement for these parts on this kind of database; one parameter for each."""
    quote = connection.ops.quote_name
    columns = _columns(model for _, model in models)
    selects = []
    for name, model in models:
        own = {str(field.column) for field in model._meta.concrete_fields}
        shown = ", ".join(
            quote(column)
            if column in own
            else f"CAST(NULL AS {field.db_type(connection)}) AS {quote(column)}"
            for column, field in columns.items()
        )
        selects.append(
            f"SELECT '{name}' AS part, {shown} "  # noqa: S608  # nosec B608 (names of our own models)
            f"FROM {quote(model._meta.db_table)} WHERE {quote('application_id')} = %s"
        )
    return f"{' UNION ALL '.join(selects)} ORDER BY part, {quote('position')}, {quote('id')}"
