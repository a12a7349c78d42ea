import django.db.models.deletion
import kiv_portal.models
import projects.models
import simple_history.models
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('projects', '0001_initial'), ('projects', '0002_project_from_application'), ('projects', '0003_directory_changes_and_documents'), ('projects', '0004_directory_indexes')]

    initial = True

    dependencies = [
        ('municipalities', '0001_squashed'),
    ]

    operations = [
        migrations.CreateModel(
            name='FundingRound',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(unique=True, verbose_name='Nummer')),
                ('title', models.CharField(max_length=50, unique=True, verbose_name='Titel')),
                ('years', models.CharField(max_length=20, verbose_name='Jahre')),
                ('as_of', models.DateField(blank=True, null=True, verbose_name='Stand der Angaben')),
                ('source', models.CharField(blank=True, max_length=200, verbose_name='Quelle')),
            ],
            options={
                'verbose_name': 'Förderrunde',
                'verbose_name_plural': 'Förderrunden',
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='DirectoryVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField(default=0)),
                ('changed_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'Stand des Verzeichnisses',
                'verbose_name_plural': 'Stand des Verzeichnisses',
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='directory_version_is_one_row')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalFundingRound',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(db_index=True, verbose_name='Nummer')),
                ('title', models.CharField(db_index=True, max_length=50, verbose_name='Titel')),
                ('years', models.CharField(max_length=20, verbose_name='Jahre')),
                ('as_of', models.DateField(blank=True, null=True, verbose_name='Stand der Angaben')),
                ('source', models.CharField(blank=True, max_length=200, verbose_name='Quelle')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical Förderrunde',
                'verbose_name_plural': 'historical Förderrunden',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalProject',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('slug', models.SlugField(max_length=120, verbose_name='Adresse')),
                ('title', models.CharField(max_length=300, verbose_name='Projektname')),
                ('amif', models.BooleanField(default=False, verbose_name='AMIF-WIR-Projekt')),
                ('summary', models.TextField(blank=True, verbose_name='Kurzbeschreibung')),
                ('unit', models.CharField(blank=True, max_length=300, verbose_name='verantwortliche Stelle')),
                ('film_label', models.CharField(blank=True, max_length=100, verbose_name='Film: Beschriftung')),
                ('film_address', models.URLField(blank=True, verbose_name='Film: Adresse')),
                ('starts_on', models.DateField(blank=True, null=True, verbose_name='Beginn')),
                ('ends_on', models.DateField(blank=True, null=True, verbose_name='Ende')),
                ('as_of', models.DateField(blank=True, null=True, verbose_name='Stand')),
                ('source', models.CharField(blank=True, max_length=200, verbose_name='Quelle')),
                ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='veröffentlicht am')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='zurückgezogen am')),
                ('withdrawn_reason', models.CharField(blank=True, max_length=300, verbose_name='Grund der Rücknahme')),
                ('from_application', models.BooleanField(default=False, editable=False, verbose_name='aus einem Antrag')),
                ('search_key', kiv_portal.models.KeyField(default='', editable=False)),
                ('sort_key', kiv_portal.models.KeyField(db_index=True, default='', editable=False)),
                ('places_key', kiv_portal.models.KeyField(default='', editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('round', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='projects.fundinground', verbose_name='Förderrunde')),
            ],
            options={
                'verbose_name': 'historical Projekt',
                'verbose_name_plural': 'historical Projekte',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=120, unique=True, verbose_name='Adresse')),
                ('title', models.CharField(max_length=300, verbose_name='Projektname')),
                ('amif', models.BooleanField(default=False, verbose_name='AMIF-WIR-Projekt')),
                ('summary', models.TextField(blank=True, verbose_name='Kurzbeschreibung')),
                ('unit', models.CharField(blank=True, max_length=300, verbose_name='verantwortliche Stelle')),
                ('film_label', models.CharField(blank=True, max_length=100, verbose_name='Film: Beschriftung')),
                ('film_address', models.URLField(blank=True, verbose_name='Film: Adresse')),
                ('starts_on', models.DateField(blank=True, null=True, verbose_name='Beginn')),
                ('ends_on', models.DateField(blank=True, null=True, verbose_name='Ende')),
                ('as_of', models.DateField(blank=True, null=True, verbose_name='Stand')),
                ('source', models.CharField(blank=True, max_length=200, verbose_name='Quelle')),
                ('published_at', models.DateTimeField(blank=True, null=True, verbose_name='veröffentlicht am')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='zurückgezogen am')),
                ('withdrawn_reason', models.CharField(blank=True, max_length=300, verbose_name='Grund der Rücknahme')),
                ('from_application', models.BooleanField(default=False, editable=False, verbose_name='aus einem Antrag')),
                ('search_key', kiv_portal.models.KeyField(default='', editable=False)),
                ('sort_key', kiv_portal.models.KeyField(db_index=True, default='', editable=False)),
                ('places_key', kiv_portal.models.KeyField(default='', editable=False)),
                ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='projects', to='projects.fundinground', verbose_name='Förderrunde')),
            ],
            options={
                'verbose_name': 'Projekt',
                'verbose_name_plural': 'Projekte',
                'ordering': ['sort_key', 'slug'],
                'indexes': [models.Index(condition=models.Q(('published_at__isnull', False), ('withdrawn_at__isnull', True)), fields=['sort_key', 'slug'], name='project_public_in_order'), models.Index(condition=models.Q(('published_at__isnull', False), ('withdrawn_at__isnull', True)), fields=['round', 'amif', 'places_key'], name='project_public_counts'), models.Index(condition=models.Q(('published_at__isnull', False), ('withdrawn_at__isnull', True)), fields=['as_of'], name='project_public_as_of')],
                'constraints': [models.CheckConstraint(condition=models.Q(('withdrawn_at__isnull', True), ('published_at__isnull', False), _connector='OR'), name='project_withdrawn_only_after_published', violation_error_message='Nur Veröffentlichtes kann zurückgezogen werden.'), models.CheckConstraint(condition=models.Q(('slug__in', ('aenderungen', 'zahlen')), _negated=True), name='project_slug_not_reserved', violation_error_message='Diese Adresse ist vergeben.')],
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
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='projects.project')),
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
            name='HistoricalContact',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('person', models.CharField(blank=True, max_length=200, verbose_name='Person')),
                ('email', models.CharField(blank=True, max_length=254, verbose_name='E-Mail (wie angegeben)')),
                ('phone', models.CharField(blank=True, max_length=50, verbose_name='Telefon (wie angegeben)')),
                ('phone_e164', models.CharField(blank=True, max_length=20, verbose_name='Telefon (international)')),
                ('basis', models.CharField(help_text='etwa „Programmseite“ oder „Einwilligung vom …“', max_length=200, verbose_name='Grundlage')),
                ('confirmed_on', models.DateField(verbose_name='zuletzt bestätigt')),
                ('expires_on', models.DateField(blank=True, help_text='Letzter Tag, an dem der Kontakt öffentlich steht; leer: ohne Ende.', null=True, verbose_name='gezeigt bis')),
                ('hidden', models.BooleanField(default=False, verbose_name='ausgeblendet')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='projects.project')),
            ],
            options={
                'verbose_name': 'historical Kontakt',
                'verbose_name_plural': 'historical Kontakte',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='DirectoryChange',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('new', 'neu'), ('changed', 'geändert'), ('withdrawn', 'zurückgezogen')], max_length=10, verbose_name='Art')),
                ('subject', models.CharField(blank=True, choices=[('project', 'Angaben zum Projekt'), ('contact', 'Kontakt'), ('documents', 'Strategie und Beschlüsse'), ('round', 'Angaben zur Förderrunde')], max_length=10, verbose_name='was')),
                ('at', models.DateTimeField(verbose_name='am')),
                ('version', models.PositiveBigIntegerField(default=0, verbose_name='Stand des Verzeichnisses')),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='projects.project')),
            ],
            options={
                'verbose_name': 'Änderung im Verzeichnis',
                'verbose_name_plural': 'Änderungen im Verzeichnis',
                'ordering': ['-at', '-version', 'pk'],
                'indexes': [models.Index(fields=['-at', '-version'], name='directory_change_newest_first')],
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person', models.CharField(blank=True, max_length=200, verbose_name='Person')),
                ('email', models.CharField(blank=True, max_length=254, verbose_name='E-Mail (wie angegeben)')),
                ('phone', models.CharField(blank=True, max_length=50, verbose_name='Telefon (wie angegeben)')),
                ('phone_e164', models.CharField(blank=True, max_length=20, verbose_name='Telefon (international)')),
                ('basis', models.CharField(help_text='etwa „Programmseite“ oder „Einwilligung vom …“', max_length=200, verbose_name='Grundlage')),
                ('confirmed_on', models.DateField(verbose_name='zuletzt bestätigt')),
                ('expires_on', models.DateField(blank=True, help_text='Letzter Tag, an dem der Kontakt öffentlich steht; leer: ohne Ende.', null=True, verbose_name='gezeigt bis')),
                ('hidden', models.BooleanField(default=False, verbose_name='ausgeblendet')),
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='contact', to='projects.project')),
            ],
            options={
                'verbose_name': 'Kontakt',
                'verbose_name_plural': 'Kontakte',
            },
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
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='projects.project')),
            ],
            options={
                'verbose_name': 'Dokument',
                'verbose_name_plural': 'Strategie und Beschlüsse',
                'ordering': ['-kind', 'dated_on', 'pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('file', ''), models.Q(('address', ''), _negated=True)), models.Q(models.Q(('file', ''), _negated=True), ('address', '')), _connector='OR'), name='project_document_file_or_address', violation_error_message='Bitte entweder eine Datei oder eine Adresse angeben.')],
            },
        ),
        migrations.CreateModel(
            name='ProjectMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='Reihenfolge')),
                ('declared_name', models.CharField(blank=True, max_length=200, verbose_name='Name laut Programmseite')),
                ('declared_population', models.PositiveIntegerField(blank=True, help_text='Eigene Angabe der Kommune (ca.); nie Grundlage einer Förderung.', null=True, verbose_name='Einwohnerzahl laut Kommune')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='project_members', to='municipalities.municipality', verbose_name='Kommune')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='projects.project')),
            ],
            options={
                'verbose_name': 'beteiligte Kommune',
                'verbose_name_plural': 'beteiligte Kommunen',
                'ordering': ['position', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('project', 'municipality'), name='project_member_once', violation_error_message='Diese Kommune ist schon beteiligt.')],
            },
        ),
    ]
