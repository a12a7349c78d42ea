"""Many rows at once for the measures: written in bulk, as no person could."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction
from django.utils import timezone

from applications.models import Application, ApplicationMember, Snapshot
from kiv_portal.folding import search_key, sort_key
from municipalities.models import Municipality
from projects.models import FundingRound, Project, ProjectMember

if TYPE_CHECKING:
    from django.db.models import Model

FIRST_ID: Final = 1_000_000
BATCH: Final = 2000
_STATES: Final = """CASE mod(n, 8)
    WHEN 0 THEN 'proposed' WHEN 1 THEN 'information_requested'
    WHEN 2 THEN 'submitted' WHEN 4 THEN 'submitted' WHEN 6 THEN 'submitted'
    ELSE 'formal_check' END"""


def projects(number: int) -> None:
    """Published projects spread over all municipalities; every tenth has two of them."""
    at = timezone.now()
    towns = list(Municipality.objects.able_to_apply().select_related("district"))
    rounds = list(FundingRound.objects.all())
    made, members = [], []
    for index in range(number):
        carriers = [towns[index % len(towns)]]
        if index % 10 == 0:
            carriers.append(towns[(index + 1) % len(towns)])
        title = f"Vielfalt gemeinsam gestalten {index}"
        names = [
            text
            for town in carriers
            for text in (town.official_name, town.short_name, town.district.name, town.ags)
        ]
        made.append(
            Project(
                pk=FIRST_ID + index,
                slug=f"messung-{index}",
                title=title,
                round=rounds[index % len(rounds)],
                amif=index % 2 == 0,
                published_at=at,
                as_of=date(2022, 5, 1),
                search_key=search_key(title, *names),
                sort_key=sort_key(f"{carriers[0].short_name} {title}"),
                places_key=" ".join(carrier.ags for carrier in carriers),
                declared_total=(10_000 + index) * len(carriers),
            )
        )
        members += [
            ProjectMember(
                project_id=FIRST_ID + index,
                municipality=town,
                position=position,
                declared_population=10_000 + index,
            )
            for position, town in enumerate(carriers)
        ]
    with transaction.atomic():
        Project.objects.bulk_create(made, batch_size=BATCH)
        ProjectMember.objects.bulk_create(members, batch_size=BATCH)
    _settle()


def cases(pattern: Application, number: int) -> None:
    """Filed applications like the pattern, spread over municipalities and four states."""
    towns = list(Municipality.objects.able_to_apply().values_list("pk", flat=True))
    town = f"(ARRAY{towns})[1 + mod(n, {len(towns)})]"
    sort_key = f"SELECT sort_key FROM municipalities_municipality AS town WHERE town.id = {town}"  # noqa: S608
    with transaction.atomic():
        _repeat(
            Application,
            pattern.pk,
            number,
            id=f"{FIRST_ID} + n",
            uuid="gen_random_uuid()",
            submission_token="gen_random_uuid()",  # noqa: S106
            reference="'KIV-MESSUNG-' || n",
            first_snapshot_id=f"{FIRST_ID} + n",
            submitted_at="submitted_at - n * interval '1 minute'",
            matters_on="CAST(submitted_at - n * interval '1 minute' AS date)",
            search_key="search_key || ' vielfalt m' || n || 'x'",
            lead_key=f"({sort_key})",
            asked="CASE WHEN mod(n, 3) = 0 THEN asked ELSE mod(n * 7919, 30000) END",
            status=_STATES,
        )
        _repeat(
            Snapshot,
            pattern.first_snapshot_id,
            number,
            id=f"{FIRST_ID} + n",
            application_id=f"{FIRST_ID} + n",
            pdf="''",
        )
        _repeat(
            ApplicationMember,
            pattern.members.get(role="lead").pk,
            number,
            id=f"{FIRST_ID} + n",
            application_id=f"{FIRST_ID} + n",
            municipality_id=town,
            live="false",
        )
    _settle()


def _repeat(model: type[Model], pattern: Any, number: int, **changes: str) -> None:
    """Insert copies of one row, numbered n, with some columns computed."""
    columns = [field.column for field in model._meta.concrete_fields]
    values = [changes.get(column, f'"{column}"') for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    statement = (
        f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} "  # noqa: S608 - our own words
        f"FROM {table} CROSS JOIN generate_series(1, %s) AS n WHERE {table}.id = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [number, pattern])


def _settle() -> None:
    """What autovacuum would do in its own time: the planner knows how large the tables are."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
