from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0005_one_index_of_places'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='track',
            name='track_places',
        ),
        migrations.AddIndex(
            model_name='track',
            index=models.Index(fields=['folder', 'file_name', 'size', 'status'], name='track_places'),
        ),
    ]
