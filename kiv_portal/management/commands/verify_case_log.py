"""`verify_case_log`: reads every chain and snapshot and says whether they are whole."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from applications.models import Application
from applications.services import log, snapshots


class Command(BaseCommand):
    help = "Prüft alle Verfahrensprotokolle und eingereichten Fassungen auf Unversehrtheit."

    def handle(self, *args: Any, **options: Any) -> None:
        faults: list[str] = []
        chains = 0
        for application in Application.objects.order_by("pk").iterator():
            chains += 1
            faults += log.verify(application)
            faults += [
                f"{application} {snapshot}: Inhalt passt nicht zum Prüfwert."
                for snapshot in application.snapshots.all()
                if not snapshots.is_whole(snapshot)
            ]
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} Fehler in {chains} Protokollen.")
        self.stdout.write(f"{chains} Protokolle geprüft, alle unversehrt.")
