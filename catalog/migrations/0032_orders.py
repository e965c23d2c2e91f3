"""What lists are sorted by: names without case and accents, and when a song failed last."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import catalog.models.tracks
from catalog.text.sort_key import sort_key

BATCH = 5_000


def fill_sort_keys(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    for name, column in (("Artist", "name"), ("Album", "title")):
        model = apps.get_model("catalog", name)
        rows = model.objects.using(alias).order_by("pk").values_list("pk", column)
        last, statement = 0, f"UPDATE {model._meta.db_table} SET sort_key = %s WHERE id = %s"  # noqa: S608  ours
        while batch := list(rows.filter(pk__gt=last)[:BATCH]):
            with schema_editor.connection.cursor() as cursor:
                cursor.executemany(statement, [(sort_key(text), pk) for pk, text in batch])
            last = batch[-1][0]


FILL_FAILED_AT = """
    UPDATE catalog_track SET failed_at = COALESCE(
        (SELECT MAX(at) FROM catalog_event WHERE track_id = catalog_track.id AND kind = 'fail'), added_at
    ) WHERE status = 'missing' AND last_error <> ''
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0031_hosts")]

    operations = [
        migrations.RemoveIndex(model_name="album", name="album_by_title"),
        migrations.AddField(
            model_name="album",
            name="sort_key",
            field=catalog.models.tracks.SortKeyField(db_default="", editable=False, max_length=80, of="title"),
        ),
        migrations.AddField(
            model_name="artist",
            name="sort_key",
            field=catalog.models.tracks.SortKeyField(db_default="", editable=False, max_length=80, of="name"),
        ),
        migrations.AddField(
            model_name="track",
            name="failed_at",
            field=models.DateTimeField(blank=True, help_text="When it failed last; may be long past.", null=True),
        ),
        migrations.RunPython(fill_sort_keys, migrations.RunPython.noop),
        migrations.RunSQL(FILL_FAILED_AT, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="album", index=models.Index(fields=["sort_key", "id"], name="album_by_title")
        ),
        migrations.AddIndex(
            model_name="artist", index=models.Index(fields=["sort_key", "id"], name="artist_by_name")
        ),
        migrations.AddIndex(
            model_name="track",
            index=models.Index(
                condition=models.Q(("status", "missing"), ("wanted", True), models.Q(("last_error", ""), _negated=True)),
                fields=["status", "failed_at", "id"],
                name="track_failed_lately",
            ),
        ),
    ]
