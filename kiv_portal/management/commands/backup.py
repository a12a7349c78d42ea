"""`backup DIR`: database and files into a directory, while people go on working."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from applications.documents import size_text
from kiv_portal.services import backup


class Command(BaseCommand):
    help = "Sichert Datenbank und Dateien in ein leeres Verzeichnis, auch im laufenden Betrieb."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="ein neues oder leeres Verzeichnis")

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        try:
            report = backup.make(directory, timezone.now())
        except backup.BackupFault as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(
            f"Gesichert in {directory}: Datenbank und {report.files} Dateien "
            f"({size_text(report.bytes)})."
        )
        faults = [f"{name} fehlt im Speicher." for name in report.lost]
        faults += [f"{name} hat einen anderen Inhalt als vermerkt." for name in report.altered]
        faults += [report.ledger] if report.ledger else []
        for line in faults:
            self.stderr.write(line)
        if faults:
            raise CommandError(
                "Die Sicherung gibt das Portal wieder, wie es ist; was oben steht, war schon zuvor "
                "schadhaft. Bitte holen Sie es aus einer älteren Sicherung."
            )
