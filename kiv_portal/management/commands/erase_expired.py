"""`erase_expired`: erases what is due, or says what would be."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kiv_portal.services import erasure


class Command(BaseCommand):
    help = "Löscht, was nach den Fristen (RETENTION_DAYS) fällig ist, und bietet Akten an."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="nur sagen, was geschähe")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        report = erasure.erase_expired(at=timezone.now(), dry_run=dry_run)
        if dry_run:
            self.stdout.write("Probelauf: Nichts wird geändert.")
        self.stdout.write("\n".join(report.lines) or "Nichts ist fällig.")
