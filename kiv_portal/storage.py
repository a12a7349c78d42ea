"""Files on this machine's disk: a name stands for a whole file that is there to stay, or for none.

Django writes straight to the name and leaves half a file where the disk is full; and it comes
back before the disk has what it wrote, so that a power failure could leave an acknowledged upload
empty. Here a file is written beside its place, forced to the disk, and only then given its name.
"""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.core.files.storage import FileSystemStorage

if TYPE_CHECKING:
    from django.core.files.base import File

PART: Final = ".teil"
"""How the name ends of what is still being written; killed there, it goes the night after."""


CANNOT: Final = frozenset({errno.EPERM, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What some file systems say of a second name for a file, or of forcing a folder to the disk."""


class WholeFiles(FileSystemStorage):
    """Django's storage, but for what is left behind when writing fails or the power goes."""

    def _save(self, name: str, content: File[bytes]) -> str:
        """Keep the file under that name or the next free one. Raises OSError, leaving nothing."""
        beside = str(Path(name).with_name(f"{uuid.uuid4().hex}{PART}"))
        part = Path(self.path(beside))
        try:
            super()._save(beside, content)
            _force(part)
            name = self._named(part, name)
        finally:
            part.unlink(missing_ok=True)
        try:
            self._force_folders(part)
        except OSError:
            Path(self.path(name)).unlink(missing_ok=True)
            raise
        return name

    def _named(self, part: Path, name: str) -> str:
        """Give what is written its name, never one that another file has got in the meantime."""
        while True:
            whole = self.path(name)
            try:
                try:
                    os.link(part, whole)
                except OSError as fault:
                    if fault.errno not in CANNOT:
                        raise
                    # Without a second name for one file: hold the place, then take it.
                    os.close(os.open(whole, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                    part.replace(whole)
            except FileExistsError:
                name = self.get_available_name(name)
            else:
                return name

    def _force_folders(self, part: Path) -> None:
        """The names in the file's folder, and in those that were made for it."""
        for folder in part.parents:
            try:
                _force(folder)
            except OSError as fault:
                if fault.errno not in CANNOT:
                    raise
            if folder == Path(self.location):
                return


def _force(path: Path) -> None:
    """See to it that a file's content, or a folder's names, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
