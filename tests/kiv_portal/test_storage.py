"""Files on disk: whole under their name, or not there at all."""

from __future__ import annotations

import errno
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile

from kiv_portal.storage import PART, WholeFiles

DATA = b"x" * 200_000


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process grows beyond that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_the_disk_has_no_room_for_leaves_nothing_behind(media_root: Path) -> None:
    with room_for(100_000), pytest.raises(OSError):
        default_storage.save("antraege/1/a.pdf", ContentFile(DATA))
    assert list((media_root / "antraege/1").iterdir()) == []

    assert default_storage.save("antraege/1/a.pdf", ContentFile(DATA)) == "antraege/1/a.pdf"
    (kept,) = (media_root / "antraege/1").iterdir()
    assert (kept.name, kept.read_bytes()) == ("a.pdf", DATA)
    assert (kept.stat().st_mode & 0o777, kept.stat().st_nlink) == (0o600, 1)


def test_a_large_upload_is_moved_to_its_place(media_root: Path) -> None:
    with TemporaryUploadedFile("groß.pdf", "application/pdf", len(DATA), None) as upload:
        upload.write(DATA)
        upload.flush()
        assert default_storage.save("a.pdf", upload) == "a.pdf"
        # the upload's own closing finds its file moved away, as Django's storage leaves it
        assert not Path(upload.temporary_file_path()).exists()
    assert [(path.name, path.read_bytes()) for path in media_root.iterdir()] == [("a.pdf", DATA)]


def test_nothing_is_to_be_seen_under_the_name_before_all_of_it_is_there(media_root: Path) -> None:
    begun, on = threading.Event(), threading.Event()

    class Slow(ContentFile):  # type: ignore[type-arg]
        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            yield DATA
            begun.set()
            assert on.wait(10)
            yield DATA

    writer = threading.Thread(target=default_storage.save, args=("a.pdf", Slow(DATA)))
    writer.start()
    assert begun.wait(10)
    assert not default_storage.exists("a.pdf")
    # Another takes the name in the meantime: neither is lost.
    assert default_storage.save("a.pdf", ContentFile(b"faster")) == "a.pdf"
    on.set()
    writer.join()
    assert default_storage.size("a.pdf") == len(b"faster")
    (other,) = (path for path in media_root.iterdir() if path.name != "a.pdf")
    assert (other.read_bytes(), other.suffix) == (DATA * 2, ".pdf")


def _named(opened: int) -> Path:
    return Path(f"/proc/self/fd/{opened}").readlink()


def test_it_is_on_the_disk_before_it_has_its_name_and_the_name_before_it_counts(
    media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    force, link = os.fsync, os.link

    def forced(opened: int) -> None:
        done.append(_named(opened).relative_to(media_root).as_posix())
        force(opened)

    def linked(part: str, whole: str) -> None:
        done.append(f"named {Path(whole).relative_to(media_root)}")
        link(part, whole)

    monkeypatch.setattr(os, "fsync", forced)
    monkeypatch.setattr(os, "link", linked)
    default_storage.save("antraege/1/a.pdf", ContentFile(DATA))
    assert done[0].endswith(PART)
    assert done[1:] == ["named antraege/1/a.pdf", "antraege/1", "antraege", "."]


def test_a_file_system_without_second_names_keeps_whole_files_as_well(
    media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(part: str, whole: str) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert default_storage.save("a.pdf", ContentFile(DATA)) == "a.pdf"
    other = default_storage.save("a.pdf", ContentFile(b"other"))
    assert other != "a.pdf"
    kept = {path.name: path.read_bytes() for path in media_root.iterdir()}
    assert kept == {"a.pdf": DATA, other: b"other"}


def test_a_name_that_cannot_be_forced_to_the_disk_is_taken_back(
    media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    force = os.fsync

    def forced(opened: int) -> None:
        if _named(opened).is_dir():
            raise OSError(errno.EIO, "Input/output error")
        force(opened)

    monkeypatch.setattr(os, "fsync", forced)
    with pytest.raises(OSError):
        default_storage.save("a.pdf", ContentFile(DATA))
    assert list(media_root.iterdir()) == []


def test_it_is_what_the_portal_keeps_its_files_in(media_root: Path) -> None:
    assert isinstance(default_storage._wrapped, WholeFiles)  # type: ignore[attr-defined]
