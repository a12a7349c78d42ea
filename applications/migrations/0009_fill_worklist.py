"""What the worklist sorts and adds up by, for cases filed before these columns were there."""

import json
from decimal import Decimal

from django.db import migrations
from django.utils import timezone


def fill(apps, schema_editor):
    db = schema_editor.connection.alias

    def rows(name):
        return apps.get_model("applications", name).objects.using(db)

    filed = rows("Application").filter(submitted_at__isnull=False, matters_on__isnull=True)
    for application in filed:
        newest = rows("Snapshot").filter(application=application).order_by("-number").first()
        asked, by_year = Decimal("0.00"), {}
        content = json.loads(newest.payload or '{"steps": {"finanzierung": {"cover": []}}}')
        for line in content["steps"]["finanzierung"]["cover"]:
            if line["kind"] == "grant" and line["amount"]:
                asked += Decimal(line["amount"])
                if year := str(line["year"] or ""):
                    by_year[year] = by_year.get(year, 0) + int(Decimal(line["amount"]) * 100)
        lead = rows("ApplicationMember").filter(application=application, role="lead").first()
        open_ones = [
            *rows("InformationRequest").filter(application=application, closed_at__isnull=True),
            *rows("Hearing").filter(application=application, closed_at__isnull=True),
        ]
        proposed = rows("Decision").filter(application=application, state="proposed").first()
        happened = (
            (proposed and proposed.proposed_at) or application.decided_at or application.submitted_at
        )
        application.asked, application.asked_by_year = asked, by_year
        application.lead_key = lead.municipality.sort_key if lead else ""
        application.matters_on = (
            open_ones[0].due_on if open_ones else timezone.localdate(happened)
        )
        application.save(update_fields=["asked", "asked_by_year", "lead_key", "matters_on"])


class Migration(migrations.Migration):

    dependencies = [("applications", "0008_checks")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
