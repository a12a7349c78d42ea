"""`repeat_erasures`: holds a restored backup to the ledger; `restore` runs it by itself."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from kiv_portal.services import erasure


class Command(BaseCommand):
    help = "Löscht erneut, was eine eingespielte Sicherung zurückgebracht hat."

    def handle(self, *args: Any, **options: Any) -> None:
        report = erasure.repeat_erasures(timezone.now())
        self.stdout.write("\n".join(report.lines) or "Nichts war zu wiederholen.")
