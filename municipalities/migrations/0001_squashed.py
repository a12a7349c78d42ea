import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import kiv_portal.models
import simple_history.models
from django.conf import settings
from django.db import migrations, models


# The staff roles are there from the start; their names are those of municipalities.permissions.
GROUPS = ("Lesen", "Prüfung", "Schlusszeichnung", "Verwaltung", "Revision", "Personen")


def create_groups(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in GROUPS:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):

    replaces = [('municipalities', '0001_initial'), ('municipalities', '0002_staff_groups'), ('municipalities', '0003_accounts'), ('municipalities', '0004_staff_roles')]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='District',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ags', models.CharField(max_length=5, unique=True, validators=[django.core.validators.RegexValidator('^\\d{5}$', 'Der Kreisschlüssel hat fünf Ziffern.')], verbose_name='Kreisschlüssel')),
                ('name', models.CharField(max_length=100, verbose_name='Name')),
                ('is_city', models.BooleanField(default=False, verbose_name='kreisfreie Stadt')),
                ('court', models.CharField(blank=True, help_text='Ort des Gerichts, bei dem Klage zu erheben ist, etwa „Darmstadt“.', max_length=100, verbose_name='Verwaltungsgericht')),
                ('sort_key', kiv_portal.models.KeyField(default='', editable=False)),
            ],
            options={
                'verbose_name': 'Landkreis/kreisfreie Stadt',
                'verbose_name_plural': 'Landkreise/kreisfreie Städte',
                'ordering': ['sort_key', 'ags'],
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('email', models.EmailField(max_length=254, unique=True, verbose_name='E-Mail')),
                ('name', models.CharField(blank=True, max_length=200, verbose_name='Name oder Funktion')),
                ('phone', models.CharField(blank=True, max_length=50, verbose_name='Telefon')),
                ('is_staff', models.BooleanField(default=False, verbose_name='Mitarbeiterin oder Mitarbeiter der Bewilligungsbehörde')),
                ('is_active', models.BooleanField(default=True, verbose_name='aktiv')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='angelegt')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'Konto',
                'verbose_name_plural': 'Konten',
                'ordering': ['email'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalDistrict',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('ags', models.CharField(db_index=True, max_length=5, validators=[django.core.validators.RegexValidator('^\\d{5}$', 'Der Kreisschlüssel hat fünf Ziffern.')], verbose_name='Kreisschlüssel')),
                ('name', models.CharField(max_length=100, verbose_name='Name')),
                ('is_city', models.BooleanField(default=False, verbose_name='kreisfreie Stadt')),
                ('court', models.CharField(blank=True, help_text='Ort des Gerichts, bei dem Klage zu erheben ist, etwa „Darmstadt“.', max_length=100, verbose_name='Verwaltungsgericht')),
                ('sort_key', kiv_portal.models.KeyField(default='', editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical Landkreis/kreisfreie Stadt',
                'verbose_name_plural': 'historical Landkreise/kreisfreie Städte',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Municipality',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ags', models.CharField(help_text='Amtlicher Gemeindeschlüssel, acht Ziffern.', max_length=8, unique=True, validators=[django.core.validators.RegexValidator('^\\d{8}$', 'Der Gemeindeschlüssel hat acht Ziffern.')], verbose_name='AGS')),
                ('official_name', models.CharField(max_length=200, verbose_name='amtlicher Name')),
                ('short_name', models.CharField(max_length=200, verbose_name='Name')),
                ('kind', models.CharField(choices=[('city_district', 'kreisfreie Stadt'), ('town', 'Stadt'), ('municipality', 'Gemeinde'), ('unincorporated', 'gemeindefreies Gebiet')], max_length=20, verbose_name='Art')),
                ('postal_code', models.CharField(blank=True, max_length=5, verbose_name='Postleitzahl')),
                ('area_km2', models.DecimalField(blank=True, decimal_places=2, max_digits=9, null=True, verbose_name='Fläche in km²')),
                ('latitude', models.DecimalField(blank=True, decimal_places=6, max_digits=9, null=True, verbose_name='Breitengrad')),
                ('longitude', models.DecimalField(blank=True, decimal_places=6, max_digits=9, null=True, verbose_name='Längengrad')),
                ('valid_from', models.DateField(blank=True, null=True, verbose_name='gültig ab')),
                ('valid_to', models.DateField(blank=True, null=True, verbose_name='gültig bis')),
                ('territory_as_of', models.DateField(help_text='Stichtag der Datei, aus der Name, Art und Kreis stammen.', verbose_name='Gebietsstand')),
                ('source', models.CharField(default='Statistisches Bundesamt (Destatis), Gemeindeverzeichnis', max_length=200, verbose_name='Quelle')),
                ('mail_domain', models.CharField(blank=True, max_length=100, verbose_name='bekannte Mail-Domain')),
                ('search_key', kiv_portal.models.KeyField(default='', editable=False)),
                ('sort_key', kiv_portal.models.KeyField(db_index=True, default='', editable=False)),
                ('district', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='municipalities', to='municipalities.district', verbose_name='Landkreis')),
                ('successor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='predecessors', to='municipalities.municipality', verbose_name='Nachfolgerin')),
            ],
            options={
                'verbose_name': 'Kommune',
                'verbose_name_plural': 'Kommunen',
                'ordering': ['sort_key', 'ags'],
                'constraints': [models.CheckConstraint(condition=models.Q(('valid_from__isnull', True), ('valid_to__isnull', True), ('valid_from__lte', models.F('valid_to')), _connector='OR'), name='municipality_valid_from_before_to', violation_error_message='„Gültig ab“ muss vor „gültig bis“ liegen.'), models.CheckConstraint(condition=models.Q(('successor__isnull', True), ('valid_to__isnull', False), _connector='OR'), name='municipality_successor_needs_end', violation_error_message='Eine Nachfolgerin setzt ein „gültig bis“ voraus.')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('may_read', models.BooleanField(default=True, verbose_name='lesen')),
                ('may_edit', models.BooleanField(default=True, verbose_name='bearbeiten')),
                ('may_sign', models.BooleanField(default=False, verbose_name='zeichnen und einreichen')),
                ('may_manage', models.BooleanField(default=False, verbose_name='Personen verwalten')),
                ('confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='bestätigt am')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='angelegt')),
                ('confirmed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='bestätigt von')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL, verbose_name='Konto')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='municipalities.municipality', verbose_name='Kommune')),
            ],
            options={
                'verbose_name': 'Zugehörigkeit',
                'verbose_name_plural': 'Zugehörigkeiten',
                'constraints': [models.UniqueConstraint(fields=('user', 'municipality'), name='membership_once', violation_error_message='Diese Person gehört schon zu dieser Kommune.'), models.CheckConstraint(condition=models.Q(models.Q(('confirmed_at__isnull', True), ('confirmed_by__isnull', True)), models.Q(('confirmed_at__isnull', False), ('confirmed_by__isnull', False)), _connector='OR'), name='membership_confirmed_at_and_by', violation_error_message='Eine Bestätigung braucht Zeitpunkt und Person.')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254, verbose_name='E-Mail')),
                ('may_read', models.BooleanField(default=True, verbose_name='lesen')),
                ('may_edit', models.BooleanField(default=True, verbose_name='bearbeiten')),
                ('may_sign', models.BooleanField(default=False, verbose_name='zeichnen und einreichen')),
                ('may_manage', models.BooleanField(default=False, verbose_name='Personen verwalten')),
                ('token_hash', models.CharField(max_length=64, unique=True, verbose_name='Prüfwert des Links')),
                ('created_at', models.DateTimeField(verbose_name='eingeladen am')),
                ('expires_at', models.DateTimeField(verbose_name='gilt bis')),
                ('accepted_at', models.DateTimeField(blank=True, null=True, verbose_name='angenommen am')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='zurückgezogen am')),
                ('accepted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='angenommen von')),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='eingeladen von')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='municipalities.municipality', verbose_name='Kommune')),
            ],
            options={
                'verbose_name': 'Einladung',
                'verbose_name_plural': 'Einladungen',
                'ordering': ['-created_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('accepted_at__isnull', True), ('withdrawn_at__isnull', True)), fields=('municipality', 'email'), name='invitation_one_open_per_address', violation_error_message='Diese Adresse ist schon eingeladen.'), models.CheckConstraint(condition=models.Q(models.Q(('accepted_at__isnull', True), ('accepted_by__isnull', True)), models.Q(('accepted_at__isnull', False), ('accepted_by__isnull', False)), _connector='OR'), name='invitation_accepted_at_and_by', violation_error_message='Eine Annahme braucht Zeitpunkt und Person.'), models.CheckConstraint(condition=models.Q(('accepted_at__isnull', True), ('withdrawn_at__isnull', True), _connector='OR'), name='invitation_accepted_or_withdrawn', violation_error_message='Eine angenommene Einladung kann nicht zurückgezogen werden.')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalMunicipality',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('ags', models.CharField(db_index=True, help_text='Amtlicher Gemeindeschlüssel, acht Ziffern.', max_length=8, validators=[django.core.validators.RegexValidator('^\\d{8}$', 'Der Gemeindeschlüssel hat acht Ziffern.')], verbose_name='AGS')),
                ('official_name', models.CharField(max_length=200, verbose_name='amtlicher Name')),
                ('short_name', models.CharField(max_length=200, verbose_name='Name')),
                ('kind', models.CharField(choices=[('city_district', 'kreisfreie Stadt'), ('town', 'Stadt'), ('municipality', 'Gemeinde'), ('unincorporated', 'gemeindefreies Gebiet')], max_length=20, verbose_name='Art')),
                ('postal_code', models.CharField(blank=True, max_length=5, verbose_name='Postleitzahl')),
                ('area_km2', models.DecimalField(blank=True, decimal_places=2, max_digits=9, null=True, verbose_name='Fläche in km²')),
                ('latitude', models.DecimalField(blank=True, decimal_places=6, max_digits=9, null=True, verbose_name='Breitengrad')),
                ('longitude', models.DecimalField(blank=True, decimal_places=6, max_digits=9, null=True, verbose_name='Längengrad')),
                ('valid_from', models.DateField(blank=True, null=True, verbose_name='gültig ab')),
                ('valid_to', models.DateField(blank=True, null=True, verbose_name='gültig bis')),
                ('territory_as_of', models.DateField(help_text='Stichtag der Datei, aus der Name, Art und Kreis stammen.', verbose_name='Gebietsstand')),
                ('source', models.CharField(default='Statistisches Bundesamt (Destatis), Gemeindeverzeichnis', max_length=200, verbose_name='Quelle')),
                ('mail_domain', models.CharField(blank=True, max_length=100, verbose_name='bekannte Mail-Domain')),
                ('search_key', kiv_portal.models.KeyField(default='', editable=False)),
                ('sort_key', kiv_portal.models.KeyField(db_index=True, default='', editable=False)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('district', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='municipalities.district', verbose_name='Landkreis')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('successor', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='municipalities.municipality', verbose_name='Nachfolgerin')),
            ],
            options={
                'verbose_name': 'historical Kommune',
                'verbose_name_plural': 'historical Kommunen',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalMembership',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('may_read', models.BooleanField(default=True, verbose_name='lesen')),
                ('may_edit', models.BooleanField(default=True, verbose_name='bearbeiten')),
                ('may_sign', models.BooleanField(default=False, verbose_name='zeichnen und einreichen')),
                ('may_manage', models.BooleanField(default=False, verbose_name='Personen verwalten')),
                ('confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='bestätigt am')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='angelegt')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('confirmed_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='bestätigt von')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='Konto')),
                ('municipality', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='municipalities.municipality', verbose_name='Kommune')),
            ],
            options={
                'verbose_name': 'historical Zugehörigkeit',
                'verbose_name_plural': 'historical Zugehörigkeiten',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='AccountEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True, verbose_name='Zeitpunkt')),
                ('kind', models.CharField(choices=[('signed_in', 'angemeldet'), ('sign_in_failed', 'Anmeldung fehlgeschlagen'), ('signed_out', 'abgemeldet'), ('session_lapsed', 'Sitzung abgelaufen'), ('sessions_ended', 'andere Sitzungen beendet'), ('factor_used', 'zweiten Faktor benutzt'), ('factor_failed', 'zweiter Faktor falsch'), ('factor_added', 'zweiten Faktor eingerichtet'), ('factor_removed', 'zweiten Faktor entfernt'), ('codes_made', 'Wiederherstellungscodes erzeugt'), ('registered', 'registriert'), ('email_confirmed', 'E-Mail-Adresse bestätigt'), ('password_changed', 'Passwort geändert'), ('password_reset', 'Passwort über Link neu gesetzt'), ('account_created', 'Konto angelegt'), ('account_changed', 'Konto geändert'), ('membership_asked', 'Zugehörigkeit angegeben'), ('membership_confirmed', 'Zugehörigkeit bestätigt'), ('membership_refused', 'Zugehörigkeit abgelehnt'), ('membership_changed', 'Rechte geändert'), ('membership_ended', 'Zugehörigkeit beendet'), ('handed_over', 'Verwaltung übergeben'), ('organisation_closed', 'Zugang der Kommune geschlossen'), ('invited', 'eingeladen'), ('invitation_accepted', 'Einladung angenommen'), ('invitation_withdrawn', 'Einladung zurückgezogen'), ('role_asked', 'Rolle vorgeschlagen'), ('role_granted', 'Rolle erteilt'), ('role_refused', 'Rolle nicht erteilt'), ('role_withdrawn', 'Rolle entzogen'), ('role_forbidden', 'Rolle verweigert: nicht zulässig')], max_length=30, verbose_name='Ereignis')),
                ('detail', models.CharField(blank=True, max_length=300, verbose_name='Einzelheiten')),
                ('address', models.GenericIPAddressField(blank=True, null=True, verbose_name='IP-Adresse')),
                ('request_id', models.CharField(blank=True, max_length=36, verbose_name='Kennung des Aufrufs')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='durch')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='Konto')),
                ('municipality', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='municipalities.municipality', verbose_name='Kommune')),
            ],
            options={
                'verbose_name': 'Eintrag im Anmeldeprotokoll',
                'verbose_name_plural': 'Anmeldeprotokoll',
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Population',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateField(verbose_name='Stichtag')),
                ('basis', models.CharField(help_text='etwa „Zensus 2011“ oder „Zensus 2022“', max_length=50, verbose_name='Zensusbasis')),
                ('value', models.PositiveIntegerField(verbose_name='Einwohnerinnen und Einwohner')),
                ('source', models.CharField(default='Statistisches Bundesamt (Destatis), Gemeindeverzeichnis', max_length=200, verbose_name='Quelle')),
                ('imported_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='eingelesen am')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='populations', to='municipalities.municipality')),
            ],
            options={
                'verbose_name': 'Einwohnerzahl',
                'verbose_name_plural': 'Einwohnerzahlen',
                'ordering': ['-as_of', 'basis'],
                'constraints': [models.UniqueConstraint(fields=('municipality', 'as_of', 'basis'), name='population_once_per_day_and_basis', violation_error_message='Für diesen Stichtag und diese Zensusbasis gibt es schon eine Zahl.')],
            },
        ),
        migrations.CreateModel(
            name='RegisterImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='eingelesen am')),
                ('file_name', models.CharField(max_length=255, verbose_name='Datei')),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('territory_as_of', models.DateField(verbose_name='Gebietsstand')),
                ('population_as_of', models.DateField(verbose_name='Stichtag der Einwohnerzahl')),
                ('basis', models.CharField(max_length=50, verbose_name='Zensusbasis')),
                ('created_count', models.PositiveIntegerField(default=0, verbose_name='neu')),
                ('changed_count', models.PositiveIntegerField(default=0, verbose_name='geändert')),
                ('dissolved_count', models.PositiveIntegerField(default=0, verbose_name='aufgelöst')),
                ('figures_count', models.PositiveIntegerField(default=0, verbose_name='neue Zahlen')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='von')),
            ],
            options={
                'verbose_name': 'Einlesen des Gemeindeverzeichnisses',
                'verbose_name_plural': 'Einlesen des Gemeindeverzeichnisses',
                'ordering': ['-at'],
            },
        ),
        migrations.CreateModel(
            name='RoleGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('Lesen', 'Lesen'), ('Revision', 'Revision'), ('Prüfung', 'Prüfung'), ('Schlusszeichnung', 'Schlusszeichnung'), ('Verwaltung', 'Verwaltung'), ('Personen', 'Personen')], max_length=30, verbose_name='Rolle')),
                ('state', models.CharField(choices=[('asked', 'wartet auf die zweite Person'), ('granted', 'erteilt'), ('refused', 'nicht erteilt')], default='asked', max_length=10, verbose_name='Stand')),
                ('asked_at', models.DateTimeField(verbose_name='vorgeschlagen am')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='entschieden am')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='vorgeschlagen von')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='entschieden von')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='role_grants', to=settings.AUTH_USER_MODEL, verbose_name='Konto')),
            ],
            options={
                'verbose_name': 'Vergabe einer Rolle',
                'verbose_name_plural': 'Vergabe von Rollen',
                'ordering': ['-asked_at', '-pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'asked')), fields=('user', 'role'), name='role_grant_asked_once', violation_error_message='Diese Rolle ist für dieses Konto schon vorgeschlagen.'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('state', 'asked')), models.Q(models.Q(('state', 'asked'), _negated=True), ('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='role_grant_decided_at_and_by', violation_error_message='Eine Entscheidung braucht Zeitpunkt und Person.'), models.CheckConstraint(condition=models.Q(models.Q(('user', models.F('asked_by')), _negated=True), models.Q(models.Q(('state', 'granted'), _negated=True), models.Q(models.Q(('decided_by', models.F('asked_by')), _negated=True), models.Q(('decided_by', models.F('user')), _negated=True)), _connector='OR')), name='role_grant_four_eyes', violation_error_message='Eine Rolle schlägt eine Person vor und eine andere erteilt sie, keine davon für sich selbst.')],
            },
        ),
        migrations.RunPython(create_groups, migrations.RunPython.noop),
    ]
