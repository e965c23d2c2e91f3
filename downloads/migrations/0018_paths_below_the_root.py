from django.db import migrations


def make_relative(apps, schema_editor):
    """Absolute until now, below the root that the library's row names."""
    alias = schema_editor.connection.alias
    library = apps.get_model("catalog", "Library").objects.using(alias).first()
    root = f"{library.root_path.rstrip('/')}/" if library and library.root_path else None
    replaced = apps.get_model("downloads", "Replaced").objects.using(alias)
    for row in replaced.filter(path__startswith=root) if root else []:
        row.path = row.path.removeprefix(root)
        row.save(update_fields=["path"])


class Migration(migrations.Migration):
    dependencies = [("catalog", "0035_paths_below_the_root"), ("downloads", "0017_foreign_tags")]

    operations = [migrations.RunPython(make_relative)]
