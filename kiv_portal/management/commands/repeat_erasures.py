"""`repeat_erasures`: holds a restored backup to the ledger of what was erased since."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from kiv_portal.services import erasure, ledger


class Command(BaseCommand):
    help = "Löscht erneut, was eine eingespielte Sicherung zurückgebracht hat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rewrite-ledger",
            action="store_true",
            help=(
                "nur wenn das Verzeichnis endgültig verloren ist: aus den Löschungen, die diese "
                "Datenbank kennt, ein neues anlegen; wiederholt nichts"
            ),
        )

    def handle(self, *args: Any, rewrite_ledger: bool, **options: Any) -> None:
        now = timezone.now()
        if rewrite_ledger:
            self.stdout.write(f"Neues Löschverzeichnis: {ledger.rewrite(now)} Löschungen.")
            return
        try:
            report = erasure.repeat_erasures(now)
        except ledger.LedgerFault as fault:
            raise CommandError(
                f"{fault} Es wurde nichts wiederholt. Legen Sie das neueste Verzeichnis an seinen "
                "Platz und führen Sie den Befehl noch einmal aus; ist es endgültig verloren, "
                "beginnt --rewrite-ledger ein neues."
            ) from fault
        self.stdout.write("\n".join(report.lines) or "Nichts war zu wiederholen.")
