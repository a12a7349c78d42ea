"""What the worker puts in order once a day: old autosaves, and form sheets nobody can use."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from applications.models import (
    Application,
    ApplicationMember,
    FormSheet,
    KeptInput,
    Revision,
    SheetKind,
    Snapshot,
)
from applications.workflow import Status

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from datetime import datetime

logger = logging.getLogger(__name__)

HOURLY: Final = timedelta(days=7)
"""So long one autosave an hour stays, afterwards one a day."""

CHUNK: Final = 500

SHEETS: Final = "formulare"
"""Where the files of form sheets lie, see `sheet_path`."""

BEING_WRITTEN: Final = timedelta(hours=1)
"""A file younger than this may belong to a sheet whose row is written in this moment."""


def thin_revisions(at: datetime) -> int:
    """Delete autosaves that a later one makes superfluous; how many were.

    All of today stay; of each person and section the last of every hour for a week, then the
    last of every day (days and hours as in Germany); always the first and the last of a section,
    what a person saved by pressing the button, and what a frozen copy was taken of. An
    application for which typed input is kept stays as it is: that input refers to revisions
    which only its owner can read.
    """
    old = Revision.objects.filter(autosaved=True, at__lt=_midnight(at))
    busy = KeptInput.objects.filter(expires_at__gt=at).values("application")
    keys = old.exclude(application__in=busy).order_by("application")
    gone = 0
    for key in keys.values_list("application", flat=True).distinct():
        with transaction.atomic():
            # Whoever saves at the moment settles with the revisions as they are.
            Application.objects.select_for_update().get(pk=key)
            superfluous = list(_superfluous(key, at))
            for start in range(0, len(superfluous), CHUNK):
                some = superfluous[start : start + CHUNK]
                gone += Revision.objects.filter(pk__in=some).delete()[0]
    logger.info("Autosaves thinned out: %s", gone)
    return gone


def _midnight(at: datetime) -> datetime:
    return timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)


def _superfluous(application: int, at: datetime) -> Iterable[int]:
    """The primary keys of an application's revisions that need not stay."""
    rows = list(
        Revision.objects.filter(application=application)
        .order_by("step", "number")
        .values("pk", "step", "at", "by", "autosaved")
    )
    taken = list(
        Snapshot.objects.filter(application=application).values_list("taken_at", flat=True)
    )
    for _, found in groupby(rows, key=lambda row: row["step"]):
        step = list(found)
        kept = {step[0]["pk"], step[-1]["pk"]}
        kept |= {row["pk"] for row in step if not row["autosaved"]}
        kept |= {
            max(before, key=lambda row: row["at"])["pk"]
            for instant in taken
            if (before := [row for row in step if row["at"] <= instant])
        }
        last = {_stretch(row, at): row["pk"] for row in step}
        kept |= {*last.values()}
        yield from (row["pk"] for row in step if row["pk"] not in kept)


def _stretch(row: Mapping[str, Any], at: datetime) -> Hashable:
    """What a revision is the only one of that stays: itself today, its hour, its day."""
    local = timezone.localtime(row["at"])
    if row["at"] >= _midnight(at):
        return row["pk"]
    if at - row["at"] < HOURLY:
        return row["by"], local.date(), local.hour, local.utcoffset()
    return row["by"], local.date()


def clear_sheets(at: datetime) -> int:
    """Delete form sheets nobody can use any more, and files that belong to none; how many.

    Kooperationserklärungen of municipalities that left, all of an application that is closed for
    its applicant, and files whose draft has gone. A sheet that is asked for again is made anew.
    """
    writable = (Status.DRAFT, Status.INFORMATION_REQUESTED)
    of_cases = FormSheet.objects.filter(application__isnull=False)
    wanted = {
        (row["application"], row["municipality__ags"])
        for row in ApplicationMember.objects.filter(application__in=of_cases.values("application"))
        .values("application", "municipality__ags")
        .iterator(chunk_size=CHUNK)
    }
    left = [
        sheet.pk
        for sheet in of_cases.filter(kind=SheetKind.COOPERATION).defer("values")
        if (sheet.application_id, sheet.about) not in wanted
    ]
    closed = of_cases.exclude(application__status__in=writable).values_list("pk", flat=True)
    rows = FormSheet.objects.filter(pk__in={*left, *closed})
    gone = rows.delete()[0]
    files = _files_of_no_sheet(at)
    for name in files:
        default_storage.delete(name)
    logger.info("Form sheets deleted: %s, files: %s", gone, len(files))
    return gone + len(files)


def _files_of_no_sheet(at: datetime) -> list[str]:
    """Files among the sheets' that no row names, those just being written left out."""
    try:
        _, names = default_storage.listdir(SHEETS)
    except FileNotFoundError:
        return []
    known = set(FormSheet.objects.exclude(file="").values_list("file", flat=True))
    found = [str(PurePosixPath(SHEETS) / name) for name in names]
    return [
        name
        for name in found
        if name not in known and at - default_storage.get_modified_time(name) > BEING_WRITTEN
    ]
