"""What a release may do to the largest table while people write: a column, filled, and an index.

The field that is made longer makes SQLite copy the whole table, the dearest it can be asked for.
"""

from pathlib import Path

from django.db import migrations, models

import applications.migrations

LATEST = max(path.stem for path in Path(applications.migrations.__path__[0]).glob("0*.py"))
INDEX = models.Index(fields=["status", "grown"], name="growing_status")


def _field(model):
    field = models.TextField(default="")
    field.set_attributes_from_name("grown")
    field.model = model
    return field


def _lengthen(model, editor, more):
    old = model._meta.get_field("file_number")
    new = old.clone()
    new.max_length = old.max_length + more
    new.set_attributes_from_name(old.name)
    new.model = model
    editor.alter_field(model, old, new)


def grow(apps, editor):
    model = apps.get_model("applications", "Application")
    _lengthen(model, editor, 1)
    field = _field(model)
    editor.add_field(model, field)
    editor.execute(f"UPDATE {model._meta.db_table} SET grown = status")  # noqa: S608
    editor.execute(
        f"CREATE INDEX {INDEX.name} ON {model._meta.db_table} (status, grown)"
    )


def shrink(apps, editor):
    model = apps.get_model("applications", "Application")
    editor.execute(f"DROP INDEX {INDEX.name}")
    editor.execute(f"ALTER TABLE {model._meta.db_table} DROP COLUMN grown")


class Migration(migrations.Migration):
    dependencies = [("applications", LATEST)]
    operations = [migrations.RunPython(grow, shrink)]
