import django.db.models.deletion
import kiv_portal.models
import projects.models
import simple_history.models
import uuid
from django.conf import settings
from django.db import migrations, models


def fill(apps, schema_editor):
    """Keys of places, and the lines that publishing would have left, for what is there already."""
    db = schema_editor.connection.alias
    members = apps.get_model("projects", "ProjectMember").objects.using(db)
    change = apps.get_model("projects", "DirectoryChange")
    lines = []
    for project in apps.get_model("projects", "Project").objects.using(db).all():
        keys = members.filter(project=project).order_by("position", "pk")
        project.places_key = " ".join(keys.values_list("municipality__ags", flat=True))
        project.save(update_fields=["places_key"])
        for kind, at in (("new", project.published_at), ("withdrawn", project.withdrawn_at)):
            if at is not None:
                lines.append(change(project=project, kind=kind, at=at))
    change.objects.using(db).bulk_create(lines)


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0002_project_from_application'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DirectoryChange',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('new', 'neu'), ('changed', 'geändert'), ('withdrawn', 'zurückgezogen')], max_length=10, verbose_name='Art')),
                ('subject', models.CharField(blank=True, choices=[('project', 'Angaben zum Projekt'), ('contact', 'Kontakt'), ('documents', 'Strategie und Beschlüsse'), ('round', 'Angaben zur Förderrunde')], max_length=10, verbose_name='was')),
                ('at', models.DateTimeField(verbose_name='am')),
                ('version', models.PositiveBigIntegerField(default=0, verbose_name='Stand des Verzeichnisses')),
            ],
            options={
                'verbose_name': 'Änderung im Verzeichnis',
                'verbose_name_plural': 'Änderungen im Verzeichnis',
                'ordering': ['-at', '-version', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalProjectDocument',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('kind', models.CharField(choices=[('strategy', 'Vielfalts- und Integrationsstrategie'), ('resolution', 'Beschluss')], max_length=20, verbose_name='Art')),
                ('title', models.CharField(blank=True, help_text='Leer: die Art. Im Verbund etwa „Beschluss der Gemeindevertretung Selters“.', max_length=200, verbose_name='Titel')),
                ('file', models.TextField(blank=True, max_length=100, validators=[projects.models.pdf_only], verbose_name='Datei (PDF)')),
                ('address', models.URLField(blank=True, verbose_name='oder Adresse')),
                ('dated_on', models.DateField(blank=True, null=True, verbose_name='Datum')),
                ('accessible', models.BooleanField(blank=True, null=True, verbose_name='barrierefrei')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical Dokument',
                'verbose_name_plural': 'historical Strategie und Beschlüsse',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='ProjectDocument',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('strategy', 'Vielfalts- und Integrationsstrategie'), ('resolution', 'Beschluss')], max_length=20, verbose_name='Art')),
                ('title', models.CharField(blank=True, help_text='Leer: die Art. Im Verbund etwa „Beschluss der Gemeindevertretung Selters“.', max_length=200, verbose_name='Titel')),
                ('file', models.FileField(blank=True, upload_to='projects/', validators=[projects.models.pdf_only], verbose_name='Datei (PDF)')),
                ('address', models.URLField(blank=True, verbose_name='oder Adresse')),
                ('dated_on', models.DateField(blank=True, null=True, verbose_name='Datum')),
                ('accessible', models.BooleanField(blank=True, null=True, verbose_name='barrierefrei')),
            ],
            options={
                'verbose_name': 'Dokument',
                'verbose_name_plural': 'Strategie und Beschlüsse',
                'ordering': ['-kind', 'dated_on', 'pk'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='project',
            name='project_slug_not_reserved',
        ),
        migrations.AddField(
            model_name='contact',
            name='expires_on',
            field=models.DateField(blank=True, help_text='Letzter Tag, an dem der Kontakt öffentlich steht; leer: ohne Ende.', null=True, verbose_name='gezeigt bis'),
        ),
        migrations.AddField(
            model_name='historicalcontact',
            name='expires_on',
            field=models.DateField(blank=True, help_text='Letzter Tag, an dem der Kontakt öffentlich steht; leer: ohne Ende.', null=True, verbose_name='gezeigt bis'),
        ),
        migrations.AddField(
            model_name='historicalproject',
            name='places_key',
            field=kiv_portal.models.KeyField(default='', editable=False),
        ),
        migrations.AddField(
            model_name='project',
            name='places_key',
            field=kiv_portal.models.KeyField(default='', editable=False),
        ),
        migrations.AddIndex(
            model_name='project',
            index=models.Index(condition=models.Q(('published_at__isnull', False), ('withdrawn_at__isnull', True)), fields=['sort_key', 'slug'], name='project_public_in_order'),
        ),
        migrations.AddConstraint(
            model_name='project',
            constraint=models.CheckConstraint(condition=models.Q(('slug__in', ('aenderungen', 'zahlen')), _negated=True), name='project_slug_not_reserved', violation_error_message='Diese Adresse ist vergeben.'),
        ),
        migrations.AddField(
            model_name='directorychange',
            name='project',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='projects.project'),
        ),
        migrations.AddField(
            model_name='historicalprojectdocument',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalprojectdocument',
            name='project',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='projects.project'),
        ),
        migrations.AddField(
            model_name='projectdocument',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='projects.project'),
        ),
        migrations.AddIndex(
            model_name='directorychange',
            index=models.Index(fields=['-at', '-version'], name='directory_change_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='projectdocument',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('file', ''), models.Q(('address', ''), _negated=True)), models.Q(models.Q(('file', ''), _negated=True), ('address', '')), _connector='OR'), name='project_document_file_or_address', violation_error_message='Bitte entweder eine Datei oder eine Adresse angeben.'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
