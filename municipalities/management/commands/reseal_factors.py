"""`reseal_factors`: second factors need the secret of before no more."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from municipalities import services


class Command(BaseCommand):
    help = (
        "Versiegelt die Schlüssel zweiter Faktoren mit dem heutigen SECRET_KEY, wie es der "
        "Hintergrunddienst jeden Morgen tut."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        resealed = services.reseal_factors()
        self.stdout.write(f"Neu versiegelt: {resealed.done}.")
        if resealed.unreadable:
            raise CommandError(
                f"Mit keinem bekannten Schlüssel zu öffnen: {resealed.unreadable}. Steht der "
                "frühere SECRET_KEY in SECRET_KEY_FALLBACKS?"
            )
