"""Files of applications that no record names: an upload broke off, an erasure could not delete.

They may hold what people wrote and are in nobody's file. What an erasure left goes the next
night; all else only when no backup is left whose records could still name it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import FileField

from kiv_portal.models import Erasure
from kiv_portal.services.backup import stored

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

logger = logging.getLogger(__name__)

FOLDERS: Final = ("antraege/", "beteiligung/", "schreiben/")
"""Where uploads, frozen applications, opinions and letters lie; sheets are tidied elsewhere."""


def clear(at: datetime) -> int:
    """Delete them; how many were."""
    period = timedelta(days=settings.BACKUP_DAYS)
    known = _named()
    erased = {
        name
        for files in Erasure.objects.filter(at__gt=at - period).values_list("files", flat=True)
        for name in files
    }
    left = [
        name
        for folder in FOLDERS
        for name in stored(folder)
        if name not in known
        and (name in erased or at - default_storage.get_modified_time(name) >= period)
    ]
    return len(left) - len(delete(left))


def delete(names: Iterable[str]) -> list[str]:
    """Delete files; one that is gone already is no fault. Returns those that could not be."""
    failed = []
    for name in names:
        try:
            default_storage.delete(name)
        except OSError as fault:  # the next night tries again
            logger.error("A file could not be deleted: %s", type(fault).__name__)
            failed.append(name)
    return failed


def _named() -> set[str]:
    """Every file that a record names."""
    return {
        name
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, FileField)
        for name in model._base_manager.values_list(field.name, flat=True).iterator()
    }
