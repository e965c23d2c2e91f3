from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0030_timings")]

    operations = [
        migrations.CreateModel(
            name="Host",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("drained", models.BooleanField(default=False)),
            ],
        ),
        # Its rows live as long as a running cluster, and none runs while this does.
        migrations.DeleteModel(name="Cluster"),
        migrations.CreateModel(
            name="Cluster",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(max_length=20)),
                ("queue", models.CharField(max_length=40)),
                ("workers", models.PositiveSmallIntegerField(default=1)),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField(blank=True, null=True)),
                ("reconciled_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("host", "queue"), name="cluster_of_a_host")],
            },
        ),
    ]
