"""Two more staff roles: who checks everything and changes nothing, and who keeps accounts."""

from django.db import migrations

GROUPS = ("Revision", "Personen")


def create_groups(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in GROUPS:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("municipalities", "0003_accounts"),
    ]

    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
