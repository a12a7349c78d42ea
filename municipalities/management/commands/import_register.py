"""manage.py import_register: read an official file of the municipality register."""

import hashlib
from argparse import ArgumentTypeError
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from municipalities.models import REGISTER_SOURCE
from municipalities.register import RegisterError, read
from municipalities.services import ImportPlan, ImportRefused, apply_import, plan_import

ALL = "alle"


class Command(BaseCommand):
    # They load every page of the portal: 15 MB of memory more. `./portal check` runs them.
    requires_system_checks: ClassVar[list[str]] = []
    help = (
        "Liest eine amtliche Datei des Gemeindeverzeichnisses ein (GV100AD oder Auszug GV als "
        "XLSX): alles oder nichts. Einwohnerzahlen werden ergänzt, nie überschrieben."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="DATEI", type=Path)
        parser.add_argument(
            "--population-as-of",
            metavar="DATUM",
            type=_day,
            required=True,
            help="Stichtag der Einwohnerzahlen (steht nicht in jeder Datei), etwa 2023-12-31",
        )
        parser.add_argument(
            "--basis", required=True, help="Zensusbasis der Einwohnerzahlen, etwa „Zensus 2022“"
        )
        parser.add_argument(
            "--land", default="06", type=_land, help=f"Landesschlüssel oder „{ALL}“ (Vorgabe: 06)"
        )
        parser.add_argument(
            "--source", default=REGISTER_SOURCE, help="Quelle, wie sie genannt wird"
        )
        parser.add_argument(
            "--territory-as-of",
            metavar="DATUM",
            type=_day,
            help="Gebietsstand, falls die Datei keinen nennt",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="nur zeigen, was geschehen würde"
        )

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        stated = {
            name: options[name]
            for name in ("population_as_of", "basis", "land", "source", "territory_as_of")
        }
        if stated["land"] == ALL:
            stated["land"] = None
        try:
            register_file = read(file)
        except RegisterError as error:
            raise CommandError(str(error)) from error
        if dry_run:
            plan = plan_import(register_file, **stated)
            self._show(plan)
            if plan.refused:
                raise CommandError(_refusal(plan.refusals))
            self.stdout.write("Probelauf: nichts wurde geändert.")
            return
        try:
            report = apply_import(
                register_file,
                by=None,
                at=timezone.now(),
                file_name=file.name,
                sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
                **stated,
            )
        except ImportRefused as refused:
            raise CommandError(_refusal(refused.reasons)) from refused
        self._show(report.plan)
        self.stdout.write(self.style.SUCCESS("Eingelesen."))

    def _show(self, plan: ImportPlan) -> None:
        territory = f"{plan.territory_as_of:%d.%m.%Y}" if plan.territory_as_of else "unbekannt"
        self.stdout.write(
            f"{plan.format}, Gebietsstand {territory}, Einwohnerzahlen zum "
            f"{plan.population_as_of:%d.%m.%Y} ({plan.basis})"
        )
        for label, count in plan.summary():
            self.stdout.write(f"  {count:>6}  {label}")
        for record in plan.new if plan.known_lands else ():
            self.stdout.write(f"neu: {record.ags} {record.official_name}")
        for district in plan.changed_districts:
            self.stdout.write(
                f"geändert: {district.record.ags} {district.old} → {district.record.short_name}"
            )
        for change in plan.changed:
            changes = "; ".join(map(str, change.fields))
            self.stdout.write(f"geändert: {change.ags} {change.name}: {changes}")
        for gone in plan.dissolved:
            self.stdout.write(
                f"aufgelöst: {gone.ags} {gone.name}, spätestens am {gone.valid_to:%d.%m.%Y}"
            )
        for skipped in plan.skipped:
            self.stdout.write(f"nicht übernommen: {skipped}")
        for note in plan.notes:
            self.stdout.write(f"Hinweis: {note}")


def _refusal(reasons: list[str]) -> str:
    return "\n".join(["Nichts wurde eingelesen.", *reasons])


def _day(text: str) -> date:
    """A day as JJJJ-MM-TT or the German way as TT.MM.JJJJ."""
    for pattern in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    raise ArgumentTypeError(f"„{text}“ ist kein Datum (JJJJ-MM-TT oder TT.MM.JJJJ)")


def _land(text: str) -> str:
    if text == ALL or (len(text) == 2 and text.isascii() and text.isdigit()):
        return text
    raise ArgumentTypeError(f"„{text}“ ist kein Landesschlüssel")
