from django.db import migrations, models


def mark(apps, schema_editor):
    """Projects that a decision opened before this column was there."""
    projects = apps.get_model("projects", "Project").objects.using(schema_editor.connection.alias)
    projects.filter(source__startswith="Zuwendungsbescheid").update(from_application=True)


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="from_application",
            field=models.BooleanField(
                default=False, editable=False, verbose_name="aus einem Antrag"
            ),
        ),
        migrations.AddField(
            model_name="historicalproject",
            name="from_application",
            field=models.BooleanField(
                default=False, editable=False, verbose_name="aus einem Antrag"
            ),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
