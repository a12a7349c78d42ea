"""What reading an official register file would do, compared with what the database holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from municipalities.models import (
    REGISTER_SOURCE,
    District,
    Municipality,
    Population,
)
from municipalities.services.register.values import (
    Change,
    Conflict,
    Dissolution,
    DistrictChange,
    FieldChange,
    ImportPlan,
    Skipped,
)

if TYPE_CHECKING:
    from municipalities.register import (
        MunicipalityRecord,
        RegisterFile,
    )

HESSE: Final = "06"
CHUNK: Final = 500
"""Rows built at a time, so that a whole German file needs little memory."""

SUSPICIOUS_LOSS: Final = 20
"""More dissolved at once, and a tenth of the register, is taken for a truncated file."""

_COMPARED: Final = (
    "official_name",
    "short_name",
    "kind",
    "district",
    "postal_code",
    "area_km2",
    "latitude",
    "longitude",
)
_LABELS: Final = {name: str(Municipality._meta.get_field(name).verbose_name) for name in _COMPARED}


def plan_import(
    register_file: RegisterFile,
    *,
    population_as_of: date,
    basis: str,
    source: str = REGISTER_SOURCE,
    land: str | None = HESSE,
    territory_as_of: date | None = None,
) -> ImportPlan:
    """What reading the file would do; writes nothing.

    `population_as_of` and `basis` are stated by whoever imports, for GV100AD does not hold
    them. `land` is the Land to read, None for all of Germany. `territory_as_of` counts only
    where the file does not name its own territory date.
    """
    plan = ImportPlan(
        format=register_file.format,
        territory_as_of=register_file.territory_as_of or territory_as_of,
        population_as_of=population_as_of,
        basis=basis.strip(),
        source=source.strip() or REGISTER_SOURCE,
        land=land,
        errors=[e for e in register_file.errors if land is None or e.land in ("", land)],
    )
    records = [r for r in register_file.municipalities if land is None or r.land == land]
    _check_frame(plan, records)
    if plan.territory_as_of is not None:
        holding = _Register(land)
        plan.register_as_of = max(holding.as_of.values(), default=None)
        plan.known_lands = frozenset(holding.as_of)
        _compare_districts(plan, register_file, holding)
        _compare(plan, records, holding, plan.territory_as_of)
        _find_dissolved(plan, records, holding, plan.territory_as_of)
        _compare_figures(plan, records, holding)
    _note_contradictions(plan, register_file)
    return plan


def _check_frame(plan: ImportPlan, records: list[MunicipalityRecord]) -> None:
    for name, text in (("basis", plan.basis), ("source", plan.source)):
        meta = Population._meta.get_field(name)
        if not text:
            plan.refusals.append(f"Angabe fehlt: {meta.verbose_name}.")
        elif len(text) > (meta.max_length or 0):
            plan.refusals.append(
                f"Angabe zu lang (höchstens {meta.max_length} Zeichen): {meta.verbose_name}."
            )
    if plan.territory_as_of is None:
        plan.refusals.append("Die Datei nennt keinen Gebietsstand; er muss angegeben werden.")
    if not records:
        scope = f" des Landes {plan.land}" if plan.land else ""
        plan.refusals.append(f"Die Datei enthält keine Kommune{scope}.")
    plan.refusals += [str(error) for error in plan.errors]


class _Register:
    """What the database holds in scope, read once, as plain tuples."""

    def __init__(self, land: str | None) -> None:
        municipalities = Municipality.objects.order_by()
        districts = District.objects.order_by()
        if land is not None:
            municipalities = municipalities.filter(ags__startswith=land)
            districts = districts.filter(ags__startswith=land)
        self.districts = {
            ags: (pk, name, is_city)
            for pk, ags, name, is_city in districts.values_list("pk", "ags", "name", "is_city")
        }
        self.rows: dict[str, _Held] = {}
        self.as_of: dict[str, date] = {}
        for row in municipalities.values_list(*_Held.COLUMNS).iterator(chunk_size=CHUNK):
            held = _Held(*row)
            self.rows[held.ags] = held
            known = self.as_of.get(held.land)
            if known is None or held.territory_as_of > known:
                self.as_of[held.land] = held.territory_as_of
        self.municipalities = municipalities


@dataclass(frozen=True, slots=True)
class _Held:
    """A municipality as the database holds it."""

    COLUMNS = (
        "pk",
        "ags",
        "official_name",
        "short_name",
        "kind",
        "district__ags",
        "postal_code",
        "area_km2",
        "latitude",
        "longitude",
        "valid_from",
        "valid_to",
        "territory_as_of",
        "source",
    )

    pk: int
    ags: str
    official_name: str
    short_name: str
    kind: str
    district: str
    postal_code: str
    area_km2: Any
    latitude: Any
    longitude: Any
    valid_from: date | None
    valid_to: date | None
    territory_as_of: date
    source: str

    @property
    def land(self) -> str:
        return self.ags[:2]


def attributes(record: MunicipalityRecord) -> dict[str, Any]:
    """The attributes of a record by the names of the model's fields."""
    return {
        "official_name": record.official_name,
        "short_name": record.short_name,
        "kind": record.kind,
        "district": record.district_ags,
        "postal_code": record.postal_code,
        "area_km2": record.area_km2,
        "latitude": record.lat,
        "longitude": record.lon,
    }


