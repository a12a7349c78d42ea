"""`flush` empties every table, also those whose triggers refuse a DELETE, and public pages."""

from typing import Any

from django.core.management.commands.flush import Command as FlushCommand
from django.db import connections

from applications.models import triggers
from kiv_portal.management import public_version


class Command(FlushCommand):
    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        triggers.remove(connection)
        try:
            super().handle(**options)
        finally:
            triggers.install(connection)
            public_version.renew(connection)
