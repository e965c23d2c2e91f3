"""Files that vanish are looked for by default; the setting is the way out."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def switch_on(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    libraries = apps.get_model("catalog", "Library").objects.using(schema_editor.connection.alias)
    libraries.update(find_moved=True)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0011_api_tokens")]

    operations = [
        migrations.RenameField("library", "always_relink", "find_moved"),
        migrations.AlterField(
            "library",
            "find_moved",
            models.BooleanField(default=True, help_text="Look for files that vanish among those of no song."),
        ),
        migrations.RunPython(switch_on, migrations.RunPython.noop),
    ]
