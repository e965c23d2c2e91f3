from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0024_what_the_folder_lacks")]

    operations = [
        migrations.AddField(
            "library",
            "bin_accepted",
            models.BooleanField(default=False, help_text="A person said yes to what goes to the bin now."),
        ),
    ]
