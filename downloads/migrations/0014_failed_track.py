

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0025_bin_accepted'),
        ('downloads', '0013_loudness'),
    ]

    operations = [
        migrations.CreateModel(
            name='FailedTrack',
            fields=[
            ],
            options={
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('catalog.track',),
        ),
    ]
