"""Name three models by the field's words. Tables and columns stay: no SQL is run."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("downloads", "0007_what_candidates_say")]

    operations = [
        migrations.AlterModelTable("sound", "downloads_sound"),
        migrations.RenameModel("Sound", "AudioFile"),
        migrations.AlterField(
            "audiofile",
            "track",
            models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="audio_file",
                serialize=False,
                to="catalog.track",
            ),
        ),
        migrations.AlterModelTable("print", "downloads_print"),
        migrations.RenameModel("Print", "FingerprintHash"),
        migrations.AlterField(
            "fingerprinthash",
            "track",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="fingerprint_hashes", to="catalog.track"
            ),
        ),
        migrations.AlterModelTable("pace", "downloads_pace"),
        migrations.RenameModel("Pace", "RateLimitState"),
    ]
