"""`demo`: real register, real directory, an open call, accounts and cases to try things with."""

import json
import secrets
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from kiv_portal.management import demo_cases
from municipalities import permissions
from municipalities.models import Membership, Municipality, User

FIXTURES = (
    "municipalities",
    "rounds",
    "calls",
    "projects",
    "contacts",
    "downloads",
    "authority",
)

STAFF = (
    ("pruefung@rp.example", "Sachbearbeitung 1 (RP)", (permissions.REVIEW,)),
    (
        "zeichnung@rp.example",
        "Sachbearbeitung 2 (RP)",
        (permissions.REVIEW, permissions.SIGN),
    ),
    ("verwaltung@rp.example", "Verwaltung des Portals (RP)", (permissions.ADMINISTER,)),
    ("personen@rp.example", "Konten und Rollen 1 (RP)", (permissions.PEOPLE,)),
    ("personen2@rp.example", "Konten und Rollen 2 (RP)", (permissions.PEOPLE,)),
    ("revision@rp.example", "Revision (RP)", (permissions.AUDIT,)),
)
"""Address, name and staff roles of the demo accounts at the authority."""

RIGHTS = {
    "Sachbearbeitung": {"may_sign": False, "may_manage": False},
    "Zeichnungsberechtigt": {"may_sign": True, "may_manage": True},
}

MUNICIPAL = (
    ("sachbearbeitung@butzbach.example", "Sachbearbeitung", ("06440005",)),
    ("zeichnung@butzbach.example", "Zeichnungsberechtigt", ("06440005",)),
    ("zeichnung@nidda.example", "Zeichnungsberechtigt", ("06440016",)),
    (
        "zeichnung@weitere.example",
        "Zeichnungsberechtigt",
        demo_cases.FURTHER,
    ),
)
"""Address, function and municipalities (AGS) of the demo accounts of municipalities."""


class Command(BaseCommand):
    help = "Richtet die Demonstration ein; ein zweiter Aufruf ändert nichts an den Daten."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.PORTAL_DEMO:
            raise CommandError("Nur mit PORTAL_DEMO=1: Die Demonstration legt Konten an.")
        at = timezone.now()
        if not Municipality.objects.exists():
            call_command("loaddata", *FIXTURES, verbosity=0)
            self.stdout.write("Gemeindeverzeichnis und Projekte sind eingelesen.")
        accounts = self._accounts(at)
        if demo_cases.create(at):
            self.stdout.write("Förderaufruf und Beispielfälle sind angelegt.")
        self.stdout.write("\nKonten der Demonstration:")
        for account in accounts:
            self.stdout.write(
                f"  {account['role']:<44} {account['email']:<36} {account['password']}"
            )

    def _accounts(self, at: datetime) -> list[dict[str, str]]:
        """Create the accounts that are missing; passwords are made up once and kept in var/."""
        path = settings.VAR_DIR / "demo-accounts.json"
        known = (
            {row["email"]: row for row in json.loads(path.read_text(encoding="utf-8"))}
            if path.exists()
            else {}
        )
        rows = []
        with transaction.atomic():
            for email, name, groups in STAFF:
                user = self._user(email, name, known, rows, is_staff=True)
                user.groups.set(Group.objects.get_or_create(name=group)[0] for group in groups)
            keeper = User.objects.get(email="personen@rp.example")
            for email, function, keys in MUNICIPAL:
                towns = list(Municipality.objects.filter(ags__in=keys))
                names = towns[0].short_name if len(towns) == 1 else "weitere Kommunen"
                user = self._user(email, f"{function} ({names})", known, rows)
                for town in towns:
                    Membership.objects.get_or_create(
                        user=user,
                        municipality=town,
                        defaults={
                            **RIGHTS[function],
                            "confirmed_at": at,
                            "confirmed_by": keeper,
                        },
                    )
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        path.chmod(0o600)
        return rows

    def _user(
        self,
        email: str,
        name: str,
        known: dict[str, dict[str, str]],
        rows: list[dict[str, str]],
        **fields: Any,
    ) -> User:
        user = User.objects.filter(email=email).first()
        password = known.get(email, {}).get("password") or secrets.token_urlsafe(12)
        if user is None:
            user = User.objects.create_user(email, password, name=name, **fields)
        elif email not in known:
            user.set_password(password)
            user.save()
        EmailAddress.objects.get_or_create(
            user=user, email=email, defaults={"verified": True, "primary": True}
        )
        rows.append({"role": name, "email": email, "password": password})
        return user
