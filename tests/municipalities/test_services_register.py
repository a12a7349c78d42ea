"""Reading the register into the database: all of it or nothing, figures never overwritten."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from municipalities.models import (
    REGISTER_SOURCE,
    District,
    Municipality,
    Population,
    RegisterImport,
    User,
)
from municipalities.register import RegisterFile, read
from municipalities.services import (
    ImportPlan,
    ImportRefused,
    ImportReport,
    apply_import,
    plan_import,
)
from municipalities.services.register import FieldChange
from tests.municipalities.official_files import (
    ALZEY,
    BENSHEIM,
    BIBLIS,
    DARMSTADT,
    FOREST,
    Place,
    gv100ad,
    gv100ad_lines,
    municipality_line,
    real,
    real_register,
    xlsx,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OLD = date(2023, 12, 31)
DAY = date(2024, 12, 31)
NEXT = date(2025, 12, 31)
STATED: dict[str, Any] = {"population_as_of": OLD, "basis": "Zensus 2011"}
HANAU: Place = ("06435014", "Hanau, Brüder-Grimm-Stadt", "63", 7628, "63450", 103184)
NEW_HANAU: Place = ("06415000", "Hanau, Brüder-Grimm-Stadt", "61", 7628, "63450", 103184)


def register(*places: Place, territory: date = DAY) -> RegisterFile:
    return read(gv100ad(places, territory))


def load(*places: Place, territory: date = DAY, **stated: Any) -> ImportReport:
    return apply_import(
        register(*places, territory=territory), by=None, at=AT, **{**STATED, **stated}
    )


def plan(*places: Place, territory: date = DAY, **stated: Any) -> ImportPlan:
    return plan_import(register(*places, territory=territory), **{**STATED, **stated})


def numbers(plan: ImportPlan) -> dict[str, int]:
    return {label: count for label, count in plan.summary() if count}


def everything() -> list[Any]:
    return [
        *Municipality.objects.order_by("pk").values_list(),
        *District.objects.order_by("pk").values_list(),
        *Population.objects.order_by("pk").values_list(),
        *RegisterImport.objects.order_by("pk").values_list(),
        *Municipality.history.order_by("pk").values_list(),
    ]


# --- The first file -------------------------------------------------------------------------------


def test_the_first_file_fills_the_register() -> None:
    by = User.objects.create_user("amt@rp.example")
    report = apply_import(
        register(DARMSTADT, BENSHEIM, FOREST),
        by=by,
        at=AT,
        file_name="GV100AD.ASC",
        sha256="a" * 64,
        **STATED,
    )
    assert numbers(report.plan) == {
        "neue Kommunen": 3,
        "neue Landkreise/kreisfreie Städte": 2,
        "neue Einwohnerzahlen": 3,
    }
    bensheim = Municipality.objects.get(ags="06431002")
    assert {
        name: getattr(bensheim, name)
        for name in (
            *("official_name", "short_name", "kind", "postal_code", "area_km2", "valid_from"),
            *("valid_to", "territory_as_of", "source", "search_key"),
        )
    } == {
        "official_name": "Bensheim, Stadt",
        "short_name": "Bensheim",
        "kind": "town",
        "postal_code": "64625",
        "area_km2": Decimal("57.83"),
        "valid_from": None,
        "valid_to": None,
        "territory_as_of": DAY,
        "source": REGISTER_SOURCE,
        "search_key": "bensheim stadt bensheim 06431002",
    }
    assert str(bensheim.district) == "Landkreis Bergstraße"
    assert str(Municipality.objects.get(ags="06411000").district) == "Darmstadt (kreisfreie Stadt)"
    figure = bensheim.populations.get()
    assert (figure.as_of, figure.basis, figure.value, figure.imported_at) == (
        OLD,
        "Zensus 2011",
        41758,
        AT,
    )
    record = RegisterImport.objects.get()
    assert (record.by, record.at, record.file_name, record.sha256, record.territory_as_of) == (
        by,
        AT,
        "GV100AD.ASC",
        "a" * 64,
        DAY,
    )
    assert (record.created_count, record.changed_count, record.dissolved_count) == (3, 0, 0)
    history = bensheim.history.get()
    assert (history.history_type, history.history_user, history.history_date) == ("+", by, AT)


def test_keys_for_search_and_order_are_those_a_saved_record_has() -> None:
    load(DARMSTADT, BENSHEIM)
    for row in [*Municipality.objects.all(), *District.objects.all()]:
        stored = (row.sort_key, getattr(row, "search_key", ""))
        row.save()
        assert stored == (row.sort_key, getattr(row, "search_key", ""))


def test_only_hesse_is_read_unless_all_lands_are_asked_for() -> None:
    assert [r.ags for r in plan(BENSHEIM, ALZEY).new] == ["06431002"]
    everywhere = plan(BENSHEIM, ALZEY, land=None)
    assert [r.ags for r in everywhere.new] == ["06431002", "07331003"]
    load(BENSHEIM)
    load(BENSHEIM, ALZEY, land=None)
    # Rheinland-Pfalz was empty: when Alzey began is not known, and no valid_from is invented.
    assert Municipality.objects.get(ags="07331003").valid_from is None


def test_a_figure_the_file_does_not_have_is_left_out() -> None:
    line = municipality_line(BENSHEIM).replace("00000041758", " " * 11)
    lines = [*gv100ad_lines([BENSHEIM])[:-1], line.replace("00000020879", " " * 11)]
    report = apply_import(read("\n".join(lines).encode()), by=None, at=AT, **STATED)
    assert numbers(report.plan) == {
        "neue Kommunen": 1,
        "neue Landkreise/kreisfreie Städte": 1,
    }


# --- The next file --------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing() -> None:
    load(DARMSTADT, BENSHEIM)
    before = everything()
    again = load(DARMSTADT, BENSHEIM)
    assert numbers(again.plan) == {
        "unveränderte Kommunen": 2,
        "unveränderte Einwohnerzahlen": 2,
    }
    RegisterImport.objects.filter(pk=again.record.pk).delete()
    assert everything() == before


def test_a_newer_file_adds_figures_and_shows_each_changed_field() -> None:
    load(BENSHEIM, BIBLIS)
    renamed = (BENSHEIM[0], "Bensheim, Hochschulstadt", "63", 5784, "64626", 41900)
    found = plan(renamed, BIBLIS, territory=NEXT, population_as_of=DAY)
    (change,) = found.changed
    assert (change.ags, change.name) == ("06431002", "Bensheim")
    assert change.fields == (
        FieldChange(
            "official_name", "amtlicher Name", "Bensheim, Stadt", "Bensheim, Hochschulstadt"
        ),
        FieldChange("postal_code", "Postleitzahl", "64625", "64626"),
        FieldChange("area_km2", "Fläche in km²", Decimal("57.83"), Decimal("57.84")),
    )
    assert str(change.fields[2]) == "Fläche in km²: 57.83 → 57.84"
    report = load(renamed, BIBLIS, territory=NEXT, population_as_of=DAY)
    assert numbers(report.plan) == {
        "geänderte Kommunen": 1,
        "unveränderte Kommunen": 1,
        "neue Einwohnerzahlen": 2,
    }
    bensheim = Municipality.objects.get(ags="06431002")
    assert (bensheim.official_name, bensheim.territory_as_of) == ("Bensheim, Hochschulstadt", NEXT)
    assert bensheim.search_key == "bensheim hochschulstadt bensheim 06431002"
    assert list(bensheim.populations.values_list("as_of", "value")) == [(DAY, 41900), (OLD, 41758)]
    assert [h.history_type for h in bensheim.history.all()] == ["~", "+"]
    assert bensheim.history.last().official_name == "Bensheim, Stadt"
    # What stayed as it was is confirmed by the newer file, without a line of history.
    biblis = Municipality.objects.get(ags="06431003")
    assert (biblis.territory_as_of, biblis.history.count()) == (NEXT, 1)


def test_a_change_of_kind_is_shown_in_german() -> None:
    load(BIBLIS)
    town = (*BIBLIS[:2], "63", *BIBLIS[3:])
    (change,) = plan(town, territory=NEXT).changed
    assert [str(field) for field in change.fields] == ["Art: Gemeinde → Stadt"]


def test_what_a_file_does_not_hold_stays() -> None:
    load(BENSHEIM)
    Municipality.objects.update(latitude=Decimal("49.680002"), longitude=Decimal("8.622171"))
    blank = (*BENSHEIM[:4], "", BENSHEIM[5])
    report = load(blank, territory=NEXT)
    assert numbers(report.plan) == {"unveränderte Kommunen": 1, "unveränderte Einwohnerzahlen": 1}
    bensheim = Municipality.objects.get()
    assert (bensheim.postal_code, bensheim.latitude) == ("64625", Decimal("49.680002"))


def test_a_field_that_was_empty_is_shown_with_a_dash() -> None:
    load((*BENSHEIM[:4], "", BENSHEIM[5]))
    (change,) = plan(BENSHEIM, territory=NEXT).changed
    assert [str(field) for field in change.fields] == ["Postleitzahl: – → 64625"]


def test_a_renamed_district_is_changed_with_its_history() -> None:
    load(BENSHEIM)
    District.objects.update(name="Bergstrasse", court="Darmstadt")
    report = load(BENSHEIM, territory=NEXT)
    (change,) = report.plan.changed_districts
    assert (change.old, change.record.short_name) == ("Bergstrasse", "Bergstraße")
    district = District.objects.get()
    assert (district.name, district.court) == ("Bergstraße", "Darmstadt")
    assert [h.history_type for h in district.history.all()] == ["~", "+"]


def test_what_had_no_history_keeps_its_state_from_before_the_change() -> None:
    load(BENSHEIM)
    for history in (Municipality.history, District.history):
        history.all().delete()
    District.objects.update(name="Bergstrasse")
    load((BENSHEIM[0], "Bensheim, Kreisstadt", *BENSHEIM[2:]), territory=NEXT)
    assert list(Municipality.history.values_list("history_type", "official_name")) == [
        ("~", "Bensheim, Kreisstadt"),
        ("+", "Bensheim, Stadt"),
    ]
    assert list(District.history.values_list("history_type", "name")) == [
        ("~", "Bergstraße"),
        ("+", "Bergstrasse"),
    ]


def test_a_corrected_file_of_the_same_day_may_change_attributes() -> None:
    load(BENSHEIM)
    report = load((BENSHEIM[0], "Bensheim, Kreisstadt", *BENSHEIM[2:]))
    assert numbers(report.plan)["geänderte Kommunen"] == 1


# --- Figures --------------------------------------------------------------------------------------


def test_a_figure_is_never_overwritten() -> None:
    load(BENSHEIM, BIBLIS)
    before = everything()
    other = (*BENSHEIM[:5], 41759)
    with pytest.raises(ImportRefused) as refused:
        load(other, BIBLIS)
    assert refused.value.reasons == [
        "06431002 Bensheim: Für den 31.12.2023 (Zensus 2011) ist 41758 gespeichert, die Datei "
        "nennt 41759. Zahlen werden nie überschrieben."
    ]
    assert everything() == before


def test_another_census_basis_is_another_figure() -> None:
    load(BENSHEIM)
    report = load((*BENSHEIM[:5], 40100), basis="Zensus 2022")
    assert numbers(report.plan) == {"unveränderte Kommunen": 1, "neue Einwohnerzahlen": 1}
    assert list(Population.objects.values_list("basis", "value")) == [
        ("Zensus 2011", 41758),
        ("Zensus 2022", 40100),
    ]


# --- Older files ----------------------------------------------------------------------------------


def test_an_older_file_brings_figures_and_nothing_else() -> None:
    load(BENSHEIM, BIBLIS, territory=NEXT, population_as_of=DAY)
    District.objects.update(name="Neuer Name")
    old_name = (BENSHEIM[0], "Bensheim (Bergstraße), Stadt", *BENSHEIM[2:])
    report = load(old_name, DARMSTADT, territory=OLD)
    assert numbers(report.plan) == {
        "Kommunen mit neuerem Stand im Verzeichnis": 1,
        "nicht übernommene Kommunen": 1,
        "neue Landkreise/kreisfreie Städte": 1,
        "neue Einwohnerzahlen": 1,
    }
    assert [str(skipped) for skipped in report.plan.skipped] == [
        "06411000 Darmstadt: dem neueren Verzeichnis (31.12.2025) unbekannt"
    ]
    assert report.plan.notes[0] == (
        "Für 1 Kommunen führt das Verzeichnis einen neueren Gebietsstand; "
        "Name, Art und Kreis bleiben."
    )
    assert list(
        Municipality.objects.values_list("official_name", "territory_as_of", "valid_to")
    ) == [("Bensheim, Stadt", NEXT, None), ("Biblis", NEXT, None)]
    assert District.objects.get(ags="06431").name == "Neuer Name"


# --- Dissolved, new, and changed keys ------------------------------------------------------------


def test_what_a_newer_file_no_longer_has_is_dissolved_the_day_before() -> None:
    load(BENSHEIM, BIBLIS)
    report = load(BENSHEIM, territory=NEXT)
    (gone,) = report.plan.dissolved
    assert (gone.ags, gone.valid_to, gone.successor) == ("06431003", date(2025, 12, 30), "")
    assert report.plan.notes == ["06431003 Biblis: Nachfolgerin und genauer Tag sind nachzutragen."]
    biblis = Municipality.objects.get(ags="06431003")
    assert (biblis.valid_to, biblis.successor) == (date(2025, 12, 30), None)
    assert [h.history_type for h in biblis.history.all()] == ["~", "+"]
    assert not biblis.is_in_force(NEXT)


def test_a_new_municipality_of_a_known_land_begins_with_the_file() -> None:
    load(BENSHEIM)
    load(BENSHEIM, BIBLIS, territory=NEXT)
    assert Municipality.objects.get(ags="06431003").valid_from == NEXT


def test_a_changed_key_is_recognised_by_name_and_area() -> None:
    load(BENSHEIM, HANAU)
    report = load(BENSHEIM, NEW_HANAU, territory=NEXT, population_as_of=DAY)
    assert report.plan.notes == [
        "06435014 Hanau: Nachfolgerin ist 06415000 (gleicher Name, gleiche Fläche).",
        "06415 Hanau: Das Verwaltungsgericht ist nachzutragen.",
    ]
    old, new = Municipality.objects.filter(short_name="Hanau").order_by("-ags")
    assert (old.ags, old.valid_to, old.successor) == ("06435014", date(2025, 12, 30), new)
    assert (new.ags, new.kind, new.valid_from) == ("06415000", "city_district", NEXT)
    assert str(new.district) == "Hanau (kreisfreie Stadt)"
    # Without a gap: the day after the old key ends, the new one begins.
    assert [m.is_in_force(date(2025, 12, 30)) for m in (old, new)] == [True, False]
    assert [m.is_in_force(NEXT) for m in (old, new)] == [False, True]


@pytest.mark.parametrize(
    "other",
    [
        (*NEW_HANAU[:3], 7629, *NEW_HANAU[4:]),
        (NEW_HANAU[0], "Hanau, Stadt", *NEW_HANAU[2:]),
    ],
)
def test_another_name_or_area_is_left_to_staff(other: Place) -> None:
    load(HANAU)
    assert [gone.successor for gone in plan(other, territory=NEXT).dissolved] == [""]


def test_two_of_one_name_are_left_to_staff() -> None:
    load(HANAU)
    second = ("06431099", *NEW_HANAU[1:2], "63", *NEW_HANAU[3:])
    assert [d.successor for d in plan(NEW_HANAU, second, territory=NEXT).dissolved] == [""]


def test_another_centre_is_left_to_staff_and_an_unknown_area_proves_nothing() -> None:
    load(HANAU)
    Municipality.objects.update(latitude=Decimal("50.1"), longitude=Decimal("8.9"))
    file = register(NEW_HANAU, territory=NEXT)

    def successors(**place: Decimal) -> list[str]:
        moved = replace(file, municipalities=[replace(file.municipalities[0], **place)])
        return [d.successor for d in plan_import(moved, **STATED).dissolved]

    assert successors(lat=Decimal("50.1"), lon=Decimal("8.9")) == ["06415000"]
    assert successors(lat=Decimal("50.2"), lon=Decimal("8.9")) == [""]
    Municipality.objects.update(area_km2=None)
    assert successors() == [""]


def test_a_key_that_comes_back_is_left_to_staff() -> None:
    load(BENSHEIM, BIBLIS)
    load(BENSHEIM, territory=NEXT)
    later = date(2026, 12, 31)
    report = load(BENSHEIM, BIBLIS, territory=later, population_as_of=NEXT)
    assert [str(skipped) for skipped in report.plan.skipped] == [
        "06431003 Biblis: galt bis 30.12.2025 und steht wieder in der Datei; "
        "bitte „gültig bis“ prüfen"
    ]
    biblis = Municipality.objects.get(ags="06431003")
    assert (biblis.valid_to, biblis.populations.count()) == (date(2025, 12, 30), 1)


def test_what_is_missing_in_another_file_of_the_same_day_is_not_dissolved() -> None:
    load(BENSHEIM, BIBLIS)
    report = load(BENSHEIM)
    assert report.plan.dissolved == []
    assert [str(skipped) for skipped in report.plan.skipped] == [
        "06431003 Biblis: fehlt in dieser Datei gleichen Gebietsstands; nicht verändert"
    ]


@pytest.mark.parametrize("days", [{"valid_to": date(2026, 6, 30)}, {"valid_from": NEXT}])
def test_days_that_staff_entered_are_not_overruled(days: dict[str, date]) -> None:
    load(BENSHEIM, BIBLIS)
    Municipality.objects.filter(ags="06431003").update(**days)
    found = plan(BENSHEIM, territory=NEXT)
    assert found.dissolved == []
    assert [skipped.reason for skipped in found.skipped] == [
        "fehlt in der Datei, hat aber eingetragene Gültigkeitstage; bitte prüfen"
    ]


def test_a_municipality_that_ended_before_is_not_missed() -> None:
    load(BENSHEIM, BIBLIS)
    Municipality.objects.filter(ags="06431003").update(valid_to=date(2025, 6, 30))
    found = plan(BENSHEIM, territory=NEXT)
    assert (found.dissolved, found.skipped) == ([], [])


def test_a_land_that_is_not_in_the_file_loses_nothing() -> None:
    load(BENSHEIM, ALZEY, land=None)
    assert plan(BENSHEIM, territory=NEXT, land=None).dissolved == []


def test_a_truncated_file_dissolves_nobody() -> None:
    many = [(f"06431{n:03}", f"Ort {n}", "64", 100, "64625", n) for n in range(1, 101)]
    load(*many)
    before = everything()
    with pytest.raises(ImportRefused, match="fehlen 21 Kommunen"):
        load(*many[:79], territory=NEXT)
    assert everything() == before
    assert len(plan(*many[:80], territory=NEXT).dissolved) == 20


# --- Refusals -------------------------------------------------------------------------------------


def test_one_broken_line_in_scope_refuses_all_with_the_list() -> None:
    lines = [
        *gv100ad_lines([BENSHEIM, ALZEY]),
        municipality_line(("0643100X", *BIBLIS[1:])),
        municipality_line(("0733100X", *BIBLIS[1:])),
    ]
    file = read("\n".join(lines).encode())
    with pytest.raises(ImportRefused) as refused:
        apply_import(file, by=None, at=AT, **STATED)
    assert len(refused.value.reasons) == 1
    assert refused.value.reasons[0].startswith("Zeile 7: Der Gemeindeschlüssel besteht nicht")
    assert everything() == []
    found = plan_import(file, **STATED)
    assert found.notes[0] == "1 fehlerhafte Zeilen anderer Länder bleiben unbeachtet."
    assert len(plan_import(file, land=None, **STATED).refusals) == 2


def test_a_file_without_the_land_is_refused() -> None:
    with pytest.raises(ImportRefused, match="Die Datei enthält keine Kommune des Landes 06"):
        load(ALZEY)
    empty = replace(register(ALZEY), municipalities=[])
    assert plan_import(empty, land=None, **STATED).refusals == ["Die Datei enthält keine Kommune."]


def test_a_file_without_territory_date_needs_one_stated() -> None:
    nameless = replace(register(BENSHEIM), territory_as_of=None)
    with pytest.raises(ImportRefused, match="nennt keinen Gebietsstand"):
        apply_import(nameless, by=None, at=AT, **STATED)
    apply_import(nameless, by=None, at=AT, territory_as_of=OLD, **STATED)
    assert Municipality.objects.get().territory_as_of == OLD


def test_basis_and_source_must_fit_their_columns() -> None:
    assert plan(BENSHEIM, basis=" ").refusals == ["Angabe fehlt: Zensusbasis."]
    assert plan(BENSHEIM, basis="x" * 51, source="x" * 201).refusals == [
        "Angabe zu lang (höchstens 50 Zeichen): Zensusbasis.",
        "Angabe zu lang (höchstens 200 Zeichen): Quelle.",
    ]
    assert plan(BENSHEIM, source=" ").source == REGISTER_SOURCE


def test_contradictions_are_noted() -> None:
    found = plan_import(read(xlsx()), population_as_of=date(2025, 12, 31), basis="Zensus 2011")
    assert found.refusals == []
    assert found.notes[:3] == [
        "Die Datei nennt als Stichtag der Einwohnerzahlen den 31.12.2023, "
        "angegeben ist der 31.12.2025.",
        "Die Datei nennt als Grundlage „Zensus 2022“, angegeben ist „Zensus 2011“.",
        "Der Stichtag der Einwohnerzahlen liegt nach dem Gebietsstand.",
    ]


def test_what_is_confirmed_must_be_what_was_shown() -> None:
    shown = plan(BENSHEIM).fingerprint()
    assert shown == plan(BENSHEIM).fingerprint()
    load(BIBLIS, territory=OLD)
    with pytest.raises(ImportRefused, match="seit der Vorschau geändert"):
        load(BENSHEIM, fingerprint=shown)
    load(BENSHEIM, fingerprint=plan(BENSHEIM).fingerprint())
    assert Municipality.objects.count() == 2


# --- Cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow_with_the_rows(
    count: int, django_assert_num_queries: Callable[..., Any]
) -> None:
    places = [(f"06431{n:03}", f"Ort {n}", "64", 100, "64625", n) for n in range(1, count + 1)]
    load(*places)
    renamed = [(p[0], f"Neu {n}", *p[2:]) for n, p in enumerate(places)]
    with django_assert_num_queries(14):
        load(*renamed, territory=NEXT, population_as_of=DAY)


# --- The command ----------------------------------------------------------------------------------


def command(path: Path, *arguments: str) -> str:
    out = StringIO()
    call_command(
        "import_register", str(path), "--population-as-of", "2023-12-31", "--basis", "Zensus 2011",
        *arguments, stdout=out,
    )  # fmt: skip
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "GV100AD.ASC"
    path.write_bytes(gv100ad([DARMSTADT, BENSHEIM, ALZEY]))
    return path


def test_the_command_reads_the_file_and_says_what_it_did(file: Path) -> None:
    assert command(file).splitlines() == [
        "GV100AD, Gebietsstand 31.12.2024, Einwohnerzahlen zum 31.12.2023 (Zensus 2011)",
        "       2  neue Kommunen",
        "       0  geänderte Kommunen",
        "       0  aufgelöste Kommunen",
        "       0  unveränderte Kommunen",
        "       0  Kommunen mit neuerem Stand im Verzeichnis",
        "       0  nicht übernommene Kommunen",
        "       2  neue Landkreise/kreisfreie Städte",
        "       0  geänderte Landkreise/kreisfreie Städte",
        "       2  neue Einwohnerzahlen",
        "       0  unveränderte Einwohnerzahlen",
        "Hinweis: 06411 Darmstadt: Das Verwaltungsgericht ist nachzutragen.",
        "Hinweis: 06431 Bergstraße: Das Verwaltungsgericht ist nachzutragen.",
        "Eingelesen.",
    ]
    record = RegisterImport.objects.get()
    assert (record.file_name, len(record.sha256), record.created_count) == ("GV100AD.ASC", 64, 2)
    command(file, "--land", "alle")
    assert Municipality.objects.count() == 3


def test_a_dry_run_shows_the_preview_and_writes_nothing(file: Path) -> None:
    load(BIBLIS, (BENSHEIM[0], "Bensheim", *BENSHEIM[2:]), FOREST, territory=OLD)
    District.objects.update(name="Bergstrasse")
    Municipality.objects.filter(ags="06431200").update(valid_to=date(2023, 6, 30))
    before = everything()
    file.write_bytes(gv100ad([DARMSTADT, BENSHEIM, FOREST]))
    shown = [text for text in command(file, "--dry-run").splitlines() if text[0] != " "]
    assert shown == [
        "GV100AD, Gebietsstand 31.12.2024, Einwohnerzahlen zum 31.12.2023 (Zensus 2011)",
        "neu: 06411000 Darmstadt, Wissenschaftsstadt",
        "geändert: 06431 Bergstrasse → Bergstraße",
        "geändert: 06431002 Bensheim: amtlicher Name: Bensheim → Bensheim, Stadt",
        "aufgelöst: 06431003 Biblis, spätestens am 30.12.2024",
        "nicht übernommen: 06431200 Michelbuch: galt bis 30.06.2023 und steht wieder in der "
        "Datei; bitte „gültig bis“ prüfen",
        "Hinweis: 06431003 Biblis: Nachfolgerin und genauer Tag sind nachzutragen.",
        "Hinweis: 06411 Darmstadt: Das Verwaltungsgericht ist nachzutragen.",
        "Probelauf: nichts wurde geändert.",
    ]
    assert everything() == before


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_the_command_fails_with_the_named_lines(file: Path, arguments: list[str]) -> None:
    bad = municipality_line((*BIBLIS[:4], "6462X", BIBLIS[5])).encode()
    file.write_bytes(file.read_bytes() + bad)
    with pytest.raises(CommandError) as refused:
        command(file, *arguments)
    first, second = str(refused.value).splitlines()
    assert first == "Nichts wurde eingelesen."
    assert second.startswith("Zeile 9: Die Postleitzahl „6462X“ hat nicht fünf Ziffern.")
    assert everything() == []


def test_the_command_fails_for_other_files_and_odd_arguments(file: Path) -> None:
    with pytest.raises(CommandError, match="gibt es nicht"):
        command(file.with_name("missing"))
    with pytest.raises(CommandError, match="ist kein Landesschlüssel"):
        command(file, "--land", "Hessen")
    with pytest.raises(CommandError, match="ist kein Datum"):
        command(file, "--territory-as-of", "31.13.2024")
    assert "Gebietsstand 31.12.2024" in command(file, "--territory-as-of", "31.12.2020")


# --- The real files -------------------------------------------------------------------------------


def test_the_real_files_agree_with_the_fixture() -> None:
    call_command("loaddata", "municipalities", verbosity=0)
    courts = set(District.objects.values_list("ags", "court"))
    before = set(Municipality.objects.values_list())
    newest = apply_import(real_register("AuszugGV4QAktuell_2024.xlsx"), by=None, at=AT, **STATED)
    assert numbers(newest.plan) == {
        "unveränderte Kommunen": 425,
        "unveränderte Einwohnerzahlen": 425,
    }
    older = apply_import(
        real_register("31122021_Auszug_GV.xlsx"),
        by=None,
        at=AT,
        population_as_of=date(2021, 12, 31),
        basis="Zensus 2011",
    )
    # Bromskirchen was in force in 2021 and stands in the fixture as of that very file.
    assert numbers(older.plan) == {
        "unveränderte Kommunen": 1,
        "Kommunen mit neuerem Stand im Verzeichnis": 425,
        "unveränderte Einwohnerzahlen": 426,
    }
    assert set(Municipality.objects.values_list()) == before
    assert set(District.objects.values_list("ags", "court")) == courts


@pytest.mark.skipif("PORTAL_FAULTS" not in os.environ, reason="./portal test --faults runs it")
def test_three_years_of_the_whole_german_register() -> None:
    first = apply_import(
        real_register("GV100AD_301121.ASC"),
        by=None,
        at=AT,
        land=None,
        population_as_of=date(2020, 12, 31),
        basis="Zensus 2011",
    )
    assert numbers(first.plan) == {
        "neue Kommunen": 10997,
        "neue Landkreise/kreisfreie Städte": 402,
        "neue Einwohnerzahlen": 10997,
    }
    last = apply_import(
        real_register("AuszugGV4QAktuell_2024.xlsx"), by=None, at=AT, land=None, **STATED
    )
    counts = numbers(last.plan)
    assert counts["neue Kommunen"] == 3
    assert counts["aufgelöste Kommunen"] == 41
    assert counts["neue Einwohnerzahlen"] == 10959
    bromskirchen = Municipality.objects.get(ags="06635005")
    assert (bromskirchen.valid_to, bromskirchen.successor) == (date(2024, 12, 30), None)


def test_the_command_reads_the_real_file() -> None:
    out = StringIO()
    call_command(
        "import_register",
        str(real("GV100AD_301121.ASC")),
        population_as_of=date(2020, 12, 31),
        basis="Zensus 2011",
        stdout=out,
    )
    assert "     426  neue Kommunen" in out.getvalue().splitlines()
