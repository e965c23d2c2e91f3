"""The matcher's version is a number from here on: what was stored before was a digest of its source text.

An installation whose songs were last matched with the matcher that became version 1 has nothing to match again.
"""

from django.db import migrations

DIGEST_OF_VERSION_1 = "05d3547f096b3d7d"


def number_the_matcher(apps, schema_editor):
    toolchain = apps.get_model("downloads", "Toolchain")
    for row in toolchain.objects.using(schema_editor.connection.alias):
        if row.versions.get("matcher") == DIGEST_OF_VERSION_1:
            row.versions["matcher"] = "1"
            row.save(update_fields=["versions"])


class Migration(migrations.Migration):
    dependencies = [("downloads", "0008_standard_model_names")]

    operations = [migrations.RunPython(number_the_matcher, migrations.RunPython.noop)]
