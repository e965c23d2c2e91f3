"""An event for a file that another program has changed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0013_mounts_below_the_root")]

    operations = [
        migrations.AlterField(
            "event",
            "kind",
            models.CharField(
                choices=[
                    ("finish", "downloaded"),
                    ("fail", "failed"),
                    ("vanish", "file gone"),
                    ("restore", "file is back"),
                    ("adopt", "file adopted"),
                    ("recover", "recovered after a crash"),
                    ("retry", "asked to try again"),
                    ("ignore", "ignored"),
                    ("want", "wanted again"),
                    ("decide", "decided by a person"),
                    ("move", "file moved"),
                    ("change", "file changed"),
                ],
                max_length=10,
            ),
        ),
    ]
