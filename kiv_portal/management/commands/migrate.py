"""`migrate`, and with it what migrations alone cannot keep: triggers and the cache table."""

from typing import Any

from django.core.management import call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections

from applications.models import triggers
from kiv_portal.management import public_version


class Command(MigrateCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        database = options["database"]
        # SQLite remakes a table to change it and copies its rows; the triggers must not be
        # in the way, and would be gone afterwards.
        triggers.remove(connections[database])
        public_version.remove(connections[database])
        try:
            super().handle(*args, **options)
        finally:
            triggers.install(connections[database])
            public_version.install(connections[database])
        call_command("createcachetable", database=database, verbosity=0)
