from django.db import migrations, models

# Absolute until now. Every row with a place has its folder and its name (`track_place_is_whole`).
RELATIVE = """
UPDATE catalog_track SET local_path = (
    SELECT CASE WHEN folder.path = '' THEN '' ELSE folder.path || '/' END
    FROM catalog_folder AS folder WHERE folder.id = catalog_track.folder_id
) || file_name WHERE folder_id IS NOT NULL
"""


def drop_index_of_beginnings(apps, schema_editor):
    """Django adds it on PostgreSQL to a unique text, for LIKE. No query has one; every change of a row wrote it."""
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        constraints = schema_editor.connection.introspection.get_constraints(cursor, "catalog_track")
    for name, about in constraints.items():
        if name.endswith("_like") and about["columns"] == ["spotify_id"]:
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0034_history")]

    operations = [
        migrations.RunPython(drop_index_of_beginnings, migrations.RunPython.noop),
        migrations.RunSQL(RELATIVE),
        migrations.AlterField(
            model_name="run",
            name="kind",
            field=models.CharField(
                choices=[
                    ("sync", "Sync"),
                    ("reconcile", "Reconcile"),
                    ("adopt", "Adopt"),
                    ("import", "Import"),
                    ("check", "Check"),
                    ("backup", "Backup"),
                    ("folder", "Folder"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="library",
            name="root_path",
            field=models.TextField(blank=True, default="", help_text="Where it was seen last."),
        ),
    ]
