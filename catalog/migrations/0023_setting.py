from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0022_what_tags_say")]

    operations = [
        migrations.CreateModel(
            "Setting",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("value", models.TextField()),
            ],
        ),
    ]
