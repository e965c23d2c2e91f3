from django.db import migrations, models

import catalog.models.hosts


class Migration(migrations.Migration):
    dependencies = [("catalog", "0035_paths_below_the_root")]

    operations = [
        # Found out again, by each host for its own mount, at its next download.
        migrations.RemoveField(model_name="library", name="publish_method"),
        migrations.RemoveField(model_name="library", name="lacks"),
        migrations.AddField("host", "machine", models.CharField(blank=True, default="", help_text="Which machine has this name.", max_length=64)),
        migrations.AddField("host", "storage", models.CharField(blank=True, default="", max_length=10)),
        migrations.AddField("host", "storage_reason", models.TextField(blank=True, default="")),
        migrations.AddField("host", "checked_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("host", "publish_method", models.CharField(blank=True, default="", max_length=12)),
        migrations.AddField("host", "lacks", models.JSONField(blank=True, default=list, help_text="What its mount of the folder was found to lack.")),
        # Written out: on SQLite Django would write a table of millions of events anew.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL("ALTER TABLE catalog_event ADD COLUMN host varchar(20) DEFAULT '' NOT NULL")
            ],
            state_operations=[
                migrations.AddField(
                    "event",
                    "host",
                    models.CharField(blank=True, db_default="", default=catalog.models.hosts.own_name, max_length=20),
                )
            ],
        ),
    ]
