from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0004_ledger_mark'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='outboxmail',
            index=models.Index(fields=['created_at'], name='outbox_created'),
        ),
    ]
