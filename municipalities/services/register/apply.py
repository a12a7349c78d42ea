"""Writing the plan of a register import: in bulk, in one transaction, with its history."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction

from kiv_portal.folding import sort_key
from municipalities.models import (
    REGISTER_SOURCE,
    District,
    Municipality,
    Population,
    RegisterImport,
)
from municipalities.services.register.plan import (
    CHUNK,
    HESSE,
    attributes,
    plan_import,
)
from municipalities.services.register.values import ImportPlan, ImportRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from municipalities.models import User
    from municipalities.register import DistrictRecord, MunicipalityRecord, RegisterFile

CHANGE_REASON: Final = "Gemeindeverzeichnis eingelesen"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, and the row that proves it."""

    plan: ImportPlan
    record: RegisterImport


def apply_import(
    register_file: RegisterFile,
    *,
    by: User | None,
    at: datetime,
    population_as_of: date,
    basis: str,
    source: str = REGISTER_SOURCE,
    land: str | None = HESSE,
    territory_as_of: date | None = None,
    file_name: str = "",
    sha256: str = "",
    fingerprint: str | None = None,
) -> ImportReport:
    """Read the file into the database, all of it or nothing, and record that it was read.

    The plan is made anew inside the transaction. With the `fingerprint` of the plan that was
    shown, an import is refused whose plan has changed since. Raises ImportRefused.
    """
    with transaction.atomic():
        # Whoever imports at the same time waits here and then plans with what is there.
        scope = Municipality.objects.order_by("pk")
        if land is not None:
            scope = scope.filter(ags__startswith=land)
        for _ in scope.select_for_update().values_list("pk").iterator(chunk_size=CHUNK):
            pass
        plan = plan_import(
            register_file,
            population_as_of=population_as_of,
            basis=basis,
            source=source,
            land=land,
            territory_as_of=territory_as_of,
        )
        if plan.territory_as_of is None or plan.refused:
            raise ImportRefused(plan.refusals)
        if fingerprint is not None and fingerprint != plan.fingerprint():
            raise ImportRefused(
                ["Das Verzeichnis hat sich seit der Vorschau geändert. Bitte neu hochladen."]
            )
        _Writer(plan, plan.territory_as_of, by, at).write(register_file)
        record = RegisterImport.objects.create(
            at=at,
            by=by,
            file_name=file_name[-255:],
            sha256=sha256,
            territory_as_of=plan.territory_as_of,
            population_as_of=plan.population_as_of,
            basis=plan.basis,
            created_count=len(plan.new),
            changed_count=len(plan.changed),
            dissolved_count=len(plan.dissolved),
            figures_count=len(plan.figures),
        )
    return ImportReport(plan, record)


