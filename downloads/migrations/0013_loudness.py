from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("downloads", "0012_written_tags")]

    operations = [
        migrations.AddField(
            "audiofile",
            "loudness",
            models.FloatField(blank=True, help_text="LUFS, integrated (EBU R128).", null=True),
        ),
        migrations.AddField(
            "audiofile",
            "heard_at",
            models.DateTimeField(blank=True, help_text="When fingerprint and loudness were measured.", null=True),
        ),
        migrations.AddIndex(
            "audiofile",
            models.Index(fields=["track"], name="sound_unheard", condition=Q(heard_at__isnull=True)),
        ),
    ]
