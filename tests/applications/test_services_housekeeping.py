"""What the worker puts in order: old autosaves are thinned, sheets nobody can use are deleted."""

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from applications import services
from applications.models import Application, FormSheet, KeptInput, Revision, SheetKind
from applications.rules import Step
from applications.services import housekeeping, jobs
from applications.services.sheets import cooperation_sheet, signature_sheet
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def revisions(application: Application, *rows: tuple[Any, ...]) -> None:
    """Revisions of the Konzeption in this order: instant, person, saved by itself or not."""
    Revision.objects.filter(application=application).delete()
    for number, (at, by, autosaved) in enumerate(rows, start=1):
        Revision.objects.create(
            application=application,
            number=number,
            step=Step.KONZEPTION,
            data={"title": str(number)},
            at=at,
            by=by,
            autosaved=autosaved,
        )
    Application.objects.filter(pk=application.pk).update(revision=len(rows))


def left(application: Application) -> list[int]:
    return list(application.revisions.order_by("number").values_list("number", flat=True))


def test_of_old_autosaves_one_an_hour_stays_and_later_one_a_day() -> None:
    w = world.build()
    application = world.draft(w)
    local = timezone.localtime(NOW).replace(minute=0)
    yesterday, long_ago = local - DAY, local - 20 * DAY
    revisions(
        application,
        (long_ago, w.clerk, True),  # 1: the first
        (long_ago + HOUR, w.clerk, True),
        (long_ago + 2 * HOUR, w.clerk, True),  # 3: the clerk's last of the day
        (long_ago + 2 * HOUR, w.signatory, True),  # 4: the other person's last of the day
        (long_ago + DAY, w.clerk, False),  # 5: by the button
        (long_ago + DAY + HOUR, w.clerk, True),
        (long_ago + DAY + 2 * HOUR, w.clerk, True),  # 7: the last of that day
        (yesterday, w.clerk, True),
        (yesterday + 10 * MINUTE, w.clerk, True),  # 9: the last of that hour
        (yesterday + HOUR, w.clerk, True),  # 10: the last of the next hour
        (local.replace(hour=0), w.clerk, True),  # 11 to 13: today
        (local.replace(hour=0) + MINUTE, w.clerk, True),
        (local, w.clerk, True),
    )
    assert housekeeping.thin_revisions(NOW) == 3
    assert left(application) == [1, 3, 4, 5, 7, 9, 10, 11, 12, 13]
    assert housekeeping.thin_revisions(NOW) == 0
    # A week and a day later the hours of that day are one day as well.
    assert housekeeping.thin_revisions(NOW + 8 * DAY) == 3
    assert left(application) == [1, 3, 4, 5, 7, 10, 13]


def test_what_a_frozen_copy_was_taken_of_stays_and_the_last_of_every_section() -> None:
    w = world.build()
    application = world.submitted(w)
    filed = application.submitted_at
    assert filed is not None
    revisions(
        application,
        (filed - 3 * MINUTE, w.clerk, True),
        (filed - 2 * MINUTE, w.clerk, True),
        (filed - MINUTE, w.clerk, True),  # 3: what was filed
        (filed + MINUTE, w.clerk, True),
        (filed + 2 * MINUTE, w.clerk, True),  # 5: the last
    )
    assert housekeeping.thin_revisions(filed + 30 * DAY) == 2
    assert left(application) == [1, 3, 5]


def test_nothing_is_thinned_as_long_as_input_is_kept_that_may_rest_on_it() -> None:
    w = world.build()
    application = world.draft(w)
    revisions(application, *((NOW + n * MINUTE, w.clerk, True) for n in range(4)))
    at = NOW + 2 * DAY
    KeptInput.objects.create(
        token_hash="x",
        application=application,
        step=Step.KONZEPTION,
        user=w.clerk,
        sealed=b"x",
        kept_at=at,
        expires_at=at + HOUR,
    )
    assert housekeeping.thin_revisions(at) == 0
    assert housekeeping.thin_revisions(at + HOUR) == 2
    assert left(application) == [1, 4]


def test_a_form_of_a_thinned_revision_overwrites_nothing_and_loses_nothing() -> None:
    w = world.build()
    application = world.draft(w)
    save = {"application": application, "step": Step.KONZEPTION}
    services.save_step(
        **save, data={"title": "A", "goals": "G"}, base_revision=0, by=w.clerk, at=NOW
    )
    for number, title in ((1, "B"), (2, "C"), (3, "D")):
        services.save_typed(
            **save,
            data={"title": title},
            base_revision=number,
            by=w.clerk,
            at=NOW + number * MINUTE,
        )
    at = NOW + 2 * DAY
    assert housekeeping.thin_revisions(at) == 2
    assert left(application) == [1, 4]
    # The form was opened when the title was B; its person writes A again, where D is by now.
    with pytest.raises(services.EditConflict) as caught:
        services.save_step(
            **save, data={"title": "A", "goals": "G"}, base_revision=2, by=w.signatory, at=at
        )
    assert [(c.key, c.base, c.theirs, c.mine) for c in caught.value.conflicts] == [
        ("title", None, "D", "A")
    ]
    # Saved by itself, it changes nothing: what differs waits for a person to decide.
    done = services.save_typed(
        **save,
        data={"title": "B", "goals": "G", "summary": "Neu"},
        base_revision=2,
        by=w.signatory,
        at=at,
    )
    application.refresh_from_db()
    assert (application.title, application.goals) == ("D", "G")
    assert {c.key for c in done.conflicts} == {"title", "summary"}
    # Whoever opened it since then saves without being asked.
    services.save_step(
        **save, data={"summary": "Neu"}, base_revision=application.revision, by=w.clerk, at=at
    )
    application.refresh_from_db()
    assert application.summary == "Neu"


def with_file(sheet: FormSheet) -> FormSheet:
    sheet.file.save("x.pdf", ContentFile(b"%PDF-"))
    return sheet


def stored() -> set[str]:
    return {f"formulare/{name}" for name in default_storage.listdir("formulare")[1]}


def age(name: str, at: datetime) -> None:
    os.utime(default_storage.path(name), (at.timestamp(), at.timestamp()))


def test_sheets_go_with_their_partner_and_their_draft() -> None:
    w = world.build()
    at = timezone.now()
    application, filed = world.filled(w), world.filled(w)
    for draft in (application, filed):
        world.shared(draft, w, w.small, w.other_town)
        draft.refresh_from_db()
    blank = FormSheet.objects.create(kind=SheetKind.BLANK_FORM, key="b", values={}, created_at=at)
    stay = [
        blank,
        cooperation_sheet(application=application, partner=w.small, at=at),
        signature_sheet(application=application, at=at),
    ]
    of_filed = signature_sheet(application=filed, at=at)
    of_left = cooperation_sheet(application=application, partner=w.other_town, at=at)
    names = {with_file(sheet).file.name for sheet in (*stay, of_filed, of_left)}
    assert len(names) == 5
    lost = default_storage.save("formulare/weg.pdf", ContentFile(b"%PDF-"))
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    world.file(filed, w.signatory)
    assert housekeeping.clear_sheets(at) == 2  # the rows; files may still be written for an hour
    for name in stored() - {blank.file.name}:
        age(name, at - 2 * HOUR)
    jobs.JOBS["tidy"]("", at)
    assert set(FormSheet.objects.all()) == set(stay)
    assert stored() == {sheet.file.name for sheet in stay}
    assert lost not in stored()
    assert housekeeping.clear_sheets(at) == 0
