"""The plan that a person accepts before anything is fetched. A library that has fetched before is not asked."""

from typing import Any

from django.db import migrations, models


def accept_where_it_has_fetched(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    tracks = apps.get_model("catalog", "Track").objects.using(alias)
    tried = tracks.exclude(local_path="").exists() or tracks.filter(attempts__gt=0).exists()
    if tried or tracks.filter(status__in=["downloading", "downloaded"]).exists():
        last = tracks.order_by("-pk").values_list("pk", flat=True).first()
        apps.get_model("catalog", "Library").objects.using(alias).filter(pk=1).update(accepted_up_to=last)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0018_better_files")]

    operations = [
        migrations.AddField(
            "library",
            "accepted_up_to",
            models.BigIntegerField(
                blank=True,
                help_text="Songs up to this id stood in a plan that was accepted; empty: none was.",
                null=True,
            ),
        ),
        migrations.RunPython(accept_where_it_has_fetched, migrations.RunPython.noop),
    ]
