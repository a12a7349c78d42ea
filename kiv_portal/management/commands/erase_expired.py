"""`erase_expired`: erases what is due, or says what would be; releases files held back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from kiv_portal.services import erasure, leftovers


class Command(BaseCommand):
    help = "Löscht, was nach den Fristen (RETENTION_DAYS) fällig ist, und bietet Akten an."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="nur sagen, was geschähe")
        parser.add_argument(
            "--release-files",
            type=int,
            metavar="ANZAHL",
            help=(
                "nur Dateien löschen, die zu nichts mehr gehören und zurückgehalten wurden; so "
                "viele, wie der Löschlauf nennt. Zuerst mit --dry-run: nennt jede"
            ),
        )

    def handle(self, *args: Any, dry_run: bool, release_files: int | None, **options: Any) -> None:
        now = timezone.now()
        if release_files is None:
            report = erasure.erase_expired(at=now, dry_run=dry_run)
        else:
            try:
                report = erasure.release_leftovers(release_files, at=now, dry_run=dry_run)
            except leftovers.NotReleased as fault:
                raise CommandError(str(fault)) from fault
        if dry_run:
            self.stdout.write("Probelauf: Nichts wird geändert.")
        self.stdout.write("\n".join(report.lines) or "Nichts ist fällig.")
