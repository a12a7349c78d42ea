"""Private mails: their text lies sealed in the database, also those that wait already."""

from django.db import migrations, models
from django.db.models import Q

from kiv_portal.sealing import seal


def seal_waiting(apps, schema_editor):
    mails = apps.get_model("portal", "OutboxMail").objects.filter(private=True).exclude(body="")
    for mail in mails.iterator():
        mail.sealed = "" if mail.state == "done" else seal("mail", mail.body)
        mail.body = ""
        mail.save(update_fields=["body", "sealed"])


class Migration(migrations.Migration):

    dependencies = [("portal", "0002_erasures")]

    operations = [
        migrations.AddField(
            model_name="outboxmail",
            name="sealed",
            field=models.TextField(blank=True, default="", verbose_name="Text (verschlüsselt)"),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="outboxmail",
            name="private",
            field=models.BooleanField(
                default=False,
                help_text=(
                    "Der Text wird verschlüsselt aufbewahrt, nie angezeigt und nach dem Versand "
                    "gelöscht."
                ),
                verbose_name="vertraulich",
            ),
        ),
        migrations.RunPython(seal_waiting, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name="outboxmail",
            constraint=models.CheckConstraint(
                condition=Q(private=False, sealed="") | Q(private=True, body=""),
                name="outbox_private_text_is_sealed",
                violation_error_message="Ein vertraulicher Text steht hier nur verschlüsselt.",
            ),
        ),
        migrations.AddConstraint(
            model_name="outboxmail",
            constraint=models.CheckConstraint(
                condition=~Q(state="done") | Q(sealed=""),
                name="outbox_private_text_goes_once_sent",
                violation_error_message="Ein vertraulicher Text bleibt nur bis zum Versand.",
            ),
        ),
    ]
