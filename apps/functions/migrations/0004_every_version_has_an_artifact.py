import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('functions', '0003_told'),
    ]

    operations = [
        migrations.AlterField(
            model_name='functionversion',
            name='artifact',
            field=models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='+', to='functions.artifact'),
        ),
    ]
