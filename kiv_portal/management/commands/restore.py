"""`restore DIR`: the way back from a backup into an empty database and an empty storage."""

from pathlib import Path
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kiv_portal.services import backup


class Command(BaseCommand):
    help = (
        "Spielt eine Sicherung in eine leere Datenbank und ein leeres MEDIA_ROOT ein, wiederholt "
        "Löschungen und prüft alle Protokolle. Das Portal darf dabei nicht laufen."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="das Verzeichnis der Sicherung")
        parser.add_argument(
            "--check", action="store_true", help="nur prüfen, ob die Sicherung unversehrt ist"
        )

    def handle(self, *args: Any, directory: Path, check: bool, **options: Any) -> None:
        try:
            if check:
                made = backup.check(directory)["made_at"]
                self.stdout.write(f"Die Sicherung vom {made} ist unversehrt.")
                return
            report = backup.restore(directory)
        except backup.BackupFault as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(f"Eingespielt: Datenbank und {report.files} Dateien.")
        call_command("migrate", verbosity=0, interactive=False)
        # Whoever was signed in then may have signed out since, or been shut out.
        Session.objects.all().delete()
        UserSession.objects.all().delete()
        # First what must not be there: a chain that is not whole stops what comes after it.
        call_command("repeat_erasures", stdout=self.stdout, stderr=self.stderr)
        call_command("verify_case_log", stdout=self.stdout, stderr=self.stderr)
        self.stdout.write("Fertig. Das Portal kann wieder starten.")
