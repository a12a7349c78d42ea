from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('applications', '0014_letter_signed'),
    ]

    operations = [
        migrations.AddField(
            model_name='application',
            name='refused_members',
            field=models.JSONField(blank=True, default=list, editable=False, verbose_name='Mitglieder, mit denen das Einreichen abgelehnt wurde'),
        ),
    ]
