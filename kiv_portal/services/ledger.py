"""The ledger outside the database: every erasure a line, which no restored backup undoes.

Its first line is its head, a token that the database knows as well (`LedgerMark`), together with
the length it was written to. So a ledger in which nothing stands because nothing was erased is
told from one that is lost, shortened, older than the database, or another's.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction

from kiv_portal.models import Erasure, LedgerMark

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MISSING: Final = (
    "Das Löschverzeichnis (ERASURE_LEDGER) fehlt oder ist leer. Ohne das Verzeichnis lässt sich "
    "nicht sagen, was seit der Sicherung gelöscht wurde."
)
OTHER: Final = "Das Löschverzeichnis (ERASURE_LEDGER) gehört zu einer anderen Datenbank."
OLDER: Final = (
    "Das Löschverzeichnis (ERASURE_LEDGER) ist älter als die Datenbank oder gekürzt: Es fehlen "
    "Löschungen, die darin schon vermerkt waren."
)
AHEAD: Final = (
    "Im Löschverzeichnis (ERASURE_LEDGER) stehen Löschungen, die diese Datenbank nicht kennt. "
    "Nach dem Einspielen einer Sicherung bitte „manage.py repeat_erasures“ ausführen."
)
UNREADABLE: Final = "Das Löschverzeichnis (ERASURE_LEDGER) ist nicht lesbar, ab Zeile {}."


class LedgerFault(Exception):
    """The ledger cannot be relied on; says why, in German."""


@dataclass(frozen=True)
class Ledger:
    """What the file holds: its token (empty for one begun before ledgers had heads), its lines."""

    token: str
    lines: list[dict[str, Any]]
    size: int

    def knows(self, rows: Iterable[Erasure]) -> bool:
        """Whether every one of these erasures stands in it."""
        there = {(line["subject"], line["proof"]) for line in self.lines}
        return all((row.subject, row.proof) in there for row in rows)


def fault() -> str:
    """What is wrong with the ledger, by a look at its head and length; empty if nothing is.

    One query and one line of the file: `/health/ready` asks. Nothing is wrong before the first
    night's run, which begins the ledger.
    """
    mark = LedgerMark.objects.filter(pk=1).first()
    path = Path(settings.ERASURE_LEDGER)
    try:
        size = path.stat().st_size if path.exists() else 0
        if not size:
            begun = mark is not None or Erasure.objects.filter(copied=True).exists()
            return MISSING if begun else ""
        with path.open(encoding="utf-8", errors="replace") as file:
            token = _token(file.readline())
    except OSError:
        return UNREADABLE.format(1)
    if mark is None:
        return AHEAD if token else ""
    if token != mark.token:
        return OTHER
    if size < mark.size:
        return OLDER
    return AHEAD if size > mark.size else ""


def read() -> Ledger:
    """The whole ledger, the oldest erasure first.

    Raises LedgerFault where it is missing, cannot be read, is another database's, or lacks what
    this database knows to stand in it. One that is ahead of the database is what `repeat_erasures`
    is for.
    """
    said = fault()
    if said not in ("", AHEAD):
        raise LedgerFault(said)
    path = Path(settings.ERASURE_LEDGER)
    text = path.read_bytes() if path.exists() else b""
    if not text.strip():
        raise LedgerFault(MISSING)
    token, lines = "", []
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
        if number == 1 and (token := _token(line)):
            continue
        try:
            values = json.loads(line)
            lines.append({name: values[name] for name in ("subject", "proof", "rule", "files")})
        except (ValueError, TypeError, KeyError) as error:
            raise LedgerFault(UNREADABLE.format(number)) from error
    ledger = Ledger(token, lines, len(text))
    if not ledger.knows(Erasure.objects.filter(copied=True)):
        raise LedgerFault(OLDER)
    return ledger


def copy(at: datetime) -> int:
    """Write what is not yet in the ledger, on disk before it counts; how many lines.

    The first call begins the ledger, also where nothing was erased. Raises LedgerFault where the
    file cannot be relied on: adding to it would hide that.
    """
    with transaction.atomic():
        mark = LedgerMark.objects.select_for_update().filter(pk=1).first()
        if said := fault():
            raise LedgerFault(said)
        if mark is None:
            mark = _begin(at)
        return _append(mark)


def catch_up(ledger: Ledger, at: datetime) -> None:
    """After a repetition: each knows again all that stands in the other."""
    with transaction.atomic():
        there = {(line["subject"], line["proof"]) for line in ledger.lines}
        for row in Erasure.objects.filter(copied=False):
            if (row.subject, row.proof) in there:
                row.copied = True
                row.save(update_fields=["copied"])
        if ledger.token:
            values = {"token": ledger.token, "size": ledger.size}
            LedgerMark.objects.update_or_create(pk=1, defaults=values)
        copy(at)


def rewrite(at: datetime) -> int:
    """Begin a new ledger with all that this database knows to be erased; how many lines.

    For a ledger that is lost for good. What is left of the old one stays beside it.
    """
    path = Path(settings.ERASURE_LEDGER)
    with transaction.atomic():
        if path.exists():
            path.rename(path.with_name(f"{path.name}.{at:%Y%m%d%H%M%S}"))
        LedgerMark.objects.all().delete()
        Erasure.objects.update(copied=False)
        return copy(at)


def _token(line: str) -> str:
    """The token of a head; empty where the line is none."""
    try:
        values = json.loads(line)
    except ValueError:
        return ""
    return str(values.get("ledger", "")) if isinstance(values, dict) else ""


def _begin(at: datetime) -> LedgerMark:
    """A new ledger with its head; one without a head (of an earlier release) gets it."""
    path = Path(settings.ERASURE_LEDGER)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = ""
    if path.exists() and path.stat().st_size:
        read()  # holds all that the database says it does
        before = path.read_text(encoding="utf-8")
    token = secrets.token_hex(16)
    head = json.dumps({"ledger": token, "begun": at.isoformat()}, sort_keys=True)
    fresh = path.with_name(f"{path.name}.neu")
    _write(fresh, "w", f"{head}\n{before}")
    fresh.replace(path)
    return LedgerMark.objects.create(pk=1, token=token, size=path.stat().st_size)


def _append(mark: LedgerMark) -> int:
    """The caller holds the transaction: all is written and known, or nothing counts."""
    path = Path(settings.ERASURE_LEDGER)
    rows = list(Erasure.objects.filter(copied=False).order_by("pk"))
    if rows:
        _write(path, "a", "".join(f"{row.line()}\n" for row in rows))
    mark.size = path.stat().st_size
    mark.save(update_fields=["size"])
    return Erasure.objects.filter(pk__in=[row.pk for row in rows]).update(copied=True)


def _write(path: Path, mode: str, text: str) -> None:
    with path.open(mode, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
