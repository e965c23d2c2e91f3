from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("downloads", "0010_give_back_recordings_a_site_was_ill_for")]

    operations = [
        migrations.AddField(
            "candidate",
            "fingerprint",
            models.BinaryField(default=b"", help_text="Of its audio, once it was fetched; may be empty."),
        ),
    ]
