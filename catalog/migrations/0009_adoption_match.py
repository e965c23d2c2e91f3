"""Name the questions of adopt by what they are. Table and columns stay: no SQL is run."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0008_imports_are_runs")]

    operations = [
        migrations.AlterModelTable("doubt", "catalog_doubt"),
        migrations.RenameModel("Doubt", "AdoptionMatch"),
        migrations.AlterModelOptions("adoptionmatch", {"verbose_name_plural": "adoption matches"}),
        migrations.AlterField(
            "adoptionmatch",
            "track",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="adoption_matches", to="catalog.track"
            ),
        ),
    ]