def _compare(
    plan: ImportPlan, records: list[MunicipalityRecord], holding: _Register, territory: date
) -> None:
    for record in records:
        held = holding.rows.get(record.ags)
        if held is None:
            register_as_of = holding.as_of.get(record.land)
            if register_as_of is not None and territory < register_as_of:
                reason = f"dem neueren Verzeichnis ({register_as_of:%d.%m.%Y}) unbekannt"
                plan.skipped.append(Skipped(record.ags, record.short_name, reason))
            else:
                plan.new.append(record)
        elif held.valid_to is not None and held.valid_to < territory:
            reason = (
                f"galt bis {held.valid_to:%d.%m.%Y} und steht wieder in der Datei; "
                "bitte „gültig bis“ prüfen"
            )
            plan.skipped.append(Skipped(record.ags, record.short_name, reason))
        elif territory < held.territory_as_of:
            plan.older += 1
        elif changes := _changes(held, record):
            plan.changed.append(Change(held.pk, held.ags, held.short_name, changes))
        else:
            plan.unchanged += 1
            if territory > held.territory_as_of:
                plan.confirmed.append(held.pk)


def _changes(held: _Held, record: MunicipalityRecord) -> tuple[FieldChange, ...]:
    """What the file has otherwise. What it does not hold at all stays as it is."""
    return tuple(
        FieldChange(name, _LABELS[name], getattr(held, name), new)
        for name, new in attributes(record).items()
        if new not in (None, "") and new != getattr(held, name)
    )


def _compare_districts(plan: ImportPlan, file: RegisterFile, holding: _Register) -> None:
    for record in file.districts:
        if plan.land is not None and record.ags[:2] != plan.land:
            continue
        held = holding.districts.get(record.ags)
        register_as_of = holding.as_of.get(record.ags[:2])
        older = register_as_of is not None and (plan.territory_as_of or date.min) < register_as_of
        if held is None:
            plan.new_districts.append(record)
        elif not older and held[1:] != (record.short_name, record.is_city):
            plan.changed_districts.append(DistrictChange(held[0], held[1], record))


def _find_dissolved(
    plan: ImportPlan, records: list[MunicipalityRecord], holding: _Register, territory: date
) -> None:
    lands = {record.land for record in records}
    there = {record.ags for record in records}
    missing = [
        held
        for held in holding.rows.values()
        if held.ags not in there and held.land in lands and _in_force(held, territory)
    ]
    eve = territory - timedelta(days=1)
    gone: list[_Held] = []
    for held in sorted(missing, key=lambda held: held.ags):
        if territory < held.territory_as_of:
            continue
        if territory == held.territory_as_of:
            reason = "fehlt in dieser Datei gleichen Gebietsstands; nicht verändert"
        elif held.valid_to is not None or held.valid_from == territory:
            reason = "fehlt in der Datei, hat aber eingetragene Gültigkeitstage; bitte prüfen"
        else:
            gone.append(held)
            continue
        plan.skipped.append(Skipped(held.ags, held.short_name, reason))
    successors = _key_changes(gone, plan.new)
    plan.dissolved = [
        Dissolution(held.pk, held.ags, held.short_name, eve, successors.get(held.ags, ""))
        for held in gone
    ]
    if len(gone) > SUSPICIOUS_LOSS and len(gone) * 10 > len(holding.rows):
        plan.refusals.append(
            f"In der Datei fehlen {len(gone)} Kommunen, die das Verzeichnis als bestehend führt. "
            "Vermutlich ist sie unvollständig."
        )