class _Writer:
    """Writes a plan in bulk, with a line of history for what is new, changed or dissolved."""

    def __init__(self, plan: ImportPlan, territory: date, by: User | None, at: datetime) -> None:
        self.plan = plan
        self.territory = territory
        self.by = by
        self.at = at

    def write(self, file: RegisterFile) -> None:
        self._districts()
        records = {r.ags: r for r in file.municipalities}
        self.districts = dict(District.objects.order_by().values_list("ags", "pk"))
        self._new()
        self._changed(records)
        self._dissolved()
        for pks in _chunks(self.plan.confirmed):
            Municipality.objects.filter(pk__in=pks).update(
                territory_as_of=self.territory, source=self.plan.source
            )
        self._figures()

    def _keep_history(self, model: Any, pks: list[int], kind: str, reason: str) -> None:
        """A line of history for each row as it is now, copied inside the database.

        Through model instances this alone took as long as all the rest of an import.
        """
        history = model.history.model
        quote = connection.ops.quote_name
        columns = ", ".join(quote(field.column) for field in model._meta.concrete_fields)
        added = ("history_date", "history_change_reason", "history_type", "history_user_id")
        sql = (
            f"INSERT INTO {quote(history._meta.db_table)} "  # noqa: S608  # nosec B608 (names of our own models)
            f"({columns}, {', '.join(map(quote, added))}) "
            f"SELECT {columns}, %s, %s, %s, %s FROM {quote(model._meta.db_table)} "
            f"WHERE {quote(model._meta.pk.column)} IN ({', '.join(['%s'] * len(pks))})"
        )
        at = connection.ops.adapt_datetimefield_value(self.at)
        if pks:
            with connection.cursor() as cursor:
                cursor.execute(sql, [at, reason, kind, self.by.pk if self.by else None, *pks])

    def _keep_first_state(self, model: Any, pks: list[int]) -> None:
        """What was loaded without history gets its first line before it is changed."""
        known = set(model.history.filter(id__in=pks).values_list("id", flat=True))
        unknown = [pk for pk in pks if pk not in known]
        self._keep_history(model, unknown, "+", "Stand vor dem Einlesen")

    def _districts(self) -> None:
        new = [_named(District(ags=record.ags), record) for record in self.plan.new_districts]
        created = District.objects.bulk_create(new)
        self._keep_history(District, [row.pk for row in created], "+", CHANGE_REASON)
        pks = [change.pk for change in self.plan.changed_districts]
        self._keep_first_state(District, pks)
        found = District.objects.in_bulk(pks)
        changed = [_named(found[c.pk], c.record) for c in self.plan.changed_districts]
        District.objects.bulk_update(changed, ["name", "is_city", "sort_key"])
        self._keep_history(District, pks, "~", CHANGE_REASON)

    def _new(self) -> None:
        for records in _chunks(self.plan.new):
            rows = [
                self._filled(
                    Municipality(
                        ags=record.ags,
                        valid_from=self.territory if record.land in self.plan.known_lands else None,
                    ),
                    record,
                )
                for record in records
            ]
            created = Municipality.objects.bulk_create(rows)
            self._keep_history(Municipality, [row.pk for row in created], "+", CHANGE_REASON)

    def _filled(self, row: Municipality, record: MunicipalityRecord) -> Municipality:
        for name, value in attributes(record).items():
            if name == "district":
                row.district_id = self.districts[value]
            elif value not in (None, ""):
                setattr(row, name, value)
        row.territory_as_of = self.territory
        row.source = self.plan.source
        row.fill_keys()
        return row

    def _changed(self, records: dict[str, MunicipalityRecord]) -> None:
        for changes in _chunks(self.plan.changed):
            found = Municipality.objects.in_bulk([change.pk for change in changes])
            rows = [self._filled(row, records[row.ags]) for row in found.values()]
            self._upsert(rows)

    def _upsert(self, rows: list[Municipality]) -> None:
        pks = [row.pk for row in rows]
        self._keep_first_state(Municipality, pks)
        # One INSERT … ON CONFLICT UPDATE: bulk_update's CASE for every field and row is slow.
        Municipality.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[f.name for f in Municipality._meta.concrete_fields if not f.primary_key],
        )
        self._keep_history(Municipality, pks, "~", CHANGE_REASON)

    def _dissolved(self) -> None:
        keys = {d.successor for d in self.plan.dissolved if d.successor}
        successors = dict(Municipality.objects.filter(ags__in=keys).values_list("ags", "pk"))
        by_pk = {d.pk: d for d in self.plan.dissolved}
        for pks in _chunks(by_pk):
            rows = list(Municipality.objects.in_bulk(pks).values())
            for row in rows:
                row.valid_to = by_pk[row.pk].valid_to
                row.successor_id = successors.get(by_pk[row.pk].successor, row.successor_id)
            self._upsert(rows)

    def _figures(self) -> None:
        pks = dict(Municipality.objects.order_by().values_list("ags", "pk").iterator())
        for figures in _chunks(self.plan.figures.items()):
            Population.objects.bulk_create(
                [
                    Population(
                        municipality_id=pks[ags],
                        as_of=self.plan.population_as_of,
                        basis=self.plan.basis,
                        value=value,
                        source=self.plan.source,
                        imported_at=self.at,
                    )
                    for ags, value in figures
                ]
            )


def _named(district: District, record: DistrictRecord) -> District:
    district.name = record.short_name
    district.is_city = record.is_city
    district.sort_key = sort_key(record.short_name)
    return district


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
