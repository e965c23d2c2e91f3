"""Remember the drives that are mounted below the root of the music folder."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0012_find_moved_files")]

    operations = [
        migrations.AddField(
            "library",
            "mounts",
            models.JSONField(blank=True, default=list, help_text="Mounts below the root that hold files of ours."),
        ),
    ]
