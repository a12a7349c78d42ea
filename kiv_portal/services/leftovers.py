"""Files of applications that no record names: an upload broke off, an erasure could not delete.

They may hold what people wrote and are in nobody's file. What an erasure left goes the next
night; all else only when no backup is left whose records could still name it, and never so much
at once that it is rather the database that is the wrong one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import FileField

from kiv_portal.files import object_store_faults
from kiv_portal.models import Erasure
from kiv_portal.services.backup import stored
from kiv_portal.storage import PART

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

logger = logging.getLogger(__name__)

FOLDERS: Final = ("antraege/", "beteiligung/", "schreiben/")
"""Where uploads, frozen applications, opinions and letters lie; sheets are tidied elsewhere."""


THERE_AT_LEAST: Final = 99
"""So many of a hundred files that are named lie in the store, or the two are no pair."""
LEFT_AT_MOST: Final = 20
"""So many files that nothing names may go in a night, or 1 % of those that something names."""


WRITING: Final = timedelta(days=1)
"""After that nobody is still writing: what has no name of its own yet never gets one."""


@dataclass(frozen=True)
class Found:
    """What a night finds: what goes, and what stays because it is too much at once."""

    due: list[str]
    held_back: tuple[str, ...] = ()
    named: int = 0
    """How many files in these folders the database names."""
    there: int = 0
    """How many of those lie in the store."""

    @property
    def belongs_together(self) -> bool:
        """Whether this database is the store's: it names files, and nearly all lie there."""
        return self.there > 0 and self.there * 100 >= self.named * THERE_AT_LEAST


class NotReleased(Exception):
    """What was held back is not what somebody has looked at; the message says it in German."""


def find(at: datetime) -> Found:
    """What no record names: files of recorded erasures, and whatever is older than all backups.

    With a new or another database nothing here seems to belong to anything. So all but the files
    of erasures stays unless nearly all that the database names lie in the store, and where more
    would go than uploads that broke off can be.
    """
    period = timedelta(days=settings.BACKUP_DAYS)
    known = _named()
    erased = {name for files in Erasure.objects.values_list("files", flat=True) for name in files}
    every = list(stored())
    half = {name for name in every if name.endswith(PART) and name not in known}
    lying = [name for name in every if name.startswith(FOLDERS) and name not in half]
    unnamed = [name for name in lying if name not in known]
    due = [name for name in unnamed if name in erased]
    due += [name for name in sorted(half) if _is_older(name, at - WRITING)]
    strange = [name for name in unnamed if name not in erased and _is_older(name, at - period)]
    named = sum(name.startswith(FOLDERS) for name in known)
    found = Found(due, tuple(sorted(strange)), named, len(lying) - len(unnamed))
    too_many = len(strange) > max(LEFT_AT_MOST, named // 100)
    if strange and (too_many or not found.belongs_together):
        logger.error("Files that no record names were kept: %d, named: %d", len(strange), named)
        return found
    return replace(found, due=due + strange, held_back=())


def release(count: int, at: datetime) -> tuple[str, ...]:
    """The files that were held back, for somebody who has looked at them and knows how many.

    Raises NotReleased where it is another number than `count` or none at all, and where the
    database names no file or not nearly all that it names lie in the store: then it is an empty
    or the wrong one, whatever anybody says.
    """
    found = find(at)
    if not found.held_back:
        raise NotReleased("Zurzeit wird keine Datei zurückgehalten.")
    if len(found.held_back) != count:
        raise NotReleased(
            f"Zurückgehalten sind {len(found.held_back)} Dateien, nicht {count}. Es wurde nichts "
            "gelöscht."
        )
    if not found.named:
        raise NotReleased(
            "Diese Datenbank nennt keine Datei, ist also leer oder eine andere. Es wurde nichts "
            "gelöscht."
        )
    if not found.belongs_together:
        raise NotReleased(
            f"Von {found.named} Dateien, die diese Datenbank nennt, liegen nur {found.there} im "
            f"Speicher; es müssen mindestens {THERE_AT_LEAST} % sein. Entweder gehören beide nicht "
            "zusammen, oder im Speicher fehlen Dateien. Es wurde nichts gelöscht."
        )
    return found.held_back


def delete(names: Iterable[str]) -> list[str]:
    """Delete files; one that is gone already is no fault. Returns those that could not be."""
    failed = []
    for name in names:
        try:
            default_storage.delete(name)
        except (OSError, *object_store_faults()) as fault:  # the next night tries again
            logger.error("A file could not be deleted: %s", type(fault).__name__)
            failed.append(name)
    return failed


def _is_older(name: str, than: datetime) -> bool:
    """Whether it was last written by then; not where that cannot be told, as of one just gone."""
    try:
        return default_storage.get_modified_time(name) <= than
    except (OSError, *object_store_faults()) as fault:
        logger.warning("The age of a file could not be told: %s", type(fault).__name__)
        return False


def _named() -> set[str]:
    """Every file that a record names."""
    return {
        name
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, FileField)
        for name in model._base_manager.values_list(field.name, flat=True).iterator()
    }
