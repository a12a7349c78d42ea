from django.db import migrations, models


def fill(apps, schema_editor):
    """What the members of each project declared, together."""
    db = schema_editor.connection.alias
    members = apps.get_model("projects", "ProjectMember").objects.using(db)
    declared = members.filter(declared_population__isnull=False).order_by().values("project")
    projects = apps.get_model("projects", "Project").objects.using(db)
    for row in declared.annotate(total=models.Sum("declared_population")):
        projects.filter(pk=row["project"]).update(declared_total=row["total"])


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_squashed")]

    operations = [
        migrations.AddField(
            model_name="historicalproject",
            name="declared_total",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="project",
            name="declared_total",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(
                condition=models.Q(("published_at__isnull", False), ("withdrawn_at__isnull", True)),
                fields=["-declared_total", "sort_key", "slug"],
                name="project_public_by_size",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
