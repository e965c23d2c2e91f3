from django.db import migrations, models


def find_out_again(apps, schema_editor):
    """Each host tries at its next download which names its mount takes."""
    apps.get_model("catalog", "Host").objects.using(schema_editor.connection.alias).update(publish_method="")


KINDS = ["sync", "reconcile", "adopt", "import", "check", "backup", "folder", "database"]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0036_what_a_host_sees")]

    operations = [
        migrations.AddField(
            "library",
            "free_inodes",
            models.BigIntegerField(blank=True, help_text="Files that its disk has room for; empty: it tells none.", null=True),
        ),
        migrations.AlterField(
            "run", "kind", models.CharField(choices=[(kind, kind.title()) for kind in KINDS], max_length=10)
        ),
        migrations.RunPython(find_out_again, migrations.RunPython.noop),
    ]
