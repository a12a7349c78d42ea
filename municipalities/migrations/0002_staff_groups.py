"""The staff roles are there from the start; their names are those of municipalities.permissions."""

from django.db import migrations

GROUPS = ("Lesen", "Prüfung", "Schlusszeichnung", "Verwaltung")


def create_groups(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in GROUPS:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("municipalities", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