def _in_force(held: _Held, on: date) -> bool:
    return (held.valid_from is None or held.valid_from <= on) and (
        held.valid_to is None or held.valid_to >= on
    )


def _key_changes(gone: list[_Held], new: list[MunicipalityRecord]) -> dict[str, str]:
    """Old key to new key, where it is certain that only the key changed."""
    before: dict[tuple[str, str], list[_Held]] = defaultdict(list)
    after: dict[tuple[str, str], list[MunicipalityRecord]] = defaultdict(list)
    for held in gone:
        before[held.land, held.official_name].append(held)
    for record in new:
        after[record.land, record.official_name].append(record)
    return {
        olds[0].ags: after[name][0].ags
        for name, olds in before.items()
        if len(olds) == 1 and len(after[name]) == 1 and _same_place(olds[0], after[name][0])
    }


def _same_place(held: _Held, record: MunicipalityRecord) -> bool:
    """The same area to the hectare and, where both are known, the same centre."""
    if held.area_km2 is None or held.area_km2 != record.area_km2:
        return False
    pairs = ((held.latitude, record.lat), (held.longitude, record.lon))
    return all(old is None or new is None or old == new for old, new in pairs)


def _compare_figures(
    plan: ImportPlan, records: list[MunicipalityRecord], holding: _Register
) -> None:
    left_out = {skipped.ags for skipped in plan.skipped}
    there = dict(
        Population.objects.filter(
            municipality__in=holding.municipalities,
            as_of=plan.population_as_of,
            basis=plan.basis,
        )
        .order_by()
        .values_list("municipality__ags", "value")
    )
    for record in records:
        if record.population is None or record.ags in left_out:
            continue
        old = there.get(record.ags)
        if old is None:
            plan.figures[record.ags] = record.population
        elif old == record.population:
            plan.unchanged_figures += 1
        else:
            plan.conflicts.append(Conflict(record.ags, record.short_name, old, record.population))
    plan.refusals += [
        f"{c.ags} {c.name}: Für den {plan.population_as_of:%d.%m.%Y} ({plan.basis}) ist "
        f"{c.old} gespeichert, die Datei nennt {c.new}. Zahlen werden nie überschrieben."
        for c in plan.conflicts
    ]


def _note_contradictions(plan: ImportPlan, file: RegisterFile) -> None:
    """What is no reason to refuse, but to look twice."""
    if file.population_as_of not in (None, plan.population_as_of):
        plan.notes.append(
            f"Die Datei nennt als Stichtag der Einwohnerzahlen den "
            f"{file.population_as_of:%d.%m.%Y}, angegeben ist der "
            f"{plan.population_as_of:%d.%m.%Y}."
        )
    if file.basis and file.basis != plan.basis:
        plan.notes.append(
            f"Die Datei nennt als Grundlage „{file.basis}“, angegeben ist „{plan.basis}“."
        )
    if plan.territory_as_of is not None and plan.population_as_of > plan.territory_as_of:
        plan.notes.append("Der Stichtag der Einwohnerzahlen liegt nach dem Gebietsstand.")
    if plan.older:
        plan.notes.append(
            f"Für {plan.older} Kommunen führt das Verzeichnis einen neueren Gebietsstand; "
            "Name, Art und Kreis bleiben."
        )
    if outside := len(file.errors) - len(plan.errors):
        plan.notes.append(f"{outside} fehlerhafte Zeilen anderer Länder bleiben unbeachtet.")
    plan.notes += [
        f"{d.ags} {d.name}: Nachfolgerin ist {d.successor} (gleicher Name, gleiche Fläche)."
        if d.successor
        else f"{d.ags} {d.name}: Nachfolgerin und genauer Tag sind nachzutragen."
        for d in plan.dissolved
    ]
    plan.notes += [
        f"{d.ags} {d.short_name}: Das Verwaltungsgericht ist nachzutragen."
        for d in plan.new_districts
        if d.ags.startswith(HESSE)
    ]
