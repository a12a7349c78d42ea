"""Keys of second factors that still lie open are sealed: from here on only sealed ones are read."""

from django.db import migrations

from kiv_portal.sealing import is_sealed, seal


def seal_open_keys(apps, schema_editor):
    for row in apps.get_model("mfa", "Authenticator").objects.iterator():
        keys = {
            name: seal("factor", str(row.data[name]))
            for name in ("secret", "seed")
            if name in row.data and not is_sealed(str(row.data[name]))
        }
        if keys:
            row.data |= keys
            row.save(update_fields=["data"])


class Migration(migrations.Migration):

    dependencies = [
        ("municipalities", "0006_akte_event"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.RunPython(seal_open_keys, migrations.RunPython.noop, elidable=True),
    ]
