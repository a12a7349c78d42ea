"""The one door to the virus scanner: clamd, where the installation names one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import clamd
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

PORT: Final = 3310
SECONDS: Final = 60


class ScannerAway(Exception):
    """The scanner does not answer; to be tried again."""


class NotScannable(Exception):
    """The scanner answered that it cannot look into this file."""


def is_set_up() -> bool:
    """Whether this installation names a scanner."""
    return bool(settings.CLAMD)


def find_in(file: BinaryIO) -> str:
    """The name of what the scanner found in a file, or an empty text.

    Raises ScannerAway, and NotScannable with the scanner's own words.
    """
    with _errors():
        status, what = _scanner().instream(file)["stream"]
    if status == "FOUND":
        return str(what)
    if status != "OK":
        raise NotScannable(what)
    return ""


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except clamd.BufferTooLongError as error:
        raise NotScannable(str(error)) from error
    # Whatever else goes wrong on the way, such as an answer that breaks off, is the scanner's.
    except (clamd.ClamdError, OSError, ValueError, TypeError) as error:
        raise ScannerAway(str(error)) from error


def _scanner() -> Any:
    """A connection as `CLAMD` names it: `unix:///run/clamav/clamd.ctl` or `tcp://host:port`."""
    place = urlsplit(settings.CLAMD)
    if place.scheme == "unix":
        return clamd.ClamdUnixSocket(place.path, timeout=SECONDS)
    return clamd.ClamdNetworkSocket(place.hostname, place.port or PORT, timeout=SECONDS)
