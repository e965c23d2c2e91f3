from django.db import migrations, models

KINDS = {
    "finish": "downloaded",
    "fail": "failed",
    "vanish": "file gone",
    "restore": "file is back",
    "adopt": "file recognised",
    "recover": "recovered after a crash",
    "retry": "asked to try again",
    "ignore": "not tried any more",
    "want": "wanted again",
    "decide": "decided by a person",
    "move": "file moved",
    "change": "file changed",
}


class Migration(migrations.Migration):
    dependencies = [("catalog", "0037_free_inodes_and_database_runs")]

    operations = [
        migrations.AlterField("event", "kind", models.CharField(choices=list(KINDS.items()), max_length=10)),
    ]
